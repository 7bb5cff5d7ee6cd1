//! Reads bytes into trees, by way of the parser's events.
//!
//! Takes one file, gives its documents and findings. Which keys and values make sense is left to
//! others.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::yaml::tree::{Document, Entry, Kind, Node};
use crate::yaml::{helm, quotes};

/// How deep lists and maps may be nested, each style counted apart.
const DEEPEST: usize = 64;

/// Reads every document of a file.
pub fn documents(path: &str, text: &str) -> (Vec<Document>, Vec<Finding>) {
    Reader::of(path.into(), text).read()
}

/// Takes bytes as text.
pub fn utf8<'b>(path: &str, bytes: &'b [u8]) -> Result<&'b str, Finding> {
    std::str::from_utf8(bytes).map_err(|error| {
        let place = place_after(&path.into(), &bytes[..error.valid_up_to()]);
        Finding::new(Rule::NotUtf8, place, "the file is not UTF-8 text")
    })
}

fn place_after(path: &Arc<str>, bytes: &[u8]) -> Place {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place { path: Arc::clone(path), line: number(line), column: number(column) }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A list or map that is not at its end yet.
enum Open {
    Sequence {
        place: Place,
        items: Vec<Node>,
    },
    Mapping {
        place: Place,
        entries: Vec<Entry>,
        seen: HashMap<Arc<str>, Place>,
        key: Option<Key>,
    },
    /// An unquoted expression, read as nested maps: so many are open.
    Braces {
        place: Place,
        depth: usize,
    },
}

/// A key whose value is still to come.
enum Key {
    Usable(Text),
    /// A finding refused it; its value goes the same way.
    Refused,
    /// A merge key: its value is an alias, and one finding is enough.
    Merge,
}

struct Reader<'a> {
    path: Arc<str>,
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: Vec<Document>,
    findings: Vec<Finding>,
    /// Where the last event or error ended, in bytes.
    read_to: usize,
}

impl<'a> Reader<'a> {
    fn of(path: Arc<str>, text: &'a str) -> Self {
        let options = granit_parser::options! {
            disallow_directives: true,
            emit_comments: false,
            emit_anchor_events: true,
            emit_unresolved_aliases: true,
            flow_nesting_limit: DEEPEST,
            block_nesting_limit: DEEPEST,
        };
        let parser = Parser::new_from_str_with_options(text, options);
        Self {
            path,
            text,
            parser,
            open: Vec::new(),
            root: None,
            documents: Vec::new(),
            findings: Vec::new(),
            read_to: 0,
        }
    }

    fn read(mut self) -> (Vec<Document>, Vec<Finding>) {
        let mut broke_at = None;
        while let Some(event) = self.parser.next_event() {
            match event {
                Ok((event, span)) => {
                    self.read_to = span.end.byte_offset().map_or(self.read_to, |end| end.max(self.read_to));
                    self.take(event, span);
                }
                Err(error) => {
                    self.refuse_syntax(&error);
                    self.read_to = error.marker().byte_offset().unwrap_or(self.read_to);
                    self.end_document(false);
                    // The parser moves on from every error; should it ever not, this does.
                    let at = Some(error.marker().index());
                    if at == broke_at || !matches!(self.parser.proceed_next_document(), Ok(true)) {
                        break;
                    }
                    broke_at = at;
                }
            }
        }
        (self.documents, self.findings)
    }

    fn take(&mut self, event: Event<'_>, span: Span) {
        if self.skips_braces(&event) {
            return;
        }
        if let Some(start) = event.tag().map(|_| span.tag_start().unwrap_or(span.start)) {
            self.refuse(Rule::YamlTag, self.place(&start), "a tag is used");
        }
        match event {
            Event::DocumentEnd => self.end_document(true),
            Event::Alias(_) | Event::UnresolvedAlias(_) => self.take_alias(span),
            Event::Anchor(..) => self.refuse(Rule::YamlAlias, self.place(&span.start), "an anchor is set"),
            Event::Scalar(text, style, ..) => {
                let node = self.scalar(&text, style, span);
                self.close(node, style == ScalarStyle::Plain);
            }
            Event::SequenceStart(..) => {
                self.open.push(Open::Sequence { place: self.place(&span.start), items: Vec::new() });
            }
            Event::MappingStart(..) => self.open_mapping(span),
            Event::SequenceEnd | Event::MappingEnd => self.close_innermost(),
            // Starts of streams and documents, and comments, which are switched off.
            _ => {}
        }
    }

