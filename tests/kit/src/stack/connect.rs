//! Connect workers: their settings, and when they count as serving.

use crate::process::{Launch, Process};
use crate::stack::parts;
use crate::stack::protocol::Group;
use anyhow::{Context as _, Result, bail};
use reqwest::{Client, StatusCode};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Writes one worker's settings and describes its process.
pub fn prepare(
    dir: &Path,
    log4j: &Path,
    bootstrap: &str,
    group: &Group,
    name: &str,
    port: u16,
) -> Result<Process> {
    let settings = dir.join(format!("{name}.properties"));
    let lines: Vec<String> = properties(bootstrap, group, port)?
        .into_iter()
        .map(|(key, value)| format!("{key}={value}\n"))
        .collect();
    fs::write(&settings, lines.concat()).context("write the worker's settings")?;
    let classes = parts::connect_classes(&group.connect)?;
    let main = "org.apache.kafka.connect.cli.ConnectDistributed";
    let mut launch = Launch::jvm(&parts::java(), classes, log4j, main, &settings);
    launch.arguments.splice(0..0, group.jvm.iter().cloned());
    Ok(Process::new(name, launch, dir))
}

/// Waits until the worker's herder answers: `/health`, or the probe where the version has no `/health`.
pub async fn serving(
    process: &mut Process,
    http: &Client,
    url: &str,
    version: &str,
    within: Duration,
) -> Result<()> {
    let deadline = Instant::now() + within;
    loop {
        let answered = if has_health(version) {
            let answer = http.get(format!("{url}/health")).timeout(Duration::from_secs(2)).send().await;
            answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
        } else {
            probe(http, url).await != Probe::Silent
        };
        if answered {
            return Ok(());
        }
        process.check()?;
        if Instant::now() > deadline {
            bail!("{url} does not serve after {within:?}; its log is {}", process.log().display());
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until one of these workers says that it leads.
pub async fn led(http: &Client, urls: &[String], within: Duration) -> Result<()> {
    let deadline = Instant::now() + within;
    loop {
        for url in urls {
            if probe(http, url).await == Probe::Leads {
                return Ok(());
            }
        }
        if Instant::now() > deadline {
            bail!("no worker leads after {within:?}");
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Probe {
    Leads,
    Follows,
    Silent,
}

// Deletes a connector that cannot exist: only the leader says 404. A worker that is still coming up says 404 to
// everything, but in HTML.
async fn probe(http: &Client, url: &str) -> Probe {
    let name = format!("no-such-connector-{:016x}", fastrand::u64(..));
    let request =
        http.delete(format!("{url}/connectors/{name}?forward=false")).timeout(Duration::from_secs(5));
    let Ok(answer) = request.send().await else { return Probe::Silent };
    let json = answer.headers().get("content-type").is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    match answer.status() {
        StatusCode::NOT_FOUND if json => Probe::Leads,
        StatusCode::CONFLICT if json => Probe::Follows,
        _ => Probe::Silent,
    }
}

fn has_health(version: &str) -> bool {
    let mut parts = version.split('.').map_while(|part| part.parse::<u32>().ok());
    (parts.next(), parts.next()) >= (Some(3), Some(9))
}

fn properties(bootstrap: &str, group: &Group, port: u16) -> Result<BTreeMap<String, String>> {
    let Group { name, workers: _, connect, settings, jvm: _, authorization: _ } = group;
    let mut all: BTreeMap<String, String> = [
        ("bootstrap.servers", bootstrap),
        ("group.id", name),
        ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("key.converter.schemas.enable", "false"),
        ("value.converter.schemas.enable", "false"),
        ("offset.flush.interval.ms", "2000"),
        ("offset.storage.partitions", "1"),
        ("status.storage.partitions", "1"),
        ("plugin.discovery", "service_load"),
        ("plugin.path", &parts::plugins(connect)?),
        ("scheduled.rebalance.max.delay.ms", "0"),
        // The workers start together with the broker: look for it often.
        ("reconnect.backoff.max.ms", "200"),
        ("listeners", &format!("http://127.0.0.1:{port}")),
        ("rest.advertised.host.name", "127.0.0.1"),
        ("rest.advertised.port", &port.to_string()),
        ("config.providers", "file"),
        ("config.providers.file.class", "org.apache.kafka.common.config.provider.FileConfigProvider"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    for (topic, plural) in [("config", "configs"), ("offset", "offsets"), ("status", "statuses")] {
        all.insert(format!("{topic}.storage.topic"), format!("{name}-{plural}"));
        all.insert(format!("{topic}.storage.replication.factor"), "1".to_owned());
    }
    let own = |(key, value): (&String, &String)| (key.clone(), value.replace("{port}", &port.to_string()));
    all.extend(settings.iter().map(own));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::has_health;

    #[test]
    fn health_exists_from_3_9_on() {
        let known = [("2.8.2", false), ("3.7.2", false), ("3.9.1", true), ("3.10.0", true), ("4.3.0", true)];
        for (version, expected) in known {
            assert_eq!(has_health(version), expected, "{version}");
        }
    }
}
