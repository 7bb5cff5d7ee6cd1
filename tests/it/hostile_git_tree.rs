//! Definitions that mean harm, in a repository whose server is honest: each is a finding with a name, nothing of it
//! is done, and the last good revision stays in force.

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::fake::Fake;

use crate::hostile_git::state;
use crate::repo_tree_crafted::Forge;
use crate::support::agent::{Agent, SOON, wait};
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, ENVIRONMENT, file_of, file_source};

/// What an agent may hold at its highest, in MB, in a debug build.
const MOST: f64 = 96.0;

/// What disturbs a terminal: control characters, and those that turn the order of reading round.
const FOUL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{2066}\u{61c}";

/// An agent that has applied a release.
struct Story {
    definitions: Definitions,
    good: String,
    fake: Fake,
    agent: Agent,
}

impl Story {
    async fn begin() -> Result<Self> {
        let definitions = Definitions::one("orders", "").await?;
        let good = definitions.released()?;
        let fake = Fake::start(1).await;
        let settings = definitions.settings(&fake.url(0));
        let agent = Agent::start(&settings).await?.patient(3 * SOON);
        agent.wait_for_applied(&good).await?;
        Ok(Self { definitions, good, fake, agent })
    }

    /// Waits until what was released is refused by these rules, sees that the last good one is in force, and goes back to it.
    async fn refused(&mut self, what: &str, rules: &[&str]) -> Result<()> {
        self.is_refused(what, rules).await.with_context(|| format!("{what}: {}", self.agent.log()))
    }

    async fn is_refused(&mut self, what: &str, rules: &[&str]) -> Result<()> {
        self.agent.wait_for_metric(&state("invalid"), 1.0).await?;
        let status = self.agent.status().await?;
        let findings = status["findings"].as_array().context("a list")?;
        let told: Vec<_> = findings.iter().filter_map(|finding| finding["rule"].as_str()).collect();
        ensure!(rules.iter().all(|rule| told.contains(rule)), "{what}: {told:?}");
        self.fake.edit("orders", |config| {
            config.insert("topic".into(), "elsewhere".into());
        });
        let back =
            || async { Ok(self.fake.connector("orders").is_some_and(|one| one.config["topic"] == "orders")) };
        wait("drift is put back", back).await?;
        ensure!(self.fake.names() == ["orders"], "{:?}", self.fake.names());
        self.definitions.move_to(&self.good)?;
        self.agent.wait_for_metric(&state("ok"), 1.0).await
    }

    /// Releases a tree of `connectors/`, beside a good environment.
    fn release(&self, entries: &[(&str, &[u8], &str)]) -> Result<()> {
        let forge = Forge(&self.definitions.origin);
        let environment = forge.tree(&[("100644", b"test.yaml", &forge.blob(ENVIRONMENT.1.as_bytes())?)])?;
        let connectors = forge.tree(entries)?;
        let root =
            [("40000", &b"connectors"[..], connectors.as_str()), ("40000", b"environments", &environment)];
        forge.release(&forge.tree(&root)?)
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the figure is what a report wants")]
async fn a_definition_that_was_made_to_swell_is_a_finding_and_costs_no_memory() -> Result<()> {
    let mut story = Story::begin().await?;
    let laughs: String = (1..60).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        let before = n - 1;
        format!("{text}a{n}: &a{n} [*a{before}, *a{before}, *a{before}, *a{before}]\n")
    });
    let flat = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(30_000));
    let deep = format!("connector: deep\nconfig: {}{}\n", "[".repeat(60_000), "]".repeat(60_000));
    let maps = (0..400).fold(String::new(), |text, n| format!("{text}{}a:\n", " ".repeat(n)));
    let json = format!("{{\"name\": \"deep\", \"config\": {}", "[".repeat(100_000));
    for (what, path, text, rules) in [
        ("laughs", "connectors/z.yaml", laughs, &["yaml-alias"][..]),
        ("aliases side by side", "connectors/z.yaml", flat, &["yaml-alias"]),
        ("brackets", "connectors/z.yaml", deep, &["yaml-too-deep"]),
        ("maps", "connectors/z.yaml", maps, &["yaml-too-deep"]),
        ("JSON", "connectors/z.json", json, &["json-syntax"]),
    ] {
        story.definitions.release(&[(path, &text)])?;
        story.definitions.origin.remove("without it", &[path])?;
        story.refused(what, rules).await?;
    }
    let forge = Forge(&story.definitions.origin);
    let (x, zeros) = (forge.blob(b"x")?, forge.blob(&vec![0; 60 * 1024 * 1024])?);
    let names: Vec<_> = (0..10_001).map(|n| format!("{n:05}.yaml")).collect();
    let many: Vec<_> = names.iter().map(|name| ("100644", name.as_bytes(), x.as_str())).collect();
    story.release(&many)?;
    story.refused("too many files", &["too-many-files"]).await?;
    story.release(&[("100644", b"a.yaml", &zeros)])?;
    story.refused("a large file", &["file-too-large"]).await?;
    let (now, most) = story.agent.memory()?;
    println!("{now:.1} MB, {most:.1} MB at its highest");
    assert!(most < MOST, "{most} MB");
    Ok(())
}

