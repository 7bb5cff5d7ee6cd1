//! Texts that a secret may be part of.
//!
//! Takes values of the engine and secrets, gives texts that are hidden as soon as one secret is in
//! them. A secret lives in the engine only as an object that tells nothing of itself, so whatever an
//! expression does to it, its text does not come out. Which expressions may have one is left to the
//! room above.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Object, ObjectRepr, ValueKind};

use crate::model::config;
use crate::model::finding::Place;
use crate::model::supplied::{Lack, SecretName};

/// A secret that is not at hand.
#[derive(Debug, Clone)]
pub struct Missing {
    /// Where it is named.
    pub place: Place,
    /// Why it is not there; none where nobody looked for it.
    pub lack: Option<Lack>,
}

/// A text as Connect stores it, and what of it is secret.
#[derive(Clone, Default)]
pub struct Written {
    text: String,
    secret: bool,
    missing: BTreeMap<SecretName, Missing>,
}

/// A text with a secret in it, as the engine sees it: a thing without text, members or items.
struct Hidden(Written);

impl Object for Hidden {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Written {
    /// How long it is, in bytes.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Takes a value as Connect stores it: a list becomes `a,b,c`. Where that cannot be, says what the
    /// value is.
    pub fn of(value: &Value) -> Result<Self, &'static str> {
        if let Some(Hidden(written)) = value.downcast_object_ref() {
            return Ok(written.clone());
        }
        match as_text(value) {
            Ok(text) => Ok(Self { text, ..Self::default() }),
            Err(what) if !holds_secret(value) || !is_list(value) => Err(what),
            Err(what) => {
                let mut joined = Self::default();
                for (index, item) in value.try_iter().map_err(|_| what)?.enumerate() {
                    if is_list(&item) {
                        return Err(what);
                    }
                    joined.text.push_str(if index == 0 { "" } else { "," });
                    joined.add(&Self::of(&item).map_err(|_| what)?);
                }
                Ok(joined)
            }
        }
    }

    /// A secret that is at hand.
    pub fn secret(value: &config::Value) -> Self {
        Self { text: value.expose().to_owned(), secret: true, missing: BTreeMap::new() }
    }

    /// A secret that is not: what was written stands for it, so that one can be told from another.
    pub fn missing(name: &SecretName, missing: Missing) -> Self {
        let text = format!("{{{{ secret('{name}') }}}}");
        Self { text, secret: true, missing: BTreeMap::from([(name.clone(), missing)]) }
    }

    /// Adds text that stands in the file.
    pub fn add_plain(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds another text; with a secret in it, all of this one is secret.
    pub fn add(&mut self, other: &Self) {
        let Self { text, secret, missing } = other;
        self.text.push_str(text);
        self.secret |= secret;
        self.missing.extend(missing.iter().map(|(name, missing)| (name.clone(), missing.clone())));
    }

    /// Whether a secret is in it.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// The secrets that are not at hand. With one of them the text is not what Connect is to get.
    pub fn into_missing(self) -> BTreeMap<SecretName, Missing> {
        self.missing
    }

    /// The value of a key.
    pub fn under(&self, key: &str) -> config::Value {
        if self.secret { config::Value::secret(&self.text) } else { config::Value::new(key, &self.text) }
    }

    /// What the engine gets of it.
    pub fn into_value(self) -> Value {
        if self.secret { Value::from_object(Hidden(self)) } else { Value::from(self.text) }
    }
}

/// Writes a value as Connect stores it: a list becomes `a,b,c`. Where that cannot be, says what the
/// value is.
pub fn as_text(value: &Value) -> Result<String, &'static str> {
    match value.kind() {
        ValueKind::String | ValueKind::Bool | ValueKind::Number => Ok(scalar(value)),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|_| "a list that cannot be read")?;
            let texts: Result<Vec<_>, _> = items
                .map(|item| match item.kind() {
                    ValueKind::String | ValueKind::Bool | ValueKind::Number => Ok(scalar(&item)),
                    _ => Err("a list of something else than texts"),
                })
                .collect();
            Ok(texts?.join(","))
        }
        ValueKind::None => Err("none"),
        ValueKind::Map => Err("a map"),
        _ => Err("something that is no text"),
    }
}

fn scalar(value: &Value) -> String {
    // The engine writes booleans as Python does.
    let text = value.to_string();
    if value.kind() == ValueKind::Bool { text.to_ascii_lowercase() } else { text }
}

fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// Whether a value is a text with a secret in it.
pub fn is_secret(value: &Value) -> bool {
    value.downcast_object_ref::<Hidden>().is_some()
}

/// Whether there is a text with a secret in it anywhere in a value.
pub fn holds_secret(value: &Value) -> bool {
    if is_secret(value) {
        return true;
    }
    let Ok(items) = value.try_iter() else { return false };
    match value.kind() {
        ValueKind::Map => {
            items.map(|key| value.get_item(&key).unwrap_or_default()).any(|inner| holds_secret(&inner))
        }
        ValueKind::Seq | ValueKind::Iterable => items.into_iter().any(|item| holds_secret(&item)),
        _ => false,
    }
}
