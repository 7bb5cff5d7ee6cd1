//! Configs that Connect refuses, or whose tasks fail at once, seen before Connect is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::config::Shown;
use crate::model::rule::Rule;
use crate::pipeline::classes;
use crate::pipeline::lints::seen::{Breach, Seen};
use crate::yaml::decode::nearest;

/// A sink reads the topics of one list or of one pattern.
pub fn sink_topics(seen: &Seen<'_>) -> Vec<Breach> {
    const LIST: &str = "topics";
    const PATTERN: &str = "topics.regex";
    if !classes::is_sink(seen.class) {
        return Vec::new();
    }
    match (seen.has(LIST), seen.has(PATTERN)) {
        (true, true) => {
            vec![seen.breach(Rule::SinkTopics, PATTERN, "a sink has both `topics` and `topics.regex`")]
        }
        (false, false) => {
            let message = "a sink has neither `topics` nor `topics.regex`";
            vec![seen.breach(Rule::SinkTopics, LIST, message).hint("add one of the two")]
        }
        (true, false) | (false, true) => Vec::new(),
    }
}

/// The number of tasks is a number.
pub fn tasks_max(seen: &Seen<'_>) -> Vec<Breach> {
    const KEY: &str = "tasks.max";
    let is_number = |text: Arc<str>| text.trim().parse::<i32>().is_ok_and(|number| number >= 1);
    let is_long = |text: &str| text.len() > 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    match seen.literal(KEY) {
        Some(text) if !is_number(Arc::clone(&text)) && is_long(text.trim().trim_start_matches('0')) => {
            let breach = seen.breach(Rule::TasksMax, KEY, "`tasks.max` is larger than Connect can read");
            vec![breach.hint(format!("write a whole number from 1 to {}", i32::MAX))]
        }
        Some(text) if !is_number(Arc::clone(&text)) => {
            vec![seen.breach(Rule::TasksMax, KEY, "`tasks.max` is no whole number from 1")]
        }
        Some(_) | None => Vec::new(),
    }
}

/// Debezium takes a list of what to include, or one of what to exclude.
pub fn include_and_exclude(seen: &Seen<'_>) -> Vec<Breach> {
    let both = |what: &&str| {
        let (include, exclude) = (format!("{what}.include.list"), format!("{what}.exclude.list"));
        let message = || format!("`{include}` and `{exclude}` exclude each other");
        (seen.is_debezium() && seen.has(&include) && seen.has(&exclude))
            .then(|| seen.breach(Rule::IncludeAndExclude, &exclude, message()))
    };
    ["database", "schema", "table", "column"].iter().filter_map(both).collect()
}

/// What is listed is described, and what is described is listed.
pub fn transforms(seen: &Seen<'_>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for list in ["transforms", "predicates"] {
        breaches.extend(listed(seen, list));
    }
    if let (Some(transforms), Some(predicates)) = (aliases(seen, "transforms"), aliases(seen, "predicates")) {
        for key in transforms.iter().map(|alias| format!("transforms.{alias}.predicate")) {
            let Some(name) = seen.literal(&key).filter(|name| !predicates.iter().any(|p| **p == **name))
            else {
                continue;
            };
            let breach = seen.breach(
                Rule::PredicateUnknown,
                &key,
                format!("`{key}` names `{name}`, which `predicates` does not list"),
            );
            breaches.push(match nearest(&name, predicates.iter().map(String::as_str)) {
                Some(near) => breach.hint(format!("did you mean `{near}`?")),
                None => breach,
            });
        }
    }
    breaches
}

/// The aliases that a list names; none where a placeholder of Connect's stands in it, or a secret.
fn aliases(seen: &Seen<'_>, list: &str) -> Option<Vec<String>> {
    match seen.text(list) {
        None if seen.has(list) => None,
        None => Some(Vec::new()),
        Some(text) if text.contains("${") => None,
        Some(text) => Some(split(&text).map(ToOwned::to_owned).collect()),
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|alias| !alias.is_empty())
}

fn listed(seen: &Seen<'_>, list: &str) -> Vec<Breach> {
    let Some(aliases) = aliases(seen, list) else { return Vec::new() };
    let mut unlisted = unlisted(seen, list);
    let mut breaches = Vec::new();
    let missing = |alias: &&String| seen.connector.config.get(&format!("{list}.{alias}.type")).is_none();
    for alias in aliases.iter().filter(missing) {
        let message = format!("`{list}` lists `{alias}`, and there is no `{list}.{alias}.type`");
        let breach = seen.breach(Rule::TransformType, list, message);
        let near = nearest(alias, unlisted.keys().copied()).map(ToOwned::to_owned);
        breaches.push(match near {
            Some(near) => {
                // One slip of the pen is one finding.
                unlisted.remove(near.as_str());
                breach.hint(format!("did you mean `{near}`?"))
            }
            None => breach,
        });
    }
    breaches.extend(unlisted.into_iter().map(|(alias, key)| {
        let message = format!("`{list}` does not list `{alias}`, so `{list}.{alias}` is never used");
        let breach = seen.breach(Rule::TransformUnlisted, key, message);
        match nearest(alias, aliases.iter().map(String::as_str)) {
            Some(near) => breach.hint(format!("did you mean `{near}`?")),
            None => breach,
        }
    }));
    breaches
}

/// Aliases that have keys and are not listed, with the first key of each. What a lower layer lists and
/// describes was switched off on purpose; what is described beside the list that leaves it out was not.
fn unlisted<'d>(seen: &Seen<'d>, list: &str) -> BTreeMap<&'d str, &'d str> {
    let prefix = format!("{list}.");
    let layers = seen.layers(list).iter().filter_map(|origin| match &origin.value {
        Some(Shown::Text(text)) => Some(text),
        Some(Shown::Hidden) | None => None,
    });
    let listed: Vec<_> = layers.flat_map(|text| split(text)).collect();
    let text = seen.text(list).unwrap_or_default();
    let current: Vec<_> = split(&text).collect();
    let layer = |key| seen.layers(key).last().map(|origin| &origin.layer);
    let is_beside = |key| layer(list).is_some() && layer(key) == layer(list);
    let mut found = BTreeMap::new();
    for key in seen.connector.config.keys() {
        let Some(rest) = key.strip_prefix(&prefix) else { continue };
        let is_of = |alias: &&str| rest.strip_prefix(*alias).is_some_and(|rest| rest.starts_with('.'));
        let Some((alias, _)) = rest.split_once('.') else { continue };
        if !listed.iter().any(is_of) || (is_beside(key) && !current.iter().any(is_of)) {
            found.entry(alias).or_insert(key);
        }
    }
    found
}
