//! A config that turns into another one, as the rows of the table ask of it.
//!
//! Takes both and which masked keys are known to differ, gives texts, or that nobody can say what a text is: what is hidden
//! is not looked into, and what Connect puts in the place of a placeholder is not known here. Keys have the names here that
//! they have since Debezium 2.0: what only got its new name says the same.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::config::Config;
use crate::pipeline::risk::setting::{self, Kind};
use crate::pipeline::risk::side::{Entry, Said, Side};

/// A config that turns into another one.
#[derive(Debug)]
pub struct Turn<'c> {
    before: Side<'c>,
    after: Side<'c>,
    /// By their names, what they are called in the config itself.
    changed: BTreeMap<Cow<'c, str>, &'c str>,
}

impl<'c> Turn<'c> {
    /// Looks at both; of masked keys only those have changed that are owed.
    pub fn new(before: &'c Config, after: &'c Config, owed: &BTreeSet<Arc<str>>) -> Self {
        let mut turn = Self { before: Side::new(before), after: Side::new(after), changed: BTreeMap::new() };
        let names: BTreeSet<_> = turn.before.names().chain(turn.after.names()).cloned().collect();
        let changed = names.into_iter().filter(|name| turn.differs(name, owed));
        turn.changed = changed.filter_map(|name| turn.key(&name).map(|key| (name, key))).collect();
        turn
    }

    /// The keys that say something else afterwards, in order: by name, and as the config calls them.
    pub fn changed(&self) -> impl Iterator<Item = (&str, &'c str)> {
        self.changed.iter().map(|(name, key)| (name.as_ref(), *key))
    }

    /// Whether a key says something else afterwards.
    pub fn changes(&self, name: &str) -> bool {
        self.changed.contains_key(name)
    }

    /// What a key is called in the config: afterwards where it is there, else before.
    pub fn key(&self, name: &str) -> Option<&'c str> {
        self.after.get(name).or_else(|| self.before.get(name)).map(|entry| entry.key)
    }

    /// The class before and after.
    pub fn classes(&self) -> (&'c str, &'c str) {
        (self.before.class, self.after.class)
    }

    /// Whether a key is there before, and afterwards.
    pub fn is_set(&self, name: &str) -> (bool, bool) {
        (self.before.get(name).is_some(), self.after.get(name).is_some())
    }

    /// The keys that are set before, by name.
    pub fn keys_before(&self) -> impl Iterator<Item = &str> {
        self.before.names().map(AsRef::as_ref)
    }

    /// The keys that are set afterwards, by name.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.after.names().map(AsRef::as_ref)
    }

    /// What a key says before.
    pub fn before(&self, name: &str) -> Said {
        self.before.said(name)
    }

    /// What a key says afterwards.
    pub fn after(&self, name: &str) -> Said {
        self.after.said(name)
    }

    /// How the values of a key are to be read.
    pub fn kind(&self, name: &str) -> Kind {
        setting::of(name, self.after.class).kind
    }

    fn differs(&self, name: &str, owed: &BTreeSet<Arc<str>>) -> bool {
        match (self.before.get(name), self.after.get(name)) {
            (Some(before), Some(after)) if before.value.same_text(after.value) => return false,
            (Some(Entry { key, value }), Some(after)) if value.is_masked() && key == after.key => {
                return owed.contains(key);
            }
            (_, _) => {}
        }
        let kind = self.kind(name);
        let is_list = matches!(kind, Kind::Sequence | Kind::Include | Kind::Names | Kind::Exclude);
        match (self.before(name), self.after(name)) {
            (Said::Text(before), Said::Text(after)) => !kind.is_same(&before, &after),
            (Said::Nothing, Said::Text(text)) | (Said::Text(text), Said::Nothing) => {
                !is_list || !setting::items(&text).is_empty()
            }
            (Said::Nothing, Said::Nothing) => false,
            (Said::Unknown, _) | (_, Said::Unknown) => true,
        }
    }
}
