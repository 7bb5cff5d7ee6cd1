//! Settings by which something is dropped, shown or written elsewhere, and nothing says so: of sources, of transforms, of sinks.
//!
//! Read in the documentation and the sources of Debezium, Kafka and the sinks that have these keys, not measured: of Debezium
//! those of 2.0 to 3.6, of the sinks those of Confluent, Aiven, Debezium, `MongoDB`, Snowflake, `ClickHouse`, Redis,
//! Neo4j, Lenses and Apache Iceberg. What differs by release, and what no release can be told of, is said in the row.

use crate::model::risk::Harm;
use crate::pipeline::risk::beside;
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::row::{BLANK, Row, Seen};
use crate::pipeline::risk::table::sinks;
use crate::pipeline::risk::when::When;

const ROW: Row = Row { seen: Seen::Read, ..BLANK };

const SINK: Row = Row { of: Family::Sinks, ..ROW };

const RESET: &str = "consumer.override.auto.offset.reset";

/// A topic is not read from its beginning.
const FROM_END: When = When::Not(&When::Says(RESET, &["earliest", "none"]));

const GTIDS: When = When::Any(&[When::Has("gtid.source.includes"), When::Has("gtid.source.excludes")]);

/// What names a target, or a place in it, by the sinks in whose sources or documentation it stands.
const TARGETS: &[&str] = &[
    // Of MongoDB's makers.
    "topic.override.*.database",
    "topic.override.*.collection",
    "namespace.mapper",
    "namespace.mapper.*",
    // Snowflake.
    "snowflake.url.name",
    "snowflake.database.name",
    "snowflake.schema.name",
    "snowflake.topic2table.map",
    // BigQuery; the last one is ClickHouse's too.
    "project",
    "defaultDataset",
    "topic2TableMap",
    // ClickHouse.
    "hostname",
    "port",
    // Iceberg.
    "iceberg.tables",
    "iceberg.catalog.uri",
    "iceberg.catalog.warehouse",
    // HTTP: Confluent's, Aiven's.
    "http.api.url",
    "http.url",
    // Stores of files: Confluent's.
    "store.url",
    "hdfs.url",
    // Aiven's, for S3, Google and Azure.
    "aws_s3_bucket",
    "aws_s3_endpoint",
    "aws_s3_prefix",
    "aws.s3.endpoint",
    "aws.s3.prefix",
    "gcs.endpoint",
    "azure.storage.connection.string",
    "azure.storage.container.name",
    "file.name.prefix",
    "file.name.template",
    // Elasticsearch.
    "data.stream.type",
    "data.stream.dataset",
    "data.stream.namespace",
    "topic.to.external.resource.mapping",
    // OpenSearch.
    "data.stream.prefix",
    "topic.to.existing.resource.mapping",
    // Aiven's by JDBC.
    "table.name.normalize",
    "topics.to.tables.mapping",
    // Redis: of its makers, and the older one.
    "redis.uri",
    "redis.host",
    "redis.port",
    "redis.keyspace",
    "redis.hosts",
    "redis.database",
    // Neo4j, the second one until 5.0.
    "neo4j.uri",
    "neo4j.server.uri",
    "neo4j.database",
    // Of Lenses', for S3, Azure and MongoDB.
    "connect.s3.custom.endpoint",
    "connect.s3.location",
    "connect.datalake.endpoint",
    "connect.datalake.azure.account.name",
    "connect.datalake.azure.connection.string",
    "connect.mongo.connection",
    "connect.mongo.db",
];

