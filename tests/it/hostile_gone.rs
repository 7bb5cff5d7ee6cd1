//! A hostile world: the worker beside goes in the middle of a plan, hangs or starts anew, and what the agent makes of it.

use std::time::Duration;

use anyhow::Result;
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::Timing;
use tagalong_testkit::fake::{Fake, Options, Phase};
use tokio::time::{Instant, sleep};

use crate::support::agent::{Agent, wait};
use crate::support::cluster::{preload, writes};
use crate::support::definitions::{Definitions, file_of, file_source};

#[tokio::test]
async fn a_worker_that_is_gone_in_the_middle_of_a_plan_is_sent_nothing_more_and_nothing_old_is_told()
-> Result<()> {
    let names: Vec<_> = (0..40).map(|n| format!("c{n:02}")).collect();
    let files: Vec<_> = names.iter().map(|name| (file_of(name), file_source(name, ""))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    fake.inject(Fault::on("POST", "/connectors").delay(Duration::from_millis(500)).always());
    let agent = Agent::start(&definitions.settings_within(&fake.url(0), "60s")).await?;
    wait("some are made", || async { Ok(fake.names().len() >= 8) }).await?;
    fake.clear_faults();
    // As a proxy beside the worker says it.
    fake.inject(Fault::on("*", "/").raw(502, "text/plain", "").always());
    agent.wait_for_metric("tagalong_connect_reachable", 0.0).await?;
    assert_eq!(agent.metric("tagalong_leader").await?, None, "nobody knows");
    assert_eq!(agent.metric("tagalong_connectors{sync=\"missing\"}").await?, Some(0.0));
    let posts = fake.requests().iter().filter(|one| one.method == "POST").count();
    assert!(posts <= 24, "{posts}: those under way, and no more than were begun before it was seen");
    fake.clear_faults();
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(writes(&fake).len(), 40, "each once");
    Ok(())
}

#[tokio::test]
async fn a_worker_that_goes_while_a_step_is_waited_for_ends_the_wait() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let timing = Timing { settle: Duration::from_mins(10), ..Timing::default() };
    let fake = Fake::with(Options { workers: 2, timing, ..Options::default() }).await;
    let agent = Agent::start(&definitions.settings_within(&fake.url(0), "10m")).await?;
    wait("it is made", || async { Ok(!fake.writes().is_empty()) }).await?;
    fake.phase(0, Phase::Down).await;
    agent.wait_for_metric("tagalong_connect_reachable", 0.0).await?;
    assert_eq!(agent.metric("tagalong_leader").await?, None);
    let pending = "tagalong_steps_total{outcome=\"pending\",step=\"create\"}";
    assert_eq!(agent.metric(pending).await?, Some(1.0));
    Ok(())
}

#[tokio::test]
async fn a_worker_that_restarted_while_a_step_was_waited_for_is_not_believed_to_have_lost_everything()
-> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let timing = Timing { settle: Duration::from_mins(10), ..Timing::default() };
    let fake = Fake::with(Options { workers: 2, timing, ..Options::default() }).await;
    preload(&fake, "orders");
    let agent = Agent::start(&definitions.settings_within(&fake.url(0), "10m")).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    definitions.release(&[(&file_of("slow"), &file_source("slow", ""))])?;
    wait("it is made", || async { Ok(!fake.writes().is_empty()) }).await?;
    // It lists nothing, and answers nothing else, until it has read its topics.
    fake.phase(0, Phase::Reading).await;
    definitions.release(&[(&file_of("slow"), &file_source("slow", "  batch.size: 7\n"))])?;
    let missing = "tagalong_connector_sync_state{connector=\"orders\",state=\"missing\"}";
    let until = Instant::now() + Duration::from_secs(4);
    while Instant::now() < until {
        assert_ne!(agent.metric(missing).await?, Some(1.0));
        sleep(Duration::from_millis(20)).await;
    }
    // Meanwhile another one has come to lead.
    fake.lead(1);
    fake.phase(0, Phase::Ready).await;
    agent.wait_for_metric("tagalong_leader", 0.0).await?;
    assert_eq!(agent.metric(missing).await?, None);
    Ok(())
}

#[tokio::test]
async fn an_agent_whose_worker_starts_anew_tells_nothing_old_of_the_connectors() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(2).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    // So quickly that nobody has seen it gone.
    fake.phase(0, Phase::Booting).await;
    let synced = "tagalong_connector_sync_state{connector=\"orders\",state=\"synced\"}";
    let silent = || async { Ok(agent.metric(synced).await?.is_none()) };
    wait("what was seen through it is not told any more", silent).await?;
    assert_eq!(agent.metric("tagalong_leader").await?, None);
    Ok(())
}
