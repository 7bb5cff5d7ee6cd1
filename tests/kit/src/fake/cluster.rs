//! What a Connect cluster keeps and does: connectors, their tasks, and the time that things take.
//!
//! Takes what a request or a test asks for, gives what the cluster then shows. It follows Connect
//! 4.3: an unchanged config restarts the connector and no task, a paused connector keeps its old
//! tasks, failed tasks wait for a restart. Who may ask and how it is answered is left to `rest`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json, json};

use crate::fake::check::{self, Plugins};
use crate::fake::{Connector, Options};

/// A connector's config, with `name`.
pub type Config = BTreeMap<String, String>;

/// What Confluent's distribution shows in place of a secret.
const MASK: &str = "••••••••••••";

/// How long things take. The default is as quick as still shows every stage.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// From a creation until there is a status.
    pub status: Duration,
    /// From a new config until there are tasks for it.
    pub tasks: Duration,
    /// From being assigned until running.
    pub settle: Duration,
    /// From being asked to pause, resume or stop until it shows.
    pub state: Duration,
    /// How long after a creation or change single reads answer that a rebalance is expected.
    pub rebalance: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let moment = Duration::from_millis(20);
        Self { status: moment, tasks: moment, settle: moment, state: moment, rebalance: Duration::ZERO }
    }
}

/// A state that Connect shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A worker runs it.
    Running,
    /// It waits.
    Paused,
    /// It has no tasks.
    Stopped,
    /// It ended with an error.
    Failed,
    /// No worker has it for now.
    Unassigned,
    /// A restart was asked for.
    Restarting,
}

/// What a connector was asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Running.
    Running,
    /// Paused.
    Paused,
    /// Stopped.
    Stopped,
}

/// Something that was written to the config topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Which connector.
    pub connector: String,
    /// What.
    pub kind: WriteKind,
    /// The worker that wrote it.
    pub worker: usize,
    /// Whether it made any difference. A config that was equal already made none, and restarted the
    /// connector all the same.
    pub changed: bool,
}

/// What can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteKind {
    /// A connector was made.
    Create,
    /// It got a config.
    Configure,
    /// It was asked to pause.
    Pause,
    /// It was asked to resume.
    Resume,
    /// It was asked to stop.
    Stop,
    /// It, or its tasks, were restarted.
    Restart,
    /// It was deleted.
    Delete,
    /// Its offsets were changed.
    Offsets,
}

/// A state that becomes another one at some time.
#[derive(Debug, Clone, Copy)]
struct Turn {
    before: State,
    after: State,
    at: Instant,
}

#[derive(Debug, Clone)]
struct Task {
    config: Config,
    turn: Turn,
    trace: Option<String>,
    worker: usize,
}

#[derive(Debug)]
struct Entry {
    config: Config,
    class: String,
    target: Target,
    turn: Turn,
    trace: Option<String>,
    worker: usize,
    tasks: Vec<Task>,
    coming: Option<(Instant, Vec<Task>)>,
    status_from: Instant,
    rebalance_until: Instant,
    starts: usize,
    task_starts: usize,
    offsets: Json,
}

/// The whole cluster.
#[derive(Debug)]
pub struct Cluster {
    pub version: (u8, u8),
    pub leader: Option<usize>,
    pub writes: Vec<Write>,
    pub plugins: Plugins,
    masks: bool,
    timing: Timing,
    workers: Vec<String>,
    connectors: BTreeMap<String, Entry>,
    refused: BTreeMap<String, String>,
    sick: BTreeMap<String, String>,
    rebalance_until: Instant,
    next_worker: usize,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
            Self::Failed => "FAILED",
            Self::Unassigned => "UNASSIGNED",
            Self::Restarting => "RESTARTING",
        }
    }
}

impl Target {
    fn state(self) -> State {
        match self {
            Self::Running => State::Running,
            Self::Paused => State::Paused,
            Self::Stopped => State::Stopped,
        }
    }
}

impl Turn {
    fn now(self, now: Instant) -> State {
        if now < self.at { self.before } else { self.after }
    }

    fn to(self, now: Instant, after: State, delay: Duration) -> Self {
        Self { before: self.now(now), after, at: now + delay }
    }
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
            version: options.version,
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

