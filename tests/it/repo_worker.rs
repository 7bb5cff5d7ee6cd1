//! The process that reads git, as the system sees it: what it may take, that it can be killed at any
//! moment, and that nothing of it is ever left.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong::repo::Repository;
use tagalong::repo::options::GitOptions;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::git::hostile::{Act, Hostile, Phase};
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;
use tokio::time::sleep;

use crate::repo::tag;
use crate::repo_http::{RESULT, address, origin};
use crate::repo_wire::{Play, Scripted, head, packet};
use crate::support::agent::{Agent, tagalong, wait};
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::process::{children, descriptors, field, lives, signal, workers};

const NOOPS: &str = "tagalong_repository_polls_total{outcome=\"noop\",repository=\"main\"}";

/// An agent whose worker waits for a server that never answers a fetch, and the worker.
struct Stuck {
    agent: Agent,
    worker: u32,
    _server: Scripted,
    _git: GitHttp,
    _definitions: Definitions,
    _fake: Fake,
}

impl Stuck {
    async fn begin() -> Result<Self> {
        let definitions = Definitions::one("orders", "").await?;
        let fake = Fake::start(1).await;
        let (origin, _) = origin()?;
        let git = GitHttp::start(origin.parent()).await?;
        let to =
            definitions.url().trim_start_matches("http://").split('/').next().context("a host")?.parse()?;
        let server = Scripted::http(move |request| {
            if request.is_question() || request.is_advertisement() {
                vec![Play::Forward { to, old: false }]
            } else {
                // Not a packet of it: the wrong one would end the look at once.
                vec![Play::Send(head(RESULT)), Play::Hang]
            }
        })
        .await?;
        let path = definitions.url();
        let path = path.trim_start_matches("http://").split_once('/').context("a path")?.1.to_owned();
        let settings = definitions.settings(&fake.url(0)).replace(&definitions.url(), &server.url(&path));
        let agent = Agent::start(&settings).await?;
        let pid = agent.pid();
        let is_there = || async { Ok(workers(pid).iter().any(|worker| is_set(*worker))) };
        wait("a worker waits for the server", is_there).await?;
        let worker = workers(pid)[0];
        Ok(Self { agent, worker, _server: server, _git: git, _definitions: definitions, _fake: fake })
    }
}

/// Whether a worker has set its limits, which it does first.
fn is_set(worker: u32) -> bool {
    field(worker, "NoNewPrivs:").as_deref() == Some("1")
}

#[tokio::test]
async fn a_worker_has_its_limits() -> Result<()> {
    let stuck = Stuck::begin().await?;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", stuck.worker))?;
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel says");
        line.split_whitespace().next().map(ToOwned::to_owned)
    };
    for (name, most) in [
        ("Max address space", "268435456"),
        ("Max file size", "134217728"),
        ("Max cpu time", "20"),
        ("Max open files", "256"),
        ("Max core file size", "0"),
    ] {
        assert_eq!(limit(name).as_deref(), Some(most), "{name}: {limits}");
    }
    Ok(())
}

#[tokio::test]
async fn a_worker_goes_with_its_agent() -> Result<()> {
    let stuck = Stuck::begin().await?;
    signal(stuck.agent.pid(), "KILL")?;
    let worker = stuck.worker;
    wait("the worker is gone too", || async { Ok(!lives(worker)) }).await
}

// It does not read, so it does not see that nobody is at the other end.
#[tokio::test]
async fn a_worker_that_was_stopped_goes_with_its_agent_too() -> Result<()> {
    let stuck = Stuck::begin().await?;
    let worker = stuck.worker;
    signal(worker, "STOP")?;
    signal(stuck.agent.pid(), "KILL")?;
    wait("the worker is gone too", || async { Ok(!lives(worker)) }).await
}

#[tokio::test]
async fn an_agent_that_is_told_to_end_takes_its_worker_along_at_once() -> Result<()> {
    let stuck = Stuck::begin().await?;
    signal(stuck.worker, "STOP")?;
    let worker = stuck.worker;
    let (status, took) = stuck.agent.end().await?;
    assert!(status.success() && took < Duration::from_secs(7), "{status} {took:?}");
    wait("the worker is gone too", || async { Ok(!lives(worker)) }).await
}

