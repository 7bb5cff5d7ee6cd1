//! Plans of steps that have to do with other connectors: what is held, told and released.

use std::sync::Arc;

use super::*;
use crate::model::config::{Config, Value};
use crate::model::desired::Form;
use crate::model::finding::Place;
use crate::model::known::{Claim, Former};
use crate::model::live::{Kind, Status};
use crate::model::name::EnvironmentName;
use crate::model::plan::Held;
use crate::model::policy::{OnRisk, Prune, Pruned};
use crate::model::revision::{At, RepositoryName, RepositoryRevision, Revision};
use crate::model::risk::{Acknowledged, Standing};
use crate::model::select::Select;

pub const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub fn name(text: &str) -> ConnectorName {
    ConnectorName::new(text).expect("a name that the test chose")
}

/// A connector that reads one database, with this prefix and this slot.
pub fn config(prefix: &str, slot: &str) -> Config {
    [
        ("connector.class", "io.debezium.connector.postgresql.PostgresConnector"),
        ("database.hostname", "db"),
        ("database.dbname", "shop"),
        ("database.password", "hunter2"),
        ("topic.prefix", prefix),
        ("slot.name", slot),
    ]
    .map(|(key, text)| (key, Value::new(key, text)))
    .into_iter()
    .collect()
}

pub fn wanted(state: DesiredState, config: Config, answers: &[(&str, &str)]) -> DesiredConnector {
    let answer = |&(key, to): &(&str, &str)| Acknowledged {
        key: key.into(),
        to: Some(Value::new(key, to)),
        reason: "OPS-1".into(),
        place: Place::start_of("connectors/x.yaml"),
    };
    DesiredConnector {
        config,
        state,
        keep: false,
        acknowledged: answers.iter().map(answer).collect(),
        template: None,
        form: Form::Own,
        place: Place::start_of("connectors/x.yaml"),
        origins: BTreeMap::new(),
        suspend: None,
        lost: BTreeSet::new(),
    }
}

pub fn running(config: Config, answers: &[(&str, &str)]) -> DesiredConnector {
    wanted(DesiredState::Running, config, answers)
}

pub fn absent() -> DesiredConnector {
    wanted(DesiredState::Absent, Config::default(), &[])
}

pub fn cluster(want: &[(&str, DesiredConnector)], is: &[(&str, RunState, Config)]) -> (Desired, Live) {
    let at = At::Directory { path: Arc::from("definitions"), digest: 0 };
    let desired = Desired {
        revision: Revision::of(vec![RepositoryRevision { repository: RepositoryName::main(), at }]),
        environment: EnvironmentName::new("production").expect("a plain name"),
        connectors: want.iter().map(|(text, one)| (name(text), one.clone())).collect(),
        suspend: None,
        unresolved: BTreeMap::new(),
        forgotten: BTreeSet::new(),
        left_out: BTreeSet::new(),
        incomplete: Vec::new(),
    };
    let one = |(text, state, config): &(&str, RunState, Config)| {
        let status = Some(Status { state: *state, failure: None, tasks: Vec::new() });
        (name(text), LiveConnector { config: Some(config.clone()), kind: Kind::Source, status })
    };
    (desired, Live { connectors: is.iter().map(one).collect(), ..Live::default() })
}

pub fn planned(want: &[(&str, DesiredConnector)], is: &[(&str, RunState, Config)], policy: &Policy) -> Plan {
    let (desired, live) = cluster(want, is);
    plan(&desired, &live, policy, NOW)
}

pub fn steps(plan: &Plan) -> (Vec<String>, Vec<String>) {
    let told = |action: &Action| format!("{} {}", action.step.kind().name(), action.connector);
    let risky = plan.held.iter().filter(|held| held.hold == Hold::RiskyChange);
    (plan.steps.iter().map(told).collect(), risky.map(|held| told(&held.action)).collect())
}

