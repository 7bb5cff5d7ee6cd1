//! What a Connect worker can do, as far as the versions that tagalong works with differ.
//!
//! Takes a version as a worker tells it, gives what that version can. It is a value like any other:
//! plans are made from it, so a step is right for the cluster it is planned for. Asking the worker
//! is left to `connect`.

use std::fmt;
use std::sync::Arc;

/// The version with which each capability came.
const INITIAL_STATE: Version = Version { major: 3, minor: 7 };
const STOP: Version = Version { major: 3, minor: 5 };
const OFFSETS: Version = Version { major: 3, minor: 5 };
const RESTART_FAILED: Version = Version { major: 3, minor: 0 };

/// The versions whose tasks notice a change that their own configs do not show (KAFKA-9228), each with the first
/// patch of it that does; later ones all do.
const NOTICES: [(Version, u32); 2] =
    [(Version { major: 3, minor: 7 }, 2), (Version { major: 3, minor: 8 }, 1)];
const ALL_NOTICE: Version = Version { major: 3, minor: 9 };

/// What Confluent's distribution adds to its own version numbers, which are not Kafka's.
const CONFLUENT: [&str; 2] = ["-ccs", "-ce"];

/// As much of a version as is kept of what a worker says.
const LONGEST_VERSION: usize = 64;

/// A version of Kafka Connect, as far as its features go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl Version {
    /// The first version that can be worked with: it reads all connectors in one request.
    pub const OLDEST: Self = Self { major: 2, minor: 3 };

    /// The newest version that was tried.
    pub const NEWEST: Self = Self { major: 4, minor: 3 };

    /// Reads what a worker says of its version: `4.3.0`, `3.7.1.redhat-00003`, `7.6.0-ccs`.
    ///
    /// Gives `None` where it says nothing of Kafka's own version. A number from 5 on without
    /// Confluent's suffix may be Confluent's or a Kafka of the future, so it says nothing either.
    pub fn read(text: &str) -> Option<Self> {
        let mut numbers = text.trim().split('.');
        let major = numbers.next()?.parse().ok()?;
        let digits: String = numbers.next()?.chars().take_while(char::is_ascii_digit).collect();
        let minor = digits.parse().ok()?;
        if CONFLUENT.iter().any(|suffix| text.trim_end().ends_with(suffix)) {
            return of_confluent(major, minor);
        }
        (major < 5).then_some(Self { major, minor })
    }
}

