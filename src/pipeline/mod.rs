//! What to think: pure, synchronous functions from model to model.
//!
//! The front half makes what an environment should run of the files of a repository; the back half
//! makes a plan of that and of what the cluster runs.

mod acknowledged;
pub mod canary;
mod check;
mod classes;
pub mod compare;
pub mod converge;
pub mod diff;
mod expression;
pub mod extra;
mod form;
mod former;
#[cfg(test)]
mod laws;
mod layers;
mod lints;
mod lookup;
pub mod moves;
mod nulls;
pub mod owing;
pub mod ownership;
pub mod pace;
mod parse;
mod passed;
pub mod plan;
pub mod plugins;
pub mod polling;
pub mod reference;
mod render;
mod resolve;
pub mod risk;
pub mod scene;
mod server;
mod sight;
pub mod stall;
pub mod supply;
mod transforms;
mod typed;
mod unused;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::model::comparison::Standing;
use crate::model::definition::{About, Definitions};
use crate::model::desired::Desired;
use crate::model::finding::{Finding, Findings};
use crate::model::import::Import;
use crate::model::name::EnvironmentName;
use crate::model::revision::{RepositoryName, Revision};
use crate::model::rule::Rule;
use crate::model::select::Select;
use crate::model::shape::Shape;
use crate::model::snapshot::{Files, Snapshot, Sources};
use crate::pipeline::compare::{Beside, Side, There};
use crate::pipeline::extra::{Folder, Ground, Joined, Outcome, Target};
use crate::pipeline::parse::Lost;
use crate::pipeline::supply::Supply;

/// What the documents of a repository may say: the kinds of definitions by the key that tells them,
/// `tagalong.yaml`, and one connector in Connect's JSON.
pub fn shapes() -> (&'static [(&'static str, &'static Shape)], &'static Shape, &'static Shape) {
    (&parse::KINDS, parse::ABOUT, parse::POSTED)
}

/// The files that these name beside themselves: what a repository must be read for, once more.
pub fn named(files: &Files) -> BTreeSet<Arc<str>> {
    parse::named(files)
}

/// What a repository says of itself, and so which others must be read.
pub fn about(main: &Snapshot) -> About {
    parse::about(main)
}

/// Reads everything that these define. What is wrong with the files, in whatever environment they
/// are used, is in its `findings`, settled.
pub fn definitions(sources: &Sources) -> Definitions {
    let mut findings = sources.main.findings.clone();
    let (mut definitions, lost) = parse::definitions(sources, &mut findings);
    let uses = resolve::check(&definitions, &lost, &mut findings);
    nulls::check(&definitions, &mut findings);
    findings.extend(lints::written(&definitions));
    unused::check(&definitions, &uses, &sources.main.files, &lost, &mut findings);
    // What is written for another version may be in words that this one does not know: whatever else it
    // would find leads astray.
    if findings.iter().any(|finding| finding.rule == Rule::AgentVersion) {
        findings.retain(|finding| finding.rule == Rule::AgentVersion);
    }
    definitions.findings.extend(findings);
    definitions.findings.settle();
    definitions
}

/// Renders one environment. The findings are those of the files and of this environment together;
/// there is a value only where none of them is an error.
pub fn desired(
    definitions: &Definitions,
    revision: &Revision,
    environment: &EnvironmentName,
    supply: &Supply<'_>,
    select: &Select,
) -> (Option<Desired>, Findings) {
    let (rendered, found) = rendered(definitions, revision, environment, supply, select);
    let findings = settled(definitions, found);
    (rendered.filter(|_| !findings.has_errors()), findings)
}

/// Renders every environment, by name, also where something in one is an error: to say more about the
/// rest of it, and never to be applied. Beside what is wrong with each there is what can only be said
/// of all together: what two of them share, and what is silenced for nothing.
pub fn everywhere(
    definitions: &Definitions,
    revision: &Revision,
    supply: &Supply<'_>,
    select: &Select,
) -> BTreeMap<EnvironmentName, (Option<Desired>, Findings)> {
    let mut all: BTreeMap<_, _> = environments(definitions)
        .map(|name| (name.clone(), rendered(definitions, revision, name, supply, select)))
        .collect();
    let whole: Vec<_> = all.values().filter_map(|(rendered, _)| rendered.as_ref()).collect();
    let of_all =
        lints::across(definitions, &whole).into_iter().chain(acknowledged::idle(definitions, &whole));
    for finding in of_all {
        for (name, (_, found)) in &mut all {
            if finding.environment.as_ref().is_none_or(|environment| environment == name) {
                found.push(finding.clone());
            }
        }
    }
    all.into_iter().map(|(name, (rendered, found))| (name, (rendered, settled(definitions, found)))).collect()
}

