//! When a step is due again, case by case.

use jiff::SignedDuration;

use super::*;
use crate::model::config::Config;
use crate::model::live::{Kind, LiveConnector, Status};
use crate::model::name::EnvironmentName;
use crate::model::plan::{Failed, Initial, Mode, Reason, Target};
use crate::model::revision::{At, RepositoryName, RepositoryRevision};

const LIMITS: RestartLimits = RestartLimits { per_connector: None, at_once: 5 };

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(minutes * 60).expect("a time")
}

fn revision(digest: u64) -> Revision {
    let at = At::Directory { path: "definitions".into(), digest };
    Revision::of(vec![RepositoryRevision { repository: RepositoryName::main(), at }])
}

fn action(name: &str, step: Step) -> Action {
    Action { connector: ConnectorName::observed(name), step, reason: Reason::Missing }
}

fn create(name: &str) -> Action {
    action(name, Step::Create { config: Config::default(), initial: Initial::At(Target::Running) })
}

fn plan(steps: Vec<Action>, digest: u64) -> Plan {
    Plan {
        revision: revision(digest),
        environment: EnvironmentName::new("production").expect("a plain name"),
        mode: Mode::Enforce,
        steps,
        held: Vec::new(),
        unverifiable: Vec::new(),
        unresolved: Vec::new(),
        unmanaged: Vec::new(),
        sync: BTreeMap::new(),
        warnings: Vec::new(),
        risks: Vec::new(),
        unjudged: BTreeMap::new(),
        leaves: BTreeMap::new(),
        incomplete: Vec::new(),
    }
}

#[test]
fn a_refused_config_rests_longer_each_time_and_a_new_revision_ends_the_rest() {
    let mut history = History::default();
    let refused = create("orders");
    let is_due = |history: &History, digest, minutes| {
        !history.due(&plan(vec![create("orders")], digest), LIMITS, at(minutes)).now.is_empty()
    };
    let mut now = 0;
    for rest in [2, 6, 12, 20, 30, 42, 56, 60, 60] {
        history.note(&refused, Outcome::Failed, Some(Class::Invalid), &revision(1), at(now));
        assert!(!is_due(&history, 1, now + rest - 1), "{rest}");
        assert!(is_due(&history, 1, now + rest), "{rest}");
        assert!(is_due(&history, 2, now), "a new revision is tried at once");
        now += rest;
    }
}

#[test]
fn a_database_that_is_not_there_is_asked_again_after_seconds() {
    let mut history = History::default();
    let mut now = at(0);
    for rest in [5, 10, 20, 30, 30] {
        history.note(&create("orders"), Outcome::Waiting, Some(Class::Waiting), &revision(1), now);
        let due = history.next_due(now).expect("a time to try again");
        assert_eq!(due.duration_since(now).as_secs(), rest);
        let later = history.due(&plan(vec![create("orders")], 1), LIMITS, now).later;
        assert_eq!(later, [(create("orders"), Class::Waiting)]);
        now = due;
    }
}

#[test]
fn a_step_that_comes_due_while_a_turn_is_under_way_is_not_left_to_the_next_interval() {
    let mut history = History::default();
    let wanted = plan(vec![create("orders"), create("slow")], 1);
    let seconds = |seconds| at(0) + SignedDuration::from_secs(seconds);
    history.consider(&wanted, seconds(0));
    history.note(&create("orders"), Outcome::Waiting, Some(Class::Waiting), &revision(1), seconds(0));
    history.consider(&wanted, seconds(1));
    assert_eq!(history.next_due(seconds(90)), Some(seconds(5)), "the other one took long");
    // Asked for in this turn, and not taken: it is no reason to turn again at once.
    history.consider(&wanted, seconds(90));
    assert_eq!(history.next_due(seconds(91)), None);
}

#[test]
fn a_grace_that_ends_while_a_turn_is_under_way_is_not_left_to_the_next_interval() {
    let mut history = History::with_grace(Duration::from_mins(10));
    history.consider(&deletion(false), at(0));
    assert_eq!(history.next_due(at(11)), Some(at(10)));
    history.consider(&deletion(false), at(11));
    assert_eq!(history.next_due(at(12)), None);
}

