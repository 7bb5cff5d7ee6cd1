//! How the values of keys are to be read: two texts that say the same are no change.
//!
//! A table of kinds and defaults. Only keys that the rows speak of are in it, and only defaults that hold in every release of
//! Debezium 2 and 3; a key that is not in it is a text without one.

use std::collections::BTreeSet;

use crate::pipeline::risk::family::Family;
use crate::pipeline::server;

/// How a value is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it stands.
    Text,
    /// A word, a number or a flag: case and the spaces around it do not count.
    Word,
    /// A list in which the order counts.
    Sequence,
    /// A list of what is taken; without it everything is.
    Include,
    /// The same of names, which stand for nothing but themselves.
    Names,
    /// A list of what is left out; without it nothing is.
    Exclude,
}

/// What is known of a key.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    key: &'static str,
    of: Family,
    /// How its value is to be read.
    pub kind: Kind,
    /// What it is where it is not set.
    pub default: Option<&'static str>,
}

const fn word(key: &'static str, default: &'static str) -> Setting {
    Setting { key, of: Family::Debezium, kind: Kind::Word, default: Some(default) }
}

const fn postgres(key: &'static str, kind: Kind, default: &'static str) -> Setting {
    Setting { key, of: Family::Postgres, kind, default: Some(default) }
}

const fn oracle(key: &'static str, default: &'static str) -> Setting {
    Setting { key, of: Family::Oracle, kind: Kind::Word, default: Some(default) }
}

const fn sink(key: &'static str, kind: Kind, default: &'static str) -> Setting {
    Setting { key, of: Family::Sinks, kind, default: Some(default) }
}

const fn list(key: &'static str, kind: Kind) -> Setting {
    Setting { key, of: Family::Debezium, kind, default: None }
}

const fn fields(key: &'static str) -> Setting {
    Setting { key, of: Family::Sinks, kind: Kind::Names, default: None }
}

