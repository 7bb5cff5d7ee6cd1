//! What was accepted of one repository, and what newer revisions of it are judged by.
//!
//! Takes revisions as they are accepted; gives the moment before which a tag must not have been signed, and what is to
//! be kept of the past. What was merely read moves nothing here: a release that is refused must not make an old one of
//! what is in force.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::kept::{Kept, Memory};
use crate::model::revision::{At, RepositoryRevision};
use crate::model::version::Range;
use crate::reconcile::meaning::is_same_commit;
use crate::reconcile::versions::Versions;

/// What was accepted of a repository.
#[derive(Debug, Clone, Default)]
pub struct Past {
    accepted: Option<RepositoryRevision>,
    /// When the newest signed tag was made that was accepted.
    tagged: Option<Timestamp>,
    /// Which version the accepted one is, while another one was read.
    version: Option<Arc<str>>,
    /// Whether a tag is compared with none but those of its own name. Who lets a range go down asks for the tag of a
    /// lower version, which is an older one.
    by_name: bool,
}

impl Past {
    /// Nothing was accepted yet; the range is the one that is followed, where one is.
    pub fn new(range: Option<&Range>) -> Self {
        Self { by_name: range.is_some_and(|range| range.allow_downgrade), ..Self::default() }
    }

    /// Takes up what is known of it.
    pub fn recall(&mut self, kept: &Kept) {
        let Memory { tagged, version, versions: _ } = &kept.memory;
        self.accepted = Some(kept.snapshot.revision.clone());
        self.tagged = *tagged;
        self.version.clone_from(version);
    }

    /// What was accepted last.
    pub fn accepted(&self) -> Option<&RepositoryRevision> {
        self.accepted.as_ref()
    }

    /// Takes note of what was accepted.
    pub fn accept(&mut self, revision: &RepositoryRevision) {
        let made = revision.at.verified().and_then(|verified| verified.tagged);
        self.tagged = self.tagged_before(&revision.at).max(made);
        self.accepted = Some(revision.clone());
    }

    /// What a signed tag must not be older than.
    pub fn tagged_before(&self, at: &At) -> Option<Timestamp> {
        let accepted = self.accepted.as_ref().map(|accepted| &accepted.at);
        let is_other = || accepted.and_then(At::tag) != at.tag();
        self.tagged.filter(|_| !(self.by_name && is_other()))
    }

    /// Takes note that something else is about to take the place of what was read last.
    pub fn leave(&mut self, read: Option<&RepositoryRevision>, versions: &Versions) {
        self.version = self.version(read, versions).cloned();
    }

    /// What is to be kept of it, where this was read last.
    pub fn memory(&self, read: Option<&RepositoryRevision>, versions: &Versions) -> Memory {
        Memory {
            tagged: self.tagged,
            version: self.version(read, versions).cloned(),
            versions: versions.seen().to_vec(),
        }
    }

    fn version<'v>(
        &'v self,
        read: Option<&RepositoryRevision>,
        versions: &'v Versions,
    ) -> Option<&'v Arc<str>> {
        let both = self.accepted.as_ref().zip(read);
        let is_accepted = both.is_some_and(|(accepted, read)| is_same_commit(&accepted.at, &read.at));
        if is_accepted { versions.own() } else { self.version.as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::revision::{ObjectId, RepositoryName};
    use crate::model::signature::{Signer, Verified};

    /// A revision that is found by a tag, which says that it was made at this second.
    fn tagged(tag: &str, second: i64) -> RepositoryRevision {
        let id = ObjectId::new(&format!("{second:040x}")).expect("an id");
        let signer = Signer { principals: "ada".into(), key: "SHA256:abc".into() };
        let verified = Verified { tag: Some(signer), commit: None, tagged: Some(at(second)) };
        let at = At::Git {
            reference: format!("refs/tags/{tag}").into(),
            object: id.clone(),
            commit: id,
            committed: None,
            verified: Some(Arc::new(verified)),
        };
        RepositoryRevision { repository: RepositoryName::main(), at }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn range(allow_downgrade: bool) -> Range {
        Range::new("^1", "", allow_downgrade).expect("a range")
    }

    #[test]
    fn a_tag_of_any_name_is_compared_with_what_was_accepted_unless_a_range_may_go_down() {
        for (range, lower) in
            [(None, Some(at(90))), (Some(range(false)), Some(at(90))), (Some(range(true)), None)]
        {
            let mut past = Past::new(range.as_ref());
            assert_eq!(past.tagged_before(&tagged("v1.5.0", 90).at), None);
            past.accept(&tagged("v1.5.0", 90));
            assert_eq!(past.tagged_before(&tagged("v1.5.0", 80).at), Some(at(90)), "{range:?}");
            assert_eq!(past.tagged_before(&tagged("v1.4.0", 80).at), lower, "{range:?}");
        }
    }

    #[test]
    fn after_a_range_went_down_the_lower_tag_is_the_one_that_others_of_its_name_are_compared_with() {
        let range = range(true);
        let mut past = Past::new(Some(&range));
        past.accept(&tagged("v1.5.0", 90));
        past.accept(&tagged("v1.4.0", 80));
        assert_eq!(past.tagged_before(&tagged("v1.4.0", 70).at), Some(at(80)));
        assert_eq!(past.memory(None, &Versions::default()).tagged, Some(at(80)));
    }

    #[test]
    fn the_newest_tag_counts_where_an_unsigned_one_or_a_commit_was_accepted_since() {
        let mut past = Past::new(None);
        past.accept(&tagged("v1", 90));
        let mut unsigned = tagged("v1", 95);
        if let At::Git { verified, .. } = &mut unsigned.at {
            *verified = None;
        }
        past.accept(&unsigned);
        assert_eq!(past.tagged_before(&tagged("v1", 80).at), Some(at(90)));
    }

    #[test]
    fn the_version_of_what_was_only_read_is_not_that_of_what_was_accepted() {
        let own = |name: &str| Versions::recalled(Vec::new(), Some(name.into()));
        let (good, bad) = (tagged("v1", 80), tagged("v1", 90));
        let mut past = Past::new(None);
        past.accept(&good);
        let version = |past: &Past, read, name| past.memory(Some(read), &own(name)).version;
        assert_eq!(version(&past, &good, "v1.4.0").as_deref(), Some("v1.4.0"));
        past.leave(Some(&good), &own("v1.4.0"));
        assert_eq!(version(&past, &bad, "v1.5.0").as_deref(), Some("v1.4.0"));
        past.leave(Some(&bad), &own("v1.5.0"));
        past.accept(&bad);
        assert_eq!(version(&past, &bad, "v1.5.0").as_deref(), Some("v1.5.0"));
    }
}
