//! What a reader has to know of a template to use it.
//!
//! Made from definitions by `pipeline`, written as a page by `view`. What may be a secret is hidden
//! already.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::config::Shown;
use crate::model::definition::ParameterKind;
use crate::model::finding::Place;

/// A template, told to those who use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateReference {
    /// The name under which connectors use it.
    pub name: Arc<str>,
    /// Where it is defined.
    pub place: Place,
    /// What it is for.
    pub description: Option<Arc<str>>,
    /// The template under it.
    pub base: Option<Arc<str>>,
    /// What it is given, in its own order.
    pub parameters: Vec<ParameterReference>,
    /// What it sets by itself.
    pub own: Sets,
    /// What it sets beyond that in one environment.
    pub environments: Vec<(Arc<str>, Sets)>,
    /// The values that it and the templates under it use, as in `values.postgres.host`.
    pub values: BTreeSet<String>,
    /// A connector's document that gives it all that it must be given, and nothing else.
    pub example: String,
}

/// What a template sets in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sets {
    /// What it gives to the template under it; nothing where it takes something back.
    pub gives: Vec<(Arc<str>, Option<Shown>)>,
    /// Its keys; nothing where it removes one.
    pub config: Vec<(Arc<str>, Option<Shown>)>,
}

/// A parameter, told to those who give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterReference {
    /// Its name.
    pub name: Arc<str>,
    /// What it is made of.
    pub kind: ParameterKind,
    /// Whether it must be given.
    pub required: bool,
    /// What it is where nothing is given.
    pub default: Option<Shown>,
    /// The only values that it takes; any where there are none.
    pub allowed: Vec<Arc<str>>,
    /// The regular expression that it matches.
    pub pattern: Option<Arc<str>>,
    /// What it is for.
    pub description: Option<Arc<str>>,
}
