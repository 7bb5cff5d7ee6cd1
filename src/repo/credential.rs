//! What is shown to which host, and whom the agent takes for that host.
//!
//! Takes texts of the settings, gives types. Showing a credential is left to `home` and `ssh`, reading
//! the files that are named here too.

use std::path::PathBuf;

use url::Host as Name;

use crate::model::password::Password;

/// How a host is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// HTTP over TLS.
    Https,
    /// HTTP that everybody on the way can read.
    Http,
    /// SSH.
    Ssh,
}

impl Way {
    /// The way of a URL's scheme.
    pub fn of(scheme: &str) -> Option<Self> {
        Some(match scheme {
            "https" => Self::Https,
            "http" => Self::Http,
            "ssh" => Self::Ssh,
            _ => return None,
        })
    }

    /// The port where none is written.
    pub fn port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
            Self::Ssh => 22,
        }
    }
}

/// A host as the settings name it: a name with its port and the ways that may be used.
///
/// `git.example.com` is HTTPS on 443 and SSH on 22, `git.example.com:8443` both of them on 8443. A scheme
/// before it leaves that one alone, and plain HTTP is meant only where it is written: what is shown there
/// can be read by everybody on the way. There is no exception for this very machine, whose ports may be
/// anybody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    way: Option<Way>,
    name: String,
    port: Option<u16>,
}

impl Host {
    /// Reads `host`, `host:port` or `scheme://host:port`; an IPv6 address stands in brackets.
    pub fn new(text: &str) -> Option<Self> {
        let (way, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(Way::of(scheme)?), rest),
            None => (None, text),
        };
        let at =
            if rest.starts_with('[') { rest.find(']')? + 1 } else { rest.find(':').unwrap_or(rest.len()) };
        let (name, port) = rest.split_at(at);
        let port = match port.strip_prefix(':') {
            Some(port) => Some(port.parse().ok().filter(|port| *port > 0)?),
            None if port.is_empty() => None,
            None => return None,
        };
        let plain = !name.contains(['*', '@', '%', '/']);
        let name = Name::parse(name).ok().filter(|_| plain)?.to_string();
        Some(Self { way, name, port })
    }

    /// Whether it is this one; a port that is not written is that of the way.
    pub fn is(&self, way: Way, name: &str, port: Option<u16>) -> bool {
        let spoken = match self.way {
            Some(mine) => mine == way,
            None => way != Way::Http,
        };
        // An address of SSH has no brackets, and may be written in any case.
        let bracketed =
            if name.contains(':') && !name.starts_with('[') { &format!("[{name}]") } else { name };
        let named = Name::parse(bracketed).is_ok_and(|name| name.to_string() == self.name);
        spoken && named && port.unwrap_or(way.port()) == self.port.unwrap_or(way.port())
    }
}

/// Whom to take for a host over SSH.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HostKeys {
    /// Whom the user's own files and the system's name.
    #[default]
    Users,
    /// Whom this file names, and nobody else.
    File(PathBuf),
    /// Who has a key with one of these fingerprints, and nobody else.
    Fingerprints(Vec<Fingerprint>),
}

/// The SHA-256 of a host's key, as `ssh-keygen -l` writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Reads `SHA256:` and 43 characters.
    pub fn new(text: &str) -> Option<Self> {
        let sum = text.strip_prefix("SHA256:")?;
        let of_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
        (sum.len() == 43 && sum.chars().all(of_base64)).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What to show to one host, and to no other; and whom to take for it.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The host.
    pub host: Host,
    /// The user name; the address's own where it is `None`.
    pub username: Option<String>,
    /// The password or token, for HTTP.
    pub password: Option<Password>,
    /// The certificate authorities to trust at this host (PEM), for HTTPS; instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The private key, for SSH.
    pub ssh_key_file: Option<PathBuf>,
    /// Whom to take for the host, for SSH.
    pub host_keys: HostKeys,
}

impl Credential {
    /// Nothing to show yet, for a host.
    pub fn at(host: Host) -> Self {
        Self {
            host,
            username: None,
            password: None,
            ca_file: None,
            ssh_key_file: None,
            host_keys: HostKeys::Users,
        }
    }

