//! `ssh` as a child process, with `git-upload-pack` at its far end.
//!
//! Takes a checked address and a credential, gives pipes. It asks nobody, is killed when its time is
//! over, and speaks to no host that it does not know. Where the settings say something for a host, they
//! alone count; else the user's own configuration does, with its agents and jump hosts. What its words
//! mean is left to `words`.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::files;
use crate::repo::cause::Cause;
use crate::repo::credential::{Credential, HostKeys, Way};
use crate::repo::deadline::Deadline;
use crate::repo::error::Error;
use crate::repo::pinned;
use crate::repo::private_key::PrivateKey;
use crate::repo::problem::Doing;
use crate::repo::said::Said;
use crate::repo::words;

/// The longest file of known hosts; what is read of it shows only that `ssh` can.
const LONGEST: u64 = 16 * 1024 * 1024;

/// No terminal, no question, no forwarding of anything, no host that is not known, and nothing learned.
const ALWAYS: &[&str] = &[
    "-T",
    "-a",
    "-x",
    "-oBatchMode=yes",
    "-oStrictHostKeyChecking=yes",
    "-oUpdateHostKeys=no",
    "-oClearAllForwardings=yes",
    "-oLogLevel=INFO",
];

/// The settings alone count, not the user's configuration.
const ALONE: &[&str] = &["-F", "none", "-oCheckHostIP=no"];

/// The key of the settings and no other, from no agent.
const ONE_KEY: &[&str] = &["-oIdentitiesOnly=yes", "-oIdentityAgent=none"];

/// What `ssh`, and a program that its configuration names, may know of this environment. The rest stays
/// here: the agent's own variables may hold secrets.
const VARIABLES: &[&str] =
    &["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSH_AUTH_SOCK"];

/// A checked address.
#[derive(Debug, Clone, Copy)]
pub struct Called<'a> {
    /// The user, where one is named.
    pub user: Option<&'a str>,
    /// The host, without brackets.
    pub host: &'a str,
    /// The port, where one is named.
    pub port: Option<u16>,
    /// The path as the far side shall see it.
    pub path: &'a str,
}

/// What `ssh` is to be called with.
#[derive(Debug, Clone)]
pub struct Place {
    /// What is known before the files are read.
    arguments: Vec<OsString>,
    /// The end of the command line: whom to speak to, and what to run there.
    target: [OsString; 2],
    key: Option<PathBuf>,
    host_keys: HostKeys,
    scratch: Option<PathBuf>,
}

impl Place {
    /// Takes an address, the credentials of all hosts, and where a copy of a key may lie for a moment.
    pub fn new(called: Called<'_>, credentials: &[Credential], scratch: Option<PathBuf>) -> Self {
        let Called { user, host, port, path } = called;
        let credential = credentials
            .iter()
            .find(|credential| credential.is_about_ssh() && credential.fits(Way::Ssh, host, port, user));
        let user = user.or_else(|| credential.and_then(|credential| credential.username.as_deref()));
        let mut arguments: Vec<OsString> = ALWAYS.iter().map(Into::into).collect();
        // A name may stand for another host or port only where the user's configuration counts.
        let port = port.or_else(|| credential.map(|_| Way::Ssh.port()));
        if credential.is_some() {
            arguments.extend(ALONE.iter().map(Into::into));
        }
        if let Some(port) = port {
            arguments.extend(["-p".into(), port.to_string().into()]);
        }
        if let Some(user) = user {
            arguments.extend(["-l".into(), user.into()]);
        }
        Self {
            arguments,
            target: [host.into(), format!("git-upload-pack {}", quoted(path)).into()],
            key: credential.and_then(|credential| credential.ssh_key_file.clone()),
            host_keys: credential.map(|credential| credential.host_keys.clone()).unwrap_or_default(),
            scratch,
        }
    }

