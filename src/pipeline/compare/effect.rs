//! What would become of each connector of one environment.
//!
//! Takes what the environment should run before and after, gives what differs, the brake that would stop it, and what is said
//! and does nothing. Risks and deletions are those of a plan for a cluster that is as the older revision declares it. What else
//! a cluster has, and what was deleted before, is told by a plan for that cluster.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::comparison::{Brake, Effect, EffectKind, Renamed, Suspending, Told};
use crate::model::config::{Config, Shown, Value};
use crate::model::desired::{Desired, DesiredConnector, DesiredState, Suspend};
use crate::model::known::{Claim, Former, Known};
use crate::model::live::{Kind, Live, LiveConnector, RunState, Status};
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Change, ChangeKind, Held, Hold, Left, Plan, Reason, StepKind};
use crate::model::policy::{Policy, Prune};
use crate::model::risk::{Risk, Standing};
use crate::model::warning::{Lack, Warning};
use crate::pipeline::diff::difference;
use crate::pipeline::{plan, risk};

type ByName<T> = BTreeMap<ConnectorName, T>;
type Effects = ByName<Effect>;

/// What would become of each connector that is not the same before and after, and what the newer revision says that does
/// nothing.
pub fn effects(before: &Desired, after: &Desired, prune: Prune, now: Timestamp) -> (Effects, Vec<Warning>) {
    let Thought { mut brakes, mut told, mut pruned, mut leaves, warnings } =
        thought(before, after, prune, now);
    let gone = before.connectors.iter().filter(|(name, _)| !after.connectors.contains_key(*name));
    let gone = gone.map(|(name, old)| {
        let mut effect = unmanaged(old);
        if let Some(held) = pruned.remove(name) {
            effect.kind = EffectKind::Delete;
            effect.held = held;
            effect.told = told.remove(name).unwrap_or_default();
            effect.leaves = leaves.remove(name).unwrap_or_default();
        }
        (name.clone(), effect)
    });
    let mut effects: Effects = gone.collect();
    effects.extend(after.connectors.iter().filter_map(|(name, new)| {
        let mut effect = effect(before.connectors.get(name), new, now)?;
        effect.held = suspension(after, new, &effect, now).or_else(|| brakes.remove(name));
        effect.told = told.remove(name).unwrap_or_default();
        effect.leaves = leaves.remove(name).unwrap_or_default();
        Some((name.clone(), effect))
    }));
    renames(before, after, &mut effects);
    (effects, warnings)
}

/// What a plan thinks of it.
struct Thought {
    /// What it would hold as a risk, or because another one waits.
    brakes: ByName<Brake>,
    /// What it would tell and let pass.
    told: ByName<Vec<Told>>,
    /// What it would delete for being gone, with what holds it.
    pruned: ByName<Option<Brake>>,
    /// What it says stays behind of what it would delete.
    leaves: ByName<Vec<Left>>,
    /// What it warns of that the definitions say.
    warnings: Vec<Warning>,
}

/// What a plan thinks on a cluster that is as the older revision declares it. What is suspended is judged all the same: the
/// word may be taken away first. What is deleted, and what waits for another one, is held as it is with that word.
fn thought(before: &Desired, after: &Desired, prune: Prune, now: Timestamp) -> Thought {
    let said = Desired { unresolved: BTreeMap::new(), ..after.clone() };
    let mut freed = Desired { suspend: None, ..said.clone() };
    freed.connectors.values_mut().for_each(|wanted| wanted.suspend = None);
    let [freed, said] = [&freed, &said].map(|after| planned(before, after, prune, now));

    let is_pruned =
        |action: &Action| action.reason == Reason::NotInRepository && action.step.kind() == StepKind::Delete;
    let steps = said.steps.into_iter().filter(is_pruned);
    let mut pruned: ByName<_> = steps.map(|action| (action.connector, None)).collect();
    let mut brakes = BTreeMap::new();
    let risky = freed.held.into_iter().filter(|held| held.hold == Hold::RiskyChange);
    // The change comes before the resume that waits behind it.
    for Held { action, hold, detail, release } in risky.filter(|held| !is_pruned(&held.action)) {
        brakes.entry(action.connector).or_insert(Brake { hold, detail, release });
    }
    for Held { action, hold, detail, release } in said.held {
        let brake = Brake { hold, detail, release };
        if is_pruned(&action) {
            pruned.insert(action.connector, Some(brake));
        } else {
            brakes.entry(action.connector).or_insert(brake);
        }
    }
    let mut told: ByName<Vec<Told>> = BTreeMap::new();
    for risk in freed.risks.into_iter().filter(|risk| risk.standing != Standing::Held) {
        let Risk { connector, key, to: _, row, harm, consequence, remedy: _, standing } = risk;
        told.entry(connector).or_default().push(Told { key, row, harm, standing, consequence });
    }
    let mut warnings = said.warnings;
    warnings.retain(|warning| is_of_definitions(&warning.lack));
    Thought { brakes, told, pruned, leaves: said.leaves, warnings }
}

