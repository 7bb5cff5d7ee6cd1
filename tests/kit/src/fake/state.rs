//! States, what can be asked for and what is written: the words of the fake cluster.

use std::time::{Duration, Instant};

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
pub(crate) struct Turn {
    pub(crate) before: State,
    pub(crate) after: State,
    pub(crate) at: Instant,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
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
    pub(crate) fn state(self) -> State {
        match self {
            Self::Running => State::Running,
            Self::Paused => State::Paused,
            Self::Stopped => State::Stopped,
        }
    }
}

impl Turn {
    pub(crate) fn now(self, now: Instant) -> State {
        if now < self.at { self.before } else { self.after }
    }

    pub(crate) fn to(self, now: Instant, after: State, delay: Duration) -> Self {
        Self { before: self.now(now), after, at: now + delay }
    }
}
