//! Step (h): the same repository, rendered for a developer's workspace, by one `tagalong apply` that is earlier than the
//! database.

use crate::Sabotage;
use crate::expect::{same, until};
use crate::look::{CONNECTOR, SOON, ids, observed, requests, row};
use crate::say;
use crate::workspace::{Told, Workspace, says};
use crate::world::{DATABASE, World};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tagalong_testkit::git::repository::Repository;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

// How much later than the hook its database comes up.
const LATE: Duration = Duration::from_secs(20);
const STREAMS: &str = "SELECT active FROM pg_replication_slots WHERE slot_name = 'orders'";

/// Tells the step, and gives what was observed.
pub async fn h(world: &mut World) -> Result<String> {
    say(
        "\n(h) The same `v1` for a workspace, by one `tagalong apply` as a Helm hook runs it; its PostgreSQL comes 20 s later.",
    );
    let began = Instant::now();
    world.workspace = Some(Workspace::start().await?);
    say(&format!(
        "    a Kafka, a Connect worker and a PostgreSQL of its own, up after {:.1} s; PostgreSQL is down again",
        began.elapsed().as_secs_f32()
    ));
    world.clear_requests();
    let world = &*world;
    let workspace = world.workspace.as_ref().context("started above")?;
    let git = world.git.url(Repository::NAME);
    let waits = Notify::new();
    let heard = |line: &str| {
        if says(line, CONNECTOR, "waiting") {
            waits.notify_one();
        }
    };
    let (told, up) = tokio::try_join!(
        workspace.apply(&world.tagalong, &git, heard),
        postgres_later(world, workspace, &waits)
    )?;
    let (waits, runs) = judged(&told, up)?;
    say(&format!("    {}", differs(world, workspace).await?.join("\n      ")));
    let row = streamed(workspace).await?;
    same("the writes of the agents of demo", &Vec::new(), &requests(world))?;
    Ok(observed(
        "h",
        &format!(
            "exit code 0 after {:.1} s; orders waited from {:.1} s to {:.1} s, PostgreSQL was up at {:.1} s; then {row}",
            told.took.as_secs_f32(),
            waits.as_secs_f32(),
            runs.as_secs_f32(),
            up.as_secs_f32(),
        ),
    ))
}

// Gives when it answered, counted from the start of the hook. On a busy machine the hook gets to the database later than
// this would come.
async fn postgres_later(world: &World, workspace: &Workspace, waits: &Notify) -> Result<Duration> {
    let began = Instant::now();
    sleep(LATE).await;
    if timeout(SOON, waits.notified()).await.is_err() {
        say("    nothing is told to wait for it");
    }
    if world.sabotage != Some(Sabotage::Database) {
        workspace.start_postgres().await?;
        say(&format!("    {:>4.1} s  PostgreSQL is up", began.elapsed().as_secs_f32()));
    }
    Ok(began.elapsed())
}

// When the connector was seen to wait, and when to run: before and after its database came.
fn judged(told: &Told, up: Duration) -> Result<(Duration, Duration)> {
    let waits = told.when(CONNECTOR, "waiting").filter(|waits| *waits < up);
    let waits = waits
        .with_context(|| format!("expected apply to say that orders is waiting, but saw: {}", told.last()))?;
    let code = told.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
    ensure!(code == "0", "expected the exit code of apply to be 0, but saw: {code}, {}", told.last());
    let runs = told.when(CONNECTOR, "converged").filter(|runs| *runs > LATE);
    let runs = runs.with_context(|| {
        format!("expected orders to converge once PostgreSQL is up, but saw: {}", told.last())
    })?;
    Ok((waits, runs))
}

// How many keys have other values than on the other cluster, and then each of them.
async fn differs(world: &World, workspace: &Workspace) -> Result<Vec<String>> {
    let there = world.config(CONNECTOR).await.map_err(anyhow::Error::msg)?;
    let url = format!("{}/connectors/{CONNECTOR}/config", workspace.stack.workers()[0].url);
    let here: Value = serde_json::from_str(&world.get(&url).await.map_err(anyhow::Error::msg)?)?;
    let maps = [&there, &here].into_iter().filter_map(Value::as_object);
    let all: BTreeSet<&str> = maps.flat_map(|config| config.keys().map(String::as_str)).collect();
    let others: BTreeSet<&str> = all.iter().copied().filter(|key| there[*key] != here[*key]).collect();
    let expected = BTreeSet::from(["database.password", "database.port", "snapshot.mode"]);
    same("the keys that differ", &expected, &others)?;
    let shown = |value: &Value| value.as_str().unwrap_or("(not set)").to_owned();
    let lines = others.iter().map(|key| format!("{key}: {} → {}", shown(&there[*key]), shown(&here[*key])));
    let first = format!("of {} keys {} differ from the environment demo:", all.len(), others.len());
    Ok(std::iter::once(first).chain(lines).collect())
}

// A row comes through, and the one from before does not: a workspace takes no snapshot.
async fn streamed(workspace: &Workspace) -> Result<String> {
    let postgres = workspace.stack.postgres();
    // RUNNING says nothing of the slot; a row that is older than that would be no row for it.
    until("the replication slot to be in use", SOON, async || {
        match postgres.sql(DATABASE, STREAMS).await.map_err(|error| format!("{error:#}"))?.as_str() {
            "t" => Ok(()),
            seen => Err(format!("active {seen:?}")),
        }
    })
    .await?;
    postgres.sql(DATABASE, "INSERT INTO orders VALUES (2, 'pears')").await?;
    let kafka = workspace.stack.kafka();
    let row = row(kafka, 2, SOON).await?;
    same("the rows in the workspace's Kafka", &vec![2], &ids(kafka).await?)?;
    Ok(row)
}
