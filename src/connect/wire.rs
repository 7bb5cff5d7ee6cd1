//! JSON as Connect speaks it, to and from the model; pure.
//!
//! Takes bytes, gives values, and the other way round. It is as tolerant as Connect's versions
//! differ: unknown fields are ignored, and `version`, `type`, `trace` and `status` may be missing.
//! Traces and messages are read here down to their meaning and go no further.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::connect::error::Nonsense;
use crate::connect::phrases;
use crate::model::config::{Config, Value};
use crate::model::live::{Kind, LiveConnector, RunState, Status, Task, Worker};
use crate::model::name::ConnectorName;
use crate::model::plan::Target;

/// Keys with this prefix are added by Confluent's distribution and belong to nobody's definition.
const INTERNAL_PREFIX: &str = "__internal.";

/// Reads `GET /connectors`: `["orders","audit"]`, in no order.
pub fn names(body: &[u8]) -> Result<Vec<ConnectorName>, Nonsense> {
    let names: Vec<String> = read(body)?;
    Ok(names.iter().map(|name| ConnectorName::observed(name)).collect())
}

/// What the expanded read tells of one name.
#[derive(Debug, PartialEq, Eq)]
pub enum Expanded {
    /// Its config, and its status where there is one.
    There(LiveConnector),
    /// It was deleted while Connect put the answer together: `"info":null`.
    Gone,
    /// There is a status and nothing else.
    WithoutInfo(Option<Status>),
}

/// Reads `GET /connectors?expand=info&expand=status`:
/// `{"orders":{"status":{…as below…},"info":{"name":"orders","config":{…},"tasks":[…],"type":"source"}}}`.
pub fn expanded(body: &[u8]) -> Result<BTreeMap<ConnectorName, Expanded>, Nonsense> {
    let entries: BTreeMap<String, EntryWire> = read(body)?;
    Ok(entries
        .into_iter()
        .map(|(name, EntryWire { info, status })| {
            let name = ConnectorName::observed(&name);
            let entry = match info {
                Told::Info(info) => Expanded::There(with_status(&name, info, status)),
                Told::Null => Expanded::Gone,
                Told::Nothing => Expanded::WithoutInfo(status.map(StatusWire::into_status)),
            };
            (name, entry)
        })
        .collect())
}

/// Reads `GET /connectors/{c}`: `{"name":"orders","config":{…},"tasks":[…],"type":"source"}`.
pub fn info(body: &[u8], name: &ConnectorName) -> Result<LiveConnector, Nonsense> {
    Ok(with_status(name, read(body)?, None))
}

/// Reads `GET /connectors/{c}/config`: `{"connector.class":"…","tasks.max":"1","name":"orders"}`.
pub fn config(body: &[u8], name: &ConnectorName) -> Result<Config, Nonsense> {
    Ok(own_config(name, &read(body)?))
}

/// Reads `GET /connectors/{c}/status`:
/// `{"name":"orders","connector":{"state":"RUNNING","worker_id":"…"},"tasks":[{"id":0,"state":"FAILED","trace":"…"}],"type":"source"}`.
pub fn status(body: &[u8]) -> Result<Status, Nonsense> {
    Ok(read::<StatusWire>(body)?.into_status())
}

/// Reads `GET /connectors/{c}/tasks`: `[{"id":{"connector":"orders","task":0},"config":{…}}]`.
pub fn tasks(body: &[u8], name: &ConnectorName) -> Result<Vec<Config>, Nonsense> {
    let tasks: Vec<TaskWire> = read(body)?;
    Ok(tasks.iter().map(|task| own_config(name, &task.config)).collect())
}

/// Reads `GET /`: `{"version":"4.3.0","commit":"a9ce3221537b8653","kafka_cluster_id":"cl1"}`.
pub fn root(body: &[u8]) -> Result<Worker, Nonsense> {
    let RootWire { version, kafka_cluster_id } = read(body)?;
    Ok(Worker {
        version: version.as_deref().map(Arc::from),
        kafka_cluster_id: kafka_cluster_id.as_deref().map(Arc::from),
    })
}

