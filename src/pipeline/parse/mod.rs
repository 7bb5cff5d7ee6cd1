//! Reads a snapshot's files into definitions.
//!
//! Takes bytes by path, gives templates, connectors and environments, and a finding for whatever
//! cannot be read. Whether the names they use exist is left to `resolve`.

mod about;
mod connector;
mod elsewhere;
mod environment;
mod foreign;
mod from;
mod imports;
mod json;
mod kind;
mod kubernetes;
mod lints;
mod others;
mod strimzi;
mod template;
mod tree;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::definition::{About, Connector, Definitions, Foundation, Reading, Suspension};
use crate::model::desired::Form;
use crate::model::finding::{Finding, Place};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::rule::{Rule, Severity};
use crate::model::shape::{Field, Shape, Takes};
use crate::model::snapshot::{Files, Snapshot, Sources};
use crate::model::text::Text;
use crate::pipeline::parse::connector::Written;
use crate::pipeline::parse::foreign::Foreign;
use crate::pipeline::parse::others::Others;
use crate::yaml::tree::{Document, Kind, Node};
use crate::yaml::{decode, helm};

/// The kinds of our own documents, each with what it may say. A document with `connector` is one; else
/// the first of the other keys that stands in it says what it is.
pub const KINDS: [(&str, &Shape); 4] = [
    (kind::WORDS[0], &connector::CONNECTOR),
    (kind::WORDS[1], &template::TEMPLATE),
    (kind::WORDS[2], &environment::ENVIRONMENT),
    (kind::WORDS[3], &FORGET),
];

/// What `tagalong.yaml` may say.
pub const ABOUT: &Shape = &about::ABOUT;

/// What Connect's JSON of one connector may say.
pub const POSTED: &Shape = &json::POSTED;

/// Which names may exist although nobody read them, since a document broke before it said its own.
#[derive(Debug, Clone, Default)]
pub struct Lost {
    /// A document of `templates/` is lost.
    pub templates: bool,
    /// A document of `environments/` is lost.
    pub environments: bool,
    /// Templates of these imports are lost.
    pub imports: Vec<Arc<str>>,
}

/// The files that these name with `from` and that are not among them.
pub fn named(files: &Files) -> BTreeSet<Arc<str>> {
    from::named(files)
}

/// What a repository says of itself.
pub fn about(main: &Snapshot) -> About {
    let Some((path, bytes)) = main.files.iter().find(|(path, _)| is_about(path)) else {
        return About { imports_lost: is_misnamed(main), ..About::default() };
    };
    let (documents, broken) = crate::yaml::documents(path, bytes);
    let read = |document| about::about(document, &mut Vec::new());
    let about = documents.first().map(read).unwrap_or_default();
    About { imports_lost: about.imports_lost || (documents.is_empty() && !broken.is_empty()), ..about }
}

/// Reads every file.
pub fn definitions(sources: &Sources, findings: &mut Vec<Finding>) -> (Definitions, Lost) {
    let (mut definitions, mut lost) = read(&sources.main, Layout::Tree, findings);
    definitions.about.imports_lost |= is_misnamed(&sources.main);
    lost.imports = elsewhere::templates(sources, &mut definitions, lost.environments, findings);
    (definitions, lost)
}

/// Whether what a repository says of itself stands under a name that is not read.
fn is_misnamed(main: &Snapshot) -> bool {
    let mut findings = main.findings.iter();
    findings.any(|finding| finding.rule == Rule::BesideFolders && finding.severity == Severity::Error)
}

/// Reads every file of a folder of `extra`.
pub fn folder(snapshot: &Snapshot, findings: &mut Vec<Finding>) -> (Definitions, Lost) {
    read(snapshot, Layout::Flat, findings)
}

/// What one file of a repository declares, whatever the others say; and whether any of it is in our own words. What it
/// names with `from` is not looked up.
pub fn alone(path: &Arc<str>, bytes: &Arc<[u8]>) -> (Definitions, bool) {
    let files = Files::from([(Arc::clone(path), Arc::clone(bytes))]);
    let mut findings = Vec::new();
    let mut reading = Reader::new(Layout::Tree, &mut findings);
    reading.file(path, bytes);
    let is_ours = reading.others.has_ours();
    reading.foundations(&files);
    reading.foreign();
    (reading.definitions, is_ours)
}

