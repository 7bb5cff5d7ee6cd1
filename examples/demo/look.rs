//! What the steps look at: the connector of the story, its rows in Kafka, what the agents wrote, and the line that tells
//! what was observed. Nothing here changes anything.

use crate::expect::until;
use crate::say;
use crate::world::World;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::time::Duration;
use tagalong_testkit::stack::handle::Kafka;

/// The connector of the story.
pub const CONNECTOR: &str = "orders";
/// Where its rows come out.
pub const TOPIC: &str = "orders.public.orders";
/// The key that releases and people change.
pub const KEY: &str = "max.batch.size";
/// For what takes a moment, on a machine that has others to serve too.
pub const SOON: Duration = Duration::from_secs(30);

/// Says what was observed, and gives it as a line of the summary.
pub fn observed(step: &str, line: &str) -> String {
    say(&format!("    seen: {line}"));
    format!("({step}) {line}")
}

/// What the agents wrote, as `PUT /path`.
pub fn requests(world: &World) -> Vec<String> {
    world.writes().iter().map(|write| format!("{} {}", write.method, write.path)).collect()
}

/// The one write that changes the connector's config, as [`requests`] tells it.
pub fn one_put() -> Vec<String> {
    vec![format!("PUT /connectors/{CONNECTOR}/config?forward=false")]
}

/// Whether the connector has this value; the error says which it has.
pub async fn has(world: &World, batch_size: &str) -> Result<(), String> {
    let config = world.config(CONNECTOR).await?;
    if config[KEY] == batch_size { Ok(()) } else { Err(format!("{KEY} {}", config[KEY])) }
}

/// Waits until every agent is ready and exactly one of them leads, and gives what each says and how long it took.
pub async fn one_leads(world: &World) -> Result<(Vec<i64>, Duration)> {
    until("both agents to be ready and one of them to lead", SOON, async || {
        let mut leaders = Vec::new();
        for agent in 0..world.agents.len() {
            world.get(&format!("{}/readyz", world.agents[agent].url)).await?;
            leaders.push(world.metric(agent, "tagalong_leader", &[]).await?);
        }
        let one = leaders.iter().sum::<i64>() == 1;
        if one { Ok(leaders) } else { Err(format!("tagalong_leader {leaders:?}")) }
    })
    .await
}

/// Waits until an agent's metric, without labels, has this value.
pub async fn says(world: &World, agent: usize, family: &str, value: i64, within: Duration) -> Result<()> {
    let expected = format!("{family} of agent {} to be {value}", agent + 1);
    until(&expected, within, async || match world.metric(agent, family, &[]).await? {
        seen if seen == value => Ok(()),
        seen => Err(format!("{seen}")),
    })
    .await
    .map(drop)
}

/// Waits until the connector and its task run.
pub async fn running(world: &World) -> Result<()> {
    until("the connector orders and its task to be RUNNING", SOON, async || {
        let told = world.connect(&format!("/connectors/{CONNECTOR}/status")).await?;
        let both = (&told["connector"]["state"], &told["tasks"][0]["state"]);
        if both == (&"RUNNING".into(), &"RUNNING".into()) { Ok(()) } else { Err(told.to_string()) }
    })
    .await
    .map(drop)
}

/// Waits until the agent that leads says that the connector is as declared.
pub async fn synced(world: &World) -> Result<()> {
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

/// Waits until a row has come out of Kafka, and gives it.
pub async fn row(kafka: Kafka<'_>, id: i64, within: Duration) -> Result<String> {
    let (row, _) = until("the row in Kafka", within, async || {
        let rows = rows(kafka).await.map_err(|error| format!("{error:#}"))?;
        let row = rows.iter().find(|row| row["id"] == id);
        row.map(ToString::to_string).ok_or_else(|| format!("the rows {rows:?}"))
    })
    .await?;
    Ok(row)
}

/// The numbers of the rows that have come out of Kafka, in order, one that came twice twice.
pub async fn ids(kafka: Kafka<'_>) -> Result<Vec<i64>> {
    rows(kafka).await?.iter().map(|row| row["id"].as_i64().context("a row with an id")).collect()
}

async fn rows(kafka: Kafka<'_>) -> Result<Vec<Value>> {
    let mut rows = Vec::new();
    for record in kafka.all(TOPIC).await? {
        let event: Value = serde_json::from_str(record.value.as_deref().context("a record with a value")?)?;
        rows.push(event["after"].clone());
    }
    Ok(rows)
}
