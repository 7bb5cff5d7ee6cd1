//! What the settings say about one repository: where it is, what to follow, with which credentials.
//!
//! Takes values that were decoded elsewhere, gives them a type. Parsing the address and reading the
//! files that are named here is left to others.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::model::import::Import;
use crate::model::password::Password;
use crate::model::revision::{Reference, RepositoryName};

/// How to reach a git repository, and what of it to read.
#[derive(Debug, Clone)]
pub struct GitOptions {
    /// `https://…`, `http://…`, `git://…`, `ssh://…`, `user@host:path`, `file://…` or a plain path.
    pub url: String,
    /// What to follow.
    pub reference: Reference,
    /// The folder inside the repository that holds the definitions; `.` for the whole of it.
    pub path: String,
    /// How long one resolving or one reading may take, all in all.
    pub deadline: Duration,
    /// What to show to which host; the first that fits is taken.
    pub credentials: Vec<Credential>,
    /// The certificate authorities to trust for this repository (PEM), instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Where fetched packs are put for a moment; the system's temporary folder where it is `None`.
    pub scratch: Option<PathBuf>,
}

impl GitOptions {
    /// Options for an address and a ref, with nothing else said: the whole repository, 30 seconds.
    pub fn new(url: impl Into<String>, reference: Reference) -> Self {
        Self {
            url: url.into(),
            reference,
            path: ".".to_owned(),
            deadline: Duration::from_secs(30),
            credentials: Vec::new(),
            ca_file: None,
            scratch: None,
        }
    }
}

/// How repositories of templates are reached. Which there are, and what of them to follow, is said by
/// the definitions; what is shown to whom is said here, by host.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Folders to read in place of git, by the import's name.
    pub folders: BTreeMap<RepositoryName, PathBuf>,
    /// How long one resolving or one reading may take, all in all.
    pub deadline: Duration,
    /// What to show to which host; the first that fits is taken, and a host that is not here gets none.
    pub credentials: Vec<Credential>,
    /// Certificate authorities to trust at one host, instead of the system's.
    pub authorities: Option<Authorities>,
    /// Where fetched packs are put for a moment.
    pub scratch: Option<PathBuf>,
}

/// Certificate authorities that count for one host: a private authority has no say about others.
#[derive(Debug, Clone)]
pub struct Authorities {
    /// The certificates (PEM).
    pub file: PathBuf,
    /// An address at that host.
    pub of: String,
}

impl ImportOptions {
    /// The options of one import in git.
    pub fn git(&self, import: &Import) -> GitOptions {
        let place = |address: &str| {
            let url = Url::parse(address).ok()?;
            Some((url.host_str()?.to_owned(), url.port_or_known_default()))
        };
        let here = |authorities: &&Authorities| {
            let host = place(&authorities.of);
            host.is_some() && host == place(&import.git)
        };
        GitOptions {
            url: import.git.to_string(),
            reference: import.reference.clone(),
            path: import.path.to_string(),
            deadline: self.deadline,
            credentials: self.credentials.clone(),
            ca_file: self.authorities.as_ref().filter(here).map(|authorities| authorities.file.clone()),
            scratch: self.scratch.clone(),
        }
    }
}

/// What to show to one host, and to no other.
#[derive(Debug, Clone, Default)]
pub struct Credential {
    /// The host, or `host:port`, as it stands in the repository's address.
    pub host: String,
    /// The user name; the address's own where it is `None`.
    pub username: Option<String>,
    /// The password or token, for HTTP.
    pub password: Option<Password>,
    /// The private key, for SSH.
    pub ssh_key_file: Option<PathBuf>,
    /// The host keys to trust, for SSH; the user's own file where it is `None`.
    pub known_hosts_file: Option<PathBuf>,
}

impl Credential {
    /// Whether it is meant for this host and user.
    pub fn fits(&self, host: &str, port: Option<u16>, user: Option<&str>) -> bool {
        let here = self.host.eq_ignore_ascii_case(host)
            || port.is_some_and(|port| self.host.eq_ignore_ascii_case(&format!("{host}:{port}")));
        here && match (self.username.as_deref(), user) {
            (Some(mine), Some(asked)) => mine == asked,
            (None, _) | (_, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Place;

    #[test]
    fn a_password_is_never_printed() {
        let mut options = GitOptions::new("https://git.example.com/x", Reference::Tag("v1".into()));
        options.credentials.push(Credential {
            host: "git.example.com".into(),
            password: Some(Password::Text("hunter2".into())),
            ..Credential::default()
        });
        assert!(!format!("{options:?}").contains("hunter2"));
    }

    #[test]
    fn a_private_authority_counts_at_the_main_repository_s_own_host_only() {
        let authorities =
            Authorities { file: "ca.pem".into(), of: "https://git.example.com/connectors".into() };
        let options = ImportOptions {
            folders: BTreeMap::new(),
            deadline: Duration::from_secs(30),
            credentials: Vec::new(),
            authorities: Some(authorities),
            scratch: None,
        };
        let trusts = |git: &str| {
            let import = Import {
                name: RepositoryName::import("platform").expect("a name"),
                place: Place::start_of("tagalong.yaml"),
                git: git.into(),
                reference: Reference::Tag("v2".into()),
                path: ".".into(),
                interval: None,
            };
            options.git(&import).ca_file.is_some()
        };
        assert!(trusts("https://git.example.com/platform") && trusts("https://git.example.com:443/x"));
        assert!(!trusts("https://git.example.com:8443/platform"));
        assert!(!trusts("https://elsewhere.example.com/platform"));
        assert!(!trusts("git@git.example.com:platform"));
    }

    #[test]
    fn a_credential_fits_its_host_only() {
        let credential = Credential { host: "git.example.com".into(), ..Credential::default() };
        assert!(credential.fits("git.example.com", Some(443), Some("anyone")));
        assert!(credential.fits("GIT.example.com", None, None));
        assert!(!credential.fits("git.example.com.evil.example", None, None));
        assert!(!credential.fits("example.com", None, None));

        let with_port = Credential { host: "git.example.com:8443".into(), ..Credential::default() };
        assert!(with_port.fits("git.example.com", Some(8443), None));
        assert!(!with_port.fits("git.example.com", Some(443), None));

        let named = Credential { username: Some("a".into()), ..credential };
        assert!(named.fits("git.example.com", None, None));
        assert!(!named.fits("git.example.com", None, Some("b")));
    }
}
