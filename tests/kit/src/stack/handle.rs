//! The side of the tests: starts the supervisor, knows where everything is, asks it for what shall happen to a part.

use crate::program;
use crate::stack::consume::{self, Record};
use crate::stack::protocol::{Answer, Command, Group, Options, PostgresAt, Running, Worker};
use anyhow::{Context as _, Result, bail, ensure};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

/// A running stack. Everything stops when the value is dropped, and also when the process that holds it ends in
/// whatever way.
pub struct Stack {
    running: Running,
    // Dropped before the line is: its end ends the supervisor, for which the line then waits.
    input: Input,
    line: Arc<Mutex<Line>>,
}

// std's process and pipes, not tokio's: a stack may be shared by tests that each have a runtime of their own.
struct Line {
    supervisor: Child,
    commands: Arc<Mutex<Option<ChildStdin>>>,
    answers: BufReader<ChildStdout>,
}

impl Stack {
    /// Builds the supervisor if it is missing or older than its source, starts it and waits until all parts serve.
    pub async fn start(options: Options) -> Result<Self> {
        let mut line = Line::open(&program::build("stack").await?, &options)?;
        // A start that is given up halfway ends the supervisor too.
        let input = Input(Arc::clone(&line.commands));
        let (answer, line) = spawn_blocking(move || (line.answer(), line)).await?;
        match answer? {
            Answer::Ready(running) => Ok(Self { running: *running, input, line: Arc::new(Mutex::new(line)) }),
            Answer::Failed { error } => bail!("the stack did not come up: {error}"),
            Answer::Done { .. } | Answer::Group { .. } => bail!("the supervisor's first word is no start"),
        }
    }

    /// The stack that all tests of one binary share: two workers and PostgreSQL, started by the first who asks.
    /// Tests keep apart by the names of their connectors, topics and databases, and break nothing in it.
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Result<Stack, String>> = OnceCell::const_new();
        let start = || async { Self::start(Options::default()).await.map_err(|error| format!("{error:#}")) };
        // A failed start is kept too: a hundred tests need not wait for it a hundred times.
        SHARED.get_or_init(start).await.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// Where everything is, as the supervisor told it at the start.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The workers of the first group.
    pub fn workers(&self) -> &[Worker] {
        &self.running.workers
    }

    /// The broker.
    pub fn kafka(&self) -> Kafka<'_> {
        Kafka { bootstrap: &self.running.kafka.bootstrap }
    }

    /// PostgreSQL, which must be part of the stack.
    pub fn postgres(&self) -> Postgres<'_> {
        Postgres { at: self.running.postgres.as_ref().expect("a stack with PostgreSQL") }
    }

    /// Starts a part that was stopped or killed and gives its new process id once it serves.
    pub async fn start_part(&self, part: &str) -> Result<u32> {
        let pid = self.on_part(Command::Start { part: part.to_owned() }).await?;
        pid.context("a started part has a process")
    }

    /// Stops a part in order.
    pub async fn stop_part(&self, part: &str) -> Result<()> {
        self.on_part(Command::Stop { part: part.to_owned() }).await.map(drop)
    }

    /// Kills a part with SIGKILL.
    pub async fn kill_part(&self, part: &str) -> Result<()> {
        self.on_part(Command::Kill { part: part.to_owned() }).await.map(drop)
    }

    /// Halts a part with SIGSTOP.
    pub async fn freeze_part(&self, part: &str) -> Result<()> {
        self.on_part(Command::Freeze { part: part.to_owned() }).await.map(drop)
    }

    /// Lets a frozen part go on.
    pub async fn thaw_part(&self, part: &str) -> Result<()> {
        self.on_part(Command::Thaw { part: part.to_owned() }).await.map(drop)
    }

    /// Starts one more Connect cluster on the same broker.
    pub async fn add_group(&self, group: Group) -> Result<Vec<Worker>> {
        match self.ask(Command::AddGroup(group)).await? {
            Answer::Group { workers } => Ok(workers),
            Answer::Failed { error } => bail!("{error}"),
            answer @ (Answer::Ready(_) | Answer::Done { .. }) => bail!("unexpected answer: {answer:?}"),
        }
    }

    /// Stops everything and waits for the end, as dropping does, but tells whether it went well.
    pub async fn stop(self) -> Result<()> {
        let Self { running: _, input, line } = self;
        drop(input);
        spawn_blocking(move || line.lock().expect("nobody panics while holding it").end()).await?
    }

    async fn on_part(&self, command: Command) -> Result<Option<u32>> {
        match self.ask(command).await? {
            Answer::Done { pid } => Ok(pid),
            Answer::Failed { error } => bail!("{error}"),
            answer @ (Answer::Ready(_) | Answer::Group { .. }) => bail!("unexpected answer: {answer:?}"),
        }
    }

    async fn ask(&self, command: Command) -> Result<Answer> {
        let line = Arc::clone(&self.line);
        spawn_blocking(move || line.lock().expect("nobody panics while holding it").ask(&command)).await?
    }
}

