//! Reads a template's document.

use crate::model::definition::{Given, Parameter, ParameterKind, Template, TemplateBlock, Tree};
use crate::model::finding::Finding;
use crate::model::name::{self, EnvironmentName};
use crate::model::rule::Rule;
use crate::model::shape::{Field, Shape, Takes};
use crate::model::text::Text;
use crate::pipeline::parse::{lints, tree};
use crate::yaml::decode::{self, Fields};
use crate::yaml::tree::{Document, Entry, Node};

/// What a template's document may say.
pub static TEMPLATE: Shape = Shape::new(
    "A template: a generic connector, and what it must be given.",
    &[
        Field::new("template", Takes::Like(name::PLAIN), "Its name, which connectors use. A literal text.")
            .needed(),
        Field::new("description", Takes::Text, "What it is for."),
        Field::new("base", Takes::Literal, "Another template under this one."),
        Field::new("with", tree::WITH_TAKES, "What the template under it asks for."),
        Field::new(
            "parameters",
            Takes::Entries(IDENTIFIER, &Takes::Fields(&PARAMETER)),
            "What it must or may be given, by name; in expressions `params.NAME`.",
        ),
        Field::new(
            "config",
            tree::CONFIG_TAKES,
            "Its keys. A text may hold expressions in `{{ }}`, in quotes; a list becomes a text with commas.",
        ),
        Field::new(
            "environments",
            Takes::Entries(name::PLAIN, &Takes::Fields(&BLOCK)),
            "What this kind of connector needs in one environment.",
        ),
        Field::new("allow", lints::ALLOW_TAKES, "Lints that are silenced here, each with the reason."),
    ],
);

static BLOCK: Shape = Shape::new(
    "What this kind of connector needs in one environment.",
    &[
        Field::new("with", tree::WITH_TAKES, "What the template under it asks for, there."),
        Field::new("config", tree::CONFIG_TAKES, "Its keys there. `null` removes an inherited key."),
    ],
);

static PARAMETER: Shape = Shape::new(
    "Something that the template must or may be given.",
    &[
        Field::new(
            "type",
            Takes::WordOf(|| ParameterKind::ALL.map(ParameterKind::name).to_vec()),
            "What it is made of.",
        )
        .default("string"),
        Field::new("required", Takes::Flag, "Whether it must be given.").default("false"),
        Field::new(
            "default",
            Takes::Free(tree::DEFAULT),
            "What it is where nothing is given. May use the parameters before it.",
        ),
        Field::new(
            "enum",
            Takes::List(&Takes::Literal),
            "The values that it may have; of a list, its items.",
        ),
        Field::new("pattern", Takes::Text, "A regular expression that it matches; of a list, each item."),
        Field::new("description", Takes::Text, "What it is for."),
    ],
);

/// What a parameter's name looks like, as a regular expression.
const IDENTIFIER: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

/// Reads a template; none where its name cannot be read.
pub fn template(document: &Document, findings: &mut Vec<Finding>) -> Option<Template> {
    let root = without_state(&document.root, "a template", findings);
    let fields = decode::fields("a template", &root, &TEMPLATE, findings)?;
    let name = tree::optional(&fields, "template", findings);
    let description = described(&fields, findings);
    let base = tree::optional(&fields, "base", findings);
    let mut with = tree::given(&fields, findings);
    let mut parameters = parameters(&fields, findings);
    let mut config = tree::pairs(&fields, "config", tree::CONFIG, findings);
    let mut environments = blocks(&fields, findings);
    let names = parameters.iter().map(|parameter| &parameter.name);
    let misnamed: Vec<_> = names.filter(|name| !is_identifier(name.as_str())).cloned().collect();
    if !misnamed.is_empty() {
        let blocks =
            environments.iter_mut().flat_map(|block| block.with.pairs.iter_mut().chain(&mut block.config));
        let given = with.pairs.iter_mut().chain(&mut config).chain(blocks).map(|pair| &mut pair.value);
        let defaults = parameters.iter_mut().filter_map(|parameter| parameter.default.as_mut());
        given.chain(defaults).for_each(|value| refuse_uses(value, &misnamed));
    }
    let allow = lints::allow(&fields, findings);
    if base.is_none() && fields.get("base").is_none() {
        findings
            .extend(std::iter::once(&with).chain(environments.iter().map(|b| &b.with)).filter_map(useless));
    }
    let name = name.filter(|name| is_usable(name, findings))?;
    let whole = document.whole && fields.are_maps(&["with", "parameters", "config", "environments"]);
    Some(Template { name, description, base, with, parameters, config, environments, allow, whole })
}

/// Refuses what uses a parameter by a name that no expression can hold: `params.a-b` would be read as a
/// subtraction, and the name was told.
fn refuse_uses(tree: &mut Tree, misnamed: &[Text]) {
    let uses = |text: &Text| {
        misnamed.iter().any(|name| text.as_str().contains(&format!("params.{}", name.as_str())))
    };
    match tree {
        Tree::Text(text) if uses(text) => *tree = Tree::Refused(text.place.clone()),
        Tree::List(_, items) => items.iter_mut().for_each(|item| refuse_uses(item, misnamed)),
        Tree::Map(_, pairs) => pairs.iter_mut().for_each(|pair| refuse_uses(&mut pair.value, misnamed)),
        Tree::Text(_) | Tree::Literal(_) | Tree::Null(_) | Tree::Refused(_) => {}
    }
}