pub fn both(steps: &[&str], held: &[&str]) -> (Vec<String>, Vec<String>) {
    let texts = |all: &[&str]| all.iter().map(ToString::to_string).collect();
    (texts(steps), texts(held))
}

#[test]
fn a_rename_waits_and_its_old_name_with_it_until_somebody_answers_for_the_new_one() {
    let is = [("orders", RunState::Running, config("shop", "shop"))];
    let unanswered = [("orders", absent()), ("sales", running(config("shop", "shop"), &[]))];
    let plan = planned(&unanswered, &is, &Policy::default());
    assert_eq!(steps(&plan), both(&[], &["delete orders", "create sales"]));
    let [gone, come] = plan.held.as_slice() else { panic!("{:?}", plan.held) };
    assert!(
        come.detail.starts_with("name (irreversible): This is `orders` under another name"),
        "{}",
        come.detail
    );
    assert!(come.detail.contains("curl -fsS -X PUT \"$CONNECT/connectors/orders/stop\""), "{}", come.detail);
    let lines = "acknowledge:\n  - key: name\n    to: sales\n    reason:";
    for held in [gone, come] {
        let release = held.release.as_deref().unwrap_or_default();
        let release: Vec<_> =
            release.lines().map(|line| line.split(" #").next().unwrap_or_default()).collect();
        assert!(release.join("\n").starts_with(lines), "{held:?}");
    }
    assert!(gone.detail.contains("the definition of `sales`"), "{}", gone.detail);
    assert!(!format!("{plan:?}").contains("hunter2"));

    let answered = running(config("shop", "shop"), &[("name", "sales")]);
    let plan = planned(&[("orders", absent()), ("sales", answered)], &is, &Policy::default());
    assert_eq!(steps(&plan), both(&["stop orders", "delete orders", "create sales"], &[]));
    let standing: Vec<_> = plan.risks.iter().map(|risk| risk.standing.clone()).collect();
    assert_eq!(standing, [Standing::Acknowledged("OPS-1".into()), Standing::Acknowledged("OPS-1".into())]);

    let other = running(config("shop", "shop"), &[("name", "other")]);
    let plan = planned(&[("orders", absent()), ("sales", other)], &is, &Policy::default());
    assert_eq!(steps(&plan).1.len(), 2, "another name is answered for");
}

#[test]
fn who_answered_for_a_name_answered_for_nothing_that_goes_with_it() {
    const MASK: &str = "column.mask.with.3.chars";
    let masked = || {
        let config = config("shop", "shop");
        config
            .iter()
            .map(|(key, value)| (key, value.clone()))
            .chain([(MASK, Value::new(MASK, "public.a.b"))])
            .collect()
    };
    let is = [("orders", RunState::Running, masked())];
    let answered = |answers: &[(&str, &str)]| {
        let mut sales = running(config("shop", "shop"), answers);
        let gone =
            Acknowledged { key: MASK.into(), to: None, reason: "OPS-2".into(), place: Place::start_of("x") };
        let plan = planned(&[("orders", absent()), ("sales", sales.clone())], &is, &Policy::default());
        sales.acknowledged.push(gone);
        (plan, planned(&[("orders", absent()), ("sales", sales)], &is, &Policy::default()))
    };
    let (name_alone, both_keys) = answered(&[("name", "sales")]);
    assert_eq!(steps(&name_alone), both(&[], &["delete orders", "create sales"]));
    let [gone, come] = name_alone.held.as_slice() else { panic!("{:?}", name_alone.held) };
    assert!(come.detail.starts_with(&format!("{MASK} (irreversible): Beside the name")), "{}", come.detail);
    assert!(
        gone.detail.contains("`sales` is this connector under another name, and waits itself"),
        "{}",
        gone.detail
    );
    assert_eq!(steps(&both_keys), both(&["stop orders", "delete orders", "create sales"], &[]));
    let (mask_open, mask_alone) = answered(&[]);
    assert_eq!(steps(&mask_open).1.len() + steps(&mask_alone).1.len(), 4, "both are asked for");
}

