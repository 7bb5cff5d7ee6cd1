//! A change that tasks do not show in their own configs: before KAFKA-9228 was mended it did not reach them.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::WriteKind;
use tagalong_testkit::fake::{Fake, Options};

use crate::support::agent::{Agent, tagalong, wait};
use crate::support::definitions::{Definitions, ENVIRONMENT, file_of, file_source};

/// A connector whose tasks get no more of its config than they need.
const CLASS: &str = "com.example.ThriftySourceConnector";

const CONVERTER: &str = "  value.converter: org.apache.kafka.connect.storage.StringConverter\n";

/// Applies a change of a running connector on a version; gives what was written, the change left out.
async fn applied(version: (u8, u8), more: &str) -> Result<Vec<String>> {
    let definitions = Definitions::new(&[(&file_of("orders"), &text(more))]).await?;
    let fake = Fake::with(Options { version, workers: 2, ..Options::default() }).await;
    applied_to(&definitions, &fake).await.with_context(|| format!("{version:?}"))
}

/// The same on a cluster that lacks the change.
async fn applied_to(definitions: &Definitions, fake: &Fake) -> Result<Vec<String>> {
    fake.install(CLASS);
    fake.preload("orders", &[("connector.class", CLASS), ("tasks.max", "1"), ("topic", "orders")]);
    let output = tagalong()
        .args(["apply", "--yes", "-e", "test", "--git", &definitions.url(), "--tag", "v1"])
        .args(["--connect", &fake.url(0)])
        .output()
        .await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let configured = fake.writes().iter().filter(|one| one.kind == WriteKind::Configure).count();
    ensure!(configured == 1, "{configured} changes");
    let restarts = fake.requests().into_iter().filter(|one| one.path.ends_with("/restart"));
    Ok(restarts.map(|one| format!("{} {}?{}", one.method, one.path, one.query)).collect())
}

#[tokio::test]
async fn where_connect_leaves_tasks_as_they_were_after_a_new_converter_they_are_restarted() -> Result<()> {
    assert_eq!(applied((2, 8), CONVERTER).await?, ["POST /connectors/orders/tasks/0/restart?"]);
    for version in [(3, 6), (3, 7), (3, 8)] {
        let expected = ["POST /connectors/orders/restart?includeTasks=true"];
        assert_eq!(applied(version, CONVERTER).await?, expected, "{version:?}");
    }
    Ok(())
}

#[tokio::test]
async fn where_connect_starts_them_anew_itself_nothing_is_restarted() -> Result<()> {
    for version in [(3, 9), (4, 3)] {
        assert_eq!(applied(version, CONVERTER).await?, [""; 0], "{version:?}");
    }
    assert_eq!(applied((3, 6), "  batch.size: 7\n").await?, [""; 0], "their own configs are others");
    let both = format!("  batch.size: 7\n{CONVERTER}");
    assert_eq!(applied((3, 6), &both).await?, [""; 0], "Connect has started them anew for the other key");
    Ok(())
}

/// The connector with more keys.
fn text(more: &str) -> String {
    format!("connector: orders\nconfig:\n  connector.class: {CLASS}\n  tasks.max: 1\n  topic: orders\n{more}")
}

/// Which restarts were asked for.
fn restarts(fake: &Fake) -> Vec<String> {
    let restarts = fake.requests().into_iter().filter(|one| one.path.ends_with("/restart"));
    restarts.map(|one| one.path).collect()
}

/// An agent on a Connect that leaves tasks as they were, and a connector that runs.
async fn running(change_deadline: &str) -> Result<(Definitions, Fake, Agent)> {
    let definitions = Definitions::new(&[(&file_of("orders"), &text(""))]).await?;
    let fake = Fake::with(Options { version: (3, 6), workers: 1, ..Options::default() }).await;
    fake.install(CLASS);
    let agent = Agent::start(&definitions.settings_within(&fake.url(0), change_deadline)).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.forget();
    Ok((definitions, fake, agent))
}

