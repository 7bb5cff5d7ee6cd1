//! The files that credentials are read from, and who may sign, as far as they show that they were renewed.
//!
//! Takes the options of repositories, says whether one of their files is another than before. Nothing
//! of what they hold is read here.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::files;
use crate::model::password::Password;
use crate::repo::credential::{Credential, HostKeys};
use crate::repo::options::{ImportOptions, Verification};

/// What tells a file from the one that stood there before; a mounted secret is swapped by a link.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

/// The files of some credentials, and of those who may sign.
#[derive(Debug)]
pub struct Keys {
    files: Vec<PathBuf>,
    marks: Vec<Option<Mark>>,
}

impl Keys {
    /// The files of these options as they are now.
    pub fn of(options: &ImportOptions) -> Self {
        let at = options.verify_at.iter().filter_map(|at| at.verify.as_ref());
        let signers = options.verify.iter().chain(at).flat_map(Verification::files).cloned();
        let files: Vec<_> = credential_files(&options.credentials).chain(signers).collect();
        let marks = marks(&files);
        Self { files, marks }
    }

    /// The files.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Whether one of them is another than when this was last asked.
    pub fn are_renewed(&mut self) -> bool {
        let before = std::mem::replace(&mut self.marks, marks(&self.files));
        self.marks != before
    }
}

fn credential_files(credentials: &[Credential]) -> impl Iterator<Item = PathBuf> {
    credentials.iter().flat_map(|credential| {
        let Credential { host: _, username: _, password, ca_file, ssh_key_file, host_keys } = credential;
        let password = match password {
            Some(Password::File(path)) => Some(path),
            Some(Password::Text(_)) | None => None,
        };
        let known_hosts = match host_keys {
            HostKeys::File(path) => Some(path),
            HostKeys::Users | HostKeys::Fingerprints(_) => None,
        };
        [password, ca_file.as_ref(), ssh_key_file.as_ref(), known_hosts].into_iter().flatten().cloned()
    })
}

fn marks(files: &[PathBuf]) -> Vec<Option<Mark>> {
    let mark = |path: &PathBuf| {
        // One that is not there, or not to be seen, is a state like another.
        let seen = files::metadata(path).ok()?;
        let modified = (seen.mtime(), seen.mtime_nsec());
        Some(Mark { device: seen.dev(), inode: seen.ino(), length: seen.len(), modified })
    };
    files.iter().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::model::signature::What;
    use crate::repo::credential::Host;
    use crate::repo::options::{ImportVerification, Proxy};

    #[test]
    fn a_file_that_comes_changes_or_goes_is_seen_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for (name, text) in [("one", "first"), ("two", "other")] {
            fs::write(at(name), text).expect("written");
        }
        let link = |to: &str| {
            std::os::unix::fs::symlink(to, at("next")).expect("linked");
            fs::rename(at("next"), at("password")).expect("swapped");
        };
        let credential = Credential {
            password: Some(Password::File(at("password"))),
            ssh_key_file: Some(at("key")),
            ..Credential::at(Host::new("git.example.com").expect("a host"))
        };
        let signers = |name: &str| {
            let (ssh, openpgp) = (at(name), at(&format!("{name}.gpg")));
            Some(Verification {
                what: What::Tag,
                allowed_signers_file: Some(ssh),
                openpgp_keys_file: Some(openpgp),
            })
        };
        let own = ImportVerification { git: "https://git.example.com/x".into(), verify: signers("own") };
        let mut keys = Keys::of(&ImportOptions {
            credentials: vec![credential],
            verify: signers("signers"),
            verify_at: vec![own],
            folders: BTreeMap::new(),
            deadline: Duration::from_secs(1),
            authorities: None,
            proxy: Proxy::Nothing,
            scratch: None,
        });
        let mut seen = || [keys.are_renewed(), keys.are_renewed()];
        assert_eq!(seen(), [false, false]);
        link("one");
        assert_eq!(seen(), [true, false], "it comes");
        link("two");
        assert_eq!(seen(), [true, false], "it is swapped for one of the same length");
        fs::write(at("key"), "key").expect("written");
        assert_eq!(seen(), [true, false], "another file");
        fs::remove_file(at("password")).expect("removed");
        assert_eq!(seen(), [true, false], "it goes");
        for name in ["signers", "own", "signers.gpg", "own.gpg"] {
            fs::write(at(name), "ada").expect("written");
            assert_eq!(seen(), [true, false], "{name}: who may sign");
        }
    }
}
