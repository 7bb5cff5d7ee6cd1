//! The steps from live to desired.
//!
//! Takes what should be, what is, what is owed behind masks, what this Connect can do, and the policy; gives a
//! complete plan. The same inputs give the same plan. Where Connect lacks something, the plan has what comes nearest, and
//! says so. When to try again what failed is left to `pace`, carrying it out to `reconcile`.

pub mod deletion;
mod idle;
mod leaves;
pub mod prune;
mod risky;
mod spare;
mod words;

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::capability::Capabilities;
use crate::model::desired::{Desired, DesiredConnector, DesiredState, Suspend};
use crate::model::known::{Batch, Known};
use crate::model::live::{Live, LiveConnector, RunState, Status, Trouble};
use crate::model::name::ConnectorName;
use crate::model::plan::{
    Action, Failed, Hold, Initial, Left, Plan, Reason, Step, StepKind, Sync, Target, Unverifiable,
};
use crate::model::policy::Policy;
use crate::model::report::SuspendedBy;
use crate::model::warning::{Lack, Warning};
use crate::pipeline::diff::difference;
use crate::pipeline::plan::idle::idle;
use crate::pipeline::plan::prune::{Undeclared, prune};
use crate::pipeline::risk::{self, Danger};
use crate::pipeline::scene::{Met, Scene};

/// Plans the way from what is to what should be, for one who knows no more than that.
pub fn plan(desired: &Desired, live: &Live, policy: &Policy, now: Timestamp) -> Plan {
    plan_knowing(desired, live, &Known::default(), policy, now)
}

/// The same for one who knows more.
pub fn plan_knowing(desired: &Desired, live: &Live, known: &Known, policy: &Policy, now: Timestamp) -> Plan {
    let nothing = BTreeSet::new();
    let mut plan = empty(desired, policy);
    let can = &live.capabilities;
    let warning = |connector, lack| Warning { connector, lack, version: can.version.clone() };
    plan.warnings.extend((!can.is_known()).then(|| warning(None, Lack::Version)));
    plan.warnings.extend(idle(desired, live, known, policy, now));
    let going = going(desired, policy, now);
    // Where nothing is to be written nobody asks what is on the scene.
    let suspended_all = suspended(desired, None, policy.suspend.as_ref(), now);
    let Undeclared { steps, held, unmanaged } = prune(desired, live, known, policy, suspended_all.as_deref());
    let pruned = deleted(&steps, policy);
    let lost = spare::lost(&held);
    let scene = LazyCell::new(|| Scene::of_cluster(desired, live, &policy.select, &going, [&pruned, &lost]));
    for (name, wanted) in desired.connectors.iter().filter(|(name, _)| policy.select.covers(name)) {
        if desired.unresolved.contains_key(name) {
            // Its config holds stand-ins, so there is nothing to compare and nothing to send.
            plan.unresolved.push(name.clone());
            plan.sync.insert(name.clone(), Sync::Unknown);
            continue;
        }
        let owed = known.owed.get(name).unwrap_or(&nothing);
        let there = live.connectors.get(name);
        let thought = think((name, wanted), there, owed, can, policy);
        let config = there.and_then(|there| there.config.as_ref());
        let met = met(&thought.actions, |step| scene.dangers(name, step));
        let risks = risky::risks((name, wanted), config, known, (&thought.actions, policy.risk), met);
        plan.warnings.extend(thought.lacks.into_iter().map(|lack| warning(Some(name.clone()), lack)));
        plan.sync.insert(name.clone(), thought.sync);
        plan.unverifiable.extend(thought.unverifiable);
        match suspended(desired, Some(wanted), policy.suspend.as_ref(), now) {
            None => {
                let (taken, held) = risky::split((name, wanted), thought.actions, thought.instead, &risks);
                plan.steps.extend(taken);
                plan.held.extend(held);
            }
            Some(detail) => {
                plan.held.extend(deletion::hold(thought.actions, Hold::Suspended, &detail, None));
            }
        }
        plan.risks.extend(risks);
    }
    plan.steps.extend(steps.iter().cloned());
    plan.held.extend(held.iter().cloned());
    plan.unmanaged = unmanaged;
    hold_unaddressable(&mut plan, policy);
    if !lost.is_empty() {
        spare::stay(&mut plan, desired, &scene, &lost);
    }
    if plan.steps.iter().any(|action| action.step == Step::Delete) {
        spare::spare(&mut plan, desired, &scene, policy.risk);
        deletion::drop_stops(&mut plan);
        plan.risks.sort_by(|a, b| (&a.connector, &a.key).cmp(&(&b.connector, &b.key)));
    }
    plan.unjudged = unjudged(&plan, live, known);
    plan.leaves = leaves(&plan, live);
    plan.steps.sort_by(|a, b| rank(a).cmp(&rank(b)));
    plan.held.sort_by(|a, b| rank(&a.action).cmp(&rank(&b.action)));
    plan
}

/// A plan of nothing.
fn empty(desired: &Desired, policy: &Policy) -> Plan {
    Plan {
        revision: desired.revision.clone(),
        environment: desired.environment.clone(),
        mode: policy.mode,
        steps: Vec::new(),
        held: Vec::new(),
        risks: Vec::new(),
        unjudged: BTreeMap::new(),
        leaves: BTreeMap::new(),
        unverifiable: Vec::new(),
        unresolved: Vec::new(),
        unmanaged: Vec::new(),
        sync: BTreeMap::new(),
        warnings: Vec::new(),
        incomplete: desired.incomplete.clone(),
    }
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

/// The connectors that are declared absent, and whose deletion nobody has suspended.
fn going<'d>(desired: &'d Desired, policy: &Policy, now: Timestamp) -> BTreeSet<&'d ConnectorName> {
    let goes = |wanted: &DesiredConnector| {
        wanted.state == DesiredState::Absent
            && suspended(desired, Some(wanted), policy.suspend.as_ref(), now).is_none()
    };
    desired.connectors.iter().filter(|(_, wanted)| goes(wanted)).map(|(name, _)| name).collect()
}

