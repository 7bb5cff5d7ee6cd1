//! The guide to editors: it works as it stands, and what it tells editors leads to the right schema.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tagalong::cli::schema::Kind;

use crate::support::editor::kind;
use crate::support::page::{blocks, files, read};
use crate::support::reader::Reader;

const PAGE: &str = "docs/guide/editors.md";

#[tokio::test]
async fn the_guide_to_editors_works_as_it_stands() -> Result<()> {
    Reader::new().await?.read(PAGE).await
}

/// The kind of file whose schema a path names, as `schema --write .schemas` writes it.
fn of_schema(path: &str) -> Option<Kind> {
    let name = path.strip_prefix("./").unwrap_or(path).strip_prefix(".schemas/")?.strip_suffix(".json")?;
    Kind::ALL.into_iter().find(|kind| kind.name() == name)
}

#[test]
fn each_line_for_an_editor_names_the_schema_of_its_file() -> Result<()> {
    let mut seen = 0;
    for block in blocks(&read(PAGE)?).iter().filter(|block| block.info == "yaml") {
        for (path, text) in files(block) {
            let Some(line) =
                text.lines().find_map(|line| line.strip_prefix("# yaml-language-server: $schema="))
            else {
                continue;
            };
            let up = "../".repeat(path.matches('/').count());
            let schema = line.strip_prefix(&up).with_context(|| format!("{path}: {line}"))?;
            ensure!(of_schema(schema).is_some() && of_schema(schema) == kind(&path), "{path}: {line}");
            seen += 1;
        }
    }
    assert_eq!(seen, 2);
    Ok(())
}

#[test]
fn each_pattern_for_an_editor_names_the_schema_of_its_files() -> Result<()> {
    let blocks = blocks(&read(PAGE)?);
    let block = blocks.iter().find(|block| block.info == "json").context("settings of an editor")?;
    let (path, text) = files(block).into_iter().next().context("a file")?;
    assert_eq!(path, ".vscode/settings.json");
    let settings: Value = serde_json::from_str(&text)?;
    let mut pairs = Vec::new();
    for (schema, patterns) in settings["yaml.schemas"].as_object().context("a map")? {
        let patterns = patterns.as_array().cloned().unwrap_or_else(|| vec![patterns.clone()]);
        pairs.extend(patterns.into_iter().map(|pattern| (schema.clone(), pattern)));
    }
    for entry in settings["json.schemas"].as_array().context("a list")? {
        let schema = entry["url"].as_str().context("a path")?.to_owned();
        pairs.extend(
            entry["fileMatch"].as_array().into_iter().flatten().map(|one| (schema.clone(), one.clone())),
        );
    }
    let mut seen = Vec::new();
    for (schema, pattern) in &pairs {
        let pattern = pattern.as_str().context("a text")?.trim_start_matches('/');
        let path = pattern.replace("**/*", "a").replace("y*ml", "yaml");
        let named = of_schema(schema).with_context(|| schema.clone())?;
        ensure!(kind(&path) == Some(named), "{pattern}: {schema}");
        seen.push(named.name());
    }
    seen.dedup();
    assert_eq!(seen.len(), Kind::ALL.len(), "{seen:?}");
    Ok(())
}
