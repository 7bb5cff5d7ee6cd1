//! The steps from live to desired, and what is held back.
//!
//! A plan is complete: each step carries its whole request, so nothing is decided while acting.
//! Making plans is left to `pipeline`, taking steps to `reconcile`, showing them to `view`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::config::{Config, Shown};
use crate::model::desired::Incomplete;
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::revision::Revision;
use crate::model::risk::Risk;
use crate::model::warning::Warning;

/// What is to be done, in the order to do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where the definitions came from.
    pub revision: Revision,
    /// For which environment.
    pub environment: EnvironmentName,
    /// Whether it may be carried out.
    pub mode: Mode,
    /// The steps, in the order to take them.
    pub steps: Vec<Action>,
    /// What is not done, and why.
    pub held: Vec<Held>,
    /// What its steps, taken and held, may do to data; by connector and key.
    pub risks: Vec<Risk>,
    /// The keys that its steps, taken and held, change and of which the table of risks has no row: what that does nobody has
    /// judged.
    pub unjudged: BTreeMap<ConnectorName, Vec<Arc<str>>>,
    /// What stays behind of each connector that it deletes or would delete, by name.
    pub leaves: BTreeMap<ConnectorName, Vec<Left>>,
    /// Connectors with keys that Connect masked, so that nobody can say whether they are equal.
    pub unverifiable: Vec<Unverifiable>,
    /// Declared connectors whose secrets are missing: no step is taken on them.
    pub unresolved: Vec<ConnectorName>,
    /// Live connectors that are not declared.
    pub unmanaged: Vec<ConnectorName>,
    /// How each declared connector stands.
    pub sync: BTreeMap<ConnectorName, Sync>,
    /// What this Connect cannot do as it is declared, and what is said and does nothing.
    pub warnings: Vec<Warning>,
    /// Folders whose newest state is not in force, because of which nothing is taken for removed.
    pub incomplete: Vec<Incomplete>,
}

/// Whether the agent may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Steps are taken.
    #[default]
    Enforce,
    /// The plan is whole, and nothing is written.
    Observe,
}

impl Mode {
    /// The word for it in settings and outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
        }
    }
}

/// One step for one connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Which connector.
    pub connector: ConnectorName,
    /// What to do, with all that the request needs.
    pub step: Step,
    /// Why.
    pub reason: Reason,
}

impl Action {
    /// Whether it only has a connector come to rest before it is deleted: a part of the deletion.
    pub fn is_before_deletion(&self) -> bool {
        match self.reason {
            Reason::Absent | Reason::NotInRepository => self.step != Step::Delete,
            Reason::Missing | Reason::Differs | Reason::WrongState | Reason::Failed => false,
        }
    }
}

/// What to do with a connector: one request, or the few that an older Connect needs for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make it.
    Create {
        /// The whole config to send, without `name`.
        config: Config,
        /// The state it is to be in.
        initial: Initial,
    },
    /// Replace its config.
    Configure {
        /// The whole config to send, without `name`.
        config: Config,
        /// What differs, for people.
        changes: Vec<Change>,
    },
    /// Let its tasks wait.
    Pause {
        /// The state it is in.
        from: Target,
    },
    /// Let its tasks run.
    Resume {
        /// The state it is in.
        from: Target,
    },
    /// End its tasks, keep its config and offsets.
    Stop {
        /// The state it is in.
        from: Target,
    },
    /// Restart what failed of it.
    Restart {
        /// What is restarted, and how.
        failed: Failed,
    },
    /// Delete it.
    Delete,
}

/// The state that a new connector is to be in, and how it gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initial {
    /// In the request that makes it; `Running` is what Connect does anyway.
    At(Target),
    /// It is made running, and a second request right after the first one's answer brings it there:
    /// Connect before 3.7.
    Then(Target),
}

impl Initial {
    /// The state it is to be in.
    pub fn target(self) -> Target {
        match self {
            Self::At(target) | Self::Then(target) => target,
        }
    }
}

