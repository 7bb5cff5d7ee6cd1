//! A config on one side of a change, as the rows of the table ask of it.
//!
//! Takes a config, gives what it says by the names that keys have since Debezium 2.0. A connector of Debezium's without
//! `topic.prefix` is from before that: no later one starts without. In others the old names are not read. Debezium's sinks
//! read an old name where the new one is not there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::config::{Config, Shown, Value};
use crate::pipeline::classes;
use crate::pipeline::former;
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::setting;
use crate::pipeline::server;

/// A config on one side of a change.
#[derive(Debug)]
pub struct Side<'c> {
    /// The class; empty where there is none.
    pub class: &'c str,
    by_name: BTreeMap<Cow<'c, str>, Entry<'c>>,
}

/// A key as it stands in a config.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'c> {
    /// What it is called there.
    pub key: &'c str,
    /// What it says.
    pub value: &'c Value,
}

/// What a key says on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// This, by itself or by default.
    Text(Arc<str>),
    /// Nothing: it is not set, and has no default that is known.
    Nothing,
    /// Nobody can say.
    Unknown,
}

impl<'c> Side<'c> {
    /// Looks at a config.
    pub fn new(config: &'c Config) -> Self {
        let class = config.class().unwrap_or_default();
        let is_sink = classes::is_debezium_sink(class);
        let is_old = is_sink || config.get("topic.prefix").is_none();
        let successor = |key: &str| {
            if is_sink {
                former::successor_in_sinks(key).map(Cow::Borrowed)
            } else {
                former::successor(key).filter(|_| Family::Debezium.has(class))
            }
        };
        let mut by_name = BTreeMap::new();
        for (key, value) in config.iter() {
            let entry = Entry { key, value };
            match successor(key) {
                None => drop(by_name.insert(Cow::Borrowed(key), entry)),
                // Where both are there, the new one is read.
                Some(now) if is_old && config.get(&now).is_none() => drop(by_name.insert(now, entry)),
                Some(_) => {}
            }
        }
        Self { class, by_name }
    }

    /// What stands in the config under a name, or under the one that it had before.
    pub fn get(&self, name: &str) -> Option<Entry<'c>> {
        self.by_name.get(name).copied()
    }

    /// Every name that is set, in order.
    pub fn names(&self) -> impl Iterator<Item = &Cow<'c, str>> {
        self.by_name.keys()
    }

    /// What is said under a name.
    pub fn said(&self, name: &str) -> Said {
        let Some(Entry { key: _, value }) = self.get(name) else {
            let default = setting::of(name, self.class).default;
            // A port beside the name of an instance takes that one's place, also where it is the usual one.
            let default = default.filter(|_| name != server::PORT || self.get("database.instance").is_none());
            return default.map_or(Said::Nothing, |default| Said::Text(default.into()));
        };
        match value.shown() {
            Shown::Text(text) if !value.is_masked() && !Value::holds_placeholder(value) => Said::Text(text),
            Shown::Text(_) | Shown::Hidden => Said::Unknown,
        }
    }
}
