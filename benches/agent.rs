//! What the agent costs at rest, and how long a release takes. The promise is less than 20 MB with 200 connectors.
//!
//! The real binary, in front of a cluster in memory and a real git server. `cargo bench --bench agent` takes six minutes
//! and prints the table of `docs/operations/measured.md`.
#![expect(clippy::print_stdout, reason = "a measurement is told on stdout")]

#[expect(dead_code, reason = "the stories need more of it")]
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong_testkit::fake::Fake;
use tokio::time::{Instant, sleep};

use crate::support::agent::Agent;
use crate::support::definitions::{Definitions, file_of, file_source};

const CONNECTORS: usize = 200;

/// Quiet intervals before each look at the memory.
const CYCLES: [f64; 5] = [10.0, 60.0, 120.0, 180.0, 300.0];

const RELEASES: usize = 20;

const NOOPS: &str = "tagalong_repository_polls_total{outcome=\"noop\",repository=\"main\"}";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let files: Vec<_> = (0..CONNECTORS)
        .map(|number| format!("c{number:03}"))
        .map(|name| (file_of(&name), file_source(&name, "")))
        .collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?.patient(Duration::from_mins(10));
    say("| what | value |\n|---|---|");
    agent.wait_for_applied(&definitions.released()?).await?;
    for cycles in CYCLES {
        while agent.metric(NOOPS).await?.is_some_and(|polls| polls < cycles) {
            sleep(Duration::from_millis(500)).await;
            fake.forget();
        }
        say(&format!(
            "| resident memory with {CONNECTORS} connectors after {cycles} quiet intervals | {} |",
            memory(&agent)?
        ));
    }
    poll(&definitions, &agent).await?;
    release(&mut definitions, &agent).await?;
    say(&format!("| resident memory after {RELEASES} releases more | {} |", memory(&agent)?));
    agent.end().await.map(drop)
}

/// The bytes on the wire of one poll of an unchanged tag.
async fn poll(definitions: &Definitions, agent: &Agent) -> Result<()> {
    definitions.http.clear();
    let polls = agent.metric(NOOPS).await?.context("polls are counted")?;
    agent.wait_for_metric(NOOPS, polls + 2.0).await?;
    let exchange = definitions.http.exchanges().first().cloned().context("a listing")?;
    say(&format!(
        "| poll of an unchanged tag: {} requests | {} bytes of body sent, {} received |",
        definitions.http.exchanges().len() / 2,
        exchange.sent,
        exchange.received
    ));
    Ok(())
}

/// From moving the tag until the agent has seen that the cluster equals the release.
async fn release(definitions: &mut Definitions, agent: &Agent) -> Result<()> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut took = Vec::new();
    for number in 0..RELEASES {
        sleep(Duration::from_millis(random.u64(1000..2000))).await;
        let text = file_source("c000", &format!("  batch.size: {number}\n"));
        let commit = definitions.release(&[(&file_of("c000"), &text)])?;
        let moved = Instant::now();
        agent.wait_for_applied(&commit).await?;
        took.push(moved.elapsed());
    }
    took.sort();
    say(&format!(
        "| from moving the tag to the applied config at `interval: 1s`, {RELEASES} times | median {:.2?}, {:.2?} to {:.2?} |",
        took[RELEASES / 2],
        took[0],
        took[RELEASES - 1]
    ));
    Ok(())
}

fn memory(agent: &Agent) -> Result<String> {
    let (now, highest) = agent.memory()?;
    Ok(format!("{now:.1} MB (highest {highest:.1} MB)"))
}

fn say(text: &str) {
    println!("{text}");
}
