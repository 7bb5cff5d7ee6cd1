//! How often the agent asks git, told as stories: at its own pace, when a host or a person says that
//! there is something new, and not before a server wants to be asked.

use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use jiff::Timestamp;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository;
use tagalong_testkit::http;
use tagalong_testkit::rules::{Effect, Rule};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::support::agent::{Agent, tagalong, wait};
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::program::program;

const SECRET: &str = "a word that nobody guesses";

/// An agent that asks once a minute, and may be told to look.
struct Story {
    definitions: Definitions,
    fake: Fake,
    agent: Agent,
    folder: TempDir,
    host: reqwest::Client,
}

impl Story {
    async fn new() -> Result<Self> {
        let definitions = Definitions::one("orders", "").await?;
        let fake = Fake::start(1).await;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("secret");
        std::fs::write(&file, SECRET)?;
        let settings = definitions.settings(&fake.url(0)).replace("interval: 1s", "interval: 60s");
        let path = file.to_string_lossy();
        let variables =
            [("TAGALONG_HTTP__WEBHOOK_SECRET_FILE", &*path), ("TAGALONG_HTTP__TOKEN_FILE", &*path)];
        let agent = Agent::start_with(&settings, &variables).await?;
        agent.wait_for_applied(&definitions.released()?).await?;
        Ok(Self { definitions, fake, agent, folder, host: http::client() })
    }

    fn release(&mut self, size: usize) -> Result<String> {
        let more = format!("  batch.size: {size}\n");
        self.definitions.release(&[(&file_of("orders"), &file_source("orders", &more))])
    }

    async fn hook(&self, token: &str) -> Result<u16> {
        let request = self
            .host
            .post(format!("{}/hooks/git", self.agent.url()))
            .header("content-type", "application/json")
            .header("x-gitlab-token", token)
            .body("{}");
        Ok(request.send().await?.status().as_u16())
    }

    /// How often git was asked.
    fn asked(&self) -> usize {
        self.definitions.http.exchanges().iter().filter(|one| one.path.ends_with("upload-pack")).count()
    }

    /// Runs `tagalong reconcile`; gives its exit code and everything that it said.
    async fn reconcile(&self, token: &str, more: &[&str]) -> Result<(Option<i32>, String)> {
        let file = self.folder.path().join("shown");
        std::fs::write(&file, token)?;
        let mut command = tagalong();
        command.args(["reconcile", "--agent", self.agent.url(), "--token-file"]).arg(&file).args(more);
        let output = command.output().await?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
    }
}

#[tokio::test]
async fn a_webhook_has_a_release_applied_long_before_the_interval_is_over() -> Result<()> {
    let mut story = Story::new().await?;
    let commit = story.release(7)?;
    let began = Instant::now();
    assert_eq!(story.hook(SECRET).await?, 202);
    story.agent.wait_for_applied(&commit).await?;
    // There is a second look thirty seconds after the word: this one is not it.
    assert!(began.elapsed() < Duration::from_secs(28), "{:?}", began.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_thousand_webhooks_in_a_second_are_a_few_requests() -> Result<()> {
    let story = Story::new().await?;
    story.definitions.http.clear();
    let began = Instant::now();
    for _ in 0..20 {
        let hooks = (0..50).map(|_| story.hook(SECRET));
        for code in futures_util::future::try_join_all(hooks).await? {
            assert_eq!(code, 202);
        }
    }
    let accepted = "tagalong_webhooks_total{outcome=\"accepted\"}";
    assert_eq!(story.agent.metric(accepted).await?, Some(1000.0));
    // One at once, and one for what came while it was under way; another for each five seconds that sending took.
    let most = 2 + usize::try_from(began.elapsed().as_secs() / 5)?;
    sleep(Duration::from_secs(6)).await;
    assert!((1..=most).contains(&story.asked()), "{} of {most}", story.asked());
    Ok(())
}

#[tokio::test]
async fn webhooks_of_strangers_neither_ask_git_nor_fill_the_log() -> Result<()> {
    let story = Story::new().await?;
    story.definitions.http.clear();
    for _ in 0..300 {
        assert_eq!(story.hook("another word").await?, 401);
    }
    assert_eq!(story.agent.metric("tagalong_webhooks_total{outcome=\"refused\"}").await?, Some(300.0));
    let told = story.agent.log().matches("refused webhooks").count();
    assert_eq!((told, story.asked()), (1, 0));
    assert!(!story.agent.log().contains("another word") && !story.agent.log().contains(SECRET));
    Ok(())
}

#[tokio::test]
async fn reconcile_has_the_agent_look_now_and_waits_until_it_has() -> Result<()> {
    let mut story = Story::new().await?;
    let commit = story.release(7)?;
    story.fake.edit("orders", |config| {
        config.insert("topic".into(), "elsewhere".into());
    });
    let (code, said) = story.reconcile(SECRET, &["--wait"]).await?;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&commit[..7]), "{said}");
    let config = story.fake.connector("orders").context("it is there")?.config;
    assert_eq!(
        (config.get("batch.size").map(String::as_str), config["topic"].as_str()),
        (Some("7"), "orders"),
        "the repository and the cluster were looked at when it came back"
    );
    let (code, said) = story.reconcile(SECRET, &["--wait", "--output", "json"]).await?;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&said)?["answered"], 2);

    let (code, said) = story.reconcile(SECRET, &[]).await?;
    assert_eq!((code, said.contains("was told")), (Some(0), true), "{said}");
    let (code, said) = story.reconcile("another word", &[]).await?;
    assert_eq!((code, said.contains("`http.token_file`")), (Some(1), true), "{said}");
    story.definitions.http.fail(StatusCode::INTERNAL_SERVER_ERROR);
    let (code, said) = story.reconcile(SECRET, &["--wait"]).await?;
    assert_eq!((code, said.contains("500")), (Some(1), true), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_says_later_is_left_alone_while_the_loop_goes_on() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("secret");
    std::fs::write(&file, SECRET)?;
    let path = file.to_string_lossy();
    let settings = definitions.settings(&fake.url(0));
    let agent = Agent::start_with(&settings, &[("TAGALONG_HTTP__WEBHOOK_SECRET_FILE", &path)]).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    definitions.http.rule(Rule::on("", Effect::Later(StatusCode::SERVICE_UNAVAILABLE, "600".to_owned())));
    agent
        .wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"unreachable\"}", 1.0)
        .await?;
    definitions.http.clear();
    let story = Story { definitions, fake, agent, folder, host: http::client() };

    let told: Timestamp = story.heartbeat().await?;
    assert_eq!(story.hook(SECRET).await?, 202);
    let later = || async { Ok(story.heartbeat().await?.duration_since(told).as_secs() >= 4) };
    wait("the loop comes round", later).await?;
    story.fake.edit("orders", |config| {
        config.insert("topic".into(), "elsewhere".into());
    });
    let back =
        || async { Ok(story.fake.connector("orders").is_some_and(|one| one.config["topic"] == "orders")) };
    wait("drift is put back all the same", back).await?;
    assert_eq!(story.asked(), 0, "neither at the interval nor for a webhook");
    Ok(())
}

