//! Connectors whose tasks may go on as before a change, and are owed a restart.
//!
//! Takes note of steps that ended before their tasks were started anew: a newer revision came, the deadline was over, or
//! Connect could not say. Their config is equal afterwards, so no plan has a step for them; they are restarted in a later
//! turn that leads, one that is refused after a growing rest, as a step is. The memory is lost with the process: no task
//! tells which converter it runs. Where this is needed at all is said in `tasks`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use crate::model::config::Config;
use crate::model::desired::Desired;
use crate::model::ledger::Taken;
use crate::model::live::{Live, RunState};
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Plan, Step, Sync};
use crate::model::report::{Class, Outcome, StepResult};
use crate::model::revision::Revision;
use crate::pipeline::canary::sight::{Sight, is_change};
use crate::pipeline::pace;
use crate::reconcile::apply::Ended;
use crate::reconcile::audit::audit;
use crate::reconcile::hands::{Hands, ends_it};
use crate::reconcile::settle::{self, Sent, Settled, Wait};
use crate::reconcile::tasks::{self, Tasks};

/// How soon it is tried again where nothing says that it would end in the same way.
const REST: Duration = Duration::from_secs(10);

/// Who is owed a restart of its tasks.
#[derive(Debug, Default)]
pub struct Renewals {
    owed: BTreeMap<ConnectorName, Debt>,
    /// When to look again, where one of them can be had.
    next: Option<Duration>,
}

/// A change that passed the tasks of its connector by.
#[derive(Debug)]
struct Debt {
    action: Action,
    /// The configs of its tasks before it, where they could be read: others mean that Connect has started them anew.
    before: Option<Vec<Config>>,
    refused: Option<Refused>,
}

/// A restart that Connect refused: the next one would end in the same way.
#[derive(Debug)]
struct Refused {
    class: Class,
    tries: u32,
    /// The revision that was in force then: with another one it is tried at once.
    revision: Revision,
    due: Instant,
}

impl Renewals {
    /// Takes note of how a step for a revision ended.
    pub fn note(&mut self, ended: &Ended, revision: &Revision) {
        let Ended { action, result, taken, before, tasks } = ended;
        match tasks {
            Tasks::Owed if *taken != Taken::No => {
                let before = before.as_ref().map(|(tasks, _)| tasks.clone());
                let mut debt = Debt { action: action.clone(), before, refused: None };
                if result.outcome == Outcome::Failed {
                    debt.refuse(result.class, revision, Instant::now());
                }
                self.owed.insert(action.connector.clone(), debt);
            }
            Tasks::Renewed => {
                self.owed.remove(&action.connector);
            }
            Tasks::Owed | Tasks::Left => {}
        }
    }

    /// Whether nothing is left that a turn could do.
    pub fn is_done(&self) -> bool {
        self.next.is_none()
    }

    /// When to look again, where something is owed that can be had.
    pub fn look_after(&self) -> Option<Duration> {
        self.next
    }

    /// Who is owed a restart. Forgets those that are gone, and those without tasks: these are started anew anyway.
    pub fn owed(&mut self, desired: &Desired, live: &Live) -> BTreeSet<ConnectorName> {
        self.owed.retain(|name, _| {
            let live = live.connectors.get(name);
            let stands = |state| state != RunState::Stopped;
            let has_tasks = live.is_some_and(|one| one.status.as_ref().is_none_or(|it| stands(it.state)));
            has_tasks && desired.connectors.contains_key(name)
        });
        self.owed.keys().cloned().collect()
    }

    /// Those whose restart was refused, and why.
    pub fn refused(&self) -> impl Iterator<Item = (ConnectorName, Class)> {
        self.owed.iter().filter_map(|(name, debt)| Some((name.clone(), debt.refused.as_ref()?.class)))
    }