/// The rows.
pub static ROWS: &[Row] = &[
    Row {
        id: "query-laid-open",
        keys: &["include.query"],
        of: Family::Binlog,
        when: When::All(&[
            When::To(&["true"]),
            When::Own(
                "a list leaves out, masks or cuts off tables or columns, or a transform is there",
                beside::hides,
            ),
        ]),
        harm: Some(Harm::Irreversible),
        consequence: "The statement behind a change stands in its record as it was written, with what it says of tables and columns that are left out or masked, as soon as the server keeps statements in its log (`binlog_rows_query_log_events` in MySQL, `binlog_annotate_row_events` in MariaDB). It cannot be taken back from there.",
        remedy: Some("see that everybody who reads these topics may see every statement"),
        ..ROW
    },
    Row {
        id: "query-in-records",
        keys: &["include.query"],
        of: Family::Binlog,
        harm: Some(Harm::Contract),
        consequence: "The statement behind a change comes in its record, where the server keeps it in its log, or no longer does.",
        ..ROW
    },
    Row {
        id: "mongo-oversize-skipped",
        keys: &["cursor.oversize.handling.mode"],
        of: Family::Mongo,
        when: When::To(&["skip"]),
        harm: Some(Harm::DataGap),
        consequence: "A change is passed over whose document has more bytes than `cursor.oversize.skip.threshold` says, which is 0 by default, and the position moves on: it cannot be had by changing it back.",
        remedy: Some("leave it at `fail`: the task then stops there, and nothing is lost"),
        ..ROW
    },
    Row {
        id: "mongo-oversize-threshold",
        keys: &["cursor.oversize.skip.threshold"],
        of: Family::Mongo,
        when: When::Says("cursor.oversize.handling.mode", &["skip"]),
        harm: Some(Harm::DataGap),
        consequence: "A change whose document has more bytes than this is passed over, and the position moves on. With a smaller number more of them are, and they cannot be had by changing it back; with a larger one they come from then on.",
        remedy: Some("leave the mode at `fail`: the task then stops there, and nothing is lost"),
        ..ROW
    },
    Row {
        id: "mongo-pipeline-order",
        keys: &["cursor.pipeline.order"],
        of: Family::Mongo,
        harm: Some(Harm::DataGap),
        consequence: "The stages of `cursor.pipeline` are given other events than before; with `user_only` the connector's own stages are gone, which pick the databases and collections. What is kept out then is not delivered, and the position moves on: it cannot be had by changing it back.",
        ..ROW
    },
    Row {
        id: "gtid-writers-left-out",
        keys: &["gtid.source.filter.dml.events"],
        of: Family::Binlog,
        when: When::All(&[When::To(&["true"]), GTIDS]),
        harm: Some(Harm::DataGap),
        consequence: "What a server wrote that `gtid.source.includes` or `gtid.source.excludes` leaves out is not delivered, and the position moves on: it cannot be had by changing it back.",
        ..ROW
    },
    Row {
        id: "gtid-writers-taken-in",
        keys: &["gtid.source.filter.dml.events"],
        of: Family::Binlog,
        when: When::All(&[When::Not(&When::To(&["true"])), GTIDS]),
        harm: Some(Harm::Contract),
        consequence: "What a server wrote that `gtid.source.includes` or `gtid.source.excludes` leaves out is delivered from then on.",
        ..ROW
    },
    Row {
        id: "large-values-left-out",
        keys: &["lob.enabled"],
        of: Family::Oracle,
        when: When::Not(&When::To(&["true"])),
        harm: Some(Harm::DataGap),
        consequence: "The columns of large objects (CLOB, BLOB, XML, and texts that the database keeps like them) come without their values. What is written meanwhile cannot be had by changing it back.",
        ..ROW
    },
    Row {
        id: "large-values-taken-in",
        keys: &["lob.enabled"],
        of: Family::Oracle,
        harm: Some(Harm::Contract),
        consequence: "The values of large objects (CLOB, BLOB) are delivered from then on; what was written before comes no more.",
        ..ROW
    },
    Row {
        id: "records-unconfirmed",
        keys: &["producer.override.acks"],
        of: Family::Sources,
        when: When::To(&["0", "1"]),
        harm: Some(Harm::DataGap),
        consequence: "Kafka confirms no record, with `1` for one broker alone: what is lost on the way, or with that broker, is not sent again, and the offsets move on.",
        remedy: Some("leave it at `all`"),
        ..ROW
    },
    Row {
        id: "deletes-dropped",
        keys: &[
            "transforms.*.delete.tombstone.handling.mode",
            "transforms.*.delete.handling.mode",
            "transforms.*.drop.tombstones",
        ],
        when: When::Own(
            "deletes are then dropped, and their tombstones too, or may be: by the default of Debezium before 3.2",
            beside::drops_deletes,
        ),
        harm: Some(Harm::DataGap),
        consequence: "A delete comes neither as a record nor as a tombstone, and the offsets move on: compacted topics and targets keep what is deleted, and it does not come again. Where no key says what becomes of deletes, that is so until Debezium 3.1; from 3.2 on a tombstone comes, and `delete.handling.mode` and `drop.tombstones` are not read any more.",
        remedy: Some(
            "set `delete.tombstone.handling.mode` to `tombstone` or `rewrite-with-tombstone`; before Debezium 2.5, which does not have that key, set `drop.tombstones` to `false`",
        ),
        ..ROW
    },
    Row {
        id: "sink-topics-more-from-end",
        keys: &["topics"],
        when: When::All(&[When::Not(&When::Also("topics.regex")), When::More, FROM_END]),
        harm: Some(Harm::DataGap),
        consequence: "The new topic is delivered from its end, as `consumer.override.auto.offset.reset` says: what stands in it before the sink reads it first is not delivered.",
        remedy: Some("stop the connector, give its group offsets for the new topic, change the list, resume"),
        ..SINK
    },
    Row {
        id: "sink-topics-pattern-from-end",
        keys: &["topics.regex"],
        when: FROM_END,
        harm: Some(Harm::DataGap),
        consequence: "What comes in a topic that no longer fits is no longer delivered. One that fits anew is delivered from its end, as `consumer.override.auto.offset.reset` says: what stands in it before the sink reads it first is not delivered.",
        ..SINK
    },
    Row {
        id: "sink-begins-at-end",
        keys: &[RESET],
        when: When::Not(&When::To(&["earliest", "none"])),
        harm: Some(Harm::DataGap),
        consequence: "It counts where the group has no offset: in a new topic, in a new partition, or after its offsets have expired. What stands there before the sink reads it first is not delivered.",
        remedy: Some(
            "leave it at `earliest`, and set the offsets of the group where old records are not wanted",
        ),
        ..SINK
    },
    Row {
        id: "sink-begins-otherwise",
        keys: &[RESET],
        consequence: "It counts where the group has no offset: with `earliest` everything is delivered there, with `none` the task fails.",
        ..SINK
    },
    Row {
        id: "sink-invalid-passed-over",
        keys: &["drop.invalid.message"],
        when: When::To(&["true"]),
        harm: Some(Harm::DataGap),
        consequence: "A record that cannot be turned into a document is left out of the target, and the offsets move on.",
        remedy: Some("leave it at `false`: the task then stops there, and nothing is lost"),
        ..SINK
    },
    Row {
        id: "sink-nulls-by-default",
        keys: &["behavior.on.null.values"],
        when: When::All(&[When::Removed, When::From(&["delete"])]),
        harm: Some(Harm::DataGap),
        consequence: "The default takes the place of `delete`. It is another one by sink and release: the task fails at a record without a value, or passes it over, so that the target keeps what is deleted.",
        remedy: Some("say which of them it is to be"),
        ..SINK
    },
    Row {
        id: "sink-null-deletes-off",
        keys: &["delete.on.null.values"],
        when: When::All(&[When::From(&["true"]), When::Not(&When::To(&["true"]))]),
        harm: Some(Harm::DataGap),
        consequence: "Records without a value, which say that something is deleted, no longer delete it: the target keeps it, and they do not come again.",
        ..SINK
    },
    Row {
        id: "sink-truncates-off",
        keys: &["truncate.enabled"],
        when: When::Not(&When::To(&["true"])),
        harm: Some(Harm::DataGap),
        consequence: "TRUNCATE is no longer written: the target keeps the rows that are gone, and it does not come again.",
        ..SINK
    },
    Row {
        id: "sink-truncates-on",
        keys: &["truncate.enabled"],
        harm: Some(Harm::Contract),
        consequence: "A TRUNCATE that comes in the topics empties the table in the target from then on.",
        ..SINK
    },
    Row {
        id: "sink-fields",
        keys: &[
            "field.include.list",
            "field.exclude.list",
            "fields.whitelist",
            "key.projection.*",
            "value.projection.*",
            "topic.override.*.projection.*",
        ],
        harm: Some(Harm::Contract),
        consequence: "Other fields are written to the target: all who read it see those that come, and those that go stay as they were written so far. The topics stay as they are.",
        ..SINK
    },
    Row {
        id: sinks::TARGET,
        keys: TARGETS,
        harm: Some(Harm::DataGap),
        consequence: "The same target in other words: only a restart. Another one gets what comes from then on, and nothing of what the old one has.",
        remedy: Some(
            "for the same target acknowledge it; another one is for a new connector, which begins at the start of its topics",
        ),
        ..SINK
    },
    Row {
        id: sinks::STATEMENT,
        keys: &["connect.*.kcql"],
        harm: Some(Harm::DataGap),
        consequence: "It says which topics go where, with which fields and in what form. Another target gets what comes from then on, and nothing of what the old one has; a topic or a field that it no longer names is not written, and the offsets move on.",
        remedy: Some(
            "where only the form or the size of what is written changes acknowledge it; another target is for a new connector, which begins at the start of its topics",
        ),
        ..SINK
    },
];
