//! What is held for what it may do to data, whatever is desired and live: laws over drawn clusters.

use proptest::prelude::*;

use super::tests::{any_desired, any_live, name, policy};
use super::tests_risky::{NOW, Turn, acknowledged, answering, warning};
use super::*;
use crate::model::config::Value;
use crate::model::plan::Held;
use crate::model::risk::{Harm, Risk, Standing};
use crate::pipeline::risk::examples;
use crate::pipeline::risk::of_change;

/// Connectors that change as the rows speak of it, among others.
fn any_pair() -> impl Strategy<Value = (Desired, Live)> {
    let example = prop::sample::select(examples::rows().copied().collect::<Vec<_>>());
    let states =
        prop::sample::select(vec![DesiredState::Running, DesiredState::Paused, DesiredState::Stopped]);
    let lives = prop::sample::select(vec![RunState::Running, RunState::Paused, RunState::Failed]);
    let turn = (example, states, lives);
    (any_desired(), any_live(), prop::collection::vec(turn, 0..4)).prop_map(|(mut want, mut is, turns)| {
        for (at, (example, state, lives)) in turns.into_iter().enumerate() {
            let (before, after) = example.configs();
            let mut turn = Turn::new(before, after);
            turn.wanted.state = state;
            turn.live.status.as_mut().expect("a status").state = lives;
            want.connectors.insert(name(&format!("e{at}")), turn.wanted);
            is.connectors.insert(name(&format!("e{at}")), turn.live);
        }
        (want, is)
    })
}

fn of<'p>(plan: &'p Plan, who: &ConnectorName) -> Vec<&'p Risk> {
    plan.risks.iter().filter(|risk| risk.connector == *who).collect()
}

proptest! {
    #[test]
    fn law_7_a_change_passes_whole_or_not_at_all((mut want, is) in any_pair(), answered in any::<u64>()) {
        let open = plan(&want, &is, &warning(), NOW);
        prop_assert_eq!(&open.held, &[]);
        for (_, risk) in open.risks.iter().enumerate().filter(|(at, _)| answered >> (at % 64) & 1 == 1) {
            let wanted = want.connectors.get_mut(&risk.connector).expect("declared");
            wanted.acknowledged.push(acknowledged(&risk.key, risk.to.clone()));
        }
        let first = plan(&want, &is, &policy(), NOW);
        prop_assert_eq!(&first, &plan(&want.clone(), &is.clone(), &policy(), NOW));
        for who in want.connectors.keys() {
            let is_held = of(&first, who).iter().any(|risk| risk.standing == Standing::Held);
            let held: Vec<_> = first.held.iter().filter(|held| held.action.connector == *who).collect();
            prop_assert_eq!(is_held, !held.is_empty());
            for held in &held {
                let kind = held.action.step.kind();
                // What comes under another name is created.
                let comes = !is.connectors.contains_key(who);
                prop_assert!(matches!((kind, comes), (StepKind::Configure | StepKind::Resume, false) | (StepKind::Create, true)), "{kind:?}");
                prop_assert_eq!(held.release.is_some(), kind != StepKind::Resume);
            }
            let word = |risk: &&Risk| (Arc::clone(&risk.key), risk.to.as_ref().map(Value::shown).map(|to| format!("{to:?}")));
            let keys: BTreeSet<_> = of(&first, who).iter().map(word).collect();
            prop_assert_eq!(keys.len(), of(&first, who).len(), "a key is held or acknowledged, never both");
        }
        // Together they are what would be done if nothing were held; a restart comes only where nothing else does.
        let waits = |action: &&Action| {
            let of_it = |other: &Action| other.connector == action.connector && other != *action;
            let restarts = action.step.kind() == StepKind::Restart;
            prop_assert!(!restarts || !first.steps.iter().any(of_it));
            Ok(restarts && first.held.iter().any(|held| of_it(&held.action)))
        };
        let mut all = Vec::new();
        for action in first.steps.iter().chain(first.held.iter().map(|held| &held.action)) {
            if !waits(&action)? {
                all.push(action);
            }
        }
        all.sort_by(|a, b| rank(a).cmp(&rank(b)));
        prop_assert_eq!(all, open.steps.iter().collect::<Vec<_>>());
    }

    #[test]
    fn law_8_what_is_held_passes_with_its_own_lines_and_nothing_else_moves((want, is) in any_pair()) {
        let first = plan(&want, &is, &policy(), NOW);
        let mut answered = want.clone();
        for Held { action, release, .. } in &first.held {
            let Some(release) = release else { continue };
            let wanted = answered.connectors.get_mut(&action.connector).expect("declared");
            *wanted = answering(wanted.clone(), release);
        }
        let second = plan(&answered, &is, &policy(), NOW);
        prop_assert_eq!(&second.held, &[]);
        prop_assert_eq!(second.steps, plan(&want, &is, &warning(), NOW).steps);
        prop_assert_eq!(second.sync, first.sync);
    }

    #[test]
    fn law_9_only_a_change_that_the_table_knows_is_held((want, is) in any_pair()) {
        let whole = plan(&want, &is, &policy(), NOW);
        for held in &whole.held {
            let who = &held.action.connector;
            let Some(live) = is.connectors.get(who) else {
                prop_assert!(of(&whole, who).iter().any(|risk| &*risk.key == "name"), "it comes under another name");
                continue;
            };
            let before = live.config.as_ref().expect("it was read");
            let worst = of_change(before, &want.connectors[who].config).into_iter().map(|danger| danger.harm).max();
            prop_assert!(worst > Some(Harm::Contract));
        }
    }
}
