//! What the client finds out of the worker's version, and what it does where that is too old or was
//! mistaken.

use anyhow::{Context as _, Result};
use tagalong::connect::error::Error;
use tagalong::connect::{Client, Writer};
use tagalong::model::capability::Capabilities;
use tagalong::model::plan::{Failed, Initial, Step, Target};
use tagalong::model::report::Class;
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::{Fake, Options, Phase};

use crate::connect::{failed, orders};
use crate::contract::client::{RESTART, client, config};
use crate::contract::site::source;

/// A worker of a version with one connector, and a client of it.
async fn worker(version: (u8, u8)) -> Result<(Fake, Client)> {
    let fake = Fake::with(Options { version, ..Options::default() }).await;
    fake.preload("orders", &[("connector.class", "FileStreamSource"), ("topic", "lines")]);
    let client = client(&fake.url(0), Writer::Leader)?;
    Ok((fake, client))
}

/// Lets `GET /` answer this; the other addresses answer as they do.
fn says(fake: &Fake, root: Fault) {
    fake.clear_faults();
    for path in ["/connectors", "/health", "/connector-plugins"] {
        fake.inject(Fault::on("*", path).always());
    }
    fake.inject(root.always());
}

fn root(body: &str) -> Fault {
    Fault::on("GET", "/").raw(200, "application/json", body)
}

/// How often the worker was asked for its version.
fn asked(fake: &Fake) -> usize {
    fake.requests().iter().filter(|request| request.path == "/").count()
}

fn sent(fake: &Fake) -> Vec<String> {
    fake.requests().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
}

/// Initial state, stop, restart of what failed.
fn abilities(found: &Capabilities) -> (bool, bool, bool) {
    (found.has_initial_state(), found.has_stop(), found.restarts_failed())
}

fn create(initial: Initial) -> Step {
    Step::Create { config: config(&source()), initial }
}

#[tokio::test]
async fn the_version_is_asked_once_and_again_when_the_worker_may_be_another_one() -> Result<()> {
    let (fake, client) = worker((3, 5)).await?;
    for _ in 0..3 {
        let found = client.live().await?.capabilities;
        assert_eq!((found.version.as_deref(), abilities(&found)), (Some("3.5.0"), (false, true, true)));
    }
    assert_eq!(asked(&fake), 1);

    for phase in [Phase::Down, Phase::Booting] {
        fake.phase(0, phase).await;
        fake.forget();
        failed(client.live().await)?;
        fake.phase(0, Phase::Ready).await;
        client.live().await?;
        assert_eq!(asked(&fake), 1, "{phase:?}");
    }
    // A probe that finds it away says it as well.
    fake.phase(0, Phase::Down).await;
    failed(client.probe().await)?;
    fake.phase(0, Phase::Ready).await;
    fake.forget();
    client.live().await?;
    assert_eq!(asked(&fake), 1);
    Ok(())
}

