//! A cluster whose template changes, for the tests: what is declared, what runs, and what became of each change.

use std::time::Duration;

use super::*;
use crate::model::config::{Config, Value};
use crate::model::desired::DesiredConnector;
use crate::model::desired::{Desired, DesiredState, Form};
use crate::model::finding::Place;
use crate::model::live::{Kind, LiveConnector, Task};
use crate::model::live::{RunState, Status, Trouble};
use crate::model::name::EnvironmentName;
use crate::model::plan::{Change, ChangeKind, Mode, Reason, Step};
use crate::model::plan::{Plan, Sync};
use crate::model::pulse::Pulses;
use crate::model::report::{Class, Outcome};
use crate::model::revision::{At, RepositoryName, RepositoryRevision};
use crate::model::rollout::Why;

/// A cluster with connectors of the template `t`, of which some are to be changed.
pub(in crate::pipeline::canary) struct Story {
    pub(in crate::pipeline::canary) rollouts: Rollouts,
    pub(in crate::pipeline::canary) desired: Desired,
    pub(in crate::pipeline::canary) plan: Plan,
    pub(in crate::pipeline::canary) live: Live,
    pub(in crate::pipeline::canary) pulses: Pulses,
    pub(in crate::pipeline::canary) owed: BTreeSet<ConnectorName>,
}

pub(in crate::pipeline::canary) fn name(text: &str) -> ConnectorName {
    ConnectorName::observed(text)
}

pub(in crate::pipeline::canary) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

pub(in crate::pipeline::canary) fn revision(digest: u64) -> Revision {
    let at = At::Directory { path: "definitions".into(), digest };
    Revision::of(vec![RepositoryRevision { repository: RepositoryName::main(), at }])
}

pub(in crate::pipeline::canary) const KEY: &str = "batch.size";

/// A config with a value under the key that releases change.
pub(in crate::pipeline::canary) fn config(value: &str) -> Config {
    let mut config = Config::default();
    config.insert(KEY, Value::new(KEY, value));
    config
}

/// A change to what the first release brings.
pub(in crate::pipeline::canary) fn configure(connector: &str) -> Action {
    configure_to(connector, "2")
}

pub(in crate::pipeline::canary) fn configure_to(connector: &str, value: &str) -> Action {
    let kind = ChangeKind::Added { after: Value::new(KEY, value).shown() };
    let step = Step::Configure { config: config(value), changes: vec![Change { key: KEY.into(), kind }] };
    Action { connector: name(connector), step, reason: Reason::Differs }
}

pub(in crate::pipeline::canary) fn runs(state: RunState) -> LiveConnector {
    let failure = (state == RunState::Failed).then_some(Trouble::Other);
    let whole = if state == RunState::Paused { state } else { RunState::Running };
    let status = Status { state: whole, failure: None, tasks: vec![Task { id: 0, state, failure }] };
    LiveConnector { config: Some(config("1")), kind: Kind::Source, status: Some(status) }
}

impl Story {
    /// All of these are to be changed, and run.
    pub(in crate::pipeline::canary) fn of(names: &[&str]) -> Self {
        let declared = DesiredConnector {
            config: config("2"),
            state: DesiredState::Running,
            keep: false,
            acknowledged: Vec::new(),
            template: Some("t".into()),
            form: Form::Own,
            place: Place::start_of("connectors/a.yaml"),
            origins: BTreeMap::new(),
            suspend: None,
            lost: BTreeSet::new(),
        };
        let environment = EnvironmentName::new("production").expect("a plain name");
        let plan = Plan {
            revision: revision(1),
            environment: environment.clone(),
            mode: Mode::Enforce,
            steps: names.iter().map(|name| configure(name)).collect(),
            held: Vec::new(),
            risks: Vec::new(),
            unjudged: BTreeMap::new(),
            leaves: BTreeMap::new(),
            unverifiable: Vec::new(),
            unresolved: Vec::new(),
            unmanaged: Vec::new(),
            sync: names.iter().map(|one| (name(one), Sync::ConfigDrift)).collect(),
            warnings: Vec::new(),
            incomplete: Vec::new(),
        };
        let desired = Desired {
            revision: revision(1),
            environment,
            connectors: names.iter().map(|one| (name(one), declared.clone())).collect(),
            suspend: None,
            unresolved: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            left_out: BTreeSet::new(),
            incomplete: Vec::new(),
        };
        let connectors = names.iter().map(|one| (name(one), runs(RunState::Running))).collect();
        let live = Live { connectors, ..Live::default() };
        let rollouts = Rollouts { is_alone: true, ..Rollouts::default() };
        Self { rollouts, desired, plan, live, pulses: Pulses::new(), owed: BTreeSet::new() }
    }

    pub(in crate::pipeline::canary) fn is(&mut self, connector: &str, state: RunState) {
        let one = self.live.connectors.get_mut(&name(connector)).expect("it is there");
        one.status = runs(state).status;
    }

