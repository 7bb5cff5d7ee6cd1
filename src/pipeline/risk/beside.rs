//! Conditions that look at what stands beside a key.
//!
//! Takes a config that turns into another one, says what other keys make of the one that changes. What a key shows by itself
//! is left to `shown`.

use crate::pipeline::risk::answer::Answer;
use crate::pipeline::risk::captured::is_covered;
use crate::pipeline::risk::setting;
use crate::pipeline::risk::side::Said;
use crate::pipeline::risk::turn::Turn;

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

/// Whether a delete comes in no form afterwards, and did before.
pub fn drops_deletes(turn: &Turn<'_>, key: &str) -> Answer {
    const LEAVES: [&str; 3] =
        [".delete.tombstone.handling.mode", ".delete.handling.mode", ".drop.tombstones"];
    let Some(stem) = LEAVES.iter().find_map(|leaf| key.strip_suffix(leaf)) else { return Answer::No };
    let [now, then, tombstones] = LEAVES.map(|leaf| format!("{stem}{leaf}"));
    let is = |said: Said, word: &str| match said {
        Said::Text(text) => text.trim().eq_ignore_ascii_case(word).into(),
        Said::Nothing => Answer::No,
        Said::Unknown => Answer::Unknown,
    };
    let drops = |said: &dyn Fn(&str) -> Said| {
        // Without `drop.tombstones` they are dropped where the old key stands alone.
        let by_old = is(said(&then), "drop").min(is(said(&tombstones), "false").not());
        match said(&now) {
            Said::Nothing => by_old,
            said @ (Said::Text(_) | Said::Unknown) => is(said, "drop"),
        }
    };
    drops(&|key| turn.after(key)).min(drops(&|key| turn.before(key)).not())
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
