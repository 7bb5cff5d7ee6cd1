//! Puts the folders of `extra` beside the repository, each for itself.
//!
//! Takes what the repository gives to one environment, and what each folder holds; gives all of it
//! together, and what is wrong with each folder. What is wrong with one of them fails that one alone: what
//! it declared before stays in its place, with the secrets as they are now. Remembering that is left to
//! others.
//!
//! A folder may use what the repository defines. It changes nothing of it, and nothing of the other folders:
//! its templates are its own, and where a name is taken it is the folder that is wrong. What is said of a
//! folder follows from the files as they are now, never from what was in force before: all agents agree on
//! it, whatever each of them has seen.

mod beside;
mod claims;
mod standing;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::model::definition::Definitions;
use crate::model::desired::{Desired, DesiredConnector, Incomplete, Lapse};
use crate::model::finding::{Finding, Findings};
use crate::model::folder::Names;
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::revision::{RepositoryName, RepositoryRevision, Revision};
use crate::model::rule::Rule;
use crate::model::select::Select;
use crate::model::snapshot::Snapshot;
use crate::model::supplied::SecretName;
use crate::pipeline::extra::beside::Read;
use crate::pipeline::extra::claims::{Claimant, Claims};
use crate::pipeline::extra::standing::Standing;
use crate::pipeline::lints::beside::Guest;
use crate::pipeline::lints::{self, Said};
use crate::pipeline::render;
use crate::pipeline::supply::Supply;
use crate::pipeline::unused::{self, Uses};

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

impl Target<'_> {
    fn render(
        &self,
        definitions: &Definitions,
        at: &RepositoryRevision,
        found: &mut Vec<Finding>,
    ) -> Option<Desired> {
        let revision = Revision::of(vec![at.clone()]);
        render::desired(definitions, &revision, self.environment, &self.supply, self.select, found)
    }
}

/// A folder of `extra`, as it was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Folder<'f> {
    /// Which one.
    pub repository: &'f RepositoryName,
    /// The names that the settings give it.
    pub names: &'f Names,
    /// What it holds, or why nobody knows.
    pub look: Result<&'f Snapshot, Lapse>,
    /// What it declared when it last was good.
    pub last: Option<&'f Part>,
}

/// What a folder declares where it is good: to be rendered again when it is not.
#[derive(Debug, Clone)]
pub struct Part {
    /// Which folder, in which state.
    pub revision: RepositoryRevision,
    /// Its connectors, and what they use.
    pub definitions: Arc<Definitions>,
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
    /// The secrets that it names and that are not at hand, also where it is wrong.
    pub lacks: BTreeSet<SecretName>,
}

/// The repository and its folders together.
#[derive(Debug, Clone)]
pub struct Joined {
    /// What the environment should run; none where the repository itself has errors.
    pub desired: Option<Desired>,
    /// What is wrong with the repository, after what the folders use of it.
    pub findings: Findings,
    /// What came of each folder, in their order.
    pub outcomes: Vec<Outcome>,
}

/// Puts folders beside the repository.
pub fn join(ground: &Ground, folders: &[Folder<'_>], target: &Target<'_>) -> Joined {
    let drafts: Vec<_> =
        folders.iter().map(|folder| Some(draft(ground, folder.look.ok()?, target))).collect();
    let claimants: Vec<_> =
        folders.iter().zip(&drafts).map(|(folder, draft)| claimant(folder, draft.as_ref())).collect();
    let claims = Claims::new(ground.desired.as_ref(), &claimants);
    let court = Court { ground, target, drafts: &drafts, claims: &claims };
    let verdicts: Vec<_> = (0..folders.len()).map(|index| court.verdict(index)).collect();
    let again: Vec<_> = folders
        .iter()
        .zip(&verdicts)
        .map(|(folder, verdict)| again(folder.last.filter(|_| !verdict.good)?, target))
        .collect();
    let standing: Vec<_> = drafts
        .iter()
        .zip(&verdicts)
        .zip(&again)
        .map(|((draft, verdict), again)| {
            let now = draft.as_ref().filter(|_| verdict.good).and_then(|draft| draft.desired.as_ref());
            let good = now.is_some();
            Some(Standing { desired: now.or(again.as_ref().map(|again| &again.desired))?, good })
        })
        .collect();
    let mut desired = ground.desired.clone();
    if let Some(desired) = &mut desired {
        let lapses = folders.iter().zip(&verdicts).filter_map(|(folder, verdict)| verdict.lapse(folder));
        desired.incomplete.extend(lapses);
        standing::put_in_force(desired, &standing, &claims);
    }
    let uses = uses(folders, &drafts, &verdicts);
    Joined {
        // What nobody could read may use anything.
        findings: uses.map_or_else(
            || unused::left(&ground.findings),
            |uses| unused::beside(&ground.definitions, &uses, &ground.findings),
        ),
        desired,
        outcomes: (verdicts.into_iter().zip(again).zip(&drafts))
            .map(|((verdict, again), draft)| verdict.outcome(again, draft.as_ref()))
            .collect(),
    }
}

/// What is wrong with a repository, whatever folders may use of it.
pub fn alone(findings: &Findings) -> Findings {
    unused::left(findings)
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

/// A folder as it is now, rendered.
struct Draft<'f> {
    snapshot: &'f Snapshot,
    read: Read,
    /// None where the environment itself cannot be read.
    desired: Option<Desired>,
    found: Vec<Finding>,
}

/// Reads and renders a folder.
fn draft<'f>(ground: &Ground, snapshot: &'f Snapshot, target: &Target<'_>) -> Draft<'f> {
    let read = beside::read(&ground.definitions, snapshot);
    let mut found = Vec::new();
    let desired = target.render(&read.definitions, &snapshot.revision, &mut found);
    Draft { snapshot, read, desired, found }
}

fn claimant<'c>(folder: &Folder<'c>, draft: Option<&'c Draft<'_>>) -> Claimant<'c> {
    let declares = draft.and_then(|draft| draft.desired.as_ref());
    Claimant { repository: folder.repository, names: folder.names, declares }
}

