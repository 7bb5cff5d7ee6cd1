//! What the supervisor and its user say to each other: one JSON value a line, one answer a command, in order.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The Connect version that is used where none is named.
pub const CONNECT_VERSION: &str = "4.3.0";

/// What to start.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Whether PostgreSQL is part of it.
    pub postgres: bool,
    /// The first group of Connect workers; others can be added later.
    pub group: Group,
}

impl Default for Options {
    fn default() -> Self {
        Self { postgres: true, group: Group::new("connect") }
    }
}

/// One Connect cluster: workers with the same `group.id` and the same three topics.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its `group.id`; its workers are called `<name>-1`, `<name>-2`, …
    pub name: String,
    /// How many workers it has.
    pub workers: usize,
    /// The version of Connect, which `tests/stack/install` must have fetched.
    pub connect: String,
    /// Worker settings that are added to, or replace, those of the kit; `{port}` in one is the worker's port.
    pub settings: BTreeMap<String, String>,
    /// More options for the workers' JVM.
    pub jvm: Vec<String>,
    /// What the kit's own requests carry as `Authorization`, where the workers ask for that.
    pub authorization: Option<String>,
}

impl Group {
    /// Describes a group of two workers of the usual version.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            workers: 2,
            connect: CONNECT_VERSION.to_owned(),
            settings: BTreeMap::new(),
            jvm: Vec::new(),
            authorization: None,
        }
    }

    /// The same group with another number of workers.
    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// The same group with another version of Connect.
    #[must_use]
    pub fn version(self, connect: &str) -> Self {
        Self { connect: connect.to_owned(), ..self }
    }

    /// The same group with one more option for the JVM.
    #[must_use]
    pub fn jvm(mut self, option: &str) -> Self {
        self.jvm.push(option.to_owned());
        self
    }

    /// The same group, asked by the kit with this `Authorization`.
    #[must_use]
    pub fn authorization(self, value: &str) -> Self {
        Self { authorization: Some(value.to_owned()), ..self }
    }

    /// The same group with one more worker setting.
    #[must_use]
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        self.settings.insert(key.to_owned(), value.to_owned());
        self
    }
}

/// What is running, and where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Running {
    /// The temporary folder that holds all data and logs; it goes away with the supervisor.
    pub dir: PathBuf,
    /// The supervisor's own process.
    pub supervisor: u32,
    /// The broker.
    pub kafka: KafkaAt,
    /// PostgreSQL, if it was asked for.
    pub postgres: Option<PostgresAt>,
    /// The workers of the first group.
    pub workers: Vec<Worker>,
}

/// Where the broker is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KafkaAt {
    /// `host:port`.
    pub bootstrap: String,
    /// The process at the time of the answer.
    pub pid: u32,
}

/// Where PostgreSQL is, and how to log in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PostgresAt {
    /// Its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The superuser.
    pub user: String,
    /// The superuser's password, another one in every stack.
    pub password: String,
    /// A properties file with that password under the key `password`, which the workers' config provider `file` may
    /// read: `${file:<this path>:password}`.
    pub password_file: PathBuf,
    /// The folder of PostgreSQL's programs.
    pub programs: PathBuf,
    /// The process at the time of the answer.
    pub pid: u32,
    /// What it logs.
    pub log: PathBuf,
}

/// One Connect worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Worker {
    /// Its name for commands, as `connect-1`.
    pub name: String,
    /// The base of its REST API, without a slash at the end.
    pub url: String,
    /// The process at the time of the answer.
    pub pid: u32,
    /// What it logs.
    pub log: PathBuf,
}

/// What can be asked of the supervisor. A part is `kafka`, `postgres` or a worker's name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Starts a part that was stopped or killed, on the same port, and waits until it serves.
    Start {
        /// Which.
        part: String,
    },
    /// Ends a part in order (SIGTERM; a fast shutdown of PostgreSQL) and waits for its end.
    Stop {
        /// Which.
        part: String,
    },
    /// Ends a part at once (SIGKILL).
    Kill {
        /// Which.
        part: String,
    },
    /// Halts a part where it is (SIGSTOP): its connections stay open and silent.
    Freeze {
        /// Which.
        part: String,
    },
    /// Lets a frozen part go on (SIGCONT).
    Thaw {
        /// Which.
        part: String,
    },
    /// Starts one more group of Connect workers on the same broker and waits until one of them leads.
    AddGroup(Group),
}

/// What the supervisor answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// The first line: everything serves.
    Ready(Box<Running>),
    /// A command on one part was carried out; the process that the part is now.
    Done {
        /// None if the part does not run.
        pid: Option<u32>,
    },
    /// A group serves.
    Group {
        /// Its workers.
        workers: Vec<Worker>,
    },
    /// It did not work, and why.
    Failed {
        /// One or more lines for a person.
        error: String,
    },
}
