//! Whose a connector is, where a moment was bad: a history that took too long, a record that could not be read, a release
//! that the agent slept through.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong::reconcile::claims::Claims;
use tagalong::repo::Repository;
use tagalong::repo::options::GitOptions;
use tagalong_testkit::git::hostile::{Act, Hostile, Phase};
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::ownership::{ENVIRONMENTS, desired, is, keeper, lengthen, turn};
use crate::repo::{following, tag};
use crate::support::agent::{let_go, wait};

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_took_too_long_once_is_read_to_its_end_later() -> Result<()> {
    let origin = Origin::new()?;
    lengthen(&origin, 30, false)?;
    let git = GitHttp::start(origin.parent()).await?;
    let server = Hostile::http(git.address()).await?;
    let url = git.url(Origin::NAME).replace(&git.address().to_string(), &server.address().to_string());
    let options = GitOptions { deadline: Duration::from_secs(20), ..GitOptions::new(url, tag("v1")) };
    let repository = Repository::git(options)?;
    let desired = desired(&repository).await?;
    let fetches = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fetches);
    // A story that fails ends it too.
    let (slow, healed) = mpsc::channel::<()>();
    let healed = Mutex::new(healed);
    // Ten commits come at once, and what is before them does not.
    let delay = move || {
        if counted.fetch_add(1, Ordering::SeqCst) > 0 {
            let healed = healed.lock().expect("nobody fails while it is held");
            healed.recv().expect_err("nothing is sent");
        }
    };
    server.turn(&[Phase::Fetch], &[Act::Meanwhile(Arc::new(delay)), Act::Pass]);
    let mut claims = Claims::new(Some(repository));
    is(&turn(&mut claims, &desired, &["first"]).await, &[]);
    assert_eq!(fetches.load(Ordering::SeqCst), 2);
    is(&turn(&mut claims, &desired, &["first"]).await, &[]);
    assert_eq!(fetches.load(Ordering::SeqCst), 2, "not at once");
    drop(slow);
    server.heal();
    let claims = &tokio::sync::Mutex::new(claims);
    let is_ours = || async {
        let known = turn(&mut *claims.lock().await, &desired, &["first"]).await;
        Ok(known.get("first") == Some(&"ours"))
    };
    wait("it is read after a rest", is_ours).await
}

/// A server that answers no fetch which brings more than so many bytes, as where the time is up before they came.
fn little(answer: Vec<u8>) -> Vec<u8> {
    if answer.len() < 4096 { answer } else { UNAVAILABLE.to_vec() }
}

/// A server that answers one fetch of two.
fn each_second(answer: Vec<u8>) -> Vec<u8> {
    static FETCHES: AtomicUsize = AtomicUsize::new(0);
    if FETCHES.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) { answer } else { UNAVAILABLE.to_vec() }
}

const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

