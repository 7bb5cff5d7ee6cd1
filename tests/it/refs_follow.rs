//! An agent whose tag, or range of versions, moves in every way there is: what is applied, what is held,
//! and what is told of it.

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use tagalong_testkit::fake::Fake;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::definitions::{Definitions, file_of, file_source};

const HELD: &str = "tagalong_repository_state{repository=\"main\",state=\"held\"}";
const MISSING: &str = "tagalong_repository_state{repository=\"main\",state=\"ref_missing\"}";

/// A repository, a cluster, and an agent that has applied what it says.
struct Story {
    definitions: Definitions,
    fake: Fake,
    agent: Agent,
}

impl Story {
    /// Begins with a range that is followed, and its first version.
    async fn of_versions(more: &str) -> Result<Self> {
        let mut definitions = Definitions::one("orders", "").await?;
        definitions.origin.annotated_tag("v1.4.0", "HEAD", "release")?;
        let fake = Fake::start(1).await;
        let range = format!("ref: {{semver: '^1.4', prefix: v{more}}}");
        let settings = definitions.settings(&fake.url(0)).replace("ref: {tag: v1}", &range);
        Self::begin(definitions, fake, &settings).await
    }

    /// Begins with a tag that moves.
    async fn of_tag() -> Result<Self> {
        let mut definitions = Definitions::one("orders", "").await?;
        definitions.origin.annotated_tag("v1.4.0", "HEAD", "release")?;
        let fake = Fake::start(1).await;
        let settings = definitions.settings(&fake.url(0));
        Self::begin(definitions, fake, &settings).await
    }

    async fn begin(definitions: Definitions, fake: Fake, settings: &str) -> Result<Self> {
        let agent = Agent::start(settings).await?;
        agent.wait_for_applied(&definitions.released()?).await?;
        fake.forget();
        Ok(Self { definitions, fake, agent })
    }

    /// Releases another size of batch under a version; gives the commit.
    fn release(&mut self, version: &str, size: u32) -> Result<String> {
        let file = file_source("orders", &format!("  batch.size: {size}\n"));
        let commit = self.definitions.origin.commit(version, &[(&file_of("orders"), &file)])?;
        self.definitions.origin.annotated_tag(version, "HEAD", "release")?;
        Ok(commit)
    }

    fn size(&self) -> Option<String> {
        self.fake.connector("orders")?.config.get("batch.size").cloned()
    }

    async fn moves(&self, kind: &str) -> Result<Option<f64>> {
        let series = format!("tagalong_repository_moves_total{{kind=\"{kind}\",repository=\"main\"}}");
        self.agent.metric(&series).await
    }

    async fn info(&self) -> Result<String> {
        let text = self.agent.get("/metrics").await?;
        let line = text.lines().find(|line| line.starts_with("tagalong_repository_info{"));
        Ok(line.context("it is told")?.to_owned())
    }

    /// Waits until the repository was asked in vain, or in quiet, some more times.
    async fn polls(&self, outcome: &str, more: f64) -> Result<()> {
        let series = format!("tagalong_repository_polls_total{{outcome=\"{outcome}\",repository=\"main\"}}");
        let before = self.agent.metric(&series).await?.context("polls are counted")?;
        self.agent.wait_for_metric_from(&series, before + more).await
    }

    /// How often something stands in the log at a level.
    fn told(&self, level: &str, text: &str) -> usize {
        let level = format!("\"level\":\"{level}\"");
        self.agent.log().lines().filter(|line| line.contains(&level) && line.contains(text)).count()
    }
}

