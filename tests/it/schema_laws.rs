//! Schema and reader judge alike: every key of every table is given every sort of value, and both say the
//! same about it.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tagalong::cli::schema::Kind;
use tagalong::model::revision::{At, RepositoryName, RepositoryRevision};
use tagalong::model::shape::{Field, Shape, Takes};
use tagalong::model::snapshot::{Files, Snapshot, Sources};
use tagalong::pipeline;
use tagalong::settings;
use tagalong::settings::checked::Settings;
use tagalong::settings::raw::Written;

use crate::schema::is_of_shape;
use crate::support::editor::validator;

/// A sample at a place of a document.
#[derive(Debug, Clone)]
struct Sample {
    name: String,
    document: Value,
}

/// Every sort of value.
fn samples() -> Vec<Value> {
    vec![
        json!("a"),
        json!("a b"),
        json!("{{ x }}"),
        json!(""),
        json!("."),
        json!(".."),
        json!("a."),
        json!("running"),
        json!("true"),
        json!("7"),
        json!("10s"),
        json!("2026-12-01T00:00:00Z"),
        json!("2026-12-01"),
        json!(1),
        json!(-5),
        json!(1.5),
        json!(true),
        json!(null),
        json!([]),
        json!(["a"]),
        json!([1, true]),
        json!([null]),
        json!([["a"]]),
        json!([{"a": "b"}]),
        json!(["{{ x }}"]),
        json!({}),
        json!({"a": "b"}),
        json!({"a": null}),
        json!({"a": ["b", ["c"]]}),
        json!({"a": {"b": "{{ x }}"}}),
        json!({"a": {"b": {"c": [1]}}}),
        json!({"{{ x }}": "b"}),
        json!({"": "b"}),
        json!({" a": "b"}),
        json!({"a\u{200b}": "b"}),
        json!({"{a b}": "c"}),
        json!({"a": {"b ": "c"}}),
        json!({"a.b": "c"}),
        json!({"a": {"b.c": "d"}}),
        json!({"a": [{"b.c": "d"}]}),
        json!({"unknown key": {}}),
    ]
}

/// A value that a key takes.
fn good(takes: Takes) -> Value {
    match takes {
        Takes::Text | Takes::Literal | Takes::Like(_) | Takes::Free(_) | Takes::Tree | Takes::Anything => {
            json!("a")
        }
        Takes::Flag => json!(true),
        Takes::Number | Takes::Limit => json!(1),
        Takes::Word(words) => json!(words[0]),
        Takes::WordOf(words) => json!(words()[0]),
        Takes::Time => json!("2026-12-01T00:00:00Z"),
        Takes::Length => json!("10s"),
        Takes::List(item) => json!([good(*item)]),
        Takes::Fields(shape) | Takes::TextOr(shape) => needed(shape),
        Takes::Entries(_, each) => json!({"a": good(*each)}),
        Takes::OrNull(one) => good(*one),
        Takes::Refused => Value::Null,
    }
}

/// A map with nothing but the keys that must be there.
fn needed(shape: &Shape) -> Value {
    let fields = shape.fields.iter().filter(|field| field.needed);
    Value::Object(fields.map(|field| (field.key.to_owned(), good(field.takes))).collect())
}

/// Calls with every sample in every place of a shape; `put` makes the document of the map.
fn of_shape(name: &str, shape: &Shape, put: &dyn Fn(Value) -> Value, found: &mut Vec<Sample>) {
    let base = needed(shape);
    let with = |key: &str, value: Value| {
        let mut map = base.clone();
        map[key] = value;
        put(map)
    };
    for field in shape.fields {
        of_field(&format!("{name}.{}", field.key), field.takes, &|value| with(field.key, value), found);
        if field.needed {
            let mut map = base.as_object().cloned().unwrap_or_default();
            map.remove(field.key);
            found.push(Sample { name: format!("{name} without {}", field.key), document: put(map.into()) });
        }
    }
    let document = with("no such key", json!("a"));
    found.push(Sample { name: format!("{name}.no such key"), document });
    for [one, other] in shape.apart {
        let takes = |key: &str| shape.fields.iter().find(|f| f.key == key).map(|f| good(f.takes));
        let mut map = base.clone();
        map[*one] = takes(one).unwrap_or_default();
        map[*other] = takes(other).unwrap_or_default();
        found.push(Sample { name: format!("{name}: {one} and {other}"), document: put(map) });
    }
}

