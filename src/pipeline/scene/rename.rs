//! A connector that comes under another name.
//!
//! Takes every connector as it is and as it is to be, gives each that would begin to work beside, or in place of, one that
//! nobody declares and that is the same in what counts: `likeness` knows what that is. Connect keeps offsets by name, so
//! that the new one begins without those of the old one. What that does is known to `risk`.

use std::collections::BTreeMap;

use crate::model::name::ConnectorName;
use crate::model::risk::Harm;
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::{self, Danger};
use crate::pipeline::scene::cast::{Actor, Cast, Role};
use crate::pipeline::scene::likeness::{Differs, Likeness, Mark, differing, marks, sought};
use crate::pipeline::scene::own::{NAME, Own};
use crate::pipeline::scene::route;
use crate::pipeline::scene::way::{self, Under};
use crate::pipeline::sight::Sight;

const ONE_SLOT: &str = "A slot serves one reader: both say RUNNING, and the new one delivers nothing after its snapshot for as \
                        long as the old one runs.";

const ONE_PREFIX: &str = "Both write to the same topics: in one worker the second one says RUNNING and delivers nothing, in \
                          two workers most rows came twice (292 of 300).";

const ONE_WORK: &str = "Both do the same work, so that all of it is delivered twice.";

const ONE_GROUP: &str = "Both are members of that group, and share what comes until one of them goes.";

const NO_WAY_BACK: &str = "The slot moves on under the new name, so that going back to the old one fails: its offsets are no \
                           longer available on the server.";

/// A connector that comes under another name.
#[derive(Debug, Clone)]
pub struct Rename<'s> {
    /// The name that it has; of several that fit the one that is most likely meant. None where it only reads what one read
    /// that goes.
    pub old: Option<&'s ConnectorName>,
    /// What the new one does when it begins to work; none where it is not to work.
    pub comes: Option<Danger>,
    /// What else is held of it, which would be held as well if the old one was changed in place.
    pub beside: Vec<Danger>,
    /// What it does to delete each that fits; none where the new one does nothing that is held.
    pub goes: BTreeMap<&'s ConnectorName, Danger>,
}

/// A connector that nobody declares.
#[derive(Debug, Clone, Copy)]
struct Old<'s> {
    name: &'s ConnectorName,
    was: Role<'s>,
    sight: Sight<'s>,
    /// Whether it goes with this plan, for whatever reason.
    goes: bool,
    /// Whether it goes with a later one, for having lost its file.
    is_lost: bool,
}

/// A connector that begins to work.
#[derive(Debug, Clone, Copy)]
struct New<'s> {
    name: &'s ConnectorName,
    will: Role<'s>,
    sight: Sight<'s>,
    /// Whether it is there already, stopped.
    is_there: bool,
}

/// The old ones that a new one looks like.
#[derive(Debug)]
struct Likes<'s> {
    /// Each that it may be, and in what they are the same.
    olds: Vec<(Old<'s>, Likeness)>,
    /// The one of them that is most likely meant.
    meant: Option<(Old<'s>, Likeness)>,
    /// One that goes and whose rows it reads, with a slot and topics of its own.
    gone: Option<Old<'s>>,
}

/// The new names of each old one, in order.
type News<'s> = BTreeMap<&'s ConnectorName, Vec<Under<'s>>>;

/// Each of them, by the name that it is to have.
pub fn all<'s>(cast: &Cast<'s>) -> BTreeMap<&'s ConnectorName, Rename<'s>> {
    let mut left: BTreeMap<Mark, Vec<Old<'_>>> = BTreeMap::new();
    for (&name, actor) in cast.iter().filter(|(_, actor)| !actor.is_declared) {
        if let Some((was, sight)) = actor.was.and_then(|was| Some((was, was.sight()?))) {
            let goes = actor.goes() || actor.is_pruned;
            let old = Old { name, was, sight, goes, is_lost: actor.is_lost };
            for mark in marks(&sight) {
                left.entry(mark).or_default().push(old);
            }
        }
    }
    let begins = |(&name, actor): (&&'s ConnectorName, &Actor<'s>)| {
        let will = actor.will.filter(|_| actor.is_declared && !actor.worked())?;
        let new = New { name, will, sight: will.sight()?, is_there: actor.was.is_some() };
        Some((Likes::of(&left, &new), new))
    };
    let begin: Vec<_> = cast.iter().filter_map(begins).collect();
    let mut news = News::new();
    for (likes, New { name, will, is_there, .. }) in &begin {
        // One that is there and rests may have offsets of its own, and only looks like the old one.
        let is_apart = |likeness: Likeness| *is_there && !will.works && likeness.is_loose();
        if let Some((old, _)) = likes.meant.filter(|(_, likeness)| !is_apart(*likeness)) {
            news.entry(old.name).or_default().push(Under { name, is_there: *is_there });
        }
    }
    begin.iter().filter_map(|(likes, new)| Some((new.name, rename(likes, new, &news)?))).collect()
}

