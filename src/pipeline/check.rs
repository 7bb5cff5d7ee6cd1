//! Rules that a rendered connector is held to, one function each.
//!
//! Takes a connector as far as its config could be computed, gives what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::config::Value;
use crate::model::definition::{About, Tree};
use crate::model::desired::DesiredConnector;
use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::yaml::decode::nearest;

/// Where the values of a connector come from.
#[derive(Debug, Clone, Copy)]
pub struct Written<'w> {
    /// Per key, what was written for it.
    pub trees: &'w BTreeMap<&'w str, &'w Tree>,
    /// The keys with a secret in them that the place supplies. That is no fault of the definitions, and no
    /// rule looks at it: it may not decide whether a revision is accepted, nor be told by a finding.
    pub supplied: &'w BTreeSet<Arc<str>>,
    /// Whether every layer is known, so that a key which none of them sets is not set.
    pub is_all: bool,
}

type Check = fn(&About, &DesiredConnector, &Written<'_>) -> Vec<Finding>;

const CHECKS: &[Check] = &[class, config_providers, masks];

/// Holds a connector to every rule.
pub fn connector(
    about: &About,
    connector: &DesiredConnector,
    written: &Written<'_>,
    findings: &mut Vec<Finding>,
) {
    findings.extend(CHECKS.iter().flat_map(|check| check(about, connector, written)));
}

/// The values that the definitions themselves say.
fn said<'c>(
    connector: &'c DesiredConnector,
    written: &Written<'_>,
) -> impl Iterator<Item = (&'c str, &'c Value)> {
    connector.config.iter().filter(|(key, _)| !written.supplied.contains(*key))
}

fn class(_: &About, connector: &DesiredConnector, written: &Written<'_>) -> Vec<Finding> {
    match connector.config.class() {
        Some(class) if !class.trim().is_empty() => Vec::new(),
        None if !written.is_all || connector.lost.contains("connector.class") => Vec::new(),
        Some(_) | None => {
            let message = "the connector has no `connector.class`";
            vec![Finding::new(Rule::ClassMissing, connector.place.clone(), message)]
        }
    }
}

fn config_providers(about: &About, connector: &DesiredConnector, written: &Written<'_>) -> Vec<Finding> {
    let Some(known) = &about.config_providers else { return Vec::new() };
    let known: Vec<_> = known.iter().map(Text::as_str).collect();
    let mut findings = Vec::new();
    for (key, value) in said(connector, written) {
        let unknown: BTreeSet<_> = providers(value.expose())
            .map(|(_, alias)| alias)
            .filter(|alias| !known.contains(alias))
            .collect();
        for alias in unknown {
            // What stands in a secret is not told, not even a part of it.
            let told = if value.is_secret() { String::new() } else { format!(" `{alias}`") };
            let message =
                format!("a placeholder under `{key}` uses a config provider{told} that is not listed");
            let place = written.trees.get(key).and_then(|tree| placeholder(tree, alias));
            let place = place.unwrap_or_else(|| place_of(connector, key));
            let finding = Finding::new(Rule::ConfigProviderUnknown, place, message);
            findings.push(finding.hint(match nearest(alias, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "correct it, or add it to `config_providers` in tagalong.yaml".to_owned(),
            }));
        }
    }
    findings
}

/// A mask that is sent becomes the secret: the connector would log in with asterisks.
fn masks(_: &About, connector: &DesiredConnector, written: &Written<'_>) -> Vec<Finding> {
    let masked = |(key, value): (&str, &Value)| {
        let message = format!("the value of `{key}` is a mask and no value");
        value.is_masked().then(|| Finding::new(Rule::MaskedValue, place_of(connector, key), message))
    };
    said(connector, written).filter_map(masked).collect()
}

/// The placeholders `${alias:…}` in a text, as Connect finds them: where each begins, and its alias.
/// `${topic}` has no colon and is none.
fn providers(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("${").filter_map(|(at, begin)| {
        let (alias, rest) = text[at + begin.len()..].split_once(':')?;
        (!alias.is_empty() && !alias.contains('}') && rest.contains('}')).then_some((at, alias))
    })
}

/// Where a placeholder stands with its own characters; none where an expression makes it.
fn placeholder(tree: &Tree, alias: &str) -> Option<Place> {
    match tree {
        Tree::Text(text) | Tree::Literal(text) => {
            providers(text.as_str()).find(|(_, found)| *found == alias).map(|(at, _)| text.place_of(at))
        }
        Tree::List(_, items) => items.iter().find_map(|item| placeholder(item, alias)),
        Tree::Null(_) | Tree::Map(..) | Tree::Refused(_) => None,
    }
}

/// Where a key was set; the connector's own place where nobody knows.
fn place_of(connector: &DesiredConnector, key: &str) -> Place {
    let origin = connector.origins.get(key).and_then(|layers| layers.last());
    origin.map_or(&connector.place, |origin| &origin.place).clone()
}