/// What is restarted of a connector that has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// Whatever has failed then, connector and tasks, in one call.
    InOneCall,
    /// What was seen to have failed, one by one: Connect before 3.0.
    OneByOne {
        /// Whether the connector itself has.
        itself: bool,
        /// The tasks that have, by id.
        tasks: Vec<u32>,
    },
}

/// A state that one can ask Connect for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Its tasks run.
    Running,
    /// Its tasks wait.
    Paused,
    /// It has no tasks.
    Stopped,
}

impl Target {
    /// The word for it in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// The kind of a step, without what it carries: a label, and the order of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// Pauses come first, so that a paused connector never runs a new config.
    Pause,
    /// Stops stand beside pauses.
    Stop,
    /// Deletes make room.
    Delete,
    /// Changes of what runs.
    Configure,
    /// New connectors.
    Create,
    /// Resumes come after the new config.
    Resume,
    /// Restarts of what failed.
    Restart,
}

impl StepKind {
    /// Every kind, in the order of a plan.
    pub const ALL: [Self; 7] =
        [Self::Pause, Self::Stop, Self::Delete, Self::Configure, Self::Create, Self::Resume, Self::Restart];

    /// The word for it in outputs and labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Stop => "stop",
            Self::Delete => "delete",
            Self::Configure => "configure",
            Self::Create => "create",
            Self::Resume => "resume",
            Self::Restart => "restart",
        }
    }
}

impl Step {
    /// The step's kind.
    pub fn kind(&self) -> StepKind {
        match self {
            Self::Create { .. } => StepKind::Create,
            Self::Configure { .. } => StepKind::Configure,
            Self::Pause { .. } => StepKind::Pause,
            Self::Resume { .. } => StepKind::Resume,
            Self::Stop { .. } => StepKind::Stop,
            Self::Restart { .. } => StepKind::Restart,
            Self::Delete => StepKind::Delete,
        }
    }
}

/// Why a step is in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// It is declared and not in the cluster.
    Missing,
    /// Its config differs.
    Differs,
    /// It is not doing what it should be doing.
    WrongState,
    /// It or one of its tasks has failed.
    Failed,
    /// It is declared absent.
    Absent,
    /// Its file is gone, and it was ours.
    NotInRepository,
}

impl Reason {
    /// The word for it in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Differs => "differs",
            Self::WrongState => "wrong-state",
            Self::Failed => "failed",
            Self::Absent => "absent",
            Self::NotInRepository => "not-in-repository",
        }
    }
}

/// A key whose value differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The key.
    pub key: Arc<str>,
    /// What happens to it.
    pub kind: ChangeKind,
}

/// What happens to a key, with values as a person may see them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It is new.
    Added {
        /// Its value.
        after: Shown,
    },
    /// It goes.
    Removed {
        /// Its value so far.
        before: Shown,
    },
    /// It gets another value.
    Changed {
        /// Its value so far.
        before: Shown,
        /// Its value to be.
        after: Shown,
    },
}

impl ChangeKind {
    /// The word for it in outputs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Added { .. } => "added",
            Self::Removed { .. } => "removed",
            Self::Changed { .. } => "changed",
        }
    }
}

/// Something that outlives a connector that is deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// What it is.
    pub kind: LeftKind,
    /// What it is called, where the config says.
    pub name: Option<Arc<str>>,
    /// What it is in, where the config says: the database and its host, or the brokers.
    pub within: Option<Arc<str>>,
}

/// What a thing is that outlives a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeftKind {
    /// A replication slot: the database keeps its log for it until somebody drops it.
    Slot,
    /// A publication.
    Publication,
    /// Offsets, under the connector's name: one that is made anew with that name goes on from them.
    Offsets,
    /// A consumer group of a sink.
    ConsumerGroup,
    /// The topic with the history of a database's schema.
    HistoryTopic,
    /// Topics with the connector's records.
    Topics,
}

