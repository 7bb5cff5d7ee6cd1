//! Which fields the transforms of a connector hide.
//!
//! Takes a config that turns into another one, says whether a transform masks or leaves out less than before, or no longer
//! finds what it hides where it was. `MaskField` and `ReplaceField` are known by their keys; of others that say by their name
//! that they mask or hash only that they are there. What columns Debezium itself hides is left to `shown`.

use std::collections::BTreeSet;

use crate::pipeline::risk::answer::Answer;
use crate::pipeline::risk::chain::{Chain, Known, Moves, Sought, Unknown};
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::side::Said;
use crate::pipeline::risk::turn::Turn;
use crate::pipeline::transforms::{self, LIST, side, sort};

/// The names that the lists of `ReplaceField` have since Connect 2.6, and those that they had until Connect 4.
const GONE: [&str; 2] = ["exclude", "blacklist"];
const LEFT: [&str; 2] = ["include", "whitelist"];

/// What a transform hides.
struct Veil {
    /// Its class without the package, with the side of the record that it works on.
    class: String,
    how: How,
    /// What the predicate says on which it depends, and whether it is turned round.
    on: Option<(Moves, bool)>,
    /// Whether a list has a name that Connect 4 does not know.
    is_former: bool,
}

enum How {
    /// These fields, and all that are not among those that are left, where only some are.
    Fields { gone: BTreeSet<String>, left: Option<BTreeSet<String>> },
    /// Nobody knows which.
    Own,
}

/// Whether a field is shown from now on that a transform hid.
pub fn laid_open(turn: &Turn<'_>, key: &str) -> Answer {
    let Ok(look) = Look::new(turn, key) else { return Answer::Unknown };
    let judged = look.had.iter().map(|name| look.at(name).unwrap_or(Answer::Unknown));
    judged.max().unwrap_or(Answer::No)
}

/// The fields that are shown, or may be, as far as they are known.
pub fn shown_anew(turn: &Turn<'_>, key: &str) -> BTreeSet<String> {
    let Ok(look) = Look::new(turn, key) else { return BTreeSet::new() };
    look.had.iter().flat_map(|name| look.fields(name)).collect()
}

/// Whether a key is what a mask writes in the place of a value.
pub fn is_of_mask(turn: &Turn<'_>, key: &str) -> Answer {
    let Some((stem, _)) = key.rsplit_once('.') else { return Answer::No };
    match turn.after(&format!("{stem}.type")) {
        Said::Text(class) => (sort(&class) == "MaskField").into(),
        Said::Nothing => Answer::No,
        Said::Unknown => Answer::Unknown,
    }
}

/// What a key is to a transform.
enum Part<'k> {
    /// The list that it stands in, or not.
    List,
    /// One of its own keys, or the predicate on which it depends.
    Leaf(&'k str),
}

/// A key that changes, and the transforms on both sides.
struct Look<'t> {
    turn: &'t Turn<'t>,
    key: &'t str,
    before: Chain<'t>,
    after: Chain<'t>,
    had: Vec<String>,
    has: Known<Vec<String>>,
}

impl<'t> Look<'t> {
    fn new(turn: &'t Turn<'t>, key: &'t str) -> Known<Self> {
        let (before, after) = (Chain::before(turn), Chain::after(turn));
        Ok(Self { turn, key, before, after, had: before.names()?, has: after.names() })
    }

    /// The fields of one of the transforms so far that the key shows; all of them where nobody can tell which.
    fn fields(&self, name: &str) -> BTreeSet<String> {
        let judged = self.at(name);
        let Ok(Some(veil)) = Veil::of(&self.before, name, true) else { return BTreeSet::new() };
        let veils = match (judged, &self.has) {
            (Ok(Answer::No), _) => return BTreeSet::new(),
            (Ok(Answer::Yes | Answer::Unknown), Ok(has)) => self.veils(&veil, name, has).0,
            (Ok(_) | Err(Unknown), _) => Vec::new(),
        };
        veil.beyond(&veils)
    }

