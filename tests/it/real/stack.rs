//! The real stack itself: it comes up whole, does what it is told, and leaves nothing behind however its user ends.

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tagalong_testkit::environment::variable;
use tagalong_testkit::http;
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::{Group, KafkaAt, Options, Running, Worker};
use tokio::time::{Instant, sleep};

use crate::real::cluster::PATIENCE;
use crate::support::agent::wait_within;

const HOLDER: &str = "real::stack::a_process_that_holds_a_stack";
const NOTE: &str = "TAGALONG_KIT_NOTE";

#[tokio::test]
async fn two_workers_come_up_and_one_of_them_leads() -> Result<()> {
    let stack = Stack::shared().await?;
    // While another story's connector comes or goes the leader refuses as well.
    let one = async || Ok(probe(stack.workers()).await? == [StatusCode::NOT_FOUND, StatusCode::CONFLICT]);
    wait_within(PATIENCE, "one leads and one follows", one).await
}

#[tokio::test]
async fn a_row_of_postgres_comes_out_of_kafka() -> Result<()> {
    let stack = Stack::shared().await?;
    let postgres = stack.postgres();
    postgres.database("stack_rows").await?;
    postgres.sql("stack_rows", "CREATE TABLE orders (id int PRIMARY KEY, item text)").await?;
    let config = json!({
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "plugin.name": "pgoutput",
        "database.hostname": postgres.at.host,
        "database.port": postgres.at.port.to_string(),
        "database.user": postgres.at.user,
        "database.password": format!("${{file:{}:password}}", postgres.at.password_file.display()),
        "database.dbname": "stack_rows",
        "topic.prefix": "stack-rows",
        "slot.name": "stack_rows",
        "publication.name": "stack_rows",
    });
    let url = format!("{}/connectors", stack.workers()[0].url);
    let body = json!({"name": "stack-rows", "config": config}).to_string();
    let created = async || {
        let request = http::client().post(&url).header("Content-Type", "application/json").body(body.clone());
        let answer = request.send().await?;
        let status = answer.status();
        // Another story's connector comes or goes.
        ensure!([StatusCode::CREATED, StatusCode::CONFLICT].contains(&status), "{}", answer.text().await?);
        Ok(status == StatusCode::CREATED)
    };
    wait_within(PATIENCE, "it is created", created).await?;
    postgres.sql("stack_rows", "INSERT INTO orders VALUES (1, 'apples')").await?;

    let records = stack.kafka().consume("stack-rows.public.orders", 1, PATIENCE).await?;
    let event: Value = serde_json::from_str(records[0].value.as_deref().context("a value")?)?;
    assert_eq!(event["after"], json!({"id": 1, "item": "apples"}));
    Ok(())
}

#[tokio::test]
async fn parts_end_and_come_back_when_told() -> Result<()> {
    let group = Group::new("parts").workers(1);
    let stack = Stack::start(Options { postgres: true, group }).await?;
    let worker = &stack.workers()[0];

    stack.kill_part("parts-1").await?;
    ensure!(http::client().get(&worker.url).send().await.is_err(), "a killed worker answers");
    let pid = stack.start_part("parts-1").await?;
    assert_ne!(pid, worker.pid);
    assert_eq!(http::client().get(&worker.url).send().await?.status(), StatusCode::OK);

    stack.freeze_part("parts-1").await?;
    let hasty = http::client().get(&worker.url).timeout(Duration::from_millis(500)).send().await;
    ensure!(hasty.is_err_and(|error| error.is_timeout()), "a frozen worker answers");
    stack.thaw_part("parts-1").await?;
    assert_eq!(http::client().get(&worker.url).send().await?.status(), StatusCode::OK);

    stack.stop_part("postgres").await?;
    ensure!(stack.postgres().sql("postgres", "SELECT 1").await.is_err(), "a stopped PostgreSQL answers");
    stack.start_part("postgres").await?;
    assert_eq!(stack.postgres().sql("postgres", "SELECT 1").await?, "1");

    let refused = stack.stop_part("nobody").await.expect_err("no such part");
    assert_eq!(refused.to_string(), "there is no part nobody");

    let second = stack.add_group(Group::new("second").workers(1)).await?;
    assert_eq!(probe(&second).await?, [StatusCode::NOT_FOUND]);
    let running = stack.running().clone();
    stack.stop().await?;
    assert_gone(&running, &second, Duration::ZERO).await
}

