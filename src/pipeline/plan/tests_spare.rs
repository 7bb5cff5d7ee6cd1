//! Plans in which an old name stays until the one that takes its place comes.

use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::model::config::{Config, Value};
use crate::model::known::{Claim, Former};
use crate::model::plan::Held;
use crate::model::policy::{OnRisk, Prune, Pruned};
use crate::model::report::{Class, Outcome};
use crate::pipeline::pace::{History, RestartLimits};
use crate::pipeline::plan::tests_scene::{NOW, absent, both, cluster, config, name, planned, running, steps};

#[test]
fn an_old_one_stays_while_the_one_that_takes_its_place_waits_for_something_else() {
    let is = [
        ("orders", RunState::Running, config("shop", "shop")),
        ("third", RunState::Running, config("shop", "third")),
    ];
    let third = || ("third", running(config("shop", "third"), &[]));
    let want = |sales: &DesiredConnector| [("orders", absent()), ("sales", sales.clone()), third()];
    let gone = both(&["stop orders", "delete orders", "create sales"], &[]);
    let policy = Policy::default();
    let answered = |answers| running(config("shop", "shop"), answers);
    let free = answered(&[("name", "sales"), ("shared-topic-prefix", "third")]);
    assert_eq!(steps(&planned(&want(&free), &is, &policy)), gone, "both are answered for");

    let plan = planned(&want(&answered(&[("name", "sales")])), &is, &policy);
    assert_eq!(steps(&plan), both(&[], &["delete orders", "create sales"]));
    let old = &plan.held[0];
    assert!(
        old.detail.contains("`sales` is this connector") && old.detail.contains("(risky-change)"),
        "{old:?}"
    );
    assert_eq!(old.release, None, "what releases the new one is said there");

    let mut suspended = free.clone();
    suspended.suspend = Some(Suspend { reason: "OPS-2".into(), until: None });
    for policy in [&policy, &Policy { risk: OnRisk::Warn, ..Policy::default() }] {
        let plan = planned(&want(&suspended), &is, policy);
        let held: Vec<_> = plan.held.iter().map(|held| (held.action.step.kind(), held.hold)).collect();
        let waits = Hold::Suspended;
        assert_eq!(held, [(StepKind::Delete, waits), (StepKind::Create, waits)], "{:?}", plan.steps);
        assert_eq!(plan.steps, [], "it is not stopped either");
    }

    let (mut desired, live) = cluster(&want(&free), &is);
    desired.unresolved = [(name("sales"), BTreeSet::new())].into();
    for policy in [&policy, &Policy { risk: OnRisk::Warn, ..Policy::default() }] {
        let plan = super::plan(&desired, &live, policy, NOW);
        assert_eq!(plan.steps, []);
        let [Held { action, hold, detail, release: None }] = plan.held.as_slice() else {
            panic!("{:?}", plan.held)
        };
        assert_eq!(
            (action.step.kind(), hold.name()),
            (StepKind::Delete, "too-many-deletes"),
            "no risk is taken"
        );
        assert!(detail.contains("its secrets are missing"), "{detail}");
    }
}

#[test]
fn an_old_one_stays_until_its_new_one_comes_also_where_the_new_name_does_no_harm() {
    let sink: Config = [
        ("connector.class", "FileStreamSink"),
        ("topics", "orders"),
        ("file", "/dev/null"),
        ("consumer.override.group.id", "orders"),
    ]
    .map(|(key, text)| (key, Value::new(key, text)))
    .into_iter()
    .collect();
    let is = [("orders", RunState::Running, sink.clone())];
    let mut new = running(sink, &[]);
    let want = |new: &DesiredConnector| [("orders", absent()), ("sales", new.clone())];
    let plan = planned(&want(&new), &is, &Policy::default());
    assert_eq!(steps(&plan), both(&["stop orders", "delete orders", "create sales"], &[]));
    new.suspend = Some(Suspend { reason: "OPS-3".into(), until: None });
    let plan = planned(&want(&new), &is, &Policy::default());
    assert_eq!((plan.steps.len(), plan.held.len()), (0, 2), "{:?}", plan.steps);
}

