//! What changing a connector's config may do to its data.
//!
//! Takes the config that is and the config to be, gives what is known of the change: a table of rows, most of them measured.
//! One row speaks of a key, the first whose condition holds; where nobody can tell whether one holds, because a value is hidden
//! or is filled in by the worker, the worst of those that may. A key without a row was judged by nobody, and no risk is
//! told of it. Whether anything is held for a risk is left to `plan`, what other connectors have to do with it to `scene`.

mod answer;
mod beside;
mod captured;
mod chain;
#[cfg(test)]
pub mod examples;
pub mod family;
pub mod group;
mod hiding;
mod routed;
pub mod row;
pub mod setting;
mod shown;
mod side;
mod table;
mod target;
mod turn;
pub mod when;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::config::{Config, Shown, Value};
use crate::model::risk::Harm;
use crate::pipeline::diff::difference;
use crate::pipeline::former;
use crate::pipeline::risk::answer::Answer;
use crate::pipeline::risk::row::{On, Row};
use crate::pipeline::risk::turn::Turn;

/// Something that a change may do to a connector's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    /// What somebody must answer for: the key that changes; where none does, the row's own name.
    pub key: Arc<str>,
    /// The word that answers for it; none where that is what the key becomes.
    pub to: Option<Arc<str>>,
    /// The row of the table that says so.
    pub row: &'static str,
    /// The worst that it does.
    pub harm: Harm,
    /// What would happen.
    pub consequence: Cow<'static, str>,
    /// The safe way to the same end, where one is known.
    pub remedy: Option<Cow<'static, str>>,
}

/// The whole table.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    table::rows().chain(table::rename::ROWS)
}

/// Whether some row speaks of a key, or of the one that took its place.
pub fn knows(key: &str) -> bool {
    let name = former::successor(key).unwrap_or(Cow::Borrowed(key));
    let held = rows().filter(|row| row.harm.is_some_and(Harm::is_held));
    held.flat_map(|row| row.keys).any(|pattern| setting::fits(pattern, &name))
}

/// What the keys of a row were called before Debezium 2.0, those whose text is the same since.
pub fn former_names(row: &Row) -> Vec<String> {
    let of = |old: &&'static str, now: &str| -> Vec<String> {
        let rests = row.keys.iter().filter_map(|key| key.strip_prefix(now));
        match (old.strip_suffix('.'), row.keys.iter().any(|pattern| setting::fits(pattern, now))) {
            (Some(_), _) => rests.map(|rest| format!("{old}{rest}")).collect(),
            (None, is_fit) => is_fit.then(|| (*old).to_owned()).into_iter().collect(),
        }
    };
    if !row.of.is_of_debezium() {
        return Vec::new();
    }
    former::renamed().flat_map(|(old, now)| of(&old, now)).collect()
}

/// The key whose setting does harm at every restart, where a name is that of a row which says so.
pub fn in_force(name: &str) -> Option<&'static str> {
    let row = table::rows().find(|row| row.on == On::Restart && row.id == name)?;
    row.keys.first().copied()
}

/// What it may do to a connector to turn its config from one into another; by key, one for each. A live value that Connect
/// masked is no change.
pub fn of_change(before: &Config, after: &Config) -> Vec<Danger> {
    of_change_owing(before, after, &BTreeSet::new())
}

/// The same where some masked keys are known to differ.
pub fn of_change_owing(before: &Config, after: &Config, owed: &BTreeSet<Arc<str>>) -> Vec<Danger> {
    let says = |key: &str| match after.get(in_force(key)?).map(Value::shown)? {
        Shown::Text(text) => Some(text),
        Shown::Hidden => None,
    };
    let danger = |(key, row): (Arc<str>, &Row)| {
        let mut danger = Danger { to: says(&key), ..danger(&key, row)? };
        if let Some(names) = row.names {
            let turn = Turn::new(before, after, owed);
            let name = turn.changed().find(|(_, own)| **own == *key).map(|(name, _)| name);
            let named = name.map(|name| names(&turn, name)).unwrap_or_default();
            danger.consequence.to_mut().push_str(&concerned(named, [before, after]));
        }
        Some(danger)
    };
    judged(before, after, owed).into_iter().filter_map(danger).collect()
}

