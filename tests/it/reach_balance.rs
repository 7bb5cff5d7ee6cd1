//! `connect.writer: forwarded`: one agent before a load balancer. A worker behind it that has not read its list yet
//! says that there are no connectors.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::{Fake, Phase};
use tagalong_testkit::proxy::{Proxy, Recorded};
use tokio::time::sleep;

use crate::support::agent::{Agent, SOON, wait_within};
use crate::support::cluster::preload;
use crate::support::definitions::{Definitions, file_of, file_source};

/// The rest before an empty list is believed, and some more.
const PATIENCE: Duration = SOON.saturating_mul(2);

/// What was asked for that would change something, in order: `POST orders`, `DELETE old`.
fn asked(proxy: &Proxy) -> Vec<String> {
    proxy.writes().iter().map(told).collect()
}

fn told(request: &Recorded) -> String {
    let body = request.json();
    let name = body["name"].as_str().or_else(|| request.path.split(['/', '?']).nth(2));
    format!("{} {}", request.method, name.unwrap_or_default())
}

/// Two connectors that are there, one that is to go, and one that is new.
async fn definitions() -> Result<(Definitions, Fake)> {
    let fake = Fake::start(2).await;
    for name in ["one", "two", "old"] {
        preload(&fake, name);
    }
    let mut files: Vec<_> = ["one", "two", "new"].map(|name| (file_of(name), file_source(name, ""))).into();
    files.push((file_of("old"), "connector: old\nstate: absent\n".to_owned()));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Ok((Definitions::new(&files).await?, fake))
}

fn forwarded(definitions: &Definitions, proxy: &Proxy) -> String {
    definitions.settings(&proxy.url()).replace("connect: {", "connect: {writer: forwarded, ")
}

#[tokio::test]
async fn an_empty_list_behind_a_load_balancer_is_looked_at_twice_before_anything_is_created() -> Result<()> {
    let (definitions, fake) = definitions().await?;
    fake.phase(1, Phase::Reading).await;
    // The first worker says that it is well, the second one answers both reads.
    let proxy = Proxy::balance(&[&fake.url(0), &fake.url(1), &fake.url(1)]).await?;
    let agent = Agent::start(&forwarded(&definitions, &proxy)).await?.patient(PATIENCE);
    let looked = || async { Ok(agent.log().contains("looking again before anything is created")) };
    wait_within(PATIENCE, "the first look is doubted", looked).await.with_context(|| agent.log())?;
    fake.phase(1, Phase::Ready).await;
    agent.wait_for_applied(&definitions.released()?).await?;
    // What is to go goes in the next cycle, although deletions come first in each.
    assert_eq!(asked(&proxy), ["POST new", "PUT old", "DELETE old"], "{}", agent.log());
    let recorded = proxy.recorded();
    let at = |wanted: fn(&Recorded) -> bool| recorded.iter().find(|one| wanted(one)).map(|one| one.at);
    let read = at(|one| one.path == "/connectors").context("a list is read")?;
    let written = at(Recorded::is_write).context("something is written")?;
    assert!(written >= read + Duration::from_secs(10), "{read:?} {written:?}");
    Ok(())
}

#[tokio::test]
async fn a_list_that_shrank_behind_a_load_balancer_creates_nothing_that_is_there() -> Result<()> {
    let (mut definitions, fake) = definitions().await?;
    let proxy = Proxy::balance(&[&fake.url(0), &fake.url(1)]).await?;
    let token = tempfile::NamedTempFile::new()?;
    std::fs::write(token.path(), "a word that nobody guesses")?;
    // It looks only when it is told to: no other look may use up what is injected.
    let settings = forwarded(&definitions, &proxy).replace("interval: 1s", "interval: 1h");
    let variables = [("TAGALONG_HTTP__TOKEN_FILE", &*token.path().to_string_lossy())];
    let agent = Agent::start_with(&settings, &variables).await?.patient(PATIENCE);
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(asked(&proxy), ["PUT old", "DELETE old", "POST new"]);
    agent.looks(token.path()).await?;
    proxy.clear();
    // One look through a worker that has just been started.
    fake.inject(Fault::on("GET", "expand").raw(200, "application/json", "{}"));
    fake.inject(Fault::on("GET", "/connectors").alone().raw(200, "application/json", "[]"));
    let absent = "connector: two\nstate: absent\n".to_owned();
    let commit =
        definitions.release(&[(&file_of("two"), &absent), (&file_of("more"), &file_source("more", ""))])?;
    agent.looks(token.path()).await?;
    assert_eq!(asked(&proxy), ["POST more"], "{}", agent.log());
    agent.looks(token.path()).await?;
    assert_eq!(asked(&proxy), ["POST more", "PUT two", "DELETE two"], "{}", agent.log());
    agent.wait_for_applied(&commit).await?;
    Ok(())
}

#[tokio::test]
async fn the_requests_of_one_agent_spread_over_both_workers_and_nothing_is_asked_twice() -> Result<()> {
    let (mut definitions, fake) = definitions().await?;
    let proxy = Proxy::balance(&[&fake.url(0), &fake.url(1)]).await?;
    let agent = Agent::start(&forwarded(&definitions, &proxy)).await?.patient(PATIENCE);
    agent.wait_for_applied(&definitions.released()?).await?;
    let text = file_source("one", "  batch.size: 7\n") + "state: paused\n";
    let commit = definitions.release(&[(&file_of("one"), &text)])?;
    agent.wait_for_applied(&commit).await?;
    // An agent that has more to write shows within some intervals.
    sleep(Duration::from_secs(3)).await;
    assert_eq!(asked(&proxy), ["PUT old", "DELETE old", "POST new", "PUT one", "PUT one"], "{}", agent.log());
    let recorded = proxy.recorded();
    let second = recorded.iter().filter(|one| one.target == 1).count();
    assert!(recorded.len().abs_diff(2 * second) <= 1, "{second} of {}", recorded.len());
    Ok(())
}
