//! What a worker does with a call: checks it as Connect does, in Connect's order, and has the cluster
//! do it.
//!
//! Takes a call and the cluster, gives the answer. Whether the worker has started is left to `rest`.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

use crate::fake::answer::{self, Answer};
use crate::fake::call::{self, Call};
use crate::fake::cluster::{Cluster, Config};
use crate::fake::state::Target;

/// Answers what the herder answers.
pub fn act(cluster: &mut Cluster, call: &Call, segments: &[&str]) -> Answer {
    if matches!(call.method.as_str(), "PUT" | "POST" | "PATCH")
        && !call.body.is_empty()
        && !call.content_type.starts_with("application/json")
    {
        return Answer::error(415, "HTTP 415 Unsupported Media Type");
    }
    let has_stop = cluster.version >= (3, 5);
    match (call.method.as_str(), segments) {
        ("POST", ["connectors"]) => create(cluster, call),
        ("GET", ["connectors", name]) => read(cluster, name, Cluster::info),
        ("GET", ["connectors", name, "config"]) => read(cluster, name, Cluster::shown_config),
        ("GET", ["connectors", name, "tasks"]) => found(cluster.tasks(name), name),
        ("GET", ["connectors", name, "status"]) => {
            cluster.status(name).map_or_else(|| answer::no_status(name), |status| Answer::json(200, &status))
        }
        ("GET", ["connectors", name, "offsets"]) if has_stop => found(cluster.offsets(name), name),
        ("PATCH" | "DELETE", ["connectors", name, "offsets"]) if has_stop => offsets(cluster, call, name),
        ("GET", ["connectors", name, "topics"]) => Answer::json(200, &json!({*name: {"topics": []}})),
        ("PUT", ["connectors", name, "config"]) => configure(cluster, call, name),
        ("PUT", ["connectors", name, "pause"]) => turn(cluster, call, name, Target::Paused),
        ("PUT", ["connectors", name, "resume"]) => turn(cluster, call, name, Target::Running),
        ("PUT", ["connectors", name, "stop"]) if has_stop => stop(cluster, call, name),
        ("POST", ["connectors", name, "restart"]) => restart(cluster, call, name),
        ("POST", ["connectors", name, "tasks", task, "restart"]) => restart_task(cluster, call, name, task),
        ("DELETE", ["connectors", name]) => delete(cluster, call, name),
        ("PUT", ["connector-plugins", _, "config", "validate"]) => validate(cluster, call),
        (_, ["health"]) if cluster.version < (3, 9) => answer::no_such_path(),
        (_, [] | ["connectors" | "connector-plugins" | "health"]) => {
            Answer::error(405, "HTTP 405 Method Not Allowed")
        }
        (_, _) => answer::no_such_path(),
    }
}

fn found(json: Option<Json>, name: &str) -> Answer {
    json.map_or_else(|| answer::connector_not_found(name), |json| Answer::json(200, &json))
}

fn read(cluster: &mut Cluster, name: &str, view: fn(&mut Cluster, &str) -> Option<Json>) -> Answer {
    if cluster.is_rebalancing(name) {
        return answer::rebalance_expected();
    }
    found(view(cluster, name), name)
}

fn create(cluster: &mut Cluster, call: &Call) -> Answer {
    let body: BTreeMap<String, Box<RawValue>> = match call::parse(&call.body) {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let text = |key: &str| {
        body.get(key).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok()).unwrap_or_default()
    };
    let target = match wanted(cluster, &body, &text("initial_state")) {
        Ok(target) => target,
        Err(answer) => return answer,
    };
    let Some(config) = body.get("config") else {
        return Answer::error(
            500,
            "Cannot invoke \"java.util.Map.get(Object)\" because \"connectorConfig\" is null",
        );
    };
    let name = text("name").trim().to_owned();
    let config = match accepted(cluster, &name, config.get()) {
        Ok(config) => config,
        Err(answer) => return answer,
    };
    let executor = match call.executor(cluster) {
        Ok(executor) => executor,
        Err(answer) => return answer,
    };
    if cluster.has(&name) {
        return answer::exists(&name);
    }
    cluster.create(executor, &name, config.clone(), target);
    created(cluster, &name, &config)
}

