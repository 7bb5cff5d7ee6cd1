//! A private key as `ssh` takes it, for as long as one connection.
//!
//! Takes the file that the settings name, gives a copy of it that nobody else can read, gone when it is
//! dropped. Folders that are mounted into a container often let a group read, which `ssh` refuses, and
//! what was pasted into a secret often has lost its last line break or gained others.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::files;
use crate::repo::cause::Cause;
use crate::repo::error::Error;
use crate::repo::problem::KeyProblem;
use crate::repo::scratch::Scratch;

/// `openssh-key-v1` and a NUL.
const OPENSSH_MAGIC: &str = "b3BlbnNzaC1rZXktdjEA";

/// The text `none` with its length.
const NO_CIPHER: &str = "AAAABG5vbmU";

/// The longest file with a key.
const LONGEST: u64 = 64 * 1024;

/// A copy of a key.
#[derive(Debug)]
pub struct PrivateKey {
    path: PathBuf,
    original: PathBuf,
    certificate: Option<PathBuf>,
    _folder: Scratch,
}

impl PrivateKey {
    /// Copies a key as it is now, so that it may be renewed.
    pub async fn copy(original: &Path, scratch: Option<&Path>, repository: &str) -> Result<Self, Error> {
        let refused = |source| Error::SettingsFile { what: "the SSH key", path: original.to_owned(), source };
        let text = files::read_aside(original, LONGEST).await.map_err(refused)?;
        if text.trim_ascii().is_empty() {
            return Err(refused(io::Error::other("it is empty")));
        }
        if is_locked(&text) {
            let source = Cause::new(&original.to_string_lossy());
            return Err(Error::Key {
                repository: repository.to_owned(),
                problem: KeyProblem::Passphrase,
                source,
            });
        }
        let folder = Scratch::new(scratch)?;
        let path = folder.file("key");
        write(&path, &text).map_err(|source| Error::Scratch { path: path.clone(), source })?;
        let mut certificate = original.to_owned().into_os_string();
        certificate.push("-cert.pub");
        let certificate = Some(PathBuf::from(certificate)).filter(|path| path.is_file());
        Ok(Self { path, original: original.to_owned(), certificate, _folder: folder })
    }

    /// Where the copy lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The certificate that lies beside the original, where there is one: `ssh` looks for it by name.
    pub fn certificate(&self) -> Option<&Path> {
        self.certificate.as_deref()
    }

    /// A text of `ssh`'s with the name that the settings give the key.
    pub fn named_in(&self, said: &str) -> String {
        said.replace(&*self.path.to_string_lossy(), &self.original.to_string_lossy())
    }
}

/// Whether a key wants a passphrase. `ssh` does not say it where it may not ask: it only is refused.
fn is_locked(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.trim_start().lines().map(str::trim);
    match lines.next() {
        // The name of the cipher stands at the beginning, in base64.
        Some("-----BEGIN OPENSSH PRIVATE KEY-----") => lines
            .next()
            .and_then(|line| line.strip_prefix(OPENSSH_MAGIC))
            .is_some_and(|rest| !rest.starts_with(NO_CIPHER)),
        Some("-----BEGIN ENCRYPTED PRIVATE KEY-----") => true,
        Some(_) | None => {
            lines.take(2).any(|line| line.starts_with("Proc-Type:") && line.ends_with("ENCRYPTED"))
        }
    }
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    for line in text.trim_ascii().split(|byte| *byte == b'\n') {
        file.write_all(line.trim_ascii_end())?;
        file.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_key_that_others_may_read_is_copied_for_nobody_else_and_gone_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = folder.path().join("mounted");
        fs::write(&mounted, "-----BEGIN X-----\r\nabc\r\n-----END X-----").expect("a file");
        fs::set_permissions(&mounted, fs::Permissions::from_mode(0o644)).expect("a mode");
        let key = PrivateKey::copy(&mounted, Some(folder.path()), "r").await.expect("a copy");
        let path = key.path().to_owned();
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).expect("a text"), "-----BEGIN X-----\nabc\n-----END X-----\n");
        let said = format!("Load key {:?}: invalid format", path.display());
        assert_eq!(key.named_in(&said), format!("Load key {:?}: invalid format", mounted.display()));
        drop(key);
        assert!(!path.exists() && !path.parent().expect("a folder").exists());
    }
}