    /// Whether the key shows what one of the transforms so far hid.
    fn at(&self, name: &str) -> Known<Answer> {
        let part = self.part(name);
        let stays = self.has.as_ref().is_ok_and(|has| has.iter().any(|other| other == name));
        let is_of_it = match part {
            Some(Part::List) => !stays || self.is_moved(name),
            Some(Part::Leaf(_)) => true,
            None => self.moves_what_it_finds(name),
        };
        if !is_of_it {
            return Ok(Answer::No);
        }
        let Some(veil) = Veil::of(&self.before, name, true)?.filter(|veil| !self.is_everyday(veil)) else {
            return Ok(Answer::No);
        };
        let has = self.has.as_ref().map_err(|Unknown| Unknown)?;
        match part {
            Some(Part::List) if stays => return Err(Unknown),
            None => return Err(Unknown),
            // What goes as a whole is said of the list, and under another class the other keys mean something else.
            Some(Part::Leaf(leaf)) => {
                if !stays || self.is_of_another_class(name, leaf) || !veil.depends_on(leaf) {
                    return Ok(Answer::No);
                }
            }
            Some(Part::List) => {}
        }
        Ok(self.uncovered(&veil, name, has))
    }

    /// What the key is to a transform; none where it is nothing to it.
    fn part(&self, name: &str) -> Option<Part<'t>> {
        if self.key == LIST {
            return Some(Part::List);
        }
        let Some(predicate) = self.key.strip_prefix("predicates.") else {
            return self.key.strip_prefix(&format!("{LIST}.{name}.")).map(Part::Leaf);
        };
        let is_it = |on: &str| predicate.strip_prefix(on.trim()).is_some_and(|rest| rest.starts_with('.'));
        let depends = |chain: &Chain<'_>| {
            chain.text(name, "predicate").map_or(true, |on| on.is_some_and(|on| is_it(&on)))
        };
        (depends(&self.before) || depends(&self.after)).then_some(Part::Leaf("predicate"))
    }

    /// Whether the key means something else afterwards because its transform is of another class.
    fn is_of_another_class(&self, name: &str, leaf: &str) -> bool {
        leaf != "type" && self.turn.changes(&format!("{LIST}.{name}.type"))
    }

    /// Whether the transform leaves out of a target what the topic still has: everyday work on a table.
    fn is_everyday(&self, veil: &Veil) -> bool {
        let (before, after) = self.turn.classes();
        sort(&veil.class) == "ReplaceField" && [before, after].iter().all(|class| Family::Sinks.has(class))
    }

    /// Whether something else than before stands in front of a transform, so that nobody can tell what it finds.
    fn is_moved(&self, name: &str) -> bool {
        let Ok(has) = &self.has else { return true };
        let sought = self.after.sought(name);
        self.before.ahead(&self.had, name, sought) != self.after.ahead(has, name, sought)
    }

    /// Whether the key is of a transform in front of this one, and decides where fields stand behind it. What comes, goes or
    /// takes another place is said of the list.
    fn moves_what_it_finds(&self, name: &str) -> bool {
        let Ok(has) = &self.has else {
            return self.had.iter().any(|other| self.part(other).is_some());
        };
        let is_ahead = |other: &String| {
            let stands = |chain: &[String]| chain.iter().take_while(|it| *it != name).any(|it| it == other);
            has.contains(other) && (stands(&self.had) || stands(has))
        };
        let (is_there, sought) = (has.iter().any(|other| other == name), self.after.sought(name));
        is_there && self.had.iter().filter(|other| is_ahead(other)).any(|other| self.moves(other, sought))
    }

    /// Whether the key decides where what is sought stands behind one of the transforms, and says something else there.
    fn moves(&self, name: &str, sought: Sought) -> bool {
        let Some(Part::Leaf(leaf)) = self.part(name) else { return false };
        let (was, will) = (self.before.moves(name, sought), self.after.moves(name, sought));
        if leaf == "predicate" {
            return was != will && !self.is_of_another_class(name, leaf);
        }
        let at = |moves: Option<Moves>| moves.and_then(|mut moves| moves.remove(leaf));
        !self.is_of_another_class(name, leaf) && at(was) != at(will)
    }

    /// Whether nothing hides afterwards what a transform hid.
    fn uncovered(&self, veil: &Veil, name: &str, has: &[String]) -> Answer {
        let (veils, is_sure) = self.veils(veil, name, has);
        match veil.is_among(&veils) {
            Answer::Yes => Answer::No,
            Answer::No if is_sure => Answer::Yes,
            Answer::No | Answer::Unknown => Answer::Unknown,
        }
    }

    /// What hides afterwards wherever a transform hid, and whether that is surely all. What another one hides counts where it
    /// finds what this one found.
    fn veils(&self, veil: &Veil, name: &str, has: &[String]) -> (Vec<Veil>, bool) {
        let finds_it = |other: &str| {
            let sought = self.after.sought(other);
            self.after.ahead(has, other, sought) == self.before.ahead(&self.had, name, sought)
        };
        let (mut veils, mut is_sure) = (Vec::new(), true);
        for other in has {
            match Veil::of(&self.after, other, veil.is_former) {
                Ok(None) => {}
                Ok(Some(veil)) if other == name || finds_it(other) => veils.push(veil),
                Ok(Some(_)) | Err(Unknown) => is_sure = false,
            }
        }
        veils.retain(|other| match (&other.on, &veil.on) {
            (None, _) => true,
            (Some(on), Some(was)) => on == was,
            (Some(_), None) => false,
        });
        (veils, is_sure)
    }
}

