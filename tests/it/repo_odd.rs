//! What one odd answer or one redirect leaves behind: nothing. The next poll begins where the settings say, and costs
//! what it costs with a server that was never odd.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use tagalong::model::report::Class;
use tagalong::repo::error::Error;
use tagalong::repo::problem::RedirectProblem;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{FILE, following, look, tag};
use crate::repo_http::{RESULT, address, origin};
use crate::repo_wire::{Play, Scripted, Seen, answer, head, packet};

/// What a server does with its next requests instead of answering them.
type Odd = Arc<Mutex<Option<Vec<Play>>>>;

/// Real git behind a server that can be odd, for all questions or for the next one.
async fn behind(origin: &Origin, odd: &Odd, lasting: bool) -> Result<(GitHttp, Scripted)> {
    let git = GitHttp::start(origin.parent()).await?;
    let (to, odd) = (address(&git), Arc::clone(odd));
    let server = Scripted::http(move |request| {
        let mut odd = odd.lock().expect("nobody panics while holding it");
        let plays = match &mut *odd {
            Some(plays) if lasting => Some(plays.clone()),
            Some(_) if request.is_question() => odd.take(),
            Some(_) | None => None,
        };
        plays.unwrap_or_else(|| vec![Play::Forward { to, old: false }])
    })
    .await?;
    Ok((git, server))
}

fn turn(odd: &Odd, plays: Vec<Play>) {
    *odd.lock().expect("nobody panics while holding it") = Some(plays);
}

/// What the server was asked since, each as its method and whether v2 was asked for.
fn asked(seen: &[Seen]) -> Vec<String> {
    let line = |request: &Seen| {
        let method = request.line.split(' ').next().unwrap_or_default().to_owned();
        method + if request.headers.contains_key("git-protocol") { " v2" } else { "" }
    };
    seen.iter().map(line).collect()
}

fn odd_answers() -> Vec<(&'static str, Vec<Play>)> {
    let html = ("content-type", "text/html");
    vec![
        ("500", vec![answer("500 Internal Server Error", &[html], b"sorry")]),
        ("404", vec![answer("404 Not Found", &[html], b"sorry")]),
        ("a page", vec![answer("200 OK", &[html], b"<html>sorry")]),
        ("noise", vec![answer("200 OK", &[("content-type", RESULT)], b"sorry")]),
        ("half a listing", vec![Play::Send([head(RESULT), packet(b"aaaa")].concat())]),
        ("nothing", vec![]),
    ]
}

