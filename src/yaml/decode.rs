//! Takes trees apart into what a file's own reader wants: known keys, texts, numbers, lists.
//!
//! Each function takes the key's name and its value, gives what was asked for, or says in a finding
//! why not. A value that was refused already gives nothing and says nothing.

use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::shape::{Shape, Takes};
use crate::model::text::Text;
use crate::yaml::forms;
use crate::yaml::tree::{Entry, Kind, Node};

/// The entries of a map whose keys are known.
#[derive(Debug, Clone)]
pub struct Fields<'n> {
    /// Where the map begins.
    pub place: Place,
    known: Known,
    entries: &'n [Entry],
    /// Mistyped keys, by the known ones that were most likely meant and are not there.
    meant: Vec<Meant<'n>>,
}

/// A mistyped key.
#[derive(Debug, Clone, Copy)]
struct Meant<'n> {
    key: &'static str,
    entry: &'n Entry,
    /// Whether the value could be that of the key. Else the guess is not good enough to judge it by.
    fits: bool,
}

/// The keys that a map may have: from the table that its schema is made of too, or by their names
/// alone where the map is somebody else's.
#[derive(Debug, Clone, Copy)]
pub enum Known {
    /// From a table.
    Shape(&'static Shape),
    /// By their names.
    Names(&'static [&'static str]),
}

impl Known {
    fn names(self) -> impl Iterator<Item = &'static str> + Clone {
        let (fields, names) = match self {
            Self::Shape(shape) => (shape.fields, [].as_slice()),
            Self::Names(names) => ([].as_slice(), names),
        };
        fields.iter().map(|field| field.key).chain(names.iter().copied())
    }
}

impl Known {
    /// Whether a value could be that of a key.
    fn fits(self, key: &str, node: &Node) -> bool {
        match self {
            Self::Shape(shape) => shape
                .fields
                .iter()
                .find(|field| field.key == key)
                .is_some_and(|field| fits(field.takes, node)),
            Self::Names(_) => true,
        }
    }
}

/// Whether a value is of the sort that is taken. What is refused for a reason of its own is of any sort.
fn fits(takes: Takes, node: &Node) -> bool {
    let is_scalar = |is: &dyn Fn(&str) -> bool| match &node.kind {
        Kind::Scalar(text) => is(text.as_str()),
        Kind::Refused => true,
        Kind::Empty | Kind::Null | Kind::Sequence(_) | Kind::Mapping(_) => false,
    };
    match takes {
        Takes::Text => is_scalar(&|_| true),
        Takes::Literal | Takes::Like(_) => is_scalar(&|text| !text.contains("{{")),
        Takes::Flag => is_scalar(&|text| matches!(text, "true" | "false")),
        Takes::Number => is_scalar(&|text| text.parse::<u64>().is_ok()),
        Takes::Limit => is_scalar(&|text| text == "unlimited" || text.parse::<u64>().is_ok()),
        Takes::Word(words) => is_scalar(&|text| words.contains(&text)),
        Takes::WordOf(words) => is_scalar(&|text| words().contains(&text)),
        Takes::Time => is_scalar(&|text| text.parse::<jiff::Timestamp>().is_ok()),
        Takes::Length => is_scalar(&|text| text.parse::<jiff::SignedDuration>().is_ok()),
        Takes::List(_) => matches!(node.kind, Kind::Sequence(_) | Kind::Refused),
        Takes::Fields(_) | Takes::Entries(..) => matches!(node.kind, Kind::Mapping(_) | Kind::Refused),
        Takes::Free(free) => match node.kind {
            Kind::Mapping(_) => free.maps,
            Kind::Null => free.nulls,
            Kind::Empty => false,
            Kind::Scalar(_) | Kind::Sequence(_) | Kind::Refused => true,
        },
        Takes::TextOr(_) => matches!(node.kind, Kind::Scalar(_) | Kind::Mapping(_) | Kind::Refused),
        Takes::OrNull(inner) => matches!(node.kind, Kind::Null) || fits(*inner, node),
        Takes::Tree | Takes::Anything => !matches!(node.kind, Kind::Empty),
        Takes::Refused => false,
    }
}

