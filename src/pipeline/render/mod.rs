//! Makes, of definitions, what one environment should run.
//!
//! Takes definitions, an environment's name and the values of the place, gives every connector with
//! its whole config and the origin of each key. Each connector is looked at even where another one
//! is wrong, so that all findings come at once.

mod config;
mod parameters;
mod values;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::config::{Config, Value};
use crate::model::definition::{
    Acknowledgement, Connector, ConnectorBlock, Definitions, Environment, Reading, Suspension,
};
use crate::model::desired::{Desired, DesiredConnector, DesiredState, Suspend};
use crate::model::finding::{Finding, Place};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::revision::Revision;
use crate::model::risk::Acknowledged;
use crate::model::rule::Rule;
use crate::model::select::Select;
use crate::model::supplied::SecretName;
use crate::pipeline::check::{self, Written};
use crate::pipeline::expression::written::Missing;
use crate::pipeline::layers;
use crate::pipeline::render::config::{Layers, Made, Origins, Wanted};
use crate::pipeline::render::parameters::Names;
use crate::pipeline::supply::Supply;
use crate::yaml::decode::nearest;

/// Renders one environment; none where the environment itself, or one under it, cannot be read. Its
/// connectors are looked at even then.
pub fn desired(
    definitions: &Definitions,
    revision: &Revision,
    environment: &EnvironmentName,
    supply: &Supply<'_>,
    select: &Select,
    findings: &mut Vec<Finding>,
) -> Option<Desired> {
    if !definitions.environments.contains_key(environment) {
        findings.push(unknown_environment(definitions, environment));
        return None;
    }
    let (chain, is_whole_chain) = layers::known_environments(definitions, environment);
    let mut sink = Sink::default();
    let values = values::of(&chain, supply, &mut sink.findings);
    let names = Names::new(environment, values, supply.secrets);
    let mut rendering = Rendering {
        definitions,
        environment,
        names: if is_whole_chain { names } else { names.without_some_values() },
        layers: Layers::new(definitions, &chain),
        chain,
        is_whole_chain,
        sink,
        unresolved: BTreeMap::new(),
        left_out: BTreeSet::new(),
    };
    let connectors = rendering.connectors(select);
    findings.extend(rendering.sink.findings.into_iter().map(|mut finding| {
        finding.environment = Some(environment.clone());
        finding
    }));
    is_whole_chain.then(|| Desired {
        revision: revision.clone(),
        environment: environment.clone(),
        connectors,
        suspend: suspend(&rendering.chain),
        unresolved: rendering.unresolved,
        forgotten: forgotten(definitions),
        left_out: rendering.left_out,
        incomplete: Vec::new(),
    })
}

fn unknown_environment(definitions: &Definitions, name: &EnvironmentName) -> Finding {
    // Nobody wrote the name into a file: it comes from the settings or the command line.
    let place = Place::outside("environment");
    let finding = Finding::new(Rule::UnknownEnvironment, place, format!("there is no environment `{name}`"));
    let names = || definitions.environments.keys().map(EnvironmentName::as_str);
    match nearest(name.as_str(), names()) {
        Some(near) => finding.hint(format!("did you mean `{near}`?")),
        None if definitions.environments.is_empty() => {
            finding.hint(format!("add `environments/{name}.yaml` with `environment: {name}`"))
        }
        None => finding.hint(format!("there are {}", names().collect::<Vec<_>>().join(", "))),
    }
}

/// What the environment says, else what is under it.
fn suspend(chain: &[&Environment]) -> Option<Suspend> {
    topmost(chain.iter().map(|environment| &environment.suspend))
}

/// What the last of several says that says something of it.
fn topmost<'s>(said: impl DoubleEndedIterator<Item = &'s Suspension>) -> Option<Suspend> {
    match said.rev().find(|suspend| !matches!(suspend, Suspension::Inherited)) {
        Some(Suspension::Said(suspend)) => Some(suspend.clone()),
        Some(Suspension::Lifted | Suspension::Inherited) | None => None,
    }
}