    /// Whether the event belongs to an unquoted expression, whose inside is nobody's business.
    fn skips_braces(&mut self, event: &Event<'_>) -> bool {
        let Some(Open::Braces { depth, .. }) = self.open.last_mut() else { return false };
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => *depth += 1,
            Event::SequenceEnd | Event::MappingEnd => *depth -= 1,
            Event::DocumentEnd => return false,
            _ => {}
        }
        if *depth == 0 {
            self.close_innermost();
        }
        true
    }

    fn open_mapping(&mut self, span: Span) {
        let place = self.place(&span.start);
        let source = span.start.byte_offset().and_then(|at| self.text.get(at..)).unwrap_or_default();
        if source.starts_with("{{") {
            self.refuse_braces(place.clone(), source);
            self.open.push(Open::Braces { place, depth: 1 });
        } else {
            self.open.push(Open::Mapping { place, entries: Vec::new(), seen: HashMap::new(), key: None });
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle, span: Span) -> Node {
        let place = self.place(&span.start);
        let plain = style == ScalarStyle::Plain;
        let kind = match text {
            "~" if plain && span.is_empty() => Kind::Empty,
            "~" | "null" if plain => Kind::Null,
            text => {
                let source = span.slice(self.text).unwrap_or(text);
                Kind::Scalar(Text::written(text, place.clone(), source))
            }
        };
        Node { place, kind }
    }

    fn take_alias(&mut self, span: Span) {
        let place = self.place(&span.start);
        let merges = matches!(self.open.last(), Some(Open::Mapping { key: Some(Key::Merge), .. }));
        if !merges {
            self.refuse(Rule::YamlAlias, place.clone(), "an alias is used");
        }
        self.close(Node { place, kind: Kind::Refused }, true);
    }

    fn close_innermost(&mut self) {
        let node = match self.open.pop() {
            Some(Open::Sequence { place, items }) => Node { place, kind: Kind::Sequence(items) },
            Some(Open::Mapping { place, entries, .. }) => Node { place, kind: Kind::Mapping(entries) },
            Some(Open::Braces { place, .. }) => Node { place, kind: Kind::Refused },
            None => return,
        };
        self.close(node, false);
    }

    /// Puts a node that is at its end into what is open around it.
    fn close(&mut self, node: Node, plain: bool) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, seen, key, .. }) => match key.take() {
                Some(Key::Usable(key)) => {
                    // Nothing has no place of its own; its key has.
                    let place = if matches!(node.kind, Kind::Empty) { key.place.clone() } else { node.place };
                    let node = Node { place, kind: node.kind };
                    seen.insert(Arc::clone(&key.text), key.place.clone());
                    entries.push(Entry { key, value: node });
                }
                Some(Key::Refused | Key::Merge) => {}
                None => {
                    let (usable, finding) = as_key(node, plain, seen);
                    *key = Some(usable);
                    self.findings.extend(finding);
                }
            },
            // Events inside braces never come here.
            Some(Open::Braces { .. }) => {}
        }
    }

    /// Closes what is open, so that what was read of a broken document is still there.
    fn end_document(&mut self, whole: bool) {
        while !self.open.is_empty() {
            self.close_innermost();
        }
        if let Some(root) = self.root.take() {
            self.documents.push(Document { root, whole });
        }
    }

    fn refuse_syntax(&mut self, error: &ScanError) {
        let place = self.place(error.marker());
        if self.is_said_by_braces(&place) {
            return;
        }
        let (rule, message) = match error.kind() {
            ErrorKind::DirectiveDisallowed => (Rule::YamlDirective, "a directive is used".to_owned()),
            ErrorKind::RecursionLimitExceeded => {
                (Rule::YamlTooDeep, format!("lists and maps are nested more than {DEEPEST} levels deep"))
            }
            _ => (Rule::YamlSyntax, format!("not well-formed: {}", error.kind())),
        };
        if let Some((braces, source)) = self.unquoted_braces(error.marker(), &place) {
            self.refuse_braces(braces, source);
            return;
        }
        let finding = Finding::new(rule, place, message);
        self.findings.push(match error.kind() {
            ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation => {
                finding.hint("indent with blanks, never with tabs")
            }
            _ => finding,
        });
    }

    /// Whether an unquoted expression on the same line is what broke the document.
    fn is_said_by_braces(&self, place: &Place) -> bool {
        matches!(self.open.last(), Some(Open::Braces { .. }))
            || self.findings.last().is_some_and(|finding| {
                matches!(finding.rule, Rule::TemplateNotQuoted | Rule::HelmTemplate)
                    && finding.place.line == place.line
            })
    }

    /// Where an expression without quotes begins on the line of an error, before it.
    fn unquoted_braces(&self, marker: &Marker, place: &Place) -> Option<(Place, &'a str)> {
        let upto = self.text.get(..marker.byte_offset()?)?;
        let start = upto.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[start..].lines().next()?;
        // The second brace may be where the parser stopped.
        let end = line.char_indices().nth(place.column as usize + 1).map_or(line.len(), |(at, _)| at);
        // Where the last event ended, no quotes are open.
        let from = self.read_to.min(start + end);
        let at =
            quotes::bare_braces(&self.text[from..start + end], start.saturating_sub(from))? + from - start;
        let column = number(line[..at].chars().count() + 1);
        Some((Place { column, ..place.clone() }, &line[at..]))
    }

    /// Refuses braces without quotes, whose text begins with them.
    fn refuse_braces(&mut self, place: Place, source: &str) {
        if helm::is_action(source) {
            self.refuse(Rule::HelmTemplate, place, "an action of a Helm chart stands here");
        } else {
            self.refuse(Rule::TemplateNotQuoted, place, "an expression is not in quotes");
        }
    }

    fn refuse(&mut self, rule: Rule, place: Place, message: &str) {
        self.findings.push(Finding::new(rule, place, message));
    }

    fn place(&self, marker: &Marker) -> Place {
        Place {
            path: Arc::clone(&self.path),
            line: number(marker.line()).max(1),
            column: number(marker.col() + 1),
        }
    }
}

