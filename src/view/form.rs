//! The promised forms, field by field: mirrors of the model that programs read.
//!
//! Takes model values apart, so that a new field there must be told or left out on purpose, and a
//! secret has no way in: only [`Shown`] is known here. Writing them as text is left to [`text`]'s
//! callers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::character::shown_in_json;
use crate::model::config::{Config, Shown};
use crate::model::desired::Incomplete;
use crate::model::finding::{Finding, Findings, Place};
use crate::model::name::ConnectorName;
use crate::model::plan::{
    Action, Change, ChangeKind, Failed, Held, Plan, Step, StepKind, Target, Unverifiable,
};
use crate::model::report::StepResult;
use crate::model::revision::{At, RepositoryRevision, Revision};
use crate::model::warning::Warning;
use crate::view::risks::{LeftForm, RiskForm};

/// The format that all of these forms have.
pub const FORMAT: u32 = 1;

/// Pretty text that ends with a line feed. Somebody may well read it in a terminal.
pub(in crate::view) fn text(form: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(form).expect("forms are maps with text keys");
    let mut text = shown_in_json(&text).into_owned();
    text.push('\n');
    text
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanForm {
    pub(in crate::view) format: u32,
    pub(in crate::view) environment: String,
    pub(in crate::view) mode: String,
    pub(in crate::view) revision: Vec<RevisionForm>,
    pub(in crate::view) steps: Vec<StepForm>,
    pub(in crate::view) held: Vec<HeldForm>,
    #[serde(default)]
    pub(in crate::view) risks: Vec<RiskForm>,
    #[serde(default)]
    pub(in crate::view) unjudged: Vec<KeysForm>,
    #[serde(default)]
    pub(in crate::view) leaves: Vec<LeftForm>,
    pub(in crate::view) unverifiable: Vec<KeysForm>,
    pub(in crate::view) unresolved: Vec<String>,
    pub(in crate::view) unmanaged: Vec<String>,
    #[serde(default)]
    pub(in crate::view) warnings: Vec<WarningForm>,
    #[serde(default)]
    pub(in crate::view) incomplete: Vec<IncompleteForm>,
    pub(in crate::view) findings: Vec<FindingForm>,
    pub(in crate::view) summary: SummaryForm,
}

impl PlanForm {
    /// Mirrors a plan.
    pub(in crate::view) fn new(plan: &Plan, findings: &Findings) -> Self {
        let Plan {
            revision,
            environment,
            mode,
            steps,
            held,
            risks,
            unjudged,
            leaves,
            unverifiable,
            unresolved,
            unmanaged,
            sync: _,
            warnings,
            incomplete,
        } = plan;
        Self {
            format: FORMAT,
            environment: environment.as_str().to_owned(),
            mode: mode.name().to_owned(),
            revision: revision_forms(revision),
            steps: steps.iter().map(StepForm::new).collect(),
            held: held.iter().map(HeldForm::new).collect(),
            risks: risks.iter().map(RiskForm::new).collect(),
            unjudged: unjudged.iter().map(|(name, keys)| KeysForm::new(name, keys)).collect(),
            leaves: LeftForm::all(leaves),
            unverifiable: unverifiable.iter().map(KeysForm::of_masked).collect(),
            unresolved: names(unresolved),
            unmanaged: names(unmanaged),
            warnings: warnings.iter().map(WarningForm::new).collect(),
            incomplete: incomplete.iter().map(IncompleteForm::new).collect(),
            findings: finding_forms(findings),
            summary: SummaryForm::new(plan),
        }
    }
}

fn names(names: &[ConnectorName]) -> Vec<String> {
    names.iter().map(|name| name.as_str().to_owned()).collect()
}

/// Where one repository stands: a ref and a commit, or a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionForm {
    pub(in crate::view) repository: String,
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) directory: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) version_tag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) verified_by: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::view) signing_keys: Vec<String>,
}

pub(in crate::view) fn revision_forms(revision: &Revision) -> Vec<RevisionForm> {
    let Revision { repositories, version_tags: _ } = revision;
    repositories
        .iter()
        .map(|RepositoryRevision { repository, at }| {
            let (reference, commit, directory) = match at {
                At::Git { reference, object: _, commit, committed: _, verified: _ } => {
                    (Some(reference.to_string()), Some(commit.to_string()), None)
                }
                At::Directory { path, digest: _ } => (None, None, Some(path.to_string())),
            };
            let verified = at.verified();
            RevisionForm {
                repository: repository.to_string(),
                reference,
                commit,
                directory,
                version_tag: revision.version_tag(repository).map(str::to_owned),
                verified_by: verified.map(ToString::to_string),
                signing_keys: verified
                    .map(|verified| verified.keys().into_iter().map(str::to_owned).collect())
                    .unwrap_or_default(),
            }
        })
        .collect()
}

