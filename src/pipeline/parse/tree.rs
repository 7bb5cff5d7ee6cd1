//! Turns YAML values into what definitions are made of.
//!
//! Takes nodes, gives pairs, trees and literal texts; what must not stand somewhere is a finding.

use jiff::Timestamp;

use crate::model::definition::{Given, Pair, Suspension, Tree};
use crate::model::desired::{DesiredState, Suspend};
use crate::model::finding::Finding;
use crate::model::rule::Rule;
use crate::model::shape::{Field, Free, Keys, Shape, TEXT_KEY, Takes};
use crate::model::text::Text;
use crate::pipeline::expression::unread::{self, Unread};
use crate::yaml::decode::{self, Fields};
use crate::yaml::tree::{Entry, Kind, Node};

/// A connector's config: texts and lists of texts.
pub const CONFIG: Free =
    Free { name: "config", maps: false, keys: Keys::Texts, nulls: true, expressions: true };
/// What a template is given.
pub const WITH: Free = Free { name: "with", maps: true, keys: Keys::Texts, nulls: true, expressions: true };
/// What a parameter is by default.
pub const DEFAULT: Free =
    Free { name: "default", maps: true, keys: Keys::Texts, nulls: false, expressions: true };
/// An environment's values.
pub const VALUES: Free =
    Free { name: "values", maps: true, keys: Keys::Names, nulls: false, expressions: false };

/// `config`, wherever it stands.
pub const CONFIG_TAKES: Takes = Takes::Entries(TEXT_KEY, &Takes::Free(CONFIG));
/// `with`, wherever it stands.
pub const WITH_TAKES: Takes = Takes::Entries(TEXT_KEY, &Takes::Free(WITH));
/// `state`, wherever it stands.
pub const STATE_TAKES: Takes = Takes::WordOf(|| DesiredState::ALL.map(DesiredState::name).to_vec());
/// `suspend`, wherever it stands.
pub const SUSPEND_TAKES: Takes = Takes::OrNull(&Takes::Fields(&SUSPEND));

static SUSPEND: Shape = Shape::new(
    "Nothing is written for now; the agent goes on looking and telling.",
    &[
        Field::new("reason", Takes::Literal, "Why: somebody will ask.").needed(),
        Field::new("until", Takes::Time, "When it ends by itself, as `2026-12-01T00:00:00Z`."),
    ],
);

/// Takes the map under a key, in order; nothing where there is no such key.
pub fn pairs(fields: &Fields<'_>, key: &str, shape: Free, findings: &mut Vec<Finding>) -> Vec<Pair> {
    let Some(node) = fields.get(key) else { return Vec::new() };
    let entries = decode::map(&format!("`{key}`"), node, findings).unwrap_or_default();
    entries.iter().filter_map(|entry| pair(entry, shape, findings)).collect()
}

