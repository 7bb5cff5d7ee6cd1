//! Laws of the front half: what must hold for any definitions, not only for those of the corpus.

mod addresses;
mod compare;
mod lints;
mod others;
mod secrets;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;

use crate::model::definition::Definitions;
use crate::model::desired::Desired;
use crate::model::finding::Findings;
use crate::model::name::EnvironmentName;
use crate::model::revision::{At, RepositoryName, RepositoryRevision, Revision};
use crate::model::select::Select;
use crate::model::snapshot::{Snapshot, Sources};
use crate::model::values::Values;
use crate::pipeline::supply::Supply;
use crate::pipeline::{definitions, desired, environments};

fn revision() -> RepositoryRevision {
    let at = At::Directory { path: "laws".into(), digest: 0 };
    RepositoryRevision { repository: RepositoryName::main(), at }
}

fn read<T: AsRef<[u8]>>(files: impl IntoIterator<Item = (impl AsRef<str>, T)>) -> Definitions {
    let files: BTreeMap<Arc<str>, Arc<[u8]>> =
        files.into_iter().map(|(path, bytes)| (path.as_ref().into(), bytes.as_ref().into())).collect();
    let main = Snapshot { revision: revision(), files, ignored: Vec::new(), findings: Vec::new() };
    definitions(&Sources::alone(main))
}

fn render(definitions: &Definitions, environment: &EnvironmentName) -> (Option<Desired>, Findings) {
    let revision = Revision::of(vec![revision()]);
    let supply = Supply { values: &Values::default(), examples: true, secrets: None };
    desired(definitions, &revision, environment, &supply, &Select::default())
}

/// The text of every finding, of the files and of every environment.
fn told(definitions: &Definitions) -> String {
    let mut text = format!("{:?}", definitions.findings);
    for environment in environments(definitions) {
        write!(text, "{:?}", render(definitions, environment).1).expect("a string takes all");
    }
    text
}

/// Names, configs and states, without the places.
fn essence(desired: &Desired) -> Vec<String> {
    desired
        .connectors
        .iter()
        .map(|(name, connector)| format!("{name} {:?} {:?}", connector.config, connector.state))
        .collect()
}

const KEYS: [&str; 3] = ["alpha", "beta.gamma", "delta"];

/// Writes the repository in which each layer has these entries.
fn repository(layers: &[String; 11]) -> String {
    let [
        base,
        top,
        base_default,
        top_default,
        base_prod,
        top_prod,
        default,
        prod,
        own,
        own_default,
        own_prod,
    ] = layers;
    format!(
        "template: base\nconfig: {base}\nenvironments:\n  default: {{config: {base_default}}}\n  production: {{config: {base_prod}}}\n\
         ---\ntemplate: top\nbase: base\nconfig: {top}\nenvironments:\n  default: {{config: {top_default}}}\n  production: {{config: {top_prod}}}\n\
         ---\nenvironment: default\nconfig: {default}\n\
         ---\nenvironment: production\nbase: default\nconfig: {prod}\n\
         ---\nconnector: it\ntemplate: top\nconfig: {own}\nenvironments:\n  default: {{config: {own_default}}}\n  production: {{config: {own_prod}}}\n"
    )
}

