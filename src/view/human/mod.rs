//! Plans, findings, results and rendered configs for terminals and logs.
//!
//! Takes model values and whether colour is wanted, gives text that ends with a line feed. Colour is
//! never the only sign: every line reads the same without it. Where to print is left to the caller.

mod notes;
pub(in crate::view) mod steps;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::desired::{Desired, DesiredConnector, Origin};
use crate::model::finding::{Finding, Findings};
use crate::model::name::some_of;
use crate::model::plan::{Mode, Plan, Sync};
use crate::model::report::{Outcome, StepResult};
use crate::model::rule::Severity;
use crate::view::form::{FindingForm, SummaryForm};
use crate::view::holds::{HeldTogether, HoldForm, MOST_NAMED};
use crate::view::standing;
use crate::view::status::{ClocksForm, ConnectorForm, FailureForm, HeldVersionForm, StatusForm};
use crate::view::text::{Colour, Paint, ago, count, line, put, shown};

/// Writes a plan, its counting line last.
pub fn plan(plan: &Plan, colour: bool) -> String {
    let paint = Paint::new(colour);
    let Plan {
        revision,
        environment,
        mode,
        steps: _,
        held: _,
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
    let mut out = String::new();
    put(&mut out, format_args!("Revision     {}", line(&revision.to_string())));
    standing::lines(&mut out, revision);
    put(&mut out, format_args!("Environment  {environment}"));
    match mode {
        Mode::Enforce => {}
        Mode::Observe => put(&mut out, format_args!("Mode         observe: nothing is written")),
    }
    out.push('\n');

    steps::of_plan(&mut out, plan, paint);
    if !plan.is_empty() {
        out.push('\n');
    }

    notes::of_plan(&mut out, plan, paint);
    put(&mut out, format_args!("{}", paint.strong(&last_line(plan))));
    out
}

/// What the whole plan comes to.
pub(in crate::view) fn last_line(plan: &Plan) -> String {
    if plan.is_empty() {
        let sure = plan.unverifiable.is_empty() && plan.sync.values().all(|sync| *sync != Sync::Unknown);
        let limit = if sure { "" } else { ", as far as can be told" };
        return format!("No changes. The cluster matches the repository{limit}.");
    }
    let SummaryForm { create, configure, state, restart, delete, held, in_sync: _ } = SummaryForm::new(plan);
    let mut parts = vec![
        format!("{create} to create"),
        format!("{} to change", configure + state),
        format!("{delete} to delete"),
    ];
    if restart > 0 {
        parts.push(format!("{restart} to restart"));
    }
    if held > 0 {
        parts.push(format!("{held} held"));
    }
    format!("Plan: {}.", parts.join(", "))
}

/// Writes findings as compilers do, each `path:line:column: severity[rule]: message`, and counts
/// them; nothing where there are none.
pub fn findings(findings: &Findings, colour: bool) -> String {
    let paint = Paint::new(colour);
    let mut out = String::new();
    for finding in findings.iter() {
        self::finding(&mut out, finding, paint);
    }
    if findings.is_empty() {
        return out;
    }
    put(&mut out, format_args!("{}.", counts(findings)));
    out
}

/// How many findings there are of each severity, in words.
pub(in crate::view) fn counts(findings: &Findings) -> String {
    let counts: Vec<String> = Severity::ALL
        .iter()
        .map(|severity| (findings.count(*severity), severity))
        .filter(|(found, _)| *found > 0)
        .map(|(found, severity)| match severity {
            Severity::Error => count(found, "error", "errors"),
            Severity::Warning => count(found, "warning", "warnings"),
            Severity::Info => count(found, "note", "notes"),
        })
        .collect();
    counts.join(", ")
}

/// How many steps are held, of which connectors, and by which brakes; none where none is.
pub fn held_in_words(plan: &Plan) -> Option<String> {
    let named: BTreeSet<_> = plan
        .held
        .iter()
        .map(|held| format!("{} ({})", line(held.action.connector.as_str()), held.hold.name()))
        .collect();
    let named: Vec<_> = named.into_iter().collect();
    (!named.is_empty()).then(|| format!("{} held: {}", plan.held.len(), some_of(&named, MOST_NAMED)))
}

fn finding(out: &mut String, finding: &Finding, paint: Paint) {
    let Finding { place, severity, rule, message, hint, connector: _, environment } = finding;
    let colour = match severity {
        Severity::Error => Colour::Red,
        Severity::Warning => Colour::Yellow,
        Severity::Info => Colour::Blue,
    };
    let weight = paint.mark(colour, &format!("{}[{}]", severity.name(), rule.name()));
    let only = environment.as_ref().map(|name| format!(" (in {name})")).unwrap_or_default();
    let (place, message) = (line(&place.to_string()), line(message));
    put(out, format_args!("{place}: {weight}: {message}{only}"));
    for hint in hint.iter().flat_map(|hint| hint.lines()) {
        put(out, format_args!("  hint: {}", line(hint)));
    }
}

/// Writes what became of each step, and counts the outcomes; nothing where there were no steps.
pub fn results(results: &[StepResult], colour: bool) -> String {
    let paint = Paint::new(colour);
    let mut out = String::new();
    let width = results.iter().map(|result| result.connector.to_string().chars().count()).max();
    for result in results {
        let StepResult { connector, step, outcome, class, took } = result;
        let (glyph, hue) = match outcome {
            Outcome::Converged => ("✓", Colour::Green),
            Outcome::Failed => ("✗", Colour::Red),
            Outcome::Waiting | Outcome::Pending => ("…", Colour::Yellow),
            Outcome::NotTaken => ("·", Colour::Blue),
        };
        let (mark, verb, name) = (paint.mark(hue, glyph), step.name(), connector.to_string());
        let width = width.unwrap_or_default();
        let class = class.filter(|class| class.name() != outcome.name());
        let class = class.map(|class| format!(" ({class})")).unwrap_or_default();
        let took = seconds(*took);
        put(&mut out, format_args!("{mark} {verb:<9}  {name:<width$}  {outcome}{class}, {took}"));
    }
    if results.is_empty() {
        return out;
    }
    let counts: Vec<String> = Outcome::ALL
        .iter()
        .map(|outcome| (results.iter().filter(|result| result.outcome == *outcome).count(), outcome))
        .filter(|(found, _)| *found > 0)
        .map(|(found, outcome)| format!("{found} {outcome}"))
        .collect();
    put(&mut out, format_args!("{}", paint.strong(&format!("Steps: {}.", counts.join(", ")))));
    out
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// Writes every connector of an environment with its config, secrets hidden.
pub fn render(desired: &Desired, colour: bool) -> String {
    rendered(desired, Paint::new(colour), false)
}

/// Writes every connector of an environment with each key and the layers that set it; the last one
/// is in force.
pub fn explain(desired: &Desired, colour: bool) -> String {
    rendered(desired, Paint::new(colour), true)
}

fn rendered(desired: &Desired, paint: Paint, explain: bool) -> String {
    let Desired {
        revision,
        environment,
        connectors,
        suspend: _,
        unresolved: _,
        forgotten: _,
        left_out: _,
        incomplete: _,
    } = desired;
    let mut out = String::new();
    for (name, connector) in connectors {
        let DesiredConnector {
            config,
            state,
            keep: _,
            acknowledged: _,
            template,
            form: _,
            place,
            origins,
            suspend: _,
            lost: _,
        } = connector;
        let template = template.as_ref().map(|name| format!(", template {}", line(name)));
        let head = paint.strong(&name.to_string());
        let place = line(&place.to_string());
        let (state, template) = (state.name(), template.unwrap_or_default());
        put(&mut out, format_args!("{head}  {state}{template}  {place}"));
        let width = config.keys().map(|key| line(key).chars().count()).max().unwrap_or_default();
        for (key, value) in config.iter() {
            let (shown_key, text) = (line(key), shown(&value.shown()));
            put(&mut out, format_args!("  {shown_key:<width$}  {text}"));
            if explain {
                layers(&mut out, origins.get(key).map(Vec::as_slice).unwrap_or_default());
            }
        }
        if explain {
            for (key, origins) in origins.iter().filter(|(key, _)| config.get(key).is_none()) {
                put(&mut out, format_args!("  {}  (removed)", line(key)));
                layers(&mut out, origins);
            }
        }
        out.push('\n');
    }
    let found = count(connectors.len(), "connector", "connectors");
    let revision = standing::phrase(revision);
    // No full stop: somebody may want to take the revision with them.
    put(&mut out, format_args!("{}", paint.strong(&format!("{found} of {environment}, {revision}"))));
    out
}

fn layers(out: &mut String, origins: &[Origin]) {
    for Origin { layer, place, value } in origins {
        let value = value.as_ref().map_or_else(|| "(removed)".to_owned(), shown);
        let (layer, place) = (line(layer), line(&place.to_string()));
        put(out, format_args!("      {layer}, {place}: {value}"));
    }
}

/// Writes what a running agent told of itself, as it reads at a moment.
pub fn status(status: &StatusForm, now: Timestamp, colour: bool) -> String {
    let paint = Paint::new(colour);
    let mut out = String::new();
    agent(&mut out, status, now);
    if let Some(version) = &status.connect.version {
        put(&mut out, format_args!("Connect      {}", line(version)));
    }
    for told in status.plan.iter().flat_map(|plan| &plan.warnings) {
        notes::warning(&mut out, told, paint);
    }
    repositories(&mut out, status, paint);
    for told in status.findings.iter().filter(|told| told.severity != "info") {
        told_finding(&mut out, told, paint);
    }
    // What was to be deleted, and is, needs no word.
    let connectors: Vec<_> = status.connectors.iter().filter(|one| !is_gone(one)).collect();
    let width = connectors.iter().map(|one| line(&one.name).chars().count()).max();
    for connector in &connectors {
        standing(&mut out, connector, width.unwrap_or_default(), now, paint);
    }
    for told in status.holds() {
        held(&mut out, &told, paint);
    }
    let errors = status.findings.iter().filter(|finding| finding.severity == "error").count();
    if status.leader == Some(false) {
        let last = "The agent beside the leading worker tells of the connectors.";
        put(&mut out, format_args!("{}", paint.strong(last)));
        return out;
    }
    if let Some(names) = status.unmanaged() {
        put(&mut out, format_args!("Unmanaged (never touched): {names}"));
    }
    let known = status.unseen().unwrap_or_else(|| {
        let apart = connectors.iter().filter(|connector| connector.sync != "synced").count();
        let held = status.plan.as_ref().map_or(0, |plan| plan.held.len());
        let held = if held > 0 { format!(", {held} held") } else { String::new() };
        format!("{}, {apart} not in sync{held}", count(connectors.len(), "connector", "connectors"))
    });
    let last = format!("{known}, {}.", count(errors, "error finding", "error findings"));
    put(&mut out, format_args!("{}", paint.strong(&last)));
    out
}

/// Writes what is wrong with repositories and with Connect, and what is in force meanwhile.
fn repositories(out: &mut String, status: &StatusForm, paint: Paint) {
    let failures = status
        .repositories
        .iter()
        .filter_map(|repository| Some((repository.repository.as_str(), repository.failure.as_ref()?)))
        .chain(status.connect.failure.as_ref().map(|failure| ("connect", failure)));
    for (of, FailureForm { class, text, hint }) in failures {
        let mark = paint.mark(Colour::Red, "✗");
        put(out, format_args!("{mark} {}: {}: {}", line(of), line(class), line(text)));
        if let Some(hint) = hint {
            put(out, format_args!("  hint: {}", line(hint)));
        }
    }
    let lower = status.repositories.iter().filter_map(|one| Some((&one.repository, one.held.as_ref()?)));
    for (of, HeldVersionForm { hold, detail, release }) in lower {
        let (mark, of) = (paint.mark(Colour::Yellow, "!"), line(of));
        put(out, format_args!("{mark} held ({}): {of}: {}", line(hold), line(detail)));
        put(out, format_args!("  to let it pass, {}", line(release)));
    }
    let invalid = status.repositories.iter().filter(|one| one.state == "invalid" && one.failure.is_none());
    for repository in invalid {
        let mark = paint.mark(Colour::Red, "✗");
        let what = match status.clocks.validated {
            Some(_) => "what it points at is not valid; the last good revision stays in force",
            None => "what it points at is not valid; none is in force",
        };
        put(out, format_args!("{mark} {}: invalid: {what}", line(&repository.repository)));
    }
    // Where there is a failure, that says why.
    let stale = status.repositories.iter().filter(|one| one.state == "stale" && one.failure.is_none());
    for repository in stale {
        let mark = paint.mark(Colour::Yellow, "!");
        let what = if repository.repository.starts_with("extra:") {
            "it holds nothing; what it declared last stays in force"
        } else {
            "it has not answered yet; what was accepted last is in force"
        };
        put(out, format_args!("{mark} {}: stale: {what}", line(&repository.repository)));
    }
}

/// Writes what is held, why, and what to add so that it is not.
fn held(out: &mut String, told: &HeldTogether<'_>, paint: Paint) {
    let HeldTogether { hold, detail, release, .. } = told;
    let mark = paint.mark(Colour::Yellow, "!");
    put(out, format_args!("{mark} held ({}): {}", line(hold), told.who()));
    for text in detail.lines() {
        put(out, format_args!("  {}", line(text)));
    }
    if let Some(release) = release {
        put(out, format_args!("  to release it, add:"));
        for text in release.lines() {
            put(out, format_args!("    {}", line(text)));
        }
    }
}

fn is_gone(connector: &ConnectorForm) -> bool {
    connector.sync == "synced" && connector.state.as_deref() == Some("absent")
}

/// Writes for what an agent works, whether it leads, and which revision is where.
fn agent(out: &mut String, status: &StatusForm, now: Timestamp) {
    let leader = match status.leader {
        Some(true) => ", leads",
        Some(false) => ", follows",
        None => "",
    };
    let (environment, mode) = (line(&status.environment), line(&status.mode));
    put(out, format_args!("Environment  {environment} ({mode}{leader})"));
    for by in &status.suspended {
        put(out, format_args!("Suspended    by {}", line(by)));
    }
    for rollout in &status.rollouts {
        put(out, format_args!("Rollout      of {}", rollout.in_words(now)));
    }
    let ClocksForm { points_at, validated, applied } = &status.clocks;
    // An agent that follows does not look at the cluster, so it knows nothing of what is applied.
    let applied = (status.leader != Some(false)).then_some(("Applied", applied));
    for (what, clock) in [("Points at", points_at), ("Validated", validated)].into_iter().chain(applied) {
        let told = clock.as_ref().map_or_else(
            || "none yet".to_owned(),
            |clock| format!("{}, {}", line(&clock.revision_in_words()), ago(clock.at, now)),
        );
        put(out, format_args!("{what:<11}  {told}"));
    }
}

/// Writes a finding as an agent told it, in the form that `validate` gives it.
fn told_finding(out: &mut String, told: &FindingForm, paint: Paint) {
    let FindingForm { path, line: row, column, rule, severity, message, hint, connector: _, environment: _ } =
        told;
    let colour = if severity == "error" { Colour::Red } else { Colour::Yellow };
    let weight = paint.mark(colour, &format!("{}[{}]", line(severity), line(rule)));
    // What stands in no file has no line.
    let place = if *row == 0 { line(path) } else { format!("{}:{row}:{column}", line(path)) };
    put(out, format_args!("{place}: {weight}: {}", line(message)));
    for hint in hint.iter().flat_map(|hint| hint.lines()) {
        put(out, format_args!("  hint: {}", line(hint)));
    }
}

fn standing(out: &mut String, connector: &ConnectorForm, width: usize, now: Timestamp, paint: Paint) {
    #[rustfmt::skip]
    let ConnectorForm {
        name, sync, drift_since, state, tasks, waiting, waiting_since: _, failed, stalled, stalled_since, offsets: _, held,
    } = connector;
    let well = sync == "synced" && state.as_deref() != Some("failed") && failed.is_none() && !stalled;
    let mark = if well { paint.mark(Colour::Green, "✓") } else { paint.mark(Colour::Yellow, "~") };
    let mut notes = vec![line(sync)];
    notes.extend(drift_since.map(|at| format!("drifted {}", ago(at, now))));
    notes.push(line(state.as_deref().unwrap_or("state unknown")));
    notes.push(count(tasks.len(), "task", "tasks"));
    notes.extend(waiting.as_ref().map(|class| format!("waiting: {}", line(class))));
    notes.extend(failed.as_ref().map(|class| format!("last step failed: {}", line(class))));
    let since = stalled_since.map(|since| format!(", offsets as they were {}", ago(since, now)));
    notes.extend(stalled.then(|| format!("stalled{}", since.unwrap_or_default())));
    let holds: BTreeSet<_> = held.iter().map(|HoldForm { hold, .. }| line(hold)).collect();
    notes.extend(holds.iter().map(|hold| format!("held: {hold}")));
    let name = line(name);
    put(out, format_args!("{mark} {name:<width$}  {}", notes.join(", ")));
}
