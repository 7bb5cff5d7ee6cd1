//! Who the agent is, on the wire: credentials, headers, the path before Connect's own.

use std::path::Path;

use anyhow::{Context as _, Result};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use tagalong::connect::access::{Access, Credential, Header};
use tagalong::connect::error::Error;
use tagalong::connect::{Client, Options, Writer};
use tagalong::model::password::Password;
use tagalong::model::report::Class;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::fake::state::WriteKind;
use tagalong_testkit::http;
use tagalong_testkit::proxy::Proxy;
use tagalong_testkit::rules::{Effect, Rule};
use tagalong_testkit::server::Server;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, ENVIRONMENT, file_of, file_source};

/// A client with this access.
pub fn client(url: &str, access: Access) -> Result<Client, Error> {
    let url = url.parse().expect("an address");
    Client::new(Options { url, writer: Writer::Leader, user_agent: "tagalong-test".to_owned(), access })
}

fn bearer(path: &Path) -> Access {
    Access { credential: Some(Credential::Bearer(path.to_owned())), ..Access::default() }
}

/// What the requests so far carried in this header; each is forgotten.
fn carried(proxy: &Proxy, name: &str) -> Vec<String> {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let all =
        proxy.recorded().iter().map(|one| one.headers.get(name).map_or_else(String::new, text)).collect();
    proxy.clear();
    all
}

#[tokio::test]
async fn a_token_and_headers_go_with_every_request_and_a_renewed_token_with_the_next() -> Result<()> {
    let fake = Fake::start(1).await;
    let proxy = Proxy::start(&fake.url(0)).await?;
    let token = tempfile::NamedTempFile::new()?;
    std::fs::write(token.path(), "first\n")?;
    let header = Header::new("X-Team", "platform").map_err(anyhow::Error::msg)?;
    let client = client(&proxy.url(), Access { headers: vec![header], ..bearer(token.path()) })?;

    client.probe().await?;
    client.live().await?;
    assert_eq!(proxy.recorded()[0].headers["x-team"], "platform");
    let carried_first = carried(&proxy, "authorization");
    assert!(
        carried_first.len() > 2 && carried_first.iter().all(|one| one == "Bearer first"),
        "{carried_first:?}"
    );
    std::fs::write(token.path(), "second\n")?;
    client.probe().await?;
    assert_eq!(carried(&proxy, "authorization"), ["Bearer second"]);
    // What no header can carry is not sent, and does not end anything.
    for unusable in ["", "two\nlines\n", "\u{7}"] {
        std::fs::write(token.path(), unusable)?;
        client.probe().await?;
        assert_eq!(carried(&proxy, "authorization"), ["Bearer second"], "{unusable:?}");
    }
    std::fs::remove_file(token.path())?;
    client.probe().await?;
    assert_eq!(carried(&proxy, "authorization"), ["Bearer second"]);
    std::fs::write(token.path(), "third")?;
    client.probe().await?;
    assert_eq!(carried(&proxy, "authorization"), ["Bearer third"]);
    Ok(())
}

#[tokio::test]
async fn an_agent_says_once_that_its_token_is_gone_and_takes_the_next_one_without_a_restart() -> Result<()> {
    let (definitions, fake) = (Definitions::one("orders", "").await?, Fake::start(1).await);
    let proxy = Proxy::start(&fake.url(0)).await?;
    let token = Desk::new(&[("token", "first\n")])?;
    let file = format!("connect: {{bearer_token_file: '{}', ", token.path("token").display());
    let agent = Agent::start(&definitions.settings(&proxy.url()).replace("connect: {", &file)).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    std::fs::remove_file(token.path("token"))?;
    proxy.clear();
    // Some cycles, one a second.
    wait("it goes on", || async { Ok(proxy.recorded().len() > 8) }).await.with_context(|| agent.log())?;
    let sent = carried(&proxy, "authorization");
    assert!(sent.iter().all(|value| value == "Bearer first"), "{sent:?}");
    assert_eq!(agent.log().matches("what was read before is kept").count(), 1, "{}", agent.log());
    assert!(agent.log().contains("\"because\":\"No such file or directory"), "{}", agent.log());
    token.write("token", "second\n")?;
    proxy.clear();
    let renewed =
        || async { Ok(proxy.recorded().iter().any(|one| one.headers["authorization"] == "Bearer second")) };
    wait("the next token is shown", renewed).await.with_context(|| agent.log())?;
    for told in [agent.log(), agent.get("/status").await?, agent.get("/metrics").await?] {
        assert!(!told.contains("Bearer") && !told.contains("second\""), "{told}");
    }
    agent.end().await.map(drop)
}