/// Renders one environment as [`everywhere`] does, with nothing of what is said of all together.
pub fn draft(
    definitions: &Definitions,
    revision: &Revision,
    environment: &EnvironmentName,
    supply: &Supply<'_>,
    select: &Select,
) -> (Option<Desired>, Findings) {
    let (rendered, found) = rendered(definitions, revision, environment, supply, select);
    (rendered, settled(definitions, found))
}

/// Renders one environment as far as it can be, with what is wrong with it.
fn rendered(
    definitions: &Definitions,
    revision: &Revision,
    environment: &EnvironmentName,
    supply: &Supply<'_>,
    select: &Select,
) -> (Option<Desired>, Vec<Finding>) {
    let mut found = Vec::new();
    // Where nothing is to be read, or not in these words, there is nothing to say of an environment.
    let says_all = |finding: &Finding| {
        finding.rule == Rule::AgentVersion
            || (finding.rule == Rule::RepositoryEmpty && &*finding.place.path == ".")
    };
    if definitions.findings.iter().any(says_all) {
        return (None, found);
    }
    let desired = render::desired(definitions, revision, environment, supply, select, &mut found);
    let here = |finding| Finding { environment: Some(environment.clone()), ..finding };
    found.extend(desired.iter().flat_map(|desired| lints::environment(definitions, desired)).map(here));
    (desired, found)
}

/// All findings of the files and of an environment; what the files have is not told again.
fn settled(definitions: &Definitions, found: Vec<Finding>) -> Findings {
    let mut findings = definitions.findings.clone();
    let told: HashSet<_> =
        definitions.findings.iter().map(|finding| (finding.place.clone(), finding.rule)).collect();
    findings.extend(found.into_iter().filter(|f| !told.contains(&(f.place.clone(), f.rule))));
    findings.settle();
    findings
}

/// Tells of these paths of values, as they are typed for this place, those that nothing uses. Where a file is wrong nobody
/// knows what it would use.
pub fn idle_values(definitions: &Definitions, paths: &[&str]) -> Vec<Finding> {
    if paths.is_empty() || definitions.findings.has_errors() {
        return Vec::new();
    }
    let uses = resolve::check(definitions, &Lost::default(), &mut Vec::new());
    unused::typed(definitions, &uses, paths)
}

/// Every environment that is defined, by name.
pub fn environments(definitions: &Definitions) -> impl Iterator<Item = &EnvironmentName> {
    definitions.environments.keys()
}

/// The environments in which a connector of this name exists, folders of `extra` apart.
pub fn homes<'d>(definitions: &'d Definitions, connector: &str) -> Vec<&'d EnvironmentName> {
    render::homes(definitions, connector)
}

/// Reads and renders one revision for each of its environments, or for those of `only`, to compare it
/// with another, as an agent with this scope sees it; folders of `extra` stand beside it. One that it breaks keeps what
/// it declared `before`.
pub fn side(
    sources: &Sources,
    folders: &[Folder<'_>],
    supply: &Supply<'_>,
    (only, select): (&[EnvironmentName], &Select),
    before: Option<&Side>,
) -> Side {
    let revision = sources.revision();
    let definitions = definitions(sources);
    let names: Vec<_> = environments(&definitions).cloned().collect();
    let mut ground = Ground { definitions, desired: None, findings: Findings::default() };
    let mut all = BTreeMap::new();
    for name in names.into_iter().filter(|name| only.is_empty() || only.contains(name)) {
        (ground.desired, ground.findings) = desired(&ground.definitions, &revision, &name, supply, select);
        let target = Target { environment: &name, supply: *supply, select };
        let before = before.and_then(|before| before.environments.get(&name));
        let last =
            |folder: &RepositoryName| before.and_then(|there| there.folders.get(folder)?.part.as_ref());
        let folders: Vec<_> =
            folders.iter().map(|folder| Folder { last: last(folder.repository), ..*folder }).collect();
        let Joined { desired, findings, outcomes } = extra::join(&ground, &folders, &target);
        let beside = folders.iter().zip(outcomes).map(|(folder, Outcome { part, findings, .. })| {
            (folder.repository.clone(), Beside { findings, part })
        });
        let there = There { desired, findings, folders: beside.collect() };
        all.insert(name, there);
    }
    let Ground { definitions, .. } = ground;
    let stands = |import: &Import| Standing {
        git: Arc::clone(&import.git),
        reference: import.follow.to_string().into(),
        path: Arc::clone(&import.path),
        at: sources.imports.get(&import.name).map(|read| read.revision.at.clone()),
    };
    let imports = definitions.about.imports.iter();
    let imports = imports.filter_map(|(name, import)| Some((name.clone(), stands(import.as_ref()?))));
    Side { imports: imports.collect(), environments: all, findings: definitions.findings, revision }
}
