//! What would become of each connector of one environment.
//!
//! Takes what the environment should run before and after, gives what differs, and the brake that
//! would stop it. Only brakes that need nothing but the definitions are known here: one that looks at a
//! cluster, or at what was deleted before, is told by a plan.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::comparison::{Brake, Effect, EffectKind, Suspending};
use crate::model::config::{Config, Shown, Value};
use crate::model::desired::{Desired, DesiredConnector, DesiredState, Suspend};
use crate::model::name::ConnectorName;
use crate::model::plan::{Change, ChangeKind, Hold};
use crate::pipeline::diff::difference;
use crate::pipeline::plan;

type Effects = BTreeMap<ConnectorName, Effect>;

/// What would become of each connector that is not the same before and after.
pub fn effects(before: &Desired, after: &Desired, now: Timestamp) -> Effects {
    let gone = before.connectors.iter().filter(|(name, _)| !after.connectors.contains_key(*name));
    let mut effects: Effects = gone.map(|(name, old)| (name.clone(), unmanaged(old))).collect();
    effects.extend(after.connectors.iter().filter_map(|(name, new)| {
        let mut effect = effect(before.connectors.get(name), new)?;
        effect.held = brake(after, new, &effect, now);
        Some((name.clone(), effect))
    }));
    renames(before, after, &mut effects);
    effects
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
    }
}

/// What becomes of a connector that is declared afterwards; none where it is the same.
fn effect(old: Option<&DesiredConnector>, new: &DesiredConnector) -> Option<Effect> {
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
    let suspend = suspending(old.and_then(|old| old.suspend.as_ref()), new.suspend.as_ref());
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
    })
}

fn added(config: &Config) -> Vec<Change> {
    let added = |(key, value): (&str, &Value)| Change {
        key: key.into(),
        kind: ChangeKind::Added { after: value.shown() },
    };
    config.iter().map(added).collect()
}

/// What becomes of a word that stops writing.
pub fn suspending(before: Option<&Suspend>, after: Option<&Suspend>) -> Suspending {
    match (before, after) {
        (before, after) if before == after => Suspending::Unchanged,
        (_, Some(suspend)) => Suspending::Begins(suspend.clone()),
        (_, None) => Suspending::Ends,
    }
}

/// The brake that would stop an effect, where it is a write at all.
fn brake(desired: &Desired, wanted: &DesiredConnector, effect: &Effect, now: Timestamp) -> Option<Brake> {
    let writes = match effect.kind {
        EffectKind::Delete | EffectKind::Create => true,
        EffectKind::Change => effect.before != effect.after || !effect.changes.is_empty(),
        EffectKind::Unmanage => false,
    };
    let detail = plan::suspended(desired, Some(wanted), None, now).filter(|_| writes)?;
    Some(Brake { hold: Hold::Suspended, detail })
}

/// Names pairs of connectors of which one goes and one comes, and whose whole difference is the name:
/// Connect has no renaming, so the new one begins without the old one's offsets.
fn renames(before: &Desired, after: &Desired, effects: &mut Effects) {
    let of = |kind: EffectKind| -> Vec<ConnectorName> {
        effects.iter().filter(|(_, effect)| effect.kind == kind).map(|(name, _)| name.clone()).collect()
    };
    let (mut gone, come) = (of(EffectKind::Unmanage), of(EffectKind::Create));
    for new in come {
        let is_it = |old: &ConnectorName| {
            let (was, is) = (&before.connectors[old], &after.connectors[&new]);
            is_renamed((old.as_str(), &was.config), (new.as_str(), &is.config))
        };
        let Some(at) = gone.iter().position(is_it) else { continue };
        let old = gone.remove(at);
        for (name, other) in [(&old, &new), (&new, &old)] {
            if let Some(effect) = effects.get_mut(name) {
                effect.renamed = Some(other.clone());
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