#[tokio::test]
async fn a_worker_that_is_killed_or_stopped_costs_one_look_and_leaves_no_process() -> Result<()> {
    for name in ["KILL", "SEGV", "STOP"] {
        let stuck = Stuck::begin().await?;
        let (agent, worker) = (&stuck.agent, stuck.worker);
        signal(worker, name)?;
        wait("it is gone, and waited for", || async { Ok(field(worker, "State:").is_none()) }).await?;
        let pid = agent.pid();
        let is_next = || async { Ok(workers(pid).iter().any(|next| *next != worker && is_set(*next))) };
        wait("the next look has a worker of its own", is_next).await?;
        let running = workers(agent.pid());
        assert_eq!(running.len(), 1, "{name}: there is never a second one: {running:?}");
    }
    Ok(())
}

#[test]
fn a_worker_closes_what_it_inherits() -> Result<()> {
    let (mut ours, theirs) = UnixStream::pair()?;
    // The ninth descriptor is what this reads from; the worker itself lives as long as its wire.
    let mut worker = Command::new("sh")
        .args(["-c", "exec \"$0\" git-worker 256 9>&1 1>/dev/null"])
        .arg(tagalong().as_std().get_program())
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .spawn()?;
    let mut pipe = worker.stdout.take().context("a pipe")?;
    let (tell, told) = mpsc::channel();
    let reading = thread::spawn(move || tell.send(pipe.read_to_end(&mut Vec::new()).unwrap_or(usize::MAX)));
    let closed = told.recv_timeout(Duration::from_mins(1));
    if closed.is_err() {
        worker.kill()?;
    }
    assert_eq!((closed, worker.try_wait()?), (Ok(0), None), "it closed the pipe, and lives");
    reading.join().expect("it ends").ok().context("somebody heard it")?;
    // It says that it is there, which nobody reads to the end.
    ours.read_exact(&mut [0; 8])?;
    drop(ours);
    assert!(worker.wait()?.success(), "it ends when its wire is closed");
    Ok(())
}

// Many a machine allows none to begin with, and its limits tell nothing then.
#[test]
fn a_worker_leaves_no_core_though_the_agent_may() -> Result<()> {
    let (mut ours, theirs) = UnixStream::pair()?;
    let mut worker = Command::new("sh")
        .args(["-c", "ulimit -S -c \"$(ulimit -H -c)\"; exec \"$0\" git-worker 256"])
        .arg(tagalong().as_std().get_program())
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .spawn()?;
    // Its first word says that the limits are set.
    ours.read_exact(&mut [0; 8])?;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", worker.id()))?;
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size"));
    let core: Vec<_> = core.context("the kernel says")?.split_whitespace().take(2).collect();
    assert_eq!(core, ["0", "0"], "{limits}");
    drop(ours);
    worker.wait().map(drop).map_err(Into::into)
}

/// A user who owns nothing, for a test that is run by root.
const NOBODY: u32 = 65_534;

