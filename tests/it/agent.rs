//! The agent as a process, against a fake cluster and a real git server: it follows a tag, keeps
//! the cluster equal to it, writes nothing else, and ends well.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::{Fake, Options, Phase, Request};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::definitions::{Definitions, file_of, file_source};

/// The requests of one quiet interval: a probe and two reads.
const QUIET: [&str; 3] = ["DELETE", "GET /connectors", "GET /connectors?expand=info&expand=status"];

/// A request in one word, the probe without its name.
fn word(request: &Request) -> String {
    let Request { method, path, query, .. } = request;
    match method.as_str() {
        "DELETE" if path.contains("tagalong-probe-") => "DELETE".to_owned(),
        method if query.is_empty() => format!("{method} {path}"),
        method => format!("{method} {path}?{query}"),
    }
}

#[tokio::test]
async fn a_quiet_interval_costs_one_listing_one_probe_and_two_reads() -> Result<()> {
    for count in [1, 200] {
        let files: Vec<_> = (0..count)
            .map(|n| format!("c{n:03}"))
            .map(|name| (file_of(&name), file_source(&name, "")))
            .collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let definitions = Definitions::new(&files).await?;
        let fake = Fake::start(1).await;
        let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
        agent.wait_for_applied(&definitions.released()?).await?;
        assert_eq!(fake.names().len(), count);

        let polls = "tagalong_repository_polls_total{outcome=\"noop\",repository=\"main\"}";
        let before = agent.metric(polls).await?.context("polls are counted")?;
        agent.wait_for_metric_from(polls, before + 1.0).await?;
        fake.forget();
        definitions.http.clear();
        agent.wait_for_metric_from(polls, before + 4.0).await?;

        // The moment of forgetting and that of looking may each cut a turn in two.
        let requests: Vec<_> = fake.requests().iter().map(word).skip_while(|word| word != QUIET[0]).collect();
        let (turns, cut) = requests.as_chunks::<3>();
        assert!(turns.iter().all(|turn| *turn == QUIET), "{count} connectors: {requests:?}");
        assert!(cut.iter().zip(QUIET).all(|(word, quiet)| word == quiet), "{count} connectors: {requests:?}");
        let listings = definitions.http.exchanges();
        assert!(turns.len() >= 2 && turns.len().abs_diff(listings.len()) <= 1, "{requests:?} {listings:?}");
        assert!(listings.iter().all(|listing| listing.method == "POST"), "{listings:?}");
        assert_eq!(writes(&fake), []);
    }
    Ok(())
}

#[tokio::test]
async fn a_moved_tag_is_applied_once_and_moved_back_is_a_rollback() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let first = definitions.released()?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&first).await?;
    fake.forget();

    let second = definitions.release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))])?;
    agent.wait_for_applied(&second).await?;
    let config = fake.connector("orders").context("it is there")?.config;
    assert_eq!(config.get("batch.size").map(String::as_str), Some("7"));
    assert_eq!(writes(&fake).len(), 1, "written once: {:?}", writes(&fake));

    definitions.move_to(&first)?;
    agent.wait_for_applied(&first).await?;
    assert_eq!(fake.connector("orders").context("it is there")?.config.get("batch.size"), None);
    assert_eq!(writes(&fake).len(), 2, "{:?}", writes(&fake));
    let moves = "tagalong_repository_moves_total{kind=\"backward\",repository=\"main\"}";
    assert_eq!(agent.metric(moves).await?, Some(1.0));
    Ok(())
}

