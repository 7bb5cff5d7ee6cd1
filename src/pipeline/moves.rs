//! How a ref moved, judged from where it was and where it is.
//!
//! - Where a range of versions is followed, by version: a higher one is forward, a lower one backward.
//!   Build metadata has no say.
//! - Elsewhere by the committers' times: a later one is forward, an earlier one backward.
//! - The same version, or the same time, or a time that nobody knows, is sideways.
//! - The same commit (and the same version) under another tag object is a retag.
//!
//! Who made a tag, and when, has no say: that a tag was moved back yesterday does not make what it names
//! newer. Pure; what is done about a move is left to others.

use std::cmp::Ordering;

use semver::Version;

use crate::model::course::{LowerVersion, MoveKind};
use crate::model::revision::{At, RepositoryRevision};
use crate::model::version::{Range, VersionTag};

/// Says how a ref moved from one revision to another; `None` where it did not.
pub fn judge(before: &At, now: &At, range: Option<&Range>) -> Option<MoveKind> {
    let (
        At::Git { reference: was, object: old, commit: left, committed: then, verified: _ },
        At::Git { reference: is, object: new, commit: reached, committed: at, verified: _ },
    ) = (before, now)
    else {
        // A folder has no past that could be told from its future.
        return (before != now).then_some(MoveKind::Forward);
    };
    let versions = version(was, range).zip(version(is, range));
    let order = match versions {
        Some((was, is)) => was.cmp_precedence(&is),
        None if left == reached => Ordering::Equal,
        None => then.zip(*at).map_or(Ordering::Equal, |(then, at)| then.cmp(&at)),
    };
    match order {
        Ordering::Less => Some(MoveKind::Forward),
        Ordering::Greater => Some(MoveKind::Backward),
        Ordering::Equal if left != reached => Some(MoveKind::Sideways),
        Ordering::Equal => ((was, old) != (is, new)).then_some(MoveKind::Retag),
    }
}

/// Says why the highest version of a range is not taken: it is lower than what was accepted last, and the
/// range does not allow that.
pub fn lower(
    accepted: Option<&RepositoryRevision>,
    offered: &RepositoryRevision,
    range: Option<&Range>,
) -> Option<LowerVersion> {
    let (kept, range) = (accepted?, range.filter(|range| !range.allow_downgrade)?);
    let of = |revision: &RepositoryRevision| match &revision.at {
        At::Git { reference, .. } => version(reference, Some(range)),
        At::Directory { .. } => None,
    };
    let (was, is) = (of(kept)?, of(offered)?);
    // What a range does not take any more was accepted under another one.
    let is_lower = range.takes(&was) && is.cmp_precedence(&was).is_lt();
    is_lower.then(|| LowerVersion { offered: offered.clone(), kept: kept.clone() })
}

/// The tags that named another commit before: each with its place among those of before and of now.
pub fn moved<'t>(before: &'t [VersionTag], now: &'t [VersionTag]) -> Vec<(&'t VersionTag, &'t VersionTag)> {
    let known: std::collections::BTreeMap<_, _> = before.iter().map(|tag| (&tag.name, tag)).collect();
    now.iter()
        .filter_map(|tag| Some((*known.get(&tag.name)?, tag)))
        .filter(|(before, now)| before.commit != now.commit)
        .collect()
}

fn version(full_name: &str, range: Option<&Range>) -> Option<Version> {
    range?.naming().version(full_name.strip_prefix("refs/tags/")?)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::revision::{ObjectId, RepositoryName};

    fn id(digit: char) -> ObjectId {
        ObjectId::new(&digit.to_string().repeat(40)).expect("an id")
    }

    fn at(tag: &str, object: char, commit: char, second: Option<i64>) -> At {
        At::Git {
            reference: format!("refs/tags/{tag}").into(),
            object: id(object),
            commit: id(commit),
            committed: second.map(|second| Timestamp::from_second(second).expect("a time")),
            verified: None,
        }
    }

    fn range(text: &str) -> Range {
        Range::new(text, "", false).expect("a range")
    }

    #[test]
    fn a_tag_is_judged_by_the_committers_times() {
        let before = at("v1", 'a', 'a', Some(100));
        for (now, expected) in [
            (at("v1", 'b', 'b', Some(101)), Some(MoveKind::Forward)),
            (at("v1", 'b', 'b', Some(99)), Some(MoveKind::Backward)),
            (at("v1", 'b', 'b', Some(100)), Some(MoveKind::Sideways)),
            (at("v1", 'b', 'b', None), Some(MoveKind::Sideways)),
            (at("v1", 'b', 'a', None), Some(MoveKind::Retag)),
            (at("v1", 'a', 'a', None), None),
        ] {
            assert_eq!(judge(&before, &now, None), expected, "{now:?}");
        }
    }

    #[test]
    fn a_range_is_judged_by_version_whatever_the_times_say() {
        let before = at("v1.4.2", 'a', 'a', Some(100));
        let range = range("^1");
        for (now, expected) in [
            (at("v1.10.0", 'b', 'b', Some(1)), Some(MoveKind::Forward)),
            (at("v1.4.1", 'b', 'b', Some(200)), Some(MoveKind::Backward)),
            (at("v1.4.2", 'b', 'b', Some(200)), Some(MoveKind::Sideways)),
            (at("v1.4.2+more", 'b', 'b', Some(200)), Some(MoveKind::Sideways)),
            (at("v1.4.3", 'a', 'a', Some(100)), Some(MoveKind::Forward)),
            (at("v1.4.2", 'b', 'a', Some(100)), Some(MoveKind::Retag)),
            (at("v1.4.2", 'a', 'a', None), None),
        ] {
            assert_eq!(judge(&before, &now, Some(&range)), expected, "{now:?}");
        }
    }

    #[test]
    fn a_lower_version_is_held_unless_it_is_allowed() {
        let revision = |tag: &str| RepositoryRevision {
            repository: RepositoryName::main(),
            at: at(tag, 'a', 'a', None),
        };
        let (accepted, lower_one) = (revision("v1.5.0"), revision("v1.4.2"));
        let held = lower(Some(&accepted), &lower_one, Some(&range("^1"))).expect("it is lower");
        assert_eq!(
            held.detail(),
            "the highest version went down from v1.5.0 at aaaaaaa to v1.4.2 at aaaaaaa"
        );
        let allowed = Range::new("^1", "", true).expect("a range");
        for (accepted, offered, range) in [
            (Some(&accepted), &lower_one, Some(&allowed)),
            (Some(&accepted), &lower_one, None),
            (None, &lower_one, Some(&range("^1"))),
            (Some(&accepted), &accepted, Some(&range("^1"))),
            (Some(&lower_one), &accepted, Some(&range("^1"))),
            (Some(&accepted), &lower_one, Some(&range("~1.4"))),
        ] {
            assert_eq!(lower(accepted, offered, range), None);
        }
    }

    #[test]
    fn a_tag_that_named_another_commit_is_seen() {
        let tag = |name: &str, commit| VersionTag { name: name.into(), commit: id(commit) };
        let before = [tag("v1.0.0", 'a'), tag("v1.1.0", 'b'), tag("v1.2.0", 'c')];
        let now = [tag("v1.0.0", 'a'), tag("v1.1.0", 'd'), tag("v1.3.0", 'e')];
        assert_eq!(moved(&before, &now), [(&before[1], &now[1])]);
    }
}
