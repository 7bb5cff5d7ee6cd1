//! Settings as they were written: in the file, in the environment, on the command line.
//!
//! Takes the three, gives one value a key, the later source over the earlier. Whether a value is a
//! good one is judged by the room above.

use std::collections::BTreeMap;

use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::settings::keys::{self, Key, Takes};
use crate::yaml;
use crate::yaml::decode;
use crate::yaml::tree::{Kind, Node};

/// Where a value was written, the later over the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The settings file.
    File,
    /// The process environment.
    Environment,
    /// The command line.
    Flag,
}

/// What the settings are read from.
#[derive(Debug, Clone, Default)]
pub struct Written<'a> {
    /// The settings file's name and content.
    pub file: Option<(&'a str, &'a [u8])>,
    /// The process environment.
    pub environment: Vec<(String, String)>,
    /// Keys and texts of the flags.
    pub flags: Vec<(&'static str, String)>,
}

/// One value a key, and where it was written.
#[derive(Debug, Default)]
pub struct RawSettings {
    values: BTreeMap<&'static str, (Source, Node)>,
    /// The trees of `values`, the lowest first: unlike every other key they lie over each other.
    pub trees: Vec<Node>,
    /// What `imports` says, the lowest first: one name lies over the same name.
    pub folders: Vec<Node>,
}

/// Keys that exclude each other: one written in a later source takes the place of the others.
const RIVALS: &[&[&str]] = &[
    &[
        "repository.git.ref.tag",
        "repository.git.ref.branch",
        "repository.git.ref.commit",
        "repository.git.ref.semver",
    ],
    &["repository.git.url", "repository.dir"],
    &["connect.basic_auth.password", "connect.basic_auth.password_file"],
];

/// Variables of the agent that are no settings although they begin like them.
pub const NOT_SETTINGS: &[&str] = &["TAGALONG_SETTINGS", "TAGALONG_AGENT"];

impl RawSettings {
    /// Reads every source.
    pub fn read(written: &Written<'_>, findings: &mut Vec<Finding>) -> Self {
        let mut raw = Self::default();
        if let Some((path, bytes)) = written.file {
            raw.read_file(path, bytes, findings);
        }
        let (own, others): (Vec<_>, Vec<_>) =
            written.environment.iter().partition(|(name, _)| setting(name).is_some());
        for (name, text) in own {
            raw.read_variable(name, text, findings);
        }
        let secrets = raw.secrets_prefix();
        for (name, _) in others {
            let apart = NOT_SETTINGS.iter().any(|prefix| name.starts_with(prefix));
            if name.starts_with("TAGALONG_") && !apart && !name.starts_with(&secrets) {
                findings.push(unknown_variable(name));
            }
        }
        for (path, text) in &written.flags {
            let key = keys::find(path).expect("a flag sets a key that there is");
            let flag = keys::flag(path).expect("what a flag sets has a flag");
            let node = scalar(text, flag);
            let adds = matches!(key.takes, Takes::Texts | Takes::ExtraFolders);
            let node = if adds { raw.added(key, node) } else { node };
            raw.put(key, Source::Flag, node, findings);
        }
        raw
    }

    /// The value of a key, where one was written.
    pub fn get(&self, path: &str) -> Option<&Node> {
        debug_assert!(keys::find(path).is_some(), "{path} is asked for and not in the table");
        self.values.get(path).map(|(_, node)| node)
    }