/// A server that says it hands out older commits, and refuses the second fetch, which asks for one.
fn boasting(answer: Vec<u8>) -> Vec<u8> {
    static FETCHES: AtomicUsize = AtomicUsize::new(0);
    let (words, boast) =
        ("deepen-since deepen-not deepen-relative", "allow-reachable-sha1-in-want deepen-not");
    if let Ok(text) = std::str::from_utf8(&answer)
        && text.contains(words)
    {
        return text.replace(words, boast).into_bytes();
    }
    let refusal = "ERR upload-pack: not our ref";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\n\r\n";
    match FETCHES.fetch_add(1, Ordering::SeqCst) {
        1 => format!("{head}{:04x}{refusal}", refusal.len() + 4).into_bytes(),
        _ => answer,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_never_comes_at_once_is_read_bit_by_bit() -> Result<()> {
    for (gives_older, cut) in [(true, little as fn(_) -> _), (false, each_second)] {
        let origin = Origin::new()?;
        lengthen(&origin, 60, false)?;
        origin.git(&["config", "uploadpack.allowReachableSHA1InWant", &gives_older.to_string()])?;
        let git = GitHttp::start(origin.parent()).await?;
        let server = Hostile::http(git.address()).await?;
        let url = git.url(Origin::NAME).replace(&git.address().to_string(), &server.address().to_string());
        let repository = || {
            let deadline = Duration::from_mins(2);
            Repository::git(GitOptions { deadline, ..GitOptions::new(url.as_str(), tag("v1")) })
        };
        let state = tempfile::tempdir()?;
        let mut known = BTreeMap::new();
        let mut looks = 0;
        while known.is_empty() {
            assert!(looks < 20, "it goes on where it ended, with {looks} looks for 60 commits");
            if looks == 3 {
                // A release meanwhile.
                origin.git(&["fetch", "-q", "origin", "tag", "v1"])?;
                origin.git(&["checkout", "-q", "v1"])?;
                origin.git(&["commit", "-q", "--allow-empty", "-m", "later"])?;
                origin.tag("v1", "HEAD")?;
            }
            server.heal();
            let desired = desired(&repository()?).await?;
            server.turn(&[Phase::Fetch], &[Act::Change(cut)]);
            // Each is an agent that starts anew: an attempt that failed has it rest.
            let keeper = Some(keeper(state.path(), "production", "s"));
            let mut claims = Claims::new(Some(repository()?)).keeping(keeper);
            known = turn(&mut claims, &desired, &["first", "never"]).await;
            drop(claims);
            let_go(state.path()).await?;
            looks += 1;
        }
        assert!(looks > 3, "{looks}: it came at once");
        is(&known, &[("first", "ours"), ("never", "stranger")]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_new_is_looked_for_where_the_last_look_ended_and_anew_after_a_release() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("old", &[ENVIRONMENTS, ("connectors/a.yaml", "connector: old\n")])?;
    origin.commit("not any more", &[("connectors/a.yaml", "connector: stays\n")])?;
    for _ in 0..30 {
        origin.commit_work_tree("nothing of it")?;
    }
    origin.commit("near", &[("connectors/b.yaml", "connector: near\n")])?;
    origin.remove("near is gone", &["connectors/b.yaml"])?;
    origin.tag("v1", "HEAD")?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = || following(server.url(Origin::NAME), tag("v1"));
    let mut claims = Claims::new(Some(repository()?));
    let before = desired(&repository()?).await?;
    is(&turn(&mut claims, &before, &["near"]).await, &[("near", "ours")]);
    let known = [("near", "ours"), ("old", "ours")];
    is(&turn(&mut claims, &before, &["near", "old"]).await, &known);
    origin.commit("came", &[("connectors/c.yaml", "connector: came\n")])?;
    origin.remove("and went", &["connectors/c.yaml"])?;
    origin.tag("v1", "HEAD")?;
    let after = desired(&repository()?).await?;
    let known = [("near", "ours"), ("came", "ours"), ("old", "ours"), ("never", "stranger")];
    is(&turn(&mut claims, &after, &["near", "came", "old", "never"]).await, &known);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_hand_out_older_commits_although_it_said_so_is_asked_for_the_ref() -> Result<()>
{
    let origin = Origin::new()?;
    lengthen(&origin, 30, false)?;
    let git = GitHttp::start(origin.parent()).await?;
    let server = Hostile::http(git.address()).await?;
    let url = git.url(Origin::NAME).replace(&git.address().to_string(), &server.address().to_string());
    let options = GitOptions { deadline: Duration::from_mins(2), ..GitOptions::new(url, tag("v1")) };
    let repository = Repository::git(options)?;
    let desired = desired(&repository).await?;
    let before = server.requests();
    server.turn(&[Phase::Advertisement, Phase::Fetch], &[Act::Change(boasting)]);
    let mut claims = Claims::new(Some(repository));
    is(&turn(&mut claims, &desired, &["first"]).await, &[("first", "ours")]);
    assert_eq!(
        server.requests() - before,
        9,
        "three fetches of three requests, the second of which is refused"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_for_a_moment_is_not_written_over() -> Result<()> {
    let (folder, state) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let declare = |text: &str| -> Result<()> {
        fs::create_dir_all(folder.path().join("connectors"))?;
        fs::create_dir_all(folder.path().join("environments"))?;
        fs::write(folder.path().join(ENVIRONMENTS.0), ENVIRONMENTS.1)?;
        Ok(fs::write(folder.path().join("connectors/a.yaml"), text)?)
    };
    let repository = Repository::directory(folder.path());
    let agent = || Claims::new(None).keeping(Some(keeper(state.path(), "production", "s")));
    declare("connector: a\n---\nconnector: b\n")?;
    agent().begin(&desired(&repository).await?).await;
    // What is locked is no file: nobody can say whether another agent has it.
    let lock = fs::read_dir(state.path())?.flatten().map(|entry| entry.path());
    let lock = lock.into_iter().find(|path| path.extension().is_some_and(|one| one == "names-lock"));
    let lock = lock.context("it was locked")?;
    fs::remove_file(&lock)?;
    fs::create_dir(&lock)?;
    let mut claims = agent();
    declare("connector: b\n---\nconnector: c\n")?;
    claims.begin(&desired(&repository).await?).await;
    declare("connector: b\n")?;
    let now = desired(&repository).await?;
    is(
        &turn(&mut claims, &now, &["a", "c", "d"]).await,
        &[("a", "stranger"), ("c", "ours"), ("d", "stranger")],
    );
    fs::remove_dir(&lock)?;
    let known = [("a", "ours"), ("c", "ours"), ("d", "stranger")];
    is(&turn(&mut claims, &now, &["a", "c", "d"]).await, &known);
    drop(claims);
    let_go(state.path()).await?;
    is(&turn(&mut agent(), &now, &["a", "c", "d"]).await, &known);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_in_a_release_that_the_agent_slept_through_is_not_its_own_until_it_is_declared_again()
-> Result<()> {
    let mut origin = Origin::new()?;
    let all = "connector: given\n---\nconnector: merely-gone\n---\nconnector: back\n";
    origin.commit("declared", &[ENVIRONMENTS, ("connectors/a.yaml", all)])?;
    origin.tag("v1", "HEAD")?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = || following(server.url(Origin::NAME), tag("v1"));
    let state = tempfile::tempdir()?;
    let agent = || {
        Ok::<_, anyhow::Error>(Claims::new(Some(repository()?)).keeping(Some(keeper(
            state.path(),
            "production",
            "s",
        ))))
    };
    let mut claims = agent()?;
    claims.begin(&desired(&repository()?).await?).await;
    drop(claims);
    let_go(state.path()).await?;
    origin.commit("given away", &[("connectors/a.yaml", "forget: given\n---\nforget: back\n")])?;
    origin.commit("one is back", &[("connectors/a.yaml", "forget: given\n---\nconnector: back\n")])?;
    origin.commit("the words are gone", &[("connectors/a.yaml", "connector: stays\n")])?;
    origin.tag("v1", "HEAD")?;
    let now = desired(&repository()?).await?;
    let names = ["given", "merely-gone", "back"];
    let known = [("given", "stranger"), ("merely-gone", "ours"), ("back", "ours")];
    is(&turn(&mut agent()?, &now, &names).await, &known);
    Ok(())
}
