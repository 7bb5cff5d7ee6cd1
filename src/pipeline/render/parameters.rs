//! What a template's parameters are: given, by default, or missing.
//!
//! Takes what is given and the names around, gives the names that the template's expressions use.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::ValueKind;

use crate::model::definition::{Given, Pair, Parameter, ParameterKind, Tree};
use crate::model::finding::{Finding, Place};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::rule::Rule;
use crate::pipeline::expression::{Scope, as_text};
use crate::pipeline::render::form::Form;

/// The names that every expression in one environment may use.
pub struct Names {
    environment: Value,
    values: Value,
}

/// A template's parameters by name.
type Parameters = BTreeMap<Arc<str>, Value>;

impl Names {
    /// Takes what is the same for all connectors.
    pub fn new(environment: &EnvironmentName, values: Value) -> Self {
        Self { environment: Value::from(environment.as_str()), values }
    }

    /// The names for one connector, where there is no template.
    pub fn scope(&self, connector: &ConnectorName) -> Scope {
        Scope { names: Value::from(self.map(connector)), lost: false }
    }

    fn with(&self, connector: &ConnectorName, parameters: Parameters, lost: bool) -> Scope {
        let mut names = self.map(connector);
        names.insert("params", Value::from(parameters));
        Scope { names: Value::from(names), lost }
    }

    fn map(&self, connector: &ConnectorName) -> BTreeMap<&'static str, Value> {
        BTreeMap::from([
            ("connector", Value::from(connector.as_str())),
            ("environment", self.environment.clone()),
            ("values", self.values.clone()),
        ])
    }
}

/// A template that is given something.
pub struct Call<'c> {
    /// For which connector.
    pub connector: &'c ConnectorName,
    /// What it asks for, with the compiled defaults.
    pub parameters: &'c [(&'c Parameter, Option<Form>)],
    /// What it is given, the lowest layer first.
    pub given: &'c [&'c Given],
    /// The names that what is given may use.
    pub giver: &'c Scope,
    /// Where the template is named.
    pub place: &'c Place,
}

/// Computes what a template's own expressions may use.
pub fn scope(names: &Names, call: &Call<'_>, findings: &mut Vec<Finding>) -> Scope {
    let mut given: BTreeMap<&str, &Tree> = BTreeMap::new();
    for Pair { key, value } in call.given.iter().flat_map(|given| &given.pairs) {
        match value {
            Tree::Null(_) => given.remove(key.as_str()),
            Tree::Text(_) | Tree::Literal(_) | Tree::List(..) | Tree::Map(..) | Tree::Refused(_) => {
                given.insert(key.as_str(), value)
            }
        };
    }
    let mut parameters = Parameters::new();
    let mut lost = false;
    for (parameter, default) in call.parameters {
        let value = match (given.get(parameter.name.as_str()), default) {
            (Some(tree), _) => argument(parameter, tree, &Form::of(tree), call.giver),
            (None, Some(form)) => {
                let tree = parameter.default.as_ref().expect("a compiled default was written");
                if form.is_fixed() {
                    argument(parameter, tree, form, call.giver)
                } else {
                    let scope = names.with(call.connector, parameters.clone(), lost);
                    argument(parameter, tree, form, &scope)
                }
            }
            (None, None) if parameter.required => Err(Some(missing(parameter, call))),
            (None, None) => continue,
        };
        match value {
            Ok(value) => {
                parameters.insert(Arc::clone(&parameter.name.text), value);
            }
            Err(finding) => {
                lost = true;
                findings.extend(finding);
            }
        }
    }
    names.with(call.connector, parameters, lost)
}

fn missing(parameter: &Parameter, call: &Call<'_>) -> Finding {
    let place = call.given.iter().find_map(|given| given.place.as_ref()).unwrap_or(call.place);
    let name = parameter.name.as_str();
    let finding =
        Finding::new(Rule::ParameterMissing, place.clone(), format!("parameter `{name}` is not given"));
    finding.hint(match &parameter.description {
        Some(description) => format!("add `{name}` to `with`: {}", description.as_str()),
        None => format!("add `{name}` to `with`"),
    })
}

