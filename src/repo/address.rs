//! Where a repository is.
//!
//! Takes what a person wrote (a URL, `user@host:path`, a path), gives an address whose parts are
//! checked once. Connecting is left to others; no secret is ever part of an address.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::model::character::is_unprintable;
use crate::repo::error::Error;
use crate::repo::problem::AddressProblem;

/// The port of `git://`.
const GIT_PORT: u16 = 9418;

/// Where a repository is, by the way to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Over HTTP or HTTPS. The URL has no user and no trailing `/`.
    Http {
        /// The repository's own URL.
        url: Url,
        /// The user that stood in it.
        user: Option<String>,
    },
    /// Over git's own protocol.
    Git {
        /// The host; an IPv6 address without brackets.
        host: String,
        /// The port.
        port: u16,
        /// The path, with its leading `/`.
        path: String,
    },
    /// Over SSH.
    Ssh {
        /// The user, where one is named.
        user: Option<String>,
        /// The host; an IPv6 address without brackets.
        host: String,
        /// The port, where one is named.
        port: Option<u16>,
        /// The path as the far side shall see it.
        path: String,
    },
    /// On this machine.
    Local(PathBuf),
}

impl Address {
    /// Reads what a person wrote.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |problem| Error::Address { address: shown(text), problem };
        if text.chars().any(is_unprintable) {
            return Err(refuse(AddressProblem::Control));
        }
        if text.contains("://") {
            return Self::parse_url(text).map_err(refuse);
        }
        match text.split_once(':') {
            Some((before, path)) if !before.contains('/') || before.starts_with('[') => {
                Self::parse_scp(before, path).map_err(refuse)
            }
            Some(_) | None if text.is_empty() => Err(refuse(AddressProblem::Malformed)),
            Some(_) | None => Ok(Self::Local(PathBuf::from(text))),
        }
    }

    /// The address as it may be shown.
    pub fn shown(&self) -> String {
        match self {
            Self::Http { url, .. } => url.to_string(),
            Self::Git { host, port: GIT_PORT, path } => format!("git://{}{path}", bracketed(host)),
            Self::Git { host, port, path } => format!("git://{}:{port}{path}", bracketed(host)),
            Self::Ssh { user, host, port, path } => {
                let user = user.as_ref().map_or(String::new(), |user| format!("{user}@"));
                let port = port.map_or(String::new(), |port| format!(":{port}"));
                let slash = if path.starts_with('/') { "" } else { "/" };
                format!("ssh://{user}{}{port}{slash}{path}", bracketed(host))
            }
            Self::Local(path) => path.display().to_string(),
        }
    }

    fn parse_url(text: &str) -> Result<Self, AddressProblem> {
        let mut url = Url::parse(text).map_err(|_| AddressProblem::Malformed)?;
        if url.password().is_some() {
            return Err(AddressProblem::Password);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressProblem::Malformed);
        }
        match url.scheme() {
            "http" | "https" => {
                let user = user_of(&url)?;
                // Cannot fail: an http URL has a host.
                let _ = url.set_username("");
                let path = url.path().trim_end_matches('/').to_owned();
                if path.is_empty() {
                    return Err(AddressProblem::Path);
                }
                url.set_path(&path);
                Ok(Self::Http { url, user })
            }
            "git" => Ok(Self::Git {
                host: host_of(&url)?,
                port: url.port().unwrap_or(GIT_PORT),
                path: path_of(&url)?,
            }),
            "ssh" | "git+ssh" | "ssh+git" => Self::checked_ssh(
                user_of(&url)?,
                host_of(&url)?,
                url.port(),
                // As git does: `/~user/x` means the user's home.
                path_of(&url).map(|path| match path.strip_prefix('/') {
                    Some(home) if home.starts_with('~') => home.to_owned(),
                    Some(_) | None => path,
                })?,
            ),
            "file" => url.to_file_path().map(Self::Local).map_err(|()| AddressProblem::Host),
            _ => Err(AddressProblem::Scheme),
        }
    }

    fn parse_scp(before: &str, path: &str) -> Result<Self, AddressProblem> {
        // `[host]` or `user@[::1]`: the colon that was found lies inside the brackets.
        let whole = format!("{before}:{path}");
        let (user, rest) = match whole.split_once('@') {
            Some((user, rest)) if !user.contains(['/', '[']) => (Some(user.to_owned()), rest),
            Some(_) | None => (None, whole.as_str()),
        };
        if user.as_ref().is_some_and(|user| user.contains(':')) {
            return Err(AddressProblem::Password);
        }
        let (host, path) = match rest.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once("]:").ok_or(AddressProblem::Malformed)?,
            None => rest.split_once(':').ok_or(AddressProblem::Malformed)?,
        };
        Self::checked_ssh(user, host.to_owned(), None, path.to_owned())
    }

    fn checked_ssh(
        user: Option<String>,
        host: String,
        port: Option<u16>,
        path: String,
    ) -> Result<Self, AddressProblem> {
        let dashed = |text: &str| text.starts_with('-');
        if dashed(&host) || user.as_deref().is_some_and(dashed) || dashed(&path) {
            return Err(AddressProblem::Dash);
        }
        let unsound = |text: &str| text.contains([' ', '@', '/', '\'', '"']);
        if host.is_empty() || unsound(&host) || user.as_deref().is_some_and(unsound) {
            return Err(AddressProblem::Host);
        }
        if path.is_empty() {
            return Err(AddressProblem::Path);
        }
        Ok(Self::Ssh { user, host, port, path })
    }
}

