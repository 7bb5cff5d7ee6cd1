//! What of the place definitions may name as secrets.
//!
//! Takes `secrets.*` and the files that other settings name, gives the options of the room that reads
//! secrets. A prefix or a folder that would open what is the agent's own is refused here.

use std::path::{Component, Path, PathBuf};

use crate::model::finding::Finding;
use crate::model::password::Password;
use crate::model::rule::Rule;
use crate::repo::credential::Credential;
use crate::secrets::Options;
use crate::settings::keys::{KEYS, variable};
use crate::settings::plain::{Found, path, text, wrong};
use crate::settings::raw::{NOT_SETTINGS, RawSettings};
use crate::yaml::decode;

/// Files of the agent that hold secrets of its own.
const OWN: &[&str] = &[
    "connect.basic_auth.password_file",
    "connect.bearer_token_file",
    "connect.client_key_file",
    "http.token_file",
    "http.webhook_secret_file",
];

/// Checks the prefix and the folders; `credentials` are those for git.
pub fn secrets(raw: &RawSettings, credentials: &[Credential], found: Found<'_>) -> Option<Options> {
    let prefix = prefix(raw, found);
    let folders = folders(raw, found);
    // What is wrong with them is told where they are used.
    let mut own: Vec<PathBuf> = OWN.iter().filter_map(|key| path(raw, key, &mut Vec::new())).collect();
    for Credential { host: _, username: _, password, ca_file: _, ssh_key_file, host_keys: _ } in credentials {
        if let Some(Password::File(file)) = password {
            own.push(file.clone());
        }
        own.extend(ssh_key_file.clone());
    }
    Some(Options { env_prefix: prefix?, folders, own })
}

fn prefix(raw: &RawSettings, found: Found<'_>) -> Option<String> {
    const KEY: &str = "secrets.env_prefix";
    let written = text(raw, KEY, found)?;
    let prefix = written.as_str();
    let mut refuse = |why: &str| {
        found.push(wrong(raw, KEY, why).hint("write a word that ends with `_`, such as `TAGALONG_SECRET_`"));
        None
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !prefix.ends_with('_')
        || !prefix.starts_with(|c: char| c.is_ascii_alphabetic())
        || !prefix.chars().all(plain)
    {
        return refuse("is no word of letters, digits and `_` that ends with `_`");
    }
    let settings = KEYS.iter().map(|key| variable(key.path));
    let own = settings.chain(NOT_SETTINGS.iter().map(|&name| name.to_owned()));
    if own.into_iter().any(|own| own.starts_with(prefix)) {
        return refuse("is how variables of the agent's own begin, and no definition may name those");
    }
    Some(prefix.to_owned())
}

fn folders(raw: &RawSettings, found: Found<'_>) -> Vec<PathBuf> {
    const KEY: &str = "secrets.folders";
    let Some(node) = raw.get(KEY) else { return Vec::new() };
    let written = decode::texts(&format!("`{KEY}`"), node, found).unwrap_or_default();
    let mut folders = Vec::new();
    for text in &written {
        let path = Path::new(text.as_str());
        match refused(path) {
            Some(why) => found.push(
                Finding::new(Rule::WrongValue, text.place.clone(), format!("a folder of `{KEY}` {why}"))
                    .hint("name a folder that holds nothing but secrets of connectors, such as `/run/secrets/connectors`"),
            ),
            None => folders.push(path.to_owned()),
        }
    }
    folders
}

fn refused(folder: &Path) -> Option<&'static str> {
    if !folder.is_absolute() {
        Some("is not absolute")
    } else if folder.components().any(|part| part == Component::ParentDir) {
        Some("has `..` in it")
    } else if folder.parent().is_none() {
        Some("is the root, so everything could be read")
    } else if Options::is_kernels(folder) {
        Some("is the kernel's, where the agent's own variables stand")
    } else {
        None
    }
}