/// One step. Which fields are there depends on its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepForm {
    pub(in crate::view) connector: String,
    pub(in crate::view) step: String,
    pub(in crate::view) reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) to: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::view) itself: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) tasks: Option<Vec<u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) changes: Option<Vec<ChangeForm>>,
}

impl StepForm {
    pub(in crate::view) fn new(action: &Action) -> Self {
        let Action { connector, step, reason } = action;
        let (from, to, changes) = match step {
            // `to` says only what Connect would not do anyway: a creation that does not run.
            Step::Create { config, initial } => {
                let to = Some(initial.target()).filter(|target| *target != Target::Running);
                (None, to, Some(added(config).iter().map(ChangeForm::new).collect()))
            }
            Step::Configure { config: _, changes } => {
                (None, None, Some(changes.iter().map(ChangeForm::new).collect()))
            }
            Step::Pause { from } => (Some(*from), Some(Target::Paused), None),
            Step::Resume { from } => (Some(*from), Some(Target::Running), None),
            Step::Stop { from } => (Some(*from), Some(Target::Stopped), None),
            Step::Restart { .. } | Step::Delete => (None, None, None),
        };
        let (itself, tasks) = match step {
            Step::Restart { failed: Failed::OneByOne { itself, tasks } } => (*itself, Some(tasks.clone())),
            Step::Restart { failed: Failed::InOneCall }
            | Step::Create { .. }
            | Step::Configure { .. }
            | Step::Pause { .. }
            | Step::Resume { .. }
            | Step::Stop { .. }
            | Step::Delete => (false, None),
        };
        let word = |target: Target| target.name().to_owned();
        Self {
            connector: connector.as_str().to_owned(),
            step: step.kind().name().to_owned(),
            reason: reason.name().to_owned(),
            from: from.map(word),
            to: to.map(word),
            itself,
            tasks,
            changes,
        }
    }
}

/// A whole config as added keys, with values as a person may see them.
fn added(config: &Config) -> Vec<Change> {
    config
        .iter()
        .map(|(key, value)| Change { key: key.into(), kind: ChangeKind::Added { after: value.shown() } })
        .collect()
}

/// One key of a step. Where `hidden`, a side that is missing is there and not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeForm {
    pub(in crate::view) key: String,
    pub(in crate::view) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) after: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::view) hidden: bool,
}

impl ChangeForm {
    pub(in crate::view) fn new(change: &Change) -> Self {
        let Change { key, kind } = change;
        let (before, after) = match kind {
            ChangeKind::Added { after } => (None, Some(after)),
            ChangeKind::Removed { before } => (Some(before), None),
            ChangeKind::Changed { before, after } => (Some(before), Some(after)),
        };
        let hidden = [before, after].into_iter().flatten().any(|shown| *shown == Shown::Hidden);
        let text = |shown: &Shown| match shown {
            Shown::Text(text) => Some(text.to_string()),
            Shown::Hidden => None,
        };
        Self {
            key: key.to_string(),
            kind: kind.name().to_owned(),
            before: before.and_then(text),
            after: after.and_then(text),
            hidden,
        }
    }
}

/// A step that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldForm {
    #[serde(flatten)]
    pub(in crate::view) step: StepForm,
    pub(in crate::view) hold: String,
    pub(in crate::view) detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) release: Option<String>,
}

impl HeldForm {
    pub(in crate::view) fn new(held: &Held) -> Self {
        let Held { action, hold, detail, release } = held;
        Self {
            step: StepForm::new(action),
            hold: hold.name().to_owned(),
            detail: detail.clone(),
            release: release.clone(),
        }
    }
}

/// A connector and some of its keys: those that cannot be compared, or of which nobody knows what changing them does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysForm {
    pub(in crate::view) connector: String,
    pub(in crate::view) keys: Vec<String>,
}

impl KeysForm {
    pub(in crate::view) fn of_masked(unverifiable: &Unverifiable) -> Self {
        let Unverifiable { connector, keys } = unverifiable;
        Self::new(connector, keys)
    }

