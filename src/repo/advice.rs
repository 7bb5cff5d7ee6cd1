//! What a person can do about what went wrong with a repository.
//!
//! Takes an error, gives a hint where something is known to help.

use crate::repo::cause::Cause;
use crate::repo::ended::OWN_REPOSITORY;
use crate::repo::error::{Error, TAG_OF_TAG};
use crate::repo::problem::{AddressProblem, HostKeyProblem, KeyProblem};

const NO_CLONE: &str = "names of tags, branches and commits are looked up in the clone in which the definitions \
    lie; to compare two folders, write both as paths: `./old ./new`";
const NO_NAME: &str =
    "`git fetch --tags` brings the tags of the server; a folder is written as a path: `./old`";
const SHALLOW: &str = "this clone is shallow. In GitHub Actions give `actions/checkout` `fetch-depth: 0`, in GitLab \
    set `GIT_DEPTH: 0`, elsewhere run `git fetch --unshallow --tags`";
const NO_SSH: &str = "put OpenSSH's client into the image (`openssh-client`), or use an https address";
const HIDDEN: &str = "many servers say so when they hide it: is the address right, are the credentials?";
const NOT_MOUNTED: &str = "is it mounted, and may the agent read it? `extra` in the settings names it";
const NO_SIGNERS: &str = "is it mounted, and may the agent read it? without it no signature counts";

const NOTHING_SHOWN: &str = "nothing in `git_credentials` is meant for this address: a host without a port is https on \
    443 or ssh on 22, and plain http is written out, as in `host: http://git.example.com:8080`; after a \
    redirect to another host, port or scheme nothing is shown";
const NO_TLS: &str = "what answers there speaks no TLS: is it `http://`? a credential for it names the host as `http://HOST:PORT`";
const NOBODY_LISTENS: &str =
    "nothing listens at this host and port: is the server up, and is the address right, its port too?";
const PROXY_DENIED: &str = "name the proxy in `repository.git.proxy`, and its user and password in `git_credentials` \
    with the same address as `host`";
const UNKNOWN_HOST: &str = "compare the key with what the host's pages say, and name it by `known_hosts_file` or \
    `host_key_fingerprints` in `git_credentials`; `ssh-keyscan -p PORT HOST | ssh-keygen -lf -` shows it, where the port is 22 without `-p`";
const CHANGED_HOST: &str = "somebody may be listening in: ask those who run the server whether they changed its key, \
    and only then put the new one into `known_hosts_file`";

const NO_VERSIONS: &str = "a version is written with three numbers, as in `v1.4.2`; what stands before it is named by \
    `prefix`";
const OTHER_VERSIONS: &str = "push a tag of the range, or change the range; a pre-release counts only where the range \
    names one of the same version, such as `^1.4.0-rc.1`";

const SAME_VERSION: &str =
    "delete one of them, or push a higher version: what stands behind `+` makes none higher";
const MOVING: &str = "somebody moves it again and again, or two servers behind this address do not agree: it is asked \
    for again soon";
const OUTSIDE: &str = "name a folder from the root of the repository on, such as `connect`; `.` is all of it";

/// What a name should be that cannot be the short name of a tag or branch.
fn of_name(name: &str) -> &'static str {
    if name.starts_with("refs/tags/") {
        "a tag is named by its short name: `tag: v1`"
    } else if name.starts_with("refs/heads/") {
        "a branch is named by its short name: `branch: main`"
    } else if matches!(name, "HEAD" | "FETCH_HEAD") {
        "it means something else in each clone: name the branch that is meant, such as `branch: main`"
    } else {
        "give the short name of a tag or branch, as in `v1`"
    }
}