/// What the folders use of the repository's values; none where one of them may use anything.
fn uses(folders: &[Folder<'_>], drafts: &[Option<Draft<'_>>], verdicts: &[Verdict]) -> Option<Uses> {
    let mut all = Uses::default();
    for ((folder, draft), verdict) in folders.iter().zip(drafts).zip(verdicts) {
        match (folder.look, draft) {
            (Err(Lapse::Empty), _) => {}
            (_, Some(draft)) if verdict.good => all.add(&draft.read.uses),
            (Ok(_) | Err(Lapse::Missing | Lapse::Unreadable | Lapse::Invalid), _) => return None,
        }
    }
    Some(all)
}

/// What a folder declared when it last was good, with the secrets as they are now.
struct Again {
    desired: Desired,
    /// The secrets that are missing by now.
    missing: Vec<Finding>,
}

fn again(last: &Part, target: &Target<'_>) -> Option<Again> {
    let mut missing = Vec::new();
    let desired = target.render(&last.definitions, &last.revision, &mut missing)?;
    missing.retain(|finding| finding.rule == Rule::SecretMissing);
    Some(Again { desired, missing })
}

/// What is wrong with a folder as it is now.
#[derive(Default)]
struct Verdict {
    findings: Findings,
    idle: Option<Vec<Finding>>,
    good: bool,
}

impl Verdict {
    fn lapse(&self, folder: &Folder<'_>) -> Option<Incomplete> {
        let lapse = folder.look.err().or((!self.good).then_some(Lapse::Invalid))?;
        Some(Incomplete { repository: folder.repository.clone(), lapse })
    }

    fn outcome(self, again: Option<Again>, draft: Option<&Draft<'_>>) -> Outcome {
        let Self { mut findings, idle, good } = self;
        let now = draft.and_then(|draft| draft.desired.as_ref());
        let declared = now.into_iter().chain(again.as_ref().map(|again| &again.desired));
        let lacks = declared.flat_map(|desired| desired.unresolved.values()).flatten().cloned().collect();
        findings.extend(again.into_iter().flat_map(|again| again.missing));
        findings.settle();
        let part = draft.filter(|_| good).map(|draft| Part {
            revision: draft.snapshot.revision.clone(),
            definitions: Arc::clone(&draft.read.definitions),
        });
        Outcome { part, findings, idle, lacks }
    }
}

/// Judges each folder beside what was there first.
struct Court<'j> {
    ground: &'j Ground,
    target: &'j Target<'j>,
    drafts: &'j [Option<Draft<'j>>],
    claims: &'j Claims<'j>,
}

impl<'j> Court<'j> {
    /// The connectors that a folder is looked at beside: the repository's, and those of the folders before it.
    fn before(&self, index: usize) -> impl Iterator<Item = (&'j ConnectorName, &'j DesiredConnector)> {
        let claims = self.claims;
        let others = self.drafts[..index].iter().enumerate().flat_map(move |(index, draft)| {
            let declared = draft.iter().filter_map(|draft| draft.desired.as_ref());
            let declared = declared.flat_map(|desired| &desired.connectors);
            declared.filter(move |(name, _)| claims.taken(name, index).is_none())
        });
        self.ground.desired.iter().flat_map(|desired| &desired.connectors).chain(others)
    }

    fn verdict(&self, index: usize) -> Verdict {
        let Some(draft) = &self.drafts[index] else { return Verdict::default() };
        let Self { ground, target, .. } = self;
        let definitions = &draft.read.definitions;
        let mut found = draft.found.clone();
        let here = |finding| Finding { environment: Some(target.environment.clone()), ..finding };
        found.extend(self.claims.wrong(index).into_iter().map(here));
        let said = draft.desired.as_ref().map(|desired| self.lints(index, draft, desired));
        let (said, idle) = said.map_or((Vec::new(), None), |Said { findings, idle }| (findings, idle));
        found.extend(said);
        let mut findings = definitions.findings.clone();
        // What the repository has said of itself is not said again of each folder.
        let key = |finding: &Finding| (finding.place.clone(), finding.rule, finding.severity);
        let told: HashSet<_> = ground.findings.iter().chain(findings.iter()).map(key).collect();
        found.retain(|finding| !told.contains(&key(finding)));
        findings.extend(found);
        findings.settle();
        let good = draft.desired.is_some() && !findings.has_errors();
        Verdict { findings, idle, good }
    }

    fn lints(&self, index: usize, draft: &Draft<'_>, desired: &Desired) -> Said {
        let guest = Guest {
            definitions: &draft.read.definitions,
            files: &draft.snapshot.files,
            host: &self.ground.definitions,
            told: &self.ground.findings,
        };
        let is_taken = |name: &ConnectorName| self.claims.taken(name, index).is_some();
        let mut own = Cow::Borrowed(desired);
        if desired.connectors.keys().any(is_taken) {
            // It would share everything with the one that has the name.
            own.to_mut().connectors.retain(|name, _| !is_taken(name));
        }
        lints::folder(&guest, &own, self.before(index))
    }
}
