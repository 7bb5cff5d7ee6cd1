//! A process that a test or the supervisor owns: started in a group of its own with its output in a file, stopped for
//! certain. It also ends when its owner is killed, because the kernel is asked to see to that.

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// One process: how it is started, stopped and found.
pub struct Process {
    name: String,
    launch: Launch,
    log: PathBuf,
    child: Option<Child>,
}

/// What to run, on a thread that lives as long as it shall: the kernel ends it with that thread.
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The ids of the user and group to run it as; none = the owner's.
    pub user: Option<(u32, u32)>,
    /// The signal that ends it in order.
    pub gentle: Signal,
}

impl Launch {
    /// Describes a program that runs as the owner does and ends in order on SIGTERM.
    pub fn new(program: &Path, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { program: program.to_owned(), arguments, user: None, gentle: Signal::TERM }
    }

    /// Describes a JVM that starts quickly and stays small.
    pub fn jvm(java: &Path, class_path: String, log4j: &Path, main: &str, argument: &Path) -> Self {
        let log4j = format!("-Dlog4j2.configurationFile={}", log4j.display());
        let quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx512m"];
        let arguments = quick
            .map(str::to_owned)
            .into_iter()
            .chain([log4j, "-cp".to_owned(), class_path, main.to_owned(), argument.display().to_string()])
            .collect();
        Self { program: java.to_owned(), arguments, user: None, gentle: Signal::TERM }
    }

    /// Makes the command, in a process group of its own: a Ctrl-C at the terminal reaches the owner alone, which
    /// then stops everything in order.
    pub fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if let Some((user, group)) = self.user {
            command.args([
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
            ]);
        }
        command.arg("--").arg(&self.program).args(&self.arguments);
        command.process_group(0).stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

impl Process {
    /// Describes a process that does not run yet.
    pub fn new(name: &str, launch: Launch, dir: &Path) -> Self {
        Self { name: name.to_owned(), launch, log: dir.join(format!("{name}.log")), child: None }
    }

    /// What its output goes to.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Starts it; its output is added to the log.
    pub fn start(&mut self) -> Result<()> {
        if self.runs()? {
            bail!("{} runs already", self.name);
        }
        let log = File::options().create(true).append(true).open(&self.log).context("open the log")?;
        let mut command = self.launch.command();
        command.stdout(log.try_clone()?).stderr(log);
        self.child = Some(command.spawn().with_context(|| format!("start {}", self.name))?);
        Ok(())
    }

    /// Fails with the end of the log if the process has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        if !self.runs()? {
            bail!("{} has ended. The end of its log:\n{}", self.name, self.last_words());
        }
        Ok(())
    }

    /// Sends one signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let pid = pid.with_context(|| format!("{} does not run", self.name))?;
        if signal == Signal::KILL { kill_process_group(pid, signal) } else { kill_process(pid, signal) }
            .with_context(|| format!("send {signal:?} to {}", self.name))
    }

    /// Ends it in order, or at once when that takes longer than `patience`; a process that does not run is fine. Gives
    /// its exit status if it ended in order.
    pub async fn stop(&mut self, patience: Duration) -> Result<Option<ExitStatus>> {
        if !self.runs()? {
            return Ok(None);
        }
        self.signal(self.launch.gentle)?;
        // A frozen process hears it only now.
        self.signal(Signal::CONT)?;
        let child = self.child.as_mut().expect("it runs");
        let Ok(status) = timeout(patience, child.wait()).await else {
            self.kill().await?;
            return Ok(None);
        };
        self.child = None;
        Ok(Some(status?))
    }

    /// Ends it at once.
    pub async fn kill(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        if let Some(child) = &mut self.child {
            child.wait().await?;
        }
        self.child = None;
        Ok(())
    }

    /// Whether it runs now.
    pub fn runs(&mut self) -> Result<bool> {
        match &mut self.child {
            None => Ok(false),
            Some(child) => Ok(child.try_wait()?.is_none()),
        }
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}
