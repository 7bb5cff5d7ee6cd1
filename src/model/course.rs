//! How what is followed of a repository moved, and what that means for what is in force.
//!
//! Plain values: how a move is judged is said in `pipeline::moves`, what is done about it in `reconcile`.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::revision::{ObjectId, RepositoryRevision};

/// The way of one repository until now.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// The tag with a version that names the commit that was read: `v1.4.2`, where `v1` is followed.
    pub version_tag: Option<Arc<str>>,
    /// The last move to something that was read.
    pub last: Option<Move>,
    /// Tags with a version that named one commit and then another, the last ones.
    pub moved_versions: Vec<MovedVersion>,
    /// A lower version that is not taken, while there is one.
    pub held: Option<LowerVersion>,
}

/// How a ref moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MoveKind {
    /// To a newer commit, or to a higher version.
    Forward,
    /// To an older commit, or to a lower version: a rollback.
    Backward,
    /// To a commit of the same age, or to another one of the same version.
    Sideways,
    /// A new tag object for the same commit.
    Retag,
    /// It is gone.
    Deleted,
    /// It came, or came back where it was.
    Appeared,
}

impl MoveKind {
    /// Every one of them, for labels that are exported from the first scrape.
    pub const ALL: &[Self] =
        &[Self::Forward, Self::Backward, Self::Sideways, Self::Retag, Self::Deleted, Self::Appeared];

    /// The word for it in outputs and labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Sideways => "sideways",
            Self::Retag => "retag",
            Self::Deleted => "deleted",
            Self::Appeared => "appeared",
        }
    }
}

impl fmt::Display for MoveKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One move of what is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// How it moved.
    pub kind: MoveKind,
    /// Where it was before; nothing where it appeared.
    pub from: Option<RepositoryRevision>,
    /// Where it is.
    pub to: RepositoryRevision,
    /// When that was seen.
    pub at: Timestamp,
}

/// A tag that says a version and was moved all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedVersion {
    /// Its short name.
    pub tag: Arc<str>,
    /// What it named.
    pub from: ObjectId,
    /// What it names.
    pub to: ObjectId,
    /// When that was seen.
    pub at: Timestamp,
}

/// The highest version of a range went down, and the last good one stays in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LowerVersion {
    /// What is the highest now.
    pub offered: RepositoryRevision,
    /// What stays in force.
    pub kept: RepositoryRevision,
}

impl LowerVersion {
    /// What happened, in words.
    pub fn detail(&self) -> String {
        format!("the highest version went down from {} to {}", self.kept.at, self.offered.at)
    }

    /// What lets it pass, in words.
    pub const RELEASE: &str = "push a higher version; or follow the lower one by its name (`ref: {tag: …}`); or add \
        `allow_downgrade: true` to the `ref`";
}
