//! An agent that follows two repositories, each at a tag of its own: what happens when one of them
//! moves, breaks, or is away.

use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use serde_json::Value;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::rules::{Effect, Rule};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::platform::{ORDERS, Platform, TEMPLATE, imports, template};

/// Two repositories, a cluster, and an agent that has applied what they say.
struct Story {
    platform: Platform,
    definitions: Definitions,
    fake: Fake,
    agent: Agent,
}

impl Story {
    async fn begin() -> Result<Self> {
        Self::within("60s").await
    }

    /// The same, where a repository may take so long to answer.
    async fn within(deadline: &str) -> Result<Self> {
        let platform = Platform::new().await?;
        let definitions = platform.definitions().await?;
        let fake = Fake::start(1).await;
        let agent = Agent::start(&within(&definitions, &fake, deadline)).await?;
        let story = Self { platform, definitions, fake, agent };
        story.wait_for_applied().await?;
        story.fake.forget();
        Ok(story)
    }

    /// Waits until the cluster equals what both tags name.
    async fn wait_for_applied(&self) -> Result<()> {
        self.agent.wait_for_applied(&self.definitions.released()?).await?;
        self.agent.wait_for_applied(&self.platform.origin.id("v2^{commit}")?).await
    }

    fn key(&self, connector: &str, key: &str) -> Option<String> {
        self.fake.connector(connector)?.config.get(key).cloned()
    }

    /// Waits until a repository has been asked some more times.
    async fn polls(&self, repository: &str, outcome: &str, more: f64) -> Result<()> {
        let series =
            format!("tagalong_repository_polls_total{{outcome=\"{outcome}\",repository=\"{repository}\"}}");
        let before = self.agent.metric(&series).await?.context("polls are counted")?;
        self.agent.wait_for_metric_from(&series, before + more).await
    }
}

/// The settings of an agent whose repositories may take so long to answer.
fn within(definitions: &Definitions, fake: &Fake, deadline: &str) -> String {
    definitions.settings(&fake.url(0)).replace("deadline: 60s", &format!("deadline: {deadline}"))
}

fn state(repository: &str, state: &str) -> String {
    format!("tagalong_repository_state{{repository=\"{repository}\",state=\"{state}\"}}")
}

fn errors(repository: &str) -> String {
    format!("tagalong_findings{{repository=\"{repository}\",severity=\"error\"}}")
}

fn read(repository: &str) -> String {
    format!("tagalong_repository_polls_total{{outcome=\"success\",repository=\"{repository}\"}}")
}

async fn findings(agent: &Agent) -> Result<Vec<(String, u64, String)>> {
    let status = agent.status().await?;
    let found = status["findings"].as_array().context("a list")?;
    let one = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        (text("path"), finding["line"].as_u64().unwrap_or_default(), text("rule"))
    };
    Ok(found.iter().map(one).collect())
}

#[tokio::test]
async fn when_the_tag_of_an_import_moves_its_connectors_change_and_nothing_is_read_twice() -> Result<()> {
    let mut story = Story::begin().await?;
    let first = story.platform.origin.id("v2^{commit}")?;
    story.platform.release(&[(TEMPLATE.0, &template("  batch.size: 7\n"))])?;
    story.wait_for_applied().await?;
    assert_eq!(story.key("orders", "batch.size").as_deref(), Some("7"));
    assert_eq!(writes(&story.fake).len(), 1, "{:?}", writes(&story.fake));

    story.platform.origin.annotated_tag("v2", &first, "back")?;
    story.wait_for_applied().await?;
    assert_eq!(story.key("orders", "batch.size"), None);
    let backward = "tagalong_repository_moves_total{kind=\"backward\",repository=\"platform\"}";
    assert_eq!(story.agent.metric(backward).await?, Some(1.0));
    assert_eq!(story.agent.metric(&read("main")).await?, Some(1.0));
    assert_eq!(story.agent.metric(&read("platform")).await?, Some(3.0));
    assert!(story.agent.log().contains(", platform v2 at "), "{}", story.agent.log());
    let status = story.agent.status().await?;
    let told: Vec<_> =
        status["repositories"].as_array().context("a list")?.iter().map(|one| &one["repository"]).collect();
    assert_eq!(told, ["main", "platform"]);
    Ok(())
}

