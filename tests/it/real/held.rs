//! What is held moves nothing: not the slot, not the publication, not the offsets, and no row is lost. And what somebody
//! answers for does what the hold said it would.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tagalong_testkit::proxy::Proxy;
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::{Group as Workers, Worker};
use tokio::process::Command;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, PATIENCE, lines};
use crate::real::flow::Flow;
use crate::real::held_changes::{
    ALL_TABLES, BESIDE, Beside, Change, DISABLED, EACH_START, FILTERED, Group, HANDFUL, Keys, SLOT,
};
use crate::support::agent::{Agent, wait_within};
use crate::support::definitions::{Definitions, file_of};

const HELD: &str = "tagalong_held{hold=\"risky-change\"}";

type Config = BTreeMap<String, String>;

/// The two workers of these stories, with a cluster of their own.
async fn workers() -> Result<&'static [Worker]> {
    static WORKERS: OnceCell<Result<Vec<Worker>, String>> = OnceCell::const_new();
    let start = || async {
        let workers = async { Stack::shared().await?.add_group(Workers::new("held")).await };
        workers.await.map_err(|error| format!("{error:#}"))
    };
    let workers = WORKERS.get_or_init(start).await.as_ref();
    workers.map(Vec::as_slice).map_err(|error| anyhow::anyhow!("{error}"))
}

/// A connector's file, with more lines under its name.
fn file(name: &str, config: &Config, more: &str) -> (String, String) {
    let lines: Vec<_> = config.iter().map(|(key, value)| format!("  {key}: '{value}'\n")).collect();
    (file_of(name), format!("connector: {name}\n{more}config:\n{}", lines.concat()))
}

/// A connector that streams, an agent beside each of two workers, and what is released to them.
struct Story {
    name: String,
    cluster: Cluster,
    /// Before the workers, the leader's first.
    proxies: Vec<Proxy>,
    flow: Flow,
    definitions: Definitions,
    /// The agent beside the leader.
    agent: Agent,
    follower: Agent,
    base: &'static Keys,
    logs: Vec<PathBuf>,
    /// Another story's new connector would have this one's task moved to the other worker.
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::const_new(());

impl Story {
    /// Begins with one connector of this name that streams; rows come.
    async fn begin(name: &str, base: &'static Keys) -> Result<Self> {
        let turn = TURN.lock().await;
        let workers = workers().await?;
        let (mut first, mut second) = (Cluster::of(&workers[0]), Cluster::of(&workers[1]));
        let mut proxies = vec![Proxy::start(&workers[0].url).await?, Proxy::start(&workers[1].url).await?];
        if !first.leads().await? {
            (first, second) = (second, first);
            proxies.swap(0, 1);
        }
        for cluster in [&first, &second] {
            cluster.log("org.apache.kafka.connect.runtime.Worker", "INFO").await?;
        }
        let mut flow = Flow::new(&name.replace('-', "_")).await?;
        if base.contains(&("publication.autocreate.mode", Some("disabled"))) {
            flow.publish().await?;
        }
        let (path, text) = file(name, &flow.config(name, base), "");
        let definitions = Definitions::new(&[(&path, &text)]).await?;
        let start = async |proxy: &Proxy| -> Result<Agent> {
            let scope = format!("select: {{include: ['{name}*']}}\n");
            let settings = definitions.settings_within(&proxy.url(), CHANGE_DEADLINE);
            Ok(Agent::start(&format!("{settings}{scope}")).await?.patient(PATIENCE))
        };
        let (agent, follower) = (start(&proxies[0]).await?, start(&proxies[1]).await?);
        agent.wait_for_applied(&definitions.released()?).await?;
        flow.begin();
        let logs = workers.iter().map(|worker| worker.log.clone()).collect();
        let name = name.to_owned();
        Ok(Self {
            name,
            cluster: first,
            proxies,
            flow,
            definitions,
            agent,
            follower,
            base,
            logs,
            _turn: turn,
        })
    }

    /// Ends both agents.
    async fn end(self) -> Result<()> {
        self.agent.end().await?;
        self.follower.end().await.map(drop)
    }

    fn changed(&self, keys: &Keys) -> Config {
        self.flow.config(&self.name, &[self.base, keys].concat())
    }

    /// Releases the connector with these changes, and gives the commit.
    fn release(&mut self, keys: &Keys, more: &str) -> Result<String> {
        let (path, text) = file(&self.name, &self.changed(keys), more);
        self.definitions.release(&[(&path, &text)])
    }

    fn clear(&self) {
        self.proxies.iter().for_each(Proxy::clear);
    }

    /// What both agents have written since that was cleared, without probes.
    fn writes(&self) -> Vec<String> {
        self.proxies.iter().flat_map(lines).collect()
    }

