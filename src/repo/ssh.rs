//! `ssh` as a child process, with `git-upload-pack` at its far end.
//!
//! Takes a checked address and a credential, gives pipes, and from `ssh`'s own words the reason of a
//! failure. Keys, agents, jump hosts and host keys are `ssh`'s business: it asks nobody, and is
//! killed when its time is over.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::repo::cause::Cause;
use crate::repo::deadline::Deadline;
use crate::repo::error::{Doing, Error};
use crate::repo::options::Credential;

/// How much of what `ssh` says on stderr is kept; the rest is read and dropped.
const STDERR_BYTES: usize = 4096;

/// What `ssh` itself ends with when it could not do its work; other codes are the far side's.
const OWN_FAILURE: i32 = 255;

/// What `ssh` is to be called with.
#[derive(Debug, Clone)]
pub struct Place {
    arguments: Vec<OsString>,
}

impl Place {
    /// Takes the parts of a checked address, and the credentials of all hosts.
    pub fn new(
        user: Option<&str>,
        host: &str,
        port: Option<u16>,
        path: &str,
        credentials: &[Credential],
    ) -> Self {
        let credential = credentials.iter().find(|credential| {
            (credential.ssh_key_file.is_some() || credential.known_hosts_file.is_some())
                && credential.fits(host, port, user)
        });
        let user = user.or_else(|| credential.and_then(|credential| credential.username.as_deref()));
        // No terminal, no question, no forwarding of anything.
        let mut arguments: Vec<OsString> = ["-T", "-a", "-x", "-o", "BatchMode=yes"].map(Into::into).into();
        if let Some(port) = port {
            arguments.extend(["-p".into(), port.to_string().into()]);
        }
        if let Some(key) = credential.and_then(|credential| credential.ssh_key_file.as_deref()) {
            arguments.extend(["-o".into(), "IdentitiesOnly=yes".into(), "-i".into(), key.into()]);
        }
        if let Some(known) = credential.and_then(|credential| credential.known_hosts_file.as_deref()) {
            arguments.extend(["-o".into(), known_hosts(known)]);
            arguments.extend(
                ["-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes"].map(Into::into),
            );
        }
        if let Some(user) = user {
            arguments.extend(["-l".into(), user.into()]);
        }
        arguments.extend(["--".into(), host.into(), format!("git-upload-pack {}", quoted(path)).into()]);
        Self { arguments }
    }

    /// Starts `ssh`; to be called on the runtime.
    pub fn start(&self, repository: &str, doing: Doing) -> Result<Ssh, Error> {
        let mut child = Command::new("ssh")
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Error::Unreachable {
                repository: repository.to_owned(),
                doing,
                source: Cause::new(&format!("`ssh` could not be started: {error}")),
            })?;
        let input = child.stdin.take().expect("stdin is piped");
        let output = child.stdout.take().expect("stdout is piped");
        let said = Arc::default();
        let drain = tokio::spawn(drain(child.stderr.take().expect("stderr is piped"), Arc::clone(&said)));
        Ok(Ssh { child, input, output, said, drain })
    }
}

/// A running `ssh`. Dropping it kills the process; the runtime reaps it.
#[derive(Debug)]
pub struct Ssh {
    child: Child,
    /// Towards `git-upload-pack`.
    pub input: ChildStdin,
    /// From `git-upload-pack`.
    pub output: ChildStdout,
    said: Arc<Mutex<Vec<u8>>>,
    drain: JoinHandle<()>,
}

impl Ssh {
    /// Why it ended; `None` where it ended well.
    pub async fn failure(
        &mut self,
        repository: &str,
        doing: Doing,
        deadline: &Deadline,
    ) -> Result<Option<Error>, Error> {
        let status = deadline.bound(doing, self.child.wait()).await?;
        // What it said last may still be in the pipe.
        let _ = deadline.bound(doing, &mut self.drain).await?;
        let code = match status {
            Ok(status) if status.success() => return Ok(None),
            Ok(status) => status.code(),
            Err(_) => None,
        };
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(reason(repository, doing, code, &String::from_utf8_lossy(&said))))
    }

    /// Lets it end by itself, and kills it where it does not.
    pub async fn end(self: Box<Self>, deadline: &Deadline) {
        let Self { mut child, input, output, said: _, drain: _ } = *self;
        drop((input, output));
        let _ = deadline.bound(Doing::Listing, child.wait()).await;
    }
}

async fn drain(mut stderr: ChildStderr, said: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        let room = STDERR_BYTES.saturating_sub(said.len()).min(length);
        said.extend_from_slice(&buffer[..room]);
    }
}

/// Reads `ssh`'s words. It has no other way to tell a refused key from an unknown host.
fn reason(repository: &str, doing: Doing, code: Option<i32>, said: &str) -> Error {
    let repository = repository.to_owned();
    let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    let source = match said.trim() {
        "" => Cause::new("`ssh` ended without a word"),
        said => Cause::new(said),
    };
    if code != Some(OWN_FAILURE) && code.is_some() {
        return if has(&["not appear to be a git repository", "not found", "No such file", "does not exist"]) {
            Error::NoRepository { repository, source }
        } else {
            Error::NotUnderstood { repository, doing, source }
        };
    }
    if has(&["Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"]) {
        Error::HostKey { repository, source }
    } else if has(&["Permission denied", "Too many authentication failures"]) {
        Error::Denied { repository, shown: true, source }
    } else {
        Error::Unreachable { repository, doing, source }
    }
}

/// `ssh` splits the value of this option at blanks, and takes `%` for a variable.
fn known_hosts(path: &Path) -> OsString {
    let path = PathBuf::from(path).to_string_lossy().replace('%', "%%");
    format!("UserKnownHostsFile=\"{path}\"").into()
}

/// Quotes a path for the far side's shell.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', r"'\''").replace('!', r"'\!'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_its_quotes() {
        assert_eq!(quoted("/a b"), "'/a b'");
        assert_eq!(quoted("/a'; rm -rf x; '"), r"'/a'\''; rm -rf x; '\'''");
    }

    #[test]
    fn the_words_of_ssh_have_classes() {
        use crate::model::report::Class;
        for (code, said, class) in [
            (255, "git@host: Permission denied (publickey).", Class::AuthFailed),
            (255, "Host key verification failed.", Class::AuthFailed),
            (255, "ssh: connect to host x port 22: Connection refused", Class::Unreachable),
            (255, "", Class::Unreachable),
            (128, "fatal: '/x' does not appear to be a git repository", Class::RefMissing),
            (1, "ERROR: Repository not found.", Class::RefMissing),
            (127, "sh: git-upload-pack: command unknown", Class::NotUnderstood),
        ] {
            assert_eq!(reason("r", Doing::Listing, Some(code), said).class(), class, "{said}");
        }
    }
}
