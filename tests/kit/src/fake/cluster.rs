//! What a Connect cluster keeps and does: connectors, their tasks, and the time that things take.
//!
//! Takes what a request or a test asks for, gives what the cluster then shows. It follows Connect:
//! an unchanged config restarts the connector and no task, a paused connector keeps its old
//! tasks, failed tasks wait for a restart. Who may ask is left to `act`, how it looks to `show`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::fake::check::{self, Plugins, Sent};
use crate::fake::state::{State, Target, Timing, Turn, Write, WriteKind};
use crate::fake::version::Version;
use crate::fake::{Connector, Options};

/// A connector's config, with `name`. Old versions keep a null.
pub type Config = Sent;

/// A config as tests read and write it.
type Texts = BTreeMap<String, String>;

#[derive(Debug, Clone)]
pub struct Task {
    pub config: Config,
    pub turn: Turn,
    pub trace: Option<String>,
    pub worker: usize,
}

#[derive(Debug)]
pub struct Entry {
    pub config: Config,
    pub class: String,
    pub target: Target,
    pub turn: Turn,
    pub trace: Option<String>,
    pub worker: usize,
    pub tasks: Vec<Task>,
    pub coming: Option<(Instant, Vec<Task>)>,
    pub status_from: Instant,
    pub rebalance_until: Instant,
    pub starts: usize,
    pub task_starts: usize,
    pub offsets: Json,
    /// Whether each read finds the offsets further.
    pub flows: bool,
}

/// The whole cluster.
#[derive(Debug)]
pub struct Cluster {
    pub version: Version,
    pub leader: Option<usize>,
    pub writes: Vec<Write>,
    pub plugins: Plugins,
    pub masks: bool,
    pub workers: Vec<String>,
    timing: Timing,
    connectors: BTreeMap<String, Entry>,
    refused: BTreeMap<String, String>,
    sick: BTreeMap<String, String>,
    rebalance_until: Instant,
    next_worker: usize,
}

impl Entry {
    /// Takes over the tasks that were coming, when their time has come.
    fn advance(&mut self, now: Instant) {
        if self.coming.as_ref().is_some_and(|(at, _)| *at <= now)
            && let Some((_, tasks)) = self.coming.take()
        {
            self.task_starts += tasks.len();
            self.tasks = tasks;
        }
    }
}

impl Cluster {
    pub fn new(options: &Options, addresses: &[SocketAddr]) -> Self {
        Self {
            version: Version(options.version),
            leader: Some(0),
            writes: Vec::new(),
            plugins: Plugins::default(),
            masks: options.masks,
            timing: options.timing,
            workers: addresses.iter().map(SocketAddr::to_string).collect(),
            connectors: BTreeMap::new(),
            refused: BTreeMap::new(),
            sick: BTreeMap::new(),
            rebalance_until: Instant::now(),
            next_worker: 0,
        }
    }

    pub fn names(&self) -> Vec<String> {
        self.connectors.keys().cloned().collect()
    }

    pub fn has(&self, name: &str) -> bool {
        self.connectors.contains_key(name)
    }

    pub fn config(&self, name: &str) -> Option<&Config> {
        self.connectors.get(name).map(|entry| &entry.config)
    }

    /// Whether a single read has to say that a rebalance is expected.
    pub fn is_rebalancing(&self, name: &str) -> bool {
        let now = Instant::now();
        now < self.rebalance_until
            || self.connectors.get(name).is_some_and(|entry| now < entry.rebalance_until)
    }

    pub fn rebalance(&mut self, lasting: Duration) {
        self.rebalance_until = Instant::now() + lasting;
    }

    pub fn is_stopped(&mut self, name: &str) -> bool {
        let now = Instant::now();
        self.entry(name)
            .is_some_and(|entry| entry.target == Target::Stopped && entry.turn.now(now) == State::Stopped)
    }

