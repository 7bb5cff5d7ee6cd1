//! Which version what is followed stands for, and whether a tag with a version was moved.
//!
//! Looks when what is followed has moved, and not at each poll: a listing of every version costs more than
//! that of one tag. Where a range is followed, each poll lists them anyway. What was seen is remembered
//! within a bound, and kept across restarts with what was accepted last.

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::{debug, info};

use crate::model::course::MoveKind;
use crate::model::report::{Class, Poll};
use crate::model::revision::{At, RepositoryName, RepositoryRevision};
use crate::model::version::VersionTag;
use crate::pipeline::moves;
use crate::reconcile::board::Board;
use crate::reconcile::course;
use crate::repo::Repository;

/// How often it is looked for the version of a commit that has none: a release may push the tag that moves
/// before the one that stays.
const LOOKS: u8 = 2;

/// How many tags are remembered.
const MOST_SEEN: usize = 1000;

/// What is known of the tags with versions of one repository.
#[derive(Debug, Default)]
pub struct Versions {
    seen: Vec<VersionTag>,
    /// The tag that says the version of what was read.
    own: Option<Arc<str>>,
    looks: u8,
    /// Whether the last look failed, so that it is told once.
    failed: bool,
}

impl Versions {
    /// Tags that were seen before this agent began, and the one that says the version of what was read.
    pub fn recalled(seen: Vec<VersionTag>, own: Option<Arc<str>>) -> Self {
        Self { seen, own, looks: 0, failed: false }
    }

    /// The tags that were seen.
    pub fn seen(&self) -> &[VersionTag] {
        &self.seen
    }

    /// The tag that says the version of what was read.
    pub fn own(&self) -> Option<&Arc<str>> {
        self.own.as_ref()
    }

    fn tell(&mut self, name: &RepositoryName, own: Option<&VersionTag>, board: &Board) {
        self.own = own.map(|own| Arc::clone(&own.name));
        course::tell_version(name, own, board);
    }

    /// Has it looked for the version of what was just read.
    pub fn look_again(&mut self) {
        self.looks = LOOKS;
    }

    /// Looks which version a tag that moved stands for, where that is due.
    pub async fn look(
        &mut self,
        name: &RepositoryName,
        repository: &Repository,
        read: Option<&RepositoryRevision>,
        poll: &mut Poll,
        board: &Board,
    ) {
        let Some(read) = read.filter(|_| self.looks > 0) else { return };
        self.looks -= 1;
        if repository.range().is_some() {
            self.looks = 0;
            self.tell(name, chosen(read).as_ref(), board);
            return;
        }
        match repository.versions(read).await {
            Ok(None) => self.looks = 0,
            Ok(Some(versions)) => {
                poll.received_bytes += versions.received_bytes;
                self.failed = false;
                let commit = chosen(read).map(|tag| tag.commit);
                let own = versions.own.zip(commit).map(|(name, commit)| VersionTag { name, commit });
                if own.is_some() {
                    self.looks = 0;
                }
                self.tell(name, own.as_ref(), board);
                self.see(name, versions.tags, None, poll, board);
            }
            Err(error) => {
                // A limit will be there the next time too; anything else may be gone by then.
                self.looks = if error.class() == Class::Unusable { 0 } else { LOOKS };
                let cause = &error as &dyn std::error::Error;
                if self.failed {
                    debug!(repository = %name, error = cause, "could still not look which version the tag stands for");
                } else {
                    info!(repository = %name, error = cause, "could not look which version the tag stands for");
                }
                self.failed = true;
                self.tell(name, None, board);
            }
        }
    }

    /// Compares tags with those that were seen before, and remembers them. A move of `followed` itself is
    /// counted where it is followed.
    pub fn see(
        &mut self,
        name: &RepositoryName,
        tags: Vec<VersionTag>,
        followed: Option<&RepositoryRevision>,
        poll: &mut Poll,
        board: &Board,
    ) {
        let followed = followed.and_then(chosen).map(|tag| tag.name);
        for (before, now) in moves::moved(&self.seen, &tags) {
            course::tell_moved_version(name, before, now, board);
            if followed.as_ref() != Some(&now.name) {
                poll.moves.push(MoveKind::Sideways);
            }
        }
        // One that was deleted and comes back at another commit has moved, too.
        let listed: BTreeSet<Arc<str>> = tags.iter().map(|tag| Arc::clone(&tag.name)).collect();
        let gone: Vec<_> = self.seen.drain(..).filter(|tag| !listed.contains(&tag.name)).collect();
        self.seen = tags;
        self.seen.extend(gone);
        self.seen.truncate(MOST_SEEN);
    }
}

/// The tag that a revision was found by.
fn chosen(revision: &RepositoryRevision) -> Option<VersionTag> {
    let At::Git { commit, .. } = &revision.at else { return None };
    Some(VersionTag { name: revision.at.tag()?.into(), commit: commit.clone() })
}
