//! A connector that is there and equal is in sync from the first cycle, and nothing distinguishes it from one that an
//! agent made.

use anyhow::Result;
use serde_json::Value;
use tagalong_testkit::fake::{Fake, Request};

use crate::support::agent::Agent;
use crate::support::cluster::{preload, writes};
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::seen::seen;

const NAMES: [&str; 3] = ["orders", "payments", "users"];

/// What was asked of Connect that is no read and no question who leads.
fn acts(fake: &Fake) -> Vec<(String, String, String)> {
    let acts = |request: &Request| request.method != "GET" && !request.path.contains("tagalong-probe-");
    fake.requests()
        .into_iter()
        .filter(acts)
        .map(|Request { method, path, body, .. }| (method, path, body))
        .collect()
}

#[tokio::test]
async fn what_was_there_and_equal_is_adopted_without_a_write_and_is_like_what_an_agent_made() -> Result<()> {
    let files: Vec<_> = NAMES.iter().map(|name| (file_of(name), file_source(name, ""))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut definitions = Definitions::new(&files).await?;
    let (adopted, made) = (Fake::start(1).await, Fake::start(1).await);
    for name in NAMES {
        preload(&adopted, name);
    }
    let start = async |fake: &Fake| -> Result<Agent> {
        let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
        agent.wait_for_applied(&definitions.released()?).await?;
        Ok(agent)
    };
    let (adopts, makes) = (start(&adopted).await?, start(&made).await?);
    let synced = |agent: &Agent| {
        let log = agent.log();
        log.lines().filter(|line| line.contains("took a step")).count()
    };
    assert_eq!((writes(&adopted), acts(&adopted), synced(&adopts)), (vec![], vec![], 0), "not one write");
    assert_eq!(synced(&makes), NAMES.len(), "the other one made them");
    assert_eq!(seen(&adopts).await?, seen(&makes).await?);
    let config = |fake: &Fake| NAMES.map(|name| fake.connector(name).map(|one| one.config));
    assert_eq!(config(&adopted), config(&made));

    made.forget();
    adopted.forget();
    definitions.release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))])?;
    for agent in [&adopts, &makes] {
        agent.wait_for_applied(&definitions.released()?).await?;
    }
    assert_eq!(acts(&adopted).len(), 1, "{:?}", acts(&adopted));
    assert_eq!((acts(&adopted), config(&adopted)), (acts(&made), config(&made)));
    assert_eq!(seen(&adopts).await?, seen(&makes).await?);
    Ok(())
}

/// At an interval of ten minutes there is one cycle only.
#[tokio::test]
async fn an_adopted_connector_is_in_sync_from_the_first_cycle() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    preload(&fake, "orders");
    let settings = definitions.settings(&fake.url(0)).replace("interval: 1s", "interval: 10m");
    let agent = Agent::start(&settings).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let looks = fake.requests().iter().filter(|request| request.query.contains("expand=")).count();
    assert_eq!(looks, 1, "{:?}", fake.requests());
    let connector = &agent.status().await?["connectors"][0];
    assert_eq!(
        (&connector["sync"], &connector["drift_since"]),
        (&"synced".into(), &Value::Null),
        "{connector}"
    );
    Ok(())
}
