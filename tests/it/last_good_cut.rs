//! A write of the agent's files that ends in the middle: it is killed in it, or there is no room. The old file is
//! whole, and it counts.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use tagalong_testkit::fake::Fake;
use tempfile::TempDir;

use crate::support::agent::{Agent, wait};
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

    /// Starts the agent behind a shell that does this first.
    async fn start(&self, first: &str) -> Result<Agent> {
        let folder = self.folder.path().display();
        let script = format!("export TAGALONG_STATE_DIR='{folder}'; {first} exec \"$@\"");
        let settings = self.definitions.settings(&self.fake.url(0));
        Agent::start_behind(&["bash", "-c", &script, "bash"], &settings).await
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
async fn an_agent_without_room_for_the_file_says_so_goes_on_and_leaves_the_old_one_and_it_counts()
-> Result<()> {
    let mut story = Story::new().await?;
    // Ignored, the signal is an error of the write instead.
    let (agent, old, before) = story.began(&format!("trap '' XFSZ; ulimit -S -f {LIMIT};")).await?;
    agent.wait_for_applied(&story.release()?).await?;
    let told = || async { Ok(agent.log().contains("what was accepted could not be kept")) };
    wait("it is told", told).await?;
    assert!(story.last_good()? == before, "the old file is as it was");
    assert_eq!(story.fake.connector("orders").context("it is there")?.config["batch.size"], "7");
    agent.kill().await?;
    story.is_believed(&old).await
}
