//! Connect's answers with an error status, read down to what may be kept of them.
//!
//! Takes a status and a message, gives a refusal: one of a fixed set of meanings. Connect's messages hold
//! resolved secrets, so no text of theirs is kept. The refusal of a config is read by `complaint`;
//! deciding what to do about any is left to callers.

use std::collections::BTreeSet;
use std::fmt;

use crate::connect::complaint::{Complaint, complaint};
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
    /// This Connect is too old for what was said in the request.
    Unsupported,
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
    // What 4.x answers with 400.
    (500, "Failed to find any class that implements Connector", Meaning::Complaint),
    (500, "Must configure one of topics or topics.regex", Meaning::Complaint),
    (500, "Unrecognized field \"initial_state\"", Meaning::Is(Refusal::Unsupported)),
    (500, "a rebalance is expected", Meaning::Is(Refusal::Rebalancing)),
    (500, "Request timed out", Meaning::Is(Refusal::GaveUp)),
    (500, "IO Error trying to forward", Meaning::Is(Refusal::NotForwarded)),
    (500, "Error writing", Meaning::Is(Refusal::NotWritten)),
    (500, "safely retried", Meaning::Is(Refusal::NotWritten)),
    (500, "Worker is shutting down", Meaning::Is(Refusal::ShuttingDown)),
    (500, "Could not read properties from file", Meaning::Is(Refusal::Placeholder)),
    (500, "", Meaning::Is(Refusal::Fault)),
];

/// What a follower before 3.1 puts before the leader's words, whose status it leaves out.
const PASSED_ON: &str = "Error trying to forward REST request: ";

/// The leader's words with their meaning where only they came back; the first row that fits counts.
const WORDS: &[(&str, Meaning)] = &[
    // First, since a refused config repeats values that may say anything.
    ("Connector configuration is invalid", Meaning::Complaint),
    ("contains no connector type", Meaning::Complaint),
    ("doesn't match connector name in the URL", Meaning::Complaint),
    ("Failed to find any class that implements Connector", Meaning::Complaint),
    ("Must configure one of topics or topics.regex", Meaning::Complaint),
    ("HTTP 404 Not Found", Meaning::Is(Refusal::NoSuchPath)),
    ("HTTP 405 Method Not Allowed", Meaning::Is(Refusal::NoSuchPath)),
    ("Unrecognized field \"initial_state\"", Meaning::Is(Refusal::Unsupported)),
    ("already exists", Meaning::Is(Refusal::Exists)),
    (" not found", Meaning::Is(Refusal::NotFound)),
    ("Unknown connector", Meaning::Is(Refusal::NotFound)),
    ("Unknown task", Meaning::Is(Refusal::NotFound)),
    ("conflicting operation", Meaning::Is(Refusal::Rebalancing)),
    ("no known leader URL", Meaning::Is(Refusal::Rebalancing)),
    ("stale configuration", Meaning::Is(Refusal::Rebalancing)),
    ("a rebalance is expected", Meaning::Is(Refusal::Rebalancing)),
    ("Request timed out", Meaning::Is(Refusal::GaveUp)),
    ("Error writing", Meaning::Is(Refusal::NotWritten)),
    ("", Meaning::Is(Refusal::NotForwarded)),
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
        let meaning = match message.strip_prefix(PASSED_ON).filter(|_| status == 500) {
            Some(words) => {
                WORDS.iter().find(|(phrase, _)| words.contains(phrase)).map(|(_, meaning)| meaning)
            }
            None => TABLE
                .iter()
                .find(|(code, phrase, _)| *code == status && message.contains(phrase))
                .map(|(_, _, meaning)| meaning),
        };
        match meaning {
            Some(Meaning::Is(refusal)) => refusal.clone(),
            Some(Meaning::Conflict) if fenced => Self::NotLeader,
            Some(Meaning::Conflict) => Self::Rebalancing,
            Some(Meaning::Complaint) => complaint(message, sent).map_or(Self::Away, Self::Invalid),
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
            Self::Unsupported => Class::Unsupported,
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
            | Self::Unsupported
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
            | Self::Unsupported
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
            Self::Starting => Some("if it stays so: is connect.url the base address of a worker?"),
            Self::NotLeader
            | Self::Rebalancing
            | Self::ShuttingDown
            | Self::Exists
            | Self::NotFound
            | Self::Path
            | Self::Unsupported
            | Self::GaveUp
            | Self::Gateway
            | Self::Unexpected => None,
        }
    }
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
            Self::Unsupported => "this Connect is older than it seemed, and is asked again what it can do",
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

#[cfg(test)]
mod tests {
    use super::*;

    const CONFLICT: &str =
        "Cannot complete request because of a conflicting operation (e.g. worker rebalance)";

