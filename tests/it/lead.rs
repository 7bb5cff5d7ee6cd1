//! What is no sign that another one leads, such as a read that fails, and what is one that another one may have led.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::{State, Target, WriteKind};
use tagalong_testkit::fake::{Fake, Phase};

use crate::support::agent::{Agent, wait};
use crate::support::cluster::{preload, writes};
use crate::support::definitions::{Definitions, file_of, file_source};

#[tokio::test]
async fn a_read_that_fails_does_not_have_the_repository_asked_again() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let settings = |fake: &Fake| definitions.settings(&fake.url(0)).replace("interval: 1s", "interval: 10m");
    let read = || Fault::on("GET", "/connectors?expand").times(3);
    for fault in [
        read().answer(500, "something"),
        read().answer(500, "Request cannot be completed because a rebalance is expected"),
        read().answer(409, "Cannot complete request momentarily due to stale configuration"),
        read().break_off(),
    ] {
        let fake = Fake::start(1).await;
        fake.inject(fault.clone());
        let agent = Agent::start(&settings(&fake)).await?;
        agent.wait_for_applied(&definitions.released()?).await?;
        let reads = fake.requests().iter().filter(|one| one.query.contains("expand")).count();
        ensure!(reads > 3, "each of them failed: {reads}");
        // Once when it began and once when its worker was seen to lead.
        assert_eq!(polls(&agent).await?, 2, "{fault:?}");
    }
    Ok(())
}

/// How often the repository was asked.
async fn polls(agent: &Agent) -> Result<u32> {
    let mut polls = 0;
    for outcome in ["success", "noop", "error"] {
        let series = format!("tagalong_repository_polls_total{{outcome=\"{outcome}\",repository=\"main\"}}");
        let counted = agent.metric(&series).await?.context("polls are counted")?;
        polls += format!("{counted}").parse::<u32>()?;
    }
    Ok(polls)
}

/// How often an agent said that its worker leads.
fn gained(agent: &Agent) -> usize {
    agent.log().matches("the worker beside leads\"").count()
}

/// The worker may have lost its lead and got it back where this becomes of the first of two changes: who leads and
/// the repository are asked before the second one is sent.
async fn is_asked_anew(fault: Fault) -> Result<()> {
    let files = ["a", "b"].map(|name| (file_of(name), file_source(name, "  batch.size: 7\n")));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    preload(&fake, "a");
    preload(&fake, "b");
    fake.inject(fault);
    let settings = definitions.settings(&fake.url(0)).replace("interval: 1s", "interval: 10m");
    let agent = Agent::start(&settings).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let requests = fake.requests();
    let asked: Vec<_> = requests.iter().filter(|one| ["PUT", "DELETE"].contains(&&*one.method)).collect();
    let first = asked.iter().position(|one| one.method == "PUT").context("a change")?;
    ensure!(asked[first].path.contains("/a/") && asked[first + 1].method == "DELETE", "{asked:#?}");
    assert_eq!((gained(&agent), polls(&agent).await?), (2, 3), "{}", agent.log());
    Ok(())
}

#[tokio::test]
async fn a_worker_that_started_anew_between_two_steps_is_asked_before_the_second_one() -> Result<()> {
    let put = || Fault::on("PUT", "/connectors/a/config");
    is_asked_anew(put().raw(404, "text/html", "<html><body>Not Found</body></html>")).await
}

#[tokio::test]
async fn a_worker_that_was_silent_for_long_between_two_steps_is_asked_before_the_second_one() -> Result<()> {
    // Longer than another worker takes to lead.
    let silence = Duration::from_secs(16);
    is_asked_anew(Fault::on("PUT", "/connectors/a/config").delay(silence).break_off()).await
}

#[tokio::test]
async fn a_step_before_which_nobody_could_say_who_leads_was_not_taken_and_is_in_no_audit() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    preload(&fake, "orders");
    fake.turn("orders", Target::Paused);
    let paused = async || Ok(fake.connector("orders").is_some_and(|one| one.state == State::Paused));
    wait("it is paused", paused).await?;
    // Who leads is asked when the agent begins, when it has asked the repository again, and before the resume.
    fake.inject(Fault::on("DELETE", "probe").times(2));
    fake.inject(Fault::on("DELETE", "probe").answer(500, "something"));
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(writes(&fake), [("orders".to_owned(), WriteKind::Resume)]);
    let log = agent.log();
    ensure!(log.contains("could not ask who leads before a step"), "{log}");
    let audit: Vec<_> = log.lines().filter(|line| line.contains("took a step")).collect();
    ensure!(matches!(audit.as_slice(), [one] if one.contains("\"outcome\":\"converged\"")), "{audit:#?}");
    let failed = "tagalong_steps_total{outcome=\"failed\",step=\"resume\"}";
    assert_eq!(agent.metric(failed).await?, Some(0.0));
    Ok(())
}

#[tokio::test]
async fn a_worker_that_started_anew_has_the_repository_asked_again() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(gained(&agent), 1, "{}", agent.log());
    fake.phase(0, Phase::Booting).await;
    wait("it is told", async || Ok(agent.log().contains("the worker is still starting"))).await?;
    fake.phase(0, Phase::Ready).await;
    wait("it is as if the lead were new", async || Ok(gained(&agent) == 2)).await
}