    /// It has its declared config.
    pub(in crate::pipeline::canary) fn has_new_config(&mut self, connector: &str) {
        let is_change = |action: &Action| action.connector == name(connector) && is_change(action);
        self.plan.steps.retain(|action| !is_change(action));
        self.plan.sync.insert(name(connector), Sync::Synced);
        let declared = self.desired.connectors.get(&name(connector)).expect("it is declared");
        let one = self.live.connectors.get_mut(&name(connector)).expect("it is there");
        one.config = Some(declared.config.clone());
    }

    pub(in crate::pipeline::canary) fn declares(&mut self, connector: &str) -> &mut DesiredConnector {
        self.desired.connectors.get_mut(&name(connector)).expect("it is declared")
    }

    /// Another revision gives each of these a value; what has another one is to be changed.
    pub(in crate::pipeline::canary) fn releases(&mut self, digest: u64, value: &str, names: &[&str]) {
        self.plan.revision = revision(digest);
        for one in names {
            self.declares(one).config = config(value);
        }
        let has = |one: &ConnectorName| self.live.connectors.get(one).and_then(|one| one.config.clone());
        let differs = |(one, declared): &(&ConnectorName, &DesiredConnector)| {
            has(one).as_ref() != Some(&declared.config)
        };
        let changed: Vec<_> =
            self.desired.connectors.iter().filter(differs).map(|(one, _)| one.to_string()).collect();
        self.plan.steps = changed.iter().map(|one| configure_to(one, value)).collect();
        let is_changed = |one: &ConnectorName| changed.contains(&one.to_string());
        for (one, sync) in &mut self.plan.sync {
            *sync = if is_changed(one) { Sync::ConfigDrift } else { Sync::Synced };
        }
    }

    /// Another process: nothing is remembered.
    pub(in crate::pipeline::canary) fn forget(&mut self) {
        self.rollouts = Rollouts::default();
    }

    /// Puts steps that are due at a moment in the order in which they may go.
    pub(in crate::pipeline::canary) fn order(&mut self, due: Vec<Action>, now: i64) -> Vec<Action> {
        let Self { rollouts, desired, plan, live, pulses, owed } = self;
        rollouts.order(due, &Sight { plan, desired, live, pulses, owed }, at(now))
    }

    /// Takes a turn at a moment in which each change ends as told, those not named well; gives who was changed or
    /// asked for.
    pub(in crate::pipeline::canary) fn turn(
        &mut self,
        now: i64,
        ends: &[(&str, Outcome, Option<Class>, Taken)],
    ) -> Vec<String> {
        let due = self.plan.steps.clone();
        let ordered = self.order(due, now);
        let mut sent = Vec::new();
        let mut behind = BTreeSet::new();
        for action in ordered {
            if !is_change(&action) {
                if behind.insert(action.connector.clone()) {
                    self.plan.steps.retain(|one| *one != action);
                    self.is(action.connector.as_str(), RunState::Running);
                }
                continue;
            }
            if !self.rollouts.may(&action) {
                behind.insert(action.connector);
                continue;
            }
            sent.push(action.connector.to_string());
            let end = ends.iter().find(|(one, ..)| name(one) == action.connector);
            let (outcome, class, taken) = end
                .map_or((Outcome::Converged, None, Taken::Yes), |(_, outcome, class, taken)| {
                    (*outcome, *class, *taken)
                });
            let (connector, step) = (action.connector.clone(), action.step.kind());
            let result = StepResult { connector, step, outcome, class, took: Duration::ZERO };
            self.rollouts.note(&action, &result, taken, &self.live, at(now));
            if taken != Taken::No {
                self.has_new_config(action.connector.as_str());
                let is_ill = sight::has_failed(&action.connector, &self.live);
                match outcome {
                    Outcome::Failed if class == Some(Class::Failed) => {
                        self.is(action.connector.as_str(), RunState::Failed);
                    }
                    Outcome::Converged if is_ill => self.is(action.connector.as_str(), RunState::Running),
                    _ => {}
                }
            }
        }
        sent
    }

    pub(in crate::pipeline::canary) fn why(&self) -> Option<(String, Why, usize)> {
        let brakes = self.rollouts.brakes();
        brakes.first().map(|brake| (brake.by.to_string(), brake.why, brake.rest.len()))
    }
}

pub(in crate::pipeline::canary) const BROKEN: (Outcome, Option<Class>, Taken) =
    (Outcome::Failed, Some(Class::Failed), Taken::Yes);
pub(in crate::pipeline::canary) const REFUSED: (Outcome, Option<Class>, Taken) =
    (Outcome::Failed, Some(Class::Invalid), Taken::No);
pub(in crate::pipeline::canary) const PENDING: (Outcome, Option<Class>, Taken) =
    (Outcome::Pending, Some(Class::TimedOut), Taken::Yes);
pub(in crate::pipeline::canary) const AWAY: (Outcome, Option<Class>, Taken) =
    (Outcome::Waiting, Some(Class::Waiting), Taken::No);

pub(in crate::pipeline::canary) fn ends(
    connector: &'static str,
    (outcome, class, taken): (Outcome, Option<Class>, Taken),
) -> (&'static str, Outcome, Option<Class>, Taken) {
    (connector, outcome, class, taken)
}
