//! The words of errors: what was being done, and what exactly was in the way.
//!
//! Plain enums with a text each. Which error they belong to is said in `error`.

use std::fmt;

/// What was attempted when it went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Asking what the ref names.
    Listing,
    /// Fetching its objects.
    Fetching,
    /// Reading files.
    Reading,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Listing => "asking what the ref names",
            Self::Fetching => "fetching",
            Self::Reading => "reading files",
        })
    }
}

/// Why an address cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressProblem {
    /// It is no URL, no `user@host:path` and no path.
    Malformed,
    /// It has a scheme that is not spoken.
    Scheme,
    /// It names no host, or for a file a foreign one.
    Host,
    /// It names no repository on the host.
    Path,
    /// A password stands in it.
    Password,
    /// Its user or host begins with `-`, which `ssh` would take for an option.
    Dash,
    /// It has a control character.
    Control,
}

impl fmt::Display for AddressProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is not an address",
            Self::Scheme => "only https, http, git, ssh and file are spoken",
            Self::Host => "the host is missing, or a file's is not this machine",
            Self::Path => "it names no repository on the host",
            Self::Password => "it holds a password",
            Self::Dash => "the user or host begins with a dash",
            Self::Control => "it has a control character",
        })
    }
}

/// What is wrong with a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyProblem {
    /// It wants a passphrase.
    Passphrase,
    /// It is no key that `ssh` can read.
    Unreadable,
}

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase => "is protected by a passphrase",
            Self::Unreadable => "is no private key that can be read",
        })
    }
}

/// What is wrong with the key of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKeyProblem {
    /// None of the known ones is the host's.
    Unknown,
    /// Another one is known.
    Changed,
    /// It is known as one that is not to be trusted any more.
    Revoked,
}

impl fmt::Display for HostKeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "is not known",
            Self::Changed => "is another than the known one",
            Self::Revoked => "is revoked",
        })
    }
}

/// Why a redirect is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectProblem {
    /// From https to http.
    Downgrade,
    /// One after the other.
    TooMany,
    /// Not to a git repository, or nowhere.
    Elsewhere,
    /// In the middle of a fetch.
    Late,
}

impl fmt::Display for RedirectProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Downgrade => "it leaves TLS",
            Self::TooMany => "there are too many in a row",
            Self::Elsewhere => "it does not lead to a git repository",
            Self::Late => "it comes in the middle of a fetch",
        })
    }
}

/// A limit on what is taken from a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of one listing of refs.
    ListingBytes(u64),
    /// Refs that are wanted at once.
    Refs(usize),
    /// Bytes of one pack.
    PackBytes(u64),
    /// Bytes of one tag, commit or tree.
    ObjectBytes(usize),
    /// Bytes of one request to the server.
    Request(usize),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ListingBytes(bytes) => write!(f, "{} MiB of refs", bytes / 1024 / 1024),
            Self::Refs(count) => write!(f, "{count} branches and tags"),
            Self::PackBytes(bytes) => write!(f, "{} MiB to fetch", bytes / 1024 / 1024),
            Self::Request(bytes) => write!(f, "{} MiB to ask with", bytes / 1024 / 1024),
            Self::ObjectBytes(bytes) => write!(f, "{} MiB in one tag, commit or folder", bytes / 1024 / 1024),
        }
    }
}
