//! Documents that are none of our own: what Connect and Strimzi write, and what nobody knows.
//!
//! Takes such documents by file, gives the one connector of a file that somebody names with `from`,
//! and afterwards the files that nobody named.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::model::definition::Reading;
use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::snapshot::Files;
use crate::model::text::Text;
use crate::pipeline::parse::foreign::{self, Foreign};
use crate::pipeline::parse::{from, json, kind, strimzi};
use crate::yaml::helm;
use crate::yaml::tree::{Document, Entry, Kind, Node};

/// What a file holds beside our own documents.
#[derive(Debug, Default)]
pub struct File {
    /// The documents of others.
    pub documents: Vec<Document>,
    /// How many documents are our own.
    pub ours: usize,
    /// Whether it could not be read to its end, of which a finding speaks.
    pub broken: bool,
}

/// Every file with such documents.
#[derive(Debug, Default)]
pub struct Others {
    files: BTreeMap<Arc<str>, File>,
    /// The connectors of the files that somebody named.
    named: BTreeMap<Arc<str>, Vec<Foreign>>,
}

impl Others {
    /// Puts a file aside.
    pub fn put(&mut self, path: &Arc<str>, file: File) {
        self.files.insert(Arc::clone(path), file);
    }

    /// Whether any of the documents is our own.
    pub fn has_ours(&self) -> bool {
        self.files.values().any(|file| file.ours > 0)
    }

    /// The files that nobody named, with their documents.
    pub fn left(self) -> impl Iterator<Item = (Arc<str>, Vec<Document>)> {
        let Self { files, named } = self;
        let left = files.into_iter().filter(move |(path, _)| !named.contains_key(path));
        left.map(|(path, file)| (path, file.documents))
    }

    /// The one connector of a file; without a finding the error means that one speaks of it already.
    pub fn foundation(
        &mut self,
        from: &Text,
        target: &Arc<str>,
        files: &Files,
        findings: &mut Vec<Finding>,
    ) -> Result<&Foreign, Option<Finding>> {
        let not_one = |what: &str| Err(Some(from::not_one(from, target, what)));
        let Some(file) = self.files.get(target) else {
            let known = files.contains_key(target);
            return if known {
                not_one("is no file of a connector")
            } else {
                Err(Some(from::missing(from, target, files)))
            };
        };
        if file.ours > 0 {
            return not_one("is a file of definitions itself");
        }
        let read = self.named.entry(Arc::clone(target)).or_insert_with(|| {
            file.documents
                .iter()
                .filter_map(|document| connectors(target, document, findings))
                .flatten()
                .collect()
        });
        match (&read[..], file.documents.is_empty()) {
            ([foreign], _) => Ok(foreign),
            ([], _) if file.broken => Err(None),
            ([], true) => not_one("holds nothing"),
            ([], false) => not_one("holds no connector"),
            (several, _) => not_one(&format!("holds {} connectors", several.len())),
        }
    }
}

/// The connectors of a document; none where it broke before it said what it is.
///
/// Where actions of a Helm chart stand in it, they are all that is said of their places.
pub fn connectors(path: &str, document: &Document, findings: &mut Vec<Finding>) -> Option<Vec<Foreign>> {
    let mut texts = Vec::new();
    all_texts(&document.root, &mut texts);
    let is_action = |text: &&Text| helm::find(text.as_str()).is_some();
    let (actions, others): (Vec<&Text>, Vec<_>) = texts.into_iter().partition(is_action);
    let before = findings.len();
    let mut read = read(path, document, findings);
    if read.iter().flatten().next().is_some() {
        findings.extend(others.into_iter().filter_map(foreign::unread));
    }
    if !actions.is_empty() {
        let places: HashSet<Place> = actions.iter().map(|text| text.place.clone()).collect();
        let said = findings.split_off(before);
        findings.extend(said.into_iter().filter(|finding| !places.contains(&finding.place)));
        findings.extend(actions.iter().filter_map(|text| foreign::unrendered(text)));
        for foreign in read.iter_mut().flatten() {
            foreign.reading = foreign.reading.min(Reading::Gaps);
        }
    }
    read
}

/// Collects the texts that have braces in them, keys among them.
fn all_texts<'n>(node: &'n Node, texts: &mut Vec<&'n Text>) {
    match &node.kind {
        Kind::Scalar(text) => texts.extend(text.as_str().contains("{{").then_some(text)),
        Kind::Sequence(items) => items.iter().for_each(|item| all_texts(item, texts)),
        Kind::Mapping(entries) => {
            for Entry { key, value } in entries {
                texts.extend(key.as_str().contains("{{").then_some(key));
                all_texts(value, texts);
            }
        }
        Kind::Empty | Kind::Null | Kind::Refused => {}
    }
}

fn read(path: &str, document: &Document, findings: &mut Vec<Finding>) -> Option<Vec<Foreign>> {
    if is_json(path) {
        Some(json::connectors(path, document, findings))
    } else if strimzi::is_manifest(&document.root) {
        Some(strimzi::connectors(document, findings))
    } else if document.whole {
        findings.extend(unknown(&document.root));
        Some(Vec::new())
    } else {
        None
    }
}

/// Whether a file is read as JSON.
pub fn is_json(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension == "json")
}

/// Says that a connector cannot stand for itself.
pub fn nameless(foreign: &Foreign) -> Finding {
    let finding = Finding::new(Rule::MissingKey, foreign.place.clone(), "this connector has no name");
    finding.hint(if is_json(&foreign.place.path) {
        "add `\"name\"` beside its `\"config\"`; only a config that is a file of its own takes the file's name"
    } else {
        "add `name` under its `metadata`"
    })
}

/// Says that a document is nothing that is read here, and what it seems to be.
fn unknown(root: &Node) -> Option<Finding> {
    if matches!(root.kind, Kind::Refused) {
        return None;
    }
    let entries = if let Kind::Mapping(entries) = &root.kind { entries.as_slice() } else { &[] };
    let has = |key| entries.iter().any(|entry| entry.key.as_str() == key);
    let message = "the document is neither a connector, a template, an environment nor a forget";
    let finding = Finding::new(Rule::DocumentUnknown, root.place.clone(), message);
    let posted = has("name") && has("config");
    let near = entries.iter().find_map(|entry| Some((&entry.key, kind::near(&entry.key)?)));
    Some(if (posted || has("connector.class")) && entries.iter().all(|entry| !entry.key.is_bare()) {
        finding.hint("this is Connect's JSON; give the file the ending `.json`")
    } else if posted {
        finding.hint("write `connector: NAME` in place of `name: NAME`")
    } else if has("connector.class") {
        finding.hint("write `connector: NAME`, and put these keys under `config`")
    } else if let Some((key, near)) = near {
        finding.hint(format!("did you mean `{near}: NAME` in place of `{}`?", key.as_str()))
    } else {
        finding
    })
}