    /// Starts `ssh`; to be called on the runtime.
    pub async fn start(&self, repository: &str, doing: Doing) -> Result<Ssh, Error> {
        let key = match &self.key {
            Some(key) => Some(PrivateKey::copy(key, self.scratch.as_deref(), repository).await?),
            None => None,
        };
        let mut command = Command::new("ssh");
        command
            .env_clear()
            .envs(passed_on())
            .args(&self.arguments)
            .args(self.known(repository, doing).await?);
        if let Some(key) = &key {
            command.args(ONE_KEY).arg("-i").arg(escaped(key.path()));
            command.args(key.certificate().map(|path| option("CertificateFile", path)));
        }
        command.arg("--").args(&self.target);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::NoSsh { repository: repository.to_owned() },
            _ => Error::Unreachable {
                repository: repository.to_owned(),
                doing,
                source: Cause::new(&format!("`ssh` could not be started: {error}")),
            },
        })?;
        let input = child.stdin.take().expect("stdin is piped");
        let output = child.stdout.take().expect("stdout is piped");
        let said = Said::on(child.stderr.take().expect("stderr is piped"));
        Ok(Ssh { child, input, output, said, key })
    }

    /// Whom to take for the host.
    async fn known(&self, repository: &str, doing: Doing) -> Result<Vec<OsString>, Error> {
        let only = |file: OsString| vec![file, "-oGlobalKnownHostsFile=none".into()];
        Ok(match &self.host_keys {
            HostKeys::Users => Vec::new(),
            HostKeys::File(path) => {
                // `ssh` takes a file that it cannot read for an empty one.
                files::read_aside(path, LONGEST).await.map_err(|source| Error::SettingsFile {
                    what: "the known hosts",
                    path: path.clone(),
                    source,
                })?;
                only(option("UserKnownHostsFile", path))
            }
            HostKeys::Fingerprints(pinned) => {
                let mut arguments = only("-oUserKnownHostsFile=none".into());
                arguments.push("-oFingerprintHash=sha256".into());
                let command = pinned::command(pinned).map_err(|error| Error::Unreachable {
                    repository: repository.to_owned(),
                    doing,
                    source: Cause::new(&format!("the agent does not find itself: {error}")),
                })?;
                arguments.push(format!("-oKnownHostsCommand={command}").into());
                arguments
            }
        })
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
    said: Said,
    /// The copy of the key, as long as the process may read it.
    key: Option<PrivateKey>,
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
        let said = deadline.bound(doing, self.said.all()).await?;
        let code = match status {
            Ok(status) if status.success() => return Ok(None),
            Ok(status) => status.code(),
            Err(_) => None,
        };
        // Where the copy lay is of no use to anybody.
        let said = match &self.key {
            Some(key) => key.named_in(&said),
            None => said,
        };
        Ok(Some(words::reason(repository, doing, code, &said)))
    }

    /// Lets it end by itself, and kills it where it does not.
    pub async fn end(self: Box<Self>, deadline: &Deadline) {
        let Self { mut child, input, output, said: _, key } = *self;
        drop((input, output));
        let _ = deadline.bound(Doing::Listing, child.wait()).await;
        drop(key);
    }
}

#[expect(clippy::disallowed_methods, reason = "it is passed on to a child, nothing is decided by it")]
fn passed_on() -> impl Iterator<Item = (&'static str, OsString)> {
    VARIABLES.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)))
}

/// `ssh` splits the values of such options at blanks, and takes `%` for a variable.
fn option(name: &str, path: &Path) -> OsString {
    format!("-o{name}=\"{}\"", escaped(path)).into()
}

fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%%")
}

/// Quotes a path for the far side's shell.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', r"'\''").replace('!', r"'\!'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::credential::Host;

    fn called_with(credentials: &[Credential]) -> Vec<String> {
        let called = Called { user: Some("git"), host: "git.example.com", port: None, path: "/x" };
        let place = Place::new(called, credentials, None);
        place.arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    // Where there is a terminal, or a program that asks in its place, only these words keep `ssh` from it.
    #[test]
    fn whatever_the_settings_say_nobody_is_asked_and_no_host_is_learned() {
        let host = || Host::new("git.example.com").expect("a host");
        let key = Credential { ssh_key_file: Some("key".into()), ..Credential::at(host()) };
        for credentials in [&[][..], &[key]] {
            let arguments = called_with(credentials);
            for wanted in ["-T", "-a", "-x", "-oBatchMode=yes", "-oStrictHostKeyChecking=yes"] {
                assert!(arguments.iter().any(|argument| argument == wanted), "{wanted}: {arguments:?}");
            }
        }
    }

    #[test]
    fn the_user_s_configuration_counts_where_the_settings_say_nothing_of_the_host() {
        let is_alone = |credentials: &[Credential]| called_with(credentials).contains(&"-F".to_owned());
        let at = |host: &str| Credential {
            host_keys: HostKeys::File("known_hosts".into()),
            ..Credential::at(Host::new(host).expect("a host"))
        };
        assert!(!is_alone(&[]));
        assert!(!is_alone(&[at("other.example.com")]));
        assert!(!is_alone(&[at("git.example.com:2222")]));
        assert!(is_alone(&[at("git.example.com")]));
    }

    #[test]
    fn a_path_cannot_leave_its_quotes() {
        assert_eq!(quoted("/a b"), "'/a b'");
        assert_eq!(quoted("/a'; rm -rf x; '"), r"'/a'\''; rm -rf x; '\'''");
    }
}
