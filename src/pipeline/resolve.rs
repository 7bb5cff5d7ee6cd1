//! Holds the names that definitions use against those that exist.
//!
//! Takes definitions, gives findings that hold in every environment: unknown templates,
//! environments, parameters and names in expressions, and bases that go round in a circle.

use std::collections::{BTreeSet, HashMap};

use crate::model::definition::{
    Connector, Definitions, Environment, Given, Pair, Parameter, Reading, Scope, Template, Tree,
};
use crate::model::finding::Finding;
use crate::model::name::EnvironmentName;
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::pipeline::acknowledged;
use crate::pipeline::expression::names::Used;
use crate::pipeline::expression::{self, Formula};
use crate::pipeline::layers;
use crate::pipeline::lookup::{self, few, unknown};
use crate::pipeline::parse::Lost;
use crate::pipeline::typed::{self, Typed};
use crate::pipeline::unused::Uses;
use crate::yaml::decode::nearest;

/// Checks every name; gives those that are used.
pub fn check(definitions: &Definitions, lost: &Lost, findings: &mut Vec<Finding>) -> Uses {
    let templates = || definitions.templates.values().chain(&definitions.repeated.templates);
    let typed = templates()
        .map(|template| (std::ptr::from_ref(template), template.parameters.iter().map(Typed::new).collect()));
    let mut checking =
        Checking { definitions, lost, typed: typed.collect(), uses: Uses::default(), findings };
    for template in templates() {
        checking.template(template);
    }
    for environment in definitions.environments.values().chain(&definitions.repeated.environments) {
        checking.environment(environment);
    }
    for connector in definitions.connectors.values().chain(&definitions.repeated.connectors) {
        checking.connector(connector);
    }
    checking.uses
}

/// Which parameters an expression may use.
#[derive(Clone, Copy)]
enum Parameters<'d> {
    /// These, of a template.
    Of(&'d [Parameter]),
    /// Of these the ones before an index: the others have no value yet in its default.
    Before(&'d [Parameter], usize),
    /// None, since there is no template here.
    None,
    /// Nobody knows: the template was not read, or not all of it.
    Unknown,
}

fn parameters_of(template: &Template) -> Parameters<'_> {
    if template.whole { Parameters::Of(&template.parameters) } else { Parameters::Unknown }
}

struct Checking<'c> {
    definitions: &'c Definitions,
    lost: &'c Lost,
    /// What each template takes, by its address: an import may know it under another name.
    typed: HashMap<*const Template, Vec<Typed<'c>>>,
    uses: Uses,
    findings: &'c mut Vec<Finding>,
}

impl<'c> Checking<'c> {
    fn template(&mut self, template: &'c Template) {
        let home = template.name.as_str().split_once('/').map(|(import, _)| import);
        let base = template.base.as_ref().and_then(|base| self.known_template(base, home));
        if let (Some(base), Some(_)) = (&template.base, base) {
            let is_circle = |name: &str| name == template.name.as_str();
            let next = |name: &str| Some(self.definitions.templates.get(name)?.base.as_ref()?.as_str());
            if goes_round(base.as_str(), is_circle, next) {
                let message = format!("template `{}` is based on itself", template.name.as_str());
                self.findings.push(Finding::new(Rule::BaseCycle, base.place.clone(), message));
            }
        }
        let own = parameters_of(template);
        for typed in &self.typed[&std::ptr::from_ref(template)] {
            typed::check(typed, self.findings);
        }
        for (index, parameter) in template.parameters.iter().enumerate() {
            if let Some(default) = &parameter.default {
                self.tree(default, Parameters::Before(&template.parameters, index));
            }
        }
        self.base_missing(template, base);
        self.pairs(&template.config, own);
        self.given(&template.with, base, own);
        for block in &template.environments {
            self.known_environment(&block.environment);
            self.pairs(&block.config, own);
            self.given(&block.with, base, own);
        }
    }

    /// What a template never gives to its base is missing wherever it is used, and before that.
    fn base_missing(&mut self, template: &Template, base: Option<&Template>) {
        let Some(base) = base.filter(|base| base.whole && template.whole) else { return };
        let given = || std::iter::once(&template.with).chain(template.environments.iter().map(|b| &b.with));
        let is_given =
            |name: &Text| given().flat_map(|given| &given.pairs).any(|pair| pair.key.text == name.text);
        let place = given().find_map(|given| given.place.as_ref());
        let Some(place) = place.or(template.base.as_ref().map(|base| &base.place)) else { return };
        for parameter in base.parameters.iter().filter(|parameter| parameter.required) {
            if !is_given(&parameter.name) {
                self.findings.push(typed::missing(parameter, place));
            }
        }
    }