impl Veil {
    /// What a transform hides; none where it hides nothing. Lists by the names that Connect 4 does not know count only where
    /// they are known to work.
    fn of(chain: &Chain<'_>, name: &str, with_former: bool) -> Known<Option<Self>> {
        let class = chain.class(name)?;
        let mut is_former = false;
        let how = match sort(&class) {
            "MaskField" => How::Fields { gone: chain.items(name, &["fields"])?, left: None },
            "ReplaceField" => {
                let known = if with_former { 2 } else { 1 };
                is_former = !chain.items(name, &[GONE[1], LEFT[1]])?.is_empty();
                let left = chain.items(name, &LEFT[..known])?;
                let gone = chain.items(name, &GONE[..known])?;
                How::Fields { gone, left: Some(left).filter(|left| !left.is_empty()) }
            }
            other if transforms::hides(other) => How::Own,
            _ => return Ok(None),
        };
        if matches!(&how, How::Fields { gone, left: None } if gone.is_empty()) {
            return Ok(None);
        }
        let on = chain.bound(name)?;
        Ok(Some(Self { class, how, on, is_former }))
    }

    /// Whether a key of the transform decides what it hides.
    fn depends_on(&self, leaf: &str) -> bool {
        let is_own = match (&self.how, sort(&self.class)) {
            (How::Own, _) => return true,
            (How::Fields { .. }, "MaskField") => leaf == "fields",
            (How::Fields { .. }, _) => GONE.contains(&leaf) || LEFT.contains(&leaf),
        };
        is_own || ["type", "predicate", "negate"].contains(&leaf)
    }

    /// Whether others hide all that it hides.
    fn is_among(&self, others: &[Self]) -> Answer {
        let How::Fields { gone, left } = &self.how else {
            return if others.iter().any(|other| other.class == self.class) {
                Answer::Unknown
            } else {
                Answer::No
            };
        };
        let leaves_no_more = |more: &BTreeSet<String>| {
            self.of_its_side(others).any(|(_, left)| left.is_some_and(|left| left.is_subset(more)))
        };
        let is_hidden = |field: &String| self.is_hidden(field, others);
        (gone.iter().all(is_hidden) && left.as_ref().is_none_or(leaves_no_more)).into()
    }

    /// What others hide on its side of the record, as far as that is known.
    fn of_its_side<'v>(
        &self,
        others: &'v [Self],
    ) -> impl Iterator<Item = (&'v BTreeSet<String>, Option<&'v BTreeSet<String>>)> {
        let others = others.iter().filter(|other| side(&other.class) == side(&self.class));
        others.filter_map(|other| match &other.how {
            How::Fields { gone, left } => Some((gone, left.as_ref())),
            How::Own => None,
        })
    }

    /// Whether others hide a field on its side of the record.
    fn is_hidden(&self, field: &String, others: &[Self]) -> bool {
        self.of_its_side(others)
            .any(|(gone, left)| gone.contains(field) || left.is_some_and(|left| !left.contains(field)))
    }

    /// The fields that it hides and others do not, as far as somebody names them.
    fn beyond(&self, others: &[Self]) -> BTreeSet<String> {
        let How::Fields { gone, left } = &self.how else { return BTreeSet::new() };
        let come = self.of_its_side(others).filter_map(|(_, others)| Some((left.as_ref()?, others?)));
        let come = come.flat_map(|(left, others)| others.difference(left));
        gone.iter().chain(come).filter(|field| !self.is_hidden(field, others)).cloned().collect()
    }
}