impl<'s> Likes<'s> {
    fn of(left: &BTreeMap<Mark, Vec<Old<'s>>>, new: &New<'_>) -> Self {
        let olds = sought(&new.sight).into_iter().filter_map(|mark| left.get(&mark)).flatten();
        let olds = olds.filter_map(|old| Some((old.name, (*old, likeness(old, new)?))));
        let olds: BTreeMap<_, _> = olds.collect();
        let (others, olds): (Vec<_>, Vec<_>) =
            olds.into_values().partition(|(_, likeness)| *likeness == Likeness::Rows);
        // One that goes is more likely meant than one that stays, and one that worked than one that rested.
        let meant = olds.iter().max_by_key(|(old, _)| (old.goes, old.is_lost, old.was.works)).copied();
        let gone = others.into_iter().map(|(old, _)| old).find(|old| old.goes);
        Self { olds, meant, gone }
    }
}

fn rename<'s>(likes: &Likes<'s>, new: &New<'_>, news: &News<'s>) -> Option<Rename<'s>> {
    let Some((old, likeness)) = &likes.meant else {
        let comes = begins_anew(likes.gone.as_ref()?, new);
        return Some(Rename { old: None, comes, beside: Vec::new(), goes: BTreeMap::new() });
    };
    let all = news.get(old.name).map_or(&[][..], Vec::as_slice);
    let comes = comes(old, (new, all), *likeness);
    let is_free = new.will.works && !comes.as_ref().is_some_and(|danger| danger.harm.is_held());
    let spared = likes.olds.iter().filter(|_| !is_free);
    let goes = spared.map(|(old, _)| (old.name, goes(new.name, old.name))).collect();
    let beside = if new.will.works { held_beside(old, new) } else { Vec::new() };
    Some(Rename { old: Some(old.name), comes, beside, goes })
}

/// What turning the old one into the new one does, beside the name.
fn held_beside(old: &Old<'_>, new: &New<'_>) -> Vec<Danger> {
    let dangers = risk::of_rename_beside(old.was.config, new.will.config).into_iter();
    let of = |danger: Danger| Danger {
        consequence: format!("Beside the name, this differs from `{}`. {}", old.name, danger.consequence)
            .into(),
        ..danger
    };
    dangers.map(of).collect()
}

/// In what an old one is the same as the new one. Beside one that stays another may do the same work on other ways; where one
/// goes, what it did is most likely meant.
fn likeness(old: &Old<'_>, new: &New<'_>) -> Option<Likeness> {
    let likeness = Likeness::of(&old.sight, &new.sight)?;
    let is_elsewhere = || likeness == Likeness::Work && !route::differing(&old.sight, &new.sight).is_empty();
    let is_other = !old.goes && !old.is_lost && (likeness.is_loose() || is_elsewhere());
    (!is_other).then_some(likeness)
}

