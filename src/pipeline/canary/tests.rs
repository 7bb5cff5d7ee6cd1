//! Who goes first, and who waits for whom, case by case.

use super::*;
use crate::model::desired::DesiredState;
use crate::model::live::{LiveConnector, RunState, Trouble};
use crate::model::plan::{Held, Hold, Reason, Step, Sync, Target};
use crate::model::pulse::Pulse;
use crate::model::report::{Class, Outcome};
use crate::model::rollout::Why;
use crate::pipeline::canary::story::{
    AWAY, BROKEN, PENDING, REFUSED, Story, at, configure, ends, name, runs,
};

#[test]
fn one_goes_first_and_the_rest_follows_in_the_same_turn_where_it_is_well() {
    let mut story = Story::of(&["a", "b", "c"]);
    assert_eq!(story.turn(1, &[]), ["a", "b", "c"]);
    assert_eq!(story.why(), None);
}

#[test]
fn a_canary_that_fails_stops_the_rest_in_this_turn_and_in_the_next_ones() {
    let mut story = Story::of(&["a", "b", "c"]);
    assert_eq!(story.turn(1, &[ends("a", BROKEN)]), ["a"]);
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Failed, 2)));
    assert_eq!(story.turn(2, &[]), [""; 0]);
    story.is("a", RunState::Running);
    assert_eq!(story.turn(3, &[]), [""; 0], "what is about to fail runs for a moment");
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Unproven, 2)));
    assert_eq!(story.turn(7, &[]), [""; 0]);
    assert_eq!(story.turn(8, &[]), ["b", "c"], "it was mended");
}

#[test]
fn a_failed_canary_stops_the_last_one_too_where_the_rollout_is_remembered() {
    let mut story = Story::of(&["a", "b"]);
    assert_eq!(story.turn(1, &[ends("a", BROKEN)]), ["a"]);
    assert_eq!(story.turn(2, &[]), [""; 0]);
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Failed, 1)));
}

#[test]
fn a_refused_canary_stops_the_rest_and_goes_first_again() {
    let mut story = Story::of(&["a", "b", "c"]);
    for turn in 1..3 {
        assert_eq!(story.turn(turn, &[ends("a", REFUSED)]), ["a"]);
        assert_eq!(story.why(), Some(("a".to_owned(), Why::Refused("invalid"), 2)));
    }
    assert_eq!(story.turn(3, &[]), ["a", "b", "c"]);
}

#[test]
fn while_a_refused_canary_is_not_due_nobody_goes() {
    let mut story = Story::of(&["a", "b", "c"]);
    story.turn(1, &[ends("a", REFUSED)]);
    let due = vec![configure("b"), configure("c")];
    let ordered = story.order(due, 2);
    assert!(!ordered.iter().any(|action| story.rollouts.may(action)));
}

#[test]
fn a_canary_whose_database_is_away_cedes_to_the_next_one() {
    let mut story = Story::of(&["a", "b", "c"]);
    assert_eq!(story.turn(1, &[ends("a", AWAY), ends("b", BROKEN)]), ["a", "b"]);
    assert_eq!(story.why(), Some(("b".to_owned(), Why::Failed, 2)));

    let mut all_away = Story::of(&["a", "b"]);
    assert_eq!(all_away.turn(1, &[ends("a", AWAY), ends("b", AWAY)]), ["a", "b"]);
    assert_eq!(all_away.why(), None);
}

#[test]
fn one_that_does_not_run_well_proves_nothing_and_does_not_go_first() {
    for state in [RunState::Failed, RunState::Paused, RunState::Unassigned] {
        let mut story = Story::of(&["a", "b", "c"]);
        story.is("a", state);
        assert_eq!(story.turn(1, &[ends("b", BROKEN)]), ["b"], "{state:?}");
    }
    let mut story = Story::of(&["a", "b"]);
    story.is("a", RunState::Failed);
    story.is("b", RunState::Failed);
    assert_eq!(story.turn(1, &[ends("a", BROKEN)]), ["a"], "none runs well: the first by name");
}

