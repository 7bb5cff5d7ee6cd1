//! One request to Connect: its address, its deadline, its answer within bounds.
//!
//! Takes a method, a path and a body, gives the status and the bytes, or why there are none. What
//! they mean is left to `wire` and `refusal`. Nothing here retries or follows a redirect, and
//! dropping the future gives the request up.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Response};
use tokio::time::Instant;
use url::Url;

use crate::connect::access::Access;
use crate::connect::error::{Attempt, Error, Nonsense};
use crate::connect::login::Login;
use crate::connect::renewed::Renewed;
use crate::connect::transport::{Asked, Transport, transport};
use crate::connect::trouble::trouble;
use crate::model::name::ConnectorName;
use crate::model::report::Exchange;

/// For requests that write: Connect gives up by itself after 90 s, which is a constant of its own
/// (`RestServer.DEFAULT_REST_REQUEST_TIMEOUT_MS`), and says so. Who leaves earlier never hears how
/// the write ended.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(100);

/// For requests that only read: no plain read takes as long but in a worker that is starting, in a
/// long rebalance, or that is stuck; each is better asked again.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest answer that is read whole: some 100,000 connectors in one expanded read.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// As much of an error's body as is read; the refusal of an unknown class lists every plugin.
const ERROR_LIMIT: usize = 64 * 1024;

/// Exchanges that are kept for a reader who does not come.
const EXCHANGES_KEPT: usize = 10_000;

/// What stays as it is in a path: the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The HTTP side of one Connect worker.
pub struct Http {
    transport: Renewed<Transport>,
    login: Login,
    base: Url,
    exchanges: Mutex<Vec<Exchange>>,
}

/// One request, before it is sent.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    path: String,
    query: Option<&'static str>,
    body: Option<Vec<u8>>,
    timeout: Duration,
    limit: usize,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; of an error no more than its beginning.
    pub body: Vec<u8>,
}

impl Http {
    /// Prepares a client for a worker at `url`; the files that `access` names are read.
    pub fn new(url: &Url, user_agent: &str, access: &Access) -> Result<Self, Error> {
        let base = base(url)?;
        let transport = transport(&base, user_agent, access)?;
        let login = Login::new(access.credential.as_ref(), &access.headers)?;
        Ok(Self { transport, login, base, exchanges: Mutex::default() })
    }

    /// Sends one request and reads the answer.
    pub async fn send(&self, attempt: &Attempt, request: Request) -> Result<Answer, Error> {
        let Request { method, path, query, body, timeout, limit } = request;
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        let watch = Stopwatch::start(self, &method);
        // At each request: what was renewed meanwhile is used by the next one.
        let Transport { client, asked } = self.transport.now();
        let mut request = client.request(method, url).timeout(timeout).header(ACCEPT, "application/json");
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let broken = |source| broken(attempt, &asked, source);
        let response = self.login.sign(request).send().await.map_err(broken)?;
        asked.answered();
        let status = response.status().as_u16();
        watch.answered(status);
        let is_success = response.status().is_success();
        let body = if is_success {
            whole(response, limit, attempt, &asked).await?
        } else {
            beginning(response, attempt, &asked).await?
        };
        Ok(Answer { status, body })
    }

    /// Hands out what was exchanged since it was last asked.
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.exchanges())
    }

    fn exchanges(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Http {
    /// Leaves the address out, which may carry credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.base.host_str().unwrap_or_default();
        f.debug_struct("Http").field("host", &host).finish_non_exhaustive()
    }
}

impl Request {
    /// A request that only reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self { timeout: READ_TIMEOUT, ..Self::write(Method::GET, path) }
    }

    /// A request that writes.
    pub fn write(method: Method, path: impl Into<String>) -> Self {
        let (path, timeout, limit) = (path.into(), WRITE_TIMEOUT, ANSWER_LIMIT);
        Self { method, path, query: None, body: None, timeout, limit }
    }

    /// The same with a query, which must be encoded already.
    pub fn query(self, query: Option<&'static str>) -> Self {
        Self { query, ..self }
    }

    /// Whether its query says this.
    pub fn is_asked(&self, pair: &str) -> bool {
        self.query.is_some_and(|query| query.split('&').any(|part| part == pair))
    }

    /// The same with a body.
    pub fn body(self, body: Vec<u8>) -> Self {
        Self { body: Some(body), ..self }
    }

    /// The same with another deadline.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The same with another length up to which an answer is read.
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }
}

/// The path that asks the plugin of a class what it thinks of a config.
pub fn validation_path(class: &str) -> String {
    format!("/connector-plugins/{}/config/validate", utf8_percent_encode(class, ENCODED))
}

/// The path of a connector, `rest` appended; `None` where a path cannot say the name.
///
/// An URL takes `.` and `..` for steps between folders, encoded or not: a DELETE of the connector
/// `..` would go to another address.
pub fn connector_path(name: &ConnectorName, rest: &str) -> Option<String> {
    match name.as_str() {
        "" | "." | ".." => None,
        text => Some(format!("/connectors/{}{rest}", utf8_percent_encode(text, ENCODED))),
    }
}

fn base(url: &Url) -> Result<Url, Error> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::Url { problem: "it is neither http nor https" });
    }
    if url.host().is_none() {
        return Err(Error::Url { problem: "it has no host" });
    }
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    Ok(base)
}

