//! Findings as the code quality report that GitLab shows in a merge request.
//!
//! Takes findings and where their files lie in the checkout, gives a JSON array.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use crate::model::finding::{Finding, Findings, Place};
use crate::model::rule::{Rule, Severity};
use crate::view::form;
use crate::view::text::line;

#[derive(Serialize)]
struct Violation {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// Writes the report. `locate` tells a file's path from the root of the checkout; what does not lie
/// there keeps its own name.
pub fn report(findings: &Findings, locate: impl Fn(&Place) -> Option<String>) -> String {
    let mut seen: HashMap<u64, usize> = HashMap::new();
    let violations: Vec<_> = findings
        .iter()
        .map(|finding| {
            let path = locate(&finding.place).unwrap_or_else(|| finding.place.path.to_string());
            let same = fingerprint(&path, finding.rule, &finding.message);
            let before = seen.entry(same).or_default();
            *before += 1;
            violation(finding, path, format!("{same:016x}-{before}"))
        })
        .collect();
    form::text(&violations)
}

fn violation(finding: &Finding, path: String, fingerprint: String) -> Violation {
    let Finding { place, severity, rule, message, hint, connector: _, environment } = finding;
    let mut description = line(message);
    if let Some(environment) = environment {
        description.push_str(&format!(" (in {environment})"));
    }
    if let Some(hint) = hint {
        description.push_str(&format!("; hint: {}", line(hint)));
    }
    Violation {
        description,
        check_name: rule.name(),
        fingerprint,
        severity: match severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
            Severity::Info => "info",
        },
        location: Location { path, lines: Lines { begin: place.line.max(1) } },
    }
}

/// What tells a finding from others, wherever its line moves to. It only has to be the same for the two
/// branches of one merge request.
fn fingerprint(path: &str, rule: Rule, message: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (path, rule.name(), message).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::example;

    fn json(text: &str) -> serde_json::Value {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn a_report_has_the_shape_that_gitlab_asks_for() {
        let said = report(&example::findings(), |place| Some(format!("definitions/{}", place.path)));
        assert_eq!(said.matches("\"fingerprint\": ").count(), 2);
        let steady: Vec<_> = said.lines().filter(|line| !line.contains("\"fingerprint\"")).collect();
        insta::assert_snapshot!(steady.join("\n"));
    }

    #[test]
    fn a_finding_that_moves_is_the_same_and_each_has_its_own_mark() {
        let finding =
            |line| Finding::new(Rule::UnknownKey, Place { path: "a.yaml".into(), line, column: 1 }, "m");
        let marks = |lines: &[u32]| {
            let mut findings = Findings::default();
            findings.extend(lines.iter().map(|line| finding(*line)));
            let said = json(&report(&findings, |_| None));
            let all: Vec<_> =
                said.as_array().expect("an array").iter().map(|v| v["fingerprint"].clone()).collect();
            all
        };
        assert_eq!(marks(&[3]), marks(&[8]));
        let two = marks(&[3, 8]);
        assert_eq!(two[0], marks(&[3])[0]);
        assert_ne!(two[0], two[1]);
    }

    #[test]
    fn nothing_wrong_is_an_empty_report() {
        assert_eq!(report(&Findings::default(), |_| None), "[]\n");
    }
}
