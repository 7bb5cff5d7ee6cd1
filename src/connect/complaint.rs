//! What may be kept of a config's refusal: how many complaints, about which keys, of what kind.
//!
//! Takes Connect's message and the keys that were sent. The message holds resolved secrets, so
//! nothing of it goes on but key names that cannot be values.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::connect::phrases;

/// What may be kept of a refused config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// How many errors Connect counted, where it counted.
    pub count: Option<usize>,
    /// The keys that it named, in order.
    pub keys: Vec<Arc<str>>,
    /// What kind of complaint it is.
    pub reason: Objection,
}

/// The kinds of complaint about a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// It has no `connector.class`.
    NoClass,
    /// The worker has no plugin of that class.
    UnknownClass,
    /// A value is null.
    NullValue,
    /// Its `name` is not the connector's.
    OtherName,
    /// Keys have values that the plugin does not take, or lack one.
    Values,
    /// Anything else.
    Other,
}

impl Objection {
    /// What a person can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::NoClass => "give connector.class",
            Self::UnknownClass => "install the plugin on every worker, or correct connector.class",
            Self::NullValue => "give every key a text",
            Self::OtherName => "leave `name` out of the config; it is the connector's name",
            Self::Values | Self::Other => {
                "the worker's log has the full text; it is not repeated here because it can hold secrets"
            }
        }
    }
}

/// Reads the message of a 400; `sent` are the keys of the config that was sent.
///
/// Gives `None` where it only says that the connector's database is away, or refuses.
pub fn complaint(message: &str, sent: &BTreeSet<&str>) -> Option<Complaint> {
    let keys: BTreeSet<&str> = message.lines().filter_map(|line| key_of(line, sent)).collect();
    let reason = match whole_config(message) {
        Some(reason) => reason,
        None if !keys.is_empty() => Objection::Values,
        // Where a key is wrong as well, waiting for the database would not help.
        None if message.lines().any(phrases::is_away) => return None,
        None => Objection::Other,
    };
    Some(Complaint { count: counted(message), keys: keys.into_iter().map(Arc::from).collect(), reason })
}

/// Recognises the complaints that concern a config as a whole.
fn whole_config(message: &str) -> Option<Objection> {
    const PHRASES: &[(&str, Objection)] = &[
        ("contains no connector type", Objection::NoClass),
        ("Failed to find any class that implements Connector", Objection::UnknownClass),
        ("Null value can not be supplied", Objection::NullValue),
        ("doesn't match connector name in the URL", Objection::OtherName),
    ];
    PHRASES.iter().find(|(phrase, _)| message.contains(phrase)).map(|(_, objection)| *objection)
}

/// Reads N of `contains the following N error(s)`.
fn counted(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("contains the following ")?;
    let (number, _) = rest.split_once(" error(s)")?;
    number.parse().ok()
}

/// Reads the key that a line complains of, unless the line says that a database is away.
///
/// A value stands in these lines as well and might look like a key. So a key counts if it was sent,
/// or if it stands in a place where no value can be: the very begin of a line of fixed form.
fn key_of<'a>(line: &'a str, sent: &BTreeSet<&str>) -> Option<&'a str> {
    if phrases::is_away(line) {
        return None;
    }
    let fixed = between(line, "Missing required configuration \"", "\" which has no default value")
        .or_else(|| between(line, "Invalid value null for configuration ", ":"))
        .or_else(|| between(line, "The '", "' value is invalid"));
    if let Some(key) = fixed {
        return is_key_like(key).then_some(key);
    }
    line.match_indices(" for configuration ").map(|(at, phrase)| &line[at + phrase.len()..]).find_map(
        |rest| {
            let key = rest.split([':', ' ']).next()?;
            sent.contains(key).then_some(key)
        },
    )
}

fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(start)?;
    Some(&rest[..rest.find(end)?])
}

