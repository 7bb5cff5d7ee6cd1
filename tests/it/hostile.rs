//! A hostile world: what goes wrong in the middle of things, and what the agent makes of it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::{State, Target};
use tagalong_testkit::fake::{Fake, Phase};
use tokio::time::sleep;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::{preload, writes};
use crate::support::definitions::{Definitions, file_of, file_source};

const MANY_ROUNDS: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_read_that_hangs_does_not_hold_up_the_end() -> Result<()> {
    for (method, path) in [
        ("DELETE", "/connectors/tagalong-probe-"),
        ("GET", "/connectors?expand"),
        ("GET", "/connectors/orders/tasks"),
        ("GET", "/connectors/orders/status"),
    ] {
        let mut definitions = Definitions::one("orders", "").await?;
        let fake = Fake::start(1).await;
        let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
        agent.wait_for_applied(&definitions.released()?).await?;
        fake.inject(Fault::on(method, path).hang().always());
        definitions.release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))])?;
        let hangs = || async {
            let hanging = |one: &tagalong_testkit::fake::Request| {
                format!("{}?{}", one.path, one.query).contains(path) && one.status.is_none()
            };
            Ok(fake.requests().iter().any(hanging))
        };
        wait("a read hangs", hangs).await?;
        sleep(Duration::from_millis(200)).await;
        let (status, took) = agent.end().await?;
        // What changes something would be given eight seconds.
        assert!(status.success() && took < Duration::from_secs(7), "{method} {path}: {status} {took:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_paused_connector_whose_new_config_is_refused_is_not_resumed_with_the_old_one() -> Result<()> {
    let definitions = Definitions::one("orders", "  batch.size: 7\n").await?;
    let fake = Fake::start(1).await;
    preload(&fake, "orders");
    fake.turn("orders", Target::Paused);
    fake.refuse("orders", "Invalid value 7 for configuration batch.size: no");
    sleep(Duration::from_millis(100)).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_metric("tagalong_connector_last_apply_failed{connector=\"orders\"}", 1.0).await?;
    sleep(MANY_ROUNDS).await;
    assert_eq!(writes(&fake), [], "neither the old config runs, nor is the new one sent at every interval");
    let puts = fake.requests().iter().filter(|one| one.method == "PUT").count();
    assert_eq!(puts, 1);
    Ok(())
}

#[tokio::test]
async fn a_database_that_comes_late_is_waited_for_and_then_nothing_waits() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    fake.sicken(
        "orders",
        "org.postgresql.util.PSQLException: Connection to db:5432 refused. Connection refused",
    );
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let waits = "tagalong_connector_waiting{connector=\"orders\"}";
    agent.wait_for_metric(waits, 1.0).await?;
    fake.heal("orders");
    agent.wait_for_metric("tagalong_connector_state{connector=\"orders\",state=\"running\"}", 1.0).await?;
    agent.wait_for_metric(waits, 0.0).await?;
    agent.wait_for_metric("tagalong_connectors{sync=\"synced\"}", 1.0).await?;
    Ok(())
}

#[tokio::test]
async fn a_refusal_that_a_newer_release_made_void_waits_for_nothing() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let good = definitions.released()?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&good).await?;
    fake.refuse("orders", "Error while validating connector config: Connection refused");
    definitions.release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))])?;
    let waits = "tagalong_connector_waiting{connector=\"orders\"}";
    agent.wait_for_metric(waits, 1.0).await?;
    definitions.move_to(&good)?;
    agent.wait_for_metric(waits, 0.0).await?;
    agent.wait_for_metric("tagalong_connectors{sync=\"synced\"}", 1.0).await?;
    Ok(())
}

#[tokio::test]
async fn what_was_done_is_told_although_connect_went_away_after_it() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    fake.inject(Fault::on("POST", "/connectors").delay(Duration::from_secs(1)));
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let sent = || async { Ok(fake.requests().iter().any(|one| one.method == "POST")) };
    wait("the creation is under way", sent).await?;
    fake.inject(Fault::on("GET", "/connectors?expand").answer(500, "stuck"));
    agent.wait_for_applied(&definitions.released()?).await?;
    let created = "tagalong_steps_total{outcome=\"converged\",step=\"create\"}";
    assert_eq!(agent.metric(created).await?, Some(1.0));
    Ok(())
}

