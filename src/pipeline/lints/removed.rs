//! Keys and values that Debezium 2 and 3 removed.
//!
//! What a key is called since stands in `former`. Each word was looked up in Debezium's own sources: in which release its
//! connectors still know it, and in which they no longer do.

use crate::model::rule::Rule;
use crate::pipeline::classes::{POSTGRES, RELATIONAL};
use crate::pipeline::former::{KEYS, Key, REWORDED};
use crate::pipeline::lints::seen::{Breach, Seen};

/// For some classes: a key, its values, the release that refuses them, and what to write.
struct Word(&'static [&'static str], &'static str, &'static [&'static str], &'static str, &'static str);

/// Values that are gone.
const WORDS: &[Word] = &[
    Word(RELATIONAL, "snapshot.mode", &["schema_only"], "3.3", "no_data"),
    Word(RELATIONAL, "snapshot.mode", &["schema_only_recovery"], "3.3", "recovery"),
    Word(POSTGRES, "snapshot.mode", &["never"], "3.3", "no_data"),
    Word(POSTGRES, "snapshot.mode", &["exported"], "2.0", "initial"),
    Word(
        POSTGRES,
        "plugin.name",
        &["wal2json", "wal2json_streaming", "wal2json_rds", "wal2json_rds_streaming"],
        "2.0",
        "pgoutput",
    ),
];

/// Keys that are not read.
pub fn keys(seen: &Seen<'_>) -> Vec<Breach> {
    if !seen.is_debezium() {
        return Vec::new();
    }
    KEYS.iter().flat_map(|row| of(row, seen).into_iter().filter_map(|key| breach(row, seen, key))).collect()
}

/// The keys of a connector that a row speaks of. A row of a whole key goes before that of its
/// beginning.
fn of<'d>(Key(old, ..): &Key, seen: &Seen<'d>) -> Vec<&'d str> {
    let config = &seen.connector.config;
    if !old.ends_with('.') {
        return config.get(old).map(|_| *old).into_iter().collect();
    }
    let is_whole = |key: &str| KEYS.iter().any(|Key(whole, ..)| *whole == key);
    config.keys().filter(|key| key.starts_with(old) && !is_whole(key)).collect()
}

/// One beside its successor does no harm where both say the same, and serves both releases.
fn breach(Key(old, since, now): &Key, seen: &Seen<'_>, key: &str) -> Option<Breach> {
    let now = now.map(|now| key.replacen(old, now, 1));
    let message = format!("Debezium {since} and newer do not read `{key}`");
    let Some(now) = now else { return Some(seen.breach(Rule::RemovedKey, key, message)) };
    if !seen.has(&now) {
        return Some(seen.breach(Rule::RemovedKey, key, message).hint(format!("write `{now}`")));
    }
    let agree = if REWORDED.contains(old) { by_one_hand } else { say_the_same };
    if agree(seen, key, &now) {
        return None;
    }
    let at = seen.place(&now).map_or(String::new(), |place| format!(" at {place}"));
    let message = format!("{message}, but `{now}`, which says something else{at}");
    let hint = format!("write it under `{now}`, and remove `{key}`");
    Some(seen.breach(Rule::RemovedKey, key, message).hint(hint))
}

/// Whether two keys have the same value; blanks around commas mean nothing to Connect.
fn say_the_same(seen: &Seen<'_>, one: &str, other: &str) -> bool {
    let config = &seen.connector.config;
    let items = |text: &str| text.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>();
    match (seen.text(one), seen.text(other)) {
        (Some(one), Some(other)) => items(&one) == items(&other),
        (_, _) => config.get(one) == config.get(other),
    }
}

/// Whether one layer says both keys: who wrote them beside each other had both releases in mind.
fn by_one_hand(seen: &Seen<'_>, one: &str, other: &str) -> bool {
    let layer = |key| seen.layers(key).last().map(|origin| &origin.layer);
    layer(one) == layer(other)
}

/// Values that are refused.
pub fn values(seen: &Seen<'_>) -> Vec<Breach> {
    let removed = |Word(classes, key, words, since, now): &Word| {
        let word = words.iter().find(|word| seen.is(classes) && seen.says(key, &[word]))?;
        let message = format!("Debezium {since} and newer refuse `{key}: {word}`");
        Some(seen.breach(Rule::RemovedValue, key, message).hint(format!("write `{now}`")))
    };
    WORDS.iter().filter_map(removed).collect()
}
