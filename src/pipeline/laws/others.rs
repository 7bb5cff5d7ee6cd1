//! Laws of the files that others write: Connect's JSON and Strimzi's manifests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{read, render, told};
use crate::model::name::EnvironmentName;
use crate::yaml::helm;

/// A value as somebody may write it in JSON, and the text that Connect makes of it.
fn value() -> impl Strategy<Value = (String, String)> {
    let number = || {
        prop_oneof![
            "0|-?[1-9][0-9]{0,25}",
            "-?(0|[1-9][0-9]{0,3})\\.[0-9]{1,6}",
            "-?[1-9](\\.[0-9]{1,3})?[eE][+-]?[0-9]{1,3}"
        ]
    };
    let text = prop_oneof![
        "[a-z{}$:,.\\[\\]/'\"\\\\ \n\t]{0,12}",
        "\\PC{0,12}",
        "(yes|010|null|~|\\{\\{ x \\}\\}|\\$\\{a:b\\})"
    ];
    prop_oneof![
        number().prop_map(|number| (number.clone(), number)),
        any::<bool>().prop_map(|boolean| (boolean.to_string(), boolean.to_string())),
        (text, any::<bool>()).prop_map(|(text, escaped)| {
            let written =
                if escaped { escaped_whole(&text) } else { serde_json::Value::from(&*text).to_string() };
            (written, text)
        }),
    ]
}

/// Each character as an escape, beyond the first plane as a pair of them.
fn escaped_whole(text: &str) -> String {
    let mut written = String::from('"');
    for unit in text.encode_utf16() {
        write!(written, "\\u{unit:04x}").expect("a string takes all");
    }
    written + "\""
}

/// Any JSON, of the keys that mean something and some that do not.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        prop::sample::select(vec!["X", "a", "b", "PAUSED", ""]).prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let keys = vec!["name", "config", "connector.class", "tasks", "connector", "info", "x"];
        let entries = prop::collection::btree_map(prop::sample::select(keys), inner.clone(), 0..4);
        let map =
            entries.prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect());
        prop_oneof![prop::collection::vec(inner, 0..3).prop_map(serde_json::Value::Array), map]
    })
}

fn config() -> impl Strategy<Value = BTreeMap<String, (String, String)>> {
    prop::collection::btree_map("[a-zäß.]{1,4}[0-9]{1,2}", value(), 0..8)
}