    /// Restarts the tasks of those that are owed it, have their declared config, had no step in this turn and `may` be
    /// written to; says how that ended, as a part of their change.
    pub async fn pay(
        &mut self,
        hands: &Hands<'_>,
        sight: &Sight<'_>,
        results: &[StepResult],
        may: impl Fn(&ConnectorName) -> bool,
    ) -> Vec<StepResult> {
        let is_step = |result: &&StepResult| result.outcome != Outcome::NotTaken;
        let busy: BTreeSet<_> = results.iter().filter(is_step).map(|result| &result.connector).collect();
        let can_be_had =
            |name: &&ConnectorName| may(name) && (busy.contains(name) || has_its_config(name, sight.plan));
        let open: Vec<_> = self.owed.keys().filter(can_be_had).cloned().collect();
        let mut is_over = results.iter().any(|result| result.class.is_some_and(ends_it));
        let (mut sent, mut ended) = (Vec::new(), Vec::new());
        for name in open.iter().filter(|name| !busy.contains(name)) {
            if is_over || hands.is_in_doubt() || hands.interrupt.supersedes(hands.revision) {
                break;
            }
            match self.restart(hands, name, sight.live).await {
                Ok(one) => sent.extend(one),
                Err(failed) => {
                    is_over = failed.class.is_some_and(ends_it);
                    ended.push(failed);
                }
            }
        }
        ended.extend(seen(hands, sent).await);
        let now = Instant::now();
        let debts = open.iter().filter_map(|name| self.owed.get(name));
        self.next =
            debts.map(|debt| debt.rests(hands.revision, now).map_or(REST, |rest| rest.max(REST))).min();
        ended
    }

    /// Restarts the tasks of one, where Connect did not; gives what is to be waited for.
    async fn restart(
        &mut self,
        hands: &Hands<'_>,
        name: &ConnectorName,
        live: &Live,
    ) -> Result<Option<Sent>, StepResult> {
        let Some(debt) = self.owed.get_mut(name) else { return Ok(None) };
        let (action, began) = (debt.action.clone(), Instant::now());
        let ended = |outcome, class| {
            let (connector, step, took) = (name.clone(), action.step.kind(), began.elapsed());
            Err(StepResult { connector, step, outcome, class: Some(class), took })
        };
        if debt.rests(hands.revision, began).is_some() {
            return ended(Outcome::NotTaken, Class::NotDue);
        }
        let in_one_call = live.capabilities.restarts_failed();
        match tasks::restart(hands, name, debt.before.as_deref(), in_one_call).await {
            Ok(restarted) => {
                self.owed.remove(name);
                let action = Action { step: as_it_is(&action.step, name, live), ..action };
                Ok(restarted.then_some(Sent { action, began, at: began, before: None, goes_first: false }))
            }
            Err(class @ (Class::NotLeader | Class::LeadInDoubt)) => ended(Outcome::NotTaken, class),
            Err(class) => {
                if debt.refuse(Some(class), hands.revision, Instant::now()) {
                    warn!(
                        connector = %name,
                        class = class.name(),
                        hint = "this agent tries again, more and more seldom, and at each release",
                        "tasks that go on as they were before a change could not be restarted"
                    );
                }
                ended(Outcome::Failed, class)
            }
        }
    }
}

impl Debt {
    /// Takes note that a try ended so, with a revision in force; says whether that is another refusal than before.
    fn refuse(&mut self, class: Option<Class>, revision: &Revision, now: Instant) -> bool {
        let before = self.refused.take();
        let is_same = |before: &Refused| Some(before.class) == class;
        let again = |before: &Refused| is_same(before) && before.revision == *revision;
        let tries = 1 + before.as_ref().filter(|before| again(before)).map_or(0, |before| before.tries);
        let rest = class.and_then(|class| Some((class, pace::rest_after(class, tries)?)));
        let refused = |(class, rest)| Refused { class, tries, revision: revision.clone(), due: now + rest };
        self.refused = rest.map(refused);
        self.refused.is_some() && !before.as_ref().is_some_and(is_same)
    }

