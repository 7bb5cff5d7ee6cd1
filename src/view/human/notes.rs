//! What is worth a look in a plan beside its steps.
//!
//! Takes a plan, gives a line for whatever could not be compared or is left alone, and why.

use std::collections::BTreeMap;

use crate::model::name::ConnectorName;
use crate::model::plan::{Plan, Sync, Unverifiable};
use crate::view::form::WarningForm;
use crate::view::text::{Colour, Paint, count, line, put};

/// Writes every note of a plan.
pub(in crate::view::human) fn of_plan(out: &mut String, plan: &Plan, paint: Paint) {
    let Plan {
        revision: _,
        environment: _,
        mode: _,
        steps: _,
        held: _,
        risks: _,
        unjudged: _,
        leaves: _,
        unverifiable,
        unresolved,
        unmanaged,
        sync,
        warnings,
        incomplete,
    } = plan;
    for one in unverifiable {
        masked(out, one, paint);
    }
    unknown(out, sync, unresolved, paint);
    for one in warnings {
        warning(out, &WarningForm::new(one), paint);
    }
    for one in incomplete {
        put(out, format_args!("{} {}", paint.mark(Colour::Yellow, "?"), line(&one.to_string())));
    }
    if !unmanaged.is_empty() {
        let names: Vec<String> = unmanaged.iter().map(ToString::to_string).collect();
        put(out, format_args!("Unmanaged (never touched): {}", names.join(", ")));
    }
}

fn masked(out: &mut String, unverifiable: &Unverifiable, paint: Paint) {
    let Unverifiable { connector, keys } = unverifiable;
    let names: Vec<String> = keys.iter().map(|key| line(key)).collect();
    let (count, names) = (count(keys.len(), "key", "keys"), names.join(", "));
    let mark = paint.mark(Colour::Yellow, "?");
    put(out, format_args!("{mark} {count} of {connector} cannot be compared: Connect masks {names}"));
}

/// Writes which declared connectors nobody can compare, and why.
fn unknown(
    out: &mut String,
    sync: &BTreeMap<ConnectorName, Sync>,
    unresolved: &[ConnectorName],
    paint: Paint,
) {
    let mark = paint.mark(Colour::Yellow, "?");
    for name in unresolved {
        put(out, format_args!("{mark} {name} is left alone: a secret of it is missing"));
    }
    for (name, _) in sync.iter().filter(|(_, sync)| **sync == Sync::Unknown) {
        if !unresolved.contains(name) {
            put(out, format_args!("{mark} {name} cannot be compared: Connect did not tell of it"));
        }
    }
}

/// Writes what this Connect does in another way than it is declared.
pub(in crate::view::human) fn warning(out: &mut String, warning: &WarningForm, paint: Paint) {
    let WarningForm { connector, warning: _, message } = warning;
    let of = connector.as_ref().map(|name| format!("{}: ", line(name))).unwrap_or_default();
    put(out, format_args!("{} {of}{}", paint.mark(Colour::Yellow, "warning:"), line(message)));
}
