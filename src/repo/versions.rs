//! Tags that say a version, sifted as a listing comes.
//!
//! Takes refs one after another, keeps the highest ones, and what is needed to say why there is none.
//! Pure, and bounded, whatever the server sends. What it means that the highest one is lower than
//! before is left to others.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use crate::model::revision::ObjectId;
use crate::model::version::{Naming, Range, VersionTag};
use crate::repo::listing::{Named, Seek, TAGS, Wanted};

/// The most tags that are kept and remembered.
pub const MOST_TAGS: usize = 1000;

/// How many tags are named on each side of a range that takes none.
const NEAR: usize = 2;

/// A version with the short name of its tag: in the order of versions, build metadata and names last.
type Key = (Version, String);

/// Keeps the highest version tags of those that come.
#[derive(Debug)]
pub struct Sieve {
    naming: Naming,
    range: Option<Range>,
    /// The commit whose own version is looked for.
    commit: Option<ObjectId>,
    kept: BTreeMap<Key, Named>,
    own: Option<Key>,
    below: BTreeSet<Key>,
    /// Pre-releases of what the range takes.
    inside: BTreeSet<Key>,
    above: BTreeSet<Key>,
}

/// The tag with the highest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highest {
    /// Its short name.
    pub tag: String,
    /// What it names.
    pub named: Named,
}

/// Two tags say the same version and name two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Same {
    /// The short name of one.
    pub first: String,
    /// The short name of another.
    pub second: String,
}

impl Sieve {
    /// Keeps the tags that a range takes.
    pub fn of_range(range: &Range) -> Self {
        Self { range: Some(range.clone()), ..Self::new(range.naming().clone()) }
    }

    /// Keeps the tags that say a version, and looks for that of a commit among them.
    pub fn of_commit(naming: Naming, commit: ObjectId) -> Self {
        Self { commit: Some(commit), ..Self::new(naming) }
    }

    fn new(naming: Naming) -> Self {
        Self {
            naming,
            range: None,
            commit: None,
            kept: BTreeMap::new(),
            own: None,
            below: BTreeSet::new(),
            inside: BTreeSet::new(),
            above: BTreeSet::new(),
        }
    }

    /// The tag with the highest version; `None` where there is none.
    ///
    /// Build metadata has no say about which version is the higher one, so where only that differs, the
    /// tags must name one commit.
    pub fn highest(&self) -> Result<Option<Highest>, Same> {
        let mut down = self.kept.iter().rev();
        let Some(((version, tag), named)) = down.next() else { return Ok(None) };
        let is_same = |(other, _): &&Key| other.cmp_precedence(version).is_eq();
        for ((_, other), theirs) in down.take_while(|(key, _)| is_same(key)) {
            if theirs.commit != named.commit {
                return Err(Same { first: tag.clone(), second: other.clone() });
            }
        }
        Ok(Some(Highest { tag: tag.clone(), named: named.clone() }))
    }

    /// The highest tag that names the commit that was looked for.
    pub fn own(&self) -> Option<&str> {
        self.own.as_ref().map(|(_, tag)| tag.as_str())
    }

    /// The tags next to a range that takes none, in their order.
    pub fn near(&self) -> Vec<String> {
        // A pre-release of what is wanted is nearer than what is below it.
        let farther = (self.below.len() + self.inside.len()).saturating_sub(NEAR);
        let near = self.below.iter().skip(farther).chain(&self.inside).chain(&self.above);
        near.map(|(_, tag)| tag.clone()).collect()
    }

    /// Every tag that was kept, the highest first.
    pub fn tags(&self) -> Vec<VersionTag> {
        let one = |((_, tag), named): (&Key, &Named)| VersionTag {
            name: tag.as_str().into(),
            commit: named.commit.clone(),
        };
        self.kept.iter().rev().map(one).collect()
    }

    fn miss(&mut self, key: Key, range: &Range) {
        let release = Version::new(key.0.major, key.0.minor, key.0.patch);
        if !key.0.pre.is_empty() && range.takes(&release) {
            keep(&mut self.inside, key, BTreeSet::pop_first);
        } else if key.0 < range.corner() {
            keep(&mut self.below, key, BTreeSet::pop_first);
        } else {
            keep(&mut self.above, key, BTreeSet::pop_last);
        }
    }
}

/// Keeps a few, and drops the one that is farthest away.
fn keep(near: &mut BTreeSet<Key>, key: Key, drop: fn(&mut BTreeSet<Key>) -> Option<Key>) {
    near.insert(key);
    if near.len() > NEAR {
        drop(near);
    }
}

impl Seek for Sieve {
    fn wanted(&self) -> Wanted {
        Wanted::Versions(self.naming.clone())
    }