    /// Where each key was written that is taken from the file.
    pub fn places(&self) -> BTreeMap<&'static str, Place> {
        let of_file = self.values.iter().filter(|(_, (source, _))| *source == Source::File);
        of_file.map(|(key, (_, node))| (*key, node.place.clone())).collect()
    }

    /// What variables begin with that are secrets and no settings.
    fn secrets_prefix(&self) -> String {
        const PATH: &str = "secrets.env_prefix";
        let default = keys::find(PATH).map_or("", |key| key.default);
        match self.get(PATH).map(|node| &node.kind) {
            Some(Kind::Scalar(text)) if !text.as_str().is_empty() => text.as_str().to_owned(),
            Some(_) | None => default.to_owned(),
        }
    }

    /// The items that flags have given to a list so far, and one more.
    fn added(&self, key: &'static Key, item: Node) -> Node {
        let mut items = match self.values.get(key.path) {
            Some((Source::Flag, Node { kind: Kind::Sequence(items), .. })) => items.clone(),
            Some(_) | None => Vec::new(),
        };
        let place = item.place.clone();
        items.push(item);
        Node { place, kind: Kind::Sequence(items) }
    }

    fn read_file(&mut self, path: &str, bytes: &[u8], findings: &mut Vec<Finding>) {
        let (documents, found) = yaml::documents(path, bytes);
        findings.extend(found);
        let mut documents = documents.iter();
        if let Some(document) = documents.next()
            && !matches!(document.root.kind, Kind::Empty | Kind::Null)
        {
            self.walk("", &document.root, findings);
        }
        if let Some(second) = documents.next() {
            let message = "the settings are one document, and here begins a second one";
            findings.push(Finding::new(Rule::WrongType, second.root.place.clone(), message));
        }
    }

    fn walk(&mut self, prefix: &str, node: &Node, findings: &mut Vec<Finding>) {
        let what = if prefix.is_empty() { "the settings file".to_owned() } else { format!("`{prefix}`") };
        let Some(entries) = decode::map(&what, node, findings) else { return };
        for entry in entries {
            let word = entry.key.as_str();
            let path = if prefix.is_empty() { word.to_owned() } else { format!("{prefix}.{word}") };
            if let Some(key) = keys::find(&path) {
                self.put(key, Source::File, entry.value.clone(), findings);
            } else if keys::below(&path).is_empty() {
                findings.push(unknown(&what, prefix, &entry.key));
            } else if !matches!(entry.value.kind, Kind::Null) {
                self.walk(&path, &entry.value, findings);
            }
        }
    }

    fn read_variable(&mut self, name: &str, text: &str, findings: &mut Vec<Finding>) {
        let Some(key) = setting(name) else { return };
        let node = match key.takes {
            Takes::Texts
            | Takes::Tree
            | Takes::Folders
            | Takes::Headers
            | Takes::Credentials
            | Takes::Verifications
            | Takes::ExtraFolders
            | Takes::Suspend => {
                let (documents, found) = yaml::documents(name, text.as_bytes());
                findings.extend(found);
                let Some(document) = documents.into_iter().next() else { return };
                document.root
            }
            Takes::Text | Takes::Flag | Takes::Number | Takes::Limit | Takes::Duration | Takes::Word(_) => {
                scalar(text, name)
            }
        };
        self.put(key, Source::Environment, node, findings);
    }

    fn put(&mut self, key: &'static Key, source: Source, node: Node, findings: &mut Vec<Finding>) {
        if matches!(node.kind, Kind::Null) {
            self.values.remove(key.path);
            return;
        }
        if key.takes == Takes::Tree {
            self.trees.push(node);
            return;
        }
        if key.takes == Takes::Folders {
            self.folders.push(node);
            return;
        }
        for rivals in RIVALS.iter().filter(|rivals| rivals.contains(&key.path)) {
            for rival in rivals.iter().filter(|rival| **rival != key.path) {
                match self.values.get(rival) {
                    Some((theirs, _)) if *theirs == source => {
                        let message = format!("`{}` and `{rival}` exclude each other", key.path);
                        findings.push(
                            Finding::new(Rule::WrongValue, node.place.clone(), message)
                                .hint("keep one of them"),
                        );
                    }
                    Some(_) => {
                        self.values.remove(rival);
                    }
                    None => {}
                }
            }
        }
        self.values.insert(key.path, (source, node));
    }
}

/// The setting of a variable's name.
fn setting(name: &str) -> Option<&'static Key> {
    keys::find(&path_of(name)?).filter(|key| keys::variable(key.path) == name)
}

fn path_of(name: &str) -> Option<String> {
    Some(name.strip_prefix("TAGALONG_")?.replace("__", ".").to_ascii_lowercase())
}

fn unknown_variable(name: &str) -> Finding {
    let mut finding =
        Finding::new(Rule::UnknownVariable, Place::outside(name), format!("`{name}` is no setting"));
    let path = path_of(name).unwrap_or_default();
    finding.hint = decode::nearest(&path, keys::KEYS.iter().map(|key| key.path))
        .map(|near| format!("did you mean `{}`?", keys::variable(near)));
    finding
}

fn scalar(text: &str, from: &str) -> Node {
    let place = Place::outside(from);
    Node { place: place.clone(), kind: Kind::Scalar(Text::plain(text, place)) }
}

fn unknown(what: &str, prefix: &str, key: &Text) -> Finding {
    let words = keys::below(prefix);
    let message = format!("{what} has no key `{}`", key.as_str());
    let hint = match decode::nearest(key.as_str(), words.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the keys are {}", words.join(", ")),
    };
    Finding::new(Rule::UnknownKey, key.place.clone(), message).hint(hint)
}