/// Reads the state to create in, and refuses fields that this version does not know.
fn wanted(cluster: &Cluster, body: &BTreeMap<String, Box<RawValue>>, state: &str) -> Result<Target, Answer> {
    let class = "org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest";
    let knows_state = cluster.version >= (3, 7);
    let unknown = body.keys().find(|key| match key.as_str() {
        "name" | "config" => false,
        "initial_state" => !knows_state,
        _ => true,
    });
    if let Some(key) = unknown {
        let text = format!(
            "Unrecognized field \"{key}\" (class {class}), not marked as ignorable (3 known properties: \"config\", \"name\", \
             \"initial_state\")"
        );
        return Err(answer::unreadable(&text, 1));
    }
    match (body.contains_key("initial_state"), state.to_uppercase().as_str()) {
        (false, _) | (true, "RUNNING") => Ok(Target::Running),
        (true, "PAUSED") => Ok(Target::Paused),
        (true, "STOPPED") => Ok(Target::Stopped),
        (true, other) => {
            let text = format!(
                "Cannot construct instance of `{class}$InitialState`, problem: No enum constant {class}.InitialState.{other}"
            );
            Err(answer::unreadable(&text, 1))
        }
    }
}

fn configure(cluster: &mut Cluster, call: &Call, name: &str) -> Answer {
    if call.body.is_empty() {
        return Answer::error(
            500,
            "Cannot invoke \"java.util.Map.get(Object)\" because \"connectorConfig\" is null",
        );
    }
    let config = match accepted(cluster, name, &call.body) {
        Ok(config) => config,
        Err(answer) => return answer,
    };
    let executor = match call.executor(cluster) {
        Ok(executor) => executor,
        Err(answer) => return answer,
    };
    let meant = call.name_at(name, executor);
    if meant != name {
        return answer::other_name(name, meant);
    }
    if !cluster.has(name) {
        cluster.create(executor, name, config.clone(), Target::Running);
        return created(cluster, name, &config);
    }
    cluster.configure(executor, name, config.clone());
    let mut info = cluster.info(name).expect("a connector that is there");
    info["config"] = json!(config);
    Answer::json(200, &info)
}

/// The answer to a creation. Its `Location` cannot be made for a name with braces, after the fact.
fn created(cluster: &mut Cluster, name: &str, config: &Config) -> Answer {
    if let Some((_, rest)) = name.split_once('{')
        && let Some((variable, _)) = rest.split_once('}')
    {
        return Answer::error(500, &format!("The template variable '{variable}' has no value"));
    }
    let mut info = cluster.info(name).expect("a connector that is there");
    info["config"] = json!(config);
    info["tasks"] = json!([]);
    Answer { location: Some(format!("/connectors/{}", encode(name))), ..Answer::json(201, &info) }
}

/// As Jersey encodes a part of a path.
fn encode(name: &str) -> String {
    const ENCODED: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
        .add(b' ')
        .add(b'?')
        .add(b'#')
        .add(b'%')
        .add(b'"')
        .add(b'<')
        .add(b'>')
        .add(b'/');
    percent_encoding::utf8_percent_encode(name, ENCODED).to_string()
}

