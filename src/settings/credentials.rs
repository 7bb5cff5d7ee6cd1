//! What is shown to which git server, and whom to take for it.
//!
//! Takes `git_credentials`, gives the options of the room that shows them, or says in a finding why an
//! item cannot be used. Reading the files that are named is left to that room.

use std::path::PathBuf;

use crate::model::finding::Finding;
use crate::model::password::Password;
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::repo::credential::{Credential, Fingerprint, Host, HostKeys};
use crate::settings::plain::Found;
use crate::settings::raw::RawSettings;
use crate::settings::shape::CREDENTIAL;
use crate::yaml::decode::{self, Fields};
use crate::yaml::tree::Node;

/// Checks every credential.
pub fn credentials(raw: &RawSettings, found: Found<'_>) -> Vec<Credential> {
    let Some(node) = raw.get("git_credentials") else { return Vec::new() };
    let Some(items) = decode::list("`git_credentials`", node, found) else { return Vec::new() };
    items.iter().filter_map(|item| credential(item, found)).collect()
}

fn credential(node: &Node, found: Found<'_>) -> Option<Credential> {
    let fields = decode::fields("a credential", node, &CREDENTIAL, found)?;
    one_of(
        &fields,
        node,
        ["password", "password_file"],
        "keep `password_file`: a file can be kept from others",
        found,
    );
    one_of(
        &fields,
        node,
        ["known_hosts_file", "host_key_fingerprints"],
        "keep one of them: a revoked key in the file would count for nothing beside a fingerprint",
        found,
    );
    let host = host(&fields, node, found);
    let host_keys = host_keys(&fields, found);
    let text = |key: &str, found: Found<'_>| Some(text(&fields, key, found)?.as_str().to_owned());
    let username = text("username", found);
    let password = text("password_file", found)
        .map(|file| Password::File(file.into()))
        .or_else(|| text("password", found).map(Password::Text));
    let ca_file = text("ca_file", found).map(PathBuf::from);
    let ssh_key_file = text("ssh_key_file", found).map(PathBuf::from);
    Some(Credential { host: host?, username, password, ca_file, ssh_key_file, host_keys })
}

fn host(fields: &Fields<'_>, node: &Node, found: Found<'_>) -> Option<Host> {
    let Some(text) = text(fields, "host", found).filter(|text| !text.as_str().is_empty()) else {
        let finding = Finding::new(Rule::MissingKey, node.place.clone(), "a credential names no host");
        found.push(finding.hint("add `host: git.example.com`: a credential is shown to no other"));
        return None;
    };
    let host = Host::new(text.as_str());
    if host.is_none() {
        let finding = Finding::new(Rule::WrongValue, text.place.clone(), "the host of a credential is none");
        found.push(finding.hint(
            "write `git.example.com`, `git.example.com:8443` or `http://git.example.com:8080`, without a user and a path",
        ));
    }
    host
}

fn host_keys(fields: &Fields<'_>, found: Found<'_>) -> HostKeys {
    if let Some(file) = text(fields, "known_hosts_file", found) {
        return HostKeys::File(PathBuf::from(file.as_str()));
    }
    let Some(node) = fields.set("host_key_fingerprints") else { return HostKeys::Users };
    let texts = decode::texts("`host_key_fingerprints`", node, found).unwrap_or_default();
    let mut refuse = |place, message: &str| {
        let finding = Finding::new(Rule::WrongValue, place, message);
        found.push(finding.hint("write what `ssh-keygen -lf KEY` says: `SHA256:` and 43 characters"));
    };
    let mut pinned = Vec::new();
    for text in &texts {
        match Fingerprint::new(text.as_str()) {
            Some(fingerprint) => pinned.push(fingerprint),
            None => refuse(text.place.clone(), "this is no SHA-256 of a host key"),
        }
    }
    if texts.is_empty() {
        refuse(node.place.clone(), "no host key is named, so no host could be spoken to");
    }
    HostKeys::Fingerprints(pinned)
}

fn text(fields: &Fields<'_>, key: &str, found: Found<'_>) -> Option<Text> {
    decode::text(&format!("`{key}`"), fields.set(key)?, found)
}

fn one_of(fields: &Fields<'_>, node: &Node, [one, other]: [&str; 2], hint: &str, found: Found<'_>) {
    if fields.set(one).is_some() && fields.set(other).is_some() {
        let message = format!("a credential has both `{one}` and `{other}`");
        found.push(Finding::new(Rule::WrongValue, node.place.clone(), message).hint(hint));
    }
}
