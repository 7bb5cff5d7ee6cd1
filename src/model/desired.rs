//! Every connector one environment should run, fully rendered.
//!
//! Exists only where no finding is an error: a broken file never reads as an absent connector.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::config::{Config, Shown};
use crate::model::finding::Place;
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::revision::{RepositoryName, Revision};
use crate::model::risk::Acknowledged;
use crate::model::supplied::SecretName;

/// Every connector one environment should run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Where the definitions came from.
    pub revision: Revision,
    /// For which environment they were rendered.
    pub environment: EnvironmentName,
    /// Each connector by the name it has in this environment.
    pub connectors: BTreeMap<ConnectorName, DesiredConnector>,
    /// Why nothing is to be written for now, where the environment says so.
    pub suspend: Option<Suspend>,
    /// The connectors that lack secrets, and which. Their configs hold stand-ins: they can be shown, and
    /// no step is taken on them.
    pub unresolved: BTreeMap<ConnectorName, BTreeSet<SecretName>>,
    /// Names of connectors that moved elsewhere: whose they are now, others decide.
    pub forgotten: BTreeSet<ConnectorName>,
    /// Names that are declared here and lie outside of the agent's scope.
    pub left_out: BTreeSet<ConnectorName>,
    /// Folders of `extra` whose newest state is not in force. While one is here, what nobody declares may
    /// be its own: nothing may be taken for removed.
    pub incomplete: Vec<Incomplete>,
}

impl Desired {
    /// How many connectors should be there.
    pub fn declared(&self) -> usize {
        self.connectors.values().filter(|connector| connector.state != DesiredState::Absent).count()
    }
}

/// A folder of `extra` whose newest state is not in force.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Incomplete {
    /// Which folder.
    pub repository: RepositoryName,
    /// Why.
    pub lapse: Lapse,
}

/// Why the newest state of a folder is not in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lapse {
    /// The folder is not there.
    Missing,
    /// It could not be read.
    Unreadable,
    /// It holds no definition file, as where a mount is not filled yet.
    Empty,
    /// What it holds has findings.
    Invalid,
}

impl Lapse {
    /// The word for it in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Empty => "empty",
            Self::Invalid => "invalid",
        }
    }
}

impl fmt::Display for Incomplete {
    /// Writes a sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.repository.folder().unwrap_or(self.repository.as_str());
        let is = match self.lapse {
            Lapse::Missing => "is not there",
            Lapse::Unreadable => "cannot be read",
            Lapse::Empty => "is empty",
            Lapse::Invalid => "has findings",
        };
        write!(f, "the folder {folder} {is}; nothing is deleted because of it")
    }
}

/// One connector as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredConnector {
    /// The whole config to send, without `name`; empty where the state is absent.
    pub config: Config,
    /// What it should be doing.
    pub state: DesiredState,
    /// Whether the agent must never delete it.
    pub keep: bool,
    /// Risky changes of it that somebody answers for here.
    pub acknowledged: Vec<Acknowledged>,
    /// Which template it was made from.
    pub template: Option<Arc<str>>,
    /// Where it is defined.
    pub place: Place,
    /// In which form.
    pub form: Form,
    /// Per key, the layers that set it, the one that won last. Keys that a layer removed are here
    /// too, with a last entry that sets nothing.
    pub origins: BTreeMap<Arc<str>, Vec<Origin>>,
    /// Why this one is not to be written for now, where its definition says so.
    pub suspend: Option<Suspend>,
    /// The keys that have an error in place of a value; in the config stands a hidden text without meaning.
    /// None in whatever is applied: such a connector is only there to be judged.
    pub lost: BTreeSet<Arc<str>>,
}

/// In which form a connector is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As a document of our own, which can say all that there is to say.
    Own,
    /// In the form of Connect or of Strimzi, in a file that holds no other.
    Foreign,
    /// In such a form, in a file that holds more.
    ForeignAmong,
}

/// What a connector should be doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DesiredState {
    /// Its tasks run.
    Running,
    /// Its tasks are there and wait.
    Paused,
    /// Its tasks are gone, its config and offsets stay.
    Stopped,
    /// It is deleted.
    Absent,
}

impl DesiredState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Running, Self::Paused, Self::Stopped, Self::Absent];

    /// The word for it in definitions and outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Absent => "absent",
        }
    }
}

/// A layer that set or removed a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Which layer, in words: `template debezium-postgres`, `environment production`.
    pub layer: Arc<str>,
    /// Where.
    pub place: Place,
    /// What it set; `None` where it removed the key.
    pub value: Option<Shown>,
}

/// A pause of all writing, said in the repository or in the settings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suspend {
    /// Why, in a person's words.
    pub reason: Arc<str>,
    /// Until when; for good where there is none.
    pub until: Option<Timestamp>,
}

impl Suspend {
    /// Whether it holds at a moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
