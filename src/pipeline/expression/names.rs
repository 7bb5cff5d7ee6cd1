//! The names that an expression uses, and those of them that are not set.
//!
//! Takes a compiled expression with its source, gives paths such as `values.postgres.host` with their
//! places in the text. What is said of one is left to the room above.

use std::collections::BTreeMap;

use minijinja::value::ValueKind;
use minijinja::{ErrorKind, Expression, Value};

use crate::pipeline::expression::{engine, words};

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

/// A name that is not set.
#[derive(Debug, Clone)]
pub struct Unset<'u> {
    /// Which.
    pub used: &'u Used,
    /// How many of its words are there.
    pub depth: usize,
    /// What is there instead of the first that is not: a map with other names, mostly.
    pub around: Value,
}

/// Every name in an expression, in the order of the text. What it calls is none of them.
pub fn uses_of(code: &Expression<'static, 'static>, source: &str, offset: usize) -> Vec<Used> {
    let called = words::called(source);
    let is_called =
        |path: &str| engine::FUNCTIONS.contains(&path) || (called.contains(&path) && path != "secret");
    let mut found: Vec<_> = code
        .undeclared_variables(true)
        .into_iter()
        .filter(|path| !is_called(path))
        .map(|path| (position(source, &path), path))
        .collect();
    found.sort();
    found.into_iter().map(|(at, path)| Used { path, offset: offset + at }).collect()
}

/// The names that are not set and that the expression cannot do without. Where several are missing, one
/// counts if the expression cannot be computed with something in place of all the others: what stands in a
/// branch that is not taken need not be there. Without code, each counts.
pub fn unset<'u>(
    code: Option<&Expression<'static, 'static>>,
    source: &str,
    used: &'u [Used],
    names: &Value,
) -> Vec<Unset<'u>> {
    let mut all: Vec<_> = used
        .iter()
        .filter(|used| !is_guarded(source, &used.path))
        .filter_map(|used| missing(used, names))
        .collect();
    let Some(code) = code.filter(|_| all.len() > 1) else { return all };
    let is_needed = |index: usize| {
        let others = all.iter().enumerate().filter(|(other, _)| *other != index);
        let filled = others.fold(names.clone(), |names, (_, unset)| {
            with_something(&names, &unset.used.path.split('.').collect::<Vec<_>>())
        });
        match code.eval(filled) {
            Ok(value) => value.is_undefined(),
            Err(error) => error.kind() == ErrorKind::UndefinedError,
        }
    };
    let needed: Vec<_> = (0..all.len()).map(is_needed).collect();
    if needed.contains(&true) {
        let mut needed = needed.into_iter();
        all.retain(|_| needed.next().unwrap_or_default());
    } else {
        all.truncate(1);
    }
    all
}

fn missing<'u>(used: &'u Used, names: &Value) -> Option<Unset<'u>> {
    let mut around = names.clone();
    for (depth, segment) in used.path.split('.').enumerate() {
        let inner = around.get_attr(segment).unwrap_or_default();
        if inner.is_undefined() {
            return Some(Unset { used, depth, around });
        }
        around = inner;
    }
    None
}

/// A value with a text under a path in it.
fn with_something(value: &Value, path: &[&str]) -> Value {
    let [first, rest @ ..] = path else { return Value::from("0") };
    let mut map: BTreeMap<String, Value> = BTreeMap::new();
    if value.kind() == ValueKind::Map {
        let keys = value.try_iter().into_iter().flatten();
        let entry = |key: Value| Some((key.as_str()?.to_owned(), value.get_attr(key.as_str()?).ok()?));
        map.extend(keys.filter_map(entry));
    }
    let inner = value.get_attr(first).unwrap_or_default();
    map.insert((*first).to_owned(), with_something(&inner, rest));
    Value::from(map)
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

/// Whether a name may be undefined where it stands: `x | default(…)`, `x is defined`.
fn is_guarded(source: &str, path: &str) -> bool {
    let Some(rest) = source.get(position(source, path) + path.len()..) else { return false };
    let rest = rest.trim_start();
    let filter = rest.strip_prefix('|').map(str::trim_start).unwrap_or_default();
    filter.starts_with("default") || filter.starts_with("d(") || rest.starts_with("is ")
}
