//! Lays a connector's layers over each other.
//!
//! Takes the layers and the names for their expressions, gives the config and where each key came
//! from. Templates and environments are compiled once, however many connectors use them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::config::{Config, Value};
use crate::model::definition::{Connector, Definitions, Environment, Pair, Reading, Template, Tree};
use crate::model::desired::Origin;
use crate::model::finding::{Finding, Place};
use crate::model::name::ConnectorName;
use crate::model::rule::Rule;
use crate::model::supplied::SecretName;
use crate::pipeline::expression::Scope;
use crate::pipeline::expression::written::{Missing, Written};
use crate::pipeline::form::Form;
use crate::pipeline::layers::{self, Layer, Whose};
use crate::pipeline::render::parameters::{self, Asked, Call, Names};

/// Keys whose values are told in metrics and findings.
const SHOWN: [&str; 2] = ["connector.class", "name"];

/// Per key, the layers that set it.
pub type Origins = BTreeMap<Arc<str>, Vec<Origin>>;

/// A connector's config, and what is to be known of it.
pub struct Made<'d> {
    /// The config itself.
    pub config: Config,
    /// Per key, the layers that set it.
    pub origins: Origins,
    /// Per key, what was written for it.
    pub trees: BTreeMap<&'d str, &'d Tree>,
    /// The keys with a secret in them that the place supplies.
    pub supplied: BTreeSet<Arc<str>>,
    /// The secrets that are not at hand: with one of them the config is not what is to be sent.
    pub missing: BTreeMap<SecretName, Missing>,
    /// The keys that have findings in place of values. They are not in the config.
    pub lost: BTreeSet<Arc<str>>,
    /// Whether every layer is known, so that a key which none of them sets is not set.
    pub is_all: bool,
}

/// The connector that is to be made, and what is around it.
#[derive(Clone, Copy)]
pub struct Wanted<'d, 'w> {
    /// As it was written.
    pub connector: &'d Connector,
    /// The name that it has in this environment.
    pub name: &'w ConnectorName,
    /// The environment and those under it, the lowest first.
    pub chain: &'w [&'d Environment],
    /// Whether the environments are all that are under it.
    pub is_whole_chain: bool,
    /// The names for expressions.
    pub names: &'w Names,
}

/// The layers that connectors share, compiled.
pub struct Layers<'d> {
    definitions: &'d Definitions,
    environments: Vec<Ready<'d>>,
    templates: HashMap<&'d str, Option<ReadyTemplate<'d>>>,
}

/// A template and those under it, the lowest first.
struct ReadyTemplate<'d> {
    chain: Vec<&'d Template>,
    /// Of each in the chain: what it asks for.
    parameters: Vec<Vec<Asked<'d>>>,
    layers: Vec<Ready<'d>>,
}

/// A layer, compiled.
struct Ready<'d> {
    name: Arc<str>,
    /// Which template of the chain speaks, where one does.
    speaker: Option<usize>,
    keys: Vec<(&'d Pair, Filling)>,
}

/// What a layer does to a key.
enum Filling {
    Remove,
    /// The same for every connector.
    Fixed(Value),
    Computed(Form),
}

