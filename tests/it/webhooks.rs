//! Webhooks at odd moments, and about what is not followed: before the first poll, without the secret's file,
//! for another branch. (How many become how few looks is told in `polling`.)

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::http;
use tagalong_testkit::rules::{Effect, Rule};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::support::agent::{Agent, tagalong, wait};
use crate::support::cluster::writes;
use crate::support::definitions::{Definitions, file_of, file_source};

const SECRET: &str = "a word that nobody guesses";

/// How often the repository was asked and had nothing new; once for the lead, right after the start.
const NOOP: &str = "tagalong_repository_polls_total{outcome=\"noop\",repository=\"main\"}";

/// A repository and a cluster, and the secret of an agent that asks once a minute.
struct Site {
    definitions: Definitions,
    fake: Fake,
    folder: TempDir,
}

impl Site {
    async fn new() -> Result<Self> {
        let mut definitions = Definitions::one("orders", "").await?;
        // It is looked for once, and not at the next asking again.
        definitions.origin.annotated_tag("v1.0.0", "HEAD", "release")?;
        let site = Self { definitions, fake: Fake::start(1).await, folder: tempfile::tempdir()? };
        std::fs::write(site.file(), SECRET)?;
        Ok(site)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    fn settings(&self) -> String {
        self.definitions.settings(&self.fake.url(0)).replace("interval: 1s", "interval: 60s")
    }

    /// An agent that leads and has applied what is released.
    async fn settled(&self) -> Result<Agent> {
        let agent = self.agent().await?;
        agent.wait_for_applied(&self.definitions.released()?).await?;
        agent.wait_for_metric(NOOP, 1.0).await?;
        Ok(agent)
    }

    async fn agent(&self) -> Result<Agent> {
        let file = self.file().display().to_string();
        Agent::start_with(&self.settings(), &[("TAGALONG_HTTP__WEBHOOK_SECRET_FILE", &file)]).await
    }

    /// How often the git server was asked what the tag names.
    fn asked(&self) -> usize {
        self.definitions.http.exchanges().iter().filter(|one| one.path.ends_with("upload-pack")).count()
    }
}

/// Sends a webhook with this token and this body.
async fn hook(agent: &Agent, token: &str, body: &Value) -> Result<u16> {
    let request = http::client()
        .post(format!("{}/hooks/git", agent.url()))
        .header("content-type", "application/json")
        .header("x-gitlab-token", token)
        .body(body.to_string());
    Ok(request.send().await?.status().as_u16())
}

/// What a host says of a push to a ref.
fn push_to(reference: &str) -> Value {
    serde_json::json!({"ref": reference, "repository": {"full_name": "platform/connectors"}})
}

#[tokio::test]
async fn a_webhook_before_the_first_answer_has_the_repository_asked_once_more() -> Result<()> {
    let mut site = Site::new().await?;
    let (answer, told) = watch::channel(false);
    site.definitions.http.rule(Rule::on("upload-pack", Effect::Until(told)).times(1));
    let agent = site.agent().await?;
    assert_eq!(hook(&agent, SECRET, &push_to("refs/tags/v1")).await?, 202);
    assert_eq!(agent.status().await?["clocks"]["points_at"], Value::Null, "nothing has answered yet");
    let released =
        site.definitions.release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))])?;
    answer.send_replace(true);
    agent.wait_for_applied(&released).await?;
    // The other one is for the lead.
    agent.wait_for_metric_from(NOOP, 2.0).await
}

#[tokio::test]
async fn a_secret_whose_file_is_lost_still_counts_until_it_is_renewed() -> Result<()> {
    let site = Site::new().await?;
    let agent = site.settled().await?;
    let body = push_to("refs/tags/v1");
    for lost in [None, Some("")] {
        match lost {
            None => std::fs::remove_file(site.file())?,
            Some(text) => std::fs::write(site.file(), text)?,
        }
        assert_eq!(
            (hook(&agent, SECRET, &body).await?, hook(&agent, "", &body).await?),
            (202, 401),
            "{lost:?}"
        );
    }
    assert_eq!(agent.log().matches("could not read a secret; what was read before is kept").count(), 1);
    std::fs::write(site.file(), "another word")?;
    assert_eq!((hook(&agent, SECRET, &body).await?, hook(&agent, "another word", &body).await?), (401, 202));
    Ok(())
}

#[tokio::test]
async fn a_secret_whose_file_is_not_there_at_the_start_is_an_error_that_names_it() -> Result<()> {
    let site = Site::new().await?;
    std::fs::remove_file(site.file())?;
    let settings = site.folder.path().join("settings.yaml");
    std::fs::write(&settings, site.settings() + "http: {listen: '127.0.0.1:0'}\n")?;
    let mut command = tagalong();
    command.args(["run", "--settings"]).arg(&settings).env("TAGALONG_HTTP__WEBHOOK_SECRET_FILE", site.file());
    let output = command.output().await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("`http.webhook_secret_file`") && said.contains("is it mounted?"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_webhook_about_what_is_not_followed_costs_one_small_question() -> Result<()> {
    let mut site = Site::new().await?;
    let agent = site.settled().await?;
    site.fake.forget();
    site.definitions.origin.branch("feature")?;
    let change = file_source("orders", "  batch.size: 7\n");
    site.definitions.origin.commit("a branch of somebody", &[(&file_of("orders"), &change)])?;
    site.definitions.http.clear();
    let began = Instant::now();
    assert_eq!(hook(&agent, SECRET, &push_to("refs/heads/feature")).await?, 202);
    agent.wait_for_metric_from(NOOP, 2.0).await?;
    sleep(Duration::from_secs(1)).await;
    assert!(began.elapsed() < Duration::from_secs(20), "before the second look: {:?}", began.elapsed());
    let exchanges = site.definitions.http.exchanges();
    assert_eq!((site.asked(), exchanges.len()), (1, 1), "{exchanges:?}");
    assert_eq!(writes(&site.fake), []);
    Ok(())
}

#[tokio::test]
async fn a_hundred_webhooks_while_git_hangs_are_one_look_when_it_answers() -> Result<()> {
    let site = Site::new().await?;
    let agent = site.settled().await?;
    let (answer, told) = watch::channel(false);
    site.definitions.http.rule(Rule::on("upload-pack", Effect::Until(told)).times(1));
    site.definitions.http.clear();
    assert_eq!(hook(&agent, SECRET, &push_to("refs/tags/v1")).await?, 202);
    wait("git is asked, and hangs", || async { Ok(site.asked() == 1) }).await?;
    let body = push_to("refs/tags/v1");
    for _ in 0..5 {
        let hooks = (0..20).map(|_| hook(&agent, SECRET, &body));
        assert_eq!(futures_util::future::try_join_all(hooks).await?, [202; 20]);
    }
    answer.send_replace(true);
    agent.wait_for_metric_from(NOOP, 3.0).await?;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(site.asked(), 2, "the one in hand, and one for all that came meanwhile");
    Ok(())
}
