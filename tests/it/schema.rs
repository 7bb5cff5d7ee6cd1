//! The schemas accept every example there is, and refuse what the reader refuses for its shape.
//!
//! Run with `TAGALONG_BLESS=1` to write `schemas/` anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tagalong::cli::schema::Kind;
use tagalong::model::finding::Finding;
use tagalong::model::rule::{Rule, Severity};
use tagalong::model::snapshot::Files;
use tagalong::pipeline;

use crate::corpus::{folders, sources};
use crate::support::command::Desk;
use crate::support::editor::{documents, is_json, kind, validator, wrong};
use crate::support::page::{blocks, files, read, root};

/// The rules about the shape of a file: what a schema is for.
const SHAPE: &[Rule] = &[
    Rule::UnknownKey,
    Rule::EmptyValue,
    Rule::WrongType,
    Rule::WrongValue,
    Rule::MissingKey,
    Rule::JsonForm,
    Rule::NothingDeclared,
    Rule::DocumentUnknown,
    Rule::NameInvalid,
    Rule::ListItem,
    Rule::MapValue,
    Rule::ExpressionMisplaced,
];

/// Whether a finding speaks of the shape of a file.
pub fn is_of_shape(finding: &Finding) -> bool {
    let apart = finding.rule == Rule::Conflict
        && finding.message.ends_with("exclude each other")
        && !finding.message.contains("state: absent");
    finding.severity == Severity::Error && (apart || SHAPE.contains(&finding.rule))
}

/// Files of the cases where the schema and the reader do not agree, and why that is so.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("agent-version/wrong/connectors/orders.yaml", "the reader says only that the agent is too old for it"),
    ("document-unknown/wrong/connectors/kubernetes.yaml", MANIFEST),
    ("document-unknown/wrong/connectors/version.yaml", MANIFEST),
    ("missing-key/wrong/connectors/strimzi.yaml", MANIFEST),
    ("nothing-declared/wrong/connectors/items.json", MANIFEST),
    ("nothing-declared/wrong/connectors/items.yaml", MANIFEST),
    ("unknown-key/wrong/connectors/strimzi.yaml", MANIFEST),
    ("wrong-type/wrong/connectors/pause.yaml", MANIFEST),
    ("wrong-value/wrong/connectors/strimzi.yaml", MANIFEST),
    ("wrong-value/wrong/connectors/tasks.yaml", MANIFEST),
    ("helm-template/wrong/connectors/keys.json", "the reader says that a chart was not rendered"),
    ("missing-key/wrong/connectors/names.json", "a file that a connector names with `from` needs no name"),
    ("name-invalid/wrong/connectors/{{ name }}.json", "a schema does not see the file's own name"),
];
const MANIFEST: &str = "manifests are Kubernetes', and editors have schemas for them";

#[test]
fn the_schemas_of_the_repository_are_those_of_the_code() -> Result<()> {
    for kind in Kind::ALL {
        let path = root().join("schemas").join(format!("{}.json", kind.name()));
        if tagalong_testkit::environment::variable("TAGALONG_BLESS").is_some() {
            std::fs::create_dir_all(root().join("schemas"))?;
            std::fs::write(&path, kind.schema())?;
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        ensure!(
            found == kind.schema(),
            "schemas/{}.json is not what the code says; write it anew with \
             TAGALONG_BLESS=1 cargo test --test it schema::",
            kind.name()
        );
    }
    Ok(())
}

/// Lines of a reader that name known keys without a table, which no schema would know of.
fn without_a_table(source: &str) -> Vec<&str> {
    let lists = ["KEYS: &[&str]", "KNOWN: &[&str]", "Known::Names("];
    let in_place = |line: &str| line.contains("fields(") && line.contains(", &[\"");
    source.lines().filter(|line| lists.iter().any(|list| line.contains(list)) || in_place(line)).collect()
}

#[test]
fn every_reader_of_our_own_files_takes_its_keys_from_a_table() -> Result<()> {
    let mut found = Vec::new();
    for folder in ["src/pipeline/parse", "src/settings"] {
        for entry in std::fs::read_dir(root().join(folder))? {
            let path = entry?.path();
            // Manifests are somebody else's.
            if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("strimzi.rs") {
                let source = std::fs::read_to_string(&path)?;
                found.extend(
                    without_a_table(&source).iter().map(|line| format!("{}: {line}", path.display())),
                );
            }
        }
    }
    ensure!(found.is_empty(), "write a `Shape` in its place (src/model/shape.rs):\n{}", found.join("\n"));
    let planted =
        "const IMPORT_KEYS: &[&str] = &[];\ndecode::fields(\"x\", node, &[\"a\"], findings)\nlet x = &[1];";
    assert_eq!(without_a_table(planted).len(), 2);
    Ok(())
}

#[test]
fn every_schema_is_a_schema_of_its_draft() -> Result<()> {
    for kind in Kind::ALL {
        let schema: Value = serde_json::from_str(&kind.schema())?;
        ensure!(jsonschema::meta::is_valid(&schema), "{}", kind.name());
        validator(kind)?;
    }
    Ok(())
}

#[test]
fn every_example_is_accepted() -> Result<()> {
    let mut examples: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut folder = |name: &str, folder: &Path| -> Result<()> {
        for (path, bytes) in sources(folder)?.main.files.clone() {
            examples.insert(format!("{name}:{path}"), bytes.to_vec());
        }
        Ok(())
    };
    folder("demo", &root().join("examples/demo/definitions"))?;
    for case in folders("render")? {
        folder(&case.display().to_string(), &case)?;
    }
    for page in ["docs/guide", "docs/operations"] {
        for entry in std::fs::read_dir(root().join(page))? {
            let name = format!("{page}/{}", entry?.file_name().to_string_lossy());
            for block in blocks(&read(&name)?).iter().filter(|block| block.info == "yaml") {
                for (path, text) in files(block) {
                    examples.insert(format!("{name}:{}:{path}", block.line), text.into_bytes());
                }
            }
        }
    }
    for block in blocks(&read("README.md")?).iter().filter(|block| block.info == "yaml") {
        let named = files(block).into_iter();
        examples.extend(named.map(|(path, text)| (format!("README.md:{path}"), text.into_bytes())));
    }
    let settings = "config/settings.example.yaml";
    examples.insert(format!(":{settings}"), read(settings)?.into_bytes());

    let mut said = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, bytes) in &examples {
        let path = name.rsplit(':').next().context("a name ends with the path")?;
        // The one file of the guide that shows a mistake.
        let Some(kind) = kind(path).filter(|_| path != "connectors/wrong.yaml") else { continue };
        seen.insert(kind.name());
        let documents = documents(path, bytes).with_context(|| format!("{name} can be read"))?;
        let validator = validator(kind)?;
        said.extend(
            documents.iter().flat_map(|value| wrong(&validator, value)).map(|text| format!("{name}: {text}")),
        );
    }
    assert_eq!(said, Vec::<String>::new());
    assert_eq!(seen.len(), Kind::ALL.len(), "each kind has an example: {seen:?}");
    Ok(())
}