fn broken(attempt: &Attempt, asked: &Asked, source: reqwest::Error) -> Error {
    // The address may carry credentials.
    let source = source.without_url();
    let attempt = attempt.clone();
    if let Some(trouble) = trouble(&source, asked.in_vain(), asked.has_answered()) {
        return Error::Trouble { attempt, trouble, source };
    }
    // A connection that took too long to come about is both; nothing was sent on it.
    if source.is_connect() {
        Error::Unreachable { attempt, source }
    } else if source.is_timeout() {
        Error::TimedOut { attempt, source }
    } else {
        Error::Broken { attempt, source }
    }
}

async fn whole(
    mut response: Response,
    limit: usize,
    attempt: &Attempt,
    asked: &Asked,
) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|source| broken(attempt, asked, source))? {
        if body.len() + chunk.len() > limit {
            let problem = Nonsense::TooLong { limit };
            return Err(Error::NotUnderstood { attempt: attempt.clone(), problem });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

async fn beginning(mut response: Response, attempt: &Attempt, asked: &Asked) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|source| broken(attempt, asked, source))? {
        let room = ERROR_LIMIT - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == ERROR_LIMIT {
            break;
        }
    }
    Ok(body)
}

/// Times one exchange, also one that nobody waits for any more.
struct Stopwatch<'a> {
    http: &'a Http,
    method: &'static str,
    code_class: std::cell::Cell<&'static str>,
    start: Instant,
}

impl<'a> Stopwatch<'a> {
    fn start(http: &'a Http, method: &Method) -> Self {
        let method = match *method {
            Method::PUT => "PUT",
            Method::POST => "POST",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            _ => "GET",
        };
        Self { http, method, code_class: std::cell::Cell::new("none"), start: Instant::now() }
    }

    fn answered(&self, status: u16) {
        self.code_class.set(match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        });
    }
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        let mut exchanges = self.http.exchanges();
        if exchanges.len() == EXCHANGES_KEPT {
            exchanges.clear();
        }
        exchanges.push(Exchange {
            method: self.method,
            code_class: self.code_class.get(),
            took: self.start.elapsed(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_encoded_so_that_it_stays_one_segment() {
        for (name, path) in [
            ("orders-v2.public_1", "/connectors/orders-v2.public_1/config"),
            ("a b", "/connectors/a%20b/config"),
            ("a;x=1?y#z+w", "/connectors/a%3Bx%3D1%3Fy%23z%2Bw/config"),
            ("zwölf", "/connectors/zw%C3%B6lf/config"),
            ("a/../b", "/connectors/a%2F..%2Fb/config"),
            ("...", "/connectors/.../config"),
        ] {
            assert_eq!(
                connector_path(&ConnectorName::observed(name), "/config").as_deref(),
                Some(path),
                "{name}"
            );
        }
    }

    #[test]
    fn a_name_that_would_name_another_address_has_no_path() {
        for name in ["", ".", ".."] {
            assert_eq!(connector_path(&ConnectorName::observed(name), ""), None, "{name:?}");
        }
    }

    #[test]
    fn an_url_that_is_none_for_http_is_refused() {
        let url = Url::parse("file:///etc/passwd").expect("an url");
        let error = Http::new(&url, "x", &Access::default()).expect_err("no http");
        assert_eq!(error.to_string(), "the URL of Connect cannot be used: it is neither http nor https");
    }

    /// A server that hears one request, says what it is given, and then nothing.
    async fn server(says: &'static [u8]) -> (Http, tokio::task::JoinHandle<()>) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.read(&mut [0; 1024]).await.expect("a request");
            stream.write_all(says).await.expect("written");
            std::future::pending::<()>().await;
        });
        (Http::new(&Url::parse(&url).expect("an url"), "x", &Access::default()).expect("a client"), server)
    }

    #[tokio::test]
    async fn a_silent_worker_is_given_up_in_time() {
        for says in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"] {
            let (http, server) = server(says).await;
            let request = Request::write(Method::DELETE, "/x").timeout(Duration::from_millis(200));
            let attempt =
                Attempt::Step(crate::model::plan::StepKind::Delete, ConnectorName::observed("orders"));
            let error = http.send(&attempt, request).await.expect_err("no answer");
            assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
            assert!(!error.is_certain());
            server.abort();
        }
    }

    async fn answer(says: &'static [u8]) -> Result<Answer, Error> {
        let (http, server) = server(says).await;
        let answer = http.send(&Attempt::List, Request::get("/x").timeout(Duration::from_secs(30))).await;
        server.abort();
        answer
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer() {
        let says = b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(answer(says).await.expect("an answer").status, 302);
    }

    #[tokio::test]
    async fn of_a_long_error_only_the_beginning_is_waited_for() {
        let mut says = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 9999999\r\n\r\n".to_vec();
        says.resize(says.len() + ERROR_LIMIT, b'x');
        let answer = answer(says.leak()).await.expect("an answer");
        assert_eq!((answer.status, answer.body.len()), (400, ERROR_LIMIT));
    }

    #[test]
    fn a_client_does_not_show_the_credentials_in_its_address() {
        let url = Url::parse("http://agent:hunter2@localhost:8083").expect("an url");
        let shown = format!("{:?}", Http::new(&url, "x", &Access::default()).expect("a client"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
