//! The Connect client against a fake cluster that misbehaves: every class of error, every start-up
//! phase. What it tells of secrets is in `connect_secrets.rs`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use tagalong::connect::error::Error;
use tagalong::connect::{Client, Leadership, Writer};
use tagalong::model::live::RunState;
use tagalong::model::name::ConnectorName;
use tagalong::model::plan::{Step, Target};
use tagalong::model::report::Class;
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::{State, Timing};
use tagalong_testkit::fake::{Fake, Options, Phase};
use tagalong_testkit::ports;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::contract::client::{RESTART, client, configure, create};
use crate::contract::site::{source, source_with};
use crate::support::agent::wait;

pub fn orders() -> ConnectorName {
    ConnectorName::observed("orders")
}

fn leader(fake: &Fake) -> Result<Client> {
    client(&fake.url(0), Writer::Leader)
}

/// A worker with one connector that has been running for long.
pub async fn with_orders() -> Result<(Fake, Client)> {
    let fake = Fake::start(1).await;
    fake.preload("orders", &[("connector.class", "FileStreamSource"), ("topic", "lines")]);
    let client = leader(&fake)?;
    Ok((fake, client))
}

pub fn failed<T: std::fmt::Debug>(result: Result<T, Error>) -> Result<Error> {
    result.err().context("it should have failed")
}

#[tokio::test]
async fn each_refusal_has_its_class_and_says_whether_anything_was_written() -> Result<()> {
    let (fake, client) = with_orders().await?;
    let conflict = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)";
    for (status, message, class, is_certain, is_transient) in [
        (409, conflict, Class::NotLeader, true, false),
        (
            409,
            "Cannot complete request momentarily due to stale configuration",
            Class::Rebalancing,
            true,
            true,
        ),
        (500, "Request cannot be completed because a rebalance is expected", Class::Rebalancing, true, true),
        (409, "Connector orders already exists", Class::Exists, true, false),
        (404, "Connector orders not found", Class::NotFound, true, false),
        (404, "HTTP 404 Not Found", Class::NotUnderstood, true, false),
        (400, "anything", Class::Invalid, true, false),
        (400, "FATAL: password authentication failed for user \"x\"", Class::Waiting, true, true),
        (401, "no", Class::Denied, true, false),
        (500, "Request timed out", Class::TimedOut, false, true),
        (500, "Error writing connector configuration to Kafka", Class::TimedOut, false, true),
        (500, "IO Error trying to forward REST request: x", Class::Unreachable, false, true),
        (500, "java.lang.NullPointerException", Class::Internal, false, false),
    ] {
        fake.inject(Fault::on("PUT", "/config").answer(status, message));
        let error = failed(client.take(&orders(), &configure(&source())).await)?;
        let found = (error.class(), error.is_certain(), error.is_transient());
        assert_eq!(found, (class, is_certain, is_transient), "{status} {message}: {error}");
    }
    assert_eq!(fake.writes(), []);
    Ok(())
}

#[tokio::test]
async fn what_stands_before_connect_is_told_from_connect() -> Result<()> {
    let (fake, client) = with_orders().await?;
    for (status, class, is_certain) in [
        (404, Class::Starting, false),
        (503, Class::Starting, false),
        (502, Class::Unreachable, false),
        (504, Class::Unreachable, false),
        (401, Class::Denied, true),
        (403, Class::Denied, true),
        (301, Class::NotUnderstood, false),
        (429, Class::NotUnderstood, false),
    ] {
        fake.inject(Fault::on("DELETE", "/connectors/orders").raw(status, "text/html", "<html>no</html>"));
        let error = failed(client.take(&orders(), &Step::Delete).await)?;
        assert_eq!((error.class(), error.is_certain()), (class, is_certain), "{status}: {error}");
    }
    assert!(fake.connector("orders").is_some());
    Ok(())
}

