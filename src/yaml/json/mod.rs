//! Reads JSON into the same trees as YAML, strictly.
//!
//! Takes one file, gives its document and findings. Which keys and values make sense is left to
//! others.
//!
//! Numbers, `true` and `false` become the texts that they were written with. What other readers of
//! JSON take beside the standard (comments, commas at the end, single quotes, NaN) is refused with a
//! word of its own, for a file that Connect would not take must not seem to be one that it would.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use jsonc_parser::ast::{ObjectProp, ObjectPropName, StringLit, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, ParseStringErrorKind};

use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::yaml::advice;
use crate::yaml::helm;
use crate::yaml::tree::{Document, Entry, Kind, Node};

/// How deep lists and maps may be nested.
const DEEPEST: usize = 64;

/// Nothing beyond the standard.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Reads a file; without a document a finding says why.
pub fn document(path: &str, text: &str) -> (Option<Document>, Vec<Finding>) {
    let mut reader = Reader { text, place: Place::start_of(path), at: 0, findings: Vec::new() };
    let parsed = jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &STRICT);
    let broken_at = parsed.as_ref().err().map_or(text.len(), |error| error.range().start);
    if parsed.is_err() && advice::in_conflict(text) {
        let at = text.find("<<<<<<< ").or_else(|| text.find(">>>>>>> ")).unwrap_or_default();
        reader.refuse(at, "not well-formed: a mark of a merge stands here", advice::CONFLICT);
    } else if text.starts_with('\u{feff}') {
        let hint = "save it as UTF-8 without a byte order mark";
        reader.refuse(0, "the file begins with a byte order mark", hint);
    } else if let Some((at, message, hint)) = liberty(&text[..broken_at]) {
        reader.refuse(at, message, hint);
    } else {
        match parsed {
            Ok(parsed) => match parsed.value {
                Some(root) => return reader.document(&root),
                None => reader.refuse(0, "there is nothing in the file", "write a connector, or remove it"),
            },
            Err(error) => reader.refuse_syntax(&error),
        }
    }
    (None, reader.findings)
}

/// Where the parser is kinder than the standard: it takes any white space of Unicode, and texts that
/// go over the end of their line.
fn liberty(text: &str) -> Option<(usize, &'static str, &'static str)> {
    let (mut inside, mut escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            '\n' | '\r' if inside => {
                return Some((
                    at,
                    "a text is not closed on its line",
                    "close it, or write `\\n` for a new line",
                ));
            }
            '\0'..' ' if inside => {
                return Some((
                    at,
                    "a text holds a control character",
                    "write it as an escape, such as `\\t`",
                ));
            }
            ' ' | '\t' | '\n' | '\r' => {}
            _ if !inside && (character.is_whitespace() || character.is_control()) => {
                return Some((at, "here is white space that JSON does not know", "write an ordinary blank"));
            }
            _ => {}
        }
    }
    None
}

/// Where braces stand in a line outside of its texts.
fn bare_braces(line: &str) -> Option<usize> {
    let (mut inside, mut escaped) = (false, false);
    for (at, character) in line.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            '{' if !inside && line[at..].starts_with("{{") => return Some(at),
            _ => {}
        }
    }
    None
}

