//! What looks say of a connector whose heartbeat does not write into its database.

use crate::model::pulse::Pulse;
use crate::pipeline::stall::News;
use crate::pipeline::stall::tests::{INTERVAL, PATIENCE, Story, at, mark, moving, name, runs, still};

/// One whose heartbeat does not write into its database.
const MUTE: (&str, &str) = ("heartbeat.action.query", " ");

#[test]
fn one_whose_heartbeat_does_not_write_must_move_after_a_change_where_it_was_lively_until_then() {
    let changed = runs(&[MUTE, ("max.batch.size", "1")]);
    let mut story = Story::begin();
    story.see(Some(runs(&[MUTE])));
    assert_eq!(story.pass(3600, still), [], "its database may be idle");
    story.see(Some(changed.clone()));
    assert_eq!((story.pass(3600, still), story.pulse()), (vec![], None), "and so it may be after a change");

    let mut story = Story::begin();
    story.see(Some(runs(&[MUTE])));
    assert_eq!(story.pass(5 * INTERVAL, moving), []);
    assert!(matches!(story.pulse(), Some(Pulse::Moves(_))), "a rollout knows that it must move on");
    assert_eq!(story.pass(2 * INTERVAL, still), []);
    assert_eq!(story.pulse(), None, "and nothing is asked of it at rest");
    assert_eq!(story.pass(5 * INTERVAL, |seconds| mark(900 + seconds / 60)), []);
    story.vigil.changed(&name("orders"), at(story.now));
    story.see(Some(changed.clone()));
    assert!(matches!(story.pulse(), Some(Pulse::Awaited(_))), "a rollout waits for it");
    let told = story.pass(600, still);
    let [(after, News::Stalled { .. })] = told[..] else { panic!("{told:?}") };
    assert!((PATIENCE..PATIENCE + 6).contains(&after), "{after}");
    story.see(Some(runs(&[MUTE])));
    assert!(matches!(story.pulse(), Some(Pulse::Awaited(_))), "it must move once it is changed back, too");
    let told = story.pass(600, moving);
    assert!(matches!(told[..], [(_, News::Moves { .. })]), "{told:?}");
    assert!(matches!(story.pulse(), None | Some(Pulse::Moves(_))));
    let looks = story.looks;
    assert_eq!(story.pass(10 * INTERVAL, still), []);
    assert!(story.looks - looks <= 12, "once in an interval: {}", story.looks - looks);
}
