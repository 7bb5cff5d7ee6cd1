//! The agent's own settings, complete and checked. (*Config* is always a connector's.)
//!
//! Takes what was written in a file, in the environment and on the command line; gives one checked
//! value, or everything that is wrong with it, each with its place. Making clients and
//! repositories of it is left to the command line's wiring.

pub mod keys;
pub mod raw;
mod take;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::connect::Writer;
use crate::model::desired::Suspend;
use crate::model::finding::Findings;
use crate::model::name::EnvironmentName;
use crate::model::plan::Mode;
use crate::model::select::Select;
use crate::model::values::Values;
use crate::pipeline::pace::RestartLimits;
use crate::repo::options::{Credential, Reference};
use crate::settings::raw::{RawSettings, Written};

/// How the agent is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The environment to render for, where one was named.
    pub environment: Option<EnvironmentName>,
    /// Where the definitions come from, where that was said.
    pub repository: Option<Repository>,
    /// The time between two polls.
    pub interval: Duration,
    /// The place's own values, over the environment's.
    pub values: Values,
    /// The agent's scope.
    pub select: Select,
    /// The Connect worker.
    pub connect: Connect,
    /// Whether the agent may write.
    pub mode: Mode,
    /// Why nothing is to be written for now.
    pub suspend: Option<Suspend>,
    /// Whether what failed is restarted.
    pub restart: bool,
    /// How often.
    pub restart_limits: RestartLimits,
    /// Where metrics, status and health are served.
    pub listen: SocketAddr,
    /// Whether there are series for each connector.
    pub per_connector: bool,
    /// How logs are written.
    pub log: Log,
}

/// Where the definitions come from.
#[derive(Debug, Clone)]
pub enum Repository {
    /// A git repository.
    Git(Box<Git>),
    /// A folder.
    Directory(PathBuf),
}

/// A git repository of definitions.
#[derive(Debug, Clone)]
pub struct Git {
    /// Its address.
    pub url: String,
    /// What to follow.
    pub reference: Reference,
    /// The folder inside it.
    pub path: String,
    /// How long one listing or one fetch may take.
    pub deadline: Duration,
    /// What to show to which host.
    pub credentials: Vec<Credential>,
    /// Certificate authorities to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Where fetched packs are put for a moment.
    pub scratch: Option<PathBuf>,
}

/// A Connect worker.
#[derive(Debug, Clone)]
pub struct Connect {
    /// Its address.
    pub url: Url,
    /// How to write, where that was said; commands differ in their defaults.
    pub writer: Option<Writer>,
    /// How long a change may take until it is seen to be in effect.
    pub change_deadline: Duration,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// As JSON, a line an event.
    pub json: bool,
    /// How much.
    pub level: Level,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What failed.
    Error,
    /// And what somebody should look at.
    Warn,
    /// And what the agent did.
    Info,
    /// And what it thought.
    Debug,
    /// And what the libraries below it say.
    Trace,
}

impl Settings {
    /// Reads and checks every source. The settings are there only where no finding is an error.
    pub fn read(written: &Written<'_>, values: &[String]) -> (Option<Self>, Findings) {
        let mut found = Vec::new();
        let raw = RawSettings::read(written, &mut found);
        let settings = take::settings(&raw, values, &mut found);
        let mut findings = Findings::default();
        findings.extend(found);
        findings.settle();
        let settings = settings.filter(|_| !findings.has_errors());
        (settings, findings)
    }
}

/// Reads a length of time: `90s`, `10m`, `1h30m`.
pub fn duration(text: &str) -> Option<Duration> {
    take::length(text)
}

#[cfg(test)]
mod tests;