fn is_usable(name: &Text, findings: &mut Vec<Finding>) -> bool {
    // The names of templates are made like those of environments.
    let usable = EnvironmentName::new(name.as_str()).is_ok();
    if !usable {
        let finding = Finding::new(Rule::NameInvalid, name.place.clone(), "a template's name is not usable");
        findings.push(finding.hint("use letters, digits, `.`, `_` and `-`"));
    }
    usable
}

fn useless(with: &Given) -> Option<Finding> {
    let message = "`with` gives something to the template under this one, and there is none";
    let finding = Finding::new(Rule::Conflict, with.place.clone()?, message);
    Some(finding.hint("add `base`, or remove `with`"))
}

/// Takes `state` out of a template or its block, with a finding of its own: that it is unknown
/// would send people looking for a typo.
fn without_state(node: &Node, what: &str, findings: &mut Vec<Finding>) -> Node {
    let mut node = node.clone();
    if let crate::yaml::tree::Kind::Mapping(entries) = &mut node.kind {
        entries.retain(|Entry { key, .. }| {
            let is_state = key.as_str() == "state";
            if is_state {
                let message = format!("{what} has no `state`");
                let finding = Finding::new(Rule::UnknownKey, key.place.clone(), message);
                findings.push(finding.hint("say it in the connectors, where one sees which of them stop"));
            }
            !is_state
        });
    }
    node
}

fn blocks(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Vec<TemplateBlock> {
    let Some(node) = fields.get("environments") else { return Vec::new() };
    let entries = decode::map("`environments`", node, findings).unwrap_or_default();
    entries.iter().filter_map(|entry| block(entry, findings)).collect()
}

fn block(entry: &Entry, findings: &mut Vec<Finding>) -> Option<TemplateBlock> {
    let what = format!("environment `{}` of a template", entry.key.as_str());
    let node = without_state(&entry.value, &what, findings);
    let fields = decode::fields(&what, &node, &BLOCK, findings)?;
    Some(TemplateBlock {
        environment: entry.key.clone(),
        with: tree::given(&fields, findings),
        config: tree::pairs(&fields, "config", tree::CONFIG, findings),
    })
}

fn parameters(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Vec<Parameter> {
    let Some(node) = fields.get("parameters") else { return Vec::new() };
    let entries = decode::map("`parameters`", node, findings).unwrap_or_default();
    entries.iter().map(|entry| parameter(entry, findings)).collect()
}

fn parameter(Entry { key: name, value: node }: &Entry, findings: &mut Vec<Finding>) -> Parameter {
    let mut parameter = Parameter {
        name: name.clone(),
        kind: ParameterKind::String,
        mistyped: false,
        required: false,
        default: None,
        allowed: None,
        pattern: None,
        description: None,
    };
    if !is_identifier(name.as_str()) {
        let message = "a parameter's name cannot be used in an expression";
        let finding = Finding::new(Rule::NameInvalid, name.place.clone(), message);
        findings.push(finding.hint("use letters, digits and `_`, a letter first"));
    }
    let what = format!("parameter `{}`", name.as_str());
    let Some(fields) = decode::fields(&what, node, &PARAMETER, findings) else { return parameter };
    if let Some(node) = fields.get("type") {
        let kinds = ParameterKind::ALL.map(|kind| (kind.name(), kind));
        let kind = decode::choice("`type`", node, &kinds, findings);
        parameter.mistyped = kind.is_none();
        parameter.kind = kind.unwrap_or(parameter.kind);
    }
    if let Some(node) = fields.get("required") {
        parameter.required = decode::boolean("`required`", node, findings).unwrap_or_default();
    }
    if let Some(entry) = fields.entry("default") {
        parameter.default = Some(tree::tree("`default`", &entry.value, tree::DEFAULT, findings));
        if parameter.required {
            let message = format!("{what} is required, so its default is never used");
            let finding = Finding::new(Rule::Conflict, entry.key.place.clone(), message);
            findings.push(finding.hint("keep `required` or `default`"));
        }
    }
    parameter.allowed = fields.get("enum").and_then(|node| allowed(node, findings));
    parameter.pattern = fields.get("pattern").and_then(|node| decode::text("`pattern`", node, findings));
    parameter.description = described(&fields, findings);
    parameter
}

fn described(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Option<Text> {
    decode::text("`description`", fields.get("description")?, findings)
}

fn allowed(node: &Node, findings: &mut Vec<Finding>) -> Option<Vec<Text>> {
    let items = decode::list("`enum`", node, findings)?;
    if items.is_empty() {
        let message = "`enum` lists nothing, so nothing could be given";
        let finding = Finding::new(Rule::WrongValue, node.place.clone(), message);
        findings.push(finding.hint("list what may be given, or remove `enum`"));
    }
    let texts: Option<Vec<_>> =
        items.iter().map(|item| tree::literal("an item of `enum`", item, findings)).collect();
    texts.filter(|texts| !texts.is_empty())
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
