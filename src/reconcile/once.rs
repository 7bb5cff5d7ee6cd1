//! Apply once: act until the cluster equals the repository, or time is up.
//!
//! Takes desired connectors and a reconciler that writes; gives how it ended. What a person is
//! asked before, and what they are shown, is left to the command line.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{Instrument, info_span};

use crate::model::desired::Desired;
use crate::model::plan::{Action, Plan, Step, StepKind};
use crate::model::report::{Class, Outcome, StepResult};
use crate::reconcile::board::Board;
use crate::reconcile::cycle::Reconciler;
use crate::reconcile::interrupt::Interrupt;
use crate::reconcile::turn::{End, Hand, Turn};
use crate::reconcile::verdict::may_pass;

/// The rest between two turns where nothing says when the next one is due.
const REST: Duration = Duration::from_secs(2);

/// How an apply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The cluster equals the repository, but for what is held and what lacks a secret.
    Converged,
    /// A step failed in a way that waiting does not mend.
    Failed,
    /// Time was up, or the agent was told to end, with something still to be done.
    Unfinished,
}

/// Acts turn by turn until nothing is left to do, something failed for good, or time is up. A turn in which time is up
/// ends as if the agent were told to end: nothing new is begun, and a request that is open is given a moment.
///
/// Every result of every turn is handed to `tell` as it comes, however the turn ended.
pub async fn once(
    reconciler: &mut Reconciler,
    desired: &Arc<Desired>,
    board: &Board,
    interrupt: &Interrupt,
    timeout: Duration,
    tell: impl FnMut(&[StepResult]),
) -> Ended {
    let deadline = Instant::now() + timeout;
    let (end, ending) = watch::channel(false);
    let limited = interrupt.ended_by(ending);
    // Its end is no end of the turns: these have to say what became of the request in hand.
    let clock = async {
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => {}
            () = interrupt.ending() => {}
        }
        end.send_replace(true);
        std::future::pending().await
    };
    let watch = reconciler.watch();
    // What is changed is looked at while others wait for it. Its end is no end of the turns either.
    let watching = async {
        watch.run(board, &limited).await;
        std::future::pending().await
    };
    tokio::select! {
        ended = turns(reconciler, desired, board, &limited, tell) => ended,
        ended = clock => ended,
        ended = watching => ended,
    }
}

async fn turns(
    reconciler: &mut Reconciler,
    desired: &Arc<Desired>,
    board: &Board,
    interrupt: &Interrupt,
    mut tell: impl FnMut(&[StepResult]),
) -> Ended {
    let mut failed = false;
    // What ended since the last plan: only the next one says whether a failure matters.
    let mut ended = Vec::new();
    loop {
        let span = info_span!("cycle");
        let hand = Hand::ResolvedAt(Instant::now());
        let Turn { end, results } = reconciler.turn(desired, hand, board, interrupt).instrument(span).await;
        tell(&results);
        if interrupt.is_ending() {
            return Ended::Unfinished;
        }
        let may_go_on = results.iter().any(may_pass);
        ended.extend(results);
        if matches!(end, End::Looked | End::Unsettled) {
            let (plan, stopped) = board.read(|report| {
                let cluster = &report.cluster;
                let stopped = cluster.rollouts.iter().any(|brake| brake.why.is_stop());
                (cluster.plan.clone(), stopped)
            });
            let plan = plan.as_deref();
            let is_equal = plan.is_none_or(|plan| plan.steps.is_empty() && !plan.is_in_doubt());
            if is_equal && !reconciler.has_seen_all() {
                let late = reconciler.wait_for_unseen(&desired.revision, interrupt).await;
                tell(&late);
                ended.extend(late);
            }
            let fails = |result: StepResult| for_good(&result) && !is_on_the_way(&result, plan);
            failed |= stopped || ended.drain(..).any(fails);
            // A step that failed never stops the others: what a silent worker was not asked comes first.
            if failed && !may_go_on {
                return Ended::Failed;
            }
            if is_equal && reconciler.until_next_look().is_none() && reconciler.has_seen_all() {
                return Ended::Converged;
            }
        }
        let due = reconciler.until_due().into_iter().chain(reconciler.until_next_look()).min();
        let rest = due.filter(|_| end == End::Looked).unwrap_or(REST);
        if interrupt.unless_ending(tokio::time::sleep(rest)).await.is_none() {
            return Ended::Unfinished;
        }
    }
}

/// Whether a connector that did not stop is deleted all the same.
fn is_on_the_way(result: &StepResult, plan: Option<&Plan>) -> bool {
    let stops = matches!(result.step, StepKind::Stop | StepKind::Pause);
    let deletes = |action: &Action| action.step == Step::Delete && action.connector == result.connector;
    stops && plan.is_some_and(|plan| plan.steps.iter().any(deletes))
}

/// Whether a step failed in a way that the same config will fail again.
fn for_good(result: &StepResult) -> bool {
    let Some(class) = result.class else { return false };
    result.outcome == Outcome::Failed
        && match class {
            Class::Invalid
            | Class::Denied
            | Class::Failed
            | Class::DataLost
            | Class::NotUnderstood
            | Class::Internal => true,
            Class::NotLeader
            | Class::LeadInDoubt
            | Class::Rebalancing
            | Class::Starting
            | Class::Unreachable
            | Class::TimedOut
            | Class::Exists
            | Class::NotFound
            | Class::Waiting
            // The next turn has another way.
            | Class::Unsupported
            | Class::Superseded
            | Class::NotDue
            | Class::Canary
            | Class::AuthFailed
            | Class::RefMissing
            | Class::Unusable
            | Class::Unverified => false,
        }
}
