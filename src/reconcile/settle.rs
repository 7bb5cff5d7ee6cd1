//! Waiting until steps took effect.
//!
//! Takes steps that were sent, looks until each has converged, failed or used up its deadline. The
//! verdict on one look is `pipeline`'s; how often to look, and what two looks in a row mean, is
//! decided here.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use tracing::debug;

use crate::connect::Client;
use crate::connect::error::Error;
use crate::model::config::Config;
use crate::model::live::LiveConnector;
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Step};
use crate::model::report::{Class, Outcome};
use crate::model::revision::Revision;
use crate::pipeline::converge::{self, TaskConfigs, Verdict};
use crate::reconcile::interrupt::Interrupt;

/// The time between two looks at first; it doubles up to [`SLOWEST_LOOK`].
const FIRST_LOOK: Duration = Duration::from_millis(250);

/// The longest time between two looks.
const SLOWEST_LOOK: Duration = Duration::from_secs(2);

/// How long a look that must be confirmed has to stay the same.
const CONFIRM: Duration = Duration::from_secs(5);

/// Up to so many connectors are looked at one by one; more are read in one expanded read.
const FEW: usize = 2;

/// After so many looks in a row that nobody answered, the worker is gone, and the wait with it.
const SILENT: u32 = 3;

/// A step whose request was carried out, waiting to be seen.
pub struct Sent {
    /// The step.
    pub action: Action,
    /// When its first request was begun.
    pub began: Instant,
    /// When its request was carried out: its deadline runs from then, whatever was sent before and after it.
    pub at: Instant,
    /// The tasks' configs and the connector's config before it, for a configure.
    pub before: Option<(Vec<Config>, Config)>,
    /// Whether others wait until it is well: then it must stay so, for most of what fails does within seconds.
    pub goes_first: bool,
}

/// What a wait needs.
pub struct Wait<'a> {
    /// The cluster.
    pub client: &'a Client,
    /// The revision that the steps are for.
    pub revision: &'a Revision,
    /// How long to wait for a step to take effect.
    pub deadline: Duration,
    /// What ends the wait early.
    pub interrupt: &'a Interrupt,
}

/// A step that is still being looked at.
struct Watched {
    sent: Sent,
    /// When the first look may have been taken.
    since: Instant,
    /// What the last looks said, and since when they have said so.
    streak: Option<(Verdict, Instant)>,
}

/// How one wait ended.
pub struct Settled {
    /// The step.
    pub sent: Sent,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it did not converge.
    pub class: Option<Class>,
}

/// Looks until every step has ended.
pub async fn settle(wait: &Wait<'_>, sent: Vec<Sent>) -> Vec<Settled> {
    let mut ended = Vec::new();
    let since = Instant::now();
    let mut open: Vec<_> = sent.into_iter().map(|sent| Watched { sent, since, streak: None }).collect();
    let (mut rest, mut silent) = (FIRST_LOOK, 0);
    while !open.is_empty() {
        let later = async {
            tokio::time::sleep(rest).await;
            look(wait, &open).await
        };
        let (mut cut, looks) = tokio::select! {
            looks = later => (None, looks),
            () = wait.interrupt.superseded(wait.revision) => (Some(Class::Superseded), Err(Class::Superseded)),
        };
        silent = if looks.as_ref().is_err_and(|class| class.is_silent()) { silent + 1 } else { 0 };
        if silent >= SILENT {
            cut = Some(Class::Unreachable);
        }
        rest = (rest * 2).min(SLOWEST_LOOK);
        let mut still = Vec::new();
        for mut watched in open {
            let verdict = match &looks {
                Ok(looks) => tokio::select! {
                    verdict = judge(wait, &watched.sent, looks.get(&watched.sent.action.connector)) => verdict,
                    () = wait.interrupt.superseded(wait.revision) => {
                        cut = Some(Class::Superseded);
                        Verdict::NotYet
                    }
                },
                Err(_) => Verdict::NotYet,
            };
            match watched.end(verdict, wait.deadline, Instant::now()) {
                Some((outcome, class)) => ended.push(Settled { sent: watched.sent, outcome, class }),
                None if cut.is_some() => {
                    ended.push(Settled { sent: watched.sent, outcome: Outcome::Pending, class: cut });
                }
                None => still.push(watched),
            }
        }
        open = still;
    }
    ended
}

