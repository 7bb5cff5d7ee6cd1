//! What becomes of connectors that nobody declares, case by case, and the laws of deleting.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::model::capability::{Capabilities, Version};
use crate::model::desired::{Desired, DesiredState, Incomplete, Lapse, Suspend};
use crate::model::known::{Batch, Claim, Former, Known};
use crate::model::live::{Live, RunState};
use crate::model::name::ConnectorName;
use crate::model::plan::{Hold, Left, LeftKind, Plan, Reason, Step, Sync};
use crate::model::policy::{Policy, Prune, Pruned};
use crate::model::revision::RepositoryName;
use crate::model::select::Select;
use crate::pipeline::plan::tests::{
    NOW, any_desired, any_live, any_name, desired, live, name, policy, running, steps, wanted,
};
use crate::pipeline::plan::{deletion, plan_knowing, seen};

pub(in crate::pipeline::plan) fn ours(keep: bool) -> Claim {
    Claim::Ours(Former { keep, source: "commit 4f1c2d9".into() })
}

fn owned() -> Policy {
    let prune = Prune { who: Pruned::Owned, max: 2, max_percent: 20, ..Prune::default() };
    Policy { prune, ..policy() }
}

pub(in crate::pipeline::plan) fn names(names: &[&str]) -> BTreeSet<ConnectorName> {
    names.iter().map(|one| name(one)).collect()
}

/// Which connectors are declared, and which others run and are ours.
pub(in crate::pipeline::plan) struct Case {
    pub(in crate::pipeline::plan) desired: Desired,
    pub(in crate::pipeline::plan) live: Live,
    pub(in crate::pipeline::plan) known: Known,
    pub(in crate::pipeline::plan) policy: Policy,
}

impl Case {
    /// All of them run; those that are gone were seen so before.
    pub(in crate::pipeline::plan) fn of(declared: &[&str], gone: &[&str]) -> Self {
        let one = |text: &&str| (name(text), wanted(DesiredState::Running, &[]));
        let runs = |text: &&str| (name(text), running(RunState::Running, &[RunState::Running], &[]));
        let claims = gone.iter().map(|text| (name(text), ours(false))).collect();
        Self {
            desired: desired(declared.iter().map(one)),
            live: live(declared.iter().chain(gone).map(runs)),
            known: Known { claims, seen: names(gone), ..Known::default() },
            policy: owned(),
        }
    }

    pub(in crate::pipeline::plan) fn plan(&self) -> Plan {
        plan_knowing(&self.desired, &self.live, &self.known, &self.policy, NOW)
    }

    pub(in crate::pipeline::plan) fn seen(&self) -> BTreeSet<ConnectorName> {
        seen(&self.desired, &self.live, &self.known, &self.policy, NOW)
    }
}

