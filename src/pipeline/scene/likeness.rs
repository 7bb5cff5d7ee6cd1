//! In what a connector is the same as another one under another name.
//!
//! Takes what two connectors say, gives what they have in common, and what differs beside. The text of a host cannot tell
//! machines apart; a slot's name, a database's and a prefix together can. Of others than Debezium's nobody knows which keys
//! say so: all must be the same but for how it is done. Where transforms and brokers send the records is left to `route`, what
//! follows to `rename`.

use std::sync::Arc;

use crate::model::secret;
use crate::pipeline::classes::short;
use crate::pipeline::former;
use crate::pipeline::risk;
use crate::pipeline::risk::family::Family;
use crate::pipeline::scene::own::{Own, PUBLICATION, Publication, tables};
use crate::pipeline::scene::read::{PATTERN, Read, TOPICS, read};
use crate::pipeline::scene::route;
use crate::pipeline::server;
use crate::pipeline::sight::Sight;

/// What names the topics.
const PREFIX: &str = "topic.prefix";

/// What other sources write to.
const TOPIC: &str = "topic";

/// What says, beside the tables, which rows a connector captures.
const CAPTURED: &[&str] = &[
    "database.include.list",
    "database.exclude.list",
    "collection.include.list",
    "collection.exclude.list",
    "column.include.list",
    "column.exclude.list",
];

const CLASS: &str = "connector.class";

/// What says how a connector does its work, and neither what it reads nor where it writes; transforms and brokers apart, which
/// may say either.
const MANNER: &[&str] = &[
    "name",
    "tasks.max",
    "errors.",
    "consumer.override.",
    "producer.override.",
    "admin.override.",
    "key.converter",
    "value.converter",
    "header.converter",
    "transforms",
    "predicates",
    "topic.creation.",
    "batch.",
    "max.batch.",
    "poll.",
    "retry.",
    "max.retries",
    "retries",
    "flush.",
    "linger.",
    "connection.attempts",
    "connection.backoff",
];

/// What of that says what becomes of a record on its way.
const OF_RECORDS: &[&str] =
    &["errors.", "key.converter", "value.converter", "header.converter", "transforms", "predicates"];

/// In what two connectors are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// Both read one place, and write to the same topics.
    Topics,
    /// Both read one place through one slot, and write to other topics.
    Slot,
    /// Slot, database and topics have the same names, on servers whose addresses differ.
    Names,
    /// Topics have the same names, on servers whose addresses differ.
    Prefix,
    /// All is the same but for how it is done, with others than Debezium's.
    Work,
    /// Both write what comes in one topic to one target, with sinks.
    Target,
    /// Both read the same of one place, each with a slot and topics of its own: two connectors.
    Rows,
}

/// What two connectors that are the same in any way have in common.
pub type Mark = (String, Common);

/// What it is, beside the sort of connector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Common {
    /// The prefix, or the topics.
    Topics(Arc<str>),
    /// The name of a slot.
    Slot(Arc<str>),
    /// That a sink reads a list of topics.
    List,
    /// That a sink reads what fits a pattern.
    Pattern,
    /// Nothing.
    Nothing,
}

/// By what a connector is found. A sink is found by each of its topics.
pub fn marks(sight: &Sight<'_>) -> Vec<Mark> {
    let sort = sort(sight);
    if Family::Sinks.has(sight.class) {
        let read = read(sight);
        let own = if matches!(read, Read::Topics(_)) { Common::List } else { Common::Pattern };
        return topics(&read).chain([own]).map(|common| (sort.clone(), common)).collect();
    }
    if !Family::Debezium.has(sight.class) {
        return vec![(sort, Common::Topics(sight.text(TOPIC).unwrap_or_default()))];
    }
    let common = [prefix(sight).map(Common::Topics), Own::slot_name(sight).map(Common::Slot)];
    common.into_iter().flatten().chain([Common::Nothing]).map(|common| (sort.clone(), common)).collect()
}

/// The marks of those that a connector may be another one of. Of two lists one topic must be the same text, and only of a
/// pattern nobody knows before it is read.
pub fn sought(sight: &Sight<'_>) -> Vec<Mark> {
    if !Family::Sinks.has(sight.class) {
        return marks(sight);
    }
    let read = read(sight);
    let lists = matches!(read, Read::Pattern(_)).then_some(Common::List);
    let commons = topics(&read).chain([Common::Pattern]).chain(lists);
    let sort = sort(sight);
    commons.map(|common| (sort.clone(), common)).collect()
}

/// The topics of a list: a pattern is none.
fn topics(read: &Read) -> impl Iterator<Item = Common> {
    let listed = if let Read::Topics(topics) = read { Some(topics) } else { None };
    listed.into_iter().flatten().map(|topic| Common::Topics(topic.as_str().into()))
}

fn sort(sight: &Sight<'_>) -> String {
    let binlog = Family::Binlog.has(sight.class);
    if binlog { "binlog".to_owned() } else { short(sight.class.trim()).to_owned() }
}

/// What names the topics, under the name of today or one that the key had before.
fn prefix(sight: &Sight<'_>) -> Option<Arc<str>> {
    let old = former::renamed().filter(|(_, now)| *now == PREFIX).map(|(old, _)| old);
    [PREFIX].into_iter().chain(old).find_map(|key| sight.text(key))
}

impl Likeness {
    /// In what two connectors with a mark in common are the same.
    pub fn of(old: &Sight<'_>, new: &Sight<'_>) -> Option<Self> {
        match [old, new].map(|sight| Family::Debezium.has(sight.class)) {
            [true, true] => Self::of_debezium(old, new),
            [false, false] if Family::Sinks.has(new.class) && !read(old).meets(&read(new)) => None,
            [false, false] if is_same_work(old, new) => Some(Self::Work),
            [false, false] => is_same_target(old, new).then_some(Self::Target),
            [true, false] | [false, true] => None,
        }
    }