#[test]
fn success_forgets_the_refusal() {
    let mut history = History::default();
    history.note(&create("orders"), Outcome::Failed, Some(Class::Invalid), &revision(1), at(0));
    history.note(&create("orders"), Outcome::Converged, None, &revision(1), at(1));
    assert_eq!(history.next_due(at(1)), None);
}

#[test]
fn success_of_another_step_forgets_no_refusal() {
    let mut history = History::default();
    history.note(&create("orders"), Outcome::Failed, Some(Class::Invalid), &revision(1), at(0));
    let pause = action("orders", Step::Pause { from: Target::Running });
    history.note(&pause, Outcome::Converged, None, &revision(1), at(1));
    assert_eq!(history.next_due(at(1)), Some(at(2)));
}

#[test]
fn what_the_world_broke_is_tried_at_the_next_cycle() {
    let mut history = History::default();
    for class in [Class::Unreachable, Class::TimedOut, Class::Rebalancing, Class::NotLeader] {
        history.note(&create("orders"), Outcome::Failed, Some(class), &revision(1), at(0));
        assert_eq!(history.next_due(at(0)), None, "{class}");
    }
}

#[test]
fn restarts_grow_rarer_and_stability_resets_them() {
    let mut history = History::default();
    let restart = action("orders", Step::Restart { failed: Failed::InOneCall });
    let due = |history: &History, minutes| {
        history.due(&plan(vec![restart.clone()], 1), LIMITS, at(minutes)).now.len()
    };
    assert_eq!(due(&history, 0), 1, "the first one is immediate");
    history.note(&restart, Outcome::Failed, Some(Class::Failed), &revision(1), at(0));
    assert_eq!((due(&history, 1), due(&history, 2)), (0, 1));
    history.note(&restart, Outcome::Converged, None, &revision(1), at(2));
    assert_eq!((due(&history, 7), due(&history, 8)), (0, 1), "a short success is no stability");

    let live = |state| {
        let status = Status { state, failure: None, tasks: Vec::new() };
        let one = LiveConnector { config: None, kind: Kind::Source, status: Some(status) };
        Live { connectors: BTreeMap::from([(ConnectorName::observed("orders"), one)]), ..Live::default() }
    };
    history.observe(&live(RunState::Running), at(3));
    history.observe(&live(RunState::Running), at(8));
    assert_eq!(due(&history, 4), 0);
    history.observe(&live(RunState::Running), at(9));
    assert_eq!(due(&history, 4), 1, "well for six minutes: from the beginning");
}

#[test]
fn restarts_are_bounded_per_connector_and_per_cycle() {
    let mut history = History::default();
    let limits = RestartLimits { per_connector: Some(1), at_once: 2 };
    let all = plan(
        ["a", "b", "c", "d"].map(|name| action(name, Step::Restart { failed: Failed::InOneCall })).into(),
        1,
    );
    assert_eq!(history.due(&all, limits, at(0)).now.len(), 2);
    history.note(
        &action("a", Step::Restart { failed: Failed::InOneCall }),
        Outcome::Failed,
        Some(Class::Failed),
        &revision(1),
        at(0),
    );
    let due = history.due(&all, limits, at(60 * 24));
    assert!(!due.now.iter().any(|action| action.connector.as_str() == "a"));
    assert_eq!(due.now.len(), 2);
}

#[test]
fn a_restart_in_several_requests_counts_once_and_keeps_the_pace_while_other_tasks_fail() {
    let restart = |tasks: &[u32]| {
        action("orders", Step::Restart { failed: Failed::OneByOne { itself: false, tasks: tasks.into() } })
    };
    let mut history = History::default();
    let due = |history: &History, tasks: &[u32], minutes| {
        history.due(&plan(vec![restart(tasks)], 1), LIMITS, at(minutes)).now.len()
    };
    history.note(&restart(&[0, 1, 2]), Outcome::Failed, Some(Class::Failed), &revision(1), at(0));
    assert_eq!((due(&history, &[0, 1, 2], 1), due(&history, &[0, 1, 2], 2)), (0, 1), "the first rest");
    assert_eq!((due(&history, &[1], 1), due(&history, &[1], 2)), (0, 1), "one less has failed");
}

