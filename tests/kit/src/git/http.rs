//! Git over smart HTTP: hands every request to `git http-backend`, streams both ways, and counts.

use crate::git::repository::pinned;
use crate::rules::{self, Effect, Rule, Rules};
use crate::server::Server;
use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use futures_util::stream;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

const PIECE: usize = 64 * 1024;

/// A running server; it ends when this is dropped.
pub struct GitHttp {
    server: Server,
    shared: Arc<Shared>,
}

/// One request that the server saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub path: String,
    /// Its header `Git-Protocol`.
    pub protocol: Option<String>,
    /// Whether it carried an `Authorization`.
    pub authorized: bool,
    /// The bytes of its body so far.
    pub sent: usize,
    /// The status of the answer, as soon as there is one.
    pub status: Option<u16>,
    /// The bytes of the answer's body so far.
    pub received: usize,
}

struct Shared {
    root: PathBuf,
    authorization: Mutex<Option<String>>,
    rules: Rules,
    exchanges: Mutex<Vec<Exchange>>,
}

impl GitHttp {
    /// Serves every repository below `root` to everybody.
    pub async fn start(root: &Path) -> Result<Self> {
        Self::serve(root, None).await
    }

    /// Serves every repository below `root` to whoever knows this name and password.
    pub async fn with_password(root: &Path, user: &str, password: &str) -> Result<Self> {
        Self::serve(root, Some(basic(user, password))).await
    }

    async fn serve(root: &Path, authorization: Option<String>) -> Result<Self> {
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            authorization: Mutex::new(authorization),
            rules: Rules::default(),
            exchanges: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Ok(Self { server: Server::start(router).await?, shared })
    }

    /// Serves only whoever knows this name and password, from now on.
    pub fn change_password(&self, user: &str, password: &str) {
        *self.shared.authorization.lock().expect("nobody panics while holding it") =
            Some(basic(user, password));
    }

    /// The URL of a repository, given its path below the root.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.server.url())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Every request so far, in the order of arrival.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.exchanges.lock().expect("nobody panics while holding it").clone()
    }

    /// How many requests were never answered, those of clients that have gone among them.
    pub fn unanswered(&self) -> usize {
        self.exchanges().iter().filter(|exchange| exchange.status.is_none()).count()
    }

    /// Forgets the requests so far.
    pub fn clear(&self) {
        self.shared.exchanges.lock().expect("nobody panics while holding it").clear();
    }

    /// Adds a rule: from now on some requests fare worse.
    pub fn rule(&self, rule: Rule) {
        self.shared.rules.add(rule);
    }

    /// Puts one rule in the place of all others.
    pub fn only(&self, rule: Rule) {
        self.shared.rules.only(rule);
    }

    /// Answers every request from now on with this status, whatever it did before, until [`GitHttp::heal`].
    pub fn fail(&self, status: StatusCode) {
        self.only(Rule::on("", Effect::Answer(status, String::new())));
    }

    /// Forgets all rules.
    pub fn heal(&self) {
        self.shared.rules.clear();
    }
}

impl Shared {
    fn note(&self, request: &Request) -> usize {
        let headers = request.headers();
        let exchange = Exchange {
            method: request.method().clone(),
            path: request.uri().to_string(),
            protocol: text(headers, "git-protocol"),
            authorized: headers.contains_key(header::AUTHORIZATION),
            sent: 0,
            status: None,
            received: 0,
        };
        let mut exchanges = self.exchanges.lock().expect("nobody panics while holding it");
        exchanges.push(exchange);
        exchanges.len() - 1
    }

    fn update(&self, number: usize, change: impl FnOnce(&mut Exchange)) {
        // None if the requests were forgotten meanwhile.
        if let Some(exchange) = self.exchanges.lock().expect("nobody panics while holding it").get_mut(number)
        {
            change(exchange);
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let number = shared.note(&request);
    let effect = shared.rules.effect(request.method(), &request.uri().to_string());
    let response = rules::apply(effect, async {
        let given = text(request.headers(), "authorization");
        let wanted = shared.authorization.lock().expect("nobody panics while holding it").clone();
        if wanted.is_some() && wanted != given {
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"git\"")])
                .into_response();
        }
        match backend(&shared, number, request).await {
            Ok(response) => response,
            Err(error) => rules::bad_gateway(&format!("{error:#}")),
        }
    });
    let response = response.await;
    shared.update(number, |exchange| exchange.status = Some(response.status().as_u16()));
    response
}

async fn backend(shared: &Arc<Shared>, number: usize, request: Request) -> Result<Response> {
    let mut backend = command(&shared.root, &request).spawn().context("start git http-backend")?;
    let mut input = backend.stdin.take().expect("a pipe");
    let counting = Arc::clone(shared);
    // Beside the answer, because a refusal may come before the whole body has been read.
    tokio::spawn(async move {
        let mut body = request.into_body().into_data_stream();
        while let Some(Ok(piece)) = body.next().await {
            counting.update(number, |exchange| exchange.sent += piece.len());
            if input.write_all(&piece).await.is_err() {
                break;
            }
        }
    });
    let mut output = BufReader::new(backend.stdout.take().expect("a pipe"));
    let (status, headers) = head(&mut output).await?;
    let body = Body::from_stream(pieces(Arc::clone(shared), number, output, backend));
    Ok((status, headers, body).into_response())
}