/// Reads and checks a config; gives it with its name in it.
fn accepted(cluster: &Cluster, name: &str, body: &str) -> Result<Config, Answer> {
    let mut sent = call::config(body)?;
    match sent.get("name") {
        None => {
            sent.insert("name".to_owned(), Some(name.to_owned()));
        }
        Some(inner) if inner.as_deref() == Some(name) => {}
        Some(inner) => return Err(answer::other_name(inner.as_deref().unwrap_or("null"), name)),
    }
    if name.is_empty() {
        return Err(answer::invalid(&[
            "Invalid value  for configuration name: String may not be empty".to_owned()
        ]));
    }
    cluster.plugins.check(&sent, cluster.refusal(name))?;
    Ok(sent.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
}

/// Pausing and resuming: on any worker, and `forward` means nothing.
fn turn(cluster: &mut Cluster, call: &Call, name: &str, target: Target) -> Answer {
    if !cluster.has(name) {
        return answer::unknown_connector(name);
    }
    cluster.set_target(call.worker, name, target);
    Answer::empty(202)
}

fn stop(cluster: &mut Cluster, call: &Call, name: &str) -> Answer {
    if !cluster.has(name) {
        return answer::unknown_connector(name);
    }
    match call.executor(cluster) {
        Ok(executor) => {
            let meant = call.name_at(name, executor);
            if !cluster.has(meant) {
                return answer::unknown_connector(meant);
            }
            cluster.set_target(executor, meant, Target::Stopped);
            Answer::empty(204)
        }
        Err(answer) => answer,
    }
}

fn restart(cluster: &mut Cluster, call: &Call, name: &str) -> Answer {
    if !cluster.has(name) {
        return answer::unknown_connector_to_restart(name);
    }
    let with_tasks = call.says("includeTasks", "true");
    let only_failed = call.says("onlyFailed", "true");
    let executor = match call.executor(cluster) {
        Ok(executor) => executor,
        Err(answer) => return answer,
    };
    let meant = call.name_at(name, executor);
    if !cluster.has(meant) {
        return answer::unknown_connector_to_restart(meant);
    }
    cluster.restart(executor, meant, with_tasks, only_failed);
    if !with_tasks && !only_failed {
        return Answer::empty(204);
    }
    cluster.status(meant).map_or_else(|| answer::no_status(meant), |status| Answer::json(202, &status))
}

fn restart_task(cluster: &mut Cluster, call: &Call, name: &str, task: &str) -> Answer {
    if !cluster.has(name) {
        return answer::unknown_connector_to_restart(name);
    }
    let executor = match call.executor(cluster) {
        Ok(executor) => executor,
        Err(answer) => return answer,
    };
    match task.parse() {
        Ok(number) if cluster.restart_task(executor, name, number) => Answer::empty(204),
        Ok(_) | Err(_) => Answer::error(404, &format!("Unknown task: {name}-{task}")),
    }
}

fn delete(cluster: &mut Cluster, call: &Call, name: &str) -> Answer {
    let executor = match call.executor(cluster) {
        Ok(executor) => executor,
        Err(answer) => return answer,
    };
    let meant = call.name_at(name, executor);
    if !cluster.has(meant) {
        return answer::connector_not_found(meant);
    }
    cluster.delete(executor, meant);
    Answer::empty(204)
}

fn offsets(cluster: &mut Cluster, call: &Call, name: &str) -> Answer {
    let sent: Json = serde_json::from_str(&call.body).unwrap_or_default();
    let sent = sent["offsets"].clone();
    let is_alteration = call.method == "PATCH";
    if is_alteration && sent.as_array().is_none_or(Vec::is_empty) {
        return Answer::error(400, "Partitions / offsets need to be provided for an alter offsets request");
    }
    if !cluster.has(name) {
        return answer::connector_not_found(name);
    }
    if !cluster.is_stopped(name) {
        return answer::not_stopped(name);
    }
    let executor = match call.executor(cluster) {
        Ok(executor) => executor,
        Err(answer) => return answer,
    };
    let (offsets, done) = if is_alteration { (sent, "altered") } else { (json!([]), "reset") };
    cluster.write_offsets(executor, name, offsets);
    Answer::json(
        200,
        &json!({"message": format!("The offsets for this connector have been {done} successfully")}),
    )
}

fn validate(cluster: &Cluster, call: &Call) -> Answer {
    let sent = match call::config(&call.body) {
        Ok(sent) => sent,
        Err(answer) => return answer,
    };
    let name = sent.get("name").and_then(Option::as_deref).unwrap_or_default();
    let refused = cluster.plugins.check(&sent, cluster.refusal(name)).err();
    let count = usize::from(refused.is_some());
    Answer::json(
        200,
        &json!({"name": sent.get("connector.class"), "error_count": count, "groups": [], "configs": []}),
    )
}
