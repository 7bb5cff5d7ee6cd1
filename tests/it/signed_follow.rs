//! An agent that follows a tag which must be signed: releases, a rollback, a replay, a key that is taken
//! out, and what everybody is told of it.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tagalong_testkit::fake::Fake;
use tempfile::TempDir;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::platform::Platform;
use crate::support::signing::{Signer, push};

/// A repository that Ada releases from, and who may sign.
struct Story {
    definitions: Definitions,
    fake: Fake,
    ada: Signer,
    dir: TempDir,
}

impl Story {
    /// One connector, released with a signature.
    async fn new() -> Result<Self> {
        Self::of(Definitions::one("orders", "").await?).await
    }

    async fn of(definitions: Definitions) -> Result<Self> {
        let ada = Signer::new("ada")?;
        let mut story = Self { definitions, fake: Fake::start(1).await, ada, dir: tempfile::tempdir()? };
        story.allow(&story.ada.line("")?)?;
        story.sign("HEAD")?;
        Ok(story)
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("allowed_signers")
    }

    fn allow(&self, signers: &str) -> Result<()> {
        Ok(fs::write(self.file(), signers)?)
    }

    fn sign(&mut self, target: &str) -> Result<()> {
        self.ada.tag(&mut self.definitions.origin, "v1", target)
    }

    /// Releases one more key in the connector, signed.
    fn release(&mut self, more: &str) -> Result<()> {
        self.definitions.origin.commit("a release", &[(&file_of("orders"), &file_source("orders", more))])?;
        self.sign("HEAD")
    }

    fn settings(&self, more: &str) -> String {
        let settings = self.definitions.settings(&self.fake.url(0));
        format!("{settings}    verify: {{allowed_signers_file: '{}'}}\n{more}", self.file().display())
    }

    /// An agent that has applied what is released.
    async fn agent(&self, more: &str) -> Result<Agent> {
        let agent = Agent::start(&self.settings(more)).await?;
        agent.wait_for_applied(&self.definitions.released()?).await?;
        self.fake.forget();
        Ok(agent)
    }

    fn batch_size(&self) -> Option<String> {
        self.fake.connector("orders")?.config.get("batch.size").cloned()
    }
}

/// Waits until a repository fares so, and has been asked some more times since.
async fn wait_for_state(agent: &Agent, state: &str) -> Result<()> {
    let series = format!("tagalong_repository_state{{repository=\"main\",state=\"{state}\"}}");
    agent.wait_for_metric(&series, 1.0).await?;
    let polls = "tagalong_repository_poll_duration_seconds_count{repository=\"main\",step=\"list\"}";
    let before = agent.metric(polls).await?.context("polls are counted")?;
    agent.wait_for_metric_from(polls, before + 2.0).await?;
    agent.wait_for_metric(&series, 1.0).await
}

#[tokio::test]
async fn who_signed_what_runs_is_told_everywhere() -> Result<()> {
    let story = Story::new().await?;
    let agent = story.agent("").await?;
    let commit = story.definitions.released()?;
    let metrics = agent.get("/metrics").await?;
    let info = metrics.lines().find(|line| line.starts_with("tagalong_repository_info{"));
    let info = info.context("the revision is told")?;
    assert!(info.contains(&commit) && info.contains("verified_by=\"ada@example.com\""), "{info}");
    let status = agent.status().await?;
    for revision in [&status["clocks"]["applied"]["revision"][0], &status["repositories"][0]["revision"][0]] {
        assert_eq!(revision["verified_by"], "ada@example.com");
        assert_eq!(revision["signing_keys"][0], story.ada.fingerprint()?);
    }
    assert!(agent.get("/").await?.contains("signed by ada@example.com"));
    let audit = agent.log().lines().find(|line| line.contains("tagalong::audit")).map(str::to_owned);
    let audit: serde_json::Value = serde_json::from_str(&audit.context("a line for the creation")?)?;
    assert_eq!(audit["signer"], "ada@example.com", "{audit}");
    assert_eq!(audit["connector"], "orders");
    Ok(())
}

#[tokio::test]
async fn an_unsigned_release_is_refused_loudly_and_what_was_good_stays() -> Result<()> {
    let mut story = Story::new().await?;
    let agent = story.agent("").await?;
    let change = file_source("orders", "  batch.size: 7\n");
    story.definitions.release(&[(&file_of("orders"), &change)])?;
    wait_for_state(&agent, "verification_failed").await?;
    let failure = agent.status().await?["repositories"][0]["failure"].clone();
    assert_eq!(failure["class"], "unverified");
    assert!(failure["text"].to_string().contains("the tag is not signed"), "{failure}");
    assert_eq!((story.batch_size(), writes(&story.fake).len()), (None, 0));

    story.sign("HEAD")?;
    agent.wait_for_applied(&story.definitions.released()?).await?;
    wait_for_state(&agent, "ok").await?;
    assert_eq!(story.batch_size().as_deref(), Some("7"));
    Ok(())
}

#[tokio::test]
async fn an_old_signed_tag_that_is_put_back_is_refused_and_one_signed_anew_is_a_rollback() -> Result<()> {
    let mut story = Story::new().await?;
    let old = story.definitions.origin.id("refs/tags/v1")?;
    let agent = story.agent("").await?;
    story.release("  batch.size: 7\n")?;
    agent.wait_for_applied(&story.definitions.released()?).await?;

    story.definitions.origin.git(&["update-ref", "refs/tags/v1", &old])?;
    push(&story.definitions.origin, "v1")?;
    wait_for_state(&agent, "verification_failed").await?;
    let status = agent.status().await?;
    assert!(status.to_string().contains("an old one was put back"), "{status}");
    assert_eq!(story.batch_size().as_deref(), Some("7"));

    story.sign(&format!("{old}^{{commit}}"))?;
    agent.wait_for_applied(&story.definitions.released()?).await?;
    assert_eq!(story.batch_size(), None);
    wait_for_state(&agent, "ok").await
}

