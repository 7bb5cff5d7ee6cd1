//! What the agent shows to Connect, and whom it trusts to be Connect.
//!
//! Takes values that were decoded elsewhere, gives them a type. Reading the files that are named
//! here, and reading them again, is left to `renewed`; sending to `login` and `transport`.

use std::net::IpAddr;
use std::path::PathBuf;

use reqwest::header::{self, HeaderName, HeaderValue};
use url::{Host, Url};

use crate::model::password::Password;

/// What the agent shows to Connect, and whom it trusts.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Who it is.
    pub credential: Option<Credential>,
    /// What every request carries besides.
    pub headers: Vec<Header>,
    /// The certificate authorities to trust (PEM), instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Its own certificate.
    pub identity: Option<Identity>,
}

/// Who the agent is, as every request says it.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A name and a password.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Password,
    },
    /// A token, in a file so that it may be renewed.
    Bearer(PathBuf),
}

/// Who the agent is, as a connection says it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its certificate and those between it and the authority (PEM).
    pub certificate_file: PathBuf,
    /// The certificate's key (PEM: PKCS#8, PKCS#1 or SEC1).
    pub key_file: PathBuf,
}

/// A header of every request. Its value cannot be printed.
#[derive(Debug, Clone)]
pub struct Header {
    name: HeaderName,
    value: HeaderValue,
}

/// Headers that belong to one connection (RFC 9110, 7.6.1), or that the agent says itself.
const OURS: &[&str] = &[
    "accept",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Header {
    /// Takes a name and a value, or says why they are no header that the settings may add.
    pub fn new(name: &str, value: &str) -> Result<Self, &'static str> {
        let name = HeaderName::try_from(name).map_err(|_| "is no name of a header")?;
        if OURS.contains(&name.as_str()) {
            return Err("is a header that the agent sets itself");
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| "has a value that no header can have")?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }

    /// Its name, in lower case.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Whether it says who the agent is.
    pub fn is_authorization(&self) -> bool {
        self.name == header::AUTHORIZATION
    }

    /// Name and value, for a request.
    pub fn pair(&self) -> (HeaderName, HeaderValue) {
        (self.name.clone(), self.value.clone())
    }
}

impl Access {
    /// Whether requests carry something that others must not read.
    pub fn shows_a_secret(&self) -> bool {
        self.credential.is_some() || !self.headers.is_empty()
    }
}

/// Whether an address is on this very machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_agent_or_to_a_connection_is_no_header_of_the_settings() {
        for name in ["Host", "Content-Type", "accept", "Connection", "Keep-Alive", "Transfer-Encoding", "TE"]
        {
            let refused = Header::new(name, "x").expect_err(name);
            assert_eq!(refused, "is a header that the agent sets itself", "{name}");
        }
        assert_eq!(Header::new("X Team", "x").expect_err("a blank"), "is no name of a header");
        let broken = Header::new("X-Team", "a\r\nHost: b").expect_err("two lines");
        assert_eq!(broken, "has a value that no header can have");
    }

    #[test]
    fn the_value_of_a_header_is_never_printed() {
        let header = Header::new("X-Api-Key", "hunter2").expect("a header");
        let access = Access { headers: vec![header], ..Access::default() };
        let shown = format!("{access:?}");
        assert!(shown.contains("x-api-key") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn this_machine_is_known_by_its_address() {
        for (url, expected) in [
            ("http://localhost:8083", true),
            ("http://127.0.0.1:8083", true),
            ("http://[::1]:8083", true),
            ("http://connect:8083", false),
            ("http://10.0.0.1:8083", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).expect("an url")), expected, "{url}");
        }
    }
}
