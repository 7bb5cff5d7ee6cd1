//! Looks at where definitions come from: a ref of a git repository, or a plain folder.
//!
//! Takes options, gives what the ref names now and the files of that revision, in memory. Nothing is
//! kept between two looks but a connection; judging moves, remembering the last good revision and
//! watching folders are left to others.

pub mod clone;
pub mod credential;
pub mod ended;
pub mod error;
pub mod flat;
pub mod history;
pub mod keys;
pub mod older;
pub mod options;
pub mod pinned;
pub mod problem;
pub mod reading;
pub mod worker;

mod address;
mod advice;
mod beside;
mod cause;
mod channel;
mod client;
mod collect;
mod deadline;
mod dir;
mod download;
mod exchange;
mod fetch;
mod git;
mod home;
mod http;
mod later;
mod learned;
mod link;
mod listing;
mod local;
mod meter;
mod name;
mod object;
mod pktline;
mod private_key;
mod said;
mod scratch;
mod sideband;
mod ssh;
mod tree;
mod verify;
mod versions;
mod words;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::model::import::Import;
use crate::model::known::Look;
use crate::model::report::PollStep;
use crate::model::revision::{At, RepositoryName, RepositoryRevision};
use crate::model::signature::{Evidence, Verified};
use crate::model::snapshot::{Names, Snapshot};
use crate::model::version::Range;
use crate::repo::error::Error;
use crate::repo::git::Git;
use crate::repo::history::History;
use crate::repo::older::Listener;
use crate::repo::options::{GitOptions, ImportOptions};
use crate::repo::reading::{Reading, Resolved, Versions};
use crate::repo::worker::program;

/// Where definitions come from.
#[derive(Debug)]
pub struct Repository {
    source: Source,
    name: RepositoryName,
}

#[derive(Debug)]
enum Source {
    Git(Box<Git>),
    Directory(PathBuf, Names),
}

/// Says that this process's own program is the worker that reads git.
pub fn initialise() {
    program::tell_own();
}

/// Removes what agents that were killed left in the folder for fetches, the system's own where none is given.
pub fn tidy(scratch: Option<&Path>) {
    scratch::tidy(scratch);
}

/// Waits a moment for fetches that nobody waits for any more, so that nothing of them stays behind.
pub async fn leave() {
    scratch::leave().await;
}

/// The version of libgit2 in this agent.
pub fn libgit2_version() -> String {
    let (major, minor, patch) = git2::Version::get().libgit2_version();
    format!("{major}.{minor}.{patch}")
}

impl Repository {
    /// A ref of a git repository. The options are checked; nothing is asked yet.
    pub fn git(options: GitOptions) -> Result<Self, Error> {
        Ok(Self { source: Source::Git(Box::new(Git::new(options)?)), name: RepositoryName::main() })
    }

