//! What a template's parameters are: given, by default, or missing.
//!
//! Takes what is given and the names around, gives the names that the template's expressions use.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;

use crate::model::definition::{Given, Pair, Parameter, ParameterKind, Tree};
use crate::model::finding::{Finding, Place};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::supplied::Secrets;
use crate::pipeline::expression::Scope;
use crate::pipeline::expression::written::holds_secret;
use crate::pipeline::form::Form;
use crate::pipeline::typed::{self, Typed};
use crate::yaml::decode::nearest;

/// The names that every expression in one environment may use.
pub struct Names {
    environment: Value,
    values: Value,
    secrets: Option<Secrets>,
    /// The names under which something is missing, of which a finding speaks.
    lost: Vec<&'static str>,
}

/// What is known of a template's parameters so far.
#[derive(Clone, Default)]
struct Known {
    values: BTreeMap<Arc<str>, Value>,
    /// The texts of those that are numbers.
    numbers: BTreeMap<Arc<str>, Arc<str>>,
    /// Whether one of them has a finding instead of a value.
    lost: bool,
}

impl Names {
    /// Takes what is the same for all connectors.
    pub fn new(environment: &EnvironmentName, values: Value, secrets: Option<&Secrets>) -> Self {
        let environment = Value::from(environment.as_str());
        Self { environment, values, secrets: secrets.cloned(), lost: Vec::new() }
    }

    /// Says that there are values which nobody could read.
    #[must_use]
    pub fn without_some_values(mut self) -> Self {
        self.lost.push("values");
        self
    }

    /// The names for one connector, where there is no template.
    pub fn scope(&self, connector: &ConnectorName) -> Scope {
        let names = Value::from(self.map(connector));
        let secrets = self.secrets.clone();
        Scope { names, numbers: BTreeMap::new(), lost: self.lost.clone(), hidden: false, secrets }
    }

    /// The names for one connector, where there is or may be a template that cannot be used.
    pub fn without_parameters(&self, connector: &ConnectorName) -> Scope {
        let mut scope = self.scope(connector);
        scope.lost.push("params");
        scope
    }

    fn with(&self, connector: &ConnectorName, Known { values, numbers, lost }: Known) -> Scope {
        let mut names = self.map(connector);
        let hidden = values.values().any(holds_secret);
        names.insert("params", Value::from(values));
        let lost = self.lost.iter().copied().chain(lost.then_some("params")).collect();
        Scope { names: Value::from(names), numbers, lost, hidden, secrets: self.secrets.clone() }
    }

    fn map(&self, connector: &ConnectorName) -> BTreeMap<&'static str, Value> {
        BTreeMap::from([
            ("connector", Value::from(connector.as_str())),
            ("environment", self.environment.clone()),
            ("values", self.values.clone()),
        ])
    }
}

/// A parameter, compiled.
pub struct Asked<'d> {
    typed: Typed<'d>,
    fallback: Fallback<'d>,
}

/// What a parameter is where nothing is given.
enum Fallback<'d> {
    None,
    /// The same for every connector.
    Fixed(Result<Argument, Vec<Finding>>),
    Computed(&'d Tree, Form),
}

impl<'d> Asked<'d> {
    /// Compiles a parameter, for however many connectors give it something.
    pub fn new(parameter: &'d Parameter) -> Self {
        let typed = Typed::new(parameter);
        let fallback = match &parameter.default {
            None => Fallback::None,
            Some(tree) => match Form::fixed(tree) {
                Some(value) => Fallback::Fixed(argument(&typed, tree, &value)),
                None => Fallback::Computed(tree, Form::of(tree)),
            },
        };
        Self { typed, fallback }
    }
}

/// A template that is given something.
pub struct Call<'c> {
    /// For which connector.
    pub connector: &'c ConnectorName,
    /// What it asks for.
    pub parameters: &'c [Asked<'c>],
    /// What it is given, the lowest layer first.
    pub given: &'c [&'c Given],
    /// Whether all that is given is known.
    pub is_all_given: bool,
    /// The names that what is given may use.
    pub giver: &'c Scope,
    /// Where the template is named.
    pub place: &'c Place,
}

