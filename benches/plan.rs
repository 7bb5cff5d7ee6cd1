//! How long it takes to plan a cluster of 1,000 connectors. The promise is less than 50 ms.
//!
//! `cargo bench --bench plan` prints the table of `docs/operations/measured.md`.
#![expect(clippy::print_stdout, reason = "a measurement is told on stdout")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tagalong::model::config::{Config, Value};
use tagalong::model::definition::Definitions;
use tagalong::model::desired::Desired;
use tagalong::model::live::{Kind, Live, LiveConnector, RunState, Status, Task};
use tagalong::model::name::EnvironmentName;
use tagalong::model::plan::Plan;
use tagalong::model::policy::Policy;
use tagalong::model::revision::{At, ObjectId, RepositoryName, RepositoryRevision};
use tagalong::model::select::Select;
use tagalong::model::snapshot::{Snapshot, Sources};
use tagalong::model::values::Values;
use tagalong::pipeline;
use tagalong::pipeline::plan::plan;
use tagalong::pipeline::supply::Supply;

const ENVIRONMENTS: [&str; 3] = ["production", "staging", "ed8k"];

/// Twenty keys: about what a Debezium connector has.
const TEMPLATE: &str = r#"template: debezium-postgres
parameters:
  database: {required: true, description: the database to capture}
  tables: {type: list, required: true}
  slot: {default: "{{ connector | slug('_') }}"}
config:
  connector.class: io.debezium.connector.postgresql.PostgresConnector
  tasks.max: 1
  plugin.name: pgoutput
  database.hostname: "{{ values.postgres.host }}"
  database.port: "{{ values.postgres.port }}"
  database.user: debezium
  database.password: "${file:/run/secrets/debezium.properties:password}"
  database.dbname: "{{ params.database }}"
  table.include.list: "{{ params.tables }}"
  topic.prefix: "{{ connector }}"
  slot.name: "{{ params.slot }}"
  publication.name: "{{ params.slot }}"
  publication.autocreate.mode: filtered
  heartbeat.interval.ms: 10000
  max.batch.size: 2048
  max.queue.size: 8192
  snapshot.mode: initial
  tombstones.on.delete: true
environments:
  production: {config: {max.batch.size: 4096}}
"#;

fn main() {
    let thousand = Sources::alone(snapshot(1_000));
    let definitions = pipeline::definitions(&thousand);
    let desired = render(&definitions, &thousand, ENVIRONMENTS[0]);
    assert_eq!(desired.connectors.len(), 1_000, "{:?}", definitions.findings);
    let (equal, other) = (live(&desired, None), live(&desired, Some("database.dbname")));
    let think = |live: &Live| plan_of(&desired, live);
    assert!(think(&equal).is_empty(), "the cluster is equal");
    assert_eq!(think(&other).steps.len(), 1_000, "every connector differs");

    println!("| what | runs | median | fastest | slowest |");
    println!("|---|---|---|---|---|");
    time("plan 1,000 connectors, all equal", 100, || think(&equal));
    time("plan 1,000 connectors, all different", 100, || think(&other));
    time("plan 1,000 connectors, none there", 100, || think(&Live::default()));
    time("read, render and plan 1,000 connectors", 20, || {
        let definitions = pipeline::definitions(&thousand);
        plan_of(&render(&definitions, &thousand, ENVIRONMENTS[0]), &equal)
    });
}

fn plan_of(desired: &Desired, live: &Live) -> Plan {
    plan(desired, live, &policy(), Timestamp::UNIX_EPOCH)
}

/// Runs something so many times, after one run that does not count, and prints a line.
fn time<T>(what: &str, runs: usize, mut run: impl FnMut() -> T) {
    black_box(run());
    let mut took: Vec<Duration> = (0..runs)
        .map(|_| {
            let began = Instant::now();
            let result = black_box(run());
            let took = began.elapsed();
            drop(result);
            took
        })
        .collect();
    took.sort();
    let (fastest, median, slowest) = (took[0], took[runs / 2], took[runs - 1]);
    println!("| {what} | {runs} | {median:.1?} | {fastest:.1?} | {slowest:.1?} |");
}

fn revision() -> RepositoryRevision {
    let id = || ObjectId::new(&"4f1c".repeat(10)).expect("forty digits");
    let at = At::Git {
        reference: "refs/tags/v1".into(),
        object: id(),
        commit: id(),
        committed: None,
        verified: None,
    };
    RepositoryRevision { repository: RepositoryName::main(), at }
}

/// A repository with one template, three environments and so many connectors, a file each.
fn snapshot(connectors: usize) -> Snapshot {
    let mut files: BTreeMap<Arc<str>, Arc<[u8]>> = BTreeMap::new();
    let mut add = |path: String, text: String| files.insert(path.into(), text.into_bytes().into());
    add("templates/debezium-postgres.yaml".to_owned(), TEMPLATE.to_owned());
    for name in ENVIRONMENTS {
        let text = format!(
            "environment: {name}\nvalues: {{postgres: {{host: db.{name}.internal, port: 5432}}}}\nconfig: {{errors.log.enable: true}}\n"
        );
        add(format!("environments/{name}.yaml"), text);
    }
    for number in 0..connectors {
        let text = format!(
            "connector: shop-{number:04}\ntemplate: debezium-postgres\nwith: {{database: shop_{number:04}, tables: [public.orders, public.order_lines]}}\nconfig: {{heartbeat.interval.ms: 30000}}\nenvironments:\n  ed8k: {{config: {{snapshot.mode: no_data}}}}\n"
        );
        add(format!("connectors/shop-{number:04}.yaml"), text);
    }
    Snapshot { revision: revision(), files, ignored: Vec::new(), findings: Vec::new() }
}

fn render(definitions: &Definitions, sources: &Sources, environment: &str) -> Desired {
    let revision = sources.revision();
    let environment = EnvironmentName::new(environment).expect("a good name");
    let values = Values::default();
    let supply = Supply { values: &values, examples: false, secrets: None };
    let (desired, findings) =
        pipeline::desired(definitions, &revision, &environment, &supply, &Select::default());
    desired.unwrap_or_else(|| panic!("{findings:?}"))
}

fn policy() -> Policy {
    Policy::default()
}

/// The cluster that runs these connectors, but for one key where that is named. Its texts are its own, as they are
/// when they come from Connect.
fn live(desired: &Desired, changed: Option<&str>) -> Live {
    let config = |config: &Config| -> Config {
        let own = |key: &str, value: &Value| {
            let text = if changed == Some(key) { "another" } else { value.expose() };
            (key.to_owned(), Value::new(key, text))
        };
        config.iter().map(|(key, value)| own(key, value)).collect()
    };
    let tasks = || vec![Task { id: 0, state: RunState::Running, failure: None }];
    let status = || Status { state: RunState::Running, failure: None, tasks: tasks() };
    let connectors = desired.connectors.iter().map(|(name, wanted)| {
        let connector = LiveConnector {
            config: Some(config(&wanted.config)),
            kind: Kind::Source,
            status: Some(status()),
        };
        (name.clone(), connector)
    });
    Live { connectors: connectors.collect(), ..Live::default() }
}
