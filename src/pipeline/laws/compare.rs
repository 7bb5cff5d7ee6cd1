//! Laws of comparing two revisions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use super::revision;
use crate::model::comparison::EffectKind;
use crate::model::desired::{Desired, DesiredState};
use crate::model::policy::Prune;
use crate::model::select::Select;
use crate::model::snapshot::{Snapshot, Sources};
use crate::model::values::Values;
use crate::pipeline;
use crate::pipeline::compare::{Side, compare};
use crate::pipeline::supply::Supply;

/// What one connector is in one revision: whether it is declared, its state, and a value for each key.
type Deed = (bool, usize, [u8; 3]);

const STATES: [&str; 4] = ["running", "paused", "stopped", "absent"];

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let one = (prop::bool::weighted(0.8), 0..STATES.len(), [0..3_u8, 0..3_u8, 0..3_u8]);
    prop::collection::vec(one, 6)
}

/// A revision with six connectors, some of which differ between its two environments, and a secret.
fn side(deeds: &[Deed]) -> Side {
    let mut text = String::from("environment: a\n---\nenvironment: b\nconfig: {own: b}\n");
    for (index, (declared, state, values)) in deeds.iter().enumerate().filter(|(_, deed)| deed.0) {
        let [one, two, secret] = values;
        let mut config =
            vec!["connector.class: X".to_owned(), format!("database.password: hunter2-{secret}")];
        config.extend((*one > 0).then(|| format!("one: {one}")));
        let state = STATES[*state];
        assert!(*declared);
        text.push_str(&format!(
            "---\nconnector: c{index}\nstate: {state}\nconfig: {{{}}}\nenvironments: {{b: {{config: {{two: {two}}}}}}}\n",
            config.join(", ")
        ));
    }
    let files = BTreeMap::from([("connectors/all.yaml".into(), Arc::from(text.into_bytes()))]);
    let main = Snapshot { revision: revision(), files, ignored: Vec::new(), findings: Vec::new() };
    let supply = Supply { values: &Values::default(), examples: true, secrets: None };
    pipeline::side(&Sources::alone(main), &[], &supply, (&[], &Select::default()), None)
}

/// Every key with its text, of each connector that is to be there.
fn texts(desired: &Desired) -> BTreeMap<String, BTreeMap<String, String>> {
    let there = desired.connectors.iter().filter(|(_, one)| one.state != DesiredState::Absent);
    there
        .map(|(name, one)| {
            let texts = one.config.iter().map(|(key, value)| (key.to_owned(), value.expose().to_owned()));
            (name.as_str().to_owned(), texts.collect())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever is compared with itself is the same.
    #[test]
    fn nothing_differs_from_itself(deeds in deeds()) {
        let side = side(&deeds);
        let comparison = compare(&side, &side, Prune::default(), Timestamp::UNIX_EPOCH);
        prop_assert!(comparison.is_empty(), "{comparison:?}");
        prop_assert!(!comparison.has_errors() && !comparison.holds());
        prop_assert_eq!(comparison.environments.len(), 2);
    }

    /// The keys that are told are exactly those in which the renders differ, and no secret is told.
    #[test]
    fn exactly_the_keys_that_differ_are_told(old in deeds(), new in deeds()) {
        let (old, new) = (side(&old), side(&new));
        let comparison = compare(&old, &new, Prune::default(), Timestamp::UNIX_EPOCH);
        prop_assert!(!format!("{comparison:?}").contains("hunter2"), "{comparison:?}");
        for one in &comparison.environments {
            let of = |side: &Side| side.environments[&one.environment].desired.as_ref().map(texts);
            let (before, after) = (of(&old).expect("it is valid"), of(&new).expect("it is valid"));
            let told = |kind: EffectKind| -> BTreeMap<String, BTreeSet<String>> {
                let of_kind = one.effects.iter().filter(|(_, effect)| effect.kind == kind);
                let keys = of_kind.map(|(name, effect)| {
                    let keys = effect.changes.iter().map(|change| change.key.to_string()).collect();
                    (name.as_str().to_owned(), keys)
                });
                keys.collect()
            };
            let mut changed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for (name, is) in &after {
                let Some(was) = before.get(name) else { continue };
                let keys = was.keys().chain(is.keys()).filter(|key| was.get(*key) != is.get(*key));
                changed.insert(name.clone(), keys.cloned().collect());
            }
            changed.retain(|_, keys| !keys.is_empty());
            let mut told_changed = told(EffectKind::Change);
            told_changed.retain(|_, keys| !keys.is_empty());
            prop_assert_eq!(told_changed, changed);
            let created: BTreeMap<String, BTreeSet<String>> = after
                .iter()
                .filter(|(name, _)| !before.contains_key(*name))
                .map(|(name, keys)| (name.clone(), keys.keys().cloned().collect()))
                .collect();
            prop_assert_eq!(told(EffectKind::Create), created);
        }
    }
}
