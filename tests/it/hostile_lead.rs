//! A hostile world: leads and tags that move at the wrong moment, and what the agent makes of it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::{Target, Timing, WriteKind};
use tagalong_testkit::fake::{Fake, Options, Phase};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::support::agent::{Agent, wait};
use crate::support::cluster::{preload, writes};
use crate::support::definitions::{Definitions, file_of, file_source};

#[tokio::test]
async fn an_agent_whose_worker_lost_the_lead_between_two_steps_resumes_nothing() -> Result<()> {
    let files = [("a-changed", "  batch.size: 7\n"), ("b-paused", "")];
    let files = files.map(|(name, more)| (file_of(name), file_source(name, more)));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let timing = Timing { settle: Duration::from_secs(2), ..Timing::default() };
    let fake = Fake::with(Options { workers: 2, timing, ..Options::default() }).await;
    preload(&fake, "a-changed");
    preload(&fake, "b-paused");
    fake.turn("b-paused", Target::Paused);
    sleep(Duration::from_millis(100)).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    wait("the change is sent", || async { Ok(!fake.writes().is_empty()) }).await?;
    fake.lead(1);
    agent.wait_for_metric("tagalong_leader", 0.0).await?;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(writes(&fake), [("a-changed".to_owned(), WriteKind::Configure)]);
    Ok(())
}

#[tokio::test]
async fn a_repository_is_well_again_when_its_tag_is_moved_away_from_what_cannot_be_used() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let good = definitions.released()?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&good).await?;
    // A tag that names no commit at all.
    let blob = definitions.origin.git(&["rev-parse", "HEAD:environments/test.yaml"])?;
    definitions.move_to(blob.trim())?;
    let state = |name: &str| format!("tagalong_repository_state{{repository=\"main\",state=\"{name}\"}}");
    agent.wait_for_metric(&state("invalid"), 1.0).await?;
    assert_eq!(agent.metric("tagalong_revision_current").await?, Some(0.0), "the tag names something else");
    definitions.move_to(&good)?;
    agent.wait_for_metric(&state("ok"), 1.0).await?;
    agent.wait_for_metric("tagalong_revision_current", 1.0).await?;
    Ok(())
}

#[tokio::test]
async fn a_lead_that_moves_every_second_costs_no_write_and_ends_at_the_last_release() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(2).await;
    let agents = [
        Agent::start(&definitions.settings(&fake.url(0))).await?,
        Agent::start(&definitions.settings(&fake.url(1))).await?,
    ];
    agents[0].wait_for_applied(&definitions.released()?).await?;
    fake.forget();
    let began = Instant::now();
    let mut last = String::new();
    for n in 0..6 {
        fake.lead(n % 2);
        if n % 3 == 0 {
            let more = format!("  batch.size: {n}\n");
            last = definitions.release(&[(&file_of("orders"), &file_source("orders", &more))])?;
        }
        sleep(Duration::from_millis(900)).await;
    }
    let (count, took) = (fake.requests().len(), began.elapsed());
    assert!(u64::try_from(count)? < 20 * (took.as_secs() + 1), "{count} requests in {took:?}");
    agents[1].wait_for_applied(&last).await?;
    let writes = fake.writes();
    assert!(writes.len() <= 2 && writes.iter().all(|one| one.changed), "{writes:?}");
    assert_eq!(fake.connector("orders").context("it is there")?.config["batch.size"], "3");
    Ok(())
}

#[tokio::test]
async fn a_tag_that_is_moved_twenty_times_in_a_row_ends_at_its_last_place() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.forget();
    let mut last = String::new();
    for n in 0..20 {
        let more = format!("  batch.size: {n}\n");
        last = definitions.release(&[(&file_of("orders"), &file_source("orders", &more))])?;
    }
    agent.wait_for_applied(&last).await?;
    assert_eq!(fake.connector("orders").context("it is there")?.config["batch.size"], "19");
    assert!(fake.writes().iter().all(|one| one.changed), "{:?}", fake.writes());
    Ok(())
}