impl From<&'static Shape> for Known {
    fn from(shape: &'static Shape) -> Self {
        Self::Shape(shape)
    }
}

impl From<&'static [&'static str]> for Known {
    fn from(names: &'static [&'static str]) -> Self {
        Self::Names(names)
    }
}

impl<const N: usize> From<&'static [&'static str; N]> for Known {
    fn from(names: &'static [&'static str; N]) -> Self {
        Self::Names(names)
    }
}

/// Takes a map with known keys. Each other key is a finding with the nearest known one; `what`
/// names the map in it, as in `an environment`. With its finding told, a mistyped key is read as the
/// one that was meant, so that what stands under it is looked at too, and is not said to be missing; where
/// its value is nothing that the key takes, it is not read.
pub fn fields<'n>(
    what: &str,
    node: &'n Node,
    known: impl Into<Known>,
    findings: &mut Vec<Finding>,
) -> Option<Fields<'n>> {
    let entries = map(what, node, findings)?;
    let known = known.into();
    let is_there = |key: &str| entries.iter().any(|entry| entry.key.as_str() == key);
    let mut meant = Vec::new();
    for entry in entries.iter().filter(|entry| !known.names().any(|name| name == entry.key.as_str())) {
        findings.push(unknown_key(what, &entry.key, known));
        let near = nearest(entry.key.as_str(), known.names());
        // The word is one of the known ones; asked for again, it outlives the entry.
        let near = known.names().find(|key| Some(*key) == near && !is_there(key));
        meant.extend(near.map(|key| Meant { key, entry, fits: known.fits(key, &entry.value) }));
    }
    Some(Fields { place: node.place.clone(), known, entries, meant })
}

fn unknown_key(what: &str, key: &Text, known: Known) -> Finding {
    let message = format!("{what} has no key `{}`", key.as_str());
    let finding = Finding::new(Rule::UnknownKey, key.place.clone(), message);
    match nearest(key.as_str(), known.names()) {
        Some(near) => finding.hint(format!("did you mean `{near}`?")),
        None => finding.hint(format!("the keys are {}", known.names().collect::<Vec<_>>().join(", "))),
    }
}

impl<'n> Fields<'n> {
    /// Whether each of these keys is a map where it is there, so that nothing under it is lost.
    pub fn are_maps(&self, keys: &[&str]) -> bool {
        let is_map = |key: &&str| match self.get(key) {
            Some(node) => matches!(node.kind, Kind::Mapping(_)),
            None => !self.is_there(key),
        };
        keys.iter().all(is_map)
    }

    /// The entry of a known key, whatever its value is.
    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        debug_assert!(self.known.names().any(|name| name == key), "{key} is asked for and not known");
        let meant = || self.meant.iter().find(|meant| meant.key == key && meant.fits);
        let own = self.entries.iter().find(|entry| entry.key.as_str() == key);
        own.or_else(|| meant().map(|meant| meant.entry))
    }

    /// Whether somebody wrote a known key, if only mistyped and not readable as it.
    pub fn is_there(&self, key: &str) -> bool {
        self.get(key).is_some() || self.meant.iter().any(|meant| meant.key == key)
    }

    /// The value of a known key, whatever it is.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of a known key; none where it is `null`, which says that the key is not set.
    pub fn set(&self, key: &str) -> Option<&'n Node> {
        self.get(key).filter(|node| !matches!(node.kind, Kind::Null))
    }
}

/// Takes a map with any keys.
pub fn map<'n>(what: &str, node: &'n Node, findings: &mut Vec<Finding>) -> Option<&'n [Entry]> {
    match &node.kind {
        Kind::Mapping(entries) => Some(entries),
        Kind::Empty | Kind::Null | Kind::Scalar(_) | Kind::Sequence(_) | Kind::Refused => {
            findings.extend(wrong_type(what, "a map", node));
            None
        }
    }
}

/// Takes a list.
pub fn list<'n>(what: &str, node: &'n Node, findings: &mut Vec<Finding>) -> Option<&'n [Node]> {
    match &node.kind {
        Kind::Sequence(items) => Some(items),
        Kind::Empty | Kind::Null | Kind::Scalar(_) | Kind::Mapping(_) | Kind::Refused => {
            findings.extend(wrong_type(what, "a list", node));
            None
        }
    }
}