    /// The worker that runs a connector.
    pub fn owner(&self, name: &str) -> Option<usize> {
        self.connectors.get(name).map(|entry| entry.worker)
    }

    /// The worker that runs a task.
    pub fn task_owner(&mut self, name: &str, task: usize) -> Option<usize> {
        self.entry(name)?.tasks.get(task).map(|task| task.worker)
    }

    /// One connector, as it is by now.
    pub fn entry(&mut self, name: &str) -> Option<&mut Entry> {
        let entry = self.connectors.get_mut(name)?;
        entry.advance(Instant::now());
        Some(entry)
    }

    fn note(&mut self, worker: usize, name: &str, kind: WriteKind, changed: bool) {
        self.writes.push(Write { connector: name.to_owned(), kind, worker, changed });
    }

    // What requests do.

    pub fn create(&mut self, by: usize, name: &str, config: Config, target: Target) {
        self.insert(name, config, target, self.timing);
        self.note(by, name, WriteKind::Create, true);
    }

    fn insert(&mut self, name: &str, config: Config, target: Target, timing: Timing) {
        let now = Instant::now();
        let class = self.class_of(&config);
        let worker = self.assign();
        let fails = check::text(&config, "mock_mode") == Some("connector-failure");
        let coming = (target == Target::Running)
            .then(|| (now + timing.tasks, self.make_tasks(name, &class, &config, timing)));
        let entry = Entry {
            class,
            config,
            target,
            turn: Turn {
                before: if target == Target::Running { State::Unassigned } else { target.state() },
                after: if fails { State::Failed } else { target.state() },
                at: now + timing.status + timing.settle,
            },
            trace: fails.then(|| MOCK_TRACE.to_owned()),
            worker,
            tasks: Vec::new(),
            coming,
            status_from: now + timing.status,
            rebalance_until: now + timing.rebalance,
            starts: 1,
            task_starts: 0,
            offsets: json!([]),
            flows: false,
        };
        self.connectors.insert(name.to_owned(), entry);
    }

    pub fn configure(&mut self, by: usize, name: &str, config: Config) {
        let changed = self.reconfigure(name, config);
        self.note(by, name, WriteKind::Configure, changed);
    }

    fn reconfigure(&mut self, name: &str, config: Config) -> bool {
        let now = Instant::now();
        let timing = self.timing;
        let class = self.class_of(&config);
        let new = self.make_tasks(name, &class, &config, timing);
        let entry = self.entry(name).expect("a connector that is there");
        let changed = entry.config != config;
        entry.class = class;
        entry.config = config;
        entry.starts += 1;
        let after = entry.target.state();
        entry.turn = Turn { before: State::Unassigned, after, at: now + timing.settle };
        entry.trace = None;
        // A connector that is paused or stopped is asked for its tasks when it runs again.
        if entry.target == Target::Running {
            entry.plan_tasks(now, timing, new);
        }
        changed
    }

    pub fn set_target(&mut self, by: usize, name: &str, target: Target) {
        let changed = self.turn(name, target);
        let kind = match target {
            Target::Running => WriteKind::Resume,
            Target::Paused => WriteKind::Pause,
            Target::Stopped => WriteKind::Stop,
        };
        self.note(by, name, kind, changed);
    }

    /// Sets what a connector is asked to be, and says whether that is new.
    pub fn turn(&mut self, name: &str, target: Target) -> bool {
        let now = Instant::now();
        let timing = self.timing;
        let Some((class, config)) = self.entry(name).map(|entry| (entry.class.clone(), entry.config.clone()))
        else {
            return false;
        };
        let new = self.make_tasks(name, &class, &config, timing);
        let entry = self.entry(name).expect("a connector that is there");
        let changed = std::mem::replace(&mut entry.target, target) != target;
        if entry.turn.now(now) != State::Failed {
            entry.turn = entry.turn.to(now, target.state(), timing.state);
        }
        match target {
            Target::Stopped => entry.coming = Some((now + timing.state, Vec::new())),
            Target::Paused => {
                entry.coming = None;
                entry.turn_tasks(now, timing, State::Paused);
            }
            Target::Running => {
                entry.turn_tasks(now, timing, State::Running);
                entry.plan_tasks(now, timing, new);
            }
        }
        changed
    }