#[test]
fn a_new_revision_begins_anew() {
    let mut story = Story::of(&["a", "b", "c"]);
    story.turn(1, &[ends("a", BROKEN)]);
    story.releases(2, "3", &["a", "b", "c"]);
    assert_eq!(story.turn(2, &[]), ["b", "c", "a"], "who failed with the last one goes first no more");
}

#[test]
fn without_memory_one_that_has_the_new_config_and_failed_holds_the_others_back() {
    let mut story = Story::of(&["a", "b", "c"]);
    story.turn(1, &[ends("a", BROKEN)]);
    story.forget();
    assert_eq!(story.turn(2, &[]), [""; 0]);
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Failed, 2)));

    let mut out = Story::of(&["a", "b", "c"]);
    out.turn(1, &[ends("a", BROKEN)]);
    out.forget();
    out.declares("a").state = DesiredState::Paused;
    assert_eq!(out.turn(2, &[]), ["b", "c"], "somebody said that it need not run");

    let mut alone = Story::of(&["a", "b"]);
    alone.turn(1, &[ends("a", BROKEN)]);
    alone.forget();
    assert_eq!(alone.turn(2, &[]), ["b"], "the change of one connector is no rollout");
}

#[test]
fn without_memory_one_that_stands_still_or_was_not_seen_to_move_holds_the_others_back() {
    for (pulse, why) in [(Pulse::Stalled(at(1)), Why::Stalled), (Pulse::Awaited(at(1)), Why::Awaited)] {
        let mut story = Story::of(&["a", "b", "c"]);
        story.has_new_config("a");
        story.forget();
        story.pulses.insert(name("a"), pulse);
        assert_eq!(story.turn(2, &[]), [""; 0], "{pulse:?}");
        assert_eq!(story.why(), Some(("a".to_owned(), why, 2)));
        story.pulses.insert(name("a"), Pulse::Moves(at(3)));
        assert_eq!((story.turn(4, &[]).len(), story.turn(9, &[]).len()), (0, 2));
    }
}

#[test]
fn a_canary_that_is_watched_is_well_when_its_offsets_have_moved_since_its_change() {
    let mut story = Story::of(&["a", "b", "c"]);
    story.pulses.insert(name("a"), Pulse::Moves(at(5)));
    assert_eq!(story.turn(10, &[]), ["a"]);
    for (now, pulse) in [(11, Pulse::Moves(at(5))), (17, Pulse::Moves(at(5))), (18, Pulse::Awaited(at(10)))] {
        story.pulses.insert(name("a"), pulse);
        assert_eq!(story.turn(now, &[]), [""; 0], "{pulse:?}");
        assert_eq!(story.why(), Some(("a".to_owned(), Why::Awaited, 2)));
    }
    story.pulses.insert(name("a"), Pulse::Stalled(at(10)));
    assert_eq!(story.turn(19, &[]), [""; 0]);
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Stalled, 2)));
    story.pulses.insert(name("a"), Pulse::Moves(at(20)));
    assert_eq!((story.turn(21, &[]).len(), story.turn(26, &[]).len()), (0, 2));
}

#[test]
fn once_the_canary_was_well_the_others_are_not_waited_for_but_one_that_fails_stops_them() {
    let mut story = Story::of(&["a", "b", "c", "d"]);
    assert_eq!(story.turn(1, &[ends("b", BROKEN)]), ["a", "b"]);
    assert_eq!(story.why(), Some(("b".to_owned(), Why::Failed, 2)));
    story.is("b", RunState::Running);
    story.pulses.insert(name("b"), Pulse::Awaited(at(1)));
    assert_eq!((story.turn(2, &[]).len(), story.turn(7, &[]).len()), (0, 2));
}

#[test]
fn a_refusal_of_another_one_than_the_canary_stops_nobody() {
    let mut story = Story::of(&["a", "b", "c"]);
    assert_eq!(story.turn(1, &[ends("b", REFUSED)]), ["a", "b", "c"]);
}

