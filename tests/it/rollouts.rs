//! A change of many connectors of one template: one goes first, and the rest only when it is well.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::{State, Target, WriteKind};
use tagalong_testkit::fake::{Fake, Request};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::support::agent::{Agent, tagalong, wait};
use crate::support::cluster::{preload, writes};
use crate::support::definitions::{Definitions, file_of, file_source};

/// As many connectors as a template may have.
const MANY: usize = 50;

const TEMPLATE: &str = "templates/mock.yaml";

/// Some intervals: an agent that touches another one shows within them.
const AFTERWARDS: Duration = Duration::from_secs(4);

/// A template of connectors whose tasks do what they are told.
fn template(more: &str) -> String {
    format!(
        "template: mock\nconfig:\n  connector.class: org.apache.kafka.connect.tools.MockSourceConnector\n  tasks.max: 1\n{more}"
    )
}

/// Tasks run for a second, and then fail.
const BROKEN: &str = "  mock_mode: task-failure\n  delay_ms: 1000\n";

fn connectors(count: usize) -> Vec<(String, String)> {
    let names = (0..count).map(|n| format!("c{n:02}"));
    let mut files: Vec<_> =
        names.map(|name| (file_of(&name), format!("connector: {name}\ntemplate: mock\n"))).collect();
    files.push((TEMPLATE.to_owned(), template("")));
    files
}

async fn released(count: usize) -> Result<Definitions> {
    let files = connectors(count);
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Definitions::new(&files).await
}

/// Whose config was written, in order.
fn configured(fake: &Fake) -> Vec<String> {
    writes(fake).into_iter().filter(|(_, kind)| *kind == WriteKind::Configure).map(|(name, _)| name).collect()
}

/// How many connectors were not changed for their canary's sake, by what an agent tells of its last cycle.
fn waiting(status: &Value) -> usize {
    let all = status["results"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|one| one["outcome"] == "not-taken" && one["class"] == "canary").count()
}

async fn waits_for_its_canary(agent: &Agent, count: usize) -> Result<()> {
    let told = || async { Ok(waiting(&agent.status().await?) == count) };
    wait("the rest is told not to be changed", told).await.with_context(|| agent.log())
}

/// How many lines of a log say that a rollout has stopped.
fn stops(agent: &Agent) -> usize {
    agent.log().lines().filter(|line| line.contains("a rollout has stopped")).count()
}

#[tokio::test]
async fn of_fifty_connectors_of_one_template_with_a_broken_change_one_is_touched() -> Result<()> {
    let mut definitions = released(MANY).await?;
    let good = definitions.released()?;
    let fake = Fake::start(2).await;
    let first = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let second = Agent::start(&definitions.settings(&fake.url(1))).await?;
    first.wait_for_applied(&good).await?;
    fake.forget();

    definitions.release(&[(TEMPLATE, &template(BROKEN))])?;
    waits_for_its_canary(&first, MANY - 1).await?;
    sleep(AFTERWARDS).await;
    assert_eq!(configured(&fake), ["c00"]);
    assert_eq!(stops(&first), 1, "{}", first.log());
    let one = first.status().await?;
    let rest = one["connectors"].as_array().context("connectors")?;
    ensure!(rest.iter().filter(|one| one["waiting"] == "canary").count() == MANY - 1, "{one}");

    // Nothing is remembered where the lead has moved to.
    fake.lead(1);
    waits_for_its_canary(&second, MANY - 1).await?;
    sleep(AFTERWARDS).await;
    assert_eq!(configured(&fake), ["c00"]);
    assert_eq!(stops(&second), 1, "{}", second.log());

    definitions.move_to(&good)?;
    second.wait_for_applied(&good).await?;
    let back = || async { Ok(configured(&fake) == ["c00", "c00"]) };
    wait("it is changed back", back).await?;
    assert!(second.log().contains("the changes of this template go on"), "{}", second.log());
    Ok(())
}

#[tokio::test]
async fn a_good_change_goes_to_one_first_and_then_to_the_others_one_after_the_other() -> Result<()> {
    let mut definitions = released(4).await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    // It has failed, so it would prove nothing.
    fake.fail_task("c00", 0, "java.lang.RuntimeException");
    fake.sicken("c00", "java.lang.RuntimeException");
    let failed = || async { Ok(agent.log().contains("\"step\":\"restart\"")) };
    wait("a restart did not help it", failed).await?;
    fake.forget();
    fake.heal("c00");
    let commit = definitions.release(&[(TEMPLATE, &template("  batch.size: 7\n"))])?;
    agent.wait_for_applied(&commit).await?;
    assert_eq!(configured(&fake), ["c01", "c02", "c03", "c00"]);
    assert_eq!(stops(&agent), 0);
    Ok(())
}

#[tokio::test]
async fn a_canary_that_connect_refuses_stops_the_rest_and_the_next_release_begins_anew() -> Result<()> {
    let mut definitions = released(4).await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.forget();
    fake.refuse("c00", "Invalid value x for configuration batch.size: Not a number of type INT");
    definitions.release(&[(TEMPLATE, &template("  batch.size: x\n"))])?;
    waits_for_its_canary(&agent, 3).await?;
    sleep(AFTERWARDS).await;
    assert_eq!(configured(&fake), [""; 0]);
    assert_eq!((stops(&agent), agent.log().matches("\"why\":\"refused\"").count()), (1, 1));
    let failed = agent.metric("tagalong_connector_last_apply_failed{connector=\"c00\"}").await?;
    assert_eq!(failed, Some(1.0));

    fake.accept("c00");
    let commit = definitions.release(&[(TEMPLATE, &template("  batch.size: 7\n"))])?;
    agent.wait_for_applied(&commit).await?;
    assert_eq!(configured(&fake), ["c00", "c01", "c02", "c03"]);
    Ok(())
}

