//! The REST API of one worker.
//!
//! Takes HTTP requests, says who may answer them (leader or any worker, started or not), reads paths
//! and bodies as Connect does, and gives Connect's answers. What then happens is left to `cluster`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::ConnectInfo;
use axum::http::Request as HttpRequest;
use axum::response::Response;
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::fake::answer::{self, Answer};
use crate::fake::check::Sent;
use crate::fake::cluster::{Cluster, Config, Target};
use crate::fake::fault::{End, Fault};
use crate::fake::line::{Listener, Switch};
use crate::fake::{Phase, Request, Shared};

/// How long `/health` waits for the herder before it says `starting`; 10 s in Connect.
const HEALTH_WAIT: Duration = Duration::from_millis(300);

/// Connect's longest wait for the herder; 90 s in Connect.
const HERDER_WAIT: Duration = Duration::from_secs(90);

/// One worker that listens.
pub struct Host {
    task: JoinHandle<()>,
    all: Switch,
}

impl Host {
    /// Stops listening and cuts every connection.
    pub async fn close(self) {
        self.all.throw();
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Lets a worker answer what comes in.
pub fn serve(shared: Arc<Shared>, worker: usize, listener: Listener) -> Host {
    let all = listener.switch();
    let answer = move |ConnectInfo(line): ConnectInfo<Switch>, request: HttpRequest<axum::body::Body>| {
        respond(Arc::clone(&shared), worker, line, request)
    };
    let app = Router::new().fallback(answer).into_make_service_with_connect_info::<Switch>();
    let task = tokio::spawn(async move {
        let _ = axum::serve(listener, app).await;
    });
    Host { task, all }
}

/// One request, taken apart.
struct Call {
    worker: usize,
    method: String,
    segments: Vec<String>,
    query: BTreeMap<String, Vec<String>>,
    content_type: String,
    body: String,
}

async fn respond(
    shared: Arc<Shared>,
    worker: usize,
    line: Switch,
    request: HttpRequest<axum::body::Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    let method = parts.method.as_str().to_owned();
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
    let content_type = parts
        .headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or("application/json")
        .to_owned();
    let number = shared.note(Request {
        number: 0,
        worker,
        method: method.clone(),
        path: path.clone(),
        query: query.clone(),
        body: body.clone(),
        status: None,
    });

    let whole = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
    let fault = Fault::take(&mut shared.faults(), worker, &method, &whole);
    let execute = || async {
        match take_apart(worker, &method, &path, &query, content_type, body) {
            Ok(call) => handle(&shared, &call).await,
            Err(answer) => answer,
        }
    };
    let answer = match fault {
        None => execute().await,
        Some(fault) => {
            sleep(fault.delay).await;
            let own = if fault.is_executed || matches!(fault.end, End::Normal) {
                Some(execute().await)
            } else {
                None
            };
            match fault.end {
                End::Normal => own.expect("an answer of its own"),
                End::Answer { status, content_type, body } => {
                    Answer { status, content_type: Some(content_type), body, location: None }
                }
                End::Break => {
                    line.throw();
                    Answer::empty(500)
                }
                End::Hang => std::future::pending().await,
            }
        }
    };
    shared.note_status(number, answer.status);
    answer.into_response()
}

/// Reads path and query as Jetty does.
fn take_apart(
    worker: usize,
    method: &str,
    path: &str,
    query: &str,
    content_type: String,
    body: String,
) -> Result<Call, Answer> {
    let mut segments = Vec::new();
    let trimmed = path.trim_start_matches('/').trim_end_matches('/');
    for raw in trimmed.split('/').filter(|_| !trimmed.is_empty()) {
        let upper = raw.to_ascii_uppercase();
        let trouble = [
            ("%2F", "Ambiguous URI path separator"),
            ("%25", "Ambiguous URI path encoding"),
            ("%5C", "Suspicious Path Character"),
        ];
        if let Some((_, title)) = trouble.iter().find(|(code, _)| upper.contains(code)) {
            return Err(Answer::html(400, title));
        }
        if raw.is_empty() {
            return Err(Answer::html(400, "Ambiguous URI empty segment"));
        }
        let segment = raw.split(';').next().unwrap_or_default();
        segments.push(percent_decode_str(segment).decode_utf8_lossy().into_owned());
    }
    let mut pairs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    Ok(Call { worker, method: method.to_owned(), segments, query: pairs, content_type, body })
}

impl Call {
    fn says(&self, key: &str, value: &str) -> bool {
        self.query.get(key).is_some_and(|values| values.iter().any(|one| one == value))
    }

    /// Who carries it out: this worker or the leader it passes it on to.
    fn executor(&self, cluster: &Cluster) -> Result<usize, Answer> {
        let is_fenced = self.says("forward", "false");
        match cluster.leader {
            Some(leader) if leader == self.worker => Ok(leader),
            Some(leader) if !is_fenced => Ok(leader),
            None if !is_fenced => Err(answer::no_leader()),
            Some(_) | None => Err(answer::conflict()),
        }
    }

    /// The name as the worker knows it that carries the request out.
    ///
    /// A worker that passes a request on writes an encoded `;` plainly, and the leader takes what
    /// follows for a parameter of the path: another connector is meant.
    fn name_at<'a>(&self, name: &'a str, executor: usize) -> &'a str {
        if executor == self.worker { name } else { name.split(';').next().unwrap_or_default() }
    }
}