#[test]
fn a_canary_that_is_not_assigned_yet_is_waited_for() {
    let mut story = Story::of(&["a", "b", "c"]);
    assert_eq!(story.turn(1, &[ends("a", PENDING)]), ["a"]);
    story.is("a", RunState::Unassigned);
    assert_eq!(story.turn(2, &[]), [""; 0]);
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Unassigned, 2)));
    story.is("a", RunState::Running);
    assert_eq!((story.turn(3, &[]).len(), story.turn(8, &[]).len()), (0, 2));
}

#[test]
fn who_takes_a_rollout_up_looks_twice_whether_those_with_the_new_config_are_well() {
    let mut story = Story::of(&["a", "b", "c"]);
    story.has_new_config("a");
    assert_eq!(story.turn(1, &[]), ["b", "c"], "this agent saw that nothing was to be changed before");

    let mut taken_up = Story::of(&["a", "b", "c"]);
    taken_up.has_new_config("a");
    taken_up.rollouts.taken_up();
    assert_eq!(taken_up.turn(1, &[]), [""; 0], "it may have been changed a moment ago");
    assert_eq!(taken_up.why(), Some(("a".to_owned(), Why::Unproven, 2)));
    taken_up.is("a", RunState::Failed);
    assert_eq!(taken_up.turn(7, &[]), [""; 0]);
    assert_eq!(taken_up.why(), Some(("a".to_owned(), Why::Failed, 2)));
}

#[test]
fn one_that_no_worker_has_yet_holds_the_others_back_where_nothing_is_remembered() {
    for state in [RunState::Unassigned, RunState::Restarting] {
        let mut story = Story::of(&["a", "b", "c"]);
        story.has_new_config("a");
        story.is("a", state);
        story.forget();
        assert_eq!((story.turn(1, &[]).len(), story.turn(9, &[]).len()), (0, 0), "{state:?}");
    }
}

#[test]
fn a_canary_whose_tasks_fail_for_want_of_their_database_is_waited_for() {
    let away = (Outcome::Waiting, Some(Class::Waiting), Taken::Yes);
    let mut story = Story::of(&["a", "b", "c"]);
    assert_eq!(story.turn(1, &[ends("a", away)]), ["a"]);
    story.is("a", RunState::Failed);
    let one = story.live.connectors.get_mut(&name("a")).expect("it is there");
    one.status.as_mut().expect("a status").tasks[0].failure = Some(Trouble::Away);
    assert_eq!(story.turn(2, &[]), [""; 0]);
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Away, 2)));
}

#[test]
fn a_failure_of_the_world_sends_nobody_else_and_the_same_one_first_again() {
    let broke = (Outcome::Failed, Some(Class::Rebalancing), Taken::No);
    let mut story = Story::of(&["a", "b"]);
    assert_eq!(story.turn(1, &[ends("a", broke)]), ["a"]);
    assert_eq!(story.turn(2, &[]), ["a", "b"]);
}

#[test]
fn templates_are_apart_and_those_without_one_are_each_for_themselves() {
    let mut story = Story::of(&["a", "b", "c", "d", "e"]);
    let of = |story: &mut Story, one: &str, template: Option<&str>| {
        story.declares(one).template = template.map(Arc::from);
    };
    of(&mut story, "c", None);
    of(&mut story, "d", None);
    of(&mut story, "e", Some("platform/t"));
    let all = [ends("a", BROKEN), ends("c", BROKEN), ends("d", BROKEN)];
    assert_eq!(story.turn(1, &all), ["a", "c", "d", "e"]);
}

#[test]
fn a_paused_canary_has_nothing_to_prove() {
    let paused = || {
        let mut story = Story::of(&["a", "b"]);
        for one in ["a", "b"] {
            story.is(one, RunState::Paused);
            story.declares(one).state = DesiredState::Paused;
        }
        story
    };
    assert_eq!(paused().turn(1, &[]), ["a", "b"]);
    let mut unseen = paused();
    assert_eq!(unseen.turn(1, &[ends("a", PENDING)]), ["a"]);
    assert_eq!((unseen.turn(2, &[]).len(), unseen.turn(7, &[]).len()), (0, 1), "but a moment is left to it");
}

