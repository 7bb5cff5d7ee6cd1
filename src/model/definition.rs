//! What people wrote: templates, connectors and environments, every key and value with its place.
//!
//! Takes what the reader of the files understood, gives it to those who check and render it.
//! Nothing is inherited, computed or converted here.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::desired::{DesiredState, Form, Suspend};
use crate::model::finding::{Findings, Place};
use crate::model::import::Import;
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::revision::RepositoryName;
use crate::model::rule::{Rule, Severity};
use crate::model::text::Text;

/// Everything that one snapshot defines.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    /// Each template by its name; that of an import as `platform/debezium-postgres`.
    pub templates: BTreeMap<Arc<str>, Template>,
    /// Each connector by its name.
    pub connectors: BTreeMap<ConnectorName, Connector>,
    /// What has a name that is taken: it is looked at, and never made.
    pub repeated: Repeated,
    /// Each environment by its name.
    pub environments: BTreeMap<EnvironmentName, Environment>,
    /// Names of connectors that are said to have moved elsewhere.
    pub forgotten: Vec<Text>,
    /// What the repository says of itself.
    pub about: About,
    /// What is wrong with the files, in whatever environment they are used.
    pub findings: Findings,
}

/// Definitions whose name is taken.
#[derive(Debug, Clone, Default)]
pub struct Repeated {
    /// Templates.
    pub templates: Vec<Template>,
    /// Connectors.
    pub connectors: Vec<Connector>,
    /// Environments.
    pub environments: Vec<Environment>,
}

/// How much of a connector was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// In which environments it exists nobody knows, as where the document broke before its end.
    Broken,
    /// Something was refused: keys may be missing that are meant to be there.
    Gaps,
    /// All of it.
    Whole,
}

impl Reading {
    /// What it is where nothing broke.
    pub fn of(is_whole: bool) -> Self {
        if is_whole { Self::Whole } else { Self::Gaps }
    }
}

/// What `tagalong.yaml` says.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Which versions of the agent read this repository.
    pub requires: Option<Text>,
    /// Each import by its name; none where its entry cannot be used.
    pub imports: BTreeMap<RepositoryName, Option<Import>>,
    /// Whether there may be imports whose names nobody could read.
    pub imports_lost: bool,
    /// The aliases of Connect's config providers that may be used; none where it does not say.
    pub config_providers: Option<Vec<Text>>,
    /// How much a lint weighs here, where that is not as usual.
    pub lints: BTreeMap<Rule, Severity>,
    /// Lints that are silenced in the whole repository.
    pub allow: Vec<Allowance>,
}

/// A lint that somebody silences.
#[derive(Debug, Clone)]
pub struct Allowance {
    /// Which.
    pub rule: Rule,
    /// Where its name stands.
    pub place: Place,
    /// Why, in a person's words.
    pub reason: Text,
}

/// A generic connector.
#[derive(Debug, Clone)]
pub struct Template {
    /// Its name, with its import before it where it is of one; so is that of its base.
    pub name: Text,
    /// What it is for.
    pub description: Option<Text>,
    /// The template under it.
    pub base: Option<Text>,
    /// What it gives to the template under it.
    pub with: Given,
    /// What it must be given, in order: a default may use those before it.
    pub parameters: Vec<Parameter>,
    /// Its own keys.
    pub config: Vec<Pair>,
    /// What differs in one environment.
    pub environments: Vec<TemplateBlock>,
    /// Lints that are silenced for every connector made from it.
    pub allow: Vec<Allowance>,
    /// Whether all of its document was read.
    pub whole: bool,
}

/// What a template does differently in one environment.
#[derive(Debug, Clone)]
pub struct TemplateBlock {
    /// In which.
    pub environment: Text,
    /// What it gives to the template under it.
    pub with: Given,
    /// Its own keys.
    pub config: Vec<Pair>,
}

/// Something that a template must or may be given.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: Text,
    /// What it is made of.
    pub kind: ParameterKind,
    /// Whether its type is none that there is: nothing is judged by it.
    pub mistyped: bool,
    /// Whether it must be given.
    pub required: bool,
    /// What it is where nothing is given.
    pub default: Option<Tree>,
    /// The only values that it takes, where they are listed; of a list its items.
    pub allowed: Option<Vec<Text>>,
    /// The regular expression that it matches; of a list each item.
    pub pattern: Option<Text>,
    /// What it is for.
    pub description: Option<Text>,
}

/// What a parameter is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParameterKind {
    /// A text.
    String,
    /// Texts in order.
    List,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// Values by name.
    Map,
}

impl ParameterKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::String, Self::List, Self::Integer, Self::Number, Self::Boolean, Self::Map];

    /// The word for it in definitions.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Map => "map",
        }
    }
}

