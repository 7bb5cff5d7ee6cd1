//! The real binary as a command: run in a folder of its own, and everything it said.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use crate::support::agent::{SOON, alone, tagalong};
use crate::support::program::program;

/// A folder to run commands in; paths in what they say are relative to it.
pub struct Desk {
    dir: TempDir,
    variables: Vec<(String, String)>,
    hidden: Vec<(String, &'static str)>,
}

/// What a command said, and how it ended. Written as text it is what a snapshot holds.
#[derive(Debug)]
pub struct Said {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// How long it took.
    pub took: Duration,
}

impl Desk {
    /// A folder with these files.
    pub fn new(files: &[(&str, &str)]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("tagalong-desk-").tempdir()?;
        let desk = Self { dir, variables: Vec::new(), hidden: Vec::new() };
        for (path, text) in files {
            desk.write(path, text)?;
        }
        Ok(desk)
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
        Ok(std::fs::write(path, text)?)
    }

    /// Where a file of this folder is.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Sets a variable for every command that follows.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a word in place of a text that differs from run to run.
    pub fn hide(&mut self, text: &str, word: &'static str) {
        self.hidden.push((text.to_owned(), word));
    }

    /// Starts a command, its arguments parted by blanks.
    pub fn start(&self, line: &str) -> Result<Child> {
        self.start_into(line, Stdio::piped())
    }

    /// The same, where its results go.
    pub fn start_into(&self, line: &str, results: impl Into<Stdio>) -> Result<Child> {
        let mut command = tagalong();
        command.args(line.split_whitespace());
        self.spawn(command, results.into())
    }

    /// Runs a command at a terminal, which is its standard output and its standard error.
    pub async fn run_at_terminal(&self, line: &str) -> Result<Said> {
        let mut command = alone("script");
        command.args(["--quiet", "--return", "--command"]);
        command.arg(format!("{} {line}", program().display())).arg("/dev/null");
        self.end(self.spawn(command, Stdio::piped())?).await
    }

    fn spawn(&self, mut command: Command, results: Stdio) -> Result<Child> {
        command.current_dir(self.dir.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdout(results).stderr(Stdio::piped());
        command.spawn().context("the binary starts")
    }

    /// Runs a command to its end, its arguments parted by blanks.
    pub async fn run(&self, line: &str) -> Result<Said> {
        self.end(self.start(line)?).await
    }

    /// Waits for the end of a command.
    pub async fn end(&self, child: Child) -> Result<Said> {
        let began = Instant::now();
        let output = timeout(SOON, child.wait_with_output()).await.context("the command ends")??;
        let took = began.elapsed();
        let text = |bytes: Vec<u8>| -> Result<String> { Ok(self.steady(&String::from_utf8(bytes)?)) };
        Ok(Said { out: text(output.stdout)?, err: text(output.stderr)?, code: output.status.code(), took })
    }

    /// The text without what differs from run to run.
    fn steady(&self, text: &str) -> String {
        let mut text = text.replace(&self.dir.path().display().to_string(), "DESK");
        for (hidden, word) in &self.hidden {
            text = text.replace(hidden, word);
        }
        text.split_inclusive('\n').map(untimed).collect()
    }
}

/// A line without how long something took, and without when it was logged.
pub fn untimed(line: &str) -> String {
    let line = match line.rsplit_once(", ") {
        Some((before, took)) if took.ends_with(" s\n") && took.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{before}, TIME\n")
        }
        _ => line.to_owned(),
    };
    match line.split_once("Z ") {
        Some((stamp, rest)) if stamp.len() == 23 && stamp.as_bytes()[10] == b'T' => format!("NOW {rest}"),
        _ => line,
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or("none".to_owned(), |code| code.to_string());
        writeln!(f, "exit {code}")?;
        for (name, text) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !text.is_empty() {
                write!(f, "---- {name}\n{text}")?;
            }
        }
        Ok(())
    }
}

/// Whether a path is an executable of this machine.
pub fn is_installed(name: &str) -> bool {
    let path = tagalong_testkit::environment::variable("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::new(&folder).join(name).is_file())
}
