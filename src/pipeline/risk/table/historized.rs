//! Debezium's sources that keep a history of the schema, and what each of them and `MongoDB` has of its own.
//!
//! Read in Debezium's documentation and sources, those of 2.0 to 3.6, not measured.

use crate::model::risk::Harm;
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::row::{BLANK, Row, Seen};
use crate::pipeline::risk::shown;
use crate::pipeline::risk::target;
use crate::pipeline::risk::when::When;

const ROW: Row = Row { of: Family::Historized, seen: Seen::Read, ..BLANK };

const SERVERS: &str = "schema.history.internal.kafka.bootstrap.servers";

/// By whom what is written is captured.
const WRITERS: &[&str] = &[
    "log.mining.username.include.list",
    "log.mining.username.exclude.list",
    "log.mining.clientid.include.list",
    "log.mining.clientid.exclude.list",
];

/// The rows.
pub static ROWS: &[Row] = &[
    Row {
        id: "history-same-cluster",
        keys: &[SERVERS],
        when: When::Own("one of the brokers stays in the list", shown::shares_an_item),
        consequence: "The same Kafka: only a restart.",
        ..ROW
    },
    Row {
        id: "history-moved",
        keys: &[SERVERS, "schema.history.internal.kafka.topic", "schema.history.internal"],
        harm: Some(Harm::Irreversible),
        consequence: "Without its history the connector does not start: the schema of no table is known. A topic that another connector writes its history to corrupts both.",
        remedy: Some(
            "stop the connector, copy the topic with its one partition as it is, change the config, resume; or, where no table was altered since the connector last read, resume with `snapshot.mode: recovery`",
        ),
        ..ROW
    },
    Row {
        id: "history-class-changed",
        keys: &["database.history"],
        when: When::Own("there is no `topic.prefix`", shown::is_old),
        harm: Some(Harm::Irreversible),
        consequence: "Before Debezium 2.0 this says where the history of the schema is kept. Without it the connector does not start: the schema of no table is known.",
        remedy: Some("leave it as it is until Debezium 2.0, where `schema.history.internal` takes its place"),
        ..ROW
    },
    Row {
        id: "history-of-captured-tables",
        keys: &["schema.history.internal.store.only.captured.tables.ddl"],
        when: When::To(&["true"]),
        harm: Some(Harm::Outage),
        consequence: "From then on the history holds no other tables: one that is added later has no schema, and the task fails at its first row.",
        remedy: Some("leave it at `false`, unless the history gets too large"),
        ..ROW
    },
    Row {
        id: "history-of-captured-databases",
        keys: &["schema.history.internal.store.only.captured.databases.ddl"],
        when: When::To(&["true"]),
        harm: Some(Harm::Outage),
        consequence: "From then on the history holds no other databases: the tables of one that is added later have no schema, and the task fails at their first row.",
        remedy: Some("leave it at `false`, unless the history gets too large"),
        ..ROW
    },
    Row {
        id: "ddl-skipped",
        keys: &["schema.history.internal.skip.unparseable.ddl"],
        when: When::To(&["true"]),
        harm: Some(Harm::DataGap),
        consequence: "A statement that Debezium cannot read is skipped, and the schema is wrong from there on: rows are lost, or come with wrong values.",
        remedy: Some("leave it at `false`: the task then stops at such a statement, and nothing is lost"),
        ..ROW
    },
    Row {
        id: "server-id-changed",
        keys: &["database.server.id"],
        of: Family::Binlog,
        harm: Some(Harm::Outage),
        consequence: "Two clients of one server with the same id throw each other out, again and again; a replica of the database may be the other one.",
        remedy: Some(
            "see that nobody else of that topology has the new id; one that is free only costs a restart",
        ),
        ..ROW
    },
    Row {
        id: "too-many-tasks",
        keys: &["tasks.max"],
        when: When::All(&[When::Above(1), When::Not(&When::Has("database.names"))]),
        harm: Some(Harm::Outage),
        consequence: "Connect takes the config and answers 200, then the connector refuses to make more than one task, again and again: the old task keeps its old config, or there is none.",
        remedy: Some("leave it at 1"),
        ..ROW
    },
    Row {
        id: "databases-fewer",
        keys: &["database.names"],
        of: Family::SqlServer,
        when: When::Less,
        harm: Some(Harm::DataGap),
        consequence: "What is written in the database that goes is no longer delivered; when it comes back, the capture tables may no longer reach to its offset.",
        ..ROW
    },
    Row {
        id: "databases-more",
        keys: &["database.names"],
        of: Family::SqlServer,
        harm: Some(Harm::Contract),
        consequence: "Each database has offsets of its own: the new one is read from its beginning, or as `snapshot.mode` says.",
        ..ROW
    },
    Row {
        id: "mongo-address-alike",
        keys: &["mongodb.connection.string"],
        of: Family::Mongo,
        when: When::Own(
            "it surely names the same cluster: a list that shares one of its nodes",
            target::is_same,
        ),
        consequence: "Only a restart, where what is new in it is good.",
        ..ROW
    },
    Row {
        id: "mongo-address-changed",
        keys: &["mongodb.connection.string", "mongodb.hosts"],
        of: Family::Mongo,
        harm: Some(Harm::DataGap),
        consequence: "The same cluster in other words, or with another password in it: only a restart. Another one behind the same offsets: its log does not have the resume token, and the connector fails, or reads everything anew, or leaves a gap.",
        remedy: Some(
            "for the same cluster acknowledge it; another one is for a new connector, with a name and a prefix of its own",
        ),
        ..ROW
    },
    Row {
        id: "mongo-pipeline-changed",
        keys: &["cursor.pipeline"],
        of: Family::Mongo,
        harm: Some(Harm::DataGap),
        consequence: "What the stages keep out is not delivered, and the position moves on: it cannot be had by changing it back.",
        ..ROW
    },
    Row {
        id: "mongo-matched-otherwise",
        keys: &["filters.match.mode"],
        of: Family::Mongo,
        when: When::Any(&[
            When::Has("database.include.list"),
            When::Has("database.exclude.list"),
            When::Has("collection.include.list"),
            When::Has("collection.exclude.list"),
        ]),
        harm: Some(Harm::DataGap),
        consequence: "The lists of databases and collections are read otherwise: a pattern that is taken literally matches nothing, and a name that is taken for a pattern matches others too. What they no longer take is not delivered, and the position moves on: it cannot be had by changing it back. What they take anew is streamed from then on; what was there before is never read.",
        remedy: Some("see that each item matches the same both ways"),
        ..ROW
    },
    Row {
        id: "mongo-scope-changed",
        keys: &["capture.scope", "capture.target"],
        of: Family::Mongo,
        when: When::Any(&[
            When::Also("capture.scope"),
            When::Says("capture.scope", &["database", "collection"]),
        ]),
        harm: Some(Harm::DataGap),
        consequence: "What lies outside the new scope is no longer delivered, and the position moves on: it cannot be had by changing it back. What lies in it anew is streamed from then on; what was there before is never read.",
        ..ROW
    },
    Row {
        id: "mongo-documents",
        keys: &["capture.mode", "capture.mode.full.update.type"],
        of: Family::Mongo,
        harm: Some(Harm::Contract),
        consequence: "Records of updates come with the whole document or without it, and with or without what it was before, in the middle of a topic. What was written in between stays as it was written.",
        ..ROW
    },
    Row {
        id: "unsigned-values",
        keys: &["bigint.unsigned.handling.mode"],
        of: Family::Binlog,
        harm: Some(Harm::Contract),
        consequence: "Values and schemas of unsigned BIGINTs change in the middle of a topic: a schema registry may refuse them, and who reads them must know both. What was written in between stays as it was written.",
        ..ROW
    },
    Row {
        id: "gtid-sources-changed",
        keys: &["gtid.source.includes", "gtid.source.excludes"],
        of: Family::Binlog,
        harm: Some(Harm::DataGap),
        consequence: "What a server wrote that is left out is not delivered, and the position moves on: it cannot be had by changing it back. Of one that is taken anew the position knows nothing.",
        ..ROW
    },
    Row {
        id: "oracle-users-left-out",
        keys: WRITERS,
        of: Family::Oracle,
        when: When::Less,
        harm: Some(Harm::DataGap),
        consequence: "What these users or clients write is no longer delivered, and the position moves on: it cannot be had by changing it back.",
        ..ROW
    },
    Row {
        id: "oracle-users-taken-in",
        keys: WRITERS,
        of: Family::Oracle,
        harm: Some(Harm::Contract),
        consequence: "What these users or clients write is delivered from then on.",
        ..ROW
    },
    Row {
        id: "oracle-transactions-given-up",
        keys: &["log.mining.transaction.retention.ms", "log.mining.transaction.retention.hours"],
        of: Family::Oracle,
        when: When::Own("it becomes more than 0, or smaller", shown::gives_up_sooner),
        harm: Some(Harm::DataGap),
        consequence: "A transaction that is open for longer is given up: what it wrote is not delivered when it commits, and cannot be had by changing it back.",
        remedy: Some("leave it at 0, and see that no transaction stays open for long"),
        ..ROW
    },
    Row {
        id: "oracle-adapter-changed",
        keys: &["database.connection.adapter"],
        of: Family::Oracle,
        harm: Some(Harm::DataGap),
        consequence: "Of what the adapters keep of their position no more than the SCN is common to all: the connector may fail at what the other one left, or begin elsewhere, with a gap or with rows that come twice.",
        remedy: Some("make a new connector, with a name and a prefix of its own"),
        ..ROW
    },
    Row {
        id: "oracle-read-elsewhere",
        keys: &["capture.mode", "secondary.hostname", "secondary.port", "secondary.dbname", "secondary.url"],
        of: Family::Oracle,
        harm: Some(Harm::DataGap),
        consequence: "The changes are read from another database. A standby of the same one that has all its logs from the connector's position on: only a restart. Another one: the connector fails, or leaves a gap.",
        remedy: Some(
            "for one that has these logs acknowledge it; another one is for a new connector, with a name and a prefix of its own",
        ),
        ..ROW
    },
];