impl LeftKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Slot, Self::Publication, Self::Offsets, Self::ConsumerGroup, Self::HistoryTopic, Self::Topics];

    /// The word for it in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slot => "slot",
            Self::Publication => "publication",
            Self::Offsets => "offsets",
            Self::ConsumerGroup => "consumer-group",
            Self::HistoryTopic => "history-topic",
            Self::Topics => "topics",
        }
    }
}

/// A step that is not taken, and the brake that stops it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The step.
    pub action: Action,
    /// The brake.
    pub hold: Hold,
    /// What it means and how to release it, for people.
    pub detail: String,
    /// The lines to add to the repository to release it, where there are such.
    pub release: Option<String>,
}

/// A brake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hold {
    /// The change could do harm and nobody acknowledged it.
    RiskyChange,
    /// More deletions than allowed at once, or not yet seen twice.
    TooManyDeletes,
    /// Its last definition said that it must be kept.
    Keep,
    /// The environment, the definition or the settings say to write nothing.
    Suspended,
    /// The highest version of the range went down.
    LowerVersion,
    /// Connect's REST API cannot address it safely.
    Unaddressable,
}

impl Hold {
    /// Every brake.
    pub const ALL: [Self; 6] = [
        Self::RiskyChange,
        Self::TooManyDeletes,
        Self::Keep,
        Self::Suspended,
        Self::LowerVersion,
        Self::Unaddressable,
    ];

    /// The word for it in outputs and labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::RiskyChange => "risky-change",
            Self::TooManyDeletes => "too-many-deletes",
            Self::Keep => "keep",
            Self::Suspended => "suspended",
            Self::LowerVersion => "lower-version",
            Self::Unaddressable => "unaddressable",
        }
    }
}

/// A connector with keys that cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverifiable {
    /// Which connector.
    pub connector: ConnectorName,
    /// The masked keys, in order.
    pub keys: Vec<Arc<str>>,
}

/// How a declared connector stands against the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sync {
    /// Equal, as far as can be told.
    Synced,
    /// Its config differs.
    ConfigDrift,
    /// Its config is equal, and it is not doing what it should be doing.
    StateDrift,
    /// It is not there.
    Missing,
    /// It is there and wanted absent.
    Surplus,
    /// Nobody can say.
    Unknown,
}

impl Sync {
    /// Every way to stand.
    pub const ALL: [Self; 6] =
        [Self::Synced, Self::ConfigDrift, Self::StateDrift, Self::Missing, Self::Surplus, Self::Unknown];

    /// The word for it in outputs and labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::ConfigDrift => "config_drift",
            Self::StateDrift => "state_drift",
            Self::Missing => "missing",
            Self::Surplus => "surplus",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is a difference that somebody should know of.
    pub fn is_drift(self) -> bool {
        match self {
            Self::ConfigDrift | Self::StateDrift | Self::Missing | Self::Surplus => true,
            Self::Synced | Self::Unknown => false,
        }
    }
}

impl Plan {
    /// Whether cluster and repository are equal as far as this plan can tell.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.held.is_empty()
    }

    /// Whether every declared connector could be compared with what runs.
    pub fn is_sure(&self) -> bool {
        self.sync.values().all(|sync| *sync != Sync::Unknown)
    }

    /// Whether nobody can tell how some declared connector stands that was to be compared. One without its
    /// secrets was not.
    pub fn is_in_doubt(&self) -> bool {
        self.sync.iter().any(|(name, sync)| *sync == Sync::Unknown && !self.unresolved.contains(name))
    }

    /// How many declared connectors have neither a step nor a held one.
    pub fn in_sync(&self) -> usize {
        let busy: BTreeSet<_> = self
            .steps
            .iter()
            .chain(self.held.iter().map(|held| &held.action))
            .map(|action| &action.connector)
            .collect();
        self.sync.iter().filter(|(name, sync)| **sync == Sync::Synced && !busy.contains(name)).count()
    }
}