#[tokio::test]
async fn where_the_version_says_nothing_addresses_tell() -> Result<()> {
    for (body, said) in [
        (r#"{"version":"unknown"}"#, Some("unknown")),
        (r#"{"version":null}"#, None),
        ("{}", None),
        ("<html>welcome</html>", None),
        (r#"{"version":"7.6.0"}"#, Some("7.6.0")),
    ] {
        for (version, expected, is_known) in [
            ((4, 3), (true, true, true), true),
            ((3, 9), (true, true, true), true),
            // Nothing tells 3.7 from 3.5.
            ((3, 7), (false, true, true), true),
            ((3, 5), (false, true, true), true),
            ((3, 2), (false, false, true), true),
            ((2, 8), (false, false, false), false),
        ] {
            let (fake, client) = worker(version).await?;
            says(&fake, root(body));
            let found = client.live().await?.capabilities;
            let told = (abilities(&found), found.is_known(), found.version.as_deref());
            assert_eq!(told, (expected, is_known, said), "{body} of {version:?}");
            assert!(fake.requests().iter().all(|request| request.method == "GET"), "{:?}", sent(&fake));
        }
    }
    Ok(())
}

#[tokio::test]
async fn something_that_keeps_the_root_back_does_not_keep_the_connectors_back() -> Result<()> {
    for status in [401, 403, 404, 301] {
        let (fake, client) = worker((4, 3)).await?;
        says(&fake, Fault::on("GET", "/").raw(status, "text/html", "<html>no</html>"));
        let live = client.live().await?;
        assert_eq!(
            (live.connectors.len(), abilities(&live.capabilities)),
            (1, (true, true, true)),
            "{status}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_worker_that_goes_away_is_not_taken_for_the_oldest() -> Result<()> {
    let (fake, client) = worker((4, 3)).await?;
    says(&fake, Fault::on("GET", "/").break_off());
    assert_eq!(failed(client.live().await)?.class(), Class::Unreachable);
    fake.clear_faults();
    assert_eq!(abilities(&client.live().await?.capabilities), (true, true, true));
    Ok(())
}

#[tokio::test]
async fn a_connect_without_the_expanded_read_is_refused_with_its_version() -> Result<()> {
    let (fake, client) = worker((2, 3)).await?;
    for (body, named) in [(r#"["orders"]"#, "2.2.2"), ("[]", "2.2.2"), ("[]", "of an unknown version")] {
        let version = if named == "2.2.2" { r#"{"version":"2.2.2"}"# } else { "{}" };
        says(&fake, root(version));
        fake.clear_faults();
        fake.inject(Fault::on("GET", "expand").raw(200, "application/json", body));
        fake.inject(Fault::on("GET", "/connectors"));
        fake.inject(root(version));
        let error = failed(client.live().await)?;
        assert_eq!((error.class(), error.is_transient()), (Class::Unsupported, false));
        assert_eq!(
            error.to_string(),
            format!("failed to read the connectors: Connect {named} is too old, 2.3 or newer is needed")
        );
        fake.clear_faults();
    }
    Ok(())
}

#[tokio::test]
async fn a_worker_that_is_older_than_it_said_refuses_and_is_asked_anew() -> Result<()> {
    for (step, by_hand) in [
        (create(Initial::At(Target::Paused)), None),
        (Step::Stop { from: Target::Running }, None),
        // 2.8 restarts the connector alone, and says 204.
        (RESTART, Some(Fault::on("POST", "/restart").raw(204, "application/json", ""))),
    ] {
        let (fake, client) = worker((2, 8)).await?;
        says(&fake, root(r#"{"version":"4.3.0"}"#));
        assert!(client.live().await?.capabilities.has_stop());
        fake.clear_faults();
        fake.forget();
        if let Some(fault) = by_hand {
            fake.inject(fault);
        }
        let error = failed(client.take(&orders(), &step).await)?;
        assert_eq!((error.class(), error.is_certain()), (Class::Unsupported, true), "{step:?}: {error}");
        assert_eq!((fake.requests().len(), fake.writes().len()), (1, 0), "{step:?}");
        let found = client.live().await?.capabilities;
        assert_eq!((asked(&fake), abilities(&found)), (1, (false, false, false)), "{step:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_version_that_was_contradicted_is_not_believed_again_while_the_same_worker_says_it() -> Result<()> {
    for (version, step, expected) in [
        ((2, 8), create(Initial::At(Target::Paused)), (false, false, false)),
        ((2, 8), Step::Stop { from: Target::Running }, (false, false, false)),
        ((3, 5), create(Initial::At(Target::Paused)), (false, true, true)),
        ((3, 4), Step::Stop { from: Target::Running }, (false, false, true)),
    ] {
        let (fake, client) = worker(version).await?;
        says(&fake, root(r#"{"version":"4.3.0"}"#));
        assert_eq!(abilities(&client.live().await?.capabilities), (true, true, true));
        let error = failed(client.take(&orders(), &step).await)?;
        assert_eq!(error.class(), Class::Unsupported, "{step:?}: {error}");
        for _ in 0..2 {
            let found = client.live().await?.capabilities;
            let told = (abilities(&found), found.version.as_deref());
            assert_eq!(told, (expected, Some("4.3.0")), "{step:?} of {version:?}");
            client.doubt();
        }
        // Another version is another worker's.
        says(&fake, root(r#"{"version":"3.7.2"}"#));
        assert_eq!(abilities(&client.live().await?.capabilities), (true, true, true));
    }
    Ok(())
}

#[tokio::test]
async fn a_version_that_was_contradicted_is_believed_of_a_worker_that_was_away() -> Result<()> {
    let (fake, client) = worker((3, 5)).await?;
    says(&fake, root(r#"{"version":"3.7.2"}"#));
    client.live().await?;
    failed(client.take(&orders(), &create(Initial::At(Target::Paused))).await)?;
    assert_eq!(abilities(&client.live().await?.capabilities), (false, true, true));
    fake.phase(0, Phase::Down).await;
    failed(client.live().await)?;
    fake.phase(0, Phase::Ready).await;
    assert_eq!(abilities(&client.live().await?.capabilities), (true, true, true));
    Ok(())
}

#[tokio::test]
async fn only_what_connect_says_of_its_health_tells_a_version() -> Result<()> {
    for (version, body, expected) in [
        ((2, 8), r#"{"status":"UP"}"#, (false, false, false)),
        ((2, 8), r#"{"status":"healthy"}"#, (false, false, false)),
        ((2, 8), r#"{"status":"UP","message":"all is well"}"#, (false, false, false)),
        ((3, 5), r#"{"status":"ok"}"#, (false, true, true)),
        ((2, 8), r#"{"status":"healthy","message":"Worker has completed startup."}"#, (true, true, true)),
    ] {
        let (fake, client) = worker(version).await?;
        fake.inject(Fault::on("GET", "/health").raw(200, "application/json", body).always());
        for path in ["/connectors", "/connector-plugins"] {
            fake.inject(Fault::on("*", path).always());
        }
        fake.inject(root(r#"{"version":"unknown"}"#).always());
        assert_eq!(abilities(&client.live().await?.capabilities), expected, "{body} of {version:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_new_connector_is_paused_right_after_it_was_made() -> Result<()> {
    let (fake, client) = worker((2, 8)).await?;
    fake.remove("orders");
    client.take(&orders(), &create(Initial::Then(Target::Paused))).await?;
    assert_eq!(sent(&fake), ["POST /connectors", "PUT /connectors/orders/pause"]);
    let made: serde_json::Value = serde_json::from_str(&fake.requests()[0].body)?;
    assert_eq!(made.get("initial_state"), None);
    assert_eq!(
        fake.connector("orders").context("it is there")?.target,
        tagalong_testkit::fake::state::Target::Paused
    );
    Ok(())
}

#[tokio::test]
async fn a_pause_that_fails_is_asked_again_and_then_told() -> Result<()> {
    for (times, works) in [(2, true), (3, false)] {
        let (fake, client) = worker((2, 8)).await?;
        fake.remove("orders");
        fake.inject(Fault::on("PUT", "/pause").answer(500, "Request timed out").times(times));
        let result = client.take(&orders(), &create(Initial::Then(Target::Paused))).await;
        assert_eq!(sent(&fake).iter().filter(|one| one.ends_with("/pause")).count(), 3, "{:?}", sent(&fake));
        assert_eq!(sent(&fake).iter().filter(|one| one.starts_with("POST")).count(), 1, "{:?}", sent(&fake));
        if works {
            result?;
        } else {
            let error = failed(result)?;
            assert!(matches!(error, Error::Partly { .. }), "{error}");
            assert_eq!(
                (error.class(), error.is_certain()),
                (Class::TimedOut, false),
                "it is there, and runs"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_creation_that_is_refused_is_not_followed_by_a_pause() -> Result<()> {
    let (fake, client) = worker((2, 8)).await?;
    let error = failed(client.take(&orders(), &create(Initial::Then(Target::Paused))).await)?;
    assert_eq!((error.class(), error.is_certain()), (Class::Exists, true));
    assert_eq!(sent(&fake), ["POST /connectors"], "another one's connector is left alone");
    Ok(())
}

#[tokio::test]
async fn what_failed_is_restarted_one_by_one_without_a_fence() -> Result<()> {
    let (fake, client) = worker((2, 8)).await?;
    let step =
        |itself, tasks: &[u32]| Step::Restart { failed: Failed::OneByOne { itself, tasks: tasks.into() } };
    let status = "GET /connectors/orders/status";
    let (itself, task) = ("POST /connectors/orders/restart", "POST /connectors/orders/tasks/0/restart");
    let ill = |itself: &str, tasks: &str| {
        let body = format!(
            r#"{{"name":"orders","connector":{{"state":"{itself}","worker_id":"w"}},"tasks":[{tasks}],"type":"source"}}"#
        );
        fake.clear_faults();
        fake.forget();
        fake.inject(Fault::on("GET", "/orders/status").raw(200, "application/json", &body).always());
    };
    let is = |id: u32, state: &str| format!(r#"{{"id":{id},"state":"{state}","worker_id":"w"}}"#);
    ill("FAILED", &is(0, "FAILED"));
    client.take(&orders(), &step(true, &[0])).await?;
    assert_eq!(sent(&fake), [status, itself, task]);
    assert!(fake.requests().iter().all(|request| request.query.is_empty()), "{:?}", fake.requests());

    // What is back, or is gone, is left alone; what was not planned as well.
    for (state, tasks, expected) in [
        ("RUNNING", is(0, "FAILED"), vec![status, task]),
        ("FAILED", is(0, "RUNNING"), vec![status, itself]),
        ("FAILED", format!("{},{}", is(0, "UNASSIGNED"), is(1, "FAILED")), vec![status, itself]),
        ("RUNNING", String::new(), vec![status]),
    ] {
        ill(state, &tasks);
        client.take(&orders(), &step(true, &[0])).await?;
        assert_eq!(sent(&fake), expected, "{state} {tasks}");
    }

    ill("RUNNING", &is(7, "FAILED"));
    let gone = failed(client.take(&orders(), &step(false, &[7])).await)?;
    assert_eq!((gone.class(), gone.is_certain()), (Class::NotFound, true));
    ill("RUNNING", &format!("{},{}", is(0, "FAILED"), is(7, "FAILED")));
    let half = failed(client.take(&orders(), &step(false, &[0, 7])).await)?;
    assert_eq!((half.class(), half.is_certain()), (Class::NotFound, false), "the first one was restarted");

    // Where it cannot be seen, nothing is sent.
    fake.clear_faults();
    fake.forget();
    fake.inject(Fault::on("GET", "/orders/status").answer(500, "Request timed out"));
    let unseen = failed(client.take(&orders(), &step(false, &[0])).await)?;
    assert!(unseen.is_certain() && fake.writes().is_empty(), "{unseen}");
    Ok(())
}
