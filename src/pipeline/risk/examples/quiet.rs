//! Changes of settings by which something is dropped, shown or written elsewhere, and nothing says so.

use crate::pipeline::risk::examples::example::{
    AIVEN_JDBC_SINK, AIVEN_S3, AZURE, BIGQUERY, CLICKHOUSE, CONFLUENT_JDBC_SINK, ELASTIC, Example, GCS, HDFS,
    HTTP, ICEBERG, JDBC_SINK, LENSES_MONGO, LENSES_S3, MONGO, MONGO_SINK, MYSQL, NEO4J, OLD_NEO4J,
    OPENSEARCH, ORACLE, PG, REDIS, S3, SNOWFLAKE, example,
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
    example(
        "mongo-oversize-threshold",
        MONGO,
        ["cursor.oversize.handling.mode=skip", "", "cursor.oversize.skip.threshold=1024"],
    ),
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
        ["transforms=u transforms.u.delete.handling.mode=drop", "transforms.u.drop.tombstones=false", ""],
    ),
    // Until Debezium 3.1 each of these leaves deletes to a default that drops them.
    example(
        "deletes-dropped",
        PG,
        ["transforms=u", "transforms.u.delete.tombstone.handling.mode=rewrite", ""],
    ),
    example("deletes-dropped", PG, ["transforms=u", "transforms.u.delete.handling.mode=rewrite", ""]),
    example("deletes-dropped", PG, ["transforms=u", "transforms.u.drop.tombstones=false", ""]),
    example(
        "deletes-dropped",
        PG,
        ["transforms=u", "transforms.u.drop.tombstones=false", "transforms.u.drop.tombstones=true"],
    ),
    // Since 3.2 the default keeps a tombstone.
    example("deletes-dropped", PG, ["", "", "transforms=u transforms.u.delete.handling.mode=drop"]),
    example(
        "delete-handling",
        PG,
        ["transforms=u transforms.u.drop.tombstones=false", "", "transforms.u.delete.handling.mode=drop"],
    ),
    example("delete-handling", PG, ["transforms=u", "", "transforms.u.delete.handling.mode=drop"]),
    example("delete-handling", PG, ["transforms=u", "", "transforms.u.drop.tombstones=false"]),
    example(
        "delete-handling",
        PG,
        [
            "transforms=u",
            "transforms.u.drop.tombstones=false",
            "transforms.u.delete.tombstone.handling.mode=tombstone",
        ],
    ),
    example(
        "delete-handling",
        PG,
        [
            "transforms=u",
            "transforms.u.delete.handling.mode=rewrite",
            "transforms.u.delete.tombstone.handling.mode=rewrite",
        ],
    ),
    example("delete-handling", PG, ["", "", "transforms.u.delete.tombstone.handling.mode=drop"]),
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
    example("sink-target-changed", SNOWFLAKE, ["", "snowflake.database.name=a", "snowflake.database.name=b"]),
    example(
        "sink-target-changed",
        MONGO_SINK,
        ["", "namespace.mapper.value.collection.field=a", "namespace.mapper.value.collection.field=b"],
    ),
    example("sink-target-changed", BIGQUERY, ["", "defaultDataset=a", "defaultDataset=b"]),
    example("sink-target-changed", CLICKHOUSE, ["", "hostname=a", "hostname=b"]),
    example("sink-target-changed", ICEBERG, ["", "iceberg.tables=a.x", "iceberg.tables=a.y"]),
    example("sink-target-changed", HTTP, ["", "http.api.url=http://a", "http.api.url=http://b"]),
    example("sink-target-changed", HDFS, ["", "hdfs.url=hdfs://a", "hdfs.url=hdfs://b"]),
    example("sink-target-changed", AIVEN_S3, ["", "aws.s3.prefix=a/", "aws.s3.prefix=b/"]),
    example("sink-target-changed", GCS, ["", "file.name.prefix=a/", "file.name.prefix=b/"]),
    example(
        "sink-target-changed",
        AZURE,
        ["", "azure.storage.container.name=a", "azure.storage.container.name=b"],
    ),
    example("sink-target-changed", ELASTIC, ["", "data.stream.dataset=a", "data.stream.dataset=b"]),
    example("sink-target-changed", OPENSEARCH, ["", "data.stream.prefix=a", "data.stream.prefix=b"]),
    example("sink-target-changed", AIVEN_JDBC_SINK, ["", "", "topics.to.tables.mapping=a:b"]),
    example("sink-target-changed", REDIS, ["", "redis.uri=redis://a", "redis.uri=redis://b"]),
    example("sink-target-changed", NEO4J, ["", "neo4j.uri=neo4j://a", "neo4j.uri=neo4j://b"]),
    example("sink-target-changed", NEO4J, ["neo4j.uri=neo4j://a", "", "neo4j.database=orders"]),
    example(
        "sink-target-changed",
        OLD_NEO4J,
        ["", "neo4j.server.uri=bolt://a:7687", "neo4j.server.uri=bolt://b:7687"],
    ),
    example("sink-target-changed", LENSES_S3, ["", "", "connect.s3.custom.endpoint=http://b"]),
    example("sink-target-changed", LENSES_MONGO, ["", "connect.mongo.db=a", "connect.mongo.db=b"]),
    example("sink-statement-changed", LENSES_S3, ["", "connect.s3.kcql=a", "connect.s3.kcql=b"]),
    example("sink-target-changed", S3, ["", "store.url=http://a", "store.url=http://b"]),
];
