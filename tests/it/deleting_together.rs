//! Connectors that lost their files together, more than may go at once: an answer for one makes no room for the others,
//! whoever gave it, and whoever looks next.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong_testkit::fake::Fake;
use tagalong_testkit::fake::state::WriteKind;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::command::{Desk, Said};
use crate::support::definitions::{Definitions, file_of, file_source};

/// One more than may go at once.
const LOST: [&str; 6] = ["c0", "c1", "c2", "c3", "c4", "c5"];

/// An agent that holds six deletions, the folder that it remembers in, and a person beside it.
struct Site {
    definitions: Definitions,
    fake: Fake,
    state: TempDir,
    agent: Agent,
}

impl Site {
    /// These connectors stay, and six others lose their files in one release.
    async fn losing_six_beside(stays: &[&str]) -> Result<Self> {
        let files: Vec<_> =
            stays.iter().chain(&LOST).map(|name| (file_of(name), file_source(name, ""))).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let definitions = Definitions::new(&files).await?;
        let (fake, state) = (Fake::start(1).await, TempDir::new()?);
        let agent = start(&definitions, &fake, &state).await?;
        agent.wait_for_applied(&definitions.released()?).await?;
        fake.forget();
        let mut site = Self { definitions, fake, state, agent };
        let gone = LOST.map(file_of);
        site.definitions.origin.remove("files are gone", &gone.each_ref().map(String::as_str))?;
        site.definitions.release(&[("README.md", "what is declared here\n")])?;
        site.wait_for_held(6).await?;
        Ok(site)
    }

    async fn wait_for_held(&self, count: u32) -> Result<()> {
        self.agent.wait_for_metric("tagalong_held{hold=\"too-many-deletes\"}", f64::from(count)).await
    }

    /// Applies with the agent's settings, naming one that may go.
    async fn confirm(&self, name: &str) -> Result<Said> {
        let mut desk = Desk::new(&[])?;
        desk.set("TAGALONG_STATE_DIR", &self.state.path().display().to_string());
        desk.run(&format!("apply --settings {} --confirm-delete {name}", self.agent.settings().display()))
            .await
    }

    /// Waits until whatever needs two looks would have been done, and looks that nothing was deleted beside these.
    async fn only_these_go(&self, gone: &[&str]) -> Result<()> {
        let began = Instant::now();
        wait("the second look is due", || async { Ok(began.elapsed() > Duration::from_secs(11)) }).await?;
        let cycles = "tagalong_cycle_duration_seconds_count";
        let before = self.agent.metric(cycles).await?.context("cycles are counted")?;
        self.agent.wait_for_metric_from(cycles, before + 3.0).await?;
        let written = writes(&self.fake).into_iter().filter(|(_, kind)| *kind == WriteKind::Delete);
        let deleted: Vec<_> = written.map(|(name, _)| name).collect();
        assert_eq!(deleted, gone, "{}", self.agent.log());
        Ok(())
    }
}

async fn start(definitions: &Definitions, fake: &Fake, state: &TempDir) -> Result<Agent> {
    let settings = format!("{}prune: {{policy: owned}}\n", definitions.settings(&fake.url(0)));
    Agent::start_with(&settings, &[("TAGALONG_STATE_DIR", &*state.path().to_string_lossy())]).await
}

#[tokio::test]
async fn one_that_a_person_confirms_goes_alone_also_where_the_agent_starts_anew() -> Result<()> {
    let site = Site::losing_six_beside(&["s0", "s1", "s2", "s3"]).await?;
    let said = site.confirm("c5").await?;
    assert_eq!(said.code, Some(2), "{said}");
    assert!(said.out.contains("✓ delete     c5  converged"), "{said}");
    site.wait_for_held(5).await?;
    site.only_these_go(&["c5"]).await?;
    let status = site.agent.status().await?;
    let detail = status["plan"]["held"][0]["detail"].as_str().context("a text")?;
    assert!(detail.contains("one of 6 of 10 connectors that went together"), "{detail}");

    // Who applies now knows what went before from the agent's own record.
    site.confirm("c4").await?;
    site.wait_for_held(4).await?;
    site.only_these_go(&["c5", "c4"]).await?;

    // The lock on the record is one agent's: the first one ends before the next one begins.
    let Site { definitions, fake, state, agent } = site;
    agent.end().await?;
    let agent = start(&definitions, &fake, &state).await?;
    let site = Site { definitions, fake, state, agent };
    site.wait_for_held(4).await?;
    site.only_these_go(&["c5", "c4"]).await
}

#[tokio::test]
async fn a_file_that_is_back_makes_no_room_for_the_others_and_a_tag_moved_back_ends_it() -> Result<()> {
    let mut site = Site::losing_six_beside(&[]).await?;
    let whole = site.definitions.origin.id("HEAD~2")?;
    site.definitions.release(&[(&file_of("c5"), &file_source("c5", ""))])?;
    site.wait_for_held(5).await?;
    site.only_these_go(&[]).await?;
    site.definitions.move_to(&whole)?;
    site.agent.wait_for_applied(&whole).await?;
    assert_eq!(writes(&site.fake), [], "none of them was touched");
    site.wait_for_held(0).await
}
