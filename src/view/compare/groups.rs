//! What several connectors and environments have in common, so that it is told once.
//!
//! Takes a comparison, gives sections of environments, each with groups of connectors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::comparison::{Brake, Comparison, Effect, EffectKind, Presence};
use crate::model::config::Shown;
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::plan::{Change, ChangeKind, Left};

/// More connectors than this, whose same keys change to values of their own, or of which the like stays behind, are told
/// by an example.
const APART: usize = 3;

/// Environments in which the same would happen to the same connectors.
pub struct Section<'c> {
    /// Which ones.
    pub environments: Vec<&'c EnvironmentName>,
    /// What would happen there.
    pub groups: Vec<Group<'c>>,
}

/// Connectors to which the same would happen.
pub struct Group<'c> {
    /// Which ones, in order.
    pub connectors: Vec<&'c ConnectorName>,
    /// What; that of the first one where they are only alike.
    pub effect: Effect,
    /// The keys that change in all of them, but with values of their own.
    pub own: BTreeSet<Arc<str>>,
    /// Whether the same sorts of things stay behind of all of them, but each has its own.
    pub own_leaves: bool,
}

/// Effects with the connectors that they happen to.
type Effects<'c> = Vec<(Effect, Vec<&'c ConnectorName>)>;

/// Groups every effect in the environments that both revisions have. The sections with most
/// environments come first, deletions before everything else.
pub fn sections(comparison: &Comparison) -> Vec<Section<'_>> {
    let mut places: BTreeMap<(Effect, &ConnectorName), Vec<&EnvironmentName>> = BTreeMap::new();
    for one in comparison.environments.iter().filter(|one| one.presence == Presence::Both) {
        for (name, effect) in &one.effects {
            places.entry((told(effect), name)).or_default().push(&one.environment);
        }
    }
    let mut sections: BTreeMap<Vec<&EnvironmentName>, BTreeMap<Effect, Vec<&ConnectorName>>> =
        BTreeMap::new();
    for ((effect, name), environments) in places {
        sections.entry(environments).or_default().entry(effect).or_default().push(name);
    }
    let mut sections: Vec<_> = sections
        .into_iter()
        .map(|(environments, groups)| Section { environments, groups: merged(groups) })
        .collect();
    sections.sort_by_key(|section| std::cmp::Reverse(section.environments.len()));
    sections
}

/// What is told of an effect: of a creation not its keys, which are no difference to anything.
fn told(effect: &Effect) -> Effect {
    match effect.kind {
        EffectKind::Create => Effect { changes: Vec::new(), ..effect.clone() },
        EffectKind::Change | EffectKind::Delete | EffectKind::Unmanage => effect.clone(),
    }
}

/// Groups that differ in nothing but values become one, where there are many of them.
fn merged(groups: BTreeMap<Effect, Vec<&ConnectorName>>) -> Vec<Group<'_>> {
    let mut shapes: BTreeMap<(Effect, Vec<&'static str>), Effects<'_>> = BTreeMap::new();
    for (effect, connectors) in groups {
        let kinds = effect.changes.iter().map(|change| change.kind.name()).collect();
        let hidden = ChangeKind::Removed { before: Shown::Hidden };
        let bare = |change: &Change| Change { key: Arc::clone(&change.key), kind: hidden.clone() };
        let keys = effect.changes.iter().map(bare).collect();
        // The lines that release it have values too.
        let held = effect.held.clone().map(|held| Brake { release: None, ..held });
        let unnamed = |left: &Left| Left { kind: left.kind, name: None, within: None };
        let leaves = effect.leaves.iter().map(unnamed).collect();
        let shape = Effect { changes: keys, held, leaves, ..effect.clone() };
        shapes.entry((shape, kinds)).or_default().push((effect, connectors));
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    for mut alike in shapes.into_values() {
        if alike.len() > APART {
            let own = own(&alike);
            let own_leaves = alike.iter().any(|(effect, _)| effect.leaves != alike[0].0.leaves);
            let mut connectors: Vec<_> = alike.iter().flat_map(|(_, names)| names.iter().copied()).collect();
            connectors.sort();
            let first = alike.iter().position(|(_, names)| names.contains(&connectors[0]));
            let effect = alike.swap_remove(first.expect("each name is in a group")).0;
            groups.push(Group { connectors, effect, own, own_leaves });
        } else {
            let apart =
                |(effect, connectors)| Group { connectors, effect, own: BTreeSet::new(), own_leaves: false };
            groups.extend(alike.into_iter().map(apart));
        }
    }
    groups.sort_by(|a, b| (a.effect.kind, &a.connectors).cmp(&(b.effect.kind, &b.connectors)));
    groups
}

/// The keys whose values differ between effects that change the same keys.
fn own(alike: &Effects<'_>) -> BTreeSet<Arc<str>> {
    let first = &alike[0].0.changes;
    let pairs = alike.iter().flat_map(|(effect, _)| effect.changes.iter().zip(first));
    pairs.filter(|(one, other)| one != other).map(|(one, _)| Arc::clone(&one.key)).collect()
}