/// Answers by the phase of the worker, then by the path.
async fn handle(shared: &Shared, call: &Call) -> Answer {
    let mut phase = shared.phases[call.worker].subscribe();
    let now = *phase.borrow();
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let version = shared.cluster().version;
    if now <= Phase::Booting {
        return Answer::html(404, "Not Found");
    }
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", []) => root(version),
        ("GET", ["health"]) if version >= (3, 9) => health(&mut phase).await,
        // These read what there is already, ready or not.
        ("GET", ["connectors"]) if now < Phase::Ready && call.query.contains_key("expand") => {
            Answer::json(200, &json!({}))
        }
        ("GET", ["connectors"]) if now < Phase::Ready => Answer::json(200, &json!([])),
        ("GET", ["connectors"]) => list(&mut shared.cluster(), call),
        ("GET", ["connector-plugins"]) => plugins(&shared.cluster()),
        _ => {
            if !is_ready(&mut phase, HERDER_WAIT).await {
                return Answer::error(500, "Request timed out");
            }
            act(&mut shared.cluster(), call, &segments)
        }
    }
}

async fn is_ready(phase: &mut watch::Receiver<Phase>, wait: Duration) -> bool {
    tokio::time::timeout(wait, phase.wait_for(|phase| *phase == Phase::Ready)).await.is_ok()
}

async fn health(phase: &mut watch::Receiver<Phase>) -> Answer {
    if is_ready(phase, HEALTH_WAIT).await {
        let message = "Worker has completed startup and is ready to handle requests.";
        return Answer::json(200, &json!({"status": "healthy", "message": message}));
    }
    let message = "Worker is still starting up.";
    Answer::json(503, &json!({"status": "starting", "message": message}))
}

fn root((major, minor): (u8, u8)) -> Answer {
    let version = format!("{major}.{minor}.0");
    Answer::json(200, &json!({"version": version, "commit": "fa4efa4efa4efa4e", "kafka_cluster_id": "fake"}))
}

fn list(cluster: &mut Cluster, call: &Call) -> Answer {
    let names = cluster.names();
    if !call.query.contains_key("expand") {
        return Answer::json(200, &json!(names));
    }
    let mut all = serde_json::Map::new();
    for name in names {
        let mut one = serde_json::Map::new();
        if call.says("expand", "status") {
            // What has no status yet is left out, with its info.
            let Some(status) = cluster.status(&name) else { continue };
            one.insert("status".to_owned(), status);
        }
        if call.says("expand", "info") {
            one.insert("info".to_owned(), cluster.info(&name).unwrap_or(Json::Null));
        }
        all.insert(name, Json::Object(one));
    }
    Answer::json(200, &Json::Object(all))
}

fn plugins(cluster: &Cluster) -> Answer {
    let each =
        cluster.plugins.classes().iter().map(
            |class| json!({"class": class, "type": crate::fake::check::kind(class), "version": "4.3.0"}),
        );
    Answer::json(200, &Json::Array(each.collect()))
}

/// What the herder answers.
fn act(cluster: &mut Cluster, call: &Call, segments: &[&str]) -> Answer {
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
    let body: BTreeMap<String, Box<RawValue>> =
        match parse(&call.body, "java.util.LinkedHashMap<java.lang.String,java.lang.String>") {
            Ok(body) => body,
            Err(answer) => return answer,
        };
    let knows_state = cluster.version >= (3, 7);
    if let Some(key) = body.keys().find(|key| match key.as_str() {
        "name" | "config" => false,
        "initial_state" => !knows_state,
        _ => true,
    }) {
        let class = "org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest";
        let text = format!(
            "Unrecognized field \"{key}\" (class {class}), not marked as ignorable (3 known properties: \"config\", \"name\", \
             \"initial_state\")"
        );
        return answer::unreadable(&text, 1);
    }
    let text = |key: &str| {
        body.get(key).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok()).unwrap_or_default()
    };
    let target = match (body.contains_key("initial_state"), text("initial_state").to_uppercase().as_str()) {
        (false, _) | (true, "RUNNING") => Target::Running,
        (true, "PAUSED") => Target::Paused,
        (true, "STOPPED") => Target::Stopped,
        (true, other) => {
            let class = "org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest";
            let text = format!(
                "Cannot construct instance of `{class}$InitialState`, problem: No enum constant {class}.InitialState.{other}"
            );
            return answer::unreadable(&text, 1);
        }
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

fn encode(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Reads and checks a config; gives it with its name in it.
fn accepted(cluster: &Cluster, name: &str, body: &str) -> Result<Config, Answer> {
    let mut sent = config(body)?;
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

/// Reads a flat map. Numbers and booleans become texts as they were written.
fn config(body: &str) -> Result<Sent, Answer> {
    let raw: BTreeMap<String, Box<RawValue>> =
        parse(body, "java.util.LinkedHashMap<java.lang.String,java.lang.String>")?;
    raw.into_iter()
        .map(|(key, raw)| {
            let text = raw.get();
            let value = match text.as_bytes().first() {
                Some(b'"') => Some(serde_json::from_str(text).expect("a JSON text")),
                Some(b'[' | b'{') => {
                    let (kind, token) = if text.starts_with('[') { ("Array", "START_ARRAY") } else { ("Object", "START_OBJECT") };
                    return Err(answer::unreadable(
                        &format!(
                            "Cannot deserialize value of type `java.lang.String` from {kind} value (token `JsonToken.{token}`)"
                        ),
                        1,
                    ));
                }
                _ if text == "null" => None,
                _ => Some(text.to_owned()),
            };
            Ok((key, value))
        })
        .collect()
}

fn parse(body: &str, class: &str) -> Result<BTreeMap<String, Box<RawValue>>, Answer> {
    serde_json::from_str(body).map_err(|error| {
        if body.trim_start().starts_with('[') {
            let text = format!(
                "Cannot deserialize value of type `{class}` from Array value (token `JsonToken.START_ARRAY`)"
            );
            return answer::unreadable(&text, 1);
        }
        answer::unreadable("Unexpected end-of-input within/between Object entries", error.column())
    })
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
    let sent = match config(&call.body) {
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
