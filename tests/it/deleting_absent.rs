//! Deletions that a definition asks for: stopped first, deleted when the grace is over, and nothing of it while the list
//! of connectors is hard to believe.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::{Target, WriteKind};
use tagalong_testkit::fake::{Fake, Options};
use tempfile::NamedTempFile;
use tokio::time::Instant;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::definitions::{Definitions, file_of, file_source};

/// What was written to the connector that is to go.
fn written(fake: &Fake) -> Vec<WriteKind> {
    writes(fake).into_iter().filter(|(name, _)| name == "old").map(|(_, kind)| kind).collect()
}

/// Two connectors that run, and an agent that leaves a connector at rest for so long before it deletes it.
struct Site {
    definitions: Definitions,
    fake: Fake,
    agent: Agent,
}

impl Site {
    async fn on(version: (u8, u8), grace: &str) -> Result<Self> {
        let files = ["old", "stays"].map(|name| (file_of(name), file_source(name, "")));
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let definitions = Definitions::new(&files).await?;
        let fake = Fake::with(Options { version, ..Options::default() }).await;
        let settings = definitions.settings_within(&fake.url(0), "2s");
        // On a slow machine it would bring a connector back that is to have failed.
        let off = "restart: {enabled: false}";
        let agent = Agent::start(&format!("{settings}prune: {{grace: {grace}}}\n{off}\n")).await?;
        agent.wait_for_applied(&definitions.released()?).await?;
        fake.forget();
        Ok(Self { definitions, fake, agent })
    }

    /// Declares the connector absent.
    fn release_absent(&mut self) -> Result<String> {
        self.definitions.release(&[(&file_of("old"), "connector: old\nstate: absent\n")])
    }

    async fn wait_for(&self, target: Target) -> Result<()> {
        let is = || async { Ok(self.fake.connector("old").is_some_and(|one| one.target == target)) };
        wait(&format!("it is {target:?}"), is).await.with_context(|| self.agent.log())
    }

    async fn wait_until_gone(&self) -> Result<()> {
        let gone = || async { Ok(self.fake.names() == ["stays"]) };
        wait("it is gone", gone).await.with_context(|| self.agent.log())
    }

    /// Waits until so many more looks have come to their end.
    async fn looks(&self, count: f64) -> Result<()> {
        let cycles = "tagalong_cycle_duration_seconds_count";
        let before = self.agent.metric(cycles).await?.context("cycles are counted")?;
        self.agent.wait_for_metric_from(cycles, before + count).await
    }
}

#[tokio::test]
async fn without_a_grace_it_is_stopped_and_deleted_in_one_turn() -> Result<()> {
    let (mut definitions, fake, token, agent) = site(["old", "stays"]).await?;
    fake.forget();
    definitions.release(&[(&file_of("old"), "connector: old\nstate: absent\n")])?;
    agent.looks(token.path()).await?;
    assert_eq!(written(&fake), [WriteKind::Stop, WriteKind::Delete], "{}", agent.log());
    assert_eq!(fake.names(), ["stays"]);
    Ok(())
}

#[tokio::test]
async fn during_the_grace_it_rests_and_a_definition_that_changes_its_mind_has_it_run_again() -> Result<()> {
    let mut site = Site::on((4, 3), "1h").await?;
    site.release_absent()?;
    site.wait_for(Target::Stopped).await?;
    site.looks(3.0).await?;
    assert_eq!(written(&site.fake), [WriteKind::Stop], "stopped once, and there");
    let surplus = "tagalong_connector_sync_state{connector=\"old\",state=\"surplus\"}";
    assert_eq!(site.agent.metric(surplus).await?, Some(1.0));
    let status = site.agent.status().await?;
    assert_eq!(status["results"][0]["class"], "not-due", "{status}");

    let commit = site.definitions.release(&[(&file_of("old"), &file_source("old", ""))])?;
    site.agent.wait_for_applied(&commit).await?;
    site.wait_for(Target::Running).await?;
    assert_eq!(written(&site.fake), [WriteKind::Stop, WriteKind::Resume]);
    Ok(())
}

#[tokio::test]
async fn one_that_somebody_resumes_during_the_grace_is_stopped_again() -> Result<()> {
    let mut site = Site::on((4, 3), "1h").await?;
    site.release_absent()?;
    let stopped = "tagalong_steps_total{outcome=\"converged\",step=\"stop\"}";
    site.agent.wait_for_metric(stopped, 1.0).await?;
    site.fake.turn("old", Target::Running);
    let again = || async { Ok(written(&site.fake).len() == 2) };
    wait("it is stopped again", again).await.with_context(|| site.agent.log())?;
    site.wait_for(Target::Stopped).await?;
    assert_eq!(written(&site.fake), [WriteKind::Stop, WriteKind::Stop]);
    Ok(())
}

#[tokio::test]
async fn when_the_grace_is_over_it_is_deleted() -> Result<()> {
    let mut site = Site::on((4, 3), "3s").await?;
    let commit = site.release_absent()?;
    site.wait_for(Target::Stopped).await?;
    site.wait_until_gone().await?;
    site.agent.wait_for_applied(&commit).await?;
    assert_eq!(written(&site.fake), [WriteKind::Stop, WriteKind::Delete]);
    let audit = site.agent.log();
    let at = |step: &str| -> Result<jiff::Timestamp> {
        let line = audit
            .lines()
            .find(|line| line.contains(&format!("\"step\":\"{step}\"")) && line.contains("audit"));
        let line: serde_json::Value = serde_json::from_str(line.context(step.to_owned())?)?;
        Ok(line["timestamp"].as_str().context("a time")?.parse()?)
    };
    let rest = at("delete")?.duration_since(at("stop")?);
    assert!(rest >= jiff::SignedDuration::from_secs(3), "{rest}");
    Ok(())
}

