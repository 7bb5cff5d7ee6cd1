//! Versions in the names of tags, and ranges of them.
//!
//! Takes what a person wrote, gives what of a repository's tags counts. Which tags there are is found
//! out by `repo`; what it means that one went down is judged by `pipeline`.

use std::fmt;
use std::sync::Arc;

use semver::{Version, VersionReq};

use crate::model::revision::{ObjectId, Reference};

/// How the tags of a repository write their versions: what stands before, and then a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// What each name begins with, for a server that is asked for these tags only.
    begins: Arc<str>,
    /// What stands before the version.
    prefix: Arc<str>,
}

impl Naming {
    /// Tags whose names are this prefix and a version. One `v` between them counts for nothing, unless the
    /// prefix ends with one already.
    pub fn new(prefix: &str) -> Self {
        Self { begins: prefix.into(), prefix: prefix.into() }
    }

    /// The versions that a tag that moves may stand for: `v1.4.2` and its like for `v1`, `app/1.4.2` and
    /// `app/v1.4.2` for `app/stable`.
    pub fn of_floating(tag: &str) -> Self {
        let prefix = tag.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let is_series = tag[prefix.len()..].starts_with(|c: char| c.is_ascii_digit());
        if is_series && (prefix.is_empty() || prefix.ends_with(|c: char| c == 'v' || !c.is_alphanumeric())) {
            return Self { begins: format!("{tag}.").into(), prefix: prefix.into() };
        }
        Self::new(tag.rfind('/').map_or("", |end| &tag[..=end]))
    }

    /// What the names of these tags begin with.
    pub fn begins(&self) -> &str {
        &self.begins
    }

    /// The version that a tag's short name says, where it is one of these.
    pub fn version(&self, tag: &str) -> Option<Version> {
        if !tag.starts_with(&*self.begins) {
            return None;
        }
        let rest = tag.strip_prefix(&*self.prefix)?;
        let rest = if self.prefix.ends_with('v') { rest } else { rest.strip_prefix('v').unwrap_or(rest) };
        Version::parse(rest).ok()
    }
}

/// Which versions to follow the highest of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    naming: Naming,
    wanted: VersionReq,
    written: Arc<str>,
    /// Whether a highest version that went down is taken like any other.
    pub allow_downgrade: bool,
}

impl Range {
    /// Takes what a person wrote, such as `^1.4`, and what stands before a version in a tag's name;
    /// `None` for what is no range.
    pub fn new(written: &str, prefix: &str, allow_downgrade: bool) -> Option<Self> {
        let wanted = VersionReq::parse(written.trim()).ok()?;
        Some(Self { naming: Naming::new(prefix), wanted, written: written.trim().into(), allow_downgrade })
    }

    /// How its tags write their versions.
    pub fn naming(&self) -> &Naming {
        &self.naming
    }

    /// Whether a version is in it. A pre-release is in it only where the range names one of that version.
    pub fn takes(&self, version: &Version) -> bool {
        self.wanted.matches(version)
    }

    /// The version at which it begins, or ends where it has no beginning: what is near it is near that.
    pub fn corner(&self) -> Version {
        self.wanted.comparators.first().map_or(Version::new(0, 0, 0), |first| {
            let mut corner = Version::new(first.major, first.minor.unwrap_or(0), first.patch.unwrap_or(0));
            corner.pre.clone_from(&first.pre);
            corner
        })
    }
}

impl fmt::Display for Range {
    /// Writes it as a person did: `^1.4`, or `^1.4 behind "app/"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)?;
        if self.naming.prefix.is_empty() { Ok(()) } else { write!(f, " behind {:?}", self.naming.prefix) }
    }
}

/// What of a repository to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Follow {
    /// One ref, or one commit.
    One(Reference),
    /// The tag with the highest version of a range.
    Highest(Range),
}

impl From<Reference> for Follow {
    fn from(reference: Reference) -> Self {
        Self::One(reference)
    }
}

impl fmt::Display for Follow {
    /// Writes the full name of a ref, the id of a commit, or the range.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(reference) => f.write_str(&reference.full_name()),
            Self::Highest(range) => range.fmt(f),
        }
    }
}

/// A tag whose name says a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionTag {
    /// Its short name.
    pub name: Arc<str>,
    /// The commit that it names.
    pub commit: ObjectId,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(naming: &Naming, tag: &str) -> Option<String> {
        naming.version(tag).map(|version| version.to_string())
    }

    #[test]
    fn without_a_prefix_one_v_counts_for_nothing() {
        let naming = Naming::new("");
        assert_eq!(says(&naming, "v1.4.2").as_deref(), Some("1.4.2"));
        assert_eq!(says(&naming, "1.4.2-rc.1+a").as_deref(), Some("1.4.2-rc.1+a"));
        for tag in ["v1", "v1.4", "vv1.4.2", "release-1.4.2", "app/v1.4.2", "v01.4.2", "latest"] {
            assert_eq!(says(&naming, tag), None, "{tag}");
        }
    }

    #[test]
    fn a_prefix_is_taken_away_and_one_v_behind_it() {
        let app = Naming::new("app/");
        assert_eq!(says(&app, "app/1.4.2").as_deref(), Some("1.4.2"));
        assert_eq!(says(&app, "app/v1.4.2").as_deref(), Some("1.4.2"));
        assert_eq!((says(&app, "v1.4.2"), says(&app, "apps/1.4.2")), (None, None));
        let v = Naming::new("v");
        assert_eq!(says(&v, "v1.4.2").as_deref(), Some("1.4.2"));
        assert_eq!((says(&v, "1.4.2"), says(&v, "vv1.4.2")), (None, None));
    }

    #[test]
    fn a_tag_that_moves_stands_for_versions_of_its_own_series() {
        for (tag, begins, version) in [
            ("v1", "v1.", "v1.4.2"),
            ("v1.4", "v1.4.", "v1.4.2"),
            ("1", "1.", "1.4.2"),
            ("app/v1", "app/v1.", "app/v1.4.2"),
            ("release-1", "release-1.", "release-1.4.2"),
            ("stable", "", "v1.4.2"),
            ("app/stable", "app/", "app/v1.4.2"),
            ("blue2", "", "1.4.2"),
        ] {
            let naming = Naming::of_floating(tag);
            assert_eq!(naming.begins(), begins, "{tag}");
            assert_eq!(says(&naming, version).as_deref(), Some("1.4.2"), "{tag}");
        }
        assert_eq!(says(&Naming::of_floating("v1"), "v10.0.0"), None);
        assert_eq!(says(&Naming::of_floating("app/stable"), "other/v1.4.2"), None);
    }

    #[test]
    fn a_pre_release_counts_only_where_the_range_names_one_of_its_version() {
        let takes = |range: &str, version: &str| {
            let range = Range::new(range, "", false).expect("a range");
            range.takes(&Version::parse(version).expect("a version"))
        };
        assert!(takes("^1.4", "1.9.0") && !takes("^1.4", "1.5.0-rc.1"));
        assert!(takes("^1.5.0-rc.1", "1.5.0-rc.2") && !takes("^1.5.0-rc.1", "1.6.0-rc.1"));
        assert!(takes(">=1.4, <2", "1.4.2+build") && takes("*", "3.0.0"));
        assert_eq!(Range::new("latest", "", false), None);
        assert_eq!(Range::new("v1.4", "", false), None);
    }
}