#[test]
fn an_old_one_that_two_new_ones_look_like_is_told_of_both() {
    let is = [("orders", RunState::Running, config("shop", "shop"))];
    let want = |answers: &[(&str, &str)]| {
        [
            ("orders", absent()),
            ("sales", running(config("shop", "shop"), answers)),
            ("shop", running(config("shop", "other"), &[])),
        ]
    };
    let plan = planned(&want(&[]), &is, &Policy::default());
    let Some(Held { detail, release: Some(release), .. }) =
        plan.held.iter().find(|held| held.action.step == Step::Delete)
    else {
        panic!("{:?}", plan.held)
    };
    for name in ["sales", "shop"] {
        assert!(detail.contains(&format!("the definition of `{name}`")), "{detail}");
        let lines = format!(
            "# `{name}`\nacknowledge: # the items alone, where the list is there already\n  - key: name\n    to: {name}\n"
        );
        assert!(release.contains(&lines), "{release}");
    }
    let plan = planned(&want(&[("name", "sales")]), &is, &Policy::default());
    let Some(Held { release: Some(release), .. }) =
        plan.held.iter().find(|held| held.action.step == Step::Delete)
    else {
        panic!("{:?}", plan.held)
    };
    assert!(release.starts_with("acknowledge:") && release.contains("to: shop\n"), "{release}");
    assert_eq!(
        steps(&plan),
        both(&[], &["delete orders", "create sales", "create shop"]),
        "the slot is read still"
    );
}

#[test]
fn none_of_two_new_ones_begins_beside_the_old_one_while_the_other_one_waits() {
    let is = |state| [("orders", state, config("shop", "shop"))];
    let answered = |slot: &str, name: &str| running(config("shop", slot), &[("name", name)]);
    let mut shop = running(config("shop", "other"), &[("name", "shop"), ("shared-topic-prefix", "sales")]);
    shop.suspend = Some(Suspend { reason: "OPS-2".into(), until: None });
    let want = |sales: DesiredConnector, shop: &DesiredConnector| {
        [("orders", absent()), ("sales", sales), ("shop", shop.clone())]
    };
    let held = |plan: &Plan| {
        let told = |held: &Held| (held.action.connector.as_str().to_owned(), held.hold);
        plan.held.iter().map(told).collect::<Vec<_>>()
    };
    let all = |hold| ["orders", "sales", "shop"].map(|name| (name.to_owned(), hold));
    let warns = Policy { risk: OnRisk::Warn, ..Policy::default() };
    for policy in [&Policy::default(), &warns] {
        let plan = planned(&want(answered("shop", "sales"), &shop), &is(RunState::Running), policy);
        assert_eq!((plan.steps.as_slice(), held(&plan).as_slice()), (&[][..], &all(Hold::Suspended)[..]));
        assert!(plan.held[1].detail.contains("`sales` begins when `orders` is gone"), "{:?}", plan.held[1]);
    }

    let (mut desired, live) = cluster(&want(answered("shop", "sales"), &shop), &is(RunState::Running));
    desired.unresolved = [(name("shop"), BTreeSet::new())].into();
    let plan = super::plan(&desired, &live, &Policy::default(), NOW);
    assert_eq!(steps(&plan), both(&[], &["create sales"]));

    let mut rests = answered("shop", "sales");
    rests.state = DesiredState::Stopped;
    let plan = planned(&want(rests, &shop), &is(RunState::Running), &Policy::default());
    assert_eq!(steps(&plan).0, ["create sales"], "that is how it is given the offsets");

    shop.suspend = None;
    let plan = planned(&want(answered("shop", "sales"), &shop), &is(RunState::Running), &Policy::default());
    assert!(plan.steps.iter().any(|action| action.step == Step::Delete), "both can come: {:?}", plan.held);
}

#[test]
fn an_old_one_stays_while_one_that_takes_its_place_waits_for_another_old_one() {
    let is = [
        ("audit", RunState::Running, config("shop", "audit")),
        ("orders", RunState::Running, config("shop", "shop")),
    ];
    let mut third = running(config("third", "shop"), &[("name", "third")]);
    third.suspend = Some(Suspend { reason: "OPS-2".into(), until: None });
    let sales = running(config("shop", "shop"), &[("name", "sales")]);
    let want = [("audit", absent()), ("orders", absent()), ("sales", sales), ("third", third)];
    let plan = planned(&want, &is, &Policy::default());
    assert_eq!(plan.steps, [], "`third` takes the slot of `orders`, `sales` the topics of both");
    let deletions = plan.held.iter().filter(|held| held.action.step == Step::Delete);
    assert_eq!(deletions.map(|held| held.action.connector.as_str()).collect::<Vec<_>>(), ["audit", "orders"]);
}

