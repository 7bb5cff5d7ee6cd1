//! Reads the files that others write: Connect's JSON and Strimzi's manifests.
//!
//! Takes the documents of one file, gives the connectors in it. Their texts mean themselves: nothing
//! in them is an expression. Whether a connector stands for itself or is the first layer of another
//! one is left to the caller.

use crate::model::definition::{Connector, Given, Pair, Reading, Scope, Suspension, Tree};
use crate::model::desired::{DesiredState, Form, Suspend};
use crate::model::finding::{Finding, Place};
use crate::model::name::ConnectorName;
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::pipeline::expression;
use crate::pipeline::parse::tree;
use crate::yaml::tree::{Entry, Kind, Node};
use crate::yaml::{decode, helm};

/// A connector as somebody else's file says it.
#[derive(Debug, Clone)]
pub struct Foreign {
    /// Its name, where the file says one.
    pub name: Option<Text>,
    /// Where it begins.
    pub place: Place,
    /// Its keys.
    pub config: Vec<Pair>,
    /// What it should be doing.
    pub state: Option<DesiredState>,
    /// Why nothing is to be written for now.
    pub suspend: Option<Suspend>,
    /// How much of it was read.
    pub reading: Reading,
}

impl Foreign {
    /// The connector that it is where it stands for itself, in this form.
    pub fn into_connector(self, name: ConnectorName, form: Form) -> Connector {
        let Self { name: written, place, config, state, suspend, reading } = self;
        Connector {
            name,
            place: written.map_or(place, |name| name.place),
            form,
            template: None,
            from: None,
            with: Given::default(),
            state,
            config,
            environments: Vec::new(),
            scope: Scope::Everywhere,
            keep: false,
            acknowledge: Vec::new(),
            allow: Vec::new(),
            suspend: suspend.map_or(Suspension::Inherited, Suspension::Said),
            reading,
        }
    }
}

/// Takes the values of a config as Connect takes them: texts, numbers, true and false.
pub fn config(entries: &[Entry], findings: &mut Vec<Finding>) -> Vec<Pair> {
    entries.iter().map(|entry| pair(entry, findings)).collect()
}

fn pair(Entry { key, value }: &Entry, findings: &mut Vec<Finding>) -> Pair {
    findings.extend(tree::unusable(key));
    let refuse =
        |rule, message: String, hint: &str| Some(Finding::new(rule, value.place.clone(), message).hint(hint));
    let what = format!("`{}`", key.as_str());
    let refused = match &value.kind {
        // What was meant for Helm has its finding from whoever looks through the whole document.
        Kind::Scalar(text) if [key, text].iter().any(|text| helm::find(text.as_str()).is_some()) => None,
        Kind::Scalar(text) => return Pair { key: key.clone(), value: Tree::Literal(text.clone()) },
        Kind::Null => refuse(
            Rule::WrongType,
            format!("{what} is null, which Connect does not take"),
            "remove the line, or write `\"\"` for an empty text",
        ),
        Kind::Sequence(_) => refuse(
            Rule::WrongType,
            format!("{what} is a list, which Connect does not take"),
            "write one text, with commas between the items",
        ),
        Kind::Mapping(_) => refuse(
            Rule::MapValue,
            format!("{what} is a map, which Connect does not take"),
            "write the keys out, with dots between them",
        ),
        Kind::Empty | Kind::Refused => decode::wrong_type(&what, "a value", value),
    };
    findings.extend(refused);
    Pair { key: key.clone(), value: Tree::Refused(value.place.clone()) }
}

/// Braces are plain text in a file of others; but what only Helm writes was meant for Helm,
/// and a chart that nobody rendered is never a definition.
pub fn unrendered(text: &Text) -> Option<Finding> {
    let at = helm::find(text.as_str())?;
    let message = "an action of a Helm chart stands here";
    Some(Finding::new(Rule::HelmTemplate, text.place_of(at), message))
}

/// Braces around one of our own names were meant to be computed, and nobody does. Other braces are some
/// plugin's own, as in `{{value}}`.
pub fn unread(text: &Text) -> Option<Finding> {
    let at = expression::begins_in(text.as_str())?;
    let message = "an expression stands in a file that is read as it is, so Connect gets its text";
    Some(Finding::new(Rule::ExpressionUnread, text.place_of(at), message))
}

/// A key of Connect's own that the file says in other words.
pub fn key(key: &str, value: &Text, findings: &mut Vec<Finding>) -> Pair {
    let entry = Entry {
        key: Text::plain(key, value.place.clone()),
        value: Node { place: value.place.clone(), kind: Kind::Scalar(value.clone()) },
    };
    pair(&entry, findings)
}

/// Says that a list is empty: a failed export looks like that, and would take away all that was here.
pub fn nothing_in(items: &[Node], place: &Place) -> Option<Finding> {
    let told = || Finding::new(Rule::NothingDeclared, place.clone(), "the list holds no connector");
    items.is_empty().then(told)
}

/// Takes a state, in whatever case it is written.
pub fn state(
    what: &str,
    node: &Node,
    states: &[DesiredState],
    findings: &mut Vec<Finding>,
) -> Option<DesiredState> {
    let text = decode::text(what, node, findings)?;
    let lower = Text::plain(&text.as_str().to_ascii_lowercase(), text.place);
    let node = Node { place: node.place.clone(), kind: Kind::Scalar(lower) };
    let choices: Vec<_> = states.iter().map(|state| (state.name(), *state)).collect();
    decode::choice(what, &node, &choices, findings)
}