    /// The held step of a connector, once the agent has looked with a revision.
    async fn held(&self, connector: &str, commit: &str) -> Result<Value> {
        let of = |status: &Value| {
            let is_of = status["plan"]["revision"][0]["commit"] == commit;
            let held = status["plan"]["held"].as_array().into_iter().flatten();
            held.filter(|_| is_of).find(|held| held["connector"] == connector).cloned()
        };
        let is_held = || async { Ok(of(&self.agent.status().await?).is_some()) };
        wait_within(PATIENCE, &format!("{connector} is held"), is_held)
            .await
            .with_context(|| self.agent.log())?;
        of(&self.agent.status().await?).context("it is held still")
    }

    /// The rows for which a connector is held, as the plan has them, with their keys.
    async fn rows(&self, connector: &str) -> Result<BTreeMap<String, String>> {
        let status = self.agent.status().await?;
        let risks = status["plan"]["risks"].as_array().into_iter().flatten();
        let held = risks.filter(|risk| risk["connector"] == connector && risk["standing"] == "held");
        let text = |risk: &Value, field| risk[field].as_str().context("a text").map(str::to_owned);
        held.map(|risk| Ok((text(risk, "risk")?, text(risk, "key")?))).collect()
    }

    /// Releases a change and sees that it is held for what it is, and that nothing is written.
    async fn holds(&mut self, change: &Change) -> Result<()> {
        self.clear();
        let commit = self.release(change.keys, "")?;
        let (what, name) = (change.what, self.name.clone());
        let held = self.held(&name, &commit).await.context(what)?;
        ensure!(held["hold"] == "risky-change", "{what}: {held}");
        self.agent.wait_for_metric(HELD, 1.0).await?;
        let release = held["release"].as_str().with_context(|| format!("{what}: {held}"))?;
        let rows = self.rows(&name).await?;
        ensure!(rows.keys().eq(BTreeSet::from_iter(change.rows)), "{what}: {rows:?}");
        for key in rows.values() {
            ensure!(release.contains(&format!("key: {key}")), "{what}: {release}");
        }
        ensure!(held["detail"].as_str().is_some_and(|detail| detail.len() > 20), "{what}: {held}");
        // Some turns more: what is held stays so.
        let looks = "tagalong_cycle_duration_seconds_count";
        let seen = self.agent.metric(looks).await?.unwrap_or_default();
        self.agent.wait_for_metric_from(looks, seen + 3.0).await?;
        ensure!(self.writes().is_empty(), "{what}: {:?}", self.writes());
        let back = self.release(&[], "")?;
        self.agent.wait_for_applied(&back).await?;
        self.agent.wait_for_metric(HELD, 0.0).await?;
        ensure!(self.writes().is_empty(), "{what}, taken back: {:?}", self.writes());
        Ok(())
    }

    /// How often the connector's task was started.
    fn starts(&self) -> Result<usize> {
        let made = format!("Creating task {}-0", self.name);
        let of = |log: &PathBuf| Ok(std::fs::read_to_string(log)?.matches(&made).count());
        self.logs.iter().map(of).sum()
    }

