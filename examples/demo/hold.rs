//! Step (f): a release that would stop the connector is held: told with what it would do and the lines that let it
//! pass, and nothing else happens.

use crate::Sabotage;
use crate::expect::{same, until};
use crate::look::{CONNECTOR, SOON, observed, requests, row, running, synced};
use crate::say;
use crate::world::{DATABASE, INTERVAL, World};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::fs;

const DEFINITION: &str = "connectors/orders.yaml";
const SLOTS: &str = "SELECT slot_name FROM pg_replication_slots ORDER BY slot_name";

/// Tells the step, and gives what was observed.
pub async fn f(world: &mut World) -> Result<String> {
    say(
        "\n(f) A release gives the connector another slot, which would stop it: it is held, with the safe way.",
    );
    running(world).await?;
    synced(world).await?;
    let before = (config(world).await?, slots(world).await?);
    let good = fs::read_to_string(world.definitions.work_tree().join(DEFINITION))?;
    world.clear_requests();
    let slot = if world.sabotage == Some(Sabotage::Slot) { CONNECTOR } else { "orders_v2" };
    let text = good.replace("with: {", &format!("with: {{slot: {slot}, "));
    ensure!(text != good, "{DEFINITION} has no `with`");
    world.take_typo_back()?;
    world.release("orders: another slot; payments: not yet", DEFINITION, &text)?;
    let leader = world.leader().await?;
    let (told, took) =
        until("the leader to hold a risky change of orders", SOON, async || held(world, leader).await)
            .await?;
    let count = holds(world, leader).await.map_err(anyhow::Error::msg)?;
    say(&format!("    {}", lines(&told, "detail")?));
    say(&format!("    the lines that let it pass:\n      {}", lines(&told, "release")?));
    // Two more turns in which something could be applied.
    tokio::time::sleep(INTERVAL * 2).await;
    same("the writes of both agents", &Vec::new(), &requests(world))?;
    same("the config and the slots", &before, &(config(world).await?, slots(world).await?))?;
    world.stack.postgres().sql(DATABASE, "INSERT INTO orders VALUES (10, 'quinces')").await?;
    let row = row(world.stack.kafka(), 10, SOON).await?;
    world.release("orders: the slot stays", DEFINITION, &good)?;
    let ((), back) = until("the leader to hold nothing", SOON, async || match holds(world, leader).await? {
        0 => Ok(()),
        held => Err(format!("{held}")),
    })
    .await?;
    same("the writes of both agents at last", &Vec::new(), &requests(world))?;
    Ok(observed(
        "f",
        &format!(
            "tagalong_held {count} after {:.1} s; no write; the slots are still {:?}; then {row}; {:.1} s after a release with the old one nothing is held",
            took.as_secs_f32(),
            before.1,
            back.as_secs_f32(),
        ),
    ))
}

async fn config(world: &World) -> Result<Value> {
    world.config(CONNECTOR).await.map_err(anyhow::Error::msg)
}

async fn slots(world: &World) -> Result<Vec<String>> {
    let told = world.stack.postgres().sql(DATABASE, SLOTS).await?;
    Ok(told.lines().map(str::to_owned).collect())
}

async fn holds(world: &World, agent: usize) -> Result<i64, String> {
    world.metric(agent, "tagalong_held", &["hold=\"risky-change\""]).await
}

// What an agent holds of the connector; the error says what it says of it instead.
async fn held(world: &World, agent: usize) -> Result<Value, String> {
    let status = world.status(agent).await?;
    let all = status["connectors"].as_array().into_iter().flatten();
    let ours = all.filter(|one| one["name"] == CONNECTOR);
    let held: Vec<_> = ours.filter_map(|one| one["held"].as_array()).flatten().collect();
    let risky = held.iter().find(|one| one["hold"] == "risky-change");
    risky.map(|one| (*one).clone()).ok_or_else(|| format!("held {held:?}"))
}

fn lines(held: &Value, what: &str) -> Result<String> {
    let text = held[what].as_str().with_context(|| format!("a hold without its {what}: {held}"))?;
    Ok(text.trim_end().replace('\n', "\n      "))
}
