//! A recording HTTP proxy in front of a Connect worker, or of several as a load balancer stands there: it passes every
//! request on, notes what was asked and answered, and may be told to delay or spoil some. What an agent really wrote is counted here, on the wire.

use crate::http;
use crate::rules::{self, Rule, Rules};
use crate::server::Server;
use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse as _, Response};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A running proxy; it ends when this is dropped.
pub struct Proxy {
    server: Server,
    shared: Arc<Shared>,
}

/// One request and how it was answered.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its method.
    pub method: Method,
    /// Its path and query, as they were on the wire.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Which of the targets got it, counted from 0.
    pub target: usize,
    /// The status that went back, once there is one.
    pub status: Option<u16>,
    /// When it came, counted from the proxy's start.
    pub at: Duration,
    /// How long the answer took.
    pub took: Option<Duration>,
}

impl Recorded {
    /// The body as JSON, null if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether it can change something: everything but GET, HEAD and OPTIONS. The question who leads, which deletes a
    /// connector that cannot exist, is a DELETE and counts.
    pub fn is_write(&self) -> bool {
        ![Method::GET, Method::HEAD, Method::OPTIONS].contains(&self.method)
    }
}

struct Shared {
    targets: Vec<String>,
    client: reqwest::Client,
    born: Instant,
    turn: AtomicUsize,
    pins: Mutex<Vec<(String, usize)>>,
    rules: Rules,
    recorded: Mutex<Vec<Recorded>>,
}

impl Proxy {
    /// Stands in front of this URL (without a slash at its end).
    pub async fn start(target: &str) -> Result<Self> {
        Self::balance(&[target]).await
    }