    pub(in crate::view) fn new(connector: &ConnectorName, keys: &[Arc<str>]) -> Self {
        Self {
            connector: connector.as_str().to_owned(),
            keys: keys.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Something that is done in another way than it is declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningForm {
    pub(in crate::view) connector: Option<String>,
    pub(in crate::view) warning: String,
    pub(in crate::view) message: String,
}

impl WarningForm {
    pub(in crate::view) fn new(warning: &Warning) -> Self {
        let Warning { connector, lack, version: _ } = warning;
        Self {
            connector: connector.as_ref().map(|name| name.as_str().to_owned()),
            warning: lack.name().to_owned(),
            message: warning.to_string(),
        }
    }
}

/// A folder whose newest state is not in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncompleteForm {
    pub(in crate::view) repository: String,
    pub(in crate::view) reason: String,
    pub(in crate::view) message: String,
}

impl IncompleteForm {
    pub(in crate::view) fn new(incomplete: &Incomplete) -> Self {
        let Incomplete { repository, lapse } = incomplete;
        Self {
            repository: repository.to_string(),
            reason: lapse.name().to_owned(),
            message: incomplete.to_string(),
        }
    }
}

/// The counts of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryForm {
    pub(in crate::view) create: usize,
    pub(in crate::view) configure: usize,
    pub(in crate::view) state: usize,
    pub(in crate::view) restart: usize,
    pub(in crate::view) delete: usize,
    pub(in crate::view) held: usize,
    pub(in crate::view) in_sync: usize,
}

impl SummaryForm {
    /// Counts a plan.
    pub(in crate::view) fn new(plan: &Plan) -> Self {
        let mut summary = Self {
            create: 0,
            configure: 0,
            state: 0,
            restart: 0,
            delete: 0,
            held: plan.held.len(),
            in_sync: plan.in_sync(),
        };
        for action in plan.steps.iter().filter(|action| !action.is_before_deletion()) {
            *match action.step.kind() {
                StepKind::Create => &mut summary.create,
                StepKind::Configure => &mut summary.configure,
                StepKind::Pause | StepKind::Resume | StepKind::Stop => &mut summary.state,
                StepKind::Restart => &mut summary.restart,
                StepKind::Delete => &mut summary.delete,
            } += 1;
        }
        summary
    }
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultForm {
    pub(in crate::view) connector: String,
    pub(in crate::view) step: String,
    pub(in crate::view) outcome: String,
    pub(in crate::view) class: Option<String>,
    pub(in crate::view) took_ms: u64,
}

impl ResultForm {
    /// Mirrors a result.
    pub(in crate::view) fn new(result: &StepResult) -> Self {
        let StepResult { connector, step, outcome, class, took } = result;
        Self {
            connector: connector.as_str().to_owned(),
            step: step.name().to_owned(),
            outcome: outcome.name().to_owned(),
            class: class.map(|class| class.name().to_owned()),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingForm {
    pub(in crate::view) path: String,
    pub(in crate::view) line: u32,
    pub(in crate::view) column: u32,
    pub(in crate::view) rule: String,
    pub(in crate::view) severity: String,
    pub(in crate::view) message: String,
    pub(in crate::view) hint: Option<String>,
    pub(in crate::view) connector: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) environment: Option<String>,
}

impl FindingForm {
    pub(in crate::view) fn new(finding: &Finding) -> Self {
        let Finding { place, severity, rule, message, hint, connector, environment } = finding;
        let Place { path, line, column } = place;
        Self {
            path: path.to_string(),
            line: *line,
            column: *column,
            rule: rule.name().to_owned(),
            severity: severity.name().to_owned(),
            message: message.clone(),
            hint: hint.clone(),
            connector: connector.as_ref().map(|name| name.as_str().to_owned()),
            environment: environment.as_ref().map(|name| name.as_str().to_owned()),
        }
    }
}

pub(in crate::view) fn finding_forms(findings: &Findings) -> Vec<FindingForm> {
    findings.iter().map(FindingForm::new).collect()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::model::character::is_unprintable;

    #[test]
    fn json_without_odd_characters_says_the_same() {
        let text = "zwölf → 12 \u{1f600} a\u{202e}b\u{9b}31m\u{7f}\u{feff}\u{85}\n\t\"\\u202e\u{200b}";
        let json =
            serde_json::to_string_pretty(&serde_json::json!({"key\u{2066}": [text]})).expect("it is JSON");
        let shown = shown_in_json(&json);
        assert!(!shown.contains(|c: char| c != '\n' && is_unprintable(c)), "{shown}");
        assert!(
            shown.contains("zwölf → 12 \u{1f600} a\\u202eb\\u009b31m\\u007f\\ufeff\\u0085\\n"),
            "{shown}"
        );
        let (before, after): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&json).expect("JSON"), serde_json::from_str(&shown).expect("JSON still"));
        assert_eq!(before, after);
        assert!(matches!(shown_in_json("{\n  \"zwölf\": 1\n}"), Cow::Borrowed(_)));
    }
}
