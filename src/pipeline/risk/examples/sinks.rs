//! Changes of what sinks have.

use crate::pipeline::risk::examples::example::{
    BIGQUERY, CONFLUENT_JDBC_SINK, DEAD_LETTERS, DEBEZIUM_MONGO_SINK, ELASTIC, Example, GCS, JDBC_SINK,
    MONGO_SINK, OPENSEARCH, S3, TOLERANT, example,
};

/// An example of each row about them.
pub const ROWS: &[Example] = &[
    example("sink-errors-dropped", JDBC_SINK, ["", "", "errors.tolerance=all"]),
    example(
        "sink-errors-kept",
        JDBC_SINK,
        ["errors.deadletterqueue.topic.name=q", "", "errors.tolerance=all"],
    ),
    example(
        "sink-errors-dropped",
        JDBC_SINK,
        ["errors.deadletterqueue.topic.name=", "", "errors.tolerance=all"],
    ),
    example("sink-errors-no-longer-kept", JDBC_SINK, [TOLERANT, DEAD_LETTERS, ""]),
    example("sink-errors-no-longer-kept", MONGO_SINK, ["mongo.errors.tolerance=all", DEAD_LETTERS, ""]),
    example("sink-errors-dropped", MONGO_SINK, ["", "", "mongo.errors.tolerance=all"]),
    example("sink-errors-dropped", MONGO_SINK, ["", "", "mongo.errors.tolerance=data"]),
    example("sink-errors-dropped-again", MONGO_SINK, [TOLERANT, "mongo.errors.tolerance=none", ""]),
    example("sink-errors-kept", MONGO_SINK, [DEAD_LETTERS, "", "mongo.errors.tolerance=all"]),
    example(
        "sink-errors-kept",
        MONGO_SINK,
        ["", "mongo.errors.tolerance=all", "mongo.errors.tolerance=none"],
    ),
    example(
        "sink-errors-no-longer-kept",
        ELASTIC,
        [TOLERANT, DEAD_LETTERS, "errors.deadletterqueue.topic.name="],
    ),
    example(
        "sink-errors-elsewhere",
        JDBC_SINK,
        [TOLERANT, DEAD_LETTERS, "errors.deadletterqueue.topic.name=r"],
    ),
    example("sink-group-changed", JDBC_SINK, ["", "", "consumer.override.group.id=mine"]),
    example("sink-topics-fewer", JDBC_SINK, ["", "topics=a,b", "topics=b"]),
    example("sink-topics-more", JDBC_SINK, ["", "topics=a", "topics=a,b"]),
    example("sink-topics-fewer", JDBC_SINK, ["", "topics=shop_orders,shop.orders", "topics=shop.orders"]),
    example("sink-topics-fewer", JDBC_SINK, ["", "topics=shop_orders", "topics=shop.orders"]),
    example("sink-topics-fewer", JDBC_SINK, ["", "topics=a", "topics="]),
    example("sink-topics-more", JDBC_SINK, ["", "topics=shop.orders", "topics=shop.orders,shop_orders"]),
    example("sink-topics-pattern", JDBC_SINK, ["", "topics.regex=a.*", "topics.regex=b.*"]),
    example("sink-topics-by-pattern", JDBC_SINK, ["", "topics=a", "topics.regex=a.*"]),
    example("sink-topics-pattern", JDBC_SINK, ["", "topics=a", "topics.regex=a.*"]),
    example("sink-topics-by-pattern", JDBC_SINK, ["", "topics.regex=a.*", "topics=a"]),
    example("sink-deletes-off", JDBC_SINK, ["", "delete.enabled=true", ""]),
    example("sink-deletes-off", JDBC_SINK, ["", "delete.enabled=true", "delete.enabled=False"]),
    example("sink-deletes-off", BIGQUERY, ["", "deleteEnabled=true", ""]),
    example("sink-address-changed", GCS, ["", "gcs.bucket.name=a", "gcs.bucket.name=b"]),
    example(
        "sink-address-changed",
        OPENSEARCH,
        ["", "connection.url=http://a:9200", "connection.url=http://b:9200"],
    ),
    example(
        "sink-malformed-passed-over",
        ELASTIC,
        ["", "behavior.on.malformed.documents=fail", "behavior.on.malformed.documents=warn"],
    ),
    example(
        "sink-nulls-passed-over",
        ELASTIC,
        ["", "behavior.on.null.values=delete", "behavior.on.null.values=ignore"],
    ),
    example("sink-insert-mode", JDBC_SINK, ["", "insert.mode=upsert", "insert.mode=insert"]),
    example("sink-insert-mode", JDBC_SINK, ["", "insert.mode=UPSERT", ""]),
    example("sink-new-rows-left-out", JDBC_SINK, ["", "insert.mode=upsert", "insert.mode=update"]),
    example(
        "sink-keys-of-written-rows",
        JDBC_SINK,
        ["insert.mode=upsert", "primary.key.mode=record_value", "primary.key.mode=record_key"],
    ),
    example(
        "sink-keys-of-written-rows",
        CONFLUENT_JDBC_SINK,
        ["delete.enabled=true pk.mode=record_key", "pk.fields=id,region", "pk.fields=id"],
    ),
    example(
        "sink-keys-of-written-rows",
        JDBC_SINK,
        ["insert.mode=Update primary.key.mode=record_key", "", "primary.key.fields=id"],
    ),
    example(
        "sink-keys-of-written-rows",
        CONFLUENT_JDBC_SINK,
        ["insert.mode=${env:MODE}", "pk.mode=kafka", "pk.mode=record_key"],
    ),
    example("sink-keys", CONFLUENT_JDBC_SINK, ["", "", "pk.mode=kafka"]),
    example(
        "sink-keys",
        JDBC_SINK,
        ["primary.key.mode=record_key", "primary.key.fields=a,b", "primary.key.fields=b,a"],
    ),
    example("sink-address-changed", S3, ["", "s3.bucket.name=a", "s3.bucket.name=b"]),
    example("sink-address-changed", S3, ["", "", "topics.dir=other"]),
    example("sink-address-changed", JDBC_SINK, ["", "table.name.format=a", "collection.name.format=b"]),
    example("sink-address-changed", CONFLUENT_JDBC_SINK, ["", "table.name.format=a", "table.name.format=b"]),
    example("sink-address-changed", JDBC_SINK, ["", "collection.name.format=a", "collection.name.format=b"]),
    example(
        "sink-address-changed",
        JDBC_SINK,
        ["", "connection.url=jdbc:postgresql://a/x", "connection.url=jdbc:postgresql://b/x"],
    ),
    example("sink-address-changed", DEBEZIUM_MONGO_SINK, ["", "sink.database=a", "sink.database=b"]),
    example(
        "sink-address-changed",
        DEBEZIUM_MONGO_SINK,
        ["", "mongodb.connection.string=mongodb://a/", "mongodb.connection.string=mongodb://b/"],
    ),
    example("sink-address-changed", JDBC_SINK, ["", "", "collection.naming.strategy=com.acme.Names"]),
    example("sink-address-changed", JDBC_SINK, ["", "", "table.naming.strategy=com.acme.Names"]),
    example(
        "sink-address-alike",
        JDBC_SINK,
        ["", "connection.url=jdbc:postgresql://a/x", "connection.url=jdbc:postgresql://a:5432/x"],
    ),
    example(
        "sink-address-alike",
        JDBC_SINK,
        [
            "",
            "connection.url=jdbc:postgresql://A,b:5432/x?currentSchema=s&connectTimeout=3",
            "connection.url=jdbc:postgresql://a:5432,b/x?currentSchema=s",
        ],
    ),
    example(
        "sink-address-alike",
        JDBC_SINK,
        ["", "connection.url=jdbc:mysql://a/x", "connection.url=jdbc:mysql://a:3306/x?useCompression=true"],
    ),
    example(
        "sink-address-alike",
        JDBC_SINK,
        [
            "",
            "connection.url=jdbc:sqlserver://a;databaseName=x",
            "connection.url=jdbc:sqlserver://a:1433;loginTimeout=3;databaseName=x;",
        ],
    ),
    example(
        "sink-address-alike",
        JDBC_SINK,
        ["", "connection.url=jdbc:oracle:thin:@//a/x", "connection.url=jdbc:oracle:thin:@a:1521/x"],
    ),
    example(
        "sink-encryption-changed",
        JDBC_SINK,
        [
            "",
            "connection.url=jdbc:postgresql://a/x?sslmode=verify-full",
            "connection.url=jdbc:postgresql://a/x?sslmode=disable",
        ],
    ),
    example(
        "sink-encryption-changed",
        JDBC_SINK,
        ["", "connection.url=jdbc:mysql://a/x?useSSL=true", "connection.url=jdbc:mysql://a:3306/x"],
    ),
    example(
        "sink-encryption-changed",
        JDBC_SINK,
        [
            "",
            "connection.url=jdbc:sqlserver://a;Encrypt=true",
            "connection.url=jdbc:sqlserver://a;encrypt=false",
        ],
    ),
    example(
        "sink-address-changed",
        JDBC_SINK,
        [
            "",
            "connection.url=jdbc:postgresql://a/x?sslmode=verify-full",
            "connection.url=jdbc:postgresql://b/x?sslmode=disable",
        ],
    ),
    example(
        "sink-address-alike",
        ELASTIC,
        ["", "connection.url=http://a:9200,http://b:9200", "connection.url=http://b:9200/"],
    ),
    example(
        "sink-address-alike",
        ELASTIC,
        ["", "connection.url=https://a,https://b", "connection.url=https://A:443"],
    ),
    example(
        "sink-address-changed",
        ELASTIC,
        ["", "connection.url=http://a:9200", "connection.url=http://a:9200,http://b:9200"],
    ),
    example(
        "sink-address-changed",
        ELASTIC,
        ["", "connection.url=http://a:9200,http://b:9200", "connection.url=http://c:9200,http://b:9200"],
    ),
    example(
        "sink-address-changed",
        ELASTIC,
        ["", "connection.url=https://a:9200", "connection.url=http://a:9200"],
    ),
    example(
        "sink-address-alike",
        DEBEZIUM_MONGO_SINK,
        ["", "mongodb.connection.string=mongodb://a", "mongodb.connection.string=mongodb://b:27017,a:27017/"],
    ),
    example(
        "sink-address-changed",
        JDBC_SINK,
        ["", "connection.url=jdbc:postgresql://a/x", "connection.url=jdbc:postgresql://a:5433/x"],
    ),
    example(
        "sink-address-changed",
        JDBC_SINK,
        ["", "connection.url=jdbc:postgresql://a/x", "connection.url=jdbc:postgresql://a/x?currentSchema=s"],
    ),
    example(
        "sink-address-changed",
        JDBC_SINK,
        ["", "connection.url=jdbc:postgresql://a,b/x", "connection.url=jdbc:postgresql://b,a/x"],
    ),
    example(
        "sink-address-changed",
        JDBC_SINK,
        ["", "connection.url=jdbc:postgresql://a/x", "connection.url=jdbc:mysql://a/x"],
    ),
    example(
        "sink-address-changed",
        JDBC_SINK,
        [
            "",
            "connection.url=jdbc:sqlserver://a;databaseName=x",
            "connection.url=jdbc:sqlserver://a;databaseName=y",
        ],
    ),
    example(
        "sink-address-changed",
        JDBC_SINK,
        [
            "",
            "connection.url=jdbc:sqlserver://a;instanceName=i;databaseName=x",
            "connection.url=jdbc:sqlserver://a:1433;instanceName=i;databaseName=x",
        ],
    ),
    example(
        "sink-address-changed",
        JDBC_SINK,
        ["", "connection.url=jdbc:sqlserver://a", "connection.url=jdbc:sqlserver://a;databaseName=x"],
    ),
    example(
        "sink-address-changed",
        JDBC_SINK,
        ["", "connection.url=jdbc:oracle:thin:@a:1521:x", "connection.url=jdbc:oracle:thin:@a:1521/x"],
    ),
    example(
        "sink-address-changed",
        JDBC_SINK,
        ["", "connection.url=jdbc:acme://a/x", "connection.url=jdbc:acme://a/x?ssl=true"],
    ),
    example(
        "sink-address-changed",
        ELASTIC,
        ["", "connection.url=http://a:9200", "connection.url=http://b:9200"],
    ),
    example(
        "sink-address-changed",
        ELASTIC,
        ["", "connection.url=http://a:9200/one", "connection.url=http://a:9200/two"],
    ),
    example("sink-address-changed", ELASTIC, ["", "connection.url=http://a", "connection.url=https://a"]),
    example(
        "sink-address-changed",
        JDBC_SINK,
        ["", "connection.url=jdbc:postgresql://a/x", "connection.url=jdbc:postgresql://${env:H}/x"],
    ),
];