/// What one layer does to one key: nothing, set it, or remove it where it is set.
fn deeds() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(0..4_u8, KEYS.len()), 11)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A later layer wins, whatever the others do; what it removes is gone.
    #[test]
    fn the_last_layer_wins(deeds in deeds()) {
        // The order of the reference, by the place of each layer in `repository`.
        let mut expected: BTreeMap<&str, String> = BTreeMap::new();
        let mut layers: [String; 11] = Default::default();
        for (index, deeds) in deeds.iter().enumerate() {
            let mut entries = Vec::new();
            if index == 0 {
                entries.push("connector.class: X".to_owned());
            }
            for (key, deed) in KEYS.iter().zip(deeds) {
                match deed {
                    0 | 1 => {
                        entries.push(format!("{key}: v{index}"));
                        expected.insert(key, format!("v{index}"));
                    }
                    2 if expected.remove(key).is_some() => entries.push(format!("{key}: ~")),
                    _ => {}
                }
            }
            layers[index] = format!("{{{}}}", entries.join(", "));
        }
        let definitions = read([("connectors/all.yaml", repository(&layers))]);
        let production = EnvironmentName::new("production").expect("a name");
        let (desired, findings) = render(&definitions, &production);
        let desired = desired.ok_or_else(|| TestCaseError::fail(format!("{findings:?}")))?;
        let connector = desired.connectors.values().next().expect("one connector");
        let found: BTreeMap<&str, String> = connector
            .config
            .iter()
            .filter(|(key, _)| *key != "connector.class")
            .map(|(key, value)| (key, value.expose().to_owned()))
            .collect();
        prop_assert_eq!(&found, &expected);
        for (key, layers) in &connector.origins {
            let last = layers.last().expect("an origin has a layer");
            prop_assert_eq!(last.value.is_some(), connector.config.get(key).is_some());
        }
    }

    /// It does not matter in which file a document stands, nor in which order.
    #[test]
    fn files_and_their_order_do_not_matter(names in prop::collection::vec("[a-z]{1,3}", 5), deeds in deeds()) {
        let mut layers: [String; 11] = Default::default();
        for (layer, deeds) in layers.iter_mut().zip(&deeds) {
            let set: Vec<_> = KEYS.iter().zip(deeds).filter(|(_, d)| **d < 2).map(|(k, d)| format!("{k}: {d}")).collect();
            *layer = format!("{{connector.class: X, {}}}", set.join(", "));
        }
        let text = repository(&layers);
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for (document, name) in text.split("---\n").zip(&names) {
            let file = files.entry(format!("connectors/{name}.yaml")).or_default();
            file.insert_str(0, &format!("---\n{document}"));
        }
        let (one, many) = (read([("connectors/all.yaml", text)]), read(files));
        for environment in environments(&one) {
            let (one, many) = (render(&one, environment).0, render(&many, environment).0);
            prop_assert_eq!(one.as_ref().map(essence), many.as_ref().map(essence));
            prop_assert!(one.is_some());
        }
    }

    /// Whatever stands in the files, reading and rendering them ends, and well.
    #[test]
    fn nothing_panics(
        pieces in prop::collection::vec((0..5_usize, prop::collection::vec(piece(), 0..40)), 1..4),
        bytes in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        const PATHS: [&str; 5] = ["tagalong.yaml", "templates/a.yaml", "connectors/b.yaml", "environments/c.yaml", "connectors/d.json"];
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for (path, pieces) in pieces {
            files.entry(PATHS[path].to_owned()).or_default().extend(pieces.concat().into_bytes());
        }
        files.insert("connectors/bytes.yaml".to_owned(), bytes);
        files.entry("environments/c.yaml".to_owned()).or_insert_with(|| b"environment: c".to_vec());
        told(&read(files));
    }

    /// However a value is mistyped, no finding repeats it.
    #[test]
    fn no_finding_tells_a_secret(wrong in prop::sample::select(WRONG.to_vec()), slot in 0..SLOTS.len()) {
        let files = SLOTS[slot].map(|(path, text)| (path, text.replace("SLOT", wrong)));
        let definitions = read(files);
        let told = told(&definitions);
        prop_assert!(!told.contains("hunter2"), "{told}");
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(PIECES)
}

/// What YAML-like text is made of.
const PIECES: &[&str] = &[
    "connector: ",
    "template: ",
    "environment: ",
    "from: ",
    "d.json",
    "base: ",
    "config: ",
    "with: ",
    "parameters: ",
    "environments: ",
    "values: ",
    "inputs: ",
    "only: ",
    "suspend: ",
    "acknowledge: ",
    "state: ",
    "keep: ",
    "name: ",
    "a",
    "b",
    "c",
    "a: ",
    "b: ",
    "c: ",
    "\n",
    "\n  ",
    "\n    ",
    "\n---\n",
    "\n- ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "\"",
    "'",
    "{{ ",
    " }}",
    "values.a",
    "params.b",
    " | int",
    "~",
    "null",
    "&a ",
    "*a",
    "!t ",
    "<<: ",
    "|\n",
    "# ",
    "\t",
    "%YAML 1.2\n",
    "ä",
    "\u{feff}",
    "\r\n",
    "true",
    "1",
    "connector.class: X",
    "type: list",
    "required: true",
    "default: ",
];

