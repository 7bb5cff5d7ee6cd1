//! What can go wrong between this agent and Connect, and what it means.
//!
//! Takes what was attempted and how it ended, gives one error with a class, a hint, and whether the
//! attempt can have had an effect. Reading Connect's answers is left to `refusal`.

use std::fmt;
use std::sync::Arc;

use crate::connect::refusal::Refusal;
use crate::connect::trouble::Trouble;
use crate::connect::unusable::Unusable;
use crate::model::capability::Version;
use crate::model::name::ConnectorName;
use crate::model::plan::StepKind;
use crate::model::report::Class;

/// Why something asked of Connect did not come about.
///
/// No variant holds a text that Connect sent: its texts hold resolved secrets.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings give an URL that is none for Connect.
    #[error("the URL of Connect cannot be used: {problem}")]
    Url {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The HTTP client could not be made.
    #[error("failed to prepare the HTTP client for Connect")]
    Prepare {
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The certificate authorities of the system could not be read.
    #[error("failed to read the certificate authorities of this system")]
    Authorities {
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// A file that the settings name for Connect cannot be used.
    #[error(transparent)]
    File(Unusable),
    /// The name cannot stand in a path: nothing was sent.
    #[error("failed to {attempt}: Connect's REST API cannot address this name")]
    Unaddressable {
        /// What was attempted.
        attempt: Attempt,
    },
    /// No connection came about: nothing was sent.
    #[error("failed to {attempt}: Connect cannot be reached")]
    Unreachable {
        /// What was attempted.
        attempt: Attempt,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// Somebody is there, and no connection came about all the same.
    #[error("failed to {attempt}: {trouble}")]
    Trouble {
        /// What was attempted.
        attempt: Attempt,
        /// Why, as far as a person can do something about it.
        trouble: Trouble,
        /// Why, in the words of the library.
        #[source]
        source: reqwest::Error,
    },
    /// The connection broke after something may have been sent.
    #[error("failed to {attempt}: the connection broke before the answer was complete")]
    Broken {
        /// What was attempted.
        attempt: Attempt,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// No answer came in time.
    #[error("failed to {attempt}: no answer in time")]
    TimedOut {
        /// What was attempted.
        attempt: Attempt,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// Connect, or something before it, answered an error.
    #[error("failed to {attempt}: {refusal} (HTTP {status})")]
    Refused {
        /// What was attempted.
        attempt: Attempt,
        /// The status of the answer.
        status: u16,
        /// What the answer means.
        refusal: Refusal,
    },
    /// Connect cannot read all connectors at once.
    #[error("failed to {attempt}: Connect {} is too old, {} or newer is needed", version.as_deref().unwrap_or("of an unknown version"), Version::OLDEST)]
    TooOld {
        /// What was attempted.
        attempt: Attempt,
        /// The version, as the worker says it.
        version: Option<Arc<str>>,
    },
    /// A step of several requests was begun, and not ended.
    #[error("failed to {attempt} wholly: a part of it was done before")]
    Partly {
        /// What was attempted.
        attempt: Attempt,
        /// Why the rest was not.
        #[source]
        source: Box<Error>,
    },
    /// The answer was a success, and not in a form that Connect has.
    #[error("failed to {attempt}: the answer could not be understood, {problem}")]
    NotUnderstood {
        /// What was attempted.
        attempt: Attempt,
        /// Where it stopped making sense, without any of its text.
        problem: Nonsense,
    },
}

/// What was attempted, in words that follow "failed to".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// Asking whether the worker is ready.
    Ready,
    /// Asking whether the worker leads.
    Probe,
    /// Asking for the worker's version.
    Root,
    /// Listing connectors, or reading all of them.
    List,
    /// Reading one connector.
    Read(ConnectorName),
    /// Reading what the tasks of one connector got.
    Tasks(ConnectorName),
    /// Reading what one connector has stored of its offsets.
    Offsets(ConnectorName),
    /// Asking which plugins there are.
    Plugins,
    /// Asking a plugin what it thinks of a config.
    Validate(ConnectorName),
    /// Taking a step.
    Step(StepKind, ConnectorName),
}

/// Why an answer makes no sense. Positions only: the text may hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonsense {
    /// It is not the JSON that was expected.
    Json {
        /// The line where reading stopped.
        line: usize,
        /// The column where reading stopped.
        column: usize,
    },
    /// It says that something was done which cannot be done.
    Success,
    /// It is longer than any answer of Connect.
    TooLong {
        /// The bytes that were allowed.
        limit: usize,
    },
}

impl Error {
    /// The class of the failure, for retries, metrics and logs.
    pub fn class(&self) -> Class {
        match self {
            Self::Url { .. } | Self::Prepare { .. } | Self::Authorities { .. } | Self::File(_) => {
                Class::Internal
            }
            Self::Trouble { trouble, .. } => trouble.class(),
            Self::Unaddressable { .. } => Class::Invalid,
            Self::Unreachable { .. } | Self::Broken { .. } => Class::Unreachable,
            // A GET that the herder queues is answered once the worker has started.
            Self::TimedOut { attempt: Attempt::Ready, .. } => Class::Starting,
            Self::TimedOut { .. } => Class::TimedOut,
            // There is always a way to stop, but not in every version; offsets are told since 3.5.
            Self::Refused {
                attempt: Attempt::Step(StepKind::Stop | StepKind::Create, _) | Attempt::Offsets(_),
                refusal: Refusal::NoSuchPath,
                ..
            }
            | Self::TooOld { .. } => Class::Unsupported,
            Self::Refused { refusal, .. } => refusal.class(),
            Self::Partly { source, .. } => source.class(),
            Self::NotUnderstood { .. } => Class::NotUnderstood,
        }
    }

    /// Whether it is sure that the attempt had no effect.
    ///
    /// Where it is not, the caller must look again before it decides anything.
    pub fn is_certain(&self) -> bool {
        match self {
            Self::Url { .. }
            | Self::Prepare { .. }
            | Self::Authorities { .. }
            | Self::File(_)
            | Self::Unaddressable { .. }
            | Self::Unreachable { .. }
            | Self::TooOld { .. } => true,
            // Some of it shows only once the request is sent.
            Self::Trouble { attempt, source, .. } => source.is_connect() || !attempt.writes(),
            Self::Partly { .. } => false,
            // A success that cannot be read is a success all the same.
            Self::Broken { attempt, .. }
            | Self::TimedOut { attempt, .. }
            | Self::NotUnderstood { attempt, .. } => !attempt.writes(),
            Self::Refused { attempt, refusal, .. } => !attempt.writes() || refusal.is_certain(),
        }
    }

    /// Whether the same request may succeed in a moment, without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Url { .. }
            | Self::Prepare { .. }
            | Self::Authorities { .. }
            | Self::File(_)
            | Self::Trouble { .. }
            | Self::Unaddressable { .. }
            | Self::TooOld { .. }
            | Self::NotUnderstood { .. } => false,
            Self::Partly { source, .. } => source.is_transient(),
            Self::Unreachable { .. } | Self::Broken { .. } | Self::TimedOut { .. } => true,
            Self::Refused { refusal, .. } => refusal.is_transient(),
        }
    }

    /// What a person can do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Url { .. } => Some("give the base address, such as http://localhost:8083"),
            Self::Authorities { .. } => Some(
                "name the certificate authority of Connect with connect.ca_file; then these are not needed",
            ),
            Self::Trouble { trouble, .. } => Some(trouble.hint()),
            Self::Unaddressable { .. } => {
                Some("choose a name of letters, digits, dots, underscores and dashes")
            }
            Self::Unreachable { .. } => Some("is the worker up, and is connect.url its address?"),
            Self::TimedOut { attempt, .. } if attempt.writes() => {
                Some("Connect gives up after 90 s by itself; the request may have been carried out")
            }
            Self::TimedOut { .. } => Some("is it Connect that listens at connect.url, and is it well?"),
            Self::Refused { refusal: Refusal::Denied, status: 401, .. } => Some(
                "give connect.basic_auth or connect.bearer_token_file; if one is given, Connect does not know it",
            ),
            Self::Refused { refusal: Refusal::Denied, status: 407, .. } => Some(
                "it is a proxy that refuses: see HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the agent's environment",
            ),
            Self::Refused { status: 300..=399, .. } => {
                Some("redirects are not followed: write the address that it leads to into connect.url")
            }
            Self::Refused { refusal, .. } => refusal.hint(),
            Self::TooOld { .. } => {
                Some("update Connect; its REST API tells all connectors at once since then")
            }
            Self::Partly { source, .. } => source.hint(),
            Self::NotUnderstood { .. } => Some(
                "is this Kafka Connect 2.3 or newer, without anything before it that answers in its place?",
            ),
            Self::Prepare { .. } | Self::File(_) | Self::Broken { .. } => None,
        }
    }
}

