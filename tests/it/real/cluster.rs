//! A real Connect cluster, asked and changed as a person would with `curl`: past the agents, straight at a worker.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tagalong_testkit::http;
use tagalong_testkit::proxy::{Proxy, Recorded};
use tagalong_testkit::stack::protocol::Worker;

/// How long a story on real parts waits: the machine may be busy with other things.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// How long an agent gives a change, in its settings.
pub const CHANGE_DEADLINE: &str = "1m";

/// A connector's config, as Connect tells it.
pub type Config = BTreeMap<String, String>;

/// Says a figure, for whoever runs the test with `--nocapture`.
#[expect(clippy::print_stdout, reason = "it is what the test prints")]
pub fn note(text: &str) {
    println!("{text}");
}

/// What was sent through a proxy that would change something, without the questions who leads.
pub fn acts(proxy: &Proxy) -> impl Iterator<Item = Recorded> {
    proxy.writes().into_iter().filter(|request| !request.path.contains("tagalong-probe-"))
}

/// The same, a line each.
pub fn lines(proxy: &Proxy) -> impl Iterator<Item = String> {
    acts(proxy).map(|request| line(&request))
}

/// A request in a line: `DELETE /connectors/orders?forward=false`.
pub fn line(request: &Recorded) -> String {
    format!("{} {}", request.method, request.path)
}

/// The id of a row that came out of a connector of Debezium's.
pub fn id(value: Option<&str>) -> Result<u64> {
    let event: Value = serde_json::from_str(value.context("a value")?)?;
    event["after"]["id"].as_u64().with_context(|| event.to_string())
}

/// One worker of a cluster.
pub struct Cluster {
    url: String,
    client: Client,
}

impl Cluster {
    /// The cluster of this worker.
    pub fn of(worker: &Worker) -> Self {
        Self { url: worker.url.clone(), client: http::client() }
    }

    /// The cluster of a worker that asks who is there.
    pub fn known_as(worker: &Worker, authorization: &str) -> Self {
        Self { url: worker.url.clone(), client: http::client_as(Some(authorization)) }
    }

    /// Its connectors' names, in order.
    pub async fn names(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = serde_json::from_value(self.get("/connectors").await?)?;
        names.sort();
        Ok(names)
    }

    /// A connector's config.
    pub async fn config(&self, name: &str) -> Result<Config> {
        Ok(serde_json::from_value(self.get(&format!("/connectors/{name}/config")).await?)?)
    }

    /// What is kept of how far a connector has come.
    pub async fn offsets(&self, name: &str) -> Result<Value> {
        self.get(&format!("/connectors/{name}/offsets")).await
    }

    /// A connector's state and those of its tasks, in one line: `RUNNING [RUNNING]`.
    pub async fn state(&self, name: &str) -> Result<String> {
        let status = self.get(&format!("/connectors/{name}/status")).await?;
        let tasks = status["tasks"].as_array().context("tasks")?;
        let tasks: Vec<_> = tasks.iter().filter_map(|task| task["state"].as_str()).collect();
        Ok(format!("{} [{}]", status["connector"]["state"].as_str().context("a state")?, tasks.join(" ")))
    }

    /// Creates a connector, or changes its config, by hand.
    pub async fn put(&self, name: &str, config: &Config) -> Result<()> {
        let path = format!("/connectors/{name}/config");
        let (status, text) = self.send(Method::PUT, &path, &json!(config)).await?;
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(())
    }

    /// Has a class of the worker log more or less.
    pub async fn log(&self, class: &str, level: &str) -> Result<()> {
        let path = format!("/admin/loggers/{class}");
        let (status, text) = self.send(Method::PUT, &path, &json!({ "level": level })).await?;
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(())
    }

    /// Whether the worker leads.
    pub async fn leads(&self) -> Result<bool> {
        let path = "/connectors/no-such-connector?forward=false";
        let (status, text) = self.send(Method::DELETE, path, &Value::Null).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(true),
            StatusCode::CONFLICT => Ok(false),
            status => anyhow::bail!("{path}: {status} {text}"),
        }
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let (status, text) = self.send(Method::GET, path, &Value::Null).await?;
        ensure!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).with_context(|| text)
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<(StatusCode, String)> {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if !body.is_null() {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let answer = request.send().await?;
        Ok((answer.status(), answer.text().await?))
    }
}