/// Names of connectors that moved elsewhere.
fn forgotten(definitions: &Definitions) -> BTreeSet<ConnectorName> {
    definitions.forgotten.iter().map(|name| ConnectorName::observed(name.as_str())).collect()
}

/// The risky changes of a connector that somebody answers for in an environment.
fn acknowledged(connector: &Connector, environment: &EnvironmentName) -> Vec<Acknowledged> {
    let counts = |one: &&Acknowledgement| {
        one.environment.as_ref().is_none_or(|named| named.as_str() == environment.as_str())
    };
    let taken = |one: &Acknowledgement| Acknowledged {
        key: Arc::clone(&one.key.text),
        to: one.to.as_ref().map(|to| Value::new(one.key.as_str(), to.as_str())),
        reason: Arc::clone(&one.reason.text),
        place: one.key.place.clone(),
    };
    connector.acknowledge.iter().filter(counts).map(taken).collect()
}

/// The environments in which a connector of this name exists.
pub fn homes<'d>(definitions: &'d Definitions, name: &str) -> Vec<&'d EnvironmentName> {
    let is_in = |environment: &EnvironmentName| {
        let chain = layers::environments(definitions, environment).unwrap_or_default();
        definitions.connectors.values().any(|connector| {
            connector.scope.covers(environment) && called(&chain, connector).as_str() == name
        })
    };
    definitions.environments.keys().filter(|environment| is_in(environment)).collect()
}

/// A connector's blocks for the environments of a chain, the lowest first.
fn blocks<'d>(
    chain: &[&'d Environment],
    connector: &'d Connector,
) -> impl Iterator<Item = &'d ConnectorBlock> {
    chain.iter().filter_map(|environment| {
        let name = environment.name.as_str();
        connector.environments.iter().find(|block| block.environment.as_str() == name)
    })
}

/// What a connector is called at the end of a chain.
fn called<'d>(chain: &[&'d Environment], connector: &'d Connector) -> &'d ConnectorName {
    blocks(chain, connector).filter_map(|block| block.name.as_ref()).last().unwrap_or(&connector.name)
}

struct Rendering<'d> {
    definitions: &'d Definitions,
    environment: &'d EnvironmentName,
    names: Names,
    layers: Layers<'d>,
    chain: Vec<&'d Environment>,
    /// Whether that is all of the chain.
    is_whole_chain: bool,
    sink: Sink,
    unresolved: BTreeMap<ConnectorName, BTreeSet<SecretName>>,
    left_out: BTreeSet<ConnectorName>,
}

impl<'d> Rendering<'d> {
    fn connectors(&mut self, select: &Select) -> BTreeMap<ConnectorName, DesiredConnector> {
        let mut connectors: BTreeMap<ConnectorName, DesiredConnector> = BTreeMap::new();
        let definitions = self.definitions;
        for connector in definitions.connectors.values().filter(|c| c.scope.covers(self.environment)) {
            let name = called(&self.chain, connector).clone();
            if !select.covers(&name) {
                self.left_out.insert(name);
                continue;
            }
            let rendered = self.connector(connector, &name);
            if let Some(first) = connectors.get(&name) {
                let message =
                    format!("connector `{name}` exists already in this environment, from {}", first.place);
                let finding = Finding::new(Rule::DuplicateName, rendered.place, message);
                self.sink.take([finding], &name);
            } else {
                connectors.insert(name, rendered);
            }
        }
        for connector in definitions.repeated.connectors.iter().filter(|c| c.scope.covers(self.environment)) {
            let name = called(&self.chain, connector);
            if select.covers(name) {
                self.connector(connector, name);
            }
        }
        connectors
    }

