//! Laws of the lints: what is told depends on what is written, and on nothing else.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::model::finding::Finding;
use crate::model::revision::Revision;
use crate::model::rule::Rule;
use crate::model::select::Select;
use crate::model::values::Values;
use crate::pipeline::everywhere;
use crate::pipeline::laws::{read, revision, told};
use crate::pipeline::supply::Supply;

const PRODUCTION: &str = "environment: production\n";

fn findings(files: &[(&str, String)]) -> Vec<Finding> {
    let definitions = read(files.iter().map(|(path, text)| (*path, text)));
    let revision = Revision::of(vec![revision()]);
    let supply = Supply { values: &Values::default(), examples: true, secrets: None };
    everywhere(&definitions, &revision, &supply, &Select::default())
        .into_values()
        .flat_map(|(_, found)| found)
        .collect()
}

/// A connector whose keys have one of a few values each, so that some are shared.
fn connector(number: usize, choices: [u8; 4]) -> String {
    let [prefix, slot, host, publication] = choices;
    let mut text = format!(
        "connector: c{number}\nconfig:\n  connector.class: io.debezium.connector.postgresql.PostgresConnector\n  \
         topic.prefix: p{prefix}\n  database.hostname: h{host}\n  publication.name: b{publication}\n  \
         publication.autocreate.mode: filtered\n  table.include.list: public.t{prefix}\n"
    );
    if slot > 0 {
        writeln!(text, "  slot.name: s{slot}").expect("a string takes all");
    }
    text
}

/// What is said, of whom, without the places.
fn essence(findings: &[Finding]) -> Vec<(Rule, String, Option<String>)> {
    let name = |finding: &Finding| finding.connector.as_ref().map(ToString::to_string);
    let mut all: Vec<_> = findings.iter().map(|f| (f.rule, f.message.clone(), name(f))).collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In whatever order the connectors are written, the same is told of the same ones.
    #[test]
    fn the_order_of_the_connectors_does_not_matter(
        choices in prop::collection::vec(prop::array::uniform4(0..3_u8), 2..8),
        turn in 1..7_usize,
    ) {
        let mut documents: Vec<_> = choices.iter().enumerate().map(|(number, c)| connector(number, *c)).collect();
        let one = findings(&[("connectors/all.yaml", documents.join("---\n")), ("environments/e.yaml", PRODUCTION.into())]);
        documents.rotate_left(turn % choices.len());
        let other = findings(&[("connectors/all.yaml", documents.join("---\n")), ("environments/e.yaml", PRODUCTION.into())]);
        prop_assert_eq!(essence(&one), essence(&other));
    }

    /// A secret that is written out is told, and nowhere shown.
    #[test]
    fn a_secret_that_is_told_is_not_shown(secret in "[a-z]{3}Q[0-9]{6}") {
        for text in [secret.clone(), format!("jdbc:postgresql://u:{secret}@db/x"), format!("a;password={secret}")] {
            let key = if text == secret { "database.password" } else { "endpoint" };
            let file = format!("connector: it\nconfig: {{connector.class: com.example.Source, {key}: \"{text}\"}}\n");
            let definitions = read([("connectors/it.yaml", file.as_str()), ("environments/e.yaml", PRODUCTION)]);
            let said = told(&definitions);
            prop_assert!(said.contains("PlainSecret") && !said.contains(&secret), "{}", said);
        }
    }
}

const HEADER: &str =
    "connector.class: io.debezium.connector.postgresql.PostgresConnector, heartbeat.interval.ms: 9";

/// The rules that are broken, each with where and by whom.
fn broken(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, (*text).to_owned())).collect();
    let mut all: Vec<_> = findings(&files)
        .iter()
        .map(|f| {
            let of = f.connector.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {} {} {of}", f.place, f.severity.name(), f.rule.name())
        })
        .collect();
    all.dedup();
    all
}

