//! What decides, beside a connector's own keys, where its records go and which Kafka they come from or go to.
//!
//! Takes what two connectors say, tells whether that is the same. Transforms are looked at in their order and whatever they
//! are called; one that is not known to leave topic and record where they are decides.

use std::collections::BTreeMap;

use crate::model::config::Value;
use crate::pipeline::risk::setting;
use crate::pipeline::server;
use crate::pipeline::sight::Sight;
use crate::pipeline::transforms::{self, BY_FIELD};

/// A transform that decides: what it says, and its predicate with it.
type Way<'c> = BTreeMap<String, Option<&'c Value>>;

/// In what the ways of the records of two connectors differ; nothing where they go the same way.
pub fn differing(one: &Sight<'_>, other: &Sight<'_>) -> Vec<&'static str> {
    let parts = [("transforms", is_same_routes(one, other)), ("brokers", is_same_kafka(one, other))];
    parts.into_iter().filter(|(_, is_same)| !is_same).map(|(part, _)| part).collect()
}

/// Who knows one broker of a cluster knows the others.
fn is_same_kafka(one: &Sight<'_>, other: &Sight<'_>) -> bool {
    setting::KAFKA.iter().all(|key| match (one.text(key), other.text(key)) {
        (Some(one), Some(other)) => {
            let other = setting::items(&other);
            setting::items(&one).iter().any(|broker| other.contains(broker))
        }
        (None, _) | (_, None) => server::is_alike(one.config.get(key), other.config.get(key)),
    })
}

fn is_same_routes(one: &Sight<'_>, other: &Sight<'_>) -> bool {
    let (ones, others) = (ways(one), ways(other));
    let is_alike = |(one, other): (&Way<'_>, &Way<'_>)| {
        one.keys().eq(other.keys()) && one.values().zip(other.values()).all(|(a, b)| server::is_alike(*a, *b))
    };
    ones.len() == others.len() && ones.iter().zip(&others).all(is_alike)
}

/// Each transform in force that decides.
fn ways<'c>(sight: &Sight<'c>) -> Vec<Way<'c>> {
    let chain = sight.text(transforms::LIST).unwrap_or_default();
    setting::items(&chain).into_iter().filter_map(|name| way(sight, name)).collect()
}

fn way<'c>(sight: &Sight<'c>, name: &str) -> Option<Way<'c>> {
    let class = sight.text(&format!("transforms.{name}.type"));
    let last = class.as_deref().map(transforms::last);
    let is_content = last.is_some_and(transforms::changes_content);
    if is_content && !sight.has(&format!("transforms.{name}.{BY_FIELD}")) {
        return None;
    }
    let decides =
        |leaf: &str| leaf != "type" && (!is_content || [BY_FIELD, "predicate", "negate"].contains(&leaf));
    // One that nobody describes is known by its name alone, which may be a placeholder.
    let mut way = Way::from([(last.unwrap_or(name).to_owned(), None)]);
    let below = |stem: String| {
        sight.config.iter().filter_map(move |(key, value)| Some((key.strip_prefix(&stem)?.to_owned(), value)))
    };
    for (leaf, value) in below(format!("transforms.{name}.")).filter(|(leaf, _)| decides(leaf)) {
        let predicate = sight.text(&format!("transforms.{name}.predicate")).filter(|_| leaf == "predicate");
        if let Some(predicate) = predicate {
            let of_it = below(format!("predicates.{}.", predicate.trim()));
            way.extend(of_it.map(|(leaf, value)| (format!("predicate.{leaf}"), Some(value))));
        } else {
            way.insert(leaf, Some(value));
        }
    }
    Some(way)
}
