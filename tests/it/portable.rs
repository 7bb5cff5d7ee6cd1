//! `render --output connect|strimzi`: what is written is read back as the same, or is not written at all.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use insta::assert_snapshot;
use proptest::prelude::{Just, Strategy, TestCaseError, prop, prop_assert_eq, prop_oneof, proptest};
use tagalong::model::config::{Config, Value};
use tagalong::model::desired::{Desired, DesiredConnector, DesiredState, Form};
use tagalong::model::finding::Place;
use tagalong::model::name::{ConnectorName, EnvironmentName};
use tagalong::model::revision::{At, RepositoryName, RepositoryRevision, Revision};
use tagalong::model::select::Select;
use tagalong::model::snapshot::{Files, Snapshot, Sources};
use tagalong::model::values::Values;
use tagalong::pipeline;
use tagalong::pipeline::supply::Supply;
use tagalong::view::foreign;

use crate::support::command::Desk;

fn revision() -> RepositoryRevision {
    let at = At::Directory { path: "case".into(), digest: 0 };
    RepositoryRevision { repository: RepositoryName::main(), at }
}

fn desired(connectors: BTreeMap<ConnectorName, DesiredConnector>) -> Desired {
    Desired {
        revision: Revision::of(vec![revision()]),
        environment: EnvironmentName::new("test").expect("a name"),
        connectors,
        suspend: None,
        unresolved: BTreeMap::new(),
        forgotten: BTreeSet::new(),
        left_out: BTreeSet::new(),
        incomplete: Vec::new(),
    }
}

/// What a file in `connectors/` renders to: name, state and config of each connector.
type Told = Vec<(ConnectorName, DesiredState, Config)>;

fn read_back(path: &str, text: &str) -> Result<Told, TestCaseError> {
    let files: Files = [(path, text), ("environments/test.yaml", "environment: test\n")]
        .map(|(path, text)| (path.into(), text.as_bytes().into()))
        .into_iter()
        .collect();
    let snapshot = Snapshot { revision: revision(), files, ignored: Vec::new(), findings: Vec::new() };
    let sources = Sources::alone(snapshot);
    let definitions = pipeline::definitions(&sources);
    let supply = Supply { values: &Values::default(), examples: false, secrets: None };
    let environment = EnvironmentName::new("test").expect("a name");
    let (made, findings) =
        pipeline::desired(&definitions, &sources.revision(), &environment, &supply, &Select::default());
    let made = made.ok_or_else(|| TestCaseError::fail(format!("{findings:?}\n{text}")))?;
    Ok(told(&made))
}

fn told(desired: &Desired) -> Told {
    let each = desired.connectors.iter();
    each.map(|(name, connector)| (name.clone(), connector.state, connector.config.clone())).collect()
}

/// Texts that readers of YAML fall over, and any others.
fn text() -> impl Strategy<Value = String> {
    let hard = vec![
        "on",
        "010",
        "1e3",
        "null",
        "~",
        "",
        " ",
        "0x1F",
        "12:30:00",
        "<<",
        "*a",
        "&a",
        "!a",
        "- a",
        "# a",
        "a: b",
        "{a",
        "[a",
        "a\nb\n",
        "\ta",
        "a\\",
        "\"",
        "'",
        "---",
        "...",
        "${file:/run/x:key}",
        "\u{85}\u{2028}\u{feff}\u{7f}\u{e000}\u{fffd}",
        "\u{1}\u{1b}",
        "\u{1f600}",
        "{\"a\": [1,\n 2]}",
        "%a",
        "@a",
        "`a",
        "a #b",
        "true",
        "yes",
    ];
    prop_oneof![prop::sample::select(hard).prop_map(str::to_owned), "\\PC{0,12}", "[ -~\n\t]{0,20}"]
        // An expression is told in any file of others that looks like a chart's.
        .prop_filter("no chart", |text| !text.contains("{{"))
}

