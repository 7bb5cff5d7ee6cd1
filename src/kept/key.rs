//! The key that digests of desired values are made with.
//!
//! Takes what is desired, gives a digest of each value. The key is made at random, by each agent for itself, and is
//! written nowhere but beside the digests. What follows from them is left to `pipeline::owing`.

use std::fmt;

use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::model::config::{Config, Value};
use crate::model::desired::Desired;
use crate::model::ledger::{Digest, Wanted};
use crate::model::name::ConnectorName;

/// How long a key is.
const LENGTH: usize = 32;

/// A key. It cannot be printed.
#[derive(Clone)]
pub struct Key {
    bytes: [u8; LENGTH],
    key: hmac::Key,
}

impl Key {
    /// A new one.
    pub fn random() -> Self {
        let mut bytes = [0; LENGTH];
        SystemRandom::new().fill(&mut bytes).expect("the system has random bytes for TLS as well");
        Self::new(bytes)
    }

    /// One that was made before; none where it has not its length.
    pub(in crate::kept) fn from_kept(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::new)
    }

    /// What is kept of it.
    pub(in crate::kept) fn kept(&self) -> &[u8] {
        &self.bytes
    }

    fn new(bytes: [u8; LENGTH]) -> Self {
        Self { bytes, key: hmac::Key::new(hmac::HMAC_SHA256, &bytes) }
    }

    /// A digest of each value that is desired. Connectors that lack a secret hold stand-ins, and are left out.
    pub fn digests(&self, desired: &Desired) -> Wanted {
        let of = |(name, config): (&ConnectorName, &Config)| {
            let each = config.iter().map(|(key, value)| (key.into(), self.digest(name, key, value)));
            (name.clone(), each.collect())
        };
        let known = desired.connectors.iter().filter(|(name, _)| !desired.unresolved.contains_key(*name));
        known.map(|(name, wanted)| (name, &wanted.config)).map(of).collect()
    }

    /// The name and the key go in as well, so that nobody sees where a password is used twice.
    fn digest(&self, name: &ConnectorName, key: &str, value: &Value) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [name.as_str(), key, value.expose()] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut bytes = [0; LENGTH];
        bytes.copy_from_slice(context.sign().as_ref());
        Digest::new(bytes)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(key)")
    }
}
