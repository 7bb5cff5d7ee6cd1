//! Keys and values that Debezium 2 and 3 removed.
//!
//! Each row was looked up in Debezium's own sources: in which release its connectors still know the
//! word, and in which they no longer do.

use crate::model::rule::Rule;
use crate::pipeline::lints::classes::{POSTGRES, RELATIONAL};
use crate::pipeline::lints::seen::{Breach, Seen};

/// A key, the release that no longer knows it, and the key that took its place.
struct Key(&'static str, &'static str, Option<&'static str>);

/// Keys whose successor says the same in other words, so that the two texts cannot be compared.
const REWORDED: &[&str] = &[
    "database.history",
    "log.mining.transaction.retention.hours",
    "mongodb.hosts",
    "mongodb.poll.interval.sec",
    "sanitize.field.names",
    "snapshot.custom.class",
    "truncate.handling.mode",
];

/// Keys that are gone. One that ends in a dot stands for all that begin with it.
const KEYS: &[Key] = &[
    Key("database.server.name", "2.0", Some("topic.prefix")),
    Key("database.history", "2.0", Some("schema.history.internal")),
    Key(
        "database.history.store.only.monitored.tables.ddl",
        "2.0",
        Some("schema.history.internal.store.only.captured.tables.ddl"),
    ),
    Key("database.history.", "2.0", Some("schema.history.internal.")),
    Key("database.whitelist", "2.0", Some("database.include.list")),
    Key("database.blacklist", "2.0", Some("database.exclude.list")),
    Key("schema.whitelist", "2.0", Some("schema.include.list")),
    Key("schema.blacklist", "2.0", Some("schema.exclude.list")),
    Key("table.whitelist", "2.0", Some("table.include.list")),
    Key("table.blacklist", "2.0", Some("table.exclude.list")),
    Key("column.whitelist", "2.0", Some("column.include.list")),
    Key("column.blacklist", "2.0", Some("column.exclude.list")),
    Key("collection.whitelist", "2.0", Some("collection.include.list")),
    Key("collection.blacklist", "2.0", Some("collection.exclude.list")),
    Key("field.blacklist", "2.0", Some("field.exclude.list")),
    Key("mongodb.name", "2.0", Some("topic.prefix")),
    Key("mongodb.hosts", "2.4", Some("mongodb.connection.string")),
    Key("mongodb.members.auto.discover", "2.4", None),
    Key("mongodb.poll.interval.sec", "2.0", Some("mongodb.poll.interval.ms")),
    Key("initial.sync.max.threads", "2.0", Some("snapshot.max.threads")),
    Key("snapshot.new.tables", "2.7", None),
    Key("snapshot.custom.class", "2.6", Some("snapshot.mode.custom.name")),
    Key("sanitize.field.names", "2.2", Some("field.name.adjustment.mode")),
    Key("toasted.value.placeholder", "2.0", Some("unavailable.value.placeholder")),
    Key("truncate.handling.mode", "2.0", Some("skipped.operations")),
    Key("transaction.topic", "2.0", Some("topic.transaction")),
    Key("source.timestamp.mode", "2.0", None),
    Key("gtid.new.channel.position", "2.0", None),
    Key("database.oracle.version", "2.0", None),
    Key("log.mining.transaction.retention.hours", "3.0", Some("log.mining.transaction.retention.ms")),
];

/// For some classes: a key, its values, the release that refuses them, and what to write.
struct Word(&'static [&'static str], &'static str, &'static [&'static str], &'static str, &'static str);

/// Values that are gone.
const WORDS: &[Word] = &[
    Word(RELATIONAL, "snapshot.mode", &["schema_only"], "3.3", "no_data"),
    Word(RELATIONAL, "snapshot.mode", &["schema_only_recovery"], "3.3", "recovery"),
    Word(POSTGRES, "snapshot.mode", &["never"], "3.3", "no_data"),
    Word(POSTGRES, "snapshot.mode", &["exported"], "2.0", "initial"),
    Word(
        POSTGRES,
        "plugin.name",
        &["wal2json", "wal2json_streaming", "wal2json_rds", "wal2json_rds_streaming"],
        "2.0",
        "pgoutput",
    ),
];

/// Keys that are not read.
pub fn keys(seen: &Seen<'_>) -> Vec<Breach> {
    if !seen.is_debezium() {
        return Vec::new();
    }
    KEYS.iter().flat_map(|row| row.of(seen).into_iter().filter_map(|key| row.breach(seen, key))).collect()
}

impl Key {
    /// The keys of a connector that a row speaks of. A row of a whole key goes before that of its
    /// beginning.
    fn of<'d>(&self, seen: &Seen<'d>) -> Vec<&'d str> {
        let Self(old, ..) = self;
        let config = &seen.connector.config;
        if !old.ends_with('.') {
            return config.get(old).map(|_| *old).into_iter().collect();
        }
        let is_whole = |key: &str| KEYS.iter().any(|Self(whole, ..)| *whole == key);
        config.keys().filter(|key| key.starts_with(old) && !is_whole(key)).collect()
    }

    /// One beside its successor does no harm where both say the same, and serves both releases.
    fn breach(&self, seen: &Seen<'_>, key: &str) -> Option<Breach> {
        let Self(old, since, now) = self;
        let now = now.map(|now| key.replacen(old, now, 1));
        let message = format!("Debezium {since} and newer do not read `{key}`");
        let Some(now) = now else { return Some(seen.breach(Rule::RemovedKey, key, message)) };
        if !seen.has(&now) {
            return Some(seen.breach(Rule::RemovedKey, key, message).hint(format!("write `{now}`")));
        }
        let agree = if REWORDED.contains(old) { by_one_hand } else { say_the_same };
        if agree(seen, key, &now) {
            return None;
        }
        let at = seen.place(&now).map_or(String::new(), |place| format!(" at {place}"));
        let message = format!("{message}, but `{now}`, which says something else{at}");
        let hint = format!("write it under `{now}`, and remove `{key}`");
        Some(seen.breach(Rule::RemovedKey, key, message).hint(hint))
    }
}

/// Whether two keys have the same value; blanks around commas mean nothing to Connect.
fn say_the_same(seen: &Seen<'_>, one: &str, other: &str) -> bool {
    let config = &seen.connector.config;
    let items = |text: &str| text.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>();
    match (seen.text(one), seen.text(other)) {
        (Some(one), Some(other)) => items(&one) == items(&other),
        (_, _) => config.get(one) == config.get(other),
    }
}

/// Whether one layer says both keys: who wrote them beside each other had both releases in mind.
fn by_one_hand(seen: &Seen<'_>, one: &str, other: &str) -> bool {
    let layer = |key| seen.layers(key).last().map(|origin| &origin.layer);
    layer(one) == layer(other)
}

/// Values that are refused.
pub fn values(seen: &Seen<'_>) -> Vec<Breach> {
    let removed = |Word(classes, key, words, since, now): &Word| {
        let word = words.iter().find(|word| seen.is(classes) && seen.says(key, &[word]))?;
        let message = format!("Debezium {since} and newer refuse `{key}: {word}`");
        Some(seen.breach(Rule::RemovedValue, key, message).hint(format!("write `{now}`")))
    };
    WORDS.iter().filter_map(removed).collect()
}
