//! The promised JSON of a comparison: each connector of each environment by itself.

use serde::Serialize;

use crate::model::comparison::{
    Brake, Compared, Comparison, Effect, EffectKind, FolderCourse, ImportMove, Renamed, Standing, Suspending,
    Told,
};
use crate::model::desired::DesiredState;
use crate::model::name::ConnectorName;
use crate::model::plan::Left;
use crate::model::revision::{At, RepositoryName};
use crate::view::form::{
    ChangeForm, FORMAT, FindingForm, RevisionForm, WarningForm, finding_forms, revision_forms, text,
};

/// Writes a comparison.
pub fn comparison(comparison: &Comparison) -> String {
    let Comparison { old, new, imports, environments, findings } = comparison;
    let of = |kind: EffectKind| comparison.effects().filter(|effect| effect.kind == kind).count();
    text(&Form {
        format: FORMAT,
        old: revision_forms(old),
        new: revision_forms(new),
        imports: imports.iter().map(ImportForm::new).collect(),
        environments: environments.iter().map(EnvironmentForm::new).collect(),
        findings: finding_forms(findings),
        summary: SummaryForm {
            create: of(EffectKind::Create),
            change: of(EffectKind::Change),
            delete: of(EffectKind::Delete),
            unmanage: of(EffectKind::Unmanage),
            held: comparison.effects().filter(|effect| effect.held.is_some()).count(),
        },
    })
}

#[derive(Serialize)]
struct Form {
    format: u32,
    old: Vec<RevisionForm>,
    new: Vec<RevisionForm>,
    imports: Vec<ImportForm>,
    environments: Vec<EnvironmentForm>,
    findings: Vec<FindingForm>,
    summary: SummaryForm,
}

#[derive(Serialize)]
struct ImportForm {
    name: String,
    before: Option<StandingForm>,
    after: Option<StandingForm>,
}

#[derive(Serialize)]
struct StandingForm {
    git: String,
    #[serde(rename = "ref")]
    reference: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<String>,
}

#[derive(Serialize)]
struct EnvironmentForm {
    environment: String,
    presence: &'static str,
    comparable: bool,
    taken: bool,
    folders: Vec<FolderForm>,
    suspend: SuspendForm,
    connectors: Vec<EffectForm>,
    warnings: Vec<WarningForm>,
    unchanged: usize,
    findings: Vec<FindingForm>,
}

#[derive(Serialize)]
struct FolderForm {
    folder: String,
    course: &'static str,
}

#[derive(Serialize)]
struct SuspendForm {
    changes: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

#[derive(Serialize)]
struct EffectForm {
    connector: String,
    effect: &'static str,
    before: Option<&'static str>,
    after: Option<&'static str>,
    changes: Vec<ChangeForm>,
    keep: Option<bool>,
    suspend: SuspendForm,
    renamed: Option<String>,
    held: Option<HeldForm>,
    told: Vec<ToldForm>,
    leaves: Vec<LeftForm>,
}

#[derive(Serialize)]
struct LeftForm {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<String>,
}

#[derive(Serialize)]
struct ToldForm {
    key: String,
    risk: &'static str,
    harm: &'static str,
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    consequence: String,
}

#[derive(Serialize)]
struct HeldForm {
    hold: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
}

#[derive(Serialize)]
struct SummaryForm {
    create: usize,
    change: usize,
    delete: usize,
    unmanage: usize,
    held: usize,
}

impl ImportForm {
    fn new(moved: &ImportMove) -> Self {
        let ImportMove { name, before, after } = moved;
        Self {
            name: name.to_string(),
            before: before.as_ref().map(StandingForm::new),
            after: after.as_ref().map(StandingForm::new),
        }
    }
}

impl StandingForm {
    fn new(Standing { git, reference, path, at }: &Standing) -> Self {
        let (commit, directory) = match at {
            Some(At::Git { commit, .. }) => (Some(commit.to_string()), None),
            Some(At::Directory { path, digest: _ }) => (None, Some(path.to_string())),
            None => (None, None),
        };
        let [git, reference, path] = [git, reference, path].map(ToString::to_string);
        Self { git, reference, path, commit, directory }
    }
}

impl EnvironmentForm {
    fn new(one: &Compared) -> Self {
        let Compared {
            environment,
            presence,
            comparable,
            taken,
            folders,
            findings,
            suspend,
            effects,
            warnings,
            unchanged,
        } = one;
        let folder = |(name, course): (&RepositoryName, &FolderCourse)| FolderForm {
            folder: name.folder().unwrap_or(name.as_str()).to_owned(),
            course: course.name(),
        };
        Self {
            environment: environment.to_string(),
            presence: presence.name(),
            comparable: *comparable,
            taken: *taken,
            folders: folders.iter().map(folder).collect(),
            suspend: SuspendForm::new(suspend),
            connectors: effects.iter().map(|(name, effect)| EffectForm::new(name, effect)).collect(),
            warnings: warnings.iter().map(WarningForm::new).collect(),
            unchanged: *unchanged,
            findings: finding_forms(findings),
        }
    }
}

impl SuspendForm {
    fn new(suspend: &Suspending) -> Self {
        let (changes, said) = match suspend {
            Suspending::Unchanged => ("no", None),
            Suspending::Begins(suspend) => ("begins", Some(suspend)),
            Suspending::Ends => ("ends", None),
        };
        let reason = said.map(|suspend| suspend.reason.to_string());
        let until = said.and_then(|suspend| suspend.until).map(|until| until.to_string());
        Self { changes, reason, until }
    }
}

impl HeldForm {
    fn new(Brake { hold, detail, release }: &Brake) -> Self {
        Self { hold: hold.name(), detail: detail.clone(), release: release.clone() }
    }
}

impl ToldForm {
    fn new(Told { key, row, harm, standing, consequence }: &Told) -> Self {
        Self {
            key: key.to_string(),
            risk: row,
            harm: harm.name(),
            standing: standing.name(),
            reason: standing.reason().map(str::to_owned),
            consequence: consequence.to_string(),
        }
    }
}

impl LeftForm {
    fn new(Left { kind, name, within }: &Left) -> Self {
        let [name, within] = [name, within].map(|text| text.as_deref().map(str::to_owned));
        Self { kind: kind.name(), name, within }
    }
}

impl EffectForm {
    fn new(name: &ConnectorName, effect: &Effect) -> Self {
        let Effect { kind, before, after, changes, keep, suspend, renamed, held, told, leaves } = effect;
        Self {
            connector: name.as_str().to_owned(),
            effect: kind.name(),
            before: before.map(DesiredState::name),
            after: after.map(DesiredState::name),
            changes: changes.iter().map(ChangeForm::new).collect(),
            keep: *keep,
            suspend: SuspendForm::new(suspend),
            // What it does stands in the hold, or in the table of risks.
            renamed: renamed.as_ref().map(|Renamed { other, does: _ }| other.as_str().to_owned()),
            held: held.as_ref().map(HeldForm::new),
            told: told.iter().map(ToldForm::new).collect(),
            leaves: leaves.iter().map(LeftForm::new).collect(),
        }
    }
}
