//! Two real workers of one Connect cluster, the real agent beside each, and a proxy between the two that keeps every
//! write: what dies, what is written, and whether anything was written twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use axum::http::Method;
use tagalong_testkit::http;
use tagalong_testkit::proxy::{Proxy, Recorded};
use tagalong_testkit::rules::{Effect, Rule};
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::{Group, Options, Worker};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, Config, PATIENCE};
use crate::support::agent::{Agent, wait_within};
use crate::support::definitions::{Definitions, file_of, file_source};

/// How many connectors a plan of these stories creates.
pub const MANY: usize = 50;

/// So many of them are created when something happens: eight are under way at that time.
pub const MIDDLE: usize = 15;

/// An agent that has more to write, or writes for ever, shows within some intervals.
pub const AFTERWARDS: Duration = Duration::from_secs(4);

/// A stack without a database, for a story that breaks its parts.
pub async fn stack(group: Group) -> Result<Stack> {
    Stack::start(Options { postgres: false, group }).await
}

/// A worker, the proxy in front of it and the agent beside it.
pub struct Beside {
    /// The worker's name, for commands to the stack.
    pub name: String,
    /// Its address, past the proxy.
    pub url: String,
    /// The worker itself, asked past the proxy.
    pub cluster: Cluster,
    /// What the agent asks.
    pub proxy: Proxy,
    /// When the proxy began to count.
    born: Instant,
    settings: String,
    agent: Option<Agent>,
}

/// A request that would change something, and what was answered.
#[derive(Clone, Debug)]
pub struct Write {
    /// When it came.
    pub at: Instant,
    /// Which agent sent it: that of the first leader is 0.
    pub from: usize,
    /// The connector.
    pub name: String,
    /// The config, with its name.
    pub config: Config,
    /// The status; none where it was not answered, and where the proxy got no answer.
    pub status: Option<u16>,
}

/// Both sides; the leader at the start is the first.
pub struct Pair {
    /// The definitions that both follow.
    pub definitions: Definitions,
    /// The sides.
    pub sides: Vec<Beside>,
}

impl Beside {
    async fn start(worker: &Worker, definitions: &Definitions, interval: &str) -> Result<Self> {
        let born = Instant::now();
        let proxy = Proxy::start(&worker.url).await?;
        let settings = definitions.settings_within(&proxy.url(), CHANGE_DEADLINE);
        let settings = settings.replace("interval: 1s", &format!("interval: {interval}"));
        let agent = Some(Agent::start(&settings).await?.patient(PATIENCE));
        let (name, url, cluster) = (worker.name.clone(), worker.url.clone(), Cluster::of(worker));
        Ok(Self { name, url, cluster, proxy, born, settings, agent })
    }

    /// The agent, which must be alive.
    pub fn agent(&self) -> &Agent {
        self.agent.as_ref().expect("the story has not killed it")
    }

    /// Kills the agent with SIGKILL.
    pub fn kill_agent(&mut self) {
        // Dropping the child is the signal.
        drop(self.agent.take());
    }

    /// Starts the agent again, as a container's runtime does.
    pub async fn restart_agent(&mut self) -> Result<()> {
        self.kill_agent();
        self.agent = Some(Agent::start(&self.settings).await?.patient(PATIENCE));
        Ok(())
    }

    /// How many creations were answered with success.
    pub fn created(&self) -> usize {
        let created = |request: &&Recorded| request.method == "POST" && request.status == Some(201);
        self.proxy.recorded().iter().filter(created).count()
    }
}

impl Pair {
    /// Starts an agent beside each of these two workers; there is nothing to do yet.
    pub async fn start(workers: &[Worker]) -> Result<Self> {
        Self::at_intervals(workers, "1s").await
    }

    /// The same, where each asks the repository at this interval.
    pub async fn at_intervals(workers: &[Worker], interval: &str) -> Result<Self> {
        let definitions = Definitions::new(&[]).await?;
        let mut sides = Vec::new();
        for worker in workers {
            sides.push(Beside::start(worker, &definitions, interval).await?);
        }
        if !sides[0].cluster.leads().await? {
            sides.swap(0, 1);
        }
        sides[0].agent().wait_for_metric("tagalong_leader", 1.0).await?;
        sides[1].agent().wait_for_metric("tagalong_leader", 0.0).await?;
        Ok(Self { definitions, sides })
    }

