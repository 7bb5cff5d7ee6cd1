//! Definitions repositories, each with what is to come out of it beside it.
//!
//! A repository may hold those that it imports, each in `imports/<name>`.
//! `cases/render/<case>` holds a repository and, per environment, a snapshot of what it renders to.
//! `cases/findings/<rule>` holds two repositories: `wrong` breaks the rule, `near` almost does; the
//! snapshots hold every finding with its place. A file `supply` beside them has what the place
//! supplies, `a.b=c` in each line. What lies under `extra/` in a case are folders of `extra` beside its
//! repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tagalong::model::config::{Shown, Value};
use tagalong::model::definition::Definitions;
use tagalong::model::desired::{Desired, DesiredConnector, Suspend};
use tagalong::model::finding::{Finding, Findings};
use tagalong::model::folder::Names;
use tagalong::model::name::EnvironmentName;
use tagalong::model::revision::{At, RepositoryName, RepositoryRevision};
use tagalong::model::risk::Acknowledged;
use tagalong::model::rule::Rule;
use tagalong::model::select::Select;
use tagalong::model::snapshot::{Files, Snapshot, Sources};
use tagalong::model::supplied::Secrets;
use tagalong::model::values::Values;
use tagalong::pipeline;
use tagalong::pipeline::extra::{self, Folder, Ground, Outcome, Target};
use tagalong::pipeline::supply::Supply;

/// Rules that other rooms hold to: the one that reads trees, the settings, and what a Connect is asked for
/// (`plugins.rs`). Their own tests break them.
const OF_OTHER_ROOMS: &[Rule] = &[
    Rule::Unencrypted,
    Rule::RepositoryEmpty,
    Rule::ConnectorsMissing,
    Rule::FileTooLarge,
    Rule::TooManyFiles,
    Rule::RepositoryTooLarge,
    Rule::TooDeep,
    Rule::Link,
    Rule::Submodule,
    Rule::LfsPointer,
    Rule::NotAFile,
    Rule::FileName,
    Rule::FileEnding,
    Rule::BesideFolders,
    Rule::NoEffect,
    Rule::UnknownVariable,
    Rule::PluginUnknown,
    Rule::PluginRefused,
    Rule::PluginAway,
    Rule::PluginKey,
];

#[test]
fn every_case_renders_to_what_stands_beside_it() -> Result<()> {
    for case in folders("render")? {
        let sources = sources(&case)?;
        let definitions = pipeline::definitions(&sources);
        for environment in pipeline::environments(&definitions) {
            let supply = Supply { values: &Values::default(), examples: true, secrets: None };
            let (desired, findings, _) = joined(&case, &sources, &definitions, environment, supply)?;
            let mut text = String::new();
            for finding in findings.iter() {
                writeln!(text, "{}", told(finding))?;
            }
            match desired {
                Some(desired) => text.push_str(&rendered(&desired)),
                None => text.push_str("not rendered\n"),
            }
            stands_beside(&case, environment.as_str(), &text);
        }
    }
    Ok(())
}

#[test]
fn every_rule_is_broken_by_one_case_and_held_by_its_near_miss() -> Result<()> {
    for &rule in Rule::ALL.iter().filter(|rule| !OF_OTHER_ROOMS.contains(rule)) {
        let case = cases().join("findings").join(rule.name());
        let breaks = |which: &str| -> Result<bool> {
            let findings = findings(&case.join(which))?;
            let text: String = findings.iter().map(|finding| told(finding) + "\n").collect();
            stands_beside(&case, which, &text);
            Ok(findings.iter().any(|finding| finding.rule == rule))
        };
        assert!(breaks("wrong")?, "{} is broken by no case", rule.name());
        assert!(!breaks("near")?, "{} is broken by its near miss", rule.name());
    }
    Ok(())
}

#[test]
fn every_folder_of_findings_is_a_rule() -> Result<()> {
    let names: Vec<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    for case in folders("findings")? {
        let name = case.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        assert!(names.contains(&name), "{name} is no rule");
    }
    Ok(())
}

/// Each folder of `cases/pull-request` holds many mistakes, several in one document, and in `planted` where
/// each stands and what it is to be called, by hand.
#[test]
fn one_run_finds_every_mistake_of_a_pull_request_once_and_nothing_else() -> Result<()> {
    let mut rules = BTreeSet::new();
    for case in folders("pull-request")? {
        rules.extend(of_pull_request(&case)?);
    }
    assert!(rules.len() >= 50, "{} sorts of mistakes: {rules:?}", rules.len());
    Ok(())
}

