//! Findings and plans as Markdown, for a comment on a pull request or the summary of a workflow.
//!
//! Takes model values, gives a page that is short enough for a comment. What stands in a repository or
//! in a cluster is shown, and can neither link, nor call somebody, nor end its cell. Secrets cannot be
//! reached from here.

pub(in crate::view) mod escape;
pub(in crate::view) mod limit;

use std::collections::BTreeSet;

use crate::model::config::Shown;
use crate::model::finding::{Finding, Findings};
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Change, ChangeKind, Held, Left, Mode, Plan, Step, Sync};
use crate::model::rule::Severity;
use crate::view::human::steps::why;
use crate::view::human::{counts, last_line};
use crate::view::markdown::escape::{block, code, sentence};
use crate::view::markdown::limit::Page;
use crate::view::risks::{Borne, borne, phrase, safe_way};
use crate::view::standing;

/// How much of one value is shown.
const LONGEST_VALUE: usize = 200;

/// Writes findings as a table under what they come to, the heaviest first.
pub fn findings(findings: &Findings, verdict: &str) -> String {
    let mut page = Page::new(format!("### Definitions\n\n{}\n", sentence(verdict)));
    table(&mut page, findings);
    page.end("`tagalong validate`")
}

/// Adds the findings as a table, the heaviest first.
pub(in crate::view) fn table(page: &mut Page, findings: &Findings) {
    if findings.is_empty() {
        return;
    }
    page.put(&format!("\n{}.\n\n| severity | place | finding |\n|---|---|---|\n", counts(findings)));
    for severity in Severity::ALL {
        for finding in findings.iter().filter(|finding| finding.severity == severity) {
            page.put(&row(finding));
        }
    }
}

fn row(finding: &Finding) -> String {
    let Finding { place, severity, rule, message, hint, connector: _, environment } = finding;
    let only = environment.as_ref().map(|name| format!(" (in {})", code(name.as_str()))).unwrap_or_default();
    let mut hints = String::new();
    for hint in hint.iter().flat_map(|hint| hint.lines()) {
        hints.push_str(&format!("<br>*{}*", sentence(hint)));
    }
    let (place, message, rule) = (code(&place.to_string()), sentence(message), rule.name());
    format!("| {} | {place} | {message}{only} (`{rule}`){hints} |\n", severity.name())
}

/// Writes a plan: what it comes to, each step, and its changes to be opened.
pub fn plan(plan: &Plan, findings: &Findings) -> String {
    let Plan {
        revision,
        environment,
        mode,
        steps,
        held,
        risks: _,
        unjudged: _,
        leaves: _,
        unverifiable: _,
        unresolved: _,
        unmanaged: _,
        sync: _,
        warnings: _,
        incomplete: _,
    } = plan;
    let mut page = Page::new(format!(
        "### Plan for {}\n\n**{}**\n\nRevision {}.{}\n",
        code(environment.as_str()),
        sentence(&last_line(plan)),
        code(&standing::phrase(revision)),
        match mode {
            Mode::Enforce => "",
            Mode::Observe => " Mode `observe`: nothing is written.",
        }
    ));
    if !plan.is_empty() {
        page.put("\n| step | connector | why |\n|---|---|---|\n");
        for action in steps {
            page.put(&step(action, action.step.kind().name()));
        }
        for held in held {
            page.put(&step(&held.action, &format!("**held** {}", held.action.step.kind().name())));
        }
    }
    let mut borne = borne(plan);
    let borne_by_held = borne.split_off(steps.len());
    let mut released = BTreeSet::new();
    for (held, borne) in held.iter().zip(&borne_by_held) {
        page.put(&hold(held, borne, &mut released));
    }
    for (action, borne) in steps.iter().zip(&borne) {
        page.put(&changes(action, borne));
    }
    let notes = notes(plan);
    if !notes.is_empty() {
        page.put("\n");
    }
    for note in notes {
        page.put(&format!("- {note}\n"));
    }
    table(&mut page, findings);
    page.end("`tagalong plan`")
}

/// What is worth a look beside the steps.
fn notes(plan: &Plan) -> Vec<String> {
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
    let mut notes = Vec::new();
    for one in unverifiable {
        let keys: Vec<_> = one.keys.iter().map(|key| code(key)).collect();
        let name = code(one.connector.as_str());
        notes.push(format!("{name} cannot be compared whole: Connect masks {}", keys.join(", ")));
    }
    for name in unresolved {
        notes.push(format!("{} is left alone: a secret of it is missing", code(name.as_str())));
    }
    let unknown =
        |(name, sync): &(&ConnectorName, &Sync)| **sync == Sync::Unknown && !unresolved.contains(name);
    for (name, _) in sync.iter().filter(unknown) {
        notes.push(format!("{} cannot be compared: Connect did not tell of it", code(name.as_str())));
    }
    notes.extend(warnings.iter().map(|warning| {
        let of = warning.connector.as_ref().map(|name| format!("{}: ", code(name.as_str())));
        format!("{}{}", of.unwrap_or_default(), sentence(&warning.to_string()))
    }));
    notes.extend(incomplete.iter().map(|one| sentence(&one.to_string())));
    if !unmanaged.is_empty() {
        let names: Vec<_> = unmanaged.iter().map(|name| code(name.as_str())).collect();
        notes.push(format!("unmanaged, never touched: {}", names.join(", ")));
    }
    notes
}

