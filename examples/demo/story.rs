//! The story: eight steps, each one sentence, what is expected, and the value that was observed. The last three have files
//! of their own.

use crate::Sabotage;
use crate::expect::{same, until};
use crate::failover::g;
use crate::hold::f;
use crate::hook::h;
use crate::look::{
    CONNECTOR, KEY, SOON, TOPIC, has, ids, observed, one_leads, one_put, requests, row, running, synced,
};
use crate::say;
use crate::world::{DATABASE, INTERVAL, World};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::time::Duration;

/// The letters of all steps.
pub const STEPS: &str = "abcdefgh";

/// Tells the first step and of the others those that are asked for, and gives a line for each.
pub async fn tell(world: &mut World, steps: &str) -> Result<Vec<String>> {
    let mut seen = vec![a(world).await.context("(a)")?];
    for step in STEPS.chars().filter(|step| steps.contains(*step)) {
        seen.push(match step {
            'b' => b(world).await.context("(b)")?,
            'c' => c(world).await.context("(c)")?,
            'd' => d(world).await.context("(d)")?,
            'e' => e(world).await.context("(e)")?,
            'f' => f(world).await.context("(f)")?,
            'g' => g(world).await.context("(g)")?,
            'h' => h(world).await.context("(h)")?,
            _ => continue,
        });
    }
    Ok(seen)
}

async fn a(world: &mut World) -> Result<String> {
    say("\n(a) One agent starts beside each worker; both come up, and exactly one of them leads.");
    world.start_agents()?;
    let (leaders, took) = one_leads(world).await?;
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
    let row = row(world.stack.kafka(), 1, SOON).await?;
    Ok(observed("b", &format!("one POST; topic {TOPIC} has {row}")))
}

async fn c(world: &mut World) -> Result<String> {
    say("\n(c) A change is released by moving `v1`; it is applied within one interval, with one restart.");
    synced(world).await?;
    let starts = world.starts(CONNECTOR).await?;
    world.clear_requests();
    world.release_batch_size("orders: larger batches", "4096")?;
    // The poll may have just been; more for the look, the write, and this look, on a machine that is busy.
    let limit = INTERVAL + Duration::from_secs(15);
    let ((), took) =
        until("the worker to have max.batch.size 4096", limit, async || has(world, "4096").await).await?;
    running(world).await?;
    synced(world).await?;
    same("the writes of both agents", &one_put(), &requests(world))?;
    world.stack.postgres().sql(DATABASE, "INSERT INTO orders VALUES (2, 'pears')").await?;
    let row = row(world.stack.kafka(), 2, SOON).await?;
    same("the rows in Kafka", &vec![1, 2], &ids(world.stack.kafka()).await?)?;
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
    same("the writes of both agents", &one_put(), &requests(world))?;
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

// What both agents say is wrong, once that names the typo's place and the last good release still holds.
async fn typo(world: &World, good: &str) -> Result<Vec<String>, String> {
    let mut errors = Vec::new();
    for agent in 0..world.agents.len() {
        let status = world.status(agent).await?;
        let findings = status["findings"].as_array().into_iter().flatten();
        errors = findings.filter(|finding| finding["severity"] == "error").map(place).collect();
        if !errors.iter().any(|error| error.starts_with("connectors/payments.yaml:2:1: ")) {
            return Err(format!("findings {errors:?} at agent {}", agent + 1));
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