/// Computes what a template's own expressions may use.
pub fn scope(names: &Names, call: &Call<'_>, findings: &mut Vec<Finding>) -> Scope {
    let given = over_each_other(call.given);
    let mut known = Known::default();
    for Asked { typed, fallback } in call.parameters {
        let parameter = typed.parameter();
        let computed = |tree: &Tree, form: &Form, scope: &Scope| argument(typed, tree, &form.compute(scope)?);
        let argument = match (given.get(parameter.name.as_str()), fallback) {
            (Some(tree), _) => computed(tree, &Form::of(tree), call.giver),
            (None, _) if !call.is_all_given => Err(Vec::new()),
            (None, Fallback::Fixed(argument)) => argument.clone(),
            (None, Fallback::Computed(tree, form)) => {
                computed(tree, form, &names.with(call.connector, known.clone()))
            }
            // Who mistyped it has heard so.
            (None, Fallback::None) if parameter.required && is_mistyped(parameter, &given, call) => {
                Err(Vec::new())
            }
            (None, Fallback::None) if parameter.required => {
                let place = call.given.iter().find_map(|given| given.place.as_ref()).unwrap_or(call.place);
                Err(vec![typed::missing(parameter, place)])
            }
            (None, Fallback::None) => continue,
        };
        match argument {
            Ok(Argument { value, text }) => {
                let name = &parameter.name.text;
                known.numbers.extend(text.map(|text| (Arc::clone(name), text)));
                known.values.insert(Arc::clone(name), value);
            }
            Err(wrong) => {
                known.lost = true;
                findings.extend(wrong);
            }
        }
    }
    let is_asked =
        |name: &str| call.parameters.iter().any(|asked| asked.typed.parameter().name.as_str() == name);
    look_at(given.iter().filter(|(name, _)| !is_asked(name)).map(|(_, tree)| *tree), call.giver, findings);
    names.with(call.connector, known)
}

/// Says what is wrong with what is given where nobody takes it, so that it is not told only once somebody does.
pub fn look_at<'d>(trees: impl Iterator<Item = &'d Tree>, scope: &Scope, findings: &mut Vec<Finding>) {
    findings.extend(trees.filter_map(|tree| Form::of(tree).compute(scope).err()).flatten());
}

/// What is given in the end, by name.
pub fn over_each_other<'d>(layers: &[&'d Given]) -> BTreeMap<&'d str, &'d Tree> {
    let mut given: BTreeMap<&str, &Tree> = BTreeMap::new();
    for Pair { key, value } in layers.iter().flat_map(|given| &given.pairs) {
        match value {
            Tree::Null(_) => given.remove(key.as_str()),
            Tree::Text(_) | Tree::Literal(_) | Tree::List(..) | Tree::Map(..) | Tree::Refused(_) => {
                given.insert(key.as_str(), value)
            }
        };
    }
    given
}

/// Whether something is given that no parameter is called, and this one was most likely meant.
fn is_mistyped(parameter: &Parameter, given: &BTreeMap<&str, &Tree>, call: &Call<'_>) -> bool {
    let names = || call.parameters.iter().map(|asked| asked.typed.parameter().name.as_str());
    let unknown = given.keys().filter(|key| !names().any(|name| name == **key));
    unknown.into_iter().any(|key| nearest(key, names()) == Some(parameter.name.as_str()))
}

fn argument(typed: &Typed<'_>, tree: &Tree, given: &Value) -> Result<Argument, Vec<Finding>> {
    let value = typed.take(tree, given)?;
    let is_number = typed.parameter().kind == ParameterKind::Number;
    let text = given.as_str().filter(|_| is_number).map(Arc::from);
    Ok(Argument { value, text })
}

/// What a parameter is.
#[derive(Clone)]
struct Argument {
    value: Value,
    /// A number's text, as it was written.
    text: Option<Arc<str>>,
}
