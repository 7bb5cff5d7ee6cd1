//! Git over HTTP where it is not plain: credentials, redirects, old servers, TLS, proxies, and servers
//! that answer what no git server answers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong::model::report::Class;
use tagalong::repo::Repository;
use tagalong::repo::error::{Error, Limit, RedirectProblem};
use tagalong::repo::options::{Credential, GitOptions, Password};
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{FILE, following, look, tag};
use crate::repo_wire::{Authority, Play, Scripted, answer, head, packet};

const RESULT: &str = "application/x-git-upload-pack-result";
const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";
const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A repository with one file at `v1`.
fn origin() -> Result<(Origin, String)> {
    let mut origin = Origin::new()?;
    let commit = origin.commit("first", &[(FILE, "1")])?;
    origin.annotated_tag("v1", "HEAD", "release")?;
    Ok((origin, commit))
}

fn address(server: &GitHttp) -> SocketAddr {
    let url = server.url("");
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    address.parse().expect("the server's address")
}

fn password(host: &str, password: Password) -> Credential {
    Credential {
        host: host.into(),
        username: Some("reader".into()),
        password: Some(password),
        ..Credential::default()
    }
}

fn with(url: impl Into<String>, credential: Credential) -> Result<Repository, Error> {
    Repository::git(GitOptions {
        credentials: vec![credential],
        deadline: Duration::from_secs(20),
        ..GitOptions::new(url, tag("v1"))
    })
}

fn text(secret: &str) -> Password {
    Password::Text(secret.to_owned())
}

