//! Asking a running agent.
//!
//! Takes the address of an agent, a path and, where it is to be told something, a token; gives the answer's
//! status and text. What it means is
//! left to the command that asked.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use url::Url;

use crate::cli::failure::Failure;
use crate::tls;

/// How long an agent may take to answer; it answers from memory.
const DEADLINE: Duration = Duration::from_secs(5);

/// Which agent.
#[derive(Debug, Args)]
pub struct Agent {
    /// Address of the agent: its `http.listen`
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9808",
        env = "TAGALONG_AGENT",
        hide_env_values = true
    )]
    agent: Url,
}

/// What an agent answered.
pub struct Answer {
    /// Whether the status said success.
    pub well: bool,
    /// Whether it said that this may not be asked of it.
    pub refused: bool,
    /// The body.
    pub text: String,
}

impl Agent {
    /// Asks for a path.
    pub async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.ask(Method::GET, path, |request| request).await
    }

    /// Tells something, with a token.
    pub async fn post(&self, path: &str, token: &str) -> Result<Answer, Failure> {
        self.ask(Method::POST, path, |request| request.bearer_auth(token)).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        more: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, Failure> {
        self.try_ask(method, path, more).await.map_err(|error| {
            Failure::new(error).hint(Some("is `tagalong run` up, and is --agent its http.listen address?"))
        })
    }

    async fn try_ask(
        &self,
        method: Method,
        path: &str,
        more: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Answer> {
        let url =
            self.agent.join(path).with_context(|| format!("no address can be made of {}", self.agent))?;
        tls::prepare();
        let client = Client::builder().timeout(DEADLINE).build().context("failed to prepare a request")?;
        let attempt = || format!("failed to ask the agent at {}", self.agent);
        let answer = more(client.request(method, url)).send().await;
        let answer = answer.map_err(reqwest::Error::without_url).with_context(attempt)?;
        let well = answer.status().is_success();
        let refused = matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let text = answer.text().await.map_err(reqwest::Error::without_url).with_context(attempt)?;
        Ok(Answer { well, refused, text })
    }
}