    /// A plain folder.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self { source: Source::Directory(path.into(), |_| BTreeSet::new()), name: RepositoryName::main() }
    }

    /// A repository that another one imports: the folder that is given for it, else what it says.
    pub fn import(import: &Import, options: &ImportOptions) -> Result<Self, Error> {
        let repository = match options.folders.get(&import.name) {
            Some(folder) => Self::directory(folder),
            None => Self::git(options.git(import))?,
        };
        Ok(Self { name: import.name.clone(), ..repository })
    }

    /// Says which files elsewhere the definitions name; they are read too, within the same limits.
    #[must_use]
    pub fn naming(mut self, say: Names) -> Self {
        match &mut self.source {
            Source::Git(git) => git.naming(say),
            Source::Directory(_, names) => *names = say,
        }
        self
    }

    /// Says what the ref names now, or in which state the folder is.
    pub async fn resolve(&self) -> Result<Resolved, Error> {
        let mut resolved = match &self.source {
            Source::Git(git) => git.resolve().await?,
            Source::Directory(path, names) => {
                let begun = Instant::now();
                let snapshot = read_folder(path.clone(), *names).await?;
                let (revision, took) = (snapshot.revision, begun.elapsed());
                Resolved { revision, took, received_bytes: 0, versions: Vec::new() }
            }
        };
        resolved.revision.repository = self.name.clone();
        Ok(resolved)
    }

    /// Whether it is a plain folder, which costs nobody anything to read.
    pub fn is_folder(&self) -> bool {
        matches!(self.source, Source::Directory(..))
    }

    /// The range of versions that is followed, where it is one.
    pub fn range(&self) -> Option<&Range> {
        match &self.source {
            Source::Git(git) => git.range(),
            Source::Directory(..) => None,
        }
    }

    /// Where it is read, in words without anything secret: the address, the folder in it and what is followed.
    /// What was read for one counts for no other. Nothing for a folder, which is always there itself.
    pub fn source(&self) -> Option<String> {
        match &self.source {
            Source::Git(git) => Some(git.source()),
            Source::Directory(..) => None,
        }
    }

    /// Whether signatures are asked for.
    pub fn is_verified(&self) -> bool {
        match &self.source {
            Source::Git(git) => git.is_verified(),
            Source::Directory(..) => false,
        }
    }

    /// Says which tag with a version names the commit of a tag that may move; `None` where no tag is followed
    /// that could have one. A listing of its own, so it is to be asked for when the tag has moved.
    pub async fn versions(&self, revision: &RepositoryRevision) -> Result<Option<Versions>, Error> {
        match (&self.source, &revision.at) {
            (Source::Git(git), At::Git { commit, .. }) => git.versions(commit).await,
            (Source::Git(_) | Source::Directory(..), At::Git { .. } | At::Directory { .. }) => Ok(None),
        }
    }

    /// The tag with a version that names what was read: of a range the one that was chosen, of a tag the highest
    /// that names the same commit.
    pub async fn version(&self, read: &RepositoryRevision) -> Result<Option<Arc<str>>, Error> {
        if self.range().is_some() {
            return Ok(read.at.tag().map(Into::into));
        }
        Ok(self.versions(read).await?.and_then(|versions| versions.own))
    }

    /// Reads the files of a revision that [`resolve`](Self::resolve) gave.
    ///
    /// Where the repository has moved on since, they are those of the newer one; the snapshot's own
    /// revision says which, now with the committer's time.
    ///
    /// Where signatures are asked for, there are files only if they are good.
    pub async fn read(&self, revision: &RepositoryRevision) -> Result<Reading, Error> {
        self.read_since(revision, None).await
    }

    /// Reads as [`read`](Self::read) does, and refuses a signed tag that is older than the one that was
    /// accepted last.
    pub async fn read_since(
        &self,
        revision: &RepositoryRevision,
        accepted: Option<Timestamp>,
    ) -> Result<Reading, Error> {
        let mut reading = match (&self.source, &revision.at) {
            (Source::Git(git), At::Git { reference, object, .. }) => {
                git.read(reference, object, accepted).await?
            }
            (Source::Git(git), At::Directory { .. }) => {
                let resolved = git.resolve().await?;
                match &resolved.revision.at {
                    At::Git { reference, object, .. } => git.read(reference, object, accepted).await?,
                    At::Directory { .. } => unreachable!("git resolves to git"),
                }
            }
            (Source::Directory(path, names), _) => {
                let begun = Instant::now();
                let snapshot = read_folder(path.clone(), *names).await?;
                let took = vec![(PollStep::Read, begun.elapsed())];
                Reading { snapshot, took, received_bytes: 0, evidence: None }
            }
        };
        reading.snapshot.revision.repository = self.name.clone();
        Ok(reading)
    }
}

impl Repository {
    /// Judges anew what was read before: who may sign can change while nothing moves, and a key can end to
    /// count. Gives nothing where no signatures are asked for.
    pub async fn verify_again(
        &self,
        revision: &RepositoryRevision,
        evidence: &Arc<Evidence>,
        accepted: Option<Timestamp>,
    ) -> Result<Option<Arc<Verified>>, Error> {
        match (&self.source, &revision.at) {
            (Source::Git(git), At::Git { reference, commit, .. }) => {
                git.verify(Arc::clone(reference), commit.clone(), Arc::clone(evidence), accepted).await
            }
            (Source::Git(_) | Source::Directory(..), At::Git { .. } | At::Directory { .. }) => Ok(None),
        }
    }
}

impl Repository {
    /// Tells of a revision that was read, and of those before it, the newest first; `None` where it is a plain folder,
    /// which has no history. The listener says when that is enough; what was looked at another time is not read again.
    pub async fn history(
        &self,
        at: &At,
        known: Option<Look>,
        listener: Box<Listener>,
    ) -> Result<Option<History>, Error> {
        match (&self.source, at) {
            (Source::Git(git), At::Git { reference, commit, .. }) => {
                git.history(reference, commit, known, listener).await.map(Some)
            }
            (Source::Git(_) | Source::Directory(..), At::Git { .. } | At::Directory { .. }) => Ok(None),
        }
    }
}

async fn read_folder(path: PathBuf, names: Names) -> Result<Snapshot, Error> {
    let read = tokio::task::spawn_blocking(move || dir::read(&path, names));
    read.await.unwrap_or_else(|join| std::panic::resume_unwind(join.into_panic()))
}
