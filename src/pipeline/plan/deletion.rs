//! How a connector is deleted, and when it cannot be.
//!
//! Takes a live connector, gives the steps that delete it: it is stopped first, so that nothing of it runs while
//! somebody can still change their mind. How long that is left to `pace`; whether it is to be deleted, to others.

use std::collections::BTreeSet;

use crate::model::capability::Capabilities;
use crate::model::live::{LiveConnector, RunState};
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Held, Hold, Plan, Reason, Step, Target};

/// The steps that delete a connector.
///
/// One that is at rest is not stopped again. Any other is, whatever it says of itself: a failed one may have tasks
/// that run, and one without a status may have them soon. Where it does not show, `pace` goes on without.
pub fn steps(name: &ConnectorName, live: &LiveConnector, can: &Capabilities, reason: Reason) -> Vec<Action> {
    let action = |step| Action { connector: name.clone(), step, reason };
    let state = live.status.as_ref().map(|status| status.state);
    let stop = match (state, can.has_stop()) {
        (Some(RunState::Stopped), _) | (Some(RunState::Paused), false) => None,
        (Some(RunState::Paused), true) => Some(Step::Stop { from: Target::Paused }),
        (_, true) => Some(Step::Stop { from: Target::Running }),
        (_, false) => Some(Step::Pause { from: Target::Running }),
    };
    stop.into_iter().chain([Step::Delete]).map(action).collect()
}

/// Holds steps of one connector. Of a deletion only the deletion itself is told: stopping is a part of it.
pub fn hold(
    actions: Vec<Action>,
    hold: Hold,
    detail: &str,
    release: Option<&str>,
) -> impl Iterator<Item = Held> {
    let deletes = actions.iter().any(|action| action.step == Step::Delete);
    actions.into_iter().filter(move |action| !deletes || action.step == Step::Delete).map(move |action| {
        Held { action, hold, detail: detail.to_owned(), release: release.map(str::to_owned) }
    })
}

/// Holds every step of a plan on one connector.
pub fn hold_steps(plan: &mut Plan, name: &ConnectorName, why: Hold, detail: &str) {
    let (taken, left) =
        std::mem::take(&mut plan.steps).into_iter().partition(|action| action.connector == *name);
    plan.steps = left;
    plan.held.extend(hold(taken, why, detail, None));
}

/// Holds every deletion of a plan, as what was seen of the cluster is hard to believe; says whether there were any.
pub fn doubt(plan: &mut Plan, detail: &str) -> bool {
    let deleted = deleted(plan);
    for name in &deleted {
        hold_steps(plan, name, Hold::TooManyDeletes, detail);
    }
    !deleted.is_empty()
}

/// Drops every stop that was to lead to a deletion which is held now.
pub fn drop_stops(plan: &mut Plan) {
    let deleted = deleted(plan);
    plan.steps.retain(|action| !action.is_before_deletion() || deleted.contains(&action.connector));
}

/// The connectors that a plan deletes.
fn deleted(plan: &Plan) -> BTreeSet<ConnectorName> {
    let deletes = plan.steps.iter().filter(|action| action.step == Step::Delete);
    deletes.map(|action| action.connector.clone()).collect()
}

/// Why no step on a connector of this name is safe, and what to do, where that is so.
pub fn unaddressable(name: &ConnectorName, forwarded: bool) -> Option<String> {
    let text = name.as_str();
    if !name.is_addressable() {
        return Some(
            "Connect's REST API cannot address a connector of this name safely: some versions refuse it, some take \
             another one for it.\nDelete it by hand where its worker does it, with the name percent-encoded and \
             sent to the leader; a `forget` with its name has it left alone"
                .to_owned(),
        );
    }
    (forwarded && text.contains(';')).then(|| {
        "a worker that passes a request on to the leader does not encode the `;` in this name, and another connector \
         would be meant.\nUse `connect.writer: leader` with the address of the worker that leads"
            .to_owned()
    })
}
