//! Who reads a guide and does what it says: every file is written, every command is given to a shell, and what the
//! guide shows must be what comes out.
//!
//! In a guide a `yaml` or `json` block begins with the path of its file as a comment, a `sh` block is run with
//! `bash`, and a `text` block after it is its standard output. `sh background` goes on running;
//! from then on a block is tried until its output is right.

use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::environment;
use tagalong_testkit::fake::{Fake, Options};
use tagalong_testkit::ports;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::support::agent::SOON;
use crate::support::command::{Desk, untimed};
use crate::support::page::{self, Block, blocks, files};
use crate::support::program::program;

/// The folder that a guide begins in; what it puts beside it is still on the desk.
const FOLDER: &str = "definitions";

/// A reader of a guide, at a desk, with a cluster.
pub struct Reader {
    /// The cluster that the guide's commands meet.
    pub fake: Arc<Fake>,
    desk: Desk,
    listen: String,
    /// When `git` believes that it is, so that ids are the same at each reading.
    moment: Option<&'static str>,
    left_running: Vec<Child>,
}

impl Reader {
    /// A reader with an empty folder and an empty cluster.
    pub async fn new() -> Result<Self> {
        let fake = Arc::new(Fake::with(Options::default()).await);
        let listen = format!("127.0.0.1:{}", ports::free(1)?[0]);
        let desk = Desk::new(&[])?;
        std::fs::create_dir(desk.path(FOLDER))?;
        Ok(Self { fake, desk, listen, moment: Some("@1700000000 +0000"), left_running: Vec::new() })
    }

    /// The same today: for keys that know when they were made.
    #[cfg(feature = "openpgp")]
    pub fn today(mut self) -> Self {
        self.moment = None;
        self
    }

    /// The text with this cluster's address and a free port in place of those that the guide shows.
    fn here(&self, text: &str) -> String {
        text.replace("http://localhost:8083", &self.fake.url(0)).replace("127.0.0.1:9808", &self.listen)
    }

    /// The text as the guide shows it.
    fn there(&self, text: &str) -> String {
        let text =
            text.replace(&self.fake.url(0), "http://localhost:8083").replace(&self.listen, "127.0.0.1:9808");
        text.split_inclusive('\n').map(untimed).map(|line| line.replace(", TIME", ", 0.1 s")).collect()
    }

    fn shell(&self, text: &str) -> Command {
        let program = program();
        let binary = program.parent().expect("a file lies in a folder");
        let path = environment::variable("PATH").unwrap_or_default();
        let paths = std::iter::once(binary.to_owned()).chain(std::env::split_paths(&path));
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &self.here(text)]).current_dir(self.desk.path(FOLDER));
        shell.env_clear().env("PATH", std::env::join_paths(paths).expect("they came from a PATH"));
        shell.env("HOME", self.desk.path("")).env("GIT_CONFIG_NOSYSTEM", "1");
        let moment = self.moment.map(|moment| ("DATE", moment));
        for (name, value) in [("NAME", "Ada"), ("EMAIL", "ada@example.com")].into_iter().chain(moment) {
            shell.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        shell.env("TAGALONG_AGENT", format!("http://{}", self.listen));
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        shell
    }

    async fn run(&self, text: &str) -> Result<Output> {
        Ok(self.shell(text).output().await?)
    }

    /// Does what a page says, block by block.
    pub async fn read(&mut self, page: &str) -> Result<()> {
        let blocks = blocks(&page::read(page)?);
        for (at, block) in blocks.iter().enumerate() {
            let Block { info, text, line } = block;
            let place = format!("{page}:{line}");
            match info.as_str() {
                "yaml" | "json" => {
                    let files = files(block);
                    ensure!(!files.is_empty(), "{place}: the block names no file");
                    for (path, text) in files {
                        self.desk.write(&format!("{FOLDER}/{path}"), &self.here(&text))?;
                    }
                }
                "sh" => {
                    let wanted = blocks.get(at + 1).filter(|next| next.info == "text");
                    self.check(text, wanted.map(|block| block.text.as_str())).await.context(place)?;
                }
                "sh background" => self.left_running.push(self.shell(&format!("exec {text}")).spawn()?),
                // The output of the block before it, or a picture.
                "text" | "" => {}
                other => anyhow::bail!("{place}: nobody knows how to check a block of {other:?}"),
            }
        }
        Ok(())
    }

    /// Runs a block; what it prints must be what is wanted, at once or, beside an agent, soon.
    async fn check(&self, text: &str, wanted: Option<&str>) -> Result<()> {
        let began = Instant::now();
        loop {
            let Output { status, stdout, stderr } = self.run(text).await?;
            let (out, err) = (self.there(&String::from_utf8(stdout)?), String::from_utf8(stderr)?);
            if status.success() && wanted.is_none_or(|wanted| out == wanted) {
                return Ok(());
            }
            let patient = !self.left_running.is_empty() && began.elapsed() < SOON;
            ensure!(
                patient,
                "{status}\n{text}---- stdout\n{out}---- stderr\n{err}---- wanted\n{}",
                wanted.unwrap_or_default()
            );
            sleep(Duration::from_millis(200)).await;
        }
    }
}
