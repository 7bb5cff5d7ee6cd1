//! Reads the templates of an import.
//!
//! Takes its snapshot, gives its templates under names that begin with the import's; places begin with
//! it too, as in `platform:templates/debezium-postgres.yaml:3:1`. Of an import only `templates/`
//! counts, and what its `tagalong.yaml` says to the agent.

use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::model::definition::{Definitions, Template};
use crate::model::finding::{Finding, Place};
use crate::model::import::{Import, Unread};
use crate::model::name::EnvironmentName;
use crate::model::rule::Rule;
use crate::model::snapshot::{Snapshot, Sources};
use crate::model::text::Text;
use crate::pipeline::parse::{about, others, template};
use crate::yaml;
use crate::yaml::tree::{Document, Kind};

const TEMPLATES: &str = "templates/";
const ABOUT: &str = "tagalong.yaml";

/// Reads the templates of every import; says of which imports not all are known.
pub fn templates(
    sources: &Sources,
    definitions: &mut Definitions,
    environments_lost: bool,
    findings: &mut Vec<Finding>,
) -> Vec<Arc<str>> {
    let mut lost = Vec::new();
    let imports = definitions.about.imports.clone();
    for (name, import) in &imports {
        let snapshot = sources.imports.get(name);
        let whole = match (import, snapshot) {
            (None, _) => false,
            (Some(import), None) => {
                findings.push(unread(import, sources.unread.get(name)));
                false
            }
            (Some(import), Some(snapshot)) => {
                let mut reading = Reading { import, definitions, environments_lost, whole: true, findings };
                reading.snapshot(snapshot);
                reading.whole
            }
        };
        if !whole {
            lost.push(name.as_str().into());
        }
    }
    lost
}

fn unread(import: &Import, unread: Option<&Unread>) -> Finding {
    let Import { name, place, .. } = import;
    let told = |message: String| Finding::new(Rule::ImportUnread, place.clone(), message);
    match unread {
        None => told(format!(
            "import `{name}` is not read here, so nothing is said of connectors of its templates"
        ))
        .hint(format!("add `--import {name}=DIR` with a folder that holds it, or `--fetch-imports`")),
        Some(Unread { why, hint }) => {
            let hint =
                hint.as_deref().unwrap_or("correct its `git` and `ref`, or try again when it can be reached");
            told(format!("import `{name}` cannot be read: {why}")).hint(hint)
        }
    }
}

struct Reading<'r> {
    import: &'r Import,
    definitions: &'r mut Definitions,
    environments_lost: bool,
    whole: bool,
    findings: &'r mut Vec<Finding>,
}

impl Reading<'_> {
    fn snapshot(&mut self, snapshot: &Snapshot) {
        self.tree(&snapshot.findings);
        for (path, bytes) in &snapshot.files {
            if &**path == ABOUT {
                let (documents, findings) = yaml::documents(&self.shown(path), bytes);
                self.findings.extend(findings);
                if let Some(document) = documents.first() {
                    about::of_import(document, self.findings);
                }
            } else if path.starts_with(TEMPLATES) {
                self.file(path, bytes);
            }
        }
        let is_template = |path: &str| path.starts_with(TEMPLATES);
        if self.whole && !snapshot.files.keys().any(|path| is_template(path)) {
            let message = format!("import `{}` has no `templates/`, or nothing in it", self.import.name);
            let finding = Finding::new(Rule::RepositoryEmpty, self.import.place.clone(), message);
            self.findings
                .push(finding.hint("point the import's `path` at the folder that holds `templates/`"));
            self.whole = false;
        }
    }

    /// A path as it is told: whose it is, and what it is called there.
    fn shown(&self, path: &str) -> String {
        format!("{}:{path}", self.import.name)
    }

    /// Takes what is wrong with the tree, as far as it concerns what is read of it.
    fn tree(&mut self, findings: &[Finding]) {
        let concerns = |path: &str| path == ABOUT || path == "templates" || path.starts_with(TEMPLATES);
        for finding in findings {
            let for_all = match finding.rule {
                Rule::TooManyFiles | Rule::RepositoryTooLarge => true,
                // That there is nothing is told once, at the import's own line.
                Rule::RepositoryEmpty | Rule::ConnectorsMissing => continue,
                _ => false,
            };
            if for_all || concerns(&finding.place.path) {
                let place = Place { path: self.shown(&finding.place.path).into(), ..finding.place.clone() };
                self.findings.push(Finding { place, ..finding.clone() });
                self.whole = false;
            }
        }
    }

    fn file(&mut self, path: &str, bytes: &[u8]) {
        let shown = self.shown(path);
        if others::is_json(path) {
            let place = Place::start_of(&shown);
            self.findings.push(Finding::new(Rule::JsonMisplaced, place, "only connectors can be JSON"));
            return;
        }
        let (documents, findings) = yaml::documents(&shown, bytes);
        let broken = documents.is_empty() && !findings.is_empty();
        self.whole &= !broken && documents.iter().all(|document| document.whole);
        self.findings.extend(findings);
        for document in &documents {
            self.document(document);
        }
    }

    fn document(&mut self, document: &Document) {
        let has = |key: &str| match &document.root.kind {
            Kind::Mapping(entries) => entries.iter().any(|entry| entry.key.as_str() == key),
            Kind::Empty | Kind::Null | Kind::Scalar(_) | Kind::Sequence(_) | Kind::Refused => false,
        };
        if matches!(document.root.kind, Kind::Empty) {
            return;
        }
        if has("connector") || !has("template") {
            let message = "only templates of an import are read, and this is none";
            let finding = Finding::new(Rule::ImportIgnored, document.root.place.clone(), message);
            self.findings.push(finding.hint("move it out of the import's `templates/`"));
            return;
        }
        match template::template(document, self.findings) {
            Some(template) => self.define(template),
            None => self.whole = false,
        }
    }

    fn define(&mut self, template: Template) {
        let Template { name, description, base, with, parameters, config, mut environments, allow, whole } =
            template;
        if !self.environments_lost {
            // It is written for all who import it, and they have environments of their own.
            let known = |text: &Text| {
                EnvironmentName::new(text.as_str())
                    .is_ok_and(|name| self.definitions.environments.contains_key(&name))
            };
            environments.retain(|block| known(&block.environment));
        }
        let (name, base) = (self.qualified(name), base.map(|base| self.qualified(base)));
        match self.definitions.templates.entry(Arc::clone(&name.text)) {
            Entry::Occupied(first) => {
                let message = format!(
                    "template `{}` is defined again; it is already at {}",
                    name.as_str(),
                    first.get().name.place
                );
                self.findings.push(Finding::new(Rule::DuplicateName, name.place, message));
            }
            Entry::Vacant(free) => {
                free.insert(Template {
                    name,
                    description,
                    base,
                    with,
                    parameters,
                    config,
                    environments,
                    allow,
                    whole,
                });
            }
        }
    }

    fn qualified(&self, text: Text) -> Text {
        Text::plain(&format!("{}/{}", self.import.name, text.as_str()), text.place)
    }
}