fn read(snapshot: &Snapshot, layout: Layout, findings: &mut Vec<Finding>) -> (Definitions, Lost) {
    let mut reading = Reader::new(layout, findings);
    for (path, bytes) in &snapshot.files {
        reading.file(path, bytes);
    }
    // What a connector names with `from` is no definition of its own, so all that is native comes first.
    reading.foundations(&snapshot.files);
    reading.foreign();
    reading.forgotten();
    (reading.definitions, reading.lost)
}

/// Where which definitions may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// A repository: in the three folders.
    Tree,
    /// A folder of `extra`: connectors and templates, beside each other.
    Flat,
}

impl Layout {
    fn holds(self, path: &str) -> bool {
        self == Self::Flat || FOLDERS.iter().any(|folder| path.starts_with(folder))
    }

    fn holds_connectors(self, path: &str) -> bool {
        self == Self::Flat || path.starts_with(CONNECTORS)
    }

    fn holds_templates(self, path: &str) -> bool {
        self == Self::Flat || path.starts_with("templates/")
    }
}

struct Reader<'f> {
    layout: Layout,
    definitions: Definitions,
    lost: Lost,
    others: Others,
    /// Connectors whose `from` is still to be looked up.
    waiting: Vec<(Connector, Text, Arc<str>)>,
    findings: &'f mut Vec<Finding>,
}

impl<'f> Reader<'f> {
    fn new(layout: Layout, findings: &'f mut Vec<Finding>) -> Self {
        Self {
            layout,
            definitions: Definitions::default(),
            lost: Lost::default(),
            others: Others::default(),
            waiting: Vec::new(),
            findings,
        }
    }

    fn file(&mut self, path: &Arc<str>, bytes: &[u8]) {
        let is_json = others::is_json(path);
        if is_json && self.layout.holds(path) && !self.layout.holds_connectors(path) {
            let finding =
                Finding::new(Rule::JsonMisplaced, Place::start_of(path), "only connectors can be JSON");
            self.findings.push(finding);
            return;
        }
        let (documents, mut findings) = if is_json {
            let (document, findings) = crate::yaml::json(path, bytes);
            (document.into_iter().collect(), findings)
        } else {
            crate::yaml::documents(path, bytes)
        };
        strimzi::advise(&mut findings, &documents);
        if documents.is_empty() && !findings.is_empty() {
            self.lose(path);
        }
        let broken = documents.iter().any(|document| !document.whole)
            || (documents.is_empty() && !findings.is_empty());
        self.findings.extend(findings);
        if self.layout == Layout::Tree && is_about(path) {
            self.about(&documents);
            self.definitions.about.imports_lost |= broken;
            return;
        }
        if self.layout == Layout::Flat && path.rsplit('/').next().is_some_and(is_about) {
            self.refuse("`tagalong.yaml`", Place::start_of(path));
            return;
        }
        if !broken && self.layout.holds_connectors(path) {
            self.findings.extend(nothing_in(path, &documents));
        }
        let mut file = others::File { broken, ..others::File::default() };
        for document in documents {
            if is_json || !self.document(path, &document, &mut file.ours) {
                file.documents.push(document);
            }
        }
        self.others.put(path, file);
    }

    fn about(&mut self, documents: &[Document]) {
        if let [document, rest @ ..] = documents {
            self.definitions.about = about::about(document, self.findings);
            if let Some(second) = rest.first() {
                let place = second.root.place.clone();
                let finding = Finding::new(Rule::Conflict, place, "tagalong.yaml holds one document");
                self.findings.push(finding.hint("put all its keys into the first one"));
            }
        }
    }

    /// Says that a folder of `extra` must not hold something.
    fn refuse(&mut self, what: &str, place: Place) {
        let message = format!("{what} has no place in a folder of `extra`");
        self.findings.push(Finding::new(Rule::NotInExtra, place, message));
    }

    fn lose(&mut self, path: &str) {
        self.lost.templates |= self.layout.holds_templates(path);
        self.lost.environments |= path.starts_with("environments/");
    }

