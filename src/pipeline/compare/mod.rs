//! What moving from one revision to another would do.
//!
//! Takes every environment of both, rendered, gives every difference with secrets already hidden, and
//! the brakes that would stop it. What runs in a cluster is not asked: that is what a plan is for.

mod effect;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::comparison::{Compared, Comparison, ImportMove, Presence, Standing, Suspending};
use crate::model::desired::Desired;
use crate::model::finding::Findings;
use crate::model::name::EnvironmentName;
use crate::model::revision::{At, RepositoryName, Revision};

/// One of the two revisions.
#[derive(Debug, Clone)]
pub struct Side {
    /// Where it stands.
    pub revision: Revision,
    /// What is wrong with its files, in whatever environment they are used.
    pub findings: Findings,
    /// Where its repositories of templates stand.
    pub imports: BTreeMap<RepositoryName, Standing>,
    /// What each of its environments should run, where nothing is wrong, and what is.
    pub environments: BTreeMap<EnvironmentName, (Option<Desired>, Findings)>,
}

/// Compares two revisions at a moment, which says whether a `suspend` still counts.
pub fn compare(old: &Side, new: &Side, now: Timestamp) -> Comparison {
    let names: BTreeSet<_> = old.environments.keys().chain(new.environments.keys()).collect();
    Comparison {
        old: old.revision.clone(),
        new: new.revision.clone(),
        imports: imports(old, new),
        findings: if names.is_empty() { new.findings.clone() } else { Findings::default() },
        environments: names.into_iter().map(|name| environment(old, new, name, now)).collect(),
    }
}

fn environment(old: &Side, new: &Side, name: &EnvironmentName, now: Timestamp) -> Compared {
    let (before, after) = (old.environments.get(name), new.environments.get(name));
    let mut compared = Compared {
        environment: name.clone(),
        presence: match (before, after) {
            (Some(_), Some(_)) => Presence::Both,
            (None, _) => Presence::New,
            (Some(_), None) => Presence::Gone,
        },
        comparable: before.is_none_or(|(desired, _)| desired.is_some()),
        // That an environment is gone is no mistake of the files.
        findings: after.map_or(&new.findings, |(_, findings)| findings).clone(),
        suspend: Suspending::Unchanged,
        effects: BTreeMap::new(),
        unchanged: 0,
    };
    let Some((Some(after), _)) = after else { return compared };
    if !after.incomplete.is_empty() {
        // What a folder declares that is wrong beside it would read as taken away.
        return compared;
    }
    let before = match before {
        Some((Some(before), _)) => before.clone(),
        Some((None, _)) => return compared,
        None => Desired { connectors: BTreeMap::new(), suspend: None, ..after.clone() },
    };
    compared.suspend = effect::suspending(before.suspend.as_ref(), after.suspend.as_ref());
    compared.effects = effect::effects(&before, after, now);
    compared.unchanged = after.connectors.keys().filter(|name| !compared.effects.contains_key(*name)).count();
    compared
}

/// The repositories of templates that stand elsewhere.
fn imports(old: &Side, new: &Side) -> Vec<ImportMove> {
    let names: BTreeSet<_> = old.imports.keys().chain(new.imports.keys()).collect();
    let moved = |name: &RepositoryName| {
        let (before, after) = (old.imports.get(name).cloned(), new.imports.get(name).cloned());
        let stays = before.as_ref().zip(after.as_ref()).is_some_and(|(before, after)| {
            let asked = |one: &Standing| (one.git.clone(), one.reference.clone(), one.path.clone());
            asked(before) == asked(after) && same(before.at.as_ref(), after.at.as_ref())
        });
        (!stays).then(|| ImportMove { name: name.clone(), before, after })
    };
    names.into_iter().filter_map(moved).collect()
}

/// Whether the same was read for both.
fn same(before: Option<&At>, after: Option<&At>) -> bool {
    match (before, after) {
        (Some(At::Git { commit: old, .. }), Some(At::Git { commit: new, .. })) => old == new,
        (before, after) => before == after,
    }
}
