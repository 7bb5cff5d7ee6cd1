//! Single facts about plans, and the laws that every plan keeps.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::capability::Version;
use crate::model::config::{Config, Value};
use crate::model::desired::Form;
use crate::model::finding::Place;
use crate::model::live::{Kind, Status, Task};
use crate::model::name::EnvironmentName;
use crate::model::policy::OnRisk;
use crate::model::revision::{At, RepositoryName, RepositoryRevision, Revision};
use crate::model::select::Select;

pub const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub fn name(text: &str) -> ConnectorName {
    ConnectorName::new(text).expect("a name that the test chose")
}

pub fn config(pairs: &[(&str, &str)]) -> Config {
    pairs.iter().map(|&(key, text)| (key, Value::new(key, text))).collect()
}

pub fn wanted(state: DesiredState, pairs: &[(&str, &str)]) -> DesiredConnector {
    DesiredConnector {
        config: config(pairs),
        state,
        keep: false,
        acknowledged: Vec::new(),
        template: None,
        form: Form::Own,
        place: Place::start_of("connectors/x.yaml"),
        origins: BTreeMap::new(),
        suspend: None,
        lost: BTreeSet::new(),
    }
}

pub fn desired(connectors: impl IntoIterator<Item = (ConnectorName, DesiredConnector)>) -> Desired {
    let at = At::Directory { path: Arc::from("definitions"), digest: 0 };
    Desired {
        revision: Revision::of(vec![RepositoryRevision { repository: RepositoryName::main(), at }]),
        environment: EnvironmentName::new("production").expect("a plain name"),
        connectors: connectors.into_iter().collect(),
        suspend: None,
        unresolved: BTreeMap::new(),
        forgotten: BTreeSet::new(),
        left_out: BTreeSet::new(),
        incomplete: Vec::new(),
    }
}

pub fn running(state: RunState, tasks: &[RunState], pairs: &[(&str, &str)]) -> LiveConnector {
    let task = |(id, &state): (u32, &RunState)| Task {
        id,
        state,
        failure: (state == RunState::Failed).then_some(Trouble::Other),
    };
    LiveConnector {
        config: Some(config(pairs)),
        kind: Kind::Source,
        status: Some(Status { state, failure: None, tasks: (0..).zip(tasks).map(task).collect() }),
    }
}

pub fn live(connectors: impl IntoIterator<Item = (ConnectorName, LiveConnector)>) -> Live {
    Live { connectors: connectors.into_iter().collect(), ..Live::default() }
}

pub fn policy() -> Policy {
    Policy::default()
}

/// One that holds nothing for what it may do to data: the laws about the way are of plans that are taken whole.
fn lenient() -> Policy {
    Policy { risk: OnRisk::Warn, ..policy() }
}

pub fn steps(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|action| {
            format!("{} {} ({})", action.step.kind().name(), action.connector, action.reason.name())
        })
        .collect()
}

fn plan_one(want: DesiredConnector, is: Option<LiveConnector>) -> Plan {
    plan(&desired([(name("orders"), want)]), &live(is.map(|is| (name("orders"), is))), &policy(), NOW)
}

#[test]
fn what_is_missing_is_created_in_the_state_it_should_have() {
    let plan = plan_one(wanted(DesiredState::Paused, &[("a", "1")]), None);
    assert_eq!(steps(&plan), ["create orders (missing)"]);
    let Step::Create { config: sent, initial } = &plan.steps[0].step else { panic!("a create") };
    assert_eq!((sent, *initial), (&config(&[("a", "1")]), Initial::At(Target::Paused)));
    assert_eq!(plan.sync[&name("orders")], Sync::Missing);
}

#[test]
fn what_is_equal_needs_nothing() {
    let is = running(RunState::Running, &[RunState::Running], &[("a", "1")]);
    let plan = plan_one(wanted(DesiredState::Running, &[("a", "1")]), Some(is));
    assert!(plan.is_empty());
    assert_eq!((plan.in_sync(), plan.sync[&name("orders")]), (1, Sync::Synced));
}