/// Which files of a repository the reader refuses for their shape, with the findings that say so.
pub fn refused(repository: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let definitions = pipeline::definitions(&sources(repository)?);
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in definitions.findings.iter() {
        if is_of_shape(finding) {
            let said = format!("{} {}: {}", finding.place, finding.rule.name(), finding.message);
            refused.entry(finding.place.path.to_string()).or_default().push(said);
        }
    }
    Ok(refused)
}

#[test]
fn what_the_reader_refuses_for_its_shape_is_refused_and_nothing_else() -> Result<()> {
    let validators: BTreeMap<&str, _> =
        Kind::ALL.iter().map(|kind| Ok((kind.name(), validator(*kind)?))).collect::<Result<_>>()?;
    let (mut disagreed, mut both) = (BTreeMap::new(), 0);
    for case in folders("findings")? {
        for which in ["wrong", "near"] {
            let repository = case.join(which);
            let refused = refused(&repository)?;
            let files: Files = sources(&repository)?.main.files.clone();
            for (path, bytes) in &files {
                let (Some(kind), Some(documents)) = (kind(path), documents(path, bytes)) else { continue };
                let validator = &validators[kind.name()];
                let said: Vec<_> = documents.iter().flat_map(|value| wrong(validator, value)).collect();
                let found = refused.get(&**path);
                both += usize::from(found.is_some() && !said.is_empty());
                if found.is_some() == said.is_empty() {
                    let rule = case.file_name().context("a case has a name")?.to_string_lossy();
                    let name = format!("{rule}/{which}/{path}");
                    disagreed.insert(name, format!("reader {found:?}, schema {said:?}"));
                }
            }
        }
    }
    for (name, _) in EXCEPTIONS {
        ensure!(disagreed.remove(*name).is_some(), "{name} is no exception any more");
    }
    assert_eq!(disagreed, BTreeMap::new());
    ensure!(both > 20, "only {both} files are refused by both");
    Ok(())
}

#[tokio::test]
async fn the_command_prints_one_schema_and_writes_all() -> Result<()> {
    let desk = Desk::new(&[])?;
    let said = desk.run("schema").await?;
    assert_eq!((said.code, said.out), (Some(0), Kind::Definitions.schema()));
    let said = desk.run("schema settings").await?;
    assert_eq!((said.code, said.out), (Some(0), Kind::Settings.schema()));
    let said = desk.run("schema --write made/here").await?;
    let names: Vec<_> = said.out.lines().collect();
    let expected: Vec<_> = Kind::ALL.iter().map(|kind| format!("made/here/{}.json", kind.name())).collect();
    assert_eq!((said.code, names), (Some(0), expected.iter().map(String::as_str).collect()));
    for (kind, path) in Kind::ALL.iter().zip(&expected) {
        ensure!(is_json(path) && std::fs::read_to_string(desk.path(path))? == kind.schema(), "{path}");
    }
    let said = desk.run("schema setting").await?;
    ensure!(said.code == Some(64) && said.err.contains("settings"), "{said}");
    Ok(())
}
