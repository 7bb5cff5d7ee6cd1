//! The pages on pitfalls and on threats name tests that are there, and the tests of pitfalls that stand nowhere else.

use std::collections::BTreeSet;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use semver::Version;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{FILE, following, look, tag};
use crate::support::agent::tagalong;

const PAGES: [&str; 2] = ["docs/reference/git-pitfalls.md", "docs/threat-model.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text in backticks that is the path of a function.
fn named(text: &str) -> BTreeSet<&str> {
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|code| code.contains("::") && !code.ends_with('…'))
        .collect()
}

/// The files in which a test of this path may stand.
fn places(path: &str) -> (Vec<PathBuf>, &str) {
    let (module, function) = path.rsplit_once("::").unwrap_or(("", path));
    let folders = match module.strip_prefix("it::") {
        Some(module) => vec![root().join("tests/it").join(module.replace("::", "/"))],
        None if module == "architecture" => vec![root().join("tests/architecture")],
        None => {
            let module = module.strip_suffix("::tests").unwrap_or(module);
            let folder = root().join("src").join(module.replace("::", "/"));
            vec![folder.join("tests"), folder.join("mod"), folder]
        }
    };
    (folders.into_iter().map(|path| path.with_extension("rs")).collect(), function)
}

/// Whether a file holds a test of this name.
fn holds(text: &str, function: &str) -> bool {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let is_it = line.split_once("fn ").is_some_and(|(before, rest)| {
            matches!(before, "" | "async ") && rest.split(['(', '<']).next() == Some(function)
        });
        let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
        is_it && attributes.into_iter().any(|line| *line == "#[test]" || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn each_test_that_the_pages_name_is_there() -> Result<()> {
    for page in PAGES {
        let text = std::fs::read_to_string(root().join(page)).with_context(|| page)?;
        let named = named(&text);
        ensure!(named.len() > 20, "{page} names {} tests", named.len());
        for path in named {
            let (places, function) = places(path);
            let is_there = places
                .iter()
                .any(|place| std::fs::read_to_string(place).is_ok_and(|text| holds(&text, function)));
            assert!(is_there, "{page} names {path}, and no such test is in {places:?}");
        }
    }
    Ok(())
}

#[test]
fn each_pitfall_has_a_test_or_a_reason() -> Result<()> {
    let text = std::fs::read_to_string(root().join(PAGES[0]))?;
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit())
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), 33);
    for (at, row) in rows.iter().enumerate() {
        let [number, _, here, held] = row[..] else { panic!("four columns: {row:?}") };
        assert_eq!(number.parse(), Ok(at + 1));
        assert!(!named(held).is_empty() || here.starts_with("not applicable, because"), "{row:?}");
    }
    Ok(())
}

/// The version of a package in the lock file.
fn locked(name: &str) -> Result<Version> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))?;
    let begin = format!("name = \"{name}\"\nversion = \"");
    let versions: Vec<_> = lock.split(&begin).skip(1).filter_map(|rest| rest.split('"').next()).collect();
    ensure!(versions.len() == 1, "{name} is locked once: {versions:?}");
    Ok(Version::parse(versions[0])?)
}

// What is linked counts, not only what was asked for.
#[test]
fn the_locked_git_library_has_its_mends() -> Result<()> {
    assert!(locked("git2")? >= Version::new(0, 21, 0));
    assert!(locked("libgit2-sys")? >= Version::new(0, 18, 8));
    let linked = Version::parse(&tagalong::repo::libgit2_version())?;
    assert!(linked >= Version::new(1, 9, 7), "{linked}");
    Ok(())
}

#[tokio::test]
async fn git_settings_of_the_person_count_for_nothing() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit(
        "first",
        &[
            ("environments/test.yaml", "environment: test\n"),
            (FILE, "connector: orders\nconfig: {connector.class: X}\n"),
        ],
    )?;
    origin.tag("v1", "HEAD")?;
    let server = GitHttp::start(origin.parent()).await?;
    let home = tempfile::tempdir()?;
    let rewrites =
        "[url \"https://127.0.0.1:1/\"]\n\tinsteadOf = http://\n\tinsteadOf = tagalong://\n\tinsteadOf = /\n";
    let runs = format!(
        "[credential]\n\thelper = !touch {0}/ran\n[core]\n\tfsmonitor = touch {0}/ran\n\tsshCommand = touch {0}/ran\n",
        home.path().display()
    );
    std::fs::write(
        home.path().join(".gitconfig"),
        format!("{rewrites}{runs}[http]\n\tproxy = http://127.0.0.1:1\n"),
    )?;
    for url in [server.url(Origin::NAME), origin.path().display().to_string()] {
        let mut command = tagalong();
        command.args(["render", "-e", "test", "--git", &url, "--tag", "v1"]).env("HOME", home.path());
        command.env("XDG_CONFIG_HOME", home.path()).env("GIT_CONFIG_GLOBAL", home.path().join(".gitconfig"));
        let output = command.output().await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{url}: {said}");
    }
    assert!(!home.path().join("ran").exists());
    Ok(())
}

/// Somebody else's user and group, where this test may give a file away; else its own.
const NOBODY: u32 = 65_534;

#[tokio::test]
async fn a_repository_of_another_owner_is_read_and_its_settings_do_nothing() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "1")])?;
    origin.tag("v1", "HEAD")?;
    let ran = origin.parent().join("ran");
    let touch = format!("touch {}", ran.display());
    let path = origin.path();
    let path = path.to_str().context("a path")?;
    for key in
        ["core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook", "core.alternateRefsCommand"]
    {
        origin.git(&["-C", path, "config", key, &touch])?;
    }
    origin.git(&["-C", path, "config", "url.https://127.0.0.1:1/.insteadOf", "/"])?;
    std::fs::write(origin.path().join("hooks/post-checkout"), format!("#!/bin/sh\n{touch}\n"))?;
    let others = chown(origin.path(), Some(NOBODY), Some(NOBODY)).is_ok();
    assert_eq!(look(&following(path, tag("v1"))?).await?.0, "1", "owned by another: {others}");
    assert!(!ran.exists());
    Ok(())
}
