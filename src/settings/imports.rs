//! How repositories of templates are reached: what the settings say, whatever a repository asks for.
//!
//! Takes raw settings, gives options for all imports together. Which imports there are is said by the
//! definitions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::model::finding::{Finding, Place};
use crate::model::revision::RepositoryName;
use crate::model::rule::Rule;
use crate::repo::credential::Credential;
use crate::repo::options::{Authorities, ImportOptions, Proxy, Verification};
use crate::settings::plain::{Found, length_of, path, text};
use crate::settings::raw::RawSettings;
use crate::settings::verify;
use crate::yaml::decode;
use crate::yaml::tree::{Kind, Node};

/// Checks what concerns imports. They are reached like the main repository; credentials are bound to
/// hosts, and a private authority counts for the main repository's own host.
pub fn imports(
    raw: &RawSettings,
    credentials: Vec<Credential>,
    proxy: Proxy,
    verify: Option<Verification>,
    found: Found<'_>,
) -> Option<ImportOptions> {
    let mut folders = BTreeMap::new();
    for node in &raw.folders {
        folders.extend(of_node(node, found));
    }
    let deadline = length_of(raw, "repository.git.deadline", found);
    let authorities = path(raw, "repository.git.ca_file", found).zip(text(raw, "repository.git.url", found));
    Some(ImportOptions {
        folders,
        deadline: deadline?,
        credentials,
        authorities: authorities.map(|(file, url)| Authorities { file, of: url.as_str().to_owned() }),
        proxy,
        scratch: path(raw, "scratch_dir", found),
        verify_at: verify::imports(raw, verify.as_ref(), found),
        verify,
    })
}

/// Reads a map of folders, or one `NAME=DIR` as it is typed.
fn of_node(node: &Node, found: Found<'_>) -> Vec<(RepositoryName, PathBuf)> {
    match &node.kind {
        Kind::Mapping(entries) => {
            let one = |entry: &crate::yaml::tree::Entry| {
                let name = name(entry.key.as_str(), &entry.key.place, found);
                let folder = decode::text("a folder of `imports`", &entry.value, found);
                Some((name?, PathBuf::from(folder?.as_str())))
            };
            entries.iter().filter_map(one).collect()
        }
        Kind::Scalar(pair) => {
            if let Some((name_of, folder)) =
                pair.as_str().split_once('=').filter(|(_, folder)| !folder.is_empty())
            {
                return name(name_of, &pair.place, found)
                    .map(|name| (name, PathBuf::from(folder)))
                    .into_iter()
                    .collect();
            }
            let message = "an import is no pair of a name and a folder";
            let finding = Finding::new(Rule::WrongValue, pair.place.clone(), message);
            found.push(
                finding.hint("write it like `--import platform=../platform`, or `{platform: ../platform}`"),
            );
            Vec::new()
        }
        Kind::Empty | Kind::Null | Kind::Sequence(_) | Kind::Refused => {
            found.extend(decode::wrong_type("`imports`", "a map of folders by name", node));
            Vec::new()
        }
    }
}

fn name(text: &str, place: &Place, found: Found<'_>) -> Option<RepositoryName> {
    let name = RepositoryName::import(text);
    if name.is_none() {
        let finding =
            Finding::new(Rule::WrongValue, place.clone(), format!("{text:?} is no name of an import"));
        found.push(finding.hint("write the name that it has in `tagalong.yaml`"));
    }
    name
}
