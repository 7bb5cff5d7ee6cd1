//! Tell over HTTP: `/`, `/livez`, `/readyz`, `/metrics` and `/status`; and be told to look now.
//!
//! Takes a listener, the last report and the metrics; answers until it is told to end. It looks at
//! nothing but those and decides nothing; what is told is made by `view` and `metrics`. A word to look now
//! is passed on where its sender knows a secret; when it is followed is left to others.

mod hook;
mod look;
mod proof;
pub mod secret;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::metrics::Metrics;
use crate::model::hint::Hints;
use crate::model::report::Report;
use crate::serve::secret::Secret;
use crate::view::page;
use crate::view::status::{self, StatusForm};

/// What is told beside the report.
#[derive(Debug, Clone)]
pub struct Options {
    /// The agent's version.
    pub version: String,
    /// How old the report's heartbeat may be before `/livez` says that the loop hangs.
    pub alive_within: Duration,
}

/// Who may say that it is time to look, and where that is heard.
pub struct Ears {
    /// What git hosts sign their webhooks with.
    pub webhook_secret: Option<Secret>,
    /// What people and programs show.
    pub token: Option<Secret>,
    /// Where words to look now go.
    pub hints: watch::Sender<Hints>,
}

/// Each address, and what it answers, for the reference page.
pub const ADDRESSES: &[(&str, &str)] = &[
    ("/", "a page for people, the same facts as `/status`"),
    (
        "/livez",
        "200 while the loop comes round; 503 when its heartbeat is older than three times the interval and the deadlines together. That a failing server is left alone for longer does not count",
    ),
    (
        "/readyz",
        "200 as soon as the agent serves; it never depends on git or on Connect, so that an agent beside a worker cannot take the worker out of service",
    ),
    ("/metrics", "every family of the metrics reference, in Prometheus' text format 0.0.4"),
    ("/status", "the JSON form below"),
    (
        "POST /hooks/git",
        "202 where it is signed with the secret in `http.webhook_secret_file`: the repositories are asked now and once more after 30 s; 401 where it is not, 413 above 1 MiB, 404 without that setting. [How to set it up](../operations/polling.md#webhooks)",
    ),
    (
        "POST /reconcile",
        "202 and the JSON form below with the token in `http.token_file` (`Authorization: Bearer …`): the repositories and the cluster are looked at now; 401 without it, 403 without that setting. `tagalong reconcile` sends it",
    ),
];

/// How many connections are served at once; the next ones wait.
const CONNECTIONS: usize = 64;
/// How long a request's head may take, an idle connection included.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may last, so that slow readers cannot hold all of them.
const CONNECTION_WITHIN: Duration = Duration::from_mins(1);
/// How long answers in hand may take after the end was asked for.
const END_WITHIN: Duration = Duration::from_secs(2);
/// How long to rest when no connection can be accepted, as when all file descriptors are in use.
const REST: Duration = Duration::from_millis(100);

/// Serves until `shutdown` completes, then ends the answers in hand.
///
/// Nothing here fails: a connection that breaks is its peer's business, and one that cannot be
/// accepted is tried again.
pub async fn serve(
    listener: TcpListener,
    report: watch::Receiver<Arc<Report>>,
    metrics: Arc<Metrics>,
    options: Options,
    ears: Ears,
    shutdown: impl Future<Output = ()>,
) {
    let router = heard(ears, &metrics).merge(router(Arc::new(Told { report, metrics, options })));
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit.expect("the semaphore is never closed"),
            () = &mut shutdown => break,
        };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(REST).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        let connection = graceful.watch(connection(stream, router.clone()));
        tokio::spawn(async move {
            match tokio::time::timeout(CONNECTION_WITHIN, connection).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::trace!(%error, "connection ended early"),
                Err(_) => tracing::debug!("connection lasted too long"),
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(END_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::debug!("gave up answers in hand");
    }
}

type Connection = http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, router: Router) -> Connection {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}

/// What the answers are made of.
struct Told {
    report: watch::Receiver<Arc<Report>>,
    metrics: Arc<Metrics>,
    options: Options,
}

fn heard(ears: Ears, metrics: &Arc<Metrics>) -> Router {
    let Ears { webhook_secret, token, hints } = ears;
    hook::router(webhook_secret, hints.clone(), metrics).merge(look::router(token, hints))
}

fn router(told: Arc<Told>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/livez", get(livez))
        .route("/readyz", get(async || "ready\n"))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .with_state(told)
}

impl Told {
    fn report(&self) -> Arc<Report> {
        Arc::clone(&self.report.borrow())
    }
}

async fn livez(State(told): State<Arc<Told>>) -> (StatusCode, String) {
    let since = Timestamp::now().duration_since(told.report().heartbeat);
    // A clock that was set back makes an age below zero, which is young.
    let age = Duration::try_from(since).unwrap_or_default();
    let code = if age > told.options.alive_within { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, format!("the loop last came round {} s ago\n", age.as_secs()))
}

async fn metrics(State(told): State<Arc<Told>>) -> Response {
    text("text/plain; version=0.0.4; charset=utf-8", told.metrics.encode())
}

async fn status(State(told): State<Arc<Told>>) -> Response {
    text("application/json", status::status(&told.report(), &told.options.version))
}

async fn page(State(told): State<Arc<Told>>) -> Response {
    let form = StatusForm::new(&told.report(), &told.options.version);
    text("text/html; charset=utf-8", page::page(&form, Timestamp::now()))
}

fn text(kind: &'static str, text: String) -> Response {
    const HEADERS: [(HeaderName, HeaderValue); 3] = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        ),
    ];
    (HEADERS, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}
