//! A converter that is changed on real parts: before KAFKA-9228 was mended, Connect left the tasks with the old one.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::proxy::Proxy;
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::Group;
use tokio::time::sleep;

use crate::real::cluster::{Cluster, Config, PATIENCE};
use crate::real::pair::AFTERWARDS;
use crate::support::agent::{tagalong, wait_within};
use crate::support::definitions::{Definitions, file_of};

const JSON: [(&str, &str); 2] = [
    ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
    ("value.converter.schemas.enable", "false"),
];

const TEXT: (&str, &str) = ("value.converter", "org.apache.kafka.connect.storage.StringConverter");

fn append(file: &Path, line: &str) -> Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file)?;
    Ok(writeln!(file, "{line}")?)
}

/// A connector that reads a file, and writes its lines as JSON.
async fn as_json(cluster: &Cluster, name: &str, file: &Path) -> Result<Config> {
    let mut config: Config = [
        ("connector.class", "FileStreamSource"),
        ("tasks.max", "1"),
        ("topic", name),
        ("file", &file.display().to_string()),
    ]
    .iter()
    .chain(&JSON)
    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
    .collect();
    let made = || async { cluster.put(name, &config).await.map(|()| true) };
    wait_within(PATIENCE, "it is made", made).await?;
    config.remove(JSON[1].0);
    config.insert(TEXT.0.to_owned(), TEXT.1.to_owned());
    Ok(config)
}

/// Puts the other converter there through the agent; gives its requests for a restart.
async fn changed_by_the_agent(proxy: &Proxy, name: &str, config: &Config) -> Result<Vec<String>> {
    let pairs: Vec<_> = config.iter().map(|(key, value)| format!("  {key}: {value}\n")).collect();
    let text = format!("connector: {name}\nconfig:\n{}", pairs.concat());
    let definitions = Definitions::new(&[(&file_of(name), &text)]).await?;
    let output = tagalong()
        .args(["apply", "--yes", "-e", "test", "--git", &definitions.url(), "--tag", "v1"])
        .args(["--connect", &proxy.url(), "--timeout", "3m"])
        .output()
        .await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let restarts = proxy.writes().into_iter().filter(|one| one.path.contains("/restart"));
    Ok(restarts.map(|one| one.path).collect())
}

/// Changes a converter on a version; gives how the last line came out, and how the tasks were restarted.
async fn story(version: &str, by_hand: bool) -> Result<(String, Vec<String>)> {
    let stack = Stack::shared().await?;
    let group = format!("converters-{}-{by_hand}", version.replace('.', "-"));
    let group = Group { workers: 1, ..Group::new(&group).version(version) };
    let workers = stack.add_group(group).await?;
    let (cluster, proxy) = (Cluster::of(&workers[0]), Proxy::start(&workers[0].url).await?);
    let dir = tempfile::tempdir()?;
    let (name, file) = (format!("lines-{}-{by_hand}", version.replace('.', "-")), dir.path().join("lines"));
    append(&file, "one")?;
    let config = as_json(&cluster, &name, &file).await?;
    let first = stack.kafka().consume(&name, 1, PATIENCE).await?;
    assert_eq!(first[0].value.as_deref(), Some("\"one\""), "{version}");

    let restarts = if by_hand {
        cluster.put(&name, &config).await?;
        // Whatever Connect does about it, it has done by then.
        sleep(AFTERWARDS).await;
        Vec::new()
    } else {
        changed_by_the_agent(&proxy, &name, &config).await?
    };
    append(&file, "two")?;
    let both = stack.kafka().consume(&name, 2, PATIENCE).await?;
    for worker in &workers {
        stack.stop_part(&worker.name).await?;
    }
    Ok((both[1].value.clone().context("a value")?, restarts))
}

#[tokio::test]
async fn connect_2_8_leaves_tasks_with_the_old_converter_and_the_agent_restarts_them() -> Result<()> {
    let (line, _) = story("2.8.2", true).await?;
    assert_eq!(line, "\"two\"", "the old converter, although the config has the new one");
    let (line, restarts) = story("2.8.2", false).await?;
    assert_eq!(line, "two");
    assert_eq!(restarts, ["/connectors/lines-2-8-2-false/tasks/0/restart"]);
    Ok(())
}

#[tokio::test]
#[ignore = "long: the gate has the version that leaves them"]
async fn newer_ones_start_them_anew_and_nothing_is_restarted() -> Result<()> {
    for version in ["3.7.2", "3.9.1", "4.3.0"] {
        assert_eq!(story(version, false).await?, ("two".to_owned(), Vec::new()), "{version}");
    }
    Ok(())
}
