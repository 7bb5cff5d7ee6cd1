//! Reads bytes into trees, by way of the parser's events.
//!
//! Takes one file, gives its documents and findings. Which keys and values make sense is left to
//! others.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::yaml::tree::{Document, Entry, Kind, Node};
use crate::yaml::{advice, helm, quotes};

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
        /// Whether a bracket opens it.
        flow: bool,
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
                let flow = self.source_at(&span.start).starts_with('[');
                self.open.push(Open::Sequence { place: self.place(&span.start), items: Vec::new(), flow });
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
        let source = self.source_at(&span.start);
        if source.starts_with("{{") {
            self.refuse_braces(place.clone(), source);
            self.open.push(Open::Braces { place, depth: 1 });
        } else {
            self.open.push(Open::Mapping { place, entries: Vec::new(), seen: HashMap::new(), key: None });
        }
    }

    fn source_at(&self, marker: &Marker) -> &'a str {
        marker.byte_offset().and_then(|at| self.text.get(at..)).unwrap_or_default()
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
            Some(Open::Sequence { place, items, .. }) => Node { place, kind: Kind::Sequence(items) },
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
        if !whole {
            self.refuse_what_broke();
        }
        while !self.open.is_empty() {
            self.close_innermost();
        }
        if let Some(root) = self.root.take() {
            self.documents.push(Document { root, whole });
        }
    }

    /// Where a document broke nobody knows what the value there was to be: its finding is enough.
    fn refuse_what_broke(&mut self) {
        let is_text = |node: &&mut Node| matches!(node.kind, Kind::Scalar(_));
        let last = match self.open.last_mut() {
            Some(Open::Sequence { items, .. }) => items.last_mut(),
            Some(Open::Mapping { entries, key: None, .. }) => {
                entries.last_mut().map(|entry| &mut entry.value)
            }
            Some(Open::Mapping { .. } | Open::Braces { .. }) | None => None,
        };
        if let Some(node) = last.filter(is_text) {
            node.kind = Kind::Refused;
        }
        for open in &mut self.open {
            match open {
                // A bracket alone may be the mistake itself.
                Open::Sequence { flow: true, place, .. } => {
                    *open = Open::Braces { place: place.clone(), depth: 0 };
                }
                Open::Mapping { entries, place, key: None, .. } if entries.is_empty() => {
                    *open = Open::Braces { place: place.clone(), depth: 0 };
                }
                Open::Sequence { .. } | Open::Mapping { .. } | Open::Braces { .. } => {}
            }
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
        self.findings.push(if rule == Rule::YamlSyntax {
            let at = error.marker().byte_offset().unwrap_or(self.text.len());
            let in_brackets = self.open.iter().any(|open| matches!(open, Open::Sequence { flow: true, .. }));
            finding.hint(advice::of(error.kind(), self.text, at, in_brackets))
        } else {
            finding
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
