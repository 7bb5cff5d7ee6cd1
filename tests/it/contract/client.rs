//! The cases of our own client.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tagalong::connect::access::Access;
use tagalong::connect::error::Error;
use tagalong::connect::{Client, Leadership, Options, Writer};
use tagalong::model::config::{Config, Value};
use tagalong::model::live::{Kind, LiveConnector, RunState};
use tagalong::model::name::ConnectorName;
use tagalong::model::plan::{Failed, Initial, Step, Target};
use tagalong::model::pulse::Stored;
use tagalong::model::report::Class;
use tokio::time::{Instant, sleep};

use crate::contract::site::{Site, failing, source, source_with};

pub fn client(url: &str, writer: Writer) -> Result<Client> {
    Ok(Client::new(Options {
        url: url.parse()?,
        writer,
        user_agent: "tagalong-test".to_owned(),
        access: Access::default(),
    })?)
}

fn leader(site: &Site) -> Result<Client> {
    client(&site.leader, Writer::Leader)
}

fn name(site: &Site) -> ConnectorName {
    ConnectorName::observed(&site.name("x"))
}

pub fn config(json: &serde_json::Value) -> Config {
    let pairs = json.as_object().expect("a flat config");
    pairs.iter().map(|(key, value)| (key, Value::new(key, value.as_str().expect("a text")))).collect()
}

/// Restarts what failed, as Connect 3.0 and newer know how.
pub const RESTART: Step = Step::Restart { failed: Failed::InOneCall };

/// Restarts a connector and its first task where they have failed, as every Connect knows how.
fn one_by_one() -> Step {
    Step::Restart { failed: Failed::OneByOne { itself: true, tasks: vec![0] } }
}

pub fn create(json: &serde_json::Value, initial: Target) -> Step {
    Step::Create { config: config(json), initial: Initial::At(initial) }
}

pub fn configure(json: &serde_json::Value) -> Step {
    Step::Configure { config: config(json), changes: Vec::new() }
}

/// Does something, again where a rebalance is in the way: every case on the cluster causes some.
async fn calm<T>(ask: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    let start = Instant::now();
    loop {
        match ask().await {
            Err(error)
                if error.class() == Class::Rebalancing && start.elapsed() < Duration::from_secs(30) =>
            {
                sleep(Duration::from_millis(50)).await;
            }
            result => return result,
        }
    }
}

/// Takes a step, again where a rebalance is in the way.
async fn take(client: &Client, name: &ConnectorName, step: &Step) -> Result<()> {
    Ok(calm(async || client.take(name, step).await).await?)
}

