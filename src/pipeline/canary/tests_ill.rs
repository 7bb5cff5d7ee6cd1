//! Who may hold others back: what was ill before, the way back, and what is read from the cluster without a memory.

use super::*;
use crate::model::config::Config;
use crate::model::desired::DesiredState;
use crate::model::live::RunState;
use crate::model::plan::{Reason, Step, Target};
use crate::model::pulse::Pulse;
use crate::model::report::{Class, Outcome};
use crate::model::rollout::Why;
use crate::pipeline::canary::story::{AWAY, BROKEN, REFUSED, Story, at, config, configure_to, ends, name};

/// One of these has been ill for long, and the release does not touch it.
fn ill_before(names: &[&str], ill: &str, state: RunState) -> Story {
    let mut story = Story::of(names);
    story.has_new_config(ill);
    story.is(ill, state);
    story
}

#[test]
fn one_that_was_ill_before_and_is_not_changed_holds_nobody_back() {
    for state in [RunState::Failed, RunState::Unassigned, RunState::Restarting] {
        let mut story = ill_before(&["a", "b", "c"], "a", state);
        assert_eq!(story.turn(1, &[]), ["b", "c"], "{state:?}");
    }
    let mut still = ill_before(&["a", "b", "c"], "a", RunState::Running);
    still.pulses.insert(name("a"), Pulse::Stalled(at(1)));
    assert_eq!(still.turn(2, &[]), ["b", "c"]);
}

#[test]
fn one_that_was_changed_and_fails_later_holds_the_others_back() {
    let unsettled = (Outcome::NotTaken, Some(Class::Superseded), Taken::No);
    let mut story = Story::of(&["a", "b", "c", "d"]);
    story.turn(1, &[ends("c", unsettled), ends("d", unsettled)]);
    story.is("b", RunState::Failed);
    assert_eq!(story.turn(2, &[]), [""; 0]);
    assert_eq!(story.why(), Some(("b".to_owned(), Why::Failed, 2)));
}

#[test]
fn what_stopped_a_rollout_still_holds_the_others_back_where_the_next_revision_is_about_something_else() {
    let mut story = Story::of(&["a", "b", "c"]);
    story.turn(1, &[ends("a", BROKEN)]);
    story.releases(2, "2", &[]);
    assert_eq!(story.turn(2, &[]), [""; 0]);
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Failed, 2)));
}

#[test]
fn the_way_back_reaches_all_that_were_changed_whoever_is_ill() {
    let mut story = ill_before(&["a", "b", "c", "d", "z"], "z", RunState::Failed);
    assert_eq!(story.turn(1, &[ends("b", BROKEN)]), ["a", "b"]);
    story.releases(2, "1", &["a", "b", "c", "d"]);
    // What it gets back did not help it.
    assert_eq!(story.turn(2, &[ends("a", BROKEN)]), ["a", "b"]);
    assert_eq!(story.why(), None);
    assert_eq!(story.plan.steps, []);
}

#[test]
fn the_way_back_is_open_until_it_was_gone() {
    let refused = |connector| ends(connector, REFUSED);
    let mut story = Story::of(&["a", "b", "c", "d"]);
    story.turn(1, &[ends("c", BROKEN)]);
    story.releases(2, "1", &["a", "b", "c", "d"]);
    assert_eq!(story.turn(2, &[refused("a"), refused("b")]), ["a", "b", "c"]);
    assert_eq!(story.turn(3, &[refused("a")]), ["a", "b"]);
    assert_eq!(story.turn(4, &[]), ["a"]);
}

#[test]
fn a_better_release_has_a_canary_also_among_those_that_were_changed() {
    let mut story = Story::of(&["a", "b", "c", "d"]);
    story.turn(1, &[ends("c", BROKEN)]);
    story.releases(2, "3", &["a", "b", "c", "d"]);
    assert_eq!(story.turn(2, &[ends("a", BROKEN)]), ["a"]);
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Failed, 3)));
    story.releases(3, "1", &["a", "b", "c", "d"]);
    assert_eq!(story.turn(3, &[]), ["a", "b", "c"], "the way back from both");
}

#[test]
fn without_memory_one_that_has_nothing_of_the_change_or_comes_after_all_that_wait_holds_nobody_back() {
    let mut other = ill_before(&["a", "b", "c"], "a", RunState::Failed);
    other.declares("a").config = config("5");
    other.forget();
    assert_eq!(other.turn(1, &[]), ["b", "c"], "the change of the others is not in it");

    let mut lacking = ill_before(&["a", "b", "c"], "a", RunState::Failed);
    lacking.declares("a").config = Config::default();
    lacking.forget();
    assert_eq!(lacking.turn(1, &[]), ["b", "c"]);

    let mut after = ill_before(&["a", "b", "z"], "z", RunState::Failed);
    after.forget();
    assert_eq!(after.turn(1, &[]), ["a", "b"], "the others go before it");
}

