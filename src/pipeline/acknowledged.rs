//! What is wrong with acknowledgements of risky changes.
//!
//! Takes connectors as they were written, gives findings: a key that nothing is held for, the same said twice, a value that
//! no environment has. Whether one lets a change pass is left to `plan`.

use std::collections::BTreeSet;

use crate::model::config::Value;
use crate::model::definition::{Acknowledgement, Connector, Definitions};
use crate::model::desired::{Desired, DesiredConnector, DesiredState};
use crate::model::finding::{Finding, Place};
use crate::model::name::ConnectorName;
use crate::model::risk::{Acknowledged, Harm};
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::pipeline::risk;
use crate::pipeline::scene::clash;
use crate::pipeline::scene::own::NAME;
use crate::yaml::decode::nearest;

/// What is wrong with those of one connector, whatever it is rendered to.
pub fn written(connector: &Connector) -> Vec<Finding> {
    let all = &connector.acknowledge;
    let mut findings: Vec<_> =
        all.iter().filter(|one| !is_known(&one.key)).map(|one| unknown(&one.key)).collect();
    for (index, one) in all.iter().enumerate() {
        // Of two that say the same the later is told, unless the earlier one counts in fewer environments.
        let others = all.iter().enumerate().filter(|(other, _)| *other != index);
        let mut covers = others.filter(|(other, wider)| {
            let counts = |one: &Acknowledgement| one.environment.as_ref().map(|text| text.text.clone());
            let is_same = counts(wider) == counts(one);
            says_the_same(wider, one)
                && ((is_same && *other < index) || (!is_same && wider.environment.is_none()))
        });
        findings.extend(covers.next().map(|(_, wider)| repeated(one, wider)));
    }
    findings
}

fn is_known(key: &Text) -> bool {
    let key = key.as_str();
    risk::knows(key) || risk::in_force(key).is_some() || clash::rows().any(|row| row == key)
}

fn unknown(key: &Text) -> Finding {
    let message =
        format!("nothing is held for a change of `{}`, so there is nothing to acknowledge", key.as_str());
    let finding = Finding::new(Rule::AcknowledgementUnknown, key.place.clone(), message);
    let held = risk::rows().filter(|row| row.harm.is_some_and(Harm::is_held));
    let keys = held.flat_map(|row| row.keys).filter(|key| !key.contains('*')).copied();
    let rows = risk::rows().map(|row| row.id).filter(|row| risk::in_force(row).is_some());
    let keys = keys.chain(rows).chain(clash::rows());
    match nearest(key.as_str(), keys) {
        Some(near) => finding.hint(format!("did you mean `{near}`?")),
        None => finding,
    }
}

fn says_the_same(one: &Acknowledgement, other: &Acknowledgement) -> bool {
    let to = |one: &Acknowledgement| one.to.as_ref().map(|to| to.text.clone());
    one.key.text == other.key.text && to(one) == to(other)
}

fn repeated(one: &Acknowledgement, wider: &Acknowledgement) -> Finding {
    let where_ = match (&one.environment, &wider.environment) {
        (Some(_), None) => " for every environment",
        (_, _) => "",
    };
    let message = format!("the one at {} says the same{where_}", wider.key.place);
    Finding::new(Rule::AcknowledgementRepeated, one.key.place.clone(), message)
}

/// Those that name a value which no environment has. What could not be rendered whole may have it.
pub fn idle(definitions: &Definitions, rendered: &[&Desired]) -> Vec<Finding> {
    if rendered.len() != definitions.environments.len() {
        return Vec::new();
    }
    let connectors = rendered.iter().flat_map(|desired| &desired.connectors);
    let met: BTreeSet<&Place> = connectors
        .flat_map(|(name, one)| {
            let met = move |said: &&Acknowledged| is_met((name, one), said);
            one.acknowledged.iter().filter(met).map(|said| &said.place)
        })
        .collect();
    let all = definitions.connectors.values();
    let all = all.flat_map(|connector| connector.acknowledge.iter().map(move |one| (connector, one)));
    let idle = all.filter(|(_, one)| is_known(&one.key) && !met.contains(&one.key.place));
    idle.map(|(connector, one)| told(one).of(&connector.name)).collect()
}

/// Whether a connector has what is acknowledged, or may have it.
fn is_met((name, one): (&ConnectorName, &DesiredConnector), said: &Acknowledged) -> bool {
    // Without its class it was not rendered whole.
    if one.state != DesiredState::Absent && one.config.class().is_none() {
        return true;
    }
    if &*said.key == NAME {
        let named = Value::new(NAME, name.as_str());
        return said.to.as_ref().is_some_and(|to| to.same_text(&named));
    }
    // The other connector may be one that nobody declares.
    if clash::rows().any(|row| *row == *said.key) {
        return true;
    }
    let key = risk::in_force(&said.key).unwrap_or(&said.key);
    match (one.config.get(key), &said.to) {
        (None, None) => true,
        // What a secret is cannot be said there.
        (Some(value), Some(to)) => value.is_secret() || one.lost.contains(key) || value.same_text(to),
        (Some(_), None) => one.lost.contains(key),
        (None, Some(_)) => false,
    }
}

fn told(one: &Acknowledgement) -> Finding {
    let key = one.key.as_str();
    let message = match &one.to {
        Some(to) => format!("in no environment that it counts in is `{key}` `{}`", to.as_str()),
        None => format!("in every environment that it counts in `{key}` is set"),
    };
    Finding::new(Rule::AcknowledgementIdle, one.key.place.clone(), message)
}
