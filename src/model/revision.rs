//! What each repository's ref names now.
//!
//! Takes what a listing answered, gives ids that compare. Resolving and judging are left to others.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::name::LONGEST;
use crate::model::signature::Verified;

/// The full id of a git object: 40 hexadecimal digits, lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(Arc<str>);

impl ObjectId {
    /// Takes a full SHA-1 id; `None` for anything else, a SHA-256 id included.
    pub fn new(text: &str) -> Option<Self> {
        (text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()))
            .then(|| Self(text.to_ascii_lowercase().into()))
    }

    /// All forty digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What of a repository to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A tag, by its short name; usually one that moves.
    Tag(String),
    /// A branch, by its short name.
    Branch(String),
    /// One commit, for good.
    Commit(ObjectId),
}

impl Reference {
    /// The full name that is asked for, as in `refs/tags/v1`; a commit's is its id.
    pub fn full_name(&self) -> String {
        match self {
            Self::Tag(name) => format!("refs/tags/{name}"),
            Self::Branch(name) => format!("refs/heads/{name}"),
            Self::Commit(id) => id.as_str().to_owned(),
        }
    }
}

const EXTRA: &str = "extra:";

/// A repository's name in the agent: `main`, that of an import, or a folder of `extra`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(Arc<str>);

impl RepositoryName {
    /// The repository that the settings name.
    pub fn main() -> Self {
        Self("main".into())
    }

    /// Checks what a person called an import: letters, digits, `.`, `_` and `-`, the first a letter or a
    /// digit, and not `main`.
    pub fn import(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let usable = text.len() <= LONGEST
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(plain);
        (usable && text != "main").then(|| Self(text.into()))
    }

    /// A folder of `extra`, as the settings name it.
    pub fn extra(folder: &str) -> Self {
        Self(format!("{EXTRA}{folder}").into())
    }

    /// The folder, where it is one of `extra`.
    pub fn folder(&self) -> Option<&str> {
        self.0.strip_prefix(EXTRA)
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the repository that the settings name.
    pub fn is_main(&self) -> bool {
        self.as_str() == "main"
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What one repository's ref names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryRevision {
    /// Which repository.
    pub repository: RepositoryName,
    /// Where it stands.
    pub at: At,
}

/// Where a repository stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// A ref of a git repository.
    Git {
        /// The full ref, as in `refs/tags/v1`; the commit's id where a commit is followed.
        reference: Arc<str>,
        /// The object that the ref names: the tag object of an annotated tag, else the commit.
        object: ObjectId,
        /// The commit, peeled.
        commit: ObjectId,
        /// The committer's time; `None` until the commit was read.
        committed: Option<Timestamp>,
        /// Whose signatures were found good; `None` until it was read, and where none are asked for.
        verified: Option<Arc<Verified>>,
    },
    /// A plain folder.
    Directory {
        /// The folder, as it was named.
        path: Arc<str>,
        /// A digest of every file's name and content, to tell one state of the folder from another.
        digest: u64,
    },
}

/// Everything that the definitions came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Each repository, the main one first.
    pub repositories: Vec<RepositoryRevision>,
    /// The tags with a version that name the commits of these repositories, for those who look once. An agent
    /// that runs learns them after it has accepted a revision, and has them in its report.
    pub version_tags: BTreeMap<RepositoryName, Arc<str>>,
}

impl Revision {
    /// These repositories, of which nobody has looked up a version.
    pub fn of(repositories: Vec<RepositoryRevision>) -> Self {
        Self { repositories, version_tags: BTreeMap::new() }
    }

    /// The tag with a version that names the commit of one of them: `v1.4.2`, where `v1` was read.
    pub fn version_tag(&self, repository: &RepositoryName) -> Option<&str> {
        self.version_tags.get(repository).map(AsRef::as_ref)
    }

    /// The main repository's own revision.
    pub fn main(&self) -> &RepositoryRevision {
        self.repositories.first().expect("a revision names the main repository first")
    }
}

impl fmt::Display for Revision {
    /// Writes `v1 at 4f1c9e2` or the folder's path, behind it each import with its name, and each folder of
    /// `extra`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for RepositoryRevision { repository, at } in &self.repositories {
            if repository.folder().is_some() {
                write!(f, ", {repository}")?;
            } else if repository.is_main() {
                write!(f, "{at}")?;
            } else {
                write!(f, ", {repository} {at}")?;
            }
        }
        Ok(())
    }
}

impl At {
    /// The short name of the tag that it was found by.
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Git { reference, .. } => reference.strip_prefix("refs/tags/"),
            Self::Directory { .. } => None,
        }
    }

    /// Whose signatures were found good.
    pub fn verified(&self) -> Option<&Verified> {
        match self {
            Self::Git { verified, .. } => verified.as_deref(),
            Self::Directory { .. } => None,
        }
    }
}

impl fmt::Display for At {
    /// Writes `v1 at 4f1c9e2` or the folder's path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Git { reference, commit, .. } => {
                let short = ["refs/tags/", "refs/heads/", "refs/remotes/"]
                    .iter()
                    .find_map(|prefix| reference.strip_prefix(prefix))
                    .unwrap_or(reference);
                if short == commit.as_str() {
                    write!(f, "commit {}", commit.short())
                } else {
                    write!(f, "{short} at {}", commit.short())
                }
            }
            Self::Directory { path, .. } => f.write_str(path),
        }
    }
}
