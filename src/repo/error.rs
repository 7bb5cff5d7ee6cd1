//! What can go wrong between the agent and a repository, and its class.
//!
//! Takes the failures of the wire, of libgit2 and of the file system, gives one enum: each variant
//! says what was attempted, the cause is its source.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::report::Class;
use crate::repo::cause::Cause;
use crate::repo::ended::Ended;
use crate::repo::problem::{AddressProblem, Doing, HostKeyProblem, KeyProblem, Limit, RedirectProblem};
use crate::signature::refusal::Refusal;

/// What a ref names where a tag was made on another one.
pub const TAG_OF_TAG: &str = "a tag of a tag";

/// What can go wrong while a repository is looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be used.
    #[error("the repository address {address} cannot be used: {problem}")]
    Address {
        /// The address, without anything secret.
        address: String,
        /// What is wrong with it.
        problem: AddressProblem,
    },
    /// The name is none that a ref can have.
    #[error("{name:?} cannot be the name of a tag or branch")]
    ReferenceName {
        /// The name.
        name: String,
    },
    /// The HTTP client could not be made.
    #[error("failed to set up HTTP")]
    Client {
        /// Why.
        #[source]
        source: Cause,
    },
    /// A file that the settings name could not be read.
    #[error("failed to read {what} from {}", path.display())]
    SettingsFile {
        /// What was expected in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing answers there, or the connection broke.
    #[error("failed to reach {repository} while {doing}")]
    Unreachable {
        /// Which repository.
        repository: String,
        /// What was attempted.
        doing: Doing,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The deadline passed.
    #[error("gave up on {repository} while {doing}: it took longer than {} s", after.as_secs_f32())]
    TimedOut {
        /// Which repository.
        repository: String,
        /// What was attempted.
        doing: Doing,
        /// The deadline of the whole operation.
        after: Duration,
    },
    /// An earlier operation has not come to its end, although its deadline passed.
    #[error("an earlier operation on {repository} still hangs")]
    Hanging {
        /// Which repository.
        repository: String,
    },
    /// The one who asked does not wait for the answer any more.
    #[error("the operation on {repository} was given up")]
    GivenUp {
        /// Which repository.
        repository: String,
    },
    /// The server refuses the credentials, or wants some.
    #[error("{repository} refuses access")]
    Denied {
        /// Which repository.
        repository: String,
        /// Whether credentials were shown.
        shown: bool,
        /// What it answered.
        #[source]
        source: Cause,
    },
    /// What stands before the server wants a password, or another one.
    #[error("the proxy before {repository} refuses access")]
    ProxyDenied {
        /// Which repository.
        repository: String,
        /// What it answered.
        #[source]
        source: Cause,
    },
    /// There is no `ssh` to start.
    #[error("{repository} is reached by `ssh`, and there is no such program here")]
    NoSsh {
        /// Which repository.
        repository: String,
    },
    /// `ssh` cannot use the private key.
    #[error("the SSH key for {repository} {problem}")]
    Key {
        /// Which repository.
        repository: String,
        /// What is wrong with it.
        problem: KeyProblem,
        /// What `ssh` said.
        #[source]
        source: Cause,
    },
    /// The server's SSH host key is not to be trusted.
    #[error("the host key of {repository} {problem}")]
    HostKey {
        /// Which repository.
        repository: String,
        /// What is wrong with it.
        problem: HostKeyProblem,
        /// What `ssh` said.
        #[source]
        source: Cause,
    },
    /// There is no such repository, or it is hidden from these credentials.
    #[error("there is no repository {repository}")]
    NoRepository {
        /// Which repository.
        repository: String,
        /// What was answered.
        #[source]
        source: Cause,
    },
    /// The repository has no such ref.
    #[error("{repository} has no {reference}")]
    NoReference {
        /// Which repository.
        repository: String,
        /// The full name of the ref.
        reference: String,
    },
    /// No tag says a version of the range.
    #[error("{repository} has no version {range}: {}", neighbours(near))]
    NoVersion {
        /// Which repository.
        repository: String,
        /// The range, as it was written.
        range: String,
        /// The tags with the nearest versions.
        near: Vec<String>,
    },
    /// The highest version is said by two tags, and they name two commits.
    #[error("the tags {first} and {second} of {repository} are the same version and name different commits")]
    SameVersion {
        /// Which repository.
        repository: String,
        /// The short name of one.
        first: String,
        /// The short name of another.
        second: String,
    },
    /// The folder of the definitions lies outside of the repository.
    #[error("the folder {path:?} does not lie inside {repository}")]
    PathOutside {
        /// Which repository.
        repository: String,
        /// The folder, as it was written.
        path: String,
    },
    /// The repository has no such commit, or does not hand it out.
    #[error("{repository} has no commit {commit} that can be fetched")]
    NoCommit {
        /// Which repository.
        repository: String,
        /// The commit's id.
        commit: String,
    },
    /// A folder lies in no clone of a git repository.
    #[error("{} lies in no git repository", path.display())]
    NoClone {
        /// The folder.
        path: PathBuf,
    },
    /// A clone knows nothing by this name.
    #[error("{repository} has no tag, branch or commit {name:?}")]
    NoName {
        /// Which clone.
        repository: String,
        /// The name.
        name: String,
        /// Whether it has only a part of the history.
        shallow: bool,
    },
    /// A name means two commits.
    #[error("{name:?} means {first} and {second}, and they differ")]
    Ambiguous {
        /// The name.
        name: String,
        /// The full name of one ref.
        first: String,
        /// The full name of another.
        second: String,
    },
    /// The server answered an error of its own.
    #[error("{repository} answered {status} while {doing}")]
    Status {
        /// Which repository.
        repository: String,
        /// What was attempted.
        doing: Doing,
        /// The HTTP status.
        status: u16,
        /// How long to stay away, where it said so.
        later: Option<Duration>,
    },
    /// The server sends elsewhere, and that is not followed.
    #[error("{repository} sends to {to}, which is not followed: {problem}")]
    Redirect {
        /// Which repository.
        repository: String,
        /// Where to, without anything secret.
        to: String,
        /// Why it is not followed.
        problem: RedirectProblem,
    },
    /// The answer is not that of a git server.
    #[error("failed to understand the answer of {repository} while {doing}")]
    NotUnderstood {
        /// Which repository.
        repository: String,
        /// What was attempted.
        doing: Doing,
        /// What is wrong with it.
        #[source]
        source: Cause,
    },
    /// The repository names its objects by SHA-256.
    #[error("{repository} is a SHA-256 repository, which is not supported")]
    Sha256 {
        /// Which repository.
        repository: String,
    },
    /// A limit was passed.
    #[error("{repository} is too large: more than {limit}")]
    TooLarge {
        /// Which repository.
        repository: String,
        /// Which limit.
        limit: Limit,
    },
    /// The server does not hand out an object that it may have advertised a moment ago.
    #[error("{repository} does not hand out what was asked for")]
    NotGiven {
        /// Which repository.
        repository: String,
        /// What it said.
        #[source]
        source: Cause,
    },
    /// The ref moved each time while it was being fetched.
    #[error("{reference} of {repository} moved while it was being fetched, twice")]
    Moving {
        /// Which repository.
        repository: String,
        /// The full name of the ref.
        reference: String,
    },
    /// What the ref names is no commit, nor a tag of one.
    #[error("{reference} of {repository} names {found}, not a commit")]
    NotACommit {
        /// Which repository.
        repository: String,
        /// The full name of the ref.
        reference: String,
        /// What it names.
        found: &'static str,
    },
    /// The signatures that are asked for are not there, or do not count.
    #[error("{reference} of {repository} is not accepted")]
    Unverified {
        /// Which repository.
        repository: String,
        /// The full name of the ref.
        reference: String,
        /// Why.
        #[source]
        source: Refusal,
    },
    /// The file that says whom to trust could not be read.
    #[error("failed to read who may sign from {}", path.display())]
    AllowedSigners {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The scratch folder cannot be used.
    #[error("failed to use the scratch folder {}", path.display())]
    Scratch {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The process that reads git did not do what it was asked.
    #[error("the worker that reads {repository} {ended} (while {doing})")]
    Worker {
        /// Which repository.
        repository: String,
        /// What was attempted.
        doing: Doing,
        /// How it ended.
        ended: Ended,
        /// What it said.
        #[source]
        source: Option<Cause>,
    },
    /// libgit2 failed at something that should not fail.
    #[error("git failed on {repository} while {doing}")]
    Git {
        /// Which repository.
        repository: String,
        /// What was attempted.
        doing: Doing,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A folder of `extra` could not be read.
    #[error("failed to read the folder {}", path.display())]
    Extra {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder of `extra` was another one each time after it had been read.
    #[error("the folder {} changed each time while it was read", path.display())]
    Unsettled {
        /// The folder.
        path: PathBuf,
    },
    /// A plain folder could not be read, or a file in it.
    #[error("failed to read the {} {}", if *file { "file" } else { "folder" }, path.display())]
    Folder {
        /// Whether it is a file.
        file: bool,
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Says which versions there are, where none is the right one.
fn neighbours(near: &[String]) -> String {
    match near {
        [] => "no tag says a version".to_owned(),
        [one] => format!("the nearest is {one}"),
        [first @ .., last] => format!("the nearest are {} and {last}", first.join(", ")),
    }
}

impl Error {
    /// The error that says that a worker's answer makes no sense.
    pub fn nonsense(repository: &str, doing: Doing) -> Self {
        Self::Worker { repository: repository.to_owned(), doing, ended: Ended::Nonsense, source: None }
    }

    /// What metrics, logs and retries know of it.
    pub fn class(&self) -> Class {
        match self {
            Self::Unreachable { .. } | Self::Status { .. } | Self::Client { .. } | Self::NoSsh { .. } => {
                Class::Unreachable
            }
            Self::TimedOut { .. } | Self::Hanging { .. } => Class::TimedOut,
            Self::GivenUp { .. } | Self::Moving { .. } | Self::NotGiven { .. } | Self::Unsettled { .. } => {
                Class::Superseded
            }
            Self::Denied { .. }
            | Self::ProxyDenied { .. }
            | Self::Key { .. }
            | Self::HostKey { .. }
            | Self::SettingsFile { .. } => Class::AuthFailed,
            Self::NoRepository { .. }
            | Self::NoReference { .. }
            | Self::NoVersion { .. }
            | Self::NoCommit { .. }
            | Self::NoClone { .. }
            | Self::NoName { .. } => Class::RefMissing,
            Self::NotUnderstood { .. } | Self::Redirect { .. } => Class::NotUnderstood,
            Self::Address { .. }
            | Self::ReferenceName { .. }
            | Self::PathOutside { .. }
            | Self::SameVersion { .. }
            | Self::Ambiguous { .. }
            | Self::Sha256 { .. }
            | Self::TooLarge { .. }
            | Self::NotACommit { .. } => Class::Unusable,
            Self::Unverified { .. } | Self::AllowedSigners { .. } => Class::Unverified,
            Self::Worker { ended, .. } if ended.is_limit() => Class::Unusable,
            Self::Worker { .. } | Self::Scratch { .. } | Self::Git { .. } => Class::Internal,
            Self::Folder { source, .. } | Self::Extra { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => Class::RefMissing,
                _ => Class::Unusable,
            },
        }
    }

    /// How long to stay away, where the server said so.
    pub fn later(&self) -> Option<Duration> {
        if let Self::Status { later, .. } = self { *later } else { None }
    }
}