#[test]
fn an_example_or_a_placeholder_is_no_host() {
    let connector = format!(
        "connector: it\nconfig: {{{HEADER}, topic.prefix: it, database.hostname: \"{{{{ values.host }}}}\"}}\n"
    );
    let broken_by = |of_one: &str, of_other: &str| {
        let one = format!("environment: one\n{of_one}\n");
        let other = format!("environment: two\n{of_other}\n");
        broken(&[
            ("connectors/it.yaml", &connector),
            ("environments/1.yaml", &one),
            ("environments/2.yaml", &other),
        ])
    };
    let told = "environments/2.yaml:2:16 warning shared-across-environments ";
    assert_eq!(broken_by("values: {host: db}", "values: {host: DB}"), [told]);
    assert!(broken_by("inputs: {host: {example: db}}", "inputs: {host: {example: db}}").is_empty());
    assert!(broken_by("values: {host: db}", "inputs: {host: {example: db}}").is_empty());
    assert!(broken_by("values: {host: '${env:H}'}", "values: {host: '${env:H}'}").is_empty());
}

#[test]
fn one_of_two_may_allow_what_they_share() {
    let shares = |name: &str, allow: &str| {
        let keys = format!("{HEADER}, database.hostname: db, topic.prefix: {name}, slot.name: same");
        format!("connector: {name}\n{allow}config: {{{keys}}}\n")
    };
    let allow = "allow: {shared-slot: one runs by day and one by night}\n";
    let broken_by = |first: &str, second: &str| {
        let (first, second) = (shares("a", first), shares("b", second));
        broken(&[
            ("connectors/a.yaml", &first),
            ("connectors/b.yaml", &second),
            ("environments/e.yaml", PRODUCTION),
        ])
    };
    assert_eq!(broken_by("", ""), ["connectors/b.yaml:2:156 warning shared-slot b"]);
    assert!(broken_by(allow, "").is_empty());
    assert!(broken_by("", allow).is_empty());
}

#[test]
fn the_whole_repository_can_allow_a_lint_and_change_its_weight() {
    let file = r#"{"connector.class": "x.Sink", "topics": "a", "errors.tolerance": "all"}"#;
    let broken_by = |about: &str| {
        broken(&[("connectors/a.json", file), ("environments/e.yaml", PRODUCTION), ("tagalong.yaml", about)])
    };
    let told = |severity: &str| [format!("connectors/a.json:1:66 {severity} dead-letters-missing a")];
    assert_eq!(broken_by("version: 1\n"), told("warning"));
    assert_eq!(broken_by("lints: {dead-letters-missing: error}\n"), told("error"));
    assert!(broken_by("allow: {dead-letters-missing: they can be read again}\n").is_empty());
    let from = "connector: a\nfrom: a.json\nallow: {dead-letters-missing: they can be read again}\n";
    assert!(
        broken(&[
            ("connectors/a.json", file),
            ("connectors/a.yaml", from),
            ("environments/e.yaml", PRODUCTION)
        ])
        .is_empty()
    );
}

#[test]
fn a_missing_key_is_told_at_the_template_where_all_lack_it_and_else_at_the_connector() {
    let template = "template: t\nconfig:\n  connector.class: io.debezium.connector.postgresql.PostgresConnector\n  topic.prefix: \"{{ connector }}\"\n";
    let broken_by = |of_second: &str| {
        let connectors = format!("connector: a\ntemplate: t\n---\nconnector: b\ntemplate: t\n{of_second}");
        broken(&[
            ("templates/t.yaml", template),
            ("connectors/all.yaml", &connectors),
            ("environments/e.yaml", PRODUCTION),
        ])
    };
    assert_eq!(broken_by(""), ["templates/t.yaml:3:20 warning heartbeat-missing "]);
    let allowed = "allow: {heartbeat-missing: it is busy}\n";
    assert_eq!(broken_by(allowed), ["templates/t.yaml:3:20 warning heartbeat-missing "]);
    let set = "config: {heartbeat.interval.ms: 9}\n";
    assert_eq!(broken_by(set), ["connectors/all.yaml:1:12 warning heartbeat-missing a"]);
}

#[test]
fn what_is_broken_elsewhere_hides_no_lint_and_judges_no_silencing() {
    let good = format!(
        "connector: b\nallow: {{slot-drop-on-stop: it is tried out}}\nconfig: {{{HEADER}, tasks.max: 2}}\n"
    );
    let bad = "connector: a\nconfig: {connector.class: X, file: \"{{ values.none }}\"}\n";
    let told = broken(&[
        ("connectors/a.yaml", bad),
        ("connectors/b.yaml", &good),
        ("environments/e.yaml", PRODUCTION),
    ]);
    assert_eq!(
        told,
        ["connectors/a.yaml:2:40 error undefined-name a", "connectors/b.yaml:3:116 warning single-task b"]
    );
}