#[test]
fn pausing_comes_before_configuring_and_resuming_after() {
    let is = running(RunState::Running, &[RunState::Running], &[("a", "1")]);
    let pausing = plan_one(wanted(DesiredState::Paused, &[("a", "2")]), Some(is));
    assert_eq!(steps(&pausing), ["pause orders (wrong-state)", "configure orders (differs)"]);

    let is = running(RunState::Paused, &[RunState::Paused], &[("a", "1")]);
    let resuming = plan_one(wanted(DesiredState::Running, &[("a", "2")]), Some(is));
    assert_eq!(steps(&resuming), ["configure orders (differs)", "resume orders (wrong-state)"]);
}

#[test]
fn an_absent_connector_is_deleted_once() {
    let is = running(RunState::Running, &[], &[]);
    let plan = plan_one(wanted(DesiredState::Absent, &[]), Some(is));
    assert_eq!(steps(&plan), ["stop orders (absent)", "delete orders (absent)"]);
    assert!(plan_one(wanted(DesiredState::Absent, &[]), None).is_empty());
}

#[test]
fn an_undeclared_connector_is_listed_and_left_alone() {
    let is = running(RunState::Running, &[], &[]);
    let plan = plan(&desired([]), &live([(name("someone-elses"), is)]), &policy(), NOW);
    assert!(plan.is_empty());
    assert_eq!(plan.unmanaged, [name("someone-elses")]);
}

#[test]
fn a_failed_task_is_restarted_unless_history_is_gone_or_the_state_is_another() {
    let failed = || running(RunState::Running, &[RunState::Running, RunState::Failed], &[("a", "1")]);
    let restart = plan_one(wanted(DesiredState::Running, &[("a", "1")]), Some(failed()));
    assert_eq!(steps(&restart), ["restart orders (failed)"]);

    let mut lost = failed();
    lost.status.as_mut().expect("a status").tasks[1].failure = Some(Trouble::DataLost);
    assert!(plan_one(wanted(DesiredState::Running, &[("a", "1")]), Some(lost)).steps.is_empty());

    let paused = plan_one(wanted(DesiredState::Paused, &[("a", "1")]), Some(failed()));
    assert_eq!(steps(&paused), ["pause orders (wrong-state)"]);

    let failed_itself = running(RunState::Failed, &[], &[("a", "1")]);
    let stopped = plan_one(wanted(DesiredState::Stopped, &[("a", "1")]), Some(failed_itself));
    assert_eq!(steps(&stopped), ["stop orders (wrong-state)"], "its tasks, if any, must end");

    let mut never = policy();
    never.restart = false;
    let want = desired([(name("orders"), wanted(DesiredState::Running, &[("a", "1")]))]);
    assert!(plan(&want, &live([(name("orders"), failed())]), &never, NOW).steps.is_empty());
}

#[test]
fn a_state_that_says_nothing_of_what_was_asked_for_moves_nothing() {
    for state in [RunState::Unassigned, RunState::Restarting, RunState::Unknown, RunState::Failed] {
        let is = running(state, &[], &[("a", "1")]);
        let plan = plan_one(wanted(DesiredState::Paused, &[("a", "1")]), Some(is));
        assert_eq!(steps(&plan), [] as [&str; 0], "{state:?}");
    }
    let mut unknown = running(RunState::Running, &[], &[("a", "1")]);
    unknown.status = None;
    assert!(plan_one(wanted(DesiredState::Paused, &[("a", "1")]), Some(unknown)).steps.is_empty());
}

#[test]
fn a_config_that_could_not_be_read_is_unknown_and_not_drift() {
    let mut is = running(RunState::Running, &[], &[]);
    is.config = None;
    let plan = plan_one(wanted(DesiredState::Running, &[("a", "1")]), Some(is));
    assert!(plan.is_empty());
    assert_eq!((plan.in_sync(), plan.sync[&name("orders")]), (0, Sync::Unknown));
}

