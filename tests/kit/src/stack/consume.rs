//! Reads records from a topic with `kcat`.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout_at};

/// One record of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Record {
    /// The partition it was read from.
    pub partition: i32,
    /// Its place there.
    pub offset: i64,
    /// Its key, if it has one.
    pub key: Option<String>,
    /// Its value; none is a tombstone.
    #[serde(rename = "payload")]
    pub value: Option<String>,
}

/// Reads the first `count` records of a topic, which may yet have to come into being.
pub async fn records(bootstrap: &str, topic: &str, count: usize, within: Duration) -> Result<Vec<Record>> {
    let deadline = Instant::now() + within;
    let mut seen = Vec::new();
    loop {
        // Every attempt starts anew: kcat ends when the topic is not there.
        seen.clear();
        let limit = ["-c", &count.to_string()];
        let attempt = read(bootstrap, topic, &limit, &mut seen);
        if timeout_at(deadline, attempt).await.is_ok_and(|done| done.is_err()) {
            sleep(Duration::from_millis(200)).await;
        }
        if seen.len() >= count {
            return Ok(seen);
        }
        if Instant::now() >= deadline {
            bail!("{topic}: {} of {count} records after {within:?}", seen.len());
        }
    }
}

/// Reads what a topic holds now; the topic must be there.
pub async fn all(bootstrap: &str, topic: &str) -> Result<Vec<Record>> {
    let mut seen = Vec::new();
    // To the end of each partition, and no further.
    read(bootstrap, topic, &["-e"], &mut seen).await?;
    Ok(seen)
}

async fn read(bootstrap: &str, topic: &str, limit: &[&str], seen: &mut Vec<Record>) -> Result<()> {
    let mut kcat = Command::new("kcat")
        .args(["-C", "-q", "-u", "-J", "-o", "beginning", "-b", bootstrap, "-t", topic])
        .args(limit)
        .args(["-X", "fetch.wait.max.ms=50", "-X", "topic.metadata.refresh.interval.ms=500"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("start kcat: run tests/stack/install")?;
    let mut lines = BufReader::new(kcat.stdout.take().expect("a pipe")).lines();
    while let Some(line) = lines.next_line().await? {
        seen.push(serde_json::from_str(&line).with_context(|| format!("read kcat's {line}"))?);
    }
    if !kcat.wait().await?.success() {
        bail!("kcat failed");
    }
    Ok(())
}
