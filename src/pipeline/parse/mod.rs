//! Reads a snapshot's files into definitions.
//!
//! Takes bytes by path, gives templates, connectors and environments, and a finding for whatever
//! cannot be read. Whether the names they use exist is left to `resolve`.

mod connector;
mod environment;
mod template;
mod tree;

use std::sync::Arc;

use crate::model::definition::{About, Definitions};
use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::snapshot::Snapshot;
use crate::model::text::Text;
use crate::yaml::decode;
use crate::yaml::tree::{Document, Kind, Node};

/// Which names may exist although nobody read them, since a document broke before it said its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lost {
    /// A document of `templates/` is lost.
    pub templates: bool,
    /// A document of `environments/` is lost.
    pub environments: bool,
}

/// Reads every file.
pub fn definitions(snapshot: &Snapshot, findings: &mut Vec<Finding>) -> (Definitions, Lost) {
    let mut reading = Reading { definitions: Definitions::default(), lost: Lost::default(), findings };
    for (path, bytes) in &snapshot.files {
        reading.file(path, bytes);
    }
    (reading.definitions, reading.lost)
}

struct Reading<'f> {
    definitions: Definitions,
    lost: Lost,
    findings: &'f mut Vec<Finding>,
}

impl Reading<'_> {
    fn file(&mut self, path: &Arc<str>, bytes: &[u8]) {
        if has_extension(path, "json") {
            self.findings.push(json(path));
            return;
        }
        let (documents, findings) = crate::yaml::documents(path, bytes);
        if documents.is_empty() && !findings.is_empty() {
            self.lose(path);
        }
        self.findings.extend(findings);
        if is_about(path) {
            self.about(&documents);
        } else {
            for document in &documents {
                self.document(path, document);
            }
        }
    }

    fn about(&mut self, documents: &[Document]) {
        if let [document, rest @ ..] = documents {
            self.definitions.about = about(&document.root, self.findings);
            if let Some(second) = rest.first() {
                let place = second.root.place.clone();
                let finding = Finding::new(Rule::Conflict, place, "tagalong.yaml holds one document");
                self.findings.push(finding.hint("put all its keys into the first one"));
            }
        }
    }

    fn lose(&mut self, path: &str) {
        self.lost.templates |= path.starts_with("templates/");
        self.lost.environments |= path.starts_with("environments/");
    }

    fn document(&mut self, path: &str, document: &Document) {
        let root = &document.root;
        let has = |key| matches!(&root.kind, Kind::Mapping(entries) if entries.iter().any(|entry| entry.key.as_str() == key));
        if matches!(root.kind, Kind::Empty) {
            return;
        }
        if has("apiVersion") && has("kind") {
            self.findings.push(strimzi(root));
        } else if has("connector") {
            self.connector(document);
        } else if has("template") {
            self.template(document);
        } else if has("environment") {
            self.environment(document);
        } else if has("forget") {
            let forgotten = forget(root, self.findings);
            self.definitions.forgotten.extend(forgotten);
        } else if document.whole {
            let message = "the document is neither a connector, a template, an environment nor a forget";
            self.findings.push(Finding::new(Rule::DocumentUnknown, root.place.clone(), message));
        } else {
            self.lose(path);
        }
    }

    fn connector(&mut self, document: &Document) {
        let Some(connector) = connector::connector(document, self.findings) else { return };
        if let Some(first) = self.definitions.connectors.get(&connector.name) {
            let what = format!("connector `{}`", connector.name);
            self.findings.push(twice(&what, &connector.place, &first.place));
        } else {
            self.definitions.connectors.insert(connector.name.clone(), connector);
        }
    }

    fn template(&mut self, document: &Document) {
        let Some(template) = template::template(document, self.findings) else { return };
        if let Some(first) = self.definitions.templates.get(&template.name.text) {
            let what = format!("template `{}`", template.name.as_str());
            self.findings.push(twice(&what, &template.name.place, &first.name.place));
        } else {
            self.definitions.templates.insert(Arc::clone(&template.name.text), template);
        }
    }

    fn environment(&mut self, document: &Document) {
        let Some(environment) = environment::environment(document, self.findings) else { return };
        if let Some(first) = self.definitions.environments.get(&environment.name) {
            let what = format!("environment `{}`", environment.name);
            self.findings.push(twice(&what, &environment.place, &first.place));
        } else {
            self.definitions.environments.insert(environment.name.clone(), environment);
        }
    }
}

fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
}

fn is_about(path: &str) -> bool {
    matches!(path, "tagalong.yaml" | "tagalong.yml")
}

fn twice(what: &str, place: &Place, first: &Place) -> Finding {
    let message = format!("{what} is defined again; it is already at {first}");
    Finding::new(Rule::DuplicateName, place.clone(), message)
}

fn json(path: &Arc<str>) -> Finding {
    let place = Place::start_of(path);
    if path.starts_with("connectors/") {
        Finding::new(Rule::Unsupported, place, "this version reads no connectors from JSON")
            .hint("write the connector as YAML: `connector: NAME` and its `config`")
    } else {
        Finding::new(Rule::JsonMisplaced, place, "only connectors can be JSON")
    }
}

fn strimzi(root: &Node) -> Finding {
    Finding::new(Rule::Unsupported, root.place.clone(), "this version reads no Strimzi manifests")
        .hint("write the connector as `connector: NAME` with its `config`")
}

fn forget(root: &Node, findings: &mut Vec<Finding>) -> Option<Text> {
    let fields = decode::fields("a forget document", root, &["forget", "reason"], findings)?;
    if let Some(reason) = fields.get("reason") {
        decode::text("`reason`", reason, findings);
    }
    tree::literal("`forget`", fields.get("forget")?, findings)
}

fn about(root: &Node, findings: &mut Vec<Finding>) -> About {
    const KEYS: &[&str] = &["version", "requires", "imports", "config_providers"];
    let mut about = About::default();
    if matches!(root.kind, Kind::Empty) {
        return about;
    }
    let Some(fields) = decode::fields("tagalong.yaml", root, KEYS, findings) else { return about };
    if let Some(version) = fields.get("version") {
        decode::choice("`version`", version, &[("1", ())], findings);
    }
    for (key, hint) in
        [("requires", "remove it"), ("imports", "remove it, and keep all templates in this repository")]
    {
        if let Some(entry) = fields.entry(key) {
            let message = format!("this version does not read `{key}`");
            findings.push(Finding::new(Rule::Unsupported, entry.key.place.clone(), message).hint(hint));
        }
    }
    if let Some(list) = fields.get("config_providers") {
        about.config_providers = decode::texts("`config_providers`", list, findings);
    }
    about
}
