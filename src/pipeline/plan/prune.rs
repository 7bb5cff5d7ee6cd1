//! Which connectors are deleted because no file declares them any more.
//!
//! Takes what is desired, what is live and whose the rest is; gives steps and holds for what was ours, and the names of
//! what is left alone. It never guesses: what is not known to be ours is left alone. Whose a connector is, others find
//! out; that two looks must agree is known here, what the look before said is an argument.
//!
//! **The base** of the limits are the connectors of this scope that are ours: the live ones inside `select` that are
//! declared with a state other than `absent`, or that are not declared and were once. Connectors of others do not count.
//!
//! **What went together counts together.** Where a look finds the limits passed, all that would go are a batch. Until the
//! last of it is answered for, the limits are judged over the whole of it: who confirms one, declares one absent or brings
//! one back has said nothing of the others. What looks know of each other is an argument here, too.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::{Desired, DesiredState};
use crate::model::known::{Batch, Claim, Former, Known};
use crate::model::live::Live;
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Held, Hold, Reason};
use crate::model::policy::{Policy, Pruned};
use crate::pipeline::plan::deletion;
use crate::pipeline::plan::words::{absent, argument, scalar};

/// What becomes of the live connectors that nobody declares.
#[derive(Debug, Default)]
pub struct Undeclared {
    /// Steps that delete.
    pub steps: Vec<Action>,
    /// Deletions that are held.
    pub held: Vec<Held>,
    /// Connectors that are left alone.
    pub unmanaged: Vec<ConnectorName>,
}

/// What is said where nobody knows of some whose they are.
const UNREAD: &str = "\nThe history of the repository says whose they are once it is read far enough; where the log says that \
    this takes too long each time, raise `repository.git.deadline` in the settings";

/// What becomes of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate<'k> {
    /// It is left alone.
    Unmanaged,
    /// It was ours, and was never to be deleted.
    Kept(&'k Former),
    /// More would go with it than may.
    TooMany(Excess),
    /// The look before did not say that it goes.
    SecondLook,
    /// It goes.
    Deleted,
}

/// By how much a limit is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Excess {
    /// How many would go, with those that went together with them.
    gone: usize,
    /// How many of them nobody has answered for.
    open: usize,
    /// How many there are whose owner nobody knows yet.
    unjudged: usize,
    /// Of how many.
    base: usize,
    /// How many may go.
    most: usize,
    /// Whether none would be left.
    every: bool,
}

/// Judges the live connectors that nobody declares. `suspended` says who stops all writing, where somebody does.
pub fn prune(
    desired: &Desired,
    live: &Live,
    known: &Known,
    policy: &Policy,
    suspended: Option<&str>,
) -> Undeclared {
    let mut undeclared = Undeclared::default();
    for (name, fate) in fates(desired, live, known, policy) {
        let Some(one) = live.connectors.get(name) else { continue };
        let actions = || deletion::steps(name, one, &live.capabilities, Reason::NotInRepository);
        let hold = |hold, detail: &str, release: Option<&str>| {
            deletion::hold(actions(), hold, detail, release).collect::<Vec<_>>()
        };
        match (fate, suspended) {
            (Fate::Unmanaged, _) => undeclared.unmanaged.push(name.clone()),
            (Fate::Kept(former), _) => {
                undeclared.held.extend(hold(Hold::Keep, &kept(name, former), absent(name).as_deref()));
            }
            (Fate::TooMany(_) | Fate::SecondLook | Fate::Deleted, Some(detail)) => {
                undeclared.held.extend(hold(Hold::Suspended, detail, None));
            }
            (Fate::TooMany(excess), None) => {
                let detail = too_many(name, excess, policy);
                undeclared.held.extend(hold(Hold::TooManyDeletes, &detail, absent(name).as_deref()));
            }
            (Fate::SecondLook, None) => {
                undeclared.held.extend(hold(Hold::TooManyDeletes, &second_look(name), None));
            }
            (Fate::Deleted, None) => undeclared.steps.extend(actions()),
        }
    }
    undeclared
}