    /// Sees that each of these changes is held, and that nothing moved from the first to the last.
    async fn nothing_moves(&mut self, changes: &[Change]) -> Result<()> {
        let before = self.flow.settled(&self.cluster, &self.name).await?;
        for change in changes {
            self.holds(change).await?;
        }
        assert_eq!(self.flow.standing(&self.cluster, &self.name).await?, before);
        assert_eq!(self.cluster.state(&self.name).await?, "RUNNING [RUNNING]");
        assert_eq!(self.starts()?, 1, "its task was never restarted");
        let count = self.flow.end().await?;
        for table in ["a", "b"] {
            self.flow.each_once(&self.name, table, count).await?;
        }
        Ok(())
    }
}

/// A connector of a group, on which each of its changes is tried.
async fn nothing_moves(name: &str, group: &Group) -> Result<()> {
    let mut story = Story::begin(name, group.base).await?;
    story.nothing_moves(group.changes).await?;
    story.end().await
}

#[tokio::test]
async fn a_slot_a_prefix_a_list_that_shrinks_and_another_class_are_held_and_nothing_moves() -> Result<()> {
    nothing_moves("held-gate", &HANDFUL).await
}

#[tokio::test]
#[ignore = "long: each of many changes is released and taken back"]
async fn every_change_that_loses_rows_reads_anew_or_cannot_be_undone_is_held_under_filtered() -> Result<()> {
    nothing_moves("held-filtered", &FILTERED).await
}

#[tokio::test]
#[ignore = "long: each of many changes is released and taken back"]
async fn every_change_of_a_publication_is_held_under_all_tables() -> Result<()> {
    nothing_moves("held-all", &ALL_TABLES).await
}

#[tokio::test]
#[ignore = "long: each of many changes is released and taken back"]
async fn every_change_is_held_where_the_publication_is_not_its_own_and_no_snapshot_is_taken() -> Result<()> {
    nothing_moves("held-disabled", &DISABLED).await
}

#[tokio::test]
#[ignore = "long: each of many changes is released and taken back"]
async fn every_change_is_held_where_each_start_does_harm() -> Result<()> {
    nothing_moves("held-starts", &EACH_START).await
}

#[tokio::test]
#[ignore = "long: what was broken heals by itself only slowly"]
async fn what_is_acknowledged_does_what_the_hold_said_and_taking_it_back_loses_nothing() -> Result<()> {
    let mut story = Story::begin("held-passes", &[]).await?;
    let name = story.name.clone();
    story.flow.settled(&story.cluster, &name).await?;
    let held = story.release(SLOT.keys, "")?;
    let held = story.held(&name, &held).await?;
    let release = held["release"].as_str().context("lines to add")?.replace('…', "OPS-1");
    // Word for word what the hold says, and a reason.
    story.release(SLOT.keys, &format!("{release}\n"))?;
    let fails = || async { Ok(story.cluster.state(&name).await? == "RUNNING [FAILED]") };
    wait_within(PATIENCE, "it fails, as it was said", fails).await.with_context(|| story.agent.log())?;
    let slots = story.flow.sql("SELECT slot_name FROM pg_replication_slots ORDER BY 1").await?;
    ensure!(!slots.contains("another"), "no slot is made: {slots}");
    story.release(&[], "acknowledge:\n  - {key: slot.name, to: held_passes, reason: back}\n")?;
    let heals = || async { Ok(story.cluster.state(&name).await? == "RUNNING [RUNNING]") };
    wait_within(PATIENCE, "it streams again", heals).await.with_context(|| story.agent.log())?;
    let count = story.flow.end().await?;
    for table in ["a", "b"] {
        story.flow.each_once(&name, table, count).await?;
    }
    story.end().await
}

/// Releases a connector beside the first one, and sees that it is held.
async fn held_beside(story: &mut Story, beside: &Beside) -> Result<()> {
    story.clear();
    let Beside { name, keys, gone, key, row } = beside;
    let (path, text) = file(name, &story.flow.config(name, keys), "");
    let own = file_of(&story.name);
    if *gone {
        story.definitions.origin.remove("it goes", &[&own])?;
    }
    let commit = story.definitions.release(&[(&path, &text)])?;
    let held = story.held(name, &commit).await?;
    ensure!(held["hold"] == "risky-change" && held["step"] == "create", "{held}");
    let release = held["release"].as_str().context("lines to add")?;
    ensure!(release.contains(&format!("key: {key}")), "{release}");
    if let Some(row) = row {
        let rows = story.rows(name).await?;
        ensure!(rows.keys().eq([row]), "{rows:?}");
    }
    story.definitions.origin.remove("it goes", &[&path])?;
    let back = story.release(&[], "")?;
    story.agent.wait_for_applied(&back).await?;
    ensure!(story.writes().is_empty(), "{:?}", story.writes());
    Ok(())
}

#[tokio::test]
#[ignore = "long: on the real Debezium, one after the other"]
async fn a_connector_that_would_rob_or_replace_another_is_held_and_the_first_goes_on() -> Result<()> {
    let mut story = Story::begin("held-first", &[]).await?;
    let before = story.flow.settled(&story.cluster, "held-first").await?;
    for beside in BESIDE {
        held_beside(&mut story, beside).await.context(beside.name)?;
    }
    assert_eq!(story.flow.standing(&story.cluster, "held-first").await?, before);
    let count = story.flow.end().await?;
    story.flow.each_once("held-first", "a", count).await?;
    story.end().await
}

#[tokio::test]
#[ignore = "long: a connector is moved while rows come"]
async fn the_commands_of_a_held_rename_lose_and_double_nothing() -> Result<()> {
    let mut story = Story::begin("held-old", &[]).await?;
    story.flow.settled(&story.cluster, "held-old").await?;
    let same: &Keys = &[("topic.prefix", Some("held-old")), ("slot.name", Some("held_old"))];
    let (path, text) = file("held-old-moved", &story.flow.config("held-old-moved", same), "");
    story.definitions.origin.remove("it goes", &[&file_of("held-old")])?;
    let commit = story.definitions.release(&[(&path, &text)])?;
    let held = story.held("held-old-moved", &commit).await?;
    let detail = held["detail"].as_str().context("a text")?;
    let (_, block) = detail.split_once(":\n(").with_context(|| detail.to_owned())?;
    let (block, _) = block.split_once("/resume\")").context("the last command")?;
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("({block}/resume\")")]).env("CONNECT", &workers().await?[0].url);
    let output = shell.output().await?;
    ensure!(output.status.success(), "{block}: {}", String::from_utf8_lossy(&output.stderr));
    let streams = || async { Ok(story.cluster.state("held-old-moved").await? == "RUNNING [RUNNING]") };
    wait_within(PATIENCE, "it streams", streams).await.with_context(|| story.agent.log())?;
    story.agent.wait_for_applied(&commit).await?;
    ensure!(story.cluster.state("held-old").await.is_err(), "the old one is gone");
    let count = story.flow.end().await?;
    for table in ["a", "b"] {
        story.flow.each_once("held-old", table, count).await?;
    }
    story.end().await
}