    /// Reads a document that is one of our own; says whether it is one, or nothing at all.
    fn document(&mut self, path: &str, document: &Document, ours: &mut usize) -> bool {
        let root = &document.root;
        if matches!(root.kind, Kind::Empty) {
            return true;
        }
        let Some((kind, said)) = kind::of(root).filter(|_| !strimzi::is_manifest(root)) else {
            return false;
        };
        let before = self.findings.len();
        *ours += 1;
        if !self.layout.holds(path) {
            // Only a connector's first layer can be here, and whoever named it is told.
            return true;
        }
        match kind {
            "connector" => self.connector(path, document),
            "template" => self.template(document),
            kind if self.layout == Layout::Flat => {
                self.refuse(
                    if kind == "forget" { "a `forget`" } else { "an environment" },
                    root.place.clone(),
                );
            }
            "environment" => self.environment(document),
            _ => {
                let forgotten = forget(root, self.findings);
                self.definitions.forgotten.extend(forgotten);
            }
        }
        kind::explain(kind, said, &mut self.findings[before..]);
        true
    }

    fn connector(&mut self, path: &str, document: &Document) {
        let Some(Written { connector, from }) = connector::connector(document, self.findings) else { return };
        match from.map(|from| (from::target(path, &from), from)) {
            None => self.define(connector),
            Some((Ok(target), from)) => self.waiting.push((connector, from, target)),
            Some((Err(finding), _)) => {
                self.findings.push(finding.of(&connector.name));
                let reading = connector.reading.min(Reading::Gaps);
                self.define(Connector { reading, ..connector });
            }
        }
    }

    fn define(&mut self, connector: Connector) {
        if let Some(first) = self.definitions.connectors.get(&connector.name) {
            let what = format!("connector `{}`", connector.name);
            self.findings.push(twice(&what, &connector.place, &first.place));
            self.definitions.repeated.connectors.push(connector);
        } else {
            self.definitions.connectors.insert(connector.name.clone(), connector);
        }
    }

    fn template(&mut self, document: &Document) {
        let Some(template) = template::template(document, self.findings) else { return };
        if let Some(first) = self.definitions.templates.get(&template.name.text) {
            let what = format!("template `{}`", template.name.as_str());
            self.findings.push(twice(&what, &template.name.place, &first.name.place));
            self.definitions.repeated.templates.push(template);
        } else {
            self.definitions.templates.insert(Arc::clone(&template.name.text), template);
        }
    }

    fn environment(&mut self, document: &Document) {
        let Some(environment) = environment::environment(document, self.findings) else { return };
        if let Some(first) = self.definitions.environments.get(&environment.name) {
            let what = format!("environment `{}`", environment.name);
            self.findings.push(twice(&what, &environment.place, &first.place));
            self.definitions.repeated.environments.push(environment);
        } else {
            self.definitions.environments.insert(environment.name.clone(), environment);
        }
    }

    /// Puts under each connector the file that it names.
    fn foundations(&mut self, files: &Files) {
        for (connector, from, target) in std::mem::take(&mut self.waiting) {
            let connector = match self.others.foundation(&from, &target, files, self.findings) {
                Ok(foreign) => over(connector, &target, foreign),
                Err(finding) => {
                    self.findings.extend(finding.map(|finding| finding.of(&connector.name)));
                    let reading = connector.reading.min(Reading::Gaps);
                    Connector { reading, ..connector }
                }
            };
            self.define(connector);
        }
    }

