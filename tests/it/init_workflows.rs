//! The workflows that `tagalong init` writes do what they say: each of their commands is run, in a fresh clone of a
//! real bare repository. What only a forge can do, posting the comment, is left out by name.

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::fake::Fake;

use crate::support::forge::{Ended, Forge};
use crate::support::page::root;
use crate::support::tree;

const TABLES: (&str, &str) = (
    "connectors/orders.yaml",
    "connector: orders\ntemplate: debezium-postgres\nwith: {database: backoffice, tables: [public.orders]}\n",
);

/// What a start of the tasks takes over, and nothing else.
const TUNED: (&str, &str) = (
    "connectors/orders.yaml",
    "connector: orders\ntemplate: debezium-postgres\nwith: {database: backoffice, tables: [public.orders, public.order_lines]}\n\
     environments: {ed8k: {config: {snapshot.mode: no_data}}}\nconfig: {max.queue.size: 32768}\n",
);

const SUSPENDED: (&str, &str) = (
    "environments/staging.yaml",
    "environment: staging\nvalues: {postgres: {host: db.staging.internal}}\nsuspend: {reason: a migration}\n",
);

const WRONG: (&str, &str) = ("connectors/wrong.yaml", "connector: wrong\ntempalte: debezium-postgres\n");

/// A story that is the same on both forges: first release, harmless change, risky change, the same with somebody who
/// answers for it, suspended change, mistake.
fn releases(forge: &mut Forge, release: fn(&mut Forge) -> Result<Ended>) -> Result<()> {
    let first = forge.origin("main").context("it was pushed")?;
    let ended = release(forge)?;
    ensure!(ended.failed.is_none(), "{ended:?}");
    assert_eq!(forge.origin("v1"), Some(first), "the first release makes the tag");

    forge.push("main", &[TUNED])?;
    let ended = release(forge)?;
    ensure!(ended.failed.is_none(), "{ended:?}");
    let good = forge.origin("main");
    assert_eq!(forge.origin("v1"), good, "the tag moves");

    let (path, text) = TUNED;
    let risky = text.replace("order_lines]", "order_lines], slot: orders_v2");
    forge.push("main", &[(path, &risky)])?;
    let ended = release(forge)?;
    ensure!(ended.failed.is_some(), "{ended:?}");
    assert_eq!(forge.origin("v1"), good, "another slot stops the release");

    let keys = ["slot.name", "publication.name"];
    let answers = keys.map(|key| format!("  - {{key: {key}, to: orders_v2, reason: OPS-1}}\n")).concat();
    let answered = format!("{risky}acknowledge:\n{answers}");
    forge.push("main", &[(path, &answered)])?;
    let ended = release(forge)?;
    ensure!(ended.failed.is_none(), "{ended:?}");
    let good = forge.origin("main");
    assert_eq!(forge.origin("v1"), good, "somebody answers for it");

    let held = answered.replace("32768", "65536");
    forge.push("main", &[SUSPENDED, (path, &held)])?;
    let ended = release(forge)?;
    ensure!(ended.failed.is_some(), "{ended:?}");
    assert_eq!(forge.origin("v1"), good, "what would be held stops the release");

    forge.push("main", &[WRONG])?;
    let ended = release(forge)?;
    ensure!(ended.failed.is_some() && ended.said.contains("connectors/wrong.yaml:2:1"), "{ended:?}");
    assert_eq!(forge.origin("v1"), good, "a mistake stops the release");
    Ok(())
}

#[tokio::test]
async fn the_release_workflow_of_github_moves_the_tag_only_where_nothing_is_held() -> Result<()> {
    let mut forge = Forge::new("github").await?;
    releases(&mut forge, |forge| forge.github("release", None))
}

#[tokio::test]
async fn the_release_job_of_gitlab_moves_the_tag_only_where_nothing_is_held() -> Result<()> {
    let mut forge = Forge::new("gitlab").await?;
    releases(&mut forge, |forge| forge.gitlab("release", "main"))
}

