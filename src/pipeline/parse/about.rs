//! Reads `tagalong.yaml`: what a repository says of itself.

use crate::model::definition::About;
use crate::model::finding::Finding;
use crate::model::rule::Rule;
use crate::yaml::decode;
use crate::yaml::tree::{Kind, Node};

/// Reads what stands there; what cannot be read is as if nobody had said it.
pub fn about(root: &Node, findings: &mut Vec<Finding>) -> About {
    const KEYS: &[&str] = &["version", "requires", "imports", "config_providers"];
    let mut about = About::default();
    if matches!(root.kind, Kind::Empty) {
        return about;
    }
    let Some(fields) = decode::fields("tagalong.yaml", root, KEYS, findings) else { return about };
    if let Some(version) = fields.get("version") {
        decode::choice("`version`", version, &[("1", ())], findings);
    }
    for (key, hint) in
        [("requires", "remove it"), ("imports", "remove it, and keep all templates in this repository")]
    {
        if let Some(entry) = fields.entry(key) {
            let message = format!("this version does not read `{key}`");
            findings.push(Finding::new(Rule::Unsupported, entry.key.place.clone(), message).hint(hint));
        }
    }
    if let Some(list) = fields.get("config_providers") {
        about.config_providers = decode::texts("`config_providers`", list, findings);
    }
    about
}