fn of_field(name: &str, takes: Takes, put: &dyn Fn(Value) -> Value, found: &mut Vec<Sample>) {
    for sample in samples() {
        found.push(Sample { name: format!("{name} = {sample}"), document: put(sample) });
    }
    match takes {
        Takes::Fields(shape) | Takes::TextOr(shape) => of_shape(name, shape, put, found),
        Takes::OrNull(one) => of_field(name, *one, put, found),
        Takes::List(item) => of_field(&format!("{name}[]"), *item, &|value| put(json!([value])), found),
        Takes::Entries(_, each) => {
            of_field(&format!("{name}.*"), *each, &|value| put(json!({"a": value})), found);
        }
        Takes::WordOf(words) => {
            found.extend(
                words()
                    .into_iter()
                    .map(|word| Sample { name: format!("{name} = {word}"), document: put(json!(word)) }),
            );
        }
        Takes::Word(words) => {
            found.extend(
                words
                    .iter()
                    .map(|word| Sample { name: format!("{name} = {word}"), document: put(json!(word)) }),
            );
        }
        Takes::Text
        | Takes::Literal
        | Takes::Like(_)
        | Takes::Flag
        | Takes::Number
        | Takes::Limit
        | Takes::Time
        | Takes::Length
        | Takes::Free(_)
        | Takes::Tree
        | Takes::Refused
        | Takes::Anything => {}
    }
}

/// What the reader of definitions says of a document's shape.
fn reader(path: &str, document: &Value) -> Vec<String> {
    let at = At::Directory { path: "law".into(), digest: 0 };
    let revision = RepositoryRevision { repository: RepositoryName::main(), at };
    let bytes = document.to_string().into_bytes();
    let files = Files::from([(Arc::from(path), bytes.into())]);
    let snapshot = Snapshot { revision, files, ignored: Vec::new(), findings: Vec::new() };
    let definitions = pipeline::definitions(&Sources::alone(snapshot));
    let findings = definitions.findings.iter().filter(|finding| is_of_shape(finding));
    findings.map(|finding| format!("{} {}", finding.rule.name(), finding.message)).collect()
}

fn judge(
    kind: Kind,
    samples: &[Sample],
    reader: &dyn Fn(&Value) -> Vec<String>,
    exceptions: &[(&str, &str)],
) -> Result<()> {
    let validator = validator(kind)?;
    let (mut disagreed, mut used) = (Vec::new(), BTreeSet::new());
    let (mut accepted, mut refused) = (0, 0);
    for Sample { name, document } in samples {
        let (read, valid) = (reader(document), validator.is_valid(document));
        accepted += usize::from(read.is_empty() && valid);
        refused += usize::from(!read.is_empty() && !valid);
        if read.is_empty() != valid {
            match exceptions.iter().find(|(pattern, _)| name.contains(pattern)) {
                Some((pattern, _)) => drop(used.insert(*pattern)),
                None => disagreed.push(format!("{name}: schema {valid}, reader {read:?}")),
            }
        }
    }
    ensure!(disagreed.is_empty(), "{} of {}:\n{}", disagreed.len(), samples.len(), disagreed.join("\n"));
    let idle: Vec<_> = exceptions.iter().filter(|(pattern, _)| !used.contains(pattern)).collect();
    ensure!(idle.is_empty(), "no exceptions any more: {idle:?}");
    ensure!(accepted > 5 && refused > 5, "both accept {accepted} and refuse {refused}");
    Ok(())
}

#[test]
fn the_schema_of_definitions_and_their_reader_judge_alike() -> Result<()> {
    let mut samples = Vec::new();
    for (kind, shape) in pipeline::shapes().0 {
        of_shape(kind, shape, &|map| map, &mut samples);
    }
    judge(
        Kind::Definitions,
        &samples,
        &|document| reader("connectors/a.yaml", document),
        &[
            (
                ".environments = {\"unknown key\":{}}",
                "the reader says that there is no such environment, which is more to the point",
            ),
            (".enum = []", "that a list must not be empty is not in the table"),
        ],
    )
}

#[test]
fn the_schema_of_a_repository_and_its_reader_judge_alike() -> Result<()> {
    let mut samples = Vec::new();
    of_shape("tagalong.yaml", pipeline::shapes().1, &|map| importing(map), &mut samples);
    judge(Kind::Repository, &samples, &|document| reader("tagalong.yaml", document), REPOSITORY)
}

/// Where the schema of a repository takes more than its reader, and why.
const REPOSITORY: &[(&str, &str)] = &[
    ("requires = ", "that a range of versions is well-formed is not in the table"),
    ("imports[].name = -5", "a pattern is for texts, and a number is none to a schema"),
    ("imports[].git = ", "that an address is well-formed is not in the table"),
    ("imports[].ref.", "that git takes a name is not in the table"),
    ("imports[].path = \"..\"", "that a folder lies inside of the import is not in the table"),
];

/// Good imports around a key, so that what is told is about its value.
fn importing(mut map: Value) -> Value {
    for import in map.get_mut("imports").and_then(Value::as_array_mut).into_iter().flatten() {
        if import.get("git") == Some(&json!("a")) {
            import["git"] = json!("https://git.example.com/x.git");
        }
        if import.get("ref") == Some(&json!({})) {
            import["ref"] = json!({"tag": "v1"});
        }
    }
    map
}