#[test]
fn a_rename_beside_a_live_one_that_nobody_declares_is_held_and_that_one_left_alone() {
    let is = [("orders", RunState::Running, config("shop", "shop"))];
    let plan = planned(&[("sales", running(config("shop", "shop"), &[]))], &is, &Policy::default());
    assert_eq!(steps(&plan), both(&[], &["create sales"]));
    assert_eq!(plan.unmanaged, [name("orders")]);
    let scoped =
        Policy { select: Select { include: vec!["sales".into()], exclude: vec![] }, ..Policy::default() };
    let plan = planned(&[("sales", running(config("shop", "shop"), &[]))], &is, &scoped);
    assert_eq!(steps(&plan), both(&["create sales"], &[]), "what is outside of the scope does not exist");
    let plan = planned(&[("sales", running(config("sales", "sales"), &[]))], &is, &Policy::default());
    assert_eq!(steps(&plan), both(&["create sales"], &[]));
}

#[test]
fn a_rename_says_of_the_old_one_what_this_plan_does_with_it() {
    let at = |text| (text, RunState::Running, config(text, text));
    let is = [at("a"), at("b"), ("orders", RunState::Running, config("shop", "shop"))];
    let own = |text| (text, running(config(text, text), &[]));
    let want = [own("a"), own("b"), ("sales", running(config("shop", "shop"), &[]))];
    let prune = Prune { who: Pruned::Owned, ..Prune::default() };
    let policy = Policy { prune, ..Policy::default() };
    let (desired, live) = cluster(&want, &is);
    let ours = Claim::Ours(Former { keep: false, source: "commit 4f1c2d9".into() });
    let mut known = Known { claims: [(name("orders"), ours)].into(), ..Known::default() };
    let plan = |known: &Known| plan_knowing(&desired, &live, known, &policy, NOW);
    let come = |plan: Plan| {
        let come = plan.held.into_iter().find(|held| held.action.step.kind() == StepKind::Create);
        come.map(|held| held.detail).unwrap_or_default()
    };
    let first = come(plan(&known));
    assert!(first.contains("`orders` is not deleted and goes on running"), "a second look decides: {first}");
    known.seen.insert(name("orders"));
    let second = plan(&known);
    assert_eq!(steps(&second), both(&[], &["delete orders", "create sales"]), "it is spared");
    let second = come(second);
    assert!(second.contains("This is `orders`") && !second.contains("goes on running"), "{second}");
}

#[test]
fn what_a_person_made_stopped_is_not_resumed_before_the_old_one_is_gone() {
    let made = ("sales", RunState::Stopped, config("shop", "shop"));
    let want = [("sales", running(config("shop", "shop"), &[]))];
    let old = ("orders", RunState::Stopped, config("shop", "shop"));
    let plan = planned(&want, &[old, made.clone()], &Policy::default());
    assert_eq!(steps(&plan), both(&[], &["resume sales"]));
    assert!(plan.held[0].release.is_some(), "{:?}", plan.held);
    let plan = planned(&want, &[made], &Policy::default());
    assert_eq!(steps(&plan), both(&["resume sales"], &[]));
}

#[test]
fn a_slot_of_another_one_is_held_with_the_key_and_both_its_reasons() {
    let is = [
        ("orders", RunState::Running, config("shop", "shop")),
        ("sales", RunState::Running, config("sales", "sales")),
    ];
    let want = |answers: &[(&str, &str)]| {
        [
            ("orders", running(config("shop", "shop"), &[])),
            ("sales", running(config("sales", "shop"), answers)),
        ]
    };
    let plan = planned(&want(&[]), &is, &Policy::default());
    assert_eq!(steps(&plan), both(&[], &["configure sales"]));
    let rows: Vec<_> = plan.risks.iter().map(|risk| &*risk.key).collect();
    assert_eq!(rows, ["shared-slot", "slot.name"]);
    let release = plan.held[0].release.as_deref().unwrap_or_default();
    for lines in ["key: shared-slot\n    to: orders", "key: slot.name\n    to: shop"] {
        assert_eq!(release.matches(lines).count(), 1, "{release}");
    }
    let plan = planned(&want(&[("slot.name", "shop")]), &is, &Policy::default());
    assert_eq!(
        steps(&plan),
        both(&[], &["configure sales"]),
        "another slot is one thing, whose it is another"
    );
    let plan = planned(&want(&[("slot.name", "shop"), ("shared-slot", "orders")]), &is, &Policy::default());
    assert_eq!(steps(&plan), both(&["configure sales"], &[]));
}