    pub fn restart(&mut self, by: usize, name: &str, with_tasks: bool, only_failed: bool) {
        let now = Instant::now();
        let settle = self.timing.settle;
        let sick = self.sick.get(name).cloned();
        let entry = self.entry(name).expect("a connector that is there");
        let mut changed = false;
        if !only_failed || entry.turn.now(now) == State::Failed {
            let after = entry.target.state();
            entry.turn = Turn { before: State::Restarting, after, at: now + settle };
            entry.trace = None;
            entry.starts += 1;
            changed = true;
        }
        if with_tasks {
            for at in 0..entry.tasks.len() {
                if !only_failed || entry.tasks[at].turn.now(now) == State::Failed {
                    entry.restart_task(at, now, settle, sick.as_deref());
                    changed = true;
                }
            }
        }
        self.note(by, name, WriteKind::Restart, changed);
    }

    /// Restarts one task, which must be there.
    pub fn restart_task(&mut self, by: usize, name: &str, task: usize) {
        let settle = self.timing.settle;
        let sick = self.sick.get(name).cloned();
        let entry = self.entry(name).expect("a connector that is there");
        entry.restart_task(task, Instant::now(), settle, sick.as_deref());
        self.note(by, name, WriteKind::Restart, true);
    }

    pub fn delete(&mut self, by: usize, name: &str) {
        self.remove(name);
        self.note(by, name, WriteKind::Delete, true);
    }

    pub fn write_offsets(&mut self, by: usize, name: &str, offsets: Json) {
        self.set_offsets(name, offsets);
        self.note(by, name, WriteKind::Offsets, true);
    }

    // What tests do.

    pub fn preload(&mut self, name: &str, mut config: Texts) {
        config.insert("name".to_owned(), name.to_owned());
        let config = given(config);
        let zero = Duration::ZERO;
        self.insert(
            name,
            config,
            Target::Running,
            Timing { status: zero, tasks: zero, settle: zero, state: zero, rebalance: zero },
        );
    }

    pub fn install(&mut self, class: &str) {
        self.plugins.install(class);
    }

    pub fn edit(&mut self, name: &str, change: impl FnOnce(&mut Texts)) {
        let mut config = texts(self.config(name).expect("a connector that is there"));
        change(&mut config);
        self.reconfigure(name, given(config));
    }

    pub fn remove(&mut self, name: &str) {
        self.connectors.remove(name);
    }

    pub fn fail_task(&mut self, name: &str, task: usize, trace: &str) {
        let now = Instant::now();
        let entry = self.entry(name).expect("a connector that is there");
        // A test that fails a task of a connector just made need not wait for it.
        if let Some((_, tasks)) = entry.coming.take() {
            entry.task_starts += tasks.len();
            entry.tasks = tasks;
        }
        let task = &mut entry.tasks[task];
        task.turn = Turn { before: State::Failed, after: State::Failed, at: now };
        task.trace = Some(trace.to_owned());
    }

    pub fn hand(&mut self, name: &str, state: State) {
        let entry = self.entry(name).expect("a connector that is there");
        for task in &mut entry.tasks {
            task.turn = Turn { before: state, after: state, at: Instant::now() };
        }
    }

    pub fn fail_connector(&mut self, name: &str, trace: &str) {
        let entry = self.entry(name).expect("a connector that is there");
        entry.turn = Turn { before: State::Failed, after: State::Failed, at: Instant::now() };
        entry.trace = Some(trace.to_owned());
    }

    pub fn sicken(&mut self, name: &str, trace: &str) {
        self.sick.insert(name.to_owned(), trace.to_owned());
    }

    pub fn heal(&mut self, name: &str) {
        self.sick.remove(name);
    }

