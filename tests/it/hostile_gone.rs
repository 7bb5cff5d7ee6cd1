//! A hostile world: the worker beside goes in the middle of a plan, hangs or starts anew, and what the agent makes of it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong::connect::Writer;
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::Timing;
use tagalong_testkit::fake::{Fake, Options, Phase};
use tokio::time::{Instant, sleep};

use crate::contract::client::client;
use crate::support::agent::{Agent, wait};
use crate::support::cluster::{preload, writes};
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, ENVIRONMENT, file_of, file_source};

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

fn asked(fake: &Fake, method: &str, part: &str) -> usize {
    fake.requests().iter().filter(|one| one.method == method && one.path.contains(part)).count()
}

#[tokio::test]
async fn a_worker_that_hangs_is_not_asked_who_leads_for_every_pause() -> Result<()> {
    let names: Vec<_> = (0..12).map(|n| format!("c{n:02}")).collect();
    let files: Vec<_> =
        names.iter().map(|name| (file_of(name), file_source(name, "state: paused\n"))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    for name in &names {
        preload(&fake, name);
    }
    // The probes of the two turns before, and the one before the first pause, are answered.
    fake.inject(Fault::on("DELETE", "/connectors").times(3));
    fake.inject(Fault::on("DELETE", "/connectors").raw(502, "text/plain", "").times(40));
    let agent = Agent::start(&definitions.settings_within(&fake.url(0), "60s")).await?;
    let first = || async { Ok(asked(&fake, "PUT", "/pause") >= 1) };
    wait("one is paused", first).await?;
    let turned = || async { Ok(agent.metric("tagalong_connect_reachable").await? == Some(0.0)) };
    wait("the turn is over", turned).await.with_context(|| agent.log())?;
    let probes = asked(&fake, "DELETE", "/connectors");
    // A turn that began since asks too.
    let turns = agent.metric("tagalong_cycle_duration_seconds_count").await?.context("turns are counted")?;
    assert!(
        f64::from(u32::try_from(probes)?) <= 5.0 + turns,
        "{probes} probes in {turns} turns; each takes 30 s where the worker hangs"
    );
    Ok(())
}

#[tokio::test]
async fn a_worker_that_hangs_is_not_asked_for_the_tasks_of_what_is_not_sent() -> Result<()> {
    let names: Vec<_> = (0..12).map(|n| format!("c{n:02}")).collect();
    let files: Vec<_> =
        names.iter().map(|name| (file_of(name), file_source(name, "  batch.size: 7\n"))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    for name in &names {
        preload(&fake, name);
    }
    // What a hanging worker is: here each answer is quick, so that requests can be counted.
    fake.inject(Fault::on("PUT", "/c00/config").raw(502, "text/plain", ""));
    fake.inject(Fault::on("GET", "/c00/tasks"));
    fake.inject(Fault::on("GET", "/connectors/c").raw(502, "text/plain", "").always());
    let agent = Agent::start(&definitions.settings_within(&fake.url(0), "60s")).await?;
    let ended = || async { Ok(asked(&fake, "DELETE", "/connectors") >= 3) };
    wait("the turn is over", ended).await.with_context(|| agent.log())?;
    let before: Vec<_> = fake.requests().iter().map(|one| format!("{} {}", one.method, one.path)).collect();
    let at = before.iter().rposition(|one| one.starts_with("DELETE")).context("a probe")?;
    let asked = before[..at].iter().filter(|one| one.ends_with("/tasks")).count();
    assert!(asked <= 1, "{asked} reads of tasks, each takes 30 s where the worker hangs");
    Ok(())
}

#[tokio::test]
async fn what_was_not_taken_because_the_worker_was_silent_is_taken_when_it_is_back() -> Result<()> {
    let fake = Fake::start(1).await;
    for name in ["a", "b", "c"] {
        preload(&fake, name);
    }
    let more = "  batch.size: 7\n";
    let desk = Desk::new(&[
        ENVIRONMENT,
        (&file_of("a"), &file_source("a", more)),
        (&file_of("b"), &file_source("b", more)),
        (&file_of("c"), &file_source("c", more)),
    ])?;
    fake.inject(Fault::on("PUT", "/a/config").answer(500, "java.lang.NullPointerException"));
    fake.inject(Fault::on("GET", "/connectors/a").times(2));
    fake.inject(Fault::on("GET", "/connectors/a").raw(502, "text/plain", "").times(3));
    let said =
        desk.run(&format!("apply --dir . -e test --connect {} --yes --timeout 60s", fake.url(0))).await?;
    assert_eq!(said.code, Some(1), "{said}");
    assert_eq!(asked(&fake, "PUT", "/b/config"), 1, "a failed step never stops the others");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_connect_refuses_tells_nothing_old_of_the_connectors() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(2).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.lead(1);
    fake.inject(Fault::on("*", "/").raw(401, "text/plain", "").always());
    let refused = || async { Ok(agent.status().await?["connect"]["failure"]["class"] == "denied") };
    wait("it is refused", refused).await?;
    sleep(Duration::from_secs(4)).await;
    let synced = "tagalong_connector_sync_state{connector=\"orders\",state=\"synced\"}";
    assert_eq!(agent.metric("tagalong_leader").await?, None);
    assert_eq!(agent.metric(synced).await?, None);
    Ok(())
}

#[tokio::test]
async fn an_empty_list_after_acting_is_not_told_and_not_taken_for_what_was_there() -> Result<()> {
    let mut definitions = Definitions::new(&[
        (&file_of("one"), &file_source("one", "")),
        (&file_of("two"), &file_source("two", "")),
        (&file_of("three"), &file_source("three", "")),
    ])
    .await?;
    let fake = Fake::start(1).await;
    for name in ["one", "two", "three"] {
        preload(&fake, name);
    }
    let settings = definitions.settings(&fake.url(0)).replace("connect: {", "connect: {writer: forwarded, ");
    let agent = Agent::start(&settings).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.forget();
    // After the PUT, the reads come from a worker that has not read its list: five turns' worth.
    fake.inject(Fault::on("PUT", "/config").delay(Duration::from_millis(1500)));
    definitions.release(&[(&file_of("one"), &file_source("one", "  batch.size: 7\n"))])?;
    wait("the change is under way", || async { Ok(asked(&fake, "PUT", "/config") >= 1) }).await?;
    for (path, empty) in [("?expand", "{}"), ("/connectors", "[]")] {
        if path == "?expand" {
            fake.inject(Fault::on("GET", path).raw(200, "application/json", empty).times(2));
        } else {
            // Everything else below /connectors/ goes its way.
            fake.inject(Fault::on("GET", "/connectors/").always());
            fake.inject(Fault::on("GET", path).raw(200, "application/json", empty).times(2));
        }
    }
    let missing = "tagalong_connectors{sync=\"missing\"}";
    let until = Instant::now() + Duration::from_secs(16);
    let mut worst = 0.0_f64;
    while Instant::now() < until {
        worst = worst.max(agent.metric(missing).await?.unwrap_or_default());
        sleep(Duration::from_millis(50)).await;
    }
    let posts = asked(&fake, "POST", "/connectors");
    assert_eq!((worst, posts), (0.0, 0), "told as missing, and created at once");
    Ok(())
}

#[tokio::test]
async fn a_health_page_of_a_gateway_does_not_make_a_starting_worker_ready() -> Result<()> {
    let fake = Fake::with(Options { version: (3, 7), phase: Phase::Reading, ..Options::default() }).await;
    preload(&fake, "orders");
    fake.inject(Fault::on("GET", "/health").raw(200, "text/plain", "ok").always());
    let client = client(&fake.url(0), Writer::Forwarded)?;
    let ready = tokio::time::timeout(Duration::from_secs(3), client.ready()).await;
    assert!(!matches!(ready, Ok(Ok(()))));
    Ok(())
}
