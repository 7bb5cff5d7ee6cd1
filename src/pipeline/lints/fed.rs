//! Where a connector says what its template makes a value of.
//!
//! Takes a template's value and a connector made from it, gives the place in the connector's `with` that feeds
//! the value. What a default feeds nobody wrote at the connector.

use crate::model::definition::{Connector, Definitions, Environment, Given, Pair, Template, Tree};
use crate::model::finding::Place;
use crate::model::text::Text;
use crate::pipeline::expression;
use crate::pipeline::expression::names::Used;
use crate::pipeline::layers;

/// What a template sets a key to.
#[derive(Debug, Clone, Copy)]
pub struct Set<'d> {
    /// Which template.
    pub template: &'d Template,
    /// What it says.
    pub tree: &'d Tree,
}

impl Set<'_> {
    /// Whether each connector may get another value of it.
    pub fn is_computed(&self) -> bool {
        !uses(self.tree).is_empty()
    }
}

/// Where a connector gives what the value is made of; the environments are those of [`layers`].
pub fn place<'d>(
    definitions: &Definitions,
    connector: &'d Connector,
    environments: &[&'d Environment],
    set: Set<'_>,
) -> Option<&'d Place> {
    let chain = layers::templates(definitions, connector.template.as_ref()?.as_str())?;
    let at = chain.iter().position(|template| std::ptr::eq(*template, set.template))?;
    let mut wanted = parameters(set.tree);
    for above in &chain[at + 1..] {
        let given = layers::given_by_template(above, environments);
        wanted =
            wanted.iter().filter_map(|name| pair(&given, name)).flat_map(|p| parameters(&p.value)).collect();
    }
    let given = layers::given_by_connector(connector, environments);
    wanted.iter().find_map(|name| pair(&given, name)).map(|pair| pair.value.place())
}

/// What the last one gives who gives it.
fn pair<'d>(given: &[&'d Given], name: &str) -> Option<&'d Pair> {
    given.iter().rev().find_map(|given| given.pairs.iter().find(|pair| pair.key.as_str() == name))
}

/// The parameters that a value is made of, in the order of the text.
fn parameters(tree: &Tree) -> Vec<String> {
    let of = |used: &Used| (used.root() == "params").then(|| used.member().map(ToOwned::to_owned)).flatten();
    uses(tree).iter().filter_map(of).collect()
}

fn uses(tree: &Tree) -> Vec<Used> {
    let of = |text: &Text| expression::compile(text).map(|formula| formula.uses());
    match tree {
        Tree::Text(text) => of(text).unwrap_or_default(),
        Tree::List(_, items) => items.iter().flat_map(uses).collect(),
        Tree::Map(_, pairs) => pairs.iter().flat_map(|pair| uses(&pair.value)).collect(),
        Tree::Literal(_) | Tree::Null(_) | Tree::Refused(_) => Vec::new(),
    }
}
