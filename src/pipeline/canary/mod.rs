//! Which change of a template goes first, and when the others may follow.
//!
//! Takes the steps that are due, what is declared and what runs, whether offsets move, and what became of the changes
//! that were sent; says in which order the changes of one template go, and which of them may not go now. Where more
//! than one connector of a template is to be changed, one goes first, its *canary*, and the rest only when it is well.
//! Who was changed is remembered until the rollout has reached its end, through later revisions too: these hold others
//! back where they are not well, and are given back what they had without waiting for anybody. The memory is lost with
//! the process: whoever may have been changed before then holds the others back as well. Sending is left to
//! `reconcile`.

mod rollout;
pub mod sight;

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::desired::DesiredState;
use crate::model::ledger::Taken;
use crate::model::live::Live;
use crate::model::name::ConnectorName;
use crate::model::plan::Action;
use crate::model::report::StepResult;
use crate::model::revision::Revision;
use crate::model::rollout::Brake;
use crate::pipeline::canary::rollout::{Before, Rollout};
use crate::pipeline::canary::sight::{Sight, is_change};

/// The rollouts of one revision: where each template stands.
#[derive(Debug, Default)]
pub struct Rollouts {
    revision: Option<Revision>,
    templates: BTreeMap<Arc<str>, Rollout>,
    /// The connectors whose change is bound by the rollout of its template in this turn.
    bound: BTreeMap<ConnectorName, Bound>,
    /// Whether nobody else can have sent changes since it was last looked.
    is_alone: bool,
    /// The templates of which somebody else may have, and whose changes could not be looked at since: they were suspended,
    /// or nobody could tell what there is to change.
    unseen: BTreeSet<Arc<str>>,
}

/// A connector whose change is bound.
#[derive(Debug)]
struct Bound {
    template: Arc<str>,
    is_watched: bool,
    is_to_run: bool,
}

impl Rollouts {
    /// Puts the steps that are due in the order in which they may go: of the changes of one template those of
    /// connectors that run well come first. The places of other steps stay.
    pub fn order(&mut self, due: Vec<Action>, sight: &Sight<'_>, now: Timestamp) -> Vec<Action> {
        let revision = &sight.plan.revision;
        if self.revision.as_ref() != Some(revision) {
            let handed_on = |(template, rollout): (_, Rollout)| (template, rollout.handed_on());
            self.templates = mem::take(&mut self.templates).into_iter().map(handed_on).collect();
            self.revision = Some(revision.clone());
        }
        let is_alone = mem::replace(&mut self.is_alone, true);
        let changes = sight.changes();
        if !is_alone {
            self.unseen = sight.templates();
        }
        self.unseen.retain(|template| changes.contains_key(template) || sight.keeps_waiting(template));
        // Where nothing is left to change, the rollout is over, and the next difference begins another one. What is only
        // suspended, or cannot be told for a moment, is left.
        self.templates.retain(|template, rollout| {
            changes.contains_key(template) || (rollout.brake().is_some() && sight.keeps_waiting(template))
        });
        self.bound.clear();
        for (template, names) in changes {
            if names.len() < 2 && !self.templates.contains_key(&template) {
                continue;
            }
            let rollout = self.templates.entry(Arc::clone(&template)).or_default();
            if self.unseen.remove(&template) {
                rollout.take_up(&template, &names, sight);
            }
            rollout.look(&template, &names, sight, now);
            let bound = names.iter().filter(|name| !rollout.goes_back(name, sight));
            self.bound.extend(bound.map(|name| ((*name).clone(), Bound::new(&template, name, sight))));
        }
        self.sorted(due, sight.live)
    }

    /// Takes note that others may have sent changes, as where the lead is new.
    pub fn taken_up(&mut self) {
        self.is_alone = false;
    }

    /// Whether a step may be sent now, as far as the rollout of its template goes.
    pub fn may(&self, action: &Action) -> bool {
        self.of(action).is_none_or(|rollout| rollout.may(&action.connector))
    }

    /// Whether others wait until this one is seen to be well.
    pub fn goes_first(&self, action: &Action) -> bool {
        self.of(action).is_some_and(Rollout::is_unproven)
    }

    /// Takes note of what became of a step that was sent at a moment. `live` is what was seen before.
    pub fn note(&mut self, action: &Action, result: &StepResult, taken: Taken, live: &Live, sent: Timestamp) {
        let Some(bound) = self.bound.get(&action.connector).filter(|_| is_change(action)) else { return };
        let before = bound.before(&action.connector, live);
        if let Some(rollout) = self.templates.get_mut(&bound.template) {
            rollout.note(result, taken, &before, sent);
        }
        if taken != Taken::No {
            self.bound.remove(&action.connector);
        }
    }

    /// What holds changes back now, by template.
    pub fn brakes(&self) -> Vec<Brake> {
        let told = |(template, rollout): (&Arc<str>, &Rollout)| {
            let (by, why, since) = rollout.brake()?;
            let is_rest = |(name, one): &(&ConnectorName, &Bound)| one.template == *template && *name != by;
            let rest: BTreeSet<_> = self.bound.iter().filter(is_rest).map(|(name, _)| name.clone()).collect();
            let is_felt = !rest.is_empty() || self.bound.contains_key(by);
            is_felt.then(|| Brake { template: Arc::clone(template), by: by.clone(), why, since, rest })
        };
        self.templates.iter().filter_map(told).collect()
    }

    fn of(&self, action: &Action) -> Option<&Rollout> {
        let bound = self.bound.get(&action.connector).filter(|_| is_change(action))?;
        self.templates.get(&bound.template)
    }

    /// A change that proves nothing, since its connector does not run well now, goes after those that do.
    fn sorted(&self, due: Vec<Action>, live: &Live) -> Vec<Action> {
        let mut by_template: BTreeMap<Arc<str>, Vec<Action>> = BTreeMap::new();
        let mut places = Vec::new();
        for action in due {
            match self.bound.get(&action.connector).filter(|_| is_change(&action)) {
                Some(Bound { template, is_watched: _, is_to_run: _ }) => {
                    places.push(Err(Arc::clone(template)));
                    by_template.entry(Arc::clone(template)).or_default().push(action);
                }
                None => places.push(Ok(action)),
            }
        }
        let mut queues = BTreeMap::new();
        for (template, mut actions) in by_template {
            let canary = self.templates.get(&template).and_then(Rollout::canary);
            actions.sort_by_key(|Action { connector, .. }| {
                let is_canary = canary == Some(connector);
                let is_to_run = self.bound.get(connector).is_some_and(|bound| bound.is_to_run);
                (!is_canary, !sight::runs_well(connector, live), !is_to_run, connector.clone())
            });
            queues.insert(template, actions.into_iter());
        }
        places
            .into_iter()
            .filter_map(|place| match place {
                Ok(action) => Some(action),
                Err(template) => queues.get_mut(&template)?.next(),
            })
            .collect()
    }
}

impl Bound {
    fn new(template: &Arc<str>, connector: &ConnectorName, sight: &Sight<'_>) -> Self {
        let state = sight.desired.connectors.get(connector).map(|one| one.state);
        Self {
            template: Arc::clone(template),
            is_watched: sight.pulses.contains_key(connector),
            is_to_run: state == Some(DesiredState::Running),
        }
    }

    fn before(&self, connector: &ConnectorName, live: &Live) -> Before {
        Before {
            config: live.connectors.get(connector).and_then(|one| one.config.clone()),
            is_watched: self.is_watched,
            rests: sight::rests(connector, live),
            is_to_run: self.is_to_run,
        }
    }
}

#[cfg(test)]
mod story;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_ill;