fn held(plan: &Plan) -> Vec<String> {
    let line = |held: &crate::model::plan::Held| {
        let action = &held.action;
        format!(
            "{} {} ({}): {}",
            action.step.kind().name(),
            action.connector,
            action.reason.name(),
            held.hold.name()
        )
    };
    plan.held.iter().map(line).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn what_was_ours_and_is_gone_from_the_repository_is_stopped_and_deleted() {
    let plan = Case::of(&["a", "b"], &["old"]).plan();
    assert_eq!(steps(&plan), ["stop old (not-in-repository)", "delete old (not-in-repository)"]);
    assert_eq!((held(&plan).as_slice(), plan.unmanaged.as_slice()), (&[][..], &[][..]));
    let offsets = Left { kind: LeftKind::Offsets, name: Some("old".into()), within: None };
    assert_eq!(plan.leaves, BTreeMap::from([(name("old"), vec![offsets])]));
    assert!(!plan.sync.contains_key(&name("old")), "nobody declares it");
}

#[test]
fn unless_the_settings_say_owned_it_becomes_unmanaged() {
    let mut case = Case::of(&["a", "b"], &["old"]);
    case.policy = policy();
    let plan = case.plan();
    assert!(plan.is_empty());
    assert_eq!((plan.unmanaged.as_slice(), case.seen()), (&[name("old")][..], names(&[])));
}

#[test]
fn strangers_the_unjudged_the_forgotten_and_what_is_out_of_scope_are_left_alone() {
    let mut case = Case::of(&["a", "b"], &["old", "stranger", "forgotten", "unjudged"]);
    case.known.claims.insert(name("stranger"), Claim::Stranger);
    case.known.claims.remove(&name("unjudged"));
    case.desired.forgotten = names(&["forgotten"]);
    let plan = case.plan();
    assert_eq!(steps(&plan), ["stop old (not-in-repository)", "delete old (not-in-repository)"]);
    assert_eq!(plan.unmanaged, ["forgotten", "stranger", "unjudged"].map(name));

    case.policy.select = Select { include: vec!["a".into(), "b".into()], exclude: vec![] };
    let scoped = case.plan();
    assert!(scoped.is_empty() && scoped.unmanaged.is_empty(), "{:?}", scoped.held);
}

#[test]
fn one_that_was_to_be_kept_is_held_whatever_a_person_confirms() {
    let mut case = Case::of(&["a", "b"], &["old"]);
    case.known.claims.insert(name("old"), ours(true));
    case.known.confirmed = names(&["old"]);
    let plan = case.plan();
    assert_eq!(
        (steps(&plan), held(&plan)),
        (vec![], vec!["delete old (not-in-repository): keep".to_owned()])
    );
    assert_eq!(
        plan.held[0].detail,
        "no file declares it any more, and the last one that did (commit 4f1c2d9) said `keep: true`: it is never deleted for \
         that.\nIf it is to go, declare it absent.\nIf it is to stay, bring its file back; where another repository has it \
         now, add `forget: old`"
    );
    assert_eq!(plan.held[0].release.as_deref(), Some("connector: old\nstate: absent"));
    assert_eq!(plan.leaves[&name("old")].len(), 1, "also of what is held");
    assert_eq!(case.seen(), names(&[]));
}

#[test]
fn keep_in_a_file_says_nothing_of_a_running_connector_and_absent_is_a_persons_word() {
    let mut case = Case::of(&["a"], &[]);
    case.desired.connectors.get_mut(&name("a")).expect("declared").keep = true;
    assert!(case.plan().is_empty());
}

#[test]
fn until_two_looks_agree_nothing_is_deleted() {
    let mut case = Case::of(&["a", "b"], &["old"]);
    case.known.seen = names(&[]);
    let first = case.plan();
    assert_eq!(held(&first), ["delete old (not-in-repository): too-many-deletes"]);
    assert_eq!(
        first.held[0].detail,
        "no file declares it any more; it waits for the second look, and is deleted when that finds the same.\nIf it is to \
         stay, bring its file back; where another repository has it now, add `forget: old`"
    );
    assert_eq!(first.held[0].release, None);
    case.known.seen = case.seen();
    assert_eq!(steps(&case.plan()).len(), 2);
}

#[test]
fn more_than_the_limits_is_held_as_a_whole_and_is_not_seen() {
    // Of eleven, 20 % are two, and so is the number.
    let declared = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let case = Case::of(&declared, &["x", "y", "z"]);
    let plan = case.plan();
    assert_eq!(steps(&plan), NONE);
    assert_eq!(
        held(&plan),
        ["x", "y", "z"].map(|one| format!("delete {one} (not-in-repository): too-many-deletes"))
    );
    assert_eq!(
        plan.held[0].detail,
        "no file declares it any more, and with it 3 of the 11 connectors that are ours would go; at most 2 may at once \
         (`prune.max` 2, `prune.max_percent` 20).\nIf it is to go, declare it absent, or run `tagalong apply \
         --confirm-delete x`.\nIf it is to stay, bring its file back; where another repository has it now, add `forget: x`"
    );
    assert_eq!(plan.held[0].release.as_deref(), Some("connector: x\nstate: absent"));
    assert_eq!(case.seen(), names(&[]), "the next look begins anew");
    assert_eq!(steps(&Case::of(&declared, &["x", "y"]).plan()).len(), 4);
}

#[test]
fn the_larger_of_both_limits_counts() {
    let declared: Vec<String> = (0..17).map(|n| format!("c{n}")).collect();
    let declared: Vec<&str> = declared.iter().map(String::as_str).collect();
    let mut case = Case::of(&declared, &["w", "x", "y", "z"]);
    case.policy.prune.max_percent = 19;
    assert_eq!((steps(&case.plan()).len(), case.plan().held.len()), (0, 4), "19 % of 21 are three");
    case.policy.prune.max_percent = 20;
    assert_eq!((steps(&case.plan()).len(), case.plan().held.len()), (8, 0), "20 % of 21 are four");
    case.policy.prune.max_percent = 0;
    case.policy.prune.max = 4;
    assert_eq!(steps(&case.plan()).len(), 8);
    case.policy.prune.max = 0;
    assert_eq!(case.plan().held.len(), 4);
}

#[test]
fn connectors_of_others_do_not_raise_the_limit() {
    let mut case = Case::of(&["a", "b"], &["x", "y", "z"]);
    for n in 0..100 {
        let other = name(&format!("other-{n}"));
        case.live.connectors.insert(other.clone(), running(RunState::Running, &[], &[]));
        case.known.claims.insert(other, Claim::Stranger);
    }
    let plan = case.plan();
    assert_eq!((steps(&plan).len(), plan.held.len(), plan.unmanaged.len()), (0, 3, 100));
}

#[test]
fn what_nobody_has_judged_yet_counts_with_what_would_go() {
    let mut case = Case::of(&["a", "b", "c"], &["x", "y", "z"]);
    case.known.claims.remove(&name("y"));
    case.known.claims.remove(&name("z"));
    let plan = case.plan();
    assert_eq!(held(&plan), ["delete x (not-in-repository): too-many-deletes"]);
    let detail = &plan.held[0].detail;
    assert!(
        detail.contains("1 of the 4 connectors that are ours would go and 2 of which is not known yet whose")
            && detail.contains("raise `repository.git.deadline` in the settings")
    );
}

#[test]
fn the_last_ones_are_never_deleted_for_being_gone_however_few_they_are() {
    let case = Case::of(&[], &["old"]);
    let plan = case.plan();
    assert_eq!((steps(&plan), plan.held.len()), (vec![], 1));
    assert!(
        plan.held[0].detail.contains("none of the 1 connectors that are ours would be left"),
        "{}",
        plan.held[0].detail
    );
    // What is to come, and what is to go, is nothing that is left.
    let mut renamed = Case::of(&[], &["old"]);
    renamed.desired = desired([
        (name("new"), wanted(DesiredState::Running, &[])),
        (name("other"), wanted(DesiredState::Absent, &[])),
    ]);
    renamed.live.connectors.insert(name("other"), running(RunState::Running, &[], &[]));
    assert_eq!(held(&renamed.plan()), ["delete old (not-in-repository): too-many-deletes"]);
    assert_eq!(renamed.seen(), names(&[]));
}

#[test]
fn a_person_passes_the_limits_and_the_second_look_for_what_they_name() {
    let mut case = Case::of(&[], &["x", "y", "z"]);
    case.known.seen = names(&[]);
    case.known.confirmed = names(&["x", "unknown"]);
    let plan = case.plan();
    assert_eq!(steps(&plan), ["stop x (not-in-repository)", "delete x (not-in-repository)"]);
    assert_eq!(plan.held.len(), 2, "the others are still every one");
    case.known.claims.insert(name("x"), Claim::Stranger);
    assert_eq!(case.plan().unmanaged, [name("x")], "nobody's word makes it ours");
}

#[test]
fn while_a_folder_is_not_in_force_nothing_is_deleted_for_being_gone() {
    let mut case = Case::of(&["a", "b"], &["old"]);
    let repository = RepositoryName::extra("/etc/shop");
    case.desired.incomplete = vec![Incomplete { repository, lapse: Lapse::Empty }];
    case.known.confirmed = names(&["old"]);
    let plan = case.plan();
    assert!(plan.is_empty(), "{:?}", plan.held);
    assert_eq!((plan.unmanaged.as_slice(), case.seen()), (&[name("old")][..], names(&[])));
}

#[test]
fn a_suspension_holds_every_deletion_once_and_is_no_look() {
    let mut case = Case::of(&["a"], &["old"]);
    case.desired.connectors.insert(name("a"), wanted(DesiredState::Absent, &[]));
    case.desired.connectors.insert(name("b"), wanted(DesiredState::Running, &[]));
    case.live.connectors.insert(name("b"), running(RunState::Running, &[RunState::Running], &[]));
    case.desired.suspend = Some(Suspend { reason: "OPS-77".into(), until: None });
    let plan = case.plan();
    assert_eq!(held(&plan), ["delete a (absent): suspended", "delete old (not-in-repository): suspended"]);
    assert_eq!((steps(&plan).len(), case.seen()), (0, names(&[])));
}

#[test]
fn a_declared_deletion_knows_no_limit_and_no_second_look() {
    let gone = ["a", "b", "c", "d"];
    let mut case = Case::of(&gone, &[]);
    for one in case.desired.connectors.values_mut() {
        one.state = DesiredState::Absent;
    }
    let plan = case.plan();
    assert_eq!((plan.steps.len(), plan.held.len(), plan.leaves.len()), (8, 0, 4));
    assert!(plan.sync.values().all(|sync| *sync == Sync::Surplus));
}

#[test]
fn stopping_stands_before_deleting_and_older_ones_pause() {
    let deleted = |version: (u32, u32), state: Option<RunState>| {
        let mut case = Case::of(&["a", "b"], &["old"]);
        case.live.capabilities = Capabilities::of(Version { major: version.0, minor: version.1 });
        let old = case.live.connectors.get_mut(&name("old")).expect("it is there");
        match (&mut old.status, state) {
            (Some(status), Some(state)) => status.state = state,
            (status, _) => *status = None,
        }
        let plan = case.plan();
        plan.steps.iter().map(|action| action.step.kind().name()).collect::<Vec<_>>()
    };
    for state in RunState::ALL {
        let wanted = match state {
            RunState::Stopped => vec!["delete"],
            _ => vec!["stop", "delete"],
        };
        assert_eq!(deleted((3, 5), Some(state)), wanted, "{state:?}");
        let wanted = match state {
            RunState::Stopped | RunState::Paused => vec!["delete"],
            _ => vec!["pause", "delete"],
        };
        assert_eq!(deleted((3, 4), Some(state)), wanted, "{state:?}");
    }
    assert_eq!(deleted((3, 5), None), ["stop", "delete"], "nobody knows what it does");
    assert_eq!(deleted((3, 4), None), ["pause", "delete"]);
}

#[test]
fn a_name_that_connect_cannot_address_is_held_with_what_to_do() {
    let mut case = Case::of(&["a", "b"], &[]);
    for odd in ["a/b", "50%", "{x}", " blank", "..", "semi;colon"] {
        let odd = ConnectorName::observed(odd);
        case.live.connectors.insert(odd.clone(), running(RunState::Running, &[], &[]));
        case.known.claims.insert(odd.clone(), ours(false));
        case.known.confirmed.insert(odd);
    }
    let plan = case.plan();
    assert_eq!(
        steps(&plan),
        ["stop semi;colon (not-in-repository)", "delete semi;colon (not-in-repository)"]
    );
    assert_eq!(plan.held.len(), 5);
    assert!(plan.held.iter().all(|held| held.hold == Hold::Unaddressable), "{:?}", held(&plan));
    assert!(plan.held[0].detail.contains("\nDelete it by hand"), "{}", plan.held[0].detail);

    case.policy.forwarded = true;
    let forwarded = case.plan();
    assert_eq!((steps(&forwarded).len(), forwarded.held.len()), (0, 6));
    let semicolon = forwarded.held.iter().find(|held| held.action.connector == name("semi;colon"));
    let detail = &semicolon.expect("it is held too").detail;
    assert!(detail.contains("\nUse `connect.writer: leader`"), "{detail}");

    case.policy = policy();
    assert!(case.plan().is_empty(), "nothing is to be done about it");
}

#[test]
fn a_doubtful_list_deletes_nothing_declared_or_not() {
    let mut case = Case::of(&["a", "b"], &["old"]);
    case.desired.connectors.insert(name("a"), wanted(DesiredState::Absent, &[]));
    let mut plan = case.plan();
    assert_eq!(steps(&plan).len(), 4);
    assert!(deletion::doubt(&mut plan, "half of them are gone"));
    assert_eq!(steps(&plan), NONE, "nor is anything stopped");
    assert_eq!(
        held(&plan),
        ["delete a (absent): too-many-deletes", "delete old (not-in-repository): too-many-deletes"]
    );
    assert!(!deletion::doubt(&mut plan, "half of them are gone"), "there is nothing more");
}

fn any_known() -> impl Strategy<Value = Known> {
    let claim = prop_oneof![Just(Claim::Stranger), any::<bool>().prop_map(ours)];
    let claims = prop::collection::btree_map(any_name(), claim, 0..4);
    let some = || prop::collection::btree_set(any_name(), 0..4);
    let batch = (some(), any::<bool>()).prop_map(|(names, every)| Batch { names, every });
    (claims, some(), some(), batch).prop_map(|(claims, seen, confirmed, batch)| Known {
        claims,
        seen,
        confirmed,
        batch,
        ..Known::default()
    })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    (0..3_usize, 0..120_usize, any::<bool>(), any::<bool>()).prop_map(
        |(max, max_percent, owned, forwarded)| {
            let who = if owned { Pruned::Owned } else { Pruned::Nobody };
            Policy { prune: Prune { who, max, max_percent, ..Prune::default() }, forwarded, ..policy() }
        },
    )
}

proptest! {
    #[test]
    fn law_what_is_deleted_was_declared_absent_or_is_ours_seen_twice_and_within_the_limits(
        want in any_desired(), is in any_live(), known in any_known(), policy in any_policy(),
    ) {
        let plan = plan_knowing(&want, &is, &known, &policy, NOW);
        let pruned = |action: &&crate::model::plan::Action| {
            action.step == Step::Delete && action.reason == Reason::NotInRepository
        };
        let mut unconfirmed = 0;
        for action in plan.steps.iter().filter(pruned) {
            let name = &action.connector;
            prop_assert_eq!(policy.prune.who, Pruned::Owned);
            prop_assert!(!want.connectors.contains_key(name) && is.connectors.contains_key(name));
            prop_assert_eq!(known.claims.get(name), Some(&ours(false)));
            if !known.confirmed.contains(name) {
                prop_assert!(known.seen.contains(name));
                unconfirmed += 1;
            }
        }
        let is_ours = |name: &&ConnectorName| match want.connectors.get(*name) {
            Some(wanted) => wanted.state != DesiredState::Absent,
            None => matches!(known.claims.get(*name), Some(Claim::Ours(_))),
        };
        let base = is.connectors.keys().filter(is_ours).count();
        prop_assert!(unconfirmed <= policy.prune.max.max(base * policy.prune.max_percent / 100));
        prop_assert!(unconfirmed == 0 || unconfirmed < base, "one is left");
        for action in plan.steps.iter().filter(|action| action.step == Step::Delete && !pruned(action)) {
            prop_assert_eq!(want.connectors[&action.connector].state, DesiredState::Absent);
        }
    }

    #[test]
    fn law_what_nobody_declares_is_deleted_held_or_left_alone_and_one_of_them_only(
        want in any_desired(), is in any_live(), known in any_known(), policy in any_policy(),
    ) {
        let plan = plan_knowing(&want, &is, &known, &policy, NOW);
        prop_assert_eq!(&plan, &plan_knowing(&want, &is, &known, &policy, NOW));
        let undeclared = is.connectors.keys().filter(|name| !want.connectors.contains_key(*name));
        for name in undeclared {
            let deleted = plan.steps.iter().any(|action| action.connector == *name);
            let held = plan.held.iter().filter(|held| held.action.connector == *name).count();
            let left = plan.unmanaged.iter().filter(|left| *left == name).count();
            prop_assert_eq!(usize::from(deleted) + held + left, 1, "{}", name);
            prop_assert_eq!(plan.leaves.contains_key(name), deleted || held == 1);
        }
        for (at, action) in plan.steps.iter().enumerate() {
            let deletes = matches!(action.reason, Reason::Absent | Reason::NotInRepository);
            let last = plan.steps.iter().rposition(|other| other.connector == action.connector);
            let end = last.map(|last| &plan.steps[last].step);
            prop_assert!(!deletes || end == Some(&Step::Delete), "step {} is the way to no deletion", at);
        }
    }
}
