//! The steps from live to desired.
//!
//! Takes what should be, what is, what is owed behind masks, what this Connect can do, and the policy; gives a
//! complete plan. The same inputs give the same plan. Where Connect lacks something, the plan has what comes nearest, and
//! says so. When to try again what failed is left to `pace`, carrying it out to `reconcile`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::capability::Capabilities;
use crate::model::desired::{Desired, DesiredConnector, DesiredState, Suspend};
use crate::model::ledger::Owed;
use crate::model::live::{Live, LiveConnector, RunState, Status, Trouble};
use crate::model::name::ConnectorName;
use crate::model::plan::{
    Action, Failed, Held, Hold, Initial, Plan, Policy, Reason, Step, StepKind, Sync, Target, Unverifiable,
};
use crate::model::report::SuspendedBy;
use crate::model::warning::{Lack, Warning};
use crate::pipeline::diff::difference;

/// Plans the way from what is to what should be, for one who knows of what is masked no more than that.
pub fn plan(desired: &Desired, live: &Live, policy: &Policy, now: Timestamp) -> Plan {
    plan_owing(desired, live, &Owed::default(), policy, now)
}

/// The same for one who knows of masked values that they must be written.
pub fn plan_owing(desired: &Desired, live: &Live, owed: &Owed, policy: &Policy, now: Timestamp) -> Plan {
    let nothing = BTreeSet::new();
    let mut plan = Plan {
        revision: desired.revision.clone(),
        environment: desired.environment.clone(),
        mode: policy.mode,
        steps: Vec::new(),
        held: Vec::new(),
        unverifiable: Vec::new(),
        unresolved: Vec::new(),
        unmanaged: unmanaged(desired, live, policy),
        sync: BTreeMap::new(),
        warnings: Vec::new(),
        incomplete: desired.incomplete.clone(),
    };
    let can = &live.capabilities;
    let warning = |connector, lack| Warning { connector, lack, version: can.version.clone() };
    plan.warnings.extend((!can.is_known()).then(|| warning(None, Lack::Version)));
    for (name, wanted) in desired.connectors.iter().filter(|(name, _)| policy.select.covers(name)) {
        if desired.unresolved.contains_key(name) {
            // Its config holds stand-ins, so there is nothing to compare and nothing to send.
            plan.unresolved.push(name.clone());
            plan.sync.insert(name.clone(), Sync::Unknown);
            continue;
        }
        let owed = owed.get(name).unwrap_or(&nothing);
        let thought = think((name, wanted), live.connectors.get(name), owed, can, policy);
        plan.warnings.extend(thought.lacks.into_iter().map(|lack| warning(Some(name.clone()), lack)));
        plan.sync.insert(name.clone(), thought.sync);
        plan.unverifiable.extend(thought.unverifiable);
        match suspended(desired, Some(wanted), policy.suspend.as_ref(), now) {
            None => plan.steps.extend(thought.actions),
            Some(detail) => {
                let held =
                    |action| Held { action, hold: Hold::Suspended, detail: detail.clone(), release: None };
                plan.held.extend(thought.actions.into_iter().map(held));
            }
        }
    }
    plan.steps.sort_by(|a, b| rank(a).cmp(&rank(b)));
    plan.held.sort_by(|a, b| rank(&a.action).cmp(&rank(&b.action)));
    plan
}

/// Who says at this moment that nothing, or one connector at least, is not to be written.
pub fn suspended_by(desired: &Desired, policy: &Policy, now: Timestamp) -> BTreeSet<SuspendedBy> {
    let holds = |suspend: &Option<Suspend>| suspend.as_ref().is_some_and(|suspend| suspend.holds(now));
    let definition =
        desired.connectors.iter().any(|(name, wanted)| policy.select.covers(name) && holds(&wanted.suspend));
    [
        (SuspendedBy::Settings, holds(&policy.suspend)),
        (SuspendedBy::Environment, holds(&desired.suspend)),
        (SuspendedBy::Definition, definition),
    ]
    .into_iter()
    .filter_map(|(who, holds)| holds.then_some(who))
    .collect()
}

/// What one connector needs.
struct Thought {
    sync: Sync,
    actions: Vec<Action>,
    unverifiable: Option<Unverifiable>,
    lacks: Vec<Lack>,
}

fn think(
    (name, wanted): (&ConnectorName, &DesiredConnector),
    live: Option<&LiveConnector>,
    owed: &BTreeSet<Arc<str>>,
    can: &Capabilities,
    policy: &Policy,
) -> Thought {
    let action = |step, reason| Action { connector: name.clone(), step, reason };
    let simple = |sync, actions, lacks| Thought { sync, actions, unverifiable: None, lacks };
    let Some(declared) = target(wanted.state) else {
        return match live {
            Some(_) => simple(Sync::Surplus, vec![action(Step::Delete, Reason::Absent)], Vec::new()),
            None => simple(Sync::Synced, Vec::new(), Vec::new()),
        };
    };
    let (target, mut lacks) = nearest(declared, can);
    let Some(live) = live else {
        let (initial, lack) = initial(target, can);
        lacks.extend(lack);
        let create = Step::Create { config: wanted.config.clone(), initial };
        return simple(Sync::Missing, vec![action(create, Reason::Missing)], lacks);
    };
    let Some(config) = &live.config else {
        return simple(Sync::Unknown, Vec::new(), lacks);
    };

    let difference = difference(&wanted.config, config).owing(owed);
    // Where the worker is taken for an older one than it is, what is stopped already stays so.
    let stays = declared == Target::Stopped
        && live.status.as_ref().is_some_and(|status| status.state == RunState::Stopped);
    let move_state = if stays { None } else { state_step(target, live) };
    let sync = match (difference.changes.is_empty(), move_state.is_none()) {
        (false, _) => Sync::ConfigDrift,
        (true, false) => Sync::StateDrift,
        (true, true) => Sync::Synced,
    };
    let mut actions = Vec::new();
    if !difference.changes.is_empty() {
        let configure = Step::Configure { config: wanted.config.clone(), changes: difference.changes };
        actions.push(action(configure, Reason::Differs));
    }
    actions.extend(move_state.map(|step| action(step, Reason::WrongState)));
    if actions.is_empty() && policy.restart && target == Target::Running {
        let failed = live.status.as_ref().and_then(|status| failed(status, can));
        actions.extend(failed.map(|failed| action(Step::Restart { failed }, Reason::Failed)));
    }
    let unverifiable = (!difference.unverifiable.is_empty())
        .then(|| Unverifiable { connector: name.clone(), keys: difference.unverifiable });
    Thought { sync, actions, unverifiable, lacks }
}

