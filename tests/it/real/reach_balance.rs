//! `connect.writer: forwarded`: one agent before a load balancer with two real workers behind it, one of which goes and
//! comes back.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::http;
use tagalong_testkit::proxy::{Proxy, Recorded};
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::{Group, Worker};
use tokio::time::sleep;

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, PATIENCE, note};
use crate::support::agent::Agent;
use crate::support::definitions::{Definitions, file_of, file_source};

const NAMES: [&str; 3] = ["balance-a", "balance-b", "balance-c"];

/// Some seconds of reading.
const RECORDS: usize = 300_000;

/// What Connect carried out, in order: `POST a`, `PUT a/config`.
fn done(proxy: &Proxy) -> Vec<String> {
    let is_done = |one: &Recorded| one.is_write() && one.status.is_some_and(|status| status < 300);
    proxy.recorded().iter().filter(|one| is_done(one)).map(told).collect()
}

fn told(request: &Recorded) -> String {
    let path = request.path.split('?').next().unwrap_or_default();
    let body = request.json();
    let what = path.strip_prefix("/connectors/").or_else(|| body["name"].as_str()).unwrap_or_default();
    format!("{} {what}", request.method)
}

/// How often a worker is asked, with what it says to it: looks at its list until it is stopped.
struct Watch {
    empty: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Watch {
    /// Counts how often a worker lists nothing.
    fn begin(worker: &Worker) -> Self {
        let (url, empty) = (format!("{}/connectors", worker.url), Arc::<AtomicUsize>::default());
        let counter = Arc::clone(&empty);
        let task = tokio::spawn(async move {
            let client = http::client();
            loop {
                if let Ok(answer) = client.get(&url).timeout(Duration::from_secs(2)).send().await
                    && answer.status().is_success()
                    && answer.text().await.is_ok_and(|text| text.trim() == "[]")
                {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
                sleep(Duration::from_millis(20)).await;
            }
        });
        Self { empty, task }
    }

    fn end(self) -> usize {
        self.task.abort();
        self.empty.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn one_agent_before_a_load_balancer_writes_everything_once_also_while_a_worker_comes_back() -> Result<()>
{
    let stack = Stack::shared().await?;
    let workers = stack.add_group(Group::new("reach-balance")).await?;
    slow_to_read(stack, "reach-balance-configs").await?;
    let proxy = Proxy::balance(&[&workers[0].url, &workers[1].url]).await?;
    let sources = NAMES.map(|name| (file_of(name), file_source(name, "")));
    let files: Vec<_> = sources.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut definitions = Definitions::new(&files).await?;
    let settings = definitions
        .settings_within(&proxy.url(), CHANGE_DEADLINE)
        .replace("connect: {", "connect: {writer: forwarded, ");
    let agent = Agent::start(&settings).await?.patient(PATIENCE);
    agent.wait_for_applied(&definitions.released()?).await?;
    let mut created = done(&proxy);
    created.sort();
    assert_eq!(created, NAMES.map(|name| format!("POST {name}")));

    let [a, b, c] = NAMES;
    let changed = file_source(a, "  batch.size: 7\n");
    let with = |name: &str, state: &str| file_source(name, "") + &format!("state: {state}\n");
    let gone = format!("connector: {c}\nstate: absent\n");
    for (texts, expected) in [
        (vec![(a, changed.clone())], vec![format!("PUT {a}/config")]),
        (
            vec![(b, with(b, "paused")), (c, with(c, "stopped"))],
            vec![format!("PUT {b}/pause"), format!("PUT {c}/stop")],
        ),
        (
            vec![(b, with(b, "running")), (c, with(c, "running"))],
            vec![format!("PUT {b}/resume"), format!("PUT {c}/resume")],
        ),
        (vec![(c, gone)], vec![format!("PUT {c}/stop"), format!("DELETE {c}")]),
    ] {
        proxy.clear();
        let files: Vec<_> = texts.iter().map(|(name, text)| (file_of(name), text.clone())).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let commit = definitions.release(&files)?;
        agent.wait_for_applied(&commit).await?;
        // An agent that has more to write shows within some intervals.
        sleep(Duration::from_secs(3)).await;
        assert_eq!(done(&proxy), expected, "{}", agent.log());
        let requests = proxy.recorded();
        let second = requests.iter().filter(|one| one.target == 1).count();
        note(&format!("{expected:?}: {} requests, {second} of them to the second worker", requests.len()));
        ensure!(requests.len().abs_diff(2 * second) <= 1, "they spread: {second} of {}", requests.len());
    }

    let first = Cluster::of(&workers[0]);
    let leader = usize::from(!first.leads().await?);
    for (round, away) in [1 - leader, leader].into_iter().enumerate() {
        come_back(stack, &workers[away], &proxy, &agent, &mut definitions, round).await?;
    }
    let follower = usize::from(first.leads().await?);
    meet_early(stack, &proxy, &workers, follower)?;
    let before = doubted(&agent);
    let empty = come_back(stack, &workers[follower], &proxy, &agent, &mut definitions, 2).await?;
    ensure!(empty > 0, "the worker is seen before it has read its list");
    assert_eq!(doubted(&agent), before + 1, "{}", agent.log());
    agent.end().await?;
    for worker in &workers {
        stack.stop_part(&worker.name).await?;
    }
    Ok(())
}

fn doubted(agent: &Agent) -> usize {
    agent.log().matches("looking again before anything is created").count()
}

/// Gives the workers much to read before the first connector at each start: records that mean nothing to Connect.
async fn slow_to_read(stack: &Stack, topic: &str) -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), "nothing:{}\n".repeat(RECORDS))?;
    let mut kcat = tokio::process::Command::new("kcat");
    kcat.args(["-P", "-b", stack.kafka().bootstrap, "-t", topic, "-p", "0", "-K", ":", "-l"])
        .arg(file.path());
    let status = kcat.kill_on_drop(true).status().await.context("start kcat")?;
    ensure!(status.success(), "kcat: {status}");
    Ok(())
}

/// Every list comes from one worker, and from its next start on that takes its time to read its topics: longer than it is
/// between two looks of an agent on a busy machine, and less than it is until the second look.
fn meet_early(stack: &Stack, proxy: &Proxy, workers: &[Worker], asked: usize) -> Result<()> {
    proxy.pin("/health", 1 - asked);
    proxy.pin("/connectors", asked);
    let settings = stack.running().dir.join(format!("{}.properties", workers[asked].name));
    let mut settings = std::fs::File::options().append(true).open(settings)?;
    // The broker keeps each answer back until there is so much to read, or so long.
    Ok(writeln!(settings, "fetch.min.bytes=1000000\nfetch.max.wait.ms=2500")?)
}

/// A worker is killed and comes back; meanwhile a connector is released. Gives how often the worker was seen to list
/// nothing.
async fn come_back(
    stack: &Stack,
    worker: &Worker,
    proxy: &Proxy,
    agent: &Agent,
    definitions: &mut Definitions,
    round: usize,
) -> Result<usize> {
    stack.kill_part(&worker.name).await?;
    proxy.clear();
    let watch = Watch::begin(worker);
    let name = format!("balance-late-{round}");
    let release = async {
        // Into the moment when the worker's web server is there and its list is not.
        sleep(Duration::from_millis(2500)).await;
        definitions.release(&[(&file_of(&name), &file_source(&name, ""))])
    };
    let (started, commit) = tokio::join!(stack.start_part(&worker.name), release);
    started?;
    agent.wait_for_applied(&commit?).await.with_context(|| agent.log())?;
    sleep(Duration::from_secs(3)).await;
    let empty = watch.end();
    let failed = proxy.recorded().iter().filter(|one| one.status.is_some_and(|status| status >= 500)).count();
    note(&format!(
        "round {round}: {empty} empty lists from the worker, {} requests, {failed} without an answer of Connect's, {} lists doubted so far",
        proxy.recorded().len(),
        doubted(agent)
    ));
    assert_eq!(done(proxy), [format!("POST {name}")], "{}", agent.log());
    let posts = proxy.writes();
    let others: Vec<_> = posts.iter().map(told).filter(|told| *told != format!("POST {name}")).collect();
    ensure!(others.is_empty(), "what is there is asked for: {others:?}");
    Ok(empty)
}
