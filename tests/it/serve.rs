//! What the agent answers over HTTP, and that nobody can hold it up.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use tagalong::metrics::{self, Metrics};
use tagalong::model::finding::Findings;
use tagalong::model::hint::Hints;
use tagalong::model::name::EnvironmentName;
use tagalong::model::plan::Mode;
use tagalong::model::report::{Clocks, ClusterReport, Report};
use tagalong::serve;
use tagalong::serve::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::support::agent::wait;

/// A served agent.
pub struct Served {
    address: std::net::SocketAddr,
    report: watch::Sender<Arc<Report>>,
    heard: watch::Receiver<Hints>,
    end: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

fn report(heartbeat: Timestamp) -> Arc<Report> {
    Arc::new(Report {
        environment: EnvironmentName::new("production").expect("a name"),
        mode: Mode::Enforce,
        heartbeat,
        repositories: Vec::new(),
        cluster: ClusterReport::default(),
        clocks: Clocks::default(),
        findings: Findings::default(),
        declared: None,
        answered: 0,
    })
}

async fn served() -> Result<Served> {
    served_with(None).await
}

/// The names of the settings, and of their files in a folder of secrets.
pub const WEBHOOK: &str = "http.webhook_secret_file";
pub const TOKEN: &str = "http.token_file";

fn opened(key: &'static str, folder: Option<&Path>) -> Result<Option<Secret>> {
    Ok(folder.map(|folder| Secret::open(key, &folder.join(key))).transpose()?)
}

/// An agent that is told something by whoever knows the secrets in a folder.
pub async fn served_with(secrets: Option<&Path>) -> Result<Served> {
    // An address that no other test listens on: a port that is let go here is not taken by a neighbour.
    let listener = TcpListener::bind("127.0.9.1:0").await?;
    let address = listener.local_addr()?;
    let (report, reports) = watch::channel(report(Timestamp::now()));
    let metrics = Arc::new(Metrics::new(metrics::Options {
        version: "0.1.0".to_owned(),
        commit: String::new(),
        libgit2: "1.9.7".to_owned(),
        per_connector: true,
    }));
    let options = serve::Options { version: "0.1.0".to_owned(), alive_within: Duration::from_secs(270) };
    let (hints, heard) = watch::channel(Hints::default());
    let ears =
        serve::Ears { webhook_secret: opened(WEBHOOK, secrets)?, token: opened(TOKEN, secrets)?, hints };
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve::serve(listener, reports, metrics, options, ears, async {
        // A test that drops its end has ended too.
        drop(ended.await);
    }));
    Ok(Served { address, report, heard, end, serving })
}

impl Served {
    /// Where it listens.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The same as an address.
    pub fn address(&self) -> std::net::SocketAddr {
        self.address
    }

    /// How many words to look now it has passed on.
    pub fn heard(&self) -> Hints {
        *self.heard.borrow()
    }

    /// The whole answer to one request, head and body.
    async fn ask(&self, request: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address).await?;
        let head = format!("{request} HTTP/1.1\r\nhost: agent\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut answer = String::new();
        tokio::time::timeout(Duration::from_secs(5), stream.read_to_string(&mut answer))
            .await
            .context("no answer in time")??;
        Ok(answer)
    }

    async fn assert_answer(&self, request: &str, parts: &[&str]) -> Result<()> {
        let answer = self.ask(request).await?;
        for part in parts {
            assert!(answer.contains(part), "{request}: {part} in\n{answer}");
        }
        Ok(())
    }
}

#[tokio::test]
async fn each_address_answers_what_it_promises() -> Result<()> {
    let agent = served().await?;
    agent.assert_answer("GET /readyz", &["HTTP/1.1 200"]).await?;
    agent.assert_answer("GET /livez", &["HTTP/1.1 200"]).await?;
    agent
        .assert_answer(
            "GET /metrics",
            &["HTTP/1.1 200", "text/plain; version=0.0.4", "\ntagalong_build_info{version=\"0.1.0\""],
        )
        .await?;
    agent
        .assert_answer(
            "GET /status",
            &["HTTP/1.1 200", "application/json", "\"format\": 1", "\"environment\": \"production\""],
        )
        .await?;
    agent.assert_answer("GET /", &["HTTP/1.1 200", "text/html", "default-src 'none'", "<h1>production"]).await
}

#[tokio::test]
async fn a_loop_that_hangs_is_not_alive_and_still_ready() -> Result<()> {
    let agent = served().await?;
    let long_ago = Timestamp::now() - SignedDuration::from_secs(271);
    agent.report.send_replace(report(long_ago));
    agent.assert_answer("GET /livez", &["HTTP/1.1 503", "271 s ago"]).await?;
    agent.assert_answer("GET /readyz", &["HTTP/1.1 200"]).await?;
    agent.report.send_replace(report(Timestamp::now() + SignedDuration::from_secs(3600)));
    agent.assert_answer("GET /livez", &["HTTP/1.1 200"]).await
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_method_are_refused() -> Result<()> {
    let agent = served().await?;
    agent.assert_answer("GET /nowhere", &["HTTP/1.1 404"]).await?;
    agent.assert_answer("GET /../../etc/passwd", &["HTTP/1.1 404"]).await?;
    for path in ["/", "/metrics", "/status", "/livez", "/readyz"] {
        agent.assert_answer(&format!("POST {path}"), &["HTTP/1.1 405", "allow: GET,HEAD"]).await?;
    }
    agent.assert_answer(&format!("GET /{}", "x".repeat(64 * 1024)), &["HTTP/1.1 4"]).await
}

#[tokio::test]
async fn a_peer_that_never_ends_its_request_is_let_go() -> Result<()> {
    let agent = served().await?;
    let mut stream = TcpStream::connect(agent.address).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: ").await?;
    let mut answer = Vec::new();
    // The limit is 10 s. Time cannot be paused here: the peer is a real socket.
    tokio::time::timeout(Duration::from_mins(1), stream.read_to_end(&mut answer))
        .await
        .context("the connection is still open")??;
    Ok(())
}

#[tokio::test]
async fn it_ends_when_it_is_told_although_a_peer_holds_a_connection() -> Result<()> {
    let agent = served().await?;
    let mut idle = TcpStream::connect(agent.address).await?;
    idle.write_all(b"GET /readyz HTTP/1.1\r\nhost: agent\r\n\r\n").await?;
    let mut first = [0; 12];
    idle.read_exact(&mut first).await?;
    assert_eq!(&first, b"HTTP/1.1 200");
    agent.end.send(()).ok().context("it has ended by itself")?;
    // An idle connection is let go by itself after ten.
    tokio::time::timeout(Duration::from_secs(9), agent.serving).await.context("it goes on")??;
    // Not at once: a process that another test begins holds what is open here until it runs its program.
    let is_free = || async { Ok(TcpStream::connect(agent.address).await.is_err()) };
    wait("the port is free again", is_free).await
}