/// Compares what is found with what is planted; gives the rules.
fn of_pull_request(case: &Path) -> Result<BTreeSet<String>> {
    let planted = std::fs::read_to_string(case.join("planted"))?;
    let planted: Vec<_> = planted.lines().map(ToOwned::to_owned).collect();
    let mut found: Vec<_> = findings(case)?
        .iter()
        // What holds in both environments is told for each of them, in the same words.
        .map(|finding| (&finding.place, finding.rule, &finding.message))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|(place, rule, _)| format!("{place} {}", rule.name()))
        .collect();
    found.sort();
    let mut expected = planted.clone();
    expected.sort();
    assert_eq!(found, expected, "{}", case.display());
    assert!(planted.len() >= 25, "{}", planted.len());
    let files: BTreeSet<_> = planted.iter().filter_map(|line| line.split(':').next()).collect();
    assert!(files.len() >= 8, "{files:?}");
    Ok(planted.iter().filter_map(|line| line.split_once(' ')).map(|(_, rule)| rule.to_owned()).collect())
}

#[test]
fn every_finding_says_what_to_do() -> Result<()> {
    for case in folders("findings")? {
        for finding in findings(&case.join("wrong"))?.iter() {
            assert!(finding.hint.is_some(), "{}", told(finding));
        }
    }
    Ok(())
}

/// Every finding of a repository, in all environments.
fn findings(folder: &Path) -> Result<Findings> {
    let sources = sources(folder)?;
    let definitions = pipeline::definitions(&sources);
    let mut all = definitions.findings.clone();
    let (values, secrets) = (supplied(folder)?, Secrets::default());
    let supply = Supply { values: &values, examples: false, secrets: Some(&secrets) };
    let (revision, select) = (sources.revision(), Select::default());
    let mut came = Vec::new();
    for (environment, (_, findings)) in pipeline::everywhere(&definitions, &revision, &supply, &select) {
        all.extend(findings);
        let (desired, findings, outcomes) = joined(folder, &sources, &definitions, &environment, supply)?;
        let whole = desired.is_some_and(|desired| desired.incomplete.is_empty());
        assert_eq!(!whole, findings.has_errors(), "{}: all or nothing", folder.display());
        all.extend(findings);
        came.push(outcomes);
    }
    all.extend(extra::idle(&came));
    all.settle();
    Ok(all)
}

/// What the place supplies to a repository.
fn supplied(folder: &Path) -> Result<Values> {
    let mut values = Values::default();
    let file = folder.join("supply");
    if file.exists() {
        for line in std::fs::read_to_string(file)?.lines() {
            let (path, text) = line.split_once('=').context("a line is a.b=c")?;
            values.set(path, text);
        }
    }
    Ok(values)
}

/// A case's repository in one environment, with its folders of `extra`.
fn joined(
    case: &Path,
    sources: &Sources,
    definitions: &Definitions,
    environment: &EnvironmentName,
    supply: Supply<'_>,
) -> Result<(Option<Desired>, Findings, Vec<Outcome>)> {
    let select = Select::default();
    let (desired, findings) =
        pipeline::desired(definitions, &sources.revision(), environment, &supply, &select);
    let ground = Ground { definitions: definitions.clone(), desired, findings };
    let snapshots = extra_folders(case)?;
    let names = snapshots.iter().map(|read| given(case, &read.revision.repository));
    let names: Vec<_> = names.collect::<Result<_>>()?;
    let folders: Vec<_> = snapshots
        .iter()
        .zip(&names)
        .map(|(read, names)| Folder {
            repository: &read.revision.repository,
            names,
            look: Ok(read),
            last: None,
        })
        .collect();
    let target = Target { environment, supply, select: &select };
    let extra::Joined { desired, mut findings, outcomes } = extra::join(&ground, &folders, &target);
    findings.extend(outcomes.iter().flat_map(|outcome| outcome.findings.iter().cloned()));
    findings.settle();
    Ok((desired, findings, outcomes))
}

/// The names that a folder of `extra` is given: each line of a file beside it, as in `shop.names`.
fn given(case: &Path, folder: &RepositoryName) -> Result<Names> {
    let file = case.join(format!("{}.names", folder.folder().context("it is a folder of `extra`")?));
    let text = if file.exists() { std::fs::read_to_string(file)? } else { String::new() };
    Ok(Names(text.lines().map(ToOwned::to_owned).collect()))
}

fn extra_folders(case: &Path) -> Result<Vec<Snapshot>> {
    let mut all = Files::new();
    if case.join("extra").is_dir() {
        read(case, &case.join("extra"), &mut all)?;
    }
    let mut folders: BTreeMap<String, Files> = BTreeMap::new();
    for (path, bytes) in all {
        let (folder, _) = path.rsplit_once('/').context("it lies in a folder")?;
        folders.entry(folder.to_owned()).or_default().insert(path, bytes);
    }
    let snapshot = |(path, files): (String, Files)| {
        let at = At::Directory { path: path.as_str().into(), digest: 0 };
        let revision = RepositoryRevision { repository: RepositoryName::extra(&path), at };
        Snapshot { revision, files, ignored: Vec::new(), findings: Vec::new() }
    };
    Ok(folders.into_iter().map(snapshot).collect())
}