/// Confluent 5.0 to 5.5 have Kafka 2.0 to 2.5, 6.0 to 6.2 have 2.6 to 2.8; from 7.0 on it is four less.
fn of_confluent(major: u32, minor: u32) -> Option<Version> {
    match major {
        5 => Some(Version { major: 2, minor }),
        6 => Some(Version { major: 2, minor: minor.checked_add(6)? }),
        7.. => Some(Version { major: major - 4, minor }),
        _ => None,
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What the workers of a cluster can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The version as the worker says it, where it says one.
    pub version: Option<Arc<str>>,
    /// A version whose features it has; `None` where nothing told, and it is taken for the oldest.
    as_of: Option<Version>,
}

impl Capabilities {
    /// Those of a version.
    pub fn of(version: Version) -> Self {
        Self { version: None, as_of: Some(version) }
    }

    /// Those of a worker of which nothing is known: what every version can.
    pub fn unknown() -> Self {
        Self { version: None, as_of: None }
    }

    /// The same, of a worker that says this version.
    #[must_use]
    pub fn said(self, version: &str) -> Self {
        let version = version.trim().chars().filter(|one| !one.is_control());
        let version: String = version.take(LONGEST_VERSION).collect();
        Self { version: (!version.is_empty()).then(|| version.into()), ..self }
    }

    /// The same without what `other` cannot.
    #[must_use]
    pub fn within(self, other: &Self) -> Self {
        Self { as_of: self.as_of.min(other.as_of), ..self }
    }

    /// Whether anything told what the worker can.
    pub fn is_known(&self) -> bool {
        self.as_of.is_some()
    }

    /// Whether a connector can be made in another state than running.
    pub fn has_initial_state(&self) -> bool {
        self.has(INITIAL_STATE)
    }

    /// Whether a connector can be stopped.
    pub fn has_stop(&self) -> bool {
        self.has(STOP)
    }

    /// Whether the offsets that a connector has stored can be read.
    pub fn tells_offsets(&self) -> bool {
        self.has(OFFSETS)
    }

    /// Whether what failed of a connector, itself and tasks, can be restarted in one call.
    pub fn restarts_failed(&self) -> bool {
        self.has(RESTART_FAILED)
    }

    /// Whether tasks are restarted for a change that their own configs do not show, as that of a converter.
    pub fn notices_what_tasks_do_not_show(&self) -> bool {
        let patch = self.version.as_deref().and_then(patch).unwrap_or(0);
        let is_told = self.version.as_deref().and_then(Version::read) == self.as_of;
        let is_mended =
            |(version, since): &(Version, u32)| is_told && self.as_of == Some(*version) && patch >= *since;
        self.has(ALL_NOTICE) || NOTICES.iter().any(is_mended)
    }

    fn has(&self, since: Version) -> bool {
        self.as_of.unwrap_or(Version::OLDEST) >= since
    }
}

/// The third number of a version; that of Confluent's is not Kafka's.
fn patch(text: &str) -> Option<u32> {
    if CONFLUENT.iter().any(|suffix| text.trim_end().ends_with(suffix)) {
        return None;
    }
    let third = text.trim().split('.').nth(2)?;
    let digits: String = third.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

impl Default for Capabilities {
    /// Those of the newest version: everything.
    fn default() -> Self {
        Self::of(Version::NEWEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_in_every_distributions_form() {
        for (text, expected) in [
            ("4.3.0", Some((4, 3))),
            ("3.9.1", Some((3, 9))),
            ("2.8.2", Some((2, 8))),
            ("3.10.0", Some((3, 10))),
            ("4.4.0-SNAPSHOT", Some((4, 4))),
            (" 3.6.1\n", Some((3, 6))),
            ("3.7.1.redhat-00003", Some((3, 7))),
            ("3.5.1-amzn-0", Some((3, 5))),
            ("3.4.1.7.1.9.0-387", Some((3, 4))),
            ("3.7-custom", Some((3, 7))),
            ("5.2.1-ccs", Some((2, 2))),
            ("5.3.0-ccs", Some((2, 3))),
            ("5.5.12-ce", Some((2, 5))),
            ("6.0.0-ccs", Some((2, 6))),
            ("6.2.15-ce", Some((2, 8))),
            ("7.0.1-ccs", Some((3, 0))),
            ("7.6.0-ccs", Some((3, 6))),
            ("7.9.1-ce", Some((3, 9))),
            ("8.0.0-ce", Some((4, 0))),
            ("8.1.0-1-ccs", Some((4, 1))),
            ("3.6.0-centos", Some((3, 6))),
            // Could be either's.
            ("7.6.0", None),
            ("5.0.0", None),
            ("3.3.0-ccs", None),
            ("unknown", None),
            ("trunk", None),
            ("4", None),
            ("4.x", None),
            ("v4.3.0", None),
            ("-1.2", None),
            ("99999999999.1", None),
            ("", None),
        ] {
            let found = Version::read(text).map(|version| (version.major, version.minor));
            assert_eq!(found, expected, "{text:?}");
        }
    }

    fn told(found: &Capabilities) -> (bool, [bool; 2], bool) {
        (found.has_initial_state(), [found.has_stop(), found.tells_offsets()], found.restarts_failed())
    }

    #[test]
    fn each_version_can_what_came_with_it_and_before() {
        for (version, expected) in [
            ((2, 3), (false, [false; 2], false)),
            ((2, 8), (false, [false; 2], false)),
            ((3, 0), (false, [false; 2], true)),
            ((3, 4), (false, [false; 2], true)),
            ((3, 5), (false, [true; 2], true)),
            ((3, 6), (false, [true; 2], true)),
            ((3, 7), (true, [true; 2], true)),
            ((4, 3), (true, [true; 2], true)),
        ] {
            let found = Capabilities::of(Version { major: version.0, minor: version.1 });
            assert_eq!(told(&found), expected, "{version:?}");
        }
        assert_eq!(told(&Capabilities::default()), (true, [true; 2], true));
    }

    #[test]
    fn a_patch_decides_whether_tasks_notice_what_they_do_not_show() {
        for (text, expected) in [
            ("2.8.2", false),
            ("3.6.2", false),
            ("3.7.0", false),
            ("3.7.1.redhat-00003", false),
            ("3.7.2", true),
            ("3.7.12-amzn-0", true),
            ("3.8.0", false),
            ("3.8.1", true),
            ("3.9.0", true),
            ("4.3.0", true),
            // Confluent's patches are not Kafka's.
            ("7.7.2-ccs", false),
            ("7.8.1-ce", false),
            ("7.9.0-ccs", true),
            ("3.7-custom", false),
        ] {
            let version = Version::read(text).expect("a version");
            let found = Capabilities::of(version).said(text);
            assert_eq!(found.notices_what_tasks_do_not_show(), expected, "{text}");
        }
        let contradicted = Capabilities::of(Version { major: 3, minor: 8 }).said("3.8.1");
        let within = contradicted.within(&Capabilities::of(Version { major: 3, minor: 7 }));
        assert!(!within.notices_what_tasks_do_not_show(), "it is not the version that it says");
        assert!(!Capabilities::unknown().notices_what_tasks_do_not_show());
    }

    #[test]
    fn a_worker_of_which_nothing_is_known_can_what_every_version_can() {
        let unknown = Capabilities::unknown();
        assert_eq!((unknown.is_known(), told(&unknown)), (false, (false, [false; 2], false)));
        assert_eq!(unknown.clone().said(" un\u{7}known ").version.as_deref(), Some("unknown"));
        assert_eq!(unknown.said("").version, None);
    }
}
