//! What is known of connector classes.
//!
//! Tables and questions over them. A class is known by its whole name: an alias such as
//! `PostgresConnector` could be anybody's.

/// Debezium's connector for PostgreSQL.
pub const POSTGRES: &[&str] = &["io.debezium.connector.postgresql.PostgresConnector"];
/// Debezium's connectors that read a binlog.
pub const BINLOG: &[&str] =
    &["io.debezium.connector.mysql.MySqlConnector", "io.debezium.connector.mariadb.MariaDbConnector"];
/// Debezium's connector for SQL Server.
pub const SQL_SERVER: &[&str] = &["io.debezium.connector.sqlserver.SqlServerConnector"];
/// Debezium's relational connectors whose snapshot modes are known.
pub const RELATIONAL: &[&str] = &[
    "io.debezium.connector.postgresql.PostgresConnector",
    "io.debezium.connector.mysql.MySqlConnector",
    "io.debezium.connector.mariadb.MariaDbConnector",
    "io.debezium.connector.oracle.OracleConnector",
    "io.debezium.connector.sqlserver.SqlServerConnector",
];
/// Connectors that never have more than one task.
pub const SINGLE_TASK: &[&str] = &[
    "io.debezium.connector.postgresql.PostgresConnector",
    "io.debezium.connector.mysql.MySqlConnector",
    "io.debezium.connector.mariadb.MariaDbConnector",
    "io.debezium.connector.oracle.OracleConnector",
    "io.debezium.connector.db2.Db2Connector",
    "io.debezium.connector.informix.InformixConnector",
];

/// Whether a class is one of Debezium's sources.
pub fn is_debezium(class: &str) -> bool {
    class.starts_with("io.debezium.connector.") && !is_sink(class)
}

/// Whether a class is a sink, by its name: nothing else tells it without a worker.
pub fn is_sink(class: &str) -> bool {
    class.ends_with("SinkConnector") || class.ends_with("Sink")
}

/// Whether a class is surely a source.
pub fn is_source(class: &str) -> bool {
    is_debezium(class) || class.ends_with("SourceConnector") || class.ends_with("Source")
}
