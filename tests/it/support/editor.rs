//! What an editor sees in a file: YAML's core schema makes numbers, true, false and null of what stands without
//! quotes, and a JSON Schema judges that.

use anyhow::{Result, anyhow};
use serde_json::{Map, Number, Value};
use tagalong::cli::schema::Kind;
use tagalong::model::text::Text;
use tagalong::yaml;
use tagalong::yaml::tree::{Kind as Is, Node};

/// The documents of a file as an editor sees them; none where it cannot be read.
pub fn documents(path: &str, bytes: &[u8]) -> Option<Vec<Value>> {
    let (documents, findings) = if is_json(path) {
        let (document, findings) = yaml::json(path, bytes);
        (document.into_iter().collect(), findings)
    } else {
        yaml::documents(path, bytes)
    };
    findings.is_empty().then(|| documents.iter().map(|document| value(&document.root)).collect())
}

/// Whether a file is JSON.
pub fn is_json(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension == "json")
}

/// The kind of file that a path names; none where no schema is for it.
pub fn kind(path: &str) -> Option<Kind> {
    let folder = path.split('/').next().unwrap_or_default();
    match folder {
        "tagalong.yaml" | "tagalong.yml" => Some(Kind::Repository),
        _ if path.ends_with("settings.yaml") || path.ends_with("settings.example.yaml") => {
            Some(Kind::Settings)
        }
        "connectors" if is_json(path) => Some(Kind::Connect),
        "templates" | "environments" if is_json(path) => None,
        "templates" | "connectors" | "environments" => Some(Kind::Definitions),
        _ => None,
    }
}

/// What is wrong with a value, by the schema of a kind.
pub fn wrong(validator: &jsonschema::Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect()
}

/// The judge of a kind of file.
pub fn validator(kind: Kind) -> Result<jsonschema::Validator> {
    let schema: Value = serde_json::from_str(&kind.schema())?;
    jsonschema::draft202012::new(&schema).map_err(|error| anyhow!("{}: {error}", kind.name()))
}

fn value(node: &Node) -> Value {
    match &node.kind {
        Is::Empty | Is::Null | Is::Refused => Value::Null,
        Is::Scalar(text) => scalar(text),
        Is::Sequence(items) => Value::Array(items.iter().map(value).collect()),
        Is::Mapping(entries) => {
            let pairs = entries.iter().map(|entry| (entry.key.as_str().to_owned(), value(&entry.value)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}

fn scalar(text: &Text) -> Value {
    let written = text.as_str();
    let plain = || Value::String(written.to_owned());
    if !text.is_bare() {
        return plain();
    }
    let unsigned = written.strip_prefix(['-', '+']).unwrap_or(written);
    match written {
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            number(written).map_or_else(plain, Value::Number)
        }
        _ => plain(),
    }
}

/// `010` is ten in YAML 1.2, and a number in every version.
fn number(written: &str) -> Option<Number> {
    let prefixed = |prefix, radix| i64::from_str_radix(written.strip_prefix(prefix)?, radix).ok();
    let integer = written.parse().ok().or_else(|| prefixed("0x", 16)).or_else(|| prefixed("0o", 8));
    integer.map(Number::from).or_else(|| Number::from_f64(written.parse().ok()?))
}