/// Takes a list of texts.
pub fn texts(what: &str, node: &Node, findings: &mut Vec<Finding>) -> Option<Vec<Text>> {
    let items = list(what, node, findings)?;
    Some(items.iter().filter_map(|item| text(&format!("an item of {what}"), item, findings)).collect())
}

/// Takes a text, as it was written.
pub fn text(what: &str, node: &Node, findings: &mut Vec<Finding>) -> Option<Text> {
    match &node.kind {
        Kind::Scalar(text) => Some(text.clone()),
        Kind::Empty | Kind::Null | Kind::Sequence(_) | Kind::Mapping(_) | Kind::Refused => {
            findings.extend(wrong_type(what, "a text", node));
            None
        }
    }
}

/// Takes `true` or `false`.
pub fn boolean(what: &str, node: &Node, findings: &mut Vec<Finding>) -> Option<bool> {
    let text = text(what, node, findings)?;
    match text.as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => {
            let message = format!("{what} takes true or false");
            findings.push(Finding::new(Rule::WrongType, text.place, message).hint("write `true` or `false`"));
            None
        }
    }
}

/// Takes a whole number, in decimal digits.
pub fn integer(what: &str, node: &Node, findings: &mut Vec<Finding>) -> Option<i64> {
    let text = text(what, node, findings)?;
    let number = text.as_str().parse().ok();
    if number.is_none() {
        let message = format!("{what} takes a whole number");
        findings.push(Finding::new(Rule::WrongType, text.place, message).hint("write decimal digits"));
    }
    number
}

/// Takes one of some words.
pub fn choice<T: Clone>(
    what: &str,
    node: &Node,
    choices: &[(&str, T)],
    findings: &mut Vec<Finding>,
) -> Option<T> {
    let text = text(what, node, findings)?;
    let chosen = choices.iter().find(|(word, _)| *word == text.as_str());
    if chosen.is_none() {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let message = match words.as_slice() {
            [only] => format!("{what} takes nothing but {only}"),
            words => format!("{what} is one of {}", words.join(", ")),
        };
        let finding = Finding::new(Rule::WrongValue, text.place.clone(), message);
        findings.push(match nearest(text.as_str(), words.iter().copied()) {
            Some(near) => finding.hint(format!("did you mean `{near}`?")),
            None => finding.hint(format!("write {}", words.join(" or "))),
        });
    }
    chosen.map(|(_, value)| value.clone())
}

/// Says that a value is of another type than it should be; nothing where it was refused already.
pub fn wrong_type(what: &str, wanted: &str, node: &Node) -> Option<Finding> {
    match &node.kind {
        Kind::Refused => None,
        Kind::Empty => {
            // A secret like `{abc}` without quotes is a key without a value: its text is not told.
            Some(Finding::new(Rule::EmptyValue, node.place.clone(), "a value is missing"))
        }
        kind @ (Kind::Null | Kind::Scalar(_) | Kind::Sequence(_) | Kind::Mapping(_)) => {
            let message = format!("{what} takes {wanted}, and here is {}", kind.name());
            let form = forms::of(what, wanted, &node.place.path).map(|form| format!(", as in `{form}`"));
            let hint = format!("write {wanted}{}", form.unwrap_or_default());
            Some(Finding::new(Rule::WrongType, node.place.clone(), message).hint(hint))
        }
    }
}

/// Says that a key has a dot where keys are names, each leading into the map under it.
pub fn dotted(Entry { key, value }: &Entry) -> Option<Finding> {
    let name = key.as_str();
    // A secret like `{ab.c}` without quotes is a key without a value: its text is not told.
    if !name.contains('.') || matches!(value.kind, Kind::Empty) {
        return None;
    }
    let message = format!("the name `{name}` has a dot, which leads into a map in an expression");
    let finding = Finding::new(Rule::NameInvalid, key.place.clone(), message);
    let mut words = name.split('.');
    let first = words.next().filter(|first| !first.is_empty());
    Some(match first.filter(|_| words.clone().all(|word| !word.is_empty())) {
        Some(first) => {
            let inner = words.rfold("…".to_owned(), |inner, word| format!("{{{word}: {inner}}}"));
            finding.hint(format!("write `{first}: {inner}`"))
        }
        None => finding.hint("write a name without a dot"),
    })
}