#[test]
fn the_schema_of_connects_json_and_its_reader_judge_alike() -> Result<()> {
    // A file that a connector names with `from` needs no name of its own.
    let named = |mut map: Value| {
        if map.get("name").is_none() {
            map["name"] = json!("a");
        }
        map
    };
    let mut samples = Vec::new();
    of_shape("posted", pipeline::shapes().2, &named, &mut samples);
    of_shape("listed", pipeline::shapes().2, &|map| json!([named(map)]), &mut samples);
    judge(Kind::Connect, &samples, &|document| reader("connectors/a.json", document), &[])
}

/// Where the schema of the settings takes more than their reader, and why.
const SETTINGS: &[(&str, &str)] = &[
    ("environment = ", "that a name is well-formed is not in the table"),
    ("repository.git.ref.", "the keys of a reference are judged together"),
    ("repository.git.proxy = ", "that an address is well-formed is not in the table"),
    ("git_credentials[].host = ", "that a host is well-formed is not in the table"),
    ("git_credentials[].host_key_fingerprints", "that a fingerprint is well-formed is not in the table"),
    ("repository.git.verify.what", "what is asked for and who may sign are judged together"),
    ("import_verify[].", "what is asked for and who may sign are judged together"),
    ("select.include = []", "an empty list is a list"),
    ("secrets.env_prefix = ", "that a prefix is well-formed is not in the table"),
    ("extra[] = \"\"", "an empty text is a text"),
    ("extra[].folder = \"\"", "an empty text is a text"),
    ("extra[].names = []", "an empty list is a list"),
    ("extra[].names[] = \"\"", "an empty text is a text"),
    ("secrets.folders", "that a folder is absolute is not in the table"),
    ("connect.url = ", "that an address is well-formed is not in the table"),
    ("connect.basic_auth.", "a user name and its password are judged together"),
    ("connect.headers = ", "that a header is well-formed is not in the table"),
    ("connect.client_", "a certificate and its key are judged together"),
    ("http.listen = ", "that an address is well-formed is not in the table"),
];

/// Good settings around a key, so that what is told is about its value.
fn around(key: &str) -> Value {
    let mut settings = json!({"connect": {"url": "https://connect:8083"}});
    if key != "repository.dir" {
        lay(&mut settings, "repository.git.url", json!("https://git.example.com/x.git"));
    }
    if key != "repository.dir" && !key.starts_with("repository.git.ref.") {
        lay(&mut settings, "repository.git.ref.tag", json!("v1"));
    }
    let beside = match key {
        "connect.basic_auth.username" => "connect.basic_auth.password_file",
        "connect.basic_auth.password" | "connect.basic_auth.password_file" => "connect.basic_auth.username",
        "connect.client_key_file" => "connect.client_certificate_file",
        "connect.client_certificate_file" => "connect.client_key_file",
        _ => return settings,
    };
    lay(&mut settings, beside, json!("a"));
    settings
}

/// Puts a value under a path.
fn lay(settings: &mut Value, path: &str, value: Value) {
    let (word, rest) = path.split_once('.').map_or((path, None), |(word, rest)| (word, Some(rest)));
    let below = &mut settings[word];
    match rest {
        Some(rest) => lay(below, rest, value),
        None => *below = value,
    }
}

#[test]
fn the_schema_of_settings_and_their_reader_judge_alike() -> Result<()> {
    let mut samples = Vec::new();
    // The schema is of every build.
    let is_built = |key: &str| cfg!(feature = "openpgp") || !key.ends_with("openpgp_keys_file");
    for Field { key, takes, .. } in settings::shape::fields().into_iter().filter(|field| is_built(field.key))
    {
        let put = |value: Value| {
            let mut settings = around(key);
            lay(&mut settings, key, value);
            settings
        };
        of_field(key, takes, &put, &mut samples);
        let above = key.rsplit_once('.').map_or("", |(above, _)| above);
        let mut stray = json!({});
        lay(&mut stray, format!("{above}.no such key").trim_start_matches('.'), json!(1));
        samples.push(Sample { name: format!("{above} with a stray key"), document: stray });
    }
    let reader = |document: &Value| {
        let bytes = document.to_string().into_bytes();
        let written = Written { file: Some(("x", &bytes)), ..Written::default() };
        let (_, findings) = Settings::read(&written, &[]);
        findings
            .iter()
            .filter(|finding| is_of_shape(finding))
            .map(|finding| format!("{} {}", finding.rule.name(), finding.message))
            .collect()
    };
    judge(Kind::Settings, &samples, &reader, SETTINGS)
}