/// Looks until the connector is as wanted.
async fn until(
    client: &Client,
    name: &ConnectorName,
    is_so: impl Fn(&LiveConnector) -> bool,
) -> Result<LiveConnector> {
    let start = Instant::now();
    loop {
        let seen = client.look(name).await;
        match seen {
            Ok(Some(connector)) if is_so(&connector) => return Ok(connector),
            Ok(_) => {}
            Err(error) if error.class() == Class::Rebalancing => {}
            Err(error) => return Err(error.into()),
        }
        if start.elapsed() > Duration::from_secs(30) {
            bail!("not seen in time");
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn states(connector: &LiveConnector) -> Option<(RunState, Vec<RunState>)> {
    let status = connector.status.as_ref()?;
    Some((status.state, status.tasks.iter().map(|task| task.state).collect()))
}

fn is(connector: &LiveConnector, state: RunState, tasks: &[RunState]) -> bool {
    states(connector).is_some_and(|(own, each)| own == state && each == tasks)
}

fn failure<T>(result: std::result::Result<T, Error>) -> Result<Error> {
    result.err().context("it should have failed")
}

pub async fn it_knows_the_leader_and_the_follower(site: &Site) -> Result<()> {
    assert_eq!(leader(site)?.probe().await?, Leadership::Leads);
    assert_eq!(client(&site.follower, Writer::Leader)?.probe().await?, Leadership::Follows);
    // It asks the worker itself, also where writes are passed on.
    assert_eq!(client(&site.follower, Writer::Forwarded)?.probe().await?, Leadership::Follows);
    Ok(())
}

pub async fn it_carries_a_connector_through_its_life(site: &Site) -> Result<()> {
    let (client, name) = (leader(site)?, name(site));
    take(&client, &name, &create(&source(), Target::Running)).await?;
    // At once, whether it has a status yet or not. Its config cannot be read while a rebalance is due.
    let live = client.live().await?;
    let seen = live.connectors.get(&name).context("it is listed")?;
    assert!(seen.config.as_ref().is_none_or(|seen| *seen == config(&source())), "{seen:?}");

    let running = |connector: &LiveConnector| is(connector, RunState::Running, &[RunState::Running]);
    let seen = until(&client, &name, running).await?;
    assert_eq!((seen.config, seen.kind), (Some(config(&source())), Kind::Source));
    let live = client.live().await?;
    let seen = live.connectors.get(&name).context("it is listed")?;
    assert_eq!((&seen.config, seen.kind), (&Some(config(&source())), Kind::Source));

    let changed = source_with("batch.size", "7");
    take(&client, &name, &configure(&changed)).await?;
    assert_eq!(until(&client, &name, running).await?.config, Some(config(&changed)));
    let start = Instant::now();
    // Before 3.7 the task has this key at all times, with the plugin's own value.
    let has_it = |task: &Config| {
        task.get("batch.size").is_some_and(|value| value.same_text(&Value::new("batch.size", "7")))
    };
    while !calm(async || client.task_configs(&name).await).await?.first().is_some_and(has_it) {
        assert!(start.elapsed() < Duration::from_secs(30), "the task never got the new config");
        sleep(Duration::from_millis(20)).await;
    }

    take(&client, &name, &Step::Pause { from: Target::Running }).await?;
    until(&client, &name, |connector| is(connector, RunState::Paused, &[RunState::Paused])).await?;
    take(&client, &name, &Step::Resume { from: Target::Paused }).await?;
    until(&client, &name, running).await?;
    if site.version >= (3, 5) {
        take(&client, &name, &Step::Stop { from: Target::Running }).await?;
        until(&client, &name, |connector| is(connector, RunState::Stopped, &[])).await?;
    }
    take(&client, &name, &Step::Delete).await?;
    assert_eq!(calm(async || client.look(&name).await).await?, None);
    assert!(!client.live().await?.connectors.contains_key(&name));
    // What is gone already needs no deleting.
    take(&client, &name, &Step::Delete).await
}

pub async fn it_creates_in_a_state(site: &Site) -> Result<()> {
    let client = leader(site)?;
    for (target, state) in [(Target::Paused, RunState::Paused), (Target::Stopped, RunState::Stopped)] {
        let name = ConnectorName::observed(&site.name(target.name()));
        let step = create(&source(), target);
        if site.version >= (3, 7) {
            take(&client, &name, &step).await?;
            until(&client, &name, |connector| is(connector, state, &[])).await?;
        } else {
            let error = failure(calm(async || client.take(&name, &step).await).await)?;
            assert_eq!((error.class(), error.is_certain()), (Class::Unsupported, true), "{error}");
            assert_eq!(calm(async || client.look(&name).await).await?, None);
        }
    }
    Ok(())
}

pub async fn it_creates_and_brings_into_a_state_right_after(site: &Site) -> Result<()> {
    let targets = [(Target::Paused, RunState::Paused, (2, 3)), (Target::Stopped, RunState::Stopped, (3, 5))];
    for (writer, url) in [(Writer::Leader, &site.leader), (Writer::Forwarded, &site.follower)] {
        let client = client(url, writer)?;
        for (target, state, _) in targets.into_iter().filter(|(_, _, since)| site.version >= *since) {
            let name = ConnectorName::observed(&site.name(&format!("{}-{writer:?}", target.name())));
            let step = Step::Create { config: config(&source()), initial: Initial::Then(target) };
            take(&client, &name, &step).await?;
            let seen = until(&client, &name, |connector| {
                states(connector)
                    .is_some_and(|(own, tasks)| own == state && !tasks.contains(&RunState::Running))
            })
            .await?;
            assert_eq!(seen.config, Some(config(&source())));
            // It was paused before its tasks were made, or they are paused as well; either way it can run.
            take(&client, &name, &Step::Resume { from: target }).await?;
            let running = |connector: &LiveConnector| is(connector, RunState::Running, &[RunState::Running]);
            until(&client, &name, running).await?;
        }
    }
    Ok(())
}

pub async fn it_finds_out_what_the_worker_can_do(site: &Site) -> Result<()> {
    for url in [&site.leader, &site.follower] {
        let client = client(url, Writer::Leader)?;
        let found = client.live().await?.capabilities;
        let told = (found.is_known(), found.has_initial_state(), found.has_stop(), found.restarts_failed());
        let expected = (true, site.version >= (3, 7), site.version >= (3, 5), site.version >= (3, 0));
        assert_eq!(told, expected, "{found:?}");
        client.live().await?;
        let asked = client.take_exchanges();
        assert!(asked.len() == 5 && asked.iter().all(|one| one.method == "GET"), "{asked:?}");
    }
    // Where the version says nothing, these tell.
    for (path, since) in [
        ("/health".to_owned(), (3, 9)),
        (format!("/connectors/{}/offsets", site.name("nobody")), (3, 5)),
        (format!("/connector-plugins/{}/config", site.name("nobody")), (3, 2)),
    ] {
        let reply = site.ask("GET", &path, None).await?;
        let is_there = reply.status == 200 || reply.message() != "HTTP 404 Not Found";
        assert_eq!(is_there, site.version >= since, "{path}: {reply:?}");
    }
    Ok(())
}

pub async fn it_does_not_write_through_a_follower(site: &Site) -> Result<()> {
    let name = name(site);
    take(&leader(site)?, &name, &create(&source(), Target::Running)).await?;
    site.until_tasks(name.as_str(), "RUNNING").await?;
    let follower = client(&site.follower, Writer::Leader)?;
    let new = ConnectorName::observed(&site.name("new"));
    for (name, step) in [
        (&new, create(&source(), Target::Running)),
        (&name, configure(&source_with("batch.size", "7"))),
        (&name, Step::Delete),
    ] {
        let error = failure(follower.take(name, &step).await)?;
        assert_eq!((error.class(), error.is_certain()), (Class::NotLeader, true), "{step:?}");
    }
    let error = failure(follower.take(&name, &Step::Stop { from: Target::Running }).await)?;
    let class = if site.version >= (3, 5) { Class::NotLeader } else { Class::Unsupported };
    assert_eq!((error.class(), error.is_certain()), (class, true), "{error}");
    // Before 3.0 the one that runs the connector takes it, and restarts the connector alone.
    let error = failure(follower.take(&name, &RESTART).await)?;
    let is_old = site.version < (3, 0) && error.class() == Class::Unsupported;
    assert!(is_old || matches!(error.class(), Class::NotLeader | Class::Rebalancing), "{error}");
    Ok(())
}

pub async fn it_writes_through_a_follower_where_it_may(site: &Site) -> Result<()> {
    let (follower, name) = (client(&site.follower, Writer::Forwarded)?, name(site));
    take(&follower, &name, &create(&source(), Target::Running)).await?;
    site.until_tasks(name.as_str(), "RUNNING").await?;
    take(&follower, &name, &configure(&source_with("batch.size", "7"))).await?;
    if site.version >= (3, 0) {
        take(&follower, &name, &RESTART).await?;
    }
    take(&follower, &name, &one_by_one()).await?;
    if site.version >= (3, 5) {
        take(&follower, &name, &Step::Stop { from: Target::Running }).await?;
    }
    // What the leader refuses comes back with its meaning.
    let again = create(&source(), Target::Running);
    let error = failure(calm(async || follower.take(&name, &again).await).await)?;
    assert_eq!((error.class(), error.is_certain()), (Class::Exists, true), "{error}");
    take(&follower, &name, &Step::Delete).await?;
    take(&follower, &name, &Step::Delete).await?;
    let leader = leader(site)?;
    assert_eq!(calm(async || leader.look(&name).await).await?, None);

    // A follower would pass this name on as another one.
    let name = ConnectorName::observed(&site.name("x;y"));
    for step in [create(&source(), Target::Running), Step::Delete] {
        let error = failure(follower.take(&name, &step).await)?;
        assert!(matches!(error, Error::Unaddressable { .. }), "{error}");
    }
    Ok(())
}

pub async fn it_tells_a_refused_config(site: &Site) -> Result<()> {
    let (client, name) = (leader(site)?, name(site));
    let wrong = create(&source_with("tasks.max", "S3cr3t"), Target::Running);
    let error = failure(calm(async || client.take(&name, &wrong).await).await)?;
    assert_eq!((error.class(), error.is_certain()), (Class::Invalid, true));
    let text = error.to_string();
    assert!(
        text.ends_with("Connect does not accept the config, 2 errors, at tasks.max (HTTP 400)"),
        "{text}"
    );

    let nothing = serde_json::json!({"password": "S3cr3t"});
    let nothing = configure(&nothing);
    let error = failure(calm(async || client.take(&name, &nothing).await).await)?;
    assert!(!format!("{error} {error:?}").contains("S3cr3t"), "{error:?}");
    assert_eq!(error.hint(), Some("give connector.class"));

    // Before 4.x it is a 500, and no less certain.
    let unknown = create(&source_with("connector.class", "Nope"), Target::Running);
    let error = failure(calm(async || client.take(&name, &unknown).await).await)?;
    assert_eq!((error.class(), error.is_certain()), (Class::Invalid, true), "{error}");
    assert_eq!(error.hint(), Some("install the plugin on every worker, or correct connector.class"));
    Ok(())
}

pub async fn it_tells_what_exists_and_what_does_not(site: &Site) -> Result<()> {
    let (client, name) = (leader(site)?, name(site));
    let missing = ConnectorName::observed(&site.name("nobody"));
    for step in
        [Step::Pause { from: Target::Running }, Step::Resume { from: Target::Paused }, RESTART, one_by_one()]
    {
        let error = failure(calm(async || client.take(&missing, &step).await).await)?;
        assert_eq!((error.class(), error.is_certain()), (Class::NotFound, true), "{step:?}");
    }
    let error =
        failure(calm(async || client.take(&missing, &Step::Stop { from: Target::Running }).await).await)?;
    let class = if site.version >= (3, 5) { Class::NotFound } else { Class::Unsupported };
    assert_eq!((error.class(), error.is_certain()), (class, true), "{error}");
    assert_eq!(failure(calm(async || client.task_configs(&missing).await).await)?.class(), Class::NotFound);
    assert_eq!(calm(async || client.look(&missing).await).await?, None);

    take(&client, &name, &create(&source(), Target::Running)).await?;
    let again = create(&source(), Target::Running);
    let error = failure(calm(async || client.take(&name, &again).await).await)?;
    assert_eq!((error.class(), error.is_certain()), (Class::Exists, true));
    Ok(())
}

pub async fn it_restarts_what_failed(site: &Site) -> Result<()> {
    let (client, name) = (leader(site)?, name(site));
    take(&client, &name, &create(&failing(), Target::Running)).await?;
    let seen =
        until(&client, &name, |connector| is(connector, RunState::Running, &[RunState::Failed])).await?;
    let status = seen.status.context("a status")?;
    assert!(status.has_failed());
    assert_eq!(status.troubles().count(), 1);
    if site.version >= (3, 0) {
        take(&client, &name, &RESTART).await
    } else {
        let error = failure(calm(async || client.take(&name, &RESTART).await).await)?;
        assert!(matches!(error.class(), Class::Unsupported | Class::NotLeader), "{error}");
        Ok(())
    }
}

pub async fn it_restarts_one_by_one(site: &Site) -> Result<()> {
    let (client, name) = (leader(site)?, name(site));
    let writes = |client: &Client| {
        let all = client.take_exchanges();
        all.into_iter().filter(|one| one.method == "POST").map(|one| one.code_class).collect::<Vec<_>>()
    };
    take(&client, &name, &create(&failing(), Target::Running)).await?;
    let ill = |connector: &LiveConnector| is(connector, RunState::Running, &[RunState::Failed]);
    until(&client, &name, ill).await?;
    writes(&client);
    // Whichever worker runs it.
    take(&client, &name, &one_by_one()).await?;
    let sent = writes(&client);
    assert_eq!(sent.last(), Some(&"2xx"), "{sent:?}");

    take(&client, &name, &configure(&source())).await?;
    let running = |connector: &LiveConnector| is(connector, RunState::Running, &[RunState::Running]);
    until(&client, &name, running).await?;
    take(&client, &name, &one_by_one()).await?;
    assert_eq!(writes(&client), [""; 0], "nothing of it has failed");
    Ok(())
}

pub async fn it_reads_a_worker_that_is_ready(site: &Site) -> Result<()> {
    let client = client(&site.follower, Writer::Leader)?;
    client.ready().await?;
    let worker = client.root().await?;
    assert!(worker.version.is_some() && worker.kafka_cluster_id.is_some(), "{worker:?}");
    let methods: Vec<_> = client.take_exchanges().iter().map(|one| (one.method, one.code_class)).collect();
    if site.version >= (3, 9) {
        assert_eq!(methods, [("GET", "2xx"), ("GET", "2xx")]);
    } else {
        assert_eq!(methods, [("GET", "4xx"), ("GET", "4xx"), ("GET", "2xx")], "no health, nobody, the root");
    }
    Ok(())
}

pub async fn it_tells_offsets_that_moved_from_those_that_did_not(site: &Site) -> Result<()> {
    let (client, name) = (leader(site)?, name(site));
    let missing = ConnectorName::observed(&site.name("nobody"));
    if site.version < (3, 5) {
        let error = failure(client.offsets(&missing).await)?;
        assert_eq!((error.class(), error.is_certain()), (Class::Unsupported, true), "{error}");
        return Ok(());
    }
    assert_eq!(client.offsets(&missing).await?, None);
    take(&client, &name, &create(&source(), Target::Running)).await?;
    site.until_tasks(name.as_str(), "RUNNING").await?;
    assert_eq!(client.offsets(&name).await?, Some(Stored::Nothing));
    if site.version < (3, 6) {
        return Ok(());
    }
    take(&client, &name, &Step::Stop { from: Target::Running }).await?;
    site.until_state(name.as_str(), "STOPPED").await?;
    site.until(name.as_str(), |status| status["tasks"].as_array()?.is_empty().then_some(())).await?;
    let follower = self::client(&site.follower, Writer::Leader)?;
    let at = async |offset: &str| -> Result<Stored> {
        let partition = format!(r#"{{"filename":{}}}"#, source()["file"]);
        let body = format!(r#"{{"offsets":[{{"partition":{partition},"offset":{offset}}}]}}"#);
        site.ask("PATCH", &format!("/connectors/{name}/offsets"), Some(&body)).await?.is(200);
        let stored = client.offsets(&name).await?.context("it is there")?;
        assert_eq!(client.offsets(&name).await?, Some(stored), "it stands still");
        assert_eq!(follower.offsets(&name).await?, Some(stored), "any worker tells it");
        Ok(stored)
    };
    let (first, moved) = (at(r#"{"position":1}"#).await?, at(r#"{"position":2}"#).await?);
    assert!(
        matches!((first, moved), (Stored::At(_), Stored::At(_))) && first != moved,
        "{first:?} {moved:?}"
    );
    assert_eq!(at(r#"{"position":2}"#).await?, moved);
    let snapshot = r#"{"position":2,"snapshot":"INITIAL","snapshot_completed":false}"#;
    assert_eq!(at(snapshot).await?, Stored::Snapshot);
    site.ask("DELETE", &format!("/connectors/{name}/offsets"), None).await?.is(200);
    assert_eq!(client.offsets(&name).await?, Some(Stored::Nothing));
    Ok(())
}
