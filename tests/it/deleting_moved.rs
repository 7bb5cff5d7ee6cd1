//! Two repositories on one cluster, and a connector that moves from one to the other: neither deletes it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong_testkit::fake::Fake;
use tagalong_testkit::fake::state::WriteKind;
use tokio::time::Instant;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::definitions::{Definitions, file_of, file_source};

/// The repository that it leaves and the one that it goes to, each with an agent of its own and a scope.
struct Move {
    old: Definitions,
    new: Definitions,
    leaving: Agent,
    taking: Agent,
    fake: Fake,
}

impl Move {
    async fn begin() -> Result<Self> {
        let old = Definitions::new(&[
            (&file_of("old-stays"), &file_source("old-stays", "")),
            (&file_of("moves"), &file_source("moves", "")),
        ])
        .await?;
        let new = Definitions::one("new-stays", "").await?;
        let fake = Fake::start(1).await;
        let settings = |definitions: &Definitions, scope: &str| {
            format!(
                "{}prune: {{policy: owned}}\nselect: {{include: ['{scope}-*', moves]}}\n",
                definitions.settings(&fake.url(0))
            )
        };
        let leaving = Agent::start(&settings(&old, "old")).await?;
        leaving.wait_for_applied(&old.released()?).await?;
        let taking = Agent::start(&settings(&new, "new")).await?;
        taking.wait_for_applied(&new.released()?).await?;
        assert_eq!(fake.names(), ["moves", "new-stays", "old-stays"]);
        fake.forget();
        Ok(Self { old, new, leaving, taking, fake })
    }

    /// The new repository declares it.
    async fn take(&mut self) -> Result<()> {
        let commit = self.new.release(&[(&file_of("moves"), &file_source("moves", "  batch.size: 7\n"))])?;
        self.taking.wait_for_applied(&commit).await
    }

    /// The old one says that it is gone elsewhere.
    async fn forget(&mut self) -> Result<()> {
        self.old.origin.remove("it moves", &[&file_of("moves")])?;
        let commit =
            self.old.release(&[("connectors/moved.yaml", "forget: moves\nreason: team new has it\n")])?;
        self.leaving.wait_for_applied(&commit).await
    }

    /// Waits until either would have deleted it, and looks that neither has, nor anything else.
    async fn outlast(&self, written: &[WriteKind]) -> Result<()> {
        let began = Instant::now();
        let apart = || async { Ok(began.elapsed() > Duration::from_secs(13)) };
        wait("two looks are over", apart).await?;
        for agent in [&self.leaving, &self.taking] {
            let cycles = "tagalong_cycle_duration_seconds_count";
            let before = agent.metric(cycles).await?.context("cycles are counted")?;
            agent.wait_for_metric_from(cycles, before + 2.0).await?;
            let held = "tagalong_held{hold=\"too-many-deletes\"}";
            assert_eq!(agent.metric(held).await?, Some(0.0), "{}", agent.log());
        }
        assert_eq!(self.fake.names(), ["moves", "new-stays", "old-stays"]);
        let wanted: Vec<_> = written.iter().map(|kind| ("moves".to_owned(), *kind)).collect();
        assert_eq!(writes(&self.fake), wanted);
        Ok(())
    }
}

#[tokio::test]
async fn a_connector_that_moves_is_forgotten_first_and_taken_then() -> Result<()> {
    let mut site = Move::begin().await?;
    site.forget().await?;
    site.outlast(&[]).await?;
    site.take().await?;
    site.outlast(&[WriteKind::Configure]).await?;
    // And the word may go when the move is long over.
    site.old.origin.remove("it is long gone", &["connectors/moved.yaml"])?;
    let commit = site.old.release(&[("README.md", "nothing moves any more\n")])?;
    site.leaving.wait_for_applied(&commit).await?;
    site.outlast(&[WriteKind::Configure]).await
}

#[tokio::test]
async fn a_connector_that_moves_is_taken_first_and_forgotten_then() -> Result<()> {
    let mut site = Move::begin().await?;
    // Until the old one forgets it, both declare it: what they say must be the same.
    let commit = site.new.release(&[(&file_of("moves"), &file_source("moves", ""))])?;
    site.taking.wait_for_applied(&commit).await?;
    site.forget().await?;
    site.outlast(&[]).await?;
    site.take().await?;
    site.outlast(&[WriteKind::Configure]).await
}