/// The word that a mistyped one was most likely meant to be.
pub fn nearest<'w>(word: &str, among: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    // A third of the letters may be wrong; a longer text is worth no comparison.
    let most = (word.chars().count() / 3).clamp(1, 5);
    if word.len() > 200 {
        return None;
    }
    among
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 4 * most)
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= most && *distance < candidate.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::documents;

    fn root(source: &str) -> Node {
        let (mut documents, findings) = documents("a.yaml", source.as_bytes());
        assert!(findings.is_empty(), "{findings:?}");
        documents.remove(0).root
    }

    fn said(findings: &[Finding]) -> Vec<String> {
        findings
            .iter()
            .map(|f| format!("{}:{} {} {}", f.place.line, f.place.column, f.rule.name(), f.message))
            .collect()
    }

    #[test]
    fn known_keys_are_given_and_unknown_ones_are_told() {
        let node = root("interval: 60s\nintervall: 3\nelse: 1\nurl: ~\n");
        let mut findings = Vec::new();
        let fields = fields("the repository", &node, &["interval", "url"], &mut findings).expect("a map");
        let interval = fields.get("interval").expect("is there");
        assert_eq!(text("`interval`", interval, &mut findings).expect("a text").as_str(), "60s");
        assert!(fields.get("url").is_some() && fields.set("url").is_none());
        assert_eq!(
            said(&findings),
            [
                "2:1 unknown-key the repository has no key `intervall`",
                "3:1 unknown-key the repository has no key `else`"
            ]
        );
        assert_eq!(findings[0].hint.as_deref(), Some("did you mean `interval`?"));
        assert_eq!(findings[1].hint.as_deref(), Some("the keys are interval, url"));
    }

    #[test]
    fn a_mistyped_key_is_read_as_the_one_that_was_meant_and_is_missing() {
        let node = root("intervall: 60s\nurl: a\nurll: b\n");
        let mut findings = Vec::new();
        let fields = fields("the repository", &node, &["interval", "url"], &mut findings).expect("a map");
        let text = |key| match &fields.get(key).expect("is there").kind {
            Kind::Scalar(text) => text.as_str().to_owned(),
            _ => panic!("a text"),
        };
        assert_eq!((text("interval"), text("url")), ("60s".to_owned(), "a".to_owned()));
        assert_eq!(findings.len(), 2, "{findings:?}");
    }

    #[test]
    fn a_value_of_another_type_is_told_and_a_refused_one_is_not_told_twice() {
        let node = root("a: [1]\nb:\nc: ~\nd: yes\ne: 1.5\nf: offf\n");
        let mut findings = Vec::new();
        let fields = fields("it", &node, &["a", "b", "c", "d", "e", "f"], &mut findings).expect("a map");
        let get = |key| fields.get(key).expect("is there");
        text("`a`", get("a"), &mut findings);
        list("`b`", get("b"), &mut findings);
        map("`c`", get("c"), &mut findings);
        boolean("`d`", get("d"), &mut findings);
        integer("`e`", get("e"), &mut findings);
        choice("`f`", get("f"), &[("on", 1), ("off", 0)], &mut findings);
        let refused = Node { place: node.place.clone(), kind: Kind::Refused };
        assert!(text("`g`", &refused, &mut findings).is_none());
        assert_eq!(
            said(&findings),
            [
                "1:4 wrong-type `a` takes a text, and here is a list",
                "2:1 empty-value a value is missing",
                "3:4 wrong-type `c` takes a map, and here is null",
                "4:4 wrong-type `d` takes true or false",
                "5:4 wrong-type `e` takes a whole number",
                "6:4 wrong-value `f` is one of on, off",
            ]
        );
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("tempalte", ["template", "environment"]), Some("template"));
        assert_eq!(nearest("x", ["template", "environment"]), None);
    }
}