#[tokio::test]
async fn a_deleted_tag_freezes_and_deletes_nothing_and_its_return_is_followed() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.forget();
    definitions.origin.delete_tag("v1")?;
    agent
        .wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"ref_missing\"}", 1.0)
        .await?;
    fake.edit("orders", |config| {
        config.insert("topic".into(), "elsewhere".into());
    });
    let back = || async { Ok(fake.connector("orders").is_some_and(|one| one.config["topic"] == "orders")) };
    wait("drift is put back to the last good", back).await?;
    let second = definitions.release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))])?;
    agent.wait_for_applied(&second).await?;
    assert_eq!(writes(&fake).len(), 2);
    let moves =
        |kind: &str| format!("tagalong_repository_moves_total{{kind=\"{kind}\",repository=\"main\"}}");
    assert_eq!(agent.metric(&moves("deleted")).await?, Some(1.0));
    // Where it came back to is judged against what was in force.
    assert_eq!(agent.metric(&moves("appeared")).await?, Some(1.0));
    let [forward, sideways] = ["forward", "sideways"].map(moves);
    let both = agent.metric(&forward).await?.zip(agent.metric(&sideways).await?);
    assert_eq!(both.map(|(forward, sideways)| forward + sideways), Some(1.0));
    Ok(())
}

#[tokio::test]
async fn a_new_leader_resolves_the_tag_before_its_first_write() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(2).await;
    let first = Agent::start(&definitions.settings(&fake.url(0))).await?;
    first.wait_for_applied(&definitions.released()?).await?;
    let (answer, told) = watch::channel(false);
    fake.inject(Fault::on("DELETE", "probe").worker(1).until(told));
    let settings = definitions.settings(&fake.url(1)).replace("interval: 1s", "interval: 60s");
    let second = Agent::start(&settings).await?;
    let asks = || async { Ok(fake.requests().iter().any(|one| one.worker == 1)) };
    wait("the second one asks who leads", asks).await?;
    let released =
        definitions.release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))])?;
    first.wait_for_applied(&released).await?;
    fake.lead(1);
    fake.forget();
    answer.send_replace(true);
    second.wait_for_applied(&released).await?;
    assert_eq!(writes(&fake), [], "what it knew when it began was older than what was applied");
    Ok(())
}

#[tokio::test]
async fn a_new_leader_whose_repository_does_not_answer_writes_nothing_for_five_intervals() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(2).await;
    preload(&fake, "orders");
    let settings = definitions.settings(&fake.url(1)).replace("interval: 1s", "interval: 2s");
    let agent = Agent::start(&settings).await?;
    agent.wait_for_metric("tagalong_leader", 0.0).await?;
    let failing = Instant::now();
    definitions.http.fail(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    agent
        .wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"unreachable\"}", 1.0)
        .await?;
    fake.edit("orders", |config| {
        config.insert("topic".into(), "elsewhere".into());
    });
    fake.lead(1);
    agent
        .wait_for_metric("tagalong_connector_sync_state{connector=\"orders\",state=\"config_drift\"}", 1.0)
        .await?;
    sleep(Duration::from_secs(2)).await;
    let early = (writes(&fake), agent.metric("tagalong_apply_last_result{result=\"never\"}").await?);
    // Where the machine let it come so late, the time below says that it waited.
    if failing.elapsed() < Duration::from_secs(10) {
        assert_eq!(early, (vec![], Some(1.0)));
    }
    // Then what was accepted last counts: drift is not left for as long as git is away.
    agent.wait_for_applied(&definitions.released()?).await?;
    // Five intervals of two seconds.
    assert!(failing.elapsed() >= Duration::from_secs(10), "{:?}", failing.elapsed());
    assert_eq!(writes(&fake), [("orders".to_owned(), WriteKind::Configure)]);
    definitions.http.heal();
    agent.wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"ok\"}", 1.0).await?;
    assert_eq!(writes(&fake).len(), 1);
    Ok(())
}

