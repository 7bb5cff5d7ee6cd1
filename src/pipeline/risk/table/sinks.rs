//! Every sink: what it reads, where it writes, and what becomes of what it cannot write.
//!
//! Read in the documentation and the sources of Connect and of the sinks that have these keys, not measured.

use crate::model::risk::Harm;
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::group;
use crate::pipeline::risk::row::{BLANK, Row, Seen};
use crate::pipeline::risk::target;
use crate::pipeline::risk::when::When;

const ROW: Row = Row { of: Family::Sinks, seen: Seen::Read, ..BLANK };

const DEAD_LETTERS: &str = "errors.deadletterqueue.topic.name";

/// What the sink of `MongoDB`'s makers says for itself, in place of Connect's own key.
const MONGO_TOLERANCE: &str = "mongo.errors.tolerance";

const TOLERANCE: &[&str] = &["errors.tolerance", MONGO_TOLERANCE];

/// The address of a target in one text.
const URLS: &[&str] = &["connection.url", "connection.uri", "mongodb.connection.string"];

/// What names the place where a sink writes.
pub const PLACES: &[&str] = &[
    "connection.url",
    "connection.uri",
    "mongodb.connection.string",
    "s3.bucket.name",
    "aws.s3.bucket.name",
    "aws_s3_bucket",
    "gcs.bucket.name",
    "azure.storage.container.name",
    "store.url",
    "hdfs.url",
    "http.api.url",
    "http.url",
    "hostname",
    "iceberg.catalog.uri",
    "project",
    "redis.uri",
    "redis.host",
    "redis.hosts",
    "snowflake.url.name",
    "neo4j.uri",
    "neo4j.server.uri",
    "connect.s3.kcql",
    "connect.gcpstorage.kcql",
    "connect.datalake.kcql",
    "connect.mongo.connection",
];

/// What a sink by JDBC takes for the key of a row: Debezium's, Confluent's and Aiven's.
const KEYS: &[&str] = &["primary.key.mode", "primary.key.fields", "pk.mode", "pk.fields"];

const ADDRESS: &str = "sink-address-changed";

/// The row of what names a target to few sinks.
pub const TARGET: &str = "sink-target-changed";

/// The row of the statements that say what Lenses' sinks write where.
pub const STATEMENT: &str = "sink-statement-changed";

/// The rows that say that the place is another one.
pub const ELSEWHERE: &[&str] = &[ADDRESS, TARGET, STATEMENT];

