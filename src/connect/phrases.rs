//! What the texts of databases and plugins mean, as tables of phrases.
//!
//! Takes a trace or a line of a refusal, gives a class. The texts may hold resolved secrets, so
//! nothing of them leaves this file but the class.

use crate::model::live::Trouble;

/// What says that history which the connector needs is gone.
///
/// A restart cannot help then: each of these ended a task for good where it was seen.
const DATA_LOST: &[&str] = &[
    // PostgreSQL and MySQL connectors of Debezium: the slot or the binlog has moved on.
    "no longer available on the server",
    // MongoDB: the resume token fell out of the oplog.
    "ChangeStreamHistoryLost",
    "resume point may no longer be in the oplog",
    // MySQL's own words for a purged binlog.
    "Could not find first log file name in binary log index file",
    "has purged required binary logs",
    // The schema history does not reach back far enough.
    "schema isn't known",
    "history topic is missing",
    "history topic or its content is fully or partially missing",
    // Oracle: the archived logs are gone.
    "no longer has online or archived redo logs",
];

/// What says that a database or a broker is not there yet, or does not let the connector in yet.
const AWAY: &[&str] = &[
    // Any JVM.
    "Connection refused",
    "Connection timed out",
    "UnknownHost",
    "No route to host",
    "Network is unreachable",
    "Temporary failure in name resolution",
    // PostgreSQL's driver.
    "The connection attempt failed",
    "An error occurred while setting up the SSL connection",
    // PostgreSQL itself.
    "password authentication failed",
    "is not permitted to log in",
    "no pg_hba.conf entry",
    "the database system is starting up",
    "the database system is shutting down",
    "the database system is not yet accepting connections",
    "too many clients already",
    "remaining connection slots are reserved",
    // Debezium, where a publication is made by somebody else.
    "Publication autocreation is disabled",
    // MySQL and MariaDB.
    "Communications link failure",
    "Access denied for user",
    "Unknown database",
    "Too many connections",
    // SQL Server.
    "Login failed for user",
    "Cannot open database",
    "The TCP/IP connection to the host",
    // Oracle.
    "ORA-01017",
    "ORA-12541",
    "ORA-12514",
    "The Network Adapter could not establish the connection",
    // MongoDB.
    "MongoTimeoutException",
    "MongoSecurityException",
    "Unable to connect to any",
    // Kafka, seen from a connector with clients of its own.
    "No resolvable bootstrap urls",
    "Timed out waiting for a node assignment",
];

/// What of `PostgreSQL` may be missing, and come: `database "orders" does not exist`.
///
/// A missing table or class "does not exist" as well and is no such thing.
const MISSING: &[&str] = &["database \"", "role \"", "publication \""];

/// Says what a trace tells about a failure.
pub fn trouble(trace: &str) -> Trouble {
    if DATA_LOST.iter().any(|phrase| trace.contains(phrase)) {
        Trouble::DataLost
    } else if trace.lines().any(is_away) {
        Trouble::Away
    } else {
        Trouble::Other
    }
}

/// Says whether a line tells that a database or a broker is away, or refuses.
pub fn is_away(line: &str) -> bool {
    AWAY.iter().any(|phrase| line.contains(phrase)) || is_refused_connection(line) || is_missing(line)
}

/// Recognises `Connection to db:5432 refused`, whatever stands between the words.
fn is_refused_connection(line: &str) -> bool {
    line.split_once("Connection to ").is_some_and(|(_, rest)| rest.contains(" refused"))
}

fn is_missing(line: &str) -> bool {
    MISSING.iter().any(|start| {
        line.match_indices(start).any(|(at, _)| {
            let name_onwards = &line[at + start.len()..];
            name_onwards.find('"').is_some_and(|end| name_onwards[end + 1..].starts_with(" does not exist"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_history_is_told_from_everything_else() {
        for trace in [
            "org.apache.kafka.connect.errors.ConnectException: The connector is trying to read change stream starting at \
             PostgresOffsetContext [...], but this is no longer available on the server. Reconfigure the connector to use a \
             snapshot mode when needed.\n\tat io.debezium…",
            "Caused by: com.mongodb.MongoCommandException: Command failed with error 286 (ChangeStreamHistoryLost)",
            "io.debezium.DebeziumException: Encountered change event for table inventory.x whose schema isn't known to this connector",
        ] {
            assert_eq!(trouble(trace), Trouble::DataLost, "{trace}");
        }
    }

    #[test]
    fn lost_history_wins_over_a_refused_connection_in_the_same_trace() {
        assert_eq!(
            trouble("x: Connection refused\nCaused by: but this is no longer available on the server."),
            Trouble::DataLost
        );
    }

    #[test]
    fn a_database_that_is_not_there_yet_is_away() {
        for trace in [
            "Connection to 127.0.0.1:1 refused. Check that the hostname and port are correct and that the postmaster is \
             accepting TCP/IP connections.",
            "java.net.ConnectException: Connection refused (Connection refused)",
            "The connection attempt failed.",
            "java.net.UnknownHostException: db.internal",
            "FATAL: password authentication failed for user \"orders\"",
            "FATAL: database \"orders\" does not exist",
            "FATAL: role \"orders\" does not exist",
            "FATAL: role \"orders\" is not permitted to log in",
            "ERROR: publication \"orders\" does not exist",
            "Publication autocreation is disabled, please create one and restart the connector.",
            "Communications link failure",
            "An error occurred while setting up the SSL connection.",
        ] {
            assert_eq!(trouble(trace), Trouble::Away, "{trace}");
        }
    }

    #[test]
    fn anything_else_is_other() {
        for trace in [
            "java.lang.NullPointerException",
            "ERROR: relation \"orders\" does not exist",
            "database \"orders\" is odd and table \"x\" does not exist",
            "Tolerance exceeded in error handler",
            "Connection to the past\nwas refused",
            "",
        ] {
            assert_eq!(trouble(trace), Trouble::Other, "{trace}");
        }
    }
}