impl Attempt {
    /// Whether it would change something in the cluster.
    ///
    /// The probe is a deletion by its method and none by its effect: no connector has that name.
    pub fn writes(&self) -> bool {
        match self {
            Self::Step(..) => true,
            Self::Ready
            | Self::Probe
            | Self::Root
            | Self::List
            | Self::Read(_)
            | Self::Tasks(_)
            | Self::Offsets(_)
            | Self::Plugins
            | Self::Validate(_) => false,
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("see whether the worker is ready"),
            Self::Probe => f.write_str("see whether the worker leads"),
            Self::Root => f.write_str("ask for the worker's version"),
            Self::List => f.write_str("read the connectors"),
            Self::Read(name) => write!(f, "read connector {name}"),
            Self::Tasks(name) => write!(f, "read the tasks of connector {name}"),
            Self::Offsets(name) => write!(f, "read the offsets of connector {name}"),
            Self::Plugins => f.write_str("ask which plugins the worker has"),
            Self::Validate(name) => write!(f, "ask the plugin of connector {name}"),
            Self::Step(step, name) => write!(f, "{} connector {name}", step.name()),
        }
    }
}

impl fmt::Display for Nonsense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { line, column } => {
                write!(f, "it is not the expected JSON at line {line}, column {column}")
            }
            Self::Success => f.write_str("it is a success where there can be none"),
            Self::TooLong { limit } => write!(f, "it is longer than {limit} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(attempt: Attempt, refusal: Refusal) -> Error {
        Error::Refused { attempt, status: 500, refusal }
    }

    fn configure() -> Attempt {
        Attempt::Step(StepKind::Configure, ConnectorName::observed("orders"))
    }

    #[test]
    fn a_failed_read_has_certainly_changed_nothing() {
        for refusal in [Refusal::GaveUp, Refusal::Fault, Refusal::Gateway] {
            assert!(refused(Attempt::List, refusal.clone()).is_certain(), "{refusal:?}");
            assert!(!refused(configure(), refusal.clone()).is_certain(), "{refusal:?}");
        }
    }

    #[test]
    fn a_success_that_cannot_be_read_is_not_taken_for_a_failure() {
        let error = Error::NotUnderstood { attempt: configure(), problem: Nonsense::TooLong { limit: 1 } };
        assert!(!error.is_certain());
    }

    #[test]
    fn an_error_says_what_was_attempted_and_what_came_of_it() {
        assert_eq!(
            refused(configure(), Refusal::Fault).to_string(),
            "failed to configure connector orders: Connect met an error of its own (HTTP 500)"
        );
    }
}