fn is_key_like(text: &str) -> bool {
    let is_tame = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !text.is_empty()
        && text.len() <= 128
        && text.contains(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_tame)
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, keys, reason } = self;
        let what = match reason {
            Objection::NoClass => "the config has no connector.class",
            Objection::UnknownClass => "the workers have no plugin of this connector.class",
            Objection::NullValue => "a value is null",
            Objection::OtherName => "the config carries another connector's name",
            Objection::Values => "Connect does not accept the config",
            Objection::Other => "Connect does not accept the config and names no key",
        };
        f.write_str(what)?;
        if let Some(count) = count {
            write!(f, ", {count} error{}", if *count == 1 { "" } else { "s" })?;
        }
        if !keys.is_empty() {
            write!(f, ", at {}", keys.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid(message: &str, sent: &[&str]) -> Complaint {
        complaint(message, &sent.iter().copied().collect()).expect("not only a database that is away")
    }

    fn wrapped(count: usize, lines: &str) -> String {
        format!(
            "Connector configuration is invalid and contains the following {count} error(s):\n{lines}\nYou can also find \
             the above list of errors at the endpoint `/connector-plugins/{{connectorType}}/config/validate`"
        )
    }

    #[test]
    fn a_refused_config_is_read_down_to_its_count_and_keys() {
        let message = wrapped(
            3,
            "Invalid value abc for configuration tasks.max: Not a number of type INT\nMissing required configuration \
             \"file\" which has no default value.\nThe 'snapshot.mode' value is invalid: Value must be one of always, \
             initial",
        );
        let complaint = invalid(&message, &["tasks.max", "snapshot.mode"]);
        assert_eq!(
            complaint.to_string(),
            "Connect does not accept the config, 3 errors, at file, snapshot.mode, tasks.max"
        );
    }

    #[test]
    fn a_value_that_looks_like_a_key_is_not_kept() {
        for line in [
            "Invalid value hunter2 for configuration batch.size: Not a number of type INT",
            "Invalid value x for configuration hunter2: y for configuration batch.size: Not a number of type INT",
            "Invalid value The 'hunter2' value is invalid: x for configuration batch.size: no",
            "Invalid value Missing required configuration \"hunter2\" which has no default value for configuration batch.size: no",
        ] {
            let complaint = invalid(&wrapped(1, line), &["batch.size"]);
            assert!(!format!("{complaint:?} {complaint}").contains("hunter2"), "{line}: {complaint:?}");
            assert_eq!(complaint.keys, [Arc::from("batch.size")], "{line}");
        }
    }

    #[test]
    fn complaints_about_the_whole_config_have_names() {
        for (message, reason) in [
            (
                "Connector config {name=a, password=S3cr3tFromFile, url=Connection refused} contains no connector type",
                Objection::NoClass,
            ),
            (
                "Failed to find any class that implements Connector and which name matches x, available connectors are: …",
                Objection::UnknownClass,
            ),
            ("Null value can not be supplied as the configuration value.", Objection::NullValue),
            (
                "Connector name configuration (b) doesn't match connector name in the URL (a)",
                Objection::OtherName,
            ),
            ("whatever", Objection::Other),
        ] {
            let complaint = invalid(message, &[]);
            assert_eq!(
                (complaint.reason, complaint.count, complaint.keys.len()),
                (reason, None, 0),
                "{message}"
            );
        }
    }

    #[test]
    fn a_database_that_is_away_is_waited_for() {
        for line in [
            "Error while validating connector config: Connection to 127.0.0.1:1 refused. Check that the hostname and port \
             are correct and that the postmaster is accepting TCP/IP connections.",
            "Error while validating connector config: The connection attempt failed.",
            "Error while validating connector config: FATAL: password authentication failed for user \"orders\"",
            "Error while validating connector config: FATAL: database \"orders\" does not exist",
        ] {
            assert_eq!(complaint(&wrapped(1, line), &BTreeSet::new()), None, "{line}");
        }
    }

    #[test]
    fn a_wrong_key_is_not_waited_for_even_where_the_database_is_away() {
        let message = wrapped(
            2,
            "Error while validating connector config: The connection attempt failed.\nThe 'snapshot.mode' value is invalid: no",
        );
        assert_eq!(invalid(&message, &[]).keys, [Arc::from("snapshot.mode")]);
    }
}