impl<'d> Layers<'d> {
    /// Compiles the layers of an environment and those under it.
    pub fn new(definitions: &'d Definitions, chain: &[&'d Environment]) -> Self {
        let environments =
            layers::of_environments(chain).into_iter().map(|layer| compiled(&layer, &[])).collect();
        Self { definitions, environments, templates: HashMap::new() }
    }

    /// Makes a connector's config, as far as it is known: what cannot be computed, or cannot be read, is
    /// left out, and the rest is there to be judged.
    pub fn config(&mut self, wanted: &Wanted<'d, '_>, findings: &mut Vec<Finding>) -> Made<'d> {
        let Wanted { connector, name, chain, is_whole_chain, names } = *wanted;
        let around = names.scope(name);
        let mut is_all = is_whole_chain && connector.reading == Reading::Whole;
        let mut own = if is_all { around.clone() } else { names.without_parameters(name) };
        let mut laying = Laying { tops: BTreeMap::new(), trees: BTreeMap::new(), origins: Origins::new() };
        if let Some(foundation) = &connector.from {
            laying.lay(&compiled(&layers::of_file(foundation), &[]), &around);
        }
        if let Some(template) = &connector.template {
            let definitions = self.definitions;
            let prepared = self
                .templates
                .entry(template.as_str())
                .or_insert_with(|| ready_template(definitions, template.as_str(), chain));
            if let Some(prepared) = prepared {
                let mut scopes = prepared.scopes(wanted, &around, findings);
                for layer in &prepared.layers {
                    laying.lay(layer, layer.speaker.map_or(&around, |speaker| &scopes[speaker]));
                }
                own = scopes.pop().unwrap_or(own);
            } else {
                is_all = false;
                own = names.without_parameters(name);
                let given = parameters::over_each_other(&layers::given_by_connector(connector, chain));
                parameters::look_at(given.into_values(), &around, findings);
            }
        }
        for layer in &self.environments {
            laying.lay(layer, &around);
        }
        for layer in layers::of_connector(connector, chain) {
            laying.lay(&compiled(&layer, &[]), &own);
        }
        Made { is_all, ..laying.end(name, findings) }
    }
}

fn ready_template<'d>(
    definitions: &'d Definitions,
    name: &str,
    environments: &[&'d Environment],
) -> Option<ReadyTemplate<'d>> {
    let chain = layers::templates(definitions, name)?;
    let asked = |template: &&'d Template| template.parameters.iter().map(Asked::new).collect();
    let parameters = chain.iter().map(asked).collect();
    let layers = layers::of_templates(&chain, environments);
    let layers = layers.iter().map(|layer| compiled(layer, &chain)).collect();
    Some(ReadyTemplate { chain, parameters, layers })
}

impl<'d> ReadyTemplate<'d> {
    /// The names for each template of the chain: what the connector gives goes to the uppermost,
    /// and each gives to the one under it.
    fn scopes(&self, wanted: &Wanted<'d, '_>, around: &Scope, findings: &mut Vec<Finding>) -> Vec<Scope> {
        let Wanted { connector, name, chain: environments, is_whole_chain: _, names } = *wanted;
        let mut scopes: Vec<Scope> = Vec::new();
        let mut upper: Option<&Template> = None;
        for (template, parameters) in self.chain.iter().zip(&self.parameters).rev() {
            let (given, reference) = match upper {
                None => (layers::given_by_connector(connector, environments), &connector.template),
                Some(upper) => (layers::given_by_template(upper, environments), &upper.base),
            };
            let place = &reference.as_ref().expect("a chain is made by following the names").place;
            let upper_scope = scopes.last().unwrap_or(around);
            let is_all_given = upper.is_some() || connector.reading == Reading::Whole;
            let call =
                Call { connector: name, parameters, given: &given, is_all_given, giver: upper_scope, place };
            scopes.push(parameters::scope(names, &call, findings));
            upper = Some(template);
        }
        scopes.reverse();
        scopes
    }
}

fn compiled<'d>(layer: &Layer<'d>, chain: &[&'d Template]) -> Ready<'d> {
    let speaker = match layer.whose {
        Whose::Template(speaker) | Whose::TemplateIn(speaker, _) => {
            chain.iter().position(|template| std::ptr::eq(*template, speaker))
        }
        Whose::File(_) | Whose::Environment(_) | Whose::Connector(_) | Whose::ConnectorIn(..) => None,
    };
    let keys = layer.pairs.iter().map(|pair| (pair, filling(pair))).collect();
    Ready { name: layer.whose.name(), speaker, keys }
}

fn filling(pair: &Pair) -> Filling {
    match &pair.value {
        Tree::Null(_) => Filling::Remove,
        value @ (Tree::Text(_) | Tree::Literal(_) | Tree::List(..) | Tree::Map(..) | Tree::Refused(_)) => {
            let form = Form::of(value);
            match &form {
                Form::Text(text) => Filling::Fixed(Value::new(pair.key.as_str(), text)),
                Form::Formula(_) | Form::List(_) | Form::Map(_) | Form::Lost => Filling::Computed(form),
            }
        }
    }
}

struct Laying<'d> {
    /// What each key is so far; without a finding the error means that one speaks of it already.
    tops: BTreeMap<Arc<str>, Result<Top, Vec<Finding>>>,
    trees: BTreeMap<&'d str, &'d Tree>,
    origins: Origins,
}

