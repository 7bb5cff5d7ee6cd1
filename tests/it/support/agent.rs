//! The real binary as a child process: started with settings, asked over HTTP, ended by a signal.
//!
//! It dies with the test that holds it.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tagalong_testkit::{http, ports};
use tempfile::{NamedTempFile, TempDir};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::support::process::field;
use crate::support::program::program;

/// How long a story waits for something that should come within seconds: only what never comes waits so long, and a
/// machine with much else to do is given the time.
pub const SOON: Duration = Duration::from_mins(3);

/// A running agent.
pub struct Agent {
    child: Child,
    url: String,
    dir: TempDir,
    patience: Duration,
}

/// A command line that is ready to run, cut off from the settings of the test's own environment.
pub fn tagalong() -> Command {
    alone(program())
}

/// Another program, cut off in the same way.
pub fn alone(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().kill_on_drop(true).stdin(Stdio::null());
    for kept in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = tagalong_testkit::environment::variable(kept) {
            command.env(kept, value);
        }
    }
    command
}

impl Agent {
    /// Starts `tagalong run` with these settings; where it serves is added to them.
    pub async fn start(settings: &str) -> Result<Self> {
        Self::start_with(settings, &[]).await
    }

    /// The same, with these variables in its environment.
    pub async fn start_with(settings: &str, variables: &[(&str, &str)]) -> Result<Self> {
        Self::start_as(tagalong(), settings, variables).await
    }

    /// The same, but for one that looks only when [`Agent::looks`] tells it to, so that nothing happens between two looks.
    /// Gives the file of its token too.
    pub async fn start_told(settings: &str) -> Result<(Self, NamedTempFile)> {
        let token = NamedTempFile::new()?;
        std::fs::write(token.path(), "a word that nobody guesses")?;
        let settings = settings.replace("interval: 1s", "interval: 1h");
        let variables = [("TAGALONG_HTTP__TOKEN_FILE", &*token.path().to_string_lossy())];
        Ok((Self::start_with(&settings, &variables).await?, token))
    }

    /// The same, where another program puts the agent in its own place.
    pub async fn start_behind(program: &[&str], settings: &str) -> Result<Self> {
        let command = match program {
            [] => tagalong(),
            [program, arguments @ ..] => {
                let mut command = alone(program);
                command.args(arguments).arg(self::program());
                command
            }
        };
        Self::start_as(command, settings, &[]).await
    }

    async fn start_as(mut command: Command, settings: &str, variables: &[(&str, &str)]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("tagalong-agent-").tempdir()?;
        let port = ports::free(1)?[0];
        let path = dir.path().join("settings.yaml");
        std::fs::write(
            &path,
            format!("{settings}\nhttp: {{listen: '127.0.0.1:{port}'}}\nlog: {{format: json}}\n"),
        )?;
        let log = File::create(dir.path().join("log"))?;
        let child = command
            .args(["run", "--settings"])
            .arg(&path)
            .env("TAGALONG_STATE_DIR", dir.path().join("state"))
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("the binary starts")?;
        let agent = Self { child, url: format!("http://127.0.0.1:{port}"), dir, patience: SOON };
        let up = || async { Ok(agent.get("/livez").await.is_ok()) };
        wait("the agent serves", up).await.with_context(|| agent.log())?;
        Ok(agent)
    }

    /// Lets it take longer, as it must on real parts that share a machine with others.
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Its resident memory now and at its highest, in MB.
    pub fn memory(&self) -> Result<(f64, f64)> {
        Ok((self.said_of("VmRSS:")?, self.said_of("VmHWM:")?))
    }

    /// What of its memory is its own, in MB: how many pages of its program are resident is up to the machine.
    pub fn held(&self) -> Result<f64> {
        self.said_of("RssAnon:")
    }

    /// What the kernel says of its memory, in MB.
    fn said_of(&self, key: &str) -> Result<f64> {
        let value = field(self.pid(), key).context("the kernel says")?;
        Ok(value.trim_end_matches(" kB").parse::<f64>()? / 1024.0)
    }

    /// The base address of its pages.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks for one of its pages.
    pub async fn get(&self, path: &str) -> Result<String> {
        Ok(http::client().get(format!("{}{path}", self.url)).send().await?.text().await?)
    }