#[tokio::test]
async fn a_release_with_a_typo_is_refused_whole_and_the_last_good_stays_in_force() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let good = definitions.released()?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&good).await?;
    fake.forget();

    let typo = file_source("orders", "stat: paused\n");
    definitions
        .release(&[(&file_of("orders"), &typo), (&file_of("good-one"), &file_source("good-one", ""))])?;
    agent.wait_for_metric("tagalong_findings{repository=\"main\",severity=\"error\"}", 1.0).await?;
    let status = agent.status().await?;
    let finding = &status["findings"][0];
    assert_eq!(
        (&finding["path"], &finding["line"], &finding["column"], &finding["rule"]),
        (&"connectors/orders.yaml".into(), &7.into(), &1.into(), &"unknown-key".into())
    );
    assert_eq!(
        agent.metric("tagalong_repository_state{repository=\"main\",state=\"invalid\"}").await?,
        Some(1.0)
    );

    fake.edit("orders", |config| {
        config.insert("topic".into(), "elsewhere".into());
    });
    let back = || async { Ok(fake.connector("orders").is_some_and(|one| one.config["topic"] == "orders")) };
    wait("drift is corrected to the last good revision", back).await?;
    assert_eq!(fake.names(), ["orders"], "nothing of the bad revision");
    Ok(())
}

#[tokio::test]
async fn a_change_by_hand_is_drift_and_is_put_back() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let drifted = "tagalong_connector_sync_state{connector=\"orders\",state=\"config_drift\"}";
    assert_eq!(agent.metric(drifted).await?, Some(0.0));

    let (answer, told) = watch::channel(false);
    fake.inject(Fault::on("PUT", "/connectors/orders/config").until(told));
    fake.edit("orders", |config| {
        config.insert("topic".into(), "elsewhere".into());
    });
    agent.wait_for_metric(drifted, 1.0).await?;
    let keys = "tagalong_connector_drifted_keys{connector=\"orders\"}";
    assert_eq!(agent.metric(keys).await?, Some(1.0));
    answer.send_replace(true);
    agent.wait_for_metric(drifted, 0.0).await?;
    assert_eq!(fake.connector("orders").context("it is there")?.config["topic"], "orders");
    Ok(())
}

#[tokio::test]
async fn of_two_agents_only_the_one_beside_the_leader_writes() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(2).await;
    let leader = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let follower = Agent::start(&definitions.settings(&fake.url(1))).await?;
    leader.wait_for_applied(&definitions.released()?).await?;
    follower.wait_for_metric("tagalong_leader", 0.0).await?;
    assert_eq!(leader.metric("tagalong_leader").await?, Some(1.0));
    let state = "tagalong_connector_sync_state{connector=\"orders\",state=\"synced\"}";
    assert_eq!((leader.metric(state).await?, follower.metric(state).await?), (Some(1.0), None));
    assert!(writes(&fake).iter().all(|(name, _)| name == "orders") && writes(&fake).len() == 1);

    fake.forget();
    fake.lead(1);
    let second = definitions.release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))])?;
    follower.wait_for_applied(&second).await?;
    leader.wait_for_metric("tagalong_leader", 0.0).await?;
    let by: Vec<_> = fake.writes().iter().map(|write| write.worker).collect();
    assert_eq!(by, [1], "written once, by the new leader");
    Ok(())
}

#[tokio::test]
async fn an_agent_whose_worker_is_gone_tells_nothing_old_of_the_connectors() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(2).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let synced = "tagalong_connector_sync_state{connector=\"orders\",state=\"synced\"}";
    assert_eq!(agent.metric(synced).await?, Some(1.0));
    fake.phase(0, Phase::Down).await;
    fake.lead(1);
    agent.wait_for_metric("tagalong_connect_reachable", 0.0).await?;
    assert_eq!(agent.metric(synced).await?, None);

    fake.phase(0, Phase::Ready).await;
    fake.lead(0);
    agent.wait_for_metric(synced, 1.0).await?;
    Ok(())
}

#[tokio::test]
async fn an_empty_list_of_a_starting_worker_creates_nothing() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::with(Options { phase: Phase::Booting, ..Options::default() }).await;
    fake.preload(
        "orders",
        &[
            ("connector.class", "FileStreamSource"),
            ("tasks.max", "1"),
            ("topic", "orders"),
            ("file", "/dev/null"),
        ],
    );
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    sleep(Duration::from_secs(2)).await;
    fake.phase(0, Phase::Reading).await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(writes(&fake), [], "while the worker reads its topics");
    fake.phase(0, Phase::Ready).await;
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(writes(&fake), [], "it was there all the time");
    Ok(())
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_not_repeated() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    fake.inject(Fault::on("POST", "/connectors").after_executing().break_off());
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let posts = fake.requests().iter().filter(|request| request.method == "POST").count();
    assert_eq!(posts, 1, "{}", agent.log());
    Ok(())
}

