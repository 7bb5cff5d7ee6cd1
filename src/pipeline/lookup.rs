//! Says that a name is not there, and which one was most likely meant.
//!
//! Takes a name that was looked for in vain, gives the finding; none where the one that was meant may
//! be in what nobody could read.

use crate::model::definition::Definitions;
use crate::model::finding::Finding;
use crate::model::revision::RepositoryName;
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::pipeline::parse::Lost;
use crate::yaml::decode::nearest;

/// Says that there is no such template. In a template of an import, `home` is that import, and names
/// without one have been given it.
pub fn no_template(
    definitions: &Definitions,
    lost: &Lost,
    name: &Text,
    home: Option<&str>,
) -> Option<Finding> {
    match name.as_str().split_once('/') {
        None if lost.templates => None,
        None => Some(no_own_template(definitions, name)),
        Some((_, rest)) if home.is_some() && rest.contains('/') => {
            let message = "a template of an import is based on those of its own repository only";
            let finding = Finding::new(Rule::UnknownTemplate, name.place.clone(), message);
            Some(finding.hint("write the name alone, or bring the template into this repository"))
        }
        Some((import, rest)) => no_template_of(definitions, lost, name, (import, rest), home),
    }
}

fn no_own_template(definitions: &Definitions, name: &Text) -> Finding {
    let own = definitions.templates.keys().map(AsRef::as_ref).filter(|known: &&str| !known.contains('/'));
    let finding = unknown(Rule::UnknownTemplate, "template", name, own);
    let is_it = |known: &&str| known.split_once('/').is_some_and(|(_, rest)| rest == name.as_str());
    match definitions.templates.keys().map(AsRef::as_ref).find(is_it) {
        Some(imported) => finding.hint(format!("did you mean `{imported}`?")),
        None => finding,
    }
}

fn no_template_of(
    definitions: &Definitions,
    lost: &Lost,
    name: &Text,
    (import, rest): (&str, &str),
    home: Option<&str>,
) -> Option<Finding> {
    let about = &definitions.about;
    if !about.imports.keys().any(|known| known.as_str() == import) {
        return (!about.imports_lost).then(|| no_import(definitions, name, (import, rest)));
    }
    if lost.imports.iter().any(|lost| **lost == *import) {
        return None;
    }
    let inside = |known: &str| Some(known.split_once('/').filter(|(of, _)| *of == import)?.1.to_owned());
    let names: Vec<_> = definitions.templates.keys().filter_map(|known| inside(known)).collect();
    let names = || names.iter().map(String::as_str);
    let message = format!("import `{import}` has no template `{rest}`");
    let finding = Finding::new(Rule::UnknownTemplate, name.place.clone(), message);
    Some(finding.hint(match (nearest(rest, names()), few(names()), home) {
        (Some(near), _, Some(_)) => format!("did you mean `{near}`?"),
        (Some(near), _, None) => format!("did you mean `{import}/{near}`?"),
        (None, Some(names), _) => format!("it has {names}"),
        (None, None, _) => "correct the name, or add the template to that repository".to_owned(),
    }))
}

fn no_import(definitions: &Definitions, name: &Text, (import, rest): (&str, &str)) -> Finding {
    let names = || definitions.about.imports.keys().map(RepositoryName::as_str);
    let message = format!("tagalong.yaml imports no repository `{import}`");
    let finding = Finding::new(Rule::UnknownImport, name.place.clone(), message);
    finding.hint(match (nearest(import, names()), few(names())) {
        (Some(near), _) => format!("did you mean `{near}/{rest}`?"),
        (None, Some(names)) => format!("it imports {names}"),
        (None, None) => {
            format!("add it to `imports` in tagalong.yaml: `{{name: {import}, git: …, ref: {{tag: …}}}}`")
        }
    })
}

/// Says that something is not among these names.
pub fn unknown<'n>(
    rule: Rule,
    what: &str,
    name: &Text,
    names: impl Iterator<Item = &'n str> + Clone,
) -> Finding {
    let message = format!("there is no {what} `{}`", name.as_str());
    let finding = Finding::new(rule, name.place.clone(), message);
    match nearest(name.as_str(), names.clone()) {
        Some(near) => finding.hint(format!("did you mean `{near}`?")),
        None => finding.hint(match few(names) {
            Some(list) => format!("there are {list}"),
            None => format!("define it, with `{what}: {}`", name.as_str()),
        }),
    }
}

/// The names as a list, where they are few enough to read.
pub fn few<'n>(names: impl Iterator<Item = &'n str>) -> Option<String> {
    let names: Vec<_> = names.take(11).collect();
    (1..=10).contains(&names.len()).then(|| names.join(", "))
}