#[tokio::test]
async fn a_canary_whose_database_is_away_is_no_reason_to_wait() -> Result<()> {
    let mut definitions = released(3).await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.forget();
    fake.refuse(
        "c00",
        "Error while validating connector config: Connection to db:5432 refused. Check that the hostname and port are \
         correct",
    );
    let commit = definitions.release(&[(TEMPLATE, &template("  batch.size: 7\n"))])?;
    let others = || async { Ok(configured(&fake) == ["c01", "c02"]) };
    wait("the others are changed", others).await.with_context(|| agent.log())?;
    fake.accept("c00");
    agent.wait_for_applied(&commit).await?;
    assert_eq!(configured(&fake), ["c01", "c02", "c00"]);
    Ok(())
}

#[tokio::test]
async fn apply_stops_behind_a_canary_that_fails_and_says_so() -> Result<()> {
    let definitions = released(5).await?;
    let fake = Fake::start(1).await;
    for n in 0..5 {
        let class = "org.apache.kafka.connect.tools.MockSourceConnector";
        fake.preload(&format!("c{n:02}"), &[("connector.class", class), ("tasks.max", "2")]);
    }
    fake.sicken("c00", "java.lang.RuntimeException");
    let output = tagalong()
        .args(["apply", "--yes", "-o", "json", "-e", "test", "--git", &definitions.url(), "--tag", "v1"])
        .args(["--connect", &fake.url(0)])
        .output()
        .await?;
    let told: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    assert_eq!((output.status.code(), waiting(&told)), (Some(1), 4), "{told}");
    assert_eq!(configured(&fake), ["c00"]);
    assert_eq!(fake.connector("c04").context("it is there")?.state, State::Running);
    Ok(())
}

#[tokio::test]
async fn a_release_in_the_middle_of_a_rollout_ends_it_after_the_change_in_hand() -> Result<()> {
    let mut definitions = released(3).await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.forget();
    let (answer, told) = watch::channel(false);
    fake.inject(Fault::on("PUT", "/connectors/c00/config").until(told));
    definitions.release(&[(TEMPLATE, &template("  batch.size: 7\n"))])?;
    let open = || async { Ok(fake.requests().iter().any(|one| one.path.contains("/c00/config"))) };
    wait("the first change is under way", open).await?;
    let newer = definitions.release(&[(TEMPLATE, &template("  batch.size: 8\n"))])?;
    let known = || async { Ok(agent.status().await?["clocks"]["validated"].to_string().contains(&newer)) };
    wait("the newer revision is accepted", known).await?;
    answer.send_replace(true);
    agent.wait_for_applied(&newer).await?;
    let sent = |number: u8, name: &str| {
        let requests = fake.requests();
        let is = |one: &&Request| {
            one.method == "PUT"
                && one.path.contains(&format!("/{name}/config"))
                && one.body.contains(&format!("\"batch.size\":\"{number}\""))
        };
        requests.iter().filter(is).count()
    };
    assert_eq!((sent(7, "c00"), sent(7, "c01"), sent(7, "c02")), (1, 0, 0), "{:?}", fake.requests());
    assert_eq!((sent(8, "c00"), sent(8, "c01"), sent(8, "c02")), (1, 1, 1));
    Ok(())
}

#[tokio::test]
async fn a_pause_comes_before_the_change_and_a_resume_after_it_or_not_at_all() -> Result<()> {
    let text = |name: &str, state: &str| file_source(name, &format!("  batch.size: 7\nstate: {state}\n"));
    let files = [("a", "paused"), ("b", "running"), ("c", "running")];
    let files = files.map(|(name, state)| (file_of(name), text(name, state)));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    for name in ["a", "b", "c"] {
        preload(&fake, name);
    }
    fake.turn("b", Target::Paused);
    fake.turn("c", Target::Paused);
    fake.refuse("c", "Invalid value x for configuration batch.size: Not a number of type INT");
    let shown = || async { Ok(fake.connector("c").is_some_and(|one| one.state == State::Paused)) };
    wait("they are paused", shown).await?;
    let output = tagalong()
        .args(["apply", "--yes", "-o", "json", "-e", "test", "--git", &definitions.url(), "--tag", "v1"])
        .args(["--connect", &fake.url(0)])
        .output()
        .await?;
    let told: Value = serde_json::from_slice(&output.stdout)?;
    let of = |name: &str| -> Vec<WriteKind> {
        writes(&fake).into_iter().filter(|(one, _)| one == name).map(|(_, kind)| kind).collect()
    };
    assert_eq!(of("a"), [WriteKind::Pause, WriteKind::Configure]);
    assert_eq!(of("b"), [WriteKind::Configure, WriteKind::Resume]);
    assert_eq!(of("c"), []);
    let results = told["results"].as_array().context("results")?;
    let last = results.iter().rfind(|one| one["connector"] == "c" && one["step"] == "resume");
    let last = last.context("the resume of c")?;
    assert_eq!((&last["outcome"], &last["class"]), (&"not-taken".into(), &"invalid".into()), "{told}");
    Ok(())
}
