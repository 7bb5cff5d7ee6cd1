//! A comparison as a comment on a pull request or a release note.

use crate::model::comparison::{Comparison, EffectKind};
use crate::model::config::Shown;
use crate::model::finding::Findings;
use crate::model::plan::Change;
use crate::model::rule::Severity;
use crate::view::compare::groups::{Group, Section, sections};
use crate::view::compare::words;
use crate::view::markdown::escape::{code, sentence};
use crate::view::markdown::limit::Page;
use crate::view::markdown::{stays_behind, table};
use crate::view::standing;
use crate::view::text::{count, shown};

/// More names than this in one group are counted.
const NAMES: usize = 100;

/// Writes a comparison; what is too long for a comment is cut, and says so. Findings of the newer
/// revision, told once, come first.
pub fn comparison(comparison: &Comparison, findings: &Findings) -> String {
    let Comparison { old, new, imports, environments, findings: _ } = comparison;
    let (old, new) = (code(&standing::phrase(old)), code(&standing::phrase(new)));
    let mut page = Page::new(format!("### From {old} to {new}\n\n**{}.**\n", words::sum(comparison)));
    let mut told = Findings::default();
    told.extend(findings.iter().filter(|finding| finding.severity != Severity::Info).cloned());
    table(&mut page, &told);
    let notes: Vec<_> =
        imports.iter().flat_map(words::import).chain(environments.iter().flat_map(words::about)).collect();
    let warnings = words::warnings(environments);
    if !notes.is_empty() || !warnings.is_empty() {
        page.put("\n");
    }
    for note in &notes {
        page.put(&format!("- {}\n", code(note)));
    }
    for text in &warnings {
        page.put(&format!("- warning: {}\n", sentence(text)));
    }
    for section in sections(comparison) {
        self::section(&mut page, &section);
    }
    page.end("`tagalong compare`")
}

fn section(page: &mut Page, section: &Section<'_>) {
    let Section { environments, groups } = section;
    let names: Vec<_> = environments.iter().map(|name| code(name.as_str())).collect();
    page.put(&format!("\n#### {}\n\n| | connectors | what |\n|---|---|---|\n", names.join(", ")));
    for one in groups {
        page.put(&group(one));
    }
}

fn group(group: &Group<'_>) -> String {
    let Group { connectors, effect, own, own_leaves } = group;
    let mut names: Vec<_> = connectors.iter().take(NAMES).map(|name| code(name.as_str())).collect();
    if connectors.len() > NAMES {
        names.push(format!("and {} more", connectors.len() - NAMES));
    }
    let many = match connectors.len() {
        1 => String::new(),
        found => format!("{}: ", count(found, "connector", "connectors")),
    };
    let mut told: Vec<_> = words::notes(effect).iter().map(|note| code(note)).collect();
    told.extend(stays_behind(&effect.leaves).map(|left| {
        let own = if *own_leaves { sentence(&words::own(connectors[0])) } else { String::new() };
        left + &own
    }));
    if effect.kind != EffectKind::Create {
        told.extend(effect.changes.iter().map(|one| {
            let own = own.contains(&one.key).then(|| sentence(&words::own(connectors[0])));
            change(one) + &own.unwrap_or_default()
        }));
    }
    let (verb, many, names) = (effect.kind.name(), many, names.join(", "));
    format!("| {verb} | {many}{names} | {} |\n", told.join("<br>"))
}

fn change(change: &Change) -> String {
    let (glyph, before, after) = words::values(change);
    let text = |side: &Shown| match side {
        Shown::Text(_) => code(&shown(side)),
        Shown::Hidden => "(hidden)".to_owned(),
    };
    let texts: Vec<_> = [before, after].into_iter().flatten().map(text).collect();
    format!("{glyph} {}: {}", code(&change.key), texts.join(" → "))
}
