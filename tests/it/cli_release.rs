//! Held changes of connectors in the forms of others, which have no place for an answer: what the plan prints releases
//! them, done literally.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tagalong_testkit::fake::Fake;

use crate::support::command::Desk;

const ENVIRONMENT: (&str, &str) = ("environments/test.yaml", "environment: test\n");
const CLASS: &str = "io.debezium.connector.postgresql.PostgresConnector";

fn config(slot: &str) -> Value {
    json!({"connector.class": CLASS, "tasks.max": "1", "topic.prefix": "shop", "slot.name": slot, "plugin.name": "pgoutput"})
}

/// A folder whose one connector `orders` has this file, of a slot, and a cluster that runs it with the slot `a`.
async fn running(path: &str, file: impl Fn(&str) -> String) -> Result<(Fake, Desk)> {
    let fake = Fake::start(1).await;
    fake.preload("someone-elses", &[("connector.class", "FileStreamSource"), ("topic", "x")]);
    let desk = Desk::new(&[ENVIRONMENT, (path, &file("a"))])?;
    let applied = desk.run(&format!("apply {}", flags(&fake))).await?;
    assert_eq!(applied.code, Some(0), "{applied}");
    desk.write(path, &file("b"))?;
    Ok((fake, desk))
}

fn flags(fake: &Fake) -> String {
    format!("--dir . -e test --connect {}", fake.url(0))
}

fn slot(fake: &Fake) -> Option<String> {
    fake.connector("orders")?.config.get("slot.name").cloned()
}

/// What the plan says to add, with a person's reason in it.
async fn release(fake: &Fake, desk: &Desk) -> Result<String> {
    let said = desk.run(&format!("plan {} -o json", flags(fake))).await?;
    let plan: Value = serde_json::from_str(&said.out)?;
    let release = plan["held"][0]["release"].as_str().context("lines that release it")?;
    Ok(release.replace('…', "OPS-1"))
}

/// The names in backticks in the first line, in order: what to do with files.
fn files(release: &str) -> Vec<String> {
    let first = release.lines().next().unwrap_or_default();
    first.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Applies, which changes the slot.
async fn applied(fake: &Fake, desk: &Desk) -> Result<()> {
    assert_eq!(slot(fake).as_deref(), Some("a"));
    let applied = desk.run(&format!("apply {}", flags(fake))).await?;
    assert_eq!((applied.code, slot(fake).as_deref()), (Some(0), Some("b")), "{applied}");
    Ok(())
}

#[tokio::test]
async fn a_connector_in_connects_own_json_is_released_as_its_plan_says() -> Result<()> {
    for file in [
        |slot: &str| json!({"name": "orders", "config": config(slot)}).to_string(),
        |slot: &str| config(slot).to_string(),
    ] {
        let (fake, desk) = running("connectors/shop/orders.json", file).await?;
        let release = release(&fake, &desk).await?;
        let [_, new] = files(&release).try_into().expect("a file that is there, and a new one");
        desk.write(&new, &release)?;
        applied(&fake, &desk).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_connector_in_a_manifest_of_strimzis_is_released_as_its_plan_says() -> Result<()> {
    let file = |slot: &str| {
        let mut config = config(slot);
        let config = config.as_object_mut().expect("a map");
        config.retain(|key, _| !["connector.class", "tasks.max"].contains(&key.as_str()));
        let spec = json!({"class": CLASS, "tasksMax": 1, "config": config});
        let metadata = json!({"name": "orders"});
        json!({"apiVersion": "kafka.strimzi.io/v1", "kind": "KafkaConnector", "metadata": metadata, "spec": spec})
            .to_string()
    };
    let (fake, desk) = running("connectors/orders.yaml", file).await?;
    let release = release(&fake, &desk).await?;
    let [_, new] = files(&release).try_into().expect("a file that is there, and a new one");
    desk.write(&new, &release)?;
    applied(&fake, &desk).await
}

#[tokio::test]
async fn a_connector_among_others_in_a_file_is_taken_out_of_it_first() -> Result<()> {
    let one = |slot: &str| json!({"name": "orders", "config": config(slot)});
    let other = json!({"name": "other", "config": {"connector.class": "FileStreamSource", "topic": "y"}});
    let (fake, desk) =
        running("connectors/all.json", |slot| json!([one(slot), other.clone()]).to_string()).await?;
    let release = release(&fake, &desk).await?;
    let [there, alone, new] = files(&release).try_into().expect("a file that is there, and two new ones");
    desk.write(&there, &json!([other]).to_string())?;
    desk.write(&alone, &one("b").to_string())?;
    desk.write(&new, &release)?;
    applied(&fake, &desk).await
}