#[tokio::test]
async fn while_an_import_is_away_what_was_read_of_it_serves_the_main_repository_on_its_way() -> Result<()> {
    let mut story = Story::begin().await?;
    story.platform.http.fail(StatusCode::SERVICE_UNAVAILABLE);
    story.agent.wait_for_metric(&state("platform", "unreachable"), 1.0).await?;
    let more = ("connectors/more.yaml", "connector: more\ntemplate: platform/file\nwith: {topic: more}\n");
    story.definitions.release(&[more])?;
    story.wait_for_applied().await?;
    assert_eq!(story.fake.names(), ["more", "orders"]);
    assert_eq!(story.agent.metric(&state("main", "ok")).await?, Some(1.0));
    assert_eq!(story.agent.metric(&errors("main")).await?, Some(0.0));

    story.platform.http.heal();
    story.agent.wait_for_metric(&state("platform", "ok"), 1.0).await?;
    assert_eq!(story.agent.metric(&read("platform")).await?, Some(1.0), "it did not move");

    story.platform.origin.delete_tag("v2")?;
    story.agent.wait_for_metric(&state("platform", "ref_missing"), 1.0).await?;
    story.polls("main", "noop", 2.0).await?;
    assert_eq!(story.fake.names(), ["more", "orders"]);
    assert_eq!(writes(&story.fake).len(), 1, "{:?}", writes(&story.fake));
    Ok(())
}

#[tokio::test]
async fn the_rollback_of_an_import_stands_in_each_line_of_the_audit() -> Result<()> {
    let mut story = Story::begin().await?;
    let first = story.platform.origin.id("v2^{commit}")?;
    story.platform.release(&[(TEMPLATE.0, &template("  batch.size: 8\n"))])?;
    story.wait_for_applied().await?;
    let second = story.platform.origin.id("v2^{commit}")?;
    story.platform.origin.tag("v2", &first)?;
    story.wait_for_applied().await?;
    assert_eq!(story.key("orders", "batch.size"), None);
    let (log, from) = (story.agent.log(), format!("platform v2 at {}", &second[..7]));
    let steps: Vec<_> = log.lines().filter(|line| line.contains("took a step")).collect();
    let is_rollback = |line: &&str| line.contains("rolled_back_from") && line.contains(&from);
    assert_eq!(steps.iter().map(is_rollback).collect::<Vec<_>>().last(), Some(&true), "{steps:#?}");
    assert_eq!(steps.iter().filter(|line| line.contains("rolled_back_from")).count(), 1, "{steps:#?}");
    Ok(())
}

#[tokio::test]
async fn a_mistake_in_an_import_refuses_the_whole_until_it_is_mended() -> Result<()> {
    let mut story = Story::begin().await?;
    story.platform.release(&[(TEMPLATE.0, &template("  batch.size: \"{{ params.batch }}\"\n"))])?;
    story.agent.wait_for_metric(&errors("platform"), 1.0).await?;
    assert_eq!(story.agent.metric(&state("platform", "invalid")).await?, Some(1.0));
    assert_eq!(story.agent.metric(&state("main", "ok")).await?, Some(1.0));
    assert_eq!(
        findings(&story.agent).await?,
        [("platform:templates/file.yaml".to_owned(), 8, "undefined-name".to_owned())]
    );

    story.definitions.release(&[(&file_of("more"), &file_source("more", ""))])?;
    story.agent.wait_for_metric(&read("main"), 2.0).await?;
    story.polls("main", "noop", 2.0).await?;
    assert_eq!(
        (story.fake.names(), writes(&story.fake)),
        (vec!["orders".to_owned()], vec![]),
        "all or nothing"
    );

    story.platform.release(&[(TEMPLATE.0, &template("  batch.size: 8\n"))])?;
    story.wait_for_applied().await?;
    assert_eq!(story.key("orders", "batch.size").as_deref(), Some("8"));
    assert_eq!(story.fake.names(), ["more", "orders"]);
    Ok(())
}

