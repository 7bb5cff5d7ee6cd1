//! What is seen when it is judged whether the changes of a template may go on.
//!
//! Takes the plan, what is declared, what runs, whether offsets move and whose tasks are owed a restart; says which
//! connectors are to be changed, which have been, and which run well. What follows from it is left to `rollout`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::config::{Config, Value};
use crate::model::desired::{Desired, DesiredState};
use crate::model::live::{Live, RunState, Status, Trouble};
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Held, Hold, Plan, Step, StepKind, Sync};
use crate::model::pulse::Pulses;

/// What is seen when it is judged whether the changes of a template may go on.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The steps, those that are not due among them.
    pub plan: &'a Plan,
    /// What is declared.
    pub desired: &'a Desired,
    /// What runs.
    pub live: &'a Live,
    /// Whether offsets move, of the connectors that are watched.
    pub pulses: &'a Pulses,
    /// The connectors whose tasks may go on as before their change, until they are restarted.
    pub owed: &'a BTreeSet<ConnectorName>,
}

impl<'a> Sight<'a> {
    /// The connectors of each template that are to be changed, due or not.
    pub fn changes(&self) -> BTreeMap<Arc<str>, BTreeSet<&'a ConnectorName>> {
        let mut changes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for action in self.plan.steps.iter().filter(|action| is_change(action)) {
            let declared = self.desired.connectors.get(&action.connector);
            if let Some(template) = declared.and_then(|one| one.template.as_ref()) {
                changes.entry(Arc::clone(template)).or_default().insert(&action.connector);
            }
        }
        changes
    }

    /// Every template that a connector is declared from.
    pub fn templates(&self) -> BTreeSet<Arc<str>> {
        self.desired.connectors.values().filter_map(|one| one.template.clone()).collect()
    }

    /// Whether a change of a template is only suspended, or nobody can tell at this moment whether there is one.
    pub fn keeps_waiting(&self, template: &str) -> bool {
        let is_of = |name: &ConnectorName| {
            let declared = self.desired.connectors.get(name);
            declared.is_some_and(|one| one.template.as_deref() == Some(template))
        };
        let is_suspended = |held: &Held| held.hold == Hold::Suspended && is_change(&held.action);
        self.plan.held.iter().any(|held| is_suspended(held) && is_of(&held.action.connector))
            || self.plan.sync.iter().any(|(name, sync)| *sync == Sync::Unknown && is_of(name))
    }

    /// The connectors of a template that are there with their declared config, and are to run.
    pub fn changed(&self, template: &str) -> impl Iterator<Item = &'a ConnectorName> {
        let sync = &self.plan.sync;
        self.desired
            .connectors
            .iter()
            .filter(move |(_, one)| {
                one.template.as_deref() == Some(template) && one.state == DesiredState::Running
            })
            .filter(|(name, _)| matches!(sync.get(*name), Some(Sync::Synced | Sync::StateDrift)))
            .map(|(name, _)| name)
    }

    /// Those of them that may have got the change that others still wait for, where nobody remembers who did: it has
    /// something of what these are to get, and one that runs well and comes after it by name waits.
    pub fn perhaps_changed(
        &self,
        template: &str,
        waiting: &BTreeSet<&ConnectorName>,
    ) -> impl Iterator<Item = &'a ConnectorName> {
        let last = waiting.iter().rev().find(|name| runs_well(name, self.live)).copied();
        let wanted = self.wanted(waiting);
        let declared = &self.desired.connectors;
        self.changed(template).filter(move |name| {
            let is_passed = last.is_none_or(|last| *name < last);
            let may_have = |config| wanted.is_empty() || wanted.iter().any(|one| has(one, config));
            is_passed && declared.get(*name).is_some_and(|one| may_have(&one.config))
        })
    }

    /// What connectors are to get, by key: the value of each of those whose key is to change, none where it goes.
    fn wanted(&self, waiting: &BTreeSet<&ConnectorName>) -> BTreeMap<&'a str, Vec<Option<&'a Value>>> {
        let mut wanted: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for action in self.plan.steps.iter().filter(|action| waiting.contains(&action.connector)) {
            let Step::Configure { config, changes } = &action.step else { continue };
            for change in changes {
                wanted.entry(&change.key).or_default().push(config.get(&change.key));
            }
        }
        wanted
    }
}

/// Whether a config has what others are to get under a key. Where each of them gets another value, any will do.
fn has((key, wanted): (&&str, &Vec<Option<&Value>>), config: &Config) -> bool {
    let found = config.get(key);
    let is_one_for_all = wanted.len() > 1 && wanted.windows(2).all(|two| is_same(two[0], two[1]));
    wanted
        .iter()
        .any(|one| if is_one_for_all { is_same(*one, found) } else { one.is_some() == found.is_some() })
}

fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.same_text(other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Whether a step goes through a rollout.
pub fn is_change(action: &Action) -> bool {
    action.step.kind() == StepKind::Configure
}

/// Whether a connector and all its tasks run, and it has some.
pub fn runs_well(connector: &ConnectorName, live: &Live) -> bool {
    let status = live.connectors.get(connector).and_then(|one| one.status.as_ref());
    status.is_some_and(|status| {
        status.state == RunState::Running
            && !status.tasks.is_empty()
            && status.tasks.iter().all(|task| task.state == RunState::Running)
    })
}

/// Whether a connector was asked to rest: its config is kept, and runs nowhere.
pub fn rests(connector: &ConnectorName, live: &Live) -> bool {
    let status = live.connectors.get(connector).and_then(|one| one.status.as_ref());
    status.is_some_and(|status| matches!(status.state, RunState::Paused | RunState::Stopped))
}

/// Whether a connector or a task of it has failed.
pub fn has_failed(connector: &ConnectorName, live: &Live) -> bool {
    let status = live.connectors.get(connector).and_then(|one| one.status.as_ref());
    status.is_some_and(Status::has_failed)
}

/// Whether everything that failed of a connector says that its database is away.
pub fn is_away(status: &Status) -> bool {
    let mut troubles = status.troubles().peekable();
    troubles.peek().is_some() && troubles.all(|trouble| trouble == Trouble::Away)
}