impl Story {
    /// When the agent's loop last came round.
    async fn heartbeat(&self) -> Result<Timestamp> {
        Ok(self.agent.status().await?["heartbeat"].as_str().context("a time")?.parse()?)
    }
}

#[tokio::test]
async fn a_refused_password_is_shown_seldom_and_a_renewed_one_at_once() -> Result<()> {
    let mut origin = Repository::new()?;
    origin.commit("a release", &[("environments/test.yaml", "environment: test\n")])?;
    origin.commit("a connector", &[(&file_of("orders"), &file_source("orders", ""))])?;
    let commit = origin.id("HEAD^{commit}")?;
    origin.annotated_tag("v1", "HEAD", "release")?;
    let git = GitHttp::with_password(origin.parent(), "ada", "correct").await?;
    let fake = Fake::start(1).await;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("password");
    std::fs::write(&file, "wrong")?;
    let agent = Agent::start(&format!(
        "environment: test\nconnect: {{url: '{}'}}\nrepository: {{git: {{url: '{}', ref: {{tag: v1}}, interval: 6s, deadline: 60s}}}}\n\
         git_credentials: [{{host: '{}', username: ada, password_file: '{}'}}]\n",
        fake.url(0),
        git.url(Repository::NAME),
        git.url("").trim_end_matches('/'),
        file.display()
    ))
    .await?;
    let failures = "tagalong_repository_consecutive_failures{repository=\"main\"}";
    agent.wait_for_metric(failures, 2.0).await?;
    let refused = Instant::now();
    sleep(Duration::from_secs(8)).await;
    assert_eq!(agent.metric(failures).await?, Some(2.0), "an account is not locked by asking on and on");
    std::fs::write(&file, "correct")?;
    agent.wait_for_applied(&commit).await?;
    // By itself it asks again after three quarters of fifteen intervals.
    assert!(refused.elapsed() < Duration::from_mins(1), "{:?}", refused.elapsed());
    Ok(())
}

/// The blocks of the page that a shell can run.
fn blocks() -> Result<Vec<String>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations/polling.md");
    let page = std::fs::read_to_string(path)?;
    let block = |text: &str| text.split_once("```").map(|(block, _)| block.to_owned());
    Ok(page.split("```sh\n").skip(1).filter_map(block).collect())
}

#[tokio::test]
async fn what_the_page_on_polling_gives_to_type_is_answered_as_it_says() -> Result<()> {
    let story = Story::new().await?;
    for name in ["webhook-secret", "token"] {
        std::fs::write(story.folder.path().join(name), format!("{SECRET}\n"))?;
    }
    let program = program();
    let binaries = program.parent().context("a folder")?;
    let mut said = Vec::new();
    for block in blocks()? {
        let typed = block.replace("http://127.0.0.1:9808", story.agent.url());
        let script = format!("set -eu\nPATH={}:$PATH\n{typed}", binaries.display());
        let mut shell = tokio::process::Command::new("sh");
        shell.args(["-c", &script]).env("TAGALONG_AGENT", story.agent.url()).current_dir(story.folder.path());
        let output = shell.output().await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{typed}\n{text}{}", String::from_utf8_lossy(&output.stderr));
        said.push(text);
    }
    let [hook, waited, told] = said.as_slice() else { anyhow::bail!("three blocks, and not {}", said.len()) };
    assert!(hook.contains(" 202 Accepted") && hook.contains("the repository is asked"), "{hook}");
    assert!(waited.contains("orders"), "{waited}");
    assert!(told.contains(" 202 Accepted") && told.contains("{\"format\":1,\"asked\":3}"), "{told}");
    Ok(())
}
