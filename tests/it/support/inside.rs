//! An agent inside the test's own process: it waits only as long as a test says until it calls a connector stalled, which
//! no setting can say. What it tells is read from its board, its log from a text.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tagalong::connect::access::Access;
use tagalong::connect::{self, Client, Writer};
use tagalong::model::hint::Hints;
use tagalong::model::name::{ConnectorName, EnvironmentName};
use tagalong::model::plan::Mode;
use tagalong::model::policy::{OnRisk, Policy};
use tagalong::model::pulse::Pulse;
use tagalong::model::report::Report;
use tagalong::pipeline;
use tagalong::pipeline::stall;
use tagalong::reconcile::board::Board;
use tagalong::reconcile::cycle::{self, Reconciler};
use tagalong::reconcile::daemon;
use tagalong::reconcile::follow::Follower;
use tagalong::reconcile::place::Place;
use tagalong::repo::Repository;
use tagalong::secrets::Store;
use tagalong::settings::checked::Settings;
use tagalong::settings::raw::Written;
use tokio::sync::watch;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::agent::{SOON, wait_within};

/// An agent before it starts: where it works, and how patient it is.
pub struct Inside<'a> {
    /// The folder of definitions, for the environment `test`.
    pub definitions: &'a Path,
    /// The worker's address.
    pub connect: &'a str,
    /// Whether it may write.
    pub mode: Mode,
    /// How often it looks at offsets, and how long it waits.
    pub stall: stall::Options,
    /// How long a change may take.
    pub change_deadline: Duration,
    /// How long the story waits for what should come soon.
    pub patience: Duration,
}

/// What a story sees of the agent.
pub struct Told {
    board: Board,
    log: Log,
    end: watch::Sender<bool>,
    patience: Duration,
}

impl<'a> Inside<'a> {
    /// An agent that writes, looks each other second and waits for three.
    pub fn new(definitions: &'a Path, connect: &'a str) -> Self {
        let (interval, patience) = (Duration::from_secs(2), Duration::from_secs(3));
        let stall = stall::Options { interval, patience };
        let (mode, change_deadline) = (Mode::Enforce, Duration::from_secs(20));
        Self { definitions, connect, mode, stall, change_deadline, patience: SOON }
    }

    /// Lets the agent work while a story goes on. A story that tells it to end waits for that itself.
    pub async fn run(self, story: impl AsyncFnOnce(&Told) -> Result<()>) -> Result<()> {
        let environment = EnvironmentName::new("test")?;
        let board = Board::new(environment.clone(), self.mode, Box::new(|_, _| {}));
        let (end, ending) = watch::channel(false);
        let (_hints, heard) = watch::channel(Hints::default());
        let log = Log::default();
        let told = Told { board: board.clone(), log: log.clone(), end, patience: self.patience };
        let subscriber = tracing_subscriber::fmt().with_writer(log).with_ansi(false).finish();
        let _logging = tracing::subscriber::set_default(subscriber);
        let (follower, reconciler) = self.parts(environment)?;
        let work = Box::pin(daemon::run(follower, reconciler, board, heard, ending));
        let mut story = Box::pin(story(&told));
        tokio::select! {
            () = work => if !*told.end.borrow() { bail!("the agent has ended by itself") },
            done = &mut story => return done.with_context(|| told.log()),
        }
        story.await.with_context(|| told.log())
    }

    fn parts(self, environment: EnvironmentName) -> Result<(Follower, Reconciler)> {
        let text = format!("environment: test\nconnect: {{url: '{}'}}\n", self.connect);
        let written = Written { file: Some(("settings.yaml", text.as_bytes())), ..Written::default() };
        let settings = Settings::read(&written, &[]).0.context("the settings are usable")?;
        let store = Store::new(settings.secrets.clone(), []);
        let place =
            Place { environment, values: settings.values.clone(), select: settings.select.clone(), store };
        let repository = Repository::directory(self.definitions).naming(pipeline::named);
        let follower = Follower::new(repository, Duration::from_secs(1), settings.imports.clone(), place);
        let options = cycle::Options {
            writer: Writer::Leader,
            change_deadline: self.change_deadline,
            ready_deadline: settings.connect.ready_deadline,
            policy: Policy { mode: self.mode, risk: OnRisk::Warn, ..Policy::default() },
            restart: settings.restart_limits,
            stall: self.stall,
        };
        let client = Client::new(connect::Options {
            url: self.connect.parse()?,
            writer: Writer::Leader,
            user_agent: "tagalong-test".to_owned(),
            access: Access::default(),
        })?;
        Ok((follower, Reconciler::new(client, options)))
    }
}

impl Told {
    /// Reads from the report.
    pub fn read<T>(&self, read: impl FnOnce(&Report) -> T) -> T {
        self.board.read(read)
    }

    /// Whether the offsets of a connector move, where it is watched.
    pub fn pulse(&self, name: &str) -> Option<Pulse> {
        self.read(|report| report.cluster.pulses.get(&ConnectorName::observed(name)).copied())
    }

    /// The word for it.
    pub fn word(&self, name: &str) -> Option<&'static str> {
        self.pulse(name).map(Pulse::name)
    }

    /// Waits until the offsets of a connector are told as wanted.
    pub async fn until(&self, name: &str, word: &str) -> Result<()> {
        let is = || async { Ok(self.word(name) == Some(word)) };
        wait_within(self.patience, &format!("{name} is told as {word}"), is).await
    }

    /// Waits until something is so.
    pub async fn wait(&self, what: &str, is_so: impl Fn() -> bool) -> Result<()> {
        wait_within(self.patience, what, || async { Ok(is_so()) }).await
    }

    /// Tells the agent to end.
    pub fn end(&self) {
        self.end.send_replace(true);
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.text()).into_owned()
    }

    /// The lines of the log that have all of these words.
    pub fn lines(&self, words: &[&str]) -> Vec<String> {
        let log = self.log();
        let has_all = |line: &&str| words.iter().all(|word| line.contains(word));
        log.lines().filter(has_all).map(str::to_owned).collect()
    }
}

/// What was logged in this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
