//! Where a connector reads from: comparing addresses of databases.
//!
//! Takes configs, says whether two of them name the same place. A name is not looked up: but for the names of this
//! machine, whose meaning is fixed, another name is another place. Equal placeholders are filled with equal texts.

use crate::model::config::Value;
use crate::pipeline::classes::short;
use crate::pipeline::sight::Sight;

const HOST: &str = "database.hostname";
/// The key of a server's port.
pub const PORT: &str = "database.port";

/// The keys of a server's address.
pub const ADDRESS: [&str; 2] = [HOST, PORT];

/// What says, beside host and port, where the rows of one of Debezium's sources come from.
const PLACES: &[&str] = &[
    "database.dbname",
    "database.names",
    "database.pdb.name",
    "database.server",
    "database.url",
    "mongodb.connection.string",
    "mongodb.hosts",
    "vitess.keyspace",
    "vitess.shard",
    "gcp.spanner.instance.id",
    "gcp.spanner.database.id",
];

/// The port at which one of Debezium's sources asks where nobody says another one; none where that is not known.
pub fn usual_port(class: &str) -> Option<&'static str> {
    match short(class.trim()) {
        "Postgres" => Some("5432"),
        "MySql" | "MariaDb" => Some("3306"),
        "Oracle" => Some("1528"),
        "SqlServer" => Some("1433"),
        _ => None,
    }
}

/// A host's name in one form. All names of the machine that asks are one: `localhost`, `127.0.0.1`, `::1`.
pub fn host(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    // What stands in a placeholder is no host, and its case counts.
    let text = if text.contains("${") { text.to_owned() } else { text.to_ascii_lowercase() };
    let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&text);
    let is_here = ["localhost", "::1", "0:0:0:0:0:0:0:1"].contains(&inside)
        || inside.ends_with(".localhost")
        || is_loopback(inside);
    if is_here { "localhost".to_owned() } else { text }
}

/// Whether a text is an address of 127.0.0.0/8.
fn is_loopback(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').map(str::parse::<u8>).collect();
    matches!(parts.as_slice(), [Ok(127), Ok(_), Ok(_), Ok(_)])
}

/// Host and port of a database server; none where nobody can say.
pub fn address(sight: &Sight<'_>) -> Option<String> {
    let named = host(&sight.text(HOST)?);
    Some(format!("{named}:{}", port(sight)))
}

fn port(sight: &Sight<'_>) -> String {
    let usual = || usual_port(sight.class).unwrap_or_default().to_owned();
    sight.text(PORT).map_or_else(usual, |port| port.trim().to_owned())
}

/// What one of the keys of an address says, in one form; none where nobody can say.
pub fn said(sight: &Sight<'_>, key: &str) -> Option<String> {
    let told = if key == PORT { port(sight) } else { host(&sight.text(key)?) };
    Some(told).filter(|told| !told.is_empty())
}

/// Whether two connectors of one family read from the same place; no where neither says anything of it.
///
/// A text behind a mask is unknown, and taken for the same: what else is known of both decides.
pub fn is_same(one: &Sight<'_>, other: &Sight<'_>) -> bool {
    let is_placed = [one, other].iter().any(|sight| sight.has(HOST) || has_place(sight));
    is_placed && ADDRESS.iter().all(|key| said(one, key) == said(other, key)) && has_same_places(one, other)
}

/// Whether two connectors of one family read from a database of the same name, on whatever server.
pub fn is_same_database(one: &Sight<'_>, other: &Sight<'_>) -> bool {
    (has_place(one) || has_place(other)) && has_same_places(one, other)
}

fn has_place(sight: &Sight<'_>) -> bool {
    PLACES.iter().any(|key| sight.has(key))
}

fn has_same_places(one: &Sight<'_>, other: &Sight<'_>) -> bool {
    PLACES.iter().all(|key| is_alike(one.config.get(key), other.config.get(key)))
}

/// Whether two values are the same, as far as can be told.
pub fn is_alike(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => one.same_text(other) || one.is_masked() || other.is_masked(),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Config;

    #[test]
    fn all_names_of_this_machine_are_one_and_no_other_is() {
        for text in ["localhost", "LOCALHOST.", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "db.localhost"] {
            assert_eq!(host(text), "localhost", "{text}");
        }
        for text in [
            "db",
            "10.0.0.1",
            "localhost.example.com",
            "128.0.0.1",
            "127.0.0.1.example.com",
            "::2",
            "127.0.0.256",
            "${env:HOST}",
        ] {
            assert_eq!(host(text), text, "{text}");
        }
    }

    fn is_same_place(class: &str, one: &[(&str, &str)], other: &[(&str, &str)]) -> bool {
        let config = |pairs: &[(&str, &str)]| -> Config {
            pairs
                .iter()
                .chain(&[("connector.class", class)])
                .map(|&(key, text)| (key, Value::new(key, text)))
                .collect()
        };
        let (one, other) = (config(one), config(other));
        is_same(&Sight::of(&one).expect("a class"), &Sight::of(&other).expect("a class"))
    }

    #[test]
    fn a_place_is_host_port_and_database_as_the_family_names_them() {
        const POSTGRES: &str = "io.debezium.connector.postgresql.PostgresConnector";
        const MONGO: &str = "io.debezium.connector.mongodb.MongoDbConnector";
        let here = [("database.hostname", "db"), ("database.dbname", "x")];
        assert!(is_same_place(
            POSTGRES,
            &here,
            &[("database.hostname", "DB."), ("database.dbname", "x"), ("database.port", "5432")]
        ));
        for (key, text) in [("database.hostname", "db2"), ("database.dbname", "y"), ("database.port", "5433")]
        {
            let mut there = here.to_vec();
            there.retain(|(own, _)| *own != key);
            there.push((key, text));
            assert!(!is_same_place(POSTGRES, &here, &there), "{key}");
        }
        let at = |text| [("mongodb.connection.string", text)];
        let (one, other) = ("mongodb://app:hunter2@a/x", "mongodb://app:hunter2@b/x");
        assert!(is_same_place(MONGO, &at(one), &at(one)), "a secret can be compared");
        assert!(!is_same_place(MONGO, &at(one), &at(other)));
        assert!(is_same_place(MONGO, &at(one), &at("••••••••")), "what is masked may be the same");
        assert!(!is_same_place(MONGO, &[], &[]), "nobody says where");
    }
}
