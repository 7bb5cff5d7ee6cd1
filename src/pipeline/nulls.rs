//! Finds each `null` that removes nothing: mostly a mistyped key that goes on being set.
//!
//! Takes definitions, gives findings. Keys are literals, so nothing need be rendered for it: a
//! `null` is of use when in some environment, for some connector, a layer under it sets its key.

use std::collections::HashSet;

use crate::model::definition::{Connector, Definitions, Environment, Given, Pair, Reading, Template, Tree};
use crate::model::finding::Finding;
use crate::model::rule::Rule;
use crate::pipeline::layers;

/// Finds the useless ones.
pub fn check(definitions: &Definitions, findings: &mut Vec<Finding>) {
    let nulls = all(definitions);
    if nulls.is_empty() {
        return;
    }
    let mut useful = Useful::default();
    let mut chains = vec![Vec::new()];
    for name in definitions.environments.keys() {
        let (chain, is_all) = layers::known_environments(definitions, name);
        if is_all {
            chains.push(chain);
        } else {
            useful.take_over_unknown(definitions, &chain);
        }
    }
    for environments in &chains {
        for template in definitions.templates.values() {
            match layers::templates(definitions, template.name.as_str()) {
                Some(templates) => {
                    let layers = layers::of_templates(&templates, environments);
                    useful.walk(layers.iter().map(|layer| layer.pairs));
                    useful.walk_given(&layers::given_by_template(template, environments));
                }
                None => useful.take_template(template, environments),
            }
        }
        for connector in definitions.connectors.values() {
            useful.walk_connector(definitions, connector, environments);
        }
    }
    for pair in nulls.into_iter().filter(|pair| !useful.holds(pair)) {
        let place = pair.value.place().clone();
        let message = format!("no layer under this one sets `{}`", pair.key.as_str());
        findings.push(Finding::new(Rule::NullRemovesNothing, place, message));
    }
}

fn all(definitions: &Definitions) -> Vec<&Pair> {
    let templates = definitions.templates.values().flat_map(|template| {
        let blocks = template.environments.iter().flat_map(|block| [&block.config, &block.with.pairs]);
        [&template.config, &template.with.pairs].into_iter().chain(blocks)
    });
    let connectors = definitions.connectors.values().flat_map(|connector| {
        let blocks = connector.environments.iter().flat_map(|block| [&block.config, &block.with.pairs]);
        [&connector.config, &connector.with.pairs].into_iter().chain(blocks)
    });
    // Without a connector there is nothing that an environment could take anything away from.
    let environments = definitions.environments.values().filter(|_| !definitions.connectors.is_empty());
    templates
        .chain(connectors)
        .chain(environments.map(|environment| &environment.config))
        .flatten()
        .filter(|pair| is_null(pair))
        .collect()
}

fn is_null(pair: &Pair) -> bool {
    matches!(pair.value, Tree::Null(_))
}

/// The nulls that removed something, by their address.
#[derive(Default)]
struct Useful(HashSet<*const Pair>);

impl Useful {
    fn holds(&self, pair: &Pair) -> bool {
        self.0.contains(&std::ptr::from_ref(pair))
    }

    fn take_all(&mut self, pairs: &[Pair]) {
        self.0.extend(pairs.iter().filter(|pair| is_null(pair)).map(std::ptr::from_ref));
    }

    fn walk<'d>(&mut self, layers: impl Iterator<Item = &'d [Pair]> + Clone) {
        if !layers.clone().flatten().any(is_null) {
            return;
        }
        let mut set = HashSet::new();
        for pair in layers.flatten() {
            if !is_null(pair) {
                set.insert(pair.key.as_str());
            } else if set.remove(pair.key.as_str()) {
                self.0.insert(std::ptr::from_ref(pair));
            }
        }
    }

    fn walk_given(&mut self, given: &[&Given]) {
        self.walk(given.iter().map(|given| given.pairs.as_slice()));
    }

    fn walk_connector(
        &mut self,
        definitions: &Definitions,
        connector: &Connector,
        environments: &[&Environment],
    ) {
        if environments.last().is_some_and(|environment| !connector.scope.covers(&environment.name)) {
            return;
        }
        let given = layers::given_by_connector(connector, environments);
        self.walk_given(&given);
        let templates = match &connector.template {
            None => Some(Vec::new()),
            Some(name) => layers::templates(definitions, name.as_str()),
        };
        if let Some(templates) = templates.filter(|_| connector.reading == Reading::Whole) {
            self.take_missing(given, &templates, environments);
            let mut all: Vec<_> = connector.from.iter().map(layers::of_file).collect();
            all.extend(layers::of_templates(&templates, environments));
            all.extend(layers::of_environments(environments));
            all.extend(layers::of_connector(connector, environments));
            self.walk(all.iter().map(|layer| layer.pairs));
        } else {
            // What is under it is not known, so nothing can be said.
            self.take_environments(environments);
            self.take_connector(connector, environments);
        }
    }

    /// Takes what leaves a required parameter without a value: rendering says that it is not given.
    fn take_missing(&mut self, given: Vec<&Given>, templates: &[&Template], environments: &[&Environment]) {
        let mut given = given;
        for template in templates.iter().rev().filter(|_| !environments.is_empty()) {
            let all = || given.iter().flat_map(|given| &given.pairs);
            for parameter in template.parameters.iter().filter(|one| one.required && one.default.is_none()) {
                let of_it = || all().filter(|pair| pair.key.text == parameter.name.text);
                if of_it().next_back().is_some_and(is_null) {
                    self.0.extend(of_it().filter(|pair| is_null(pair)).map(std::ptr::from_ref));
                }
            }
            given = layers::given_by_template(template, environments);
        }
    }

    /// Takes what a template removes of one under it that is not known.
    fn take_template(&mut self, template: &Template, environments: &[&Environment]) {
        self.take_all(&template.config);
        for block in &template.environments {
            self.take_all(&block.config);
        }
        self.walk_given(&layers::given_by_template(template, environments));
    }

    fn take_connector(&mut self, connector: &Connector, environments: &[&Environment]) {
        for layer in layers::of_connector(connector, environments) {
            self.take_all(layer.pairs);
        }
    }

    fn take_environments(&mut self, environments: &[&Environment]) {
        for environment in environments {
            self.take_all(&environment.config);
        }
    }

    /// Takes whatever stands over an environment that is not known: it may set any key.
    fn take_over_unknown(&mut self, definitions: &Definitions, chain: &[&Environment]) {
        self.take_environments(chain);
        for template in definitions.templates.values() {
            for block in &template.environments {
                self.take_all(&block.config);
                self.take_all(&block.with.pairs);
            }
        }
        for connector in definitions.connectors.values() {
            self.take_connector(connector, chain);
            for block in &connector.environments {
                self.take_all(&block.with.pairs);
            }
        }
    }
}
