//! The status page for people: plain HTML without scripts.
//!
//! Takes the status form, gives a whole page. Every text that comes from a repository or a cluster
//! is escaped.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::view::form::{RevisionForm, WarningForm};
use crate::view::risks::RiskForm;
use crate::view::status::{
    ClockForm, ConnectorForm, FailureForm, HeldVersionForm, MoveForm, MovedVersionForm, RepositoryForm,
    StatusForm,
};
use crate::view::text::{ago, count, line};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;\
color:#1b1f24;background:#fff}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}\
th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #d8dee4;vertical-align:top}\
.bad{color:#b42318;font-weight:600}code{font-family:ui-monospace,monospace}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#30363d}\
.bad{color:#ff7b72}a{color:#58a6ff}}";

/// Writes the page as it is at a moment.
pub fn page(status: &StatusForm, now: Timestamp) -> String {
    let mut body = String::new();
    head(&mut body, status, now);
    clocks(&mut body, status, now);
    repositories(&mut body, &status.repositories, now);
    connectors(&mut body, status, now);
    held(&mut body, status);
    risks(&mut body, status);
    warnings(&mut body, status);
    findings(&mut body, status);
    let title = escape(&format!("tagalong: {}", status.environment));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )
}

fn head(out: &mut String, status: &StatusForm, now: Timestamp) {
    let leader = match status.leader {
        Some(true) => "leads",
        Some(false) => "follows: another agent leads",
        None => "nobody asked who leads",
    };
    let connect = match status.connect.reachable {
        Some(true) => match &status.connect.version {
            Some(version) => format!("{} reachable", escape(version)),
            None => "reachable".to_owned(),
        },
        Some(false) => bad("not reachable"),
        None => "not asked yet".to_owned(),
    };
    let environment = escape(&status.environment);
    let (mode, version) = (escape(&status.mode), escape(&status.version));
    let heartbeat = ago(status.heartbeat, now);
    push(out, format_args!("<h1>{environment}</h1>"));
    push(
        out,
        format_args!(
            "<p>Mode {mode} · {leader} · Connect {connect} · last apply {} · heartbeat {heartbeat} · \
             tagalong {version} · <a href=\"status\">status</a> · <a href=\"metrics\">metrics</a></p>",
            escape(&status.connect.last_apply)
        ),
    );
    if let Some(failure) = &status.connect.failure {
        push(
            out,
            format_args!("<p>{}{}</p>", bad(&format!("{}: {}", failure.class, failure.text)), hint(failure)),
        );
    }
    if !status.suspended.is_empty() {
        push(out, format_args!("<p>{}</p>", bad(&format!("Suspended by {}", status.suspended.join(", ")))));
    }
    for rollout in &status.rollouts {
        push(out, format_args!("<p>{}</p>", bad(&format!("Rollout of {}", rollout.in_words(now)))));
    }
}

/// What can be done about a failure.
fn hint(failure: &FailureForm) -> String {
    failure.hint.as_ref().map(|hint| format!("<br>hint: {}", escape(hint))).unwrap_or_default()
}

fn clocks(out: &mut String, status: &StatusForm, now: Timestamp) {
    let clocks = &status.clocks;
    table(
        out,
        "Revisions",
        &["", "revision", "since"],
        [
            ("the ref points at", &clocks.points_at),
            ("validated", &clocks.validated),
            ("applied", &clocks.applied),
        ]
        .map(|(what, clock)| {
            let (revision, since) = match clock {
                Some(ClockForm { revision, at }) => (self::revision(revision), ago(*at, now)),
                None => ("none yet".to_owned(), String::new()),
            };
            vec![what.to_owned(), revision, since]
        }),
    );
}

fn repositories(out: &mut String, repositories: &[RepositoryForm], now: Timestamp) {
    let rows = repositories.iter().map(|repository| {
        let state = if repository.state == "ok" { "ok".to_owned() } else { bad(&repository.state) };
        let failure = repository
            .failure
            .as_ref()
            .map(|failure| {
                format!("{}{}", escape(&format!("{}: {}", failure.class, failure.text)), hint(failure))
            })
            .unwrap_or_default();
        let polled = repository.last_success.map(|at| ago(at, now)).unwrap_or_default();
        let version = repository.version_tag.as_deref().map(escape).unwrap_or_default();
        let notes = [vec![failure], course(repository, now)].concat();
        let notes: Vec<_> = notes.into_iter().filter(|note| !note.is_empty()).collect();
        vec![escape(&repository.repository), state, version, polled, notes.join("<br>")]
    });
    table(out, "Repositories", &["repository", "state", "version", "last read", "notes"], rows);
}

/// How it moved, and what of it is not taken.
fn course(repository: &RepositoryForm, now: Timestamp) -> Vec<String> {
    let held = repository.held.iter().map(|HeldVersionForm { hold, detail, release }| {
        bad(&format!("held: {hold}: {detail}; to let it pass, {release}"))
    });
    let last = repository.last_move.iter().map(|MoveForm { kind, from, to, at }| {
        let what = if kind == "backward" { "rolled back" } else { kind };
        let way = match from {
            // A folder stays where it is, and so does what comes back or is tagged anew.
            Some(from) if from == to => String::new(),
            Some(from) => format!(" from {from} to {to}"),
            None => format!(" to {to}"),
        };
        escape(&format!("{what}{way}, {}", ago(*at, now)))
    });
    let moved = repository.moved_versions.iter().map(|MovedVersionForm { tag, from, to, at }| {
        let short = |id: &str| id.get(..7).unwrap_or(id).to_owned();
        bad(&format!(
            "the tag {tag} says a version and was moved from {} to {}, {}",
            short(from),
            short(to),
            ago(*at, now)
        ))
    });
    held.chain(last).chain(moved).collect()
}

fn connectors(out: &mut String, status: &StatusForm, now: Timestamp) {
    let connectors: &[ConnectorForm] = &status.connectors;
    let rows = connectors.iter().map(|connector| {
        let sync = if connector.sync == "synced" { "synced".to_owned() } else { bad(&connector.sync) };
        let since = connector.drift_since.map(|at| ago(at, now)).unwrap_or_default();
        let state = match connector.state.as_deref() {
            Some("failed") => bad("failed"),
            Some(state) => escape(state),
            None => "unknown".to_owned(),
        };
        let mut notes: Vec<String> = Vec::new();
        notes.extend(connector.waiting.as_ref().map(|class| format!("waiting: {class}")));
        notes.extend(connector.failed.as_ref().map(|class| format!("last step failed: {class}")));
        let holds: BTreeSet<_> = connector.held.iter().map(|one| one.hold.as_str()).collect();
        notes.extend(holds.iter().map(|hold| format!("held: {hold}")));
        let stalled = connector.stalled_since.filter(|_| connector.stalled);
        let stalled = stalled.map(|since| bad(&format!("stalled: offsets as they were {}", ago(since, now))));
        let notes = [vec![escape(&notes.join(", "))], stalled.into_iter().collect()].concat();
        let notes: Vec<_> = notes.into_iter().filter(|note| !note.is_empty()).collect();
        vec![
            escape(&connector.name),
            sync,
            since,
            state,
            connector.tasks.len().to_string(),
            notes.join("<br>"),
        ]
    });
    let unseen = status.unseen().filter(|_| status.leader != Some(false));
    let title = unseen.unwrap_or_else(|| count(connectors.len(), "connector", "connectors"));
    table(out, &title, &["name", "sync", "since", "state", "tasks", "notes"], rows);
    if let Some(names) = status.unmanaged() {
        push(out, format_args!("<p>Unmanaged (never touched): {}</p>", escape(&names)));
    }
}

/// What is held, why, and what to add so that it is not.
fn held(out: &mut String, status: &StatusForm) {
    let holds = status.holds();
    if holds.is_empty() {
        return;
    }
    let rows = holds.iter().map(|told| {
        let release = told.release.map(|release| format!("<pre>{}</pre>", lines(release, "\n")));
        vec![bad(told.hold), escape(&told.who()), lines(told.detail, "<br>"), release.unwrap_or_default()]
    });
    table(out, "Held", &["hold", "connector and step", "what it means", "to release it, add"], rows);
}

/// What may happen to data and is not held.
fn risks(out: &mut String, status: &StatusForm) {
    let passed = status.plan.iter().flat_map(|plan| &plan.risks).filter(|risk| risk.standing != "held");
    let rows: Vec<_> = passed
        .map(|RiskForm { connector, key, risk: _, harm, standing, reason, consequence, remedy: _ }| {
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let what = escape(&format!("{key}: {harm}"));
            let standing = escape(&format!("{standing}{reason}"));
            vec![escape(connector), what, standing, lines(consequence, "<br>")]
        })
        .collect();
    if !rows.is_empty() {
        table(out, "Risks that pass", &["connector", "change", "why it passes", "what happens"], rows);
    }
}

/// Lines of a text, as HTML.
fn lines(text: &str, between: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join(between)
}

fn warnings(out: &mut String, status: &StatusForm) {
    let warnings = status.plan.iter().flat_map(|plan| &plan.warnings);
    let rows: Vec<_> = warnings
        .map(|WarningForm { connector, warning: _, message }| {
            vec![connector.as_deref().map(escape).unwrap_or_default(), escape(message)]
        })
        .collect();
    if !rows.is_empty() {
        table(out, "Warnings", &["connector", "what is not as it is said"], rows);
    }
}

fn findings(out: &mut String, status: &StatusForm) {
    if status.findings.is_empty() {
        return;
    }
    let rows = status.findings.iter().map(|finding| {
        let place = format!("{}:{}:{}", finding.path, finding.line, finding.column);
        let weight = format!("{}[{}]", finding.severity, finding.rule);
        let weight = if finding.severity == "error" { bad(&weight) } else { escape(&weight) };
        let hint = finding.hint.as_deref().map(escape).unwrap_or_default();
        vec![format!("<code>{}</code>", escape(&place)), weight, escape(&finding.message), hint]
    });
    table(out, "Findings", &["place", "rule", "message", "hint"], rows);
}

/// Writes a table of cells that are HTML already.
fn table(out: &mut String, title: &str, columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    push(out, format_args!("<h2>{}</h2>", escape(title)));
    push(out, format_args!("<table><tr>"));
    for column in columns {
        push(out, format_args!("<th>{}</th>", escape(column)));
    }
    push(out, format_args!("</tr>"));
    for row in rows {
        push(out, format_args!("<tr>"));
        for cell in row {
            push(out, format_args!("<td>{cell}</td>"));
        }
        push(out, format_args!("</tr>"));
    }
    push(out, format_args!("</table>"));
}

fn revision(revision: &[RevisionForm]) -> String {
    let places: Vec<String> = revision
        .iter()
        .map(|form| {
            let RevisionForm {
                repository,
                reference,
                commit,
                directory,
                version_tag: _,
                verified_by,
                signing_keys: _,
            } = form;
            let at = match (reference, commit, directory) {
                (Some(reference), Some(commit), _) => format!("{reference} at {commit}"),
                (_, _, Some(directory)) => directory.clone(),
                (_, _, None) => String::new(),
            };
            let by = verified_by.as_ref().map(|by| format!(", signed by {}", escape(by))).unwrap_or_default();
            format!("{}: <code>{}</code>{by}", escape(repository), escape(&at))
        })
        .collect();
    places.join("<br>")
}

fn bad(text: &str) -> String {
    format!("<span class=\"bad\">{}</span>", escape(text))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in line(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a String takes every write");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::example;
    use crate::view::status::StatusForm;

    #[test]
    fn the_page_escapes_what_comes_from_outside() {
        let mut report = example::report();
        report.repositories[0].failure = Some(example::failure("<script>alert(1)</script> & \"more\""));
        let page = page(&StatusForm::new(&report, "0.1.0"), example::NOW);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;"), "{page}");
    }

    #[test]
    fn the_page_shows_each_connector_and_the_three_clocks() {
        let page = page(&StatusForm::new(&example::report(), "0.1.0"), example::NOW);
        for part in [
            "users-source",
            "config_drift",
            "15 min ago",
            "stalled: offsets as they were 12 min ago",
            "the ref points at",
            "refs/tags/v1 at 4f1c9e2",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }

    #[test]
    fn the_page_says_what_is_held_and_how_to_release_it() {
        let mut report = example::report();
        let mut plan = example::plan();
        plan.held[2].release = Some("acknowledge:\n  - {key: <b>}".to_owned());
        report.cluster.plan = Some(plan.into());
        let page = page(&StatusForm::new(&report, "0.1.0"), example::NOW);
        for part in [
            "<td>scratch (delete)</td>",
            "publication.name (outage): nothing is published<br>slot.name (data-gap): ",
            "<pre>acknowledge:\n  - {key: &lt;b&gt;}</pre>",
            "<td>acknowledged: OPS-1234: that table is gone</td>",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}
