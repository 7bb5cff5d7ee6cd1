//! The story: five steps, each one sentence, what is expected, and the value that was observed.

use crate::Sabotage;
use crate::expect::{same, until};
use crate::say;
use crate::world::{DATABASE, INTERVAL, World};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::time::Duration;

const CONNECTOR: &str = "orders";
const TOPIC: &str = "orders.public.orders";
const KEY: &str = "max.batch.size";
// For what takes a moment, on a machine that has others to serve too.
const SOON: Duration = Duration::from_secs(30);

/// Tells the story and gives a line for each step.
pub async fn tell(world: &mut World) -> Result<Vec<String>> {
    let mut seen = Vec::new();
    seen.push(a(world).await.context("(a)")?);
    seen.push(b(world).await.context("(b)")?);
    seen.push(c(world).await.context("(c)")?);
    seen.push(d(world).await.context("(d)")?);
    seen.push(e(world).await.context("(e)")?);
    Ok(seen)
}

async fn a(world: &mut World) -> Result<String> {
    say("\n(a) One agent starts beside each worker; both come up, and exactly one of them leads.");
    world.start_agents()?;
    let world = &*world;
    let (leaders, took) = until("both agents to be ready and one of them to lead", SOON, async || {
        let mut leaders = Vec::new();
        for agent in 0..world.agents.len() {
            world.get(&format!("{}/readyz", world.agents[agent].url)).await?;
            leaders.push(world.metric(agent, "tagalong_leader", &[]).await?);
        }
        let one = leaders.iter().sum::<i64>() == 1;
        if one { Ok(leaders) } else { Err(format!("tagalong_leader {leaders:?}")) }
    })
    .await?;
    Ok(observed("a", &format!("tagalong_leader is {leaders:?}, after {:.1} s", took.as_secs_f32())))
}

async fn b(world: &World) -> Result<String> {
    say(
        "\n(b) The connector `orders` is created from a template, and a row of PostgreSQL comes out of Kafka.",
    );
    running(world).await?;
    let config = world.config(CONNECTOR).await.map_err(anyhow::Error::msg)?;
    same("table.include.list", &Some("public.orders"), &config["table.include.list"].as_str())?;
    say(&format!(
        "    config on the worker: slot.name {}, {KEY} {}, database.password {}",
        config["slot.name"], config[KEY], config["database.password"]
    ));
    let writes = requests(world);
    same("the writes of both agents", &vec!["POST /connectors?forward=false".to_owned()], &writes)?;
    if world.sabotage != Some(Sabotage::Row) {
        world.stack.postgres().sql(DATABASE, "INSERT INTO orders VALUES (1, 'apples')").await?;
    }
    let row = row(world, 1).await?;
    Ok(observed("b", &format!("one POST; topic {TOPIC} has {row}")))
}

async fn c(world: &mut World) -> Result<String> {
    say("\n(c) A change is released by moving `v1`; it is applied within one interval, with one restart.");
    synced(world).await?;
    let starts = world.starts(CONNECTOR).await?;
    world.clear_requests();
    release_batch_size(world)?;
    // The poll may have just been; a moment more for the look, the write, and this look.
    let limit = INTERVAL + Duration::from_secs(5);
    let ((), took) =
        until("the worker to have max.batch.size 4096", limit, async || has(world, "4096").await).await?;
    running(world).await?;
    synced(world).await?;
    let writes = requests(world);
    let expected = vec![format!("PUT /connectors/{CONNECTOR}/config?forward=false")];
    same("the writes of both agents", &expected, &writes)?;
    world.stack.postgres().sql(DATABASE, "INSERT INTO orders VALUES (2, 'pears')").await?;
    let row = row(world, 2).await?;
    let restarts = world.starts(CONNECTOR).await? - starts;
    same("the starts of the task", &1, &restarts)?;
    Ok(observed(
        "c",
        &format!(
            "{KEY} 4096 after {:.1} s (interval {} s); one PUT, {restarts} restart; then {row}",
            took.as_secs_f32(),
            INTERVAL.as_secs()
        ),
    ))
}

async fn d(world: &World) -> Result<String> {
    say(
        "\n(d) Somebody changes the connector by hand: the drift metric rises, the agent puts it back, the metric falls.",
    );
    let leader = world.leader().await?;
    let drift =
        async || world.metric(leader, "tagalong_connector_drifted_keys", &["connector=\"orders\""]).await;
    same("the drift before", &Ok(0), &drift().await)?;
    world.clear_requests();
    if world.sabotage != Some(Sabotage::Hand) {
        by_hand(world).await?;
    }
    let (risen, rose) = until("tagalong_connector_drifted_keys to rise above 0", SOON, async || {
        let value = drift().await?;
        if value > 0 { Ok(value) } else { Err(format!("{value}")) }
    })
    .await?;
    let ((), fell) =
        until("tagalong_connector_drifted_keys to fall to 0", SOON, async || match drift().await? {
            0 => Ok(()),
            value => Err(format!("{value}")),
        })
        .await?;
    has(world, "4096").await.map_err(|seen| anyhow::anyhow!("expected {KEY} 4096 again, but saw: {seen}"))?;
    let expected = vec![format!("PUT /connectors/{CONNECTOR}/config?forward=false")];
    same("the writes of both agents", &expected, &requests(world))?;
    Ok(observed(
        "d",
        &format!(
            "drifted keys 0, {risen} after {:.1} s, 0 again after {:.1} s more; one PUT; {KEY} is 4096 again",
            rose.as_secs_f32(),
            fell.as_secs_f32()
        ),
    ))
}

