//! Connect's answers with an error status, read down to what may be kept of them.
//!
//! Takes a status, a body and the keys that were sent, gives a refusal: a fixed meaning, and of a
//! refused config the number of complaints and the names of the keys. Connect's messages hold
//! resolved secrets, so no text of theirs is kept. Deciding what to do about it is left to callers.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::connect::phrases;
use crate::model::report::Class;

/// An answer that is no success, as far as this room looks into it.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The message, if the body is an error of Connect's own (`{"error_code":…,"message":…}`).
    /// Jetty's errors and those of proxies are not.
    pub message: Option<&'a str>,
    /// Whether the request said `forward=false`.
    pub fenced: bool,
}

/// What an answer with an error status means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The worker does not lead, and was told not to forward.
    NotLeader,
    /// A rebalance is under way or expected.
    Rebalancing,
    /// The worker has not started yet, or nothing behind the proxy answers.
    Starting,
    /// The worker says itself that it is unwell.
    Unhealthy,
    /// The worker is going away.
    ShuttingDown,
    /// There is a connector of this name already.
    Exists,
    /// There is no connector of this name.
    NotFound,
    /// There is no such address in this Connect.
    NoSuchPath,
    /// Connect or the plugin does not accept the config.
    Invalid(Complaint),
    /// The config could not be checked: the connector's database is away, or refuses.
    Away,
    /// A placeholder names a file that the worker cannot read.
    Placeholder,
    /// The path could not be read: a character of the name is not for URLs.
    Path,
    /// Credentials are missing or not accepted.
    Denied,
    /// Connect itself gave up waiting; the request may still be carried out.
    GaveUp,
    /// The leader could not be reached by the worker, or did not answer it.
    NotForwarded,
    /// Connect could not write to its config topic, or does not know whether it did.
    NotWritten,
    /// Something between the agent and Connect did not get an answer.
    Gateway,
    /// Any other error inside Connect.
    Fault,
    /// A status that Connect does not use here.
    Unexpected,
}

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

/// The statuses and texts of Connect 2.3 to 4.3 with their meaning; the first row that fits counts.
///
/// An empty text fits every message of Connect's own. A body that is none of Connect's fits none of
/// these rows.
const TABLE: &[(u16, &str, Meaning)] = &[
    (404, "HTTP 404 Not Found", Meaning::Is(Refusal::NoSuchPath)),
    (404, "", Meaning::Is(Refusal::NotFound)),
    (405, "", Meaning::Is(Refusal::NoSuchPath)),
    (409, "already exists", Meaning::Is(Refusal::Exists)),
    (409, "no known leader URL", Meaning::Is(Refusal::Rebalancing)),
    (409, "stale configuration", Meaning::Is(Refusal::Rebalancing)),
    (409, "", Meaning::Conflict),
    (400, "", Meaning::Complaint),
    (500, "a rebalance is expected", Meaning::Is(Refusal::Rebalancing)),
    (500, "Request timed out", Meaning::Is(Refusal::GaveUp)),
    (500, "IO Error trying to forward", Meaning::Is(Refusal::NotForwarded)),
    (500, "Error writing", Meaning::Is(Refusal::NotWritten)),
    (500, "safely retried", Meaning::Is(Refusal::NotWritten)),
    (500, "Worker is shutting down", Meaning::Is(Refusal::ShuttingDown)),
    (500, "Could not read properties from file", Meaning::Is(Refusal::Placeholder)),
    (500, "", Meaning::Is(Refusal::Fault)),
];

/// A row's right side.
enum Meaning {
    /// Status and text say it all.
    Is(Refusal),
    /// Not leading, if the request was not to be forwarded.
    Conflict,
    /// The text has to be read.
    Complaint,
}

impl Refusal {
    /// Reads an answer; `sent` are the keys of the config that was sent.
    pub fn read(answer: Answer<'_>, sent: &BTreeSet<&str>) -> Self {
        let Answer { status, message, fenced } = answer;
        let Some(message) = message else {
            return Self::of_another(status);
        };
        let row = TABLE.iter().find(|(code, phrase, _)| *code == status && message.contains(phrase));
        match row {
            Some((_, _, Meaning::Is(refusal))) => refusal.clone(),
            Some((_, _, Meaning::Conflict)) if fenced => Self::NotLeader,
            Some((_, _, Meaning::Conflict)) => Self::Rebalancing,
            Some((_, _, Meaning::Complaint)) => complaint(message, sent),
            None => Self::of_another(status),
        }
    }

    /// What a status means that came without an error body of Connect's own.
    fn of_another(status: u16) -> Self {
        match status {
            // Jetty answers so to every path until Connect's resources are there.
            404 | 503 => Self::Starting,
            400 | 414 => Self::Path,
            401 | 403 | 407 => Self::Denied,
            502 | 504 => Self::Gateway,
            500 => Self::Fault,
            _ => Self::Unexpected,
        }
    }

