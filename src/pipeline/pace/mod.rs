//! When to try again.
//!
//! Takes what became of earlier steps and the time, says which steps of a plan are due. The plan
//! itself never depends on the past; this memory does, and is lost with the process without harm.

mod grace;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::config::Value;
use crate::model::live::{Live, RunState, Status};
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Plan, Step, StepKind};
use crate::model::report::{Class, Outcome};
use crate::model::revision::Revision;
use crate::pipeline::pace::grace::{Graces, later};
use crate::pipeline::scene::own::NAME;

/// The longest rest between two tries, in minutes.
const LONGEST_REST: u64 = 60;

/// Seconds to wait for a database that is not there yet, try by try; the last one repeats.
const WAITS: [u64; 4] = [5, 10, 20, 30];

/// What bounds restarts of what failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartLimits {
    /// Restarts of one connector without a stable time between them; none is unlimited.
    pub per_connector: Option<u32>,
    /// Restarts in one cycle across the cluster.
    pub at_once: usize,
}

/// What became of earlier steps.
#[derive(Debug, Clone, Default)]
pub struct History {
    refusals: BTreeMap<ConnectorName, Refusal>,
    restarts: BTreeMap<ConnectorName, Restarts>,
    graces: Graces,
    /// When a plan was last considered: what was due then has been asked for.
    considered: Option<Timestamp>,
}

/// A step that did not succeed and is to be tried again later.
#[derive(Debug, Clone)]
struct Refusal {
    action: Action,
    revision: Revision,
    tries: u32,
    due: Timestamp,
    class: Class,
}

/// Restarts of a connector that has not been stable since.
#[derive(Debug, Clone)]
struct Restarts {
    count: u32,
    /// Restarts after which a database was still away; they keep their own pace.
    waits: u32,
    /// Whether the last look found the database away.
    is_away: bool,
    due: Timestamp,
    /// Since when it has been seen without a failure.
    well_since: Option<Timestamp>,
}

/// The steps that are due, and the ones that are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// To be taken now, in the order of the plan.
    pub now: Vec<Action>,
    /// Not yet, with the reason.
    pub later: Vec<(Action, Class)>,
}

impl History {
    /// A memory of nothing, where a connector rests for so long between its stop and its deletion.
    pub fn with_grace(grace: Duration) -> Self {
        Self { graces: Graces::of(grace), ..Self::default() }
    }

    /// Looks at a plan before its steps are asked for: how long what it deletes has been at rest.
    pub fn consider(&mut self, plan: &Plan, now: Timestamp) {
        self.graces.look(plan, now);
        self.considered = Some(now);
    }

    /// Takes note that another agent acts from now on: what rests before its deletion may run meanwhile.
    pub fn leave(&mut self) {
        self.graces.forget();
    }

    /// Says which steps of a plan are due.
    ///
    /// What stands behind a step that is not due waits with it: a connector that is to be resumed
    /// with a new config is not resumed with the old one.
    pub fn due(&self, plan: &Plan, limits: RestartLimits, now: Timestamp) -> Due {
        let mut due = Due { now: Vec::new(), later: Vec::new() };
        let mut restarts = 0;
        let mut stopped_by = BTreeMap::new();
        for action in &plan.steps {
            if let Some(class) = stopped_by.get(&action.connector) {
                due.later.push((action.clone(), *class));
                continue;
            }
            if action.is_before_deletion() && self.graces.passes(action) {
                due.later.push((action.clone(), Class::NotDue));
                continue;
            }
            let not_yet = match &action.step {
                Step::Delete => {
                    let rests = self.graces.holds(action, now) || is_awaited(plan, &action.connector);
                    rests.then_some(Class::NotDue).or_else(|| self.refused(action, &plan.revision, now))
                }
                Step::Restart { .. } => {
                    let allowed =
                        restarts < limits.at_once && self.may_restart(&action.connector, limits, now);
                    restarts += usize::from(allowed);
                    let is_away = self.restarts.get(&action.connector).is_some_and(|one| one.is_away);
                    let paced = (!allowed).then_some(if is_away { Class::Waiting } else { Class::NotDue });
                    paced.or_else(|| self.refused(action, &plan.revision, now))
                }
                Step::Create { .. }
                | Step::Configure { .. }
                | Step::Pause { .. }
                | Step::Resume { .. }
                | Step::Stop { .. } => self.refused(action, &plan.revision, now),
            };
            match not_yet {
                Some(class) => {
                    stopped_by.insert(&action.connector, class);
                    due.later.push((action.clone(), class));
                }
                None => due.now.push(action.clone()),
            }
        }
        due
    }

