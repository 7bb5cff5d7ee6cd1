//! A connector as a lint sees it, and what a lint says of it.
//!
//! Takes a rendered connector, gives texts that may be told: what is secret is not seen at all.

use std::sync::Arc;

use crate::model::desired::{DesiredConnector, Origin};
use crate::model::finding::Place;
use crate::model::name::ConnectorName;
use crate::model::rule::Rule;
use crate::pipeline::sight::Sight;

/// A connector that has a class.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'d> {
    /// The name that it has in this environment.
    pub name: &'d ConnectorName,
    /// All of it.
    pub connector: &'d DesiredConnector,
    /// Its class.
    pub class: &'d str,
}

impl<'d> Seen<'d> {
    /// Takes a connector; none where it has no class, as one that is absent or could not be rendered.
    pub fn new(name: &'d ConnectorName, connector: &'d DesiredConnector) -> Option<Self> {
        let Sight { class, config: _ } = Sight::of(&connector.config)?;
        Some(Self { name, connector, class })
    }

    /// What it says, as it is judged.
    pub fn sight(&self) -> Sight<'d> {
        Sight { class: self.class, config: &self.connector.config }
    }

    /// Whether its class is one of these, by its whole name or in short.
    pub fn is(&self, classes: &[&str]) -> bool {
        self.sight().is(classes)
    }

    /// Whether it is one of Debezium's sources.
    pub fn is_debezium(&self) -> bool {
        self.sight().is_debezium()
    }

    /// The text of a key, placeholders and all; none where it is secret, empty or not set.
    pub fn text(&self, key: &str) -> Option<Arc<str>> {
        self.sight().text(key)
    }

    /// The text of a key, where it is known before Connect fills its placeholders in.
    pub fn literal(&self, key: &str) -> Option<Arc<str>> {
        self.sight().literal(key)
    }

    /// Whether a key has a value that is not empty, whatever it is.
    pub fn has(&self, key: &str) -> bool {
        self.sight().has(key)
    }

    /// Whether a key is one of these words, in whatever case.
    pub fn says(&self, key: &str, words: &[&str]) -> bool {
        self.sight().says(key, words)
    }

    /// The layers that set or removed a key.
    pub fn layers(&self, key: &str) -> &'d [Origin] {
        self.connector.origins.get(key).map_or(&[], Vec::as_slice)
    }

    /// Where a key was set.
    pub fn place(&self, key: &str) -> Option<&'d Place> {
        self.layers(key).last().map(|origin| &origin.place)
    }

    /// Says something about a key that is set, or that is missing where it is not.
    pub fn breach(&self, rule: Rule, key: &str, message: impl Into<String>) -> Breach {
        let key = self.connector.config.get(key).map(|_| key.to_owned());
        Breach { rule, key, message: message.into(), hint: None, partner: None }
    }
}

/// What a lint says of a connector.
#[derive(Debug, Clone)]
pub struct Breach {
    /// Which lint.
    pub rule: Rule,
    /// The key concerned; none where one is missing.
    pub key: Option<String>,
    /// What is wrong. The same for all connectors that inherit it.
    pub message: String,
    /// What to do about it, where the rule's own hint does not say it.
    pub hint: Option<String>,
    /// The place in the list of the other connector, where it takes two.
    pub partner: Option<usize>,
}

impl Breach {
    /// Says what to do about it, in place of the rule's own hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
