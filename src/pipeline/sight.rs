//! A connector's config as it is judged.
//!
//! Takes a config that has a class, gives texts that may be told: what is secret is not seen at all. What follows from
//! them is left to the rooms that judge.

use std::sync::Arc;

use crate::model::config::{Config, Shown, Value};
use crate::pipeline::classes;

/// A config and its class.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'c> {
    /// The class.
    pub class: &'c str,
    /// All of it.
    pub config: &'c Config,
}

impl<'c> Sight<'c> {
    /// Looks at a config; none where it has no class.
    pub fn of(config: &'c Config) -> Option<Self> {
        let class = config.class().map(str::trim).filter(|class| !class.is_empty())?;
        Some(Self { class, config })
    }

    /// Whether its class is one of these, by its whole name or in short.
    pub fn is(&self, classes: &[&str]) -> bool {
        classes::is_among(self.class, classes)
    }

    /// Whether it is one of Debezium's sources.
    pub fn is_debezium(&self) -> bool {
        classes::is_debezium(self.class)
    }

    /// The text of a key, placeholders and all; none where it is secret, empty or not set.
    pub fn text(&self, key: &str) -> Option<Arc<str>> {
        match self.config.get(key).map(Value::shown)? {
            Shown::Text(text) => Some(text).filter(|text| !text.trim().is_empty()),
            Shown::Hidden => None,
        }
    }

    /// The text of a key, where it is known before Connect fills its placeholders in.
    pub fn literal(&self, key: &str) -> Option<Arc<str>> {
        self.text(key).filter(|text| !text.contains("${"))
    }

    /// Whether a key has a value that is not empty, whatever it is.
    pub fn has(&self, key: &str) -> bool {
        self.text(key).is_some() || self.config.get(key).is_some_and(Value::is_secret)
    }

    /// Whether a key is one of these words, in whatever case.
    pub fn says(&self, key: &str, words: &[&str]) -> bool {
        self.literal(key).is_some_and(|text| words.iter().any(|word| text.trim().eq_ignore_ascii_case(word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::classes::{POSTGRES, SINGLE_TASK};

    #[test]
    fn a_class_is_known_by_its_name_in_short_as_well_and_not_by_that_of_anybody() {
        for (class, is_postgres, is_single, is_debezium) in [
            ("io.debezium.connector.postgresql.PostgresConnector", true, true, true),
            (" PostgresConnector ", true, true, true),
            ("Postgres", true, true, true),
            ("MySqlConnector", false, true, true),
            ("MongoDb", false, false, true),
            ("com.example.PostgresConnector", false, false, false),
            ("io.debezium.connector.jdbc.JdbcSinkConnector", false, false, false),
            ("JdbcSink", false, false, false),
            ("PostgresSource", false, false, false),
        ] {
            let config: Config = [("connector.class", Value::new("", class))].into_iter().collect();
            let sight = Sight::of(&config).expect("a class");
            let found = (sight.is(POSTGRES), sight.is(SINGLE_TASK), sight.is_debezium());
            assert_eq!(found, (is_postgres, is_single, is_debezium), "{class}");
        }
    }
}
