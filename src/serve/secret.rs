//! A secret that whoever tells the agent something must know.
//!
//! Takes a file, gives what it holds now: it is read whenever it is needed, so that it may be renewed.
//! What cannot be used changes nothing. Comparing takes as long for a near miss as for a far one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ring::hmac;
use tracing::{info, warn};

use crate::files;

/// The longest secret.
const LIMIT: u64 = 4096;

/// Why a file cannot be used, without anything of what it holds.
#[derive(Debug, thiserror::Error)]
#[error("failed to use `{key}`, {}", .path.display())]
pub struct Unusable {
    /// The setting that names it.
    key: &'static str,
    path: PathBuf,
    #[source]
    problem: io::Error,
}

/// A secret in a file. It cannot be printed.
pub struct Secret {
    key: &'static str,
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    good: Arc<[u8]>,
    /// Whether the file could be used when it was last read.
    usable: bool,
}

impl Secret {
    /// Reads it for the first time: here a file that cannot be used is an error.
    pub fn open(key: &'static str, path: &Path) -> Result<Self, Unusable> {
        let good = read(path).map_err(|problem| Unusable { key, path: path.to_owned(), problem })?;
        Ok(Self { key, path: path.to_owned(), state: Mutex::new(State { good, usable: true }) })
    }

    /// What it is now.
    pub fn now(&self) -> Arc<[u8]> {
        let read = read(&self.path);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(secret) => {
                if secret != state.good {
                    info!(setting = self.key, "took what was renewed into use");
                }
                *state = State { good: secret, usable: true };
            }
            Err(error) => {
                if std::mem::take(&mut state.usable) {
                    warn!(setting = self.key, %error, "could not read a secret; what was read before is kept");
                }
            }
        }
        Arc::clone(&state.good)
    }
}

fn read(path: &Path) -> io::Result<Arc<[u8]>> {
    let bytes = files::read(path, LIMIT)?;
    match bytes.trim_ascii() {
        [] => Err(io::Error::other("it is empty")),
        secret => Ok(secret.into()),
    }
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    // Which key it is does not matter: what is compared in constant time are digests that nobody can steer.
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"compare");
    hmac::verify(&key, one, hmac::sign(&key, other).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_again_and_what_cannot_be_used_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        let write = |text: &str| std::fs::write(&path, text).expect("written");
        write("first\n");
        let secret = Secret::open("http.token_file", &path).expect("a secret");
        let now = || String::from_utf8_lossy(&secret.now()).into_owned();
        assert_eq!(now(), "first");
        for bad in [String::new(), "\n \n".into(), "x".repeat(4097)] {
            write(&bad);
            assert_eq!(now(), "first");
        }
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(now(), "first");
        write("second");
        assert_eq!(now(), "second");
    }

    #[test]
    fn an_empty_secret_is_none_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        let said = || {
            let error = Secret::open("http.token_file", &path).err().expect("it cannot be used");
            let cause = std::error::Error::source(&error).expect("a cause").to_string();
            assert!(error.to_string().starts_with("failed to use `http.token_file`, "), "{error}");
            cause
        };
        assert!(said().contains("No such file"), "{}", said());
        std::fs::write(&path, "\n").expect("written");
        assert_eq!(said(), "it is empty");
    }

    #[test]
    fn only_equal_texts_are_the_same() {
        assert!(same(b"", b"") && same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abx") && !same(b"abc", b"ab") && !same(b"abc", b"") && !same(b"", b"abc"));
    }
}
