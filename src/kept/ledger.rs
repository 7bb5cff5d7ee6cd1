//! The form in which digests are written down, with their key: JSON under a seal.
//!
//! Takes values, gives bytes, and the other way round. No secret can be read from it; who has the file can try
//! what a secret might be, which is why only its user may read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::kept::error::Doubt;
use crate::kept::key::Key;
use crate::kept::seal::Seal;
use crate::model::ledger::{Digest, Entry, Ledger};
use crate::model::name::ConnectorName;

/// What stands before a digest that was only assumed.
const ASSUMED: char = '~';

/// What every version begins the file with, and the form that this one reads and writes.
const SEAL: Seal = Seal { what: "digests", format: 1 };

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// Whose it is.
    of: String,
    /// In base64.
    key: String,
    /// By connector and key: in base64 the digest of what is there, behind a `~` where that was assumed, or nothing where
    /// it is owed.
    connectors: BTreeMap<String, BTreeMap<String, Option<String>>>,
}

/// Writes them down for whom this is the mark of.
pub fn encode(key: &Key, ledger: &Ledger, mark: &str) -> Vec<u8> {
    let entry = |entry: &Entry| match entry {
        Entry::Settled(digest) => Some(STANDARD.encode(digest.bytes())),
        Entry::Assumed(digest) => Some(format!("{ASSUMED}{}", STANDARD.encode(digest.bytes()))),
        Entry::Owed => None,
    };
    let of = |(name, entries): (&ConnectorName, &BTreeMap<Arc<str>, Entry>)| {
        let entries = entries.iter().map(|(key, one)| (key.to_string(), entry(one))).collect();
        (name.as_str().to_owned(), entries)
    };
    let document = Document {
        of: mark.to_owned(),
        key: STANDARD.encode(key.kept()),
        connectors: ledger.iter().map(of).collect(),
    };
    SEAL.put(&serde_json::to_vec(&document).expect("texts and maps can be written"))
}

/// Reads what was written down for the same.
pub fn decode(bytes: &[u8], mark: &str) -> Result<(Key, Ledger), Doubt> {
    let body = SEAL.take(bytes)?;
    let document: Document = serde_json::from_slice(body).map_err(|_| Doubt::Version)?;
    if document.of != mark {
        return Err(Doubt::Foreign);
    }
    let key = STANDARD.decode(document.key).ok().and_then(|bytes| Key::from_kept(&bytes));
    let connectors = document.connectors.into_iter();
    let ledger: Option<Ledger> = connectors
        .map(|(name, entries)| {
            let entries = entries.into_iter().map(|(key, text)| Some((key.into(), entry(text)?)));
            Some((ConnectorName::observed(&name), entries.collect::<Option<_>>()?))
        })
        .collect();
    key.zip(ledger).ok_or(Doubt::Version)
}

fn entry(text: Option<String>) -> Option<Entry> {
    let Some(text) = text else { return Some(Entry::Owed) };
    let (text, entry): (_, fn(Digest) -> Entry) = match text.strip_prefix(ASSUMED) {
        Some(text) => (text, Entry::Assumed),
        None => (&text, Entry::Settled),
    };
    let bytes = STANDARD.decode(text).ok()?;
    Some(entry(Digest::new(bytes.try_into().ok()?)))
}
