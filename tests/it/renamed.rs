//! The safe way to another name, as a held rename tells it: its commands are run as they stand, in a shell, against a
//! cluster of which the agent has planned. Where a template makes more than the name of it, the page says what comes first.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::State;
use tagalong_testkit::fake::{Connector, Fake};
use tokio::process::Command;

use crate::support::agent::wait;
use crate::support::cluster::{preload, writes};
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::page::{blocks, files, read};

const POSTGRES: &str = "io.debezium.connector.postgresql.PostgresConnector";

const CONFIG: [(&str, &str); 8] = [
    ("connector.class", POSTGRES),
    ("plugin.name", "pgoutput"),
    ("database.hostname", "db.internal"),
    ("database.dbname", "shop"),
    ("database.password", "hunter2 & 'quoted' \"twice\" \\ $HOME"),
    ("topic.prefix", "shop"),
    ("slot.name", "shop"),
    ("heartbeat.interval.ms", "10000"),
];

const OFFSETS: &str = r#"[{"partition": {"server": "shop"}, "offset": {"lsn": 4711, "txId": 17}}]"#;

const SINK: [(&str, &str); 4] = [
    ("connector.class", "io.confluent.connect.jdbc.JdbcSinkConnector"),
    ("topics", "shop.orders"),
    ("connection.url", "jdbc:postgresql://reports/shop"),
    ("connection.password", "hunter2"),
];

const READ: &str =
    r#"[{"partition": {"kafka_topic": "shop.orders", "kafka_partition": 0}, "offset": {"kafka_offset": 7}}]"#;

/// A folder in which that connector has another name.
fn desk() -> Result<Desk> {
    let sales = definition("sales", &CONFIG);
    Desk::new(&[("environments/test.yaml", "environment: test\n"), (&file_of("sales"), &sales)])
}

/// The definition of a connector with this config.
fn definition(name: &str, config: &[(&str, &str)]) -> String {
    let config: Vec<_> = config.iter().map(|(key, text)| format!("  {key}: {}\n", json!(text))).collect();
    format!("connector: {name}\nallow: {{plain-secret: of a test}}\nconfig:\n{}", config.concat())
}

async fn plan(desk: &Desk, fake: &Fake) -> Result<Value> {
    plan_for("test", desk, fake).await
}

async fn plan_for(environment: &str, desk: &Desk, fake: &Fake) -> Result<Value> {
    let said =
        desk.run(&format!("plan --dir . -e {environment} --connect {} --output json", fake.url(0))).await?;
    ensure!(!said.out.contains("hunter2"), "a secret is told");
    Ok(serde_json::from_str(&said.out)?)
}

/// Gives a command to the plainest shell that is there, as a person would.
async fn shell(command: &str, fake: &Fake) -> Result<String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("CONNECT", fake.url(0)).stdin(Stdio::null());
    let output = shell.output().await?;
    ensure!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test]
