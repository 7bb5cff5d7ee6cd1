//! Reads the JSON in which Connect takes and answers connectors.
//!
//! Takes the document of one file, gives its connectors: `{"name", "config"}` as it is posted and
//! answered, a list of those, or the config alone, which takes the file's name.

use crate::model::definition::Reading;
use crate::model::desired::DesiredState;
use crate::model::finding::Finding;
use crate::model::name;
use crate::model::rule::{Rule, Severity};
use crate::model::shape::{Field, JSON_KEY, Shape, Takes};
use crate::model::text::Text;
use crate::pipeline::parse::foreign::{self, Foreign};
use crate::pipeline::parse::strimzi;
use crate::yaml::decode;
use crate::yaml::tree::{Document, Entry, Kind, Node};

/// What is posted; and beside it `tasks` and `type`, which Connect adds when it answers.
pub static POSTED: Shape = Shape::new(
    "A connector as it is posted to Kafka Connect, and answered by it.",
    &[
        Field::new("name", Takes::Like(name::CONNECTOR), "Its name in Kafka Connect."),
        Field::new("config", Takes::Entries(JSON_KEY, &Takes::Text), "Its keys.").needed(),
        Field::new("initial_state", Takes::OrNull(&Takes::Word(STATE_WORDS)), "What it should be doing.")
            .default("RUNNING"),
        Field::new("tasks", Takes::Anything, "What Connect answers; passed over."),
        Field::new("type", Takes::Anything, "What Connect answers; passed over."),
    ],
);

const STATE_WORDS: &[&str] = &["RUNNING", "PAUSED", "STOPPED", "running", "paused", "stopped"];

/// The states that Connect takes at a connector's creation.
const STATES: [DesiredState; 3] = [DesiredState::Running, DesiredState::Paused, DesiredState::Stopped];

/// Reads the connectors of a file.
pub fn connectors(path: &str, document: &Document, findings: &mut Vec<Finding>) -> Vec<Foreign> {
    let root = &document.root;
    match &root.kind {
        Kind::Mapping(_) if strimzi::is_manifest(root) => strimzi::connectors(document, findings),
        Kind::Sequence(items) => {
            findings.extend(foreign::nothing_in(items, &root.place));
            items.iter().filter_map(|item| connector(item, None, findings)).collect()
        }
        Kind::Mapping(_) => connector(root, Some(path), findings).into_iter().collect(),
        Kind::Empty | Kind::Null | Kind::Scalar(_) => {
            findings.push(none_of_ours(root));
            Vec::new()
        }
        Kind::Refused => Vec::new(),
    }
}

/// Reads one; the file's name is there where it may be the connector's.
fn connector(node: &Node, path: Option<&str>, findings: &mut Vec<Finding>) -> Option<Foreign> {
    let Kind::Mapping(entries) = &node.kind else {
        if !matches!(node.kind, Kind::Refused) {
            findings.push(none_of_ours(node));
        }
        return None;
    };
    let get = |key: &str| entries.iter().find(|entry| entry.key.as_str() == key).map(|entry| &entry.value);
    if strimzi::is_manifest(node) {
        return strimzi::connector(node, true, findings);
    }
    match get("config") {
        Some(Node { kind: Kind::Mapping(config), .. }) => posted(node, config, findings),
        _ if get("connector.class").is_some() => Some(flat(node, entries, path, findings)),
        _ => {
            findings.push(none_of_ours(node));
            None
        }
    }
}

fn posted(node: &Node, config: &[Entry], findings: &mut Vec<Finding>) -> Option<Foreign> {
    const WHAT: &str = "a connector in Connect's JSON";
    let fields = decode::fields(WHAT, node, &POSTED, findings)?;
    let name = match fields.get("name") {
        Some(node) => decode::text("`name`", node, findings),
        None => None,
    };
    let state = fields.set("initial_state");
    let state = state.and_then(|node| foreign::state("`initial_state`", node, &STATES, findings));
    let config = foreign::config(config, findings);
    // A name that cannot be read has its finding already.
    let reading = Reading::of(fields.get("name").is_some() == name.is_some());
    Some(Foreign { name, place: node.place.clone(), config, state, suspend: None, reading })
}

fn flat(node: &Node, entries: &[Entry], path: Option<&str>, findings: &mut Vec<Finding>) -> Foreign {
    let own = entries.iter().find(|entry| entry.key.as_str() == "name").map(|entry| &entry.value);
    let name = match (own, path) {
        (Some(node), _) => match &node.kind {
            Kind::Scalar(text) => Some(text.clone()),
            // The finding about the value is enough.
            _ => None,
        },
        (None, Some(path)) => Some(Text::plain(stem(path), node.place.clone())),
        (None, None) => None,
    };
    findings.extend(entries.iter().filter(|entry| entry.key.as_str() == "initial_state").map(misplaced));
    let config = foreign::config(entries, findings);
    let reading = Reading::of(own.is_none() || name.is_some());
    Foreign { name, place: node.place.clone(), config, state: None, suspend: None, reading }
}

/// A plugin may have such a key, so it is left where Connect would take it.
fn misplaced(Entry { key, .. }: &Entry) -> Finding {
    let message = "`initial_state` stands among the config's keys, where it is no state";
    let finding = Finding::new(Rule::JsonForm, key.place.clone(), message)
        .hint("write `{\"name\": …, \"config\": {…}, \"initial_state\": …}`");
    Finding { severity: Severity::Warning, ..finding }
}

fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.strip_suffix(".json").unwrap_or(file)
}

/// Says that there is no connector in it, and what it seems to be.
fn none_of_ours(node: &Node) -> Finding {
    let told = |message: &str| Finding::new(Rule::JsonForm, node.place.clone(), message);
    let is_map_with = |node: &Node, keys: &[&str]| match &node.kind {
        Kind::Mapping(entries) => {
            keys.iter().all(|key| entries.iter().any(|entry| entry.key.as_str() == *key))
        }
        Kind::Empty | Kind::Null | Kind::Scalar(_) | Kind::Sequence(_) | Kind::Refused => false,
    };
    match &node.kind {
        Kind::Mapping(entries) if is_map_with(node, &["connector", "tasks"]) => {
            debug_assert!(!entries.is_empty(), "two keys are in it");
            told("this is what Connect answers about a connector's status, and no connector")
                .hint("save what `GET /connectors/NAME` answers instead")
        }
        Kind::Mapping(entries)
            if !entries.is_empty()
                && entries.iter().all(|entry| {
                    is_map_with(&entry.value, &["info"]) || is_map_with(&entry.value, &["status"])
                }) =>
        {
            told("this is what Connect answers about all connectors at once, and no connector")
                .hint("write what stands under each `info` into a list: `[{…}, {…}]`")
        }
        Kind::Mapping(entries) if entries.iter().any(|entry| entry.key.as_str() == "config") => {
            told("`config` takes a map, and here is something else")
        }
        Kind::Mapping(_) => told("this map has neither a `config` nor a `connector.class`"),
        Kind::Scalar(_) => told("here is a single value, and no connector"),
        Kind::Empty | Kind::Null | Kind::Sequence(_) | Kind::Refused => told("here is no connector"),
    }
}
