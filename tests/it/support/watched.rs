//! An agent whose interval is an hour, so that whatever it sees after its start it was told by the kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tagalong_testkit::fake::Fake;
use tempfile::TempDir;

use crate::support::agent::{Agent, wait_within};
use crate::support::definitions::{ENVIRONMENT, file_source};

/// What no change may take. It takes a second; the machine may have much else to do, and the interval is an hour.
const AT_MOST: Duration = Duration::from_mins(1);

/// A folder of definitions, a cluster and an agent between them.
pub struct Site {
    desk: TempDir,
    /// The cluster.
    pub fake: Fake,
    /// The agent.
    pub agent: Agent,
}

/// The definition of `orders`, told from others by one key.
pub fn orders(mark: &str) -> String {
    file_source("orders", &format!("  mark: {mark}\n"))
}

/// Writes a file, and the folders that it lies in.
pub fn write(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("it lies in a folder")?)?;
    Ok(fs::write(path, text)?)
}

/// Makes a folder of definitions with `orders` in it.
pub fn fill(folder: &Path, mark: &str) -> Result<()> {
    write(&folder.join(ENVIRONMENT.0), ENVIRONMENT.1)?;
    write(&folder.join("connectors/orders.yaml"), &orders(mark))
}

impl Site {
    /// An agent beside a folder with `orders` in it, marked `first`, which it has applied.
    pub async fn new() -> Result<Self> {
        let site = Self::with("", |desk| fill(&desk.join("definitions"), "first")).await?;
        site.shows("first").await?;
        Ok(site)
    }

    /// An agent beside the folder `definitions` of a desk that is prepared like this; `{desk}` in the settings stands for the desk.
    pub async fn with(settings: &str, prepare: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        Self::behind(&[], "1h", settings, prepare).await
    }

    /// The same, where a program starts the agent, and with another interval.
    pub async fn behind(
        program: &[&str],
        interval: &str,
        settings: &str,
        prepare: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Self> {
        let desk = tempfile::Builder::new().prefix("tagalong-watched-").tempdir()?;
        prepare(desk.path())?;
        let fake = Fake::start(1).await;
        let settings = settings.replace("{desk}", &desk.path().display().to_string());
        let settings = format!(
            "environment: test\nconnect: {{url: '{}'}}\nrepository: {{dir: '{}', git: {{interval: {interval}}}}}\n{settings}",
            fake.url(0),
            desk.path().join("definitions").display()
        );
        let agent = Agent::start_behind(program, &settings).await?;
        Ok(Self { desk, fake, agent })
    }

    /// A place on the desk.
    pub fn path(&self, path: &str) -> PathBuf {
        self.desk.path().join(path)
    }

    /// The file of `orders`.
    pub fn file(&self) -> PathBuf {
        self.path("definitions/connectors/orders.yaml")
    }

    /// The mark that `orders` has in the cluster.
    pub fn mark(&self) -> Option<String> {
        self.fake.connector("orders")?.config.get("mark").cloned()
    }

    /// Waits until the cluster shows a mark; says how long that took.
    pub async fn shows(&self, mark: &str) -> Result<Duration> {
        let began = Instant::now();
        let shown = || async { Ok(self.mark().as_deref() == Some(mark)) };
        wait_within(AT_MOST, &format!("orders is marked {mark}"), shown)
            .await
            .with_context(|| self.agent.log())?;
        Ok(began.elapsed())
    }

    /// How often the folder was looked at so far.
    pub async fn looks(&self) -> Result<f64> {
        let mut looks = 0.0;
        for outcome in ["success", "noop", "error"] {
            let series =
                format!("tagalong_repository_polls_total{{outcome=\"{outcome}\",repository=\"main\"}}");
            looks += self.agent.metric(&series).await?.unwrap_or_default();
        }
        Ok(looks)
    }
}