fn connector() -> impl Strategy<Value = DesiredConnector> {
    let key = prop_oneof![
        "[a-z.]{1,8}[0-9]",
        "[!-~äß][ -~äß]{0,9}x",
        Just("on".to_owned()),
        Just("1e3".to_owned())
    ];
    let state =
        prop_oneof![Just(DesiredState::Running), Just(DesiredState::Paused), Just(DesiredState::Stopped)];
    let tasks = prop::option::of(1..100_u32);
    (prop::collection::btree_map(key, text(), 0..6), state, tasks).prop_map(|(texts, state, tasks)| {
        let mut config: Config = texts
            .iter()
            .filter(|(key, _)| !key.contains("{{"))
            .map(|(key, text)| (key, Value::new(key, text)))
            .filter(|(_, value)| !value.is_secret() && !value.is_masked())
            .collect();
        config.insert("connector.class", Value::new("connector.class", "io.example.Source"));
        if let Some(tasks) = tasks {
            config.insert("tasks.max", Value::new("tasks.max", &tasks.to_string()));
        }
        DesiredConnector {
            config,
            state,
            keep: false,
            acknowledged: Vec::new(),
            template: None,
            form: Form::Own,
            place: Place::start_of("connectors/a.yaml"),
            origins: BTreeMap::new(),
            suspend: None,
            lost: BTreeSet::new(),
        }
    })
}

fn environment(name: &'static str) -> impl Strategy<Value = Desired> {
    let name = name.prop_map(|name: String| ConnectorName::new(&name).expect("a name"));
    prop::collection::btree_map(name, connector(), 1..4).prop_map(desired)
}

