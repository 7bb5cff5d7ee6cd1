//! What is held is told once, goes on being measured, and is done when it may be; an agent that observes writes
//! nothing, whatever happens.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use serde_json::Value;
use tagalong_testkit::fake::state::{State, Target};
use tagalong_testkit::fake::{Fake, Phase, Request};
use tagalong_testkit::http;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::{preload, writes};
use crate::support::definitions::{Definitions, ENVIRONMENT, file_of, file_source};

const CYCLES: &str = "tagalong_cycle_duration_seconds_count";

fn told(agent: &Agent, text: &str) -> usize {
    agent.log().lines().filter(|line| line.contains(text)).count()
}

/// The lines of a log with this text, as what they say.
fn lines(agent: &Agent, text: &str) -> Result<Vec<Value>> {
    let log = agent.log();
    let lines = log.lines().filter(|line| line.contains(text));
    lines.map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

async fn some_cycles(agent: &Agent) -> Result<()> {
    let before = agent.metric(CYCLES).await?.context("cycles are counted")?;
    agent.wait_for_metric_from(CYCLES, before + 3.0).await
}

fn suspended(until: &str) -> String {
    format!("environment: test\nsuspend: {{reason: \"migration, OPS-77\"{until}}}\n")
}

fn sync_of(name: &str, state: &str) -> String {
    format!("tagalong_connector_sync_state{{connector=\"{name}\",state=\"{state}\"}}")
}

#[tokio::test]
async fn a_suspended_environment_is_told_once_and_measured_on_and_what_waited_is_done_after_it() -> Result<()>
{
    let orders = file_source("orders", "");
    let mut definitions =
        Definitions::new(&[(&file_of("orders"), &orders), (&file_of("users"), &file_source("users", ""))])
            .await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let absent = "connector: users\nstate: absent\n";
    definitions.release(&[(ENVIRONMENT.0, &suspended("")), (&file_of("users"), absent)])?;
    agent.wait_for_metric("tagalong_suspended{by=\"environment\"}", 1.0).await?;
    fake.forget();
    fake.edit("orders", |config| drop(config.insert("topic".into(), "elsewhere".into())));
    agent.wait_for_metric(&sync_of("orders", "config_drift"), 1.0).await?;
    fake.fail_task("orders", 0, "java.lang.RuntimeException: something");
    agent.wait_for_metric("tagalong_connector_tasks{connector=\"orders\",state=\"failed\"}", 1.0).await?;
    let since = "tagalong_connector_drift_since_timestamp_seconds{connector=\"orders\"}";
    let began = agent.metric(since).await?.context("it drifts")?;
    some_cycles(&agent).await?;

    for (series, value) in [
        ("tagalong_held{hold=\"suspended\"}", 2.0),
        ("tagalong_connectors{sync=\"held\"}", 2.0),
        ("tagalong_connectors{sync=\"drifted\"}", 0.0),
        ("tagalong_connector_drifted_keys{connector=\"orders\"}", 1.0),
        (&sync_of("users", "surplus"), 1.0),
        (since, began),
    ] {
        assert_eq!(agent.metric(series).await?, Some(value), "{series}");
    }
    let status = agent.status().await?;
    let why = "the environment says suspend, until the word is taken away: migration, OPS-77";
    let held = &status["connectors"][0]["held"][0];
    assert_eq!((held["hold"].as_str(), held["detail"].as_str()), (Some("suspended"), Some(why)), "{held}");
    let mut warned: Vec<_> = lines(&agent, "a step is held\"")?
        .iter()
        .map(|line| {
            format!("{} {} {} {}", line["level"], line["connector"], line["step"], line["detail"] == why)
        })
        .collect();
    warned.sort();
    assert_eq!(warned, ["\"WARN\" \"orders\" \"configure\" true", "\"WARN\" \"users\" \"delete\" true"]);
    assert_eq!(writes(&fake), [], "not even a deletion that is declared");
    let restarts = fake.requests().into_iter().filter(|request| request.method == "POST");
    assert_eq!(restarts.count(), 0, "a restart is a write");

    definitions.release(&[(ENVIRONMENT.0, ENVIRONMENT.1)])?;
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(told(&agent, "a step is held no more: it is released"), 2, "{}", agent.log());
    assert_eq!(fake.names(), ["orders"]);
    Ok(())
}

/// Asks at an interval of ten minutes, so that only the end of the suspension can bring the next look.
#[tokio::test]
async fn a_suspension_that_ends_by_itself_is_followed_at_its_moment() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let dir = tempfile::tempdir()?;
    let token = dir.path().join("token");
    std::fs::write(&token, "a-long-enough-token-for-a-story")?;
    let settings = definitions.settings(&fake.url(0)).replace("interval: 1s", "interval: 10m");
    let file = token.display().to_string();
    let agent = Agent::start_with(&settings, &[("TAGALONG_HTTP__TOKEN_FILE", &file)]).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    // Where the machine takes longer to see the suspension than it lasts, a longer one is tried.
    for seconds in [4, 16, 64] {
        let name = format!("after-{seconds}");
        let end = Timestamp::now() + Duration::from_secs(seconds);
        let until = suspended(&format!(", until: {end}"));
        definitions.release(&[(ENVIRONMENT.0, &until), (&file_of(&name), &file_source(&name, ""))])?;
        let asked = http::client().post(format!("{}/reconcile", agent.url()));
        let asked = asked.bearer_auth("a-long-enough-token-for-a-story").send().await?;
        ensure!(asked.status().is_success(), "{}", asked.status());
        wait("it is there", async || Ok(fake.names().contains(&name))).await.with_context(|| agent.log())?;
        if lines(&agent, "a step is held\"")?.iter().any(|line| line["connector"] == name.as_str()) {
            ensure!(Timestamp::now() >= end, "it was not made before the end");
            agent.wait_for_metric("tagalong_suspended{by=\"environment\"}", 0.0).await?;
            return Ok(());
        }
    }
    anyhow::bail!("no suspension was seen: {}", agent.log())
}

