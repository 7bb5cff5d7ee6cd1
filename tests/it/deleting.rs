//! Connectors whose file is gone, as an agent with `prune.policy: owned` deals with them: what was ours goes, within
//! limits and after a second look; what a mistake may have taken away stays, loudly.

use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use serde_json::Value;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::fake::state::{Target, WriteKind};
use tokio::time::Instant;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::{preload, writes};
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::mount::Mount;

/// Releases the repository without the files of these connectors.
fn lose(definitions: &mut Definitions, names: &[&str]) -> Result<String> {
    let files: Vec<_> = names.iter().map(|name| file_of(name)).collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    let commit = definitions.origin.remove("files are gone", &files)?;
    definitions.origin.annotated_tag("v1", "HEAD", "release")?;
    Ok(commit)
}

/// Connectors that an agent has made, and a stranger among them.
struct Site {
    definitions: Definitions,
    fake: Fake,
    agent: Agent,
}

impl Site {
    async fn with(names: &[&str], prune: &str) -> Result<Self> {
        Self::keeping(names, &[], prune).await
    }

    /// The same, where some of them are never to be deleted.
    async fn keeping(names: &[&str], kept: &[&str], prune: &str) -> Result<Self> {
        let keep = |name: &&str| if kept.contains(name) { "keep: true\n" } else { "" };
        let files: Vec<_> = names.iter().map(|name| (file_of(name), file_source(name, keep(name)))).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let definitions = Definitions::new(&files).await?;
        let fake = Fake::start(1).await;
        preload(&fake, "stranger");
        let settings = format!("{}prune: {prune}\n", definitions.settings(&fake.url(0)));
        let agent = Agent::start(&settings).await?;
        agent.wait_for_applied(&definitions.released()?).await?;
        fake.forget();
        Ok(Self { definitions, fake, agent })
    }

    fn lose(&mut self, names: &[&str]) -> Result<String> {
        lose(&mut self.definitions, names)
    }

    /// Waits until so many deletions are held for a reason.
    async fn wait_for_held(&self, hold: &str, count: u32) -> Result<()> {
        self.agent.wait_for_metric(&format!("tagalong_held{{hold=\"{hold}\"}}"), f64::from(count)).await
    }

    /// Waits until whatever needs two looks would have been done: their distance, and three cycles more.
    async fn outlast_the_looks(&self) -> Result<()> {
        let cycles = "tagalong_cycle_duration_seconds_count";
        let began = Instant::now();
        let apart = || async { Ok(began.elapsed() > Duration::from_secs(11)) };
        wait("the second look is due", apart).await?;
        let before = self.agent.metric(cycles).await?.context("cycles are counted")?;
        self.agent.wait_for_metric_from(cycles, before + 3.0).await
    }

    async fn wait_for_names(&self, names: &[&str]) -> Result<()> {
        let are = || async { Ok(self.fake.names() == names) };
        wait(&format!("the connectors are {names:?}"), are).await.with_context(|| self.agent.log())
    }

    /// What is held, by connector.
    async fn held(&self) -> Result<Vec<(String, String)>> {
        let status = self.agent.status().await?;
        let text = |held: &Value, key: &str| held[key].as_str().unwrap_or_default().to_owned();
        let held = status["plan"]["held"].as_array().context("a list")?;
        Ok(held.iter().map(|held| (text(held, "connector"), text(held, "hold"))).collect())
    }
}

fn pairs(names: &[&str], hold: &str) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), hold.to_owned())).collect()
}

#[tokio::test]
async fn a_release_that_lost_every_definition_deletes_nothing_and_is_loud() -> Result<()> {
    let names = ["a", "b", "c"];
    let mut site = Site::with(&names, "{policy: owned, max: 1000, max_percent: 100}").await?;
    let commit = site.lose(&names)?;
    site.wait_for_held("too-many-deletes", 3).await?;
    site.outlast_the_looks().await?;
    assert_eq!(site.fake.names(), ["a", "b", "c", "stranger"]);
    assert_eq!(writes(&site.fake), [], "nor is anything stopped");
    assert_eq!(site.held().await?, pairs(&names, "too-many-deletes"));
    let status = site.agent.status().await?;
    let held = &status["plan"]["held"][0];
    let detail = held["detail"].as_str().context("a text")?;
    assert!(detail.contains("none of the 3 connectors that are ours would be left"), "{detail}");
    assert_eq!(held["release"], "connector: a\nstate: absent");
    assert_eq!(status["plan"]["unmanaged"], serde_json::json!(["stranger"]));
    let counted = |sync: &str| format!("tagalong_connectors{{sync=\"{sync}\"}}");
    assert_eq!(site.agent.metric(&counted("held")).await?, Some(3.0));
    assert_eq!(site.agent.metric("tagalong_revision_current").await?, Some(0.0), "{commit} is not applied");
    Ok(())
}

