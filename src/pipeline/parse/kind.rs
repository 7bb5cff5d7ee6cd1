//! Says what a document is: a connector, a template, an environment or a forget.
//!
//! Takes its keys, gives the word for its kind and the key that says so; explains afterwards which kind it
//! was taken for, where another one stands in it too.

use crate::model::finding::Finding;
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::yaml::decode::nearest;
use crate::yaml::tree::{Kind, Node};

/// The keys that say what a document is.
pub const WORDS: [&str; 4] = ["connector", "template", "environment", "forget"];

/// The kind of a document, and the key that says so; none where no key does. A connector names its template, so
/// its own key comes first wherever it stands; of the others the one that stands first in the document counts. A
/// mistyped one is read as what it was meant to be, where nothing else says what the document is: so the rest of
/// it is looked at.
pub fn of(root: &Node) -> Option<(&'static str, &Text)> {
    let Kind::Mapping(entries) = &root.kind else { return None };
    let word = |key: &Text| WORDS.into_iter().find(|word| *word == key.as_str());
    let mut said = entries.iter().filter_map(|entry| Some((word(&entry.key)?, &entry.key)));
    let first = said.clone().find(|(word, _)| *word == WORDS[0]).or_else(|| said.next());
    let is_text = |node: &Node| matches!(&node.kind, Kind::Scalar(text) if !text.as_str().contains("{{"));
    let meant = || {
        let mut named = entries.iter().filter(|entry| is_text(&entry.value));
        named.find_map(|entry| near(&entry.key).map(|word| (word, &entry.key)))
    };
    first.or_else(meant)
}

/// The kind that a key was most likely meant to say.
pub fn near(key: &Text) -> Option<&'static str> {
    let near = nearest(key.as_str(), WORDS);
    WORDS.into_iter().find(|word| Some(*word) == near)
}

/// Says beside a key of another kind which kind the document was taken for, and why.
pub fn explain(kind: &str, said: &Text, findings: &mut [Finding]) {
    // A connector has `template` and `environments`, and each wrong key in it a better word.
    if kind == WORDS[0] {
        return;
    }
    let is_kind = |finding: &Finding| {
        let ends = |word: &str| finding.message.ends_with(&format!(" has no key `{word}`"));
        finding.rule == Rule::UnknownKey && WORDS.iter().any(|word| ends(word))
    };
    for finding in findings.iter_mut().filter(|finding| is_kind(finding)) {
        let line = said.place.line;
        let hint = format!(
            "the document is taken for {} {kind}, since `{}` stands first, in line {line}; write the other as a document of its own, after `---`",
            if kind.starts_with('e') { "an" } else { "a" },
            said.as_str(),
        );
        finding.hint = Some(hint);
    }
}
