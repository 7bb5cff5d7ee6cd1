//! A fetch over HTTP: how little it asks for, how it fails, and what a ref that moves meanwhile does
//! to it.

use std::process::Command;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use tagalong::model::report::Class;
use tagalong::repo::error::Error;
use tagalong::repo::problem::Limit;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{FILE, following, look, tag};
use crate::repo_http::{A, ADVERTISEMENT, RESULT, address, advertisement, origin};
use crate::repo_wire::{Play, Scripted, answer, head, packet};

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

#[test]
fn the_tree_has_no_second_tls_and_no_ssh_library() {
    // `rsa` has an advisory without a fix (RUSTSEC-2023-0071) and comes with most SSH crates. What comes with a feature
    // that is off is left to docs/decisions/0010-signatures.md.
    let mut cargo = Command::new(env!("CARGO"));
    let cargo = cargo.args(["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo tells the tree");
    let tree = String::from_utf8(output.stdout).expect("a text");
    assert!(output.status.success() && tree.contains("\nlibgit2-sys v"), "{tree}");
    for name in ["rsa", "openssl-sys", "native-tls", "aws-lc-sys", "libssh2-sys", "russh"] {
        assert!(!tree.contains(&format!("\n{name} v")), "{name}");
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
    assert!(error.to_string().contains("moved while it was being fetched, twice"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("moves it again and again")), "{error:?}");
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
