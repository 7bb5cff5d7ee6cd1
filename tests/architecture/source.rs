//! Reads a Rust source as the rules want it: words and marks with their lines, paths, and imports.
//!
//! Takes a file's text, gives what the shipped part of it names; what stands under `#[cfg(test)]`
//! is cut off. Comments are no words, a literal is one word. What is forbidden is left to `rules`.

use std::collections::BTreeMap;
use std::fmt;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// One source file of the crate.
pub struct Source {
    /// Its path from the folder `src`, as in `repo/git.rs`.
    pub path: String,
    /// How many lines it has, tests included.
    pub lines: usize,
    /// Whether it opens with a `//!` comment.
    pub opens_with_doc: bool,
    /// What is shipped of it, in order.
    pub words: Vec<Word>,
}

/// A word, a mark or a literal, and its line.
#[derive(Debug, Clone)]
pub struct Word {
    /// Its text: `use`, `::`, `{`, `"text"`.
    pub text: String,
    /// Where it stands, from 1.
    pub line: usize,
}

/// A path as it is written somewhere, imports taken apart: `crate::model::plan::Step`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Its names, in order; `*` and `self` included where an import ends in them.
    pub names: Vec<String>,
    /// Where it begins, from 1.
    pub line: usize,
}

impl Path {
    /// Whether it begins with these names.
    pub fn begins(&self, names: &[&str]) -> bool {
        self.names.len() >= names.len() && self.names.iter().zip(names).all(|(a, b)| a == b)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names.join("::"))
    }
}

impl Source {
    /// Reads a file's text.
    pub fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            lines: text.lines().count(),
            opens_with_doc: text.starts_with("//!"),
            words: without_tests(&words_of(path, text)),
        }
    }

    /// Reads every file of a folder; nothing is shipped of those that only tests bring in.
    pub fn all(files: &BTreeMap<String, String>) -> Vec<Self> {
        let mut sources: Vec<_> = files.iter().map(|(path, text)| Self::new(path, text)).collect();
        let only_tests: Vec<_> = files.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
        for source in &mut sources {
            let module = source.module();
            if only_tests.iter().any(|tests| module.starts_with(tests)) {
                source.words.clear();
            }
        }
        sources
    }

    /// The room: the first folder, or the name of a file that lies in none.
    pub fn room(&self) -> &str {
        self.path.split_once('/').map_or_else(|| self.path.trim_end_matches(".rs"), |(room, _)| room)
    }

    /// The module that it is: `["repo", "git"]` for `repo/git.rs`, `["repo"]` for `repo/mod.rs`.
    pub fn module(&self) -> Vec<String> {
        module_of(&self.path)
    }

    /// Where these words stand one after the other.
    pub fn lines_of(&self, words: &[&str]) -> Vec<usize> {
        self.words
            .windows(words.len())
            .filter(|window| window.iter().zip(words).all(|(word, text)| word.text == *text))
            .map(|window| window[0].line)
            .collect()
    }

    /// Whether a word stands at a place.
    pub fn is(&self, at: usize, text: &str) -> bool {
        self.words.get(at).is_some_and(|word| word.text == text)
    }

    /// Each path of the file: those of `use` items taken apart, and those written in place.
    pub fn paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        let mut at = 0;
        while at < self.words.len() {
            at = match self.words[at].text.as_str() {
                "use" if !self.is(at + 1, "<") => import(&self.words, at + 1, &[], &mut paths),
                "in" if at > 0 && self.is(at - 1, "(") => at + 2, // `pub(in crate::repo)` names no owner
                _ => in_place(&self.words, at, &mut paths),
            };
        }
        paths
    }
}

fn module_of(path: &str) -> Vec<String> {
    path.trim_end_matches(".rs").trim_end_matches("/mod").split('/').map(str::to_owned).collect()
}

/// The modules that a file brings in for tests alone: `#[cfg(test)] mod tests;`.
fn test_modules(path: &str, text: &str) -> Vec<Vec<String>> {
    let folder = if path.contains('/') { module_of(path) } else { Vec::new() };
    let words = words_of(path, text);
    let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
    let marked = texts.windows(TEST.len() + 3).filter(|window| window.starts_with(TEST));
    marked
        .filter(|window| window[TEST.len()] == "mod" && window[TEST.len() + 2] == ";")
        .map(|window| folder.iter().cloned().chain([window[TEST.len() + 1].to_owned()]).collect())
        .collect()
}

/// What marks an item that only tests see.
const TEST: &[&str] = &["#", "[", "cfg", "(", "test", ")", "]"];

/// Every word of a file, tests included.
pub fn words_of(path: &str, text: &str) -> Vec<Word> {
    let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: no Rust: {error}"));
    let mut words = Vec::new();
    flatten(stream, &mut words);
    words
}