    /// What Connect says, and what it means.
    const ANSWERS: &[(u16, &str, Refusal, Class)] = &[
        (404, "Connector x not found", Refusal::NotFound, Class::NotFound),
        (404, "HTTP 404 Not Found", Refusal::NoSuchPath, Class::NotUnderstood),
        (405, "HTTP 405 Method Not Allowed", Refusal::NoSuchPath, Class::NotUnderstood),
        (409, "Connector x already exists", Refusal::Exists, Class::Exists),
        (409, CONFLICT, Refusal::NotLeader, Class::NotLeader),
        (
            409,
            "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.",
            Refusal::Rebalancing,
            Class::Rebalancing,
        ),
        (
            409,
            "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)",
            Refusal::Rebalancing,
            Class::Rebalancing,
        ),
        (
            500,
            "Request cannot be completed because a rebalance is expected",
            Refusal::Rebalancing,
            Class::Rebalancing,
        ),
        (
            500,
            "Unrecognized field \"initial_state\" (class org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest), not \
             marked as ignorable (2 known properties: \"config\", \"name\"])",
            Refusal::Unsupported,
            Class::Unsupported,
        ),
        (500, "Unrecognized field \"x\"", Refusal::Fault, Class::Internal),
        (500, "Request timed out", Refusal::GaveUp, Class::TimedOut),
        (
            500,
            "Request timed out. The worker is currently ensuring membership in the cluster, which began at …",
            Refusal::GaveUp,
            Class::TimedOut,
        ),
        (
            500,
            "IO Error trying to forward REST request: Idle timeout expired: 30001/30000 ms",
            Refusal::NotForwarded,
            Class::Unreachable,
        ),
        (500, "Error writing connector configuration to Kafka", Refusal::NotWritten, Class::TimedOut),
        (
            500,
            "Failed to write to config topic; this may be due to a transient error and the request can be safely retried",
            Refusal::NotWritten,
            Class::TimedOut,
        ),
        (500, "Worker is shutting down", Refusal::ShuttingDown, Class::Unreachable),
        (500, "Could not read properties from file /x", Refusal::Placeholder, Class::Invalid),
        (500, "The template variable 'x' has no value", Refusal::Fault, Class::Internal),
        (418, "short and stout", Refusal::Unexpected, Class::NotUnderstood),
    ];

    fn read(status: u16, message: &str) -> Refusal {
        Refusal::read(Answer { status, message: Some(message), fenced: true }, &BTreeSet::new())
    }

    #[test]
    fn each_status_and_text_has_its_meaning() {
        for (status, message, refusal, class) in ANSWERS {
            let found = read(*status, message);
            assert_eq!(&found, refusal, "{status} {message}");
            assert_eq!(found.class(), *class, "{status} {message}");
        }
    }

    #[test]
    fn what_an_older_follower_passes_on_means_what_the_leader_said() {
        for (words, refusal) in [
            ("Connector x already exists", Refusal::Exists),
            ("Connector x not found", Refusal::NotFound),
            ("Unknown connector: x", Refusal::NotFound),
            ("HTTP 404 Not Found", Refusal::NoSuchPath),
            (CONFLICT, Refusal::Rebalancing),
            ("Request timed out", Refusal::GaveUp),
            ("java.lang.NullPointerException", Refusal::NotForwarded),
        ] {
            assert_eq!(
                read(500, &format!("Error trying to forward REST request: {words}")),
                refusal,
                "{words}"
            );
        }
        let invalid = "Error trying to forward REST request: Connector configuration is invalid and contains the following 1 \
                       error(s):\nInvalid value already exists for configuration tasks.max: Not a number of type INT";
        assert_eq!(read(500, invalid).class(), Class::Invalid);
    }

    #[test]
    fn a_config_that_older_versions_refuse_with_a_fault_is_invalid() {
        let unknown = "Failed to find any class that implements Connector and which name matches Nope, available connectors are: …";
        for message in [unknown, "Must configure one of topics or topics.regex"] {
            let refusal = read(500, message);
            assert_eq!((refusal.class(), refusal.is_certain()), (Class::Invalid, true), "{message}");
        }
    }

    #[test]
    fn an_answer_that_is_not_connects_own_is_told_by_its_status() {
        for (status, refusal) in [
            (404, Refusal::Starting),
            (503, Refusal::Starting),
            (400, Refusal::Path),
            (401, Refusal::Denied),
            (403, Refusal::Denied),
            (502, Refusal::Gateway),
            (504, Refusal::Gateway),
            (500, Refusal::Fault),
            (301, Refusal::Unexpected),
            (409, Refusal::Unexpected),
        ] {
            let answer = Answer { status, message: None, fenced: true };
            assert_eq!(Refusal::read(answer, &BTreeSet::new()), refusal, "{status}");
        }
    }

    #[test]
    fn a_conflict_of_a_request_that_may_be_forwarded_is_a_rebalance() {
        let answer = Answer { status: 409, message: Some(CONFLICT), fenced: false };
        assert_eq!(Refusal::read(answer, &BTreeSet::new()), Refusal::Rebalancing);
    }
}
