//! The expressions in a text: `{{ … }}` and nothing else.
//!
//! Takes a text and names with their values, gives the computed value or a finding at its place.
//! Which names exist is left to the caller; `{%`, `{#` and Connect's `${…}` are plain text here. What a
//! secret is part of may be handed on and stand in a text; the engine never computes with it.

mod engine;
pub mod names;
mod secret;
mod split;
pub mod unread;
mod words;
pub mod written;

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Expression, Value};

use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::supplied::{SecretName, Secrets};
use crate::model::text::Text;
use crate::pipeline::expression::names::{Unset, Used, uses_of};
use crate::pipeline::expression::split::Piece;
use crate::pipeline::expression::written::{Missing, Written, holds_secret, is_secret};
use crate::yaml::decode::nearest;
use crate::yaml::helm;

/// The names that every expression may use; `params` only where there is a template.
pub const NAMES: [&str; 4] = ["connector", "environment", "values", "params"];

/// A text with at least one expression, ready to be computed as often as needed. Where one of them is
/// wrong the others are looked at as well.
#[derive(Debug)]
pub struct Formula {
    text: Text,
    parts: Vec<Part>,
    wrong: Vec<Finding>,
}

#[derive(Debug)]
enum Part {
    Plain(Arc<str>),
    Computed {
        code: minijinja::Expression<'static, 'static>,
        source: Arc<str>,
        offset: usize,
    },
    Secret {
        name: SecretName,
        offset: usize,
    },
    /// One that findings refuse, with the names in it.
    Wrong {
        source: Arc<str>,
        used: Vec<Used>,
    },
}

/// The names an expression may use, with their values.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Every name.
    pub names: Value,
    /// Parameters that are numbers, as they were written: one that is merely passed on keeps its text.
    pub numbers: BTreeMap<Arc<str>, Arc<str>>,
    /// The names under which something is missing because a finding speaks of it already.
    pub lost: Vec<&'static str>,
    /// Whether a secret is in one of them.
    pub hidden: bool,
    /// The secrets that are at hand; none where nobody looked for them.
    pub secrets: Option<Secrets>,
}

impl Scope {
    /// The text of a number of which an expression says nothing but the name.
    fn passed_on(&self, source: &str) -> Option<&Arc<str>> {
        if self.numbers.is_empty() {
            return None;
        }
        self.numbers.get(source.trim().strip_prefix("params.")?)
    }
}