    /// The connector's blocks that count here, the lowest first.
    fn blocks(&self, connector: &'d Connector) -> impl Iterator<Item = &'d ConnectorBlock> {
        blocks(&self.chain, connector)
    }

    fn connector(&mut self, connector: &'d Connector, name: &ConnectorName) -> DesiredConnector {
        let state = self.blocks(connector).filter_map(|block| block.state).last();
        let suspends: Vec<_> = self.blocks(connector).map(|block| &block.suspend).collect();
        let mut rendered = DesiredConnector {
            config: Config::default(),
            state: state.or(connector.state).unwrap_or(DesiredState::Running),
            keep: connector.keep,
            acknowledged: acknowledged(connector, self.environment),
            template: connector.template.as_ref().map(|template| Arc::clone(&template.text)),
            place: connector.place.clone(),
            form: connector.form,
            origins: Origins::new(),
            suspend: topmost([&connector.suspend].into_iter().chain(suspends)),
            lost: BTreeSet::new(),
        };
        // What is to be deleted needs no config.
        if rendered.state == DesiredState::Absent {
            return rendered;
        }
        let mut findings = Vec::new();
        let is_whole_chain = self.is_whole_chain;
        let wanted = Wanted { connector, name, chain: &self.chain, is_whole_chain, names: &self.names };
        let Made { config, origins, trees, supplied, missing, lost, is_all } =
            self.layers.config(&wanted, &mut findings);
        (rendered.config, rendered.origins, rendered.lost) = (config, origins, lost);
        if connector.reading == Reading::Broken {
            // It may not exist here: only what is wrong wherever it stands is told.
            findings.clear();
        }
        let of = Written { trees: &trees, supplied: &supplied, is_all };
        check::connector(&self.definitions.about, &rendered, &of, &mut findings);
        if !missing.is_empty() && connector.reading != Reading::Broken {
            findings.extend(missing.iter().filter_map(|(secret, missing)| lacking(secret, missing)));
            self.unresolved.insert(name.clone(), missing.into_keys().collect());
        }
        if is_all {
            // Nobody knows what they are; that they are set is known.
            for key in &rendered.lost {
                rendered.config.insert(key, Value::secret(""));
            }
        } else {
            // Without all of its layers it can be judged no further.
            (rendered.config, rendered.origins) = (Config::default(), Origins::new());
        }
        let told = findings.into_iter().map(|finding| self.to_whom_it_concerns(finding, connector, name));
        let told: Vec<_> = told.collect();
        self.sink.take(told, name);
        rendered
    }

    /// What an import brings about is told at the connector: whoever reads it cannot change the import. What
    /// is wrong with the import's files themselves was said of them.
    fn to_whom_it_concerns(&self, finding: Finding, connector: &Connector, name: &ConnectorName) -> Finding {
        let imports = &self.definitions.about.imports;
        let own = connector.template.as_ref().map(|template| &template.place);
        let is_told = || {
            let mut told = self.definitions.findings.iter();
            told.any(|told| told.rule == finding.rule && told.place == finding.place)
        };
        let is_theirs = imports.keys().any(|import| finding.place.is_of(import));
        let Some(own) = own.filter(|_| is_theirs && !is_told()) else { return finding };
        let message = format!("{}; `{name}` has it from its template, at {}", finding.message, finding.place);
        Finding { place: own.clone(), message, ..finding }
    }
}

/// Says that a secret is not there, where it was looked for.
fn lacking(secret: &SecretName, missing: &Missing) -> Option<Finding> {
    let Missing { place, lack } = missing;
    let lack = lack.as_ref()?;
    let message = format!("the secret `{secret}` is not there: {lack}; no step is taken on what needs it");
    Some(Finding::new(Rule::SecretMissing, place.clone(), message).hint(lack.hint()))
}

/// Collects findings; one that many connectors have in common is told once.
#[derive(Default)]
struct Sink {
    findings: Vec<Finding>,
    told: HashMap<(Place, Rule, String), usize>,
}

impl Sink {
    fn take(&mut self, findings: impl IntoIterator<Item = Finding>, connector: &ConnectorName) {
        for finding in findings {
            let key = (finding.place.clone(), finding.rule, finding.message.clone());
            if let Some(&index) = self.told.get(&key) {
                let told = &mut self.findings[index];
                if told.connector.as_ref() != Some(connector) {
                    told.connector = None;
                }
            } else {
                self.told.insert(key, self.findings.len());
                self.findings.push(finding.of(connector));
            }
        }
    }
}