#[tokio::test]
async fn a_suspension_that_has_ended_and_one_that_is_lifted_by_the_child_hold_nothing() -> Result<()> {
    let orders = file_source("orders", "");
    let past =
        ("environments/past.yaml", "environment: past\nsuspend: {reason: x, until: 2020-01-01T00:00:00Z}\n");
    let base = ("environments/base.yaml", "environment: base\nsuspend: {reason: \"all of it, OPS-1\"}\n");
    let lifted = ("environments/lifted.yaml", "environment: lifted\nbase: base\nsuspend: null\n");
    let under = ("environments/under.yaml", "environment: under\nbase: base\n");
    let definitions = Definitions::new(&[(&file_of("orders"), &orders), past, base, lifted, under]).await?;
    for (environment, suspended) in [("past", 0.0), ("lifted", 0.0), ("under", 1.0)] {
        let fake = Fake::start(1).await;
        let settings = definitions
            .settings(&fake.url(0))
            .replace("environment: test", &format!("environment: {environment}"));
        let agent = Agent::start(&settings).await?;
        agent.wait_for_metric_from(CYCLES, 2.0).await?;
        agent.wait_for_metric("tagalong_suspended{by=\"environment\"}", suspended).await?;
        if suspended > 0.0 {
            agent.wait_for_metric(&sync_of("orders", "missing"), 1.0).await?;
            assert_eq!(writes(&fake), []);
        } else {
            agent.wait_for_applied(&definitions.released()?).await?;
            assert_eq!(fake.names(), ["orders"], "{environment}");
        }
    }
    Ok(())
}

/// Everything that would be a write, one after the other: missing, drifted, paused and stopped by hand, failed,
/// wanted absent, suspended and not, a worker that goes and comes back, a release that is not valid.
#[tokio::test]
async fn an_agent_that_observes_sends_gets_only_its_whole_life_long() -> Result<()> {
    let paused = file_source("paused", "state: paused\n");
    let (orders, failing) = (file_source("orders", ""), file_source("failing", ""));
    let absent = "connector: absent\nstate: absent\n";
    let files = [
        (file_of("orders"), orders.as_str()),
        (file_of("failing"), failing.as_str()),
        (file_of("paused"), paused.as_str()),
        (file_of("absent"), absent),
        (file_of("missing"), &file_source("missing", "")),
    ];
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let mut definitions = Definitions::new(&files).await?;
    let fake = Fake::start(2).await;
    for name in ["orders", "failing", "paused", "absent"] {
        preload(&fake, name);
    }
    let agent = Agent::start(&format!("{}mode: observe\n", definitions.settings(&fake.url(0)))).await?;
    for (name, state) in
        [("missing", "missing"), ("paused", "state_drift"), ("absent", "surplus"), ("orders", "synced")]
    {
        agent.wait_for_metric(&sync_of(name, state), 1.0).await?;
    }

    fake.edit("orders", |config| drop(config.insert("topic".into(), "elsewhere".into())));
    fake.fail_task("failing", 0, "java.lang.RuntimeException: something");
    fake.turn("paused", Target::Stopped);
    agent.wait_for_metric(&sync_of("orders", "config_drift"), 1.0).await?;
    agent.wait_for_metric("tagalong_connector_tasks{connector=\"failing\",state=\"failed\"}", 1.0).await?;
    let restarts = async || Ok(agent.status().await?["plan"]["summary"]["restart"] == 1);
    wait("the plan has the restart", restarts).await?;

    definitions.release(&[(ENVIRONMENT.0, &suspended(""))])?;
    agent.wait_for_metric("tagalong_suspended{by=\"environment\"}", 1.0).await?;
    agent.wait_for_metric("tagalong_connectors{sync=\"held\"}", 5.0).await?;
    definitions.release(&[(ENVIRONMENT.0, ENVIRONMENT.1)])?;
    agent.wait_for_metric("tagalong_suspended{by=\"environment\"}", 0.0).await?;
    definitions.release(&[("connectors/bad.yaml", "connector: bad\nno-such-key: 1\n")])?;
    agent.wait_for_metric_from("tagalong_findings{repository=\"main\",severity=\"error\"}", 1.0).await?;
    fake.phase(0, Phase::Down).await;
    agent.wait_for_metric("tagalong_connect_reachable", 0.0).await?;
    fake.lead(1);
    fake.phase(0, Phase::Ready).await;
    agent.wait_for_metric("tagalong_connect_reachable", 1.0).await?;
    agent.wait_for_metric(&sync_of("missing", "missing"), 1.0).await?;
    some_cycles(&agent).await?;

    let plan = &agent.status().await?["plan"];
    let steps: Vec<_> =
        plan["steps"].as_array().context("steps")?.iter().map(|step| step["step"].as_str()).collect();
    assert_eq!(
        steps,
        ["stop", "pause", "delete", "configure", "create", "restart"].map(Some),
        "the plan is whole"
    );
    assert_eq!(agent.metric("tagalong_leader").await?, None);
    agent.end().await?;
    let others: Vec<_> = fake.requests().into_iter().filter(|request| request.method != "GET").collect();
    assert_eq!(others, [], "not one request may write");
    assert_eq!(fake.names(), ["absent", "failing", "orders", "paused"]);
    Ok(())
}

