//! The expressions in a text: `{{ … }}` and nothing else.
//!
//! Takes a text and names with their values, gives the computed value or a finding at its place.
//! Which names exist is left to the caller; `{%`, `{#` and Connect's `${…}` are plain text here. What a
//! secret is part of may be handed on and stand in a text; the engine never computes with it.

mod engine;
mod secret;
mod split;
pub mod written;

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::supplied::{SecretName, Secrets};
use crate::model::text::Text;
use crate::pipeline::expression::split::Piece;
use crate::pipeline::expression::written::{Missing, Written, holds_secret, is_secret};
use crate::yaml::decode::nearest;

/// The names that every expression may use; `params` only where there is a template.
pub const NAMES: [&str; 4] = ["connector", "environment", "values", "params"];

/// A text with at least one expression, ready to be computed as often as needed.
#[derive(Debug)]
pub struct Formula {
    text: Text,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Plain(Arc<str>),
    Computed { code: minijinja::Expression<'static, 'static>, source: Arc<str>, offset: usize },
    Secret { name: SecretName, offset: usize },
}

/// The names an expression may use, with their values.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Every name.
    pub names: Value,
    /// Parameters that are numbers, as they were written: one that is merely passed on keeps its text.
    pub numbers: BTreeMap<Arc<str>, Arc<str>>,
    /// Whether some parameters have no value because a finding speaks of them already.
    pub lost: bool,
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

/// A name that a formula uses, as in `values.postgres.host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// The whole path.
    pub path: String,
    /// Where it stands in the text, in bytes.
    pub offset: usize,
}

impl Used {
    /// What stands before the first dot.
    pub fn root(&self) -> &str {
        self.path.split('.').next().unwrap_or_default()
    }

    /// What stands between the first and the second dot.
    pub fn member(&self) -> Option<&str> {
        self.path.split('.').nth(1)
    }
}

/// Compiles a text; none where there is no expression in it.
pub fn compile(text: &Text) -> Result<Option<Formula>, Finding> {
    let pieces = split::split(text.as_str()).map_err(|offset| {
        let message = "an expression has no end";
        Finding::new(Rule::ExpressionSyntax, text.place_of(offset), message)
            .hint("close it with `}}`; a quote inside an expression must be closed too")
    })?;
    if !pieces.iter().any(|piece| matches!(piece, Piece::Expression(_))) {
        return Ok(None);
    }
    let parts = pieces.into_iter().map(|piece| part(text, piece)).collect::<Result<_, _>>()?;
    Ok(Some(Formula { text: text.clone(), parts }))
}

fn part(text: &Text, piece: Piece) -> Result<Part, Finding> {
    match piece {
        Piece::Plain(range) => Ok(Part::Plain(text.as_str()[range].into())),
        Piece::Expression(range) => {
            let (offset, source) = (range.start, &text.as_str()[range]);
            let wrong =
                |message: String| Finding::new(Rule::ExpressionSyntax, text.place_of(offset - 2), message);
            if source.starts_with("- ") || source.ends_with(" -") {
                return Err(wrong("an expression has no `-` at its braces".to_owned())
                    .hint("remove it; nothing around an expression is trimmed"));
            }
            if source.trim().len() > engine::LONGEST {
                return Err(wrong("an expression is longer than 1,024 bytes".to_owned())
                    .hint("say a part of it in the default of a parameter, or in `values`"));
            }
            let code = engine::compile(source.trim()).map_err(|error| {
                let detail = error.detail().unwrap_or("it cannot be read");
                wrong(format!("an expression is not well-formed: {detail}"))
                    .hint("write a name like `values.a.b`, with filters like `| slug('_')`")
            })?;
            // Looked for only where the word stands: most expressions name no secret.
            let uses = || uses_of(&code, source, offset).into_iter().find(|used| used.root() == "secret");
            if let Some(used) = source.contains("secret").then(uses).flatten() {
                let name = secret::named(source).map_err(|why| {
                    Finding::new(Rule::SecretUse, text.place_of(used.offset), why)
                        .hint("write `{{ secret('env:NAME') }}` or `{{ secret('file:PATH') }}`; other text may stand around the braces")
                })?;
                return Ok(Part::Secret { name, offset: used.offset });
            }
            Ok(Part::Computed { code, source: source.into(), offset })
        }
    }
}

impl Formula {
    /// Where a name stands that is used. It is looked for only when it is to be told.
    pub fn place(&self, used: &Used) -> Place {
        self.text.place_of(used.offset)
    }

    /// Every name that is used, in the order of the text.
    pub fn uses(&self) -> Vec<Used> {
        let of = |part: &Part| match part {
            Part::Plain(_) | Part::Secret { .. } => Vec::new(),
            Part::Computed { code, source, offset } => uses_of(code, source, *offset),
        };
        self.parts.iter().flat_map(of).collect()
    }