impl Line {
    fn open(supervisor: &Path, options: &Options) -> Result<Self> {
        let mut supervisor = std::process::Command::new(supervisor)
            .arg(serde_json::to_string(options)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the supervisor")?;
        let commands = Arc::new(Mutex::new(supervisor.stdin.take()));
        let answers = BufReader::new(supervisor.stdout.take().expect("a pipe"));
        Ok(Self { supervisor, commands, answers })
    }

    fn ask(&mut self, command: &Command) -> Result<Answer> {
        let mut commands = self.commands.lock().expect("nobody panics while holding it");
        let pipe = commands.as_mut().context("the stack is stopped")?;
        writeln!(pipe, "{}", serde_json::to_string(command)?).context("the supervisor is gone")?;
        drop(commands);
        self.answer()
    }

    fn answer(&mut self) -> Result<Answer> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(!line.is_empty(), "the supervisor ended without an answer");
        serde_json::from_str(&line).with_context(|| format!("understand {line}"))
    }

    fn end(&mut self) -> Result<()> {
        close(&self.commands);
        let status = self.supervisor.wait()?;
        ensure!(status.success(), "the supervisor ended with {status}");
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Waits, so that the next stack does not start beside the end of this one.
        let _ = self.end();
    }
}

// The supervisor's standard input, which ends with this value.
struct Input(Arc<Mutex<Option<ChildStdin>>>);

impl Drop for Input {
    fn drop(&mut self) {
        close(&self.0);
    }
}

fn close(commands: &Mutex<Option<ChildStdin>>) {
    commands.lock().expect("nobody panics while holding it").take();
}

/// The broker of a stack.
#[derive(Clone, Copy)]
pub struct Kafka<'a> {
    /// `host:port`.
    pub bootstrap: &'a str,
}

impl Kafka<'_> {
    /// Reads the first `count` records of a topic, which may yet have to come into being.
    pub async fn consume(&self, topic: &str, count: usize, within: Duration) -> Result<Vec<Record>> {
        consume::records(self.bootstrap, topic, count, within).await
    }

    /// Reads what a topic holds now.
    pub async fn all(&self, topic: &str) -> Result<Vec<Record>> {
        consume::all(self.bootstrap, topic).await
    }
}

/// The PostgreSQL of a stack.
#[derive(Clone, Copy)]
pub struct Postgres<'a> {
    /// Where it is and how to log in.
    pub at: &'a PostgresAt,
}

impl Postgres<'_> {
    /// Runs SQL in a database as the superuser; the answer is one line a row, columns apart by `|`.
    pub async fn sql(&self, database: &str, text: &str) -> Result<String> {
        let PostgresAt { host, port, user, password, password_file: _, programs, pid: _, log: _ } = self.at;
        let output = tokio::process::Command::new(programs.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", host, "-U", user, "-d", database])
            .args(["-p", &port.to_string(), "-c", text])
            .env("PGPASSWORD", password)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("start psql")?;
        ensure!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// Makes an empty database; one that has this name is dropped first.
    pub async fn database(&self, name: &str) -> Result<()> {
        self.sql("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        self.sql("postgres", &format!("CREATE DATABASE {name}")).await.map(drop)
    }
}
