//! The promised JSON of `/status`: what a running agent tells of itself.
//!
//! Takes a report, gives a form, its text, and the form again from a text. Everything that several
//! tellers count the same way (how a connector stands as a whole) is said once, here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::course::{Course, LowerVersion, Move, MovedVersion};
use crate::model::desired::DesiredState;
use crate::model::finding::Findings;
use crate::model::live::{LiveConnector, Status, Task};
use crate::model::name::{ConnectorName, some_of};
use crate::model::plan::{Hold, Plan, Sync};
use crate::model::report::{ApplyResult, Clock, Clocks, ClusterReport, Failure, Report, RepositoryReport};
use crate::view::form::{
    FORMAT, FindingForm, PlanForm, ResultForm, RevisionForm, finding_forms, revision_forms, text,
};
use crate::view::holds::{HeldTogether, HoldForm, MOST_NAMED, together};
use crate::view::rollouts::RolloutForm;
use crate::view::text::{count, line};

/// Writes what an agent of a version tells of itself.
pub fn status(report: &Report, version: &str) -> String {
    text(&StatusForm::new(report, version))
}

/// Reads what an agent told; fields that this version does not know are passed over.
pub fn read(status: &str) -> Result<StatusForm, serde_json::Error> {
    serde_json::from_str(status)
}

/// What an agent tells of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusForm {
    pub(in crate::view) format: u32,
    pub(in crate::view) version: String,
    pub(in crate::view) environment: String,
    pub(in crate::view) mode: String,
    pub(in crate::view) leader: Option<bool>,
    pub(in crate::view) suspended: Vec<String>,
    pub(in crate::view) heartbeat: Timestamp,
    pub(in crate::view) clocks: ClocksForm,
    pub(in crate::view) connect: ConnectForm,
    pub(in crate::view) repositories: Vec<RepositoryForm>,
    pub(in crate::view) connectors: Vec<ConnectorForm>,
    #[serde(default)]
    pub(in crate::view) rollouts: Vec<RolloutForm>,
    pub(in crate::view) findings: Vec<FindingForm>,
    pub(in crate::view) plan: Option<PlanForm>,
    pub(in crate::view) results: Vec<ResultForm>,
    #[serde(default)]
    pub(in crate::view) declared: Option<usize>,
    #[serde(default)]
    pub(in crate::view) answered: u64,
}

/// The three clocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct ClocksForm {
    pub(in crate::view) points_at: Option<ClockForm>,
    pub(in crate::view) validated: Option<ClockForm>,
    pub(in crate::view) applied: Option<ClockForm>,
}

/// A revision at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct ClockForm {
    pub(in crate::view) revision: Vec<RevisionForm>,
    pub(in crate::view) at: Timestamp,
}

/// How Connect answers and how the last apply ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct ConnectForm {
    pub(in crate::view) reachable: Option<bool>,
    #[serde(default)]
    pub(in crate::view) version: Option<String>,
    pub(in crate::view) failure: Option<FailureForm>,
    pub(in crate::view) last_success: Option<Timestamp>,
    pub(in crate::view) last_apply: String,
    pub(in crate::view) last_apply_success: Option<Timestamp>,
}

/// A failure that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct FailureForm {
    pub(in crate::view) class: String,
    pub(in crate::view) text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) hint: Option<String>,
}

/// One repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct RepositoryForm {
    pub(in crate::view) repository: String,
    pub(in crate::view) state: String,
    pub(in crate::view) revision: Option<Vec<RevisionForm>>,
    pub(in crate::view) last_poll: Option<Timestamp>,
    pub(in crate::view) last_success: Option<Timestamp>,
    pub(in crate::view) first_seen: Option<Timestamp>,
    pub(in crate::view) operation_started: Option<Timestamp>,
    pub(in crate::view) consecutive_failures: u32,
    pub(in crate::view) failure: Option<FailureForm>,
    pub(in crate::view) last_moves: BTreeMap<String, Timestamp>,
    #[serde(default)]
    pub(in crate::view) version_tag: Option<String>,
    #[serde(default)]
    pub(in crate::view) last_move: Option<MoveForm>,
    #[serde(default)]
    pub(in crate::view) moved_versions: Vec<MovedVersionForm>,
    #[serde(default)]
    pub(in crate::view) held: Option<HeldVersionForm>,
}

