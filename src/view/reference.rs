//! Writes a page about templates, in Markdown.
//!
//! Takes what there is to know of each, gives the same bytes for the same definitions, so that a page
//! beside them can be held to them.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::model::config::Shown;
use crate::model::reference::{ParameterReference, Sets, TemplateReference};
use crate::view::text::line;

/// Writes the page.
pub fn page(templates: &[TemplateReference]) -> String {
    let mut text =
        "# Templates\n\n<!-- Written by `tagalong docs`; `tagalong docs --check` compares. -->\n".to_owned();
    if templates.is_empty() {
        text.push_str("\nThere is no template here.\n");
        return text;
    }
    text.push_str("\n| template | parameters that must be given |\n|---|---|\n");
    for template in templates {
        let required = template.parameters.iter().filter(|parameter| parameter.required);
        let names: Vec<_> = required.map(|parameter| code(&parameter.name)).collect();
        let _ = writeln!(text, "| {} | {} |", link(&template.name), names.join(", "));
    }
    for template in templates {
        section(&mut text, template);
    }
    text
}

fn section(text: &mut String, template: &TemplateReference) {
    let TemplateReference { name, place, description, base, parameters, own, environments, values, example } =
        template;
    let _ = write!(text, "\n## {}\n", line(name));
    if let Some(description) = description {
        let _ = write!(text, "\n{}\n", description.lines().map(prose).collect::<Vec<_>>().join("\n").trim());
    }
    let over = base.as_ref().map(|base| format!(", over {}", link(base)));
    let _ = write!(text, "\nDefined in {}{}.\n", code(&place.path), over.unwrap_or_default());
    let _ = write!(text, "\n```yaml\n{example}```\n");
    if !parameters.is_empty() {
        text.push_str("\n| parameter | type | default | takes | meaning |\n|---|---|---|---|---|\n");
        for parameter in parameters {
            row(text, parameter);
        }
    }
    if !values.is_empty() {
        let values: Vec<_> = values.iter().map(|value| code(value)).collect();
        let _ = write!(text, "\nNeeds of the environment: {}.\n", values.join(", "));
    }
    sets(text, own, base.as_ref(), "");
    for (environment, own) in environments {
        sets(text, own, base.as_ref(), &format!(" in {}", code(environment)));
    }
}

fn row(text: &mut String, parameter: &ParameterReference) {
    let ParameterReference { name, kind, required, default, allowed, pattern, description } = parameter;
    let default = match (default, required) {
        (Some(default), _) => shown(Some(default)),
        (None, true) => "must be given".to_owned(),
        (None, false) => String::new(),
    };
    let mut takes: Vec<_> = allowed.iter().map(|word| code(word)).collect();
    takes.extend(pattern.as_ref().map(|pattern| format!("what matches {}", code(pattern))));
    let description = description.as_ref().map_or(String::new(), |text| cell(&prose(text)));
    let (name, kind) = (code(name), kind.name());
    let _ = writeln!(text, "| {name} | {kind} | {default} | {} | {description} |", takes.join(", "));
}

fn sets(text: &mut String, sets: &Sets, base: Option<&Arc<str>>, whereabouts: &str) {
    let Sets { gives, config } = sets;
    if let Some(base) = base.filter(|_| !gives.is_empty()) {
        let _ = write!(text, "\n| given to {}{whereabouts} | |\n|---|---|\n", link(base));
        rows(text, gives);
    }
    if !config.is_empty() {
        let _ = write!(text, "\n| config{whereabouts} | |\n|---|---|\n");
        rows(text, config);
    }
}

fn rows(text: &mut String, pairs: &[(Arc<str>, Option<Shown>)]) {
    for (key, value) in pairs {
        let _ = writeln!(text, "| {} | {} |", code(key), shown(value.as_ref()));
    }
}

fn shown(value: Option<&Shown>) -> String {
    match value {
        Some(Shown::Text(text)) if text.is_empty() => code("\"\""),
        Some(Shown::Text(text)) => code(text),
        Some(Shown::Hidden) => "(hidden)".to_owned(),
        None => "removed".to_owned(),
    }
}

/// A link to a template's section, as GitHub and GitLab name it.
fn link(name: &str) -> String {
    let lower = name.to_lowercase();
    let kept: String = lower.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
    format!("[{}](#{kept})", line(name))
}

/// A text as code, in a cell of a table or outside.
fn code(text: &str) -> String {
    let text = cell(&line(text));
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let blank = if longest > 0 { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// A line of somebody's own words. They may hold Markdown, but nothing that a browser would run.
fn prose(text: &str) -> String {
    line(text.trim()).replace('<', "&lt;")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