/// Whether a warning is of what definitions say, and not of a Connect or of settings, of which nothing is known here.
fn is_of_definitions(lack: &Lack) -> bool {
    match lack {
        Lack::Time { .. } | Lack::Connector { .. } => true,
        Lack::Version | Lack::PausedStart | Lack::StoppedStart | Lack::Stop | Lack::Match { .. } => false,
    }
}

fn planned(before: &Desired, after: &Desired, prune: Prune, now: Timestamp) -> Plan {
    let live = before.connectors.iter().filter_map(|(name, was)| Some((name.clone(), as_live(was)?)));
    let live = Live { connectors: live.collect(), ..Live::default() };
    let policy = Policy { prune, ..Policy::default() };
    plan::plan_knowing(after, &live, &ours(before, after), &policy, now)
}

/// What an agent knows that has applied the older revision, and that looks for the second time at the newer one.
fn ours(before: &Desired, after: &Desired) -> Known {
    let former = |one: &DesiredConnector| Former { keep: one.keep, source: "the older revision".into() };
    let gone = before
        .connectors
        .iter()
        .filter(|(name, one)| one.state != DesiredState::Absent && !after.connectors.contains_key(*name));
    let claims = gone.map(|(name, one)| (name.clone(), Claim::Ours(former(one))));
    Known { claims: claims.collect(), seen: before.connectors.keys().cloned().collect(), ..Known::default() }
}

/// A connector that runs as it is declared.
fn as_live(declared: &DesiredConnector) -> Option<LiveConnector> {
    let state = match declared.state {
        DesiredState::Running => RunState::Running,
        DesiredState::Paused => RunState::Paused,
        DesiredState::Stopped => RunState::Stopped,
        DesiredState::Absent => return None,
    };
    let status = Status { state, failure: None, tasks: Vec::new() };
    Some(LiveConnector { config: Some(declared.config.clone()), kind: Kind::Unknown, status: Some(status) })
}

fn unmanaged(old: &DesiredConnector) -> Effect {
    Effect {
        kind: EffectKind::Unmanage,
        before: Some(old.state),
        after: None,
        changes: Vec::new(),
        keep: None,
        suspend: Suspending::Unchanged,
        renamed: None,
        held: None,
        told: Vec::new(),
        leaves: Vec::new(),
    }
}

/// What becomes of a connector that is declared afterwards; none where it is the same.
fn effect(old: Option<&DesiredConnector>, new: &DesiredConnector, now: Timestamp) -> Option<Effect> {
    let before = old.map(|old| old.state);
    let made = matches!(before, None | Some(DesiredState::Absent));
    let kind = match (made, new.state) {
        (_, DesiredState::Absent) => EffectKind::Delete,
        (true, _) => EffectKind::Create,
        (false, _) => EffectKind::Change,
    };
    let changes = match (kind, old) {
        (EffectKind::Create, _) => added(&new.config),
        (EffectKind::Change, Some(old)) => difference(&new.config, &old.config).changes,
        (EffectKind::Change, None) | (EffectKind::Delete | EffectKind::Unmanage, _) => Vec::new(),
    };
    let keep = (old.is_some_and(|old| old.keep) != new.keep).then_some(new.keep);
    let suspend = suspending(old.and_then(|old| old.suspend.as_ref()), new.suspend.as_ref(), now);
    let same =
        before == Some(new.state) && changes.is_empty() && keep.is_none() && suspend == Suspending::Unchanged;
    (!same).then_some(Effect {
        kind,
        before,
        after: Some(new.state),
        changes,
        keep,
        suspend,
        renamed: None,
        held: None,
        told: Vec::new(),
        leaves: Vec::new(),
    })
}

