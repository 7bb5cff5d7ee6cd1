//! Git over HTTP where it is not plain: credentials, redirects, old servers, TLS, proxies, and servers
//! that answer what no git server answers.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong::model::password::Password;
use tagalong::model::report::Class;
use tagalong::repo::Repository;
use tagalong::repo::credential::{Credential, Host};
use tagalong::repo::error::Error;
use tagalong::repo::options::GitOptions;
use tagalong::repo::problem::{Limit, RedirectProblem};
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{FILE, following, look, tag};
use crate::repo_wire::{Play, Scripted, answer, head, packet};
use crate::support::authority::Authority;

/// What the answer to a request of a fetch is called.
pub const RESULT: &str = "application/x-git-upload-pack-result";
/// What a listing of protocol v0 is called.
pub const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";
/// An id that stands for nothing.
pub const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A repository with one file at `v1`.
pub fn origin() -> Result<(Origin, String)> {
    let mut origin = Origin::new()?;
    let commit = origin.commit("first", &[(FILE, "1")])?;
    origin.annotated_tag("v1", "HEAD", "release")?;
    Ok((origin, commit))
}

/// Where a server listens.
pub fn address(server: &GitHttp) -> SocketAddr {
    let url = server.url("");
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    address.parse().expect("the server's address")
}

/// A password for the origin of an address.
pub fn password(url: &str, password: Password) -> Credential {
    let origin = url::Url::parse(url).expect("a URL").origin().ascii_serialization();
    Credential {
        username: Some("reader".into()),
        password: Some(password),
        ..Credential::at(Host::new(&origin).expect("a host"))
    }
}

/// A repository that is read with a credential.
pub fn with(url: impl Into<String>, credential: Credential) -> Result<Repository, Error> {
    Repository::git(GitOptions {
        credentials: vec![credential],
        deadline: Duration::from_mins(2),
        ..GitOptions::new(url, tag("v1"))
    })
}

/// A password.
pub fn text(secret: &str) -> Password {
    Password::Text(secret.to_owned())
}

/// The listing of protocol v0 with one tag.
pub fn advertisement(capabilities: &str) -> Vec<u8> {
    [
        packet(b"# service=git-upload-pack\n"),
        b"0000".to_vec(),
        packet(format!("{A} refs/tags/v1\0{capabilities}\n").as_bytes()),
        b"0000".to_vec(),
    ]
    .concat()
}

#[tokio::test]
async fn a_refusal_is_told_after_one_request() -> Result<()> {
    let (origin, _) = origin()?;
    let server = GitHttp::with_password(origin.parent(), "reader", "hunter2").await?;
    let url = server.url(Origin::NAME);
    for (repository, was_shown) in [
        (following(&url, tag("v1"))?, false),
        (with(&url, password(&url, text("wrong")))?, true),
        (with(&url, password("https://elsewhere.example", text("hunter2")))?, false),
    ] {
        server.clear();
        let error = repository.resolve().await.expect_err("refused");
        assert!(matches!(error, Error::Denied { shown, .. } if shown == was_shown), "{error:?}");
        assert_eq!(error.class(), Class::AuthFailed);
        assert!(error.hint().is_some());
        assert_eq!(server.exchanges().len(), 1, "{:?}", server.exchanges());
    }
    Ok(())
}

// libgit2's own callbacks for credentials and certificates are never called over a transport of ours.
#[tokio::test]
async fn the_credential_goes_with_every_request_though_libgit2_knows_none() -> Result<()> {
    let (origin, commit) = origin()?;
    let server = GitHttp::with_password(origin.parent(), "reader", "hunter2").await?;
    let repository = with(server.url(Origin::NAME), password(&server.url(""), text("hunter2")))?;
    assert_eq!(look(&repository).await?, ("1".into(), commit));
    let exchanges = server.exchanges();
    assert!(exchanges.iter().all(|exchange| exchange.authorized && exchange.status == Some(200)));
    Ok(())
}