fn told(finding: &Finding) -> String {
    let Finding { place, severity, rule, message, hint, connector, environment } = finding;
    let message = message.replace(concat!("tagalong ", env!("CARGO_PKG_VERSION")), "tagalong VERSION");
    let mut text = format!("{place} {} {}: {message}", severity.name(), rule.name());
    if let Some(connector) = connector {
        text.push_str(&format!(" [{connector}]"));
    }
    if let Some(environment) = environment {
        text.push_str(&format!(" in {environment}"));
    }
    if let Some(hint) = hint {
        text.push_str(&format!("\n    {hint}"));
    }
    text
}

fn rendered(desired: &Desired) -> String {
    let Desired {
        revision: _,
        environment,
        connectors,
        suspend,
        unresolved,
        forgotten,
        left_out: _,
        incomplete,
    } = desired;
    let mut text = format!("environment {environment}{}\n", suspended(suspend.as_ref()));
    for one in incomplete {
        text.push_str(&format!("{one}\n"));
    }
    for name in forgotten {
        text.push_str(&format!("{name} moved elsewhere\n"));
    }
    for (name, connector) in connectors {
        let DesiredConnector {
            config,
            state,
            keep,
            acknowledged,
            template,
            form: _,
            place,
            origins,
            suspend,
            lost: _,
        } = connector;
        let keep = if *keep { ", kept" } else { "" };
        let template = template.as_ref().map_or(String::new(), |t| format!(" from template {t}"));
        let suspend = suspended(suspend.as_ref());
        text.push_str(&format!("\n{name}: {}{keep}{template}, at {place}{suspend}\n", state.name()));
        if let Some(secrets) = unresolved.get(name) {
            let secrets: Vec<_> = secrets.iter().map(ToString::to_string).collect();
            text.push_str(&format!("  needs {}\n", secrets.join(", ")));
        }
        for Acknowledged { key, to, reason, place } in acknowledged {
            let to = shown(to.as_ref().map(Value::shown).as_ref());
            text.push_str(&format!("  acknowledged: {key} to {to}, at {place}: {reason}\n"));
        }
        for (key, layers) in origins {
            let value = config.get(key).map_or("removed".to_owned(), |value| shown(Some(&value.shown())));
            text.push_str(&format!("  {key}: {value}\n"));
            for origin in layers {
                let value = shown(origin.value.as_ref());
                text.push_str(&format!("    {value} <- {} ({})\n", origin.layer, origin.place));
            }
        }
        assert!(config.keys().all(|key| origins.contains_key(key)), "{name} has a key of unknown origin");
    }
    text
}

fn suspended(suspend: Option<&Suspend>) -> String {
    suspend.map_or(String::new(), |Suspend { reason, until }| {
        let until = until.map_or(String::new(), |until| format!(" until {until}"));
        format!(", suspended{until}: {reason}")
    })
}

fn shown(value: Option<&Shown>) -> String {
    match value {
        Some(Shown::Text(text)) => format!("{text:?}"),
        Some(Shown::Hidden) => "(hidden)".to_owned(),
        None => "nothing".to_owned(),
    }
}

fn stands_beside(case: &Path, name: &str, text: &str) {
    insta::with_settings!({ snapshot_path => case, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases")
}

pub fn folders(kind: &str) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(cases().join(kind))? {
        folders.push(entry?.path());
    }
    folders.sort();
    Ok(folders)
}

/// A repository, with those that it imports in `imports/<name>` beside its own folders.
pub fn sources(root: &Path) -> Result<Sources> {
    let mut sources = Sources::alone(snapshot(root, RepositoryName::main())?);
    let imports = root.join("imports");
    for entry in imports.is_dir().then(|| std::fs::read_dir(&imports)).transpose()?.into_iter().flatten() {
        let entry = entry?;
        let name =
            RepositoryName::import(&entry.file_name().to_string_lossy()).context("an import's name")?;
        sources.imports.insert(name.clone(), snapshot(&entry.path(), name)?.into());
    }
    Ok(sources)
}

fn snapshot(root: &Path, repository: RepositoryName) -> Result<Snapshot> {
    let mut all = Files::new();
    read(root, root, &mut all).with_context(|| root.display().to_string())?;
    let is_definition = |path: &str| {
        ["tagalong.yaml", "templates/", "connectors/", "environments/"]
            .iter()
            .any(|begin| path.starts_with(begin))
    };
    let mut files = all.clone();
    files.retain(|path, _| is_definition(path));
    let named = pipeline::named(&files);
    files.extend(all.into_iter().filter(|(path, _)| named.contains(path)));
    let at = At::Directory { path: "case".into(), digest: 0 };
    let revision = RepositoryRevision { repository, at };
    Ok(Snapshot { revision, files, ignored: Vec::new(), findings: Vec::new() })
}

fn read(root: &Path, folder: &Path, files: &mut Files) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_definition = path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
        if path.is_dir() {
            read(root, &path, files)?;
        } else if is_definition {
            let name = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            files.insert(name.into(), std::fs::read(&path)?.into());
        }
    }
    Ok(())
}
