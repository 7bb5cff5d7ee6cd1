//! Starts tasks anew that would go on as before a change.
//!
//! Takes a change that took effect. Before KAFKA-9228 was mended, Connect started a task anew only where the task's own
//! config became another one: a converter, a transform or a client's setting reached nobody. There the tasks are
//! restarted and waited for as a part of the step. Whether that is so is said in `pipeline::converge`. What becomes of
//! the tasks where the step ended before that is left to `renewals`.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use crate::connect::error::Error;
use crate::connect::{Leadership, Writer};
use crate::model::config::Config;
use crate::model::live::Live;
use crate::model::name::ConnectorName;
use crate::model::plan::Step;
use crate::model::report::{Class, Outcome};
use crate::pipeline::converge;
use crate::reconcile::hands::{Hands, undoubted};
use crate::reconcile::settle::{self, Sent, Settled, Wait};

/// The rest before a restart is asked for again that Connect could not take.
const REST: Duration = Duration::from_secs(1);

/// What became of the tasks in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tasks {
    /// Connect sees to them.
    Left,
    /// They were started anew after the change.
    Renewed,
    /// They may go on as they were before it.
    Owed,
}

/// Whether a step, once it was carried out, leaves tasks as they were on this Connect.
pub fn may_pass_by(step: &Step, live: &Live) -> bool {
    match step {
        Step::Configure { config: _, changes } => {
            !live.capabilities.notices_what_tasks_do_not_show() && converge::is_around_tasks(changes)
        }
        Step::Create { .. }
        | Step::Pause { .. }
        | Step::Resume { .. }
        | Step::Stop { .. }
        | Step::Restart { .. }
        | Step::Delete => false,
    }
}

/// Restarts the tasks of a connector whose change took effect and passed them by; waits until they run.
pub async fn renew(hands: &Hands<'_>, wait: &Wait<'_>, settled: Settled, live: &Live) -> (Settled, Tasks) {
    let Settled { sent, outcome, class } = settled;
    if !may_pass_by(&sent.action.step, live) {
        return (Settled { sent, outcome, class }, Tasks::Left);
    }
    if outcome != Outcome::Converged {
        return (Settled { sent, outcome, class }, Tasks::Owed);
    }
    let before = sent.before.as_ref().map(|(tasks, _)| tasks.as_slice());
    let in_one_call = live.capabilities.restarts_failed();
    match restart(hands, &sent.action.connector, before, in_one_call).await {
        Ok(false) => (Settled { sent, outcome, class }, Tasks::Renewed),
        Ok(true) => {
            let began = sent.began;
            let now = Instant::now();
            let again = Sent { began: now, at: now, before: None, ..sent };
            let mut ended = settle::settle(wait, vec![again]).await;
            let Settled { sent, outcome, class } = ended.pop().expect("a step that was sent ends");
            (Settled { sent: Sent { began, ..sent }, outcome, class }, Tasks::Renewed)
        }
        // The next turn asks who leads, and restarts them then.
        Err(Class::LeadInDoubt) => {
            (Settled { sent, outcome: Outcome::Pending, class: Some(Class::LeadInDoubt) }, Tasks::Owed)
        }
        Err(class) => {
            warn!(
                connector = %sent.action.connector,
                class = class.name(),
                hint = "this agent tries again while it runs; where it ends before, restart its tasks by hand",
                "this Connect leaves tasks running as they were after such a change, and they could not be restarted"
            );
            (Settled { sent, outcome: Outcome::Failed, class: Some(class) }, Tasks::Owed)
        }
    }
}

/// Restarts the tasks unless Connect did; says whether it was needed.
pub async fn restart(
    hands: &Hands<'_>,
    connector: &ConnectorName,
    before: Option<&[Config]>,
    in_one_call: bool,
) -> Result<bool, Class> {
    let began = Instant::now();
    loop {
        let tried = hands.interrupt.unless_ending(once(hands, connector, before, in_one_call)).await;
        match tried.ok_or(Class::Superseded)? {
            Ok(restarted) => return Ok(restarted),
            Err(Tried::Left(class)) => return Err(class),
            Err(Tried::Failed(error)) => {
                let class = error.class();
                if class != Class::Rebalancing || began.elapsed() + REST > hands.deadline {
                    return Err(class);
                }
            }
        }
        tokio::time::sleep(REST).await;
    }
}

/// Why the tasks were not restarted.
enum Tried {
    /// Another one leads, or may have led.
    Left(Class),
    Failed(Error),
}

async fn once(
    hands: &Hands<'_>,
    connector: &ConnectorName,
    before: Option<&[Config]>,
    in_one_call: bool,
) -> Result<bool, Tried> {
    let now = hands.client.task_configs(connector).await.map_err(Tried::Failed)?;
    if before.is_some_and(|before| !converge::are_tasks_as_before(before, &now)) {
        return Ok(false);
    }
    // The restart of one task is taken by any worker.
    if !in_one_call && hands.writer == Writer::Leader {
        match hands.client.probe().await.map_err(Tried::Failed)? {
            Leadership::Leads => {}
            Leadership::Follows => return Err(Tried::Left(Class::NotLeader)),
        }
    }
    // It was waited for long, and what was asked just now may have ended a silence.
    undoubted(hands).map_err(|missed| Tried::Left(missed.class))?;
    info!(%connector, "this Connect leaves tasks running as they were after such a change; restarting them");
    hands.client.restart_tasks(connector, now.len(), in_one_call).await.map_err(Tried::Failed)?;
    Ok(true)
}