/// The state that comes nearest to the declared one among those that this Connect has.
fn nearest(declared: Target, can: &Capabilities) -> (Target, Vec<Lack>) {
    match declared {
        Target::Stopped if !can.has_stop() => (Target::Paused, vec![Lack::Stop]),
        Target::Running | Target::Paused | Target::Stopped => (declared, Vec::new()),
    }
}

/// How a new connector gets into a state.
fn initial(target: Target, can: &Capabilities) -> (Initial, Option<Lack>) {
    match target {
        Target::Paused if !can.has_initial_state() => (Initial::Then(target), Some(Lack::PausedStart)),
        Target::Stopped if !can.has_initial_state() => (Initial::Then(target), Some(Lack::StoppedStart)),
        Target::Running | Target::Paused | Target::Stopped => (Initial::At(target), None),
    }
}

/// The state to ask Connect for; `None` where the connector should not be there.
fn target(state: DesiredState) -> Option<Target> {
    match state {
        DesiredState::Running => Some(Target::Running),
        DesiredState::Paused => Some(Target::Paused),
        DesiredState::Stopped => Some(Target::Stopped),
        DesiredState::Absent => None,
    }
}

/// The step that changes what a connector is doing; `None` where it does what it should, or where
/// nobody can tell.
///
/// UNASSIGNED and RESTARTING say nothing of what was asked for, and a failed connector that is to be
/// paused stays FAILED whatever one asks: a step there would be repeated for ever.
fn state_step(target: Target, live: &LiveConnector) -> Option<Step> {
    let from = match live.status.as_ref()?.state {
        RunState::Running => Target::Running,
        RunState::Paused => Target::Paused,
        RunState::Stopped => Target::Stopped,
        RunState::Failed if target == Target::Stopped => Target::Running,
        RunState::Failed | RunState::Unassigned | RunState::Restarting | RunState::Unknown => return None,
    };
    (from != target).then_some(match target {
        Target::Running => Step::Resume { from },
        Target::Paused => Step::Pause { from },
        Target::Stopped => Step::Stop { from },
    })
}

/// What is to be restarted: what failed, unless history is gone, which no restart brings back.
fn failed(status: &Status, can: &Capabilities) -> Option<Failed> {
    let helps = status.has_failed() && !status.troubles().any(|trouble| trouble == Trouble::DataLost);
    let tasks = || status.tasks.iter().filter(|task| task.state == RunState::Failed).map(|task| task.id);
    helps.then(|| {
        if can.restarts_failed() {
            Failed::InOneCall
        } else {
            Failed::OneByOne { itself: status.state == RunState::Failed, tasks: tasks().collect() }
        }
    })
}

/// Live connectors inside the scope that nobody declares.
fn unmanaged(desired: &Desired, live: &Live, policy: &Policy) -> Vec<ConnectorName> {
    live.connectors
        .keys()
        .filter(|name| policy.select.covers(name) && !desired.connectors.contains_key(*name))
        .cloned()
        .collect()
}

/// The word that stops all writing for a connector, the widest first, in words.
pub fn suspended(
    desired: &Desired,
    wanted: Option<&DesiredConnector>,
    settings: Option<&Suspend>,
    now: Timestamp,
) -> Option<String> {
    let (who, suspend) = [
        ("the agent's settings say", settings),
        ("the environment says", desired.suspend.as_ref()),
        ("its definition says", wanted.and_then(|wanted| wanted.suspend.as_ref())),
    ]
    .into_iter()
    .filter_map(|(who, suspend)| suspend.map(|suspend| (who, suspend)))
    .find(|(_, suspend)| suspend.holds(now))?;
    let until = suspend
        .until
        .map_or_else(|| "until the word is taken away".to_owned(), |until| format!("until {until}"));
    Some(format!("{who} suspend, {until}: {}", suspend.reason))
}

/// The order of a plan: pauses and stops, deletes, configures, creates, resumes, restarts; by name
/// within each.
fn rank(action: &Action) -> (u8, &ConnectorName) {
    let rank = match action.step.kind() {
        StepKind::Pause | StepKind::Stop => 0,
        StepKind::Delete => 1,
        StepKind::Configure => 2,
        StepKind::Create => 3,
        StepKind::Resume => 4,
        StepKind::Restart => 5,
    };
    (rank, &action.connector)
}

#[cfg(test)]
mod tests;