    /// How long it is left alone while a revision is in force, where it was refused.
    fn rests(&self, revision: &Revision, now: Instant) -> Option<Duration> {
        let refused = self.refused.as_ref().filter(|refused| refused.revision == *revision)?;
        refused.due.checked_duration_since(now).filter(|rest| !rest.is_zero())
    }
}

/// Whether a connector has its declared config, so that the restart is all that is left of its change. One that is held,
/// or is to be changed once more, waits for that.
fn has_its_config(name: &ConnectorName, plan: &Plan) -> bool {
    let is_held = plan.held.iter().any(|held| held.action.connector == *name);
    let is_changed = plan.steps.iter().any(|action| action.connector == *name && is_change(action));
    !is_held && !is_changed && matches!(plan.sync.get(name), Some(Sync::Synced | Sync::StateDrift))
}

/// The change, with the config that is there: a later one may have gone on top of it.
fn as_it_is(step: &Step, name: &ConnectorName, live: &Live) -> Step {
    let config = live.connectors.get(name).and_then(|one| one.config.clone());
    match (step, config) {
        (Step::Configure { config: _, changes }, Some(config)) => {
            Step::Configure { config, changes: changes.clone() }
        }
        (step, _) => step.clone(),
    }
}

/// Waits until what was restarted runs, and tells it.
async fn seen(hands: &Hands<'_>, sent: Vec<Sent>) -> Vec<StepResult> {
    let Hands { client, writer: _, revision, risks: _, deadline, interrupt } = hands;
    let wait = Wait { client, revision, deadline: *deadline, interrupt };
    let settled = settle::settle(&wait, sent).await;
    let told = settled.into_iter().map(|Settled { sent, outcome, class }| {
        let Sent { action, began, at: _, before: _, goes_first: _ } = sent;
        audit(&action, outcome, class, revision, None);
        let (step, took) = (action.step.kind(), began.elapsed());
        StepResult { connector: action.connector, step, outcome, class, took }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::{Failed, Reason};
    use crate::model::revision::{At, RepositoryName, RepositoryRevision};

    fn revision(digest: u64) -> Revision {
        let at = At::Directory { path: "definitions".into(), digest };
        Revision::of(vec![RepositoryRevision { repository: RepositoryName::main(), at }])
    }

    fn debt() -> Debt {
        let (connector, step) =
            (ConnectorName::observed("orders"), Step::Restart { failed: Failed::InOneCall });
        let action = Action { connector, step, reason: Reason::Differs };
        Debt { action, before: None, refused: None }
    }

    #[test]
    fn what_connect_refuses_rests_longer_each_time_and_is_news_once() {
        let (mut debt, mut now) = (debt(), Instant::now());
        for (tries, minutes) in [2, 6, 12, 20, 30, 42, 56, 60, 60].into_iter().enumerate() {
            assert_eq!(debt.refuse(Some(Class::Internal), &revision(1), now), tries == 0);
            let rest = Duration::from_mins(minutes);
            assert_eq!(debt.rests(&revision(1), now), Some(rest));
            assert_eq!(debt.rests(&revision(2), now), None, "at the next revision it is tried at once");
            now += rest;
            assert_eq!(debt.rests(&revision(1), now), None);
        }
        assert!(!debt.refuse(Some(Class::Internal), &revision(2), now), "it was told");
        assert_eq!(debt.rests(&revision(2), now), Some(Duration::from_mins(2)));
        assert!(debt.refuse(Some(Class::Denied), &revision(2), now), "it is another refusal");
        assert_eq!(debt.rests(&revision(2), now), Some(Duration::from_mins(2)));
    }

    #[test]
    fn what_came_between_rests_for_a_moment_only() {
        for class in [Class::Rebalancing, Class::Unreachable, Class::TimedOut, Class::Failed] {
            let (mut debt, now) = (debt(), Instant::now());
            assert!(!debt.refuse(Some(class), &revision(1), now), "{class}");
            assert_eq!(debt.rests(&revision(1), now), None, "{class}");
        }
    }
}
