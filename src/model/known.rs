//! What an agent knows beside what is desired and what is live, when it plans.
//!
//! Plain values. What follows from them is left to `pipeline`, finding them out to `reconcile`. An agent that knows
//! nothing of it makes a plan all the same: one that deletes nothing for being gone from the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::ledger::{Owed, Sure};
use crate::model::name::ConnectorName;
use crate::model::revision::{ObjectId, RepositoryName};

/// What is known when a plan is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Masked keys that must be written.
    pub owed: Owed,
    /// Masked keys that are as they are desired. Of a masked key that is in neither nobody can say.
    pub sure: Sure,
    /// Whose the connectors are that nobody declares now. One that is not in it was not judged yet.
    pub claims: BTreeMap<ConnectorName, Claim>,
    /// The connectors that the look before this one would have deleted for being gone from the repository.
    pub seen: BTreeSet<ConnectorName>,
    /// The connectors that a person said may be deleted.
    pub confirmed: BTreeSet<ConnectorName>,
    /// Those that went together, more than may at once, and that are not answered for to the last.
    pub batch: Batch,
}

/// Connectors that lost their files, more of them than may go at once: what went together counts together until the last
/// of them is answered for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// All of them, also those that are answered for.
    pub names: BTreeSet<ConnectorName>,
    /// Whether none that is ours would have been left.
    pub every: bool,
}

/// Whose a live connector is that nobody declares now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Not ours: no revision that could be read declared it here.
    Stranger,
    /// Ours: it was declared here once.
    Ours(Former),
}

/// How a connector was declared last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// Whether it was said then that it must never be deleted.
    pub keep: bool,
    /// Where that is known from, for people: a commit, or the agent's own record.
    pub source: Arc<str>,
}

/// What is known of names that were declared for one environment: an agent keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The last that is known of each name.
    pub names: BTreeMap<ConnectorName, Mention>,
    /// How much of the history was read for it; nothing where none was.
    pub look: Option<Look>,
    /// The connectors that went together, more than may at once.
    pub batch: Batch,
}

/// What a revision or a folder said of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// What it said.
    pub said: Said,
    /// Which repository or folder it was.
    pub by: RepositoryName,
    /// In which commit; nothing for a folder.
    pub commit: Option<ObjectId>,
    /// The committer's time.
    pub committed: Option<Timestamp>,
}

/// What was said of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It is declared, also where it is declared to be absent.
    Declared {
        /// Whether it is never to be deleted.
        keep: bool,
    },
    /// It moved elsewhere: somebody else has it.
    Forgotten,
}

/// How much of the history was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The newest commit that was read.
    pub from: ObjectId,
    /// The oldest one.
    pub to: ObjectId,
    /// How many they are.
    pub commits: usize,
    /// Why no more of them were read.
    pub end: LookEnd,
}

/// Why a look at the history went no further back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookEnd {
    /// There is nothing before it.
    Root,
    /// All that was asked for was found.
    Enough,
    /// A limit was reached.
    Limit,
}
