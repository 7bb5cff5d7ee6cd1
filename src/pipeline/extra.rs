//! Puts the folders of `extra` beside the repository, each for itself.
//!
//! Takes what the repository gives to one environment, and what each folder holds; gives all of it
//! together, and what is wrong with each folder. What is wrong with one of them fails that one alone: what
//! it declared before stays in its place. Remembering that is left to others.
//!
//! A folder may use what the repository defines. It changes nothing of it, and nothing of the other folders:
//! its templates are its own, and where a name is taken it is the folder that is wrong. Taken is what the
//! repository has, then what a folder before it has, in the order of the settings: an order that all agents
//! agree on, whatever each of them has seen.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use crate::model::definition::Definitions;
use crate::model::desired::{Desired, DesiredConnector, Incomplete, Lapse, Part};
use crate::model::finding::{Finding, Findings};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::revision::{RepositoryName, Revision};
use crate::model::rule::Rule;
use crate::model::select::Select;
use crate::model::snapshot::Snapshot;
use crate::pipeline::lints::beside::Guest;
use crate::pipeline::lints::{self, Said};
use crate::pipeline::parse::{self, Lost};
use crate::pipeline::supply::Supply;
use crate::pipeline::{nulls, render, resolve};

/// What the repository gives to one environment.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Everything that it defines.
    pub definitions: Definitions,
    /// Its connectors; none where it has errors.
    pub desired: Option<Desired>,
    /// What is wrong with it there.
    pub findings: Findings,
}

/// For what to render.
#[derive(Debug, Clone, Copy)]
pub struct Target<'t> {
    /// The environment.
    pub environment: &'t EnvironmentName,
    /// The values of the place.
    pub supply: Supply<'t>,
    /// The agent's scope.
    pub select: &'t Select,
}

/// A folder of `extra`, as it was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Folder<'f> {
    /// Which one.
    pub repository: &'f RepositoryName,
    /// What it holds, or why nobody knows.
    pub look: Result<&'f Snapshot, Lapse>,
    /// What it declared when it last was good.
    pub last: Option<&'f Part>,
}

/// What came of a folder.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What it declares now; none where that is wrong or not known.
    pub part: Option<Part>,
    /// What is wrong with it.
    pub findings: Findings,
    /// Its silencings that silence nothing in this environment; none where nobody can say.
    pub idle: Option<Vec<Finding>>,
}

/// Which connectors there are before a folder is looked at.
type Taken<'t> = BTreeMap<ConnectorName, Cow<'t, DesiredConnector>>;

/// The repository and its folders together.
#[derive(Debug, Clone)]
pub struct Joined {
    /// What the environment should run; none where the repository itself has errors.
    pub desired: Option<Desired>,
    /// What came of each folder, in their order.
    pub outcomes: Vec<Outcome>,
}

