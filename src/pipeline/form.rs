//! A written value made ready to be computed again and again.
//!
//! Takes trees, gives values for expressions. What is wrong with an expression as it is written has a
//! finding already; here it is merely lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;

use crate::model::definition::{Pair, Tree};
use crate::model::finding::Finding;
use crate::pipeline::expression::{self, Formula, Scope};

/// A value whose expressions are compiled.
#[derive(Debug)]
pub enum Form {
    /// A text without expressions.
    Text(Arc<str>),
    /// A text with expressions.
    Formula(Formula),
    /// Values in order.
    List(Vec<Form>),
    /// Values by name.
    Map(Vec<(Arc<str>, Form)>),
    /// Something that a finding refused.
    Lost,
}

impl Form {
    /// Compiles what is in a value.
    pub fn of(tree: &Tree) -> Self {
        match tree {
            Tree::Text(text) => match expression::compile(text) {
                None => Self::Text(Arc::clone(&text.text)),
                Some(formula) => Self::Formula(formula),
            },
            Tree::Literal(text) => Self::Text(Arc::clone(&text.text)),
            Tree::List(_, items) => Self::List(items.iter().map(Self::of).collect()),
            Tree::Map(_, pairs) => Self::Map(
                pairs.iter().map(|pair| (Arc::clone(&pair.key.text), Self::of(&pair.value))).collect(),
            ),
            Tree::Null(_) | Tree::Refused(_) => Self::Lost,
        }
    }

    /// The value of what is the same in every scope; none where an expression or a refused text is
    /// in it.
    pub fn fixed(tree: &Tree) -> Option<Value> {
        match tree {
            Tree::Text(text) if text.as_str().contains("{{") => None,
            Tree::Text(text) | Tree::Literal(text) => Some(Value::from(Arc::clone(&text.text))),
            Tree::List(_, items) => {
                let items: Option<Vec<_>> = items.iter().map(Self::fixed).collect();
                items.map(Value::from)
            }
            Tree::Map(_, pairs) => {
                let pair = |pair: &Pair| Some((Arc::clone(&pair.key.text), Self::fixed(&pair.value)?));
                let pairs: Option<BTreeMap<_, _>> = pairs.iter().map(pair).collect();
                pairs.map(Value::from)
            }
            Tree::Null(_) | Tree::Refused(_) => None,
        }
    }

    /// Computes the value. An error has every finding in it; none where others speak of it already.
    pub fn compute(&self, scope: &Scope) -> Result<Value, Vec<Finding>> {
        match self {
            Self::Text(text) => Ok(Value::from(Arc::clone(text))),
            Self::Formula(formula) => formula.compute(scope),
            Self::List(items) => all(items.iter().map(|item| item.compute(scope))).map(Value::from),
            Self::Map(pairs) => {
                let values = all(pairs.iter().map(|(_, form)| form.compute(scope)))?;
                let names = pairs.iter().map(|(name, _)| Arc::clone(name));
                Ok(Value::from(names.zip(values).collect::<BTreeMap<_, _>>()))
            }
            Self::Lost => Err(Vec::new()),
        }
    }
}

/// Every value, or all that is wrong with any of them.
fn all(results: impl Iterator<Item = Result<Value, Vec<Finding>>>) -> Result<Vec<Value>, Vec<Finding>> {
    let (mut values, mut wrong, mut lost) = (Vec::new(), Vec::new(), false);
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(findings) => {
                lost = true;
                wrong.extend(findings);
            }
        }
    }
    if lost { Err(wrong) } else { Ok(values) }
}