#[test]
fn a_restart_that_this_connect_does_not_know_counts_for_nothing_and_the_other_way_is_due_at_once() {
    let in_one_call = action("orders", Step::Restart { failed: Failed::InOneCall });
    let one_by_one =
        action("orders", Step::Restart { failed: Failed::OneByOne { itself: false, tasks: vec![0] } });
    let mut history = History::default();
    history.note(&in_one_call, Outcome::Failed, Some(Class::Unsupported), &revision(1), at(0));
    let due = |history: &History, action: &Action, minutes| {
        history.due(&plan(vec![action.clone()], 1), LIMITS, at(minutes)).now.len()
    };
    assert_eq!(due(&history, &one_by_one, 0), 1);
    assert_eq!((due(&history, &in_one_call, 1), due(&history, &in_one_call, 2)), (0, 1), "never in a hurry");
    history.note(&one_by_one, Outcome::Failed, Some(Class::Failed), &revision(1), at(0));
    assert_eq!((due(&history, &one_by_one, 1), due(&history, &one_by_one, 2)), (0, 1), "it is the first one");
}

fn live(state: Option<RunState>) -> Live {
    let status = state.map(|state| Status { state, failure: None, tasks: Vec::new() });
    let one = LiveConnector { config: None, kind: Kind::Source, status };
    Live { connectors: BTreeMap::from([(ConnectorName::observed("orders"), one)]), ..Live::default() }
}

#[test]
fn what_stands_behind_a_step_that_is_not_due_waits_with_it() {
    let configure = action("orders", Step::Configure { config: Config::default(), changes: Vec::new() });
    let resume = action("orders", Step::Resume { from: Target::Paused });
    let other = action("others", Step::Resume { from: Target::Paused });
    let both = plan(vec![configure.clone(), resume.clone(), other.clone()], 1);
    let mut history = History::default();
    history.note(&configure, Outcome::Failed, Some(Class::Invalid), &revision(1), at(0));
    let due = history.due(&both, LIMITS, at(1));
    assert_eq!(due.now, [other]);
    assert_eq!(due.later, [(configure, Class::NotDue), (resume, Class::NotDue)]);
}

#[test]
fn a_task_that_waits_for_its_database_is_restarted_after_seconds() {
    let restart = action("orders", Step::Restart { failed: Failed::InOneCall });
    let wanted = plan(vec![restart.clone()], 1);
    let mut history = History::default();
    let mut now = at(0);
    for (first, rest) in [(create("orders"), 5), (restart.clone(), 10), (restart.clone(), 20)] {
        history.note(&first, Outcome::Waiting, Some(Class::Waiting), &revision(1), now);
        assert_eq!(history.due(&wanted, LIMITS, now).later, [(restart.clone(), Class::Waiting)]);
        assert_eq!(history.put_off(&wanted).count(), 1);
        now = history.next_due(now).expect("a time to try again");
        assert_eq!(now, at(0) + SignedDuration::from_secs(if rest == 5 { 5 } else { rest * 2 - 5 }));
        assert_eq!(history.due(&wanted, LIMITS, now).now.len(), 1);
    }
    history.observe(&live(Some(RunState::Running)), now);
    assert_eq!(history.put_off(&plan(Vec::new(), 1)).count(), 0);
    assert_eq!(history.next_due(at(0)), Some(at(0) + SignedDuration::from_secs(5)), "of the creation alone");
}

