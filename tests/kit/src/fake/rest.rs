//! The REST API of one worker, as far as it does not need the herder.
//!
//! Takes HTTP requests, notes them, lets go wrong what a test wants to go wrong, answers what a worker
//! answers while it starts, and leaves the rest to `act`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::ConnectInfo;
use axum::http::Request as HttpRequest;
use axum::response::Response;
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::fake::act::act;
use crate::fake::answer::{self, Answer};
use crate::fake::call::{Call, take_apart};
use crate::fake::check;
use crate::fake::cluster::Cluster;
use crate::fake::fault::{End, Fault};
use crate::fake::line::{Listener, Switch};
use crate::fake::version::Version;
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
    let whole = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
    let fault = Fault::take(&mut shared.faults(), worker, &method, &whole);
    let request = Request { number: 0, worker, method, path, query, body, status: None };
    let call = take_apart(shared.cluster().version, &request, content_type);
    let number = shared.note(request);
    let execute = async {
        match call {
            Ok(call) => handle(&shared, &call).await,
            Err(answer) => answer,
        }
    };
    let answer = match fault {
        None => execute.await,
        Some(fault) => go_wrong(fault, &line, execute).await,
    };
    shared.note_status(number, answer.status);
    answer.into_response()
}

/// Lets a request end as the fault says.
async fn go_wrong(fault: Fault, line: &Switch, execute: impl Future<Output = Answer>) -> Answer {
    let Fault { delay, until, is_executed, end, .. } = fault;
    sleep(delay).await;
    if let Some(mut told) = until {
        // A test that ends tells nothing any more.
        let _ = told.wait_for(|told| *told).await;
    }
    let own = if is_executed || matches!(end, End::Normal) { Some(execute.await) } else { None };
    match end {
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

/// Answers by the phase of the worker, then by the path.
async fn handle(shared: &Shared, call: &Call) -> Answer {
    let mut phase = shared.phases[call.worker].subscribe();
    let now = *phase.borrow();
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let version = shared.cluster().version;
    let is_ready_yet = now >= Phase::Ready;
    if now <= Phase::Booting {
        return Answer::html(&call.method, 404, "Not Found");
    }
    if let Some(answer) = version.lacks(&call.method, &segments) {
        return answer;
    }
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", []) => root(version),
        ("GET", ["health"]) => health(&mut phase).await,
        // These read what there is already, ready or not.
        ("GET", ["connectors"]) if !is_ready_yet && version.expands() && call.asks("expand") => {
            Answer::json(200, &json!({}))
        }
        ("GET", ["connectors"]) if !is_ready_yet => Answer::json(200, &json!([])),
        ("GET", ["connectors"]) => list(&mut shared.cluster(), call),
        ("GET", ["connectors", name, "status"]) if !is_ready_yet => answer::no_status(name),
        ("PUT", ["connectors", name, "pause" | "resume"]) if !is_ready_yet => answer::unknown_connector(name),
        ("GET", ["connector-plugins"]) => plugins(&shared.cluster(), call),
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

fn root(Version((major, minor)): Version) -> Answer {
    let version = format!("{major}.{minor}.0");
    Answer::json(200, &json!({"version": version, "commit": "fa4efa4efa4efa4e", "kafka_cluster_id": "fake"}))
}

fn list(cluster: &mut Cluster, call: &Call) -> Answer {
    let names = cluster.names();
    if !call.asks("expand") || !cluster.version.expands() {
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

fn plugins(cluster: &Cluster, call: &Call) -> Answer {
    let each = cluster.plugins.classes().iter();
    let mut all: Vec<Json> =
        each.map(|class| json!({"class": class, "type": check::kind(class), "version": "4.3.0"})).collect();
    if cluster.version.lists_every_plugin() && call.says("connectorsOnly", "false") {
        let class = "org.apache.kafka.connect.json.JsonConverter";
        all.push(json!({"class": class, "type": "converter", "version": "4.3.0"}));
    }
    Answer::json(200, &Json::Array(all))
}
