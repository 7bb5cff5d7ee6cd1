//! What connectors of two environments must not have in common: a slot or a server id on one server.
//!
//! Takes every environment rendered, gives findings. Mostly a host was copied from one environment to
//! another. What the place supplies is not known here, so examples and placeholders are no hosts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::definition::{Definitions, Environment, Pair, Tree};
use crate::model::desired::{Desired, DesiredState};
use crate::model::finding::Place;
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::rule::Rule;
use crate::pipeline::layers;
use crate::pipeline::lints::seen::Seen;
use crate::pipeline::lints::verdict::{Court, Verdict};
use crate::pipeline::scene::own::Own;

const HOST: &str = "database.hostname";

/// A connector of one environment.
type Found<'d> = (&'d Desired, Seen<'d>);

/// Which connectors of one environment meet those of another, and where that can be put right.
type Meetings<'d> =
    BTreeMap<(Place, &'d EnvironmentName, &'d EnvironmentName, &'static str), BTreeSet<&'d ConnectorName>>;

/// Compares every environment with those before it, by name.
pub fn verdict(definitions: &Definitions, court: &Court<'_>, rendered: &[&Desired]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut meetings = Meetings::new();
    for own in Own::on_servers() {
        let mut first: HashMap<(String, Arc<str>), Found<'_>> = HashMap::new();
        for &desired in rendered {
            let examples = examples(definitions, &desired.environment);
            for seen in comparable(desired, own, &examples) {
                let Some(at) = own.of(&seen.sight()) else { continue };
                let &mut (other, met) = first.entry(at).or_insert((desired, seen));
                if other.environment == desired.environment || are_kin(definitions, other, desired) {
                    continue;
                }
                let allowed: Vec<_> = [(other, met), (desired, seen)]
                    .iter()
                    .flat_map(|(desired, seen)| {
                        court.allowances(Rule::SharedAcrossEnvironments, seen, desired)
                    })
                    .collect();
                if allowed.is_empty() {
                    let place = place(definitions, court, desired, &seen);
                    let meeting = (place, &desired.environment, &other.environment, own.key);
                    meetings.entry(meeting).or_default().insert(seen.name);
                }
                verdict.used.extend(allowed.into_iter().map(|allowance| allowance.place.clone()));
            }
        }
    }
    verdict.findings = meetings
        .into_iter()
        .map(|((place, environment, other, key), names)| {
            let mut names = names.into_iter();
            let first = names.next().expect("a meeting has a connector");
            let who = match names.count() {
                0 => format!("connector `{first}` has"),
                more => format!("connector `{first}` and {more} more have"),
            };
            let message = format!("{who} the `{key}` of one in environment `{other}`, on the same server");
            let finding = court.finding(Rule::SharedAcrossEnvironments, place, message, None);
            crate::model::finding::Finding { environment: Some(environment.clone()), ..finding }
        })
        .collect();
    verdict
}

/// The connectors of an environment whose server and value are written in the repository.
fn comparable<'d>(desired: &'d Desired, own: &Own, examples: &BTreeSet<&str>) -> Vec<Seen<'d>> {
    let is_known = |seen: &Seen<'_>| {
        let known = |key: &str| !seen.has(key) || seen.literal(key).is_some();
        let host = seen.literal(HOST);
        known("database.port")
            && known(own.key)
            && host.is_some_and(|host| !examples.iter().any(|example| host.contains(example)))
    };
    let working = desired.connectors.iter().filter(|(_, c)| c.state != DesiredState::Stopped);
    working.filter_map(|(name, connector)| Seen::new(name, connector)).filter(is_known).collect()
}

/// The texts that stand in for what the place supplies.
fn examples<'d>(definitions: &'d Definitions, environment: &EnvironmentName) -> BTreeSet<&'d str> {
    let mut found = BTreeSet::new();
    let chain = layers::environments(definitions, environment).unwrap_or_default();
    for example in chain.iter().flat_map(|e| &e.inputs).filter_map(|input| input.example.as_ref()) {
        texts(example, &mut |text, _| {
            found.insert(text);
        });
    }
    found.remove("");
    found
}

fn texts<'d>(tree: &'d Tree, take: &mut impl FnMut(&'d str, &'d Place)) {
    match tree {
        Tree::Text(text) | Tree::Literal(text) => take(text.as_str(), &text.place),
        Tree::List(_, items) => items.iter().for_each(|item| texts(item, take)),
        Tree::Map(_, pairs) => pairs.iter().for_each(|pair| texts(&pair.value, take)),
        Tree::Null(_) | Tree::Refused(_) => {}
    }
}

/// Whether one is based on the other: then the lower one is mostly no place of its own.
fn are_kin(definitions: &Definitions, one: &Desired, other: &Desired) -> bool {
    let is_under = |upper: &Desired, lower: &Desired| {
        layers::environments(definitions, &upper.environment)
            .is_some_and(|chain| chain.iter().any(|environment| environment.name == lower.environment))
    };
    is_under(one, other) || is_under(other, one)
}

/// Where the host was written: in the environment's values, in the connector, else the environment.
fn place(definitions: &Definitions, court: &Court<'_>, desired: &Desired, seen: &Seen<'_>) -> Place {
    let chain = layers::environments(definitions, &desired.environment).unwrap_or_default();
    let own = seen.place(HOST).filter(|place| !court.is_template(place));
    let value = || {
        let host = seen.literal(HOST)?;
        chain.iter().rev().find_map(|environment| written(environment, &host))
    };
    let environment = || chain.last().map(|environment| &environment.place);
    value().or(own).or_else(environment).unwrap_or(&seen.connector.place).clone()
}

fn written<'d>(environment: &'d Environment, host: &str) -> Option<&'d Place> {
    let mut found = None;
    for Pair { value, .. } in &environment.values {
        texts(value, &mut |text, place| {
            if text == host {
                found = found.or(Some(place));
            }
        });
    }
    found
}
