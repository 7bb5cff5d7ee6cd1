//! Servers that are slow, or never come to an end: everything ends at the deadline, and nothing is
//! left running.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::try_join_all;
use tagalong::model::report::Class;
use tagalong::model::revision::Reference;
use tagalong::repo::Repository;
use tagalong::repo::error::Error;
use tagalong::repo::options::GitOptions;
use tagalong::repo::problem::Doing;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::repo::{FILE, look, noise, tag};
use crate::repo_wire::{Play, Scripted, Seen, head, packet};
use crate::support::authority::Authority;

/// Long enough that a look gets to where a server stalls, however busy the machine is.
const DEADLINE: Duration = Duration::from_secs(15);

/// Who begins to count anew at each phase, or at each byte, comes to more.
const LATEST: Duration = DEADLINE.saturating_mul(2);

const RESULT: &str = "application/x-git-upload-pack-result";
const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";

fn hurried(url: impl Into<String>) -> Result<Repository, Error> {
    Repository::git(GitOptions { deadline: DEADLINE, ..GitOptions::new(url, tag("v1")) })
}

/// Looks, and expects to give up in time.
async fn gives_up(what: &str, repository: &Repository) {
    let begun = Instant::now();
    let error = look(repository).await.expect_err(what);
    let took = begun.elapsed();
    assert!(matches!(error, Error::TimedOut { .. }), "{what}: {error:?}");
    assert_eq!(error.class(), Class::TimedOut);
    assert!(took >= DEADLINE && took < LATEST, "{what}: {took:?}");
}

async fn real() -> Result<(Origin, GitHttp, SocketAddr)> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "1")])?;
    origin.tag("v1", "HEAD")?;
    let git = GitHttp::start(origin.parent()).await?;
    let url = git.url("");
    let address = url.trim_start_matches("http://").trim_end_matches('/').parse()?;
    Ok((origin, git, address))
}

#[tokio::test]
async fn a_server_that_stalls_anywhere_is_given_up_at_the_deadline() -> Result<()> {
    let (_origin, _git, to) = real().await?;
    let stalls = ["question", "advertisement", "fetch"].map(|stall| [(stall, false), (stall, true)]);
    let all = stalls.into_iter().flatten().map(async |(stall, begun)| {
        let server = Scripted::http(move |request| {
            let (here, kind) = phase(request);
            match (here == stall, begun) {
                (false, _) => vec![Play::Forward { to, old: false }],
                (true, false) => vec![Play::Hang],
                (true, true) => {
                    vec![Play::Send([head(kind), packet(b"NAK\n")[..6].to_vec()].concat()), Play::Hang]
                }
            }
        })
        .await?;
        let what = format!("{stall}, {}", if begun { "begun" } else { "silent" });
        gives_up(&what, &hurried(server.url(Origin::NAME))?).await;
        assert!(server.seen().iter().any(|request| phase(request).0 == stall), "{what}: it got there");
        anyhow::Ok(())
    });
    try_join_all(all).await.map(drop)
}

/// Where in a look a request stands, and the type of its answer.
fn phase(request: &Seen) -> (&'static str, &'static str) {
    match () {
        () if request.is_question() => ("question", RESULT),
        () if request.is_advertisement() => ("advertisement", ADVERTISEMENT),
        () => ("fetch", RESULT),
    }
}

// A limit on each read, as HTTP libraries have it, would never see this end.
#[tokio::test]
async fn a_server_that_drips_is_given_up_at_the_deadline() -> Result<()> {
    let (_origin, _git, to) = real().await?;
    let rest = Duration::from_millis(500);
    let all = ["question", "advertisement", "fetch"].map(async |drip| {
        let server = Scripted::http(move |request| {
            let line = packet(format!("{} refs/tags/v1\n", "a".repeat(40)).as_bytes()).repeat(10);
            let (here, kind) = phase(request);
            let body = match here {
                "question" => line,
                "advertisement" => [packet(b"# service=git-upload-pack\n"), b"0000".to_vec(), line].concat(),
                // What is shallow is said first, where it is asked for: nothing is.
                _ => [b"0000".to_vec(), packet(b"NAK\n"), packet(&[2; 500])].concat(),
            };
            if here == drip {
                vec![Play::Send(head(kind)), Play::Drip(body, rest)]
            } else {
                vec![Play::Forward { to, old: false }]
            }
        })
        .await?;
        gives_up(drip, &hurried(server.url(Origin::NAME))?).await;
        anyhow::Ok(())
    });
    try_join_all(all).await.map(drop)
}

#[tokio::test]
async fn a_slow_daemon_is_given_up_at_the_deadline() -> Result<()> {
    let both = [false, true].map(async |drips| {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            let mut request = [0; 200];
            let _ = stream.read(&mut request).await?;
            let line = packet(format!("{} refs/tags/v1\n", "a".repeat(40)).as_bytes()).repeat(10);
            for byte in line {
                if !drips {
                    std::future::pending::<()>().await;
                }
                stream.write_all(&[byte]).await?;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            anyhow::Ok(())
        });
        gives_up("a daemon", &hurried(format!("git://{address}/x"))?).await;
        serving.abort();
        anyhow::Ok(())
    });
    try_join_all(both).await.map(drop)
}

#[tokio::test]
async fn a_daemon_that_stalls_in_the_pack_is_given_up_at_the_deadline() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let id = "a".repeat(40);
    let line = packet(format!("{id} refs/tags/v1\0side-band-64k shallow\n").as_bytes());
    let serving = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await?;
            stream.write_all(&[&line[..], b"0000"].concat()).await?;
            open.push(stream);
        }
        #[expect(unreachable_code, reason = "names the type of the error")]
        anyhow::Ok(())
    });
    gives_up("a daemon", &hurried(format!("git://{address}/x"))?).await;
    serving.abort();
    Ok(())
}

