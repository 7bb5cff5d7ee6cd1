//! A word that stops all writing, who says it, and when it ends.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::desired::{DesiredState, Suspend};
use crate::model::live::{Live, RunState};
use crate::model::plan::{Hold, StepKind, Sync};
use crate::model::report::SuspendedBy;
use crate::pipeline::plan::tests::{NOW, desired, live, name, policy, running, wanted};
use crate::pipeline::plan::{next_lift, plan, suspended_by};

#[test]
fn a_suspended_environment_holds_every_step_until_its_end() {
    let mut want = desired([(name("orders"), wanted(DesiredState::Running, &[]))]);
    let until: Timestamp = "2026-12-01T00:00:00Z".parse().expect("a time");
    want.suspend = Some(Suspend { reason: "migration, OPS-77".into(), until: Some(until) });
    let during = plan(&want, &Live::default(), &policy(), NOW);
    assert_eq!((during.steps.len(), during.held.len()), (0, 1));
    assert_eq!(
        during.held[0].detail,
        "the environment says suspend, until 2026-12-01T00:00:00Z: migration, OPS-77"
    );
    let after = plan(&want, &Live::default(), &policy(), until);
    assert_eq!((after.steps.len(), after.held.len()), (1, 0));
}

#[test]
fn settings_and_a_definition_can_suspend_too_and_are_named() {
    let suspend = Some(Suspend { reason: "later".into(), until: None });
    let by = |settings: &Option<Suspend>, definition: &Option<Suspend>| {
        let mut said = policy();
        said.suspend.clone_from(settings);
        let mut one = wanted(DesiredState::Running, &[]);
        one.suspend.clone_from(definition);
        let want = desired([(name("orders"), one), (name("others"), wanted(DesiredState::Running, &[]))]);
        let plan = plan(&want, &Live::default(), &said, NOW);
        (plan.steps.len(), plan.held.len(), suspended_by(&want, &said, NOW))
    };
    assert_eq!(by(&suspend, &None), (0, 2, BTreeSet::from([SuspendedBy::Settings])));
    assert_eq!(by(&None, &suspend), (1, 1, BTreeSet::from([SuspendedBy::Definition])));
}

#[test]
fn the_first_suspension_that_ends_by_itself_is_the_next_to_lift() {
    let ends = |at: &str| Some(Suspend { reason: "x".into(), until: at.parse().ok() });
    let at = |text: &str| text.parse::<Timestamp>().ok();
    let (first, second) = ("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z");
    let mut said = policy();
    let mut one = wanted(DesiredState::Running, &[]);
    one.suspend = ends(first);
    let mut want = desired([(name("orders"), one)]);
    want.suspend = ends(second);
    said.suspend = Some(Suspend { reason: "for good".into(), until: None });
    assert_eq!(next_lift(&want, &said, NOW), at(first));
    assert_eq!(next_lift(&want, &said, at(first).expect("a time")), at(second), "what is over lifts nothing");
    assert_eq!(next_lift(&want, &said, at(second).expect("a time")), None);
    said.select.exclude = vec!["orders".to_owned()];
    assert_eq!(next_lift(&want, &said, NOW), at(second), "another scope's is not ours");
}

#[test]
fn what_is_suspended_is_neither_restarted_nor_deleted_and_drifts_all_the_same() {
    let suspended = || Some(Suspend { reason: "x".into(), until: None });
    let mut want = desired([
        (name("gone"), wanted(DesiredState::Absent, &[])),
        (name("ill"), wanted(DesiredState::Running, &[])),
        (name("paused"), wanted(DesiredState::Paused, &[("a", "1")])),
    ]);
    want.suspend = suspended();
    let is = live([
        (name("gone"), running(RunState::Running, &[RunState::Running], &[])),
        (name("ill"), running(RunState::Running, &[RunState::Failed], &[])),
        (name("paused"), running(RunState::Running, &[RunState::Running], &[("a", "2")])),
    ]);
    let plan = plan(&want, &is, &policy(), NOW);
    let held: Vec<_> = plan
        .held
        .iter()
        .map(|held| (held.action.connector.as_str(), held.action.step.kind(), held.hold))
        .collect();
    let by = Hold::Suspended;
    let wanted = [
        ("paused", StepKind::Pause, by),
        ("gone", StepKind::Delete, by),
        ("paused", StepKind::Configure, by),
        ("ill", StepKind::Restart, by),
    ];
    assert_eq!((plan.steps.len(), held), (0, wanted.to_vec()));
    let sync: Vec<_> = plan.sync.values().copied().collect();
    assert_eq!(sync, [Sync::Surplus, Sync::Synced, Sync::ConfigDrift]);
}