    /// Releases many new connectors; gives the commit.
    pub fn release(&mut self) -> Result<String> {
        let files: Vec<_> = names().map(|name| (file_of(&name), file_source(&name, ""))).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        self.definitions.release(&files)
    }

    /// Releases them, and waits until the leader is in the middle of creating them.
    pub async fn release_to_the_middle(&mut self) -> Result<String> {
        // The rest takes longer than it takes to have something killed.
        for rule in [
            Rule::on("/connectors", Effect::Delay(Duration::ZERO)).times(MIDDLE),
            Rule::on("/connectors", Effect::Delay(Duration::from_secs(1))),
        ] {
            self.sides[0].proxy.rule(rule.method(Method::POST));
        }
        let commit = self.release()?;
        let began = Instant::now();
        while self.sides[0].created() < MIDDLE {
            ensure!(began.elapsed() < PATIENCE, "{}", self.sides[0].agent().log());
            sleep(Duration::from_millis(2)).await;
        }
        Ok(commit)
    }

    /// Every write of both, in the order in which they came, the question who leads left out.
    pub fn writes(&self) -> Result<Vec<Write>> {
        let mut writes = Vec::new();
        for (from, side) in self.sides.iter().enumerate() {
            for request in side.proxy.writes() {
                if !request.path.contains("tagalong-probe-") {
                    writes.push(write(&request, from, side.born)?);
                }
            }
        }
        writes.sort_by_key(|write| write.at);
        Ok(writes)
    }

    /// The first write that came to one side after a moment.
    pub fn first_write(&self, from: usize, after: Instant) -> Result<Instant> {
        let first = self.writes()?.into_iter().find(|write| write.from == from && write.at > after);
        Ok(first.with_context(|| self.sides[from].agent().log())?.at)
    }

    /// Waits until every connector is there as declared and runs, asked of one of the workers.
    pub async fn all_run(&self, side: usize) -> Result<()> {
        let side = &self.sides[side];
        for name in names() {
            let runs = || async {
                ensure!(side.cluster.config(&name).await? == config(&name), "another config");
                Ok(side.cluster.state(&name).await? == "RUNNING [RUNNING]")
            };
            wait_within(PATIENCE, &format!("{name} runs"), runs)
                .await
                .with_context(|| side.agent.as_ref().map(Agent::log).unwrap_or_default())?;
        }
        ensure!(side.cluster.names().await? == names().collect::<Vec<_>>(), "and no others");
        Ok(())
    }

    /// Waits until one agent leads and has seen that all is well, and the other one follows.
    pub async fn calm(&self) -> Result<()> {
        let well = || async {
            let (mut leaders, mut followers) = (0, 0);
            for side in &self.sides {
                let text = side.agent().get("/metrics").await?;
                let told = |line: &str| text.lines().any(|one| one == line);
                let synced = told(&format!("tagalong_connectors{{sync=\"synced\"}} {MANY}"));
                leaders += usize::from(synced && told("tagalong_leader 1"));
                followers += usize::from(told("tagalong_leader 0"));
            }
            Ok((leaders, followers) == (1, 1))
        };
        wait_within(PATIENCE, "one agent leads and all is well", well).await
    }

    /// Ends both agents in order.
    pub async fn end(self) -> Result<()> {
        for side in self.sides {
            if let Some(agent) = side.agent {
                agent.end().await?;
            }
        }
        Ok(())
    }
}

fn names() -> impl Iterator<Item = String> {
    (0..MANY).map(|number| format!("failover-{number:02}"))
}