#[tokio::test]
async fn an_import_that_nobody_ever_read_is_a_finding_at_its_line_until_it_comes() -> Result<()> {
    let platform = Platform::new().await?;
    let definitions = platform.definitions().await?;
    let fake = Fake::start(1).await;
    fake.preload("orders", &[("connector.class", "FileStreamSource"), ("topic", "before")]);
    platform.http.fail(StatusCode::SERVICE_UNAVAILABLE);
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_metric(&errors("main"), 1.0).await?;
    assert_eq!(findings(&agent).await?, [("tagalong.yaml".to_owned(), 3, "import-unread".to_owned())]);
    assert_eq!(agent.metric(&state("platform", "unreachable")).await?, Some(1.0));
    assert_eq!(agent.metric(&state("main", "invalid")).await?, Some(1.0));
    platform.http.heal();
    platform.origin.delete_tag("v2")?;
    agent.wait_for_metric(&state("platform", "ref_missing"), 1.0).await?;
    assert!(agent.status().await?["findings"][0]["message"].to_string().contains("refs/tags/v2"));
    assert_eq!(writes(&fake), []);

    platform.origin.tag("v2", "HEAD")?;
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(agent.metric(&errors("main")).await?, Some(0.0));
    assert_eq!(agent.metric(&read("main")).await?, Some(1.0), "the main repository is read once");
    Ok(())
}

#[tokio::test]
async fn what_was_read_for_one_ref_is_never_used_for_another() -> Result<()> {
    let mut story = Story::begin().await?;
    let url = story.platform.http.url(tagalong_testkit::git::repository::Repository::NAME);
    let at = |tag: &str| imports("platform", &url, "").replace("{tag: v2}", &format!("{{tag: {tag}}}"));
    story
        .definitions
        .release(&[("tagalong.yaml", &at("v3")), (&file_of("more"), &file_source("more", ""))])?;
    story.agent.wait_for_metric(&errors("main"), 1.0).await?;
    assert_eq!(findings(&story.agent).await?, [("tagalong.yaml".to_owned(), 3, "import-unread".to_owned())]);
    assert_eq!(writes(&story.fake), []);

    // The address of before, while nobody can be asked: what is in force was read there.
    story.platform.http.fail(StatusCode::SERVICE_UNAVAILABLE);
    story.definitions.release(&[("tagalong.yaml", &at("v2"))])?;
    story.wait_for_applied().await?;
    assert_eq!(story.fake.names(), ["more", "orders"]);

    story.platform.http.heal();
    story.definitions.release(&[("tagalong.yaml", &at("v3"))])?;
    story.agent.wait_for_metric(&errors("main"), 1.0).await?;
    story.platform.origin.commit("the next one", &[(TEMPLATE.0, &template("  batch.size: 3\n"))])?;
    story.platform.origin.tag("v3", "HEAD")?;
    let applied = || async { Ok(story.key("orders", "batch.size").as_deref() == Some("3")) };
    wait("the new ref is there and applied", applied).await
}

#[tokio::test]
async fn an_import_is_asked_at_its_own_interval_and_leaves_no_series_behind() -> Result<()> {
    let mut story = Story::begin().await?;
    let about = story.platform.imported(", interval: 1h");
    story.definitions.release(&[("tagalong.yaml", &about)])?;
    story.wait_for_applied().await?;
    story.polls("main", "noop", 1.0).await?;
    story.platform.http.clear();
    story.polls("main", "noop", 3.0).await?;
    assert_eq!(story.platform.http.exchanges().len(), 0);

    story
        .definitions
        .release(&[("tagalong.yaml", "version: 1\n"), (ORDERS.0, &file_source("orders", ""))])?;
    story.agent.wait_for_applied(&story.definitions.released()?).await?;
    let is_gone = || async { Ok(!story.agent.get("/metrics").await?.contains("platform")) };
    wait("no series of it is left", is_gone).await
}

#[tokio::test]
async fn a_second_agent_with_the_import_away_writes_nothing() -> Result<()> {
    let story = Story::begin().await?;
    story.platform.http.fail(StatusCode::SERVICE_UNAVAILABLE);
    let settings = story.definitions.settings(&story.fake.url(0));
    let Story { platform: _platform, definitions: _definitions, fake, agent } = story;
    agent.end().await?;
    fake.forget();
    let again = Agent::start(&settings).await?;
    again.wait_for_metric(&errors("main"), 1.0).await?;
    again
        .wait_for_metric_from(
            "tagalong_repository_polls_total{outcome=\"error\",repository=\"platform\"}",
            3.0,
        )
        .await?;
    assert_eq!((fake.names(), writes(&fake)), (vec!["orders".to_owned()], vec![]));
    Ok(())
}