/// The same, whose only change was sent and is not seen to be in effect,
/// since no worker has the tasks.
async fn unsettled(change_deadline: &str) -> Result<(Definitions, Fake, Agent)> {
    let (mut definitions, fake, agent) = running(change_deadline).await?;
    fake.strand("orders");
    definitions.release(&[(&file_of("orders"), &text(CONVERTER))])?;
    let sent = || async { Ok(fake.writes().iter().any(|one| one.kind == WriteKind::Configure)) };
    wait("the converter is sent", sent).await.with_context(|| agent.log())?;
    assert_eq!(restarts(&fake), [""; 0]);
    Ok((definitions, fake, agent))
}

/// The restart that is owed comes, and once.
async fn is_paid(fake: &Fake, agent: &Agent) -> Result<()> {
    let paid = || async { Ok(!restarts(fake).is_empty()) };
    wait("the tasks are restarted", paid).await.with_context(|| agent.log())?;
    fake.take_in("orders");
    assert_eq!(restarts(fake), ["/connectors/orders/restart"]);
    Ok(())
}

#[tokio::test]
async fn a_newer_release_before_the_tasks_were_restarted_leaves_them_not_on_the_old_converter() -> Result<()>
{
    let (mut definitions, fake, agent) = unsettled("600s").await?;
    let newer = definitions.release(&[(&file_of("other"), &file_source("other", ""))])?;
    is_paid(&fake, &agent).await?;
    agent.wait_for_applied(&newer).await?;
    assert_eq!(restarts(&fake).len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_deadline_before_the_tasks_were_restarted_leaves_them_not_on_the_old_converter() -> Result<()> {
    let (_definitions, fake, agent) = unsettled("2s").await?;
    is_paid(&fake, &agent).await
}

#[tokio::test]
async fn what_is_owed_waits_for_the_end_of_a_suspension() -> Result<()> {
    let (mut definitions, fake, agent) = unsettled("600s").await?;
    let freeze = "environment: test\nsuspend: {reason: a freeze}\n";
    let frozen = definitions.release(&[(ENVIRONMENT.0, freeze)])?;
    let looks = "tagalong_cycle_duration_seconds_count";
    let sees = || async { Ok(agent.status().await?["plan"]["revision"][0]["commit"] == frozen) };
    wait("the freeze counts", sees).await.with_context(|| agent.log())?;
    let before = agent.metric(looks).await?.unwrap_or_default();
    agent.wait_for_metric_from(looks, before + 3.0).await?;
    assert_eq!(restarts(&fake), [""; 0], "a restart is a write");
    definitions.release(&[ENVIRONMENT])?;
    is_paid(&fake, &agent).await
}

#[tokio::test]
async fn tasks_are_not_restarted_after_their_worker_started_anew_before_it_was_asked_who_leads() -> Result<()>
{
    let (mut definitions, fake, agent) = running("60s").await?;
    // While the change is waited for, the worker says once that it is starting, and answers again.
    let starting = Fault::on("GET", "/connectors/orders").alone();
    fake.inject(starting.raw(404, "text/html", "<html><body>Not Found</body></html>"));
    definitions.release(&[(&file_of("orders"), &text(CONVERTER))])?;
    is_paid(&fake, &agent).await?;
    let requests = fake.requests();
    let sent = requests.iter().position(|one| one.method == "PUT").context("a change")?;
    let next = requests[sent + 1..].iter().find(|one| ["DELETE", "POST"].contains(&&*one.method));
    assert_eq!(next.map(|one| &*one.method), Some("DELETE"), "{requests:#?}");
    let gained = agent.log().matches("the worker beside leads\"").count();
    assert_eq!(gained, 2, "{}", agent.log());
    Ok(())
}

#[tokio::test]
async fn an_apply_whose_restart_was_cut_off_ends_when_the_tasks_were_restarted() -> Result<()> {
    let definitions = Definitions::new(&[(&file_of("orders"), &text(CONVERTER))]).await?;
    let fake = Fake::with(Options { version: (3, 6), workers: 1, ..Options::default() }).await;
    fake.inject(Fault::on("POST", "/restart").break_off());
    let expected = "POST /connectors/orders/restart?includeTasks=true";
    assert_eq!(applied_to(&definitions, &fake).await?, [expected, expected]);
    Ok(())
}

#[tokio::test]
async fn a_restart_that_connect_refuses_is_told_once_and_rests_until_the_next_release() -> Result<()> {
    let (mut definitions, fake, agent) = running("20s").await?;
    fake.inject(Fault::on("POST", "/restart").answer(500, "something").always());
    definitions.release(&[(&file_of("orders"), &text(CONVERTER))])?;
    wait("it is refused", || async { Ok(!restarts(&fake).is_empty()) }).await.with_context(|| agent.log())?;
    let failed = "tagalong_connector_last_apply_failed{connector=\"orders\"}";
    agent.wait_for_metric(failed, 1.0).await?;
    let looks = "tagalong_cycle_duration_seconds_count";
    let before = agent.metric(looks).await?.unwrap_or_default();
    agent.wait_for_metric_from(looks, before + 4.0).await?;
    let told = || agent.log().matches("could not be restarted").count();
    assert_eq!((restarts(&fake).len(), told()), (1, 1), "{}", agent.log());
    assert_eq!(agent.metric(failed).await?, Some(1.0), "it has not been put right");
    let status = agent.status().await?;
    let rests = &status["results"][0];
    assert_eq!((&rests["outcome"], &rests["class"]), (&"not-taken".into(), &"not-due".into()), "{status}");

    definitions.release(&[(&file_of("other"), &file_source("other", ""))])?;
    let again = || async { Ok(restarts(&fake).len() == 2) };
    wait("it is tried again", again).await.with_context(|| agent.log())?;
    fake.clear_faults();
    definitions.release(&[(&file_of("another"), &file_source("another", ""))])?;
    agent.wait_for_metric(failed, 0.0).await?;
    assert_eq!((restarts(&fake).len(), told()), (3, 1), "{}", agent.log());
    Ok(())
}

#[tokio::test]
async fn the_others_of_a_template_wait_until_the_tasks_of_their_canary_were_restarted() -> Result<()> {
    let template = |more: &str| {
        format!("template: thrifty\nconfig:\n  connector.class: {CLASS}\n  tasks.max: 1\n  topic: t\n{more}")
    };
    let path = "templates/thrifty.yaml";
    let mut files = vec![(path.to_owned(), template(""))];
    files.extend(["a", "b", "c"].map(|one| (file_of(one), format!("connector: {one}\ntemplate: thrifty\n"))));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut definitions = Definitions::new(&files).await?;
    let fake = Fake::with(Options { version: (3, 6), workers: 1, ..Options::default() }).await;
    fake.install(CLASS);
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.forget();
    fake.inject(Fault::on("POST", "/connectors/a/restart").break_off().always());
    let commit = definitions.release(&[(path, &template(CONVERTER))])?;
    // By then it has said for longer than it takes that it runs.
    let long = || async { Ok(restarts(&fake).len() >= 5) };
    wait("it was tried for a while", long).await.with_context(|| agent.log())?;
    let configured = || {
        let writes = fake.writes().into_iter().filter(|one| one.kind == WriteKind::Configure);
        writes.map(|one| one.connector).collect::<Vec<_>>()
    };
    assert_eq!(configured(), ["a"]);
    let status = agent.status().await?;
    let rollout = &status["rollouts"][0];
    assert_eq!((&rollout["canary"], &rollout["why"]), (&"a".into(), &"outdated".into()), "{status}");
    assert_eq!((&rollout["stopped"], &rollout["waiting"]), (&false.into(), &json!(["b", "c"])), "{status}");
    agent.wait_for_metric("tagalong_connector_waiting{connector=\"b\"}", 1.0).await?;
    assert!(agent.get("/").await?.contains("thrifty waits for a, until its tasks"), "the page tells it");

    fake.clear_faults();
    agent.wait_for_applied(&commit).await?;
    assert_eq!(configured(), ["a", "b", "c"]);
    assert!(agent.log().contains("\"why\":\"outdated\""), "{}", agent.log());
    Ok(())
}
