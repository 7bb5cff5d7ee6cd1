//! What holds the changes of a template back: one connector of it that is not well with the new config.
//!
//! Plain values. Who goes first and when the others may follow is said in `pipeline::canary`, it is told by others.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::name::ConnectorName;

/// A rollout that does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brake {
    /// The template.
    pub template: Arc<str>,
    /// The connector that holds the others back.
    pub by: ConnectorName,
    /// What is with it.
    pub why: Why,
    /// Since when the rollout has not gone on, whoever held it back.
    pub since: Timestamp,
    /// The connectors that are not changed because of it.
    pub rest: BTreeSet<ConnectorName>,
}

/// What is with a connector that holds others back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its change went first, and Connect refused it; the word for the class of that.
    Refused(&'static str),
    /// It has the new config, and it or a task of it has failed.
    Failed,
    /// It has the new config and runs, and its offsets stand still.
    Stalled,
    /// It has the new config, and has failed because its database is away.
    Away,
    /// It has the new config, and no worker runs it yet.
    Unassigned,
    /// It has the new config, and its tasks may go on with the old one until they are restarted.
    Outdated,
    /// It has the new config and runs, and its offsets were not seen to move since.
    Awaited,
    /// Nobody can tell yet how it is with its change.
    Unproven,
}

impl Why {
    /// The word of each.
    pub const NAMES: [&'static str; 8] =
        ["refused", "failed", "stalled", "away", "unassigned", "outdated", "awaited", "unproven"];

    /// The word for it in outputs and labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Failed => "failed",
            Self::Stalled => "stalled",
            Self::Away => "away",
            Self::Unassigned => "unassigned",
            Self::Outdated => "outdated",
            Self::Awaited => "awaited",
            Self::Unproven => "unproven",
        }
    }

    /// Whether somebody has to do something about it, rather than wait.
    pub fn is_stop(self) -> bool {
        self.waits_for().is_none()
    }

    /// What is waited for, in words that follow "until"; none where waiting does not help.
    pub fn waits_for(self) -> Option<&'static str> {
        match self {
            Self::Refused(_) | Self::Failed | Self::Stalled => None,
            Self::Away => Some("its database is there"),
            Self::Unassigned => Some("a worker runs it"),
            Self::Outdated => Some("its tasks, which may run its old config, were restarted"),
            Self::Awaited => Some("its offsets have moved since its change"),
            Self::Unproven => Some("it was seen to run for 5 seconds with its change"),
        }
    }
}
