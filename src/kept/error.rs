//! Why nothing could be read from where an agent keeps what must outlive it, or written there.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What went wrong with a file of what is kept.
#[derive(Debug, Error)]
pub enum Error {
    /// The folder cannot be made.
    #[error("failed to make the folder {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another agent keeps the same there.
    #[error("another agent uses {}", path.display())]
    Used {
        /// The file that it holds a lock on.
        path: PathBuf,
    },
    /// No lock can be had.
    #[error("failed to lock {}", path.display())]
    Lock {
        /// The file to lock.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("failed to write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written, and what was kept before can neither be replaced nor taken away.
    #[error("{} still has what was accepted before, {held}, and it cannot be taken away ({removing})", path.display())]
    Stuck {
        /// The file.
        path: PathBuf,
        /// Which revision it has.
        held: String,
        /// Why it cannot be taken away.
        removing: io::Error,
        /// Why nothing newer could be written.
        source: Box<Error>,
    },
    /// What is there is not believed.
    #[error("{} is not used: {doubt}", path.display())]
    Doubtful {
        /// The file.
        path: PathBuf,
        /// Why it is not believed.
        doubt: Doubt,
    },
}

/// What follows from a file that is stuck.
const STUCK: &str = "an agent that starts while git is away puts in force what the file has, and writes it after five \
    intervals: have the folder writable again, or remove the file before the agent is started anew";

impl Error {
    /// Whether the file was read, and there is nothing in it that can be used: it may be written anew. What could not be
    /// read may still hold what is worth keeping.
    pub fn is_unusable(&self) -> bool {
        matches!(self, Self::Doubtful { .. })
    }

    /// What follows from it, and what a person can do, where that is not what always follows.
    pub fn hint(&self) -> Option<&'static str> {
        matches!(self, Self::Stuck { .. }).then_some(STUCK)
    }
}

/// Why a file is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Doubt {
    /// It is a link, a folder, a pipe.
    #[error("it is a link, or no file at all")]
    NoFile,
    /// Everybody may write it.
    #[error("everybody on this machine may write it")]
    Open,
    /// Everybody may put files into its folder, and this one is somebody else's.
    #[error("it belongs to another user, in a folder that everybody may write to")]
    Owner,
    /// It is larger than anything that is kept.
    #[error("it is too large")]
    TooLarge,
    /// It is not what was written: cut off, or changed.
    #[error("it is damaged")]
    Damaged,
    /// Another version of the agent wrote it, in another form.
    #[error("another version of tagalong wrote it")]
    Version,
    /// It is about another repository, ref, environment or Connect.
    #[error("it is about another repository, another ref, another environment or another Connect")]
    Foreign,
}
