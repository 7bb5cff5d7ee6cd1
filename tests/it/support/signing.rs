//! People who sign releases: keys made by `ssh-keygen`, tags and commits signed by `git`.
//!
//! Takes a repository that a story fills; moves its refs as a person with a key would.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::git::repository::Repository;
use tempfile::TempDir;

/// Someone with a key.
pub struct Signer {
    dir: TempDir,
    name: &'static str,
}

impl Signer {
    /// Someone with an Ed25519 key.
    pub fn new(name: &'static str) -> Result<Self> {
        Self::with(name, &["-t", "ed25519"])
    }

    /// Someone with a key of this kind, in the words of `ssh-keygen`.
    pub fn with(name: &'static str, kind: &[&str]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("tagalong-key-").tempdir()?;
        let signer = Self { dir, name };
        let made = Command::new("ssh-keygen")
            .args(["-q", "-N", "", "-C", name, "-f"])
            .arg(signer.key())
            .args(kind)
            .status()
            .context("start ssh-keygen")?;
        ensure!(made.success(), "ssh-keygen makes a key");
        Ok(signer)
    }

    /// The private key's file.
    pub fn key(&self) -> PathBuf {
        self.dir.path().join("key")
    }

    /// The line of the allowed signers, with these options.
    pub fn line(&self, options: &str) -> Result<String> {
        let key = std::fs::read_to_string(self.dir.path().join("key.pub"))?;
        Ok(format!("{}@example.com {options} {key}", self.name))
    }

    /// The fingerprint as `ssh-keygen` shows it.
    pub fn fingerprint(&self) -> Result<String> {
        let shown = Command::new("ssh-keygen").arg("-lf").arg(self.dir.path().join("key.pub")).output()?;
        let text = String::from_utf8(shown.stdout)?;
        Ok(text.split_whitespace().nth(1).context("the second word")?.to_owned())
    }

    /// A signature of these bytes for a use, as `ssh-keygen` makes it for anybody.
    pub fn seal(&self, payload: &str, namespace: &str) -> Result<String> {
        let file = self.dir.path().join("payload");
        std::fs::write(&file, payload)?;
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(self.key());
        let made = command.stdin(File::open(&file)?).stderr(Stdio::null()).output()?;
        ensure!(made.status.success(), "ssh-keygen signs");
        Ok(String::from_utf8(made.stdout)?)
    }

    /// Makes or moves a signed tag, and pushes it.
    pub fn tag(&self, origin: &mut Repository, name: &str, target: &str) -> Result<()> {
        signed_tag(origin, (name, target), |origin, words| self.git(origin, words))
    }

    /// Makes a signed commit of what the work tree holds, and pushes it.
    pub fn commit(&self, origin: &mut Repository) -> Result<()> {
        signed_commit(origin, |origin, words| self.git(origin, words))
    }

    fn git(&self, origin: &Repository, arguments: &[&str]) -> Result<String> {
        let key = format!("user.signingkey={}", self.key().display());
        origin.git(&[&["-c", "gpg.format=ssh", "-c", &key], arguments].concat())
    }
}

/// Makes or moves a tag that `git` signs with somebody's key, and pushes it.
pub fn signed_tag(
    origin: &mut Repository,
    (name, target): (&str, &str),
    git: impl Fn(&Repository, &[&str]) -> Result<String>,
) -> Result<()> {
    git(origin, &["tag", "-f", "-s", "-m", "release", name, target])?;
    origin.set_moment(origin.moment() + 60);
    push(origin, name)
}

/// Makes a commit of what the work tree holds that `git` signs with somebody's key, and pushes it.
pub fn signed_commit(
    origin: &mut Repository,
    git: impl Fn(&Repository, &[&str]) -> Result<String>,
) -> Result<()> {
    git(origin, &["commit", "-q", "-S", "--allow-empty", "-m", "signed"])?;
    origin.set_moment(origin.moment() + 60);
    origin.git(&["push", "-q", "-f", "origin", "HEAD"]).map(drop)
}

/// Pushes a tag, wherever it points.
pub fn push(origin: &Repository, name: &str) -> Result<()> {
    origin.git(&["push", "-q", "-f", "origin", &format!("refs/tags/{name}")]).map(drop)
}