/// Reads `GET /connector-plugins`: `[{"class":"…FileStreamSinkConnector","type":"sink","version":"4.3.0"}]`.
pub fn classes(body: &[u8]) -> Result<Vec<Arc<str>>, Nonsense> {
    let plugins: Vec<PluginWire> = read(body)?;
    let is_connector = |kind: Option<&str>| matches!(kind, None | Some("source" | "sink" | "unknown"));
    let connectors = plugins.into_iter().filter(|plugin| is_connector(plugin.kind.as_deref()));
    Ok(connectors.map(|plugin| plugin.class.into()).collect())
}

/// Recognises what `GET /health` says: `{"status":"healthy","message":"…"}`.
///
/// Something before Connect may have a health page of its own there, such as `{"status":"UP"}`.
pub fn is_health(body: &[u8]) -> bool {
    read::<HealthWire>(body).is_ok()
}

/// Reads the message of an error of Connect's own: `{"error_code":404,"message":"Connector x not found"}`.
///
/// Gives `None` for what Jetty or a proxy says. A body that was cut off has no end, so its message
/// is taken as far as it goes.
pub fn error_message(status: u16, body: &[u8]) -> Option<String> {
    match serde_json::from_slice::<ErrorWire>(body) {
        Ok(ErrorWire { error_code, message }) => (error_code == i64::from(status)).then_some(message),
        Err(error) if error.is_eof() => {
            let text = String::from_utf8_lossy(body);
            let (_, message) =
                text.strip_prefix(&format!("{{\"error_code\":{status},"))?.split_once("\"message\":\"")?;
            Some(message.replace("\\n", "\n").replace("\\\"", "\""))
        }
        Err(_) => None,
    }
}

/// Writes the body of `POST /connectors`: `{"name":"orders","config":{…},"initial_state":"PAUSED"}`.
///
/// Versions before 3.7 do not know `initial_state`, so it is only there where it says something.
pub fn creation(name: &ConnectorName, config: &Config, initial: Target) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("name".into(), name.as_str().into());
    body.insert("config".into(), flat(config));
    match initial {
        Target::Running => None,
        Target::Paused => body.insert("initial_state".into(), "PAUSED".into()),
        Target::Stopped => body.insert("initial_state".into(), "STOPPED".into()),
    };
    Json::Object(body).to_string().into_bytes()
}

/// Writes the body of `PUT /connectors/{c}/config`: `{"connector.class":"…","tasks.max":"1"}`.
pub fn configuration(config: &Config) -> Vec<u8> {
    flat(config).to_string().into_bytes()
}

/// Writes the body of `PUT /connector-plugins/{class}/config/validate`: a config with its `name`, without which
/// Connect misses it.
pub fn question(name: &ConnectorName, config: &Config) -> Vec<u8> {
    let mut body = flat(config);
    body["name"] = name.as_str().into();
    body.to_string().into_bytes()
}