#[tokio::test]
async fn a_config_that_cannot_be_read_is_not_taken_for_applied() -> Result<()> {
    let definitions = Definitions::one("orders", "  batch.size: 7\n").await?;
    let fake = Fake::start(1).await;
    preload(&fake, "orders");
    fake.inject(Fault::on("GET", "/connectors?expand").raw(200, "application/json", "{}").always());
    fake.rebalance(Duration::from_mins(10));
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let unknown = "tagalong_connector_sync_state{connector=\"orders\",state=\"unknown\"}";
    agent.wait_for_metric(unknown, 1.0).await?;
    let status = agent.status().await?;
    assert!(status["clocks"]["applied"].is_null(), "{status}");
    assert_eq!(agent.metric("tagalong_revision_current").await?, Some(0.0));
    assert_eq!(agent.metric("tagalong_apply_last_result{result=\"success\"}").await?, Some(0.0));
    assert_eq!(agent.metric("tagalong_apply_last_success_timestamp_seconds").await?, Some(0.0));
    Ok(())
}

#[tokio::test]
async fn a_failed_connector_that_should_be_paused_or_stopped_is_not_asked_again_and_again() -> Result<()> {
    for (word, most) in [("paused", 0), ("stopped", 1)] {
        let definitions = Definitions::one("orders", &format!("state: {word}\n")).await?;
        let fake = Fake::start(1).await;
        preload(&fake, "orders");
        fake.fail_connector("orders", "java.lang.RuntimeException: something");
        let agent = Agent::start(&definitions.settings_within(&fake.url(0), "2s")).await?;
        agent
            .wait_for_metric_from(
                "tagalong_repository_polls_total{outcome=\"noop\",repository=\"main\"}",
                2.0,
            )
            .await?;
        sleep(Duration::from_secs(6)).await;
        assert!(writes(&fake).len() <= most, "{word}: {:?}", writes(&fake));
        assert_eq!(fake.connector("orders").context("it is there")?.state, State::Failed);
    }
    Ok(())
}

#[tokio::test]
async fn a_connector_deleted_or_made_by_hand_in_the_middle_of_a_plan_ends_as_desired() -> Result<()> {
    let names = ["a", "b", "c"];
    let files = names.map(|name| (file_of(name), file_source(name, "  batch.size: 7\n")));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    preload(&fake, "a");
    preload(&fake, "b");
    fake.inject(Fault::on("PUT", "/connectors/a/config").delay(Duration::from_secs(1)));
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let sent = || async { Ok(fake.requests().iter().any(|one| one.method == "PUT")) };
    wait("the first change is under way", sent).await?;
    fake.remove("b");
    preload(&fake, "c");
    agent.wait_for_applied(&definitions.released()?).await?;
    for name in names {
        assert_eq!(fake.connector(name).context("it is there")?.config["batch.size"], "7");
    }
    assert!(fake.writes().iter().all(|one| one.changed), "{:?}", fake.writes());
    let failed = "tagalong_connector_last_apply_failed{connector=\"c\"}";
    assert_eq!(agent.metric(failed).await?, Some(0.0));
    Ok(())
}

#[tokio::test]
async fn a_worker_that_restarts_in_the_middle_of_a_plan_is_waited_for_and_nothing_is_made_twice() -> Result<()>
{
    let files: Vec<_> =
        (0..16).map(|n| format!("c{n:02}")).map(|name| (file_of(&name), file_source(&name, ""))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    fake.inject(Fault::on("POST", "/connectors").delay(Duration::from_millis(300)).always());
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    wait("some are made", || async { Ok(fake.names().len() >= 8) }).await?;
    fake.phase(0, Phase::Down).await;
    sleep(Duration::from_secs(1)).await;
    fake.phase(0, Phase::Booting).await;
    sleep(Duration::from_millis(1500)).await;
    fake.phase(0, Phase::Reading).await;
    sleep(Duration::from_secs(1)).await;
    fake.phase(0, Phase::Ready).await;
    agent.wait_for_applied(&definitions.released()?).await?;
    let mut made: Vec<_> = writes(&fake);
    assert_eq!(made.len(), 16, "{made:?}");
    made.sort_by(|a, b| a.0.cmp(&b.0));
    made.dedup();
    assert_eq!(made.len(), 16);
    Ok(())
}

#[tokio::test]
async fn nothing_spins_while_connect_or_git_answer_errors_only() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.inject(Fault::on("*", "/").answer(500, "stuck").always());
    fake.forget();
    sleep(MANY_ROUNDS).await;
    let count = fake.requests().len();
    assert!(count <= 12, "{count} requests in {MANY_ROUNDS:?}");
    let refused = "tagalong_connect_requests_total{code_class=\"5xx\",method=\"DELETE\"}";
    agent.wait_for_metric_from(refused, 2.0).await?;
    fake.clear_faults();
    definitions.http.fail(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    agent
        .wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"unreachable\"}", 1.0)
        .await?;
    definitions.http.clear();
    fake.forget();
    sleep(MANY_ROUNDS).await;
    let (asked, listed) = (fake.requests().len(), definitions.http.exchanges().len());
    assert!(asked <= 30 && listed <= 12, "{asked} requests, {listed} listings in {MANY_ROUNDS:?}");
    definitions.http.heal();
    agent.wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"ok\"}", 1.0).await?;
    agent.wait_for_metric("tagalong_repository_consecutive_failures{repository=\"main\"}", 0.0).await?;
    Ok(())
}