impl Watched {
    /// Says how the step ended, if this verdict ends it.
    fn end(
        &mut self,
        verdict: Verdict,
        deadline: Duration,
        now: Instant,
    ) -> Option<(Outcome, Option<Class>)> {
        let same = self.streak.filter(|(before, _)| *before == verdict);
        let (_, since) = *self.streak.insert(same.unwrap_or((verdict, now)));
        let confirmed = now.duration_since(since) >= CONFIRM;
        match verdict {
            Verdict::Converged if confirmed || !self.sent.goes_first => {
                return Some((Outcome::Converged, None));
            }
            Verdict::Well if confirmed => return Some((Outcome::Converged, None)),
            Verdict::Failing(Class::Waiting) if confirmed => {
                return Some((Outcome::Waiting, Some(Class::Waiting)));
            }
            Verdict::Failing(class) if confirmed => return Some((Outcome::Failed, Some(class))),
            Verdict::Converged | Verdict::Well | Verdict::Failing(_) | Verdict::NotYet => {}
        }
        // Where it took long until all of a group were sent, nobody looked meanwhile: what shows now may be confirmed.
        let is_shown = verdict != Verdict::NotYet && now.duration_since(self.since) < CONFIRM * 2;
        let is_over = now.duration_since(self.sent.at) >= deadline;
        (is_over && !is_shown).then_some((Outcome::Pending, Some(Class::TimedOut)))
    }
}

/// Looks at the connectors that are waited for, or says why the cluster could not be read.
async fn look(wait: &Wait<'_>, open: &[Watched]) -> Result<BTreeMap<ConnectorName, LiveConnector>, Class> {
    let failed = |error: Error| {
        debug!(error = &error as &dyn std::error::Error, "could not look while waiting");
        error.class()
    };
    if open.len() > FEW {
        return wait.client.live().await.map(|live| live.connectors).map_err(failed);
    }
    let mut looks = BTreeMap::new();
    for watched in open {
        let name = &watched.sent.action.connector;
        if let Some(live) = wait.client.look(name).await.map_err(failed)? {
            looks.insert(name.clone(), live);
        }
    }
    Ok(looks)
}

async fn judge(wait: &Wait<'_>, sent: &Sent, live: Option<&LiveConnector>) -> Verdict {
    let step = &sent.action.step;
    let (Step::Configure { .. }, Some((before, config_before))) = (step, &sent.before) else {
        return converge::judge(step, live, None);
    };
    match wait.client.task_configs(&sent.action.connector).await {
        Ok(now) => converge::judge(step, live, Some(TaskConfigs { before, now: &now, config_before })),
        Err(error) => {
            let (connector, error) = (&sent.action.connector, &error as &dyn std::error::Error);
            debug!(%connector, error, "could not read the tasks while waiting");
            Verdict::NotYet
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::{Initial, Reason, Target};

    const DEADLINE: Duration = Duration::from_mins(1);

    /// A creation that was begun, carried out and waited for at these seconds, and how it ended at the last of these
    /// looks, each at its second.
    fn ended(
        began: u64,
        sent: u64,
        waited: u64,
        looks: &[(u64, Verdict)],
    ) -> Option<(Outcome, Option<Class>)> {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let step = Step::Create { config: Config::default(), initial: Initial::At(Target::Running) };
        let connector = ConnectorName::observed("orders");
        let action = Action { connector, step, reason: Reason::Missing };
        let sent = Sent { action, began: at(began), at: at(sent), before: None, goes_first: false };
        let mut watched = Watched { sent, since: at(waited), streak: None };
        let ends = looks.iter().map(|(look, verdict)| watched.end(*verdict, DEADLINE, at(*look)));
        ends.last().flatten()
    }

    const LATE: Option<(Outcome, Option<Class>)> = Some((Outcome::Pending, Some(Class::TimedOut)));

    #[test]
    fn a_step_has_its_deadline_from_when_it_was_sent_and_not_from_when_it_was_begun() {
        for (look, expected) in [(65, None), (109, None), (110, LATE)] {
            assert_eq!(ended(0, 50, 52, &[(look, Verdict::NotYet)]), expected, "{look}");
        }
    }

    #[test]
    fn a_step_whose_deadline_went_by_while_the_rest_of_its_group_was_sent_is_looked_at_until_that_is_sure() {
        let failing = Verdict::Failing(Class::Failed);
        let failed = Some((Outcome::Failed, Some(Class::Failed)));
        assert_eq!(ended(0, 1, 100, &[(101, failing)]), None);
        assert_eq!(ended(0, 1, 100, &[(101, failing), (106, failing)]), failed);
        let flaps = [(101, failing), (104, Verdict::Well), (107, failing), (110, Verdict::Well)];
        assert_eq!(ended(0, 1, 100, &flaps), LATE);
        assert_eq!(ended(0, 1, 100, &[(101, Verdict::NotYet)]), LATE);
    }
}