    fn entry(&mut self, name: &str) -> Option<&mut Entry> {
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
        let fails = config.get("mock_mode").is_some_and(|mode| mode == "connector-failure");
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
            trace: fails.then(|| "java.lang.RuntimeException".to_owned()),
            worker,
            tasks: Vec::new(),
            coming,
            status_from: now + timing.status,
            rebalance_until: now + timing.rebalance,
            starts: 1,
            task_starts: 0,
            offsets: json!([]),
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

    /// Restarts one task; says whether there is such a task.
    pub fn restart_task(&mut self, by: usize, name: &str, task: usize) -> bool {
        let settle = self.timing.settle;
        let sick = self.sick.get(name).cloned();
        let entry = self.entry(name).expect("a connector that is there");
        if task >= entry.tasks.len() {
            return false;
        }
        entry.restart_task(task, Instant::now(), settle, sick.as_deref());
        self.note(by, name, WriteKind::Restart, true);
        true
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

    pub fn preload(&mut self, name: &str, mut config: Config) {
        config.insert("name".to_owned(), name.to_owned());
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

    pub fn edit(&mut self, name: &str, change: impl FnOnce(&mut Config)) {
        let mut config = self.config(name).expect("a connector that is there").clone();
        change(&mut config);
        self.reconfigure(name, config);
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

    pub fn snapshot(&mut self, name: &str) -> Option<Connector> {
        let now = Instant::now();
        let entry = self.entry(name)?;
        Some(Connector {
            config: entry.config.clone(),
            target: entry.target,
            state: entry.turn.now(now),
            tasks: entry.tasks.iter().map(|task| task.turn.now(now)).collect(),
            task_configs: entry.tasks.iter().map(|task| task.config.clone()).collect(),
            starts: entry.starts,
            task_starts: entry.task_starts,
        })
    }

    // What it shows.

    /// `GET /connectors/{c}`.
    pub fn info(&mut self, name: &str) -> Option<Json> {
        let masks = self.masks;
        let entry = self.entry(name)?;
        let tasks: Vec<Json> =
            (0..entry.tasks.len()).map(|task| json!({"connector": name, "task": task})).collect();
        Some(json!({
            "name": name, "config": shown(&entry.config, masks), "tasks": tasks, "type": check::kind(&entry.class),
        }))
    }

    /// `GET /connectors/{c}/config`.
    pub fn shown_config(&mut self, name: &str) -> Option<Json> {
        let masks = self.masks;
        self.entry(name).map(|entry| shown(&entry.config, masks))
    }

    /// `GET /connectors/{c}/status`, where there is one yet.
    pub fn status(&mut self, name: &str) -> Option<Json> {
        let now = Instant::now();
        let has_version = self.version >= (4, 1);
        let workers = self.workers.clone();
        let entry = self.entry(name)?;
        if now < entry.status_from {
            return None;
        }
        let one = |turn: Turn, trace: Option<&String>, worker: usize, id: Option<usize>| {
            let mut one = Map::new();
            if let Some(id) = id {
                one.insert("id".to_owned(), id.into());
            }
            let state = turn.now(now);
            one.insert("state".to_owned(), state.name().into());
            one.insert("worker_id".to_owned(), workers[worker].as_str().into());
            if has_version {
                one.insert("version".to_owned(), "4.3.0".into());
            }
            if state == State::Failed {
                one.insert(
                    "trace".to_owned(),
                    trace.map_or("java.lang.RuntimeException", String::as_str).into(),
                );
            }
            Json::Object(one)
        };
        let tasks: Vec<Json> = entry
            .tasks
            .iter()
            .enumerate()
            .map(|(id, task)| one(task.turn, task.trace.as_ref(), task.worker, Some(id)))
            .collect();
        let connector = one(entry.turn, entry.trace.as_ref(), entry.worker, None);
        Some(json!({"name": name, "connector": connector, "tasks": tasks, "type": check::kind(&entry.class)}))
    }

    /// `GET /connectors/{c}/tasks`.
    pub fn tasks(&mut self, name: &str) -> Option<Json> {
        let masks = self.masks;
        let entry = self.entry(name)?;
        let tasks = entry.tasks.iter().enumerate().map(
            |(id, task)| json!({"id": {"connector": name, "task": id}, "config": shown(&task.config, masks)}),
        );
        Some(Json::Array(tasks.collect()))
    }

    /// `GET /connectors/{c}/offsets`.
    pub fn offsets(&mut self, name: &str) -> Option<Json> {
        self.entry(name).map(|entry| json!({"offsets": entry.offsets}))
    }

    fn class_of(&self, config: &Config) -> String {
        let given = config.get("connector.class").map(String::as_str).unwrap_or_default();
        self.plugins.find(given).unwrap_or(given).to_owned()
    }

    fn assign(&mut self) -> usize {
        self.next_worker = (self.next_worker + 1) % self.workers.len();
        self.next_worker
    }

    fn make_tasks(&mut self, name: &str, class: &str, config: &Config, timing: Timing) -> Vec<Task> {
        let now = Instant::now();
        let mocked = config.get("mock_mode").is_some_and(|mode| mode == "task-failure");
        let trace = self.sick.get(name).cloned().or(mocked.then(|| "java.lang.RuntimeException".to_owned()));
        let mut task_config = config.clone();
        task_config.insert("task.class".to_owned(), check::task_class(class));
        let after = if trace.is_some() { State::Failed } else { State::Running };
        let at = now + timing.tasks + timing.settle;
        let turn = Turn { before: State::Unassigned, after, at };
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
        let after = match sick {
            Some(_) => State::Failed,
            None => self.target.state(),
        };
        let task = &mut self.tasks[at];
        task.turn = Turn { before: State::Restarting, after, at: now + settle };
        task.trace = sick.map(str::to_owned);
        self.task_starts += 1;
    }
}

/// A config as it is answered.
fn shown(config: &Config, masks: bool) -> Json {
    let mut shown: Map<String, Json> = config
        .iter()
        .map(|(key, value)| {
            let is_masked = masks && (key.contains("password") || key.contains("secret"));
            (key.clone(), if is_masked { MASK.into() } else { value.as_str().into() })
        })
        .collect();
    if masks {
        shown.insert("__internal.config.version".to_owned(), "1".into());
    }
    Json::Object(shown)
}