/// What it does that the new one begins to work. Others may come for the old one as well.
fn comes(old: &Old<'_>, (new, all): (&New<'_>, &[Under<'_>]), likeness: Likeness) -> Option<Danger> {
    if !new.will.works {
        return None;
    }
    let danger = risk::of_rename(old.was.config, new.will.config)?;
    let slots = [&old.sight, &new.sight].map(Own::slot_name);
    let is_one_slot = slots[0].is_some() && slots[0] == slots[1];
    let (mut harm, mut says) = (danger.harm, String::new());
    if !old.goes && old.was.works && likeness.is_of_others() && harm == Harm::Contract {
        says = format!(" `{}` is not deleted and goes on running. {ONE_GROUP}", old.name);
    } else if !old.goes && old.was.works {
        let worse = if is_one_slot { Harm::Outage } else { Harm::Resnapshot };
        harm = harm.max(worse);
        let together = match (is_one_slot, likeness.is_of_others()) {
            (true, _) => ONE_SLOT,
            (false, true) => ONE_WORK,
            (false, false) => ONE_PREFIX,
        };
        says = format!(" `{}` is not deleted and goes on running. {together}", old.name);
    } else if is_one_slot && harm == Harm::Contract {
        (harm, says) = (Harm::Irreversible, format!(" {NO_WAY_BACK}"));
    }
    let differs = differing(&old.sight, &new.sight);
    let way = match risk::of_stop(old.was.config) {
        // To take the key away first drops the slot as well: that, too, stops the task.
        Some(stop) => format!("none is known that keeps the slot of `{}`. {}", old.name, stop.consequence),
        None if Family::Debezium.has(old.sight.class) && all.len() > 1 => way::for_one_alone(old.name, all),
        None => way::between((old.name, old.was.config), (new.name, all), &kept(&differs)),
    };
    let (unless, remedy) = if new.is_there {
        let unless = format!(" Unless it was given the offsets of `{}` since it was made:", old.name);
        (unless, format!("go on where that stands: {way}"))
    } else {
        (String::new(), way)
    };
    let place = format!("This is `{}` under another name: {}.", old.name, likeness.told());
    let ways = if likeness.is_of_others() { route::differing(&old.sight, &new.sight) } else { Vec::new() };
    let beside = beside(&differs, &ways, likeness);
    Some(Danger {
        to: Some(new.name.as_str().into()),
        harm,
        consequence: format!("{place}{beside}{unless} {}{says}", danger.consequence).into(),
        remedy: Some(remedy.into()),
        ..danger
    })
}

/// What it does that a new one reads what another one read that goes. Nothing is held for it: it may well be meant.
fn begins_anew(old: &Old<'_>, new: &New<'_>) -> Option<Danger> {
    let differs = kept(&differing(&old.sight, &new.sight)).join(", ");
    let remedy = format!("where it is to go on instead, let the definition of `{}` keep {differs}", new.name);
    new.will.works.then(|| Danger {
        key: NAME.into(),
        to: Some(new.name.as_str().into()),
        row: "begins-anew",
        harm: Harm::Contract,
        consequence: format!(
            "`{}` goes, and this reads {}, in topics of its own: it knows no offsets, and reads everything anew, or, where its \
             `snapshot.mode` reads no data, begins at that moment and leaves a gap.",
            old.name,
            Likeness::Rows.told()
        )
        .into(),
        remedy: (!differs.is_empty()).then(|| remedy.into()),
    })
}

/// What differs of two that are the same, in words.
fn beside(differs: &[Differs], ways: &[&str], likeness: Likeness) -> String {
    let told =
        differs.iter().map(|Differs { key, was, will }| format!(" Its `{key}` is `{will}` and not `{was}`."));
    let ways = ways.iter().map(|part| format!(" Its {part} differ, which may send records elsewhere."));
    told.chain(ways).chain(likeness.beside().map(|does| format!(" {does}"))).collect()
}

/// The lines that let the new one keep what differs.
fn kept(differs: &[Differs]) -> Vec<String> {
    differs.iter().map(|Differs { key, was, .. }| format!("`{key}: {was}`")).collect()
}

/// What it does to delete the old one as long as nobody has said what becomes of the new one.
fn goes(new: &ConnectorName, old: &ConnectorName) -> Danger {
    Danger {
        key: NAME.into(),
        to: Some(new.as_str().into()),
        row: "renamed-away",
        harm: Harm::Irreversible,
        consequence: format!(
            "`{new}` is this connector under another name, and is not released yet. Only as long as `{old}` is there can its \
             offsets be read and given to `{new}`."
        )
        .into(),
        remedy: Some("move its offsets first, as is said at the new one".into()),
    }
}