#[test]
fn an_old_one_at_rest_is_deleted_when_the_one_that_takes_its_place_was_made_and_not_refused() {
    let minutes = |minutes: i64| NOW + SignedDuration::from_mins(minutes);
    let answered = || ("sales", running(config("shop", "shop"), &[("name", "sales")]));
    let want = [("orders", absent()), answered()];
    let (old, new) = (("orders", config("shop", "shop")), ("sales", config("shop", "shop")));
    let (runs, rests) = ((old.0, RunState::Running, old.1.clone()), (old.0, RunState::Stopped, old.1));
    let mut history = History::with_grace(Duration::from_mins(10));
    let limits = RestartLimits { per_connector: None, at_once: 5 };
    let due = |history: &mut History, is: &[(&str, RunState, Config)], now| {
        let plan = planned(&want, is, &Policy::default());
        history.consider(&plan, now);
        let told = |action: &Action| format!("{} {}", action.step.kind().name(), action.connector);
        let due = history.due(&plan, limits, now).now;
        (due.iter().map(told).collect::<Vec<_>>(), due, plan.revision)
    };
    let at_once = due(&mut History::default(), std::slice::from_ref(&runs), minutes(0)).0;
    assert_eq!(at_once, ["stop orders", "delete orders", "create sales"], "one that runs goes first");
    let (told, steps, revision) = due(&mut history, &[runs], minutes(0));
    assert_eq!(told, ["stop orders", "create sales"]);
    history.note(&steps[0], Outcome::Converged, None, &revision, minutes(0));
    history.note(&steps[1], Outcome::Failed, Some(Class::Invalid), &revision, minutes(0));
    assert_eq!(due(&mut history, std::slice::from_ref(&rests), minutes(1)).0, [""; 0]);
    let (told, steps, _) = due(&mut history, std::slice::from_ref(&rests), minutes(11));
    assert_eq!(told, ["create sales"], "the grace is over, and the new one is tried first");
    history.note(&steps[0], Outcome::Failed, Some(Class::Invalid), &revision, minutes(11));
    assert_eq!(
        due(&mut history, std::slice::from_ref(&rests), minutes(12)).0,
        [""; 0],
        "nor while that rests"
    );
    let made = (new.0, RunState::Running, new.1);
    assert_eq!(due(&mut history, &[rests, made], minutes(20)).0, ["delete orders"]);
}

#[test]
fn no_new_name_begins_before_a_second_look_deletes_the_old_one() {
    let sink = |topics: &str| -> Config {
        let class = "io.confluent.connect.jdbc.JdbcSinkConnector";
        let url = "jdbc:postgresql://reports/shop";
        let pairs = [("connector.class", class), ("topics", topics), ("connection.url", url)];
        pairs.map(|(key, text)| (key, Value::new(key, text))).into_iter().collect()
    };
    let prune = Prune { who: Pruned::Owned, ..Prune::default() };
    let policy = Policy { prune, ..Policy::default() };
    let answer: &[_] = &[(crate::pipeline::scene::own::NAME, "sales")];
    for (was, will) in [
        (config("shop", "shop"), config("shop", "shop")),
        (sink("a,b"), sink("a,b")),
        (sink("a,b"), sink("a,b,c")),
    ] {
        let at = |text| (text, RunState::Running, config(text, text));
        let own = |text| (text, running(config(text, text), &[]));
        let is = [at("a"), at("b"), ("orders", RunState::Running, was)];
        let ours = Claim::Ours(Former { keep: false, source: "commit 4f1c2d9".into() });
        let mut known = Known { claims: [(name("orders"), ours)].into(), ..Known::default() };
        let (desired, live) = cluster(&[own("a"), own("b"), ("sales", running(will, answer))], &is);
        let first = plan_knowing(&desired, &live, &known, &policy, NOW);
        assert_eq!(steps(&first), both(&[], &["create sales"]), "{:?}", first.held);
        known.seen.insert(name("orders"));
        let second = plan_knowing(&desired, &live, &known, &policy, NOW);
        let (taken, held) = steps(&second);
        assert!(held.is_empty(), "{:?}", second.held);
        let [delete, create] =
            ["delete orders", "create sales"].map(|step| taken.iter().position(|one| one == step));
        assert!(delete.is_some() && delete < create, "{taken:?}");
    }
}