    /// Computes the text. One expression that is all of it keeps its type; else it is a text.
    ///
    /// Without a finding the error means that a parameter is used of which another finding speaks.
    pub fn compute(&self, scope: &Scope) -> Result<Value, Option<Finding>> {
        if let [Part::Computed { code, source, offset }] = self.parts.as_slice() {
            return self.compute_part(code, source, *offset, scope);
        }
        let mut text = Written::default();
        for part in &self.parts {
            match part {
                Part::Plain(plain) => text.add_plain(plain),
                Part::Computed { code, source, offset } => {
                    let value = self.compute_part(code, source, *offset, scope)?;
                    text.add(&Written::of(&value).map_err(|what| self.no_text(*offset, what))?);
                }
                Part::Secret { name, offset } => text.add(&self.secret(name, *offset, scope)),
            }
            if text.len() > MOST {
                return Err(Some(too_much(self.text.place.clone())));
            }
        }
        Ok(text.into_value())
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
        code: &minijinja::Expression<'static, 'static>,
        source: &str,
        offset: usize,
        scope: &Scope,
    ) -> Result<Value, Option<Finding>> {
        if let Some(text) = scope.passed_on(source) {
            return Ok(Value::from(Arc::clone(text)));
        }
        if scope.hidden {
            let used = uses_of(code, source, offset);
            if let Some(touched) = used.iter().find(|used| touches_secret(scope, &used.path)) {
                return self.handed_on(source, touched, scope).map_err(Some);
            }
        }
        let error = match code.eval(scope.names.clone()) {
            Ok(value) if is_too_long(&value) => {
                return Err(Some(too_much(self.text.place_of(offset - 2))));
            }
            Ok(value) if !value.is_undefined() => return Ok(value),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        let used = uses_of(code, source, offset);
        if scope.lost && used.iter().any(|used| used.root() == "params") {
            return Err(None);
        }
        let start = self.text.place_of(offset - 2);
        Err(Some(match error {
            Some(error) if error.kind() == ErrorKind::OutOfFuel => too_much(start),
            Some(error) if error.kind() != ErrorKind::UndefinedError => failed(&error, start),
            Some(_) | None => self.undefined(source, &used, scope, start),
        }))
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

    fn undefined(&self, source: &str, used: &[Used], scope: &Scope, start: Place) -> Finding {
        let missing = used.iter().filter(|used| !is_guarded(source, &used.path)).find_map(|used| {
            let mut value = scope.names.clone();
            for (depth, segment) in used.path.split('.').enumerate() {
                let inner = value.get_attr(segment).unwrap_or_default();
                if inner.is_undefined() {
                    return Some((used, depth, segment, value));
                }
                value = inner;
            }
            None
        });
        let Some((used, depth, segment, around)) = missing else {
            return Finding::new(Rule::UndefinedName, start, "an expression uses something that is not set")
                .hint("set it, or write `| default('…')`");
        };
        let path: Vec<_> = used.path.split('.').take(depth + 1).collect();
        let finding =
            Finding::new(Rule::UndefinedName, self.place(used), format!("`{}` is not set", path.join(".")));
        let names: Vec<_> = around
            .try_iter()
            .map(|names| names.filter_map(|name| name.as_str().map(ToOwned::to_owned)).collect())
            .unwrap_or_default();
        finding.hint(match nearest(segment, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{}`?", [&path[..depth], &[near]].concat().join(".")),
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

fn uses_of(code: &minijinja::Expression<'static, 'static>, source: &str, offset: usize) -> Vec<Used> {
    let mut found: Vec<_> = code
        .undeclared_variables(true)
        .into_iter()
        .filter(|path| !engine::FUNCTIONS.contains(&path.as_str()))
        .map(|path| (position(source, &path), path))
        .collect();
    found.sort();
    found.into_iter().map(|(at, path)| Used { path, offset: offset + at }).collect()
}

/// Where a path stands in an expression; its beginning where it is written in some other way.
fn position(source: &str, path: &str) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '\'');
    let stands = |path: &str| {
        source.match_indices(path).map(|(at, _)| at).find(|&at| {
            !source[..at].ends_with(is_part)
                && !source[at + path.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
        })
    };
    let root = path.split('.').next().unwrap_or_default();
    stands(path).or_else(|| stands(root)).unwrap_or_else(|| source.len() - source.trim_start().len())
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
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction => {
            error.detail().unwrap_or("a filter, test or function is unknown").to_owned()
        }
        ErrorKind::UnknownMethod => "an object has no such method".to_owned(),
        _ => match error.detail().filter(|detail| engine::is_own(detail)) {
            Some(own) => own.to_owned(),
            None => format!("an expression cannot be computed: {}", error.kind()),
        },
    };
    Finding::new(Rule::ExpressionFailed, place, message)
        .hint("look at the types of what it uses: values are texts until `int` or `bool` is asked for")
}

/// Whether a name may be undefined where it stands: `x | default(…)`, `x is defined`.
fn is_guarded(source: &str, path: &str) -> bool {
    let Some(rest) = source.get(position(source, path) + path.len()..) else { return false };
    let rest = rest.trim_start();
    let filter = rest.strip_prefix('|').map(str::trim_start).unwrap_or_default();
    filter.starts_with("default") || filter.starts_with("d(") || rest.starts_with("is ")
}

#[cfg(test)]
mod tests;