#[test]
fn restarts_are_remembered_while_nobody_knows_how_a_connector_is() {
    let restart = action("orders", Step::Restart { failed: Failed::InOneCall });
    for state in [None, Some(RunState::Unassigned), Some(RunState::Restarting), Some(RunState::Unknown)] {
        let mut history = History::default();
        history.note(&restart, Outcome::Failed, Some(Class::Failed), &revision(1), at(0));
        history.observe(&live(state), at(0));
        history.observe(&live(state), at(60));
        history.note(&restart, Outcome::Failed, Some(Class::Failed), &revision(1), at(60));
        let due = |minutes| history.due(&plan(vec![restart.clone()], 1), LIMITS, at(minutes)).now.len();
        assert_eq!((due(65), due(66)), (0, 1), "{state:?}: the second rest");
    }
}

#[test]
fn a_step_that_does_not_show_is_not_asked_for_again_at_once() {
    let stop = action("orders", Step::Stop { from: Target::Running });
    let mut history = History::default();
    history.note(&stop, Outcome::Pending, Some(Class::TimedOut), &revision(1), at(0));
    let due = |minutes| history.due(&plan(vec![stop.clone()], 1), LIMITS, at(minutes)).now.len();
    assert_eq!((due(1), due(2)), (0, 1));
}

#[test]
fn what_is_gone_is_forgotten_and_a_refused_creation_is_not() {
    let mut history = History::default();
    let pause = action("orders", Step::Pause { from: Target::Running });
    history.note(&pause, Outcome::Failed, Some(Class::Internal), &revision(1), at(0));
    history.note(&create("others"), Outcome::Failed, Some(Class::Invalid), &revision(1), at(1));
    history.observe(&live(Some(RunState::Running)), at(0));
    assert_eq!(history.next_due(at(0)), Some(at(2)));
    history.observe(&Live::default(), at(0));
    assert_eq!(history.next_due(at(0)), Some(at(3)), "that of the creation");
}

#[test]
fn what_an_earlier_plan_wanted_is_not_put_off_any_more() {
    let mut history = History::default();
    history.note(&create("orders"), Outcome::Waiting, Some(Class::Waiting), &revision(1), at(0));
    assert_eq!(history.put_off(&plan(vec![create("orders")], 1)).count(), 1);
    assert_eq!(history.put_off(&plan(vec![create("orders")], 2)).count(), 0);
    assert_eq!(history.put_off(&plan(Vec::new(), 1)).count(), 0);
}

fn deleting(name: &str, step: Step) -> Action {
    Action { connector: ConnectorName::observed(name), step, reason: Reason::Absent }
}

/// The plan that deletes `orders`, while it runs and once it is at rest.
fn deletion(runs: bool) -> Plan {
    let stop = runs.then(|| deleting("orders", Step::Stop { from: Target::Running }));
    plan(stop.into_iter().chain([deleting("orders", Step::Delete)]).collect(), 1)
}

/// What is due of it, in words.
fn due_of(history: &mut History, plan: &Plan, minutes: i64) -> Vec<&'static str> {
    history.consider(plan, at(minutes));
    history.due(plan, LIMITS, at(minutes)).now.iter().map(|action| action.step.kind().name()).collect()
}

fn stop() -> Action {
    deleting("orders", Step::Stop { from: Target::Running })
}

#[test]
fn without_a_grace_a_deletion_follows_its_stop_in_the_same_turn() {
    let mut history = History::default();
    assert_eq!(due_of(&mut history, &deletion(true), 0), ["stop", "delete"]);
    assert_eq!(due_of(&mut history, &deletion(false), 0), ["delete"], "somebody had stopped it");
}

#[test]
fn a_deletion_is_due_when_the_connector_has_been_at_rest_for_the_grace() {
    let mut history = History::with_grace(Duration::from_mins(10));
    assert_eq!(due_of(&mut history, &deletion(true), 0), ["stop"]);
    history.note(&stop(), Outcome::Converged, None, &revision(1), at(1));
    assert_eq!(history.next_due(at(1)), Some(at(11)));
    assert_eq!(due_of(&mut history, &deletion(false), 10), [""; 0]);
    assert_eq!(history.due(&deletion(false), LIMITS, at(10)).later[0].1, Class::NotDue);
    assert_eq!(due_of(&mut history, &deletion(false), 11), ["delete"]);
    assert_eq!(history.next_due(at(11)), None);
}

