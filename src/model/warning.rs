//! What a plan cannot do as it is declared, because this Connect is too old for it, or because what is said does nothing.
//!
//! Takes a lack and the version that has it, gives words. Seeing that there is one is left to
//! `pipeline`, telling it to `view` and to the log.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::name::ConnectorName;

/// Something that is done in another way than it is declared, or that is said and does nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The connector concerned; `None` where it is all of them.
    pub connector: Option<ConnectorName>,
    /// What this Connect lacks, or what is said and does nothing.
    pub lack: Lack,
    /// The version that lacks it, as the worker says it, where it says one.
    pub version: Option<Arc<str>>,
}

/// What a Connect lacks, and what a word lacks that does nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// Nobody can say what it can do.
    Version,
    /// It cannot make a connector paused: a second request does it.
    PausedStart,
    /// It cannot make a connector stopped: a second request does it.
    StoppedStart,
    /// It cannot stop a connector.
    Stop,
    /// A suspension has no time left: its end is past.
    Time {
        /// Who says it, as a sentence begins.
        by: &'static str,
        /// Its end.
        until: Timestamp,
    },
    /// A `forget` has no connector, and may be meant for another one.
    Connector {
        /// One of ours whose file is gone, and that is called almost so.
        near: ConnectorName,
    },
    /// A pattern of the scope has no connector.
    Match {
        /// The settings key that it stands in.
        key: &'static str,
        /// The pattern.
        pattern: Arc<str>,
        /// One that is called almost so, and that the scope has otherwise.
        near: Option<ConnectorName>,
    },
}

impl Lack {
    /// The word for it in outputs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Version => "unknown-version",
            Self::PausedStart | Self::StoppedStart => "runs-first",
            Self::Stop => "paused-instead",
            Self::Time { .. } => "suspension-over",
            Self::Connector { .. } => "nothing-forgotten",
            Self::Match { .. } => "nothing-selected",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connector: _, lack, version } = self;
        let version = version.as_deref().unwrap_or("of an unknown version");
        match lack {
            Lack::Version => write!(
                f,
                "nobody can say what this Connect ({version}) can do, so it is taken for the oldest: what is \
                 declared paused or stopped is made running and paused right after, and stopped means paused"
            ),
            Lack::PausedStart => runs_first(f, version, "paused"),
            Lack::StoppedStart => runs_first(f, version, "stopped"),
            Lack::Stop => write!(
                f,
                "Connect {version} cannot stop a connector, 3.5 and newer can: it is paused instead, so its tasks \
                 stay where they are and keep what they hold"
            ),
            Lack::Time { by, until } => write!(
                f,
                "{by} suspend until {until}, which is past: nothing is suspended by that word. Take it away, or correct \
                 its end"
            ),
            Lack::Connector { near } => write!(
                f,
                "no connector of this name is here, so `forget` does nothing in this environment; `{near}`, whose file is \
                 gone, is called almost so and is not forgotten"
            ),
            Lack::Match { key, pattern, near } => {
                write!(
                    f,
                    "`{key}` in the settings has `{pattern}`, and no connector is called so, neither one that is declared nor \
                     one that is in the cluster"
                )?;
                near.as_ref().map_or(Ok(()), |near| write!(f, "; `{near}` is called almost so"))
            }
        }
    }
}

fn runs_first(f: &mut fmt::Formatter<'_>, version: &str, state: &str) -> fmt::Result {
    write!(
        f,
        "Connect {version} cannot make a connector {state}, 3.7 and newer can: it is made, and a second request \
         right after has it {state}. It may run for a moment, and it runs until the next look if that request \
         fails or the agent ends before it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_says_which_version_lacks_what_and_what_is_done_instead() {
        let warning =
            |lack, version: Option<&str>| Warning { connector: None, lack, version: version.map(Arc::from) };
        let says = |lack, version| warning(lack, version).to_string();
        let text = says(Lack::PausedStart, Some("2.8.2"));
        assert!(
            text.starts_with("Connect 2.8.2 cannot make a connector paused, 3.7 and newer can"),
            "{text}"
        );
        assert!(text.contains("It may run for a moment"), "{text}");
        let text = says(Lack::Stop, None);
        assert!(text.starts_with("Connect of an unknown version cannot stop a connector"), "{text}");
        assert!(
            says(Lack::Version, Some("unknown")).starts_with("nobody can say what this Connect (unknown)")
        );
    }
}
