//! Which connectors a row speaks of.
//!
//! Takes a class, says to which families it belongs. What a class is called is known to `classes`.

use std::fmt;

use crate::pipeline::classes::{self, short};

/// Some connectors, by their class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Every one.
    All,
    /// Every sink.
    Sinks,
    /// Every source.
    Sources,
    /// Every source of Debezium's.
    Debezium,
    /// Debezium's for PostgreSQL.
    Postgres,
    /// Debezium's that read a binlog.
    Binlog,
    /// Debezium's for SQL Server.
    SqlServer,
    /// Debezium's for Oracle.
    Oracle,
    /// Debezium's for `MongoDB`.
    Mongo,
    /// Debezium's that keep a history of the database's schema.
    Historized,
}

impl Family {
    /// Whether a class is one of them.
    pub fn has(self, class: &str) -> bool {
        let class = class.trim();
        let among = |shorts: &[&str]| classes::is_debezium(class) && shorts.contains(&short(class));
        match self {
            Self::All => true,
            Self::Sinks => classes::is_sink(class),
            Self::Sources => !classes::is_sink(class),
            Self::Debezium => classes::is_debezium(class),
            Self::Postgres => among(&["Postgres"]),
            Self::Binlog => among(&["MySql", "MariaDb"]),
            Self::SqlServer => among(&["SqlServer"]),
            Self::Oracle => among(&["Oracle"]),
            Self::Mongo => among(&["MongoDb"]),
            Self::Historized => among(&["MySql", "MariaDb", "SqlServer", "Oracle", "Db2", "Informix"]),
        }
    }
}

impl Family {
    /// Whether all of them are Debezium's.
    pub fn is_of_debezium(self) -> bool {
        match self {
            Self::All | Self::Sinks | Self::Sources => false,
            Self::Debezium
            | Self::Postgres
            | Self::Binlog
            | Self::SqlServer
            | Self::Oracle
            | Self::Mongo
            | Self::Historized => true,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "every connector",
            Self::Sinks => "every sink",
            Self::Sources => "every source",
            Self::Debezium => "every source of Debezium",
            Self::Postgres => "Debezium for PostgreSQL",
            Self::Binlog => "Debezium for MySQL and MariaDB",
            Self::SqlServer => "Debezium for SQL Server",
            Self::Oracle => "Debezium for Oracle",
            Self::Mongo => "Debezium for MongoDB",
            Self::Historized => {
                "Debezium with a history of the schema (MySQL, MariaDB, SQL Server, Oracle, Db2, Informix)"
            }
        })
    }
}