/// While another one led, it may have run: that it rests now says nothing of how long.
#[tokio::test]
async fn where_another_agent_has_led_meanwhile_the_grace_begins_anew() -> Result<()> {
    const GRACE: Duration = Duration::from_secs(8);
    let files = ["old", "stays"].map(|name| (file_of(name), file_source(name, "")));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(2).await;
    let settings = format!("{}prune: {{grace: {}s}}\n", definitions.settings(&fake.url(0)), GRACE.as_secs());
    let agent = Agent::start(&settings).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let mut site = Site { definitions, fake, agent };
    site.fake.forget();
    let commit = site.release_absent()?;
    site.wait_for(Target::Stopped).await?;
    let stopped = Instant::now();
    site.fake.lead(1);
    site.agent.wait_for_metric("tagalong_leader", 0.0).await?;
    let over = || async { Ok(stopped.elapsed() > GRACE + Duration::from_secs(1)) };
    wait("the first grace would be over", over).await?;
    ensure!(written(&site.fake) == [WriteKind::Stop], "{}", site.agent.log());
    let regained = Instant::now();
    site.fake.lead(0);
    site.wait_until_gone().await?;
    ensure!(regained.elapsed() >= GRACE, "{:?}: {}", regained.elapsed(), site.agent.log());
    site.agent.wait_for_applied(&commit).await?;
    assert_eq!(written(&site.fake), [WriteKind::Stop, WriteKind::Delete]);
    Ok(())
}

#[tokio::test]
async fn an_older_connect_pauses_before_it_deletes() -> Result<()> {
    for version in [(2, 8), (3, 4)] {
        let mut site = Site::on(version, "0s").await?;
        let commit = site.release_absent()?;
        site.agent.wait_for_applied(&commit).await?;
        assert_eq!(written(&site.fake), [WriteKind::Pause, WriteKind::Delete], "{version:?}");
    }
    Ok(())
}

#[tokio::test]
async fn one_that_does_not_stop_is_deleted_all_the_same() -> Result<()> {
    for grace in ["0s", "2s"] {
        let mut site = Site::on((4, 3), grace).await?;
        site.fake.fail_connector("old", "java.lang.IllegalStateException: it hangs");
        let commit = site.release_absent()?;
        site.agent.wait_for_applied(&commit).await?;
        assert_eq!(site.fake.names(), ["stays"]);
        let wanted = [WriteKind::Stop, WriteKind::Stop, WriteKind::Delete];
        assert_eq!(written(&site.fake), wanted, "{grace}: {}", site.agent.log());
    }
    Ok(())
}

/// Connectors of these names that an agent has made which looks only when it is told to: no other look may use up what is
/// injected.
async fn site<const N: usize>(names: [&str; N]) -> Result<(Definitions, Fake, NamedTempFile, Agent)> {
    let files = names.map(|name| (file_of(name), file_source(name, "")));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    let (agent, token) = Agent::start_told(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    Ok((definitions, fake, token, agent))
}

#[tokio::test]
async fn a_list_that_shrank_by_more_than_half_deletes_nothing_in_that_cycle() -> Result<()> {
    let names = ["a", "b", "old", "stays"];
    let (mut definitions, fake, token, agent) = site(names).await?;
    fake.forget();

    // One look that sees only what is to go.
    fake.inject(Fault::on("GET", "expand").raw(200, "application/json", "{}"));
    fake.inject(Fault::on("GET", "/connectors").alone().raw(200, "application/json", "[\"old\"]"));
    let commit = definitions.release(&[(&file_of("old"), "connector: old\nstate: absent\n")])?;
    agent.looks(token.path()).await?;
    assert_eq!(written(&fake), [], "{}", agent.log());
    assert_eq!(fake.names(), names);
    let told =
        "the list of connectors is empty or shrank by more than half; nothing is deleted in this cycle";
    assert!(agent.log().contains(told), "{}", agent.log());

    agent.looks(token.path()).await?;
    agent.wait_for_applied(&commit).await?;
    assert_eq!(written(&fake), [WriteKind::Stop, WriteKind::Delete]);
    Ok(())
}

#[tokio::test]
async fn what_the_agent_deleted_itself_is_no_list_that_shrank() -> Result<()> {
    let names = ["a", "b", "c", "stays", "stuck"];
    let (mut definitions, fake, token, agent) = site(names).await?;
    // With something left to delete every list is asked whether it is to be believed.
    fake.inject(Fault::on("DELETE", "/connectors/stuck").answer(500, "something").always());
    let absent =
        ["a", "b", "c", "stuck"].map(|name| (file_of(name), format!("connector: {name}\nstate: absent\n")));
    let absent: Vec<_> = absent.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    definitions.release(&absent)?;
    for _ in 0..2 {
        agent.looks(token.path()).await?;
        assert_eq!(fake.names(), ["stays", "stuck"]);
    }
    assert!(!agent.log().contains("hard to believe") && !agent.log().contains("shrank"), "{}", agent.log());
    Ok(())
}
