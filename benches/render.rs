//! How long 2,000 connectors take to be read and to be rendered for three environments.
//!
//! Run with `cargo bench --bench render`. The promise is less than a second in all.
#![expect(clippy::print_stdout, reason = "a measurement is told on stdout")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use tagalong::model::revision::{At, RepositoryName, RepositoryRevision, Revision};
use tagalong::model::select::Select;
use tagalong::model::snapshot::{Snapshot, Sources};
use tagalong::model::values::Values;
use tagalong::pipeline;
use tagalong::pipeline::supply::Supply;

const CONNECTORS: usize = 2_000;

fn main() {
    let at = At::Directory { path: "bench".into(), digest: 0 };
    let revision = RepositoryRevision { repository: RepositoryName::main(), at };
    let snapshot =
        Snapshot { revision: revision.clone(), files: files(), ignored: Vec::new(), findings: Vec::new() };
    let revision = Revision::of(vec![revision]);
    let supply = Supply { values: &Values::default(), examples: false, secrets: None };

    let start = Instant::now();
    let definitions = pipeline::definitions(&Sources::alone(snapshot));
    let read = start.elapsed();
    let mut keys = 0;
    for (desired, findings) in
        pipeline::everywhere(&definitions, &revision, &supply, &Select::default()).into_values()
    {
        assert!(!findings.has_errors(), "{findings:?}");
        let desired = desired.expect("an environment that is defined is rendered");
        assert_eq!(desired.connectors.len(), CONNECTORS);
        keys += desired.connectors.values().map(|connector| connector.config.len()).sum::<usize>();
    }
    let all = start.elapsed();
    println!("{CONNECTORS} connectors, 3 environments, {keys} keys: read in {read:.0?}, all in {all:.0?}");
}

fn files() -> BTreeMap<Arc<str>, Arc<[u8]>> {
    let mut template = String::from(
        "template: postgres\nparameters:\n  database: {required: true}\n  tables: {type: list, required: true, pattern: '^\\w+\\.\\w+$'}\n  \
         mode: {enum: [initial, no_data], default: initial}\n  \
         slot: {default: \"{{ connector | slug('_') }}\", pattern: '^[a-z0-9_]{1,63}$'}\nconfig:\n  snapshot.mode: \"{{ params.mode }}\"\n  plugin.name: pgoutput\n  connector.class: io.debezium.connector.postgresql.PostgresConnector\n  \
         database.hostname: \"{{ values.postgres.host }}\"\n  database.dbname: \"{{ params.database }}\"\n  \
         table.include.list: \"{{ params.tables }}\"\n  topic.prefix: \"{{ connector }}\"\n  slot.name: \"{{ params.slot }}\"\n",
    );
    for index in 0..20 {
        writeln!(template, "  some.setting.{index}: value-{index}").expect("a string takes all");
    }
    let mut files: BTreeMap<Arc<str>, Arc<[u8]>> = BTreeMap::new();
    let mut put = |path: &str, text: String| files.insert(path.into(), text.into_bytes().into());
    put("templates/postgres.yaml", template);
    for name in ["production", "staging", "ed8k"] {
        let text = format!(
            "environment: {name}\nvalues: {{postgres: {{host: {name}.internal}}}}\nconfig: {{errors.log.enable: true}}\n"
        );
        put(&format!("environments/{name}.yaml"), text);
    }
    for index in 0..CONNECTORS {
        let text = format!(
            "connector: orders-{index}\ntemplate: postgres\nwith: {{database: db{index}, tables: [public.a, public.b]}}\n\
             config:\n  heartbeat.interval.ms: 10000\n  owner: \"team-{{{{ environment }}}}\"\nenvironments:\n  ed8k: {{config: {{snapshot.mode: no_data}}}}\n  \
             production: {{config: {{max.batch.size: 4096}}, state: paused}}\n"
        );
        put(&format!("connectors/orders-{index}.yaml"), text);
    }
    files
}
