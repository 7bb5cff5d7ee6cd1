//! Findings as the workflow commands that GitHub shows at their lines in a pull request.
//!
//! Takes findings and where their files lie in the checkout, gives one line each. Text of the
//! repository cannot begin a command of its own: it is escaped, and always stands behind one of ours.

use std::fmt::Write as _;

use crate::model::finding::{Finding, Findings, Place};
use crate::model::rule::Severity;
use crate::view::human;
use crate::view::text::line;

/// How many of a kind GitHub shows for one step of a workflow.
const SHOWN: usize = 10;

/// Writes an annotation for each finding, the heaviest first, and their count. `locate` tells a file's
/// path from the root of the checkout; none where it does not lie there.
pub fn annotations(findings: &Findings, locate: impl Fn(&Place) -> Option<String>) -> String {
    let mut out = String::new();
    for severity in Severity::ALL {
        for finding in findings.iter().filter(|finding| finding.severity == severity) {
            annotation(&mut out, finding, locate(&finding.place));
        }
    }
    if findings.is_empty() {
        return out;
    }
    out.push_str(&human::counts(findings));
    out.push_str(".\n");
    if Severity::ALL.iter().any(|severity| findings.count(*severity) > SHOWN) {
        writeln!(
            out,
            "GitHub shows the first {SHOWN} of a kind at their lines; all of them are in this log."
        )
        .expect("a text can be written to");
    }
    out
}

fn annotation(out: &mut String, finding: &Finding, path: Option<String>) {
    let Finding { place, severity, rule, message, hint, connector: _, environment } = finding;
    let command = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let title = format!("title={}", property(rule.name()));
    let (properties, before) = match path {
        Some(path) => {
            let Place { path: _, line, column } = place;
            let file = property(&path);
            (format!("file={file},line={line},col={column},{title}"), String::new())
        }
        None => (title, format!("{}: ", line(&place.to_string()))),
    };
    let mut text = format!("{before}{}", line(message));
    if let Some(environment) = environment {
        text.push_str(&format!(" (in {environment})"));
    }
    for hint in hint.iter().flat_map(|hint| hint.lines()) {
        text.push_str(&format!("\nhint: {}", line(hint)));
    }
    writeln!(out, "::{command} {properties}::{}", data(&text)).expect("a text can be written to");
}

/// A text behind the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text that is the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::rule::Rule;
    use crate::view::example;

    /// A command, its properties, its text.
    type Command = (String, Vec<(String, String)>, String);

    /// What GitHub's runner makes of a line.
    fn runner(line: &str) -> Option<Command> {
        let (head, text) = line.trim_start().strip_prefix("::")?.split_once("::")?;
        let (command, properties) = head.split_once(' ').unwrap_or((head, ""));
        let back = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
        let pairs = properties
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), back(&value.replace("%3A", ":").replace("%2C", ","))));
        Some((command.to_owned(), pairs.collect(), back(text)))
    }

    fn one(path: &str, message: &str, hint: &str) -> Findings {
        let place = Place { path: path.into(), line: 3, column: 7 };
        let mut findings = Findings::default();
        findings.push(Finding::new(Rule::UnknownKey, place, message).hint(hint));
        findings
    }

    #[test]
    fn findings_are_annotations_the_heaviest_first() {
        let locate = |place: &Place| Some(format!("definitions/{}", place.path));
        insta::assert_snapshot!(annotations(&example::findings(), locate));
    }

    #[test]
    fn a_file_that_is_not_in_the_checkout_is_named_in_the_text() {
        let said = annotations(&one("a.yaml", "m", "h"), |_| None);
        assert_eq!(said, "::error title=unknown-key::a.yaml:3:7: m%0Ahint: h\n1 error.\n");
    }

    #[test]
    fn more_than_github_shows_are_said_to_be_in_the_log() {
        let many = |count: u32| {
            let mut findings = Findings::default();
            for line in 1..=count {
                let place = Place { path: "a.yaml".into(), line, column: 1 };
                findings.push(Finding::new(Rule::UnknownKey, place, "m"));
            }
            annotations(&findings, |place| Some(place.path.to_string()))
        };
        assert!(many(11).ends_with("all of them are in this log.\n"), "{}", many(11));
        assert!(many(10).ends_with("10 errors.\n"), "{}", many(10));
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        assert_eq!(annotations(&Findings::default(), |_| None), "");
    }

    #[test]
    fn a_text_of_the_repository_gives_no_command_of_its_own() {
        let evil = "x\n::set-env name=PATH::/tmp\r\n##[error]";
        for (path, message, hint) in [(evil, "m", "h"), ("p", evil, "h"), ("p", "m", evil)] {
            for located in [true, false] {
                let said =
                    annotations(&one(path, message, hint), |place| located.then(|| place.path.to_string()));
                let commands: Vec<_> = said.split(['\r', '\n']).filter_map(runner).collect();
                assert_eq!(commands.len(), 1, "{said}");
                assert_eq!(commands[0].0, "error", "{said}");
            }
        }
    }

    proptest! {
        /// Whatever a path and a message are, the runner sees one command, with that path, at that line.
        #[test]
        fn what_is_written_is_what_the_runner_reads(path in any::<String>(), message in any::<String>()) {
            let said = annotations(&one(&path, &message, "h"), |place| Some(place.path.to_string()));
            let commands: Vec<_> = said.split(['\r', '\n']).filter_map(runner).collect();
            prop_assert_eq!(commands.len(), 1);
            let (command, properties, text) = &commands[0];
            prop_assert_eq!(command, "error");
            let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
            let expected =
                [pair("file", &path), pair("line", "3"), pair("col", "7"), pair("title", "unknown-key")];
            prop_assert_eq!(properties.as_slice(), expected.as_slice());
            prop_assert_eq!(text, &format!("{}\nhint: h", line(&message)));
        }
    }
}