fn flat(config: &Config) -> Json {
    Json::Object(config.iter().map(|(key, value)| (key.to_owned(), json!(value.expose()))).collect())
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Nonsense> {
    // The error's own text quotes what it met, which may be a secret.
    serde_json::from_slice(body)
        .map_err(|error| Nonsense::Json { line: error.line(), column: error.column() })
}

fn with_status(name: &ConnectorName, info: InfoWire, status: Option<StatusWire>) -> LiveConnector {
    let told = status.as_ref().and_then(|status| status.kind.as_deref());
    LiveConnector {
        config: info.config.map(|config| own_config(name, &config)),
        kind: kind(info.kind.as_deref().or(told)),
        status: status.map(StatusWire::into_status),
    }
}

/// A config as its author would know it.
fn own_config(name: &ConnectorName, told: &Map<String, Json>) -> Config {
    told.iter()
        .filter(|(key, _)| !key.starts_with(INTERNAL_PREFIX))
        // Connect adds the name to every config. Another name than its own is somebody's mistake,
        // and is to be seen.
        .filter(|(key, value)| !(key.as_str() == "name" && value.as_str() == Some(name.as_str())))
        .filter_map(|(key, value)| {
            let text = match value {
                Json::String(text) => text.clone(),
                // Connect answers texts only; these are for what stands in its place.
                Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_string(),
                Json::Null => return None,
            };
            Some((key, Value::new(key, &text)))
        })
        .collect()
}

fn kind(text: Option<&str>) -> Kind {
    match text {
        Some("source") => Kind::Source,
        Some("sink") => Kind::Sink,
        _ => Kind::Unknown,
    }
}

fn run_state(text: &str) -> RunState {
    match text {
        "RUNNING" => RunState::Running,
        "PAUSED" => RunState::Paused,
        "STOPPED" => RunState::Stopped,
        "FAILED" => RunState::Failed,
        "UNASSIGNED" => RunState::Unassigned,
        "RESTARTING" => RunState::Restarting,
        _ => RunState::Unknown,
    }
}

/// One entry of the expanded read.
#[derive(Deserialize)]
struct EntryWire {
    #[serde(default)]
    info: Told,
    #[serde(default)]
    status: Option<StatusWire>,
}

/// One plugin of a worker.
#[derive(Deserialize)]
struct PluginWire {
    class: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// What is told of a connector; `null` and nothing at all mean different things.
#[derive(Default)]
enum Told {
    #[default]
    Nothing,
    Null,
    Info(InfoWire),
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Info))
    }
}

#[derive(Deserialize)]
struct InfoWire {
    #[serde(default)]
    config: Option<Map<String, Json>>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct StatusWire {
    #[serde(default)]
    connector: Option<StateWire>,
    #[serde(default)]
    tasks: Vec<StateWire>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// The state of a connector, or of a task where there is an id.
#[derive(Deserialize)]
struct StateWire {
    #[serde(default)]
    id: u32,
    #[serde(default)]
    state: String,
    #[serde(default)]
    trace: Option<String>,
}

#[derive(Deserialize)]
struct TaskWire {
    #[serde(default)]
    config: Map<String, Json>,
}

#[derive(Deserialize)]
struct HealthWire {
    #[serde(rename = "status")]
    _status: HealthWord,
    #[serde(rename = "message")]
    _message: String,
}

/// Every word that Connect has for its health.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum HealthWord {
    Healthy,
    Unhealthy,
    Starting,
}

#[derive(Deserialize)]
struct RootWire {
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    kafka_cluster_id: Option<String>,
}

#[derive(Deserialize)]
struct ErrorWire {
    error_code: i64,
    message: String,
}

impl StatusWire {
    fn into_status(self) -> Status {
        let connector = self.connector;
        Status {
            state: connector.as_ref().map_or(RunState::Unknown, |connector| run_state(&connector.state)),
            failure: connector.as_ref().and_then(StateWire::failure),
            tasks: self
                .tasks
                .iter()
                .map(|task| Task { id: task.id, state: run_state(&task.state), failure: task.failure() })
                .collect(),
        }
    }
}

impl StateWire {
    fn failure(&self) -> Option<crate::model::live::Trouble> {
        (run_state(&self.state) == RunState::Failed)
            .then(|| phrases::trouble(self.trace.as_deref().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::live::Trouble;

    fn orders() -> ConnectorName {
        ConnectorName::observed("orders")
    }

    fn texts(config: &Config) -> Vec<(&str, &str)> {
        config.iter().map(|(key, value)| (key, value.expose())).collect()
    }

    #[test]
    fn an_expanded_read_is_understood() {
        let body = br#"{"orders":{"status":{"name":"orders","connector":{"state":"RUNNING","worker_id":"w:1","version":null},
            "tasks":[{"id":0,"state":"FAILED","worker_id":"w:1","trace":"x: Connection refused"}],"type":"sink"},
            "info":{"name":"orders","config":{"name":"orders","topics":"a","__internal.config.version":"1"},
            "tasks":[{"connector":"orders","task":0}],"type":"sink","new":{}}}}"#;
        let entries = expanded(body).expect("understood");
        let Some(Expanded::There(connector)) = entries.get(&orders()) else { panic!("{entries:?}") };
        assert_eq!(connector.kind, Kind::Sink);
        assert_eq!(texts(connector.config.as_ref().expect("a config")), [("topics", "a")]);
        let status = connector.status.as_ref().expect("a status");
        assert_eq!((status.state, status.failure), (RunState::Running, None));
        assert_eq!(status.tasks, [Task { id: 0, state: RunState::Failed, failure: Some(Trouble::Away) }]);
    }