#[tokio::test]
async fn a_worker_that_starts_is_not_taken_for_an_empty_cluster() -> Result<()> {
    let fake = Fake::with(Options { phase: Phase::Down, ..Options::default() }).await;
    fake.preload("orders", &[("connector.class", "FileStreamSource"), ("topic", "lines")]);
    let client = leader(&fake)?;
    for (phase, class) in [(Phase::Down, Class::Unreachable), (Phase::Booting, Class::Starting)] {
        fake.phase(0, phase).await;
        let errors =
            [failed(client.ready().await)?, failed(client.probe().await)?, failed(client.live().await)?];
        assert_eq!(errors.each_ref().map(Error::class), [class; 3], "{phase:?}: {errors:?}");
    }

    fake.phase(0, Phase::Reading).await;
    // This is the trap: the list is empty, and only `ready` and the probe know better.
    assert!(client.live().await?.connectors.is_empty());
    assert_eq!(failed(client.ready().await)?.class(), Class::Starting);
    assert!(timeout(Duration::from_millis(100), client.probe()).await.is_err());

    fake.phase(0, Phase::Ready).await;
    client.ready().await?;
    assert_eq!(client.probe().await?, Leadership::Leads);
    assert_eq!(client.live().await?.connectors.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_worker_without_a_health_page_is_asked_through_its_herder() -> Result<()> {
    let fake = Fake::with(Options { version: (2, 8), phase: Phase::Reading, ..Options::default() }).await;
    let client = leader(&fake)?;
    assert!(timeout(Duration::from_millis(100), client.ready()).await.is_err());
    fake.phase(0, Phase::Ready).await;
    client.ready().await?;
    assert!(fake.requests().iter().all(|request| request.method == "GET"), "{:?}", fake.requests());
    Ok(())
}

#[tokio::test]
async fn a_worker_that_is_unhealthy_is_not_ready() -> Result<()> {
    let (fake, client) = with_orders().await?;
    let body = r#"{"status":"unhealthy","message":"Worker was unable to handle this request and may be unable to handle other requests."}"#;
    fake.inject(Fault::on("GET", "/health").raw(500, "application/json", body));
    let error = failed(client.ready().await)?;
    assert_eq!((error.class(), error.is_transient()), (Class::Internal, true), "{error}");
    Ok(())
}

#[tokio::test]
async fn only_an_error_of_connects_own_makes_a_leader() -> Result<()> {
    let (fake, client) = with_orders().await?;
    for (status, body, class) in [
        (404, "<html>Error 404 Not Found</html>", Class::Starting),
        (404, r#"{"message":"no Route matched with those values"}"#, Class::Starting),
        (404, r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#, Class::NotUnderstood),
        (409, "<html>Conflict</html>", Class::NotUnderstood),
        (204, "", Class::NotUnderstood),
        (500, r#"{"error_code":500,"message":"Request timed out"}"#, Class::TimedOut),
    ] {
        fake.inject(Fault::on("DELETE", "tagalong-probe-").raw(status, "application/json", body));
        assert_eq!(failed(client.probe().await)?.class(), class, "{status} {body}");
    }
    assert_eq!(client.probe().await?, Leadership::Leads);
    fake.depose();
    assert_eq!(client.probe().await?, Leadership::Follows);
    assert_eq!(fake.writes(), []);
    Ok(())
}

#[tokio::test]
async fn leadership_that_moves_is_noticed_by_probe_and_write() -> Result<()> {
    let fake = Fake::start(2).await;
    let client = leader(&fake)?;
    assert_eq!(client.probe().await?, Leadership::Leads);
    fake.lead(1);
    let error = failed(client.take(&orders(), &create(&source(), Target::Running)).await)?;
    assert_eq!(error.class(), Class::NotLeader);
    assert_eq!(client.probe().await?, Leadership::Follows);
    assert!(fake.names().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_write_whose_connection_breaks_is_uncertain_and_was_carried_out() -> Result<()> {
    let (fake, client) = with_orders().await?;
    fake.inject(Fault::on("PUT", "/config").after_executing().break_off());
    let error = failed(client.take(&orders(), &configure(&source_with("batch.size", "7"))).await)?;
    assert_eq!(
        (error.class(), error.is_certain(), error.is_transient()),
        (Class::Unreachable, false, true),
        "{error}"
    );
    assert_eq!(fake.writes().len(), 1);
    assert_eq!(fake.connector("orders").context("it is there")?.config["batch.size"], "7");
    Ok(())
}

#[tokio::test]
async fn a_broken_request_is_sent_once() -> Result<()> {
    let (fake, client) = with_orders().await?;
    client.live().await?;
    fake.forget();
    for step in [create(&source(), Target::Running), configure(&source()), Step::Delete, RESTART] {
        fake.inject(Fault::on("*", "/connectors").break_off());
        failed(client.take(&orders(), &step).await)?;
    }
    assert_eq!(fake.requests().len(), 4, "{:?}", fake.requests());
    assert_eq!(fake.writes(), []);
    Ok(())
}

#[tokio::test]
async fn a_worker_that_is_away_was_certainly_not_written_to() -> Result<()> {
    // A port that no other test is given while nobody listens to it.
    let port = ports::free(1)?[0];
    let fake = Fake::with(Options { port, ..Options::default() }).await;
    let client = leader(&fake)?;
    fake.phase(0, Phase::Down).await;
    // A process that another test starts holds what this one listens on until it has become its own program.
    let is_refused = || async move { Ok(TcpStream::connect(("127.0.0.1", port)).await.is_err()) };
    wait("nobody listens", is_refused).await?;
    let error = failed(client.take(&orders(), &Step::Delete).await)?;
    assert_eq!(
        (error.class(), error.is_certain(), error.is_transient()),
        (Class::Unreachable, true, true),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_given_up_is_counted_as_unanswered() -> Result<()> {
    let (fake, client) = with_orders().await?;
    fake.inject(Fault::on("DELETE", "/connectors/orders").hang());
    assert!(timeout(Duration::from_millis(100), client.take(&orders(), &Step::Delete)).await.is_err());
    client.live().await?;
    let exchanges = client.take_exchanges();
    let kinds: Vec<_> = exchanges.iter().map(|one| (one.method, one.code_class)).collect();
    assert_eq!(kinds, [("DELETE", "none"), ("GET", "2xx"), ("GET", "2xx"), ("GET", "2xx")]);
    assert!(exchanges[0].took >= Duration::from_millis(90), "{exchanges:?}");
    assert_eq!(client.take_exchanges(), []);
    Ok(())
}

#[tokio::test]
async fn each_step_is_one_request_and_fenced_where_connect_knows_how() -> Result<()> {
    let (fake, client) = with_orders().await?;
    let new = ConnectorName::observed("new one");
    let restart = "/connectors/orders/restart?includeTasks=true&onlyFailed=true&forward=false";
    for (name, step, method, path) in [
        (&new, create(&source(), Target::Running), "POST", "/connectors?forward=false"),
        (&new, Step::Delete, "DELETE", "/connectors/new%20one?forward=false"),
        (&orders(), configure(&source()), "PUT", "/connectors/orders/config?forward=false"),
        (&orders(), Step::Pause { from: Target::Running }, "PUT", "/connectors/orders/pause"),
        (&orders(), Step::Resume { from: Target::Paused }, "PUT", "/connectors/orders/resume"),
        (&orders(), RESTART, "POST", restart),
        (&orders(), Step::Stop { from: Target::Running }, "PUT", "/connectors/orders/stop?forward=false"),
    ] {
        fake.forget();
        client.take(name, &step).await?;
        let requests = fake.requests();
        assert_eq!(requests.len(), 1, "{step:?}");
        let sent = if requests[0].query.is_empty() {
            requests[0].path.clone()
        } else {
            format!("{}?{}", requests[0].path, requests[0].query)
        };
        assert_eq!((requests[0].method.as_str(), sent.as_str()), (method, path), "{step:?}");
        assert_eq!(fake.writes().len(), 1, "{step:?}");
    }
    Ok(())
}

#[tokio::test]
async fn looking_costs_two_reads_and_writes_nothing() -> Result<()> {
    let fake = Fake::start(1).await;
    for number in 0..200 {
        fake.preload(
            &format!("connector-{number}"),
            &[("connector.class", "FileStreamSource"), ("topic", "x")],
        );
    }
    let client = leader(&fake)?;
    // The first look asks for the version, too.
    client.live().await?;
    fake.forget();
    let live = client.live().await?;
    assert_eq!(live.connectors.len(), 200);
    let sent: Vec<_> = fake.requests().into_iter().map(|one| (one.method, one.path, one.query)).collect();
    let get = |query: &str| ("GET".to_owned(), "/connectors".to_owned(), query.to_owned());
    assert_eq!(sent, [get(""), get("expand=info&expand=status")]);
    Ok(())
}

#[tokio::test]
async fn a_connector_without_a_status_yet_has_its_config_read_alone() -> Result<()> {
    let hour = Duration::from_hours(1);
    let timing = Timing { status: hour, ..Timing::default() };
    let fake = Fake::with(Options { timing, ..Options::default() }).await;
    let client = leader(&fake)?;
    client.take(&orders(), &create(&source(), Target::Running)).await?;
    let seen = client.live().await?.connectors.remove(&orders()).context("it is listed")?;
    assert_eq!(seen.status, None);
    assert_eq!(seen.config.context("a config")?.class(), Some("FileStreamSource"));
    assert_eq!(client.look(&orders()).await?.context("it is there")?.status, None);

    // While a rebalance is expected nobody can say what its config is.
    fake.rebalance(hour);
    let seen = client.live().await?.connectors.remove(&orders()).context("it is listed")?;
    assert_eq!((seen.config, seen.status), (None, None));
    assert_eq!(failed(client.look(&orders()).await)?.class(), Class::Rebalancing);
    Ok(())
}

#[tokio::test]
async fn what_is_deleted_between_two_reads_is_gone() -> Result<()> {
    let (fake, client) = with_orders().await?;
    for body in [
        r#"{"orders":{"info":null,"status":{"connector":{"state":"RUNNING"}}}}"#,
        r#"{"orders":{"info":null}}"#,
    ] {
        fake.inject(Fault::on("GET", "expand").raw(200, "application/json", body));
        assert!(client.live().await?.connectors.is_empty(), "{body}");
    }
    fake.inject(Fault::on("GET", "expand").raw(200, "application/json", "{}"));
    fake.inject(Fault::on("GET", "/connectors/orders/config").answer(404, "Connector orders not found"));
    assert!(client.live().await?.connectors.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_connector_that_nobody_can_address_does_not_hide_the_others() -> Result<()> {
    let (fake, client) = with_orders().await?;
    fake.preload("a/b", &[("connector.class", "FileStreamSource"), ("topic", "x")]);
    fake.preload("..", &[("connector.class", "FileStreamSource"), ("topic", "x")]);
    assert_eq!(client.live().await?.connectors.len(), 3);
    // Also where the expanded read leaves it out.
    fake.inject(Fault::on("GET", "expand").raw(200, "application/json", "{}"));
    let live = client.live().await?;
    let without: Vec<_> = live
        .connectors
        .iter()
        .filter(|(_, one)| one.config.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(without, ["..", "a/b"]);

    fake.forget();
    let error = failed(client.take(&ConnectorName::observed(".."), &Step::Delete).await)?;
    assert!(matches!(error, Error::Unaddressable { .. }), "{error}");
    assert!(fake.requests().is_empty());
    Ok(())
}

#[tokio::test]
async fn what_a_distribution_adds_is_left_out_and_masks_stay_masks() -> Result<()> {
    let fake = Fake::with(Options { masks: true, ..Options::default() }).await;
    fake.preload(
        "orders",
        &[("connector.class", "FileStreamSource"), ("topic", "x"), ("a.password", "hunter2")],
    );
    let config = leader(&fake)?
        .live()
        .await?
        .connectors
        .remove(&orders())
        .and_then(|connector| connector.config)
        .context("a config")?;
    assert_eq!(config.keys().collect::<Vec<_>>(), ["a.password", "connector.class", "topic"]);
    assert!(config.get("a.password").is_some_and(tagalong::model::config::Value::is_masked));
    Ok(())
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_for_ever() -> Result<()> {
    let (fake, client) = with_orders().await?;
    let endless = format!("[\"{}\"]", "x".repeat(65 * 1024 * 1024));
    fake.inject(Fault::on("GET", "/connectors").raw(200, "application/json", &endless));
    let error = failed(client.live().await)?;
    assert!(matches!(error, Error::NotUnderstood { .. }), "{error}");
    fake.inject(Fault::on("PUT", "/config").answer(400, &endless));
    assert_eq!(failed(client.take(&orders(), &configure(&source())).await)?.class(), Class::Invalid);
    Ok(())
}

#[tokio::test]
async fn a_base_address_may_have_a_path() -> Result<()> {
    let (fake, _) = with_orders().await?;
    let client = client(&format!("{}/behind/a/proxy/?x=1#y", fake.url(0)), Writer::Leader)?;
    failed(client.take(&orders(), &Step::Delete).await)?;
    let request = fake.requests().pop().context("a request")?;
    assert_eq!(
        (request.path.as_str(), request.query.as_str()),
        ("/behind/a/proxy/connectors/orders", "forward=false")
    );
    Ok(())
}

#[tokio::test]
async fn the_database_that_is_away_is_waited_for_until_it_is_there() -> Result<()> {
    let (fake, client) = with_orders().await?;
    fake.refuse(
        "orders",
        "Error while validating connector config: Connection to db:5432 refused. Check that",
    );
    let step = configure(&source_with("batch.size", "7"));
    assert_eq!(failed(client.take(&orders(), &step).await)?.class(), Class::Waiting);
    fake.accept("orders");
    client.take(&orders(), &step).await?;
    Ok(())
}

#[tokio::test]
async fn a_restart_revives_what_failed_and_nothing_else() -> Result<()> {
    let (fake, client) = with_orders().await?;
    let before = fake.connector("orders").context("it is there")?;
    client.take(&orders(), &RESTART).await?;
    assert_eq!(fake.connector("orders").context("it is there")?.task_starts, before.task_starts);

    fake.fail_task("orders", 0, "x");
    assert_eq!(fake.connector("orders").context("it is there")?.tasks, [State::Failed]);
    client.take(&orders(), &RESTART).await?;
    let after = fake.connector("orders").context("it is there")?;
    assert_eq!((after.starts, after.task_starts), (before.starts, before.task_starts + 1));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let seen = client.look(&orders()).await?.and_then(|one| one.status).context("a status")?;
    assert_eq!(seen.tasks[0].state, RunState::Running);
    Ok(())
}

#[tokio::test]
async fn an_unchanged_config_restarts_the_connector_and_counts_as_a_write() -> Result<()> {
    let (fake, client) = with_orders().await?;
    let same = json!({"connector.class": "FileStreamSource", "topic": "lines"});
    let before = fake.connector("orders").context("it is there")?;
    client.take(&orders(), &configure(&same)).await?;
    let after = fake.connector("orders").context("it is there")?;
    assert_eq!((after.starts, after.task_starts), (before.starts + 1, before.task_starts));
    assert_eq!(fake.writes().iter().map(|write| write.changed).collect::<Vec<_>>(), [false]);
    Ok(())
}
