//! What an agent shows of itself, without what tells when and how often: two agents whose clusters are alike show the
//! same.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::Value;

use crate::support::agent::Agent;

/// Its status, its gauges and its page, after a few quiet cycles.
pub async fn seen(agent: &Agent) -> Result<(Value, Vec<String>)> {
    let cycles = "tagalong_cycle_duration_seconds_count";
    let before = agent.metric(cycles).await?.context("cycles are counted")?;
    agent.wait_for_metric_from(cycles, before + 2.0).await?;
    let mut status = agent.status().await?;
    timeless(&mut status);
    let metrics = agent.get("/metrics").await?;
    // Counters tell what an agent has done, and that may well differ.
    let counts = ["_total", "_bucket", "_sum", "_count"];
    let gauges = metrics.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let family = series.split('{').next().unwrap_or_default();
        if counts.iter().any(|count| family.ends_with(count)) {
            return None;
        }
        let is_set = if value == "0" { "never" } else { "once" };
        let value = if family.ends_with("_timestamp_seconds") { is_set } else { value };
        Some(format!("{series} {value}"))
    });
    Ok((status, gauges.collect()))
}

/// Takes the moments out.
fn timeless(value: &mut Value) {
    match value {
        Value::String(text) if text.parse::<Timestamp>().is_ok() => "once".clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(timeless),
        Value::Object(map) => map.values_mut().for_each(timeless),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