    fn environment(&mut self, environment: &'c Environment) {
        self.pairs(&environment.config, Parameters::None);
        let Some(base) = &environment.base else { return };
        self.known_environment(base);
        let is_circle = |name: &str| name == environment.name.as_str();
        let next = |name: &str| {
            let name = EnvironmentName::new(name).ok()?;
            Some(self.definitions.environments.get(&name)?.base.as_ref()?.as_str())
        };
        if goes_round(base.as_str(), is_circle, next) {
            let message = format!("environment `{}` is based on itself", environment.name);
            self.findings.push(Finding::new(Rule::BaseCycle, base.place.clone(), message));
        }
    }

    fn connector(&mut self, connector: &'c Connector) {
        let before = self.findings.len();
        let template = connector.template.as_ref().and_then(|name| self.known_template(name, None));
        let parameters = match (&connector.template, template) {
            (None, _) if connector.reading == Reading::Whole => Parameters::None,
            // What was not read may name a template.
            (None | Some(_), None) => Parameters::Unknown,
            (_, Some(template)) => parameters_of(template),
        };
        self.pairs(&connector.config, parameters);
        self.given_by(connector, &connector.with, template);
        for block in &connector.environments {
            self.pairs(&block.config, parameters);
            self.given_by(connector, &block.with, template);
            self.block_inside(connector, &block.environment);
        }
        match &connector.scope {
            Scope::Everywhere => {}
            Scope::Only(names) | Scope::Except(names) => {
                for name in names {
                    self.known_environment(name);
                }
            }
        }
        self.findings.extend(self.nowhere(connector));
        for acknowledgement in &connector.acknowledge {
            if let Some(name) = &acknowledgement.environment {
                self.known_environment(name);
            }
        }
        self.findings.extend(acknowledged::written(connector));
        for finding in &mut self.findings[before..] {
            finding.connector = Some(connector.name.clone());
        }
    }

    /// Says that a connector is excepted from every environment.
    fn nowhere(&self, connector: &Connector) -> Option<Finding> {
        let Scope::Except(names) = &connector.scope else { return None };
        let mut all = self.definitions.environments.keys();
        if all.len() == 0 || self.lost.environments || all.any(|name| connector.scope.covers(name)) {
            return None;
        }
        let message = "`except` names every environment, so the connector exists in none";
        Some(Finding::new(Rule::ConnectorNowhere, names.first()?.place.clone(), message))
    }

    fn given_by(&mut self, connector: &'c Connector, given: &'c Given, template: Option<&'c Template>) {
        let has_none = connector.template.is_none() && connector.reading == Reading::Whole;
        if let Some(place) = given.place.as_ref().filter(|_| has_none) {
            let message = "`with` gives something to a template, and there is none";
            let finding = Finding::new(Rule::Conflict, place.clone(), message);
            self.findings.push(finding.hint("add `template`, or remove `with`"));
        }
        self.given(given, template, Parameters::None);
    }

    /// A block for an environment in which the connector does not exist, nor anything based on it,
    /// is never used.
    fn block_inside(&mut self, connector: &Connector, block: &Text) {
        self.known_environment(block);
        let Ok(name) = EnvironmentName::new(block.as_str()) else { return };
        if connector.scope.covers(&name) || !self.definitions.environments.contains_key(&name) {
            return;
        }
        let is_based = |other: &EnvironmentName| {
            layers::environments(self.definitions, other)
                .is_some_and(|chain| chain.iter().any(|environment| environment.name == name))
        };
        if !self.definitions.environments.keys().any(|other| connector.scope.covers(other) && is_based(other))
        {
            let message = format!("connector `{}` does not exist in environment `{name}`", connector.name);
            self.findings.push(Finding::new(Rule::EnvironmentOutside, block.place.clone(), message));
        }
    }

