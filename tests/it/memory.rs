//! What an agent at rest keeps in memory.

use anyhow::Result;
use tagalong_testkit::fake::Fake;

use crate::support::agent::Agent;
use crate::support::definitions::{Definitions, file_of, file_source};

const CONNECTORS: usize = 200;

/// In MB. The debug binary is larger by its code than the released one, which is measured by `cargo bench --bench agent`;
/// it was at 24 when this was written.
const MOST: f64 = 32.0;

const NOOPS: &str = "tagalong_repository_polls_total{outcome=\"noop\",repository=\"main\"}";

#[tokio::test]
async fn an_agent_at_rest_is_small_and_does_not_grow() -> Result<()> {
    let names: Vec<_> = (0..CONNECTORS).map(|number| format!("c{number:03}")).collect();
    let files: Vec<_> = names.iter().map(|name| (file_of(name), file_source(name, ""))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    agent.wait_for_metric_from(NOOPS, 5.0).await?;
    let (before, _) = agent.memory()?;
    agent.wait_for_metric_from(NOOPS, 20.0).await?;
    let (now, _) = agent.memory()?;
    assert!(now < MOST, "{now} MB");
    assert!(now - before < 2.0, "{before} MB after 5 quiet intervals, {now} MB after 20");
    agent.end().await.map(drop)
}
