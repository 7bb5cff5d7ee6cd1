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
        return answer::no_such_media_type();
    }
    match (call.method.as_str(), segments) {
        ("POST", ["connectors"]) => create(cluster, call),
        ("GET", ["connectors", name]) => read(cluster, name, Cluster::info),
        ("GET", ["connectors", name, "config"]) => read(cluster, name, Cluster::shown_config),
        ("GET", ["connectors", name, "tasks"]) => found(cluster.tasks(name), name),
        ("GET", ["connectors", name, "status"]) => {
            cluster.status(name).map_or_else(|| answer::no_status(name), |status| Answer::json(200, &status))
        }
        ("GET", ["connectors", name, "tasks-config"]) => found(cluster.tasks_config(name), name),
        ("GET", ["connectors", name, "offsets"]) => found(cluster.offsets(name), name),
        ("PATCH" | "DELETE", ["connectors", name, "offsets"]) => offsets(cluster, call, name),
        ("GET", ["connectors", name, "topics"]) => Answer::json(200, &json!({*name: {"topics": []}})),
        ("PUT", ["connectors", name, "config"]) => configure(cluster, call, name),
        ("PATCH", ["connectors", name, "config"]) => patch(cluster, call, name),
        ("PUT", ["connectors", name, "pause"]) => turn(cluster, call, name, Target::Paused),
        ("PUT", ["connectors", name, "resume"]) => turn(cluster, call, name, Target::Running),
        ("PUT", ["connectors", name, "stop"]) => stop(cluster, call, name),
        ("POST", ["connectors", name, "restart"]) => restart(cluster, call, name),
        ("POST", ["connectors", name, "tasks", task, "restart"]) => restart_task(cluster, call, name, task),
        ("DELETE", ["connectors", name]) => delete(cluster, call, name),
        // Nothing asks for a plugin that is there.
        ("GET", ["connector-plugins", plugin, "config"]) => {
            Answer::error(404, &format!("Unknown plugin {plugin}."))
        }
        ("PUT", ["connector-plugins", class, "config", "validate"]) => validate(cluster, call, class),
        (_, [] | ["connectors" | "connector-plugins" | "health"]) => answer::no_such_method(),
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
    let body: BTreeMap<String, Box<RawValue>> = match call::parse(cluster.version, &call.body) {
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
        return call.refused(cluster, executor, answer::exists(&name));
    }
    cluster.create(executor, &name, config.clone(), target);
    created(cluster, &name, &config)
}

/// Reads the state to create in, and refuses fields that this version does not know.
fn wanted(cluster: &Cluster, body: &BTreeMap<String, Box<RawValue>>, state: &str) -> Result<Target, Answer> {
    let class = "org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest";
    let knows_state = cluster.version.creates_in_a_state();
    let unknown = body.keys().find(|key| match key.as_str() {
        "name" | "config" => false,
        "initial_state" => !knows_state,
        _ => true,
    });
    if let Some(key) = unknown {
        let known = if knows_state {
            "3 known properties: \"config\", \"name\", \"initial_state\""
        } else {
            "2 known properties: \"config\", \"name\""
        };
        let end = cluster.version.end_of_known_properties();
        let text =
            format!("Unrecognized field \"{key}\" (class {class}), not marked as ignorable ({known}{end}");
        return Err(cluster.version.unreadable(&text, 1));
    }
    match (body.contains_key("initial_state"), state.to_uppercase().as_str()) {
        (false, _) | (true, "RUNNING") => Ok(Target::Running),
        (true, "PAUSED") => Ok(Target::Paused),
        (true, "STOPPED") => Ok(Target::Stopped),
        (true, other) => {
            let text = format!(
                "Cannot construct instance of `{class}$InitialState`, problem: No enum constant {class}.InitialState.{other}"
            );
            Err(cluster.version.unreadable(&text, 1))
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
    match call.name_at(name, executor) {
        Ok(meant) if meant == name => {}
        Ok(meant) => return call.refused(cluster, executor, answer::other_name(name, meant)),
        Err(answer) => return call.refused(cluster, executor, answer),
    }
    if !cluster.has(name) {
        cluster.create(executor, name, config.clone(), Target::Running);
        return created(cluster, name, &config);
    }
    changed(cluster, executor, name, config)
}

/// Merges into what is there; a null removes a key.
fn patch(cluster: &mut Cluster, call: &Call, name: &str) -> Answer {
    let changes = match call::config(cluster.version, &call.body) {
        Ok(changes) => changes,
        Err(answer) => return answer,
    };
    let executor = match call.executor(cluster) {
        Ok(executor) => executor,
        Err(answer) => return answer,
    };
    let Some(mut config) = cluster.config(name).cloned() else {
        return answer::connector_not_found(name);
    };
    config.extend(changes);
    config.retain(|_, value| value.is_some());
    match cluster.plugins.check(cluster.version, &config, cluster.refusal(name)) {
        Ok(()) => changed(cluster, executor, name, config),
        Err(answer) => answer,
    }
}

fn changed(cluster: &mut Cluster, executor: usize, name: &str, config: Config) -> Answer {
    let shown = json!(config);
    cluster.configure(executor, name, config);
    let mut info = cluster.info(name).expect("a connector that is there");
    info["config"] = shown;
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
    let mut sent = call::config(cluster.version, body)?;
    match sent.get("name").and_then(Option::as_ref) {
        None => {
            sent.insert("name".to_owned(), Some(name.to_owned()));
        }
        Some(inner) if inner == name => {}
        Some(inner) => return Err(answer::other_name(inner, name)),
    }
    if name.is_empty() {
        return Err(answer::invalid(&[
            "Invalid value  for configuration name: String may not be empty".to_owned()
        ]));
    }
    cluster.plugins.check(cluster.version, &sent, cluster.refusal(name))?;
    Ok(sent)
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
            let meant = match call.name_at(name, executor) {
                Ok(meant) => meant,
                Err(answer) => return answer,
            };
            if !cluster.has(meant) {
                return answer::unknown_connector(meant);
            }
            cluster.set_target(executor, meant, Target::Stopped);
            Answer::empty(204)
        }
        Err(answer) => answer,
    }
}

