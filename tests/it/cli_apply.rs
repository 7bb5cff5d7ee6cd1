//! How `apply` ends where the cluster takes its time, or is away in the middle: what was done is told, what was not seen
//! is not called done.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use insta::assert_snapshot;
use serde_json::Value;
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::{Target, Timing, WriteKind};
use tagalong_testkit::fake::{Fake, Options};
use tokio::sync::watch;

use crate::support::agent::wait;
use crate::support::cluster::{preload, writes};
use crate::support::command::{Desk, Said};
use crate::support::definitions::{ENVIRONMENT, file_of, file_source};

/// A cluster in which a connector takes so long until it runs, and one that nobody declares.
async fn cluster(settle: Duration) -> Fake {
    let timing = Timing { settle, ..Timing::default() };
    let fake = Fake::with(Options { timing, ..Options::default() }).await;
    preload(&fake, "someone-elses");
    fake
}

/// A folder that declares these, where a change may take so long.
fn desk(names: &[&str], change_deadline: &str) -> Result<Desk> {
    let mut desk = Desk::new(&[ENVIRONMENT])?;
    for name in names {
        desk.write(&file_of(name), &file_source(name, ""))?;
    }
    desk.set("TAGALONG_CONNECT__CHANGE_DEADLINE", change_deadline);
    Ok(desk)
}

fn apply(fake: &Fake) -> String {
    format!("apply --dir . -e test --connect {} --yes", fake.url(0))
}

/// Each result in words.
fn results(said: &Said) -> Result<Vec<String>> {
    let form: Value = serde_json::from_str(&said.out).with_context(|| said.to_string())?;
    let all = form["results"].as_array().context("there are results")?;
    let words = |one: &Value| {
        let class = one["class"].as_str().unwrap_or("well");
        [&one["connector"], &one["step"], &one["outcome"]]
            .map(|word| word.as_str().unwrap_or_default())
            .join(" ")
            + " "
            + class
    };
    Ok(all.iter().map(words).collect())
}

#[tokio::test]
async fn time_that_is_up_ends_a_turn_whatever_its_steps_would_take() -> Result<()> {
    let (fake, desk) = (cluster(Duration::from_hours(1)).await, desk(&["a", "b", "c"], "30s")?);
    for name in ["a", "b", "c"] {
        preload(&fake, name);
        fake.edit(name, |config| drop(config.insert("topic".into(), "elsewhere".into())));
    }
    let said = desk.run(&format!("{} --timeout 12s -o json", apply(&fake))).await?;
    ensure!(said.code == Some(1) && said.took < Duration::from_secs(45), "{:?} {said}", said.took);
    assert_eq!(
        results(&said)?,
        [
            "a configure pending superseded",
            "b configure not-taken superseded",
            "c configure not-taken superseded"
        ]
    );
    assert_eq!(writes(&fake), [("a".to_owned(), WriteKind::Configure)]);
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_open_when_time_is_up_is_given_a_moment_and_told() -> Result<()> {
    let (fake, desk) = (cluster(Duration::ZERO).await, desk(&["orders"], "10m")?);
    fake.inject(Fault::on("POST", "/connectors").hang());
    let said = desk.run(&format!("{} --timeout 12s", apply(&fake))).await?;
    ensure!(said.code == Some(1) && said.took < Duration::from_secs(45), "{:?} {said}", said.took);
    ensure!(said.out.contains("… create     orders  pending (timed-out)"), "{said}");
    ensure!(said.out.ends_with("Time was up, with 1 step left.\n"), "{said}");
    Ok(())
}

#[tokio::test]
async fn what_is_not_seen_within_its_deadline_is_waited_for_until_it_shows() -> Result<()> {
    let (fake, desk) = (cluster(Duration::from_hours(1)).await, desk(&["orders"], "1s")?);
    let child = desk.start(&apply(&fake))?;
    // Before it asks, before it acts, and after it.
    let looks = || fake.requests().iter().filter(|request| request.query.contains("expand")).count();
    wait("it is past its deadline", async || Ok(looks() > 2)).await?;
    fake.turn("orders", Target::Running);
    fake.take_in("orders");
    assert_snapshot!(desk.end(child).await?, @r#"
    exit 0
    ---- stdout
    Revision     .
    Environment  test

    + create     orders  not in the cluster, 4 keys

    Unmanaged (never touched): someone-elses
    Plan: 1 to create, 0 to change, 0 to delete.
    … create     orders  pending (timed-out), TIME
    Steps: 1 pending.
    ✓ create     orders  converged, TIME
    Steps: 1 converged.
    Applied. The cluster matches the repository.
    "#);
    assert_eq!(writes(&fake), [("orders".to_owned(), WriteKind::Create)]);
    Ok(())
}

#[tokio::test]
async fn what_never_shows_is_not_called_done() -> Result<()> {
    let (fake, desk) = (cluster(Duration::from_hours(1)).await, desk(&["orders"], "1s")?);
    assert_snapshot!(desk.run(&format!("{} --timeout 15s", apply(&fake))).await?, @r#"
    exit 1
    ---- stdout
    Revision     .
    Environment  test

    + create     orders  not in the cluster, 4 keys

    Unmanaged (never touched): someone-elses
    Plan: 1 to create, 0 to change, 0 to delete.
    … create     orders  pending (timed-out), TIME
    Steps: 1 pending.
    Time was up, with 1 step left.
    "#);
    let said = desk.run(&format!("{} --timeout 15s", apply(&fake))).await?;
    ensure!(said.code == Some(0), "a plan sees configs and states that were asked for: {said}");
    Ok(())
}

#[tokio::test]
async fn what_was_done_is_told_where_connect_is_away_right_after() -> Result<()> {
    let (fake, desk) = (cluster(Duration::ZERO).await, desk(&["orders"], "1m")?);
    let (go_on, told) = watch::channel(false);
    fake.inject(Fault::on("GET", "/connectors/orders").until(told));
    let child = desk.start(&apply(&fake))?;
    wait("it is made", async || Ok(!fake.writes().is_empty())).await?;
    fake.inject(Fault::on("GET", "/health").answer(500, "something"));
    go_on.send_replace(true);
    assert_snapshot!(desk.end(child).await?, @r#"
    exit 0
    ---- stdout
    Revision     .
    Environment  test

    + create     orders  not in the cluster, 4 keys

    Unmanaged (never touched): someone-elses
    Plan: 1 to create, 0 to change, 0 to delete.
    ✓ create     orders  converged, TIME
    Steps: 1 converged.
    Applied. The cluster matches the repository.
    ---- stderr
    NOW  WARN could not look at the cluster error=failed to see whether the worker is ready: the worker says that it is unhealthy (HTTP 500) hint="the worker's log says more"
    "#);
    Ok(())
}