async fn the_commands_of_a_held_rename_move_config_and_offsets() -> Result<()> {
    let (fake, desk) = (Fake::start(1).await, desk()?);
    fake.install(POSTGRES);
    fake.preload("orders", &CONFIG);
    fake.set_offsets("orders", OFFSETS);
    let told = plan(&desk, &fake).await?;
    let held = &told["held"][0];
    assert_eq!((&held["connector"], &held["hold"]), (&json!("sales"), &json!("risky-change")), "{told}");
    let block = block_at(&told, "sales")?;
    let commands: Vec<_> = block.trim_matches(['(', ')']).split(" &&\n").collect();
    assert_eq!(commands.len(), 6, "{block}");
    for (at, command) in commands.iter().enumerate() {
        if at == 5 {
            let moved: Value = serde_json::from_str(OFFSETS)?;
            assert_eq!(offsets("sales", &fake).await?, moved, "it begins with the offsets of the old one");
            let ready = fake.connector("sales").context("it is there")?;
            assert_eq!((ready.task_starts, fake.names()), (0, vec!["sales".to_owned()]), "nothing ran of it");
            // An agent that looks now would do the rest.
            assert_eq!(plan(&desk, &fake).await?["steps"][0]["step"], "resume");
        }
        let out = shell(command, &fake).await?;
        assert!(!out.contains("hunter2"), "a secret is shown: {command}");
        if (2..4).contains(&at) {
            let told = plan(&desk, &fake).await?;
            assert_eq!(told["steps"], json!([]), "an agent does not resume it before: {told}");
        }
    }
    // Connect answers at once, and shows it a moment later.
    wait("sales runs", || async {
        let runs = |sales: Connector| sales.state == State::Running && !sales.tasks.is_empty();
        Ok(fake.connector("sales").is_some_and(runs))
    })
    .await?;
    let after = plan(&desk, &fake).await?;
    assert_eq!(
        (&after["steps"], &after["held"], &after["summary"]["in_sync"]),
        (&json!([]), &json!([]), &json!(1))
    );
    let sales = fake.connector("sales").context("it is there")?;
    let expected = CONFIG.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
    let config: Vec<_> = sales.config.into_iter().filter(|(key, _)| key != "name").collect();
    let mut expected: Vec<_> = expected.collect();
    expected.sort();
    assert_eq!(config, expected, "it has the whole config");
    Ok(())
}

/// The block of commands that a held step of a connector tells.
fn block_at(told: &Value, connector: &str) -> Result<String> {
    let mut held = told["held"].as_array().context("a list")?.iter();
    let held =
        held.find(|held| held["connector"] == connector).with_context(|| format!("{connector}: {told}"))?;
    let detail = held["detail"].as_str().context("a text")?;
    let (_, block) = detail.split_once(":\n(").with_context(|| detail.to_owned())?;
    let end = block.find(")\n").or_else(|| block.len().checked_sub(1)).context("its end")?;
    ensure!(block[end..].starts_with(')'), "{detail}");
    Ok(format!("({})", &block[..end]))
}

/// The offsets of a connector, as Connect tells them.
async fn offsets(connector: &str, fake: &Fake) -> Result<Value> {
    let told = shell(&format!("curl -fsS \"$CONNECT/connectors/{connector}/offsets\""), fake).await?;
    Ok(serde_json::from_str::<Value>(&told)?["offsets"].take())
}

#[tokio::test]
async fn a_block_whose_offsets_cannot_be_read_sends_none_and_deletes_nothing() -> Result<()> {
    let (fake, desk) = (Fake::start(1).await, desk()?);
    fake.install(POSTGRES);
    fake.preload("orders", &CONFIG);
    fake.set_offsets("orders", OFFSETS);
    let block = block_at(&plan(&desk, &fake).await?, "sales")?;
    fake.inject(Fault::on("GET", "/connectors/orders/offsets").answer(500, "the topic is not there"));
    let failed = shell(&block, &fake).await;
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!(fake.names(), ["orders", "sales"]);
    assert!(
        fake.requests().iter().all(|request| request.method != "PATCH"),
        "nothing is sent in their place"
    );
    // What is told then goes on from there.
    let rest = block_at(&plan(&desk, &fake).await?, "sales")?;
    shell(&rest, &fake).await?;
    assert_eq!(fake.names(), ["sales"]);
    assert_eq!(offsets("sales", &fake).await?, serde_json::from_str::<Value>(OFFSETS)?);
    Ok(())
}

#[tokio::test]
async fn the_block_of_one_that_becomes_two_gives_both_its_offsets_before_it_goes() -> Result<()> {
    let (fake, desk) = (Fake::start(1).await, desk()?);
    for name in ["sales", "stock"] {
        desk.write(&file_of(name), &definition(name, &SINK))?;
    }
    fake.preload("orders", &SINK);
    fake.set_offsets("orders", READ);
    let told = plan(&desk, &fake).await?;
    let block = block_at(&told, "sales")?;
    assert_eq!(block_at(&told, "stock")?, block, "it is the same at both");
    fake.inject(Fault::on("PATCH", "/connectors/stock/offsets").answer(500, "not now"));
    assert!(shell(&block, &fake).await.is_err());
    assert_eq!(fake.names(), ["orders", "sales", "stock"], "one of them has none yet");
    let rest = block_at(&plan(&desk, &fake).await?, "stock")?;
    shell(&rest, &fake).await?;
    assert_eq!(fake.names(), ["sales", "stock"]);
    for new in ["sales", "stock"] {
        assert_eq!(offsets(new, &fake).await?, serde_json::from_str::<Value>(READ)?, "{new}");
        let ready = fake.connector(new).context("it is there")?;
        assert_eq!((ready.state, ready.task_starts), (State::Stopped, 0), "nothing ran of {new}");
    }
    Ok(())
}