#[tokio::test]
async fn a_lower_maximum_is_held_until_a_higher_one_comes() -> Result<()> {
    let mut story = Story::of_versions("").await?;
    let five = story.release("v1.5.0", 5)?;
    story.agent.wait_for_applied(&five).await?;
    assert!(story.info().await?.contains("ref=\"refs/tags/v1.5.0\""), "{}", story.info().await?);
    assert!(story.info().await?.contains("version_tag=\"v1.5.0\""), "{}", story.info().await?);
    assert_eq!(story.moves("forward").await?, Some(1.0));

    story.definitions.origin.delete_tag("v1.5.0")?;
    story.agent.wait_for_metric(HELD, 1.0).await?;
    story.polls("noop", 3.0).await?;
    assert_eq!(story.size().as_deref(), Some("5"));
    assert_eq!(story.agent.metric("tagalong_held{hold=\"lower-version\"}").await?, Some(1.0));
    assert_eq!(story.moves("backward").await?, Some(1.0));
    assert_eq!(
        story.told("WARN", "the highest version went down from v1.5.0 at "),
        1,
        "{}",
        story.agent.log()
    );
    let status = story.agent.status().await?;
    let held = &status["repositories"][0]["held"];
    assert_eq!(held["hold"], "lower-version");
    assert!(held["release"].to_string().contains("allow_downgrade"), "{held}");
    assert!(story.agent.get("/").await?.contains("held: lower-version"));
    assert!(status["clocks"]["points_at"].to_string().contains("refs/tags/v1.4.0"), "{status}");

    // Drift is corrected to what is in force.
    story.fake.edit("orders", |config| {
        config.insert("batch.size".into(), "6".into());
    });
    wait("drift is corrected", || async { Ok(story.size().as_deref() == Some("5")) }).await?;

    let six = story.release("v1.6.0", 6)?;
    story.agent.wait_for_applied(&six).await?;
    story.agent.wait_for_metric(HELD, 0.0).await?;
    assert_eq!(story.agent.metric("tagalong_held{hold=\"lower-version\"}").await?, Some(0.0));
    assert_eq!(story.agent.status().await?["repositories"][0]["held"], serde_json::Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_lower_maximum_that_is_allowed_is_a_rollback() -> Result<()> {
    let mut story = Story::of_versions(", allow_downgrade: true").await?;
    let first = story.definitions.released()?;
    let five = story.release("v1.5.0", 5)?;
    story.agent.wait_for_applied(&five).await?;
    story.definitions.origin.delete_tag("v1.5.0")?;
    story.agent.wait_for_applied(&first).await?;
    assert_eq!((story.size(), story.moves("backward").await?), (None, Some(1.0)));
    assert_eq!(story.told("INFO", "rolled back from v1.5.0 at "), 1, "{}", story.agent.log());
    Ok(())
}

#[tokio::test]
async fn a_lower_maximum_than_one_that_was_refused_is_taken() -> Result<()> {
    let mut story = Story::of_versions("").await?;
    let typo = file_source("orders", "stat: paused\n");
    story.definitions.origin.commit("a typo", &[(&file_of("orders"), &typo)])?;
    story.definitions.origin.tag("v1.9.0", "HEAD")?;
    story.agent.wait_for_metric("tagalong_findings{repository=\"main\",severity=\"error\"}", 1.0).await?;
    let five = story.release("v1.5.0", 5)?;
    story.definitions.origin.delete_tag("v1.9.0")?;
    story.agent.wait_for_applied(&five).await?;
    assert_eq!(story.agent.metric(HELD).await?, Some(0.0));
    Ok(())
}

#[tokio::test]
async fn a_tag_moved_back_is_a_rollback_in_the_log_the_status_and_the_audit() -> Result<()> {
    let mut story = Story::of_tag().await?;
    let first = story.definitions.released()?;
    story.release("v1.5.0", 5)?;
    story.definitions.origin.annotated_tag("v1", "HEAD", "release")?;
    let second = story.definitions.released()?;
    story.agent.wait_for_applied(&second).await?;
    assert!(story.info().await?.contains("version_tag=\"v1.5.0\""), "{}", story.info().await?);
    assert_eq!(story.told("INFO", "it is the version v1.5.0"), 1, "{}", story.agent.log());

    story.definitions.move_to(&first)?;
    story.agent.wait_for_applied(&first).await?;
    let back = format!("rolled back from v1 at {} to v1 at {}", &second[..7], &first[..7]);
    assert_eq!(story.told("INFO", &back), 1, "{}", story.agent.log());
    let status = story.agent.status().await?;
    let main = &status["repositories"][0];
    assert_eq!((&main["last_move"]["kind"], &main["version_tag"]), (&"backward".into(), &"v1.4.0".into()));
    assert!(story.agent.get("/").await?.contains("rolled back from v1 at"));
    let log = story.agent.log();
    let audits: Vec<_> = log.lines().filter(|line| line.contains("tagalong::audit")).collect();
    let from = format!("\"rolled_back_from\":\"v1 at {}\"", &second[..7]);
    assert_eq!(audits.iter().filter(|line| line.contains(&from)).count(), 1, "{audits:?}");
    assert!(audits.last().is_some_and(|line| line.contains(&from)), "{audits:?}");
    Ok(())
}

#[tokio::test]
async fn a_retag_and_a_tag_that_comes_back_fetch_nothing() -> Result<()> {
    let mut story = Story::of_tag().await?;
    let first = story.definitions.released()?;
    story.polls("noop", 2.0).await?;
    story.definitions.http.clear();
    story.definitions.origin.annotated_tag("v1", "HEAD", "again")?;
    let retag = "tagalong_repository_moves_total{kind=\"retag\",repository=\"main\"}";
    story.agent.wait_for_metric(retag, 1.0).await?;
    story.definitions.origin.delete_tag("v1")?;
    story.agent.wait_for_metric(MISSING, 1.0).await?;
    story.polls("error", 2.0).await?;
    story.definitions.origin.annotated_tag("v1", &first, "it comes back")?;
    story.agent.wait_for_metric(MISSING, 0.0).await?;
    story.polls("noop", 1.0).await?;
    assert_eq!((story.moves("deleted").await?, story.moves("appeared").await?), (Some(1.0), Some(2.0)));
    let exchanges = story.definitions.http.exchanges();
    assert!(
        exchanges.iter().all(|one| one.protocol.as_deref() == Some("version=2") || one.status != Some(200)),
        "{exchanges:?}"
    );
    assert!(
        story
            .agent
            .metric("tagalong_repository_polls_total{outcome=\"success\",repository=\"main\"}")
            .await?
            == Some(1.0)
    );
    assert_eq!((story.fake.names(), writes(&story.fake)), (vec!["orders".to_owned()], vec![]));

    // At another commit it is judged against what was accepted.
    story.release("v1.5.0", 5)?;
    story.definitions.origin.delete_tag("v1")?;
    story.agent.wait_for_metric(MISSING, 1.0).await?;
    // What was accepted last is in force meanwhile.
    story.fake.edit("orders", |config| {
        config.insert("batch.size".into(), "6".into());
    });
    wait("drift is corrected", || async { Ok(story.size().is_none()) }).await?;
    assert_eq!(story.agent.metric(MISSING).await?, Some(1.0));
    story.definitions.origin.annotated_tag("v1", "HEAD", "release")?;
    story.agent.wait_for_applied(&story.definitions.released()?).await?;
    assert_eq!((story.moves("forward").await?, story.moves("appeared").await?), (Some(1.0), Some(2.0)));
    Ok(())
}

#[tokio::test]
async fn a_version_that_moved_is_told_and_stops_nothing() -> Result<()> {
    let mut story = Story::of_tag().await?;
    let second = story.release("v1.5.0", 5)?;
    story.definitions.origin.tag("v1.4.0", "HEAD")?;
    story.definitions.origin.annotated_tag("v1", "HEAD", "release")?;
    story.agent.wait_for_applied(&second).await?;
    story.polls("noop", 1.0).await?;
    assert_eq!(story.told("WARN", "the tag v1.4.0 says a version and was moved"), 1, "{}", story.agent.log());
    assert_eq!(story.moves("sideways").await?, Some(1.0));
    let status = story.agent.status().await?;
    let moved = &status["repositories"][0]["moved_versions"][0];
    assert_eq!((&moved["tag"], &moved["to"]), (&"v1.4.0".into(), &second.as_str().into()));
    assert!(story.agent.get("/").await?.contains("the tag v1.4.0 says a version and was moved"));
    Ok(())
}

#[tokio::test]
async fn a_repository_that_stays_away_is_told_once_and_so_is_its_return() -> Result<()> {
    let story = Story::of_tag().await?;
    let warning = "could not follow the repository";
    story.definitions.http.fail(StatusCode::SERVICE_UNAVAILABLE);
    story.polls("error", 4.0).await?;
    assert_eq!(story.told("WARN", warning), 1, "{}", story.agent.log());
    story.definitions.http.fail(StatusCode::UNAUTHORIZED);
    story
        .agent
        .wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"auth_failed\"}", 1.0)
        .await?;
    story.polls("error", 2.0).await?;
    assert_eq!(story.told("WARN", warning), 2, "another reason is news: {}", story.agent.log());
    story.definitions.http.heal();
    story.polls("noop", 3.0).await?;
    assert_eq!(story.told("INFO", "the repository can be followed again"), 1, "{}", story.agent.log());
    Ok(())
}
