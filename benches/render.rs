//! How long 2,000 connectors take to be read and to be rendered for three environments: each with a secret
//! of its own, half of them from a template that is based on another.
//!
//! Run with `cargo bench --bench render`. The promise is less than a second in all.
#![expect(clippy::print_stdout, reason = "a measurement is told on stdout")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tagalong::model::config::{Config, Value};
use tagalong::model::revision::{At, RepositoryName, RepositoryRevision, Revision};
use tagalong::model::select::Select;
use tagalong::model::snapshot::{Snapshot, Sources};
use tagalong::model::supplied::{Lack, SecretName, Secrets};
use tagalong::model::values::Values;
use tagalong::pipeline;
use tagalong::pipeline::supply::Supply;

const CONNECTORS: usize = 2_000;
const RUNS: usize = 20;

/// One run.
struct Run {
    /// How long reading took.
    read: Duration,
    /// How long all of it took.
    all: Duration,
    /// How many keys there are.
    keys: usize,
}

fn main() {
    let at = At::Directory { path: "bench".into(), digest: 0 };
    let revision = RepositoryRevision { repository: RepositoryName::main(), at };
    let sources = Sources::alone(Snapshot {
        revision: revision.clone(),
        files: files(),
        ignored: Vec::new(),
        findings: Vec::new(),
    });
    let revision = Revision::of(vec![revision]);
    let secrets: Secrets = (0..CONNECTORS).map(secret).collect();
    let mut runs: Vec<_> = (0..RUNS).map(|_| run(&sources, &revision, &secrets)).collect();
    runs.sort_by_key(|run| run.all);
    println!("{CONNECTORS} connectors, 3 environments, {} keys, {RUNS} runs:", runs[0].keys);
    for (name, Run { read, all, keys: _ }) in
        [("fastest", &runs[0]), ("median", &runs[RUNS / 2]), ("slowest", &runs[RUNS - 1])]
    {
        println!("{name}: read in {read:.0?}, all in {all:.0?}");
    }
}

fn secret(index: usize) -> (SecretName, Result<Value, Lack>) {
    let name = SecretName::new(&format!("env:PASSWORD_{index}")).expect("a name");
    (name, Ok(Value::secret("hunter2")))
}

fn run(sources: &Sources, revision: &Revision, secrets: &Secrets) -> Run {
    let supply = Supply { values: &Values::default(), examples: false, secrets: Some(secrets) };
    let start = Instant::now();
    let definitions = pipeline::definitions(sources);
    let read = start.elapsed();
    let rendered = pipeline::everywhere(&definitions, revision, &supply, &Select::default());
    let (all, mut keys) = (start.elapsed(), 0);
    for (desired, findings) in rendered.into_values() {
        assert!(!findings.has_errors(), "{findings:?}");
        let desired = desired.expect("an environment that is defined is rendered");
        assert_eq!((desired.connectors.len(), desired.unresolved.len()), (CONNECTORS, 0));
        let has_secret = |config: &Config| config.get("database.password").is_some_and(Value::is_secret);
        assert!(desired.connectors.values().all(|connector| has_secret(&connector.config)));
        keys += desired.connectors.values().map(|connector| connector.config.len()).sum::<usize>();
    }
    Run { read, all, keys }
}

fn files() -> BTreeMap<Arc<str>, Arc<[u8]>> {
    let mut template = String::from(
        "template: postgres\nparameters:\n  database: {required: true}\n  tables: {type: list, required: true, pattern: '^\\w+\\.\\w+$'}\n  \
         password: {required: true}\n  mode: {enum: [initial, no_data], default: initial}\n  \
         slot: {default: \"{{ connector | slug('_') }}\", pattern: '^[a-z0-9_]{1,63}$'}\nconfig:\n  snapshot.mode: \"{{ params.mode }}\"\n  plugin.name: pgoutput\n  connector.class: io.debezium.connector.postgresql.PostgresConnector\n  \
         database.hostname: \"{{ values.postgres.host }}\"\n  database.dbname: \"{{ params.database }}\"\n  database.password: \"{{ params.password }}\"\n  \
         table.include.list: \"{{ params.tables }}\"\n  topic.prefix: \"{{ connector }}\"\n  slot.name: \"{{ params.slot }}\"\n",
    );
    for index in 0..20 {
        writeln!(template, "  some.setting.{index}: value-{index}").expect("a string takes all");
    }
    let mut files: BTreeMap<Arc<str>, Arc<[u8]>> = BTreeMap::new();
    let mut put = |path: &str, text: String| files.insert(path.into(), text.into_bytes().into());
    put("templates/postgres.yaml", template);
    put("templates/outbox.yaml", OUTBOX.to_owned());
    for name in ["production", "staging", "ed8k"] {
        let text = format!(
            "environment: {name}\nvalues: {{postgres: {{host: {name}.internal}}}}\nconfig: {{errors.log.enable: true}}\n"
        );
        put(&format!("environments/{name}.yaml"), text);
    }
    for index in 0..CONNECTORS {
        let (template, tables) =
            if index % 2 == 0 { ("postgres", ", tables: [public.a, public.b]") } else { ("outbox", "") };
        let text = format!(
            "connector: orders-{index}\ntemplate: {template}\nwith: {{database: db{index}{tables}, password: \"{{{{ secret('env:PASSWORD_{index}') }}}}\"}}\n\
             config:\n  heartbeat.interval.ms: 10000\n  owner: \"team-{{{{ environment }}}}\"\nenvironments:\n  ed8k: {{config: {{snapshot.mode: no_data}}}}\n  \
             production: {{config: {{max.batch.size: 4096}}, state: paused}}\n"
        );
        put(&format!("connectors/orders-{index}.yaml"), text);
    }
    files
}

const OUTBOX: &str = "template: outbox
base: postgres
parameters:
  database: {required: true}
  password: {required: true}
  schema: {default: \"{{ environment | replace('-', '_') }}\"}
with: {database: \"{{ params.database }}\", password: \"{{ params.password }}\", tables: [\"{{ params.schema }}.outbox\"]}
config:
  transforms: outbox
  transforms.outbox.type: io.debezium.transforms.outbox.EventRouter
environments:
  staging: {config: {max.queue.size: 1024}}
";
