//! Changes that look like one of the table, and that no row speaks of.

use crate::pipeline::risk::examples::example::{
    BIGQUERY, CONFLUENT_JDBC_SINK, ELASTIC, Example, JDBC_SINK, MONGO, MONGO_SOURCE, MYSQL, NEO4J, ORACLE,
    PG, S3, SQLSERVER, example,
};

/// Each of them, with what it is in place of a row.
pub const NONE: &[Example] = &[
    example(
        "the default, written out",
        PG,
        ["", "", "slot.name=debezium publication.name=dbz_publication database.port=5432"],
    ),
    example(
        "the default, written out",
        PG,
        ["", "", "snapshot.mode=initial heartbeat.interval.ms=0 tasks.max=1"],
    ),
    example("another order", PG, ["", "table.include.list=p.a,p.b", "table.include.list=p.b,p.a"]),
    example("a comma at the end", PG, ["", "table.include.list=p.a,p.b", "table.include.list=p.a,p.b,"]),
    example("an empty list", PG, ["", "", "table.include.list= column.exclude.list="]),
    example(
        "the default, written out",
        MYSQL,
        [
            "gtid.source.includes=a",
            "",
            "schema.history.internal.store.only.captured.databases.ddl=true include.query=false \
             gtid.source.filter.dml.events=true",
        ],
    ),
    example("a filter without a list", MYSQL, ["", "gtid.source.filter.dml.events=false", ""]),
    example("the default, written out", ORACLE, ["", "", "lob.enabled=false"]),
    example(
        "the default, and another case",
        MONGO,
        [
            "",
            "cursor.oversize.handling.mode=SKIP",
            "cursor.oversize.handling.mode=skip cursor.pipeline.order=internal_first",
        ],
    ),
    example(
        "the default, and fields in another order",
        JDBC_SINK,
        [
            "",
            "field.include.list=t:a,t:b field.exclude.list=t:c,t:d",
            "field.include.list=t:b,t:a field.exclude.list=t:d,t:c truncate.enabled=false",
        ],
    ),
    example("another order", CONFLUENT_JDBC_SINK, ["", "fields.whitelist=a,b", "fields.whitelist=b,a"]),
    example("another case", ELASTIC, ["", "drop.invalid.message=TRUE", "drop.invalid.message=true"]),
    example("all brokers of a partition confirm", PG, ["", "", "producer.override.acks=all"]),
    example(
        "nulls of which another default is no delete",
        ELASTIC,
        ["", "behavior.on.null.values=ignore", ""],
    ),
    example("another case", PG, ["", "snapshot.mode=initial_only", "snapshot.mode=INITIAL_ONLY"]),
    example("a key of another database", MYSQL, ["", "slot.name=a", "slot.name=b"]),
    example("a key of a source in a sink", JDBC_SINK, ["", "topic.prefix=a", "topic.prefix=b"]),
    example("a key that nobody knows", PG, ["", "my.note=a", "my.note=b"]),
    example(
        "an old key beside its successor",
        MYSQL,
        ["topic.prefix=a", "database.server.name=a", "database.server.name=b"],
    ),
    example(
        "a key that only got its new name",
        MYSQL,
        ["", "database.server.name=shop", "topic.prefix=shop"],
    ),
    example(
        "keys that only got their new names",
        MYSQL,
        [
            "",
            "database.server.name=s table.whitelist=p.a database.history=io.debezium.relational.history.KafkaDatabaseHistory \
             database.history.kafka.topic=h database.history.kafka.bootstrap.servers=k:1 column.blacklist=p.a.card",
            "topic.prefix=s table.include.list=p.a \
             schema.history.internal=io.debezium.storage.kafka.history.KafkaSchemaHistory \
             schema.history.internal.kafka.topic=h schema.history.internal.kafka.bootstrap.servers=k:1 \
             column.exclude.list=p.a.card",
        ],
    ),
    example(
        "both names for a while",
        PG,
        ["database.server.name=s table.whitelist=p.a", "", "topic.prefix=s table.include.list=p.a"],
    ),
    example("an old key that is not read", PG, ["topic.prefix=s", "table.whitelist=p.a", ""]),
    example("a mask that tells nothing", PG, ["", "database.user=********", "database.user=a"]),
    example("a target that is not in force", MONGO, ["", "capture.target=a", "capture.target=b"]),
    example(
        "brokers in another order",
        PG,
        ["", "producer.override.bootstrap.servers=a:1,b:1", "producer.override.bootstrap.servers=b:1,a:1"],
    ),
    example("deletes that are written from now on", JDBC_SINK, ["", "", "delete.enabled=true"]),
    example(
        "malformed documents that fail",
        ELASTIC,
        ["", "behavior.on.malformed.documents=warn", "behavior.on.malformed.documents=fail"],
    ),
    example("a mode that is not in force", PG, ["", "", "snapshot.mode.custom.name=mine"]),
    example("the default port, written out", SQLSERVER, ["", "", "database.port=1433"]),
    example("the default port, written out", ORACLE, ["", "database.port=1528", ""]),
    example(
        "a mode that is the default",
        MONGO,
        ["collection.include.list=p.a", "", "filters.match.mode=regex"],
    ),
    example(
        "the default, written out",
        JDBC_SINK,
        ["", "", "collection.name.format=${topic} insert.mode=insert"],
    ),
    example("the default, written out", CONFLUENT_JDBC_SINK, ["", "", "table.name.format=${topic}"]),
    example("the default, written out", CONFLUENT_JDBC_SINK, ["", "", "pk.mode=none pk.fields="]),
    example(
        "the default, and a comma at the end",
        JDBC_SINK,
        ["", "primary.key.fields=a,b", "primary.key.mode=NONE primary.key.fields=a,b,"],
    ),
    example("the default, written out", NEO4J, ["neo4j.uri=neo4j://a", "", "neo4j.database="]),
    example(
        "a key of a sink in a source that is called like it",
        "org.neo4j.connectors.kafka.source.Neo4jConnector",
        ["", "neo4j.database=a", "neo4j.database=b"],
    ),
    example("the default, written out", S3, ["", "topics.dir=topics", ""]),
    example(
        "keys of a sink that only got their new names",
        JDBC_SINK,
        [
            "",
            "table.name.format=x_${topic} table.naming.strategy=com.acme.Names",
            "collection.name.format=x_${topic} collection.naming.strategy=com.acme.Names",
        ],
    ),
    example(
        "an old key of a sink beside its successor",
        JDBC_SINK,
        ["collection.name.format=a", "table.name.format=a", "table.name.format=b"],
    ),
    example(
        "transactions that are kept longer",
        ORACLE,
        ["", "log.mining.transaction.retention.ms=5", "log.mining.transaction.retention.ms=6"],
    ),
    example(
        "transactions that are kept for good",
        ORACLE,
        ["", "log.mining.transaction.retention.hours=1", ""],
    ),
    example(
        "transactions that are kept as long",
        ORACLE,
        ["", "log.mining.transaction.retention.hours=1", "log.mining.transaction.retention.ms=3600000"],
    ),
    example(
        "a source of MongoDB's that puts aside what it cannot take",
        MONGO_SOURCE,
        ["mongo.errors.deadletterqueue.topic.name=q", "", "mongo.errors.tolerance=all"],
    ),
    example("the default, written out", BIGQUERY, ["", "", "deleteEnabled=false"]),
    example("the default, written out", ORACLE, ["", "", "capture.mode=PRIMARY"]),
    example("the default, written out", ELASTIC, ["", "", "data.stream.namespace=${topic}"]),
    example("a key of another source", PG, ["", "", "capture.mode=change_streams"]),
    example(
        "a size that is not in force",
        MONGO,
        ["", "cursor.oversize.skip.threshold=2", "cursor.oversize.skip.threshold=1"],
    ),
    example(
        "a key that no sink is known to have",
        JDBC_SINK,
        ["", "connection.string=a", "connection.string=b"],
    ),
    example("a word that this source does not take", MONGO_SOURCE, ["", "", "mongo.errors.tolerance=data"]),
    example("a mode without a list", MONGO, ["", "", "filters.match.mode=literal"]),
];