#[tokio::test]
async fn a_template_that_makes_more_of_the_name_is_renamed_as_the_page_says() -> Result<()> {
    let (fake, desk) = (Fake::start(1).await, Desk::new(&[])?);
    fake.install(POSTGRES);
    desk.run("init . --ci none").await?;
    let rendered = async || -> Result<Value> {
        let said = desk.run("render --dir . -e production -o json").await?;
        let rendered: Value = serde_json::from_str(&said.out)?;
        Ok(rendered["connectors"][0]["config"].clone())
    };
    let before = rendered().await?;
    let config = before.as_object().context("a config")?;
    let config: Vec<_> =
        config.iter().filter_map(|(key, text)| Some((key.as_str(), text.as_str()?))).collect();
    fake.preload("orders", &config);
    let renamed = |text: &str| text.replace("connector: orders", "connector: sales");
    let page = blocks(&read("docs/operations/renames.md")?);
    let block = page.iter().find(|block| block.info == "yaml").context("the page has a file")?;
    let [(path, text)] = &files(block)[..] else { anyhow::bail!("the page has one file") };
    desk.write(path, text)?;
    let told = plan_for("production", &desk, &fake).await?;
    assert_eq!(
        (&told["steps"], &told["held"], &told["summary"]["in_sync"]),
        (&json!([]), &json!([]), &json!(1))
    );
    desk.write(path, &renamed(text))?;
    let told = plan_for("production", &desk, &fake).await?;
    let risks: Vec<_> = told["risks"].as_array().into_iter().flatten().map(|risk| &risk["key"]).collect();
    assert_eq!(risks, ["name"], "it is held as a rename: {told}");
    assert_eq!(rendered().await?, before, "and nothing but the name is another");
    Ok(())
}

#[tokio::test]
async fn one_that_lost_its_file_is_not_deleted_for_one_with_its_slot_and_another_prefix() -> Result<()> {
    let (orders, stays) = (definition("orders", &CONFIG), file_source("stays", ""));
    let mut definitions =
        Definitions::new(&[(&file_of("orders"), &orders), (&file_of("stays"), &stays)]).await?;
    let fake = Fake::start(1).await;
    fake.install(POSTGRES);
    fake.preload("orders", &CONFIG);
    preload(&fake, "stays");
    definitions.origin.remove("orders goes", &[&file_of("orders")])?;
    let config = CONFIG.map(|(key, text)| (key, if key == "topic.prefix" { "sales" } else { text }));
    definitions.release(&[(&file_of("sales"), &definition("sales", &config))])?;
    let mut desk = Desk::new(&[])?;
    desk.set("TAGALONG_PRUNE__POLICY", "owned");
    let flags = format!("--git {} --tag v1 -e test --connect {}", definitions.url(), fake.url(0));
    let said = desk.run(&format!("apply {flags}")).await?;
    assert_eq!((said.code, writes(&fake)), (Some(2), vec![]), "{said}");
    assert_eq!(fake.names(), ["orders", "stays"]);
    for line in [
        "the same server, the same database and the same slot.",
        "it waits for the second look",
        "Applied, but for 2 held: orders (risky-change), sales (risky-change).",
    ] {
        assert!(said.out.contains(line), "{line}: {said}");
    }
    assert!(!said.out.contains("shared-slot") && !said.out.contains('✓'), "{said}");
    Ok(())
}
