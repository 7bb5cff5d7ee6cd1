//! People who sign releases with OpenPGP: keys made by `gpg`, tags and commits signed by `git` with it.
//!
//! Takes a repository that a story fills; moves its refs as a person with a key would. Each has a folder
//! of `gpg` of its own, whose agent ends with it, and a clock that the story sets.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::git::repository::Repository;
use tempfile::TempDir;

use crate::support::signing::{signed_commit, signed_tag};

/// Someone with a certificate.
pub struct Gpg {
    dir: TempDir,
}

impl Gpg {
    /// Someone whose certificate was made at this second: of this algorithm, use and life in the words of
    /// `gpg --quick-generate-key`.
    pub fn new(name: &str, made: i64, words: [&str; 3]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("tagalong-gpg-").tempdir()?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700))?;
        let gpg = Self { dir };
        let name = format!("{name} <{}@example.com>", name.to_lowercase());
        gpg.run(made, &["--quick-generate-key", &name, words[0], words[1], words[2]])?;
        Ok(gpg)
    }

    /// Runs `gpg` at a second, and gives what it says.
    pub fn run(&self, now: i64, arguments: &[&str]) -> Result<Vec<u8>> {
        let done = Command::new("gpg")
            .arg("--homedir")
            .arg(self.dir.path())
            .args(["--batch", "--yes", "--no-tty", "--passphrase", "", "--pinentry-mode", "loopback"])
            .args(["--faked-system-time", &now.to_string()])
            .args(arguments)
            .output()
            .context("start gpg")?;
        ensure!(done.status.success(), "gpg {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(done.stdout)
    }

    /// The certificate as others are given it.
    pub fn export(&self, now: i64) -> Result<Vec<u8>> {
        self.run(now, &["--armor", "--export-options", "export-minimal", "--export"])
    }

    /// The fingerprints: the certificate's, and those of its subkeys.
    pub fn fingerprints(&self, now: i64) -> Result<Vec<String>> {
        let listed = String::from_utf8(self.run(now, &["--with-colons", "--list-keys"])?)?;
        let fields = listed.lines().filter_map(|line| line.strip_prefix("fpr:"));
        Ok(fields
            .filter_map(|fields| fields.split(':').find(|field| !field.is_empty()))
            .map(str::to_owned)
            .collect())
    }

    /// Takes the certificate back, with what `gpg` wrote for that on the day when it made it.
    pub fn revoke(&self, now: i64) -> Result<()> {
        let fingerprints = self.fingerprints(now)?;
        let certificate = fingerprints.first().context("a certificate")?;
        let path = self.dir.path().join("openpgp-revocs.d").join(format!("{certificate}.rev"));
        // A colon in front keeps it from being used by mistake.
        let text = fs::read_to_string(&path)?.replace(":-----BEGIN", "-----BEGIN");
        fs::write(&path, text)?;
        self.run(now, &["--import", path.to_str().context("a path that is text")?]).map(drop)
    }

    /// Makes or moves a signed tag, and pushes it.
    pub fn tag(&self, origin: &mut Repository, name: &str, target: &str) -> Result<()> {
        signed_tag(origin, (name, target), |origin, words| self.git(origin, words))
    }

    /// Makes a signed commit of what the work tree holds, and pushes it.
    pub fn commit(&self, origin: &mut Repository) -> Result<()> {
        signed_commit(origin, |origin, words| self.git(origin, words))
    }

    /// Runs `git` with this one's keys, at the repository's moment.
    pub fn git(&self, origin: &Repository, arguments: &[&str]) -> Result<String> {
        let script = self.dir.path().join("gpg");
        let text = format!(
            "#!/bin/sh\nexec gpg --homedir '{}' --batch --no-tty --faked-system-time {} \"$@\"\n",
            self.dir.path().display(),
            origin.moment()
        );
        fs::write(&script, text)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700))?;
        let program = format!("gpg.program={}", script.display());
        origin.git(&[&["-c", &program, "-c", "user.signingkey=example.com"], arguments].concat())
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let mut end = Command::new("gpgconf");
        end.arg("--homedir").arg(self.dir.path()).args(["--kill", "gpg-agent"]);
        // Where it fails the agent ends all the same: its folder goes.
        let _ = end.status();
    }
}