    #[test]
    fn a_null_info_is_told_from_one_that_is_not_there() {
        let entries =
            expanded(br#"{"a":{"info":null},"b":{},"c":{"info":null,"status":null},"d":{"info":{}}}"#)
                .expect("understood");
        let of = |name| entries.get(&ConnectorName::observed(name)).expect("an entry");
        assert_eq!(of("a"), &Expanded::Gone);
        assert_eq!(of("b"), &Expanded::WithoutInfo(None));
        assert_eq!(of("c"), &Expanded::Gone);
        assert_eq!(
            of("d"),
            &Expanded::There(LiveConnector { config: None, kind: Kind::Unknown, status: None })
        );
    }

    #[test]
    fn a_status_without_half_its_fields_is_understood() {
        let told = status(br#"{"connector":{"state":"DESTROYED"}}"#).expect("understood");
        assert_eq!(told, Status { state: RunState::Unknown, failure: None, tasks: vec![] });
    }

    #[test]
    fn another_name_inside_a_config_is_to_be_seen() {
        let told = config(br#"{"name":"other","tasks.max":2,"gone":null,"on":true}"#, &orders())
            .expect("understood");
        assert_eq!(texts(&told), [("name", "other"), ("on", "true"), ("tasks.max", "2")]);
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_not_quoted() {
        let problem = config(br#"["hunter2"]"#, &orders()).expect_err("a list is no config");
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }

    #[test]
    fn only_an_error_of_connects_own_has_a_message() {
        let own = br#"{"error_code":404,"message":"Connector x not found"}"#;
        assert_eq!(error_message(404, own).as_deref(), Some("Connector x not found"));
        assert_eq!(error_message(409, own), None);
        assert_eq!(error_message(404, br#"{"message":"no Route matched with those values"}"#), None);
        assert_eq!(error_message(404, b"<html><head>Error 404 Not Found</head></html>"), None);
        assert_eq!(
            error_message(503, br#"{"status":"starting","message":"Worker is still starting up."}"#),
            None
        );
        assert_eq!(error_message(404, b""), None);
    }

    #[test]
    fn a_message_that_was_cut_off_is_taken_as_far_as_it_goes() {
        let body =
            br#"{"error_code":400,"message":"Failed to find any class that implements Connector\nx \"y"#;
        assert_eq!(
            error_message(400, body).as_deref(),
            Some("Failed to find any class that implements Connector\nx \"y")
        );
    }

    #[test]
    fn a_creation_names_a_state_only_where_it_says_something() {
        let config: Config =
            [("topic", "a")].map(|(key, text)| (key, Value::new(key, text))).into_iter().collect();
        let body = |initial| String::from_utf8(creation(&orders(), &config, initial)).expect("text");
        assert_eq!(body(Target::Running), r#"{"name":"orders","config":{"topic":"a"}}"#);
        assert_eq!(
            body(Target::Stopped),
            r#"{"name":"orders","config":{"topic":"a"},"initial_state":"STOPPED"}"#
        );
    }
}
