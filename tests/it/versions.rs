//! The agent and the commands on an older fake Connect: what it lacks is made up for, told, and never
//! costs more than it must.

use anyhow::{Context as _, Result};
use serde_json::Value;
use tagalong::connect::Writer;
use tagalong::model::name::ConnectorName;
use tagalong::model::plan::{Failed, Step};
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::Target;
use tagalong_testkit::fake::{Fake, Options, Phase};
use tokio::sync::watch;

use crate::contract::client::client;
use crate::support::agent::{Agent, wait};
use crate::support::cluster::{preload, writes};
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, ENVIRONMENT, file_of, file_source};

async fn fake(version: (u8, u8)) -> Fake {
    Fake::with(Options { version, ..Options::default() }).await
}

fn flags(fake: &Fake) -> String {
    format!("--dir . -e test --connect {}", fake.url(0))
}

/// The state that the cluster was asked to have a connector in.
fn target(fake: &Fake, name: &str) -> Option<Target> {
    fake.connector(name).map(|connector| connector.target)
}

fn asked(fake: &Fake, method: &str, path: &str) -> usize {
    fake.requests().iter().filter(|one| one.method == method && one.path == path).count()
}

/// Lets the worker say a version that it does not have, the next time it is asked.
fn lies(fake: &Fake) {
    fake.inject(Fault::on("*", "/connectors").always());
    fake.inject(Fault::on("GET", "/").raw(200, "application/json", r#"{"version":"4.3.0"}"#));
}

#[tokio::test]
async fn an_older_connect_gets_what_comes_nearest_with_a_warning_and_then_there_are_no_changes() -> Result<()>
{
    let fake = fake((2, 8)).await;
    let desk = Desk::new(&[
        ENVIRONMENT,
        (&file_of("runs"), &file_source("runs", "")),
        (&file_of("waits"), &file_source("waits", "state: paused\n")),
        (&file_of("rests"), &file_source("rests", "state: stopped\n")),
    ])?;
    let said = desk.run(&format!("apply {} --yes", flags(&fake))).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert!(
        said.out.contains("+ create     waits  not in the cluster, 4 keys, to be paused right after"),
        "{said}"
    );
    assert!(said.out.contains("warning: waits: Connect 2.8.0 cannot make a connector paused"), "{said}");
    assert!(said.out.contains("warning: rests: Connect 2.8.0 cannot stop a connector"), "{said}");
    let targets = ["runs", "waits", "rests"].map(|name| target(&fake, name));
    assert_eq!(targets, [Some(Target::Running), Some(Target::Paused), Some(Target::Paused)]);

    fake.forget();
    let said = desk.run(&format!("plan {} --detailed-exitcode", flags(&fake))).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert!(said.out.contains("No changes."), "{said}");
    assert!(fake.requests().iter().all(|one| one.method == "GET"), "{:?}", fake.requests());
    let said = desk.run(&format!("plan {} -o json", flags(&fake))).await?;
    let plan: Value = serde_json::from_str(&said.out)?;
    let warning = &plan["warnings"][0];
    assert_eq!((&warning["connector"], &warning["warning"]), (&"rests".into(), &"paused-instead".into()));
    Ok(())
}

#[tokio::test]
async fn a_connect_without_the_expanded_read_is_refused_by_every_command_and_told() -> Result<()> {
    let fake = fake((2, 3)).await;
    preload(&fake, "orders");
    fake.inject(Fault::on("GET", "expand").raw(200, "application/json", r#"["orders"]"#).always());
    fake.inject(Fault::on("*", "/connectors").always());
    fake.inject(Fault::on("GET", "/").raw(200, "application/json", r#"{"version":"2.2.2"}"#).always());
    let needed = "Connect 2.2.2 is too old, 2.3 or newer is needed";
    let desk = Desk::new(&[ENVIRONMENT, (&file_of("payments"), &file_source("payments", ""))])?;
    for command in ["plan", "apply --yes"] {
        let said = desk.run(&format!("{command} {}", flags(&fake))).await?;
        assert_eq!(said.code, Some(1), "{said}");
        assert!(said.err.contains(needed) && !said.out.contains("payments"), "{said}");
    }

    let definitions = Definitions::one("payments", "").await?;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let told = || async {
        let failure = agent.status().await?["connect"]["failure"].clone();
        Ok(failure["class"] == "unsupported" && failure["text"].to_string().contains(needed))
    };
    wait("the status says that it is too old", told).await?;
    assert_eq!(writes(&fake), []);
    agent.end().await.map(drop)
}

#[tokio::test]
async fn an_agent_says_once_what_connect_lacks_and_a_quiet_interval_costs_no_more() -> Result<()> {
    let fake = fake((2, 8)).await;
    let definitions = Definitions::one("orders", "state: stopped\n").await?;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let polls = "tagalong_repository_polls_total{outcome=\"noop\",repository=\"main\"}";
    let before = agent.metric(polls).await?.unwrap_or_default();
    agent.wait_for_metric_from(polls, before + 3.0).await?;
    assert_eq!(agent.log().matches("2.8.0 cannot stop a connector").count(), 1, "{}", agent.log());
    assert_eq!(agent.log().matches("2.8.0 cannot make a connector").count(), 1, "{}", agent.log());
    assert_eq!(asked(&fake, "GET", "/"), 1);
    let status = agent.status().await?;
    assert_eq!(status["connect"]["version"], "2.8.0");
    assert_eq!(status["plan"]["warnings"][0]["warning"], "paused-instead");
    assert_eq!(status["connectors"][0]["sync"], "synced");
    Ok(())
}

#[tokio::test]
async fn a_connector_whose_pause_fails_is_paused_with_the_next_turn() -> Result<()> {
    let fake = fake((2, 8)).await;
    fake.inject(Fault::on("PUT", "/pause").answer(500, "Request timed out").times(3));
    let definitions = Definitions::one("orders", "state: paused\n").await?;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(target(&fake, "orders"), Some(Target::Paused));
    assert_eq!(asked(&fake, "POST", "/connectors"), 1, "it is made once");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_dies_before_the_pause_leaves_it_to_the_next_one() -> Result<()> {
    let fake = fake((2, 8)).await;
    fake.inject(Fault::on("PUT", "/pause").hang());
    let definitions = Definitions::one("orders", "state: paused\n").await?;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let made = || async { Ok(asked(&fake, "PUT", "/connectors/orders/pause") == 1) };
    wait("the connector is made", made).await?;
    drop(agent);
    assert_eq!(
        target(&fake, "orders"),
        Some(Target::Running),
        "this is the moment that the warning speaks of"
    );
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(target(&fake, "orders"), Some(Target::Paused));
    Ok(())
}

#[tokio::test]
async fn a_worker_that_turns_out_to_be_older_is_asked_again_and_nothing_is_lost() -> Result<()> {
    let fake = fake((2, 8)).await;
    preload(&fake, "ill");
    preload(&fake, "rests");
    fake.fail_task("ill", 0, "java.lang.IllegalStateException: tired");
    lies(&fake);
    let definitions = Definitions::new(&[
        (&file_of("waits"), &file_source("waits", "state: paused\n")),
        (&file_of("rests"), &file_source("rests", "state: stopped\n")),
        (&file_of("ill"), &file_source("ill", "")),
    ])
    .await?;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let targets = ["waits", "rests", "ill"].map(|name| target(&fake, name));
    assert_eq!(targets, [Some(Target::Paused), Some(Target::Paused), Some(Target::Running)]);
    assert_eq!(fake.connector("ill").context("it is there")?.task_starts, 2, "restarted once");
    assert_eq!(asked(&fake, "POST", "/connectors/ill/tasks/0/restart"), 1);
    assert_eq!(asked(&fake, "GET", "/"), 2, "once at first, and once after it contradicted");
    let refused = "tagalong_steps_total{outcome=\"failed\",step=\"stop\"}";
    assert_eq!(agent.metric(refused).await?, Some(1.0));
    Ok(())
}

#[tokio::test]
async fn a_worker_that_goes_on_saying_a_version_it_does_not_have_is_used_as_what_it_is() -> Result<()> {
    let fake = fake((2, 8)).await;
    fake.inject(Fault::on("*", "/connectors").always());
    fake.inject(Fault::on("GET", "/health").always());
    fake.inject(Fault::on("GET", "/").raw(200, "application/json", r#"{"version":"4.3.0"}"#).always());
    let definitions = Definitions::one("orders", "state: paused\n").await?;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(target(&fake, "orders"), Some(Target::Paused));
    assert_eq!(asked(&fake, "POST", "/connectors"), 2, "refused once, then made");
    Ok(())
}

#[tokio::test]
async fn a_task_that_was_brought_back_meanwhile_is_not_restarted() -> Result<()> {
    let fake = fake((2, 8)).await;
    preload(&fake, "ill");
    preload(&fake, "slow");
    fake.fail_task("ill", 0, "java.lang.IllegalStateException: tired");
    // Restarts come last.
    let (answer, told) = watch::channel(false);
    fake.inject(Fault::on("PUT", "/slow/config").until(told));
    let definitions = Definitions::new(&[
        (&file_of("ill"), &file_source("ill", "")),
        (&file_of("slow"), &file_source("slow", "  batch.size: 7\n")),
    ])
    .await?;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let changing = || async { Ok(asked(&fake, "PUT", "/connectors/slow/config") == 1) };
    wait("the other one is being changed", changing).await?;
    let by_hand = Step::Restart { failed: Failed::OneByOne { itself: false, tasks: vec![0] } };
    client(&fake.url(0), Writer::Forwarded)?.take(&ConnectorName::observed("ill"), &by_hand).await?;
    answer.send_replace(true);
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(asked(&fake, "POST", "/connectors/ill/tasks/0/restart"), 1, "the person's");
    Ok(())
}

#[tokio::test]
async fn a_fenced_restart_that_the_leader_refuses_is_done_task_by_task() -> Result<()> {
    let fake = fake((2, 8)).await;
    preload(&fake, "ill");
    fake.fail_task("ill", 0, "java.lang.IllegalStateException: tired");
    // So it is where another worker runs the connector.
    fake.inject(
        Fault::on("POST", "/ill/restart")
            .answer(409, "Cannot complete request because of a conflicting operation (e.g. worker rebalance)")
            .always(),
    );
    lies(&fake);
    let definitions = Definitions::one("ill", "").await?;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(asked(&fake, "POST", "/connectors/ill/restart"), 1);
    assert_eq!(asked(&fake, "POST", "/connectors/ill/tasks/0/restart"), 1);
    Ok(())
}

#[tokio::test]
async fn a_worker_that_was_updated_while_it_was_away_is_asked_again_and_used_as_what_it_is() -> Result<()> {
    let fake = fake((4, 3)).await;
    fake.inject(Fault::on("*", "/connectors").always());
    fake.inject(Fault::on("GET", "/").raw(200, "application/json", r#"{"version":"3.4.1"}"#));
    let definitions = Definitions::one("orders", "state: stopped\n").await?;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(target(&fake, "orders"), Some(Target::Paused));
    fake.phase(0, Phase::Down).await;
    agent.wait_for_metric("tagalong_connect_reachable", 0.0).await?;
    fake.phase(0, Phase::Ready).await;
    let stopped = || async { Ok(target(&fake, "orders") == Some(Target::Stopped)) };
    wait("it is stopped, as it is declared", stopped).await?;
    let status = || async { Ok(agent.status().await?["plan"]["warnings"] == Value::Array(Vec::new())) };
    wait("nothing is warned of any more", status).await
}