/// Takes `with`.
pub fn given(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Given {
    let place = fields.entry("with").map(|entry| entry.key.place.clone());
    Given { place, pairs: pairs(fields, "with", WITH, findings) }
}

fn pair(entry: &Entry, shape: Free, findings: &mut Vec<Finding>) -> Option<Pair> {
    if let Some(finding) = misplaced("a key", &entry.key) {
        findings.push(finding);
        return None;
    }
    findings.extend(unusable(&entry.key));
    let what = format!("`{}`", entry.key.as_str());
    let value = tree(&what, &entry.value, shape, findings);
    let dotted = decode::dotted(entry).filter(|_| shape.keys == Keys::Names);
    let Some(finding) = dotted else { return Some(Pair { key: entry.key.clone(), value }) };
    findings.push(finding);
    Some(meant(&entry.key, value))
}

/// Says that a key is none that anybody would write on purpose: Connect takes it as it is, and passes over it.
pub fn unusable(key: &Text) -> Option<Finding> {
    let text = key.as_str();
    let told = |message: String, at: usize, hint: &str| {
        Some(Finding::new(Rule::NameInvalid, key.place_of(at), message).hint(hint))
    };
    let is_odd =
        |c: &char| *c != ' ' && (c.is_control() || c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'));
    if text.is_empty() {
        return told("a key is empty".to_owned(), 0, "write a text before the colon");
    }
    if let Some((at, odd)) = text.char_indices().find(|(_, c)| is_odd(c)) {
        let message = format!("a key holds the character {}, which nobody sees", odd.escape_unicode());
        return told(message, at, "write the key anew, in plain letters");
    }
    (text.trim() != text)
        .then(|| told("a key begins or ends with a blank".to_owned(), 0, "remove the blank"))
        .flatten()
}

/// With its finding told, a dotted key is read as the maps that were meant: what uses them is not said to
/// be wrong too.
fn meant(key: &Text, value: Tree) -> Pair {
    let pair = |name: &str, value| Pair { key: Text::plain(name, key.place.clone()), value };
    let mut names = key.as_str().split('.');
    let first = names.next().unwrap_or_default();
    let value = names.rfold(value, |value, name| Tree::Map(key.place.clone(), vec![pair(name, value)]));
    pair(first, value)
}

/// Takes a value of a shape.
pub fn tree(what: &str, node: &Node, shape: Free, findings: &mut Vec<Finding>) -> Tree {
    let place = node.place.clone();
    let refused = match &node.kind {
        Kind::Scalar(text) => match misplaced(what, text).filter(|_| !shape.expressions) {
            None => {
                findings.extend(unread(text));
                return Tree::Text(text.clone());
            }
            refused => refused,
        },
        Kind::Null if shape.nulls => return Tree::Null(place),
        Kind::Sequence(items) => {
            let items = items.iter().map(|node| item(what, node, shape, findings)).collect();
            return Tree::List(place, items);
        }
        Kind::Mapping(entries) if shape.maps => {
            let pairs = entries.iter().filter_map(|entry| pair(entry, shape, findings)).collect();
            return Tree::Map(place, pairs);
        }
        Kind::Mapping(_) => Some(Finding::new(
            Rule::MapValue,
            place.clone(),
            format!("{what} takes a text or a list, not a map"),
        )),
        Kind::Empty | Kind::Null | Kind::Refused => decode::wrong_type(what, "a value", node),
    };
    findings.extend(refused);
    Tree::Refused(place)
}

fn item(what: &str, node: &Node, shape: Free, findings: &mut Vec<Finding>) -> Tree {
    match &node.kind {
        kind @ (Kind::Null | Kind::Sequence(_)) => {
            let message = format!("an item of {what} is {}", kind.name());
            findings.push(Finding::new(Rule::ListItem, node.place.clone(), message));
            Tree::Refused(node.place.clone())
        }
        Kind::Empty | Kind::Scalar(_) | Kind::Mapping(_) | Kind::Refused => {
            tree(&format!("an item of {what}"), node, shape, findings)
        }
    }
}

/// Takes a text that must be a literal: no expression in it.
pub fn literal(what: &str, node: &Node, findings: &mut Vec<Finding>) -> Option<Text> {
    let text = decode::text(what, node, findings)?;
    match misplaced(what, &text) {
        None => Some(text),
        Some(finding) => {
            findings.push(finding);
            None
        }
    }
}

fn misplaced(what: &str, text: &Text) -> Option<Finding> {
    let at = text.as_str().find("{{")?;
    let message = format!("{what} takes no expression");
    Some(Finding::new(Rule::ExpressionMisplaced, text.place_of(at), message))
}

/// Says of each place in a text that it is not computed, though it looks as if it should be.
fn unread(text: &Text) -> impl Iterator<Item = Finding> {
    let told =
        |Unread { at, what, hint }| Finding::new(Rule::StatementNotRead, text.place_of(at), what).hint(hint);
    unread::unread(text.as_str()).into_iter().map(told)
}

/// Takes the literal under a key, where there is one.
pub fn optional(fields: &Fields<'_>, key: &str, findings: &mut Vec<Finding>) -> Option<Text> {
    let node = fields.get(key)?;
    if matches!(node.kind, Kind::Null) {
        let message = format!("`{key}` takes a text, and here is null");
        let finding = Finding::new(Rule::WrongType, node.place.clone(), message);
        findings.push(finding.hint(format!("write a text, or leave `{key}` out")));
        return None;
    }
    literal(&format!("`{key}`"), node, findings)
}

/// Takes the literal under a key that must be there.
pub fn required(what: &str, fields: &Fields<'_>, key: &str, findings: &mut Vec<Finding>) -> Option<Text> {
    if !fields.is_there(key) {
        findings.push(missing(what, fields, key));
    }
    literal(&format!("`{key}`"), fields.get(key)?, findings)
}

/// Takes the reason that must be there, and that has to say something.
pub fn reason(what: &str, fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Option<Text> {
    let reason = required(what, fields, "reason", findings)?;
    if reason.says_nothing() {
        let message = format!("the `reason` of {what} says nothing");
        findings.push(Finding::new(Rule::ReasonEmpty, reason.place.clone(), message));
    }
    Some(reason)
}

/// Says of each name that stands in a list again that it does.
pub fn repeated(names: &[Text], findings: &mut Vec<Finding>) {
    for (index, name) in names.iter().enumerate() {
        if let Some(first) = names[..index].iter().find(|first| first.text == name.text) {
            let message = format!("`{}` is in the list already, at {}", name.as_str(), first.place);
            findings.push(Finding::new(Rule::RepeatedItem, name.place.clone(), message));
        }
    }
}

/// Says that a key is missing.
pub fn missing(what: &str, fields: &Fields<'_>, key: &str) -> Finding {
    Finding::new(Rule::MissingKey, fields.place.clone(), format!("{what} has no `{key}`"))
        .hint(format!("add `{key}`"))
}

/// Takes `state`.
pub fn state(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Option<DesiredState> {
    let node = fields.get("state")?;
    literal("`state`", node, findings)?;
    decode::choice("`state`", node, &DesiredState::ALL.map(|state| (state.name(), state)), findings)
}

/// Takes `suspend`; a `null` lifts what is under it.
pub fn suspension(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Suspension {
    match fields.get("suspend") {
        None => Suspension::Inherited,
        Some(Node { kind: Kind::Null, .. }) => Suspension::Lifted,
        Some(node) => suspend(node, findings).map_or(Suspension::Inherited, Suspension::Said),
    }
}

fn suspend(node: &Node, findings: &mut Vec<Finding>) -> Option<Suspend> {
    let fields = decode::fields("`suspend`", node, &SUSPEND, findings)?;
    let reason = reason("`suspend`", &fields, findings);
    let until = optional(&fields, "until", findings).and_then(|text| {
        let until: Option<Timestamp> = text.as_str().parse().ok();
        if until.is_none() {
            let message = "`until` takes a time with its offset, as in RFC 3339";
            let finding = Finding::new(Rule::WrongValue, text.place, message);
            findings.push(finding.hint("write it like `2026-12-01T00:00:00Z`"));
        }
        until
    });
    Some(Suspend { reason: reason?.text, until })
}
