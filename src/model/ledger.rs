//! What is taken to stand in the cluster where nobody can read it, as digests that tell nothing.
//!
//! Plain values. How a digest is made and kept is said in `kept`, what is owed because of them in
//! `pipeline::owing`, and when to ask, in `reconcile`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::model::name::ConnectorName;

/// A digest of one value under one key of one connector, made with a key that never leaves the agent: equal
/// values have equal ones, and without the key it says nothing at all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Takes what the function gave.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be kept.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(digest)")
    }
}

/// Something of each key of each connector.
pub type ByKey<T> = BTreeMap<ConnectorName, BTreeMap<Arc<str>, T>>;

/// What is desired, as digests. A connector that lacks a secret is not among them.
pub type Wanted = ByKey<Digest>;

/// What each value in the cluster is taken to be. A value that is not in it was never seen or desired.
pub type Ledger = ByKey<Entry>;

/// What a value in the cluster is taken to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The one with this digest: it was seen or written.
    Settled(Digest),
    /// The one with this digest, because it was desired when nobody could say: no other is known.
    Assumed(Digest),
    /// Perhaps another one than any that is desired: whatever is, it must be written.
    Owed,
}

impl Entry {
    /// Whether a value with this digest must be written to be sure that it is there.
    pub fn owes(self, wanted: Digest) -> bool {
        match self {
            Self::Settled(taken) | Self::Assumed(taken) => taken != wanted,
            Self::Owed => true,
        }
    }
}

/// Keys whose value nobody can read and that must be written.
pub type Owed = BTreeMap<ConnectorName, BTreeSet<Arc<str>>>;

/// Keys whose value nobody can read and that are known to be as they are desired.
pub type Sure = BTreeMap<ConnectorName, BTreeSet<Arc<str>>>;

/// Whether Connect has carried a request out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It said so, or it was seen.
    Yes,
    /// It was not sent, or certainly refused.
    No,
    /// Nobody can say.
    Unknown,
}
