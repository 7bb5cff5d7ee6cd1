//! What is kept of what was accepted last, so that it outlives the agent.
//!
//! Plain values: how they are written down is said in `kept`, and when, in `reconcile`. No secret is among
//! them: secrets are put in when it is rendered, and it is kept as it was read.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::revision::RepositoryName;
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

impl LastGood {
    /// Takes up what has come to be known of the past.
    pub fn remember(&mut self, memories: &Memories) {
        for kept in &mut self.repositories {
            let of = Of { name: kept.snapshot.revision.repository.clone(), source: Arc::clone(&kept.source) };
            if let Some(memory) = memories.get(&of) {
                kept.memory.clone_from(memory);
            }
        }
    }

    /// What is known of the past of each repository.
    pub fn memories(&self) -> Memories {
        let of = |kept: &Kept| Of {
            name: kept.snapshot.revision.repository.clone(),
            source: Arc::clone(&kept.source),
        };
        self.repositories.iter().map(|kept| (of(kept), kept.memory.clone())).collect()
    }
}

/// What is known of the past of each repository.
pub type Memories = BTreeMap<Of, Memory>;

/// Whose past it is. An import of the same name that is read elsewhere is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Of {
    /// What it is called.
    pub name: RepositoryName,
    /// Where it is read.
    pub source: Arc<str>,
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
    /// When the newest signed tag was made that was accepted: an older one is refused.
    pub tagged: Option<Timestamp>,
    /// The tag with a version that names what was accepted.
    pub version: Option<Arc<str>>,
    /// The tags with versions that were seen, each with its commit: they are never to move.
    pub versions: Vec<VersionTag>,
}

impl Memory {
    /// Adds what somebody knew before, who did not know of this one. Of a tag that both saw the commit that it had first
    /// counts: else nobody would see that it moved.
    pub fn add(&mut self, other: &Self) {
        self.tagged = self.tagged.max(other.tagged);
        if self.version.is_none() {
            self.version.clone_from(&other.version);
        }
        for own in &mut self.versions {
            if let Some(first) = other.versions.iter().find(|tag| tag.name == own.name) {
                own.commit.clone_from(&first.commit);
            }
        }
        let is_new = |tag: &&VersionTag| !self.versions.iter().any(|own| own.name == tag.name);
        let more: Vec<_> = other.versions.iter().filter(is_new).cloned().collect();
        self.versions.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::revision::ObjectId;

    fn memory(versions: &[(&str, &str)]) -> Memory {
        let commit = |digit: &str| ObjectId::new(&digit.repeat(40)).expect("forty digits");
        let tag = |(name, digit): &(&str, &str)| VersionTag { name: (*name).into(), commit: commit(digit) };
        Memory { versions: versions.iter().map(tag).collect(), ..Memory::default() }
    }

    #[test]
    fn of_a_tag_that_moved_between_two_who_saw_it_the_first_commit_counts() {
        let mut later = memory(&[("v1.1.0", "c"), ("v1.0.0", "b")]);
        later.add(&memory(&[("v1.0.0", "a"), ("v0.9.0", "d")]));
        assert_eq!(later, memory(&[("v1.1.0", "c"), ("v1.0.0", "a"), ("v0.9.0", "d")]));
    }
}
