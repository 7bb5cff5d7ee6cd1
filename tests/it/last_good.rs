//! An agent that is killed and started again: what was accepted last is in force before git has answered,
//! and what was known of the repository's past still is.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::fake::state::WriteKind;
use tempfile::TempDir;
use tokio::time::{Duration, sleep};

use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::platform::{Platform, TEMPLATE, template};

/// That the connector drifts.
pub const DRIFTED: &str = "tagalong_connector_sync_state{connector=\"orders\",state=\"config_drift\"}";

/// How a repository fares.
pub fn state(repository: &str, state: &str) -> String {
    format!("tagalong_repository_state{{repository=\"{repository}\",state=\"{state}\"}}")
}

fn polls(outcome: &str) -> String {
    format!("tagalong_repository_polls_total{{outcome=\"{outcome}\",repository=\"main\"}}")
}

/// A repository, a cluster, and a folder that outlives the agents.
pub struct Story {
    /// What is followed.
    pub definitions: Definitions,
    /// The cluster.
    pub fake: Fake,
    /// Where what is kept lies.
    pub folder: TempDir,
    /// Those of each agent.
    pub settings: String,
}

impl Story {
    /// Begins with one connector.
    pub async fn new() -> Result<Self> {
        Self::of(Definitions::one("orders", "").await?).await
    }

    /// Begins with these definitions.
    pub async fn of(definitions: Definitions) -> Result<Self> {
        let fake = Fake::start(1).await;
        let settings = definitions.settings(&fake.url(0));
        Ok(Self { definitions, fake, folder: tempfile::tempdir()?, settings })
    }

    /// Starts an agent.
    pub async fn start(&self) -> Result<Agent> {
        let folder = self.folder.path().to_string_lossy();
        Agent::start_with(&self.settings, &[("TAGALONG_STATE_DIR", &folder)]).await
    }

    /// Has an agent apply what is released, and kills it.
    pub async fn accept(&self) -> Result<()> {
        let agent = self.start().await?;
        agent.wait_for_applied(&self.definitions.released()?).await?;
        agent.kill().await?;
        self.fake.forget();
        Ok(())
    }

    /// Changes the connector by hand.
    pub fn drift(&self) {
        self.fake.edit("orders", |config| {
            config.insert("topic".into(), "elsewhere".into());
        });
    }

    /// What a key of the connector says.
    pub fn key(&self, key: &str) -> Option<String> {
        self.fake.connector("orders")?.config.get(key).cloned()
    }

    fn release(&mut self, more: &str) -> Result<String> {
        self.definitions.release(&[(&file_of("orders"), &file_source("orders", more))])
    }

    /// The file of the agent.
    pub fn file(&self) -> Result<PathBuf> {
        let paths = fs::read_dir(self.folder.path())?.flatten().map(|entry| entry.path());
        let kept = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "last-good");
        paths.into_iter().find(kept).context("something is kept")
    }
}

/// What it warned of.
pub fn warnings(agent: &Agent, text: &str) -> Vec<String> {
    let log = agent.log();
    let told = log.lines().filter(|line| line.contains("\"level\":\"WARN\"") && line.contains(text));
    told.map(str::to_owned).collect()
}

#[tokio::test]
async fn drift_is_measured_at_once_and_put_right_after_five_intervals_while_git_is_away() -> Result<()> {
    let story = Story::new().await?;
    story.accept().await?;
    story.definitions.http.fail(StatusCode::INTERNAL_SERVER_ERROR);
    story.drift();
    let agent = story.start().await?;
    agent.wait_for_metric(DRIFTED, 1.0).await?;
    agent.wait_for_metric(&state("main", "stale"), 1.0).await?;
    assert_eq!(writes(&story.fake), [], "git may be back in a moment");
    let status = agent.status().await?;
    let commit = story.definitions.released()?;
    assert!(status["clocks"]["validated"].to_string().contains(&commit), "{status}");
    assert_eq!(status["repositories"][0]["failure"]["class"], "unreachable");

    wait("drift is put right", || async { Ok(story.key("topic").as_deref() == Some("orders")) }).await?;
    assert_eq!(writes(&story.fake), [("orders".to_owned(), WriteKind::Configure)]);
    assert_eq!(agent.metric(&state("main", "stale")).await?, Some(1.0));
    assert_eq!(warnings(&agent, "could not follow").len(), 1);
    story.definitions.http.heal();
    agent.wait_for_metric(&state("main", "ok"), 1.0).await?;
    assert_eq!(agent.metric(&polls("success")).await?, Some(0.0), "nothing was fetched");
    assert_eq!(writes(&story.fake).len(), 1);
    Ok(())
}

#[tokio::test]
async fn where_git_answers_an_unchanged_tag_is_not_fetched_and_a_newer_one_is_all_that_is_written()
-> Result<()> {
    let mut story = Story::new().await?;
    story.definitions.origin.annotated_tag("v1.4.2", "HEAD", "release")?;
    story.accept().await?;
    let agent = story.start().await?;
    agent.wait_for_applied(&story.definitions.released()?).await?;
    agent.wait_for_metric_from(&polls("noop"), 2.0).await?;
    assert_eq!(agent.metric(&polls("success")).await?, Some(0.0));
    assert!(agent.get("/metrics").await?.contains("version_tag=\"v1.4.2\""), "it is still known");
    agent.kill().await?;
    assert_eq!(writes(&story.fake), []);

    let commit = story.release("  batch.size: 7\n")?;
    let agent = story.start().await?;
    agent.wait_for_applied(&commit).await?;
    assert_eq!(writes(&story.fake), [("orders".to_owned(), WriteKind::Configure)]);
    let moves = "tagalong_repository_moves_total{kind=\"forward\",repository=\"main\"}";
    assert_eq!(agent.metric(moves).await?, Some(1.0), "it is known from where it moved");
    Ok(())
}