/// The last move of what is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct MoveForm {
    pub(in crate::view) kind: String,
    pub(in crate::view) from: Option<String>,
    pub(in crate::view) to: String,
    pub(in crate::view) at: Timestamp,
}

/// A tag with a version that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct MovedVersionForm {
    pub(in crate::view) tag: String,
    pub(in crate::view) from: String,
    pub(in crate::view) to: String,
    pub(in crate::view) at: Timestamp,
}

/// A lower version that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct HeldVersionForm {
    pub(in crate::view) hold: String,
    pub(in crate::view) detail: String,
    pub(in crate::view) release: String,
}

/// One declared connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct ConnectorForm {
    pub(in crate::view) name: String,
    pub(in crate::view) sync: String,
    pub(in crate::view) drift_since: Option<Timestamp>,
    pub(in crate::view) state: Option<String>,
    pub(in crate::view) tasks: Vec<TaskForm>,
    pub(in crate::view) waiting: Option<String>,
    #[serde(default)]
    pub(in crate::view) waiting_since: Option<Timestamp>,
    pub(in crate::view) failed: Option<String>,
    pub(in crate::view) stalled: bool,
    #[serde(default)]
    pub(in crate::view) stalled_since: Option<Timestamp>,
    #[serde(default)]
    pub(in crate::view) offsets: Option<String>,
    pub(in crate::view) held: Vec<HoldForm>,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct TaskForm {
    pub(in crate::view) id: u32,
    pub(in crate::view) state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) trouble: Option<String>,
}

impl StatusForm {
    /// Mirrors a report.
    pub fn new(report: &Report, version: &str) -> Self {
        let Report {
            environment,
            mode,
            heartbeat,
            repositories,
            cluster,
            clocks,
            findings,
            declared,
            answered,
        } = report;
        let ClusterReport {
            reachable,
            leader,
            live,
            plan,
            results,
            drift_since: _,
            waiting: _,
            rollouts,
            pulses: _,
            failed: _,
            last_success,
            last_apply_success,
            last_apply,
            failure,
            suspended,
        } = cluster;
        // What an agent saw before it lost the lead is old: the one that leads tells it.
        let plan = plan.as_ref().filter(|_| *leader != Some(false));
        Self {
            format: FORMAT,
            version: version.to_owned(),
            environment: environment.as_str().to_owned(),
            mode: mode.name().to_owned(),
            leader: *leader,
            suspended: suspended.iter().map(ToString::to_string).collect(),
            heartbeat: *heartbeat,
            clocks: ClocksForm::new(clocks),
            connect: ConnectForm {
                reachable: *reachable,
                version: live
                    .as_ref()
                    .and_then(|live| live.capabilities.version.as_ref())
                    .map(ToString::to_string),
                failure: failure.as_ref().map(FailureForm::new),
                last_success: *last_success,
                last_apply: last_apply.unwrap_or(ApplyResult::Never).to_string(),
                last_apply_success: *last_apply_success,
            },
            repositories: repositories.iter().map(RepositoryForm::new).collect(),
            connectors: plan.map(|plan| connector_forms(plan, cluster)).unwrap_or_default(),
            rollouts: rollouts.iter().map(RolloutForm::new).collect(),
            findings: repositories
                .iter()
                .fold(finding_forms(findings), |told, one| [told, finding_forms(&one.findings)].concat()),
            // The findings of the revision in force are said above, once.
            plan: plan.map(|plan| PlanForm::new(plan, &Findings::default())),
            results: results.iter().map(ResultForm::new).collect(),
            declared: *declared,
            answered: *answered,
        }
    }

    /// How many of the words to look now have been followed.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// The first of the connectors that nobody declares, and how many more there are; none where there is none.
    pub(in crate::view) fn unmanaged(&self) -> Option<String> {
        let names: Vec<_> =
            self.plan.iter().flat_map(|plan| &plan.unmanaged).map(|name| line(name)).collect();
        (!names.is_empty()).then(|| some_of(&names, MOST_NAMED))
    }

