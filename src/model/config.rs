//! A connector's config: texts under keys, each knowing whether it may be shown.
//!
//! Takes keys and texts, gives values that cannot be printed by accident. What is secret is asked
//! of [`secret`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::model::secret;

/// One config value: its text, and whether it is secret.
///
/// There is no `Display`, and `Debug` hides: the text leaves only through [`Value::expose`], which
/// is for Connect's wire, or [`Value::shown`].
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    text: Arc<str>,
    secret: bool,
}

/// A value as a person may see it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// The text itself.
    Text(Arc<str>),
    /// There is a text, and it is not shown.
    Hidden,
}

impl Value {
    /// Takes a text under a key; the key and the text decide whether it is secret.
    pub fn new(key: &str, text: &str) -> Self {
        Self { text: text.into(), secret: secret::is_secret(key, text) }
    }

    /// Takes a text that is secret whatever its key is called.
    pub fn secret(text: &str) -> Self {
        Self { text: text.into(), secret: true }
    }

    /// Whether it must not be shown.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// Whether Connect masked it on reading.
    pub fn is_masked(&self) -> bool {
        secret::is_masked(&self.text)
    }

    /// Whether Connect puts something in place of a part of it.
    pub fn holds_placeholder(&self) -> bool {
        secret::holds_placeholder(&self.text)
    }

    /// Whether there is a text, and it stands somewhere in another one.
    pub fn is_within(&self, other: &str) -> bool {
        !self.text.is_empty() && other.contains(self.text.as_ref())
    }

    /// Whether the text is a list, parted by commas, that has this item.
    pub fn lists(&self, item: &str) -> bool {
        self.text.split(',').any(|each| each.trim() == item)
    }

    /// Whether both have the same text.
    pub fn same_text(&self, other: &Self) -> bool {
        self.text == other.text
    }

    /// Whether the text of a secret stands in this one, wherever it came from.
    pub fn repeats(&self, secret: &Self) -> bool {
        secret.secret && !secret.text.is_empty() && self.text.contains(secret.text.as_ref())
    }

    /// The text itself, for Connect's wire and for nothing else.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The value as a person may see it.
    pub fn shown(&self) -> Shown {
        if self.secret { Shown::Hidden } else { Shown::Text(Arc::clone(&self.text)) }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shown() {
            Shown::Text(text) => write!(f, "{text:?}"),
            Shown::Hidden => f.write_str("(hidden)"),
        }
    }
}

/// A connector's whole config, ordered by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config(BTreeMap<Arc<str>, Value>);

impl Config {
    /// Puts a value under a key, in place of the one that was there.
    pub fn insert(&mut self, key: &str, value: Value) {
        self.0.insert(key.into(), value);
    }

    /// Takes a key away; says whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        self.0.remove(key).is_some()
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Every key with its value, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// Every key, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The connector's class, which is never secret.
    pub fn class(&self) -> Option<&str> {
        self.get("connector.class").map(Value::expose)
    }
}

impl<K: AsRef<str>> FromIterator<(K, Value)> for Config {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.as_ref().into(), value)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let config: Config = [("database.password", "hunter2"), ("topic", "orders")]
            .map(|(key, text)| (key, Value::new(key, text)))
            .into_iter()
            .collect();
        let printed = format!("{config:?} {:?}", Value::secret("hunter2"));
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(printed.contains("orders"), "{printed}");
    }
}
