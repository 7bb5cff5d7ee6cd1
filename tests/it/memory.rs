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
use crate::support::process::{children, descriptors};

const CONNECTORS: usize = 200;

/// In MB, without the pages of the program: the debug binary has 27 MB of them. What the released one takes in all is
/// measured by `cargo bench --bench agent`. It was at 6 when this was written.
const MOST: f64 = 12.0;

const NOOPS: &str = "tagalong_repository_polls_total{outcome=\"noop\",repository=\"main\"}";

#[tokio::test]
async fn an_agent_at_rest_is_small_and_does_not_grow() -> Result<()> {
    let names: Vec<_> = (0..CONNECTORS).map(|number| format!("c{number:03}")).collect();
    let files: Vec<_> = names.iter().map(|name| (file_of(name), file_source(name, ""))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?.patient(Duration::from_mins(2));
    agent.wait_for_applied(&definitions.released()?).await?;
    agent.wait_for_metric_from(NOOPS, 5.0).await?;
    let before = agent.held()?;
    agent.wait_for_metric_from(NOOPS, 20.0).await?;
    let now = agent.held()?;
    assert!(now < MOST, "{now} MB");
    assert!(now - before < 2.0, "{before} MB after 5 quiet intervals, {now} MB after 20");
    agent.end().await.map(drop)
}

/// How many repositories are polled at once, each once a second.
const IMPORTS: usize = 24;

/// Polls so many times; says what the agent holds after each quarter, and sees that it is no more than after the first.
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
    let held = || anyhow::Ok((agent.held()?, descriptors(agent.pid())?));
    // A busy machine may have made the first looks too slow.
    let errors = "tagalong_repository_polls_total{outcome=\"error\",repository=\"main\"}";
    let (begin, failed) = (server.requests(), agent.metric(errors).await?);
    let patience = Duration::from_secs(60 + u64::try_from(count)? / 8);
    let reach = async |more: usize| {
        let reached = || async { Ok(server.requests() - begin >= more) };
        wait_within(patience, &format!("{more} polls"), reached).await.with_context(|| agent.log())
    };
    let mut before = None;
    for quarter in 1..=4 {
        reach(count * quarter / 4).await?;
        let (memory, open) = held()?;
        let running = children(agent.pid()).len();
        println!("{} polls: {memory:.1} MB, {open} descriptors, {running} children", count * quarter / 4);
        assert_eq!(running, 0, "no child, alive or dead");
        let (first, was) = *before.get_or_insert((memory, open));
        assert!(memory - first < 3.0, "memory: {first} MB, {memory} MB");
        // Those that are being asked have one each.
        let closed = || async { Ok(descriptors(agent.pid())? <= was + 4) };
        wait_within(patience, &format!("of {open} descriptors {was} are left"), closed).await?;
    }
    assert_eq!(agent.metric(errors).await?, failed, "{}", agent.log());
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
