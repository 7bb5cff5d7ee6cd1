//! The transforms of a connector on one side of a change.
//!
//! Takes a config that turns into another one, gives the transforms in force, what they say, and what of it decides where a
//! field stands behind them. What they hide is left to `hiding`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::pipeline::risk::setting;
use crate::pipeline::risk::side::Said;
use crate::pipeline::risk::turn::Turn;
use crate::pipeline::transforms;

/// Nobody can say.
pub struct Unknown;

/// What is known, or that nobody can say.
pub type Known<T> = Result<T, Unknown>;

/// What a transform says that decides where a field stands behind it. What nobody can say is the same only where it is the
/// same key, unchanged.
pub type Moves = BTreeMap<String, Result<Arc<str>, String>>;

/// What somebody behind a transform looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought {
    /// Fields.
    Fields,
    /// Fields, and what a predicate asks about: the topic and the headers.
    Record,
}

/// The transforms of a config on one side of a change.
#[derive(Clone, Copy)]
pub struct Chain<'t> {
    turn: &'t Turn<'t>,
    is_after: bool,
}

impl<'t> Chain<'t> {
    /// Those before the change.
    pub fn before(turn: &'t Turn<'t>) -> Self {
        Self { turn, is_after: false }
    }

    /// Those afterwards.
    pub fn after(turn: &'t Turn<'t>) -> Self {
        Self { turn, is_after: true }
    }

    /// What a key says; nothing where it is not there.
    pub fn said(&self, key: &str) -> Known<Option<Arc<str>>> {
        match if self.is_after { self.turn.after(key) } else { self.turn.before(key) } {
            Said::Text(text) => Ok(Some(text)),
            Said::Nothing => Ok(None),
            Said::Unknown => Err(Unknown),
        }
    }

    /// What one of the keys of a transform says.
    pub fn text(&self, name: &str, leaf: &str) -> Known<Option<Arc<str>>> {
        self.said(&format!("{}.{name}.{leaf}", transforms::LIST))
    }

    /// The transforms in force, by name.
    pub fn names(&self) -> Known<Vec<String>> {
        let text = self.said(transforms::LIST)?.unwrap_or_default();
        Ok(setting::items(&text).into_iter().map(str::to_owned).collect())
    }

    /// The class of a transform without its package; empty where it has none.
    pub fn class(&self, name: &str) -> Known<String> {
        Ok(self.text(name, "type")?.map(|class| transforms::last(&class).to_owned()).unwrap_or_default())
    }

    /// The items of some lists of a transform.
    pub fn items(&self, name: &str, leaves: &[&str]) -> Known<BTreeSet<String>> {
        let mut items = BTreeSet::new();
        for leaf in leaves {
            let text = self.text(name, leaf)?.unwrap_or_default();
            items.extend(setting::items(&text).into_iter().map(str::to_owned));
        }
        Ok(items)
    }

