//! What differs between two configs.
//!
//! Takes the config to be and the config that is, gives the changed keys with secrets already
//! hidden, and apart from them the keys that nobody can compare because Connect masked them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::config::{Config, Shown, Value};
use crate::model::plan::{Change, ChangeKind};

/// What differs between two configs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// The keys that differ, in order.
    pub changes: Vec<Change>,
    /// The keys whose live value is masked, in order: neither equal nor different.
    pub unverifiable: Vec<Arc<str>>,
}

impl Difference {
    /// Adds those of the masked keys that must be written. Nobody can compare them any the more for it.
    #[must_use]
    pub fn owing(mut self, owed: &BTreeSet<Arc<str>>) -> Self {
        let hidden = || ChangeKind::Changed { before: Shown::Hidden, after: Shown::Hidden };
        let masked = self.unverifiable.iter().filter(|key| owed.contains(*key));
        self.changes.extend(masked.map(|key| change(key, hidden())));
        self.changes.sort_by(|a, b| a.key.cmp(&b.key));
        self
    }
}

/// Compares the config to be with the config that is.
pub fn difference(desired: &Config, live: &Config) -> Difference {
    let mut difference = Difference::default();
    // A secret that moved to another key is still one where Connect has it now.
    let seen = |before: &Value| {
        let repeats = desired.iter().any(|(_, secret)| before.repeats(secret));
        if repeats { Shown::Hidden } else { before.shown() }
    };
    for (key, after) in desired.iter() {
        match live.get(key) {
            None => difference.changes.push(change(key, ChangeKind::Added { after: after.shown() })),
            Some(before) if before.same_text(after) => {}
            Some(before) if before.is_masked() => difference.unverifiable.push(key.into()),
            Some(before) => {
                let (before, after) = shown_alike((before, seen(before)), after);
                difference.changes.push(change(key, ChangeKind::Changed { before, after }));
            }
        }
    }
    for (key, before) in live.iter().filter(|(key, _)| desired.get(key).is_none()) {
        difference.changes.push(change(key, ChangeKind::Removed { before: seen(before) }));
    }
    difference.changes.sort_by(|a, b| a.key.cmp(&b.key));
    difference
}

fn change(key: &str, kind: ChangeKind) -> Change {
    Change { key: key.into(), kind }
}

/// Hides both sides where one is secret: a password that became a placeholder is still a password.
fn shown_alike((before, seen): (&Value, Shown), after: &Value) -> (Shown, Shown) {
    if before.is_secret() || after.is_secret() {
        (Shown::Hidden, Shown::Hidden)
    } else {
        (seen, after.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        pairs.iter().map(|&(key, text)| (key, Value::new(key, text))).collect()
    }

    fn keys(difference: &Difference) -> Vec<(&str, &'static str)> {
        difference.changes.iter().map(|change| (change.key.as_ref(), change.kind.name())).collect()
    }

    #[test]
    fn keys_are_added_changed_and_removed_in_order() {
        let found = difference(
            &config(&[("a", "1"), ("b", "2"), ("d", "4")]),
            &config(&[("b", "0"), ("c", "3"), ("d", "4")]),
        );
        assert_eq!(keys(&found), [("a", "added"), ("b", "changed"), ("c", "removed")]);
    }

    #[test]
    fn a_masked_value_is_neither_equal_nor_different() {
        let found = difference(
            &config(&[("database.password", "hunter2")]),
            &config(&[("database.password", "••••••••••••")]),
        );
        assert_eq!(keys(&found), []);
        assert_eq!(found.unverifiable, ["database.password".into()]);
    }

    #[test]
    fn a_masked_key_that_should_not_be_there_is_a_difference() {
        let found = difference(&config(&[]), &config(&[("database.password", "********")]));
        assert_eq!(keys(&found), [("database.password", "removed")]);
    }

    #[test]
    fn a_secret_that_moved_to_another_key_stays_hidden_where_it_was() {
        let desired: Config = [("new", Value::secret("hunter2")), ("topic", Value::new("topic", "orders"))]
            .into_iter()
            .collect();
        let found =
            difference(&desired, &config(&[("old", "x:hunter2@y"), ("plain", "x"), ("topic", "hunter2")]));
        let shown: Vec<_> = found.changes.iter().map(|change| format!("{change:?}")).collect();
        assert_eq!(
            keys(&found),
            [("new", "added"), ("old", "removed"), ("plain", "removed"), ("topic", "changed")]
        );
        assert!(!shown.concat().contains("hunter2"), "{shown:?}");
        assert!(shown[2].contains("\"x\""), "{shown:?}");
    }

    #[test]
    fn both_sides_are_hidden_where_one_is_secret() {
        let placeholder = config(&[("database.password", "${env:PASSWORD}")]);
        let plain = config(&[("database.password", "hunter2")]);
        for found in [difference(&placeholder, &plain), difference(&plain, &placeholder)] {
            assert_eq!(
                found.changes[0].kind,
                ChangeKind::Changed { before: Shown::Hidden, after: Shown::Hidden }
            );
        }
    }

    #[test]
    fn an_address_that_moves_is_shown_where_neither_side_has_a_credential() {
        let at = |text: &str| config(&[("connection.url", text)]);
        let shown = |before: &str, after: &str| format!("{:?}", difference(&at(after), &at(before)).changes);
        let (old, new) = ("jdbc:postgresql://old/x", "jdbc:postgresql://new/x");
        assert!(shown(old, new).contains(old) && shown(old, new).contains(new), "{}", shown(old, new));
        for (before, after) in [(format!("{old}?password=hunter2"), new), (format!("{old}?hunter2"), new)] {
            for text in [shown(&before, after), shown(after, &before)] {
                assert!(!text.contains("jdbc"), "{text}");
            }
        }
    }
}