    pub fn refuse(&mut self, name: &str, line: &str) {
        self.refused.insert(name.to_owned(), line.to_owned());
    }

    pub fn accept(&mut self, name: &str) {
        self.refused.remove(name);
    }

    pub fn refusal(&self, name: &str) -> Option<&str> {
        self.refused.get(name).map(String::as_str)
    }

    pub fn set_offsets(&mut self, name: &str, offsets: Json) {
        if let Some(entry) = self.entry(name) {
            entry.offsets = offsets;
        }
    }

    pub fn flow(&mut self, name: &str, flows: bool) {
        self.entry(name).expect("a connector that is there").flows = flows;
    }

    pub fn snapshot(&mut self, name: &str) -> Option<Connector> {
        let now = Instant::now();
        let entry = self.entry(name)?;
        Some(Connector {
            config: texts(&entry.config),
            target: entry.target,
            state: entry.turn.now(now),
            tasks: entry.tasks.iter().map(|task| task.turn.now(now)).collect(),
            task_configs: entry.tasks.iter().map(|task| texts(&task.config)).collect(),
            starts: entry.starts,
            task_starts: entry.task_starts,
        })
    }

    fn class_of(&self, config: &Config) -> String {
        let given = check::text(config, "connector.class").unwrap_or_default();
        self.plugins.find(given).unwrap_or(given).to_owned()
    }

    fn assign(&mut self) -> usize {
        self.next_worker = (self.next_worker + 1) % self.workers.len();
        self.next_worker
    }

    fn make_tasks(&mut self, name: &str, class: &str, config: &Config, timing: Timing) -> Vec<Task> {
        let now = Instant::now();
        let mocked = check::mocked_failure(config);
        let trace = self.sick.get(name).cloned().or(mocked.map(|_| MOCK_TRACE.to_owned()));
        let task_config = check::task_config(self.version, class, config);
        let after = if trace.is_some() { State::Failed } else { State::Running };
        let at = now + timing.tasks + timing.settle + mocked.unwrap_or_default();
        // A mock connector's task runs until it fails.
        let before = if mocked.is_some() { State::Running } else { State::Unassigned };
        let turn = Turn { before, after, at };
        (0..check::task_count(class, config))
            .map(|_| Task { config: task_config.clone(), turn, trace: trace.clone(), worker: self.assign() })
            .collect()
    }
}

impl Entry {
    /// Lets new tasks come, unless they would be what there is: then nothing is restarted.
    fn plan_tasks(&mut self, now: Instant, timing: Timing, new: Vec<Task>) {
        let are_same = self.tasks.len() == new.len()
            && self.tasks.iter().zip(&new).all(|(old, new)| old.config == new.config);
        self.coming = (!are_same).then(|| (now + timing.tasks, new));
    }

    fn turn_tasks(&mut self, now: Instant, timing: Timing, after: State) {
        for task in &mut self.tasks {
            if task.turn.now(now) != State::Failed {
                task.turn = task.turn.to(now, after, timing.state);
            }
        }
    }

    fn restart_task(&mut self, at: usize, now: Instant, settle: Duration, sick: Option<&str>) {
        let mocked = check::mocked_failure(&self.config);
        let trace = sick.or(mocked.map(|_| MOCK_TRACE));
        let after = if trace.is_some() { State::Failed } else { self.target.state() };
        let task = &mut self.tasks[at];
        let at = now + settle + mocked.unwrap_or_default();
        task.turn = Turn { before: State::Restarting, after, at };
        task.trace = trace.map(str::to_owned);
        self.task_starts += 1;
    }
}

/// What the tasks of a mock connector fail with.
const MOCK_TRACE: &str = "java.lang.RuntimeException";

fn given(texts: Texts) -> Config {
    texts.into_iter().map(|(key, value)| (key, Some(value))).collect()
}

fn texts(config: &Config) -> Texts {
    config.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?))).collect()
}
