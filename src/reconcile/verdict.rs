//! What a turn means for the report.
//!
//! Takes the plan and the results of a turn and what earlier turns said; gives what drifts since
//! when, what has failed, and how the apply ended. It asks nobody and decides no step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::live::{Live, Status};
use crate::model::name::ConnectorName;
use crate::model::plan::{Plan, Sync};
use crate::model::report::{ApplyResult, Class, Outcome, StepResult, Waiting};

/// Since when each connector drifts: it was first seen so then.
pub fn drift_since(
    before: &BTreeMap<ConnectorName, Timestamp>,
    plan: &Plan,
    now: Timestamp,
) -> BTreeMap<ConnectorName, Timestamp> {
    // What cannot be read for a moment has not been put right.
    let still = |name: &ConnectorName, sync: &Sync| {
        sync.is_drift() || (*sync == Sync::Unknown && before.contains_key(name))
    };
    plan.sync
        .iter()
        .filter(|(name, sync)| still(name, sync))
        .map(|(name, _)| (name.clone(), before.get(name).copied().unwrap_or(now)))
        .collect()
}

/// Connectors whose last step failed: as before, but for those that were tried again or need
/// nothing any more. One that needs nothing because nothing can help it has still failed.
pub fn failed(
    before: &BTreeMap<ConnectorName, Class>,
    results: &[StepResult],
    plan: &Plan,
    live: &Live,
) -> BTreeMap<ConnectorName, Class> {
    let has_failed = |name: &ConnectorName| {
        let status = live.connectors.get(name).and_then(|one| one.status.as_ref());
        plan.sync.contains_key(name) && status.is_some_and(Status::has_failed)
    };
    let still =
        |name: &ConnectorName| plan.steps.iter().any(|action| action.connector == *name) || has_failed(name);
    let mut failed: BTreeMap<_, _> =
        before.iter().filter(|(name, _)| still(name)).map(|(name, class)| (name.clone(), *class)).collect();
    for result in results {
        match (result.outcome, result.class) {
            (Outcome::Failed, Some(class)) => {
                failed.insert(result.connector.clone(), class);
            }
            // What waits now has not failed now; one that waits for too long is told as failed by another rule.
            (Outcome::Converged | Outcome::Waiting, _) => {
                failed.remove(&result.connector);
            }
            (Outcome::Failed | Outcome::Pending | Outcome::NotTaken, _) => {}
        }
    }
    failed
}

/// Connectors that wait, and since when: as before where they wait for the same.
pub fn waiting(
    before: &BTreeMap<ConnectorName, Waiting>,
    now: impl IntoIterator<Item = (ConnectorName, Class)>,
    at: Timestamp,
) -> BTreeMap<ConnectorName, Waiting> {
    let since = |name: &ConnectorName, class| {
        before.get(name).filter(|waiting| waiting.class == class).map_or(at, |waiting| waiting.since)
    };
    let one = |(name, class)| {
        let since = since(&name, class);
        (name, Waiting { class, since })
    };
    now.into_iter().map(one).collect()
}

/// The connectors whose database has been awaited for as long as it may take.
pub fn overdue(
    waiting: &BTreeMap<ConnectorName, Waiting>,
    deadline: Duration,
    now: Timestamp,
) -> BTreeSet<ConnectorName> {
    let deadline = SignedDuration::try_from(deadline).unwrap_or(SignedDuration::MAX);
    let is_due =
        |waiting: &Waiting| waiting.class == Class::Waiting && now.duration_since(waiting.since) >= deadline;
    waiting.iter().filter(|(_, one)| is_due(one)).map(|(name, _)| name.clone()).collect()
}

/// How an apply ended, by what became of its steps and what is left.
pub fn judge(results: &[StepResult], plan: &Plan) -> ApplyResult {
    let well = |result: &StepResult| result.outcome == Outcome::Converged;
    if plan.steps.is_empty() && plan.is_sure() && results.iter().all(well) {
        ApplyResult::Success
    } else if results.iter().any(well) || plan.sync.values().any(|sync| *sync == Sync::Synced) {
        ApplyResult::Partial
    } else {
        ApplyResult::Failed
    }
}

