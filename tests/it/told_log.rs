//! What an agent tells of what lasts: a Connect that is away, connectors that nobody declares, a folder that
//! changes. Each is a line where it is news, and stands in the status while it is so.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::{Fake, Phase};
use tokio::time::sleep;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::preload;
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, file_of, file_source};

const REACHABLE: &str = "tagalong_connect_reachable";

fn told(agent: &Agent, text: &str) -> usize {
    agent.log().lines().filter(|line| line.contains(text)).count()
}

/// What a person reads who asks the agent.
async fn status(agent: &Agent) -> Result<String> {
    let mut desk = Desk::new(&[])?;
    desk.set("TAGALONG_AGENT", agent.url());
    Ok(desk.run("status").await?.out)
}

#[tokio::test]
async fn a_connect_that_stays_away_is_told_once_and_so_is_its_return() -> Result<()> {
    let definitions = Definitions::new(&[(&file_of("orders"), &file_source("orders", ""))]).await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    fake.phase(0, Phase::Down).await;
    agent.wait_for_metric(REACHABLE, 0.0).await?;
    let asked = "tagalong_cycle_duration_seconds_count";
    let before = agent.metric(asked).await?.context("cycles are counted")?;
    agent.wait_for_metric_from(asked, before + 3.0).await?;
    ensure!(told(&agent, "could not look at the cluster") == 1, "{}", agent.log());

    let seen = status(&agent).await?;
    ensure!(seen.contains("\n1 connector declared, how they stand is not known, "), "{seen}");
    ensure!(
        seen.contains("✗ connect: unreachable: ") && seen.contains("\n  hint: is the worker up"),
        "{seen}"
    );
    let page = agent.get("/").await?;
    ensure!(page.contains("1 connector declared, how they stand is not known"), "{page}");
    ensure!(page.contains("hint: is the worker up"), "{page}");

    fake.phase(0, Phase::Ready).await;
    agent.wait_for_metric(REACHABLE, 1.0).await?;
    let before = agent.metric(asked).await?.context("cycles are counted")?;
    agent.wait_for_metric_from(asked, before + 2.0).await?;
    ensure!(told(&agent, "Connect can be asked again, after ") == 1, "{}", agent.log());
    ensure!(told(&agent, "could not look at the cluster") == 1, "{}", agent.log());
    Ok(())
}

#[tokio::test]
async fn a_refused_change_is_told_as_failed_also_where_the_look_after_it_went_wrong() -> Result<()> {
    let definitions = Definitions::one("orders", "  batch.size: 7\n").await?;
    let fake = Fake::start(1).await;
    preload(&fake, "orders");
    fake.inject(Fault::on("PUT", "/connectors/orders/config").answer(400, "it is invalid").always());
    // The look before the change is well, the one after it is not.
    let read = || Fault::on("GET", "/connectors").alone();
    fake.inject(read());
    fake.inject(read().answer(500, "something"));
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let failed = "tagalong_connector_last_apply_failed{connector=\"orders\"}";
    agent.wait_for_metric(failed, 1.0).await?;
    let looks = "tagalong_cycle_duration_seconds_count";
    let before = agent.metric(looks).await?.context("cycles are counted")?;
    agent.wait_for_metric_from(looks, before + 3.0).await?;
    assert_eq!(agent.metric(failed).await?, Some(1.0), "it was not tried again: {}", agent.log());
    let sent = fake.requests().iter().filter(|one| one.method == "PUT").count();
    ensure!(sent == 1 && told(&agent, "could not look at the cluster") == 1, "{sent}: {}", agent.log());
    Ok(())
}

#[tokio::test]
async fn a_connector_whose_definition_went_away_is_named_while_it_is_there_and_told_when_it_is_gone()
-> Result<()> {
    let (orders, users) = (file_source("orders", ""), file_source("users", ""));
    let mut definitions =
        Definitions::new(&[(&file_of("orders"), &orders), (&file_of("users"), &users)]).await?;
    let fake = Fake::start(1).await;
    fake.preload("someone-elses", &[("connector.class", "FileStreamSource"), ("topic", "x"), ("file", "/x")]);
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    ensure!(
        told(&agent, "no definition declares these, they are left alone: someone-elses") == 1,
        "{}",
        agent.log()
    );

    definitions.release(&[(&file_of("users"), &file_source("people", ""))])?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let unmanaged = "Unmanaged (never touched): someone-elses, users";
    let seen = status(&agent).await?;
    ensure!(seen.contains(&format!("\n{unmanaged}\n2 connectors, 0 not in sync")), "{seen}");
    ensure!(agent.get("/").await?.contains(unmanaged));
    sleep(Duration::from_secs(2)).await;
    ensure!(told(&agent, "no definition declares it any more") == 1, "{}", agent.log());

    fake.remove("users");
    wait("the end is told", async || Ok(told(&agent, "it was unmanaged, and is gone") == 1)).await?;
    Ok(())
}

#[tokio::test]
async fn a_folder_that_changes_is_said_to_have_changed_and_one_that_was_never_good_leaves_nothing_in_force()
-> Result<()> {
    let desk = Desk::new(&[("definitions/environments/test.yaml", "environment: test\n")])?;
    let fake = Fake::start(1).await;
    let folder = desk.path("definitions");
    let settings = |path: &str| {
        format!("environment: test\nrepository: {{dir: {path}}}\nconnect: {{url: \"{}\"}}\n", fake.url(0))
    };
    let agent = Agent::start(&settings(&folder.display().to_string())).await?;
    wait("it is accepted", async || Ok(told(&agent, "accepted a revision") == 1)).await?;
    desk.write("definitions/connectors/orders.yaml", &file_source("orders", ""))?;
    wait("the change is told", async || Ok(told(&agent, "have changed") == 1)).await?;
    ensure!(told(&agent, "moved forward") == 0, "{}", agent.log());
    wait("a step is told", async || Ok(told(&agent, "took a step") == 1)).await?;
    let log = agent.log();
    let audit = log.lines().find(|line| line.contains("took a step")).context("it was told")?;
    ensure!(audit.matches("revision").count() == 1, "{audit}");

    let nowhere = Agent::start(&settings("/nowhere")).await?;
    wait("it is told", async || Ok(told(&nowhere, "could not follow the repository; none is in force") == 1))
        .await?;
    Ok(())
}