    /// Whether it is meant for this host and user.
    pub fn fits(&self, way: Way, name: &str, port: Option<u16>, user: Option<&str>) -> bool {
        self.host.is(way, name, port)
            && match (self.username.as_deref(), user) {
                (Some(mine), Some(asked)) => mine == asked,
                (None, _) | (_, None) => true,
            }
    }

    /// Whether something in it is for SSH.
    pub fn is_about_ssh(&self) -> bool {
        self.ssh_key_file.is_some() || self.host_keys != HostKeys::Users
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::new(text).unwrap_or_else(|| panic!("{text:?} is a host"))
    }

    #[test]
    fn a_host_is_its_way_its_name_and_its_port() {
        for (text, fits, others) in [
            (
                "git.example.com",
                &["https://git.example.com", "https://GIT.example.com:443", "ssh://git.example.com:22"][..],
                &[
                    "http://git.example.com",
                    "http://git.example.com:443",
                    "https://git.example.com:8443",
                    "ssh://git.example.com:443",
                    "https://git.example.com.evil.example",
                    "https://example.com",
                    "https://evil.git.example.com",
                ][..],
            ),
            (
                "git.example.com:8443",
                &["https://git.example.com:8443", "ssh://git.example.com:8443"],
                &["https://git.example.com", "http://git.example.com:8443", "ssh://git.example.com"],
            ),
            (
                "http://git.example.com:8080",
                &["http://git.example.com:8080"],
                &["https://git.example.com:8080", "http://git.example.com", "ssh://git.example.com:8080"],
            ),
            ("http://127.0.0.1", &["http://127.0.0.1:80"], &["http://127.0.0.1:8080", "http://localhost"]),
            ("127.0.0.1:8080", &["https://127.0.0.1:8080"], &["http://127.0.0.1:8080"]),
            ("ssh://[::1]:2222", &["ssh://::1:2222"], &["https://::1:2222", "ssh://::2:2222"]),
        ] {
            let is = |address: &&str| {
                let (scheme, rest) = address.split_once("://").expect("a scheme");
                let (name, port) = match rest.rsplit_once(':').map(|(name, port)| (name, port.parse().ok())) {
                    Some((name, Some(port))) => (name, Some(port)),
                    Some((_, None)) | None => (rest, None),
                };
                host(text).is(Way::of(scheme).expect("a way"), name, port)
            };
            let strangers: Vec<_> = others.iter().filter(|one| is(one)).collect();
            let missing: Vec<_> = fits.iter().filter(|one| !is(one)).collect();
            assert!(strangers.is_empty() && missing.is_empty(), "{text}: {strangers:?} {missing:?}");
        }
    }

    #[test]
    fn what_is_no_host_is_not_read() {
        for text in [
            "",
            "https://",
            "git.example.com/",
            "https://git.example.com/platform",
            "git@git.example.com",
            "ftp://git.example.com",
            "git.example.com:",
            "git.example.com:0",
            "git.example.com:99999",
            "git.example.com:8443:1",
            "*.example.com",
            "::1",
            "[::1",
            "[::1]8443",
            "a b",
            "git.example.com?x",
            "%67it.example.com",
        ] {
            assert_eq!(Host::new(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_user_of_the_address_and_one_of_the_credential_are_the_same() {
        let fits = |mine: Option<&str>, asked: Option<&str>| {
            let username = mine.map(str::to_owned);
            let credential = Credential { username, ..Credential::at(host("git.example.com")) };
            credential.fits(Way::Https, "git.example.com", None, asked)
        };
        assert!(fits(Some("a"), Some("a")) && fits(Some("a"), None) && fits(None, Some("b")));
        assert!(!fits(Some("a"), Some("b")));
    }

    #[test]
    fn a_fingerprint_is_what_ssh_keygen_writes() {
        let sum = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";
        assert_eq!(Fingerprint::new(sum).expect("a fingerprint").as_str(), sum);
        for text in ["", "SHA256:", &sum[7..], &format!("{sum}="), "MD5:16:27:ac:a5", &sum.replace('+', "%")]
        {
            assert_eq!(Fingerprint::new(text), None, "{text:?}");
        }
    }
}
