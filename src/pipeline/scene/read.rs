//! What a sink reads: its topics, and the consumer group whose offsets it has.
//!
//! Takes what a sink says, gives topics and group, and whether two read what the other one reads. What a pattern fits is known
//! to `pattern`; where it is enough that two may meet, it may fit every topic.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::name::ConnectorName;
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::group;
use crate::pipeline::risk::setting;
use crate::pipeline::scene::pattern;
use crate::pipeline::sight::Sight;

/// A sink's list of topics.
pub const TOPICS: &str = "topics";
/// What stands in its place.
pub const PATTERN: &str = "topics.regex";

const KAFKA: &str = "consumer.override.bootstrap.servers";

/// The topics of a sink.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// These.
    Topics(BTreeSet<String>),
    /// What a pattern fits.
    Pattern(Arc<str>),
}

/// What a sink reads.
pub fn read(sight: &Sight<'_>) -> Read {
    if let Some(pattern) = sight.text(PATTERN) {
        return Read::Pattern(pattern);
    }
    let topics = sight.text(TOPICS).unwrap_or_default();
    Read::Topics(setting::items(&topics).into_iter().map(str::to_owned).collect())
}

impl Read {
    /// The texts that it consists of.
    fn names(&self) -> impl Iterator<Item = &str> {
        let (topics, pattern) = match self {
            Self::Topics(topics) => (Some(topics), None),
            Self::Pattern(pattern) => (None, Some(&**pattern)),
        };
        topics.into_iter().flatten().map(String::as_str).chain(pattern)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let others: BTreeSet<_> = other.names().collect();
        self.names().any(|name| others.contains(name))
    }

    /// Whether two surely read one topic, where it is there.
    pub fn meets(&self, other: &Self) -> bool {
        self.overlaps(other)
            || match (self, other) {
                (Self::Topics(_), Self::Topics(_)) => false,
                (Self::Topics(topics), Self::Pattern(pattern))
                | (Self::Pattern(pattern), Self::Topics(topics)) => {
                    topics.iter().any(|topic| pattern::fits(pattern, topic))
                }
                (Self::Pattern(one), Self::Pattern(other)) => pattern::may_meet(one, other),
            }
    }

    /// Whether two may read one topic.
    pub fn may_overlap(&self, other: &Self) -> bool {
        let is_pattern = |read: &Self| matches!(read, Self::Pattern(_));
        is_pattern(self) || is_pattern(other) || self.overlaps(other)
    }
}

/// A consumer group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The brokers, where they are not the worker's own.
    pub kafka: Option<Arc<str>>,
    /// Its id.
    pub id: Arc<str>,
}

impl Group {
    /// That of a sink: without one of its own it has that of its name.
    pub fn of(name: &ConnectorName, sight: &Sight<'_>) -> Option<Self> {
        let own = || group::own(name.as_str()).into();
        let of = || Self { kafka: sight.text(KAFKA), id: sight.text(group::KEY).unwrap_or_else(own) };
        Family::Sinks.has(sight.class).then(of)
    }
}
