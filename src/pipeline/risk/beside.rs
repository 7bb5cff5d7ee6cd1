//! Conditions that look at what stands beside a key.
//!
//! Takes a config that turns into another one, says what other keys make of the one that changes. What a key shows by itself
//! is left to `shown`.

use crate::pipeline::risk::answer::Answer;
use crate::pipeline::risk::captured::is_covered;
use crate::pipeline::risk::chain::{Chain, Unknown};
use crate::pipeline::risk::setting;
use crate::pipeline::risk::side::Said;
use crate::pipeline::risk::turn::Turn;
use crate::pipeline::transforms::{LIST, sort};

/// Lists that keep tables or columns from those who read the topics.
const HIDING: &[&str] = &[
    "table.include.list",
    "table.exclude.list",
    "database.include.list",
    "database.exclude.list",
    "column.include.list",
    "column.exclude.list",
    "column.mask.*",
    "column.truncate.to.*",
];

/// Whether a list, or some transform, may keep from those who read the topics what a statement says.
pub fn hides(turn: &Turn<'_>, _key: &str) -> Answer {
    let is_hiding = |key: &&str| *key == "transforms" || HIDING.iter().any(|known| setting::fits(known, key));
    let has_items = |key: &str| match turn.after(key) {
        Said::Text(text) => (!setting::items(&text).is_empty()).into(),
        Said::Nothing => Answer::No,
        Said::Unknown => Answer::Unknown,
    };
    turn.keys().filter(is_hiding).map(has_items).max().unwrap_or(Answer::No)
}

/// The keys of a transform that say what becomes of deletes: since Debezium 2.5, and before.
const OF_DELETES: [&str; 3] =
    [".delete.tombstone.handling.mode", ".delete.handling.mode", ".drop.tombstones"];

/// The transforms whose keys these are, which leave the row alone of an event.
const FLATTENING: [&str; 2] = ["ExtractNewDocumentState", "ExtractNewRecordState"];

/// Whether a delete comes in no form afterwards, and did before. Where no key says what becomes of it, nothing of it comes until
/// Debezium 3.1. Where one in the list surely drops them already, whatever it is called, nothing is new.
pub fn drops_deletes(turn: &Turn<'_>, key: &str) -> Answer {
    let Some(stem) = OF_DELETES.iter().find_map(|leaf| key.strip_suffix(leaf)) else { return Answer::No };
    by_either(|is_old| {
        let unsaid = is_old.into();
        let after = drops(stem, &|key| turn.after(key), is_old, unsaid);
        let before = drops(stem, &|key| turn.before(key), is_old, unsaid);
        let after = after.min(is_in_force(Chain::after(turn), stem));
        let name = stem.strip_prefix(LIST).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
        let did = did_drop(turn, is_old, name).max(before.min(is_in_force(Chain::before(turn), stem)));
        after.min(did.not())
    })
}

/// Whether a transform that says so already stands before deletes from now on, and none that was in the list dropped those. What
/// says so anew is told of its own key.
pub fn drops_deletes_from_now(turn: &Turn<'_>, key: &str) -> Answer {
    let (Ok(had), Ok(has)) = (Chain::before(turn).names(), Chain::after(turn).names()) else {
        return Answer::Unknown;
    };
    by_either(|is_old| {
        let stem = |name: &str| format!("{LIST}.{name}");
        let before = |name: &str| drops(&stem(name), &|key| turn.before(key), is_old, Answer::No);
        let after = |name: &str| drops(&stem(name), &|key| turn.after(key), is_old, Answer::No);
        let put = has.iter().filter(|name| is_put_by(turn, key, &had, name));
        let come = put.map(|name| before(name).min(after(name)).min(did_drop(turn, is_old, name).not()));
        come.max().unwrap_or(Answer::No)
    })
}

/// Whether a transform stands before deletes from now on that says nothing of them, and drops them by its default until Debezium
/// 3.1, and none that was in the list dropped those. Of one whose keys about deletes change that is told at these.
pub fn drops_deletes_by_default(turn: &Turn<'_>, key: &str) -> Answer {
    let (before, after) = (Chain::before(turn), Chain::after(turn));
    let (Ok(had), Ok(has)) = (before.names(), after.names()) else { return Answer::Unknown };
    let says_anew = |name: &str| OF_DELETES.iter().any(|leaf| turn.changes(&format!("{LIST}.{name}{leaf}")));
    by_either(|is_old| {
        let drops = |name: &String| {
            let unsaid = drops_unless_told(after, name, is_old);
            let drops = drops(&format!("{LIST}.{name}"), &|key| turn.after(key), is_old, unsaid);
            drops.min(did_drop(turn, is_old, name).not())
        };
        let put = has.iter().filter(|name| is_put_by(turn, key, &had, name) && !says_anew(name));
        put.map(drops).max().unwrap_or(Answer::No)
    })
}

