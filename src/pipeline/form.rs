//! A written value made ready to be computed again and again.
//!
//! Takes trees, gives values for expressions. Expressions that cannot be read have a finding
//! already, so here they are merely lost.

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
                Ok(None) => Self::Text(Arc::clone(&text.text)),
                Ok(Some(formula)) => Self::Formula(formula),
                Err(_) => Self::Lost,
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

    /// Computes the value. Without a finding the error means that one speaks of it already.
    pub fn compute(&self, scope: &Scope) -> Result<Value, Option<Finding>> {
        match self {
            Self::Text(text) => Ok(Value::from(Arc::clone(text))),
            Self::Formula(formula) => formula.compute(scope),
            Self::List(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| item.compute(scope)).collect();
                Ok(Value::from(items?))
            }
            Self::Map(pairs) => {
                let pairs: Result<BTreeMap<_, _>, Option<Finding>> =
                    pairs.iter().map(|(name, form)| Ok((Arc::clone(name), form.compute(scope)?))).collect();
                Ok(Value::from(pairs?))
            }
            Self::Lost => Err(None),
        }
    }
}