/// Mistakes with a secret in them.
const WRONG: [&str; 24] = [
    "{hunter2}",
    "[{hunter2}]",
    "hunter2",
    "{a: hunter2}",
    "[[hunter2], ~]",
    "&hunter2 x",
    "*hunter2",
    "!hunter2 x",
    "\"hunter2",
    "'hunter2' x",
    "[hunter2",
    "{hunter2",
    "x: hunter2: y",
    "@hunter2",
    "`hunter2`",
    "{{ 'hunter2' }}",
    "\"{{ 'hunter2' | int }}\"",
    "\"{{ 'hunter2' + 1 }}\"",
    "\"{{ 'hunter2' \"",
    "\"{{ 'hunter2' 'hunter2' }}\"",
    "\"{{ {'a': 'hunter2'} }}\"",
    "\"{{ values.secret | int }}\"",
    "\"${vault:hunter2:hunter2}\"",
    "\"{{ values.secret.more.of.it }}\"",
];

/// Where the mistakes are made: a repository each, `SLOT` in it.
const SLOTS: [[(&str, &str); 3]; 10] = {
    const ENVIRONMENT: (&str, &str) = ("environments/e.yaml", "environment: e\nvalues: {secret: hunter2}\n");
    const TEMPLATE: (&str, &str) = (
        "templates/t.yaml",
        "template: t\nparameters:\n  i: {type: integer, default: 1}\n  l: {type: list, default: []}\n  m: {type: map, default: {}}\nconfig: {connector.class: X, i: \"{{ params.i }}\"}\n",
    );
    [
        [ENVIRONMENT, TEMPLATE, ("connectors/c.yaml", "connector: c\ntemplate: t\nconfig:\n  a: SLOT\n")],
        [
            ENVIRONMENT,
            TEMPLATE,
            (
                "connectors/c.yaml",
                "connector: c\ntemplate: t\nconfig:\n  database.password: SLOT\n  list: [SLOT]\n",
            ),
        ],
        [ENVIRONMENT, TEMPLATE, ("connectors/c.yaml", "connector: c\ntemplate: t\nwith:\n  i: SLOT\n")],
        [
            ENVIRONMENT,
            TEMPLATE,
            ("connectors/c.yaml", "connector: c\ntemplate: t\nwith:\n  l: SLOT\n  m: SLOT\n"),
        ],
        [
            ("environments/e.yaml", "environment: e\nvalues:\n  a: SLOT\n  secret: [SLOT]\n"),
            TEMPLATE,
            ("tagalong.yaml", "config_providers: [file]\n"),
        ],
        [
            ENVIRONMENT,
            (
                "templates/t.yaml",
                "template: t\nparameters:\n  p: {type: integer, default: SLOT}\nconfig:\n  name: SLOT\n",
            ),
            ("connectors/c.yaml", "connector: c\ntemplate: t\n"),
        ],
        [
            ("environments/e.yaml", "environment: e\nconfig:\n  name: SLOT\nvalues: {secret: hunter2}\n"),
            ("tagalong.yaml", "config_providers: [file]\n"),
            ("connectors/c.yaml", "connector: c\nconfig: {connector.class: X, a: SLOT}\n"),
        ],
        [
            ENVIRONMENT,
            ("connectors/a.json", "{\"connector.class\": \"X\", \"database.password\": SLOT}"),
            ("connectors/b.json", "{\"connector.class\": \"X\", \"database.password\": \"SLOT\"}"),
        ],
        [
            ENVIRONMENT,
            (
                "connectors/a.yaml",
                "apiVersion: kafka.strimzi.io/v1\nkind: KafkaConnector\nmetadata: {name: a}\nspec:\n  class: X\n  tasksMax: SLOT\n  config:\n    a: SLOT\n    tasks.max: SLOT\n",
            ),
            (
                "connectors/b.yaml",
                "apiVersion: kafka.strimzi.io/v1\nkind: KafkaConnector\nmetadata: {name: b}\nspec: {class: X, state: SLOT}\n",
            ),
        ],
        [
            ENVIRONMENT,
            ("connectors/a.yaml", "connector: a\nfrom: b.json\nconfig: {database.password: SLOT}\n"),
            (
                "connectors/b.json",
                "{\"name\": \"x\", \"config\": {\"database.password\": SLOT}, \"initial_state\": SLOT}",
            ),
        ],
    ]
};
