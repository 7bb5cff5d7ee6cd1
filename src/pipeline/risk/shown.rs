//! Conditions that take more than a word to say: what a change shows to one who knows what the keys mean.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::pipeline::classes;
use crate::pipeline::risk::answer::Answer;
use crate::pipeline::risk::captured::{is_apart, is_covered};
use crate::pipeline::risk::chain::{Chain, Unknown};
use crate::pipeline::risk::setting;
use crate::pipeline::risk::side::Said;
use crate::pipeline::risk::turn::Turn;
use crate::pipeline::transforms;

/// Whether it is a connector from before Debezium 2.0 that it turns into.
pub fn is_old(turn: &Turn<'_>, _key: &str) -> Answer {
    const PREFIX: &str = "topic.prefix";
    (turn.key(PREFIX) != Some(PREFIX)).into()
}

/// Whether both classes are names of one.
pub fn same_class(turn: &Turn<'_>, _key: &str) -> Answer {
    let (before, after) = turn.classes();
    classes::is_same(before, after).into()
}

/// Whether lists have an item in common.
pub fn shares_an_item(turn: &Turn<'_>, key: &str) -> Answer {
    match (turn.before(key), turn.after(key)) {
        (Said::Text(before), Said::Text(after)) => {
            let after = setting::items(&after);
            setting::items(&before).iter().any(|item| after.contains(item)).into()
        }
        (Said::Unknown, _) | (_, Said::Unknown) => Answer::Unknown,
        (Said::Nothing, _) | (_, Said::Nothing) => Answer::No,
    }
}

/// Whether an operation is skipped that was not. TRUNCATE is skipped by default, and is no row.
pub fn skips(turn: &Turn<'_>, key: &str) -> Answer {
    match (turn.before(key), turn.after(key)) {
        (Said::Unknown, _) | (_, Said::Unknown) => Answer::Unknown,
        (_, Said::Nothing) => Answer::No,
        (before, Said::Text(after)) => {
            let before = match &before {
                Said::Text(text) => setting::items(text),
                Said::Nothing | Said::Unknown => Vec::new(),
            };
            let is_new = |item: &&str| !["t", "none"].contains(item) && !before.contains(item);
            setting::items(&after).iter().any(is_new).into()
        }
    }
}

/// Whether transactions are given up that were not, or sooner.
pub fn gives_up_sooner(turn: &Turn<'_>, _key: &str) -> Answer {
    match (kept(|key| turn.before(key)), kept(|key| turn.after(key))) {
        (_, Some(u64::MAX)) => Answer::No,
        (None, _) | (_, None) => Answer::Unknown,
        (Some(before), Some(after)) => (after < before).into(),
    }
}

/// For how many milliseconds an open transaction is kept; none where nobody can say. Neither 0 nor what is no number limits it.
fn kept(said: impl Fn(&str) -> Said) -> Option<u64> {
    const LIMITS: [(&str, u64); 2] =
        [("log.mining.transaction.retention.ms", 1), ("log.mining.transaction.retention.hours", 3_600_000)];
    for (key, unit) in LIMITS {
        match said(key) {
            Said::Text(text) => match text.trim().parse::<u64>() {
                Ok(0) | Err(_) => {}
                Ok(number) => return Some(number.saturating_mul(unit)),
            },
            Said::Nothing => {}
            Said::Unknown => return None,
        }
    }
    Some(u64::MAX)
}

/// Whether more of a column is shown from now on: one that goes from a list of what is left out, masked or cut off, that no
/// other list has that hides as much of it, and that is not left out by a list of what is chosen.
pub fn laid_open(turn: &Turn<'_>, key: &str) -> Answer {
    match (turn.before(key), still_hidden(turn, key)) {
        (Said::Nothing, _) => Answer::No,
        (Said::Unknown, _) | (Said::Text(_), None) => Answer::Unknown,
        (Said::Text(before), Some(still)) => {
            others(&before, &still).into_iter().any(|item| !is_not_chosen(turn, item)).into()
        }
    }
}

/// The columns that are shown, or may be, as far as they are known.
pub fn laid_open_by_name(turn: &Turn<'_>, key: &str) -> BTreeSet<String> {
    let Said::Text(before) = turn.before(key) else { return BTreeSet::new() };
    let shown = others(&before, &still_hidden(turn, key).unwrap_or_default()).into_iter();
    shown.filter(|item| !is_not_chosen(turn, item)).map(str::to_owned).collect()
}

