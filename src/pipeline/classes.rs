//! What is known of connector classes.
//!
//! Tables and questions over them. Connect knows a class by its whole name and in short, without its package and the word at
//! its end. In short `PostgresConnector` could be anybody's; it counts as the class that it most likely is: to warn or to hold
//! too much costs a line, too little costs data.

/// Debezium's connector for PostgreSQL.
pub const POSTGRES: &[&str] = &["io.debezium.connector.postgresql.PostgresConnector"];
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

/// Debezium's sources in short.
const DEBEZIUM: &[&str] = &[
    "Postgres",
    "MySql",
    "MariaDb",
    "SqlServer",
    "Oracle",
    "MongoDb",
    "Db2",
    "As400Rpc",
    "Informix",
    "Vitess",
    "Spanner",
    "Cassandra4",
];

/// Sinks that are not called so. In short such a name could be a source's.
const SINKS: &[&str] = &["org.neo4j.connectors.kafka.sink.Neo4jConnector"];

/// What is left of a class without its package and the word at its end: Connect knows it by that name too.
pub fn short(class: &str) -> &str {
    let last = class.rsplit('.').next().unwrap_or(class);
    last.strip_suffix("Connector").unwrap_or(last)
}

/// Whether a class is one of Debezium's sources.
pub fn is_debezium(class: &str) -> bool {
    let class = class.trim();
    let is_whole = class.starts_with("io.debezium.connector.") && !is_sink(class);
    is_whole || (is_short(class) && DEBEZIUM.contains(&short(class)))
}

/// Whether a class is one of these, which are whole names of Debezium's sources.
pub fn is_among(class: &str, classes: &[&str]) -> bool {
    classes.iter().any(|whole| is_same(class, whole))
}

/// Whether both are names of one class, as far as names tell.
pub fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    one == other || ((is_short(one) || is_short(other)) && short(one) == short(other))
}

fn is_short(class: &str) -> bool {
    !class.contains('.')
}

/// Whether a class is a sink, by its name: nothing else tells it without a worker.
pub fn is_sink(class: &str) -> bool {
    class.ends_with("SinkConnector") || class.ends_with("Sink") || SINKS.contains(&class.trim())
}

/// Whether a class is one of Debezium's sinks. In short it could be anybody's.
pub fn is_debezium_sink(class: &str) -> bool {
    class.trim().starts_with("io.debezium.connector.") && is_sink(class.trim())
}

/// Whether a class is surely a source.
pub fn is_source(class: &str) -> bool {
    is_debezium(class) || class.ends_with("SourceConnector") || class.ends_with("Source")
}