#[tokio::test]
async fn a_renewed_password_file_is_read_again() -> Result<()> {
    let (origin, commit) = origin()?;
    let server = GitHttp::with_password(origin.parent(), "reader", "hunter2").await?;
    let file = tempfile::NamedTempFile::new()?;
    let repository =
        with(server.url(Origin::NAME), password(&server.url(""), Password::File(file.path().into())))?;
    std::fs::write(file.path(), "expired\n")?;
    assert_eq!(repository.resolve().await.expect_err("refused").class(), Class::AuthFailed);
    std::fs::write(file.path(), "hunter2\n")?;
    assert_eq!(look(&repository).await?.1, commit);
    let path = file.path().to_owned();
    drop(file);
    let error = repository.resolve().await.expect_err("no file");
    assert!(matches!(&error, Error::SettingsFile { path: named, .. } if *named == path), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn after_a_redirect_to_another_host_the_secret_stays_here() -> Result<()> {
    let (origin, commit) = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let to = address(&git);
    let other = Scripted::http(move |_| vec![Play::Forward { to, old: false }]).await?;
    let target = other.url(&format!("{}/info/refs?service=git-upload-pack", Origin::NAME));
    let here = Scripted::http(move |_| vec![answer("302 Found", &[("location", &target)], b"")]).await?;

    let repository = with(here.url(Origin::NAME), password(&here.url(""), text("hunter2")))?;
    assert_eq!(look(&repository).await?.1, commit);
    assert!(here.seen().iter().all(|request| request.headers.contains_key("authorization")));
    let strayed: Vec<_> =
        other.seen().into_iter().filter(|request| request.headers.contains_key("authorization")).collect();
    assert!(strayed.is_empty(), "{strayed:?}");
    assert!(other.seen().iter().any(|request| request.line.starts_with("POST")), "{:?}", other.seen());
    Ok(())
}

#[tokio::test]
async fn after_a_redirect_to_another_name_of_the_same_port_the_secret_stays_here() -> Result<()> {
    let (origin, commit) = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let to = address(&git);
    let server = Scripted::http(move |request| {
        let host = &request.headers["host"];
        if let Some(port) = host.strip_prefix("127.0.0.1:") {
            let service = format!("{}/info/refs?service=git-upload-pack", Origin::NAME);
            let target = format!("http://localhost:{port}/{service}");
            return vec![answer("302 Found", &[("location", &target)], b"")];
        }
        vec![Play::Forward { to, old: false }]
    })
    .await?;
    let repository = with(server.url(Origin::NAME), password(&server.url(""), text("hunter2")))?;
    assert_eq!(look(&repository).await?.1, commit);
    for request in server.seen() {
        let is_here = request.headers["host"].starts_with("127.0.0.1:");
        assert_eq!(request.headers.contains_key("authorization"), is_here, "{request:?}");
    }
    assert!(server.seen().iter().any(|request| request.headers["host"].starts_with("localhost:")));
    Ok(())
}

#[tokio::test]
async fn a_password_that_a_redirect_names_is_not_sent() -> Result<()> {
    let (origin, commit) = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let to = address(&git);
    let other = Scripted::http(move |_| vec![Play::Forward { to, old: false }]).await?;
    let target = other.url(&format!("{}/info/refs?service=git-upload-pack", Origin::NAME));
    let target = target.replace("http://", "http://mallory:owned@");
    let here = Scripted::http(move |_| vec![answer("302 Found", &[("location", &target)], b"")]).await?;
    assert_eq!(look(&following(here.url(Origin::NAME), tag("v1"))?).await?.1, commit);
    assert!(other.seen().iter().all(|request| !request.headers.contains_key("authorization")));
    Ok(())
}

#[tokio::test]
async fn a_redirect_of_the_greeting_alone_is_followed_and_keeps_the_credential() -> Result<()> {
    let (origin, commit) = origin()?;
    let git = GitHttp::with_password(origin.parent(), "reader", "hunter2").await?;
    let to = address(&git);
    // As a host does that wants `.git` at the end.
    let server = Scripted::http(move |request| {
        let [method, path, _] = request.line.split(' ').collect::<Vec<_>>()[..] else { return vec![] };
        if path.starts_with("/repository.git/") {
            return vec![Play::Forward { to, old: false }];
        }
        match method {
            "GET" => {
                let target = path.replace("/repository/", "/repository.git/");
                vec![answer("301 Moved Permanently", &[("location", &target)], b"")]
            }
            _ => vec![answer("404 Not Found", &[], b"")],
        }
    })
    .await?;
    let repository = with(server.url("repository"), password(&server.url(""), text("hunter2")))?;
    assert_eq!(look(&repository).await?.1, commit);
    let before = server.seen().len();
    repository.resolve().await?;
    let polled: Vec<_> = server.seen()[before..].iter().map(|request| request.line.clone()).collect();
    // What answered 404 for one place is not taken for an old server's word at another.
    assert_eq!(polled.len(), 3, "{polled:?}");
    assert!(polled[2].starts_with("POST /repository.git/"), "{polled:?}");
    Ok(())
}

#[tokio::test]
async fn redirects_that_lead_astray_are_refused() -> Result<()> {
    let server = Scripted::http(|request| {
        let to = match () {
            () if request.line.contains("/round/") => "/round/info/refs?service=git-upload-pack",
            () if request.line.contains("/page/") => "/login?next=x",
            () if request.line.contains("/ftp/") => "ftp://127.0.0.1/x/info/refs",
            () => "",
        };
        vec![answer("302 Found", &[("location", to)], b"")]
    })
    .await?;
    for (path, expected) in [
        ("round", RedirectProblem::TooMany),
        ("page", RedirectProblem::Elsewhere),
        ("ftp", RedirectProblem::Elsewhere),
    ] {
        let error = following(server.url(path), tag("v1"))?.resolve().await.expect_err("astray");
        assert!(matches!(error, Error::Redirect { problem, .. } if problem == expected), "{path}: {error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_redirect_in_the_middle_of_a_fetch_is_refused() -> Result<()> {
    let (origin, _) = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let to = address(&git);
    let server = Scripted::http(move |request| {
        if request.line.starts_with("POST") && !request.is_question() {
            return vec![answer("307 Temporary Redirect", &[("location", "http://127.0.0.1:1/x")], b"")];
        }
        vec![Play::Forward { to, old: false }]
    })
    .await?;
    let error = look(&following(server.url(Origin::NAME), tag("v1"))?).await.expect_err("refused");
    assert!(matches!(error, Error::Redirect { problem: RedirectProblem::Late, .. }), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_named_and_tls_is_never_left() -> Result<()> {
    let (origin, commit) = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let to = address(&git);
    let plain = git.url(&format!("{}/info/refs?service=git-upload-pack", Origin::NAME));
    let authority = Authority::new()?;
    let server = Scripted::https(&authority, move |request| {
        if request.line.contains("/leave/") {
            return vec![answer("302 Found", &[("location", &plain)], b"")];
        }
        vec![Play::Forward { to, old: false }]
    })
    .await?;
    let trusting = |path: &str| {
        Repository::git(GitOptions {
            ca_file: Some(authority.file()),
            ..GitOptions::new(server.url(path), tag("v1"))
        })
    };
    assert_eq!(look(&trusting(Origin::NAME)?).await?.1, commit);

    let error = trusting("leave")?.resolve().await.expect_err("refused");
    assert!(matches!(error, Error::Redirect { problem: RedirectProblem::Downgrade, .. }), "{error:?}");

    let error = following(server.url(Origin::NAME), tag("v1"))?.resolve().await.expect_err("not trusted");
    assert_eq!(error.class(), Class::Unreachable);
    assert!(error.hint().is_some_and(|hint| hint.contains("ca_file")), "{error:?}");

    // Certificates are for names: the same server under its address is another one.
    let url = server.url(Origin::NAME).replace("localhost", "127.0.0.1");
    let options = GitOptions { ca_file: Some(authority.file()), ..GitOptions::new(url, tag("v1")) };
    let error = Repository::git(options)?.resolve().await.expect_err("another name");
    assert_eq!(error.class(), Class::Unreachable, "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_without_protocol_v2_is_listed_the_old_way_and_remembered() -> Result<()> {
    let (origin, commit) = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let to = address(&git);
    let server = Scripted::http(move |_| vec![Play::Forward { to, old: true }]).await?;
    let repository = following(server.url(Origin::NAME), tag("v1"))?;
    assert_eq!(look(&repository).await?, ("1".into(), commit.clone()));
    let before = server.seen().len();
    assert_eq!(crate::repo::ids(&repository.resolve().await?.revision.at).1, commit);
    let polled: Vec<_> = server.seen()[before..].iter().map(|request| request.line.clone()).collect();
    assert_eq!(polled.len(), 1, "{polled:?}");
    assert!(polled[0].starts_with("GET "), "{polled:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_no_git_server_is_told_so() -> Result<()> {
    let page = b"<html>Log in</html>";
    let server = Scripted::http(move |request| {
        let html = ("content-type", "text/html");
        match () {
            () if request.line.contains("/page/") => vec![answer("200 OK", &[html], page)],
            () if request.line.contains("/lie/") && request.is_advertisement() => {
                vec![answer("200 OK", &[("content-type", ADVERTISEMENT)], page)]
            }
            () if request.line.contains("/lie/") => {
                vec![answer("200 OK", &[("content-type", RESULT)], page)]
            }
            () if request.line.contains("/cut/") => {
                let cut = advertisement("shallow");
                let kind = if request.is_advertisement() { ADVERTISEMENT } else { RESULT };
                vec![answer("200 OK", &[("content-type", kind)], &cut[..cut.len() - 9])]
            }
            () => vec![answer("503 Service Unavailable", &[html], page)],
        }
    })
    .await?;
    for (path, class) in [
        ("page", Class::NotUnderstood),
        ("lie", Class::NotUnderstood),
        ("cut", Class::NotUnderstood),
        ("busy", Class::Unreachable),
    ] {
        let error = following(server.url(path), tag("v1"))?.resolve().await.expect_err(path);
        assert_eq!(error.class(), class, "{path}: {error:?}");
    }
    let gone = following("http://127.0.0.1:1/x", tag("v1"))?.resolve().await.expect_err("nobody there");
    assert_eq!(gone.class(), Class::Unreachable);
    Ok(())
}

#[tokio::test]
async fn a_listing_without_end_is_given_up() -> Result<()> {
    for spoken in [RESULT, ADVERTISEMENT] {
        let server = Scripted::http(move |request| {
            if request.is_question() && spoken != RESULT {
                return vec![answer("404 Not Found", &[], b"")];
            }
            let service = [packet(b"# service=git-upload-pack\n"), b"0000".to_vec()].concat();
            let start = if request.is_question() { Vec::new() } else { service };
            let lines = packet(format!("{A} refs/tags/v1.0\n").as_bytes()).repeat(600_000);
            vec![Play::Send([head(spoken), start].concat()), Play::Send(lines)]
        })
        .await?;
        let error = following(server.url("x"), tag("v1"))?.resolve().await.expect_err("too long");
        assert!(matches!(error, Error::TooLarge { limit: Limit::ListingBytes(_), .. }), "{error:?}");
    }
    Ok(())
}

/// Runs one test of this binary in a process of its own, where the environment can be set.
fn alone(test: &str, variables: &[(&str, &str)]) -> Result<()> {
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    for name in
        ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "no_proxy", "NO_PROXY"]
    {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().copied()).output()?;
    anyhow::ensure!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

#[test]
fn a_proxy_of_the_environment_is_used() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (_origin, git, proxy) = runtime.block_on(async {
        let (origin, _) = origin()?;
        let git = GitHttp::start(origin.parent()).await?;
        let to = address(&git);
        // A proxy gets the whole URL in the first line, which `http-backend` does not mind.
        let proxy = Scripted::http(move |request| {
            if request.line.contains("http://git.invalid/") {
                vec![Play::Forward { to, old: false }]
            } else {
                vec![answer("400 Bad Request", &[], b"")]
            }
        })
        .await?;
        anyhow::Ok((origin, git, proxy))
    })?;
    let url = proxy.url("");
    alone("repo_http::reads_through_a_proxy", &[("http_proxy", url.trim_end_matches('/'))])?;
    assert!(!proxy.seen().is_empty());
    drop(git);
    Ok(())
}

#[tokio::test]
#[ignore = "run by `a_proxy_of_the_environment_is_used`, with its environment"]
async fn reads_through_a_proxy() -> Result<()> {
    if tagalong_testkit::environment::variable("http_proxy").is_none() {
        return Ok(());
    }
    let url = format!("http://git.invalid/{}", Origin::NAME);
    let (file, _) = look(&following(url, tag("v1"))?).await.context("through the proxy")?;
    assert_eq!(file, "1");
    Ok(())
}
