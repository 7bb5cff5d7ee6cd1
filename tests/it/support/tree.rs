//! A tree of YAML as JSON, to ask for what lies deep in it.

use anyhow::{Result, ensure};
use serde_json::Value;
use tagalong::yaml;
use tagalong::yaml::tree::{Kind, Node};

/// Reads a file of one document.
pub fn read(name: &str, text: &str) -> Result<Value> {
    let (documents, findings) = yaml::documents(name, text.as_bytes());
    ensure!(findings.is_empty() && documents.len() == 1, "{findings:#?}");
    Ok(json(&documents[0].root))
}

/// A tree as JSON; every scalar is a text.
pub fn json(node: &Node) -> Value {
    match &node.kind {
        Kind::Empty | Kind::Null | Kind::Refused => Value::Null,
        Kind::Scalar(text) => text.as_str().into(),
        Kind::Sequence(items) => items.iter().map(json).collect(),
        Kind::Mapping(entries) => {
            entries.iter().map(|entry| (entry.key.as_str().to_owned(), json(&entry.value))).collect()
        }
    }
}
