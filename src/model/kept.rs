//! What is kept of what was accepted last, so that it outlives the agent.
//!
//! Plain values: how they are written down is said in `kept`, and when, in `reconcile`. No secret is among
//! them: secrets are put in when it is rendered, and it is kept as it was read.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::signature::Evidence;
use crate::model::snapshot::Snapshot;
use crate::model::version::VersionTag;

/// What was accepted last, of all repositories together.
#[derive(Debug, Clone)]
pub struct LastGood {
    /// When it was accepted.
    pub accepted: Timestamp,
    /// Each repository, the main one first.
    pub repositories: Vec<Kept>,
}

/// What was accepted last of one repository.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Where it was read: the address, the folder in it and what is followed. It counts for nothing else.
    pub source: Arc<str>,
    /// Its files, with the revision they are of.
    pub snapshot: Arc<Snapshot>,
    /// What its signatures were found good on, where some were asked for.
    pub evidence: Option<Arc<Evidence>>,
    /// What is known of its past.
    pub memory: Memory,
}

/// What is known of the past of what is followed, for nothing in the repository says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// When the newest signed tag was made that was read: an older one is refused.
    pub tagged: Option<Timestamp>,
    /// The tag with a version that names what was read.
    pub version: Option<Arc<str>>,
    /// The tags with versions that were seen, each with its commit: they are never to move.
    pub versions: Vec<VersionTag>,
}