#[tokio::test]
async fn what_was_kept_of_an_import_is_in_force_with_it() -> Result<()> {
    let mut platform = Platform::new().await?;
    let story = Story::of(platform.definitions().await?).await?;
    story.accept().await?;
    story.definitions.http.fail(StatusCode::INTERNAL_SERVER_ERROR);
    platform.http.fail(StatusCode::INTERNAL_SERVER_ERROR);
    story.drift();
    let agent = story.start().await?;
    agent.wait_for_metric(DRIFTED, 1.0).await?;
    agent.wait_for_metric(&state("platform", "stale"), 1.0).await?;

    // The import moves while the main repository is away: the newest of each counts.
    platform.http.heal();
    platform.release(&[(TEMPLATE.0, &template("  batch.size: 8\n"))])?;
    wait("both are in force", || async { Ok(story.key("batch.size").as_deref() == Some("8")) }).await?;
    assert_eq!(story.key("topic").as_deref(), Some("orders"));
    Ok(())
}

#[tokio::test]
async fn what_is_kept_is_rendered_with_the_settings_of_today_and_not_put_in_force_where_they_lack_something()
-> Result<()> {
    let mut story = Story::new().await?;
    story.release("  batch.size: \"{{ values.size }}\"\n")?;
    let settings = story.settings.clone();
    story.settings = format!("{settings}values: {{size: 5}}\n");
    story.accept().await?;
    story.definitions.http.fail(StatusCode::INTERNAL_SERVER_ERROR);

    story.settings.clone_from(&settings);
    let agent = story.start().await?;
    agent.wait_for_metric("tagalong_findings{repository=\"main\",severity=\"error\"}", 1.0).await?;
    assert_eq!(warnings(&agent, "not in force: it has findings today").len(), 1, "{}", agent.log());
    story.fake.remove("orders");
    sleep(Duration::from_secs(7)).await;
    assert_eq!(writes(&story.fake), []);
    agent.kill().await?;

    story.settings = format!("{settings}values: {{size: 6}}\n");
    let agent = story.start().await?;
    wait("it is made anew", || async { Ok(story.key("batch.size").as_deref() == Some("6")) }).await?;
    agent.end().await.map(drop)
}

#[tokio::test]
async fn a_lower_version_is_held_after_a_restart_too() -> Result<()> {
    let mut story = Story::new().await?;
    story.definitions.origin.annotated_tag("v1.4.0", "HEAD", "release")?;
    story.release("  batch.size: 5\n")?;
    story.definitions.origin.annotated_tag("v1.5.0", "HEAD", "release")?;
    story.settings = story.settings.replace("ref: {tag: v1}", "ref: {semver: '^1.4'}");
    story.accept().await?;
    story.definitions.origin.delete_tag("v1.5.0")?;
    story.drift();
    let agent = story.start().await?;
    agent.wait_for_metric(&state("main", "held"), 1.0).await?;
    wait("drift is put right", || async { Ok(story.key("topic").as_deref() == Some("orders")) }).await?;
    assert_eq!(story.key("batch.size").as_deref(), Some("5"));
    agent.kill().await?;

    // A tag that says a version and was moved while nobody looked.
    story.definitions.origin.annotated_tag("v1.5.0", "v1.4.0", "release")?;
    let agent = story.start().await?;
    let told = || async { Ok(!warnings(&agent, "the tag v1.5.0 says a version and was moved").is_empty()) };
    wait("that is told", told).await
}

#[tokio::test]
async fn a_damaged_file_is_told_once_and_stops_nothing() -> Result<()> {
    let story = Story::new().await?;
    story.accept().await?;
    let file = story.file()?;
    let mut bytes = fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes)?;
    story.definitions.http.fail(StatusCode::INTERNAL_SERVER_ERROR);
    let agent = story.start().await?;
    agent.wait_for_metric(&state("main", "unreachable"), 1.0).await?;
    assert_eq!(warnings(&agent, "it is damaged").len(), 1, "{}", agent.log());
    assert_eq!(
        agent.status().await?["clocks"]["validated"],
        serde_json::Value::Null,
        "nothing of it is taken"
    );
    story.definitions.http.heal();
    agent.wait_for_applied(&story.definitions.released()?).await?;
    assert_ne!(fs::read(&file)?, bytes, "and it is written anew");
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_told_once_and_stops_nothing() -> Result<()> {
    let mut story = Story::new().await?;
    fs::write(story.folder.path().join("file"), "")?;
    let folder = story.folder.path().join("file/below");
    let path = folder.to_string_lossy();
    let agent = Agent::start_with(&story.settings, &[("TAGALONG_STATE_DIR", &path)]).await?;
    let commit = story.release("  batch.size: 7\n")?;
    agent.wait_for_applied(&commit).await?;
    let told = warnings(&agent, "failed to make the folder");
    assert_eq!(told.len(), 3, "once for each of the three files: {told:?}");
    assert!(told.iter().all(|line| line.contains("docs/operations/state.md")), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn two_agents_of_one_kind_do_not_share_a_file() -> Result<()> {
    let story = Story::new().await?;
    let released = story.definitions.released()?;
    let first = story.start().await?;
    // Each file is taken when it is used first.
    first.wait_for_applied(&released).await?;
    let second = story.start().await?;
    second.wait_for_applied(&released).await?;
    assert_eq!(warnings(&second, "another agent uses").len(), 3, "once for each of the three files");
    assert_eq!(warnings(&first, "kept").len(), 0, "{}", first.log());
    Ok(())
}