/// The listing of protocol v0 with one tag.
fn advertisement(capabilities: &str) -> Vec<u8> {
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
        (with(&url, password("127.0.0.1", text("wrong")))?, true),
        (with(&url, password("elsewhere.example", text("hunter2")))?, false),
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
    let repository = with(server.url(Origin::NAME), password("127.0.0.1", text("hunter2")))?;
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
        with(server.url(Origin::NAME), password("127.0.0.1", Password::File(file.path().into())))?;
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
async fn a_fetch_is_one_handshake_and_counts_what_it_receives() -> Result<()> {
    let (origin, _) = origin()?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = following(server.url(Origin::NAME), tag("v1"))?;
    let revision = repository.resolve().await?.revision;
    server.clear();
    let reading = repository.read(&revision).await?;
    let exchanges = server.exchanges();
    let methods: Vec<_> = exchanges.iter().map(|exchange| exchange.method.as_str()).collect();
    assert_eq!(methods.iter().filter(|method| **method == "GET").count(), 1, "{exchanges:?}");
    // libgit2 writes a request in pieces; each is sent once, whole, when its answer is read.
    assert!(methods.len() <= 3, "{exchanges:?}");
    assert!(exchanges[1..].iter().all(|exchange| exchange.sent > 50), "{exchanges:?}");
    // Protocol v0 is all that libgit2 speaks; a v2 answer would confuse it.
    assert!(exchanges.iter().all(|exchange| exchange.protocol.is_none()));
    let received: usize = exchanges.iter().map(|exchange| exchange.received).sum();
    assert_eq!(reading.received_bytes, received as u64);
    Ok(())
}

#[tokio::test]
async fn only_the_one_commit_is_fetched_from_a_long_history() -> Result<()> {
    let mut origin = Origin::new()?;
    for n in 0..20 {
        let noise: String = (0..20_000).map(|_| fastrand::alphanumeric()).collect();
        origin.commit(&format!("{n}"), &[(FILE, &noise)])?;
    }
    origin.annotated_tag("v1", "HEAD", "release")?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = following(server.url(Origin::NAME), tag("v1"))?;
    let reading = repository.read(&repository.resolve().await?.revision).await?;
    assert!(reading.received_bytes < 40_000, "{}", reading.received_bytes);
    Ok(())
}

#[tokio::test]
async fn two_repositories_at_once_do_not_mix() -> Result<()> {
    let (one, first) = origin()?;
    let mut other = Origin::new()?;
    let second = other.commit("other", &[(FILE, "2")])?;
    other.tag("v1", "HEAD")?;
    let servers = (GitHttp::start(one.parent()).await?, GitHttp::start(other.parent()).await?);
    let repositories = (
        following(servers.0.url(Origin::NAME), tag("v1"))?,
        following(servers.1.url(Origin::NAME), tag("v1"))?,
    );
    for _ in 0..5 {
        let (a, b) = tokio::join!(look(&repositories.0), look(&repositories.1));
        assert_eq!((a?, b?), (("1".into(), first.clone()), ("2".into(), second.clone())));
    }
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

    let repository = with(here.url(Origin::NAME), password("127.0.0.1", text("hunter2")))?;
    assert_eq!(look(&repository).await?.1, commit);
    assert!(here.seen().iter().all(|request| request.headers.contains_key("authorization")));
    let strayed: Vec<_> =
        other.seen().into_iter().filter(|request| request.headers.contains_key("authorization")).collect();
    assert!(strayed.is_empty(), "{strayed:?}");
    assert!(other.seen().iter().any(|request| request.line.starts_with("POST")), "{:?}", other.seen());
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
async fn a_redirect_on_the_same_host_is_learned_and_keeps_the_credential() -> Result<()> {
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
    let repository = with(server.url("repository"), password("127.0.0.1", text("hunter2")))?;
    assert_eq!(look(&repository).await?.1, commit);
    let before = server.seen().len();
    repository.resolve().await?;
    let polled: Vec<_> = server.seen()[before..].iter().map(|request| request.line.clone()).collect();
    // What answered 404 for one place is not taken for an old server's word at another.
    assert_eq!(polled.len(), 1, "{polled:?}");
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

/// A server that advertises one tag and answers a fetch as told.
async fn fetching(plays: impl Fn() -> Vec<Play> + Send + Sync + 'static) -> Result<Scripted> {
    Scripted::http(move |request| {
        if request.is_question() {
            let line = packet(format!("{A} refs/tags/v1\n").as_bytes());
            let listing = [line, b"0000".to_vec()].concat();
            vec![answer("200 OK", &[("content-type", RESULT)], &listing)]
        } else if request.is_advertisement() {
            vec![answer("200 OK", &[("content-type", ADVERTISEMENT)], &advertisement("side-band-64k"))]
        } else {
            plays()
        }
    })
    .await
}

#[tokio::test]
async fn a_failure_inside_libgit2_keeps_its_class() -> Result<()> {
    for (status, class) in [
        ("401 Unauthorized", Class::AuthFailed),
        ("404 Not Found", Class::RefMissing),
        ("500 Internal Server Error", Class::Unreachable),
    ] {
        let server = fetching(move || vec![answer(status, &[], b"no")]).await?;
        let error = look(&following(server.url("x"), tag("v1"))?).await.expect_err(status);
        assert_eq!(error.class(), class, "{status}: {error:?}");
    }
    let page = || vec![answer("200 OK", &[("content-type", "text/html")], b"<html>")];
    let server = fetching(page).await?;
    let error = look(&following(server.url("x"), tag("v1"))?).await.expect_err("a page");
    assert!(matches!(error, Error::NotUnderstood { .. }), "{error:?}");
    assert!(format!("{:#}", anyhow::Error::new(error)).ends_with("its content type is text/html"));
    Ok(())
}

#[tokio::test]
async fn a_nul_in_a_servers_words_harms_nobody() -> Result<()> {
    for body in [
        packet(b"ERR a\0b\x1b[2Jc\n"),
        [packet(b"NAK\n"), packet(b"\x03fatal: a\0b\x1b[2Jc\n")].concat(),
        [packet(b"NAK\n"), packet(b"\x02a\0b\n"), packet(b"\x01PACK\0\0")].concat(),
        b"\0\0\0\0".to_vec(),
    ] {
        let server = fetching(move || vec![answer("200 OK", &[("content-type", RESULT)], &body)]).await?;
        let error = look(&following(server.url("x"), tag("v1"))?).await.expect_err("refused");
        let shown = format!("{:#}", anyhow::Error::new(error));
        assert!(!shown.contains(char::is_control), "{shown:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_broken_pack_is_no_revision() -> Result<()> {
    let (origin, _) = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let repository = following(git.url(Origin::NAME), tag("v1"))?;
    let revision = repository.resolve().await?.revision;
    let server = fetching(|| {
        let body =
            [packet(b"NAK\n"), packet(b"\x01PACK\0\0\0\x02\0\0\0\x05garbage"), b"0000".to_vec()].concat();
        vec![Play::Send([head(RESULT), body].concat())]
    })
    .await?;
    let broken = following(server.url("x"), tag("v1"))?;
    let revision_there = broken.resolve().await?.revision;
    let error = broken.read(&revision_there).await.expect_err("broken");
    assert_eq!(error.class(), Class::NotUnderstood, "{error:?}");
    repository.read(&revision).await?;
    Ok(())
}

#[tokio::test]
async fn a_fetch_over_the_limit_is_given_up() -> Result<()> {
    let server = fetching(|| {
        let progress = packet(&[vec![2], vec![b'.'; 60_000]].concat());
        vec![Play::Send([head(RESULT), packet(b"NAK\n")].concat()), Play::Send(progress.repeat(1_200))]
    })
    .await?;
    let error = look(&following(server.url("x"), tag("v1"))?).await.expect_err("too much");
    assert!(matches!(error, Error::TooLarge { limit: Limit::PackBytes(_), .. }), "{error:?}");
    assert_eq!(error.class(), Class::Unusable);
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
    let url = format!("http://git.invalid/{}", Origin::NAME);
    let (file, _) = look(&following(url, tag("v1"))?).await.context("through the proxy")?;
    assert_eq!(file, "1");
    Ok(())
}

#[test]
fn the_tree_has_no_second_tls_and_no_ssh_library() {
    // `rsa` has an advisory without a fix (RUSTSEC-2023-0071) and comes with most SSH crates.
    let lock = include_str!("../../Cargo.lock");
    for name in ["rsa", "openssl-sys", "native-tls", "aws-lc-sys", "libssh2-sys", "russh"] {
        assert!(!lock.contains(&format!("name = \"{name}\"\n")), "{name}");
    }
}

#[tokio::test]
async fn a_ref_that_moves_all_the_time_is_told() -> Result<()> {
    let (origin, _) = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let to = address(&git);
    let origin = Mutex::new(origin);
    let server = Scripted::http(move |request| {
        if request.is_advertisement() {
            let mut origin = origin.lock().expect("nobody panics while holding it");
            let moved = origin.commit("next", &[(FILE, "2")]).and_then(|_| origin.tag("v1", "HEAD"));
            moved.expect("git moves a tag");
        }
        vec![Play::Forward { to, old: false }]
    })
    .await?;
    let error = look(&following(server.url(Origin::NAME), tag("v1"))?).await.expect_err("it moves");
    assert!(matches!(error, Error::Moving { .. }), "{error:?}");
    assert_eq!(error.class(), Class::Superseded);
    Ok(())
}

#[tokio::test]
async fn a_ref_whose_commit_is_gone_before_it_is_handed_out_is_asked_again() -> Result<()> {
    let (origin, _) = origin()?;
    let bare = origin.path().display().to_string();
    origin.git(&["-C", &bare, "config", "uploadpack.allowAnySHA1InWant", "false"])?;
    let git = GitHttp::start(origin.parent()).await?;
    let to = address(&git);
    let origin = Mutex::new(Some(origin));
    let kept = Arc::new(Mutex::new(None));
    let keeping = Arc::clone(&kept);
    let server = Scripted::http(move |request| {
        let fetches = !request.is_question() && !request.is_advertisement();
        if fetches && let Some(mut origin) = origin.lock().expect("nobody panics").take() {
            let moved = origin
                .git(&["commit", "-q", "--amend", "-m", "another"])
                .and_then(|_| origin.commit("next", &[(FILE, "2")]))
                .and_then(|_| origin.tag("v1", "HEAD"));
            moved.expect("git moves a tag");
            *keeping.lock().expect("nobody panics") = Some(origin);
        }
        vec![Play::Forward { to, old: false }]
    })
    .await?;
    assert_eq!(look(&following(server.url(Origin::NAME), tag("v1"))?).await?.0, "2");
    assert!(kept.lock().expect("nobody panics").is_some(), "it moved in between");
    Ok(())
}