fn argument(
    parameter: &Parameter,
    tree: &Tree,
    form: &Form,
    scope: &Scope,
) -> Result<Value, Option<Finding>> {
    let value = form.compute(scope)?;
    convert(parameter.kind, &value).ok_or_else(|| {
        let (name, kind) = (parameter.name.as_str(), parameter.kind.name());
        let message = format!("parameter `{name}` takes a value of type {kind}");
        let finding = Finding::new(Rule::ParameterType, tree.place().clone(), message);
        Some(finding.hint(match parameter.kind {
            ParameterKind::String => "write a text, or give the parameter another `type`",
            ParameterKind::List => "write a list of texts: `[a, b]`",
            ParameterKind::Integer => "write decimal digits, without zeros before them",
            ParameterKind::Number => "write a number, as in `1.5`",
            ParameterKind::Boolean => "write `true` or `false`",
            ParameterKind::Map => "write a map: `{a: b}`",
        }))
    })
}

/// Gives a value the type that its parameter has.
fn convert(kind: ParameterKind, value: &Value) -> Option<Value> {
    let scalar = matches!(value.kind(), ValueKind::String | ValueKind::Bool | ValueKind::Number);
    let text = || as_text(value).ok().filter(|_| scalar);
    match kind {
        ParameterKind::String => text().map(Value::from),
        ParameterKind::List => {
            let is_list = matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
            let texts = value.try_iter().ok().filter(|_| is_list)?;
            let texts: Result<Vec<_>, _> = texts
                .map(|item| match item.kind() {
                    ValueKind::Seq | ValueKind::Iterable => Err("a list in a list"),
                    _ => as_text(&item).map(Value::from),
                })
                .collect();
            texts.ok().map(Value::from)
        }
        ParameterKind::Integer => {
            let text = text()?;
            let digits = text.strip_prefix('-').unwrap_or(&text);
            let plain = digits == "0" || !digits.starts_with(['0', '+']);
            text.parse::<i64>().ok().filter(|_| plain).map(Value::from)
        }
        ParameterKind::Number => {
            let text = text()?;
            let number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
            match text.parse::<i64>() {
                Ok(whole) => Some(Value::from(whole)),
                Err(_) if text.chars().all(number) => text.parse::<f64>().ok().map(Value::from),
                Err(_) => None,
            }
        }
        ParameterKind::Boolean => match text()?.as_str() {
            "true" => Some(Value::from(true)),
            "false" => Some(Value::from(false)),
            _ => None,
        },
        ParameterKind::Map => (value.kind() == ValueKind::Map).then(|| value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_has_the_type_that_it_declares() {
        for (kind, written, expected) in [
            (ParameterKind::String, "010", Some("010")),
            (ParameterKind::Integer, "10", Some("10")),
            (ParameterKind::Integer, "-3", Some("-3")),
            (ParameterKind::Integer, "010", None),
            (ParameterKind::Integer, "1.0", None),
            (ParameterKind::Number, "1.5", Some("1.5")),
            (ParameterKind::Number, "nan", None),
            (ParameterKind::Boolean, "true", Some("true")),
            (ParameterKind::Boolean, "yes", None),
            (ParameterKind::List, "a", None),
            (ParameterKind::Map, "a", None),
        ] {
            let value = convert(kind, &Value::from(written));
            assert_eq!(
                value.map(|v| as_text(&v).expect("a text")).as_deref(),
                expected,
                "{kind:?} {written}"
            );
        }
        assert!(convert(ParameterKind::String, &Value::from(vec!["a"])).is_none());
        assert!(convert(ParameterKind::List, &Value::from(vec!["a"])).is_some());
        assert!(convert(ParameterKind::List, &Value::from(vec![vec!["a"]])).is_none());
    }
}