#[tokio::test]
async fn a_folder_in_place_of_an_import_is_followed_and_its_server_is_left_alone() -> Result<()> {
    let platform = Platform::new().await?;
    let definitions = platform.definitions().await?;
    let folder = platform.origin.work_tree();
    let fake = Fake::start(1).await;
    let settings = definitions.settings(&fake.url(0));
    let agent = Agent::start(&format!("{settings}imports: {{platform: '{}'}}\n", folder.display())).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    std::fs::write(folder.join(TEMPLATE.0), template("  batch.size: 9\n"))?;
    let changed =
        || async { Ok(fake.connector("orders").is_some_and(|one| one.config.contains_key("batch.size"))) };
    wait("what changed in the folder is applied", changed).await?;
    assert_eq!(platform.http.exchanges().len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_import_that_hangs_holds_up_nothing_of_what_is_new_elsewhere() -> Result<()> {
    let mut story = Story::within("1h").await?;
    let (answer, told) = watch::channel(false);
    story.platform.http.rule(Rule::on("", Effect::Until(told)));
    let http = &story.platform.http;
    wait("the import is asked, and hangs", || async { Ok(http.unanswered() == 1) }).await?;
    for number in 1..=3 {
        let more = format!("connector: more\ntemplate: platform/file\nwith: {{topic: more{number}}}\n");
        story.definitions.release(&[("connectors/more.yaml", &more)])?;
        story.agent.wait_for_applied(&story.definitions.released()?).await?;
        // Nobody waited for its deadline, and it was not begun anew.
        assert_eq!(story.platform.http.unanswered(), 1, "release {number}");
        assert_eq!(story.key("more", "topic"), Some(format!("more{number}")));
    }
    answer.send_replace(true);
    story.platform.release(&[(TEMPLATE.0, &template("  batch.size: 7\n"))])?;
    story.wait_for_applied().await?;
    assert_eq!(story.key("orders", "batch.size").as_deref(), Some("7"), "it is followed again");
    Ok(())
}

#[tokio::test]
async fn an_import_that_was_given_up_is_followed_again() -> Result<()> {
    let mut story = Story::within("10s").await?;
    story.platform.http.rule(Rule::on("", Effect::Hang));
    story.agent.wait_for_metric(&state("platform", "unreachable"), 1.0).await?;
    story.platform.http.heal();
    story.platform.release(&[(TEMPLATE.0, &template("  batch.size: 7\n"))])?;
    story.wait_for_applied().await?;
    assert_eq!(story.key("orders", "batch.size").as_deref(), Some("7"));
    Ok(())
}

#[tokio::test]
async fn an_import_that_hangs_from_the_start_costs_one_deadline() -> Result<()> {
    let platform = Platform::new().await?;
    platform.http.rule(Rule::on("", Effect::Hang));
    let definitions = platform.definitions().await?;
    let fake = Fake::start(1).await;
    let (deadline, began) = (Duration::from_secs(15), Instant::now());
    let agent = Agent::start(&within(&definitions, &fake, "15s")).await?;
    agent.wait_for_metric(&errors("main"), 1.0).await?;
    let took = began.elapsed();
    assert!(took > deadline && took < 2 * deadline, "one deadline: {took:?}");
    Ok(())
}

#[tokio::test]
async fn who_takes_an_import_out_that_hangs_does_not_wait_for_it() -> Result<()> {
    let platform = Platform::new().await?;
    platform.http.fail(StatusCode::SERVICE_UNAVAILABLE);
    let mut definitions = platform.definitions().await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&within(&definitions, &fake, "1h")).await?;
    agent.wait_for_metric(&errors("main"), 1.0).await?;
    platform.http.only(Rule::on("", Effect::Hang));
    wait("it is asked again, and hangs", || async { Ok(platform.http.unanswered() == 1) }).await?;
    let repair = [("tagalong.yaml", "version: 1\n"), (ORDERS.0, &file_source("orders", ""))];
    definitions.release(&repair)?;
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(platform.http.unanswered(), 1, "it was never asked for another time");
    Ok(())
}
