//! What moving from one revision to another would do.
//!
//! Takes every environment of both, rendered, gives every difference with secrets already hidden, and
//! the brakes that would stop it. What runs in a cluster is not asked: that is what a plan is for. A folder
//! of `extra` that the newer one breaks keeps what it declared at the older one, as beside an agent.

mod effect;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::comparison::{
    Compared, Comparison, FolderCourse, ImportMove, Presence, Standing, Suspending,
};
use crate::model::desired::Desired;
use crate::model::finding::{Finding, Findings};
use crate::model::name::EnvironmentName;
use crate::model::policy::Prune;
use crate::model::revision::{At, RepositoryName, Revision};
use crate::model::rule::Severity;
use crate::pipeline::extra::Part;

/// One of the two revisions.
#[derive(Debug, Clone)]
pub struct Side {
    /// Where it stands.
    pub revision: Revision,
    /// What is wrong with its files, in whatever environment they are used.
    pub findings: Findings,
    /// Where its repositories of templates stand.
    pub imports: BTreeMap<RepositoryName, Standing>,
    /// Each of its environments.
    pub environments: BTreeMap<EnvironmentName, There>,
}

/// A revision in one environment.
#[derive(Debug, Clone)]
pub struct There {
    /// What should run, with what its folders declare; none where something is wrong with it.
    pub desired: Option<Desired>,
    /// What is wrong with it, its folders apart.
    pub findings: Findings,
    /// The folders of `extra` beside it.
    pub folders: BTreeMap<RepositoryName, Beside>,
}

/// A folder of `extra` beside a revision.
#[derive(Debug, Clone)]
pub struct Beside {
    /// What is wrong with it there.
    pub findings: Findings,
    /// What it declares; none where that is wrong.
    pub part: Option<Part>,
}

/// Compares two revisions at a moment, which says whether a `suspend` still counts, for agents that do so with what is
/// gone.
pub fn compare(old: &Side, new: &Side, prune: Prune, now: Timestamp) -> Comparison {
    let names: BTreeSet<_> = old.environments.keys().chain(new.environments.keys()).collect();
    Comparison {
        old: old.revision.clone(),
        new: new.revision.clone(),
        imports: imports(old, new),
        findings: if names.is_empty() { new.findings.clone() } else { Findings::default() },
        environments: names.into_iter().map(|name| environment(old, new, name, (prune, now))).collect(),
    }
}

fn environment(old: &Side, new: &Side, name: &EnvironmentName, (prune, now): (Prune, Timestamp)) -> Compared {
    let (before, after) = (old.environments.get(name), new.environments.get(name));
    let mut compared = Compared {
        environment: name.clone(),
        presence: match (before, after) {
            (Some(_), Some(_)) => Presence::Both,
            (None, _) => Presence::New,
            (Some(_), None) => Presence::Gone,
        },
        comparable: before.is_none_or(|before| before.desired.is_some()),
        taken: after.is_some_and(|after| after.desired.is_some()),
        folders: after.map(|after| folders(before, after)).unwrap_or_default(),
        // That an environment is gone is no mistake of the files.
        findings: after.map_or(&new.findings, |after| &after.findings).clone(),
        suspend: Suspending::Unchanged,
        effects: BTreeMap::new(),
        warnings: Vec::new(),
        unchanged: 0,
    };
    let Some(after) = after else { return compared };
    compared.findings.extend(told(&compared.folders, after));
    compared.findings.settle();
    let Some(after) = &after.desired else { return compared };
    let before = match before.map(|before| &before.desired) {
        Some(Some(before)) => before.clone(),
        Some(None) => return compared,
        None => Desired { connectors: BTreeMap::new(), suspend: None, ..after.clone() },
    };
    compared.suspend = effect::suspending(before.suspend.as_ref(), after.suspend.as_ref(), now);
    (compared.effects, compared.warnings) = effect::effects(&before, after, prune, now);
    compared.unchanged = after.connectors.keys().filter(|name| !compared.effects.contains_key(*name)).count();
    compared
}

/// What becomes of the folders that are broken beside one of both revisions.
fn folders(before: Option<&There>, after: &There) -> BTreeMap<RepositoryName, FolderCourse> {
    let course = |(name, is): (&RepositoryName, &Beside)| {
        let was = before.and_then(|before| before.folders.get(name));
        let broken = |one: &&Beside| one.part.is_none();
        let course = match (was.filter(broken), broken(&is)) {
            (None, false) => return None,
            (Some(_), false) => FolderCourse::Mended,
            (Some(was), true) if adds_nothing(was, is) => FolderCourse::Broken,
            (_, true) => FolderCourse::Breaks,
        };
        Some((name.clone(), course))
    };
    after.folders.iter().filter_map(course).collect()
}

/// Whether a folder that is broken beside both has no mistake that it had not before.
fn adds_nothing(was: &Beside, is: &Beside) -> bool {
    let had = |new: &Finding| was.findings.iter().any(|old| (&old.place, old.rule) == (&new.place, new.rule));
    is.findings.iter().filter(|finding| finding.severity == Severity::Error).all(had)
}

/// What the newer revision has to answer for of what is wrong with the folders.
fn told(folders: &BTreeMap<RepositoryName, FolderCourse>, after: &There) -> Vec<Finding> {
    let own = after.folders.iter().filter(|(name, _)| folders.get(*name) != Some(&FolderCourse::Broken));
    own.flat_map(|(_, beside)| beside.findings.iter().cloned()).collect()
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

#[cfg(test)]
mod tests;
