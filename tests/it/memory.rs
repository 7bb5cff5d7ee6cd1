//! What an agent at rest keeps in memory.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong_testkit::fake::Fake;
use tagalong_testkit::git::hostile::{Act, Hostile, Phase};
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo_http::RESULT;
use crate::repo_wire::{head, packet};
use crate::support::agent::{Agent, wait_within};
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::process::descriptors;

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

/// How many repositories are polled at once, each once a second.
const IMPORTS: usize = 24;

/// Polls so many times, after a quarter of them to warm up; says what the agent held then and at the end.
#[expect(clippy::print_stdout, reason = "the figures are what a report wants")]
async fn polls(count: usize) -> Result<()> {
    let imports: String = (0..IMPORTS).fold("version: 1\nimports:\n".to_owned(), |mut text, n| {
        writeln!(text, "  - {{name: p{n}, git: 'URL', ref: {{tag: v1}}}}").expect("text");
        text
    });
    let mut definitions = Definitions::one("orders", "").await?;
    let server = Hostile::http(definitions.http.address()).await?;
    let url = format!("http://{}/{}", server.address(), Origin::NAME);
    let template = "template: t\nconfig: {connector.class: X}\n";
    let commit = definitions
        .release(&[("tagalong.yaml", &imports.replace("URL", &url)), ("templates/t.yaml", template)])?;
    let tag = definitions.origin.id("refs/tags/v1")?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0)).replace(&definitions.url(), &url)).await?;
    let agent = agent.patient(Duration::from_mins(2));
    agent.wait_for_applied(&commit).await?;
    // What git would say, without a process for each poll.
    let line = packet(format!("{tag} refs/tags/v1 peeled:{commit}\n").as_bytes());
    server.turn(&[Phase::Question], &[Act::Send([head(RESULT), line, b"0000".to_vec()].concat())]);
    let held = || anyhow::Ok((agent.memory()?.0, descriptors(agent.pid())?));
    let begin = server.requests();
    let patience = Duration::from_secs(60 + u64::try_from(count)? / 8);
    let reach = async |more: usize| {
        let reached = || async { Ok(server.requests() - begin >= more) };
        wait_within(patience, &format!("{more} polls"), reached).await.with_context(|| agent.log())
    };
    reach(count / 4).await?;
    let before = held()?;
    reach(count).await?;
    let now = held()?;
    println!(
        "{count} polls: {:.1} MB and {} descriptors, then {:.1} MB and {}",
        before.0, before.1, now.0, now.1
    );
    let failed =
        agent.metric("tagalong_repository_polls_total{outcome=\"error\",repository=\"main\"}").await?;
    assert_eq!(failed, Some(0.0), "{}", agent.log());
    assert!(now.0 - before.0 < 3.0, "memory: {before:?}, {now:?}");
    assert!(now.1 <= before.1 + 4, "descriptors: {before:?}, {now:?}");
    agent.end().await.map(drop)
}

#[tokio::test]
async fn five_hundred_polls_leave_nothing_behind() -> Result<()> {
    polls(500).await
}

#[tokio::test]
#[ignore = "long: ten thousand polls of a running agent, ten minutes"]
async fn ten_thousand_polls_leave_nothing_behind() -> Result<()> {
    polls(10_000).await
}
