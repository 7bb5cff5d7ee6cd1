//! Deletions that another connector still needs undone.
//!
//! Takes a plan whose steps are split already, and who is on the scene; holds each deletion of a connector that comes back
//! under another name, until that one is answered for and is itself about to be there. Only as long as the old one is there
//! can its offsets be read. Where several are to take its place, none begins beside it: all wait for the last. Nor does one
//! begin beside an old one whose deletion waits for a second look. Whether a connector is another one under a new name,
//! `scene` knows; that one which rests already is kept until the new one was made, `pace`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::{Desired, DesiredConnector, DesiredState};
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Held, Hold, Plan, Step, StepKind};
use crate::model::policy::OnRisk;
use crate::model::risk::{Risk, Standing};
use crate::pipeline::plan::risky::{detail, judged, release};
use crate::pipeline::scene::{Met, Scene};

/// Connectors that are to begin to work, or to change, and do not yet, each with what holds it; nothing for one whose
/// secrets are missing.
type Waiting = BTreeMap<ConnectorName, Option<Hold>>;

/// Those that lost their file and that a later plan deletes: after a second look, or when a person says so.
pub fn lost(held: &[Held]) -> BTreeSet<&ConnectorName> {
    let waits = |held: &&Held| held.action.step == Step::Delete && held.hold == Hold::TooManyDeletes;
    held.iter().filter(waits).map(|held| &held.action.connector).collect()
}

/// Holds what would begin beside those that stay for now.
pub fn stay(plan: &mut Plan, desired: &Desired, scene: &Scene<'_>, lost: &BTreeSet<&ConnectorName>) {
    for old in lost {
        wait_too(plan, desired, (old, Hold::RiskyChange), scene);
    }
}

/// Holds each deletion of a connector of which another one still needs something, and what would begin beside it then.
pub fn spare(plan: &mut Plan, desired: &Desired, scene: &Scene<'_>, on_risk: OnRisk) {
    for old in unreleased(plan, desired, scene, on_risk) {
        wait_too(plan, desired, (&old, Hold::RiskyChange), scene);
    }
    // What begins to wait here may be what another one stays for.
    while let Some((action, late)) = next_early(plan, scene) {
        let old = action.connector.clone();
        plan.held.push(too_early(action, late));
        wait_too(plan, desired, (&old, late.1.unwrap_or(Hold::RiskyChange)), scene);
    }
}

/// Judges each deletion, and holds those that nobody has answered for: gives their names.
fn unreleased(plan: &mut Plan, desired: &Desired, scene: &Scene<'_>, on_risk: OnRisk) -> Vec<ConnectorName> {
    let mut unreleased = Vec::new();
    for action in std::mem::take(&mut plan.steps) {
        if action.step != Step::Delete {
            plan.steps.push(action);
            continue;
        }
        let mut open = Vec::new();
        for Met { danger, by } in scene.dangers(&action.connector, StepKind::Delete) {
            let wanted = &desired.connectors[by];
            let risk = judged(&action.connector, danger, wanted, on_risk);
            if risk.standing == Standing::Held {
                open.push(((by, wanted), risk.clone()));
            }
            plan.risks.push(risk);
        }
        if open.is_empty() {
            plan.steps.push(action);
        } else {
            unreleased.push(action.connector.clone());
            plan.held.push(unanswered(action, &open));
        }
    }
    unreleased
}

/// Takes the next deletion out of a plan that has to wait for a connector which waits itself.
fn next_early<'s>(plan: &mut Plan, scene: &Scene<'s>) -> Option<(Action, (&'s ConnectorName, Option<Hold>))> {
    let waiting = waiting(plan);
    let late = |old: &Action| {
        let successors = scene.successors(&old.connector);
        successors.into_iter().find_map(|new| Some((new, *waiting.get(new)?)))
    };
    let mut deletions = plan.steps.iter().enumerate().filter(|(_, action)| action.step == Step::Delete);
    let (at, late) = deletions.find_map(|(at, action)| Some((at, late(action)?)))?;
    Some((plan.steps.remove(at), late))
}

fn waiting(plan: &Plan) -> Waiting {
    let held = plan.held.iter().filter(|held| begins(&held.action));
    let held = held.map(|held| (held.action.connector.clone(), Some(held.hold)));
    plan.unresolved.iter().map(|name| (name.clone(), None)).chain(held).collect()
}

fn begins(action: &Action) -> bool {
    matches!(action.step.kind(), StepKind::Create | StepKind::Configure | StepKind::Resume)
}

/// Holds what takes the place of a connector that stays. What is only made stopped is in nobody's way.
fn wait_too(plan: &mut Plan, desired: &Desired, (old, hold): (&ConnectorName, Hold), scene: &Scene<'_>) {
    let works = |new: &ConnectorName| match desired.connectors[new].state {
        DesiredState::Running | DesiredState::Paused => true,
        DesiredState::Stopped | DesiredState::Absent => false,
    };
    let mut successors = scene.successors(old);
    successors.retain(|new| works(new));
    let waits = |action: &Action| begins(action) && successors.contains(&&action.connector);
    let (wait, go): (Vec<_>, Vec<_>) = std::mem::take(&mut plan.steps).into_iter().partition(waits);
    plan.steps = go;
    plan.held.extend(wait.into_iter().map(|action| {
        let new = &action.connector;
        let detail = format!(
            "`{new}` is `{old}` under another name, which stays for now: the hold of its deletion says what is missing. `{new}` \
             begins when `{old}` is gone: before, both would do the same work"
        );
        Held { action, hold, detail, release: None }
    }));
}

/// Held until somebody answers, of each that looks like it.
fn unanswered(action: Action, open: &[((&ConnectorName, &DesiredConnector), Risk)]) -> Held {
    let told = |((by, _), risk): &((&ConnectorName, _), Risk)| {
        format!("{}\nwhat releases it belongs into the definition of `{by}`", detail(&[risk]))
    };
    let detail = open.iter().map(told).collect::<Vec<_>>().join("\n");
    let lines =
        |(by, risk): &((&ConnectorName, &DesiredConnector), Risk)| (by.0.clone(), release(*by, &[risk]));
    let release = match open {
        [one] => lines(one).1,
        // Each in a document of its own: the lines are of two definitions.
        all => {
            let each = all.iter().map(lines).map(|(by, lines)| format!("# `{by}`\n{lines}"));
            each.collect::<Vec<_>>().join("\n---\n")
        }
    };
    Held { action, hold: Hold::RiskyChange, detail, release: Some(release) }
}

/// Held until the one that takes its place comes.
fn too_early(action: Action, (new, hold): (&ConnectorName, Option<Hold>)) -> Held {
    let why = hold.map_or("its secrets are missing", Hold::name);
    let old = &action.connector;
    let detail = format!(
        "`{new}` is this connector under another name, and waits itself ({why}). Until `{new}` comes `{old}` stays: nothing \
         would run meanwhile, and only as long as `{old}` is there can its offsets be read"
    );
    // Of a secret that is missing nobody can take the risk: it waits for another look.
    Held { action, hold: hold.unwrap_or(Hold::TooManyDeletes), detail, release: None }
}