async fn e(world: &mut World) -> Result<String> {
    say(
        "\n(e) A release has a typo: it is told with its place, nothing is applied, the last good release stays.",
    );
    let before = world.config(CONNECTOR).await.map_err(anyhow::Error::msg)?;
    let good = world.definitions.id("HEAD")?;
    world.clear_requests();
    let template = if world.sabotage == Some(Sabotage::Typo) { "template" } else { "templat" };
    let text = format!(
        "connector: payments\n{template}: debezium-postgres\nwith: {{database: shop, tables: [public.orders]}}\nstate: stopped\n"
    );
    world.release("payments: capture the payments", "connectors/payments.yaml", &text)?;
    let world = &*world;
    let (findings, took) =
        until("connectors/payments.yaml:2:1 to be told by both agents", SOON, async || {
            typo(world, &good).await
        })
        .await?;
    say(&format!("    {}", findings.join("\n    ")));
    // Two more turns in which something could be applied.
    tokio::time::sleep(INTERVAL * 2).await;
    same("the writes of both agents", &Vec::new(), &requests(world))?;
    let names = world.connect("/connectors").await.map_err(anyhow::Error::msg)?;
    same("the connectors", &serde_json::json!([CONNECTOR]), &names)?;
    same("the config of orders", &before, &world.config(CONNECTOR).await.map_err(anyhow::Error::msg)?)?;
    Ok(observed(
        "e",
        &format!(
            "found after {:.1} s; no write; connectors {names}; {} stays the last good",
            took.as_secs_f32(),
            &good[..7]
        ),
    ))
}

fn observed(step: &str, line: &str) -> String {
    say(&format!("    seen: {line}"));
    format!("({step}) {line}")
}

// What both agents say is wrong, once that names the typo's place and the last good release still holds.
async fn typo(world: &World, good: &str) -> Result<Vec<String>, String> {
    let mut errors = Vec::new();
    for agent in &world.agents {
        let status: Value = serde_json::from_str(&world.get(&format!("{}/status", agent.url)).await?)
            .map_err(|error| error.to_string())?;
        let findings = status["findings"].as_array().into_iter().flatten();
        errors = findings.filter(|finding| finding["severity"] == "error").map(place).collect();
        if !errors.iter().any(|error| error.starts_with("connectors/payments.yaml:2:1: ")) {
            return Err(format!("findings {errors:?} at {}", agent.url));
        }
        let validated = status["clocks"]["validated"]["revision"][0]["commit"].as_str().unwrap_or_default();
        if validated != good {
            return Err(format!("{validated} as the last good release, which is {good}"));
        }
    }
    Ok(errors)
}

fn place(finding: &Value) -> String {
    format!(
        "{}:{}:{}: {}; {}",
        finding["path"].as_str().unwrap_or("?"),
        finding["line"],
        finding["column"],
        finding["message"].as_str().unwrap_or("?"),
        finding["hint"].as_str().unwrap_or("no hint")
    )
}

fn requests(world: &World) -> Vec<String> {
    world.writes().iter().map(|write| format!("{} {}", write.method, write.path)).collect()
}

fn release_batch_size(world: &mut World) -> Result<()> {
    let path = "connectors/orders.yaml";
    let text = std::fs::read_to_string(world.definitions.work_tree().join(path))?;
    let changed = text.replace("max.batch.size: 2048", "max.batch.size: 4096");
    ensure!(changed != text, "{path} has no max.batch.size: 2048");
    world.release("orders: larger batches", path, &changed).map(drop)
}

// Straight to the worker that leads or not: a person does not ask who leads.
async fn by_hand(world: &World) -> Result<()> {
    let mut config = world.config(CONNECTOR).await.map_err(anyhow::Error::msg)?;
    config[KEY] = "1".into();
    let url = format!("{}/connectors/{CONNECTOR}/config", world.stack.workers()[0].url);
    let request = world.client.put(url).header("Content-Type", "application/json").body(config.to_string());
    let answer = request.send().await?;
    ensure!(answer.status().is_success(), "the change by hand was answered with {}", answer.status());
    Ok(())
}

async fn has(world: &World, batch_size: &str) -> Result<(), String> {
    let config = world.config(CONNECTOR).await?;
    if config[KEY] == batch_size { Ok(()) } else { Err(format!("{KEY} {}", config[KEY])) }
}

async fn running(world: &World) -> Result<()> {
    until("the connector orders and its task to be RUNNING", SOON, async || {
        let told = world.connect(&format!("/connectors/{CONNECTOR}/status")).await?;
        let both = (&told["connector"]["state"], &told["tasks"][0]["state"]);
        if both == (&"RUNNING".into(), &"RUNNING".into()) { Ok(()) } else { Err(told.to_string()) }
    })
    .await
    .map(drop)
}

async fn synced(world: &World) -> Result<()> {
    let leader = world.leader().await?;
    let labels = ["connector=\"orders\"", "state=\"synced\""];
    until("the leader to say that orders is synced", SOON, async || {
        match world.metric(leader, "tagalong_connector_sync_state", &labels).await? {
            1 => Ok(()),
            value => Err(format!("tagalong_connector_sync_state {labels:?} {value}")),
        }
    })
    .await
    .map(drop)
}

// The last of the first `count` records of the topic, as the row that it tells.
async fn row(world: &World, count: usize) -> Result<String> {
    let records = world.stack.kafka().consume(TOPIC, count, SOON).await;
    let records = records.map_err(|seen| anyhow::anyhow!("expected the row in Kafka, but saw: {seen}"))?;
    let last = records.last().and_then(|record| record.value.as_deref()).context("a record with a value")?;
    let event: Value = serde_json::from_str(last)?;
    same("the row's id", &Some(i64::try_from(count)?), &event["after"]["id"].as_i64())?;
    Ok(event["after"].to_string())
}