/// One connector as a person wrote it.
#[derive(Debug, Clone)]
pub struct Connector {
    /// Its name.
    pub name: ConnectorName,
    /// Where its name stands.
    pub place: Place,
    /// In which form it is written.
    pub form: Form,
    /// The template under it.
    pub template: Option<Text>,
    /// The file of Connect's own or of Strimzi's under it.
    pub from: Option<Foundation>,
    /// What it gives to the template.
    pub with: Given,
    /// What it should be doing.
    pub state: Option<DesiredState>,
    /// Its own keys.
    pub config: Vec<Pair>,
    /// What differs in one environment.
    pub environments: Vec<ConnectorBlock>,
    /// In which environments it exists.
    pub scope: Scope,
    /// Whether the agent must never delete it.
    pub keep: bool,
    /// Risky changes that somebody answers for.
    pub acknowledge: Vec<Acknowledgement>,
    /// Lints that are silenced for it.
    pub allow: Vec<Allowance>,
    /// Whether nothing is to be written for now; it inherits from the file under it.
    pub suspend: Suspension,
    /// How much of it was read.
    pub reading: Reading,
}

/// A file that a connector names as its first layer.
#[derive(Debug, Clone)]
pub struct Foundation {
    /// The file, relative to the repository.
    pub path: Arc<str>,
    /// Its keys.
    pub config: Vec<Pair>,
}

/// What a connector does differently in one environment.
#[derive(Debug, Clone)]
pub struct ConnectorBlock {
    /// In which.
    pub environment: Text,
    /// The name that it has there.
    pub name: Option<ConnectorName>,
    /// What it gives to the template.
    pub with: Given,
    /// What it should be doing there.
    pub state: Option<DesiredState>,
    /// Whether nothing is to be written there for now; it inherits from the connector.
    pub suspend: Suspension,
    /// Its own keys.
    pub config: Vec<Pair>,
}

/// In which environments a connector exists.
#[derive(Debug, Clone)]
pub enum Scope {
    /// In all.
    Everywhere,
    /// In these, and not in those based on them.
    Only(Vec<Text>),
    /// In all but these.
    Except(Vec<Text>),
}

impl Scope {
    /// Whether an environment is inside.
    pub fn covers(&self, environment: &EnvironmentName) -> bool {
        let names = |list: &[Text]| list.iter().any(|name| name.as_str() == environment.as_str());
        match self {
            Self::Everywhere => true,
            Self::Only(list) => names(list),
            Self::Except(list) => !names(list),
        }
    }
}

/// A risky change that somebody answers for.
#[derive(Debug, Clone)]
pub struct Acknowledgement {
    /// The key that may change.
    pub key: Text,
    /// The value that it may get; none where the key may go.
    pub to: Option<Text>,
    /// Why, in a person's words.
    pub reason: Text,
    /// Only in this environment; everywhere where there is none.
    pub environment: Option<Text>,
}

/// What all connectors of one place share.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name.
    pub name: EnvironmentName,
    /// Where its name stands.
    pub place: Place,
    /// The environment under it.
    pub base: Option<Text>,
    /// Values that the place itself must supply.
    pub inputs: Vec<Input>,
    /// Values for expressions.
    pub values: Vec<Pair>,
    /// Keys under those of every connector.
    pub config: Vec<Pair>,
    /// Lints that are silenced in it and in those based on it.
    pub allow: Vec<Allowance>,
    /// Whether nothing is to be written for now.
    pub suspend: Suspension,
    /// Whether all of its document was read.
    pub whole: bool,
}

/// What a definition says about writing.
#[derive(Debug, Clone)]
pub enum Suspension {
    /// What is under it says.
    Inherited,
    /// Writing goes on, whatever is under it says.
    Lifted,
    /// Nothing is to be written.
    Said(Suspend),
}

/// A value that the place itself must supply.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its path in the values, as in `postgres.host`.
    pub path: Text,
    /// What it could be, for trying the definitions without the place.
    pub example: Option<Tree>,
    /// What it is for.
    pub description: Option<Text>,
}

/// What is given to a template.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Where it begins, where anything is given.
    pub place: Option<Place>,
    /// Each parameter's name and value.
    pub pairs: Vec<Pair>,
}

/// A key and what was written for it.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The key.
    pub key: Text,
    /// The value.
    pub value: Tree,
}

/// A value as it was written.
#[derive(Debug, Clone)]
pub enum Tree {
    /// `null`: what was inherited goes.
    Null(Place),
    /// A text, which may hold expressions.
    Text(Text),
    /// A text of a file that knows no expressions: it means itself, whatever it looks like.
    Literal(Text),
    /// Values in order.
    List(Place, Vec<Tree>),
    /// Values by name.
    Map(Place, Vec<Pair>),
    /// Something that a finding refused.
    Refused(Place),
}

impl Tree {
    /// Where it begins.
    pub fn place(&self) -> &Place {
        match self {
            Self::Text(text) | Self::Literal(text) => &text.place,
            Self::Null(place) | Self::List(place, _) | Self::Map(place, _) | Self::Refused(place) => place,
        }
    }
}
