//! Changes of settings by which something is dropped, shown or written elsewhere, and nothing says so.

use crate::pipeline::risk::examples::example::{
    CONFLUENT_JDBC_SINK, ELASTIC, Example, JDBC_SINK, MONGO, MONGO_SINK, MYSQL, ORACLE, PG, S3, example,
};

const LATEST: &str = "consumer.override.auto.offset.reset=latest";

/// An example of each row about them.
pub const ROWS: &[Example] = &[
    example("query-laid-open", MYSQL, ["column.mask.with.8.chars=p.a.card", "", "include.query=true"]),
    example("query-laid-open", MYSQL, ["transforms=m", "", "include.query=True"]),
    example("query-laid-open", MYSQL, ["column.exclude.list=${env:HIDDEN}", "", "include.query=true"]),
    example("query-in-records", MYSQL, ["", "", "include.query=true"]),
    example(
        "query-in-records",
        MYSQL,
        ["column.exclude.list=p.a.card", "include.query=true", "include.query=false"],
    ),
    example(
        "database-added-without-schema",
        MYSQL,
        ["", "database.include.list=a", "database.include.list=a,b"],
    ),
    example(
        "captured-more",
        MYSQL,
        [
            "schema.history.internal.store.only.captured.databases.ddl=false",
            "database.include.list=a",
            "database.include.list=a,b",
        ],
    ),
    example(
        "history-of-captured-databases",
        MYSQL,
        ["", "schema.history.internal.store.only.captured.databases.ddl=false", ""],
    ),
    example(
        "history-of-captured-databases",
        ORACLE,
        ["", "", "schema.history.internal.store.only.captured.databases.ddl=true"],
    ),
    example(
        "schemas-of-the-same-tables",
        PG,
        ["table.include.list=public.a,public\\.b", "", "schema.include.list=public"],
    ),
    example(
        "schemas-of-the-same-tables",
        PG,
        ["table.include.list=public.a", "schema.include.list=public", ""],
    ),
    example("table-removed", PG, ["table.include.list=public.a,s.b", "", "schema.include.list=public"]),
    example("table-removed", PG, ["table.include.list=public.a|s.b", "", "schema.include.list=public"]),
    example("mongo-oversize-skipped", MONGO, ["", "", "cursor.oversize.handling.mode=skip"]),
    example("mongo-pipeline-order", MONGO, ["", "", "cursor.pipeline.order=user_only"]),
    example(
        "gtid-writers-left-out",
        MYSQL,
        ["gtid.source.includes=a", "gtid.source.filter.dml.events=false", ""],
    ),
    example(
        "gtid-writers-taken-in",
        MYSQL,
        ["gtid.source.excludes=a", "", "gtid.source.filter.dml.events=false"],
    ),
    example("large-values-left-out", ORACLE, ["", "lob.enabled=true", ""]),
    example("large-values-taken-in", ORACLE, ["", "", "lob.enabled=true"]),
    example("records-unconfirmed", PG, ["", "", "producer.override.acks=0"]),
    example("records-unconfirmed", MONGO, ["", "producer.override.acks=all", "producer.override.acks=1"]),
    example(
        "deletes-dropped",
        PG,
        [
            "transforms=u",
            "transforms.u.delete.tombstone.handling.mode=rewrite",
            "transforms.u.delete.tombstone.handling.mode=drop",
        ],
    ),
    example(
        "deletes-dropped",
        JDBC_SINK,
        ["transforms=u", "", "transforms.u.delete.tombstone.handling.mode=drop"],
    ),
    example(
        "deletes-dropped",
        PG,
        [
            "transforms=u",
            "transforms.u.delete.handling.mode=rewrite",
            "transforms.u.delete.handling.mode=drop",
        ],
    ),
    example(
        "deletes-dropped",
        PG,
        ["transforms.u.delete.handling.mode=drop", "transforms.u.drop.tombstones=false", ""],
    ),
    example(
        "delete-handling",
        PG,
        ["transforms.u.drop.tombstones=false", "", "transforms.u.delete.handling.mode=drop"],
    ),
    example(
        "delete-handling",
        PG,
        [
            "transforms=u",
            "transforms.u.delete.tombstone.handling.mode=drop",
            "transforms.u.delete.tombstone.handling.mode=rewrite",
        ],
    ),
    example("sink-topics-more-from-end", JDBC_SINK, [LATEST, "topics=a", "topics=a,b"]),
    example("sink-topics-fewer", JDBC_SINK, [LATEST, "topics=a,b", "topics=a"]),
    example("sink-topics-pattern-from-end", JDBC_SINK, [LATEST, "topics.regex=a.*", "topics.regex=b.*"]),
    example("sink-topics-by-pattern", JDBC_SINK, [LATEST, "topics.regex=a.*", "topics=a"]),
    example("sink-begins-at-end", JDBC_SINK, ["", "", LATEST]),
    example("sink-begins-otherwise", JDBC_SINK, ["", LATEST, ""]),
    example("sink-invalid-passed-over", ELASTIC, ["", "", "drop.invalid.message=true"]),
    example("sink-nulls-by-default", ELASTIC, ["", "behavior.on.null.values=delete", ""]),
    example(
        "sink-null-deletes-off",
        MONGO_SINK,
        ["", "delete.on.null.values=true", "delete.on.null.values=false"],
    ),
    example("sink-truncates-off", JDBC_SINK, ["", "truncate.enabled=true", ""]),
    example("sink-truncates-on", JDBC_SINK, ["", "", "truncate.enabled=true"]),
    example("sink-fields", JDBC_SINK, ["", "field.exclude.list=t:card", ""]),
    example("sink-fields", JDBC_SINK, ["", "field.include.list=t:id", "field.include.list=t:id,t:card"]),
    example("sink-fields", CONFLUENT_JDBC_SINK, ["", "fields.whitelist=id", ""]),
    example("sink-fields", MONGO_SINK, ["value.projection.type=BlockList", "value.projection.list=card", ""]),
    example(
        "sink-target-changed",
        MONGO_SINK,
        ["", "topic.override.orders.collection=a", "topic.override.orders.collection=b"],
    ),
    example(
        "sink-target-changed",
        "com.snowflake.kafka.connector.SnowflakeSinkConnector",
        ["", "snowflake.database.name=a", "snowflake.database.name=b"],
    ),
    example("sink-target-changed", S3, ["", "store.url=http://a", "store.url=http://b"]),
];
