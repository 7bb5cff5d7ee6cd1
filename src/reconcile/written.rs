//! What a turn writes on the board.
//!
//! Takes what was looked at, or why nothing could be, changes the report; telling it is left to the board.

use std::sync::Arc;

use jiff::Timestamp;

use crate::connect::error::Error;
use crate::model::desired::Desired;
use crate::model::live::Live;
use crate::model::plan::Plan;
use crate::model::policy::Policy;
use crate::model::report::{Class, ClusterReport, Failure, StepResult};
use crate::pipeline::plan::suspended_by;
use crate::reconcile::board::Board;
use crate::reconcile::causes::chain;
use crate::reconcile::verdict::{drift_since, failed};

/// Writes what was looked at.
pub fn looked(desired: &Desired, plan: &Plan, live: &Live, policy: &Policy, board: &Board) {
    let now = Timestamp::now();
    board.write(|report| {
        let cluster = &mut report.cluster;
        cluster.reachable = Some(true);
        cluster.failure = None;
        cluster.drift_since = drift_since(&cluster.drift_since, plan, now);
        cluster.suspended = suspended_by(desired, policy, now);
        cluster.plan = Some(Arc::new(plan.clone()));
        cluster.live = Some(Arc::new(live.clone()));
    });
}

/// Writes what became of steps where what was seen afterwards, if anything, says nothing. `plan` and `live` are what is
/// known: a step that failed is not due again for a while, so no later turn would say that it did.
pub fn done(results: &[StepResult], plan: &Plan, live: &Live, board: &Board) {
    board.write(|report| {
        let cluster = &mut report.cluster;
        cluster.failed = failed(&cluster.failed, results, plan, live);
        cluster.results = results.to_vec();
    });
}

/// Writes that the cluster could not be asked.
pub fn away(error: &Error, board: &Board) {
    let class = error.class();
    board.write(|report| {
        let cluster = &mut report.cluster;
        cluster.reachable = Some(class != Class::Unreachable && class != Class::TimedOut);
        // An agent that followed goes on telling nothing of the connectors: another one tells them.
        cluster.leader = cluster.leader.filter(|leads| !leads);
        cluster.failure = Some(Failure { class, text: chain(error).into(), hint: error.hint() });
        if class != Class::Rebalancing {
            // A worker that does not answer, or not this agent, leads nobody as far as is known: what was
            // seen through it is old, and the agent beside the next leader tells how it is. Since when
            // something drifts is kept.
            cluster.plan = None;
            cluster.live = None;
        }
    });
}

/// An agent that does not lead tells nothing of the connectors, so that nothing is told twice.
pub fn follow(cluster: &mut ClusterReport) {
    *cluster = ClusterReport {
        reachable: Some(true),
        leader: Some(false),
        last_success: Some(Timestamp::now()),
        ..ClusterReport::default()
    };
}