/// The rows.
pub static ROWS: &[Row] = &[
    Row {
        id: "sink-errors-dropped",
        keys: TOLERANCE,
        when: When::All(&[When::To(&["all", "data"]), When::Not(&When::Has(DEAD_LETTERS))]),
        harm: Some(Harm::DataGap),
        consequence: "A record that cannot be converted, transformed or written is dropped, and the offsets move on.",
        remedy: Some("set `errors.deadletterqueue.topic.name` with it"),
        ..ROW
    },
    Row {
        id: "sink-errors-dropped-again",
        keys: &[MONGO_TOLERANCE],
        when: When::All(&[
            When::Removed,
            When::Says("errors.tolerance", &["all"]),
            When::Not(&When::Has(DEAD_LETTERS)),
        ]),
        harm: Some(Harm::DataGap),
        consequence: "Without it the sink does as `errors.tolerance` says: a record that cannot be written is dropped, and the offsets move on.",
        remedy: Some("set `errors.deadletterqueue.topic.name` with it"),
        ..ROW
    },
    Row {
        id: "sink-errors-kept",
        keys: TOLERANCE,
        consequence: "What cannot be taken goes to the dead letter queue, or fails the task.",
        ..ROW
    },
    Row {
        id: "sink-errors-no-longer-kept",
        keys: &[DEAD_LETTERS],
        when: When::All(&[
            When::Emptied,
            When::Any(&[
                When::Says("errors.tolerance", &["all"]),
                When::Says(MONGO_TOLERANCE, &["all", "data"]),
            ]),
        ]),
        harm: Some(Harm::DataGap),
        consequence: "A record that cannot be converted, transformed or written went to that topic. From then on it is dropped, and the offsets move on.",
        remedy: Some(
            "set `errors.tolerance` to `none` with it, and `mongo.errors.tolerance` where it is there: the task then stops there, and nothing is lost",
        ),
        ..ROW
    },
    Row {
        id: "sink-errors-elsewhere",
        keys: &[DEAD_LETTERS],
        when: When::All(&[When::Says("errors.tolerance", &["all"]), When::Not(&When::Emptied)]),
        harm: Some(Harm::Contract),
        consequence: "What cannot be taken goes to another topic from then on; what was put aside before stays where it is.",
        ..ROW
    },
    Row {
        id: "sink-group-changed",
        keys: &[group::KEY],
        harm: Some(Harm::Resnapshot),
        consequence: "Another consumer group has no offsets: the sink begins at the start of its topics, or at their end, as `auto.offset.reset` says.",
        remedy: Some(
            "stop the connector, give the new group the offsets of the old one, change the config, resume",
        ),
        ..ROW
    },
    Row {
        id: "sink-topics-by-pattern",
        keys: &["topics"],
        when: When::Also("topics.regex"),
        consequence: "The list and the pattern in `topics.regex` take each other's place: what that does is said of the pattern.",
        ..ROW
    },
    Row {
        id: "sink-topics-fewer",
        keys: &["topics"],
        when: When::Any(&[When::Less, When::Emptied]),
        harm: Some(Harm::Outage),
        consequence: "What comes in that topic is no longer delivered. Once it is in the list again the sink goes on where it stood, unless the group's offsets have expired by then.",
        ..ROW
    },
    Row {
        id: "sink-topics-more",
        keys: &["topics"],
        when: When::More,
        harm: Some(Harm::Contract),
        consequence: "The new topic is delivered from its beginning.",
        ..ROW
    },
    Row {
        id: "sink-topics-pattern",
        keys: &["topics", "topics.regex"],
        harm: Some(Harm::Outage),
        consequence: "What comes in a topic that no longer fits is no longer delivered; one that fits anew is delivered from its beginning.",
        ..ROW
    },
    Row {
        id: "sink-encryption-changed",
        keys: URLS,
        when: When::Own(
            "it surely names the same target, with other parameters of JDBC about encryption",
            target::is_guarded_otherwise,
        ),
        harm: Some(Harm::Contract),
        consequence: "Whether the way to the target is encrypted, and whether the target must prove who it is, may be another matter from then on: without either others can read and change what is written, and the password with it.",
        ..ROW
    },
    Row {
        id: "sink-address-alike",
        keys: URLS,
        when: When::Own(
            "it surely names the same target: the usual port written out, a node of Elasticsearch's left out, a list of \
             MongoDB's nodes that shares one, other parameters of JDBC about time limits or batches",
            target::is_same,
        ),
        consequence: "Only a restart, where what is new in it is good.",
        ..ROW
    },
    Row {
        id: ADDRESS,
        keys: &[
            "connection.url",
            "connection.uri",
            "mongodb.connection.string",
            "s3.bucket.name",
            "aws.s3.bucket.name",
            "gcs.bucket.name",
            "topics.dir",
            "table.name.format",
            "collection.name.format",
            "table.naming.strategy",
            "collection.naming.strategy",
            "sink.database",
            "database",
            "collection",
        ],
        harm: Some(Harm::DataGap),
        consequence: "The same target in other words: only a restart. Another one gets what comes from then on, and nothing of what the old one has.",
        remedy: Some(
            "for the same target acknowledge it; another one is for a new connector, which begins at the start of its topics",
        ),
        ..ROW
    },
    Row {
        id: "sink-new-rows-left-out",
        keys: &["insert.mode"],
        when: When::To(&["update"]),
        harm: Some(Harm::DataGap),
        consequence: "Only rows that the target has already are written: a new one is passed over, and the offsets move on.",
        remedy: Some("set it to `upsert`, which writes both"),
        ..ROW
    },
    Row {
        id: "sink-insert-mode",
        keys: &["insert.mode"],
        harm: Some(Harm::Contract),
        consequence: "With `insert` a row that comes again, or is changed, fails the task or stands twice in the target; with `upsert` it takes the place of the old one.",
        ..ROW
    },
    Row {
        id: "sink-keys-of-written-rows",
        keys: KEYS,
        when: When::Any(&[
            When::Says("insert.mode", &["upsert", "update"]),
            When::Says("delete.enabled", &["true"]),
        ]),
        harm: Some(Harm::DataGap),
        consequence: "Rows that were written so far are looked for by other columns from then on. An upsert that does not find its row writes it a second time, one that finds another row takes its place; an update or a delete reaches other rows or none, and the offsets move on. Where the database asks for a unique key of these columns, or a column is not there, the task fails instead.",
        remedy: Some("write to another table, by a new connector, which begins at the start of its topics"),
        ..ROW
    },
    Row {
        id: "sink-keys",
        keys: KEYS,
        harm: Some(Harm::Contract),
        consequence: "A table that is made from then on has another primary key, or none; one that is there keeps its own. Where the columns of the new key are not in it, they are added or the task fails, as the sink is told to do.",
        ..ROW
    },
    Row {
        id: "sink-deletes-off",
        keys: &["delete.enabled", "deleteEnabled"],
        when: When::All(&[When::From(&["true"]), When::Not(&When::To(&["true"]))]),
        harm: Some(Harm::DataGap),
        consequence: "Deletes are no longer written: the target keeps what the topics say is gone, and a delete that was passed over does not come again. Some sinks fail at one instead.",
        ..ROW
    },
    Row {
        id: "sink-malformed-passed-over",
        keys: &["behavior.on.malformed.documents"],
        when: When::To(&["ignore", "warn"]),
        harm: Some(Harm::DataGap),
        consequence: "What the target does not take is left out of it, and the offsets move on.",
        remedy: Some("leave it at `fail`: the task then stops there, and nothing is lost"),
        ..ROW
    },
    Row {
        id: "sink-nulls-passed-over",
        keys: &["behavior.on.null.values"],
        when: When::To(&["ignore"]),
        harm: Some(Harm::DataGap),
        consequence: "Records without a value, which say that something is deleted, are passed over: the target keeps it, and they do not come again.",
        ..ROW
    },
];