#[tokio::test]
async fn a_failed_connector_whose_change_is_held_is_restarted_as_it_is() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.forget();

    let elsewhere = file_source("orders", "  offsets.storage.topic: elsewhere\n");
    definitions.release(&[(&file_of("orders"), &elsewhere)])?;
    agent.wait_for_metric("tagalong_held{hold=\"risky-change\"}", 1.0).await?;
    fake.fail_task("orders", 0, "java.lang.RuntimeException: something");
    let restarts = || fake.requests().into_iter().filter(|request| request.method == "POST").count();
    wait("it is restarted", async || Ok(restarts() > 0)).await.with_context(|| agent.log())?;
    agent.wait_for_metric("tagalong_connector_tasks{connector=\"orders\",state=\"running\"}", 1.0).await?;
    agent.wait_for_metric("tagalong_connector_tasks{connector=\"orders\",state=\"failed\"}", 0.0).await?;
    some_cycles(&agent).await?;

    assert_eq!(restarts(), 1, "{}", agent.log());
    assert_eq!(agent.metric("tagalong_held{hold=\"risky-change\"}").await?, Some(1.0), "it waits still");
    let is_sent = |request: &Request| request.method == "PUT";
    assert!(!fake.requests().iter().any(is_sent), "with the config that it has");
    Ok(())
}

#[tokio::test]
async fn a_resume_behind_a_risky_change_is_held_with_its_keys_and_says_who_answered_for_it() -> Result<()> {
    let risky = file_source("orders", "  errors.tolerance: all\n");
    let mut definitions = Definitions::new(&[(&file_of("orders"), &risky)]).await?;
    let fake = Fake::start(1).await;
    preload(&fake, "orders");
    fake.turn("orders", Target::Paused);
    let paused = async || Ok(fake.connector("orders").is_some_and(|one| one.state == State::Paused));
    wait("it is paused", paused).await?;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let both = async || Ok(told(&agent, "a step is held\"") == 2);
    wait("both are held", both).await.with_context(|| agent.log())?;
    for line in lines(&agent, "a step is held\"")? {
        assert_eq!(line["keys"], "errors.tolerance", "{line}");
    }
    let answer = "acknowledge: [{key: errors.tolerance, to: all, reason: OPS-1}]\n";
    let answered = format!("{risky}{answer}");
    definitions.release(&[(&file_of("orders"), &answered)])?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let taken: Vec<_> = lines(&agent, "took a step")?
        .iter()
        .map(|line| format!("{} {}", line["step"], line["acknowledged"]))
        .collect();
    let reason = "\"errors.tolerance: OPS-1\"";
    assert_eq!(taken, [format!("\"configure\" {reason}"), format!("\"resume\" {reason}")]);
    Ok(())
}

#[tokio::test]
async fn where_restarts_are_off_what_has_failed_is_told_and_left_alone() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let settings = definitions.settings(&fake.url(0));
    let agent = Agent::start(&format!("{settings}restart: {{enabled: false}}\n")).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.forget();
    fake.fail_task("orders", 0, "java.lang.RuntimeException: something");
    agent.wait_for_metric("tagalong_connector_tasks{connector=\"orders\",state=\"failed\"}", 1.0).await?;
    some_cycles(&agent).await?;
    let posts = fake.requests().into_iter().filter(|request| request.method == "POST");
    assert_eq!((posts.count(), writes(&fake)), (0, vec![]), "a restart is a write");
    let status = agent.status().await?;
    let restarts = &status["plan"]["summary"]["restart"];
    assert_eq!((&status["connectors"][0]["tasks"][0]["state"], restarts), (&"failed".into(), &0.into()));
    Ok(())
}