#[test]
fn who_answered_for_one_other_connector_answered_for_no_later_one() {
    let lives = |named: &'static str| (named, RunState::Running, config(named, "shop"));
    let sales = |answers: &[(&str, &str)]| ("sales", running(config("sales", "shop"), answers));
    let planned = |sales, is: &[&'static str]| {
        let others = is.iter().map(|&named| (named, running(config(named, "shop"), &[])));
        let is: Vec<_> = is.iter().map(|&named| lives(named)).collect();
        planned(&others.chain([sales]).collect::<Vec<_>>(), &is, &Policy::default())
    };
    let answered = [("slot.name", "shop"), ("shared-slot", "orders")];
    let plan = planned(sales(&answered), &["orders"]);
    assert_eq!(steps(&plan), both(&["create sales"], &[]));
    let plan = planned(sales(&answered), &["orders", "audit"]);
    assert_eq!(steps(&plan), both(&[], &["create sales"]));
    let [Held { action: _, hold: _, detail, release: Some(release) }] = plan.held.as_slice() else {
        panic!("{:?}", plan.held)
    };
    assert!(detail.starts_with("shared-slot (outage): `audit` has the same `slot.name`"), "{detail}");
    assert!(release.contains("to: audit") && !release.contains("to: orders"), "{release}");
    let plan = planned(sales(&[]), &["orders", "audit"]);
    let told: Vec<_> = plan.risks.iter().filter_map(|risk| risk.to.clone()).collect();
    assert_eq!(told, [Value::new("", "audit"), Value::new("", "orders")], "each is told");
    let both_of_them = [("shared-slot", "orders"), ("shared-slot", "audit")];
    let plan = planned(sales(&both_of_them), &["orders", "audit"]);
    assert_eq!(steps(&plan), both(&["create sales"], &[]));
}

#[test]
fn a_new_one_that_takes_what_another_one_has_is_held_and_the_rest_goes_on() {
    let is = [("orders", RunState::Running, config("shop", "shop"))];
    let want = [
        ("orders", running(config("shop", "shop"), &[])),
        ("own", running(config("own", "own"), &[])),
        ("sales", running(config("sales", "shop"), &[])),
    ];
    let plan = planned(&want, &is, &Policy::default());
    assert_eq!(steps(&plan), both(&["create own"], &["create sales"]));
    let warned = planned(&want, &is, &Policy { risk: OnRisk::Warn, ..Policy::default() });
    assert_eq!(steps(&warned), both(&["create own", "create sales"], &[]));
    assert_eq!(warned.risks.iter().map(|risk| &risk.standing).collect::<Vec<_>>(), [&Standing::Warned]);
}

#[test]
fn what_was_adopted_as_it_is_stays_as_it_is() {
    let is = [
        ("orders", RunState::Running, config("shop", "shop")),
        ("sales", RunState::Running, config("sales", "shop")),
    ];
    let want = |tasks: &str| {
        let mut tuned = config("sales", "shop");
        tuned.insert("max.batch.size", Value::new("max.batch.size", tasks));
        [("orders", running(config("shop", "shop"), &[])), ("sales", running(tuned, &[]))]
    };
    let plan = planned(&want("512"), &is, &Policy::default());
    assert_eq!(steps(&plan), both(&["configure sales"], &[]));
}