#[test]
fn what_is_outside_the_scope_does_not_exist() {
    let mut scoped = policy();
    scoped.select = Select { include: vec!["team-a-*".into()], exclude: vec![] };
    let want = desired([(name("team-b-x"), wanted(DesiredState::Running, &[]))]);
    let is = live([(name("team-b-y"), running(RunState::Running, &[], &[]))]);
    let plan = plan(&want, &is, &scoped, NOW);
    assert!(plan.is_empty() && plan.unmanaged.is_empty() && plan.sync.is_empty());
}

/// Plans for one connector on a Connect of a version.
fn plan_on(version: (u32, u32), want: DesiredConnector, is: Option<LiveConnector>) -> Plan {
    let version = Version { major: version.0, minor: version.1 };
    let mut live = live(is.map(|is| (name("orders"), is)));
    live.capabilities = Capabilities::of(version).said(&format!("{version}.1"));
    plan(&desired([(name("orders"), want)]), &live, &policy(), NOW)
}

fn warned(plan: &Plan) -> Vec<&'static str> {
    plan.warnings.iter().map(|warning| warning.lack.name()).collect()
}

#[test]
fn an_older_connect_gets_a_new_connector_into_its_state_with_a_second_request() {
    use DesiredState as Wanted;
    for (version, state, initial, warnings) in [
        ((3, 7), Wanted::Paused, Initial::At(Target::Paused), &[][..]),
        ((3, 7), Wanted::Stopped, Initial::At(Target::Stopped), &[]),
        ((3, 6), Wanted::Running, Initial::At(Target::Running), &[]),
        ((3, 6), Wanted::Paused, Initial::Then(Target::Paused), &["runs-first"]),
        ((3, 6), Wanted::Stopped, Initial::Then(Target::Stopped), &["runs-first"]),
        ((3, 4), Wanted::Stopped, Initial::Then(Target::Paused), &["paused-instead", "runs-first"]),
        ((2, 3), Wanted::Running, Initial::At(Target::Running), &[]),
    ] {
        let plan = plan_on(version, wanted(state, &[("a", "1")]), None);
        let Step::Create { config: _, initial: found } = &plan.steps[0].step else { panic!("a create") };
        assert_eq!((*found, warned(&plan).as_slice()), (initial, warnings), "{version:?} {state:?}");
        assert!(plan.warnings.iter().all(|one| one.connector == Some(name("orders"))), "{:?}", plan.warnings);
    }
}

#[test]
fn where_nothing_can_be_stopped_paused_is_in_sync() {
    let is = |state| Some(running(state, &[], &[("a", "1")]));
    let stopped = || wanted(DesiredState::Stopped, &[("a", "1")]);
    let paused = plan_on((3, 4), stopped(), is(RunState::Paused));
    assert!(paused.is_empty(), "{:?}", steps(&paused));
    assert_eq!((paused.in_sync(), warned(&paused)), (1, vec!["paused-instead"]));
    assert_eq!(
        paused.warnings[0].to_string(),
        "Connect 3.4.1 cannot stop a connector, 3.5 and newer can: it is paused instead, so its tasks stay where they are and \
         keep what they hold"
    );

    let runs = plan_on((3, 4), stopped(), is(RunState::Running));
    assert_eq!(steps(&runs), ["pause orders (wrong-state)"]);
    let failed = plan_on((3, 4), stopped(), is(RunState::Failed));
    assert_eq!(steps(&failed), [] as [&str; 0], "a failed one stays failed however often it is paused");
    let there = plan_on((3, 4), stopped(), is(RunState::Stopped));
    assert!(there.is_empty(), "it is newer than it was taken for, and stopped");

    let updated = plan_on((3, 5), stopped(), is(RunState::Paused));
    assert_eq!(steps(&updated), ["stop orders (wrong-state)"], "as it is declared, once that can be had");
}

