//! Which file a connector's `from` names.
//!
//! Takes paths as they were written, gives paths of the repository, or says in a finding why not.
//! Reading that file is left to others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::finding::Finding;
use crate::model::rule::Rule;
use crate::model::snapshot::Files;
use crate::model::text::Text;
use crate::yaml::decode::nearest;
use crate::yaml::tree::{Document, Kind, Node};

const ENDINGS: [&str; 3] = [".json", ".yaml", ".yml"];

/// The files that these files name with `from` and that are not among them: those outside of the
/// three folders, and those that are nowhere.
pub fn named(files: &Files) -> BTreeSet<Arc<str>> {
    let mut named = BTreeSet::new();
    for (path, bytes) in files {
        // Most files name none, and are not read for it. A key may be spelled with escapes.
        let speaks = bytes.contains(&b'\\') || bytes.windows(4).any(|four| four == b"from");
        if path.ends_with(".json") || !speaks {
            continue;
        }
        let (documents, _) = crate::yaml::documents(path, bytes);
        let targets = documents.iter().filter_map(written).filter_map(|text| target(path, text).ok());
        named.extend(targets.filter(|target| !files.contains_key(target)));
    }
    named
}

/// What a connector's document says under `from`.
fn written(document: &Document) -> Option<&Text> {
    let Kind::Mapping(entries) = &document.root.kind else { return None };
    let get = |key: &str| entries.iter().find(|entry| entry.key.as_str() == key).map(|entry| &entry.value);
    match (get("connector"), get("from")) {
        (Some(_), Some(Node { kind: Kind::Scalar(text), .. })) => Some(text),
        _ => None,
    }
}

/// The path that a text in a file names.
pub fn target(file: &str, from: &Text) -> Result<Arc<str>, Finding> {
    let text = from.as_str();
    let wrong = |message: &str, hint: &str| {
        Finding::new(Rule::FromFile, from.place.clone(), message).hint(hint.to_owned())
    };
    if text.starts_with('/') || text.contains('\\') || text.contains("://") {
        return Err(wrong(
            "this is no path relative to this file",
            "write it like `audit.json` or `../legacy/audit.json`",
        ));
    }
    let mut path: Vec<&str> = file.split('/').collect();
    path.pop();
    for name in text.split('/') {
        match name {
            ".." if path.pop().is_none() => {
                return Err(wrong("this path leads out of the repository", "put the file inside of it"));
            }
            name if name.starts_with('.') && !matches!(name, "." | "..") => {
                return Err(wrong(
                    "names that begin with a dot are never read",
                    "rename the file or the folder",
                ));
            }
            "" | "." | ".." => {}
            name => path.push(name),
        }
    }
    if !ENDINGS.iter().any(|ending| text.ends_with(ending)) {
        return Err(wrong(
            "this is neither a JSON nor a YAML file",
            "name a `.json`, `.yaml` or `.yml` file",
        ));
    }
    Ok(path.join("/").into())
}

/// Says that the file is not there.
pub fn missing(from: &Text, target: &str, files: &Files) -> Finding {
    let is_below = |path: &Arc<str>| path.strip_prefix(target).is_some_and(|rest| rest.starts_with('/'));
    let told = |message: String| Finding::new(Rule::FromFile, from.place.clone(), message);
    if files.keys().any(is_below) {
        return told(format!("`{target}` is a folder")).hint("name a file in it");
    }
    let finding = told(format!("there is no file `{target}` that could be read"));
    let file = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let names: BTreeMap<String, &Arc<str>> =
        files.keys().filter(|path| **path != from.place.path).map(|path| (file(path), path)).collect();
    match nearest(&file(target), names.keys().map(String::as_str)) {
        Some(near) => finding.hint(format!("did you mean `{}`?", names[near])),
        None => finding.hint("write the path relative to this file, and add the file to the repository"),
    }
}

/// Says that the file holds something else than one connector.
pub fn not_one(from: &Text, target: &str, what: &str) -> Finding {
    let message = format!("`{target}` {what}");
    Finding::new(Rule::FromFile, from.place.clone(), message)
        .hint("name a file with one connector in Connect's JSON, or with one Strimzi manifest")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Place;

    fn leads(from: &str) -> String {
        let text = Text::plain(from, Place::start_of("connectors/team/a.yaml"));
        match target("connectors/team/a.yaml", &text) {
            Ok(path) => path.to_string(),
            Err(finding) => finding.message,
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_never_the_one_that_names_it() {
        let from = Text::plain("../one/a.yaml", Place::start_of("two/a.yaml"));
        let mut files = Files::from([("two/a.yaml".into(), Arc::from([]))]);
        let hint = |files: &Files| missing(&from, "one/a.yaml", files).hint.unwrap_or_default();
        assert!(hint(&files).starts_with("write the path"), "{}", hint(&files));
        files.insert("two/aa.yaml".into(), Arc::from([]));
        assert_eq!(hint(&files), "did you mean `two/aa.yaml`?");
    }

    #[test]
    fn a_path_is_relative_to_the_file_that_names_it_and_stays_inside() {
        assert_eq!(leads("b.json"), "connectors/team/b.json");
        assert_eq!(leads("./b.json"), "connectors/team/b.json");
        assert_eq!(leads("../b.yml"), "connectors/b.yml");
        assert_eq!(leads("../../legacy//b.json"), "legacy/b.json");
        assert_eq!(leads("x/../b.json"), "connectors/team/b.json");
        for (from, said) in [
            ("/etc/b.json", "relative"),
            ("..\\b.json", "relative"),
            ("https://example.com/b.json", "relative"),
            ("../../../b.json", "leads out"),
            ("../../../connectors/b.json", "leads out"),
            ("../../.git/b.json", "dot"),
            ("b.tf", "neither"),
            ("../..", "neither"),
            ("", "neither"),
        ] {
            assert!(leads(from).contains(said), "{from}: {}", leads(from));
        }
    }
}