fn config(name: &str) -> Config {
    let pairs = [
        ("name", name),
        ("connector.class", "FileStreamSource"),
        ("tasks.max", "1"),
        ("topic", name),
        ("file", "/dev/null"),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// Only creations are expected in these stories, behind the fence.
fn write(request: &Recorded, from: usize, born: Instant) -> Result<Write> {
    let Recorded { method, path, body: _, status, at, took: _, headers: _, target: _ } = request;
    ensure!(
        method == "POST" && path == "/connectors?forward=false",
        "an unexpected write: {method} {path}, answered {status:?}"
    );
    let body = request.json();
    let name = body["name"].as_str().context("a name")?.to_owned();
    let mut config: Config = serde_json::from_value(body["config"].clone())?;
    config.insert("name".to_owned(), name.clone());
    // The proxy's own answers, for no answer of the worker.
    let status = status.filter(|status| ![502, 504].contains(status));
    Ok(Write { at: born + *at, from, name, config, status })
}

/// What a record of creations says.
#[derive(Debug, Default)]
pub struct Told {
    /// Who created each connector, by the answers.
    pub made: BTreeMap<String, Vec<usize>>,
    /// Connectors whose creation was asked for, and answered, after it had been answered with success.
    pub again: BTreeSet<String>,
    /// Connectors whose creation was sent and not answered.
    pub unanswered: BTreeSet<String>,
}

impl Told {
    /// Connectors that Connect says to have created more than once.
    pub fn twice(&self) -> Vec<&str> {
        self.made.iter().filter(|(_, by)| by.len() > 1).map(|(name, _)| name.as_str()).collect()
    }

    /// Whether nothing was asked for again that Connect said to have created.
    pub fn made_once(&self) -> bool {
        self.again.is_empty() && self.twice().is_empty()
    }

    /// How many this side created.
    pub fn by(&self, side: usize) -> usize {
        self.made.values().flatten().filter(|by| **by == side).count()
    }
}

/// Goes through the creations: each has the declared config, each connector was asked for, and what was answered with
/// success is kept.
pub fn replay(writes: &[Write]) -> Result<Told> {
    let mut told = Told::default();
    for Write { at: _, from, name, config: sent, status } in writes {
        ensure!(*sent == config(name), "{name} was sent as {sent:?}");
        if matches!(status, Some(201 | 409)) && told.made.contains_key(name) {
            told.again.insert(name.clone());
        }
        match status {
            Some(201) => told.made.entry(name.clone()).or_default().push(*from),
            // Connect refused to create it twice, or did not lead: nothing was written.
            Some(409) => {}
            // The worker may have carried it out all the same; 404 is what it says while it ends.
            None | Some(404 | 500) => {
                told.unanswered.insert(name.clone());
            }
            Some(status) => bail!("{name}: {status}"),
        }
    }
    let asked_for: BTreeSet<_> = told.made.keys().chain(&told.unanswered).cloned().collect();
    ensure!(asked_for == names().collect::<BTreeSet<_>>(), "{told:?}");
    Ok(told)
}

/// Scrapes agents all the time and keeps what must not be told.
pub struct Watch {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

/// What was scraped.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How often an agent answered.
    pub scrapes: usize,
    /// Series that say that a connector is not as it should be, each once.
    pub alarms: BTreeSet<String>,
    /// Every sum of `tagalong_leader` that was told, in order, without repetitions.
    pub leaders: Vec<usize>,
}

impl Watch {
    /// Begins to scrape the agents of both sides.
    pub fn start(pair: &Pair) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let urls: Vec<_> = pair.sides.iter().map(|side| format!("{}/metrics", side.agent().url())).collect();
        let task = tokio::spawn(scrape(urls, Arc::clone(&seen)));
        Self { seen, task }
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().expect("nobody panics while holding it").clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn scrape(urls: Vec<String>, seen: Arc<Mutex<Seen>>) {
    let client = http::client();
    loop {
        let mut leaders = 0;
        for url in &urls {
            let Ok(answer) = client.get(url).send().await else { continue };
            let text = answer.text().await.unwrap_or_default();
            let mut seen = seen.lock().expect("nobody panics while holding it");
            seen.scrapes += 1;
            seen.alarms.extend(text.lines().filter(|line| is_alarm(line)).map(str::to_owned));
            leaders += usize::from(text.lines().any(|line| line == "tagalong_leader 1"));
        }
        {
            let mut seen = seen.lock().expect("nobody panics while holding it");
            if seen.leaders.last() != Some(&leaders) {
                seen.leaders.push(leaders);
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Whether a line of a scrape says that a connector is not as declared.
fn is_alarm(line: &str) -> bool {
    let Some((series, value)) = line.rsplit_once(' ') else { return false };
    let bad = |label: &str, words: &[&str]| {
        words.iter().any(|word| series.contains(&format!("{label}=\"{word}\"")))
    };
    value != "0"
        && (series.starts_with("tagalong_connectors{") && bad("sync", &["missing", "drifted"])
            || series.starts_with("tagalong_connector_sync_state{")
                && bad("state", &["missing", "config_drift", "state_drift", "surplus"])
            || series.starts_with("tagalong_connector_last_apply_failed{"))
}
