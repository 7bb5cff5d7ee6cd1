//! What takes its time: a database that is not there yet, and tasks that no worker has.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tagalong_testkit::fake::state::{Timing, WriteKind};
use tagalong_testkit::fake::{Fake, Options};

use crate::support::agent::{Agent, wait};
use crate::support::cluster::{preload, writes};
use crate::support::definitions::Definitions;

const AWAY: &str = "Error while validating connector config: FATAL: database \"orders\" does not exist";

/// How long a database may be away.
const READY: Duration = Duration::from_secs(8);

async fn connector(agent: &Agent) -> Result<Value> {
    let status = agent.status().await?;
    Ok(status["connectors"][0].clone())
}

#[tokio::test]
async fn a_database_that_is_away_for_too_long_is_told_once_as_a_failure_and_waited_for_all_the_same()
-> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    fake.refuse("orders", AWAY);
    let settings = definitions.settings(&fake.url(0));
    let ready = format!("ready_deadline: {}s, change_deadline:", READY.as_secs());
    let agent = Agent::start(&settings.replace("change_deadline:", &ready)).await?;

    let waits = "tagalong_connector_waiting{connector=\"orders\"}";
    let failed = "tagalong_connector_last_apply_failed{connector=\"orders\"}";
    agent.wait_for_metric(waits, 1.0).await?;
    let one = connector(&agent).await?;
    let since: jiff::Timestamp = one["waiting_since"].as_str().context("since when")?.parse()?;
    assert_eq!(one["waiting"], "waiting", "{one}");
    agent.wait_for_metric(failed, 1.0).await?;
    let waited = jiff::Timestamp::now().duration_since(since);
    ensure!(waited >= jiff::SignedDuration::try_from(READY)?, "not before its time: {waited:#}");
    assert_eq!(agent.metric(waits).await?, Some(1.0));
    let one = connector(&agent).await?;
    assert_eq!((&one["waiting"], &one["failed"]), (&"waiting".into(), &"waiting".into()), "{one}");
    assert_eq!(one["waiting_since"].as_str().context("since when")?.parse::<jiff::Timestamp>()?, since);

    fake.accept("orders");
    agent.wait_for_applied(&definitions.released()?).await?;
    agent.wait_for_metric(failed, 0.0).await?;
    agent.wait_for_metric(waits, 0.0).await?;
    let told = |text: &str| agent.log().matches(text).count();
    assert_eq!(told("longer than connect.ready_deadline"), 1, "{}", agent.log());
    assert_eq!(told("waits for its database no longer"), 1, "{}", agent.log());
    Ok(())
}

#[tokio::test]
async fn tasks_that_no_worker_has_for_long_are_no_failure_and_are_left_alone() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    preload(&fake, "orders");
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.strand("orders");
    let seen = || async { Ok(connector(&agent).await?["tasks"][0]["state"] == "unassigned") };
    wait("the agent sees it", seen).await?;
    let cycles = "tagalong_repository_polls_total{outcome=\"noop\",repository=\"main\"}";
    let now = agent.metric(cycles).await?.context("polls")?;
    agent.wait_for_metric_from(cycles, now + 4.0).await?;
    let one = connector(&agent).await?;
    assert_eq!((&one["failed"], &one["sync"]), (&Value::Null, &"synced".into()), "{one}");
    fake.take_in("orders");
    let runs = || async { Ok(connector(&agent).await?["tasks"][0]["state"] == "running") };
    wait("the agent sees that one has", runs).await?;
    assert_eq!(writes(&fake), [], "nothing was restarted");
    Ok(())
}

#[tokio::test]
async fn tasks_that_no_worker_has_at_the_deadline_leave_the_step_pending_and_nothing_is_sent_again()
-> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let timing = Timing { settle: Duration::from_secs(12), ..Timing::default() };
    let fake = Fake::with(Options { timing, ..Options::default() }).await;
    let agent = Agent::start(&definitions.settings_within(&fake.url(0), "3s")).await?;
    let pending = || async { Ok(agent.log().contains("\"outcome\":\"pending\"")) };
    wait("it is not seen to run in time", pending).await?;
    assert_eq!(connector(&agent).await?["failed"], Value::Null);
    let runs = || async { Ok(connector(&agent).await?["tasks"][0]["state"] == "running") };
    wait("it runs", runs).await.with_context(|| agent.log())?;
    assert_eq!(writes(&fake), [("orders".to_owned(), WriteKind::Create)]);
    Ok(())
}

#[tokio::test]
async fn steps_that_are_not_due_are_not_counted() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    fake.refuse("orders", AWAY);
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_metric_from("tagalong_cycle_duration_seconds_count", 6.0).await?;
    let counted = |outcome: &str| format!("tagalong_steps_total{{outcome=\"{outcome}\",step=\"create\"}}");
    let waited = agent.metric(&counted("waiting")).await?.context("it is counted")?;
    let sent = fake.requests().iter().filter(|one| one.method == "POST").count();
    ensure!(
        (1.0..=f64::from(u32::try_from(sent)?)).contains(&waited),
        "{waited} were counted, {sent} were sent"
    );
    assert_eq!(agent.metric(&counted("not-taken")).await?, None);
    Ok(())
}