    /// Stands in front of several, and passes each request to the next one in turn, whatever connection it came on
    /// and whether that one serves or not: where nobody listens the answer is 502.
    pub async fn balance(targets: &[&str]) -> Result<Self> {
        let shared = Arc::new(Shared {
            targets: targets.iter().map(|target| (*target).to_owned()).collect(),
            client: http::client(),
            born: Instant::now(),
            turn: AtomicUsize::new(0),
            pins: Mutex::default(),
            rules: Rules::default(),
            recorded: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Ok(Self { server: Server::start(router).await?, shared })
    }

    /// Its own URL.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Every request so far, in the order of arrival.
    pub fn recorded(&self) -> Vec<Recorded> {
        self.shared.recorded.lock().expect("nobody panics while holding it").clone()
    }

    /// Those that are no mere reads.
    pub fn writes(&self) -> Vec<Recorded> {
        self.recorded().into_iter().filter(Recorded::is_write).collect()
    }

    /// Forgets the requests so far.
    pub fn clear(&self) {
        self.shared.recorded.lock().expect("nobody panics while holding it").clear();
    }

    /// Passes every request whose path begins so to one of the targets, until [`Proxy::heal`].
    pub fn pin(&self, path: &str, target: usize) {
        self.shared.pins.lock().expect("nobody panics while holding it").push((path.to_owned(), target));
    }

    /// Adds a rule: from now on some requests fare worse.
    pub fn rule(&self, rule: Rule) {
        self.shared.rules.add(rule);
    }

    /// Forgets all rules and pins.
    pub fn heal(&self) {
        self.shared.rules.clear();
        self.shared.pins.lock().expect("nobody panics while holding it").clear();
    }
}

impl Shared {
    /// Notes a request and says which one it is, and which target's turn.
    fn note(&self, head: &Parts, body: Bytes) -> (usize, usize) {
        let target = self.pinned(head.uri.path());
        let target = target.unwrap_or_else(|| self.turn.fetch_add(1, Ordering::Relaxed) % self.targets.len());
        let mut all = self.recorded.lock().expect("nobody panics while holding it");
        all.push(Recorded {
            method: head.method.clone(),
            path: head.uri.to_string(),
            headers: head.headers.clone(),
            body,
            target,
            status: None,
            at: self.born.elapsed(),
            took: None,
        });
        (all.len() - 1, target)
    }

    fn pinned(&self, path: &str) -> Option<usize> {
        let pins = self.pins.lock().expect("nobody panics while holding it");
        pins.iter().find(|(begins, _)| path.starts_with(begins)).map(|(_, target)| *target)
    }

    fn answered(&self, number: usize, status: u16, took: Duration) {
        // None if the requests were forgotten meanwhile.
        if let Some(recorded) = self.recorded.lock().expect("nobody panics while holding it").get_mut(number)
        {
            recorded.status = Some(status);
            recorded.took = Some(took);
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    let path = head.uri.to_string();
    let body = match to_bytes(body, usize::MAX).await {
        Ok(body) => body,
        Err(error) => return rules::bad_gateway(&error),
    };
    let (number, target) = shared.note(&head, body.clone());
    let url = format!("{}{path}", shared.targets[target]);
    let effect = shared.rules.effect(&head.method, &path);
    let response = rules::apply(effect, async {
        match pass(&shared, head.method, &url, &head.headers, body).await {
            Ok(response) => response,
            Err(error) => rules::bad_gateway(&error),
        }
    })
    .await;
    shared.answered(number, response.status().as_u16(), began.elapsed());
    response
}

async fn pass(
    shared: &Shared,
    method: Method,
    url: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> reqwest::Result<Response> {
    let answer =
        shared.client.request(method, url).headers(of_the_message(headers)).body(body).send().await?;
    let (status, headers) = (answer.status(), of_the_message(answer.headers()));
    Ok((status, headers, Body::from(answer.bytes().await?)).into_response())
}

// Without those that belong to one connection, or that the next sender sets itself.
fn of_the_message(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Effect;
    use axum::http::StatusCode;

    // Echoes the method, the path as it came, and the body.
    async fn echo() -> Result<Server> {
        let router = Router::new().fallback(|request: Request| async {
            let (head, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.expect("a body");
            let text = format!("{} {} {}", head.method, head.uri, String::from_utf8_lossy(&body));
            (StatusCode::IM_A_TEAPOT, [("retry-after", "7")], text)
        });
        Ok(Server::start(router).await?)
    }

    #[tokio::test]
    async fn a_request_passes_unchanged_and_is_recorded() -> Result<()> {
        let target = echo().await?;
        let proxy = Proxy::start(&target.url()).await?;
        let url = format!("{}/connectors/a%20b?forward=false", proxy.url());
        let answer = http::client().put(url).body("{\"k\":1}").send().await?;
        assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str()?), (418, "7"));
        assert_eq!(answer.text().await?, "PUT /connectors/a%20b?forward=false {\"k\":1}");
        http::client().get(format!("{}/connectors", proxy.url())).send().await?;

        let recorded = proxy.recorded();
        let told: Vec<_> =
            recorded.iter().map(|one| (one.method.as_str(), one.path.as_str(), one.status)).collect();
        let expected =
            [("PUT", "/connectors/a%20b?forward=false", Some(418)), ("GET", "/connectors", Some(418))];
        assert_eq!(told, expected);
        assert_eq!(recorded[0].json()["k"], 1);
        assert_eq!(proxy.writes().len(), 1);
        proxy.clear();
        assert!(proxy.recorded().is_empty());
        Ok(())
    }

    #[tokio::test]
    async fn requests_of_one_connection_go_to_each_target_in_turn() -> Result<()> {
        let (one, two) = (echo().await?, echo().await?);
        let (one, two) = (Proxy::start(&one.url()).await?, Proxy::start(&two.url()).await?);
        let proxy = Proxy::balance(&[&one.url(), &two.url()]).await?;
        let client = http::client();
        for _ in 0..4 {
            client.get(proxy.url()).header("x-team", "platform").send().await?.bytes().await?;
        }
        assert_eq!(proxy.recorded().iter().map(|one| one.target).collect::<Vec<_>>(), [0, 1, 0, 1]);
        assert_eq!((one.recorded().len(), two.recorded().len()), (2, 2));
        proxy.pin("/connectors", 1);
        for path in ["/connectors", "/health", "/connectors?expand=info"] {
            client.get(format!("{}{path}", proxy.url())).send().await?.bytes().await?;
        }
        assert_eq!(proxy.recorded()[4..].iter().map(|one| one.target).collect::<Vec<_>>(), [1, 0, 1]);
        assert_eq!(two.recorded()[0].headers["x-team"], "platform");
        Ok(())
    }

    #[tokio::test]
    async fn rules_hold_for_what_they_name_and_as_often_as_they_say() -> Result<()> {
        let target = echo().await?;
        let proxy = Proxy::start(&target.url()).await?;
        let answer = Effect::Answer(StatusCode::CONFLICT, "rebalance".to_owned());
        proxy.rule(Rule::on("/connectors", answer).method(Method::PUT).times(1));
        let put = async || -> Result<u16> {
            let url = format!("{}/connectors/a", proxy.url());
            Ok(http::client().put(url).send().await?.status().as_u16())
        };
        assert_eq!(put().await?, 409);
        assert_eq!(put().await?, 418);
        proxy.rule(Rule::on("/connectors", Effect::Delay(Duration::from_millis(200))));
        put().await?;
        let took = proxy.recorded().last().and_then(|recorded| recorded.took);
        assert!(took >= Some(Duration::from_millis(200)), "{took:?}");
        Ok(())
    }

    #[tokio::test]
    async fn a_swallowed_answer_has_had_its_effect() -> Result<()> {
        let target = echo().await?;
        let inner = Proxy::start(&target.url()).await?;
        let proxy = Proxy::start(&inner.url()).await?;
        let answer = Effect::Swallow(StatusCode::INTERNAL_SERVER_ERROR, "timed out".to_owned());
        proxy.rule(Rule::on("", answer).times(1));
        let status = http::client().put(format!("{}/connectors/a", proxy.url())).send().await?.status();
        assert_eq!(status.as_u16(), 500);
        assert_eq!(inner.writes().len(), 1);
        Ok(())
    }

    #[tokio::test]
    async fn a_dropped_proxy_refuses_connections() -> Result<()> {
        let target = echo().await?;
        let proxy = Proxy::start(&target.url()).await?;
        let url = proxy.url();
        drop(proxy);
        // The listener goes with the task that serves, as soon as that has its turn.
        for _ in 0..100 {
            if http::client().get(&url).send().await.is_err() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it still answers");
    }
}
