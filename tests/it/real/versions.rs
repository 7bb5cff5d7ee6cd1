//! An older Connect from end to end: `tagalong apply` makes it as declared as it can be, and then
//! neither `plan` nor an agent has anything to write.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tagalong_testkit::proxy::{Proxy, Recorded};
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::{Group, Worker};

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, Config, PATIENCE, note};
use crate::support::agent::{Agent, tagalong, wait_within};
use crate::support::definitions::{Definitions, file_of, file_source};

/// The requests of one quiet interval of an agent, wherever it is.
const QUIET: [&str; 3] = ["probe", "GET /connectors", "GET /connectors?expand=info&expand=status"];

/// How many quiet intervals are looked at.
const INTERVALS: usize = 4;

/// A request in one word or two.
fn word(request: &Recorded) -> String {
    let Recorded { method, path, .. } = request;
    if method == "DELETE" && path.starts_with("/connectors/tagalong-probe-") {
        "probe".to_owned()
    } else if path.starts_with("/connectors/tagalong-probe-") {
        format!("{method} nobody")
    } else {
        format!("{method} {path}")
    }
}

fn words(proxy: &Proxy) -> Vec<String> {
    proxy.recorded().iter().map(word).collect()
}

#[tokio::test]
async fn connect_2_8_ends_up_as_declared_and_then_costs_gets_only() -> Result<()> {
    let asked =
        ends_up_as_declared("2.8.2", "paused", &["runs-first", "runs-first", "paused-instead"]).await?;
    for request in [
        "PUT /connectors/new-paused/pause",
        "PUT /connectors/new-stopped/pause",
        "POST /connectors/ill/tasks/0/restart",
    ] {
        ensure!(asked.iter().filter(|one| *one == request).count() == 1, "{request}: {asked:?}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "long: a version between the oldest and the newest"]
async fn connect_3_7_ends_up_as_declared_and_then_costs_gets_only() -> Result<()> {
    ends_up_as_declared("3.7.2", "stopped", &[]).await.map(drop)
}

#[tokio::test]
#[ignore = "long: a version between the oldest and the newest"]
async fn connect_3_9_ends_up_as_declared_and_then_costs_gets_only() -> Result<()> {
    ends_up_as_declared("3.9.1", "stopped", &[]).await.map(drop)
}

/// Applies one connector of each kind; gives what was asked of Connect. `stopped` is what that comes to
/// on this version.
async fn ends_up_as_declared(version: &str, stopped: &str, warnings: &[&str]) -> Result<Vec<String>> {
    let stack = Stack::shared().await?;
    let group = format!("as-declared-{}", version.replace('.', "-"));
    // A worker learns of a rebalance with its next heartbeat.
    let group = Group::new(&group).version(version).setting("heartbeat.interval.ms", "200");
    let workers = stack.add_group(group).await?;
    let leader = leader(&workers).await?;
    let (cluster, proxy) = (Cluster::of(leader), Proxy::start(&leader.url).await?);
    let dir = tempfile::tempdir()?;
    let out = dir.path().join("out");
    by_hand(&cluster, &out).await?;
    std::fs::create_dir(&out)?;

    let definitions = definitions(&out).await?;
    let settings = definitions.settings_within(&proxy.url(), CHANGE_DEADLINE);
    let file = dir.path().join("settings.yaml");
    std::fs::write(&file, &settings)?;
    let run = async |arguments: &[&str]| -> Result<Value> {
        let output =
            tagalong().args(arguments).args(["-o", "json", "--settings"]).arg(&file).output().await?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let applied = run(&["apply", "--yes", "--timeout", "3m"]).await?;
    let results = applied["results"].as_array().context("results")?;
    let mut ended: Vec<_> = results
        .iter()
        .map(|one| format!("{} {} {}", one["step"], one["connector"], one["outcome"]))
        .collect();
    // What is created together ends in any order.
    ended.sort_unstable();
    // What is deleted comes to rest first.
    let rests = if stopped == "stopped" { "stop gone converged" } else { "pause gone converged" };
    let mut wanted: Vec<_> = RESULTS.lines().chain([rests]).collect();
    wanted.sort_unstable();
    assert_eq!(ended.join("\n").replace('"', ""), wanted.join("\n"), "{applied}");
    let mut told: Vec<_> = applied["warnings"]
        .as_array()
        .context("warnings")?
        .iter()
        .filter_map(|one| one["warning"].as_str())
        .collect();
    told.sort_unstable();
    let mut expected = warnings.to_vec();
    expected.sort_unstable();
    assert_eq!(told, expected, "{applied}");

    assert_eq!(cluster.state("new").await?, "RUNNING [RUNNING]");
    assert_eq!(cluster.state("ill").await?, "RUNNING [RUNNING]");
    assert_eq!(cluster.config("changed").await?["topic"], "changed");
    for (name, state) in [("new-paused", "PAUSED"), ("new-stopped", &stopped.to_uppercase())] {
        let found = cluster.state(name).await?;
        ensure!(found.starts_with(state) && !found.contains("RUNNING"), "{name}: {found}");
    }
    ensure!(!cluster.names().await?.contains(&"gone".to_owned()), "it is deleted");
    let asked = words(&proxy);
    note(&format!("{version}: apply took {} requests: {asked:?}", asked.len()));

    quiet(version, &proxy, &run, &settings).await?;
    for worker in &workers {
        stack.stop_part(&worker.name).await?;
    }
    Ok(asked)
}

/// What becomes of each connector.
const RESULTS: &str = "\
configure changed converged
create new converged
create new-paused converged
create new-stopped converged
delete gone converged
restart ill converged
";

/// A plan with nothing to do, and an agent with nothing to do.
async fn quiet(
    version: &str,
    proxy: &Proxy,
    run: &impl AsyncFn(&[&str]) -> Result<Value>,
    settings: &str,
) -> Result<()> {
    proxy.clear();
    let plan = run(&["plan", "--detailed-exitcode"]).await?;
    assert_eq!(
        (&plan["steps"], &plan["summary"]["in_sync"]),
        (&Value::Array(Vec::new()), &6.into()),
        "{plan}"
    );
    let asked = words(proxy);
    ensure!(asked.iter().all(|word| word.starts_with("GET ")), "{asked:?}");
    note(&format!("{version}: plan took {asked:?}"));

    let agent = Agent::start(settings).await?.patient(PATIENCE);
    agent.wait_for_metric("tagalong_connectors{sync=\"synced\"}", 6.0).await?;
    assert_eq!(agent.status().await?["connect"]["version"], version);
    let between = || async { Ok(words(proxy).last().is_some_and(|word| word == QUIET[2])) };
    wait_within(PATIENCE, "an interval ends", between).await?;
    proxy.clear();
    let whole = || async { Ok(proxy.recorded().len() >= INTERVALS * QUIET.len()) };
    wait_within(PATIENCE, "some intervals have passed", whole).await?;
    let asked = words(proxy);
    assert_eq!(asked[..INTERVALS * QUIET.len()], QUIET.repeat(INTERVALS), "a probe and two reads");
    agent.end().await.map(drop)
}

async fn leader(workers: &[Worker]) -> Result<&Worker> {
    for worker in workers {
        if Cluster::of(worker).leads().await? {
            return Ok(worker);
        }
    }
    anyhow::bail!("none of them leads")
}

/// What is there before: one to change, one to delete, and one whose task fails for want of a folder.
async fn by_hand(cluster: &Cluster, out: &std::path::Path) -> Result<()> {
    let config = |pairs: &[(&str, &str)]| -> Config {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let source = |name, topic| {
        (
            name,
            config(&[
                ("connector.class", "FileStreamSource"),
                ("tasks.max", "1"),
                ("topic", topic),
                ("file", "/dev/null"),
            ]),
        )
    };
    let file = out.join("ill").display().to_string();
    let sink = config(&[
        ("connector.class", "FileStreamSink"),
        ("tasks.max", "1"),
        ("topics", "ill"),
        ("file", &file),
    ]);
    for (name, config) in [source("changed", "elsewhere"), source("gone", "gone"), ("ill", sink)] {
        let made = || async { cluster.put(name, &config).await.map(|()| true) };
        wait_within(PATIENCE, "a connector is made by hand", made).await?;
    }
    for (name, state) in
        [("changed", "RUNNING [RUNNING]"), ("gone", "RUNNING [RUNNING]"), ("ill", "RUNNING [FAILED]")]
    {
        let is = || async { Ok(cluster.state(name).await? == state) };
        wait_within(PATIENCE, &format!("{name} is {state}"), is).await?;
    }
    Ok(())
}

async fn definitions(out: &std::path::Path) -> Result<Definitions> {
    let file = out.join("ill").display().to_string();
    let sink = format!(
        "connector: ill\nconfig:\n  connector.class: FileStreamSink\n  tasks.max: 1\n  topics: ill\n  file: {file}\n"
    );
    let files = [
        ("new", file_source("new", "")),
        ("new-paused", file_source("new-paused", "state: paused\n")),
        ("new-stopped", file_source("new-stopped", "state: stopped\n")),
        ("changed", file_source("changed", "")),
        ("gone", "connector: gone\nstate: absent\n".to_owned()),
        ("ill", sink),
    ];
    let files: Vec<_> = files.iter().map(|(name, text)| (file_of(name), text.as_str())).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    Definitions::new(&files).await
}