/// With tasks it is the leader's business, without them that of the worker that runs the connector.
fn restart(cluster: &mut Cluster, call: &Call, name: &str) -> Answer {
    let Some(owner) = cluster.owner(name) else {
        return answer::unknown_connector_to_restart(name);
    };
    let knows_tasks = cluster.version.restarts_tasks_too();
    let with_tasks = knows_tasks && call.says("includeTasks", "true");
    let only_failed = knows_tasks && call.says("onlyFailed", "true");
    let is_plain = !with_tasks && !only_failed;
    let executor = if is_plain { call.executor_among(Some(owner)) } else { call.executor(cluster) };
    let executor = match executor {
        Ok(executor) => executor,
        Err(answer) => return answer,
    };
    let meant = match call.name_at(name, executor) {
        Ok(meant) => meant,
        Err(answer) => return call.refused(cluster, executor, answer),
    };
    if !cluster.has(meant) {
        return call.refused(cluster, executor, answer::unknown_connector_to_restart(meant));
    }
    cluster.restart(executor, meant, with_tasks, only_failed);
    if is_plain {
        return Answer::empty(204);
    }
    cluster.status(meant).map_or_else(|| answer::no_status(meant), |status| Answer::json(202, &status))
}

/// The business of the worker that runs the task.
fn restart_task(cluster: &mut Cluster, call: &Call, name: &str, task: &str) -> Answer {
    if !cluster.has(name) {
        return answer::unknown_connector_to_restart(name);
    }
    let found = task.parse().ok().and_then(|number| Some((number, cluster.task_owner(name, number)?)));
    let Some((number, owner)) = found else {
        return Answer::error(404, &format!("Unknown task: {name}-{task}"));
    };
    match call.executor_among(Some(owner)) {
        Ok(executor) => {
            cluster.restart_task(executor, name, number);
            Answer::empty(204)
        }
        Err(answer) => answer,
    }
}

fn delete(cluster: &mut Cluster, call: &Call, name: &str) -> Answer {
    let executor = match call.executor(cluster) {
        Ok(executor) => executor,
        Err(answer) => return answer,
    };
    let meant = match call.name_at(name, executor) {
        Ok(meant) => meant,
        Err(answer) => return call.refused(cluster, executor, answer),
    };
    if !cluster.has(meant) {
        return call.refused(cluster, executor, answer::connector_not_found(meant));
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

fn validate(cluster: &Cluster, call: &Call, class: &str) -> Answer {
    let sent = match call::config(cluster.version, &call.body) {
        Ok(sent) => sent,
        Err(answer) => return answer,
    };
    let name = sent.get("name").and_then(Option::as_deref).unwrap_or_default();
    cluster.plugins.validate(cluster.version, class, &sent, cluster.refusal(name))
}
