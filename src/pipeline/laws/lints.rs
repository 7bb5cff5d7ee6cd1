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
    let revision = Revision { repositories: vec![revision()] };
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