#[test]
fn without_memory_one_with_a_value_of_its_own_where_each_of_the_others_gets_one_may_have_been_changed() {
    let mut story = ill_before(&["a", "b", "c"], "a", RunState::Failed);
    story.plan.steps = vec![configure_to("b", "b"), configure_to("c", "c")];
    story.forget();
    assert_eq!(story.turn(1, &[]), [""; 0]);
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Failed, 2)));
}

#[test]
fn without_memory_one_that_has_failed_may_go_first_past_one_that_may_have_been_changed() {
    let of = || {
        let mut story = ill_before(&["a", "b", "c", "d"], "a", RunState::Failed);
        story.is("c", RunState::Failed);
        story.forget();
        story
    };
    let mut mended = of();
    assert_eq!(mended.turn(1, &[]), ["c"]);
    assert_eq!((mended.turn(2, &[]).len(), mended.turn(7, &[])), (0, vec!["b".to_owned(), "d".to_owned()]));

    let mut broken = of();
    assert_eq!(broken.turn(1, &[ends("c", BROKEN)]), ["c"]);
    assert_eq!(broken.turn(9, &[]), [""; 0]);
    assert_eq!(broken.why(), Some(("c".to_owned(), Why::Failed, 2)));
}

#[test]
fn one_that_has_failed_and_proves_nothing_leaves_the_others_waiting_for_one_that_may_have_been_changed() {
    let of = || {
        let mut story = ill_before(&["a", "b", "c", "d"], "a", RunState::Failed);
        story.is("c", RunState::Failed);
        story.forget();
        story
    };
    let waits = |story: &Story| story.why() == Some(("a".to_owned(), Why::Failed, 3));
    let mut away = of();
    for turn in 1..4 {
        assert_eq!(away.turn(turn, &[ends("c", AWAY)]), ["c"], "its database is away");
        assert!(waits(&away), "{:?}", away.why());
    }
    for state in [DesiredState::Paused, DesiredState::Stopped] {
        let mut resting = of();
        resting.declares("c").state = state;
        assert_eq!(resting.turn(1, &[]), [""; 0], "{state:?}: it would prove nothing");
        assert!(waits(&resting), "{:?}", resting.why());
    }
}

#[test]
fn one_that_has_failed_and_was_refused_goes_first_again_past_one_that_may_have_been_changed() {
    let mut story = ill_before(&["a", "b", "c", "d"], "a", RunState::Failed);
    story.is("c", RunState::Failed);
    story.is("d", RunState::Failed);
    story.forget();
    for turn in 1..4 {
        assert_eq!(story.turn(turn, &[ends("c", REFUSED)]), ["c"]);
    }
    assert_eq!(story.turn(4, &[]), ["c", "b", "d"], "it is mended");
}

/// What could not be restarted: Connect took the change, and refused the restart of the tasks.
const OUTDATED: (Outcome, Option<Class>, Taken) = (Outcome::Failed, Some(Class::Internal), Taken::Yes);

#[test]
fn a_canary_whose_tasks_go_on_with_its_old_config_is_not_well_until_they_were_restarted() {
    let mut story = Story::of(&["a", "b", "c"]);
    assert_eq!(story.turn(1, &[ends("a", OUTDATED)]), ["a"]);
    let waits = Some(("a".to_owned(), Why::Outdated, 2));
    assert_eq!(story.why(), waits);
    story.owed = [name("a")].into();
    for now in [10, 20, 600] {
        assert_eq!(story.turn(now, &[]), [""; 0], "it runs, and proves nothing");
        assert_eq!(story.why(), waits);
    }
    story.owed.clear();
    assert_eq!(story.turn(601, &[]), [""; 0], "what is about to fail runs for a moment");
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Unproven, 2)));
    assert_eq!(story.turn(606, &[]), ["b", "c"]);
}

#[test]
fn what_is_worse_than_tasks_of_before_is_told_of_a_canary() {
    let mut story = Story::of(&["a", "b", "c"]);
    story.turn(1, &[ends("a", OUTDATED)]);
    story.owed = [name("a")].into();
    for (state, why) in [(RunState::Failed, Why::Failed), (RunState::Unassigned, Why::Unassigned)] {
        story.is("a", state);
        story.turn(2, &[]);
        assert_eq!(story.why(), Some(("a".to_owned(), why, 2)));
    }
    story.is("a", RunState::Running);
    story.pulses.insert(name("a"), Pulse::Awaited(at(1)));
    story.turn(3, &[]);
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Outdated, 2)), "they move with the old config");
    story.live.connectors.get_mut(&name("a")).expect("it is there").status = None;
    story.turn(4, &[]);
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Outdated, 2)), "whatever its state");
}