    /// Says that a connector is declared and has moved elsewhere, too.
    fn forgotten(&mut self) {
        let Definitions { forgotten, connectors, environments, .. } = &self.definitions;
        // Where every environment gives it a name of its own, nobody has it under the one that it begins with.
        let is_own = |connector: &Connector| {
            let is_renamed = |environment: &EnvironmentName| {
                let mut blocks = connector.environments.iter().filter(|block| block.name.is_some());
                blocks.any(|block| block.environment.as_str() == environment.as_str())
            };
            let mut homes = environments.keys().filter(|home| connector.scope.covers(home)).peekable();
            self.lost.environments || homes.peek().is_none() || homes.any(|home| !is_renamed(home))
        };
        for name in forgotten {
            let is_called = |connector: &&Connector| {
                let names = connector.environments.iter().filter_map(|block| block.name.as_ref());
                let own = is_own(connector).then_some(&connector.name);
                own.into_iter().chain(names).any(|own| own.as_str() == name.as_str())
            };
            if let Some(connector) = connectors.values().find(is_called) {
                let message =
                    format!("`forget` names `{}`, which is declared at {}", name.as_str(), connector.place);
                let finding = Finding::new(Rule::Conflict, name.place.clone(), message);
                self.findings.push(finding.hint("remove the `forget`, or the connector"));
            }
        }
    }

    /// Reads the files of others that stand for themselves.
    fn foreign(&mut self) {
        for (path, documents) in std::mem::take(&mut self.others).left() {
            let layout = self.layout;
            let mut found = Vec::new();
            for document in documents.iter().filter(|_| layout.holds(&path)) {
                match others::connectors(&path, document, self.findings) {
                    Some(connectors) => found.extend(connectors),
                    None => self.lose(&path),
                }
            }
            let form = if found.len() == 1 { Form::Foreign } else { Form::ForeignAmong };
            for foreign in found {
                self.stands_alone(foreign, form);
            }
        }
    }

    fn stands_alone(&mut self, foreign: Foreign, form: Form) {
        let Some(written) = foreign.name.clone() else {
            if foreign.reading == Reading::Whole {
                self.findings.push(others::nameless(&foreign));
            }
            return;
        };
        let name = if helm::find(written.as_str()).is_some() {
            ConnectorName::observed(written.as_str())
        } else {
            connector::connector_name(&written, self.findings)
        };
        self.define(foreign.into_connector(name, form));
    }
}

/// Lays a connector over the file that it names.
fn over(connector: Connector, path: &Arc<str>, foreign: &Foreign) -> Connector {
    let Foreign { name: _, place: _, config, state, suspend, reading } = foreign;
    // It is the document that names the connector, whatever the file calls it.
    let config = config.iter().filter(|pair| pair.key.as_str() != "name").cloned().collect();
    Connector {
        from: Some(Foundation { path: Arc::clone(path), config }),
        state: connector.state.or(*state),
        suspend: match connector.suspend {
            Suspension::Inherited => suspend.clone().map_or(Suspension::Inherited, Suspension::Said),
            said @ (Suspension::Lifted | Suspension::Said(_)) => said,
        },
        reading: connector.reading.min(*reading),
        ..connector
    }
}

const CONNECTORS: &str = "connectors/";
const FOLDERS: [&str; 3] = ["templates/", CONNECTORS, "environments/"];

fn is_about(path: &str) -> bool {
    matches!(path, "tagalong.yaml" | "tagalong.yml")
}

/// Says that a file holds no document. That may be on purpose, as where all of it is commented out.
fn nothing_in(path: &str, documents: &[Document]) -> Option<Finding> {
    let blank = documents.iter().all(|document| matches!(document.root.kind, Kind::Empty));
    let told = || Finding::new(Rule::NothingDeclared, Place::start_of(path), "the file declares nothing");
    blank.then(|| Finding { severity: Severity::Warning, ..told() })
}

/// Says that a name is taken.
pub fn twice(what: &str, place: &Place, first: &Place) -> Finding {
    let message = format!("{what} is defined again; it is already at {first}");
    Finding::new(Rule::DuplicateName, place.clone(), message)
}

static FORGET: Shape = Shape::new(
    "A connector that is no longer of this repository: it is left alone, also where what no file declares is deleted.",
    &[
        Field::new("forget", Takes::Literal, "The connector's name in Kafka Connect.").needed(),
        Field::new("reason", Takes::Text, "Where it went, or why."),
    ],
);

fn forget(root: &Node, findings: &mut Vec<Finding>) -> Option<Text> {
    let fields = decode::fields("a forget document", root, &FORGET, findings)?;
    if let Some(reason) = fields.get("reason") {
        decode::text("`reason`", reason, findings);
    }
    tree::literal("`forget`", fields.get("forget")?, findings)
}