fn command(root: &Path, request: &Request) -> Command {
    let mut command = Command::from(pinned(root));
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", request.method().as_str())
        .env("PATH_INFO", request.uri().path())
        .env("QUERY_STRING", request.uri().query().unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let passed = [
        ("content-type", "CONTENT_TYPE"),
        ("content-length", "CONTENT_LENGTH"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ];
    for (header, variable) in passed {
        if let Some(value) = text(request.headers(), header) {
            command.env(variable, value);
        }
    }
    command
}

// CGI: headers up to an empty line; `Status` is one of them, and 200 if it is missing.
async fn head(output: &mut BufReader<ChildStdout>) -> Result<(StatusCode, HeaderMap)> {
    let (mut status, mut headers) = (StatusCode::OK, HeaderMap::new());
    loop {
        let mut line = String::new();
        output.read_line(&mut line).await?;
        let line = line.trim_end();
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(": ").with_context(|| format!("not a header: {line}"))?;
        if name == "Status" {
            status = value.split(' ').next().unwrap_or_default().parse()?;
        } else {
            headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
    }
}

fn pieces(
    shared: Arc<Shared>,
    number: usize,
    output: BufReader<ChildStdout>,
    backend: Child,
) -> impl stream::Stream<Item = std::io::Result<Bytes>> {
    // The process is carried along: it is killed when the client goes and the stream is dropped.
    stream::unfold((output, backend), move |(mut output, backend)| {
        let shared = Arc::clone(&shared);
        async move {
            let mut piece = vec![0; PIECE];
            match output.read(&mut piece).await {
                Ok(0) => None,
                Ok(size) => {
                    piece.truncate(size);
                    shared.update(number, |exchange| exchange.received += size);
                    Some((Ok(Bytes::from(piece)), (output, backend)))
                }
                Err(error) => Some((Err(error), (output, backend))),
            }
        }
    })
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::repository::Repository;
    use crate::http::client;

    async fn git(home: &Path, arguments: &[&str]) -> Result<std::process::Output> {
        Ok(Command::from(pinned(home)).args(arguments).current_dir(home).output().await?)
    }

    #[tokio::test]
    async fn a_client_clones_and_is_counted() -> Result<()> {
        let mut repository = Repository::new()?;
        // More than one pipe holds, and not to be compressed away.
        let large: String = (0..300_000).map(|_| fastrand::alphanumeric()).collect();
        let commit = repository.commit("first", &[("large", &large)])?;
        let server = GitHttp::start(repository.parent()).await?;
        let home = tempfile::tempdir()?;
        let output = git(home.path(), &["clone", "-q", &server.url(Repository::NAME), "copy"]).await?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let head = std::fs::read_to_string(home.path().join("copy/.git/refs/heads/main"))?;
        assert_eq!(head.trim(), commit);
        let exchanges = server.exchanges();
        assert_eq!(exchanges[0].method, Method::GET);
        assert_eq!(exchanges[0].protocol.as_deref(), Some("version=2"));
        assert_eq!(exchanges.last().map(|exchange| exchange.status), Some(Some(200)));
        assert!(exchanges.iter().map(|exchange| exchange.received).sum::<usize>() > 200_000);
        Ok(())
    }

    #[tokio::test]
    async fn one_post_lists_one_tag() -> Result<()> {
        let mut repository = Repository::new()?;
        let commit = repository.commit("first", &[("a", "1")])?;
        let tag = repository.annotated_tag("v1", "HEAD", "release")?;
        let server = GitHttp::start(repository.parent()).await?;
        let request = client()
            .post(server.url("repository.git/git-upload-pack"))
            .header("Git-Protocol", "version=2")
            .header("Content-Type", "application/x-git-upload-pack-request")
            .body("0014command=ls-refs\n00010009peel\n001cref-prefix refs/tags/v1\n0000");
        let answer = request.send().await?.text().await?;
        assert!(answer.contains(&format!("{tag} refs/tags/v1 peeled:{commit}")), "{answer}");
        let exchanges = server.exchanges();
        assert_eq!(exchanges.len(), 1);
        assert_eq!((exchanges[0].sent, exchanges[0].received), (65, answer.len()));
        Ok(())
    }

    #[tokio::test]
    async fn a_wrong_password_is_refused_and_the_right_one_serves() -> Result<()> {
        let mut repository = Repository::new()?;
        repository.commit("first", &[("a", "1")])?;
        let server = GitHttp::with_password(repository.parent(), "ada", "correct").await?;
        let url = server.url("repository.git/info/refs?service=git-upload-pack");
        let status = async |password: &str| -> Result<u16> {
            Ok(client().get(&url).basic_auth("ada", Some(password)).send().await?.status().as_u16())
        };
        assert_eq!(client().get(&url).send().await?.status().as_u16(), 401);
        assert_eq!(status("wrong").await?, 401);
        assert_eq!(status("correct").await?, 200);
        Ok(())
    }

    #[tokio::test]
    async fn a_server_fails_until_it_is_healed() -> Result<()> {
        let mut repository = Repository::new()?;
        repository.commit("first", &[("a", "1")])?;
        let server = GitHttp::start(repository.parent()).await?;
        let home = tempfile::tempdir()?;
        server.fail(StatusCode::SERVICE_UNAVAILABLE);
        let url = server.url(Repository::NAME);
        assert!(!git(home.path(), &["ls-remote", &url]).await?.status.success());
        server.heal();
        assert!(git(home.path(), &["ls-remote", &url]).await?.status.success());
        Ok(())
    }
}