struct Reader<'a> {
    text: &'a str,
    /// Where the byte at `at` stands. Both only go forward, so that a long line is walked once.
    place: Place,
    at: usize,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn document(mut self, root: &Value<'_>) -> (Option<Document>, Vec<Finding>) {
        let root = self.node(root, 0);
        (Some(Document { root, whole: true }), self.findings)
    }

    fn place(&mut self, at: usize) -> Place {
        for character in self.text[self.at..at].chars() {
            if character == '\n' {
                self.place.line += 1;
                self.place.column = 1;
            } else {
                self.place.column += 1;
            }
        }
        self.at = at;
        self.place.clone()
    }

    fn refuse(&mut self, at: usize, message: &str, hint: &str) {
        let place = self.place(at);
        self.findings.push(Finding::new(Rule::JsonSyntax, place, message).hint(hint));
    }

    fn node(&mut self, value: &Value<'_>, depth: usize) -> Node {
        let start = value.start();
        match value {
            Value::StringLit(text) => {
                let text = self.text(text);
                Node { place: text.place.clone(), kind: Kind::Scalar(text) }
            }
            Value::NumberLit(number) => self.scalar(start, number.value),
            Value::BooleanLit(boolean) => self.scalar(start, if boolean.value { "true" } else { "false" }),
            Value::NullKeyword(_) => Node { place: self.place(start), kind: Kind::Null },
            Value::Array(_) | Value::Object(_) if depth == DEEPEST => {
                let message = format!("lists and maps are nested more than {DEEPEST} levels deep");
                self.refuse(start, &message, "flatten it");
                Node { place: self.place.clone(), kind: Kind::Refused }
            }
            Value::Array(array) => {
                let place = self.place(start);
                let items = array.elements.iter().map(|item| self.node(item, depth + 1)).collect();
                Node { place, kind: Kind::Sequence(items) }
            }
            Value::Object(object) => {
                let place = self.place(start);
                Node { place, kind: Kind::Mapping(self.entries(&object.properties, depth + 1)) }
            }
        }
    }

    fn scalar(&mut self, start: usize, text: &str) -> Node {
        let place = self.place(start);
        Node { place: place.clone(), kind: Kind::Scalar(Text::plain(text, place)) }
    }

    fn text(&mut self, literal: &StringLit<'_>) -> Text {
        let place = self.place(literal.range.start);
        let source = &self.text[literal.range.start..literal.range.end];
        Text::written(&literal.value, place, source)
    }

    fn entries(&mut self, properties: &[ObjectProp<'_>], depth: usize) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut seen: HashMap<Arc<str>, Place> = HashMap::new();
        for ObjectProp { name, value, .. } in properties {
            let key = match name {
                ObjectPropName::String(literal) => self.text(literal),
                ObjectPropName::Word(word) => unreachable!("a bare key at {} is a mistake", word.range.start),
            };
            let value = self.node(value, depth);
            if let Some(first) = seen.get(&key.text) {
                let message = format!("`{}` stands here again; it is already at {first}", key.as_str());
                self.findings.push(Finding::new(Rule::DuplicateKey, key.place, message));
            } else {
                seen.insert(Arc::clone(&key.text), key.place.clone());
                entries.push(Entry { key, value });
            }
        }
        entries
    }

    fn refuse_syntax(&mut self, error: &ParseError) {
        let at = error.range().start;
        // Whatever the parser stumbled over, braces on the same line are what broke it.
        let line = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let upto = self.text[at..].char_indices().nth(2).map_or(self.text.len(), |(next, _)| at + next);
        if let Some(braces) = bare_braces(&self.text[line..upto]).map(|found| line + found) {
            let place = self.place(braces);
            self.findings.push(if helm::is_action(&self.text[braces..]) {
                Finding::new(Rule::HelmTemplate, place, "an action of a Helm chart stands here")
            } else {
                Finding::new(Rule::JsonSyntax, place, "JSON holds no expressions")
                    .hint("write the connector as YAML, or lay a YAML connector over this file with `from`")
            });
            return;
        }
        let (message, hint) = match (error.kind(), self.text[at..].chars().next()) {
            (_, Some('#')) => words(&ParseErrorKind::CommentsNotAllowed),
            // Zeros before a number: the parser sees two numbers.
            (ParseErrorKind::ExpectedComma, Some('0'..='9')) => words(&ParseErrorKind::ExpectedDigit),
            (ParseErrorKind::UnexpectedToken, Some(c)) if c.is_alphabetic() => {
                words(&ParseErrorKind::UnexpectedWord)
            }
            (kind, _) => words(kind),
        };
        self.refuse(at, message, hint);
    }
}

/// What is wrong, and what to do about it. The parser's own words may repeat what stands in the
/// file, and that may be a secret.
fn words(kind: &ParseErrorKind) -> (&'static str, &'static str) {
    use jsonc_parser::errors::ParseErrorKind as Wrong;
    match kind {
        Wrong::CommentsNotAllowed | Wrong::UnterminatedCommentBlock => {
            ("JSON has no comments", "remove the comment, or write the connector as YAML, which has them")
        }
        Wrong::TrailingCommasNotAllowed => ("a comma stands before a closing bracket", "remove the comma"),
        Wrong::SingleQuotedStringsNotAllowed => {
            ("a text begins with a single quote", "write it in double quotes")
        }
        Wrong::ExpectedStringObjectProperty => ("a key is not in quotes", "write it in double quotes"),
        Wrong::NonFiniteNumbersNotAllowed
        | Wrong::HexadecimalNumbersNotAllowed
        | Wrong::UnaryPlusNumbersNotAllowed
        | Wrong::BareDecimalPointNumbersNotAllowed
        | Wrong::ExpectedDigit
        | Wrong::ExpectedDigitFollowingNegativeSign
        | Wrong::ExpectedPlusMinusOrDigitInNumberLiteral => (
            "a number is not written as JSON writes numbers",
            "write it in double quotes; Connect keeps the text",
        ),
        Wrong::ExpectedComma => ("a comma is missing", "write one here"),
        Wrong::ExpectedColonAfterObjectKey => {
            ("a colon is missing after a key", "write `\"key\": \"value\"`")
        }
        Wrong::ExpectedObjectValue => ("a key has no value", "write one, or remove the key"),
        Wrong::MultipleRootJsonValues => (
            "something stands after the end of the connector",
            "remove it; several connectors stand in one list: `[{…}, {…}]`",
        ),
        Wrong::UnterminatedArray | Wrong::UnterminatedObject => {
            ("the bracket that opens here is never closed", "close it")
        }
        Wrong::NestingDepthExceeded => ("lists and maps are nested too deep", "flatten it"),
        Wrong::String(ParseStringErrorKind::UnterminatedStringLiteral) => {
            ("a text is never closed", "close it")
        }
        Wrong::String(_) => (
            "a text holds an escape that JSON does not know",
            "the escapes are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four digits, in pairs beyond \\uffff",
        ),
        Wrong::UnexpectedWord => (
            "a word stands here that is no JSON",
            "write a text in double quotes; without them only numbers, true, false and null may stand",
        ),
        _ => ("something stands here that is no JSON", "write a text in double quotes, a list or a map"),
    }
}