fn user_of(url: &Url) -> Result<Option<String>, AddressProblem> {
    let user = decoded(url.username())?;
    Ok((!user.is_empty()).then_some(user))
}

fn host_of(url: &Url) -> Result<String, AddressProblem> {
    match url.host() {
        Some(Host::Domain(name)) if !name.is_empty() => {
            let name = decoded(name)?;
            if name.starts_with('-') { Err(AddressProblem::Dash) } else { Ok(name) }
        }
        Some(Host::Ipv4(address)) => Ok(address.to_string()),
        Some(Host::Ipv6(address)) => Ok(address.to_string()),
        Some(Host::Domain(_)) | None => Err(AddressProblem::Host),
    }
}

fn path_of(url: &Url) -> Result<String, AddressProblem> {
    let path = decoded(url.path())?;
    if path.trim_matches('/').is_empty() { Err(AddressProblem::Path) } else { Ok(path) }
}

/// Undoes percent-encoding. What was hidden in it is checked like what was not.
fn decoded(text: &str) -> Result<String, AddressProblem> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| AddressProblem::Malformed)?;
    if text.chars().any(is_unprintable) { Err(AddressProblem::Control) } else { Ok(text.into_owned()) }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// An address that was refused, without what may be secret in it.
fn shown(text: &str) -> String {
    let clean: String = text.chars().map(|c| if is_unprintable(c) { '?' } else { c }).collect();
    let (scheme, rest) = match clean.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), clean.as_str()),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // The last `@` before the path; a password may hold others, and even a `/`.
    match rest.rfind('@') {
        Some(at) if at < end || rest[..at].contains(':') => format!("{scheme}{}", &rest[at + 1..]),
        Some(_) | None => format!("{scheme}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssh(user: Option<&str>, host: &str, port: Option<u16>, path: &str) -> Address {
        Address::Ssh { user: user.map(str::to_owned), host: host.into(), port, path: path.into() }
    }

    fn problem(text: &str) -> AddressProblem {
        match Address::parse(text) {
            Err(Error::Address { problem, .. }) => problem,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn every_way_of_writing_an_address_is_read() {
        let http = |url: &str, user: Option<&str>| Address::Http {
            url: Url::parse(url).expect("a URL"),
            user: user.map(str::to_owned),
        };
        let cases = [
            ("https://git.example.com/a/b.git", http("https://git.example.com/a/b.git", None)),
            ("https://git.example.com:8443/a/b.git/", http("https://git.example.com:8443/a/b.git", None)),
            ("http://user@git.example.com/a", http("http://git.example.com/a", Some("user"))),
            ("git://host/a", Address::Git { host: "host".into(), port: 9418, path: "/a".into() }),
            ("git://[::1]:99/a", Address::Git { host: "::1".into(), port: 99, path: "/a".into() }),
            ("ssh://git@host/a/b.git", ssh(Some("git"), "host", None, "/a/b.git")),
            ("ssh://git@host:2222/a%20b", ssh(Some("git"), "host", Some(2222), "/a b")),
            ("ssh://host/~me/a", ssh(None, "host", None, "~me/a")),
            ("git@host:a/b.git", ssh(Some("git"), "host", None, "a/b.git")),
            ("host:/a", ssh(None, "host", None, "/a")),
            ("git@[::1]:a", ssh(Some("git"), "::1", None, "a")),
            ("file:///srv/a.git", Address::Local("/srv/a.git".into())),
            ("file:///srv/a%20b", Address::Local("/srv/a b".into())),
            ("/srv/a.git", Address::Local("/srv/a.git".into())),
            ("./a:b", Address::Local("./a:b".into())),
            ("..", Address::Local("..".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(Address::parse(text).expect(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_the_reason() {
        for (text, expected) in [
            ("", AddressProblem::Malformed),
            ("https://user:hunter2@host/a", AddressProblem::Password),
            ("ssh://git:hunter2@host/a", AddressProblem::Password),
            ("ftp://host/a", AddressProblem::Scheme),
            ("https://host", AddressProblem::Path),
            ("https://host/a?b=c", AddressProblem::Malformed),
            ("ssh://-oProxyCommand=x/a", AddressProblem::Dash),
            ("ssh://%2doProxyCommand=x/a", AddressProblem::Dash),
            ("-oProxyCommand=x:a", AddressProblem::Dash),
            ("-l@host:a", AddressProblem::Dash),
            ("git@host:-a", AddressProblem::Dash),
            ("git@host:", AddressProblem::Path),
            ("ssh://host/a%0ab", AddressProblem::Control),
            ("https://host/a\nb", AddressProblem::Control),
            ("file://elsewhere/a", AddressProblem::Host),
        ] {
            assert_eq!(problem(text), expected, "{text}");
        }
    }

    #[test]
    fn a_refused_address_is_shown_without_its_password() {
        for text in [
            "https://user:hunter2@host/a",
            "https://user:hunter2%2Fx@host/a",
            "https://user:hun/ter2@host/a",
            "user:hunter2@host:a",
            "https://hunter2@host",
        ] {
            let error = Address::parse(text).map_or_else(|error| error.to_string(), |ok| ok.shown());
            assert!(!error.contains("ter2"), "{error}");
        }
    }
}
