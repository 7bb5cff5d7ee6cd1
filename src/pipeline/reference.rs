//! Tells what each template asks for, sets and needs.
//!
//! Takes definitions without an error, gives what a page about them says. Nothing is rendered: texts
//! are told as they were written, apart from those that may be secrets.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::config::{Shown, Value};
use crate::model::definition::{Definitions, Given, Pair, Parameter, ParameterKind, Template, Tree};
use crate::model::reference::{ParameterReference, Sets, TemplateReference};
use crate::model::secret;
use crate::model::text::Text;
use crate::pipeline::expression;
use crate::pipeline::layers;
use crate::pipeline::passed::Passed;
use crate::pipeline::typed::Typed;

/// What is tried for a text of which only the pattern is known, after the parameter's own name.
const TRIED: [&str; 12] =
    ["a", "A", "1", "10", "a.b", "a_b", "a-b", "/a", "a:1", "1s", "1.5", "http://localhost:8080"];

/// Tells each template, by name.
pub fn of(definitions: &Definitions) -> Vec<TemplateReference> {
    let passed = Passed::new(definitions);
    definitions.templates.iter().map(|(name, template)| told(definitions, &passed, name, template)).collect()
}

fn told(
    definitions: &Definitions,
    passed: &Passed<'_>,
    name: &Arc<str>,
    template: &Template,
) -> TemplateReference {
    let chain = layers::templates(definitions, name).unwrap_or_else(|| vec![template]);
    let mut values = BTreeSet::new();
    chain.iter().flat_map(|template| trees(template)).for_each(|tree| used(tree, &mut values));
    let text = |text: &Option<Text>| text.as_ref().map(|text| Arc::clone(&text.text));
    TemplateReference {
        name: Arc::clone(name),
        place: template.name.place.clone(),
        description: text(&template.description),
        base: text(&template.base),
        parameters: template.parameters.iter().map(|one| parameter(one, template, passed)).collect(),
        own: sets(template, passed, &template.with, &template.config),
        environments: template
            .environments
            .iter()
            .map(|block| {
                (Arc::clone(&block.environment.text), sets(template, passed, &block.with, &block.config))
            })
            .collect(),
        values,
        example: example(name, template),
    }
}

fn sets(template: &Template, passed: &Passed<'_>, with: &Given, config: &[Pair]) -> Sets {
    let config = config.iter().map(|pair| (Arc::clone(&pair.key.text), shown(&pair.key, &pair.value)));
    let is_passed =
        |key: &str| template.base.as_ref().is_some_and(|base| passed.is_parameter(base.as_str(), key));
    let gives = with.pairs.iter().map(|Pair { key, value }| {
        (Arc::clone(&key.text), shown(key, value).map(|shown| hidden(shown, is_passed(key.as_str()))))
    });
    Sets { gives: gives.collect(), config: config.collect() }
}

/// Hides a text of its own that ends under the key of a secret. One that is computed, or is filled in by
/// Connect, says only where the secret is.
fn hidden(shown: Shown, is_passed: bool) -> Shown {
    match &shown {
        Shown::Text(text) if is_passed && secret::is_own_text(text) && !text.contains("{{") => Shown::Hidden,
        Shown::Text(_) | Shown::Hidden => shown,
    }
}

fn parameter(parameter: &Parameter, template: &Template, passed: &Passed<'_>) -> ParameterReference {
    let is_passed = passed.is_parameter(template.name.as_str(), parameter.name.as_str());
    let Parameter { name, kind, mistyped: _, required, default, allowed, pattern, description } = parameter;
    ParameterReference {
        name: Arc::clone(&name.text),
        kind: *kind,
        required: *required,
        default: default
            .as_ref()
            .and_then(|default| shown(name, default))
            .map(|shown| hidden(shown, is_passed)),
        allowed: allowed.iter().flatten().map(|item| Arc::clone(&item.text)).collect(),
        pattern: pattern.as_ref().map(|pattern| Arc::clone(&pattern.text)),
        description: description.as_ref().map(|description| Arc::clone(&description.text)),
    }
}