    /// The class of the failure.
    pub fn class(&self) -> Class {
        match self {
            Self::NotLeader => Class::NotLeader,
            Self::Rebalancing => Class::Rebalancing,
            Self::Starting => Class::Starting,
            Self::Exists => Class::Exists,
            Self::NotFound => Class::NotFound,
            Self::Invalid(_) | Self::Placeholder | Self::Path => Class::Invalid,
            Self::Away => Class::Waiting,
            Self::Denied => Class::Denied,
            Self::GaveUp | Self::NotWritten => Class::TimedOut,
            Self::NotForwarded | Self::Gateway | Self::ShuttingDown => Class::Unreachable,
            Self::NoSuchPath | Self::Unexpected => Class::NotUnderstood,
            Self::Unhealthy | Self::Fault => Class::Internal,
        }
    }

    /// Whether it is sure that nothing was written.
    ///
    /// Connect answers 500 to some requests that it has carried out: a PUT of a name with braces,
    /// one that the leader got and the worker did not hear the end of, one that is still queued.
    pub fn is_certain(&self) -> bool {
        match self {
            Self::NotLeader
            | Self::Rebalancing
            | Self::Exists
            | Self::NotFound
            | Self::NoSuchPath
            | Self::Invalid(_)
            | Self::Away
            | Self::Placeholder
            | Self::Path
            | Self::Denied => true,
            Self::Starting
            | Self::Unhealthy
            | Self::ShuttingDown
            | Self::GaveUp
            | Self::NotForwarded
            | Self::NotWritten
            | Self::Gateway
            | Self::Fault
            | Self::Unexpected => false,
        }
    }

    /// Whether the same request may succeed in a moment.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Rebalancing
            | Self::Starting
            | Self::Unhealthy
            | Self::ShuttingDown
            | Self::Away
            | Self::GaveUp
            | Self::NotForwarded
            | Self::NotWritten
            | Self::Gateway => true,
            Self::NotLeader
            | Self::Exists
            | Self::NotFound
            | Self::NoSuchPath
            | Self::Invalid(_)
            | Self::Placeholder
            | Self::Path
            | Self::Denied
            | Self::Fault
            | Self::Unexpected => false,
        }
    }

    /// What a person can do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Invalid(complaint) => Some(complaint.reason.hint()),
            Self::Away => Some("is the connector's database up, and may this user connect to it?"),
            Self::Placeholder => Some("mount the file that the placeholder names into every worker"),
            Self::Denied => Some("check the agent's credentials for Connect"),
            Self::NotForwarded => Some(
                "check rest.advertised.host.name of the workers, or let the agent talk to its own worker only",
            ),
            Self::NoSuchPath => Some("is connect.url the base address, and is this Connect new enough?"),
            Self::NotWritten => Some("is Kafka itself healthy? Connect could not write its config topic"),
            Self::Fault | Self::Unhealthy => Some("the worker's log says more"),
            Self::NotLeader
            | Self::Rebalancing
            | Self::Starting
            | Self::ShuttingDown
            | Self::Exists
            | Self::NotFound
            | Self::Path
            | Self::GaveUp
            | Self::Gateway
            | Self::Unexpected => None,
        }
    }
}

impl Objection {
    fn hint(self) -> &'static str {
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

/// Reads the message of a 400.
fn complaint(message: &str, sent: &BTreeSet<&str>) -> Refusal {
    let keys: BTreeSet<&str> = message.lines().filter_map(|line| key_of(line, sent)).collect();
    let reason = match whole_config(message) {
        Some(reason) => reason,
        None if !keys.is_empty() => Objection::Values,
        // Where a key is wrong as well, waiting for the database would not help.
        None if message.lines().any(phrases::is_away) => return Refusal::Away,
        None => Objection::Other,
    };
    Refusal::Invalid(Complaint {
        count: counted(message),
        keys: keys.into_iter().map(Arc::from).collect(),
        reason,
    })
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

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Invalid(complaint) => return complaint.fmt(f),
            Self::NotLeader => "the worker does not lead",
            Self::Rebalancing => "Connect is rebalancing",
            Self::Starting => "the worker is still starting",
            Self::Unhealthy => "the worker says that it is unhealthy",
            Self::ShuttingDown => "the worker is shutting down",
            Self::Exists => "it exists already",
            Self::NotFound => "there is no such connector",
            Self::NoSuchPath => "this Connect has no such address",
            Self::Away => "its database is not there, or refuses",
            Self::Placeholder => "a placeholder names a file that the worker cannot read",
            Self::Path => "the worker cannot read the name in the path",
            Self::Denied => "Connect refuses the agent's credentials",
            Self::GaveUp => "Connect gave up waiting, and may still do it",
            Self::NotForwarded => "the worker could not pass it on to the leader",
            Self::NotWritten => "Connect could not write to its config topic",
            Self::Gateway => "something before Connect got no answer",
            Self::Fault => "Connect met an error of its own",
            Self::Unexpected => "an answer that Connect does not give",
        };
        f.write_str(text)
    }
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