/// What a key is.
enum Top {
    /// The same in every place.
    Fixed(Value),
    /// What came of expressions.
    Computed(Written),
}

impl<'d> Laying<'d> {
    fn lay(&mut self, layer: &Ready<'d>, scope: &Scope) {
        for (pair, filling) in &layer.keys {
            let key = &pair.key.text;
            self.trees.insert(pair.key.as_str(), &pair.value);
            let shown = match filling {
                Filling::Remove => {
                    self.tops.remove(key);
                    None
                }
                Filling::Fixed(value) => {
                    self.tops.insert(Arc::clone(key), Ok(Top::Fixed(value.clone())));
                    Some(value.shown())
                }
                Filling::Computed(form) => {
                    let written = computed(pair, form, scope);
                    // A layer may be wrong as long as another one is over it.
                    let value = written.as_ref().map_or_else(|_| as_written(pair), |text| text.under(key));
                    let shown = value.shown();
                    self.tops.insert(Arc::clone(key), written.map(Top::Computed));
                    Some(shown)
                }
            };
            let origin =
                Origin { layer: Arc::clone(&layer.name), place: pair.value.place().clone(), value: shown };
            self.origins.entry(Arc::clone(key)).or_default().push(origin);
        }
    }

    fn end(self, name: &ConnectorName, findings: &mut Vec<Finding>) -> Made<'d> {
        let Self { tops, trees, origins } = self;
        let (config, supplied, missing) = (Config::default(), BTreeSet::new(), BTreeMap::new());
        let mut made =
            Made { config, origins, trees, supplied, missing, lost: BTreeSet::new(), is_all: true };
        for (key, top) in tops {
            match top {
                Ok(Top::Fixed(value)) => made.config.insert(&key, value),
                Ok(Top::Computed(written)) => {
                    made.config.insert(&key, written.under(&key));
                    if written.is_secret() {
                        made.supplied.insert(key);
                        made.missing.extend(written.into_missing());
                    }
                }
                Err(wrong) => {
                    made.lost.insert(key);
                    findings.extend(wrong);
                }
            }
        }
        // Connect takes the name from the path; in the config it may only say the same.
        if made.config.get("name").is_some_and(|value| value.expose() == name.as_str()) {
            made.config.remove("name");
            made.origins.remove("name");
        } else if made.config.get("name").is_some() {
            findings.push(other_name(name, &made.origins));
        }
        made
    }
}

fn other_name(name: &ConnectorName, origins: &Origins) -> Finding {
    let place: Place = origins["name"].last().expect("a key that is set has an origin").place.clone();
    Finding::new(Rule::ConfigName, place, format!("`name` in the config of `{name}` says something else"))
}

fn computed(pair: &Pair, form: &Form, scope: &Scope) -> Result<Written, Vec<Finding>> {
    let key = pair.key.as_str();
    let value = form.compute(scope)?;
    match Written::of(&value) {
        Ok(text) if text.is_secret() && SHOWN.contains(&key) => {
            let message = format!("a secret stands in `{key}`, which is shown");
            let finding = Finding::new(Rule::SecretUse, pair.value.place().clone(), message);
            Err(vec![finding.hint("write the text itself")])
        }
        Ok(text) => Ok(text),
        Err(what) => {
            let message = format!("the expression under `{key}` gives {what}");
            let finding = Finding::new(Rule::ExpressionFailed, pair.value.place().clone(), message);
            Err(vec![finding.hint("a config value is a text, a number, true or false, or a list of those")])
        }
    }
}

/// The text of the file, for showing what could not be computed.
fn as_written(pair: &Pair) -> Value {
    let text = match &pair.value {
        Tree::Text(text) | Tree::Literal(text) => text.as_str(),
        Tree::List(..) | Tree::Map(..) | Tree::Null(_) | Tree::Refused(_) => "…",
    };
    Value::new(pair.key.as_str(), text)
}
