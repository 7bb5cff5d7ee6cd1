//! What an example of a change is, and the words that many of them share.

use crate::model::config::{Config, Value};

/// A change, written as `key=value` with spaces between.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// The row that speaks of it, or what it looks like where none does.
    pub row: &'static str,
    /// The class, unless the change says one itself.
    pub class: &'static str,
    /// What stays.
    pub both: &'static str,
    /// What is there before.
    pub before: &'static str,
    /// What is there afterwards.
    pub after: &'static str,
}

/// A change of a connector of this class: what stays, what is there before and what afterwards.
pub const fn example(row: &'static str, class: &'static str, texts: [&'static str; 3]) -> Example {
    let [both, before, after] = texts;
    Example { row, class, both, before, after }
}

/// Debezium for PostgreSQL.
pub const PG: &str = "io.debezium.connector.postgresql.PostgresConnector";
/// Debezium for `MySQL`.
pub const MYSQL: &str = "io.debezium.connector.mysql.MySqlConnector";
/// Debezium for SQL Server.
pub const SQLSERVER: &str = "io.debezium.connector.sqlserver.SqlServerConnector";
/// Debezium for Oracle.
pub const ORACLE: &str = "io.debezium.connector.oracle.OracleConnector";
/// Debezium for `MongoDB`.
pub const MONGO: &str = "io.debezium.connector.mongodb.MongoDbConnector";
/// Debezium's sink by JDBC.
pub const JDBC_SINK: &str = "io.debezium.connector.jdbc.JdbcSinkConnector";
/// Confluent's sink by JDBC.
pub const CONFLUENT_JDBC_SINK: &str = "io.confluent.connect.jdbc.JdbcSinkConnector";
/// A sink for Elasticsearch.
pub const ELASTIC: &str = "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector";
/// A sink for S3.
pub const S3: &str = "io.confluent.connect.s3.S3SinkConnector";
/// A sink for S3, of Aiven's.
pub const AIVEN_S3: &str = "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector";
/// A sink for Google's stores of files.
pub const GCS: &str = "io.aiven.kafka.connect.gcs.GcsSinkConnector";
/// A sink for Azure's stores of files.
pub const AZURE: &str = "io.aiven.kafka.connect.azure.sink.AzureBlobSinkConnector";
/// A sink for HDFS.
pub const HDFS: &str = "io.confluent.connect.hdfs.HdfsSinkConnector";
/// A sink for `BigQuery`.
pub const BIGQUERY: &str = "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector";
/// A sink for Snowflake.
pub const SNOWFLAKE: &str = "com.snowflake.kafka.connector.SnowflakeSinkConnector";
/// A sink for `ClickHouse`.
pub const CLICKHOUSE: &str = "com.clickhouse.kafka.connect.ClickHouseSinkConnector";
/// A sink for Iceberg.
pub const ICEBERG: &str = "org.apache.iceberg.connect.IcebergSinkConnector";
/// A sink for `OpenSearch`.
pub const OPENSEARCH: &str = "io.aiven.kafka.connect.opensearch.OpenSearchSinkConnector";
/// A sink that speaks HTTP.
pub const HTTP: &str = "io.confluent.connect.http.HttpSinkConnector";
/// A sink for Redis.
pub const REDIS: &str = "com.redis.kafka.connect.RedisSinkConnector";
/// A sink for Neo4j.
pub const NEO4J: &str = "org.neo4j.connectors.kafka.sink.Neo4jConnector";
/// The same until 5.0.
pub const OLD_NEO4J: &str = "streams.kafka.connect.sink.Neo4jSinkConnector";
/// A sink for S3, of Lenses'.
pub const LENSES_S3: &str = "io.lenses.streamreactor.connect.aws.s3.sink.S3SinkConnector";
/// A sink for `MongoDB`, of Lenses'.
pub const LENSES_MONGO: &str = "io.lenses.streamreactor.connect.mongodb.sink.MongoSinkConnector";
/// A sink by JDBC, of Aiven's.
pub const AIVEN_JDBC_SINK: &str = "io.aiven.connect.jdbc.JdbcSinkConnector";
/// A source without a database.
pub const FILE: &str = "org.apache.kafka.connect.file.FileStreamSourceConnector";
/// Debezium's sink for `MongoDB`.
pub const DEBEZIUM_MONGO_SINK: &str = "io.debezium.connector.mongodb.MongoDbSinkConnector";
/// The sink of the makers of `MongoDB`.
pub const MONGO_SINK: &str = "com.mongodb.kafka.connect.MongoSinkConnector";
/// The source of the makers of `MongoDB`.
pub const MONGO_SOURCE: &str = "com.mongodb.kafka.connect.MongoSourceConnector";
/// What people call it: Connect knows the class by that name too.
pub const ALIAS: &str = "PostgresConnector";
/// A publication of just these tables.
pub const FILTERED: &str = "publication.autocreate.mode=filtered";
/// A publication that the connector leaves alone.
pub const DISABLED: &str = "publication.autocreate.mode=disabled";
/// A heartbeat.
pub const BEATS: &str = "heartbeat.interval.ms=10000";
/// What cannot be taken is let go.
pub const TOLERANT: &str = "errors.tolerance=all";
/// What cannot be taken is put aside.
pub const DEAD_LETTERS: &str = "errors.deadletterqueue.topic.name=q";
/// A transform that drops records.
pub const FILTER: &str = "transforms=f transforms.f.type=io.debezium.transforms.Filter";
/// What masks a field once it is in the list of transforms.
pub const MASKS: &str =
    "transforms.m.type=org.apache.kafka.connect.transforms.MaskField$Value transforms.m.fields=card";
/// What masks a field.
pub const MASKED: &str = "transforms=m transforms.m.type=MaskField$Value transforms.m.fields=card";

impl Example {
    /// The config before and afterwards.
    pub fn configs(&self) -> (Config, Config) {
        let of = |own: &str| {
            let texts = format!("{} {own}", self.both);
            let class = [("connector.class", self.class)];
            let class = class.into_iter().filter(|(_, class)| !class.is_empty());
            let pairs = texts.split_whitespace().filter_map(|pair| pair.split_once('='));
            class.chain(pairs).map(|(key, text)| (key, Value::new(key, text))).collect()
        };
        (of(self.before), of(self.after))
    }
}