#[tokio::test]
async fn one_bad_connector_does_not_stop_the_others() -> Result<()> {
    let names = ["a-good", "b-bad", "c-good"];
    let files: Vec<_> = names.map(|name| (file_of(name), file_source(name, ""))).into();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    fake.refuse("b-bad", "Invalid value hunter2 for configuration topic: no");
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_metric("tagalong_connector_last_apply_failed{connector=\"b-bad\"}", 1.0).await?;
    wait("the others are there", || async { Ok(fake.names() == ["a-good", "c-good"]) }).await?;
    sleep(Duration::from_secs(3)).await;
    let posts = fake.requests().iter().filter(|request| request.body.contains("b-bad")).count();
    assert_eq!(posts, 1, "a refused config is not sent again at every interval");
    let told = format!("{}{}{}", agent.log(), agent.get("/status").await?, agent.get("/metrics").await?);
    assert!(!told.contains("hunter2"), "{told}");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_observes_sends_gets_only() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&format!("{}mode: observe\n", definitions.settings(&fake.url(0)))).await?;
    agent
        .wait_for_metric("tagalong_connector_sync_state{connector=\"orders\",state=\"missing\"}", 1.0)
        .await?;
    sleep(Duration::from_secs(2)).await;
    let others: Vec<_> = fake.requests().into_iter().filter(|request| request.method != "GET").collect();
    assert_eq!(others, []);
    assert_eq!(agent.metric("tagalong_leader").await?, None);
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_open_at_the_end_is_given_up_and_looked_at_by_the_next_start() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    fake.inject(Fault::on("POST", "/connectors").after_executing().hang());
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    wait("the creation is under way", || async { Ok(fake.names() == ["orders"]) }).await?;
    let (status, took) = agent.end().await?;
    assert!(status.success(), "{status}");
    assert!(took > Duration::from_secs(7) && took < Duration::from_secs(20), "{took:?}");

    let next = Agent::start(&definitions.settings(&fake.url(0))).await?;
    next.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(writes(&fake).len(), 1, "{:?}", writes(&fake));
    Ok(())
}

#[tokio::test]
async fn a_quiet_agent_ends_at_once() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let (status, took) = agent.end().await?;
    // What is under way is given eight seconds.
    assert!(status.success() && took < Duration::from_secs(7), "{status} {took:?}");
    Ok(())
}

#[tokio::test]
async fn a_failed_task_is_restarted_with_one_call() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.forget();
    fake.fail_task("orders", 0, "java.lang.RuntimeException: something");
    agent.wait_for_metric("tagalong_steps_total{outcome=\"converged\",step=\"restart\"}", 1.0).await?;
    let restarts: Vec<_> = fake.requests().iter().map(word).filter(|word| word.starts_with("POST")).collect();
    assert_eq!(restarts, ["POST /connectors/orders/restart?includeTasks=true&onlyFailed=true&forward=false"]);
    Ok(())
}

#[tokio::test]
async fn a_newer_release_ends_the_wait_for_one_that_does_not_come_up() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let good = definitions.released()?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings_within(&fake.url(0), "10m")).await?;
    agent.wait_for_applied(&good).await?;
    // Tasks that stay unassigned: nothing fails, and nothing runs.
    fake.inject(Fault::on("GET", "/connectors/orders/tasks").answer(500, "stuck").always());
    fake.inject(Fault::on("GET", "/connectors/orders").answer(500, "stuck").always());
    definitions.release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))])?;
    let changed =
        || async { Ok(fake.connector("orders").is_some_and(|one| one.config.contains_key("batch.size"))) };
    wait("the change is sent", changed).await?;
    definitions.move_to(&good)?;
    let back =
        || async { Ok(fake.connector("orders").is_some_and(|one| !one.config.contains_key("batch.size"))) };
    wait("the rollback is sent, long before the deadline", back).await.with_context(|| agent.log())
}