    /// What is held, as people are told it.
    pub(in crate::view) fn holds(&self) -> Vec<HeldTogether<'_>> {
        self.plan.as_ref().map(|plan| together(&plan.held)).unwrap_or_default()
    }

    /// What is known where nobody could look at the cluster: how many connectors are declared.
    pub(in crate::view) fn unseen(&self) -> Option<String> {
        let declared = match self.declared {
            Some(number) => format!("{} declared", count(number, "connector", "connectors")),
            None => return self.plan.is_none().then(|| "Nothing is in force".to_owned()),
        };
        self.plan.is_none().then(|| format!("{declared}, how they stand is not known"))
    }

    /// Whether nothing needs a person: no error, nothing failed, stalled, held or drifted.
    pub fn is_well(&self) -> bool {
        self.connect.reachable != Some(false)
            && self.connect.failure.is_none()
            && self
                .repositories
                .iter()
                .all(|repository| repository.failure.is_none() && repository.held.is_none())
            && self.findings.iter().all(|finding| finding.severity != "error")
            && self.plan.as_ref().is_none_or(|plan| plan.held.is_empty())
            && self.connectors.iter().all(|connector| {
                connector.failed.is_none() && !connector.stalled && connector.drift_since.is_none()
            })
    }
}

impl ClocksForm {
    fn new(clocks: &Clocks) -> Self {
        let Clocks { points_at, validated, applied } = clocks;
        let form = |clock: &Option<Clock>| {
            clock
                .as_ref()
                .map(|Clock { revision, at }| ClockForm { revision: revision_forms(revision), at: *at })
        };
        Self { points_at: form(points_at), validated: form(validated), applied: form(applied) }
    }
}

impl ClockForm {
    /// Where each repository stands, as people say it: `v1 at 4f1c9e2, platform v2 at 8d2e1f0`.
    pub(in crate::view) fn revision_in_words(&self) -> String {
        let one = |(index, form): (usize, &RevisionForm)| {
            let RevisionForm {
                repository,
                reference,
                commit,
                directory,
                version_tag: _,
                verified_by: _,
                signing_keys: _,
            } = form;
            let at = match (reference, commit, directory) {
                (Some(reference), Some(commit), _) => {
                    let short = ["refs/tags/", "refs/heads/"]
                        .iter()
                        .find_map(|prefix| reference.strip_prefix(prefix))
                        .unwrap_or(reference);
                    format!("{short} at {}", commit.get(..7).unwrap_or(commit))
                }
                (_, _, Some(directory)) => directory.clone(),
                (_, _, None) => String::new(),
            };
            if index == 0 { at } else { format!("{repository} {at}") }
        };
        self.revision.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
    }
}

impl FailureForm {
    fn new(failure: &Failure) -> Self {
        let Failure { class, text, hint } = failure;
        Self { class: class.to_string(), text: text.to_string(), hint: hint.map(str::to_owned) }
    }
}

impl RepositoryForm {
    fn new(report: &RepositoryReport) -> Self {
        let RepositoryReport {
            repository,
            state,
            revision,
            last_poll,
            last_success,
            first_seen,
            operation_started,
            consecutive_failures,
            failure,
            last_moves,
            course: Course { version_tag, last, moved_versions, held },
            findings: _,
        } = report;
        Self {
            repository: repository.to_string(),
            state: state.to_string(),
            revision: revision.as_ref().map(revision_forms),
            last_poll: *last_poll,
            last_success: *last_success,
            first_seen: *first_seen,
            operation_started: *operation_started,
            consecutive_failures: *consecutive_failures,
            failure: failure.as_ref().map(FailureForm::new),
            last_moves: last_moves.iter().map(|(kind, at)| (kind.to_string(), *at)).collect(),
            version_tag: version_tag.as_deref().map(str::to_owned),
            last_move: last.as_ref().map(MoveForm::new),
            moved_versions: moved_versions.iter().map(MovedVersionForm::new).collect(),
            held: held.as_ref().map(HeldVersionForm::new),
        }
    }
}

impl MoveForm {
    fn new(last: &Move) -> Self {
        let Move { kind, from, to, at } = last;
        Self {
            kind: kind.to_string(),
            from: from.as_ref().map(|from| from.at.to_string()),
            to: to.at.to_string(),
            at: *at,
        }
    }
}

