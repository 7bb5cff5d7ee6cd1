//! PostgreSQL with logical decoding: a cluster of its own in the temporary folder, run as Debian's user `postgres`
//! where the supervisor is root, because PostgreSQL refuses to be.

use crate::process::{Launch, Process};
use crate::stack::parts;
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// The superuser of every stack.
pub const USER: &str = "postgres";

/// What a cluster is made from.
pub struct Cluster {
    /// The folder of PostgreSQL's programs.
    pub programs: PathBuf,
    /// The superuser's password.
    pub password: String,
    /// The file with that password, for Connect's config provider.
    pub password_file: PathBuf,
    /// The port.
    pub port: u16,
    data: PathBuf,
    user: Option<(u32, u32)>,
}

impl Cluster {
    /// Describes a cluster below `dir`; nothing is run yet but `id`.
    pub async fn new(dir: &Path, port: u16) -> Result<Self> {
        let home = dir.join("postgres");
        fs::create_dir(&home)?;
        fs::set_permissions(&home, fs::Permissions::from_mode(0o755))?;
        let user = user().await?;
        let data = home.join("data");
        fs::create_dir(&data)?;
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
        if let Some((user, group)) = user {
            chown(&data, Some(user), Some(group)).context("give the data folder to postgres")?;
        }
        let password = format!("pw-{:016x}", fastrand::u64(..));
        let password_file = home.join("debezium.properties");
        fs::write(&password_file, format!("password={password}\n"))?;
        fs::write(home.join("password"), &password)?;
        let programs = parts::postgres_programs()?;
        Ok(Self { programs, password, password_file, port, data, user })
    }

    /// Makes the data folder and the process that will serve it.
    pub async fn prepare(&self, dir: &Path) -> Result<Process> {
        let password = format!("--pwfile={}", self.data.with_file_name("password").display());
        let arguments = ["-D", &self.data.display().to_string(), "-U", USER, &password]
            .into_iter()
            .chain(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
            .map(str::to_owned)
            .collect();
        let output = self.launch("initdb", arguments).command().output().await.context("start initdb")?;
        ensure!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        let mut arguments = vec!["-D".to_owned(), self.data.display().to_string()];
        arguments.extend(self.settings().into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
        Ok(Process::new("postgres", self.launch("postgres", arguments), dir))
    }

    /// Waits until a query is answered.
    pub async fn serving(&self, process: &mut Process, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        while !self.answers().await? {
            process.check()?;
            if Instant::now() > deadline {
                bail!("PostgreSQL does not answer after {within:?}");
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn answers(&self) -> Result<bool> {
        let status = Command::new(self.programs.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .status();
        Ok(status.await.context("start pg_isready")?.success())
    }

    fn settings(&self) -> Vec<String> {
        // What is stored need not survive this machine: no disk is waited for.
        ["listen_addresses=127.0.0.1", "unix_socket_directories=", "wal_level=logical"]
            .into_iter()
            .chain(["max_replication_slots=100", "max_wal_senders=100", "max_connections=300"])
            .chain(["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB"])
            .map(str::to_owned)
            .chain([format!("port={}", self.port)])
            .collect()
    }

    fn launch(&self, program: &str, arguments: Vec<String>) -> Launch {
        // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
        Launch { program: self.programs.join(program), arguments, user: self.user, gentle: Signal::INT }
    }
}

async fn user() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    Ok(Some((id("-u").await?, id("-g").await?)))
}

async fn id(which: &str) -> Result<u32> {
    let output = Command::new("id").args([which, "postgres"]).output().await.context("start id")?;
    ensure!(output.status.success(), "there is no user postgres: run tests/stack/install");
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