#[tokio::test]
async fn one_odd_answer_is_no_word_of_an_old_server() -> Result<()> {
    let (origin, commit) = origin()?;
    for (what, plays) in odd_answers() {
        let odd = Odd::default();
        let (_git, server) = behind(&origin, &odd, false).await?;
        let repository = following(server.url(Origin::NAME), tag("v1"))?;
        assert_eq!(look(&repository).await?.1, commit);
        turn(&odd, plays);
        let before = server.seen().len();
        repository.resolve().await.expect_err(what);
        let first = asked(&server.seen()[before..]);
        assert!(first.len() <= 2, "{what}: {first:?}");
        repository.resolve().await?;
        let before = server.seen().len();
        assert!(repository.resolve().await?.received_bytes < 1000, "{what}");
        assert_eq!(asked(&server.seen()[before..]), ["POST v2"], "{what}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_stays_odd_costs_one_request_a_poll() -> Result<()> {
    let (origin, commit) = origin()?;
    for (what, plays) in odd_answers() {
        let odd = Odd::default();
        turn(&odd, plays);
        let (_git, server) = behind(&origin, &odd, true).await?;
        let repository = following(server.url(Origin::NAME), tag("v1"))?;
        repository.resolve().await.expect_err(what);
        for poll in 1..4 {
            let before = server.seen().len();
            repository.resolve().await.expect_err(what);
            let asked = asked(&server.seen()[before..]);
            assert_eq!(asked.len(), 1, "{what}, poll {poll}: {asked:?}");
        }
        *odd.lock().expect("nobody panics while holding it") = None;
        assert_eq!(look(&repository).await?.1, commit, "{what}");
        let before = server.seen().len();
        repository.resolve().await?;
        assert_eq!(asked(&server.seen()[before..]), ["POST v2"], "{what}");
    }
    Ok(())
}

#[tokio::test]
async fn an_old_server_that_was_renewed_is_asked_by_protocol_v2_again() -> Result<()> {
    let (origin, commit) = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let (to, is_old) = (address(&git), Arc::new(AtomicBool::new(true)));
    let old = Arc::clone(&is_old);
    let server =
        Scripted::http(move |_| vec![Play::Forward { to, old: old.load(Ordering::Relaxed) }]).await?;
    let repository = following(server.url(Origin::NAME), tag("v1"))?;
    assert_eq!(look(&repository).await?.1, commit);
    let before = server.seen().len();
    repository.resolve().await?;
    assert_eq!(asked(&server.seen()[before..]), ["GET v2"], "what it says is asked for with the listing");
    is_old.store(false, Ordering::Relaxed);
    let before = server.seen().len();
    repository.resolve().await?;
    repository.resolve().await?;
    assert_eq!(asked(&server.seen()[before..]), ["GET v2", "POST v2", "POST v2"]);
    Ok(())
}

/// A server that sends everybody elsewhere while it is told to, and counts who was sent.
struct Sending {
    server: Scripted,
    sends: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
}

impl Sending {
    async fn before(git: &GitHttp, status: &'static str, mirror: String) -> Result<Self> {
        let (sends, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (to, is_on, count) = (address(git), Arc::clone(&sends), Arc::clone(&sent));
        let server = Scripted::http(move |request| {
            let path = request.line.split(' ').nth(1).unwrap_or_default();
            if !is_on.load(Ordering::Relaxed) {
                return vec![Play::Forward { to, old: false }];
            }
            count.fetch_add(1, Ordering::Relaxed);
            vec![answer(status, &[("location", &format!("{mirror}{path}"))], b"")]
        })
        .await?;
        Ok(Self { server, sends, sent })
    }
}

#[tokio::test]
async fn a_redirect_is_followed_for_one_poll_with_all_its_requests_and_for_no_other() -> Result<()> {
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let (mut origin, first) = origin()?;
        let mut copy = Origin::new()?;
        let theirs = copy.commit("another", &[(FILE, "theirs")])?;
        copy.annotated_tag("v1", "HEAD", "release")?;
        let (git, mirror) = (GitHttp::start(origin.parent()).await?, GitHttp::start(copy.parent()).await?);
        let sending = Sending::before(&git, status, mirror.url("").trim_end_matches('/').to_owned()).await?;
        let repository = following(sending.server.url(Origin::NAME), tag("v1"))?;
        assert_eq!(look(&repository).await?.1, first);

        sending.sends.store(true, Ordering::Relaxed);
        let before = git.exchanges().len();
        repository.resolve().await?;
        assert_eq!((sending.sent.load(Ordering::Relaxed), mirror.exchanges().len()), (1, 1), "{status}");
        // The listing was answered there; in the middle of the poll the first place is itself again.
        let resolved = repository.resolve().await?;
        sending.sends.store(false, Ordering::Relaxed);
        let reading = repository.read(&resolved.revision).await?;
        assert_eq!(crate::repo::ids(&reading.snapshot.revision.at).1, theirs, "{status}");
        assert_eq!(git.exchanges().len(), before, "{status}: the fetch stays with the listing");

        let second = origin.commit("second", &[(FILE, "2")])?;
        origin.annotated_tag("v1", "HEAD", "release")?;
        mirror.clear();
        assert_eq!(look(&repository).await?, ("2".to_owned(), second), "{status}");
        assert!(mirror.exchanges().is_empty(), "{status}: {:?}", mirror.exchanges());
    }
    Ok(())
}

#[tokio::test]
async fn a_ring_of_redirects_is_bounded_in_every_poll() -> Result<()> {
    let server = Scripted::http(|request| {
        let path = request.line.split(' ').nth(1).unwrap_or_default().to_owned();
        vec![answer("302 Found", &[("location", &path)], b"")]
    })
    .await?;
    let repository = following(server.url("x"), tag("v1"))?;
    for _ in 0..3 {
        let before = server.seen().len();
        let error = repository.resolve().await.expect_err("a ring");
        assert!(matches!(error, Error::Redirect { problem: RedirectProblem::TooMany, .. }), "{error:?}");
        assert_eq!(server.seen().len() - before, 6);
    }
    Ok(())
}

#[tokio::test]
async fn why_a_server_gives_up_in_a_pack_is_told() -> Result<()> {
    let (origin, _) = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let to = address(&git);
    let band = |number: u8, text: &[u8]| packet(&[&[number], text].concat());
    for (packets, expected) in [
        (vec![band(3, b"disk quota of \x1b[2Jexample exceeded\n")], "disk quota of [2Jexample exceeded"),
        (vec![band(2, b"Counting\n"), band(1, b"PACK"), band(3, b"out of workers")], "out of workers"),
    ] {
        let body = [b"0000".to_vec(), packet(b"NAK\n"), packets.concat(), b"0000".to_vec()].concat();
        let server = Scripted::http(move |request| {
            if request.is_question() || request.is_advertisement() {
                return vec![Play::Forward { to, old: false }];
            }
            vec![answer("200 OK", &[("content-type", RESULT)], &body)]
        })
        .await?;
        let error = look(&following(server.url(Origin::NAME), tag("v1"))?).await.expect_err("no pack");
        assert_eq!(error.class(), Class::NotUnderstood);
        let said = std::error::Error::source(&error).context("what it said")?.to_string();
        assert!(said.contains(expected), "{said}");
    }
    Ok(())
}