/// A story that is the same on both forges: a good branch, a held one, one with a mistake.
fn requests(forge: &mut Forge, check: fn(&mut Forge, &str) -> Result<Ended>) -> Result<()> {
    forge.push("good", &[TUNED])?;
    let ended = check(forge, "good")?;
    ensure!(ended.failed.is_none(), "{ended:?}");
    let comment = ended.comment.context("there is a comment")?;
    ensure!(comment.contains("`max.queue.size`"), "{comment}");

    forge.push("held", &[SUSPENDED])?;
    let ended = check(forge, "held")?;
    ensure!(ended.failed.is_none(), "who reviews decides: {ended:?}");
    ensure!(ended.comment.is_some_and(|comment| comment.contains("1 held")), "the comment says so");

    forge.push("wrong", &[WRONG])?;
    let ended = check(forge, "wrong")?;
    // On GitHub it is an annotation.
    let at = ["connectors/wrong.yaml:2:1", "file=connectors/wrong.yaml,line=2,col=1"];
    ensure!(ended.failed.is_some() && at.iter().any(|at| ended.said.contains(at)), "{ended:?}");
    Ok(())
}

#[tokio::test]
async fn the_pull_request_workflow_of_github_says_what_it_would_do() -> Result<()> {
    let mut forge = Forge::new("github").await?;
    requests(&mut forge, |forge, branch| forge.github("pull-request", Some(branch)))
}

#[tokio::test]
async fn the_check_job_of_gitlab_says_what_it_would_do() -> Result<()> {
    let mut forge = Forge::new("gitlab").await?;
    requests(&mut forge, |forge, branch| forge.gitlab("check", branch))
}

/// A story that is the same on both forges: with a Connect that the runner reaches the comment has its plan, and without
/// it what would be compared.
async fn plans(mut forge: Forge, check: fn(&mut Forge, &str) -> Result<Ended>) -> Result<()> {
    let fake = Fake::start(1).await;
    forge.connect = Some(fake.url(0));
    forge.push("good", &[TABLES])?;
    let ended = check(&mut forge, "good")?;
    ensure!(ended.failed.is_none(), "{ended:?}");
    let comment = ended.comment.context("there is a comment")?;
    ensure!(comment.contains("`table.include.list`"), "what the branch changes: {comment}");
    ensure!(comment.contains("### Plan for `staging`") && comment.contains("1 to create"), "{comment}");
    assert!(fake.requests().iter().all(|request| request.method == "GET"), "{:?}", fake.requests());

    let away = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    forge.connect = Some(format!("http://{away}"));
    let ended = check(&mut forge, "good")?;
    ensure!(ended.failed.is_none(), "a cluster that is away stops no review: {ended:?}");
    let comment = ended.comment.context("there is a comment")?;
    ensure!(comment.contains("`table.include.list`") && !comment.contains("### Plan"), "{comment}");
    Ok(())
}

#[tokio::test]
async fn the_pull_request_workflow_of_github_has_the_plan_of_a_cluster_that_it_reaches() -> Result<()> {
    plans(Forge::new("github").await?, |forge, branch| forge.github("pull-request", Some(branch))).await
}

#[tokio::test]
async fn the_check_job_of_gitlab_has_the_plan_of_a_cluster_that_it_reaches() -> Result<()> {
    plans(Forge::new("gitlab").await?, |forge, branch| forge.gitlab("check", branch)).await
}

#[test]
fn no_workflow_gives_a_stranger_more_than_a_look() -> Result<()> {
    for name in ["pull-request", "release"] {
        let text = std::fs::read_to_string(root().join(format!("config/init/github/{name}.yaml")))?;
        ensure!(!text.contains("pull_request_target"), "{name} runs a stranger's files with a secret");
        let workflow = tree::read(name, &text)?;
        assert_eq!(workflow["permissions"], serde_json::json!({}), "{name} begins with nothing");
        for job in workflow["jobs"].as_object().into_iter().flatten().map(|(_, job)| job) {
            for step in job["steps"].as_array().into_iter().flatten() {
                let script = step["run"].as_str().unwrap_or_default();
                ensure!(!script.contains("${{"), "{name}: text of others in a script: {script}");
                if let Some(uses) = step["uses"].as_str() {
                    ensure!(uses.contains("@v"), "{name}: {uses} is not pinned");
                }
            }
        }
    }
    Ok(())
}