#[test]
fn an_older_connect_is_told_which_tasks_to_restart() {
    let restart = |version, state, tasks: &[RunState]| {
        let is = running(state, tasks, &[("a", "1")]);
        let plan = plan_on(version, wanted(DesiredState::Running, &[("a", "1")]), Some(is));
        assert_eq!(plan.warnings, []);
        plan.steps.into_iter().map(|action| action.step).collect::<Vec<_>>()
    };
    let tasks = [RunState::Failed, RunState::Running, RunState::Failed];
    let in_one_call = Step::Restart { failed: Failed::InOneCall };
    assert_eq!(restart((3, 0), RunState::Running, &tasks), [in_one_call]);
    let one_by_one =
        |itself, tasks: &[u32]| [Step::Restart { failed: Failed::OneByOne { itself, tasks: tasks.into() } }];
    assert_eq!(restart((2, 8), RunState::Running, &tasks), one_by_one(false, &[0, 2]));
    assert_eq!(restart((2, 8), RunState::Failed, &[RunState::Running]), one_by_one(true, &[]));
    assert_eq!(restart((2, 8), RunState::Running, &[RunState::Running]), []);
}

#[test]
fn a_connect_that_nobody_knows_is_warned_of_once_and_taken_for_the_oldest() {
    let mut is = live([]);
    is.capabilities = Capabilities::unknown();
    let want = [("a", DesiredState::Running), ("b", DesiredState::Stopped)]
        .map(|(one, state)| (name(one), wanted(state, &[])));
    let plan = plan(&desired(want), &is, &policy(), NOW);
    assert_eq!(warned(&plan), ["unknown-version", "paused-instead", "runs-first"]);
    assert_eq!(plan.warnings[0].connector, None);
}

/// What the cluster is after every step was taken and had time to take effect.
fn after(live: &Live, plan: &Plan) -> Live {
    let mut live = live.clone();
    for Action { connector, step, reason: _ } in &plan.steps {
        let running = |state: RunState, tasks: usize| Status {
            state,
            failure: None,
            tasks: (0..tasks)
                .map(|id| Task { id: u32::try_from(id).expect("few tasks"), state, failure: None })
                .collect(),
        };
        let entry = live.connectors.get_mut(connector);
        match (step, entry) {
            (Step::Create { config, initial }, None) => {
                let (state, tasks) = match initial.target() {
                    Target::Running => (RunState::Running, 1),
                    Target::Paused => (RunState::Paused, 1),
                    Target::Stopped => (RunState::Stopped, 0),
                };
                let made = LiveConnector {
                    config: Some(config.clone()),
                    kind: Kind::Source,
                    status: Some(running(state, tasks)),
                };
                live.connectors.insert(connector.clone(), made);
            }
            (Step::Configure { config, changes: _ }, Some(entry)) => entry.config = Some(config.clone()),
            (Step::Pause { .. }, Some(entry)) => entry.status = Some(running(RunState::Paused, 1)),
            (Step::Resume { .. } | Step::Restart { .. }, Some(entry)) => {
                entry.status = Some(running(RunState::Running, 1));
            }
            (Step::Stop { .. }, Some(entry)) => entry.status = Some(running(RunState::Stopped, 0)),
            (Step::Delete, Some(_)) => {
                live.connectors.remove(connector);
            }
            (step, entry) => panic!("{:?} of a connector that is {entry:?}", step.kind()),
        }
    }
    live
}

fn any_config() -> impl Strategy<Value = Config> {
    let key = prop::sample::select(vec!["connector.class", "tasks.max", "topic", "database.password", "x"]);
    prop::collection::btree_map(key, "[a-c]{0,2}", 0..5)
        .prop_map(|pairs| pairs.iter().map(|(key, text)| (*key, Value::new(key, text))).collect())
}

pub fn any_name() -> impl Strategy<Value = ConnectorName> {
    prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(name)
}

pub fn any_desired() -> impl Strategy<Value = Desired> {
    let state = prop::sample::select(DesiredState::ALL.to_vec());
    let connector =
        (any_config(), state).prop_map(|(config, state)| DesiredConnector { config, ..wanted(state, &[]) });
    prop::collection::btree_map(any_name(), connector, 0..4).prop_map(desired)
}