/// Whether a list of the columns that are chosen surely leaves one out.
fn is_not_chosen(turn: &Turn<'_>, column: &str) -> bool {
    let Said::Text(chosen) = turn.after("column.include.list") else { return false };
    let chosen = setting::items(&chosen);
    !chosen.is_empty() && is_apart(column, &chosen)
}

/// Whether a column is shown from now on that was not chosen, and that no list masks.
pub fn chosen_anew(turn: &Turn<'_>, key: &str) -> Answer {
    match (turn.before(key), turn.after(key), still_hidden(turn, key)) {
        (Said::Nothing, _, _) | (Said::Text(_), Said::Nothing, _) => Answer::No,
        (Said::Unknown, _, _) | (_, Said::Unknown, _) | (_, _, None) => Answer::Unknown,
        (Said::Text(before), _, _) if setting::items(&before).is_empty() => Answer::No,
        (Said::Text(before), Said::Text(after), Some(mut known)) => {
            known.push(before);
            (!others(&after, &known).is_empty()).into()
        }
    }
}

/// The columns that are chosen anew, or may be, as far as they are known.
pub fn chosen_by_name(turn: &Turn<'_>, key: &str) -> BTreeSet<String> {
    let Said::Text(after) = turn.after(key) else { return BTreeSet::new() };
    let mut known = still_hidden(turn, key).unwrap_or_default();
    known.extend(match turn.before(key) {
        Said::Text(before) => Some(before),
        Said::Nothing | Said::Unknown => None,
    });
    others(&after, &known).into_iter().map(str::to_owned).collect()
}

/// The lists of what is left out or masked afterwards, or cut off where a key cuts off no more; none where nobody can say what
/// is in them.
fn still_hidden(turn: &Turn<'_>, key: &str) -> Option<Vec<Arc<str>>> {
    const HIDING: [&str; 3] = ["column.exclude.list", "column.mask.*", "field.exclude.list"];
    let is_cut = |other: &str| left_of(key).zip(left_of(other)).is_some_and(|(left, other)| other <= left);
    let hides = |key: &&str| HIDING.iter().any(|known| setting::fits(known, key)) || is_cut(key);
    let mut still = Vec::new();
    for key in turn.keys().filter(hides) {
        match turn.after(key) {
            Said::Text(text) => still.push(text),
            Said::Nothing => {}
            Said::Unknown => return None,
        }
    }
    Some(still)
}

/// How many characters a key leaves of a column that it cuts off.
fn left_of(key: &str) -> Option<u64> {
    key.strip_prefix("column.truncate.to.")?.strip_suffix(".chars")?.parse().ok()
}

/// The items of a list that these have not.
fn others<'l>(list: &'l str, known: &[Arc<str>]) -> Vec<&'l str> {
    let known: Vec<_> = known.iter().flat_map(|text| setting::items(text)).collect();
    setting::items(list).into_iter().filter(|item| !is_covered(item, &known)).collect()
}

/// It drops what the tables look like, and no row.
const SCHEMA_CHANGES: &str = "SchemaChangeEventFilter";

/// Whether a transform that filters comes into force, or lets something else through.
pub fn filters(turn: &Turn<'_>, key: &str) -> Answer {
    let chain = Chain::after(turn);
    let (Ok(before), Ok(after)) = (Chain::before(turn).names(), chain.names()) else {
        return Answer::Unknown;
    };
    let any = |answers: &mut dyn Iterator<Item = Answer>| answers.max().unwrap_or(Answer::No);
    let is_filter = |name: &String| is_filter(chain, name);
    if key == transforms::LIST {
        return any(&mut after.iter().filter(|name| !before.contains(name)).map(is_filter));
    }
    any(&mut chain.concerned(key, &before, &after).map(is_filter))
}

fn is_filter(chain: Chain<'_>, name: &str) -> Answer {
    match chain.class(name) {
        Ok(class) => (class != SCHEMA_CHANGES && class.to_ascii_lowercase().contains("filter")).into(),
        Err(Unknown) => Answer::Unknown,
    }
}