/// Whether a key is the one at which it is told that a transform stands before other records than so far: the list where it comes,
/// its class where that changes too, so that another row may speak of the list; and what it is bound to where it was there.
fn is_put_by(turn: &Turn<'_>, key: &str, had: &[String], name: &String) -> bool {
    let own = |leaf: &str| format!("{LIST}.{name}.{leaf}");
    if turn.changes(&own("type")) {
        return key == own("type");
    }
    if !had.contains(name) {
        return key == LIST;
    }
    let is_bound_to = |chain: Chain<'_>, rest: &str| {
        let on = chain.text(name, "predicate").ok().flatten().unwrap_or_default();
        rest.strip_prefix(on.trim()).is_some_and(|leaf| leaf.starts_with('.'))
    };
    match key.strip_prefix("predicates.") {
        Some(rest) => [Chain::before(turn), Chain::after(turn)].iter().any(|chain| is_bound_to(*chain, rest)),
        None => ["predicate", "negate"].iter().any(|leaf| key == own(leaf)),
    }
}

/// Whether a transform that was in the list dropped the deletes that come to this one, by what it said or by its default.
fn did_drop(turn: &Turn<'_>, is_old: bool, name: &str) -> Answer {
    let (before, bound) = (Chain::before(turn), Chain::after(turn).bound(name));
    let had_all = |other: &str| match (before.bound(other), &bound) {
        (Ok(None), _) => Answer::Yes,
        (Ok(had), Ok(has)) => (had == *has).into(),
        (Err(Unknown), _) | (_, Err(Unknown)) => Answer::Unknown,
    };
    let drops = |other: &String| {
        let unsaid = drops_unless_told(before, other, is_old);
        drops(&format!("{LIST}.{other}"), &|key| turn.before(key), is_old, unsaid).min(had_all(other))
    };
    before.names().unwrap_or_default().iter().map(drops).max().unwrap_or(Answer::No)
}

/// Whether a transform drops deletes where no key says what becomes of them.
fn drops_unless_told(chain: Chain<'_>, name: &str, is_old: bool) -> Answer {
    match chain.class(name) {
        Ok(class) => (is_old && FLATTENING.contains(&sort(&class))).into(),
        Err(Unknown) => {
            if is_old {
                Answer::Unknown
            } else {
                Answer::No
            }
        }
    }
}

/// What the releases until Debezium 3.1 and those from 3.2 on agree in; nobody knows here which of them runs.
fn by_either(of: impl Fn(bool) -> Answer) -> Answer {
    let [old, new] = [true, false].map(of);
    if old == new { old } else { Answer::Unknown }
}

/// Whether a transform drops deletes, by what its keys say, and as told where the older two say nothing. From Debezium 3.2 on these
/// two are not read, and without the first a tombstone comes.
fn drops(stem: &str, said: &dyn Fn(&str) -> Said, is_old: bool, unsaid: Answer) -> Answer {
    let [now, then, tombstones] = OF_DELETES.map(|leaf| format!("{stem}{leaf}"));
    let is = |said: Said, word: &str, unsaid: Answer| match said {
        Said::Text(text) => text.trim().eq_ignore_ascii_case(word).into(),
        Said::Nothing => unsaid,
        Said::Unknown => Answer::Unknown,
    };
    let by_old = || is(said(&then), "drop", unsaid).min(is(said(&tombstones), "false", Answer::No).not());
    match said(&now) {
        Said::Text(text) if is_old && text.trim().is_empty() => by_old(),
        Said::Nothing if is_old => by_old(),
        said => is(said, "drop", Answer::No),
    }
}

/// Whether a transform, given by what its keys begin with, is in the list of those that run.
fn is_in_force(chain: Chain<'_>, stem: &str) -> Answer {
    let name = stem.strip_prefix(LIST).and_then(|rest| rest.strip_prefix('.'));
    match (name, chain.names()) {
        (None, _) => Answer::No,
        (Some(_), Err(Unknown)) => Answer::Unknown,
        (Some(name), Ok(names)) => names.iter().any(|other| other == name).into(),
    }
}

/// Whether each table is chosen by its name, and the list of schemas leaves none of theirs out, neither before nor afterwards.
pub fn has_the_schema_of_each_table(turn: &Turn<'_>, key: &str) -> Answer {
    const TABLES: &str = "table.include.list";
    let tables = match turn.after(TABLES) {
        Said::Text(tables) if !turn.changes(TABLES) => tables,
        Said::Text(_) | Said::Nothing | Said::Unknown => return Answer::No,
    };
    let is_plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let schema = |table: &str| {
        let table = table.replace("\\.", ".");
        let (schema, name) = table.split_once('.')?;
        (is_plain(schema) && is_plain(name)).then(|| schema.to_owned())
    };
    let Some(schemas) = setting::items(&tables).into_iter().map(schema).collect::<Option<Vec<_>>>() else {
        return Answer::No;
    };
    let has_each = |said| match said {
        Said::Text(text) => {
            let list = setting::items(&text);
            (list.is_empty() || schemas.iter().all(|schema| is_covered(schema, &list))).into()
        }
        Said::Nothing => Answer::Yes,
        Said::Unknown => Answer::Unknown,
    };
    if schemas.is_empty() { Answer::No } else { has_each(turn.before(key)).min(has_each(turn.after(key))) }
}