pub fn any_live() -> impl Strategy<Value = Live> {
    let state = || prop::sample::select(RunState::ALL.to_vec());
    let status = (state(), prop::collection::vec(state(), 0..3));
    let connector = (any_config(), prop::option::of(status)).prop_map(|(config, status)| {
        let mut one = status.map_or_else(
            || LiveConnector { config: None, kind: Kind::Unknown, status: None },
            |(state, tasks)| running(state, &tasks, &[]),
        );
        one.config = Some(config);
        one
    });
    (prop::collection::btree_map(any_name(), connector, 0..4), any_capabilities())
        .prop_map(|(connectors, capabilities)| Live { capabilities, ..live(connectors) })
}

fn any_capabilities() -> impl Strategy<Value = Capabilities> {
    let versions = [(2, 3), (3, 0), (3, 5), (3, 7)].map(|(major, minor)| Version { major, minor });
    prop::sample::select(
        versions.map(Capabilities::of).into_iter().chain([Capabilities::unknown()]).collect::<Vec<_>>(),
    )
}

/// A cluster whose states say what was asked for, so that one cycle can suffice.
fn settled(mut live: Live) -> Live {
    for connector in live.connectors.values_mut() {
        let status = connector.status.take();
        let state = match status.as_ref().map(|status| status.state) {
            Some(RunState::Paused) => RunState::Paused,
            Some(RunState::Stopped) => RunState::Stopped,
            _ => RunState::Running,
        };
        connector.status = Some(Status { state, failure: None, tasks: Vec::new() });
    }
    live
}

proptest! {
    #[test]
    fn law_1_after_the_plan_every_declared_connector_is_as_desired(want in any_desired(), is in any_live()) {
        let is = settled(is);
        let then = after(&is, &plan(&want, &is, &lenient(), NOW));
        for (name, wanted) in &want.connectors {
            match (target(wanted.state), then.connectors.get(name)) {
                (None, found) => prop_assert!(found.is_none(), "{name} is still there"),
                (Some(_), None) => prop_assert!(false, "{name} is missing"),
                (Some(target), Some(found)) => {
                    prop_assert_eq!(Some(&wanted.config), found.config.as_ref());
                    let (nearest, _) = nearest(target, &is.capabilities);
                    let stays = found.status.as_ref().is_some_and(|status| status.state == RunState::Stopped);
                    prop_assert!(state_step(nearest, found).is_none() || (target == Target::Stopped && stays));
                }
            }
        }
    }

    #[test]
    fn law_2_after_the_plan_there_is_nothing_left_to_do(want in any_desired(), is in any_live()) {
        let is = settled(is);
        let then = after(&is, &plan(&want, &is, &lenient(), NOW));
        let rest = plan(&want, &then, &lenient(), NOW);
        prop_assert!(rest.steps.is_empty(), "{:?}", steps(&rest));
    }

    #[test]
    fn law_3_nothing_is_deleted_that_is_not_declared_absent(want in any_desired(), is in any_live()) {
        for action in plan(&want, &is, &policy(), NOW).steps {
            if action.step == Step::Delete {
                prop_assert_eq!(want.connectors[&action.connector].state, DesiredState::Absent);
            }
        }
    }

    #[test]
    fn law_4_equal_inputs_give_equal_plans_and_nothing_is_touched_that_is_not_declared(
        want in any_desired(), is in any_live(),
    ) {
        let first = plan(&want, &is, &policy(), NOW);
        prop_assert_eq!(&first, &plan(&want.clone(), &is.clone(), &policy(), NOW));
        for action in first.steps.iter().chain(first.held.iter().map(|held| &held.action)) {
            prop_assert!(want.connectors.contains_key(&action.connector));
        }
    }

    #[test]
    fn law_6_no_secret_occurs_in_a_plan(mut want in any_desired(), mut is in any_live()) {
        let secret = Value::new("database.password", "hunter2");
        for wanted in want.connectors.values_mut() {
            wanted.config.insert("database.password", secret.clone());
        }
        for one in is.connectors.values_mut().filter_map(|one| one.config.as_mut()) {
            one.insert("producer.override.sasl.jaas.config", secret.clone());
        }
        let printed = format!("{:?}", plan(&want, &is, &policy(), NOW));
        prop_assert!(!printed.contains("hunter2"));
    }
}