// What the system shows of a process belongs to its user where it may be dumped, else to root; then no other process
// of that user reads its memory.
#[test]
fn a_worker_shows_its_memory_to_no_other_process_of_its_user() -> Result<()> {
    let own = rustix::process::geteuid();
    let user = if own.is_root() { NOBODY } else { own.as_raw() };
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    let program = folder.path().join("tagalong");
    // By another process: one that this process writes may be busy when it is started. A program that its user
    // cannot read would be hidden anyway.
    let mut copy = Command::new("install");
    copy.args(["-m", "755"]).arg(tagalong().as_std().get_program()).arg(&program);
    ensure!(copy.status()?.success(), "a copy");
    for (program, arguments, owner) in
        [(Path::new("cat"), &[][..], user), (&program, &["git-worker", "256"][..], 0)]
    {
        let (mut ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null());
        if own.is_root() {
            command.uid(user);
        }
        let mut process = command.spawn()?;
        if !arguments.is_empty() {
            // Its first word says that the limits are set.
            ours.read_exact(&mut [0; 8])?;
        }
        let shown = std::fs::metadata(format!("/proc/{}/mem", process.id()))?;
        drop(ours);
        process.wait()?;
        assert_eq!(shown.uid(), owner, "{}", program.display());
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_call_of_an_agent_is_no_worker() -> Result<()> {
    for arguments in [&["git-worker"][..], &["git-worker", "many"], &["git-worker", "256", "x"]] {
        let output = tagalong().args(arguments).output().await?;
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
    }
    Ok(())
}

#[tokio::test]
async fn whenever_a_worker_is_killed_the_look_fails_by_name_and_the_next_one_works() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let pid = agent.pid();
    for round in 0..12 {
        let commit = definitions.release(&[(
            &file_of("orders"),
            &file_source("orders", &format!("  batch.size: {}\n", round + 1)),
        )])?;
        let begun = || async { Ok(!workers(pid).is_empty()) };
        wait("a worker begins", begun).await?;
        sleep(Duration::from_millis(fastrand::u64(0..40))).await;
        for worker in workers(pid) {
            // It may have ended by itself.
            let _ = signal(worker, "KILL");
        }
        agent.wait_for_applied(&commit).await?;
    }
    let left = children(pid);
    assert!(left.iter().all(|child| lives(*child)), "{left:?}");
    Ok(())
}

/// What an agent holds: children, descriptors, megabytes.
fn held(agent: &Agent) -> Result<(usize, usize, f64)> {
    Ok((children(agent.pid()).len(), descriptors(agent.pid())?, agent.held()?))
}

#[tokio::test]
async fn fetch_after_fetch_leaves_nothing_behind() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let scratch = tempfile::tempdir()?;
    let settings = definitions.settings(&fake.url(0));
    let variables = [("TMPDIR", scratch.path().to_str().context("a path")?)];
    let agent = Agent::start_with(&settings, &variables).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let mut before = None;
    for round in 0..60 {
        let text = file_source("orders", &format!("  batch.size: {}\n", round % 9 + 1));
        let commit = definitions.release(&[(&file_of("orders"), &text)])?;
        agent.wait_for_applied(&commit).await?;
        if round == 20 {
            before = Some(held(&agent)?);
        }
    }
    let noops = agent.metric(NOOPS).await?.context("they are counted")?;
    agent.wait_for_metric_from(NOOPS, noops + 1.0).await?;
    let (before, now) = (before.context("it was looked at")?, held(&agent)?);
    assert_eq!(now.0, 0, "no child");
    assert!(now.1 <= before.1 + 3, "descriptors: {before:?}, {now:?}");
    assert!(now.2 < before.2 + 3.0, "memory: {before:?}, {now:?}");
    assert_eq!(std::fs::read_dir(scratch.path())?.count(), 0, "no scratch file");
    Ok(())
}

/// The children of this process that are dead and not waited for, or are in a folder.
fn left_in(folder: &Path) -> Vec<u32> {
    let is_there = |child: &u32| {
        let place = std::fs::read_link(format!("/proc/{child}/cwd"));
        !lives(*child) || place.is_ok_and(|place| place.starts_with(folder))
    };
    children(std::process::id()).into_iter().filter(is_there).collect()
}