#[test]
fn a_lost_memory_and_a_plan_without_the_deletion_begin_the_grace_anew() {
    let mut history = History::with_grace(Duration::from_mins(10));
    assert_eq!(due_of(&mut history, &deletion(false), 5), [""; 0], "it was at rest before, for any reason");
    assert_eq!(due_of(&mut history, &plan(Vec::new(), 1), 14), [""; 0]);
    assert_eq!(due_of(&mut history, &deletion(false), 16), [""; 0]);
    assert_eq!(due_of(&mut history, &deletion(false), 26), ["delete"]);
}

#[test]
fn one_that_somebody_resumes_is_stopped_again_and_its_grace_begins_anew() {
    let mut history = History::with_grace(Duration::from_mins(10));
    history.note(&stop(), Outcome::Converged, None, &revision(1), at(0));
    assert_eq!(due_of(&mut history, &deletion(true), 12), ["stop"], "the first grace would be over");
    history.note(&stop(), Outcome::Converged, None, &revision(1), at(12));
    assert_eq!(due_of(&mut history, &deletion(false), 21), [""; 0]);
    assert_eq!(due_of(&mut history, &deletion(false), 22), ["delete"]);
}

#[test]
fn one_that_does_not_stop_when_asked_twice_is_deleted_all_the_same_when_the_grace_is_over() {
    let stop_in_vain = |history: &mut History, outcome, class, minutes| {
        history.note(&stop(), outcome, Some(class), &revision(1), at(minutes));
    };
    for (grace, outcome, class) in [
        (10, Outcome::Pending, Class::TimedOut),
        (10, Outcome::Failed, Class::Internal),
        (0, Outcome::Pending, Class::TimedOut),
    ] {
        let mut history = History::with_grace(Duration::from_mins(grace));
        stop_in_vain(&mut history, outcome, class, 0);
        let again = due_of(&mut history, &deletion(true), 1);
        assert_eq!(again.first(), Some(&"stop"), "somebody may have resumed it");
        assert_eq!(again.len(), if grace == 0 { 2 } else { 1 });
        stop_in_vain(&mut history, outcome, class, 3);
        let end = 3 + i64::try_from(grace).expect("a few minutes");
        if grace > 0 {
            assert_eq!(due_of(&mut history, &deletion(true), end - 1), [""; 0], "nor is it asked again");
        }
        assert_eq!(due_of(&mut history, &deletion(true), end), ["delete"], "{class}");
    }
    // It stops late: from then on it rests.
    let mut history = History::with_grace(Duration::from_mins(10));
    stop_in_vain(&mut history, Outcome::Pending, Class::TimedOut, 0);
    stop_in_vain(&mut history, Outcome::Pending, Class::TimedOut, 1);
    assert_eq!(due_of(&mut history, &deletion(false), 8), [""; 0]);
    assert_eq!(due_of(&mut history, &deletion(false), 17), [""; 0]);
    assert_eq!(due_of(&mut history, &deletion(false), 18), ["delete"]);
}

#[test]
fn a_stop_that_was_not_carried_out_is_asked_for_again() {
    for class in [Class::NotLeader, Class::Rebalancing, Class::Unreachable, Class::Unsupported] {
        let mut history = History::with_grace(Duration::from_mins(10));
        for minutes in 0..3 {
            history.note(&stop(), Outcome::Failed, Some(class), &revision(1), at(minutes));
        }
        assert_eq!(due_of(&mut history, &deletion(true), 60), ["stop"], "{class}");
    }
}

#[test]
fn a_stop_that_is_declared_has_nothing_to_do_with_the_grace() {
    let mut history = History::with_grace(Duration::from_mins(10));
    let declared = Action { reason: Reason::WrongState, ..stop() };
    history.note(&declared, Outcome::Pending, Some(Class::TimedOut), &revision(1), at(0));
    let wanted = plan(vec![declared], 1);
    assert_eq!(due_of(&mut history, &wanted, 1), [""; 0]);
    assert_eq!(due_of(&mut history, &wanted, 2), ["stop"], "at its own pace");
}