#[tokio::test]
async fn a_holder_that_is_killed_leaves_nothing() -> Result<()> {
    let (holder, running) = hold().await?;
    kill(holder)?;
    assert_gone(&running, &[], Duration::from_mins(1)).await?;
    ensure!(!running.dir.exists(), "{} is still there", running.dir.display());
    Ok(())
}

#[tokio::test]
async fn a_supervisor_that_is_killed_leaves_no_process() -> Result<()> {
    let stack = Stack::start(small()).await?;
    let running = stack.running().clone();
    kill(running.supervisor)?;
    assert_gone(&running, &[], Duration::from_mins(1)).await?;
    // Its folder is the next one's to remove; that takes another start, so it is done here.
    std::fs::remove_dir_all(&running.dir)?;
    Ok(())
}

/// Is no test: `a_holder_that_is_killed_leaves_nothing` runs it as a process of its own.
#[tokio::test]
#[ignore = "run by another test"]
async fn a_process_that_holds_a_stack() -> Result<()> {
    let Some(note) = variable(NOTE) else { return Ok(()) };
    let stack = Stack::start(small()).await?;
    let unfinished = Path::new(&note).with_extension("part");
    std::fs::write(&unfinished, serde_json::to_string(stack.running())?)?;
    std::fs::rename(unfinished, note)?;
    std::future::pending().await
}

fn small() -> Options {
    Options { postgres: true, group: Group::new("small").workers(1) }
}

async fn hold() -> Result<(u32, Running)> {
    let dir = tempfile::tempdir()?;
    let note = dir.path().join("running.json");
    let mut holder = tokio::process::Command::new(std::env::current_exe()?)
        .args([HOLDER, "--exact", "--ignored"])
        .env(NOTE, &note)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let deadline = Instant::now() + Duration::from_mins(2);
    while !note.exists() {
        ensure!(holder.try_wait()?.is_none(), "the holder ended early");
        ensure!(Instant::now() < deadline, "the holder has no stack");
        sleep(Duration::from_millis(100)).await;
    }
    let running = serde_json::from_str(&std::fs::read_to_string(note)?)?;
    let pid = holder.id().context("it runs")?;
    tokio::spawn(async move { holder.wait().await });
    Ok((pid, running))
}

fn kill(pid: u32) -> Result<()> {
    let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status()?;
    ensure!(status.success(), "kill -9 {pid}: {status}");
    Ok(())
}

async fn probe(workers: &[Worker]) -> Result<Vec<StatusCode>> {
    let client: Client = http::client();
    let mut answers = Vec::new();
    for worker in workers {
        let url = format!("{}/connectors/no-such-connector?forward=false", worker.url);
        answers.push(client.delete(url).send().await?.status());
    }
    answers.sort();
    Ok(answers)
}

async fn assert_gone(running: &Running, more: &[Worker], within: Duration) -> Result<()> {
    let Running { dir: _, supervisor, kafka: KafkaAt { bootstrap: _, pid: broker }, postgres, workers } =
        running;
    let mut pids = vec![*supervisor, *broker];
    pids.extend(postgres.as_ref().map(|postgres| postgres.pid));
    pids.extend(workers.iter().chain(more).map(|worker| worker.pid));
    let deadline = Instant::now() + within;
    loop {
        let left: Vec<u32> = pids.iter().copied().filter(|pid| is_alive(*pid)).collect();
        if left.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "these processes live on: {left:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

// A process that nobody has waited for keeps its id; it has no command line any more.
fn is_alive(pid: u32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}
