//! The cluster that a case runs on, and plain HTTP to it.

use std::any::Any;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};
use tagalong_testkit::http;
use tokio::time::{Instant, sleep};

/// How long a cluster may take to show what it was asked for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster with a leader and a follower, for one case.
pub struct Site {
    /// The base address of the leader.
    pub leader: String,
    /// The base address of another worker.
    pub follower: String,
    /// Connect's version, as far as answers follow it: `(3, 9)`.
    pub version: (u8, u8),
    case: String,
    http: reqwest::Client,
    /// What must live as long as the case runs.
    _held: Box<dyn Any + Send>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub content_type: String,
    pub location: String,
    pub body: String,
}

impl Reply {
    /// The body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The message of an error of Connect's own.
    pub fn message(&self) -> String {
        let json = self.json();
        assert_eq!(json["error_code"], self.status, "{self:?}");
        json["message"].as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub fn says(&self, status: u16, message: &str) {
        assert_eq!((self.status, self.message().as_str()), (status, message), "{self:?}");
    }
}

impl Site {
    pub fn new(
        case: &str,
        version: (u8, u8),
        leader: String,
        follower: String,
        held: Box<dyn Any + Send>,
    ) -> Self {
        Self { leader, follower, version, case: case.replace('_', "-"), http: http::client(), _held: held }
    }

    /// What a follower tells of the leader's refusal: some versions lose its status.
    pub fn forwarded(&self, status: u16, message: &str) -> (u16, String) {
        if ((2, 8)..(3, 4)).contains(&self.version) {
            return (500, format!("Error trying to forward REST request: {message}"));
        }
        (status, message.to_owned())
    }

    /// A connector's name that no other case uses.
    pub fn name(&self, rest: &str) -> String {
        format!("{}-{rest}", self.case)
    }

    /// Asks the leader.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Result<Reply> {
        self.send(&self.leader, method, path, body).await
    }

    /// Asks the follower.
    pub async fn ask_follower(&self, method: &str, path: &str, body: Option<&str>) -> Result<Reply> {
        self.send(&self.follower, method, path, body).await
    }

    /// Sends one request, again where a rebalance that another case caused is in the way.
    async fn send(&self, base: &str, method: &str, path: &str, body: Option<&str>) -> Result<Reply> {
        let start = Instant::now();
        loop {
            let method = Method::from_bytes(method.as_bytes())?;
            let mut request = self.http.request(method, format!("{base}{path}"));
            if let Some(body) = body {
                request = request.header("content-type", "application/json").body(body.to_owned());
            }
            let response = request.send().await?;
            let header = |name: &str| {
                let value = response.headers().get(name).and_then(|value| value.to_str().ok());
                value.unwrap_or_default().to_owned()
            };
            let (content_type, location) = (header("content-type"), header("location"));
            let status = response.status().as_u16();
            let reply = Reply { status, content_type, location, body: response.text().await? };
            let is_passing =
                reply.body.contains("a rebalance is expected") || reply.body.contains("stale configuration");
            if !is_passing || start.elapsed() > PATIENCE {
                return Ok(reply);
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Makes a connector and waits until it and its task run.
    pub async fn running(&self, name: &str, config: &Value) -> Result<()> {
        let body = json!({"name": name, "config": config}).to_string();
        self.ask("POST", "/connectors?forward=false", Some(&body)).await?.is(201);
        self.until_tasks(name, "RUNNING").await
    }

    /// Waits until a connector has tasks and all of them show a state.
    pub async fn until_tasks(&self, name: &str, state: &str) -> Result<()> {
        self.until(name, |status| {
            let tasks = status["tasks"].as_array()?;
            let is_so = !tasks.is_empty() && tasks.iter().all(|task| task["state"] == state);
            is_so.then_some(())
        })
        .await
    }

    /// Waits until a connector itself shows a state.
    pub async fn until_state(&self, name: &str, state: &str) -> Result<()> {
        self.until(name, |status| (status["connector"]["state"] == state).then_some(())).await
    }

    /// Waits until a connector's status is such that something can be read from it.
    pub async fn until<T>(&self, name: &str, read: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let path = format!("/connectors/{name}/status");
        self.eventually(&path, |reply| (reply.status == 200).then(|| read(&reply.json())).flatten()).await
    }

    /// Asks the leader until the answer is such that something can be read from it.
    pub async fn eventually<T>(&self, path: &str, read: impl Fn(&Reply) -> Option<T>) -> Result<T> {
        let start = Instant::now();
        loop {
            let reply = self.ask("GET", path, None).await?;
            if let Some(value) = read(&reply) {
                return Ok(value);
            }
            if start.elapsed() > PATIENCE {
                bail!("{path} still answers {reply:?}");
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks again and again for a while, and fails as soon as the answer is another one.
    pub async fn stays(&self, path: &str, lasting: Duration, is_so: impl Fn(&Reply) -> bool) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < lasting {
            let reply = self.ask("GET", path, None).await?;
            assert!(is_so(&reply), "{path}: {reply:?}");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The configs of a connector's tasks.
    pub async fn task_configs(&self, name: &str) -> Result<Vec<Value>> {
        let reply = self.ask("GET", &format!("/connectors/{name}/tasks"), None).await?;
        let json = reply.is(200).json();
        let tasks = json.as_array().context("a list")?;
        Ok(tasks.iter().map(|task| task["config"].clone()).collect())
    }
}

/// A source that every Connect has and that needs nothing.
pub fn source() -> Value {
    json!({"connector.class": "FileStreamSource", "file": "/nonexistent/lines.txt", "topic": "lines", "tasks.max": "1"})
}

/// The same with one more pair.
pub fn source_with(key: &str, value: &str) -> Value {
    let mut config = source();
    config[key] = value.into();
    config
}

/// A source whose tasks fail, soon after each start.
pub fn failing() -> Value {
    failing_after("100")
}

/// A source whose tasks fail so many milliseconds after each start.
pub fn failing_after(delay: &str) -> Value {
    json!({"connector.class": "MockSource", "mock_mode": "task-failure", "delay_ms": delay, "tasks.max": "1"})
}

/// The body that asks for a new connector.
pub fn creation(name: &str, config: &Value) -> String {
    json!({"name": name, "config": config}).to_string()
}

/// How Connect words a list of complaints about a config.
pub fn wrapped(lines: &[&str]) -> String {
    format!(
        "Connector configuration is invalid and contains the following {} error(s):\n{}\nYou can also find the above list of \
         errors at the endpoint `/connector-plugins/{{connectorType}}/config/validate`",
        lines.len(),
        lines.join("\n")
    )
}
