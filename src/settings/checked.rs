//! The settings as the other rooms may rely on them: complete, each value of its type.
//!
//! Takes nothing and gives only shapes; reading and checking is left to `take`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::connect::Writer;
use crate::connect::access::Access;
use crate::model::desired::Suspend;
use crate::model::finding::Place;
use crate::model::folder::ExtraFolder;
use crate::model::name::EnvironmentName;
use crate::model::plan::Mode;
use crate::model::policy::{OnRisk, Prune};
use crate::model::select::Select;
use crate::model::values::Values;
use crate::pipeline::pace::RestartLimits;
use crate::repo::options::{GitOptions, ImportOptions};

/// How the agent is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The environment to render for, where one was named.
    pub environment: Option<EnvironmentName>,
    /// Where the definitions come from, where that was said.
    pub repository: Option<Repository>,
    /// How repositories are reached that the definitions import.
    pub imports: ImportOptions,
    /// Folders of definitions beside the repository.
    pub extra: Vec<ExtraFolder>,
    /// The time between two polls.
    pub interval: Duration,
    /// The place's own values, over the environment's.
    pub values: Values,
    /// The agent's scope.
    pub select: Select,
    /// What of the place definitions may name as secrets.
    pub secrets: crate::secrets::Options,
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
    /// What becomes of a change that may do harm.
    pub risk: OnRisk,
    /// What becomes of connectors whose file is gone.
    pub prune: Prune,
    /// How often the offsets of a connector are looked at while nothing changes.
    pub stall_interval: Duration,
    /// Where metrics, status and health are served.
    pub listen: SocketAddr,
    /// What somebody shows who tells the agent to look now.
    pub token_file: Option<PathBuf>,
    /// What a git host signs its webhooks with.
    pub webhook_secret_file: Option<PathBuf>,
    /// Where what was accepted last is kept; nothing is where it is `None`.
    pub state_dir: Option<PathBuf>,
    /// Whether there are series for each connector.
    pub per_connector: bool,
    /// How logs are written.
    pub log: Log,
    /// Where each key of the file was written, for what shows itself as wrong only where it is used.
    pub places: BTreeMap<&'static str, Place>,
}

/// Where the definitions come from.
#[derive(Debug, Clone)]
pub enum Repository {
    /// A git repository.
    Git(Box<GitOptions>),
    /// A folder.
    Directory(PathBuf),
}

/// A Connect worker.
#[derive(Debug, Clone)]
pub struct Connect {
    /// Its address.
    pub url: Url,
    /// How to write, where that was said; commands differ in their defaults.
    pub writer: Option<Writer>,
    /// How long a connector may wait for its database before that is an alert.
    pub ready_deadline: Duration,
    /// How long a change may take until it is seen to be in effect.
    pub change_deadline: Duration,
    /// What the agent shows there, and whom it trusts.
    pub access: Access,
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