#[tokio::test]
async fn what_has_no_file_any_more_goes_after_a_second_look_and_a_stranger_stays() -> Result<()> {
    let mut site = Site::with(&["a", "b", "old"], "{policy: owned}").await?;
    let commit = site.lose(&["old"])?;
    site.wait_for_held("too-many-deletes", 1).await?;
    let status = site.agent.status().await?;
    let detail = status["plan"]["held"][0]["detail"].as_str().context("a text")?;
    assert!(detail.contains("it waits for the second look"), "{detail}");
    assert_eq!(writes(&site.fake), []);
    site.wait_for_names(&["a", "b", "stranger"]).await?;
    site.agent.wait_for_applied(&commit).await?;
    let of_old = |kind| ("old".to_owned(), kind);
    assert_eq!(writes(&site.fake), [of_old(WriteKind::Stop), of_old(WriteKind::Delete)]);
    Ok(())
}

#[tokio::test]
async fn unless_the_settings_say_owned_what_has_no_file_is_left_alone() -> Result<()> {
    let mut site = Site::with(&["a", "old"], "{policy: never}").await?;
    let commit = site.lose(&["old"])?;
    site.agent.wait_for_applied(&commit).await?;
    site.outlast_the_looks().await?;
    assert_eq!(site.fake.names(), ["a", "old", "stranger"]);
    assert_eq!((writes(&site.fake), site.held().await?), (vec![], vec![]));
    Ok(())
}

#[tokio::test]
async fn more_than_the_limits_stays_until_each_of_it_is_answered_for() -> Result<()> {
    let mut site = Site::with(&["a", "b", "x", "y"], "{policy: owned, max: 1, max_percent: 25}").await?;
    site.lose(&["x", "y"])?;
    site.wait_for_held("too-many-deletes", 2).await?;
    site.outlast_the_looks().await?;
    assert_eq!(writes(&site.fake), []);
    site.definitions.release(&[(&file_of("x"), &file_source("x", ""))])?;
    site.wait_for_held("too-many-deletes", 1).await?;
    site.outlast_the_looks().await?;
    assert_eq!(writes(&site.fake), [], "one that is back is no answer for the other");
    let commit = site.definitions.release(&[(&file_of("y"), "connector: y\nstate: absent\n")])?;
    site.wait_for_names(&["a", "b", "stranger", "x"]).await?;
    site.agent.wait_for_applied(&commit).await
}

#[tokio::test]
async fn one_that_was_to_be_kept_stays_until_a_person_says_otherwise() -> Result<()> {
    let mut site = Site::keeping(&["a", "ledger"], &["ledger"], "{policy: owned}").await?;
    site.lose(&["ledger"])?;
    site.wait_for_held("keep", 1).await?;
    site.outlast_the_looks().await?;
    assert_eq!((writes(&site.fake), site.held().await?), (vec![], pairs(&["ledger"], "keep")));
    site.definitions.release(&[("connectors/gone.yaml", "connector: ledger\nstate: absent\n")])?;
    site.wait_for_names(&["a", "stranger"]).await
}

#[tokio::test]
async fn a_file_that_is_back_before_the_grace_is_over_has_its_connector_run_again() -> Result<()> {
    let mut site = Site::with(&["a", "b", "old"], "{policy: owned, grace: 1h}").await?;
    site.lose(&["old"])?;
    let stopped =
        || async { Ok(site.fake.connector("old").is_some_and(|one| one.target == Target::Stopped)) };
    wait("it is stopped", stopped).await.with_context(|| site.agent.log())?;
    let drifted = "tagalong_connectors{sync=\"drifted\"}";
    site.agent.wait_for_metric(drifted, 1.0).await?;
    let commit = site.definitions.release(&[(&file_of("old"), &file_source("old", ""))])?;
    site.agent.wait_for_applied(&commit).await?;
    let kinds: Vec<_> = writes(&site.fake).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [WriteKind::Stop, WriteKind::Resume]);
    Ok(())
}