impl Error {
    /// What a person can do about it, where something is known to help.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Address { problem: AddressProblem::Password, .. } => {
                Some("put it into `git_credentials`, with the host it is for")
            }
            Self::ReferenceName { name } => Some(of_name(name)),
            Self::NoVersion { near, .. } => Some(if near.is_empty() { NO_VERSIONS } else { OTHER_VERSIONS }),
            Self::SameVersion { .. } => Some(SAME_VERSION),
            Self::PathOutside { .. } => Some(OUTSIDE),
            Self::Denied { shown: true, .. } => {
                Some("the credential of this host in `git_credentials` is not accepted: is it expired?")
            }
            Self::SettingsFile { .. } => {
                Some("the settings name it: is it mounted, whole, and may the agent read it?")
            }
            Self::Denied { shown: false, .. } => Some(NOTHING_SHOWN),
            Self::ProxyDenied { .. } => Some(PROXY_DENIED),
            Self::NoSsh { .. } => Some(NO_SSH),
            Self::Key { problem, .. } => Some(about_key(*problem)),
            Self::HostKey { problem, .. } => Some(about_host_key(*problem)),
            Self::NoRepository { .. } => Some(HIDDEN),
            Self::NoReference { .. } => {
                Some("is the name right, and is it pushed? `git ls-remote` shows what the server has")
            }
            Self::Folder { file: true, .. } => {
                Some("let the agent's user read it, or move it out of the folder")
            }
            Self::Folder { file: false, .. } => {
                Some("name the folder that holds `connectors/`, `templates/` and `environments/`")
            }
            Self::Extra { .. } => Some(NOT_MOUNTED),
            Self::NoCommit { .. } => {
                Some("the server hands out single commits only if they can be reached from a branch or tag")
            }
            Self::NoClone { .. } => Some(NO_CLONE),
            Self::NoName { shallow: true, .. } => Some(SHALLOW),
            Self::NoName { shallow: false, .. } => Some(NO_NAME),
            Self::Ambiguous { .. } => Some("write the full name of the one that is meant"),
            Self::Redirect { .. } => Some("use the address that it leads to"),
            Self::NotACommit { found, .. } => Some(about_object(found)),
            Self::Unverified { source, .. } => Some(source.hint()),
            Self::AllowedSigners { .. } => Some(NO_SIGNERS),
            Self::TooLarge { .. } => Some(OWN_REPOSITORY),
            Self::Moving { .. } => Some(MOVING),
            Self::Worker { ended, .. } => ended.hint(),
            Self::Unreachable { source, .. } => about_reaching(source),
            Self::Address { .. }
            | Self::Client { .. }
            | Self::TimedOut { .. }
            | Self::Hanging { .. }
            | Self::GivenUp { .. }
            | Self::NotGiven { .. }
            | Self::Status { .. }
            | Self::NotUnderstood { .. }
            | Self::Sha256 { .. }
            | Self::Unsettled { .. }
            | Self::Scratch { .. }
            | Self::Git { .. } => None,
        }
    }
}

/// What to do about a ref that names no commit.
fn about_object(found: &str) -> &'static str {
    match found {
        TAG_OF_TAG => "make it on the commit that the other one names: `git tag -f NAME OTHER^{commit}`",
        _ => "move the tag to a commit",
    }
}

fn about_reaching(source: &Cause) -> Option<&'static str> {
    if source.is_about_certificates() {
        Some(
            "a private certificate authority is named with `ca_file`, of the repository or in `git_credentials`",
        )
    } else if source.is_about_plain_http() {
        Some(NO_TLS)
    } else {
        source.is_refused().then_some(NOBODY_LISTENS)
    }
}

fn about_key(problem: KeyProblem) -> &'static str {
    match problem {
        KeyProblem::Passphrase => {
            "nobody can be asked for it: use a key without one, such as a deploy key of this agent alone"
        }
        KeyProblem::Unreadable => {
            "`ssh_key_file` names the private key itself, whole and with its first and last line, not the `.pub`"
        }
    }
}

fn about_host_key(problem: HostKeyProblem) -> &'static str {
    match problem {
        HostKeyProblem::Unknown => UNKNOWN_HOST,
        HostKeyProblem::Changed => CHANGED_HOST,
        HostKeyProblem::Revoked => {
            "the file of known hosts says `@revoked`: ask those who run the server for the new key"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::problem::Doing;

    #[test]
    fn what_a_server_s_port_says_has_a_hint() {
        for (cause, hint) in [
            (
                "client error (Connect): received corrupt message of type InvalidContentType",
                "is it `http://`?",
            ),
            ("tcp connect error: Connection refused (os error 111)", "is the server up"),
            ("ssh: connect to host git.example.com port 2222: Connection refused", "is the server up"),
            ("invalid peer certificate: UnknownIssuer", "`ca_file`"),
        ] {
            let (repository, doing, source) = ("r".to_owned(), Doing::Listing, Cause::new(cause));
            let told = Error::Unreachable { repository, doing, source }.hint().unwrap_or_default();
            assert!(told.contains(hint), "{cause}: {told}");
        }
    }
}