impl MovedVersionForm {
    fn new(moved: &MovedVersion) -> Self {
        let MovedVersion { tag, from, to, at } = moved;
        Self { tag: tag.to_string(), from: from.to_string(), to: to.to_string(), at: *at }
    }
}

impl HeldVersionForm {
    fn new(lower: &LowerVersion) -> Self {
        Self {
            hold: Hold::LowerVersion.name().to_owned(),
            detail: lower.detail(),
            release: LowerVersion::RELEASE.to_owned(),
        }
    }
}

fn connector_forms(plan: &Plan, cluster: &ClusterReport) -> Vec<ConnectorForm> {
    let mut held: BTreeMap<&ConnectorName, Vec<HoldForm>> = BTreeMap::new();
    for one in &plan.held {
        held.entry(&one.action.connector).or_default().push(HoldForm::new(one));
    }
    plan.sync
        .iter()
        .map(|(name, sync)| {
            let status = cluster
                .live
                .as_ref()
                .and_then(|live| live.connectors.get(name))
                .and_then(|LiveConnector { config: _, kind: _, status }| status.as_ref());
            let pulse = cluster.pulses.get(name);
            // Synced and not there: its deletion is declared, and done.
            let is_gone = *sync == Sync::Synced
                && cluster.live.as_ref().is_some_and(|live| !live.connectors.contains_key(name));
            ConnectorForm {
                name: name.as_str().to_owned(),
                sync: sync.name().to_owned(),
                drift_since: cluster.drift_since.get(name).copied(),
                state: status
                    .map(|status| status.worst().name())
                    .or(is_gone.then_some(DesiredState::Absent.name()))
                    .map(str::to_owned),
                tasks: status.map(task_forms).unwrap_or_default(),
                waiting: cluster.waiting.get(name).map(|waiting| waiting.class.to_string()),
                waiting_since: cluster.waiting.get(name).map(|waiting| waiting.since),
                failed: cluster.failed.get(name).map(ToString::to_string),
                stalled: pulse.is_some_and(|pulse| pulse.stalled_since().is_some()),
                stalled_since: pulse.and_then(|pulse| pulse.stalled_since()),
                offsets: pulse.map(|pulse| pulse.name().to_owned()),
                held: held.remove(name).unwrap_or_default(),
            }
        })
        .collect()
}

fn task_forms(status: &Status) -> Vec<TaskForm> {
    let Status { state: _, failure: _, tasks } = status;
    tasks
        .iter()
        .map(|Task { id, state, failure }| TaskForm {
            id: *id,
            state: state.name().to_owned(),
            trouble: failure.map(|trouble| trouble.name().to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::example;

    #[test]
    fn a_status_has_the_promised_shape() {
        insta::assert_snapshot!(status(&example::report(), "0.1.0"));
    }

    #[test]
    fn a_status_reads_back_and_a_newer_agents_fields_are_passed_over() {
        let told = status(&example::report(), "0.1.0");
        let newer = told.replacen("\"format\": 1,", "\"format\": 1, \"mood\": \"sunny\",", 1);
        assert_eq!(read(&newer).expect("readable"), StatusForm::new(&example::report(), "0.1.0"));
    }

    #[test]
    fn an_agent_that_follows_tells_no_drift() {
        let mut report = example::report();
        report.cluster.leader = Some(false);
        let form = StatusForm::new(&report, "0.1.0");
        assert_eq!((form.connectors, form.plan), (Vec::new(), None));
    }

    #[test]
    fn a_held_deletion_of_what_nobody_declares_needs_a_person_too() {
        let mut report = example::report();
        report.findings = Findings::default();
        report.cluster.failure = None;
        report.repositories.clear();
        report.cluster.failed.clear();
        report.cluster.drift_since.clear();
        report.cluster.pulses.clear();
        let is_well = |plan: Plan| {
            let mut report = report.clone();
            report.cluster.plan = Some(plan.into());
            StatusForm::new(&report, "0.1.0").is_well()
        };
        assert!(is_well(Plan { held: Vec::new(), ..example::plan() }));
        assert!(!is_well(Plan { sync: BTreeMap::new(), ..example::plan() }));
    }
}
