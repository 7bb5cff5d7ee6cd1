//! Which layers a connector is made of, the lowest first.
//!
//! Takes a connector with its templates and environments, gives the keys of each layer in order. What
//! the values become is left to `render`.
//!
//! The order is that of the kinds of layers: the file that the connector is made from, or templates, their blocks for the environment, the
//! environment, the connector, its blocks. Inside a kind what is based on something comes after it:
//! first by environment, then by template.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::definition::{Connector, Definitions, Environment, Foundation, Given, Pair, Template};
use crate::model::name::EnvironmentName;
use crate::model::text::Text;

/// The keys of one layer.
#[derive(Debug, Clone)]
pub struct Layer<'d> {
    /// Whose they are.
    pub whose: Whose<'d>,
    /// What was written, in order.
    pub pairs: &'d [Pair],
}

/// Whose keys a layer has.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'d> {
    /// A file's that the connector is made from.
    File(&'d Foundation),
    /// A template's.
    Template(&'d Template),
    /// A template's, in one environment.
    TemplateIn(&'d Template, &'d EnvironmentName),
    /// An environment's.
    Environment(&'d EnvironmentName),
    /// The connector's.
    Connector(&'d Connector),
    /// The connector's, in one environment.
    ConnectorIn(&'d Connector, &'d EnvironmentName),
}

impl Whose<'_> {
    /// The layer in words.
    pub fn name(&self) -> Arc<str> {
        match self {
            Self::File(foundation) => format!("file {}", foundation.path),
            Self::Template(template) => format!("template {}", template.name.as_str()),
            Self::TemplateIn(template, environment) => {
                format!("template {} in {environment}", template.name.as_str())
            }
            Self::Environment(environment) => format!("environment {environment}"),
            Self::Connector(connector) => format!("connector {}", connector.name),
            Self::ConnectorIn(connector, environment) => {
                format!("connector {} in {environment}", connector.name)
            }
        }
        .into()
    }
}

/// The layer that comes from the file a connector is made from.
pub fn of_file(foundation: &Foundation) -> Layer<'_> {
    Layer { whose: Whose::File(foundation), pairs: &foundation.config }
}

/// The layers that come from templates; both chains begin with what has no base.
pub fn of_templates<'d>(templates: &[&'d Template], environments: &[&'d Environment]) -> Vec<Layer<'d>> {
    let own =
        templates.iter().map(|template| Layer { whose: Whose::Template(template), pairs: &template.config });
    let blocks = environments.iter().flat_map(|environment| {
        templates.iter().filter_map(|template| {
            let block = template
                .environments
                .iter()
                .find(|block| block.environment.as_str() == environment.name.as_str())?;
            Some(Layer { whose: Whose::TemplateIn(template, &environment.name), pairs: &block.config })
        })
    });
    own.chain(blocks).collect()
}

/// The layers that come from environments.
pub fn of_environments<'d>(environments: &[&'d Environment]) -> Vec<Layer<'d>> {
    let layer = |environment: &&'d Environment| Layer {
        whose: Whose::Environment(&environment.name),
        pairs: &environment.config,
    };
    environments.iter().map(layer).collect()
}

/// The layers that come from the connector itself.
pub fn of_connector<'d>(connector: &'d Connector, environments: &[&'d Environment]) -> Vec<Layer<'d>> {
    let own = Layer { whose: Whose::Connector(connector), pairs: &connector.config };
    let blocks = environments.iter().filter_map(|environment| {
        let block = connector
            .environments
            .iter()
            .find(|block| block.environment.as_str() == environment.name.as_str())?;
        Some(Layer { whose: Whose::ConnectorIn(connector, &environment.name), pairs: &block.config })
    });
    std::iter::once(own).chain(blocks).collect()
}

/// What a connector gives to its template, the lowest layer first.
pub fn given_by_connector<'d>(connector: &'d Connector, environments: &[&'d Environment]) -> Vec<&'d Given> {
    let blocks = environments.iter().filter_map(|environment| {
        let name = environment.name.as_str();
        connector.environments.iter().find(|block| block.environment.as_str() == name)
    });
    std::iter::once(&connector.with).chain(blocks.map(|block| &block.with)).collect()
}

/// What a template gives to the one under it, the lowest layer first.
pub fn given_by_template<'d>(template: &'d Template, environments: &[&'d Environment]) -> Vec<&'d Given> {
    let blocks = environments.iter().filter_map(|environment| {
        let name = environment.name.as_str();
        template.environments.iter().find(|block| block.environment.as_str() == name)
    });
    std::iter::once(&template.with).chain(blocks.map(|block| &block.with)).collect()
}

/// A template and those under it, the lowest first; none where one of them is unknown, was not
/// read whole, or is based on itself.
pub fn templates<'d>(definitions: &'d Definitions, name: &str) -> Option<Vec<&'d Template>> {
    let mut chain: Vec<&Template> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut next = Some(name);
    while let Some(name) = next {
        let template = definitions.templates.get(name)?;
        if !template.whole || !seen.insert(name) {
            return None;
        }
        chain.push(template);
        next = template.base.as_ref().map(Text::as_str);
    }
    chain.reverse();
    Some(chain)
}

/// An environment and those under it, the lowest first; none where one of them is unknown, was not
/// read whole, or is based on itself.
pub fn environments<'d>(
    definitions: &'d Definitions,
    name: &EnvironmentName,
) -> Option<Vec<&'d Environment>> {
    let (chain, is_all) = known_environments(definitions, name);
    is_all.then_some(chain)
}

/// An environment and what is known of those under it, the lowest first; and whether that is all.
pub fn known_environments<'d>(
    definitions: &'d Definitions,
    name: &EnvironmentName,
) -> (Vec<&'d Environment>, bool) {
    let mut chain: Vec<&Environment> = Vec::new();
    let mut next = Some(name.clone());
    let mut is_all = true;
    while let Some(name) = next {
        let is_new = |environment: &&Environment| chain.iter().all(|seen| seen.name != environment.name);
        let Some(environment) = definitions.environments.get(&name).filter(is_new) else {
            is_all = false;
            break;
        };
        chain.push(environment);
        is_all &= environment.whole;
        next = environment.base.as_ref().and_then(|base| EnvironmentName::new(base.as_str()).ok());
        is_all &= next.is_some() == environment.base.is_some();
    }
    chain.reverse();
    (chain, is_all)
}