    fn refused(&self, action: &Action, revision: &Revision, now: Timestamp) -> Option<Class> {
        let refusal = self.refusals.get(&action.connector)?;
        let same = refusal.action == *action && refusal.revision == *revision;
        (same && now < refusal.due).then_some(match refusal.class {
            Class::Waiting => Class::Waiting,
            _ => Class::NotDue,
        })
    }

    fn may_restart(&self, connector: &ConnectorName, limits: RestartLimits, now: Timestamp) -> bool {
        self.restarts.get(connector).is_none_or(|restarts| {
            now >= restarts.due && limits.per_connector.is_none_or(|most| restarts.count < most)
        })
    }

    /// Remembers what became of a step.
    pub fn note(
        &mut self,
        action: &Action,
        outcome: Outcome,
        class: Option<Class>,
        revision: &Revision,
        now: Timestamp,
    ) {
        if action.is_before_deletion() && self.graces.note(action, outcome, class, now) {
            return;
        }
        // A connector that is there and waits for its database is restarted at the pace of waiting.
        let restarts = action.step.kind() == StepKind::Restart;
        if restarts && class == Some(Class::Unsupported) {
            // Nothing that failed was restarted: the next plan has another way, which is due at once.
            self.refuse(action, Class::Unsupported, revision, now);
            return;
        }
        if outcome == Outcome::Waiting || (restarts && outcome != Outcome::NotTaken) {
            self.note_restart(&action.connector, outcome == Outcome::Waiting, now);
        }
        if restarts {
            return;
        }
        match outcome {
            // A pause that went well says nothing of a config that was refused.
            Outcome::Converged => {
                let kind = action.step.kind();
                self.refusals
                    .retain(|name, refusal| *name != action.connector || refusal.action.step.kind() != kind);
            }
            Outcome::NotTaken => {}
            // Connect took it and it does not show, as with a failed connector that is to stop: nothing
            // is won by asking again at once.
            Outcome::Pending if class == Some(Class::TimedOut) => {
                self.refuse(action, Class::TimedOut, revision, now);
            }
            Outcome::Failed | Outcome::Waiting | Outcome::Pending => {
                let Some(class) = class.filter(|class| rests(*class)) else { return };
                self.refuse(action, class, revision, now);
            }
        }
    }

    fn note_restart(&mut self, connector: &ConnectorName, is_away: bool, now: Timestamp) {
        let restarts = self.restarts.entry(connector.clone()).or_insert(Restarts {
            count: 0,
            waits: 0,
            is_away,
            due: now,
            well_since: None,
        });
        restarts.is_away = is_away;
        let rest = if is_away {
            restarts.waits += 1;
            waiting(restarts.waits)
        } else {
            restarts.count += 1;
            growing(restarts.count)
        };
        restarts.due = later(now, rest);
        restarts.well_since = None;
    }

    fn refuse(&mut self, action: &Action, class: Class, revision: &Revision, now: Timestamp) {
        let again = self
            .refusals
            .get(&action.connector)
            .filter(|refusal| refusal.action == *action && refusal.revision == *revision);
        let tries = again.map_or(0, |refusal| refusal.tries) + 1;
        let refusal = Refusal {
            action: action.clone(),
            revision: revision.clone(),
            tries,
            due: later(now, rest(class, tries)),
            class,
        };
        self.refusals.insert(action.connector.clone(), refusal);
    }

    /// Looks at the cluster: a connector that has been well for as long as its next rest would be
    /// starts from the beginning, and one that is gone is forgotten.
    pub fn observe(&mut self, live: &Live, now: Timestamp) {
        self.refusals.retain(|name, refusal| {
            live.connectors.contains_key(name) || matches!(refusal.action.step, Step::Create { .. })
        });
        self.restarts.retain(|name, restarts| {
            let Some(connector) = live.connectors.get(name) else { return false };
            // Not knowing, and being between two states, is neither well nor ill.
            match connector.status.as_ref().map(Status::worst) {
                Some(RunState::Running | RunState::Paused | RunState::Stopped) => {}
                Some(RunState::Failed) => {
                    restarts.well_since = None;
                    return true;
                }
                Some(RunState::Unassigned | RunState::Restarting | RunState::Unknown) | None => return true,
            }
            let since = *restarts.well_since.get_or_insert(now);
            now < later(since, growing(restarts.count))
        });
    }