/// The keys that say something else afterwards and of which no row speaks, whatever its conditions: that nothing is said of
/// them does not say that it does no harm.
pub fn unjudged(before: &Config, after: &Config, owed: &BTreeSet<Arc<str>>) -> Vec<Arc<str>> {
    let turn = Turn::new(before, after, owed);
    let is_known = |name: &str| table::rows().any(|row| speaks(row, &turn, name));
    turn.changed().filter(|(name, _)| !is_known(name)).map(|(_, key)| key.into()).collect()
}

/// The fields or columns of a change, in words; nothing where none is known. In which the text of a secret stands is not told.
fn concerned(names: BTreeSet<String>, configs: [&Config; 2]) -> String {
    const TOLD: usize = 10;
    let secrets = || configs.into_iter().flat_map(Config::iter).map(|(_, value)| value);
    let is_told = |name: &String| {
        let value = Value::new("", name.as_str());
        !secrets().any(|secret| value.repeats(secret))
    };
    let names: Vec<_> = names.into_iter().filter(is_told).map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => String::new(),
        1..=TOLD => format!(" Concerned: {}.", names.join(", ")),
        all => format!(" Concerned: {}, and {} more.", names[..TOLD].join(", "), all - TOLD),
    }
}

/// What it may do that masked keys are sent with a change of which nobody knows whether they change too, those that are
/// neither `owed` nor `sure`: only what would be held where it was known.
pub fn of_masked(
    before: &Config,
    after: &Config,
    owed: &BTreeSet<Arc<str>>,
    sure: &BTreeSet<Arc<str>>,
) -> Vec<Danger> {
    let may_differ = |(key, value): &(&str, &Value)| {
        let is_other = after.get(key).is_some_and(|after| !after.same_text(value));
        value.is_masked() && is_other && !owed.contains(*key) && !sure.contains(*key)
    };
    let unseen: BTreeSet<Arc<str>> = before.iter().filter(may_differ).map(|(key, _)| key.into()).collect();
    let all = owed.union(&unseen).cloned().collect();
    let dangers = of_change_owing(before, after, &all).into_iter();
    dangers
        .filter(|danger| unseen.contains(&danger.key) && danger.harm.is_held())
        .map(|danger| Danger {
            consequence: format!("{UNSEEN} {}", danger.consequence).into(),
            remedy: Some(SEE.into()),
            ..danger
        })
        .collect()
}

/// What is said before what a masked key would do.
const UNSEEN: &str = "Connect masks what is there, so nobody can say whether this changes; it is sent with the other keys. If it does:";

/// What to do about it.
const SEE: &str = "see that the definition has the value that runs, before the other keys are changed; an agent that has written it once knows, and holds another value";

/// What it may do when a connector goes and the same comes under another name, with the config that the old one had and the
/// config that the new one is to have. What differs between the two beside is not in it.
pub fn of_rename(before: &Config, after: &Config) -> Option<Danger> {
    let owed = BTreeSet::new();
    let turn = Turn::new(before, after, &owed);
    danger(table::rename::NAME, deciding(&turn, table::rename::NAME, table::rename::ROWS)?)
}

/// What is held of a change in place, beside what the other name does by itself, where a connector comes under another name:
/// who answered for the name answered for none of it.
pub fn of_rename_beside(before: &Config, after: &Config) -> Vec<Danger> {
    let is_told = |key: &str| {
        let name = former::successor(key).unwrap_or(Cow::Borrowed(key));
        table::rename::TOLD.contains(&name.as_ref())
    };
    let dangers = of_change(before, after).into_iter();
    dangers
        .filter(|danger| danger.harm.is_held() && in_force(danger.row).is_none() && !is_told(&danger.key))
        .collect()
}

/// The keys that say something else in another config, those apart of which a row says that nothing happens.
pub fn turned(before: &Config, after: &Config) -> BTreeSet<Arc<str>> {
    let owed = BTreeSet::new();
    let turn = Turn::new(before, after, &owed);
    let rows = judged(before, after, &owed);
    let is_harmless = |key: &str| rows.get(key).is_some_and(|row| row.harm.is_none());
    turn.changed().filter(|(_, key)| !is_harmless(key)).map(|(_, key)| key.into()).collect()
}

/// Whether two configs of sinks surely name one target; no where neither names one in a key that is known.
pub fn is_one_target(before: &Config, after: &Config) -> bool {
    let places = || table::sinks::PLACES.iter();
    let is_placed = places().any(|key| before.get(key).is_some() && after.get(key).is_some());
    let rows = judged(before, after, &BTreeSet::new());
    is_placed && rows.values().all(|row| !table::sinks::ELSEWHERE.contains(&row.id))
}

