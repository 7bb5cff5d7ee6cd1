//! Lints: configs that can be rendered, and that experience speaks against.
//!
//! Takes what one environment should run, or all of them, gives findings. Each rule's section in the
//! reference says why, and where it was seen; here are the tables and the looking. Where a finding is
//! told, what silences it and how much it weighs is `verdict`'s.

mod across;
pub mod beside;
mod fed;
mod refused;
mod removed;
mod secrets;
mod seen;
mod shared;
mod traps;
mod verdict;

use std::collections::BTreeSet;

use crate::model::definition::{Allowance, Definitions};
use crate::model::desired::{Desired, DesiredConnector, DesiredState};
use crate::model::finding::{Finding, Place};
use crate::model::name::ConnectorName;
use crate::model::rule::Rule;
use crate::pipeline::lints::beside::Guest;
use crate::pipeline::lints::seen::{Breach, Seen};
use crate::pipeline::lints::verdict::{Court, Verdict};

type Lint = fn(&Seen<'_>) -> Vec<Breach>;

/// What is looked at in one connector.
const LINTS: &[Lint] = &[
    removed::keys,
    removed::values,
    traps::values,
    traps::single_task,
    traps::heartbeat,
    traps::tolerance,
    refused::sink_topics,
    refused::tasks_max,
    refused::include_and_exclude,
    refused::transforms,
];

/// What is to be said of the files themselves, in whatever environment they are used.
pub fn written(definitions: &Definitions) -> Vec<Finding> {
    of_files(definitions).findings
}

/// What is to be said of the connectors of one environment.
pub fn environment(definitions: &Definitions, desired: &Desired) -> Vec<Finding> {
    of_environment(definitions, desired).findings
}

/// What is to be said once every environment is rendered, as far as it could be: what two of them
/// share, and what is silenced for nothing. A finding without an environment holds in all.
pub fn across(definitions: &Definitions, rendered: &[&Desired]) -> Vec<Finding> {
    let Verdict { mut findings, mut used } = across::verdict(definitions, &Court::new(definitions), rendered);
    let allowances = judged(definitions);
    let is_whole = |desired: &&Desired| desired.connectors.values().all(is_judged);
    let is_everything = rendered.len() == definitions.environments.len();
    // What could not be rendered may be what somebody silenced.
    if !allowances.is_empty() && is_everything && rendered.iter().all(is_whole) {
        used.extend(of_files(definitions).used);
        for desired in rendered {
            used.extend(of_environment(definitions, desired).used);
        }
        findings.extend(unused(&allowances, &used));
    }
    findings
}

/// What the lints say of a folder of `extra` in one environment.
#[derive(Debug)]
pub struct Said {
    /// What is to be told.
    pub findings: Vec<Finding>,
    /// Its silencings that silence nothing here; none where not all of it could be looked at.
    pub idle: Option<Vec<Finding>>,
}

/// What is to be said of a folder of `extra`, beside the connectors that were declared before it.
pub fn folder<'d>(
    guest: &Guest<'_>,
    own: &'d Desired,
    others: impl Iterator<Item = (&'d ConnectorName, &'d DesiredConnector)>,
) -> Said {
    // Of two that share something the later one in the list is told: never one that was there first.
    let mut all: Vec<_> = others.filter_map(|(name, one)| Seen::new(name, one)).collect();
    let first = all.len();
    all.extend(own.connectors.iter().filter_map(|(name, one)| Seen::new(name, one)));
    // What is to be said of each of the others alone was said where they are declared.
    let mut breaches = shared::breaches(&all);
    breaches.retain(|(index, _)| *index >= first);
    breaches.extend(of_each(&all, first));
    let court = Court::new(guest.definitions).of_guest(*guest);
    let Verdict { mut findings, mut used } = court.judge(own, &all, breaches);
    for finding in &mut findings {
        finding.environment = Some(own.environment.clone());
    }
    let written = of_files(guest.definitions);
    findings.extend(written.findings.into_iter().filter(|finding| guest.owns(&finding.place)));
    used.extend(written.used);
    let mut allowances = judged(guest.definitions);
    allowances.retain(|allowance| guest.owns(&allowance.place));
    let whole = own.connectors.values().all(is_judged);
    Said { findings, idle: whole.then(|| unused(&allowances, &used)) }
}

fn is_judged(connector: &DesiredConnector) -> bool {
    connector.state == DesiredState::Absent
        || (connector.config.class().is_some() && connector.lost.is_empty())
}

fn of_environment(definitions: &Definitions, desired: &Desired) -> Verdict {
    let all: Vec<_> =
        desired.connectors.iter().filter_map(|(name, connector)| Seen::new(name, connector)).collect();
    let breaches = breaches(&all);
    if breaches.is_empty() {
        return Verdict::default();
    }
    Court::new(definitions).judge(desired, &all, breaches)
}

fn breaches(all: &[Seen<'_>]) -> Vec<(usize, Breach)> {
    let mut breaches = shared::breaches(all);
    breaches.extend(of_each(all, 0));
    breaches
}

/// What is to be said of each alone, from the one at an index on.
fn of_each(all: &[Seen<'_>], from: usize) -> impl Iterator<Item = (usize, Breach)> {
    let each = all.iter().enumerate().skip(from);
    each.flat_map(|(index, seen)| LINTS.iter().flat_map(|lint| lint(seen)).map(move |breach| (index, breach)))
}

fn of_files(definitions: &Definitions) -> Verdict {
    let mut verdict = Verdict::default();
    for secrets::Written { finding, allow } in secrets::written(definitions) {
        let allow = allow.into_iter().chain([definitions.about.allow.as_slice()]).flatten();
        let allowed: Vec<_> = allow.filter(|allowance| allowance.rule == finding.rule).collect();
        if allowed.is_empty() {
            verdict.findings.push(verdict::weighed(definitions, finding));
        }
        verdict.used.extend(allowed.into_iter().map(|allowance| allowance.place.clone()));
    }
    verdict
}

/// Every silencing whose use can be judged: not those of a template from which nothing is made.
fn judged(definitions: &Definitions) -> Vec<&Allowance> {
    let made = verdict::made_from(definitions);
    let idle = definitions.templates.values().filter(|template| !made.contains_key(template.name.as_str()));
    let idle: BTreeSet<_> =
        idle.flat_map(|template| &template.allow).map(|allowance| &allowance.place).collect();
    verdict::allowances(definitions).filter(|allowance| !idle.contains(&allowance.place)).collect()
}

fn unused<'d>(allowances: &[&'d Allowance], used: &BTreeSet<Place>) -> Vec<Finding> {
    let unused = allowances.iter().filter(|allowance| !used.contains(&allowance.place));
    let told = |allowance: &&&'d Allowance| {
        let message = format!("`{}` is silenced, and there is nothing to silence", allowance.rule.name());
        Finding::new(Rule::AllowUnused, allowance.place.clone(), message)
    };
    unused.map(|allowance| told(&allowance)).collect()
}
