//! The words that an expression calls things by: filters, tests, functions.
//!
//! Takes the inside of an expression, says which of its words the engine does not know. The engine itself
//! would say so only of the first, and only where it is computed.

use crate::pipeline::expression::engine;
use crate::yaml::decode::nearest;

/// What stands behind `|`.
const FILTERS: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "slug",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
    "zip",
];

/// What stands behind `is`.
const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

/// The filters that definitions need, for who looks for one.
const USUAL: &str = "slug, default, int, bool, join, replace, lower, upper, trim, split, first, last, length";

/// Words that are followed by a bracket and call nothing.
const KEYWORDS: [&str; 7] = ["not", "and", "or", "in", "if", "else", "is"];

/// A word that the engine does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What it was taken for, and the word.
    pub message: String,
    /// What to write instead.
    pub hint: String,
    /// Where it stands in the expression, in bytes.
    pub at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Filter,
    Test,
    Function,
}

/// Every word that is called and that nobody knows.
pub fn unknown(source: &str) -> Vec<Unknown> {
    let told = |(part, word, at): (Part, &str, usize)| {
        let (what, known, usual): (_, &[&str], _) = match part {
            Part::Filter => ("filter", FILTERS, format!("the usual ones are {USUAL}")),
            Part::Test => ("test", TESTS, "the usual one is `is defined`".to_owned()),
            Part::Function => {
                let known = engine::FUNCTIONS.join(", ");
                (
                    "function",
                    &engine::FUNCTIONS,
                    format!("there are secret, {known}; a name is used without brackets"),
                )
            }
        };
        (!known.contains(&word)).then(|| Unknown {
            message: format!("there is no {what} `{word}`"),
            hint: match nearest(word, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => usual,
            },
            at,
        })
    };
    parts(source).into_iter().filter_map(told).collect()
}

/// The words that are called as functions.
pub fn called(source: &str) -> Vec<&str> {
    let functions = parts(source).into_iter().filter(|(part, ..)| *part == Part::Function);
    functions.map(|(_, word, _)| word).collect()
}

/// Whether perhaps not all of an expression is computed. A word inside a text counts as well: then less is
/// told of it.
pub fn branches(source: &str) -> bool {
    let mut words = source.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.any(|word| matches!(word, "if" | "and" | "or"))
}

/// What stands before a word, as far as it says what the word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Pipe,
    Dot,
    Is,
    Other,
}

fn parts(source: &str) -> Vec<(Part, &str, usize)> {
    let bytes = source.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let (mut parts, mut before, mut at) = (Vec::new(), Before::Other, 0);
    while let Some(&byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\'') {
            at = after_quotes(bytes, at);
            before = Before::Other;
        } else if is_part(&byte) {
            let length = bytes[at..].iter().take_while(|byte| is_part(byte)).count();
            let word = &source[at..at + length];
            let is_call = source[at + length..].trim_start().starts_with('(');
            before = match (before, word) {
                (Before::Is, "not") | (Before::Other, "is") => Before::Is,
                (Before::Pipe, _) => {
                    parts.push((Part::Filter, word, at));
                    Before::Other
                }
                (Before::Is, _) => {
                    parts.push((Part::Test, word, at));
                    Before::Other
                }
                (Before::Other, _) if is_call && !KEYWORDS.contains(&word) && !byte.is_ascii_digit() => {
                    parts.push((Part::Function, word, at));
                    Before::Other
                }
                (Before::Dot | Before::Other, _) => Before::Other,
            };
            at += length;
        } else {
            before = match byte {
                b'|' => Before::Pipe,
                b'.' => Before::Dot,
                _ if byte.is_ascii_whitespace() => before,
                _ => Before::Other,
            };
            at += 1;
        }
    }
    parts
}

fn after_quotes(bytes: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            byte if byte == bytes[open] => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use minijinja::ErrorKind;

    use super::*;

    /// What the engine says where it computes something.
    fn engine_says(source: &str) -> Option<ErrorKind> {
        let code = engine::compile(source).expect("it is well-formed");
        code.eval(()).err().map(|error| error.kind())
    }

    #[test]
    fn the_engine_has_each_word_and_no_other_that_people_try() {
        for filter in FILTERS {
            assert_ne!(engine_says(&format!("'a' | {filter}")), Some(ErrorKind::UnknownFilter), "{filter}");
        }
        for test in TESTS {
            assert_ne!(engine_says(&format!("'a' is {test}")), Some(ErrorKind::UnknownTest), "{test}");
        }
        for other in ["tojson", "urlencode", "quote", "b64enc", "nindent", "regex_replace", "upperr"] {
            assert!(!FILTERS.contains(&other));
            assert_eq!(engine_says(&format!("'a' | {other}")), Some(ErrorKind::UnknownFilter), "{other}");
        }
        for other in ["empty", "null", "set", "containing"] {
            assert!(!TESTS.contains(&other));
            assert_eq!(engine_says(&format!("'a' is {other}")), Some(ErrorKind::UnknownTest), "{other}");
        }
    }

    #[test]
    fn each_unknown_word_is_found_where_it_stands_and_texts_hold_none() {
        let found = |source: &str| -> Vec<_> {
            unknown(source).into_iter().map(|word| format!("{} {}", word.at, word.message)).collect()
        };
        for quiet in [
            "values.a | slug('x | nosuch') | default(\"is nosuch\")",
            "range(3) | join(',')",
            "values.a if not (values.b is not defined) else values.c.get('x')",
            "values.a | default('\\' | nosuch')",
            "values.is.it | int",
            "1 if (x) and (y) or (z) else 2",
        ] {
            assert!(found(quiet).is_empty(), "{quiet}: {:?}", found(quiet));
        }
        assert_eq!(
            found("nosuch(values.a | slgu) if x is not emtpy else y|uper"),
            [
                "0 there is no function `nosuch`",
                "18 there is no filter `slgu`",
                "36 there is no test `emtpy`",
                "49 there is no filter `uper`"
            ]
        );
    }
}
