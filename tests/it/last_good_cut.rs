//! A write of the agent's files that ends in the middle. Who is killed in it has sent nothing of the new revision: the
//! old file is whole, and it counts. Who goes on without room, or with a folder that cannot be written, is in the
//! cluster with the new one: then the old file must not count.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::http::StatusCode;
use tagalong_testkit::fake::Fake;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::definitions::{Definitions, file_of, file_source};

/// The largest file that the agent may write, in kilobytes. It is the soft limit: the worker that reads git sets its own.
const LIMIT: &str = "128";

/// More than that as it is kept, and hardly anything in a pack.
fn large(size: usize) -> String {
    format!("{}# {}\n", file_source("orders", &format!("  batch.size: {size}\n")), "x".repeat(200_000))
}

struct Story {
    definitions: Definitions,
    fake: Fake,
    folder: TempDir,
}

impl Story {
    async fn new() -> Result<Self> {
        let definitions = Definitions::one("orders", "").await?;
        Ok(Self { definitions, fake: Fake::start(1).await, folder: tempfile::tempdir()? })
    }

    /// Starts an agent behind a shell that does this first, and has it keep something small; gives the commit and
    /// what is kept of it.
    async fn began(&self, first: &str) -> Result<(Agent, String, Vec<u8>)> {
        let agent = self.start(first).await?;
        let old = self.definitions.released()?;
        agent.wait_for_applied(&old).await?;
        Ok((agent, old, self.last_good()?))
    }

    fn last_good(&self) -> Result<Vec<u8>> {
        Ok(fs::read(self.file("last-good").context("something is kept")?)?)
    }

    /// Releases something that is too large.
    fn release(&mut self) -> Result<String> {
        self.definitions.release(&[(&file_of("orders"), &large(7))])
    }

    /// An agent that has applied something large and had no room to keep it.
    async fn full(&mut self) -> Result<Agent> {
        // Ignored, the signal is an error of the write instead.
        let (agent, ..) = self.began(&format!("trap '' XFSZ; ulimit -S -f {LIMIT};")).await?;
        agent.wait_for_applied(&self.release()?).await?;
        let told = || async { Ok(agent.log().contains("what was accepted could not be kept")) };
        wait("it is told", told).await?;
        assert_eq!(self.fake.connector("orders").context("it is there")?.config["batch.size"], "7");
        Ok(agent)
    }

    /// Starts the agent behind a shell that does this first.
    async fn start(&self, first: &str) -> Result<Agent> {
        self.start_behind(&["bash", "-c"], &format!("{first} exec \"$@\"")).await
    }

    async fn start_behind(&self, words: &[&str], script: &str) -> Result<Agent> {
        let script = format!("export TAGALONG_STATE_DIR='{}'; {script}", self.folder.path().display());
        let settings = self.definitions.settings(&self.fake.url(0));
        Agent::start_behind(&[words, &[&script, "bash"]].concat(), &settings).await
    }

    fn file(&self, ending: &str) -> Option<PathBuf> {
        let paths = fs::read_dir(self.folder.path()).ok()?.flatten().map(|entry| entry.path());
        paths.into_iter().find(|path| path.extension().is_some_and(|one| one == ending))
    }

    /// What the next one begins with, while git is away.
    async fn is_believed(&self, commit: &str) -> Result<()> {
        self.definitions.http.fail(StatusCode::INTERNAL_SERVER_ERROR);
        let agent = self.start("").await?;
        let stale = "tagalong_repository_state{repository=\"main\",state=\"stale\"}";
        agent.wait_for_metric(stale, 1.0).await?;
        let validated = agent.status().await?["clocks"]["validated"].to_string();
        assert!(validated.contains(commit), "{validated}: {}", agent.log());
        agent.kill().await?;
        self.definitions.http.heal();
        let agent = self.start("").await?;
        agent.wait_for_applied(&self.definitions.released()?).await
    }
}

#[tokio::test]
async fn an_agent_that_is_killed_in_the_middle_of_the_write_leaves_the_old_file_and_it_counts() -> Result<()>
{
    let mut story = Story::new().await?;
    // The kernel kills whoever writes past the limit, in the write: SIGXFSZ.
    let (mut agent, old, before) = story.began(&format!("ulimit -c 0; ulimit -S -f {LIMIT};")).await?;
    story.release()?;
    assert_eq!(agent.fallen().await?, Some(25), "{}", agent.log());
    let half = story.file("new").context("it was killed while it wrote beside")?;
    assert_eq!(fs::metadata(half)?.len(), 128 * 1024, "as much as there was room for");
    assert!(story.last_good()? == before, "the old file is as it was");
    assert_eq!(story.fake.connector("orders").context("it is there")?.config.get("batch.size"), None);
    story.is_believed(&old).await
}