#[tokio::test]
#[ignore = "long: ten thousand looks, five minutes"]
#[expect(clippy::print_stdout, reason = "the figures are what a report wants")]
async fn ten_thousand_looks_leave_nothing_behind() -> Result<()> {
    let (mut origin, commit) = origin()?;
    let scratch = tempfile::tempdir()?;
    let git = GitHttp::start(origin.parent()).await?;
    let server = Hostile::http(address(&git)).await?;
    let mut options = GitOptions::new(format!("http://{}/{}", server.address(), Origin::NAME), tag("v1"));
    options.scratch = Some(scratch.path().into());
    let repository = Repository::git(options)?;
    let own = std::process::id();
    let (mut before, mut fetched) = (None, 0);
    for round in 0..10_000 {
        if round % 10 == 0 {
            let tag = origin.annotated_tag("v1", "HEAD", &round.to_string())?;
            // What git would say, without a process for each look.
            let line = packet(format!("{tag} refs/tags/v1 peeled:{commit}\n").as_bytes());
            let listed = Act::Send([head(RESULT), line, b"0000".to_vec()].concat());
            server.turn(&[Phase::Question], &[listed]);
            git.clear();
        }
        let revision = repository.resolve().await?.revision;
        if round % 10 == 0 {
            fetched += repository.read(&revision).await?.snapshot.files.len();
        }
        if round % 2_500 == 500 || round == 9_999 {
            let nothing = || async { Ok(left_in(scratch.path()).is_empty()) };
            wait("no worker is left, alive or dead", nothing).await?;
            let memory = field(own, "VmRSS:").context("the kernel says")?;
            let memory: f64 = memory.trim_end_matches(" kB").parse::<f64>()? / 1024.0;
            let (open, files) = (descriptors(own)?, std::fs::read_dir(scratch.path())?.count());
            println!("{round} looks: {memory:.1} MB, {open} descriptors, {files} files of scratch");
            assert_eq!(files, 0, "no scratch file");
            let (first, was) = *before.get_or_insert((memory, open));
            assert!(open <= was + 3, "descriptors: {was}, {open}");
            assert!(memory < first + 4.0, "memory: {first}, {memory}");
        }
    }
    assert_eq!(fetched, 1_000);
    Ok(())
}

/// The most address space that any worker of this process takes meanwhile, in MiB.
async fn most_memory<T>(during: impl Future<Output = Result<T>>) -> Result<u64> {
    let (end, ended) = mpsc::channel::<()>();
    let own = std::process::id();
    let watching = thread::spawn(move || {
        let mut most = 0;
        while ended.recv_timeout(Duration::from_millis(2)) == Err(RecvTimeoutError::Timeout) {
            for worker in workers(own).into_iter().filter(|worker| is_set(*worker)) {
                let peak =
                    field(worker, "VmPeak:").and_then(|peak| peak.trim_end_matches(" kB").parse().ok());
                most = most.max(peak.unwrap_or(0_u64) / 1024);
            }
        }
        most
    });
    let done = during.await;
    drop(end);
    let most = watching.join().expect("it ends");
    done.map(|_| most)
}

#[tokio::test]
#[ignore = "long: the largest repository that may be read"]
async fn the_largest_repository_takes_half_of_what_a_worker_may_have() -> Result<()> {
    let mut origin = Origin::new()?;
    let mut random = fastrand::Rng::with_seed(3);
    let mut bytes =
        |count: usize| std::iter::repeat_with(|| random.alphanumeric()).take(count).collect::<String>();
    for number in 0..9_999 {
        let path = origin.work_tree().join(format!("connectors/{:02}/{number:04}.yaml", number % 100));
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        std::fs::write(path, bytes(1_670))?;
    }
    // What else may stand in a pack that is just small enough.
    std::fs::write(origin.work_tree().join("large.bin"), bytes(60 * 1024 * 1024))?;
    origin.commit_work_tree("all that may be")?;
    origin.tag("v1", "HEAD")?;
    let server = GitHttp::start(origin.parent()).await?;
    let local = origin.path().display().to_string();
    for (url, limit) in [(server.url(Origin::NAME), 256), (local, 1024)] {
        let mut options = GitOptions::new(url.clone(), tag("v1"));
        options.deadline = Duration::from_mins(2);
        let repository = Repository::git(options)?;
        let most = most_memory(async {
            let revision = repository.resolve().await?.revision;
            let reading = repository.read(&revision).await?;
            assert_eq!((reading.snapshot.files.len(), reading.snapshot.findings.len()), (9_999, 0));
            Ok(())
        })
        .await?;
        assert!(most > 10 && most < limit * 6 / 10, "{url}: {most} MiB of {limit}");
    }
    Ok(())
}