/// What waits for `a` is suspended from now on, or nobody can tell whether there is anything; gives the changes.
fn put_off(story: &mut Story, is_suspended: bool) -> Vec<Action> {
    let waiting = std::mem::take(&mut story.plan.steps);
    let held = |action: &Action| Held {
        action: action.clone(),
        hold: Hold::Suspended,
        detail: "a freeze".to_owned(),
        release: None,
    };
    if is_suspended {
        story.plan.held = waiting.iter().map(held).collect();
    } else {
        story.plan.sync.extend(["b", "c"].map(|one| (name(one), Sync::Unknown)));
    }
    waiting
}

#[test]
fn without_memory_one_that_failed_holds_back_those_too_that_were_suspended_or_not_to_be_told_at_first() {
    for is_suspended in [true, false] {
        let mut story = Story::of(&["a", "b", "c"]);
        assert_eq!(story.turn(1, &[ends("a", BROKEN)]), ["a"]);
        story.forget();
        let waiting = put_off(&mut story, is_suspended);
        assert_eq!((story.turn(60, &[]).len(), story.turn(90, &[]).len()), (0, 0));
        (story.plan.steps, story.plan.held) = (waiting, Vec::new());
        assert_eq!(story.turn(120, &[]), [""; 0], "suspended: {is_suspended}");
        assert_eq!(story.why(), Some(("a".to_owned(), Why::Failed, 2)));
        story.is("a", RunState::Running);
        assert_eq!(
            (story.turn(121, &[]).len(), story.turn(126, &[])),
            (0, vec!["b".to_owned(), "c".to_owned()])
        );
    }
}

#[test]
fn a_rollout_that_stopped_stays_so_while_what_waits_is_suspended_or_cannot_be_told() {
    for is_suspended in [true, false] {
        let mut story = Story::of(&["a", "b", "c"]);
        assert_eq!(story.turn(1, &[ends("a", BROKEN)]), ["a"]);
        let waiting = put_off(&mut story, is_suspended);
        assert_eq!(story.turn(60, &[]), [""; 0]);
        (story.plan.steps, story.plan.held) = (waiting, Vec::new());
        assert_eq!(story.turn(120, &[]), [""; 0], "suspended: {is_suspended}");
        assert_eq!(story.why(), Some(("a".to_owned(), Why::Failed, 2)));
    }
}

#[test]
fn a_canary_that_is_to_run_and_does_not_is_waited_for() {
    let mut without_tasks = runs(RunState::Running);
    without_tasks.status.as_mut().expect("a status").tasks.clear();
    let unknown = LiveConnector { status: None, ..runs(RunState::Running) };
    for one in [without_tasks, unknown] {
        let mut story = Story::of(&["a", "b", "c"]);
        assert_eq!(story.turn(1, &[ends("a", PENDING)]), ["a"]);
        story.live.connectors.insert(name("a"), one);
        assert_eq!((story.turn(2, &[]).len(), story.turn(60, &[]).len()), (0, 0));
        assert_eq!(story.why(), Some(("a".to_owned(), Why::Unproven, 2)));
        story.is("a", RunState::Running);
        assert_eq!((story.turn(61, &[]).len(), story.turn(66, &[]).len()), (0, 2));
    }
}

#[test]
fn other_steps_keep_their_places_and_are_not_bound() {
    let mut story = Story::of(&["a", "b"]);
    story.is("a", RunState::Failed);
    let pause = Action {
        connector: name("x"),
        step: Step::Pause { from: Target::Running },
        reason: Reason::WrongState,
    };
    let resume = Action {
        connector: name("a"),
        step: Step::Resume { from: Target::Paused },
        reason: Reason::WrongState,
    };
    let due = vec![pause.clone(), configure("a"), configure("b"), resume.clone()];
    let ordered = story.order(due, 2);
    assert_eq!(ordered, [pause, configure("b"), configure("a"), resume.clone()]);
    assert!(story.rollouts.may(&resume));
}