/// Where the first braces around one of our own names begin, in a text that nobody computes. Other braces are
/// some plugin's own, as in `{{value}}`.
pub fn begins_in(text: &str) -> Option<usize> {
    let is_ours = |inside: &str| {
        NAMES.iter().chain(&["secret"]).any(|name| {
            let rest = inside.trim_start().strip_prefix(name);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    };
    // All that stand before the last end have one: a text full of braces is walked once.
    let mut braces = text[..text.rfind("}}")?].match_indices("{{").map(|(at, _)| at);
    braces.find(|at| is_ours(&text[at + 2..]))
}

/// Compiles a text; none where there is no expression in it.
pub fn compile(text: &Text) -> Option<Formula> {
    let (pieces, broken) = match split::split(text.as_str()) {
        Ok(pieces) => (pieces, None),
        // What stands before it has an end.
        Err(offset) => (split::split(&text.as_str()[..offset]).unwrap_or_default(), Some(offset)),
    };
    if broken.is_none() && !pieces.iter().any(|piece| matches!(piece, Piece::Expression(_))) {
        return None;
    }
    let mut formula = Formula { text: text.clone(), parts: Vec::new(), wrong: Vec::new() };
    for piece in pieces {
        let part = part(text, piece, &mut formula.wrong);
        formula.parts.push(part);
    }
    if let Some(offset) = broken {
        let finding = Finding::new(Rule::ExpressionSyntax, text.place_of(offset), "an expression has no end");
        let hint = "close it with `}}`; a quote inside an expression must be closed too";
        formula.wrong.push(finding.hint(hint));
        formula.parts.push(Part::Wrong { source: "".into(), used: Vec::new() });
    }
    Some(formula)
}

fn part(text: &Text, piece: Piece, wrong: &mut Vec<Finding>) -> Part {
    let range = match piece {
        Piece::Plain(range) => return Part::Plain(text.as_str()[range].into()),
        Piece::Expression(range) => range,
    };
    let (offset, source) = (range.start, &text.as_str()[range]);
    let refused = |used| Part::Wrong { source: source.into(), used };
    let code = match read(text, source, offset) {
        Ok(code) => code,
        Err(finding) => {
            wrong.push(finding);
            return refused(Vec::new());
        }
    };
    let used = || uses_of(&code, source, offset);
    // Looked for only where the word stands: most expressions name no secret.
    let secret = || used().into_iter().find(|used| used.root() == "secret");
    if let Some(at) = source.contains("secret").then(secret).flatten() {
        return match secret::named(source) {
            Ok(name) => Part::Secret { name, offset: at.offset },
            Err(why) => {
                let finding = Finding::new(Rule::SecretUse, text.place_of(at.offset), why);
                wrong.push(finding.hint("write `{{ secret('env:NAME') }}` or `{{ secret('file:PATH') }}`; other text may stand around the braces"));
                // What stands in the brackets of `secret` was to be its name.
                let inside = source.trim().strip_prefix("secret").unwrap_or(source).trim();
                let is_all = inside.starts_with('(') && inside.find(')') == Some(inside.len() - 1);
                refused(used().into_iter().filter(|used| !is_all && used.root() != "secret").collect())
            }
        };
    }
    let unknown = words::unknown(source);
    if unknown.is_empty() {
        return Part::Computed { code, source: source.into(), offset };
    }
    wrong.extend(unknown.into_iter().map(|word| {
        Finding::new(Rule::ExpressionFailed, text.place_of(offset + word.at), word.message).hint(word.hint)
    }));
    refused(used())
}

/// Compiles the inside of an expression, or says why it cannot be read.
fn read(text: &Text, source: &str, offset: usize) -> Result<Expression<'static, 'static>, Finding> {
    let start = || text.place_of(offset - 2);
    let wrong = |message: String| Finding::new(Rule::ExpressionSyntax, start(), message);
    let trimmed = source.strip_prefix("- ").unwrap_or(source);
    let trimmed = trimmed.strip_suffix(" -").unwrap_or(trimmed);
    if trimmed.trim().len() > engine::LONGEST {
        return Err(wrong("an expression is longer than 1,024 bytes".to_owned())
            .hint("say a part of it in the default of a parameter, or in `values`"));
    }
    match engine::compile(trimmed.trim()) {
        Ok(code) if trimmed.len() == source.len() => Ok(code),
        Ok(_) => Err(wrong("an expression has no `-` at its braces".to_owned())
            .hint("remove it; nothing around an expression is trimmed")),
        // What was written for Helm is mostly no expression of ours; `- ` alone does not make it one.
        Err(_) if helm::is_action(&format!("{{{{{trimmed}}}}}")) => {
            Err(Finding::new(Rule::HelmTemplate, start(), "an action of a Helm chart stands here"))
        }
        Err(error) => {
            let detail = error.detail().unwrap_or("it cannot be read");
            Err(wrong(format!("an expression is not well-formed: {detail}"))
                .hint("write a name like `values.a.b`, with filters like `| slug('_')`"))
        }
    }
}

impl Formula {
    /// Where a name stands that is used. It is looked for only when it is to be told.
    pub fn place(&self, used: &Used) -> Place {
        self.text.place_of(used.offset)
    }

    /// What is wrong with the expressions as they are written, wherever they are computed.
    pub fn wrong(&self) -> &[Finding] {
        &self.wrong
    }

    /// Every name that is used, in the order of the text.
    pub fn uses(&self) -> Vec<Used> {
        let of = |part: &Part| match part {
            Part::Plain(_) | Part::Secret { .. } => Vec::new(),
            Part::Computed { code, source, offset } => uses_of(code, source, *offset),
            Part::Wrong { source: _, used } => used.clone(),
        };
        self.parts.iter().flat_map(of).collect()
    }

    /// Computes the text. One expression that is all of it keeps its type; else it is a text.
    ///
    /// An error has every finding of its parts; none where others speak of them already.
    pub fn compute(&self, scope: &Scope) -> Result<Value, Vec<Finding>> {
        if let [Part::Computed { code, source, offset }] = self.parts.as_slice() {
            return self.compute_part(code, source, *offset, scope);
        }
        let (mut text, mut wrong, mut lost) = (Written::default(), Vec::new(), false);
        for part in &self.parts {
            let written = match part {
                Part::Plain(plain) => {
                    text.add_plain(plain);
                    continue;
                }
                Part::Computed { code, source, offset } => {
                    let value = self.compute_part(code, source, *offset, scope);
                    value.and_then(|value| {
                        Written::of(&value).map_err(|what| vec![self.no_text(*offset, what)])
                    })
                }
                Part::Secret { name, offset } => Ok(self.secret(name, *offset, scope)),
                Part::Wrong { source, used } => Err(self.unset(None, source, used, scope)),
            };
            match written {
                Ok(written) => text.add(&written),
                Err(findings) => {
                    lost = true;
                    wrong.extend(findings);
                }
            }
            if text.len() > MOST {
                return Err(vec![too_much(self.text.place.clone())]);
            }
        }
        if lost { Err(wrong) } else { Ok(text.into_value()) }
    }

    fn secret(&self, name: &SecretName, offset: usize, scope: &Scope) -> Written {
        let found = scope.secrets.as_ref().map(|secrets| secrets.get(name));
        let lack = match found {
            Some(Ok(value)) => return Written::secret(value),
            Some(Err(lack)) => Some(lack),
            None => None,
        };
        Written::missing(name, Missing { place: self.text.place_of(offset), lack })
    }

    fn compute_part(
        &self,
        code: &Expression<'static, 'static>,
        source: &str,
        offset: usize,
        scope: &Scope,
    ) -> Result<Value, Vec<Finding>> {
        if let Some(text) = scope.passed_on(source) {
            return Ok(Value::from(Arc::clone(text)));
        }
        if scope.hidden {
            let used = uses_of(code, source, offset);
            if let Some(touched) = used.iter().find(|used| touches_secret(scope, &used.path)) {
                return self.handed_on(source, touched, scope).map_err(|finding| vec![finding]);
            }
        }
        let start = || self.text.place_of(offset - 2);
        let error = match code.eval(scope.names.clone()) {
            Ok(value) if is_too_long(&value) => return Err(vec![too_much(start())]),
            Ok(value) if !value.is_undefined() => return Ok(value),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        let used = uses_of(code, source, offset);
        let is_lost = used.iter().any(|used| scope.lost.contains(&used.root()));
        Err(match error {
            Some(error) if error.kind() == ErrorKind::OutOfFuel => vec![too_much(start())],
            Some(error) if error.kind() != ErrorKind::UndefinedError && is_lost => Vec::new(),
            Some(error) if error.kind() != ErrorKind::UndefinedError => {
                let mut wrong = vec![failed(&error, start())];
                // What stands in a branch may not be needed, and nobody knows which one is taken.
                if !words::branches(source) {
                    wrong.extend(self.unset(None, source, &used, scope));
                }
                wrong
            }
            Some(_) | None => {
                let unset = self.unset(Some(code), source, &used, scope);
                if !unset.is_empty() || is_lost {
                    return Err(unset);
                }
                let message = "an expression uses something that is not set";
                let finding = Finding::new(Rule::UndefinedName, start(), message);
                vec![finding.hint("set it, or write `| default('…')`")]
            }
        })
    }

    /// What has a secret in it, where the expression is its name and nothing else.
    fn handed_on(&self, source: &str, touched: &Used, scope: &Scope) -> Result<Value, Finding> {
        let value = found(scope, &touched.path).last().cloned().unwrap_or_default();
        if source.trim() == touched.path && !value.is_undefined() {
            return Ok(value);
        }
        let message = format!("there is a secret in `{}`, and nothing can be computed with it", touched.path);
        let finding = Finding::new(Rule::SecretUse, self.place(touched), message);
        Err(finding.hint("write its name alone in the braces; other text may stand around them"))
    }

    /// Says of each name that it is not set, but where a finding speaks of that already.
    fn unset(
        &self,
        code: Option<&Expression<'static, 'static>>,
        source: &str,
        used: &[Used],
        scope: &Scope,
    ) -> Vec<Finding> {
        let unset = names::unset(code, source, used, &scope.names).into_iter();
        let told = unset.filter(|unset| !scope.lost.contains(&unset.used.root()));
        told.map(|unset| self.not_set(&unset)).collect()
    }

    fn not_set(&self, Unset { used, depth, around }: &Unset<'_>) -> Finding {
        let words: Vec<_> = used.path.split('.').collect();
        let (path, segment) = (&words[..=*depth], words[*depth]);
        let finding =
            Finding::new(Rule::UndefinedName, self.place(used), format!("`{}` is not set", path.join(".")));
        let names: Vec<_> = around
            .try_iter()
            .map(|names| names.filter_map(|name| name.as_str().map(ToOwned::to_owned)).collect())
            .unwrap_or_default();
        finding.hint(match nearest(segment, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{}`?", [&path[..*depth], &[near]].concat().join(".")),
            None if path[0] == "params" => "give it in `with`, or give the parameter a default".to_owned(),
            None if path[0] == "values" => {
                "set it in the environment's `values` or in the settings".to_owned()
            }
            None => format!("the names are {}", names.join(", ")),
        })
    }

    fn no_text(&self, offset: usize, what: &str) -> Finding {
        let message = format!("an expression gives {what}, which cannot be part of a text");
        Finding::new(Rule::ExpressionFailed, self.text.place_of(offset - 2), message)
            .hint("take one of its members, or join it")
    }
}

/// The values on a path of names, the last one that of the whole path.
fn found(scope: &Scope, path: &str) -> Vec<Value> {
    let mut values = vec![scope.names.clone()];
    for segment in path.split('.') {
        let inner = values.last().and_then(|value| value.get_attr(segment).ok()).unwrap_or_default();
        values.push(inner);
    }
    values
}

/// Whether a path leads to a secret, through one, or to something that has one in it.
fn touches_secret(scope: &Scope, path: &str) -> bool {
    let values = found(scope, path);
    values.iter().any(is_secret) || values.last().is_some_and(holds_secret)
}

/// What one expression may give, in bytes: as much as a file may hold.
const MOST: usize = 256 * 1024;

/// Whether a value is more than that. A list may be made of one that stands for many: it is counted
/// until that is known.
fn is_too_long(value: &Value) -> bool {
    if let Some(text) = value.as_str() {
        return text.len() > MOST;
    }
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return false;
    }
    let mut length = 0_usize;
    value.try_iter().is_ok_and(|mut items| {
        items.any(|item| {
            length += 1 + item.as_str().map_or(0, str::len);
            length > MOST
        })
    })
}

fn too_much(place: Place) -> Finding {
    Finding::new(Rule::ExpressionFailed, place, "an expression computes more than a config may hold")
        .hint("take a smaller number, or a shorter list")
}

/// Says why an expression cannot be computed. The engine's own text may hold values, so only what
/// is known to hold names is taken from it.
fn failed(error: &Error, place: Place) -> Finding {
    let message = match error.kind() {
        ErrorKind::UnknownMethod => "an object has no such method".to_owned(),
        _ => match error.detail().filter(|detail| engine::is_own(detail)) {
            Some(own) => own.to_owned(),
            None => format!("an expression cannot be computed: {}", error.kind()),
        },
    };
    Finding::new(Rule::ExpressionFailed, place, message)
        .hint("look at the types of what it uses: values are texts until `int` or `bool` is asked for")
}

#[cfg(test)]
mod tests;
