//! What the agent lets itself be told over HTTP, by whom, and that nobody can hold it up with that.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use tagalong::model::hint::Hints;
use tagalong_testkit::http;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::serve::{Served, TOKEN, WEBHOOK, served_with};

const SECRET: &str = "It's a Secret to Everybody";
const BODY: &str = "Hello, World!";
/// What GitHub's documentation gives for these two.
const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

/// An agent that knows a secret and a token, and their folder.
async fn told() -> Result<(Served, TempDir)> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join(WEBHOOK), format!("{SECRET}\n"))?;
    std::fs::write(folder.path().join(TOKEN), "let me in\n")?;
    Ok((served_with(Some(folder.path())).await?, folder))
}

/// The status of the answer to a webhook with these headers.
async fn hook(agent: &Served, body: impl Into<reqwest::Body>, headers: &[(&str, &str)]) -> Result<u16> {
    let mut request = http::client().post(agent.url("/hooks/git")).body(body);
    if headers.iter().all(|(name, _)| *name != "content-type") {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Ok(request.send().await?.status().as_u16())
}

/// How many webhooks came to this end.
async fn counted(agent: &Served, outcome: &str) -> Result<Option<u64>> {
    let text = http::client().get(agent.url("/metrics")).send().await?.text().await?;
    let series = format!("tagalong_webhooks_total{{outcome=\"{outcome}\"}} ");
    Ok(text.lines().find_map(|line| line.strip_prefix(series.as_str())?.parse().ok()))
}

#[tokio::test]
async fn a_webhook_is_passed_on_where_it_is_signed_and_counted_in_any_case() -> Result<()> {
    let (agent, _folder) = told().await?;
    let signed = ("x-hub-signature-256", SIGNATURE);
    assert_eq!(hook(&agent, BODY, &[signed]).await?, 202);
    assert_eq!(hook(&agent, BODY, &[("x-gitlab-token", SECRET)]).await?, 202);
    let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    assert_eq!(hook(&agent, BODY, &[("x-signature", SIGNATURE), form]).await?, 202);
    assert_eq!(agent.heard(), Hints { count: 3, webhooks: 3, folders: 0 });

    assert_eq!(hook(&agent, "Hello, world!", &[signed]).await?, 401);
    assert_eq!(hook(&agent, BODY, &[]).await?, 401);
    assert_eq!(hook(&agent, BODY, &[("x-gitlab-token", "another")]).await?, 401);
    assert_eq!(hook(&agent, BODY, &[signed, ("content-type", "text/plain")]).await?, 415);
    assert_eq!(agent.heard(), Hints { count: 3, webhooks: 3, folders: 0 });
    let ends = [("accepted", 3), ("refused", 3), ("unreadable", 1), ("busy", 0)];
    for (outcome, expected) in ends {
        assert_eq!(counted(&agent, outcome).await?, Some(expected), "{outcome}");
    }
    Ok(())
}

#[tokio::test]
async fn a_body_of_more_than_a_megabyte_is_refused_whether_it_says_so_or_not() -> Result<()> {
    let (agent, _folder) = told().await?;
    let token = [("x-gitlab-token", SECRET)];
    assert_eq!(hook(&agent, "x".repeat(1024 * 1024), &token).await?, 202);
    let mut stream = TcpStream::connect(agent.address()).await?;
    let head = "POST /hooks/git HTTP/1.1\r\nhost: agent\r\ncontent-length: 1048577\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let mut code = [0; 12];
    timeout(Duration::from_secs(5), stream.read_exact(&mut code)).await.context("no answer")??;
    assert_eq!(&code, b"HTTP/1.1 413");

    let mut stream = TcpStream::connect(agent.address()).await?;
    let head = "POST /hooks/git HTTP/1.1\r\nhost: agent\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let piece = format!("10000\r\n{}\r\n", "x".repeat(65536));
    for _ in 0..16 {
        stream.write_all(piece.as_bytes()).await?;
    }
    stream.write_all(b"1\r\nx\r\n").await?;
    timeout(Duration::from_secs(5), stream.read_exact(&mut code)).await.context("no answer")??;
    assert_eq!(&code, b"HTTP/1.1 413");
    assert_eq!(agent.heard().count, 1);
    Ok(())
}

#[tokio::test]
async fn slow_webhooks_keep_nobody_else_waiting_and_are_let_go() -> Result<()> {
    let (agent, _folder) = told().await?;
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(agent.address()).await?;
        let head = "POST /hooks/git HTTP/1.1\r\nhost: agent\r\ncontent-length: 100\r\n\r\n{";
        stream.write_all(head.as_bytes()).await?;
        slow.push(stream);
    }
    sleep(Duration::from_millis(200)).await;
    assert_eq!(hook(&agent, BODY, &[("x-gitlab-token", SECRET)]).await?, 503);
    assert!(http::client().get(agent.url("/livez")).send().await?.status().is_success());
    for stream in &mut slow {
        let mut code = [0; 12];
        // The limit is 10 s. Time cannot be paused here: the peer is a real socket.
        timeout(Duration::from_mins(1), stream.read_exact(&mut code)).await.context("still open")??;
        assert_eq!(&code, b"HTTP/1.1 408");
    }
    assert_eq!(hook(&agent, BODY, &[("x-gitlab-token", SECRET)]).await?, 202);
    assert_eq!(counted(&agent, "busy").await?, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_renewed_secret_counts_from_the_next_webhook_on() -> Result<()> {
    let (agent, folder) = told().await?;
    std::fs::write(folder.path().join(WEBHOOK), "renewed")?;
    assert_eq!(hook(&agent, BODY, &[("x-gitlab-token", SECRET)]).await?, 401);
    assert_eq!(hook(&agent, BODY, &[("x-gitlab-token", "renewed")]).await?, 202);
    Ok(())
}

/// Status and text of the answer to `POST /reconcile`.
async fn reconcile(agent: &Served, authorization: Option<&str>) -> Result<(u16, String)> {
    let mut request = http::client().post(agent.url("/reconcile"));
    if let Some(value) = authorization {
        request = request.header(AUTHORIZATION, value);
    }
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

#[tokio::test]
async fn only_who_knows_the_token_may_say_look_now() -> Result<()> {
    let (agent, folder) = told().await?;
    for wrong in [None, Some("Bearer"), Some("Bearer "), Some("Bearer let me out"), Some("Basic let me in")] {
        let (code, text) = reconcile(&agent, wrong).await?;
        assert_eq!((code, text.contains("http.token_file")), (401, true), "{wrong:?}: {text}");
    }
    assert_eq!(agent.heard().count, 0);
    for number in 1..=2 {
        let (code, text) = reconcile(&agent, Some("bearer let me in")).await?;
        assert_eq!((code, text), (202, format!("{{\"format\":1,\"asked\":{number}}}")));
    }
    assert_eq!(agent.heard(), Hints { count: 2, webhooks: 0, folders: 0 });
    std::fs::write(folder.path().join(TOKEN), "renewed")?;
    assert_eq!(reconcile(&agent, Some("Bearer let me in")).await?.0, 401);
    assert_eq!(reconcile(&agent, Some("Bearer renewed")).await?.0, 202);
    Ok(())
}

#[tokio::test]
async fn without_the_settings_nobody_may_tell_it_anything() -> Result<()> {
    let agent = served_with(None::<&Path>).await?;
    assert_eq!(hook(&agent, BODY, &[("x-hub-signature-256", SIGNATURE)]).await?, 404);
    let (code, text) = reconcile(&agent, Some("Bearer ")).await?;
    assert_eq!((code, text.contains("http.token_file")), (403, true), "{text}");
    assert_eq!(agent.heard(), Hints::default());
    Ok(())
}