    /// Those of the transforms in force on both sides that a key belongs to, or that depend on its predicate.
    pub fn concerned<'n>(
        self,
        key: &str,
        before: &[String],
        after: &'n [String],
    ) -> impl Iterator<Item = &'n String> {
        after.iter().filter(move |name| {
            let is_of = || match key.strip_prefix("predicates.") {
                None => key.starts_with(&format!("{}.{name}.", transforms::LIST)),
                Some(predicate) => self.text(name, "predicate").map_or(true, |used| {
                    used.is_some_and(|used| predicate.starts_with(&format!("{}.", used.trim())))
                }),
            };
            before.contains(name) && is_of()
        })
    }

    /// What a transform looks for: with a predicate more than fields.
    pub fn sought(&self, name: &str) -> Sought {
        let is_bound =
            self.text(name, "predicate").map_or(true, |on| on.is_some_and(|on| !on.trim().is_empty()));
        if is_bound { Sought::Record } else { Sought::Fields }
    }

    /// What the transforms that may move what is sought say, as far as they stand in front of one.
    pub fn ahead(&self, names: &[String], name: &str, sought: Sought) -> Vec<Moves> {
        names
            .iter()
            .take_while(|other| *other != name)
            .filter_map(|other| self.moves(other, sought))
            .collect()
    }

    /// What a transform says that decides where what is sought stands behind it; none where it surely leaves it as it is.
    pub fn moves(&self, name: &str, sought: Sought) -> Option<Moves> {
        let class = self.class(name).unwrap_or_default();
        let is_still = match transforms::sort(&class) {
            "ReplaceField" => self.items(name, &["renames"]).is_ok_and(|renames| renames.is_empty()),
            sort if sought == Sought::Record => transforms::leaves_record(sort),
            sort => transforms::leaves_fields(sort),
        };
        if is_still {
            return None;
        }
        let own = self.below(&format!("{}.{name}.", transforms::LIST));
        let decides = |(leaf, key): &(&str, &str)| self.decides(transforms::sort(&class), leaf, key, sought);
        let mut moves: Moves =
            own.into_iter().filter(decides).map(|(leaf, key)| (leaf.to_owned(), self.token(key))).collect();
        if let Some(Ok(kind)) = moves.get_mut("type") {
            *kind = class.into();
        }
        if let Ok(Some(on)) = self.text(name, "predicate") {
            moves.extend(self.predicate(&on));
            moves.insert("predicate".to_owned(), Ok("".into()));
        }
        Some(moves)
    }

    /// What the predicate says on which a transform depends, whatever it is called, and whether it is turned round; none where
    /// it takes every record.
    pub fn bound(&self, name: &str) -> Known<Option<(Moves, bool)>> {
        let is_turned =
            self.text(name, "negate")?.is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
        let on = self.text(name, "predicate")?.filter(|on| !on.trim().is_empty());
        Ok(on.map(|on| (self.predicate_or_name(&on), is_turned)))
    }

    /// What a predicate says, whatever it is called.
    pub fn predicate(&self, name: &str) -> Moves {
        let own = self.below(&format!("predicates.{}.", name.trim())).into_iter();
        own.map(|(leaf, key)| (format!("predicate.{leaf}"), self.token(key))).collect()
    }

    /// The same; of one that says nothing only its name is known.
    pub fn predicate_or_name(&self, name: &str) -> Moves {
        let says = self.predicate(name);
        if says.is_empty() { Moves::from([(name.trim().to_owned(), Ok("".into()))]) } else { says }
    }

    /// Whether a key of a transform of this sort decides where what is sought stands behind it.
    fn decides(&self, sort: &str, leaf: &str, key: &str, sought: Sought) -> bool {
        // What it adds comes from the event's own data, unless it is a row before or after the change, masked by nobody.
        let is_of_row = |item: &str| ["before", "after"].iter().any(|row| item.starts_with(row));
        match (sort, leaf.split('.').next().unwrap_or_default()) {
            ("ReplaceField", _) => ["type", "renames", "predicate", "negate"].contains(&leaf),
            ("ExtractNewRecordState", "delete" | "drop") => false,
            ("ExtractNewRecordState", "route") => sought == Sought::Record,
            ("ExtractNewRecordState", "add") => {
                let adds = self.said(key).map(Option::unwrap_or_default);
                let is_sought = sought == Sought::Record && leaf.starts_with("add.headers");
                is_sought || adds.map_or(true, |adds| setting::items(&adds).into_iter().any(is_of_row))
            }
            (_, _) => true,
        }
    }

    /// A text, or what stands for one that nobody can say.
    fn token(&self, key: &str) -> Result<Arc<str>, String> {
        let side = if self.turn.changes(key) { Some(self.is_after) } else { None };
        self.said(key).map(Option::unwrap_or_default).map_err(|Unknown| format!("{key} {side:?}"))
    }

    /// The keys that begin so, each with what stands behind that.
    fn below(&self, stem: &str) -> Vec<(&'t str, &'t str)> {
        let rest = |key: &'t str| Some((key.strip_prefix(stem)?, key));
        if self.is_after {
            self.turn.keys().filter_map(rest).collect()
        } else {
            self.turn.keys_before().filter_map(rest).collect()
        }
    }
}