    /// What it tells of itself.
    pub async fn status(&self) -> Result<Value> {
        let text = self.get("/status").await?;
        serde_json::from_str(&text).with_context(|| text)
    }

    /// The value of one series, written as it stands in the scrape.
    pub async fn metric(&self, series: &str) -> Result<Option<f64>> {
        let text = self.get("/metrics").await?;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map(|value| value.parse().context("a number")).transpose()
    }

    /// Its settings file.
    pub fn settings(&self) -> std::path::PathBuf {
        self.dir.path().join("settings.yaml")
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Kills it, wherever it is in what it does.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Waits until it has fallen; says by which signal, where it was one.
    pub async fn fallen(&mut self) -> Result<Option<i32>> {
        let status = timeout(self.patience, self.child.wait()).await.context("it falls")??;
        Ok(status.signal())
    }

    /// Tells it to end.
    pub async fn terminate(&self) -> Result<()> {
        let status = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().await?;
        ensure!(status.success(), "the signal is sent");
        Ok(())
    }

    /// Tells it to end, and waits until it has.
    pub async fn end(mut self) -> Result<(ExitStatus, Duration)> {
        let began = Instant::now();
        self.terminate().await?;
        let status = timeout(SOON, self.child.wait()).await.context("it ends")??;
        Ok((status, began.elapsed()))
    }

    /// Waits until a series has a value.
    pub async fn wait_for_metric(&self, series: &str, wanted: f64) -> Result<()> {
        let is = || async {
            Ok(self.metric(series).await?.is_some_and(|value| (value - wanted).abs() < f64::EPSILON))
        };
        let what = format!("{series} becomes {wanted}");
        wait_within(self.patience, &what, is).await.with_context(|| self.log())
    }

    /// Waits until a counter has reached a value.
    pub async fn wait_for_metric_from(&self, series: &str, least: f64) -> Result<()> {
        let is = || async { Ok(self.metric(series).await?.is_some_and(|value| value >= least)) };
        let what = format!("{series} reaches {least}");
        wait_within(self.patience, &what, is).await.with_context(|| self.log())
    }

    /// Has it look, by the token in this file, and waits until it has come to the end of that.
    pub async fn looks(&self, token: &Path) -> Result<()> {
        let answered =
            async || anyhow::Ok(self.status().await?["answered"].as_u64().context("it is counted")?);
        let before = answered().await?;
        let mut command = tagalong();
        command.args(["reconcile", "--agent", self.url(), "--token-file"]).arg(token);
        ensure!(command.status().await?.success(), "it is told");
        let looked = || async { Ok(answered().await? > before) };
        wait_within(self.patience, "it has looked", looked).await.with_context(|| self.log())
    }

    /// Waits until the cluster was last seen to equal this commit.
    pub async fn wait_for_applied(&self, commit: &str) -> Result<()> {
        let applied = || async {
            let status = self.status().await?;
            Ok(status["clocks"]["applied"].to_string().contains(commit))
        };
        let what = format!("{commit} is applied");
        wait_within(self.patience, &what, applied).await.with_context(|| self.log())
    }
}

/// Waits until something is so that should come within seconds; says what, where it does not come.
pub async fn wait<F>(what: &str, is_so: impl FnMut() -> F) -> Result<()>
where
    F: Future<Output = Result<bool>>,
{
    wait_within(SOON, what, is_so).await
}

/// Waits until something is so, for so long; says what, where it does not come.
pub async fn wait_within<F>(patience: Duration, what: &str, mut is_so: impl FnMut() -> F) -> Result<()>
where
    F: Future<Output = Result<bool>>,
{
    let began = Instant::now();
    loop {
        let last = match is_so().await {
            Ok(true) => return Ok(()),
            Ok(false) => "it was not so".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        if began.elapsed() > patience {
            bail!("waited {} s in vain until {what}: {last}", patience.as_secs());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the files of an agent that is gone are free. A process that another test starts at this moment has them,
/// too, until it runs a program of its own.
pub async fn let_go(state: &Path) -> Result<()> {
    let is_free = || async {
        for entry in std::fs::read_dir(state)? {
            let path = entry?.path();
            let is_lock = path.to_string_lossy().ends_with("-lock");
            if is_lock && File::open(&path)?.try_lock().is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    };
    wait("its files are free", is_free).await
}
