//! What looking at a repository brings: a revision, or a snapshot, and what it cost.

use std::sync::Arc;
use std::time::Duration;

use crate::model::report::PollStep;
use crate::model::revision::RepositoryRevision;
use crate::model::signature::Evidence;
use crate::model::snapshot::Snapshot;
use crate::model::version::VersionTag;

/// What a ref names now.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Where the repository stands; the committer's time is not known yet.
    pub revision: RepositoryRevision,
    /// How long it took to ask.
    pub took: Duration,
    /// Bytes that came over the wire, without HTTP's and TLS's own.
    pub received_bytes: u64,
    /// Where a range is followed, the tags that it takes, the highest first and no more than a thousand.
    pub versions: Vec<VersionTag>,
}

/// Which version a commit has.
#[derive(Debug, Clone)]
pub struct Versions {
    /// The tag with the highest version that names it.
    pub own: Option<Arc<str>>,
    /// All tags with a version, the highest first and no more than a thousand.
    pub tags: Vec<VersionTag>,
    /// Bytes that came over the wire, without HTTP's and TLS's own.
    pub received_bytes: u64,
}

/// The files of a revision.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The files, with the revision they are of.
    pub snapshot: Snapshot,
    /// How long fetching and reading took.
    pub took: Vec<(PollStep, Duration)>,
    /// Bytes that came over the wire, without HTTP's and TLS's own.
    pub received_bytes: u64,
    /// The objects whose signatures were found good, to be judged anew when trust changes; `None` where no
    /// signatures are asked for.
    pub evidence: Option<Arc<Evidence>>,
}