/// Whether a step did not succeed for a reason that may be gone in a moment.
pub fn may_pass(result: &StepResult) -> bool {
    let Some(class) = result.class else { return false };
    match result.outcome {
        Outcome::Failed | Outcome::Pending => {
            // Of one that is not supported the next look asks what this Connect can do, and the next plan
            // has another way.
            class.is_silent()
                || matches!(
                    class,
                    Class::LeadInDoubt | Class::Rebalancing | Class::Exists | Class::Unsupported
                )
        }
        // What was not taken is decided anew by the next turn; only a worker that was silent, or could not say who leads,
        // may be back.
        Outcome::NotTaken => class.is_silent() || matches!(class, Class::LeadInDoubt | Class::Rebalancing),
        Outcome::Converged | Outcome::Waiting => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Config;
    use crate::model::live::{Kind, LiveConnector, RunState};
    use crate::model::name::EnvironmentName;
    use crate::model::plan::{Action, Mode, Reason, Step, StepKind, Target};
    use crate::model::revision::{At, RepositoryName, RepositoryRevision, Revision};

    fn orders() -> ConnectorName {
        ConnectorName::observed("orders")
    }

    fn plan_of(sync: Sync, step: Option<Step>) -> Plan {
        let at = At::Directory { path: "definitions".into(), digest: 0 };
        let main = RepositoryRevision { repository: RepositoryName::main(), at };
        let action = |step| Action { connector: orders(), step, reason: Reason::Differs };
        Plan {
            revision: Revision::of(vec![main]),
            environment: EnvironmentName::new("production").expect("a plain name"),
            mode: Mode::Enforce,
            steps: step.map(action).into_iter().collect(),
            held: Vec::new(),
            unverifiable: Vec::new(),
            unresolved: Vec::new(),
            unmanaged: Vec::new(),
            sync: BTreeMap::from([(orders(), sync)]),
            warnings: Vec::new(),
            risks: Vec::new(),
            unjudged: BTreeMap::new(),
            leaves: BTreeMap::new(),
            incomplete: Vec::new(),
        }
    }

    fn live(state: RunState) -> Live {
        let status = Some(Status { state, failure: None, tasks: Vec::new() });
        let one = LiveConnector { config: Some(Config::default()), kind: Kind::Source, status };
        Live { connectors: BTreeMap::from([(orders(), one)]), ..Live::default() }
    }

    fn result(outcome: Outcome, class: Option<Class>) -> StepResult {
        StepResult { connector: orders(), step: StepKind::Configure, outcome, class, took: Duration::ZERO }
    }

    #[test]
    fn drift_is_told_since_it_was_first_seen_and_not_knowing_does_not_end_it() {
        let (first, later) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).expect("a time"));
        let since = BTreeMap::from([(orders(), first)]);
        for sync in [Sync::ConfigDrift, Sync::StateDrift, Sync::Missing, Sync::Surplus, Sync::Unknown] {
            assert_eq!(drift_since(&since, &plan_of(sync, None), later), since, "{sync:?}");
        }
        assert_eq!(drift_since(&since, &plan_of(Sync::Synced, None), later), BTreeMap::new());
        assert_eq!(drift_since(&BTreeMap::new(), &plan_of(Sync::Unknown, None), later), BTreeMap::new());
        assert_eq!(
            drift_since(&BTreeMap::new(), &plan_of(Sync::Missing, None), later),
            BTreeMap::from([(orders(), later)])
        );
    }

    #[test]
    fn a_failure_is_told_until_it_is_tried_with_success_or_nothing_is_wrong_any_more() {
        let pause = || Some(Step::Pause { from: Target::Running });
        let before = BTreeMap::from([(orders(), Class::DataLost)]);
        let left = |results: &[StepResult], step, state| {
            failed(&before, results, &plan_of(Sync::Synced, step), &live(state)).len()
        };
        assert_eq!(left(&[], None, RunState::Running), 0, "somebody put it right");
        assert_eq!(left(&[], pause(), RunState::Running), 1, "it is tried again later");
        assert_eq!(left(&[], None, RunState::Failed), 1, "nothing can help it, and it has failed");
        assert_eq!(left(&[result(Outcome::Converged, None)], pause(), RunState::Running), 0);
        let waits = result(Outcome::Waiting, Some(Class::Waiting));
        assert_eq!(left(&[waits], pause(), RunState::Running), 0, "it is told as waiting, and not as both");
        let again = result(Outcome::Failed, Some(Class::Invalid));
        assert_eq!(
            failed(&before, &[again], &plan_of(Sync::Synced, None), &live(RunState::Running)),
            BTreeMap::from([(orders(), Class::Invalid)])
        );
    }

    #[test]
    fn an_apply_is_no_success_while_a_step_is_left_or_a_connector_cannot_be_read() {
        let pause = Some(Step::Pause { from: Target::Running });
        assert_eq!(judge(&[], &plan_of(Sync::Synced, None)), ApplyResult::Success);
        assert_eq!(judge(&[], &plan_of(Sync::Unknown, None)), ApplyResult::Failed);
        assert_eq!(judge(&[], &plan_of(Sync::Synced, pause.clone())), ApplyResult::Partial);
        let refused = result(Outcome::Failed, Some(Class::Invalid));
        assert_eq!(judge(&[refused], &plan_of(Sync::StateDrift, pause)), ApplyResult::Failed);
    }
}