fn step(action: &Action, verb: &str) -> String {
    format!("| {verb} | {} | {} |\n", code(action.connector.as_str()), sentence(&why(action)))
}

/// Why a step is held, and what to add so that it is taken; that once.
fn hold<'h>(held: &'h Held, borne: &Borne<'_>, released: &mut BTreeSet<&'h str>) -> String {
    let Held { action, hold, detail, release } = held;
    let name = code(action.connector.as_str());
    let verb = action.step.kind().name();
    let mut text = format!("\n{name}: {verb} is held (`{}`):\n{}\n", hold.name(), block(detail));
    text.push_str(&remarks(borne));
    if let Some(release) = release.as_deref().filter(|release| released.insert(release)) {
        text.push_str(&format!("\nTo release it, add:\n{}\n", block(release)));
    }
    let rows = of_changes(&action.step);
    text + &details(&name, &rows)
}

/// What a step changes, what that may do to data, and what outlives its connector.
fn changes(action: &Action, borne: &Borne<'_>) -> String {
    let name = code(action.connector.as_str());
    let (rows, remarks) = (of_changes(&action.step), remarks(borne));
    let remarks = if remarks.is_empty() { remarks } else { format!("\n{name}:\n{remarks}") };
    remarks + &details(&name, &rows)
}

/// What may happen to data, and what stays behind, as a list.
fn remarks(borne: &Borne<'_>) -> String {
    let Borne { risks, leaves } = borne;
    let mut text = String::new();
    for risk in risks {
        let safe = safe_way(risk).map(|way| format!("<br>The safe way: {}", lines(way))).unwrap_or_default();
        let (what, consequence) =
            (sentence(&phrase(&risk.key, risk.harm, &risk.standing)), lines(&risk.consequence));
        text.push_str(&format!("\n- **{what}**<br>{consequence}{safe}"));
    }
    if let Some(left) = stays_behind(leaves) {
        text.push_str(&format!("\n- {left}"));
    }
    if text.is_empty() { text } else { text + "\n" }
}

/// What outlives a connector, in one line.
pub(in crate::view) fn stays_behind(leaves: &[Left]) -> Option<String> {
    let left = |Left { kind, name, within }: &Left| {
        let name = name.as_deref().map(|name| format!(" {}", code(name))).unwrap_or_default();
        let within = within.as_deref().map(|within| format!(" in {}", code(within))).unwrap_or_default();
        format!("{}{name}{within}", kind.name())
    };
    let left: Vec<_> = leaves.iter().map(left).collect();
    (!left.is_empty()).then(|| format!("stays behind: {}", left.join(", ")))
}

/// Sentences of several lines.
fn lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(sentence).collect();
    lines.join("<br>")
}

fn details(name: &str, rows: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    // Inside of a summary only HTML counts.
    let name = name
        .strip_prefix('`')
        .and_then(|name| name.strip_suffix('`'))
        .map_or_else(|| name.to_owned(), |name| format!("<code>{}</code>", escape::html(name)));
    format!(
        "\n<details><summary>{name}</summary>\n\n| key | before | after |\n|---|---|---|\n{rows}\n</details>\n"
    )
}

fn of_changes(step: &Step) -> String {
    match step {
        Step::Configure { config: _, changes } => changes.iter().map(change).collect(),
        // A creation sends all its keys; `render` shows them, a plan only counts them.
        Step::Create { .. }
        | Step::Pause { .. }
        | Step::Resume { .. }
        | Step::Stop { .. }
        | Step::Restart { .. }
        | Step::Delete => String::new(),
    }
}

fn change(change: &Change) -> String {
    let Change { key, kind } = change;
    let (before, after) = match kind {
        ChangeKind::Added { after } => (String::new(), shown(after)),
        ChangeKind::Removed { before } => (shown(before), String::new()),
        ChangeKind::Changed { before, after } => (shown(before), shown(after)),
    };
    format!("| {} | {before} | {after} |\n", code(key))
}

fn shown(value: &Shown) -> String {
    match value {
        Shown::Hidden => "(hidden)".to_owned(),
        Shown::Text(text) if text.chars().count() > LONGEST_VALUE => {
            let cut: String = text.chars().take(LONGEST_VALUE).collect();
            format!("{} …", code(&cut))
        }
        Shown::Text(text) => code(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Place;
    use crate::model::rule::Rule;
    use crate::view::example;

    #[test]
    fn a_plan_is_a_summary_and_changes_to_open() {
        insta::assert_snapshot!(plan(&example::plan(), &example::findings()));
    }

    #[test]
    fn an_empty_plan_says_so() {
        insta::assert_snapshot!(plan(&example::empty_plan(), &Findings::default()));
    }

    #[test]
    fn findings_are_a_table() {
        insta::assert_snapshot!(findings(&example::findings(), "Not valid for production."));
    }

    #[test]
    fn a_page_fits_into_a_comment_and_says_what_is_missing() {
        let mut many = Findings::default();
        for line in 1..3000 {
            let place = Place { path: "connectors/a.yaml".into(), line, column: 1 };
            many.push(Finding::new(Rule::UnknownKey, place, "a connector has no key `x`"));
        }
        let page = findings(&many, "Not valid.");
        assert!(page.chars().count() < 65_536, "{}", page.len());
        let rows = page.lines().filter(|line| line.starts_with("| error")).count();
        assert!(page.ends_with(&format!("{} left out. `tagalong validate` tells all of it.\n", 2999 - rows)));
    }
}