#[tokio::test]
async fn of_many_connectors_the_refused_ones_are_sent_once_and_the_others_come_up() -> Result<()> {
    let names: Vec<_> = (0..40).map(|n| format!("c{n:02}")).collect();
    let files: Vec<_> = names.iter().map(|name| (file_of(name), file_source(name, ""))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    for name in names.iter().step_by(4) {
        fake.refuse(name, "Invalid value x for configuration topic: no");
    }
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    wait("thirty are there", || async { Ok(fake.names().len() == 30) }).await?;
    agent.wait_for_metric("tagalong_connectors{sync=\"missing\"}", 10.0).await?;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(fake.requests().iter().filter(|one| one.method == "POST").count(), 40);
    assert_eq!(agent.metric("tagalong_apply_last_result{result=\"partial\"}").await?, Some(1.0));
    assert_eq!(agent.metric("tagalong_connectors{sync=\"synced\"}").await?, Some(30.0));
    Ok(())
}

#[tokio::test]
async fn a_connector_that_could_not_be_paused_is_not_configured() -> Result<()> {
    let definitions = Definitions::one("orders", "  batch.size: 7\nstate: paused\n").await?;
    let fake = Fake::start(1).await;
    preload(&fake, "orders");
    fake.inject(Fault::on("PUT", "/connectors/orders/pause").answer(500, "stuck").always());
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_metric("tagalong_connector_last_apply_failed{connector=\"orders\"}", 1.0).await?;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(writes(&fake), []);
    let puts = fake.requests().iter().filter(|one| one.method == "PUT").count();
    assert_eq!(puts, 1, "and the pause is not repeated at every interval");
    Ok(())
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_seen_to_have_been_made() -> Result<()> {
    let definitions = Definitions::one("orders", "  batch.size: 7\n").await?;
    let fake = Fake::start(1).await;
    preload(&fake, "orders");
    fake.inject(Fault::on("PUT", "/connectors/orders/config").after_executing().break_off());
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let steps = |outcome: &str| format!("tagalong_steps_total{{outcome=\"{outcome}\",step=\"configure\"}}");
    assert_eq!(agent.metric(&steps("converged")).await?, Some(1.0));
    assert_eq!(agent.metric(&steps("failed")).await?, Some(0.0));
    assert_eq!(writes(&fake).len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_failure_that_is_gone_at_the_next_look_is_none() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let failed = r#"{"name":"orders","connector":{"state":"RUNNING","worker_id":"w"},"tasks":[{"id":0,"state":"FAILED","worker_id":"w","trace":"x"}],"type":"source"}"#;
    fake.inject(Fault::on("GET", "/connectors/orders/status").raw(200, "application/json", failed));
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let steps = |outcome: &str| format!("tagalong_steps_total{{outcome=\"{outcome}\",step=\"create\"}}");
    assert_eq!(agent.metric(&steps("converged")).await?, Some(1.0));
    assert_eq!(agent.metric(&steps("failed")).await?, Some(0.0));
    Ok(())
}

#[tokio::test]
async fn a_change_that_somebody_made_while_connect_refused_it_is_not_sent_again() -> Result<()> {
    let definitions = Definitions::one("orders", "  batch.size: 7\n").await?;
    let fake = Fake::start(1).await;
    preload(&fake, "orders");
    let stale = "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)";
    fake.inject(Fault::on("PUT", "/connectors/orders/config").answer(409, stale));
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let refused = || async { Ok(fake.requests().iter().any(|one| one.status == Some(409))) };
    wait("it is refused", refused).await?;
    fake.edit("orders", |config| {
        config.insert("batch.size".into(), "7".into());
    });
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(fake.requests().iter().filter(|one| one.method == "PUT").count(), 1, "{}", agent.log());
    Ok(())
}

#[tokio::test]
async fn the_rest_before_a_refused_request_is_sent_again_does_not_hold_up_the_end() -> Result<()> {
    let definitions = Definitions::one("orders", "  batch.size: 7\n").await?;
    let fake = Fake::start(1).await;
    preload(&fake, "orders");
    let stale = "Cannot complete request momentarily due to stale configuration";
    fake.inject(Fault::on("PUT", "/connectors/orders/config").answer(409, stale).always());
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let tries = || async { Ok(fake.requests().iter().filter(|one| one.status == Some(409)).count() == 3) };
    wait("it was refused three times", tries).await?;
    let (status, took) = agent.end().await?;
    assert!(status.success() && took < Duration::from_secs(7), "{status} {took:?}");
    Ok(())
}