#[tokio::test]
async fn a_server_that_stalls_in_the_middle_of_a_pack_is_given_up_at_the_deadline() -> Result<()> {
    let authority = Authority::new()?;
    let (mut origin, _git, to) = real().await?;
    origin.commit("second", &[("large", &noise(400_000))])?;
    origin.tag("v1", "HEAD")?;
    let is_for_pack = |seen: &Seen| seen.body.ends_with(b"0009done\n");
    let script = move |request: &Seen| {
        if is_for_pack(request) {
            vec![Play::Half { to }, Play::Hang]
        } else {
            vec![Play::Forward { to, old: false }]
        }
    };
    let whole = DEADLINE;
    let stalled = async |server: Scripted| {
        let within = |deadline| {
            Repository::git(GitOptions {
                deadline,
                ca_file: Some(authority.file()),
                ..GitOptions::new(server.url(Origin::NAME), tag("v1"))
            })
        };
        let revision = within(4 * whole)?.resolve().await?.revision;
        let begun = Instant::now();
        let error = within(whole)?.read(&revision).await.expect_err("half a pack is none");
        let took = begun.elapsed();
        assert!(matches!(error, Error::TimedOut { doing: Doing::Fetching, .. }), "{error:?}");
        assert!(took >= whole && took < LATEST, "{took:?}");
        assert!(server.seen().iter().any(is_for_pack), "it was fetching");
        anyhow::Ok(())
    };
    let (plain, tls) = (Scripted::http(script).await?, Scripted::https(&authority, script).await?);
    tokio::try_join!(stalled(plain), stalled(tls))?;
    Ok(())
}

// `Handle::block_on` on a blocking thread works only while somebody drives the runtime.
#[test]
fn a_fetch_works_on_a_current_thread_runtime_while_its_thread_does_other_work() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (_origin, git, _) = real().await?;
        let repository = hurried(git.url(Origin::NAME))?;
        let ticking = tokio::spawn(async {
            let mut ticks = 0;
            loop {
                tokio::time::sleep(Duration::from_millis(5)).await;
                ticks += 1;
                if ticks == 20 {
                    return ticks;
                }
            }
        });
        assert_eq!(look(&repository).await?.0, "1");
        assert_eq!(ticking.await?, 20);
        Ok(())
    })
}

// The end of a runtime waits for its blocking threads.
#[test]
fn the_agent_ends_at_once_though_a_fetch_hangs() -> Result<()> {
    let helping = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (_origin, _git, server) = helping.block_on(async {
        let (origin, git, to) = real().await?;
        let server = Scripted::http(move |request| {
            if request.is_question() { vec![Play::Forward { to, old: false }] } else { vec![Play::Hang] }
        })
        .await?;
        anyhow::Ok((origin, git, server))
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = GitOptions {
            deadline: Duration::from_hours(1),
            ..GitOptions::new(server.url(Origin::NAME), tag("v1"))
        };
        let repository = Repository::git(options)?;
        let revision = repository.resolve().await?.revision;
        tokio::select! {
            read = repository.read(&revision) => panic!("it hangs: {read:?}"),
            () = fetches(&server) => {}
        }
        anyhow::Ok(())
    })?;
    let begun = Instant::now();
    drop(runtime);
    assert!(begun.elapsed() < Duration::from_mins(1), "the deadline is in an hour: {:?}", begun.elapsed());
    Ok(())
}

/// Waits until a fetch has reached a server. After a time alone a busy machine may not have begun one.
async fn fetches(server: &Scripted) {
    while server.seen().iter().all(Seen::is_question) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A server that hangs in every fetch until it is healed.
async fn healing(to: SocketAddr) -> Result<(Scripted, Arc<AtomicBool>)> {
    let slow = Arc::new(AtomicBool::new(true));
    let is_slow = Arc::clone(&slow);
    let server = Scripted::http(move |request| {
        if !request.is_question() && is_slow.load(Ordering::Relaxed) {
            vec![Play::Hang]
        } else {
            vec![Play::Forward { to, old: false }]
        }
    })
    .await?;
    Ok((server, slow))
}

#[tokio::test]
async fn a_fetch_that_nobody_waits_for_any_more_ends_at_once() -> Result<()> {
    let (_origin, _git, to) = real().await?;
    let (server, slow) = healing(to).await?;
    let repository = Repository::git(GitOptions {
        deadline: Duration::from_hours(1),
        ..GitOptions::new(server.url(Origin::NAME), tag("v1"))
    })?;
    tokio::select! {
        found = look(&repository) => panic!("it hangs: {found:?}"),
        () = fetches(&server) => {}
    }
    slow.store(false, Ordering::Relaxed);
    // libgit2 runs once at a time, so this one waits for the other's end.
    let next = timeout(Duration::from_mins(1), look(&repository)).await;
    assert_eq!(next.expect("the deadline is in an hour")?.0, "1");
    Ok(())
}

#[tokio::test]
async fn after_a_fetch_that_was_given_up_the_next_one_works() -> Result<()> {
    let (_origin, _git, to) = real().await?;
    let (server, slow) = healing(to).await?;
    let scratch = tempfile::tempdir()?;
    let repository = Repository::git(GitOptions {
        deadline: DEADLINE,
        scratch: Some(scratch.path().into()),
        ..GitOptions::new(server.url(Origin::NAME), Reference::Tag("v1".into()))
    })?;
    gives_up("slow", &repository).await;
    slow.store(false, Ordering::Relaxed);
    assert_eq!(look(&repository).await?.0, "1");
    assert_eq!(std::fs::read_dir(scratch.path())?.count(), 0);
    Ok(())
}
