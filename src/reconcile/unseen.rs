//! Steps that were sent and not seen to take effect.
//!
//! Takes how steps ended, and waits once more for those that did not show where somebody wants to know how they end. A
//! plan without steps says nothing of them: a config that is stored need not be the one that the tasks run.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::model::config::Config;
use crate::model::name::ConnectorName;
use crate::model::plan::Action;
use crate::model::report::{Outcome, StepResult};
use crate::reconcile::apply::Ended;
use crate::reconcile::settle::{Sent, Settled, Wait, settle};

/// What is not known to be in effect.
#[derive(Default)]
pub struct Unseen {
    steps: BTreeMap<ConnectorName, One>,
}

/// One of them.
struct One {
    action: Action,
    /// When its request was sent.
    sent: Instant,
    before: Option<(Vec<Config>, Config)>,
}

impl Unseen {
    /// Takes note of how a step ended.
    pub fn note(&mut self, Ended { action, result, taken: _, before, tasks: _ }: &Ended) {
        match result.outcome {
            Outcome::NotTaken => {}
            Outcome::Converged | Outcome::Failed | Outcome::Waiting => {
                self.steps.remove(&action.connector);
            }
            Outcome::Pending => {
                let now = Instant::now();
                let sent = now.checked_sub(result.took).unwrap_or(now);
                let one = One { action: action.clone(), sent, before: before.clone() };
                self.steps.insert(action.connector.clone(), one);
            }
        }
    }

    /// Whether all that was sent was seen.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Waits for all of them once more; says how those ended that did.
    pub async fn wait(&mut self, wait: &Wait<'_>) -> Vec<StepResult> {
        let now = Instant::now();
        let sent = self.steps.values().map(|one| Sent {
            action: one.action.clone(),
            began: now,
            at: now,
            before: one.before.clone(),
            goes_first: false,
        });
        let mut ended = Vec::new();
        for Settled { sent, outcome, class } in settle(wait, sent.collect()).await {
            let Action { connector, step, reason: _ } = sent.action;
            if outcome == Outcome::Pending {
                continue;
            }
            let Some(one) = self.steps.remove(&connector) else { continue };
            let took = one.sent.elapsed();
            ended.push(StepResult { connector, step: step.kind(), outcome, class, took });
        }
        ended
    }
}
