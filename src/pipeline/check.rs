//! Rules that a rendered connector is held to, one function each.
//!
//! Takes a connector whose config was computed without a finding, gives what is wrong with it.

use crate::model::config::Value;
use crate::model::definition::About;
use crate::model::desired::DesiredConnector;
use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::yaml::decode::nearest;

type Check = fn(&About, &DesiredConnector) -> Vec<Finding>;

const CHECKS: &[Check] = &[class, config_providers, masks];

/// Holds a connector to every rule.
pub fn connector(about: &About, connector: &DesiredConnector, findings: &mut Vec<Finding>) {
    findings.extend(CHECKS.iter().flat_map(|check| check(about, connector)));
}

fn class(_: &About, connector: &DesiredConnector) -> Vec<Finding> {
    match connector.config.class() {
        Some(class) if !class.trim().is_empty() => Vec::new(),
        Some(_) | None => {
            let message = "the connector has no `connector.class`";
            vec![Finding::new(Rule::ClassMissing, connector.place.clone(), message)]
        }
    }
}

fn config_providers(about: &About, connector: &DesiredConnector) -> Vec<Finding> {
    let Some(known) = &about.config_providers else { return Vec::new() };
    let known: Vec<_> = known.iter().map(crate::model::text::Text::as_str).collect();
    let wrong = |(key, value): (&str, &Value)| {
        let alias = providers(value.expose()).into_iter().find(|alias| !known.contains(&alias.as_str()))?;
        // What stands in a secret is not told, not even a part of it.
        let told = if value.is_secret() { String::new() } else { format!(" `{alias}`") };
        let message = format!("a placeholder under `{key}` uses a config provider{told} that is not listed");
        let finding = Finding::new(Rule::ConfigProviderUnknown, place(connector, key), message);
        Some(finding.hint(match nearest(&alias, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "correct it, or add it to `config_providers` in tagalong.yaml".to_owned(),
        }))
    };
    connector.config.iter().filter_map(wrong).collect()
}

/// A mask that is sent becomes the secret: the connector would log in with asterisks.
fn masks(_: &About, connector: &DesiredConnector) -> Vec<Finding> {
    let masked = |(key, value): (&str, &Value)| {
        let message = format!("the value of `{key}` is a mask and no value");
        value.is_masked().then(|| Finding::new(Rule::MaskedValue, place(connector, key), message))
    };
    connector.config.iter().filter_map(masked).collect()
}

/// The aliases of the placeholders `${alias:…}` in a text.
fn providers(text: &str) -> Vec<String> {
    let alias = |after: &str| {
        let (alias, rest) = after.split_once(':')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        (rest.contains('}') && !alias.is_empty() && alias.chars().all(plain)).then(|| alias.to_owned())
    };
    text.split("${").skip(1).filter_map(alias).collect()
}

/// Where a key was set; the connector's own place where nobody knows.
fn place(connector: &DesiredConnector, key: &str) -> Place {
    let origin = connector.origins.get(key).and_then(|layers| layers.last());
    origin.map_or(&connector.place, |origin| &origin.place).clone()
}