    /// When the next step that was put off comes due. What came due after the last plan was considered is still to be
    /// asked for, however long that turn took; what was due before, and was not taken, waits for another turn.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let asked = self.considered.unwrap_or(now);
        let refusals = self.refusals.values().map(|refusal| refusal.due);
        let restarts =
            self.restarts.values().filter(|one| one.well_since.is_none()).map(|restarts| restarts.due);
        refusals.chain(restarts).filter(|due| *due > asked).chain(self.graces.next_due(asked)).min()
    }

    /// Connectors with a step of this plan that is tried again later, and the class of what stops it.
    /// What an earlier plan wanted waits for nothing any more.
    pub fn put_off(&self, plan: &Plan) -> impl Iterator<Item = (&ConnectorName, Class)> {
        let refused = self
            .refusals
            .iter()
            .filter(|(_, refusal)| plan.revision == refusal.revision && plan.steps.contains(&refusal.action))
            .map(|(name, refusal)| (name, refusal.class));
        let restarts = self
            .restarts
            .iter()
            .filter(|(name, one)| {
                let restarts =
                    |action: &Action| action.step.kind() == StepKind::Restart && action.connector == **name;
                one.is_away && plan.steps.iter().any(restarts)
            })
            .map(|(name, _)| (name, Class::Waiting));
        refused.chain(restarts)
    }
}

/// Whether a connector that is a deleted one under another name is still to be made: Connect may refuse it, and with the old
/// one its offsets go. An old one that runs may be in its way, and goes first.
fn is_awaited(plan: &Plan, old: &ConnectorName) -> bool {
    let is_at_rest = !plan.steps.iter().any(|action| action.connector == *old && action.is_before_deletion());
    let names: Vec<_> = plan
        .risks
        .iter()
        .filter(|risk| risk.connector == *old && *risk.key == *NAME)
        .filter_map(|risk| risk.to.as_ref())
        .collect();
    let is_new = |action: &Action| {
        let name = Value::new(NAME, action.connector.as_str());
        action.step.kind() == StepKind::Create && names.iter().any(|to| to.same_text(&name))
    };
    is_at_rest && plan.steps.iter().any(is_new)
}

/// How long to rest after the n-th try in a row that failed so; none where it is tried again at once.
pub fn rest_after(class: Class, tries: u32) -> Option<Duration> {
    rests(class).then(|| rest(class, tries))
}

fn rest(class: Class, tries: u32) -> Duration {
    if class == Class::Waiting { waiting(tries) } else { growing(tries) }
}

/// Whether a failure of this class is tried again after a growing rest rather than at once.
fn rests(class: Class) -> bool {
    match class {
        Class::Invalid
        | Class::Waiting
        | Class::Denied
        | Class::Internal
        | Class::NotUnderstood
        // The next plan has another step; the same one again is no sooner known.
        | Class::Unsupported
        | Class::Exists => true,
        // The next cycle sees what is so and plans anew; a failed connector is restarted at its own pace.
        Class::NotLeader
        | Class::LeadInDoubt
        | Class::Rebalancing
        | Class::Starting
        | Class::Unreachable
        | Class::TimedOut
        | Class::NotFound
        | Class::Failed
        | Class::DataLost
        | Class::Superseded
        | Class::NotDue
        | Class::Canary
        | Class::AuthFailed
        | Class::RefMissing
        | Class::Unusable
        | Class::Unverified => false,
    }
}

/// The rest after the n-th try: n² + n minutes, at most an hour. Strimzi's pace, known to its users.
fn growing(tries: u32) -> Duration {
    let tries = u64::from(tries);
    Duration::from_secs(60 * tries.saturating_mul(tries.saturating_add(1)).min(LONGEST_REST))
}

fn waiting(tries: u32) -> Duration {
    let at = usize::try_from(tries).unwrap_or(usize::MAX).saturating_sub(1).min(WAITS.len() - 1);
    Duration::from_secs(WAITS[at])
}

#[cfg(test)]
mod tests;