/// The connectors that some steps delete, where they can be addressed.
fn deleted<'s>(steps: &'s [Action], policy: &Policy) -> BTreeSet<&'s ConnectorName> {
    let deletes = steps.iter().filter(|action| action.step == Step::Delete).map(|action| &action.connector);
    deletes.filter(|name| deletion::unaddressable(name, policy.forwarded).is_none()).collect()
}

/// What the steps of one connector have to do with others: that is asked once, of the first that lets it work.
fn met<'s>(actions: &[Action], of: impl Fn(StepKind) -> Vec<Met<'s>>) -> Vec<Danger> {
    let kinds = actions.iter().map(|action| action.step.kind());
    let mut works =
        kinds.filter(|kind| matches!(kind, StepKind::Create | StepKind::Configure | StepKind::Resume));
    let found = works.next().map(of).into_iter().flatten();
    found.map(|met| met.danger).collect()
}

/// When the first of the suspensions that hold at this moment ends by itself.
pub fn next_lift(desired: &Desired, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let selected = desired.connectors.iter().filter(|(name, _)| policy.select.covers(name));
    let said = selected.map(|(_, wanted)| &wanted.suspend).chain([&policy.suspend, &desired.suspend]);
    said.flatten().filter(|suspend| suspend.holds(now)).filter_map(|suspend| suspend.until).min()
}

/// What one connector needs.
struct Thought {
    sync: Sync,
    actions: Vec<Action>,
    /// What is done where all of that is held.
    instead: Option<Action>,
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
    let simple = |sync, actions, lacks| Thought { sync, actions, instead: None, unverifiable: None, lacks };
    let Some(declared) = target(wanted.state) else {
        return match live {
            Some(live) => simple(Sync::Surplus, deletion::steps(name, live, can, Reason::Absent), Vec::new()),
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
    // One that is not to run, or is to begin to, is restarted by nothing.
    let runs = policy.restart && target == Target::Running && move_state.is_none();
    let failed = live.status.as_ref().filter(|_| runs).and_then(|status| failed(status, can));
    let mut restart = failed.map(|failed| action(Step::Restart { failed }, Reason::Failed));
    let mut actions = Vec::new();
    if !difference.changes.is_empty() {
        let configure = Step::Configure { config: wanted.config.clone(), changes: difference.changes };
        actions.push(action(configure, Reason::Differs));
    }
    actions.extend(move_state.map(|step| action(step, Reason::WrongState)));
    if actions.is_empty() {
        actions.extend(restart.take());
    }
    let unverifiable = (!difference.unverifiable.is_empty())
        .then(|| Unverifiable { connector: name.clone(), keys: difference.unverifiable });
    Thought { sync, actions, instead: restart, unverifiable, lacks }
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

/// The connectors that the next look is to know of as gone from the repository.
pub fn seen(
    desired: &Desired,
    live: &Live,
    known: &Known,
    policy: &Policy,
    now: Timestamp,
) -> BTreeSet<ConnectorName> {
    match suspended(desired, None, policy.suspend.as_ref(), now) {
        Some(_) => BTreeSet::new(),
        None => prune::seen(desired, live, known, policy),
    }
}

/// The connectors that the next look is to know of as having gone together.
pub fn batch(desired: &Desired, live: &Live, known: &Known, policy: &Policy, now: Timestamp) -> Batch {
    match suspended(desired, None, policy.suspend.as_ref(), now) {
        Some(_) => known.batch.clone(),
        None => prune::batch(desired, live, known, policy),
    }
}

/// Holds every step on a connector that cannot be addressed safely.
fn hold_unaddressable(plan: &mut Plan, policy: &Policy) {
    let names: BTreeSet<_> = plan.steps.iter().map(|action| action.connector.clone()).collect();
    for name in names {
        if let Some(detail) = deletion::unaddressable(&name, policy.forwarded) {
            deletion::hold_steps(plan, &name, Hold::Unaddressable, &detail);
        }
    }
}

/// What the steps change, taken and held, that nobody has judged.
fn unjudged(plan: &Plan, live: &Live, known: &Known) -> BTreeMap<ConnectorName, Vec<Arc<str>>> {
    let nothing = BTreeSet::new();
    let of = |Action { connector, step, reason: _ }: &Action| {
        let Step::Configure { config, changes: _ } = step else { return None };
        let before = live.connectors.get(connector)?.config.as_ref()?;
        let keys = risk::unjudged(before, config, known.owed.get(connector).unwrap_or(&nothing));
        (!keys.is_empty()).then(|| (connector.clone(), keys))
    };
    plan.steps.iter().chain(plan.held.iter().map(|held| &held.action)).filter_map(of).collect()
}

/// What stays behind of each connector that is deleted, or would be.
fn leaves(plan: &Plan, live: &Live) -> BTreeMap<ConnectorName, Vec<Left>> {
    plan.steps
        .iter()
        .chain(plan.held.iter().map(|held| &held.action))
        .filter(|action| action.step == Step::Delete)
        .filter_map(|action| Some((&action.connector, live.connectors.get(&action.connector)?)))
        .map(|(name, one)| (name.clone(), leaves::of(name, one)))
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
#[cfg(test)]
mod tests_batch;
#[cfg(test)]
mod tests_prune;
#[cfg(test)]
mod tests_risky;
#[cfg(test)]
mod tests_risky_laws;
#[cfg(test)]
mod tests_scene;
#[cfg(test)]
mod tests_spare;
#[cfg(test)]
mod tests_suspend;