const SETTINGS: &[Setting] = &[
    postgres("slot.name", Kind::Text, "debezium"),
    postgres("slot.drop.on.stop", Kind::Word, "false"),
    postgres("plugin.name", Kind::Word, "decoderbufs"),
    postgres("publication.name", Kind::Text, "dbz_publication"),
    postgres("publication.autocreate.mode", Kind::Word, "all_tables"),
    word("snapshot.mode", "initial"),
    word("heartbeat.interval.ms", "0"),
    word("tombstones.on.delete", "true"),
    word("decimal.handling.mode", "precise"),
    word("errors.max.retries", "-1"),
    word("event.processing.failure.handling.mode", "fail"),
    word("event.deserialization.failure.handling.mode", "fail"),
    word("inconsistent.schema.handling.mode", "fail"),
    Setting {
        key: "schema.history.internal",
        of: Family::Historized,
        kind: Kind::Text,
        default: Some("io.debezium.storage.kafka.history.KafkaSchemaHistory"),
    },
    word("schema.history.internal.skip.unparseable.ddl", "false"),
    word("schema.history.internal.store.only.captured.tables.ddl", "false"),
    Setting {
        key: "schema.history.internal.store.only.captured.databases.ddl",
        of: Family::Binlog,
        kind: Kind::Word,
        default: Some("true"),
    },
    word("schema.history.internal.store.only.captured.databases.ddl", "false"),
    word("include.query", "false"),
    word("lob.enabled", "false"),
    word("gtid.source.filter.dml.events", "true"),
    word("cursor.oversize.handling.mode", "fail"),
    word("cursor.pipeline.order", "internal_first"),
    word("cursor.oversize.skip.threshold", "0"),
    oracle("capture.mode", "primary"),
    sink("truncate.enabled", Kind::Word, "false"),
    sink("drop.invalid.message", Kind::Word, "false"),
    sink("consumer.override.auto.offset.reset", Kind::Word, "earliest"),
    fields("field.include.list"),
    fields("field.exclude.list"),
    fields("fields.whitelist"),
    Setting { key: "errors.tolerance", of: Family::All, kind: Kind::Word, default: Some("none") },
    Setting { key: "tasks.max", of: Family::All, kind: Kind::Word, default: Some("1") },
    Setting { key: "transforms", of: Family::All, kind: Kind::Sequence, default: None },
    Setting { key: "topics", of: Family::Sinks, kind: Kind::Names, default: None },
    sink("delete.enabled", Kind::Word, "false"),
    sink("deleteEnabled", Kind::Word, "false"),
    Setting { key: "*.override.bootstrap.servers", of: Family::All, kind: Kind::Names, default: None },
    Setting { key: "mongo.errors.tolerance", of: Family::All, kind: Kind::Word, default: None },
    sink("insert.mode", Kind::Word, "insert"),
    sink("primary.key.mode", Kind::Word, "none"),
    sink("pk.mode", Kind::Word, "none"),
    // With Kafka's coordinates as the key each field has its place.
    Setting { key: "primary.key.fields", of: Family::Sinks, kind: Kind::Sequence, default: None },
    Setting { key: "pk.fields", of: Family::Sinks, kind: Kind::Sequence, default: None },
    sink("table.name.format", Kind::Text, "${topic}"),
    sink("collection.name.format", Kind::Text, "${topic}"),
    sink("topics.dir", Kind::Text, "topics"),
    sink("table.name.normalize", Kind::Word, "false"),
    sink("data.stream.namespace", Kind::Text, "${topic}"),
    sink("redis.keyspace", Kind::Text, "${topic}"),
    sink("neo4j.database", Kind::Text, ""),
    oracle("log.mining.transaction.retention.ms", "0"),
    oracle("log.mining.transaction.retention.hours", "0"),
    oracle("database.connection.adapter", "logminer"),
    Setting { key: "filters.match.mode", of: Family::Mongo, kind: Kind::Word, default: Some("regex") },
    Setting { key: "capture.scope", of: Family::Mongo, kind: Kind::Word, default: Some("deployment") },
    list("table.include.list", Kind::Include),
    list("table.exclude.list", Kind::Exclude),
    list("schema.include.list", Kind::Include),
    list("schema.exclude.list", Kind::Exclude),
    list("database.include.list", Kind::Include),
    list("database.exclude.list", Kind::Exclude),
    list("collection.include.list", Kind::Include),
    list("collection.exclude.list", Kind::Exclude),
    list("database.names", Kind::Names),
    list("column.include.list", Kind::Include),
    list("column.exclude.list", Kind::Exclude),
    list("column.mask.*", Kind::Exclude),
    list("column.truncate.to.*", Kind::Exclude),
    list("field.exclude.list", Kind::Exclude),
    list("skipped.operations", Kind::Exclude),
    list("log.mining.username.include.list", Kind::Include),
    list("log.mining.username.exclude.list", Kind::Exclude),
    list("log.mining.clientid.include.list", Kind::Include),
    list("log.mining.clientid.exclude.list", Kind::Exclude),
    list("message.prefix.include.list", Kind::Include),
    list("message.prefix.exclude.list", Kind::Exclude),
    list("gtid.source.includes", Kind::Include),
    list("gtid.source.excludes", Kind::Exclude),
    list("replica.identity.autoset.values", Kind::Exclude),
    list("schema.history.internal.kafka.bootstrap.servers", Kind::Names),
];

/// Which Kafka the records of a source go to, and which one those of a sink come from, where it is not the worker's.
pub const KAFKA: &[&str] = &["producer.override.bootstrap.servers", "consumer.override.bootstrap.servers"];

/// Whether a key fits a pattern, in which `*` stands for any text.
pub fn fits(pattern: &str, key: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == key };
    let Some(mut left) = key.strip_prefix(head) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.ends_with(tail)
}

/// What is known of a key of a connector of this class.
pub fn of(key: &str, class: &str) -> Setting {
    if key == server::PORT && Family::Debezium.has(class) {
        let default = server::usual_port(class);
        return Setting { key: server::PORT, of: Family::Debezium, kind: Kind::Word, default };
    }
    let known = SETTINGS.iter().find(|setting| fits(setting.key, key) && setting.of.has(class));
    known.copied().unwrap_or(Setting { key: "", of: Family::All, kind: Kind::Text, default: None })
}

/// The items of a list.
pub fn items(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
}

impl Kind {
    /// Whether two texts say the same.
    pub fn is_same(self, one: &str, other: &str) -> bool {
        let set = |text| items(text).into_iter().collect::<BTreeSet<_>>();
        match self {
            Self::Text => one == other,
            Self::Word => one.trim().eq_ignore_ascii_case(other.trim()),
            Self::Sequence => items(one) == items(other),
            Self::Include | Self::Names | Self::Exclude => set(one) == set(other),
        }
    }
}