#[tokio::test]
async fn what_a_tree_holds_that_is_no_definition_is_told_and_does_nothing() -> Result<()> {
    let mut story = Story::begin().await?;
    let forge = Forge(&story.definitions.origin);
    let good = forge.blob(file_source("orders", "").as_bytes())?;
    let link = forge.blob(b"/proc/self/environ")?;
    let pointer = forge.blob(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")?;
    let folder = forge.tree(&[("100644", b"a.yaml", &good)])?;
    let commit = "1".repeat(40);
    let cases: [(&str, &str, &[u8], &str, &str); 9] = [
        ("a link", "120000", b"link.yaml", &link, "link"),
        ("a submodule", "160000", b"sub", &commit, "submodule"),
        ("a pointer", "100644", b"large.yaml", &pointer, "lfs-pointer"),
        ("a way up", "40000", b"..", &folder, "file-name"),
        ("a way out", "100644", b"../../../etc/x.yaml", &good, "file-name"),
        ("a line break", "100644", b"a\nb.yaml", &good, "file-name"),
        ("an escape", "100644", b"a\x1b[2J.yaml", &good, "file-name"),
        ("a turned name", "100644", "a\u{202e}b.yaml".as_bytes(), &good, "file-name"),
        ("git's own folder", "40000", b".Git", &folder, "file-name"),
    ];
    for (what, mode, name, id, rule) in cases {
        let mut entries = vec![("100644", &b"orders.yaml"[..], good.as_str()), (mode, name, id)];
        entries.sort_by_key(|(_, name, _)| *name);
        story.release(&entries)?;
        story.refused(what, &[rule]).await?;
    }
    let log = story.agent.log();
    assert!(!log.contains(['\x1b', '\u{202e}']), "{log}");
    Ok(())
}

// Nothing is checked out, so there is nothing that a filter could run on, and no file system that mixes names.
#[tokio::test]
async fn filters_do_nothing_and_names_that_differ_in_case_are_two_files() -> Result<()> {
    let mut story = Story::begin().await?;
    let attributes = "* filter=lfs diff=lfs text eol=crlf working-tree-encoding=UTF-16 ident export-ignore\n";
    let modules = "[submodule \"x\"]\n\tpath = connectors\n\turl = --upload-pack=touch\n";
    let orders = file_source("orders", "  format: '$Id$'\n");
    // By hand: a work tree would be subject to the attributes.
    let forge = Forge(&story.definitions.origin);
    let blob = |text: &str| forge.blob(text.as_bytes());
    let environment = forge.tree(&[("100644", b"test.yaml", &blob(ENVIRONMENT.1)?)])?;
    let upper = file_source("Orders", "");
    let connectors = forge.tree(&[
        ("100644", b".gitattributes", &blob(attributes)?),
        ("100644", b"Orders.yaml", &blob(&upper)?),
        ("100644", b"orders.yaml", &blob(&orders)?),
    ])?;
    forge.release(&forge.tree(&[
        ("100644", b".gitattributes", &blob(attributes)?),
        ("100644", b".gitmodules", &blob(modules)?),
        ("40000", b"connectors", &connectors),
        ("40000", b"environments", &environment),
    ])?)?;
    let both = || async { Ok(story.fake.names() == ["Orders", "orders"]) };
    wait("both are there", both).await.with_context(|| story.agent.log())?;
    let is = || async {
        Ok(story
            .fake
            .connector("orders")
            .is_some_and(|one| one.config.get("format").is_some_and(|id| id == "$Id$")))
    };
    wait("the file is as it was committed", is).await?;
    // The same name twice, in two files whose names differ in case, is one connector twice.
    let connectors = forge
        .tree(&[("100644", b"Orders.yaml", &blob(&orders)?), ("100644", b"orders.yaml", &blob(&orders)?)])?;
    forge.release(
        &forge.tree(&[("40000", b"connectors", &connectors), ("40000", b"environments", &environment)])?,
    )?;
    story.agent.wait_for_metric(&state("invalid"), 1.0).await?;
    assert!(story.agent.get("/status").await?.contains("duplicate-name"));
    story.definitions.release(&[(&file_of("orders"), &orders)]).map(drop)
}

/// Whether a text may be shown on a terminal.
fn is_clean(text: &str) -> bool {
    let is_foul = |c: char| (c.is_control() && c != '\n') || ('\u{80}'..).contains(&c) && FOUL.contains(c);
    !text.contains(is_foul)
}

/// Definitions with what disturbs a terminal wherever a text may stand, each with something wrong at it.
fn foul() -> Vec<(&'static str, String)> {
    let escaped = FOUL.chars().fold(String::new(), |text, c| format!("{text}\\u{:04x}", u32::from(c)));
    vec![
        (
            "connectors/key.yaml",
            format!("connector: key\n\"x{escaped}\": 1\nconfig: {{connector.class: X}}\n"),
        ),
        ("connectors/name.yaml", format!("connector: \"n{escaped}\"\nconfig: {{connector.class: X}}\n")),
        ("connectors/template.yaml", format!("connector: t\ntemplate: \"no{escaped}\"\n")),
        (
            "connectors/state.yaml",
            format!("connector: s\nstate: \"run{escaped}\"\nconfig: {{connector.class: X}}\n"),
        ),
        (
            "connectors/expression.yaml",
            format!("connector: e\nconfig: {{connector.class: X, a: \"{{{{ no{escaped} }}}}\"}}\n"),
        ),
        (
            "connectors/only.yaml",
            format!("connector: o\nonly: [\"pro{escaped}\"]\nconfig: {{connector.class: X}}\n"),
        ),
        (
            "connectors/config.yaml",
            format!(
                "connector: c\nconfig: {{connector.class: X, \"k{escaped}\": \"v{escaped}\", \"m{escaped}\": {{a: 1}}}}\n"
            ),
        ),
        (
            "connectors/raw.yaml",
            "connector: r\n\u{202e}\u{2066}\u{61c}: 1\nconfig: {connector.class: X}\n".to_owned(),
        ),
        (
            "connectors/raw.json",
            "{\"name\": \"j\u{202e}\u{61c}\", \"config\": {\"\u{202e}a\u{9b}\": []}}".to_owned(),
        ),
    ]
}

#[tokio::test]
async fn no_control_character_of_a_definition_reaches_a_terminal_or_a_log() -> Result<()> {
    let files = foul();
    let files: Vec<_> =
        files.iter().map(|(path, text)| (*path, text.as_str())).chain([ENVIRONMENT]).collect();
    let desk = Desk::new(&files)?;
    for form in ["human", "github", "gitlab", "markdown", "json"] {
        let said = desk.run(&format!("validate . --output {form}")).await?;
        assert_eq!(said.code, Some(1), "{form}: {said}");
        for path in files.iter().map(|(path, _)| path).filter(|path| path.starts_with("connectors/")) {
            assert!(said.out.contains(path) || said.err.contains(path), "{form}, {path}: {said}");
        }
        assert!(is_clean(&said.out) && is_clean(&said.err), "{form}: {:?}\n{:?}", said.out, said.err);
    }
    let mut story = Story::begin().await?;
    story.definitions.release(&files)?;
    story.agent.wait_for_metric(&state("invalid"), 1.0).await?;
    for path in ["/status", "/", "/metrics"] {
        let page = story.agent.get(path).await?;
        assert!(is_clean(&page), "{path}: {page:?}");
    }
    assert!(is_clean(&story.agent.log()), "{:?}", story.agent.log());
    Ok(())
}