proptest! {
    #[test]
    fn connects_json_is_read_back_as_the_same(desired in environment("[a-zA-Z0-9äö._-]{1,8}x")) {
        let written = foreign::connect(&desired).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!(read_back("connectors/all.json", &written.text)?, told(&desired));
    }

    #[test]
    fn a_strimzi_manifest_is_read_back_as_the_same(desired in environment("[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?")) {
        let written = foreign::strimzi(&desired, Some("connect"))
            .map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!(read_back("connectors/all.yaml", &written.text)?, told(&desired));
        let is_plain = |c: char| matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        let odd = written.text.chars().find(|c| !is_plain(*c) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'));
        prop_assert_eq!(odd, None);
    }
}

fn desk(connectors: &str) -> Result<Desk> {
    Desk::new(&[("environments/test.yaml", "environment: test\n"), ("connectors/all.yaml", connectors)])
}

const TWO: &str = r#"connector: lines
config:
  connector.class: FileStreamSource
  tasks.max: 2
  topic: "on"
  mode: 010
  password: "${file:/run/secrets/x.properties:password}"
---
connector: audit
state: stopped
keep: true
config: {connector.class: FileStreamSink, topics: "a,b"}
---
connector: gone
state: absent
"#;

#[tokio::test]
async fn connectors_are_written_as_they_are_posted() -> Result<()> {
    assert_snapshot!(desk(TWO)?.run("render --dir . -e test -o connect").await?, @r#"
    exit 0
    ---- stdout
    [
      {
        "name": "audit",
        "config": {
          "connector.class": "FileStreamSink",
          "topics": "a,b"
        },
        "initial_state": "STOPPED"
      },
      {
        "name": "lines",
        "config": {
          "connector.class": "FileStreamSource",
          "mode": "010",
          "password": "${file:/run/secrets/x.properties:password}",
          "tasks.max": "2",
          "topic": "on"
        }
      }
    ]
    ---- stderr
    Note: `keep` of connector audit cannot be said
    Note: connector gone is absent and not written
    "#);
    Ok(())
}

#[tokio::test]
async fn connectors_are_written_as_manifests() -> Result<()> {
    assert_snapshot!(desk(TWO)?.run("render --dir . -e test -o strimzi --cluster main").await?, @r#"
    exit 0
    ---- stdout
    apiVersion: kafka.strimzi.io/v1
    kind: KafkaConnector
    metadata:
      name: "audit"
      labels:
        strimzi.io/cluster: "main"
    spec:
      class: "FileStreamSink"
      state: stopped
      config:
        "topics": "a,b"
    ---
    apiVersion: kafka.strimzi.io/v1
    kind: KafkaConnector
    metadata:
      name: "lines"
      labels:
        strimzi.io/cluster: "main"
    spec:
      class: "FileStreamSource"
      tasksMax: 2
      config:
        "mode": "010"
        "password": "${file:/run/secrets/x.properties:password}"
        "topic": "on"
    ---- stderr
    Note: `keep` of connector audit cannot be said
    Note: connector gone is absent and not written
    "#);
    let said = desk(TWO)?.run("render --dir . -e test -o strimzi lines").await?;
    assert!(said.err.contains("Note: the label `strimzi.io/cluster` is missing"), "{said}");
    Ok(())
}

#[tokio::test]
async fn what_a_form_cannot_say_is_refused_all_at_once() -> Result<()> {
    let desk = desk(
        r#"connector: Orders_v2
config:
  connector.class: FileStreamSource
  tasks.max: "02"
  Tasks.Max: 1
  database.password: hunter2
"#,
    )?;
    desk.write("tagalong.yaml", "allow: {plain-secret: the secret of a test}\n")?;
    assert_snapshot!(desk.run("render --dir . -e test -o strimzi").await?, @r#"
    exit 1
    ---- stderr
    connector Orders_v2: `database.password` is secret, and secrets are not written
      hint: write a placeholder in its place, such as `${file:/run/secrets/db.properties:password}`, or name the other connectors
    connector Orders_v2: Kubernetes takes no such name, and Strimzi has no other for a connector
      hint: a name there is of small letters, digits, `-` and `.`, and begins and ends with a letter or a digit
    connector Orders_v2: Strimzi passes over `Tasks.Max` in a config, and takes it from `spec.tasksMax`
      hint: remove the key
    connector Orders_v2: `tasks.max` is "02", and `spec.tasksMax` takes a number
      hint: write a number from 1 on, without a zero or a sign before it
    Error: nothing is written: this form cannot say all of it
    "#);
    let said = desk.run("render --dir . -e test -o connect").await?;
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said}");
    assert!(!said.err.contains("hunter2"), "{said}");
    Ok(())
}

#[tokio::test]
async fn an_address_without_a_credential_is_written_in_every_form() -> Result<()> {
    let sink = |address: &str| {
        desk(&format!(
            "connector: lines\nconfig: {{connector.class: FileStreamSink, topics: a, connection.url: \"{address}\"}}\n"
        ))
    };
    for address in ["jdbc:postgresql://db:5432/x?user=a", "jdbc:sqlserver://db;user=a;password=${file:/a:b}"]
    {
        for form in ["connect", "strimzi --cluster main"] {
            let said = sink(address)?.run(&format!("render --dir . -e test -o {form}")).await?;
            assert!(said.code == Some(0) && said.out.contains(address), "{said}");
        }
    }
    let desk = sink("jdbc:postgresql://db:5432/x?user=a&password=hunter2")?;
    desk.write("tagalong.yaml", "allow: {plain-secret: the secret of a test}\n")?;
    let said = desk.run("render --dir . -e test -o connect").await?;
    assert!(said.code == Some(1) && said.err.contains("`connection.url` is secret"), "{said}");
    Ok(())
}

#[tokio::test]
async fn flags_that_a_form_has_no_place_for_are_usage_errors() -> Result<()> {
    let desk = desk(TWO)?;
    for flags in [
        "-o connect --explain",
        "-o strimzi --explain",
        "-o connect --cluster a",
        "--cluster a",
        "-o strimzi --cluster A_b",
    ] {
        let said = desk.run(&format!("render --dir . -e test {flags}")).await?;
        assert_eq!(said.code, Some(64), "{flags}: {said}");
    }
    Ok(())
}