/// Braces without end cost a cycle no time.
#[test]
fn a_value_full_of_braces_is_read_at_once() {
    for piece in ["{{", "{{ ", "{{ .Values. "] {
        let value = piece.repeat(260_000 / piece.len());
        let json = format!("{{\"connector.class\": \"X\", \"a\": \"{value}\"}}");
        let manifest = format!(
            "apiVersion: kafka.strimzi.io/v1\nkind: KafkaConnector\nmetadata: {{name: y}}\nspec:\n  class: X\n  config:\n    a: \"{value}\"\n"
        );
        let began = Instant::now();
        let definitions = read([("connectors/x.json", json), ("connectors/y.yaml", manifest)]);
        assert_eq!(definitions.connectors.len(), 2, "{piece}");
        assert!(began.elapsed() < Duration::from_mins(1), "{piece}: {:?}", began.elapsed());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// For any JSON that Connect takes, the config is Connect's own map of texts.
    #[test]
    fn connects_json_is_read_as_connect_reads_it(config in config(), form in 0..4_usize, blank in "[ \t\r\n]{0,3}") {
        prop_assume!(config.values().all(|(_, text)| helm::find(text).is_none()));
        let mut json = format!("{{{blank}\"connector.class\":\"X\"");
        for (key, (written, _)) in &config {
            write!(json, ",{blank}{}{blank}:{blank}{written}", serde_json::Value::from(&**key)).expect("a string takes all");
        }
        json.push('}');
        let (path, text) = match form {
            0 => ("connectors/x.json", json),
            1 => ("connectors/y.json", format!("{{\"name\":{blank}\"x\", \"config\": {json}}}")),
            2 => ("connectors/z.json", format!("[{{\"config\": {json}, \"name\": \"x\"}}]")),
            _ => ("connectors/z.json", format!("{{\"name\":\"x\",\"config\":{json},\"tasks\":[],\"type\":\"sink\"}}")),
        };
        serde_json::from_str::<serde::de::IgnoredAny>(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let definitions = read([(path, text), ("environments/e.yaml", "environment: e".to_owned())]);
        let (desired, findings) = render(&definitions, &EnvironmentName::new("e").expect("a name"));
        let desired = desired.ok_or_else(|| TestCaseError::fail(format!("{findings:?}")))?;
        let connector = desired.connectors.values().next().expect("one connector");
        let found: BTreeMap<_, _> = connector.config.iter().map(|(key, value)| (key, value.expose())).collect();
        let mut expected: BTreeMap<_, _> = config.iter().map(|(key, (_, text))| (key.as_str(), text.as_str())).collect();
        expected.insert("connector.class", "X");
        prop_assert_eq!(found, expected);
    }

    /// The same config means the same in each form, and under a connector that names its file.
    #[test]
    fn one_config_is_one_connector_in_every_form(values in prop::collection::btree_map("[a-z.]{1,4}[0-9]", "[a-z{}$ :]{0,8}", 0..6)) {
        prop_assume!(values.values().all(|text| helm::find(text).is_none()));
        let pairs: Vec<_> = values.iter().map(|(key, text)| format!("\"{key}\": {}", serde_json::Value::from(&**text))).collect();
        let json = format!("{{{}}}", [vec!["\"connector.class\": \"X\"".to_owned()], pairs.clone()].concat().join(", "));
        let strimzi = format!(
            "apiVersion: kafka.strimzi.io/v1\nkind: KafkaConnector\nmetadata: {{name: x}}\nspec: {{class: X, config: {{{}}}}}\n",
            pairs.join(", ")
        );
        let from = |path: &str| format!("connector: x\nfrom: {path}\n");
        let forms = [
            vec![("connectors/x.json", json.clone())],
            vec![("connectors/x.yaml", strimzi.clone())],
            vec![("connectors/a.json", json), ("connectors/b.yaml", from("a.json"))],
            vec![("elsewhere/a.yaml", strimzi), ("connectors/b.yaml", from("../elsewhere/a.yaml"))],
        ];
        let mut made = Vec::new();
        for form in forms {
            let definitions = read(form.into_iter().chain([("environments/e.yaml", "environment: e".to_owned())]));
            let (desired, findings) = render(&definitions, &EnvironmentName::new("e").expect("a name"));
            let desired = desired.ok_or_else(|| TestCaseError::fail(format!("{findings:?}")))?;
            made.push(super::essence(&desired));
        }
        prop_assert!(made.iter().all(|one| *one == made[0]), "{made:?}");
    }

    /// Well-formed JSON in `connectors/` is a connector or a finding.
    #[test]
    fn no_json_is_passed_over(json in any_json()) {
        let definitions = read([("connectors/a.json", json.to_string()), ("environments/e.yaml", "environment: e".to_owned())]);
        let silent = definitions.connectors.is_empty() && definitions.findings.is_empty();
        prop_assert!(!silent, "{}", json);
        told(&definitions);
    }

    /// Whatever stands in a file of others, it is a connector or a finding, and nothing panics.
    #[test]
    fn nothing_of_others_is_passed_over(
        json in prop::collection::vec(prop::sample::select(JSON), 0..16),
        yaml in prop::collection::vec(prop::sample::select(YAML), 0..16),
        broken in any::<bool>(),
    ) {
        let yaml = if broken { yaml.concat() } else { format!("apiVersion: kafka.strimzi.io/v1\nkind: KafkaConnector\n{}", yaml.concat()) };
        for (path, text) in [("connectors/a.json", json.concat()), ("connectors/b.yaml", yaml)] {
            let definitions = read([(path, text.clone()), ("environments/e.yaml", "environment: e".to_owned())]);
            let told = told(&definitions);
            let silent = definitions.connectors.is_empty() && definitions.findings.is_empty();
            prop_assert!(!silent, "{text:?} {told}");
            // A finding that is there is a finding with a place in that file.
            prop_assert!(definitions.findings.iter().all(|finding| &*finding.place.path == path && finding.place.line > 0));
        }
    }
}

const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "{\"name\": \"a\", \"config\": {\"connector.class\": \"X\"}}",
    "{\"connector.class\": \"X\"}",
    "\"name\": ",
    "\"config\": ",
    "\"connector.class\": ",
    "\"apiVersion\": ",
    "\"kind\": ",
    "\"spec\": ",
    "\"X\"",
    "\"KafkaConnector\"",
    "\"kafka.strimzi.io/v1\"",
    "\"initial_state\": ",
    "\"PAUSED\"",
    "null",
    "1",
    "true",
    "// x\n",
    "\n",
    "{{ .Values.x }}",
    "\"{{ .Values.x }}\"",
    "\"",
    "'",
    "\u{feff}",
];

const YAML: &[&str] = &[
    "metadata: {name: a}\n",
    "metadata:\n  name: b\n",
    "spec: {class: X}\n",
    "spec:\n",
    "  class: X\n",
    "  config: {a: 1}\n",
    "  config:\n",
    "    a: 1\n",
    "    b: [1]\n",
    "    c: {d: 1}\n",
    "    e: ~\n",
    "    f:\n",
    "  tasksMax: 1\n",
    "  tasksMax: x\n",
    "  state: paused\n",
    "  pause: true\n",
    "  autoRestart: {enabled: false}\n",
    "  bogus: 1\n",
    "---\n",
    "kind: List\n",
    "items: [a]\n",
    "items:\n- kind: x\n",
    "{{- if .Values.x }}\n",
    "status: {}\n",
    "  annotations: {strimzi.io/pause-reconciliation: \"true\"}\n",
];
