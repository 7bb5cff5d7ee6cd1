//! What keys of Debezium's were called before.
//!
//! A table: which key is no longer read since which release, and what took its place. Each row was looked up in Debezium's
//! own sources. What follows is left to who asks: lints tell of such a key, a change of one is judged as its successor's.

use std::borrow::Cow;

/// A key, the release that no longer knows it, and the key that took its place.
#[derive(Debug)]
pub struct Key(pub &'static str, pub &'static str, pub Option<&'static str>);

/// Keys whose successor says the same in other words, so that the two texts cannot be compared.
pub const REWORDED: &[&str] = &[
    "database.history",
    "log.mining.transaction.retention.hours",
    "mongodb.hosts",
    "mongodb.poll.interval.sec",
    "sanitize.field.names",
    "snapshot.custom.class",
    "truncate.handling.mode",
];

/// Keys that are gone. One that ends in a dot stands for all that begin with it.
pub const KEYS: &[Key] = &[
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

/// The key under which Debezium reads since 2.0, word for word, what it read under this one before.
pub fn successor(key: &str) -> Option<Cow<'static, str>> {
    let fits = |Key(old, ..): &&Key| key == *old || (old.ends_with('.') && key.starts_with(old));
    let (old, now) = KEYS.iter().find(fits)?.renamed()?;
    Some(if key == old { Cow::Borrowed(now) } else { key.replacen(old, now, 1).into() })
}

/// The key that took this one's place in Debezium's sinks, which still read it where the new one is not there.
pub fn successor_in_sinks(key: &str) -> Option<&'static str> {
    match key {
        "table.name.format" => Some("collection.name.format"),
        "table.naming.strategy" => Some("collection.naming.strategy"),
        _ => None,
    }
}

/// Every key that only got another name in 2.0, and that name.
pub fn renamed() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYS.iter().filter_map(Key::renamed)
}

impl Key {
    fn renamed(&self) -> Option<(&'static str, &'static str)> {
        let Self(old, since, now) = self;
        now.filter(|_| *since == "2.0" && !REWORDED.contains(old)).map(|now| (*old, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_successor_where_the_text_is_the_same() {
        for (old, now) in [
            ("database.server.name", Some("topic.prefix")),
            ("table.whitelist", Some("table.include.list")),
            ("database.history.kafka.topic", Some("schema.history.internal.kafka.topic")),
            (
                "database.history.store.only.monitored.tables.ddl",
                Some("schema.history.internal.store.only.captured.tables.ddl"),
            ),
            ("database.history", None),
            ("mongodb.hosts", None),
            ("source.timestamp.mode", None),
            ("topic.prefix", None),
            ("slot.name", None),
        ] {
            assert_eq!(successor(old).as_deref(), now, "{old}");
        }
    }
}
