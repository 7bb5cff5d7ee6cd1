//! What went together and is not answered for to the last: look after look, answer after answer.

use crate::model::desired::{DesiredState, Incomplete, Lapse, Suspend};
use crate::model::known::Batch;
use crate::model::live::RunState;
use crate::model::plan::{Action, Held, Hold, Reason, Step};
use crate::model::revision::RepositoryName;
use crate::pipeline::plan::batch;
use crate::pipeline::plan::tests::{NOW, name, running, wanted};
use crate::pipeline::plan::tests_prune::{Case, names, ours};

impl Case {
    /// Looks once more, and has the next look know of it; says what goes for having no file, and what is too much.
    fn look(&mut self) -> (Vec<String>, Vec<String>) {
        let (plan, would) = (self.plan(), self.seen());
        self.known.batch = batch(&self.desired, &self.live, &self.known, &self.policy, NOW);
        self.known.seen = would;
        let goes = |action: &&Action| action.step == Step::Delete && action.reason == Reason::NotInRepository;
        let is_too_much = |held: &&Held| held.hold == Hold::TooManyDeletes;
        let gone = plan.steps.iter().filter(goes).map(|action| action.connector.to_string()).collect();
        let held = plan.held.iter().filter(is_too_much).map(|held| held.action.connector.to_string());
        (gone, held.collect())
    }

    /// Declares one again that is there.
    fn bring_back(&mut self, one: &str) {
        self.desired.connectors.insert(name(one), wanted(DesiredState::Running, &[]));
    }
}

/// What somebody does about one of them.
type Answer = fn(&mut Case);

const LOST: [&str; 6] = ["c0", "c1", "c2", "c3", "c4", "c5"];

/// Ten connectors of which six lost their files, where five may go, after the look that found it.
fn six_of_ten() -> Case {
    let mut case = Case::of(&["s0", "s1", "s2", "s3"], &LOST);
    case.policy.prune.max = 5;
    assert_eq!(case.look(), (vec![], texts(&LOST)));
    case
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn an_answer_for_one_makes_no_room_for_those_that_went_together_with_it() {
    let answers: [(&str, Answer); 5] = [
        ("a person named it, and it is gone", |case| {
            case.live.connectors.remove(&name("c5"));
        }),
        ("it is declared absent", |case| {
            case.desired.connectors.insert(name("c5"), wanted(DesiredState::Absent, &[]));
        }),
        ("that was done, and its file is gone again", |case| {
            case.desired.connectors.insert(name("c5"), wanted(DesiredState::Absent, &[]));
            case.live.connectors.remove(&name("c5"));
            assert_eq!(case.look(), (vec![], texts(&LOST[..5])));
            case.desired.connectors.remove(&name("c5"));
        }),
        ("it was brought back", |case| case.bring_back("c5")),
        ("somebody else has it", |case| {
            case.desired.forgotten.insert(name("c5"));
        }),
    ];
    for (answer, give) in answers {
        let mut case = six_of_ten();
        give(&mut case);
        for _ in 0..3 {
            assert_eq!(case.look(), (vec![], texts(&LOST[..5])), "{answer}");
        }
        let detail = &case.plan().held[0].detail;
        assert!(
            detail.contains(
                "it is one of 6 of 10 connectors that went together; at most 5 may at once (`prune.max` 5, \
                 `prune.max_percent` 20). 5 of them are not answered for, and what was done about the others makes no room"
            ),
            "{answer}: {detail}"
        );
        case.known.confirmed = names(&["c4"]);
        assert_eq!(case.look(), (texts(&["c4"]), texts(&LOST[..4])), "{answer}");
    }
}

#[test]
fn what_is_lost_later_joins_those_that_wait() {
    let mut case = six_of_ten();
    for one in ["c2", "c3", "c4", "c5"] {
        case.bring_back(one);
    }
    case.desired.connectors.remove(&name("s0"));
    case.known.claims.insert(name("s0"), ours(false));
    for _ in 0..3 {
        assert_eq!(case.look(), (vec![], texts(&["c0", "c1", "s0"])));
    }
    assert_eq!(case.known.batch.names.len(), 7);
}

#[test]
fn a_batch_is_over_when_all_of_it_is_answered_for() {
    let mut case = six_of_ten();
    for one in LOST {
        case.bring_back(one);
    }
    assert_eq!(case.look(), (vec![], vec![]));
    assert_eq!(case.known.batch, Batch::default(), "as where the tag was moved back");
    for one in &LOST[..2] {
        case.desired.connectors.remove(&name(one));
    }
    case.known.seen = names(&LOST);
    assert_eq!(case.look(), (texts(&LOST[..2]), vec![]), "that is another release");
}

#[test]
fn limits_that_allow_the_whole_batch_let_it_go_after_a_second_look() {
    let mut case = six_of_ten();
    case.live.connectors.remove(&name("c5"));
    case.policy.prune.max = 6;
    assert_eq!(case.look(), (vec![], texts(&LOST[..5])), "the second look is waited for");
    assert_eq!(case.look(), (texts(&LOST[..5]), vec![]));
}

#[test]
fn where_none_would_have_been_left_neither_one_that_is_back_nor_a_new_one_makes_room() {
    let mut case = Case::of(&[], &LOST);
    case.policy.prune.max = 100;
    assert_eq!(case.look(), (vec![], texts(&LOST)));
    case.bring_back("c5");
    assert_eq!(case.look(), (vec![], texts(&LOST[..5])));
    case.bring_back("new");
    case.live.connectors.insert(name("new"), running(RunState::Running, &[RunState::Running], &[]));
    for _ in 0..3 {
        assert_eq!(case.look(), (vec![], texts(&LOST[..5])));
    }
    let detail = &case.plan().held[0].detail;
    assert!(
        detail.contains(
            "one of 6 that went together, after which none that is ours would have been left. 5 of them"
        ),
        "{detail}"
    );
}

#[test]
fn a_look_that_may_delete_nothing_neither_begins_nor_ends_a_batch() {
    let suspend = |case: &mut Case, is: bool| {
        case.desired.suspend = is.then(|| Suspend { reason: "OPS-77".into(), until: None });
    };
    let miss = |case: &mut Case, is: bool| {
        let one = Incomplete { repository: RepositoryName::extra("/etc/shop"), lapse: Lapse::Empty };
        case.desired.incomplete = is.then_some(one).into_iter().collect();
    };
    for doubt in [suspend, miss] as [fn(&mut Case, bool); 2] {
        let mut case = Case::of(&["s0"], &LOST);
        doubt(&mut case, true);
        assert_eq!(case.look(), (vec![], vec![]));
        assert_eq!(case.known.batch, Batch::default());
        doubt(&mut case, false);
        case.look();
        assert_eq!(case.known.batch.names, names(&LOST));
        doubt(&mut case, true);
        let there = std::mem::take(&mut case.live.connectors);
        case.look();
        case.live.connectors = there;
        assert_eq!(case.known.batch.names, names(&LOST));
    }
}

#[test]
fn what_went_together_and_is_not_judged_yet_is_not_answered_for() {
    let mut case = six_of_ten();
    case.live.connectors.remove(&name("c5"));
    let claims = std::mem::take(&mut case.known.claims);
    assert_eq!(case.look(), (vec![], vec![]), "as after a start, before the history is read");
    case.known.claims = claims;
    for _ in 0..3 {
        assert_eq!(case.look(), (vec![], texts(&LOST[..5])));
    }
}
