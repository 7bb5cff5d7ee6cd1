//! Apply once: act until the cluster equals the repository, or time is up.
//!
//! Takes desired connectors and a reconciler that writes; gives how it ended. What a person is
//! asked before, and what they are shown, is left to the command line.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{Instrument, info_span};

use crate::model::desired::Desired;
use crate::model::report::{Class, Outcome, StepResult};
use crate::reconcile::board::Board;
use crate::reconcile::cycle::{End, Hand, Reconciler};
use crate::reconcile::interrupt::Interrupt;
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

/// Acts turn by turn until nothing is left to do, something failed for good, or time is up.
///
/// Every result of every turn is handed to `tell` as it comes.
pub async fn once(
    reconciler: &mut Reconciler,
    desired: &Arc<Desired>,
    board: &Board,
    interrupt: &Interrupt,
    timeout: Duration,
    mut tell: impl FnMut(&[StepResult]),
) -> Ended {
    let deadline = Instant::now() + timeout;
    let mut failed = false;
    loop {
        let span = info_span!("cycle");
        let hand = Hand::ResolvedAt(Instant::now());
        let end = reconciler.turn(desired, hand, board, interrupt).instrument(span).await;
        if interrupt.is_ending() {
            return Ended::Unfinished;
        }
        if matches!(end, End::Looked | End::Unsettled) {
            let (results, done) = board.read(|report| {
                let cluster = &report.cluster;
                let done =
                    cluster.plan.as_ref().is_none_or(|plan| plan.steps.is_empty() && !plan.is_in_doubt());
                (cluster.results.clone(), done)
            });
            tell(&results);
            failed |= results.iter().any(for_good);
            // A step that failed never stops the others: what a silent worker was not asked comes first.
            if failed && !results.iter().any(may_pass) {
                return Ended::Failed;
            }
            if done {
                return Ended::Converged;
            }
        }
        let rest = reconciler.until_due().filter(|_| end == End::Looked).unwrap_or(REST);
        let now = Instant::now();
        if now >= deadline {
            return Ended::Unfinished;
        }
        tokio::select! {
            () = tokio::time::sleep(rest.min(deadline - now)) => {}
            () = interrupt.ending() => return Ended::Unfinished,
        }
    }
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
            | Class::AuthFailed
            | Class::RefMissing
            | Class::Unusable
            | Class::Unverified => false,
        }
}