fn as_key(node: Node, plain: bool, seen: &HashMap<Arc<str>, Place>) -> (Key, Option<Finding>) {
    let Node { place, kind } = node;
    match kind {
        Kind::Scalar(text) if plain && text.as_str() == "<<" => {
            (Key::Merge, Some(Finding::new(Rule::YamlMergeKey, place, "a merge key is used")))
        }
        Kind::Scalar(text) => match seen.get(&text.text) {
            Some(first) => {
                let message = format!("`{}` stands here again; it is already at {}", text.as_str(), first);
                (Key::Refused, Some(Finding::new(Rule::DuplicateKey, place, message)))
            }
            None => (Key::Usable(text), None),
        },
        Kind::Refused => (Key::Refused, None),
        Kind::Empty | Kind::Null | Kind::Sequence(_) | Kind::Mapping(_) => {
            let message = format!("a key is {}", kind.name());
            (Key::Refused, Some(Finding::new(Rule::YamlKey, place, message)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(node: &Node) -> String {
        match &node.kind {
            Kind::Empty => "EMPTY".to_owned(),
            Kind::Null => "NULL".to_owned(),
            Kind::Refused => "REFUSED".to_owned(),
            Kind::Scalar(text) => format!("{:?}@{}:{}", text.as_str(), node.place.line, node.place.column),
            Kind::Sequence(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
            Kind::Mapping(entries) => {
                let show = |Entry { key, value }: &Entry| {
                    format!("{}@{}:{}={}", key.as_str(), key.place.line, key.place.column, show(value))
                };
                format!("{{{}}}", entries.iter().map(show).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Every document, then every finding, one a line.
    fn read(source: &str) -> String {
        let (documents, findings) = documents("a.yaml", source);
        let documents = documents
            .iter()
            .map(|document| format!("{}{}", show(&document.root), if document.whole { "" } else { " …" }));
        let findings = findings
            .iter()
            .map(|f| format!("{}:{} {}: {}", f.place.line, f.place.column, f.rule.name(), f.message));
        documents.chain(findings).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn scalars_keep_their_text_and_their_place() {
        insta::assert_snapshot!(read("a: 010\nb: [1.50, 1e3, yes]\nc: 'it''s'\nd: \"x\\ty\"\ne: |\n  one\n  two\nf: plain\n  folded\n"), @r#"{a@1:1="010"@1:4, b@2:1=["1.50"@2:5, "1e3"@2:11, "yes"@2:16], c@3:1="it's"@3:4, d@4:1="x\ty"@4:4, e@5:1="one\ntwo\n"@6:3, f@8:1="plain folded"@8:4}"#);
    }

    #[test]
    fn nothing_null_and_the_word_null_are_three_things() {
        insta::assert_snapshot!(read("a:\nb: ~\nc: null\nd: 'null'\ne: \"~\"\nf: ''\ng: [~, ]\nh: Null\n"), @r#"{a@1:1=EMPTY, b@2:1=NULL, c@3:1=NULL, d@4:1="null"@4:4, e@5:1="~"@5:4, f@6:1=""@6:4, g@7:1=[NULL], h@8:1="Null"@8:4}"#);
    }

    #[test]
    fn documents_are_read_one_by_one_and_a_broken_one_costs_only_its_rest() {
        insta::assert_snapshot!(read("a: 1\n---\nb: 1\nc: [1, 2\nd: 3\n---\ne: 1\n---\n---\n\tf: 1\n---\ng: 1\n"), @r#"
        {a@1:1="1"@1:4}
        {b@3:1="1"@3:4, c@4:1=["1"@4:5]} …
        {e@7:1="1"@7:4}
        EMPTY
        {f@10:2="1"@10:5}
        {g@12:1="1"@12:4}
        5:2 yaml-syntax: not well-formed: illegal placement of ':' indicator
        "#);
    }

    #[test]
    fn byte_order_mark_carriage_returns_and_wide_characters_do_not_move_places() {
        insta::assert_snapshot!(read("\u{feff}a: 1\r\nzwölf: \"ü\"\r\n\"😀\": x\r\n"), @r#"{a@1:1="1"@1:4, zwölf@2:1="ü"@2:8, 😀@3:1="x"@3:6}"#);
    }

    #[test]
    fn a_key_twice_is_told_with_both_places() {
        insta::assert_snapshot!(read("a: 1\nb: {c: 1, c: 2}\n\"a\": 2\n"), @r#"
        {a@1:1="1"@1:4, b@2:1={c@2:5="1"@2:8}}
        2:11 duplicate-key: `c` stands here again; it is already at a.yaml:2:5
        3:1 duplicate-key: `a` stands here again; it is already at a.yaml:1:1
        "#);
    }

    #[test]
    fn what_gives_one_text_two_meanings_is_refused() {
        insta::assert_snapshot!(read("a: &x {b: 1}\nc: *x\nd: *unknown\ne: {<<: *x, f: 1}\ng: !!str 1\nh: !x\n'<<': 1\n? [1]\n: 2\n~: 3\n: 4\n"), @r#"
        {a@1:1={b@1:8="1"@1:11}, c@2:1=REFUSED, d@3:1=REFUSED, e@4:1={f@4:13="1"@4:16}, g@5:1="1"@5:10, h@6:1=""@6:6, <<@7:1="1"@7:7}
        1:4 yaml-alias: an anchor is set
        2:4 yaml-alias: an alias is used
        3:4 yaml-alias: an alias is used
        4:5 yaml-merge-key: a merge key is used
        5:4 yaml-tag: a tag is used
        6:4 yaml-tag: a tag is used
        8:3 yaml-key: a key is a list
        10:1 yaml-key: a key is null
        11:1 yaml-key: a key is nothing
        "#);
        insta::assert_snapshot!(read("%YAML 1.2\n---\na: 1\n---\nb: 1\n"), @r#"
        {b@5:1="1"@5:4}
        1:1 yaml-directive: a directive is used
        "#);
    }

    #[test]
    fn an_unquoted_expression_has_a_rule_of_its_own() {
        insta::assert_snapshot!(read("a: {{ values.x }}\nb: 1\nc: [{{ f(a, 'b') }}]\nd: {e: {{ x }}}\n{{ x }}: 1\nf: x-{{ y }}\n"), @r#"
        {a@1:1=REFUSED, b@2:1="1"@2:4, c@3:1=[]} …
        1:4 template-not-quoted: an expression is not in quotes
        3:5 template-not-quoted: an expression is not in quotes
        "#);
        insta::assert_snapshot!(read("a: {{ values.x }}-b\n---\nb: {{ a['x'] }}\n---\nc: {d: x-{{ y }}}\n---\ne: {{ y\n---\nf: {{}}\n"), @r#"
        {a@1:1=REFUSED} …
        {b@3:1=REFUSED} …
        {c@5:1={d@5:5="x-"@5:8}} …
        {e@7:1=REFUSED} …
        {f@9:1=REFUSED}
        1:4 template-not-quoted: an expression is not in quotes
        3:4 template-not-quoted: an expression is not in quotes
        5:10 template-not-quoted: an expression is not in quotes
        7:4 template-not-quoted: an expression is not in quotes
        9:4 template-not-quoted: an expression is not in quotes
        "#);
    }

    #[test]
    fn depth_is_limited() {
        let (_, findings) = documents("a.yaml", &"[".repeat(100_000));
        assert_eq!(findings[0].rule, Rule::YamlTooDeep);
        let (_, findings) = documents("a.yaml", &"- ".repeat(100_000));
        assert_eq!(findings[0].rule, Rule::YamlTooDeep);
    }

    #[test]
    fn what_is_no_text_is_told_where_it_begins() {
        let (documents, findings) = crate::yaml::documents("a.yaml", b"a: 1\nb: \xff\n");
        assert!(documents.is_empty());
        assert_eq!(
            (findings[0].rule, findings[0].place.line, findings[0].place.column),
            (Rule::NotUtf8, 2, 4)
        );
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_are_read_to_their_end(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..512)) {
            crate::yaml::documents("a.yaml", &bytes);
        }

        #[test]
        fn arbitrary_marks_are_read_to_their_end(text in "[ab:,\\-?&*!|>'\"%@`{}\\[\\]#~<. \t\r\n\u{feff}ä]{0,200}") {
            let (documents, findings) = documents("a.yaml", &text);
            let broken = documents.iter().any(|document| !document.whole);
            proptest::prop_assert!(!broken || !findings.is_empty());
        }
    }
}