#[tokio::test]
async fn behind_a_load_balancer_an_empty_list_is_looked_at_twice_before_anything_is_created() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    preload(&fake, "orders");
    fake.inject(Fault::on("GET", "/connectors?expand").raw(200, "application/json", "{}"));
    fake.inject(Fault::on("GET", "/connectors").raw(200, "application/json", "[]"));
    let settings = definitions.settings(&fake.url(0)).replace("connect: {", "connect: {writer: forwarded, ");
    let agent = Agent::start(&settings).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let others: Vec<_> = fake.requests().into_iter().filter(|one| one.method != "GET").collect();
    assert_eq!(others, []);
    Ok(())
}

#[tokio::test]
async fn a_newer_release_ends_the_cycle_after_the_step_in_hand() -> Result<()> {
    let names = ["a", "b", "c"];
    let files = |more: &str| names.map(|name| (file_of(name), file_source(name, more)));
    let first = files("");
    let first: Vec<_> = first.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut definitions = Definitions::new(&first).await?;
    let good = definitions.released()?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&good).await?;
    fake.forget();
    let (answer, told) = watch::channel(false);
    fake.inject(Fault::on("PUT", "/connectors/a/config").until(told));
    let second = files("  batch.size: 7\n");
    let second: Vec<_> = second.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    definitions.release(&second)?;
    let sent = || async { Ok(fake.requests().iter().any(|one| one.method == "PUT")) };
    wait("the first change is under way", sent).await?;
    definitions.move_to(&good)?;
    let known = || async { Ok(agent.status().await?["clocks"]["validated"].to_string().contains(&good)) };
    wait("the newer one is known", known).await?;
    answer.send_replace(true);
    wait("the rollback is written", || async { Ok(writes(&fake).len() >= 2) }).await?;
    sleep(Duration::from_secs(1)).await;
    let written: Vec<_> = writes(&fake).into_iter().map(|(name, _)| name).collect();
    assert_eq!(written, ["a", "a"], "the step in hand, and its rollback");
    Ok(())
}

#[tokio::test]
async fn a_lost_lead_ends_the_cycle_at_once_and_nothing_is_sent_again() -> Result<()> {
    let names: Vec<_> = (0..24).map(|n| format!("c{n:02}")).collect();
    let files: Vec<_> = names.iter().map(|name| (file_of(name), file_source(name, ""))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let fake = Fake::start(2).await;
    fake.inject(Fault::on("POST", "/connectors").delay(Duration::from_millis(400)).always());
    // At the next interval it would find out anyway.
    let settings = definitions.settings(&fake.url(0)).replace("interval: 1s", "interval: 1h");
    let agent = Agent::start(&settings).await?;
    wait("some are made", || async { Ok(fake.names().len() >= 8) }).await?;
    fake.lead(1);
    agent.wait_for_metric("tagalong_leader", 0.0).await?;
    sleep(Duration::from_secs(1)).await;
    let mut posts: Vec<_> =
        fake.requests().into_iter().filter(|one| one.method == "POST").map(|one| one.body).collect();
    let count = posts.len();
    posts.sort();
    posts.dedup();
    assert_eq!(posts.len(), count, "none is sent twice");
    assert!(count < 24, "{count}: the rest is left to the next leader");
    Ok(())
}

#[tokio::test]
async fn a_follower_whose_worker_goes_away_tells_nothing_of_the_connectors() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(2).await;
    let agent = Agent::start(&definitions.settings(&fake.url(1))).await?;
    agent.wait_for_metric("tagalong_leader", 0.0).await?;
    fake.phase(1, Phase::Down).await;
    agent.wait_for_metric("tagalong_connect_reachable", 0.0).await?;
    assert_eq!(agent.metric("tagalong_leader").await?, Some(0.0));
    assert_eq!(agent.metric("tagalong_revision_current").await?, None);
    assert_eq!(agent.metric("tagalong_connectors{sync=\"synced\"}").await?, None);
    Ok(())
}