fn added(config: &Config) -> Vec<Change> {
    let added = |(key, value): (&str, &Value)| Change {
        key: key.into(),
        kind: ChangeKind::Added { after: value.shown() },
    };
    config.iter().map(added).collect()
}

/// What becomes of a word that stops writing. One whose end is past stops nothing: it is as if nobody said it.
pub fn suspending(before: Option<&Suspend>, after: Option<&Suspend>, now: Timestamp) -> Suspending {
    let [before, after] = [before, after].map(|said| said.filter(|suspend| suspend.holds(now)));
    match (before, after) {
        (before, after) if before == after => Suspending::Unchanged,
        (_, Some(suspend)) => Suspending::Begins(suspend.clone()),
        (_, None) => Suspending::Ends,
    }
}

/// The word that would stop an effect, where it is a write at all.
fn suspension(
    desired: &Desired,
    wanted: &DesiredConnector,
    effect: &Effect,
    now: Timestamp,
) -> Option<Brake> {
    let writes = match effect.kind {
        EffectKind::Delete | EffectKind::Create => true,
        EffectKind::Change => effect.before != effect.after || !effect.changes.is_empty(),
        EffectKind::Unmanage => false,
    };
    let detail = plan::suspended(desired, Some(wanted), None, now).filter(|_| writes)?;
    Some(Brake { hold: Hold::Suspended, detail, release: None })
}

/// Names pairs of connectors of which one goes and one comes, and whose whole difference is the name:
/// Connect has no renaming, so the new one begins without the old one's offsets.
fn renames(before: &Desired, after: &Desired, effects: &mut Effects) {
    let of = |kinds: &[EffectKind]| -> Vec<ConnectorName> {
        let of = effects.iter().filter(|(_, effect)| kinds.contains(&effect.kind));
        of.map(|(name, _)| name.clone()).collect()
    };
    let mut gone = of(&[EffectKind::Unmanage, EffectKind::Delete]);
    gone.retain(|name| before.connectors.contains_key(name));
    for new in of(&[EffectKind::Create]) {
        let is_it = |old: &ConnectorName| {
            let (was, is) = (&before.connectors[old], &after.connectors[&new]);
            is_renamed((old.as_str(), &was.config), (new.as_str(), &is.config))
        };
        let Some(at) = gone.iter().position(is_it) else { continue };
        let old = gone.remove(at);
        let danger = risk::of_rename(&before.connectors[&old].config, &after.connectors[&new].config);
        let does = danger.map(|danger| danger.consequence.as_ref().into());
        for (name, other, does) in [(&old, &new, None), (&new, &old, does)] {
            if let Some(effect) = effects.get_mut(name) {
                effect.renamed = Some(Renamed { other: other.clone(), does });
            }
        }
    }
}

/// Whether two configs are equal once the one's name is put in place of the other's.
fn is_renamed((old, before): (&str, &Config), (new, after): (&str, &Config)) -> bool {
    let alike = |key: &str, value: &Value| {
        let Some(was) = before.get(key) else { return false };
        if was.same_text(value) {
            return true;
        }
        match (was.shown(), value.shown()) {
            (Shown::Text(was), Shown::Text(is)) => {
                [None, Some("_"), Some("-")].into_iter().any(|separator| {
                    let slug =
                        |name: &str| separator.map_or_else(|| name.to_owned(), |part| slug(name, part));
                    was.replace(&slug(old), &slug(new)) == *is
                })
            }
            (Shown::Hidden, _) | (_, Shown::Hidden) => false,
        }
    };
    !after.is_empty() && before.len() == after.len() && after.iter().all(|(key, value)| alike(key, value))
}

/// A name as templates make it fit for slots and topics.
fn slug(name: &str, separator: &str) -> String {
    let name = name.to_ascii_lowercase();
    let words: Vec<_> =
        name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(separator)
}