#[test]
fn once_the_canary_was_well_tasks_of_a_later_one_are_not_waited_for() {
    let mut story = Story::of(&["a", "b", "c"]);
    assert_eq!(story.turn(1, &[ends("b", OUTDATED)]), ["a", "b"]);
    story.owed = [name("b")].into();
    assert_eq!((story.turn(10, &[]).len(), story.turn(15, &[])), (0, vec!["c".to_owned()]));
}

#[test]
fn where_none_runs_well_one_that_the_change_mends_lets_the_others_follow() {
    let mut story = Story::of(&["a", "b", "c"]);
    for one in ["a", "b", "c"] {
        story.is(one, RunState::Failed);
    }
    assert_eq!(story.turn(1, &[]), ["a", "b", "c"]);
}

#[test]
fn one_that_is_not_to_run_is_no_canary_for_those_that_are() {
    let mut story = Story::of(&["a", "b", "c"]);
    story.is("a", RunState::Paused);
    story.declares("a").state = DesiredState::Paused;
    story.is("b", RunState::Failed);
    story.is("c", RunState::Failed);
    assert_eq!(story.turn(1, &[ends("b", BROKEN)]), ["b"]);
    assert_eq!(story.why(), Some(("b".to_owned(), Why::Failed, 2)));
}

#[test]
fn one_that_is_refused_and_not_to_run_holds_nobody_back() {
    for (state, others) in [DesiredState::Paused, DesiredState::Stopped]
        .into_iter()
        .flat_map(|state| [RunState::Running, RunState::Failed].map(|others| (state, others)))
    {
        let mut story = Story::of(&["a", "b", "c"]);
        assert_eq!(story.turn(1, &[ends("a", REFUSED)]), ["a"]);
        story.releases(2, "2", &[]);
        story.declares("a").state = state;
        for one in ["b", "c"] {
            story.is(one, others);
        }
        let sent: BTreeSet<_> = story.turn(2, &[ends("a", REFUSED)]).into_iter().collect();
        assert_eq!(sent, ["a", "b", "c"].map(str::to_owned).into(), "{state:?} {others:?}");
        assert_eq!(story.why(), None, "{state:?} {others:?}");
        assert_eq!(story.turn(3, &[ends("a", REFUSED)]), ["a"]);
        assert_eq!(story.why(), None, "{state:?} {others:?}");
    }
}

#[test]
fn one_that_rests_by_hand_proves_nothing_until_it_was_resumed() {
    let mut story = Story::of(&["a", "b", "c"]);
    for one in ["a", "b", "c"] {
        story.is(one, RunState::Paused);
        let step = Step::Resume { from: Target::Paused };
        story.plan.steps.push(Action { connector: name(one), step, reason: Reason::WrongState });
    }
    assert_eq!(story.turn(1, &[]), ["a"]);
    assert_eq!(story.why(), Some(("a".to_owned(), Why::Unproven, 2)));
    assert_eq!((story.turn(11, &[]).len(), story.turn(16, &[]).len()), (0, 2), "it was resumed, and runs");
}

#[test]
fn those_that_rest_and_are_not_resumed_go_one_by_one_and_not_all_at_once() {
    let mut story = Story::of(&["a", "b", "c"]);
    for one in ["a", "b", "c"] {
        story.is(one, RunState::Paused);
    }
    for (now, one) in [(0, "a"), (20, "b"), (40, "c")] {
        assert_eq!(story.turn(now, &[]), [one]);
        assert_eq!(story.turn(now + 10, &[]), [""; 0]);
    }
}

#[test]
fn it_is_told_since_when_a_rollout_does_not_go_on_whoever_holds_it_back() {
    let since = |story: &Story| story.rollouts.brakes().first().map(|brake| brake.since);
    let mut story = Story::of(&["a", "b", "c"]);
    story.turn(3, &[ends("a", (Outcome::Pending, Some(Class::TimedOut), Taken::Yes))]);
    story.is("a", RunState::Unassigned);
    story.turn(20, &[]);
    assert_eq!(since(&story), Some(at(3)));
    story.is("a", RunState::Failed);
    story.turn(30, &[]);
    assert_eq!(since(&story), Some(at(3)));
    story.releases(2, "3", &["a", "b", "c"]);
    story.turn(40, &[ends("b", BROKEN)]);
    assert_eq!(since(&story), Some(at(40)), "it began anew");
}
