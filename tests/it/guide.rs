//! The guides are run as they stand: every file is written, every command is given to a shell, and
//! what the guide shows must be what comes out.
//!
//! In a guide a `yaml` or `json` block begins with the path of its file as a comment, a `sh` block is run with
//! `bash`, and a `text` block after it is its standard output. `sh background` goes on running;
//! from then on a block is tried until its output is right.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong::metrics::families::ALL;
use tagalong::settings::checked::Settings;
use tagalong::settings::keys::{KEYS, variable};
use tagalong::settings::raw::Written;
use tagalong::yaml;
use tagalong_testkit::environment;
use tagalong_testkit::fake::{Fake, Options};
use tagalong_testkit::ports;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::support::agent::SOON;
use crate::support::command::{Desk, untimed};
use crate::support::page::{Block, blocks, files, links, read, root};

/// The folder that a guide begins in; what it puts beside it is still on the desk.
const FOLDER: &str = "definitions";

/// A reader of a guide, at a desk, with a cluster.
struct Reader {
    desk: Desk,
    fake: Fake,
    listen: String,
    left_running: Vec<Child>,
}

impl Reader {
    async fn new() -> Result<Self> {
        let fake = Fake::with(Options::default()).await;
        let listen = format!("127.0.0.1:{}", ports::free(1)?[0]);
        let desk = Desk::new(&[])?;
        std::fs::create_dir(desk.path(FOLDER))?;
        Ok(Self { desk, fake, listen, left_running: Vec::new() })
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
        let binary = Path::new(env!("CARGO_BIN_EXE_tagalong")).parent().expect("a file lies in a folder");
        let path = environment::variable("PATH").unwrap_or_default();
        let paths = std::iter::once(binary.to_owned()).chain(std::env::split_paths(&path));
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &self.here(text)]).current_dir(self.desk.path(FOLDER));
        shell.env_clear().env("PATH", std::env::join_paths(paths).expect("they came from a PATH"));
        shell.env("HOME", self.desk.path("")).env("GIT_CONFIG_NOSYSTEM", "1");
        for (name, value) in [("NAME", "Ada"), ("EMAIL", "ada@example.com"), ("DATE", "@1700000000 +0000")] {
            shell.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        shell.env("TAGALONG_AGENT", format!("http://{}", self.listen));
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        shell
    }

    async fn run(&self, text: &str) -> Result<Output> {
        Ok(self.shell(text).output().await?)
    }

    async fn read(&mut self, page: &str) -> Result<()> {
        let blocks = blocks(&read(page)?);
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

#[tokio::test]
async fn the_guide_to_the_first_connector_works_as_it_stands() -> Result<()> {
    Reader::new().await?.read("docs/guide/first-connector.md").await
}

#[tokio::test]
async fn the_guide_to_definitions_works_as_it_stands() -> Result<()> {
    let mut reader = Reader::new().await?;
    reader.fake.preload("someone-elses", &[("connector.class", "FileStreamSource")]);
    reader.read("docs/guide/definitions.md").await
}

#[tokio::test]
async fn the_repository_in_the_readme_is_valid_without_a_warning() -> Result<()> {
    let desk = Desk::new(&[])?;
    let blocks = blocks(&read("README.md")?);
    let yaml: Vec<_> = blocks.iter().filter(|block| block.info == "yaml").collect();
    assert_eq!(yaml.len(), 1);
    let files = files(yaml[0]);
    assert_eq!(files.len(), 3, "{files:?}");
    for (path, text) in files {
        desk.write(&path, &text)?;
    }
    let said = desk.run("validate --strict").await?;
    assert_eq!((said.code, said.out.as_str()), (Some(0), "Valid for production.\n"), "{said}");
    Ok(())
}

#[tokio::test]
async fn the_commands_in_the_readme_and_the_reference_are_commands() -> Result<()> {
    let desk = Desk::new(&[])?;
    for page in ["README.md", "docs/reference/cli.md", "docs/operations/running.md"] {
        for block in blocks(&read(page)?).iter().filter(|block| block.info == "sh") {
            for line in block.text.lines().filter_map(|line| line.strip_prefix("tagalong ")) {
                let line = line.split([';', '|', '>', '#']).next().unwrap_or_default();
                let said = desk.run(&format!("{line} --help")).await?;
                assert_eq!(said.code, Some(0), "{page}: tagalong {line}: {said}");
            }
        }
    }
    Ok(())
}

#[test]
fn the_examples_of_the_operations_page_can_be_used() -> Result<()> {
    for block in blocks(&read("docs/operations/running.md")?) {
        match block.info.as_str() {
            "yaml" if block.text.starts_with("# settings.yaml") => {
                let file = Some(("settings.yaml", block.text.as_bytes()));
                let (settings, findings) = Settings::read(&Written { file, ..Written::default() }, &[]);
                assert!(settings.is_some() && findings.is_empty(), "{findings:#?}");
            }
            "yaml" => {
                let (_, findings) = yaml::documents("running.md", block.text.as_bytes());
                assert!(findings.is_empty(), "{findings:#?}");
            }
            "json" => drop(serde_json::from_str::<serde_json::Value>(&block.text)?),
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn what_the_pages_name_is_there() -> Result<()> {
    let apart = ["TAGALONG_SETTINGS", "TAGALONG_AGENT", "TAGALONG_PORT"];
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for page in [
        "README.md",
        "docs/guide/first-connector.md",
        "docs/guide/definitions.md",
        "docs/operations/running.md",
    ] {
        for word in read(page)?.split(|c| !is_word(c)) {
            if word.starts_with("TAGALONG_") {
                let known = KEYS.iter().any(|key| variable(key.path) == word) || apart.contains(&word);
                assert!(known, "{page}: {word}");
            } else if word.starts_with("tagalong_") {
                assert!(ALL.iter().any(|family| family.name == word), "{page}: {word}");
            }
        }
    }
    Ok(())
}

#[test]
fn every_link_leads_somewhere() -> Result<()> {
    let mut broken = Vec::new();
    let mut open = vec![root().join("docs")];
    let mut pages: Vec<_> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
            .map(|page| root().join(page))
            .into();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    for page in pages {
        let folder = page.parent().context("a page lies in a folder")?;
        for link in links(&std::fs::read_to_string(&page)?) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            if path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            let target = if path.is_empty() { page.clone() } else { folder.join(path) };
            let is_there = target.exists() && (anchor.is_empty() || has_heading(&target, anchor)?);
            if !is_there {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
    Ok(())
}

/// Whether a page has the heading that an anchor names.
fn has_heading(page: &Path, anchor: &str) -> Result<bool> {
    let text = std::fs::read_to_string(page)?;
    Ok(text.lines().filter(|line| line.starts_with('#')).any(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept: String = title
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        kept == anchor
    }))
}