/// A value as it was written, unless its key or its text says that it is a secret; nothing for what
/// is removed.
fn shown(key: &Text, tree: &Tree) -> Option<Shown> {
    let text = written(tree)?;
    // What stands in a map was looked at there, each under its own name.
    if matches!(tree, Tree::Map(..)) && !secret::is_secret_key(key.as_str()) {
        return Some(Shown::Text(text.into()));
    }
    Some(Value::new(key.as_str(), &text).shown())
}

fn written(tree: &Tree) -> Option<String> {
    match tree {
        Tree::Null(_) | Tree::Refused(_) => None,
        Tree::Text(text) | Tree::Literal(text) => Some(text.as_str().to_owned()),
        Tree::List(_, items) => {
            let items: Vec<_> = items.iter().filter_map(written).collect();
            Some(format!("[{}]", items.join(", ")))
        }
        Tree::Map(_, pairs) => {
            let pair = |pair: &Pair| {
                // A secret inside a map is one by its own name.
                let text = match shown(&pair.key, &pair.value)? {
                    Shown::Text(text) => text.to_string(),
                    Shown::Hidden => "(hidden)".to_owned(),
                };
                Some(format!("{}: {text}", pair.key.as_str()))
            };
            let pairs: Vec<_> = pairs.iter().filter_map(pair).collect();
            Some(format!("{{{}}}", pairs.join(", ")))
        }
    }
}

fn trees(template: &Template) -> impl Iterator<Item = &Tree> {
    let blocks = template.environments.iter().flat_map(|block| [&block.config, &block.with.pairs]);
    let pairs = [&template.config, &template.with.pairs].into_iter().chain(blocks);
    let defaults = template.parameters.iter().filter_map(|parameter| parameter.default.as_ref());
    pairs.flatten().map(|pair| &pair.value).chain(defaults)
}

fn used(tree: &Tree, values: &mut BTreeSet<String>) {
    match tree {
        Tree::Null(_) | Tree::Literal(_) | Tree::Refused(_) => {}
        Tree::List(_, items) => items.iter().for_each(|item| used(item, values)),
        Tree::Map(_, pairs) => pairs.iter().for_each(|pair| used(&pair.value, values)),
        Tree::Text(text) => {
            let uses = expression::compile(text).map(|formula| formula.uses());
            let uses = uses.unwrap_or_default().into_iter();
            values.extend(uses.filter(|used| used.root() == "values").map(|used| used.path));
        }
    }
}

fn example(name: &str, template: &Template) -> String {
    let mut text = format!("connector: my-{}\ntemplate: {name}\n", name.replace('/', "-"));
    let required: Vec<_> = template.parameters.iter().filter(|parameter| parameter.required).collect();
    if !required.is_empty() {
        text.push_str("with:\n");
    }
    for parameter in required {
        let value = match (parameter.kind, parameter.allowed.as_deref()) {
            (ParameterKind::List, Some([first, ..])) => format!("[{}]", quoted(first.as_str())),
            (_, Some([first, ..])) => quoted(first.as_str()),
            (ParameterKind::String, _) => quoted(fitting(parameter)),
            (ParameterKind::List, _) => format!("[{}]", quoted(fitting(parameter))),
            (ParameterKind::Integer, _) => "1".to_owned(),
            (ParameterKind::Number, _) => "1.5".to_owned(),
            (ParameterKind::Boolean, _) => "true".to_owned(),
            (ParameterKind::Map, _) => "{a: b}".to_owned(),
        };
        text.push_str(&format!("  {}: {value}\n", parameter.name.as_str()));
    }
    text
}

/// A text that a parameter takes, or at least its name.
fn fitting(parameter: &Parameter) -> &str {
    let typed = Typed::new(parameter);
    let name = parameter.name.as_str();
    let fits = |word: &&str| {
        let text = Tree::Literal(Text::plain(word, parameter.name.place.clone()));
        let tree = match parameter.kind {
            ParameterKind::List => Tree::List(parameter.name.place.clone(), vec![text]),
            ParameterKind::String
            | ParameterKind::Integer
            | ParameterKind::Number
            | ParameterKind::Boolean
            | ParameterKind::Map => text,
        };
        typed.refuse(&tree).is_empty()
    };
    std::iter::once(name).chain(TRIED).find(fits).unwrap_or(name)
}

/// A text as YAML reads it back.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/');
    if !text.is_empty() && text.chars().all(plain) && text != "null" {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}
