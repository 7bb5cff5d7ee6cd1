//! Reads an environment's document.

use crate::model::definition::{Environment, Input, Pair, Tree};
use crate::model::finding::Finding;
use crate::model::name::{self, EnvironmentName};
use crate::model::rule::Rule;
use crate::model::shape::{Field, Keys, Shape, Takes};
use crate::pipeline::parse::{lints, tree};
use crate::yaml::decode::{self, Fields};
use crate::yaml::tree::{Document, Entry};

/// What an environment's document may say.
pub static ENVIRONMENT: Shape = Shape::new(
    "An environment: what all of its connectors share.",
    &[
        Field::new("environment", Takes::Like(name::PLAIN), "Its name. A literal text.").needed(),
        Field::new("base", Takes::Literal, "Another environment under this one."),
        Field::new(
            "inputs",
            Takes::Entries(PATH, &Takes::Fields(&INPUT)),
            "Values that the place itself must supply, by their paths, such as `postgres.host`.",
        ),
        Field::new(
            "values",
            Takes::Entries(Keys::Names.pattern(), &Takes::Free(tree::VALUES)),
            "Values for the templates: `values.postgres.port` in expressions.",
        ),
        Field::new(
            "config",
            tree::CONFIG_TAKES,
            "Keys that are laid under every connector of this environment, over the template's.",
        ),
        Field::new("allow", lints::ALLOW_TAKES, "Lints that are silenced here, each with the reason."),
        Field::new(
            "suspend",
            tree::SUSPEND_TAKES,
            "Measure, and write nothing. `null` lifts what the environment under it says.",
        ),
    ],
);

static INPUT: Shape = Shape::new(
    "A value that the place itself must supply.",
    &[
        Field::new(
            "example",
            Takes::Free(tree::VALUES),
            "What stands in for it where the place is not at hand.",
        ),
        Field::new("description", Takes::Text, "What it is."),
    ],
);

/// What an input's name looks like, as a regular expression.
const PATH: &str = r"^[^.]+(\.[^.]+)*$";

/// Reads an environment; none where its name cannot be read.
pub fn environment(document: &Document, findings: &mut Vec<Finding>) -> Option<Environment> {
    let fields = decode::fields("an environment", &document.root, &ENVIRONMENT, findings)?;
    let name = tree::optional(&fields, "environment", findings);
    let base = tree::optional(&fields, "base", findings);
    let inputs = inputs(&fields, findings);
    let values = tree::pairs(&fields, "values", tree::VALUES, findings);
    findings.extend(inputs.iter().filter_map(|input| said_twice(input, &values)));
    let config = tree::pairs(&fields, "config", tree::CONFIG, findings);
    let allow = lints::allow(&fields, findings);
    let suspend = tree::suspension(&fields, findings);
    let written = name?;
    let place = written.place;
    let Ok(name) = EnvironmentName::new(&written.text) else {
        let message = "an environment's name is not usable";
        let finding = Finding::new(Rule::NameInvalid, place, message);
        findings.push(finding.hint("use letters, digits, `.`, `_` and `-`"));
        return None;
    };
    let whole = document.whole && fields.are_maps(&["inputs", "values", "config"]);
    Some(Environment { name, place, base, inputs, values, config, allow, suspend, whole })
}

/// Says that an environment gives itself what it asks of the place.
fn said_twice(input: &Input, values: &[Pair]) -> Option<Finding> {
    let path = input.path.as_str();
    let mut names = path.split('.');
    let first = names.next()?;
    let mut pair = values.iter().find(|pair| pair.key.as_str() == first)?;
    for name in names {
        let Tree::Map(_, inner) = &pair.value else { return None };
        pair = inner.iter().find(|pair| pair.key.as_str() == name)?;
    }
    let message = format!("`{path}` is an input, which the place itself supplies, and it has a value here");
    let finding = Finding::new(Rule::Conflict, pair.key.place.clone(), message);
    Some(finding.hint("remove the value, or the input; a base may have the value and a child the input"))
}

fn inputs(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Vec<Input> {
    let Some(node) = fields.get("inputs") else { return Vec::new() };
    let entries = decode::map("`inputs`", node, findings).unwrap_or_default();
    entries.iter().map(|entry| input(entry, findings)).collect()
}

fn input(Entry { key, value }: &Entry, findings: &mut Vec<Finding>) -> Input {
    let what = format!("input `{}`", key.as_str());
    if key.as_str().split('.').any(str::is_empty) {
        let message = "an input's name is a path of names with dots between them";
        let finding = Finding::new(Rule::NameInvalid, key.place.clone(), message);
        findings.push(finding.hint("write it like `postgres.host`"));
    }
    let fields = decode::fields(&what, value, &INPUT, findings);
    let (mut example, mut description) = (None, None);
    if let Some(fields) = fields {
        example = fields.get("example").map(|node| tree::tree("`example`", node, tree::VALUES, findings));
        description =
            fields.get("description").and_then(|node| decode::text("`description`", node, findings));
    }
    Input { path: key.clone(), example, description }
}
