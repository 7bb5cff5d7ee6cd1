//! What the cluster shows: Connect's JSON.
//!
//! Takes the cluster, gives the answers to reading requests, with what Confluent's distribution does
//! to them where a test wants that.

use std::time::Instant;

use serde_json::{Map, Value as Json, json};

use crate::fake::check;
use crate::fake::cluster::{Cluster, Config};
use crate::fake::state::{State, Turn};

/// What Confluent's distribution shows in place of a secret.
const MASK: &str = "••••••••••••";

impl Cluster {
    /// `GET /connectors/{c}`.
    pub fn info(&mut self, name: &str) -> Option<Json> {
        let masks = self.masks;
        let entry = self.entry(name)?;
        let tasks: Vec<Json> =
            (0..entry.tasks.len()).map(|task| json!({"connector": name, "task": task})).collect();
        Some(json!({
            "name": name, "config": shown(&entry.config, masks), "tasks": tasks, "type": check::kind(&entry.class),
        }))
    }

    /// `GET /connectors/{c}/config`.
    pub fn shown_config(&mut self, name: &str) -> Option<Json> {
        let masks = self.masks;
        self.entry(name).map(|entry| shown(&entry.config, masks))
    }

    /// `GET /connectors/{c}/status`, where there is one yet.
    pub fn status(&mut self, name: &str) -> Option<Json> {
        let now = Instant::now();
        let has_version = self.version.tells_plugin_versions();
        let workers = self.workers.clone();
        let entry = self.entry(name)?;
        if now < entry.status_from {
            return None;
        }
        let one = |turn: Turn, trace: Option<&String>, worker: usize, id: Option<usize>| {
            let mut one = Map::new();
            if let Some(id) = id {
                one.insert("id".to_owned(), id.into());
            }
            let state = turn.now(now);
            one.insert("state".to_owned(), state.name().into());
            one.insert("worker_id".to_owned(), workers[worker].as_str().into());
            if has_version {
                one.insert("version".to_owned(), "4.3.0".into());
            }
            if state == State::Failed {
                one.insert(
                    "trace".to_owned(),
                    trace.map_or("java.lang.RuntimeException", String::as_str).into(),
                );
            }
            Json::Object(one)
        };
        let tasks: Vec<Json> = entry
            .tasks
            .iter()
            .enumerate()
            .map(|(id, task)| one(task.turn, task.trace.as_ref(), task.worker, Some(id)))
            .collect();
        let connector = one(entry.turn, entry.trace.as_ref(), entry.worker, None);
        Some(json!({"name": name, "connector": connector, "tasks": tasks, "type": check::kind(&entry.class)}))
    }

    /// `GET /connectors/{c}/tasks`.
    pub fn tasks(&mut self, name: &str) -> Option<Json> {
        let masks = self.masks;
        let entry = self.entry(name)?;
        let tasks = entry.tasks.iter().enumerate().map(
            |(id, task)| json!({"id": {"connector": name, "task": id}, "config": shown(&task.config, masks)}),
        );
        Some(Json::Array(tasks.collect()))
    }

    /// `GET /connectors/{c}/tasks-config`.
    pub fn tasks_config(&mut self, name: &str) -> Option<Json> {
        let masks = self.masks;
        let entry = self.entry(name)?;
        let tasks = entry.tasks.iter().enumerate();
        Some(tasks.map(|(id, task)| (format!("{name}-{id}"), shown(&task.config, masks))).collect())
    }

    /// `GET /connectors/{c}/offsets`.
    pub fn offsets(&mut self, name: &str) -> Option<Json> {
        let entry = self.entry(name)?;
        if entry.flows {
            let position = entry.offsets[0]["offset"]["lsn"].as_u64().unwrap_or_default() + 1;
            entry.offsets = json!([{"partition": {"server": name}, "offset": {"lsn": position}}]);
        }
        Some(json!({"offsets": entry.offsets}))
    }
}

/// A config as it is answered.
fn shown(config: &Config, masks: bool) -> Json {
    let mut shown: Map<String, Json> = config
        .iter()
        .map(|(key, value)| {
            let is_masked = masks && (key.contains("password") || key.contains("secret"));
            (key.clone(), if is_masked { MASK.into() } else { json!(value) })
        })
        .collect();
    if masks {
        shown.insert("__internal.config.version".to_owned(), "1".into());
    }
    Json::Object(shown)
}