#[tokio::test]
async fn what_an_agent_without_room_kept_before_is_not_believed_by_the_next_one() -> Result<()> {
    let mut story = Story::new().await?;
    let agent = story.full().await?;
    assert!(story.file("last-good").is_none(), "it was accepted before what is in the cluster now");
    assert!(story.file("new").is_none(), "half of a file takes room, too");
    agent.kill().await?;
    story.fake.forget();

    story.definitions.http.fail(StatusCode::INTERNAL_SERVER_ERROR);
    let agent = story.start("").await?;
    let unreachable = "tagalong_repository_state{repository=\"main\",state=\"unreachable\"}";
    agent.wait_for_metric(unreachable, 1.0).await?;
    sleep(Duration::from_secs(7)).await;
    assert_eq!(agent.status().await?["clocks"]["validated"], serde_json::Value::Null, "{}", agent.log());
    assert_eq!(writes(&story.fake), [], "nothing is taken back");
    Ok(())
}

#[tokio::test]
async fn what_could_not_be_kept_is_kept_when_there_is_room_again_and_both_are_told_once() -> Result<()> {
    let mut story = Story::new().await?;
    let agent = story.full().await?;
    let polls = "tagalong_repository_polls_total{outcome=\"noop\",repository=\"main\"}";
    let before = agent.metric(polls).await?.context("polls are counted")?;
    agent.wait_for_metric_from(polls, before + 4.0).await?;
    let pid = agent.pid().to_string();
    let more = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status()?;
    ensure!(more.success(), "prlimit gives it room");
    wait("it is kept", || async { Ok(story.file("last-good").is_some()) }).await?;
    wait("it is told", || async { Ok(agent.log().contains("what was accepted last is kept now")) }).await?;
    assert_eq!(agent.log().matches("what was accepted could not be kept").count(), 1, "{}", agent.log());
    agent.kill().await?;
    story.is_believed(&story.definitions.released()?).await
}

/// A shell's words that make a folder one that cannot be written, as soon as there is a file elsewhere, and take that away
/// then; `None` where this machine allows nobody to do that.
fn frozen(folder: &Path, sign: &Path) -> Option<String> {
    let (folder, sign) = (folder.display(), sign.display());
    let mount = format!("mount --bind '{folder}' '{folder}'");
    // Another mount on top: the one below has a lock open.
    let freeze = format!("{mount} && mount -o remount,ro,bind '{folder}'");
    let words = ["--user", "--map-root-user", "--mount", "bash", "-c"];
    let may = Command::new("unshare").args(words).arg(&freeze).output();
    let wait = format!(
        "for i in $(seq 600); do if [ -e '{sign}' ]; then {freeze} && rm '{sign}'; exit; fi; sleep 0.1; done"
    );
    let script = format!("({wait}) & exec \"$@\"");
    may.is_ok_and(|may| may.status.success()).then_some(script)
}

#[tokio::test]
async fn what_can_neither_be_replaced_nor_taken_away_is_told_with_what_a_start_would_bring_back() -> Result<()>
{
    let mut story = Story::new().await?;
    let beside = tempfile::tempdir()?;
    let sign = beside.path().join("freeze");
    let Some(script) = frozen(story.folder.path(), &sign) else {
        // The same of one keeper, without a file system of its own: `kept::tests`.
        return story.full().await.map(drop);
    };
    let words = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c"];
    let agent = story.start_behind(&words, &script).await?;
    let old = story.definitions.released()?;
    agent.wait_for_applied(&old).await?;
    let before = story.last_good()?;
    fs::write(&sign, "")?;
    wait("it is read-only", || async { Ok(!sign.exists()) }).await?;
    agent.wait_for_applied(&story.release()?).await?;
    let told = || async { Ok(agent.log().contains("it cannot be taken away")) };
    wait("it is told", told).await?;
    let log = agent.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("it cannot be taken away")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains(&format!("v1 at {}", &old[..7])), "which revision: {}", lines[0]);
    assert!(lines[0].contains("remove the file before the agent is started anew"), "{}", lines[0]);
    assert!(story.last_good()? == before, "it could not be touched");
    Ok(())
}