#[tokio::test]
async fn a_release_with_a_mistake_deletes_nothing_of_what_it_lost() -> Result<()> {
    let mut site = Site::with(&["a", "b", "old"], "{policy: owned}").await?;
    site.definitions.origin.remove("a file is gone", &[&file_of("old")])?;
    site.definitions.release(&[(&file_of("a"), &file_source("a", "stat: paused\n"))])?;
    let invalid = "tagalong_repository_state{repository=\"main\",state=\"invalid\"}";
    site.agent.wait_for_metric(invalid, 1.0).await?;
    site.outlast_the_looks().await?;
    assert_eq!((writes(&site.fake), site.held().await?), (vec![], vec![]));
    assert_eq!(site.fake.names(), ["a", "b", "old", "stranger"]);
    Ok(())
}

/// A file that is gone in what was read last may be back by now.
#[tokio::test]
async fn while_the_repository_does_not_answer_or_has_no_tag_nothing_goes_and_then_two_looks_agree_anew()
-> Result<()> {
    let names = ["a", "b", "old"];
    let files = names.map(|name| (file_of(name), file_source(name, "")));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    let settings = format!("{}prune: {{policy: owned}}\n", definitions.settings(&fake.url(0)));
    let (agent, token) = Agent::start_told(&settings).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.forget();
    lose(&mut definitions, &["old"])?;
    let nothing_goes = async || {
        agent.looks(token.path()).await?;
        let held = agent.metric("tagalong_held{hold=\"too-many-deletes\"}").await?;
        assert_eq!((writes(&fake), held), (vec![], Some(1.0)), "{}", agent.log());
        let began = Instant::now();
        wait("another look counts", || async { Ok(began.elapsed() > Duration::from_secs(11)) }).await
    };
    nothing_goes().await?;
    definitions.http.fail(StatusCode::SERVICE_UNAVAILABLE);
    nothing_goes().await?;
    definitions.http.heal();
    definitions.origin.delete_tag("v1")?;
    nothing_goes().await?;
    definitions.origin.annotated_tag("v1", "HEAD", "release")?;
    nothing_goes().await?;
    agent.looks(token.path()).await?;
    let gone = || async { Ok(fake.names() == ["a", "b"]) };
    wait("it is gone", gone).await.with_context(|| agent.log())
}

#[tokio::test]
async fn while_an_extra_folder_is_not_in_force_nothing_is_deleted_for_having_no_file() -> Result<()> {
    let mut definitions = Definitions::one("a", "").await?;
    definitions.release(&[(&file_of("old"), &file_source("old", ""))])?;
    let shop = Mount::new(&[("shop.yaml", &file_source("shop", ""))])?;
    let fake = Fake::start(1).await;
    let extra = shop.path().display().to_string();
    let settings = definitions.settings(&fake.url(0));
    let agent = Agent::start(&format!("{settings}prune: {{policy: owned}}\nextra: ['{extra}']\n")).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let mut site = Site { definitions, fake, agent };
    shop.unmount()?;
    site.agent
        .wait_for_metric(
            &format!("tagalong_repository_state{{repository=\"extra:{extra}\",state=\"unreachable\"}}"),
            1.0,
        )
        .await?;
    site.fake.forget();
    site.lose(&["old"])?;
    site.outlast_the_looks().await?;
    assert_eq!((writes(&site.fake), site.held().await?), (vec![], vec![]), "{}", site.agent.log());
    assert_eq!(site.fake.names(), ["a", "old", "shop"]);
    shop.mount_again()?;
    site.wait_for_names(&["a", "shop"]).await
}

#[tokio::test]
async fn a_new_leader_needs_two_looks_of_its_own() -> Result<()> {
    let names = ["a", "b", "old"];
    let files = names.map(|name| (file_of(name), file_source(name, "")));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut definitions = Definitions::new(&files).await?;
    let fake = Fake::start(2).await;
    let settings = |worker| format!("{}prune: {{policy: owned}}\n", definitions.settings(&fake.url(worker)));
    let first = Agent::start(&settings(0)).await?;
    let second = Agent::start(&settings(1)).await?;
    first.wait_for_applied(&definitions.released()?).await?;
    second.wait_for_metric("tagalong_leader", 0.0).await?;
    lose(&mut definitions, &["old"])?;
    let held = "tagalong_held{hold=\"too-many-deletes\"}";
    first.wait_for_metric(held, 1.0).await?;
    let seen = Instant::now();
    fake.lead(1);
    fake.forget();
    second.wait_for_metric(held, 1.0).await?;
    let gone = || async { Ok(fake.names() == ["a", "b"]) };
    let own = Instant::now();
    wait("it is gone", gone).await.with_context(|| second.log())?;
    assert!(own.elapsed() >= Duration::from_secs(8), "{:?} {:?}", own.elapsed(), seen.elapsed());
    assert!(fake.writes().iter().all(|write| write.worker == 1), "{:?}", fake.writes());
    Ok(())
}
