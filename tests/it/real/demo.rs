//! The demo: every step notices when what it is about does not happen, and however it ends, nothing is left running.

use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tagalong_testkit::program;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

// Two and a half where nothing else runs.
const WHOLE: Duration = Duration::from_mins(8);

#[tokio::test]
async fn without_sabotage_it_tells_the_whole_story() -> Result<()> {
    let (status, told) = run("", "").await?;
    assert!(status.success(), "{told}");
    for step in ["(a)", "(b)", "(c)", "(d)", "(e)", "(f)", "(g)", "(h)"] {
        assert!(told.contains(&format!("\n  {step} ")), "no {step} in the summary:\n{told}");
    }
    Ok(())
}

#[tokio::test]
async fn a_second_agent_that_never_starts_is_noticed() -> Result<()> {
    fails("a", "(a): expected both agents to be ready and one of them to lead").await
}

#[tokio::test]
async fn a_row_that_is_never_inserted_is_noticed() -> Result<()> {
    fails("b", "(b): expected the row in Kafka").await
}

#[tokio::test]
async fn a_tag_that_is_not_moved_is_noticed() -> Result<()> {
    fails("c", "(c): expected the worker to have max.batch.size 4096").await
}

#[tokio::test]
async fn a_change_by_hand_that_nobody_makes_is_noticed() -> Result<()> {
    fails("d", "(d): expected tagalong_connector_drifted_keys to rise above 0").await
}

#[tokio::test]
async fn a_release_without_a_typo_is_noticed() -> Result<()> {
    fails("e", "(e): expected connectors/payments.yaml:2:1 to be told by both agents").await
}

#[tokio::test]
async fn a_release_that_loses_nothing_is_noticed() -> Result<()> {
    fails("f", "(f): expected the leader to hold a risky change of orders").await
}

#[tokio::test]
async fn a_leader_that_is_not_killed_is_noticed() -> Result<()> {
    fails("g", "(g): expected tagalong_leader of agent ").await
}

#[tokio::test]
async fn a_database_that_never_comes_up_is_noticed() -> Result<()> {
    fails("h", "(h): expected the exit code of apply to be 0").await
}

#[tokio::test]
async fn ctrl_c_ends_every_process() -> Result<()> {
    interrupted("b", "(b)").await
}

#[tokio::test]
async fn ctrl_c_while_a_worker_is_dead_ends_every_process() -> Result<()> {
    interrupted("g", "v1 was moved").await
}

#[tokio::test]
async fn ctrl_c_while_a_workspace_waits_ends_its_processes_too() -> Result<()> {
    // The last to come up; `apply` has not seen it yet.
    interrupted("h", "PostgreSQL is up").await
}

async fn interrupted(steps: &str, line_of: &str) -> Result<()> {
    let temp = temporary()?;
    let mut demo = start("", steps, temp.path()).await?;
    let mut lines = BufReader::new(demo.stdout.take().context("a pipe")?).lines();
    while let Some(line) = lines.next_line().await? {
        if line.contains(line_of) {
            break;
        }
    }
    let pid = demo.id().context("it runs")?.to_string();
    ensure!(Command::new("kill").args(["-INT", &pid]).status().await?.success(), "kill -INT");
    let status = timeout(Duration::from_mins(1), demo.wait()).await??;
    assert_eq!(status.code(), Some(130));
    nothing_left(temp.path())
}

async fn fails(sabotage: &str, sentence: &str) -> Result<()> {
    // What comes before the steps that stand alone is told by the others.
    let steps = if ["f", "g", "h"].contains(&sabotage) { sabotage } else { "" };
    let (status, told) = run(sabotage, steps).await?;
    assert_eq!(status.code(), Some(1), "{told}");
    let failure = told.lines().find(|line| line.starts_with("The demo failed: ")).unwrap_or_default();
    let complete = failure.contains(sentence) && failure.contains("but saw: ");
    assert!(complete, "{sentence:?} is not in: {failure}\n{told}");
    Ok(())
}

async fn run(sabotage: &str, steps: &str) -> Result<(ExitStatus, String)> {
    let temp = temporary()?;
    let mut demo = start(sabotage, steps, temp.path()).await?;
    let mut told = String::new();
    let mut output = demo.stdout.take().context("a pipe")?;
    timeout(WHOLE, output.read_to_string(&mut told)).await.context("the demo takes too long")??;
    let status = demo.wait().await?;
    nothing_left(temp.path())?;
    Ok((status, told))
}

async fn start(sabotage: &str, steps: &str, temp: &Path) -> Result<Child> {
    // The demo is built beside every program.
    let demo = program::build("tagalong").await?.with_file_name("examples").join("demo");
    let mut command = Command::new(demo);
    command.env("DEMO_SABOTAGE", sabotage).env("DEMO_STEPS", steps).env("TMPDIR", temp).env_remove("KEEP");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command.spawn().context("start the demo")
}

// The folder of all that one demo keeps, by which its processes are known as well.
fn temporary() -> Result<TempDir> {
    let temp = tempfile::tempdir()?;
    // The user `postgres` must be able to pass.
    fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755))?;
    Ok(temp)
}

fn nothing_left(temp: &Path) -> Result<()> {
    let name = temp.to_str().context("a path that is text")?;
    for process in fs::read_dir("/proc")?.flatten() {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        let ours = String::from_utf8_lossy(&environment).contains(name);
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        ensure!(!ours, "left running: {}", String::from_utf8_lossy(&line).replace('\0', " "));
    }
    let files: Vec<_> = fs::read_dir(temp)?.flatten().map(|entry| entry.path()).collect();
    ensure!(files.is_empty(), "left behind: {files:?}");
    Ok(())
}