/// Puts folders beside the repository.
pub fn join(ground: &Ground, folders: &[Folder<'_>], target: &Target<'_>) -> Joined {
    let mut desired = ground.desired.clone();
    let before = ground.desired.iter().flat_map(|desired| &desired.connectors);
    let mut taken: Taken<'_> = before.map(|(name, one)| (name.clone(), Cow::Borrowed(one))).collect();
    let mut outcomes = Vec::new();
    for folder in folders {
        let (outcome, lapse) = match folder.look {
            Err(lapse) => (Outcome { part: None, findings: Findings::default(), idle: None }, Some(lapse)),
            Ok(snapshot) => {
                let outcome = judge(ground, snapshot, &taken, target);
                let lapse = if outcome.part.is_none() { Some(Lapse::Invalid) } else { None };
                (outcome, lapse)
            }
        };
        let in_force = outcome.part.as_ref().or(folder.last);
        if let Some(desired) = &mut desired {
            let repository = folder.repository.clone();
            desired.incomplete.extend(lapse.map(|lapse| Incomplete { repository, lapse }));
            desired.revision.repositories.extend(in_force.map(|part| part.revision.clone()));
        }
        for (name, connector) in in_force.iter().flat_map(|part| &part.connectors) {
            // Only of what was declared before may a name be taken by now: else the folder would be wrong.
            if taken.contains_key(name) {
                continue;
            }
            taken.insert(name.clone(), Cow::Owned(connector.clone()));
            if let Some(desired) = &mut desired {
                desired.connectors.insert(name.clone(), connector.clone());
                let lacks = in_force.and_then(|part| part.unresolved.get(name));
                desired.unresolved.extend(lacks.map(|lacks| (name.clone(), lacks.clone())));
            }
        }
        outcomes.push(outcome);
    }
    Joined { desired, outcomes }
}

/// The silencings of folders that silence nothing, after what came of each folder in each environment.
pub fn idle(everywhere: &[Vec<Outcome>]) -> Vec<Finding> {
    let [first, rest @ ..] = everywhere else { return Vec::new() };
    let mut idle = Vec::new();
    for (index, outcome) in first.iter().enumerate() {
        let in_rest: Option<Vec<_>> = rest.iter().map(|outcomes| outcomes[index].idle.as_ref()).collect();
        let (Some(here), Some(in_rest)) = (&outcome.idle, in_rest) else { continue };
        let everywhere = here.iter().filter(|finding| in_rest.iter().all(|there| there.contains(finding)));
        idle.extend(everywhere.cloned());
    }
    idle
}

/// Renders what a folder holds, and finds what is wrong with it.
fn judge(ground: &Ground, snapshot: &Snapshot, taken: &Taken<'_>, target: &Target<'_>) -> Outcome {
    let definitions = definitions(ground, snapshot);
    let revision = Revision { repositories: vec![snapshot.revision.clone()] };
    let Target { environment, supply, select } = target;
    let mut found = Vec::new();
    let desired = render::desired(&definitions, &revision, environment, supply, select, &mut found);
    for (name, connector) in desired.iter().flat_map(|desired| &desired.connectors) {
        if let Some(first) = taken.get(name) {
            let message =
                format!("connector `{name}` exists already in this environment, from {}", first.place);
            let finding = Finding::new(Rule::DuplicateName, connector.place.clone(), message).of(name);
            found.push(Finding { environment: Some((*environment).clone()), ..finding });
        }
    }
    let said = desired.as_ref().map(|own| {
        let guest = Guest {
            definitions: &definitions,
            files: &snapshot.files,
            host: &ground.definitions,
            told: &ground.findings,
        };
        lints::folder(&guest, own, taken.iter().map(|(name, one)| (name, one.as_ref())))
    });
    let (said, idle) = said.map_or((Vec::new(), None), |Said { findings, idle }| (findings, idle));
    found.extend(said);
    let mut findings = definitions.findings;
    // What the repository has said of itself is not said again of each folder.
    let key = |finding: &Finding| (finding.place.clone(), finding.rule, finding.severity);
    let told: HashSet<_> = ground.findings.iter().chain(findings.iter()).map(key).collect();
    found.retain(|finding| !told.contains(&key(finding)));
    findings.extend(found);
    findings.settle();
    let part =
        desired.filter(|_| !findings.has_errors()).map(|Desired { connectors, unresolved, .. }| Part {
            revision: snapshot.revision.clone(),
            connectors,
            unresolved,
        });
    Outcome { part, findings, idle }
}

/// What a folder defines, with what it may use of the repository. The findings are its own.
fn definitions(ground: &Ground, snapshot: &Snapshot) -> Definitions {
    let mut findings = snapshot.findings.clone();
    let (own, lost) = parse::folder(snapshot, &mut findings);
    let mut all = Definitions { connectors: BTreeMap::new(), ..ground.definitions.clone() };
    for (name, template) in own.templates {
        if let Some(first) = ground.definitions.templates.get(&name) {
            let what = format!("template `{name}`");
            findings.push(parse::twice(&what, &template.name.place, &first.name.place));
        }
        // Its connectors mean this one, and are not told what the other one lacks.
        all.templates.insert(name, template);
    }
    for (name, connector) in own.connectors {
        if let Some(first) = ground.definitions.connectors.get(&name) {
            findings.push(parse::twice(&format!("connector `{name}`"), &connector.place, &first.place));
        } else {
            all.connectors.insert(name, connector);
        }
    }
    // Where the repository itself is broken, nobody knows what it would have had.
    let broken = ground.definitions.findings.has_errors();
    let imports = ground.definitions.about.imports.keys().filter(|_| broken).map(|name| name.as_str().into());
    let lost = Lost {
        templates: lost.templates || broken,
        environments: lost.environments || broken,
        imports: imports.collect(),
    };
    let mut checked = Vec::new();
    resolve::check(&all, &lost, &mut checked);
    nulls::check(&all, &mut checked);
    findings.extend(checked.into_iter().filter(|finding| snapshot.files.contains_key(&finding.place.path)));
    all.findings = Findings::default();
    all.findings.extend(findings);
    all.findings.settle();
    all
}
