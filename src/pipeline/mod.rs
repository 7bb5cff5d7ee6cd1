//! What to think: pure, synchronous functions from model to model.
//!
//! The front half makes what an environment should run of the files of a repository; the back half
//! makes a plan of that and of what the cluster runs.

mod check;
pub mod compare;
pub mod converge;
pub mod diff;
mod expression;
mod form;
#[cfg(test)]
mod laws;
mod layers;
mod lookup;
mod nulls;
pub mod pace;
mod parse;
pub mod plan;
pub mod plugins;
pub mod reference;
mod render;
mod resolve;
pub mod supply;
mod typed;
mod unused;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::model::comparison::Standing;
use crate::model::definition::{About, Definitions};
use crate::model::desired::Desired;
use crate::model::finding::Findings;
use crate::model::import::Import;
use crate::model::name::EnvironmentName;
use crate::model::revision::Revision;
use crate::model::rule::Rule;
use crate::model::select::Select;
use crate::model::shape::Shape;
use crate::model::snapshot::{Files, Snapshot, Sources};
use crate::pipeline::compare::Side;
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
    let (desired, findings) = draft(definitions, revision, environment, supply, select);
    (desired.filter(|_| !findings.has_errors()), findings)
}

/// Renders one environment, also where something in it is an error: to say more about the rest of it, and never
/// to be applied.
pub fn draft(
    definitions: &Definitions,
    revision: &Revision,
    environment: &EnvironmentName,
    supply: &Supply<'_>,
    select: &Select,
) -> (Option<Desired>, Findings) {
    if definitions.findings.iter().any(|finding| finding.rule == Rule::AgentVersion) {
        return (None, definitions.findings.clone());
    }
    let mut found = Vec::new();
    let desired = render::desired(definitions, revision, environment, supply, select, &mut found);
    let mut findings = definitions.findings.clone();
    let told: HashSet<_> =
        definitions.findings.iter().map(|finding| (finding.place.clone(), finding.rule)).collect();
    findings.extend(found.into_iter().filter(|f| !told.contains(&(f.place.clone(), f.rule))));
    findings.settle();
    (desired, findings)
}

/// Every environment that is defined, by name.
pub fn environments(definitions: &Definitions) -> impl Iterator<Item = &EnvironmentName> {
    definitions.environments.keys()
}

/// Reads and renders one revision for each of its environments, or for those of `only`, to compare it
/// with another.
pub fn side(sources: &Sources, supply: &Supply<'_>, only: &[EnvironmentName]) -> Side {
    let revision = sources.revision();
    let definitions = definitions(sources);
    let asked = |name: &&EnvironmentName| only.is_empty() || only.contains(name);
    let environments = environments(&definitions)
        .filter(asked)
        .map(|name| (name.clone(), desired(&definitions, &revision, name, supply, &Select::default())));
    let stands = |import: &Import| Standing {
        git: Arc::clone(&import.git),
        reference: import.reference.full_name().into(),
        path: Arc::clone(&import.path),
        at: sources.imports.get(&import.name).map(|read| read.revision.at.clone()),
    };
    let imports = definitions.about.imports.iter();
    let imports = imports.filter_map(|(name, import)| Some((name.clone(), stands(import.as_ref()?))));
    Side {
        imports: imports.collect(),
        environments: environments.collect(),
        findings: definitions.findings.clone(),
        revision,
    }
}