    fn of_debezium(old: &Sight<'_>, new: &Sight<'_>) -> Option<Self> {
        let is_one = |one: Option<Arc<str>>, other: Option<Arc<str>>| one.is_some() && one == other;
        let has_topics = is_one(prefix(old), prefix(new));
        let has_slot = is_one(Own::slot_name(old), Own::slot_name(new));
        let captures = |sight: &Sight<'_>| CAPTURED.iter().map(|key| sight.text(key)).collect::<Vec<_>>();
        let has_rows = || tables(old) == tables(new) && captures(old) == captures(new);
        if server::is_same(old, new) {
            match (has_topics, has_slot) {
                (true, _) => Some(Self::Topics),
                (false, true) => Some(Self::Slot),
                (false, false) => has_rows().then_some(Self::Rows),
            }
        } else {
            let has_names = has_slot && server::is_same_database(old, new);
            has_topics.then_some(if has_names { Self::Names } else { Self::Prefix })
        }
    }

    /// Whether another one beside it may well have that in common with it, on purpose or as something to be told for itself.
    pub fn is_loose(self) -> bool {
        match self {
            Self::Prefix | Self::Target => true,
            Self::Topics | Self::Slot | Self::Names | Self::Work | Self::Rows => false,
        }
    }

    /// Whether it is one of connectors that are not Debezium's.
    pub fn is_of_others(self) -> bool {
        match self {
            Self::Work | Self::Target => true,
            Self::Topics | Self::Slot | Self::Names | Self::Prefix | Self::Rows => false,
        }
    }

    /// What is the same, in words.
    pub fn told(self) -> &'static str {
        match self {
            Self::Topics => "the same server and the same topics",
            Self::Slot => "the same server, the same database and the same slot",
            Self::Names => "the same slot, the same database and the same topics",
            Self::Prefix => "the same topics",
            Self::Work => "the same class and the same work",
            Self::Target => "the same class and the same target, for topics that both read",
            Self::Rows => "the same tables of the same database",
        }
    }

    /// What it does that the rest differs.
    pub fn beside(self) -> Option<&'static str> {
        match self {
            Self::Slot => Some("All rows come in other topics from then on."),
            Self::Names => Some(
                "That may be another name of the same server. On another server it makes a slot of its own, and the rows of both \
                 come in the same topics.",
            ),
            Self::Prefix => Some(
                "The server has another address. Where it is another server, the rows of both come in the same topics.",
            ),
            Self::Topics | Self::Work | Self::Target | Self::Rows => None,
        }
    }
}

/// A key that is another one under the new name, though it says which connector it is.
#[derive(Debug)]
pub struct Differs {
    /// The key.
    pub key: &'static str,
    /// What it is under the old name.
    pub was: String,
    /// What it is to be.
    pub will: String,
}

/// Each such key whose texts may be told.
pub fn differing(old: &Sight<'_>, new: &Sight<'_>) -> Vec<Differs> {
    let pair = |key, of: &dyn Fn(&Sight<'_>) -> Option<String>| Some((key, of(old)?, of(new)?));
    let slot = pair("slot.name", &|sight| Own::slot_name(sight).map(|text| text.to_string()));
    let topics = pair(PREFIX, &|sight| prefix(sight).map(|text| text.to_string()));
    let publication = pair(PUBLICATION, &|sight| Publication::named(sight).map(|text| text.to_string()));
    let address = server::ADDRESS.map(|key| pair(key, &|sight| server::said(sight, key)));
    let pairs = [slot, topics, publication].into_iter().chain(address).flatten();
    let differs = |(key, was, will)| Differs { key, was, will };
    pairs.filter(|(_, was, will)| was != will).map(differs).collect()
}

/// Whether two connectors of one sort say the same, but for how they work.
fn is_same_work(old: &Sight<'_>, new: &Sight<'_>) -> bool {
    is_same_work_but(&[], old, new)
}

/// The same, whatever some keys say.
fn is_same_work_but(except: &[&str], old: &Sight<'_>, new: &Sight<'_>) -> bool {
    let is_manner =
        |key: &str| MANNER.iter().any(|part| key.starts_with(part)) || secret::is_whole_secret(key);
    let says = |key: &str| key != CLASS && !is_manner(key);
    let turned = risk::turned(old.config, new.config);
    let differs = |key: &str| says(key) && !except.contains(&key);
    old.config.keys().chain(new.config.keys()).any(says) && !turned.iter().any(|key| differs(key))
}

/// Whether two of one class do the same with each record, on the same ways, whatever topics they read.
pub fn is_one_work(one: &Sight<'_>, other: &Sight<'_>) -> bool {
    let is_of_records = |key: &Arc<str>| OF_RECORDS.iter().any(|part| key.starts_with(part));
    sort(one) == sort(other)
        && is_same_work_but(&[TOPICS, PATTERN], one, other)
        // What does no harm one way may do some the other way.
        && !risk::turned(one.config, other.config).iter().any(is_of_records)
        && !risk::turned(other.config, one.config).iter().any(is_of_records)
        && route::differing(one, other).is_empty()
}

/// Whether two sinks, which read one topic, write it to one target.
fn is_same_target(old: &Sight<'_>, new: &Sight<'_>) -> bool {
    Family::Sinks.has(new.class) && risk::is_one_target(old.config, new.config)
}
