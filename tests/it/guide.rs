//! The guides are run as they stand by a [`Reader`]; the other pages show files that are valid, commands that exist,
//! and links that lead somewhere.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tagalong::connect::trouble::Trouble;
use tagalong::metrics::families::ALL;
use tagalong::settings::checked::Settings;
use tagalong::settings::keys::{KEYS, variable};
use tagalong::settings::raw::Written;
use tagalong::yaml;

use crate::support::command::Desk;
use crate::support::page::{blocks, files, links, read, root};
use crate::support::reader::Reader;

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
async fn the_guide_to_asking_the_plugins_works_as_it_stands() -> Result<()> {
    Reader::new().await?.read("docs/guide/checking.md").await
}

#[tokio::test]
async fn the_guide_to_secrets_works_as_it_stands() -> Result<()> {
    Reader::new().await?.read("docs/guide/secrets.md").await
}

#[tokio::test]
async fn the_guide_to_a_repository_of_your_own_works_as_it_stands() -> Result<()> {
    Reader::new().await?.read("docs/guide/own-repository.md").await
}

#[tokio::test]
async fn the_guide_to_trying_works_as_it_stands() -> Result<()> {
    Reader::new().await?.read("docs/guide/trying.md").await
}

#[tokio::test]
async fn the_page_of_signed_releases_works_as_it_stands() -> Result<()> {
    Reader::new().await?.read("docs/operations/signed-releases.md").await
}

#[tokio::test]
async fn the_guide_to_saying_dont_works_as_it_stands() -> Result<()> {
    Reader::new().await?.read("docs/guide/saying-dont.md").await
}

/// Where a way to say "don't" can be seen to work.
enum Seen {
    /// In the blocks of the page that are run.
    Here(&'static str),
    /// In a story: its file and its name.
    Story(&'static str, &'static str),
}

/// By the first cell of its row.
const DONT: &[(&str, Seen)] = &[
    ("`state: paused`, `stopped`", Seen::Here("state: paused")),
    ("`state: absent`", Seen::Here("state: absent")),
    ("`suspend`", Seen::Here("suspend: {")),
    ("`mode: observe`", Seen::Here("TAGALONG_MODE=observe")),
    ("`select`", Seen::Here("TAGALONG_SELECT__EXCLUDE=")),
    ("`only`, `except`", Seen::Here("only: [staging]")),
    ("`keep: true`", Seen::Here("keep: true")),
    (
        "`prune: {policy: never}`",
        Seen::Story("deleting", "unless_the_settings_say_owned_what_has_no_file_is_left_alone"),
    ),
    ("`forget: NAME`", Seen::Here("forget: moved")),
    ("no `acknowledge`", Seen::Here("errors.tolerance: all")),
    ("`risk: hold`", Seen::Here("TAGALONG_RISK=warn")),
    (
        "`restart: {enabled: false}`",
        Seen::Story("held", "where_restarts_are_off_what_has_failed_is_told_and_left_alone"),
    ),
    (
        "a folder of `extra` that is gone, empty or wrong",
        Seen::Story(
            "deleting",
            "while_an_extra_folder_is_not_in_force_nothing_is_deleted_for_having_no_file",
        ),
    ),
];

#[test]
fn every_way_to_say_dont_is_run_on_its_page_or_has_a_story() -> Result<()> {
    let page = read("docs/guide/saying-dont.md")?;
    let run: Vec<_> = blocks(&page).into_iter().filter(|block| block.info != "text").collect();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let words: Vec<_> = rows.skip_while(|cell| *cell != "word").skip(1).collect();
    assert_eq!(words, DONT.iter().map(|(word, _)| *word).collect::<Vec<_>>());
    for (word, seen) in DONT {
        let is_seen = match seen {
            Seen::Here(text) => run.iter().any(|block| block.text.contains(text)),
            Seen::Story(file, name) => {
                read(&format!("tests/it/{file}.rs"))?.contains(&format!("async fn {name}("))
            }
        };
        ensure!(is_seen, "{word}");
    }
    Ok(())
}

#[tokio::test]
async fn the_guide_to_lints_works_as_it_stands() -> Result<()> {
    Reader::new().await?.read("docs/guide/lints.md").await
}

#[tokio::test]
async fn the_guide_to_risky_changes_works_as_it_stands() -> Result<()> {
    Reader::new().await?.read("docs/guide/risky-changes.md").await
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
fn the_examples_of_reaching_connect_are_settings_without_a_warning() -> Result<()> {
    let blocks = blocks(&read("docs/operations/reaching-connect.md")?);
    ensure!(blocks.len() > 3 && blocks.iter().all(|block| block.text.starts_with("# settings.yaml")));
    for block in blocks {
        let file = Some(("settings.yaml", block.text.as_bytes()));
        let (settings, findings) = Settings::read(&Written { file, ..Written::default() }, &[]);
        assert!(settings.is_some() && findings.is_empty(), "{findings:#?}");
    }
    Ok(())
}

#[test]
fn the_examples_of_reaching_git_are_settings_without_a_warning() -> Result<()> {
    let blocks = blocks(&read("docs/operations/git-access.md")?);
    let examples: Vec<_> = blocks.iter().filter(|block| block.info == "yaml").collect();
    ensure!(examples.len() > 4 && examples.iter().all(|block| block.text.starts_with("# settings.yaml")));
    for block in examples {
        let file = Some(("settings.yaml", block.text.as_bytes()));
        let (settings, findings) = Settings::read(&Written { file, ..Written::default() }, &[]);
        assert!(settings.is_some() && findings.is_empty(), "{findings:#?}");
    }
    Ok(())
}

#[test]
fn the_page_of_reaching_connect_has_every_trouble() -> Result<()> {
    let page = read("docs/operations/reaching-connect.md")?;
    for trouble in Trouble::ALL {
        ensure!(page.contains(&format!("| {trouble} |")), "{trouble} is not on the page");
    }
    Ok(())
}

#[test]
fn what_the_pages_name_is_there() -> Result<()> {
    let apart = ["TAGALONG_SETTINGS", "TAGALONG_AGENT", "TAGALONG_PORT", "TAGALONG_URL", "TAGALONG_SHA256"];
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for page in [
        "README.md",
        "docs/guide/first-connector.md",
        "docs/guide/definitions.md",
        "docs/guide/editors.md",
        "docs/guide/lints.md",
        "docs/guide/workspace.md",
        "docs/guide/own-repository.md",
        "docs/guide/trying.md",
        "docs/guide/service-connectors.md",
        "docs/operations/running.md",
        "docs/operations/reaching-connect.md",
        "docs/operations/git-access.md",
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