/// Takes one branch of a `use` tree apart; returns where it ends.
fn import(words: &[Word], mut at: usize, above: &[String], paths: &mut Vec<Path>) -> usize {
    let line = words.get(at).map_or(0, |word| word.line);
    let mut names = above.to_vec();
    while at < words.len() {
        match words[at].text.as_str() {
            "::" => at += 1,
            "as" => at += 2,
            "{" => {
                at += 1;
                while at < words.len() && words[at].text != "}" {
                    at = import(words, at, &names, paths);
                    at += usize::from(words.get(at).is_some_and(|word| word.text == ","));
                }
                return at + 1;
            }
            ";" | "," | "}" => break,
            name => {
                names.push(name.to_owned());
                at += 1;
            }
        }
    }
    paths.push(Path { names, line });
    at
}

/// Takes a path of two or more names that begins here; returns where to look on.
fn in_place(words: &[Word], start: usize, paths: &mut Vec<Path>) -> usize {
    let is_name = |at: usize| words.get(at).is_some_and(|word| is_name(&word.text));
    let is_colons = |at: usize| words.get(at).is_some_and(|word| word.text == "::");
    if !is_name(start) || !is_colons(start + 1) {
        return start + 1;
    }
    let mut at = start;
    let mut names = vec![words[at].text.clone()];
    while is_colons(at + 1) && is_name(at + 2) {
        at += 2;
        names.push(words[at].text.clone());
    }
    paths.push(Path { names, line: words[start].line });
    at + 1
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Writes a stream as a flat row, `::` as one mark.
fn flatten(stream: TokenStream, words: &mut Vec<Word>) {
    let mut joint: Option<char> = None;
    for tree in stream {
        let line = tree.span().start().line;
        let before = joint.take();
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                words.push(Word { text: open.to_owned(), line });
                flatten(group.stream(), words);
                words.push(Word { text: close.to_owned(), line: group.span_close().start().line });
            }
            TokenTree::Punct(mark) => {
                if mark.spacing() == Spacing::Joint {
                    joint = Some(mark.as_char());
                }
                match before {
                    Some(':') if mark.as_char() == ':' => {
                        let last = words.last_mut().expect("the first colon was pushed");
                        last.text.push(':');
                        joint = None;
                    }
                    _ => words.push(Word { text: mark.to_string(), line }),
                }
            }
            TokenTree::Ident(word) => words.push(Word { text: word.to_string(), line }),
            TokenTree::Literal(word) => words.push(Word { text: word.to_string(), line }),
        }
    }
}

/// Cuts off every item that stands under `#[cfg(test)]`, up to its `;` or its closing brace.
fn without_tests(words: &[Word]) -> Vec<Word> {
    let mut kept = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let marked = words[at..].len() >= TEST.len()
            && words[at..].iter().zip(TEST).all(|(word, text)| word.text == *text);
        if marked {
            at = end_of_item(words, at + TEST.len());
        } else {
            kept.push(words[at].clone());
            at += 1;
        }
    }
    kept
}

fn end_of_item(words: &[Word], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, word) in words.iter().enumerate().skip(from) {
        match word.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth -= 1;
                if depth == 0 && word.text == "}" {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    words.len()
}

#[test]
fn imports_are_taken_apart_and_paths_in_place_are_found() {
    let text = "//! Doc.\nuse crate::model::{self, plan::{Step, Plan as P}, name::*};\nuse std::fmt;\n\
                fn f() { let x: Vec<crate::repo::Error> = ::std::env::var(\"use crate::no;\"); m!(a::b) }";
    let source = Source::new("cli/plan.rs", text);
    let paths: Vec<_> = source.paths().iter().map(|path| format!("{}:{path}", path.line)).collect();
    assert_eq!(
        paths,
        [
            "2:crate::model::self",
            "2:crate::model::plan::Step",
            "2:crate::model::plan::Plan",
            "2:crate::model::name::*",
            "3:std::fmt",
            "4:crate::repo::Error",
            "4:std::env::var",
            "4:a::b",
        ]
    );
    assert!(source.opens_with_doc);
    assert_eq!((source.room(), source.module()), ("cli", vec!["cli".to_owned(), "plan".to_owned()]));
}

#[test]
fn a_file_that_only_tests_bring_in_ships_nothing() {
    let files = [
        ("view/mod.rs", "mod human;\n#[cfg(test)]\nmod example;"),
        ("view/human.rs", "use a::b;"),
        ("view/example.rs", "use c::d;"),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into_iter().collect();
    let paths: Vec<_> =
        Source::all(&files).iter().flat_map(Source::paths).map(|path| path.to_string()).collect();
    assert_eq!(paths, ["a::b"]);
}

#[test]
fn a_visibility_and_a_capture_are_no_imports() {
    let source =
        Source::new("repo/git.rs", "pub(in crate::repo) fn a<'a>() -> impl Sized + use<'a> { b::c() }");
    let paths: Vec<_> = source.paths().iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["b::c"]);
}

#[test]
fn what_is_only_for_tests_is_cut_off_and_nothing_else() {
    let text = "fn a() {}\n#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests { use super::*; fn b() { c(); } }\n\
                #[cfg(test)]\nuse crate::d;\nfn e() {}";
    let source = Source::new("metrics.rs", text);
    let words: Vec<_> = source.words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(words.join(" "), "fn a ( ) { } fn e ( ) { }");
    assert_eq!(source.words.last().expect("a brace").line, 7);
}