/// The connectors that a look would delete for being gone, had the one before seen the same: what the next look is to
/// know.
pub fn seen(desired: &Desired, live: &Live, known: &Known, policy: &Policy) -> BTreeSet<ConnectorName> {
    fates(desired, live, known, policy)
        .into_iter()
        .filter(|(_, fate)| matches!(fate, Fate::SecondLook | Fate::Deleted))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The connectors that go together, as the next look is to know them; none where the limits let all of them go.
pub fn batch(desired: &Desired, live: &Live, known: &Known, policy: &Policy) -> Batch {
    // Where nothing may be deleted, nothing is counted either.
    let Some(scope) = Scope::of(desired, live, known, policy) else { return known.batch.clone() };
    scope.excess(policy).map_or_else(Batch::default, |(excess, together)| Batch {
        names: together.into_iter().cloned().collect(),
        every: excess.every,
    })
}

fn fates<'n>(
    desired: &'n Desired,
    live: &'n Live,
    known: &'n Known,
    policy: &Policy,
) -> BTreeMap<&'n ConnectorName, Fate<'n>> {
    let Some(scope) = Scope::of(desired, live, known, policy) else {
        return undeclared(desired, live, policy).map(|name| (name, Fate::Unmanaged)).collect();
    };
    let excess = scope.excess(policy).map(|(excess, _)| excess);
    let fate = |claim: (&ConnectorName, Option<&'n Claim>)| match claim {
        (_, None | Some(Claim::Stranger)) => Fate::Unmanaged,
        (_, Some(Claim::Ours(former))) if former.keep => Fate::Kept(former),
        (name, Some(Claim::Ours(_))) if known.confirmed.contains(name) => Fate::Deleted,
        (name, Some(Claim::Ours(_))) => match excess {
            Some(excess) => Fate::TooMany(excess),
            None if known.seen.contains(name) => Fate::Deleted,
            None => Fate::SecondLook,
        },
    };
    scope.claims.iter().map(|(name, claim)| (*name, fate((*name, *claim)))).collect()
}

/// The live connectors that nobody declares.
fn undeclared<'n>(
    desired: &'n Desired,
    live: &'n Live,
    policy: &Policy,
) -> impl Iterator<Item = &'n ConnectorName> {
    let names = live.connectors.keys().filter(|name| policy.select.covers(name));
    names.filter(|name| !desired.connectors.contains_key(*name))
}

/// What the limits are judged over.
struct Scope<'n> {
    /// Whose those are that nobody declares, as far as it is known.
    claims: BTreeMap<&'n ConnectorName, Option<&'n Claim>>,
    /// Those that are there and are to be.
    staying: BTreeSet<&'n ConnectorName>,
    /// What went together before, and is not answered for to the last.
    before: BTreeSet<&'n ConnectorName>,
    /// Whether none would have been left then.
    every: bool,
}

impl<'n> Scope<'n> {
    /// Nothing where nothing may be deleted for being gone.
    fn of(desired: &'n Desired, live: &'n Live, known: &'n Known, policy: &Policy) -> Option<Self> {
        match policy.prune.who {
            Pruned::Nobody => return None,
            Pruned::Owned if !desired.incomplete.is_empty() => return None,
            Pruned::Owned => {}
        }
        let claim = |name: &ConnectorName| {
            if desired.forgotten.contains(name) { Some(&Claim::Stranger) } else { known.claims.get(name) }
        };
        let claims: BTreeMap<_, _> =
            undeclared(desired, live, policy).map(|name| (name, claim(name))).collect();
        let stays = |name: &&ConnectorName| {
            desired.connectors.get(*name).is_some_and(|one| one.state != DesiredState::Absent)
        };
        let all = live.connectors.keys().filter(|name| policy.select.covers(name));
        let staying = all.filter(stays).collect();
        let mut before: BTreeSet<_> =
            known.batch.names.iter().filter(|name| policy.select.covers(name)).collect();
        if !before.iter().any(|name| claims.get(*name).copied().is_some_and(is_open)) {
            before.clear();
        }
        let every = known.batch.every && !before.is_empty();
        Some(Self { claims, staying, before, every })
    }

