//! What the agent and its worker say to each other.
//!
//! Both are the same program, and the first word says so. A word may have bytes behind it (`frame`
//! carries them); what they mean stands at the word.

use serde::{Deserialize, Serialize};

/// Who speaks: the version of the program, and of these words.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "/1");

/// The most bytes behind one word.
pub const MOST_BYTES: usize = 8 * 1024 * 1024;

/// What the agent tells the worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Tell {
    /// Make a repository in the folder where you are, and fetch into it. Behind it: what the server
    /// advertises.
    Fetch {
        /// What to fetch, in git's words.
        refspecs: Vec<String>,
        /// How many commits, where it is not the whole history.
        depth: Option<i32>,
        /// Whether each request stands for itself.
        stateless: bool,
    },
    /// Open a repository. Behind it: its path.
    Open,
    /// Say what a ref names.
    List {
        /// Its full name.
        reference: String,
    },
    /// Name every tag.
    Tags,
    /// Say what a person's name for a commit means.
    Mean {
        /// The name.
        name: String,
    },
    /// Say the address of the remote `origin`.
    Origin,
    /// Give an object.
    Object {
        /// Its id.
        id: String,
        /// Give no bytes where it has more than this.
        most: u64,
    },
    /// Behind it: bytes of the server, none at their end.
    Bytes,
}

/// What the worker asks, and answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Ask {
    /// It is there, with its limits set.
    Ready {
        /// Its [`VERSION`].
        version: String,
    },
    /// A new request to the server begins.
    Request,
    /// Behind it: bytes for the server.
    Write,
    /// Wants bytes of the server.
    Read {
        /// As many at most.
        most: usize,
    },
    /// What was told is done.
    Done,
    /// There is no such thing.
    Nothing,
    /// What a ref names.
    Named {
        /// The object.
        object: String,
        /// The commit that it leads to.
        commit: String,
    },
    /// The tags. Behind it: a line of each with its object, the commit that it leads to, and its full name.
    Tags,
    /// What a person's name means.
    Meant {
        /// The full name, or what was typed where it is none.
        name: String,
        /// The commit.
        commit: String,
    },
    /// A person's name means two commits.
    Ambiguous {
        /// The full name of one ref.
        first: String,
        /// The full name of another.
        second: String,
    },
    /// A person's name means nothing.
    Unknown {
        /// Whether the clone has only a part of the history.
        shallow: bool,
    },
    /// The address of a remote.
    Origin {
        /// The address as it is written.
        url: String,
    },
    /// An object. Behind it: its bytes, where it has no more than was asked for.
    Object {
        /// What it is.
        kind: Kind,
        /// How many bytes it has.
        size: u64,
    },
    /// It went wrong.
    Failed {
        /// How.
        failure: Failure,
        /// In libgit2's words.
        text: String,
    },
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A folder.
    Tree,
    /// A file.
    Blob,
    /// An annotated tag.
    Tag,
}

/// How something went wrong inside the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// There is no repository.
    NoRepository,
    /// The repository names its objects by SHA-256.
    Sha256,
    /// What came of the server cannot be used.
    Answer,
    /// There was no more memory.
    Memory,
    /// There are more tags than go behind one word.
    Tags,
    /// Anything else.
    Git,
}
