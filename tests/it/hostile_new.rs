//! New connectors whose state was to follow their creation, on versions that need that: whatever gets lost in
//! between, none is left running.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong::connect::Writer;
use tagalong::model::plan::{Initial, Step, Target as Wanted};
use tagalong::model::report::Class;
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::{State, Target, Timing};
use tagalong_testkit::fake::{Fake, Options};
use tokio::time::{Instant, sleep};

use crate::connect::{failed, orders};
use crate::contract::client::{client, config};
use crate::contract::site::source;
use crate::support::agent::{Agent, wait, wait_within};
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, ENVIRONMENT, file_of, file_source};

/// The version that a fake says at first; what it is shows in its answers.
fn claims(fake: &Fake, version: &str) {
    for path in ["/connectors", "/health", "/connector-plugins"] {
        fake.inject(Fault::on("*", path).always());
    }
    let body = format!("{{\"version\":\"{version}\"}}");
    fake.inject(Fault::on("GET", "/").raw(200, "application/json", &body));
}

#[tokio::test]
async fn a_stop_behind_a_creation_that_an_older_worker_refuses_names_the_version_and_asks_anew() -> Result<()>
{
    let fake = Fake::with(Options { version: (3, 4), ..Options::default() }).await;
    claims(&fake, "3.6.1");
    let client = client(&fake.url(0), Writer::Leader)?;
    assert!(client.live().await?.capabilities.has_stop());
    let step = Step::Create { config: config(&source()), initial: Initial::Then(Wanted::Stopped) };
    let error = failed(client.take(&orders(), &step).await)?;
    let again = client.live().await?.capabilities;
    assert_eq!((error.class(), again.has_stop()), (Class::Unsupported, false));
    Ok(())
}

#[tokio::test]
async fn apply_does_not_end_with_a_stopped_connector_running() -> Result<()> {
    let fake = Fake::with(Options { version: (3, 4), ..Options::default() }).await;
    for path in ["/connectors", "/health", "/connector-plugins"] {
        fake.inject(Fault::on("*", path).always());
    }
    // A load balancer: the version was told by a newer worker; the plan and the apply ask once each.
    fake.inject(Fault::on("GET", "/").raw(200, "application/json", r#"{"version":"3.6.1"}"#));
    let desk = Desk::new(&[ENVIRONMENT, (&file_of("orders"), &file_source("orders", "state: stopped\n"))])?;
    let said =
        desk.run(&format!("apply --dir . -e test --connect {} --yes --timeout 30s", fake.url(0))).await?;
    let target = fake.connector("orders").context("there")?.target;
    assert_eq!((said.code, target), (Some(0), Target::Paused));
    Ok(())
}

#[tokio::test]
async fn apply_is_not_done_while_a_connector_that_is_wanted_paused_was_never_paused() -> Result<()> {
    let timing = Timing { settle: Duration::from_secs(12), ..Timing::default() };
    let fake = Fake::with(Options { version: (2, 8), timing, ..Options::default() }).await;
    fake.inject(Fault::on("POST", "/connectors").answer(500, "Request timed out").after_executing());
    let desk = Desk::new(&[ENVIRONMENT, (&file_of("a"), &file_source("a", "state: paused\n"))])?;
    let said =
        desk.run(&format!("apply --dir . -e test --connect {} --yes --timeout 60s", fake.url(0))).await?;
    sleep(Duration::from_secs(13)).await;
    let a = fake.connector("a").context("there")?;
    assert_eq!((said.code, a.target, a.state), (Some(0), Target::Paused, State::Paused));
    Ok(())
}

#[tokio::test]
async fn a_creation_without_an_answer_is_paused_before_the_rest_is_waited_for() -> Result<()> {
    let mut definitions = Definitions::one("a", "state: paused\n").await?;
    definitions.release(&[(&file_of("b"), &file_source("b", ""))])?;
    let fake = Fake::with(Options { version: (2, 8), ..Options::default() }).await;
    fake.inject(Fault::on("POST", "/connectors").answer(500, "Request timed out").after_executing());
    fake.inject(
        Fault::on("GET", "/connectors/b/status").answer(404, "No status found for connector b").always(),
    );
    let _agent = Agent::start(&definitions.settings_within(&fake.url(0), "25s")).await?;
    wait("both are made", || async { Ok(fake.names().len() == 2) }).await?;
    let since = Instant::now();
    let paused = || async { Ok(fake.connector("a").is_some_and(|one| one.target == Target::Paused)) };
    wait_within(Duration::from_mins(1), "paused", paused).await?;
    let took = since.elapsed();
    assert!(took < Duration::from_secs(20), "it ran for {took:?}, change_deadline is 25 s");
    Ok(())
}
