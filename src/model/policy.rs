//! What bounds plans, from the settings.
//!
//! Plain values; reading them is left to `settings`, keeping to them to `pipeline`.

use std::time::Duration;

use crate::model::desired::Suspend;
use crate::model::plan::Mode;
use crate::model::select::Select;

/// What bounds a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether the agent may write.
    pub mode: Mode,
    /// Whether failed connectors and tasks are restarted.
    pub restart: bool,
    /// Why nothing is to be written for now, where the settings say so.
    pub suspend: Option<Suspend>,
    /// Which connectors exist for this agent.
    pub select: Select,
    /// What becomes of a change that may do harm and that nobody answers for.
    pub risk: OnRisk,
    /// What becomes of connectors whose file is gone.
    pub prune: Prune,
    /// Whether the worker that is asked passes on to the leader what is written.
    pub forwarded: bool,
}

impl Default for Policy {
    /// The one of settings that say nothing.
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            restart: true,
            suspend: None,
            select: Select::default(),
            risk: OnRisk::Hold,
            prune: Prune::default(),
            forwarded: false,
        }
    }
}

/// What becomes of a change that may do harm and that nobody answers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRisk {
    /// It is held.
    Hold,
    /// It passes, and is told.
    Warn,
}

/// What becomes of connectors whose file is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prune {
    /// Whether any of them is deleted.
    pub who: Pruned,
    /// How many may be deleted at once, whatever share of all that is.
    pub max: usize,
    /// Which share of all may be deleted at once, in percent, however many that are.
    pub max_percent: usize,
    /// How long a connector is stopped before it is deleted.
    pub grace: Duration,
}

impl Default for Prune {
    fn default() -> Self {
        Self { who: Pruned::Nobody, max: 5, max_percent: 20, grace: Duration::ZERO }
    }
}

/// Which connectors whose file is gone are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruned {
    /// None: they become unmanaged.
    Nobody,
    /// Those that the repository once declared.
    Owned,
}