#[tokio::test]
async fn a_key_that_is_taken_out_undoes_nothing_and_is_told_until_it_is_back() -> Result<()> {
    let story = Story::new().await?;
    let agent = story.agent("").await?;
    let bob = Signer::new("bob")?;
    for signers in [bob.line("")?, String::new()] {
        story.allow(&signers)?;
        wait_for_state(&agent, "verification_failed").await?;
        let commit = story.definitions.released()?;
        let status = agent.status().await?;
        assert!(status["clocks"]["applied"].to_string().contains(&commit), "{status}");
        assert!(agent.get("/metrics").await?.contains("verified_by=\"\""), "nobody vouches for it");
        assert_eq!((story.fake.names(), writes(&story.fake).len()), (vec!["orders".to_owned()], 0));
        story.allow(&story.ada.line("")?)?;
        wait_for_state(&agent, "ok").await?;
    }
    // Whoever starts now accepts nothing that its key does not vouch for.
    story.allow(&bob.line("")?)?;
    let late = Agent::start(&story.settings("")).await?;
    wait_for_state(&late, "verification_failed").await?;
    assert_eq!(late.status().await?["clocks"]["validated"], serde_json::Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_release_that_is_not_accepted_is_fetched_seldom_listed_often_and_taken_when_trust_changes()
-> Result<()> {
    let mut story = Story::new().await?;
    let agent = story.agent("").await?;
    let eve = Signer::new("eve")?;
    let change = file_source("orders", "  batch.size: 7\n");
    story.definitions.origin.commit("a release", &[(&file_of("orders"), &change)])?;
    eve.tag(&mut story.definitions.origin, "v1", "HEAD")?;
    wait_for_state(&agent, "verification_failed").await?;
    story.definitions.http.clear();
    let failures = "tagalong_repository_consecutive_failures{repository=\"main\"}";
    let fetches = || story.definitions.http.exchanges().iter().filter(|one| one.method == "GET").count();
    let began = Instant::now();
    agent.wait_for_metric_from(failures, 10.0).await?;
    wait("it was fetched three times", || async { Ok(fetches() >= 3) }).await?;
    let (fetches, exchanges) = (fetches(), story.definitions.http.exchanges());
    // Left alone for 2, 4 and 8 seconds, then for 15, while each listing is a POST.
    let most = 3 + usize::try_from(began.elapsed().as_secs() / 15)?;
    assert!(fetches <= most, "{fetches} of {}", exchanges.len());
    assert!(exchanges.len() >= 9 + fetches, "{exchanges:?}");
    assert_eq!(
        agent.metric(failures).await?.map(|count| count >= 10.0),
        Some(true),
        "it is told all the same"
    );

    let began = Instant::now();
    story.allow(&format!("{}{}", story.ada.line("")?, eve.line("")?))?;
    agent.wait_for_applied(&story.definitions.released()?).await?;
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "it would be fetched after 15 s: {:?}",
        began.elapsed()
    );
    assert_eq!(story.batch_size().as_deref(), Some("7"));
    Ok(())
}

#[tokio::test]
async fn commands_that_look_once_end_with_1_at_what_is_not_signed() -> Result<()> {
    let story = Story::new().await?;
    let desk = Desk::new(&[("settings.yaml", &story.settings(""))])?;
    for command in ["plan", "apply --timeout 60s"] {
        let said = desk.run(&format!("{command} --settings settings.yaml")).await?;
        assert_eq!(said.code, Some(0), "{said}");
        assert!(said.out.contains("\nSigned by    ada"), "{said}");
    }
    story.definitions.origin.tag("v1", "HEAD")?;
    for command in ["plan", "apply", "render"] {
        let said = desk.run(&format!("{command} --settings settings.yaml")).await?;
        assert_eq!(said.code, Some(1), "{said}");
        assert!(said.err.contains("lightweight") && said.err.contains("git tag -s"), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn an_import_must_be_signed_as_the_main_repository_must_unless_the_settings_say_otherwise() -> Result<()>
{
    let mut platform = Platform::new().await?;
    let story = Story::of(platform.definitions().await?).await?;
    let desk = Desk::new(&[("settings.yaml", &story.settings(""))])?;
    let plan = "plan --settings settings.yaml";
    let said = desk.run(plan).await?;
    assert!(said.code == Some(1) && said.err.contains("the import `platform`"), "{said}");
    assert!(said.err.contains("the tag is not signed"), "{said}");

    let git = platform.http.url("repository");
    let none = format!("import_verify: [{{git: '{git}', what: none}}]\n");
    desk.write("settings.yaml", &story.settings(&none))?;
    assert_eq!(desk.run(plan).await?.code, Some(0));

    let bob = Signer::new("bob")?;
    fs::write(story.dir.path().join("platform"), bob.line("")?)?;
    let own = story.dir.path().join("platform");
    let own = format!("import_verify: [{{git: '{git}', allowed_signers_file: '{}'}}]\n", own.display());
    desk.write("settings.yaml", &story.settings(&own))?;
    assert_eq!(desk.run(plan).await?.code, Some(1));
    bob.tag(&mut platform.origin, "v2", "HEAD")?;
    let said = desk.run(plan).await?;
    assert_eq!(said.code, Some(0), "{said}");
    // Bob may release templates, and nothing else.
    desk.write("settings.yaml", &story.settings(""))?;
    assert_eq!(desk.run(plan).await?.code, Some(1));
    Ok(())
}
