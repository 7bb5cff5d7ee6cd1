//! A comparison for terminals and logs, read like a plan.

use std::fmt::Write as _;

use crate::model::comparison::{Comparison, EffectKind};
use crate::model::finding::Findings;
use crate::view::compare::groups::{Group, Section, sections};
use crate::view::compare::words;
use crate::view::risks::stays_behind;
use crate::view::standing;
use crate::view::text::{Colour, Paint, count, line, shown};

/// Writes a comparison, its counting line last. Findings of the newer revision, told once, come first.
pub fn comparison(comparison: &Comparison, findings: &Findings, colour: bool) -> String {
    let paint = Paint::new(colour);
    let Comparison { old, new, imports, environments, findings: _ } = comparison;
    let mut out = crate::view::human::findings(findings, colour);
    put(&mut out, format_args!("From         {}", standing::phrase(old)));
    put(&mut out, format_args!("To           {}", standing::phrase(new)));
    let notes = imports.iter().flat_map(words::import).chain(environments.iter().flat_map(words::about));
    for note in notes {
        put(&mut out, format_args!("{} {note}", paint.mark(Colour::Yellow, "!")));
    }
    for text in words::warnings(environments) {
        put(&mut out, format_args!("{} {}", paint.mark(Colour::Yellow, "warning:"), line(&text)));
    }
    out.push('\n');
    for section in sections(comparison) {
        self::section(&mut out, &section, paint);
        out.push('\n');
    }
    put(&mut out, format_args!("{}", paint.strong(&format!("{}.", words::sum(comparison)))));
    out
}

fn section(out: &mut String, section: &Section<'_>, paint: Paint) {
    let Section { environments, groups } = section;
    let names: Vec<_> = environments.iter().map(|name| name.as_str()).collect();
    put(out, format_args!("{}", paint.strong(&names.join(", "))));
    for group in groups {
        self::group(out, group, paint);
    }
}

fn group(out: &mut String, group: &Group<'_>, paint: Paint) {
    let Group { connectors, effect, own, own_leaves } = group;
    let (glyph, colour) = match effect.kind {
        EffectKind::Delete => ("-", Colour::Red),
        EffectKind::Change => ("~", Colour::Yellow),
        EffectKind::Create => ("+", Colour::Green),
        EffectKind::Unmanage => ("?", Colour::Yellow),
    };
    let names: Vec<_> = connectors.iter().map(ToString::to_string).collect();
    let many = match names.len() {
        1 => String::new(),
        found => format!("{}: ", count(found, "connector", "connectors")),
    };
    let (mark, verb) = (paint.mark(colour, glyph), effect.kind.name());
    put(out, format_args!("{mark} {verb:<9}  {many}{}", names.join(", ")));
    for note in words::notes(effect) {
        put(out, format_args!("             {note}"));
    }
    for (at, text) in stays_behind(&effect.leaves).into_iter().enumerate() {
        let own = if at == 0 && *own_leaves { words::own(connectors[0]) } else { String::new() };
        put(out, format_args!("             {text}{own}"));
    }
    // The keys of what is created are no difference to anything; `render` shows them.
    let rows = if effect.kind == EffectKind::Create { &[] } else { effect.changes.as_slice() };
    let width = rows.iter().map(|change| line(&change.key).chars().count()).max().unwrap_or_default();
    for change in rows {
        let (glyph, before, after) = words::values(change);
        let hue = match glyph {
            "+" => Colour::Green,
            "-" => Colour::Red,
            _ => Colour::Yellow,
        };
        let texts: Vec<_> = [before, after].into_iter().flatten().map(shown).collect();
        let (mark, key) = (paint.mark(hue, glyph), line(&change.key));
        let own = if own.contains(&change.key) { words::own(connectors[0]) } else { String::new() };
        put(out, format_args!("             {mark} {key:<width$}  {}{own}", texts.join(" → ")));
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a String takes every write");
}
