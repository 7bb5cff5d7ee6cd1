//! Lays an environment's values over each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;

use crate::model::definition::{Environment, Pair, Tree};
use crate::model::finding::Finding;
use crate::model::rule::Rule;
use crate::model::values::Values;
use crate::pipeline::supply::Supply;

/// What `values` is in an expression: the examples where they are asked for, the environments from
/// the lowest, what the place supplies.
pub fn of(chain: &[&Environment], supply: &Supply<'_>, findings: &mut Vec<Finding>) -> Value {
    let mut values = Values::default();
    let inputs = || chain.iter().flat_map(|environment| &environment.inputs);
    if supply.examples {
        for input in inputs() {
            if let Some(example) = &input.example {
                set(&mut values, input.path.as_str(), tree(example));
            }
        }
    }
    for environment in chain {
        values.lay_over(map(&environment.values));
    }
    values.lay_over(supply.values.clone());
    for input in inputs() {
        if get(&values, input.path.as_str()).is_none() {
            let message = format!("input `{}` has no value here", input.path.as_str());
            findings.push(Finding::new(Rule::InputMissing, input.path.place.clone(), message));
            // One finding is enough: what uses the input is computed with something.
            let stand_in = input.example.as_ref().map_or_else(|| Values::Text("0".into()), tree);
            set(&mut values, input.path.as_str(), stand_in);
        }
    }
    value(&values)
}

fn map(pairs: &[Pair]) -> Values {
    Values::Map(pairs.iter().map(|pair| (Arc::clone(&pair.key.text), tree(&pair.value))).collect())
}

fn tree(tree_: &Tree) -> Values {
    match tree_ {
        Tree::Text(text) | Tree::Literal(text) => Values::Text(Arc::clone(&text.text)),
        Tree::List(_, items) => Values::List(items.iter().map(tree).collect()),
        Tree::Map(_, pairs) => map(pairs),
        // Both come with a finding, so that nothing is made of this.
        Tree::Null(_) | Tree::Refused(_) => Values::Text("0".into()),
    }
}

fn get<'v>(values: &'v Values, path: &str) -> Option<&'v Values> {
    path.split('.').try_fold(values, |values, name| match values {
        Values::Map(map) => map.get(name),
        Values::Text(_) | Values::List(_) => None,
    })
}

fn set(values: &mut Values, path: &str, leaf: Values) {
    let tree = path.rsplit('.').fold(leaf, |tree, name| Values::Map(BTreeMap::from([(name.into(), tree)])));
    values.lay_over(tree);
}

fn value(values: &Values) -> Value {
    match values {
        Values::Text(text) => Value::from(Arc::clone(text)),
        Values::List(items) => Value::from(items.iter().map(value).collect::<Vec<_>>()),
        Values::Map(map) => {
            let map: BTreeMap<Arc<str>, Value> =
                map.iter().map(|(name, inner)| (Arc::clone(name), value(inner))).collect();
            Value::from(map)
        }
    }
}