/// What a setting does, by its row's name, where a connector is stopped that keeps its config.
pub fn of_stop(config: &Config) -> Option<Danger> {
    at_rest(
        config,
        &["slot-dropped"],
        "`slot.drop.on.stop` is in force: the stop drops the slot. No new one is made at the next start: the task fails, and what is written from then on cannot be had any more.",
    )
}

/// What a setting does, by its row's name, where a connector that was stopped starts with its config.
pub fn of_start(config: &Config) -> Option<Danger> {
    at_rest(
        config,
        &["snapshot-always-again", "snapshot-each-start-again"],
        "`snapshot.mode` is `always`: the start reads and delivers everything again.",
    )
}

/// What one of these rows says where nothing of the config changes.
fn at_rest(config: &Config, ids: &[&str], consequence: &'static str) -> Option<Danger> {
    let owed = BTreeSet::new();
    let turn = Turn::new(config, config, &owed);
    let holds = |row: &&Row| {
        let named = |key: &&str| speaks(row, &turn, key) && row.when.holds(&turn, key) == Answer::Yes;
        ids.contains(&row.id) && row.keys.iter().any(named)
    };
    let row = table::rows().find(holds)?;
    Some(Danger { consequence: Cow::Borrowed(consequence), ..danger(row.id, row)? })
}

/// The row that speaks of each change, those that say that nothing happens among them. What a setting does that stays as it
/// is has the name of its row: who answered for setting it answered for no later restart.
fn judged(before: &Config, after: &Config, owed: &BTreeSet<Arc<str>>) -> BTreeMap<Arc<str>, &'static Row> {
    let turn = Turn::new(before, after, owed);
    let rows = |on: On| table::rows().filter(move |row| row.on == on);
    let mut judged: BTreeMap<Arc<str>, &'static Row> = turn
        .changed()
        .filter_map(|(name, key)| Some((key.into(), deciding(&turn, name, rows(On::Change))?)))
        .collect();
    // What says the same in other words is sent, too, and starts the tasks anew.
    if difference(after, before).owing(owed).changes.is_empty() {
        return judged;
    }
    // What a setting does at every restart is told only where it is sure to say so: it need not be what changes.
    let mut in_force: BTreeMap<&str, &'static Row> = BTreeMap::new();
    for row in rows(On::Restart) {
        let sure = |name: &&&str| speaks(row, &turn, name) && row.when.holds(&turn, name) == Answer::Yes;
        for name in row.keys.iter().filter(sure) {
            let found = in_force.entry(name).or_insert(row);
            if row.harm > found.harm {
                *found = row;
            }
        }
    }
    for (name, row) in in_force {
        let answered = if turn.changes(name) { turn.key(name).unwrap_or(name) } else { row.id };
        let found = judged.entry(answered.into()).or_insert(row);
        if row.harm > found.harm {
            *found = row;
        }
    }
    judged
}

/// The row that speaks of a key.
fn deciding<'r>(turn: &Turn<'_>, name: &str, rows: impl IntoIterator<Item = &'r Row>) -> Option<&'r Row> {
    let mut worst: Option<&Row> = None;
    for row in rows.into_iter().filter(|row| speaks(row, turn, name)) {
        let answer = row.when.holds(turn, name);
        if answer != Answer::No && worst.is_none_or(|worst| row.harm > worst.harm) {
            worst = Some(row);
        }
        if answer == Answer::Yes {
            break;
        }
    }
    worst
}

fn danger(key: &str, row: &Row) -> Option<Danger> {
    let Row { id, consequence, remedy, .. } = row;
    let remedy = remedy.map(Cow::Borrowed);
    Some(Danger {
        key: key.into(),
        to: None,
        row: id,
        harm: row.harm?,
        consequence: Cow::Borrowed(consequence),
        remedy,
    })
}

/// Whether a row speaks of a key. Where the class changes too, only a row of both classes does: to others the key means
/// something else.
fn speaks(row: &Row, turn: &Turn<'_>, name: &str) -> bool {
    let (before, after) = turn.classes();
    row.of.has(before) && row.of.has(after) && row.keys.iter().any(|pattern| setting::fits(pattern, name))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_chain;