#[tokio::test]
async fn a_password_is_taken_from_its_text_or_anew_from_its_file() -> Result<()> {
    let fake = Fake::start(1).await;
    let proxy = Proxy::start(&fake.url(0)).await?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), "sesame open\r\n")?;
    let basic = |password| {
        let credential = Some(Credential::Basic { username: "Aladdin".to_owned(), password });
        client(&proxy.url(), Access { credential, ..Access::default() })
    };
    basic(Password::Text("open sesame".to_owned()))?.probe().await?;
    // The pair of RFC 7617.
    assert_eq!(carried(&proxy, "authorization"), ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]);
    let client = basic(Password::File(file.path().to_owned()))?;
    client.probe().await?;
    assert_eq!(carried(&proxy, "authorization"), ["Basic QWxhZGRpbjpzZXNhbWUgb3Blbg=="]);
    std::fs::write(file.path(), "two\nlines")?;
    client.probe().await?;
    assert_eq!(carried(&proxy, "authorization"), ["Basic QWxhZGRpbjpzZXNhbWUgb3Blbg=="]);
    std::fs::write(file.path(), "open sesame")?;
    client.probe().await?;
    assert_eq!(carried(&proxy, "authorization"), ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]);
    Ok(())
}

#[tokio::test]
async fn a_token_file_that_is_not_there_names_its_setting_before_anything_is_sent() -> Result<()> {
    let desk = Desk::new(&[
        ENVIRONMENT,
        (&file_of("orders"), &file_source("orders", "")),
        ("settings.yaml", "connect: {bearer_token_file: absent/token}\n"),
    ])?;
    let said = desk.run("plan --dir . -e test --settings settings.yaml").await?;
    insta::assert_snapshot!(said.to_string(), @r"
    exit 1
    ---- stderr
    Error: failed to look at Connect at http://localhost:8083/
    Caused by: failed to use `connect.bearer_token_file`, absent/token
    Caused by: it cannot be read
    Caused by: No such file or directory (os error 2)
    ");
    Ok(())
}

#[tokio::test]
async fn who_is_refused_is_told_which_settings_to_look_at() -> Result<()> {
    let fake = Fake::start(1).await;
    let proxy = Proxy::start(&fake.url(0)).await?;
    let client = client(&proxy.url(), Access::default())?;
    for (status, class, word) in [
        (StatusCode::UNAUTHORIZED, Class::Denied, "connect.basic_auth or connect.bearer_token_file"),
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Class::Denied, "HTTPS_PROXY"),
        (StatusCode::PERMANENT_REDIRECT, Class::NotUnderstood, "redirects are not followed"),
    ] {
        proxy.rule(Rule::on("/", Effect::Answer(status, "hunter2".to_owned())).times(1));
        let error = client.live().await.expect_err("a refusal");
        assert_eq!(error.class(), class, "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains(word)), "{error}: {:?}", error.hint());
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    Ok(())
}

/// Passes what comes below `/teams/kafka-connect` on to a cluster, without that.
async fn below(State(target): State<String>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let path = head.uri.to_string().replacen("/teams/kafka-connect", "", 1);
    let request = http::client().request(head.method, format!("{target}{path}"));
    let answer = request.headers(head.headers).body(body).send().await.expect("the cluster answers");
    let (status, kind) = (answer.status(), answer.headers().get("content-type").cloned());
    let mut response = (status, Body::from(answer.bytes().await.expect("a body"))).into_response();
    response.headers_mut().extend(kind.map(|kind| (axum::http::header::CONTENT_TYPE, kind)));
    response
}

#[tokio::test]
async fn a_path_before_connects_own_is_kept_by_every_command() -> Result<()> {
    let fake = Fake::start(1).await;
    let route = any(below).with_state(fake.url(0));
    // Anything that leaves the path out meets a 404 in plain text.
    let server = Server::start(axum::Router::new().route("/teams/kafka-connect/{*rest}", route)).await?;
    let desk = Desk::new(&[ENVIRONMENT, (&file_of("orders"), &file_source("orders", ""))])?;
    for end in ["", "/"] {
        let address = format!("{}/teams/kafka-connect{end}", server.url());
        let said = desk.run(&format!("apply --dir . -e test --connect {address}")).await?;
        assert_eq!(said.code, Some(0), "{said}");
        let said = desk.run(&format!("plan --dir . -e test --connect {address}")).await?;
        assert!(said.out.contains("No changes."), "{said}");
    }
    assert_eq!(writes(&fake), [("orders".to_owned(), WriteKind::Create)]);
    fake.requests().iter().find(|one| one.path == "/connectors").context("no path is left before it")?;
    Ok(())
}