    /// By how much the limits are passed, and what goes together, where they are. What nobody has judged yet counts with
    /// what would go: judged one by one, any number would pass.
    fn excess(&self, policy: &Policy) -> Option<(Excess, BTreeSet<&'n ConnectorName>)> {
        let (mut together, mut base) = (self.before.clone(), self.staying.clone());
        base.extend(&self.before);
        let (mut open, mut unjudged) = (0, 0);
        for (name, claim) in &self.claims {
            match claim {
                None => unjudged += usize::from(!self.before.contains(name)),
                Some(Claim::Stranger) => {}
                Some(Claim::Ours(former)) => {
                    base.insert(*name);
                    // One that a person named passes itself, and makes no room for others.
                    if !former.keep {
                        together.insert(*name);
                    }
                }
            }
            open += usize::from(together.contains(name) && is_open(*claim));
        }
        let (gone, base) = (together.len(), base.len());
        let most = policy.prune.max.max(base.saturating_mul(policy.prune.max_percent) / 100);
        let every = self.every || self.staying.is_empty();
        let excess = Excess { gone, open, unjudged, base, most, every };
        (gone > 0 && (every || gone + unjudged > most)).then_some((excess, together))
    }
}

/// Whether nobody has answered yet for a connector that no file declares.
fn is_open(claim: Option<&Claim>) -> bool {
    match claim {
        None => true,
        Some(Claim::Stranger) => false,
        Some(Claim::Ours(former)) => !former.keep,
    }
}

fn kept(name: &ConnectorName, former: &Former) -> String {
    let source = &former.source;
    format!(
        "no file declares it any more, and the last one that did ({source}) said `keep: true`: it is never deleted for \
         that.\n{}",
        ways(name, None)
    )
}

fn too_many(name: &ConnectorName, excess: Excess, policy: &Policy) -> String {
    let Excess { gone, open, unjudged, base, most, every } = excess;
    let (max, percent) = (policy.prune.max, policy.prune.max_percent);
    let more = if unjudged > 0 {
        format!(" and {unjudged} of which is not known yet whose they are")
    } else {
        String::new()
    };
    let limits = format!("(`prune.max` {max}, `prune.max_percent` {percent})");
    let why = match (every, open == gone) {
        (true, true) => format!("none of the {base} connectors that are ours would be left"),
        (false, true) => format!(
            "with it {gone} of the {base} connectors that are ours would go{more}; at most {most} may at once {limits}"
        ),
        (true, false) => format!(
            "it is one of {gone} that went together, after which none that is ours would have been left. {open} of them \
             are not answered for, and what was done about the others makes no room"
        ),
        (false, false) => format!(
            "it is one of {gone} of {base} connectors that went together{more}; at most {most} may at once {limits}. \
             {open} of them are not answered for, and what was done about the others makes no room"
        ),
    };
    let confirm = format!("`tagalong apply --confirm-delete {}`", argument(name));
    let unread = if unjudged > 0 && !every { UNREAD } else { "" };
    format!("no file declares it any more, and {why}.{unread}\n{}", ways(name, Some(&confirm)))
}

fn second_look(name: &ConnectorName) -> String {
    format!(
        "no file declares it any more; it waits for the second look, and is deleted when that finds the same.\n{}",
        stay(name)
    )
}

/// How it goes all the same, and how it stays.
fn ways(name: &ConnectorName, confirm: Option<&str>) -> String {
    let go = confirm.map_or_else(
        || "If it is to go, declare it absent".to_owned(),
        |confirm| format!("If it is to go, declare it absent, or run {confirm}"),
    );
    format!("{go}.\n{}", stay(name))
}

fn stay(name: &ConnectorName) -> String {
    let name = scalar(name);
    format!(
        "If it is to stay, bring its file back; where another repository has it now, add `forget: {name}`"
    )
}
