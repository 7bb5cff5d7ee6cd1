//! Starts a stack, says where it is, obeys commands, and stops every process once its standard input closes or a
//! signal asks it to. Who uses it therefore needs to do nothing to clean up, not even to live on.

use crate::http;
use crate::ports;
use crate::process::Process;
use crate::stack::connect;
use crate::stack::kafka;
use crate::stack::postgres::{Cluster, USER};
use crate::stack::protocol::{Answer, Command, Group, KafkaAt, Options, PostgresAt, Running, Worker};
use anyhow::{Context as _, Result, bail};
use futures_util::future::{join_all, try_join_all};
use rustix::process::Signal;
use std::fs;
use std::io::{BufRead as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

// Fifteen seconds on two idle cores; the tests of a whole workspace leave it less.
const START: Duration = Duration::from_mins(3);
const STOP: Duration = Duration::from_secs(15);
// At the very end nothing is kept: who does not go quickly is made to.
const LAST_STOP: Duration = Duration::from_secs(3);
const FOLDER: &str = "tagalong-stack-";

// Everything a worker says below WARN is noise here, and writing it takes a tenth of the start.
const LOG4J: &str = "status=ERROR
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{HH:mm:ss.SSS} %p %c{1}: %m%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
";

/// Runs a stack until standard input closes or SIGTERM, SIGINT or SIGHUP comes. The first line of standard output
/// says where everything is, or what failed.
pub fn supervise(options: Options) -> ExitCode {
    // One thread: the kernel ends the children with the *thread* that started them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime on this thread");
    runtime.block_on(async {
        match Supervisor::new() {
            Ok(mut supervisor) => {
                let code = supervisor.serve(options).await;
                supervisor.stop_all().await;
                code
            }
            Err(error) => {
                say(&Answer::Failed { error: format!("{error:#}") });
                ExitCode::FAILURE
            }
        }
    })
}

struct Supervisor {
    dir: TempDir,
    log4j: PathBuf,
    kafka: Option<(u16, Process)>,
    postgres: Option<(Cluster, Process)>,
    groups: Vec<Members>,
}

struct Members {
    group: Group,
    workers: Vec<Member>,
}

struct Member {
    name: String,
    url: String,
    process: Process,
}

impl Supervisor {
    fn new() -> Result<Self> {
        remove_leftovers();
        let dir = tempfile::Builder::new().prefix(FOLDER).tempdir().context("make a temporary folder")?;
        // The user `postgres` must be able to pass.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        fs::write(dir.path().join("supervisor.pid"), std::process::id().to_string())?;
        let log4j = dir.path().join("log4j2.properties");
        fs::write(&log4j, LOG4J)?;
        Ok(Self { dir, log4j, kafka: None, postgres: None, groups: Vec::new() })
    }

    async fn serve(&mut self, options: Options) -> ExitCode {
        let mut lines = read_lines();
        // Tokio's signal streams may be made only inside the runtime, and must be there before the first child is.
        let [mut term, mut int, mut hup] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()]
                .map(|kind| signal(kind).expect("a signal stream"));
        let work = async {
            tokio::select! {
                started = self.start(options) => match started {
                    Ok(running) => say(&Answer::Ready(Box::new(running))),
                    Err(error) => {
                        say(&Answer::Failed { error: format!("{error:#}") });
                        return ExitCode::FAILURE;
                    }
                },
                // Nothing may be asked before everything is there, so the only thing to come is the end.
                _ = lines.recv() => return ExitCode::SUCCESS,
            }
            while let Some(line) = lines.recv().await {
                let answer = self.obey(&line).await;
                say(&answer.unwrap_or_else(|error| Answer::Failed { error: format!("{error:#}") }));
            }
            ExitCode::SUCCESS
        };
        tokio::select! {
            code = work => code,
            _ = term.recv() => ExitCode::SUCCESS,
            _ = int.recv() => ExitCode::SUCCESS,
            _ = hup.recv() => ExitCode::SUCCESS,
        }
    }

    async fn start(&mut self, options: Options) -> Result<Running> {
        let Options { postgres, group } = options;
        let ports = ports::free(3)?;
        let (dir, log4j) = (self.dir.path().to_owned(), self.log4j.clone());
        let mut broker = kafka::prepare(&dir, &log4j, ports[0], ports[1])?;
        broker.start()?;
        self.kafka = Some((ports[0], broker));
        // The workers load their classes while the broker does, and then wait for it.
        self.launch_group(&group)?;
        if postgres {
            let cluster = Cluster::new(&dir, ports[2]).await?;
            let mut process = cluster.prepare(&dir).await?;
            process.start()?;
            cluster.serving(&mut process, START).await?;
            self.postgres = Some((cluster, process));
        }
        let (port, broker) = self.kafka.as_mut().expect("started above");
        kafka::listening(broker, *port, START).await?;
        let workers = self.await_last_group().await?;
        Ok(Running {
            dir,
            supervisor: std::process::id(),
            kafka: KafkaAt { bootstrap: self.bootstrap(), pid: self.kafka_pid() },
            postgres: self.postgres.as_ref().map(|(cluster, process)| located(cluster, process)),
            workers,
        })
    }

    fn launch_group(&mut self, group: &Group) -> Result<()> {
        let (dir, bootstrap) = (self.dir.path().to_owned(), self.bootstrap());
        self.groups.push(Members { group: group.clone(), workers: Vec::new() });
        for (index, port) in ports::free(group.workers)?.into_iter().enumerate() {
            let name = format!("{}-{}", group.name, index + 1);
            let mut process = connect::prepare(&dir, &self.log4j, &bootstrap, group, &name, port)?;
            process.start()?;
            let url = format!("http://127.0.0.1:{port}");
            let members = self.groups.last_mut().expect("pushed above");
            members.workers.push(Member { name, url, process });
        }
        Ok(())
    }

    async fn await_last_group(&mut self) -> Result<Vec<Worker>> {
        let Members { group, workers } = self.groups.last_mut().context("no group was launched")?;
        let version = &group.connect;
        let http = &http::client_as(group.authorization.as_deref());
        try_join_all(
            workers
                .iter_mut()
                .map(|Member { name: _, url, process }| connect::serving(process, http, url, version, START)),
        )
        .await?;
        let urls: Vec<String> = workers.iter().map(|worker| worker.url.clone()).collect();
        connect::led(http, &urls, START).await?;
        Ok(workers.iter().map(Member::told).collect())
    }

    async fn obey(&mut self, line: &str) -> Result<Answer> {
        let part = match serde_json::from_str(line).context("understand the command")? {
            Command::AddGroup(group) => {
                if self.groups.iter().any(|members| members.group.name == group.name) {
                    bail!("there is a group {} already", group.name);
                }
                self.launch_group(&group)?;
                return Ok(Answer::Group { workers: self.await_last_group().await? });
            }
            Command::Start { part } => {
                self.process(&part)?.start()?;
                self.await_part(&part).await?;
                part
            }
            Command::Stop { part } => {
                self.process(&part)?.stop(STOP).await?;
                part
            }
            Command::Kill { part } => {
                self.process(&part)?.kill().await?;
                part
            }
            Command::Freeze { part } => {
                self.process(&part)?.signal(Signal::STOP)?;
                part
            }
            Command::Thaw { part } => {
                self.process(&part)?.signal(Signal::CONT)?;
                part
            }
        };
        Ok(Answer::Done { pid: self.process(&part)?.pid() })
    }

    async fn await_part(&mut self, part: &str) -> Result<()> {
        match part {
            "kafka" => {
                let (at, broker) = self.kafka.as_mut().context("the broker was never started")?;
                kafka::listening(broker, *at, START).await
            }
            "postgres" => {
                let (cluster, process) = self.postgres.as_mut().context("there is no PostgreSQL")?;
                cluster.serving(process, START).await
            }
            worker => {
                let (group, Member { name: _, url, process }) = self.worker(worker)?;
                let http = http::client_as(group.authorization.as_deref());
                connect::serving(process, &http, url, &group.connect, START).await
            }
        }
    }

    fn process(&mut self, part: &str) -> Result<&mut Process> {
        match part {
            "kafka" => {
                self.kafka.as_mut().map(|(_, process)| process).context("the broker was never started")
            }
            "postgres" => {
                self.postgres.as_mut().map(|(_, process)| process).context("there is no PostgreSQL")
            }
            worker => Ok(&mut self.worker(worker)?.1.process),
        }
    }

    fn worker(&mut self, name: &str) -> Result<(&Group, &mut Member)> {
        for Members { group, workers } in &mut self.groups {
            if let Some(member) = workers.iter_mut().find(|member| member.name == name) {
                return Ok((group, member));
            }
        }
        bail!("there is no part {name}")
    }

    fn bootstrap(&self) -> String {
        let port = self.kafka.as_ref().map_or(0, |(port, _)| *port);
        format!("127.0.0.1:{port}")
    }

    fn kafka_pid(&self) -> u32 {
        self.kafka.as_ref().and_then(|(_, process)| process.pid()).unwrap_or_default()
    }

    async fn stop_all(&mut self) {
        let workers = self.groups.iter_mut().flat_map(|members| &mut members.workers);
        let first = workers.map(|worker| &mut worker.process);
        let first = first.chain(self.postgres.as_mut().map(|(_, process)| process));
        join_all(first.map(|process| process.stop(LAST_STOP))).await;
        // Last, because workers without a broker do not end in order.
        if let Some((_, broker)) = &mut self.kafka {
            // It has nothing to save, and an orderly end takes seconds; an error means that it is gone.
            let _ = broker.kill().await;
        }
    }
}

impl Member {
    fn told(&self) -> Worker {
        Worker {
            name: self.name.clone(),
            url: self.url.clone(),
            pid: self.process.pid().unwrap_or_default(),
            log: self.process.log().to_owned(),
        }
    }
}

fn located(cluster: &Cluster, process: &Process) -> PostgresAt {
    PostgresAt {
        host: "127.0.0.1".to_owned(),
        port: cluster.port,
        user: USER.to_owned(),
        password: cluster.password.clone(),
        password_file: cluster.password_file.clone(),
        programs: cluster.programs.clone(),
        pid: process.pid().unwrap_or_default(),
        log: process.log().to_owned(),
    }
}

// A thread, because a read of standard input cannot be given up; it does not keep the process alive.
fn read_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn say(answer: &Answer) {
    let line = serde_json::to_string(answer).expect("plain data");
    // A reader that has gone is told by the end of standard input.
    let _ = writeln!(std::io::stdout(), "{line}");
}

// A supervisor that was killed with SIGKILL could not remove its folder; its processes ended with it.
fn remove_leftovers() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(FOLDER);
        let Ok(pid) = fs::read_to_string(entry.path().join("supervisor.pid")) else { continue };
        if ours && !pid.is_empty() && !Path::new("/proc").join(pid).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