    fn take(&mut self, full_name: &str, named: Named) {
        let Some(tag) = full_name.strip_prefix(TAGS) else { return };
        let Some(version) = self.naming.version(tag) else { return };
        let key = (version, tag.to_owned());
        if let Some(range) = self.range.clone().filter(|range| !range.takes(&key.0)) {
            self.miss(key, &range);
            return;
        }
        if self.commit.as_ref() == Some(&named.commit) {
            self.own = self.own.take().max(Some(key.clone()));
        }
        self.kept.insert(key, named);
        if self.kept.len() > MOST_TAGS {
            self.kept.pop_first();
        }
    }

    /// A higher one may always come.
    fn is_done(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: u32) -> ObjectId {
        ObjectId::new(&format!("{digit:040x}")).expect("an id")
    }

    fn named(digit: u32) -> Named {
        Named { object: id(digit), commit: id(digit) }
    }

    fn sift(range: &str, prefix: &str, tags: &[&str]) -> Sieve {
        let mut sieve = Sieve::of_range(&Range::new(range, prefix, false).expect("a range"));
        for (at, tag) in (1..).zip(tags) {
            sieve.take(&format!("refs/tags/{tag}"), named(at));
        }
        sieve
    }

    fn highest(range: &str, prefix: &str, tags: &[&str]) -> Option<String> {
        sift(range, prefix, tags).highest().expect("one").map(|highest| highest.tag)
    }

    #[test]
    fn the_highest_by_precedence_is_chosen_and_what_is_no_version_is_passed_over() {
        let tags = ["v1", "v1.4", "v1.9.0", "v1.10.0", "v2.0.0", "latest", "v1.11.0-rc.1", "1.2.0"];
        assert_eq!(highest("^1.4", "", &tags).as_deref(), Some("v1.10.0"));
        assert_eq!(highest("^1.11.0-rc.0", "", &tags).as_deref(), Some("v1.11.0-rc.1"));
        assert_eq!(highest("<1.5", "", &tags).as_deref(), Some("1.2.0"));
        assert_eq!(highest("<1.5", "v", &tags), None);
        assert_eq!(
            highest("^1", "app/", &["app/v1.2.0", "app/1.3.0", "v1.9.0"]).as_deref(),
            Some("app/1.3.0")
        );
    }

    #[test]
    fn where_only_build_metadata_differs_the_commits_must_not() {
        let same = sift("^1", "", &["v1.4.2+a", "v1.4.2+b", "v1.4.1"]).highest();
        assert_eq!(same, Err(Same { first: "v1.4.2+b".into(), second: "v1.4.2+a".into() }));
        let older = sift("^1", "", &["v1.4.2+a", "v1.4.2+b", "v1.4.3"]).highest();
        assert_eq!(older.expect("the highest is one").expect("it is there").tag, "v1.4.3");
        let mut one = sift("^1", "", &["v1.4.2+a"]);
        one.take("refs/tags/v1.4.2+b", named(1));
        assert_eq!(one.highest().expect("one commit").expect("it is there").tag, "v1.4.2+b");
        assert!(sift("^1", "", &["v1.4.2", "1.4.2"]).highest().is_err());
    }

    #[test]
    fn a_range_that_takes_none_has_neighbours() {
        let near = |tags: &[&str]| sift("^1.4", "", tags).near();
        let tags = ["v2.0.0", "v1.0.0", "v3.0.0", "v1.2.0", "v1.3.9", "v4.0.0", "v1"];
        assert_eq!(near(&tags), ["v1.2.0", "v1.3.9", "v2.0.0", "v3.0.0"]);
        assert_eq!(near(&["v1.4.0-rc.1"]), ["v1.4.0-rc.1"]);
        assert_eq!(near(&["v1", "latest"]), Vec::<String>::new());
        // Of pre-releases the highest are what somebody waits for, whatever stands around them.
        let pre = ["v1.0.0-alpha", "v1.0.0-rc.2", "v1.0.0-rc.10", "v1.0.0-rc.9"];
        assert_eq!(sift("*", "", &pre).near(), ["v1.0.0-rc.9", "v1.0.0-rc.10"]);
        let mixed = ["v1.3.0", "v1.4.0-alpha", "v1.5.0-rc.1", "v1.5.0-rc.2", "v2.0.0-rc.1"];
        assert_eq!(near(&mixed), ["v1.5.0-rc.1", "v1.5.0-rc.2", "v2.0.0-rc.1"]);
    }

    #[test]
    fn the_highest_tag_of_a_commit_is_found_among_many_and_little_is_kept() {
        let mut sieve = Sieve::of_commit(Naming::of_floating("v1"), id(7));
        for minor in 0..5_000 {
            let commit = if minor == 3 || minor == 5 { 7 } else { 8 };
            sieve.take(&format!("refs/tags/v1.{minor}.0"), named(commit));
        }
        assert_eq!(sieve.own(), Some("v1.5.0"));
        let tags = sieve.tags();
        assert_eq!((tags.len(), &*tags[0].name), (MOST_TAGS, "v1.4999.0"));
    }
}