    /// Looks a template up; `home` is the import of the template that names it.
    fn known_template(&mut self, name: &Text, home: Option<&str>) -> Option<&'c Template> {
        let found = self.definitions.templates.get(name.as_str());
        if found.is_none() {
            self.findings.extend(lookup::no_template(self.definitions, self.lost, name, home));
        }
        found
    }

    fn known_environment(&mut self, name: &Text) {
        // A repository of templates alone is for import: the environments are those of who imports it.
        if self.definitions.environments.is_empty() && self.definitions.connectors.is_empty() {
            return;
        }
        let exists = self.definitions.environments.keys().any(|known| known.as_str() == name.as_str());
        if !exists && !self.lost.environments {
            let names = self.definitions.environments.keys().map(EnvironmentName::as_str);
            let finding = unknown(Rule::UnknownEnvironment, "environment", name, names);
            self.findings.push(finding);
        }
    }

    /// Checks what is given to a template, where that is known.
    fn given(&mut self, given: &'c Given, to: Option<&'c Template>, parameters: Parameters<'c>) {
        self.pairs(&given.pairs, parameters);
        let Some(template) = to.filter(|template| template.whole) else { return };
        for Pair { key, value } in &given.pairs {
            let mut typed = self.typed[&std::ptr::from_ref(template)].iter();
            if let Some(typed) = typed.find(|typed| typed.parameter().name.text == key.text) {
                self.findings.extend(typed.refuse(value));
                continue;
            }
            let message =
                format!("template `{}` has no parameter `{}`", template.name.as_str(), key.as_str());
            let finding = Finding::new(Rule::UnknownParameter, key.place.clone(), message);
            self.findings.push(finding.hint(near_parameter(key.as_str(), &template.parameters)));
        }
    }

    fn pairs(&mut self, pairs: &'c [Pair], parameters: Parameters<'c>) {
        for pair in pairs {
            self.tree(&pair.value, parameters);
        }
    }

    fn tree(&mut self, tree: &'c Tree, parameters: Parameters<'c>) {
        match tree {
            Tree::Null(_) | Tree::Literal(_) | Tree::Refused(_) => {}
            Tree::List(_, items) => items.iter().for_each(|item| self.tree(item, parameters)),
            Tree::Map(_, pairs) => self.pairs(pairs, parameters),
            Tree::Text(text) => {
                let Some(formula) = expression::compile(text) else { return };
                self.findings.extend_from_slice(formula.wrong());
                let uses = formula.uses();
                for used in &uses {
                    self.used(used, parameters);
                }
                let wrong = uses.iter().filter_map(|used| wrong_name(&formula, used, parameters));
                self.findings.extend(wrong);
            }
        }
    }

    fn used(&mut self, used: &Used, parameters: Parameters<'_>) {
        match (used.root(), parameters) {
            ("values", _) => self.uses.value(&used.path),
            ("params", Parameters::Of(among) | Parameters::Before(among, _)) => {
                self.uses.parameter(used.member(), among);
            }
            (_, Parameters::Of(_) | Parameters::Before(..) | Parameters::None | Parameters::Unknown) => {}
        }
    }
}

fn near_parameter(word: &str, parameters: &[Parameter]) -> String {
    let names = || parameters.iter().map(|parameter| parameter.name.as_str());
    match nearest(word, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match few(names()) {
            Some(list) => format!("its parameters are {list}"),
            None => "remove it, or add the parameter to the template".to_owned(),
        },
    }
}

fn wrong_name(formula: &Formula, used: &Used, parameters: Parameters<'_>) -> Option<Finding> {
    let undefined = |message: String| Finding::new(Rule::UndefinedName, formula.place(used), message);
    match (used.root(), used.member()) {
        ("params", member) => match (parameters, member) {
            (Parameters::None, _) => Some(
                undefined(
                    "`params` is not set here: only what a template says uses its parameters".to_owned(),
                )
                .hint("use `values`, or write the text itself"),
            ),
            (Parameters::Of(known), Some(member))
                if !known.iter().any(|parameter| parameter.name.as_str() == member) =>
            {
                let finding = undefined(format!("`params.{member}` is no parameter that is known here"));
                Some(finding.hint(near_parameter(member, known)))
            }
            (Parameters::Before(all, index), Some(member))
                if !all[..index].iter().any(|parameter| parameter.name.as_str() == member) =>
            {
                Some(not_yet(all, index, member, undefined))
            }
            (Parameters::Of(_) | Parameters::Before(..) | Parameters::Unknown, _) => None,
        },
        (root, _) if expression::NAMES.contains(&root) => None,
        (root, _) => {
            let finding = undefined(format!("`{root}` is not set"));
            Some(finding.hint(match nearest(root, expression::NAMES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the names are {}", expression::NAMES.join(", ")),
            }))
        }
    }
}

/// Says why a default cannot use a parameter.
fn not_yet(all: &[Parameter], index: usize, member: &str, undefined: impl Fn(String) -> Finding) -> Finding {
    match all.iter().position(|parameter| parameter.name.as_str() == member) {
        Some(at) if at == index => undefined(format!("the default of `{member}` uses `{member}` itself"))
            .hint("use `values`, or a parameter before it"),
        Some(_) => undefined(format!("`params.{member}` has no value yet: it comes after this parameter"))
            .hint(format!("move `{member}` up; a default may use the parameters before it")),
        None => undefined(format!("`params.{member}` is no parameter that is known here"))
            .hint(near_parameter(member, &all[..index])),
    }
}

/// Whether following the bases from a name leads to one that closes the circle.
fn goes_round<'n>(
    from: &'n str,
    is_circle: impl Fn(&str) -> bool,
    next: impl Fn(&str) -> Option<&'n str>,
) -> bool {
    let mut seen = BTreeSet::new();
    let mut at = Some(from);
    while let Some(name) = at {
        if is_circle(name) {
            return true;
        }
        if !seen.insert(name) {
            return false;
        }
        at = next(name);
    }
    false
}
