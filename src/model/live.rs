//! Every connector the cluster has: its config, state and tasks.
//!
//! Takes what Connect told, gives values to compare. Connect's JSON is not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::capability::Capabilities;
use crate::model::config::Config;
use crate::model::name::ConnectorName;

/// Every connector the cluster has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// Each connector that Connect named.
    pub connectors: BTreeMap<ConnectorName, LiveConnector>,
    /// What the worker that told it can do.
    pub capabilities: Capabilities,
}

/// One connector as Connect tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveConnector {
    /// The whole config, without `name` and without keys that the distribution adds
    /// (`__internal.*`); `None` where it could not be read, so nothing can be said about it.
    pub config: Option<Config>,
    /// Source, sink or unknown.
    pub kind: Kind,
    /// How it fares; `None` where Connect told no status (yet).
    pub status: Option<Status>,
}

/// What a worker says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Its version, such as `4.3.0`.
    pub version: Option<Arc<str>>,
    /// The Kafka cluster behind it, the only identity of a Connect cluster that can be asked for.
    pub kafka_cluster_id: Option<Arc<str>>,
}

/// Which way a connector moves rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Into Kafka.
    Source,
    /// Out of Kafka.
    Sink,
    /// Connect could not say.
    Unknown,
}

impl Kind {
    /// The word for it in outputs and labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Sink => "sink",
            Self::Unknown => "unknown",
        }
    }
}

/// How a connector and its tasks fare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The connector itself.
    pub state: RunState,
    /// Why the connector itself failed, where it did.
    pub failure: Option<Trouble>,
    /// Its tasks, by id.
    pub tasks: Vec<Task>,
}

/// How one task fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The task's id.
    pub id: u32,
    /// Its state.
    pub state: RunState,
    /// Why it failed, where it did.
    pub failure: Option<Trouble>,
}

/// A state that Connect tells of a connector or of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunState {
    /// A worker runs it.
    Running,
    /// It is there and waits.
    Paused,
    /// It has no tasks (connectors only).
    Stopped,
    /// It ended with an error.
    Failed,
    /// No worker has it for now; normal for seconds around every change.
    Unassigned,
    /// A restart was asked for.
    Restarting,
    /// A state that this agent does not know.
    Unknown,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Running,
        Self::Paused,
        Self::Stopped,
        Self::Failed,
        Self::Unassigned,
        Self::Restarting,
        Self::Unknown,
    ];

    /// The word for it in outputs and labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Unassigned => "unassigned",
            Self::Restarting => "restarting",
            Self::Unknown => "unknown",
        }
    }
}

/// A class of failure, read from a trace. The trace itself may hold resolved secrets and stays out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// The database or the broker is not there, or refuses: it may come.
    Away,
    /// What the connector needs of the source's history is gone; a restart cannot help.
    DataLost,
    /// Anything else.
    Other,
}

impl Trouble {
    /// The word for it in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::DataLost => "data-lost",
            Self::Other => "other",
        }
    }
}

impl Status {
    /// Whether the connector or one of its tasks has failed.
    pub fn has_failed(&self) -> bool {
        self.state == RunState::Failed || self.tasks.iter().any(|task| task.state == RunState::Failed)
    }

    /// Each failure that was told, the connector's own first.
    pub fn troubles(&self) -> impl Iterator<Item = Trouble> {
        self.failure.into_iter().chain(self.tasks.iter().filter_map(|task| task.failure))
    }

    /// The state that a person should be told: the worst of the connector's and its tasks'.
    pub fn worst(&self) -> RunState {
        if self.has_failed() {
            return RunState::Failed;
        }
        let unsettled = [RunState::Unassigned, RunState::Restarting, RunState::Unknown];
        self.tasks
            .iter()
            .map(|task| task.state)
            .chain([self.state])
            .find(|state| unsettled.contains(state))
            .unwrap_or(self.state)
    }
}
