//! What the settings say about one repository: where it is, what to follow, with which credentials.
//!
//! Takes values that were decoded elsewhere, gives them a type. Parsing the address and reading the
//! files that are named here is left to others.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::model::import::Import;
use crate::model::revision::{Reference, RepositoryName};
use crate::model::signature::What;
use crate::model::version::Follow;
use crate::repo::credential::Credential;

/// How to reach a git repository, and what of it to read.
#[derive(Debug, Clone)]
pub struct GitOptions {
    /// `https://…`, `http://…`, `git://…`, `ssh://…`, `user@host:path`, `file://…` or a plain path.
    pub url: String,
    /// What to follow.
    pub follow: Follow,
    /// The folder inside the repository that holds the definitions; `.` for the whole of it.
    pub path: String,
    /// How long one resolving or one reading may take, all in all.
    pub deadline: Duration,
    /// What to show to which host; the first that fits is taken.
    pub credentials: Vec<Credential>,
    /// The certificate authorities to trust for this repository (PEM), instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// What stands between the agent and HTTP.
    pub proxy: Proxy,
    /// Where fetched packs are put for a moment; the system's temporary folder where it is `None`.
    pub scratch: Option<PathBuf>,
    /// Whose signatures are asked for; none are where it is `None`.
    pub verify: Option<Verification>,
}

/// Which signatures are asked for, and whose count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// What must be signed.
    pub what: What,
    /// The file that says who may sign with SSH, in the form of OpenSSH; read anew at each look.
    pub allowed_signers_file: Option<PathBuf>,
    /// The file that says who may sign with OpenPGP, a keyring of public keys; read anew at each look.
    pub openpgp_keys_file: Option<PathBuf>,
}

impl Verification {
    /// The files that say who may sign.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.allowed_signers_file.iter().chain(&self.openpgp_keys_file)
    }
}

/// Which signatures are asked for in the repository at one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportVerification {
    /// The address, as the definitions have it.
    pub git: String,
    /// What is asked for; nothing where it is `None`.
    pub verify: Option<Verification>,
}

impl ImportVerification {
    /// Whether it is about this address. A slash or `.git` at the end makes no other repository.
    fn is_of(&self, git: &str) -> bool {
        let bare = |address: &str| {
            let address = address.trim_end_matches('/');
            address.strip_suffix(".git").unwrap_or(address).to_owned()
        };
        bare(&self.git) == bare(git)
    }
}

impl GitOptions {
    /// Options for an address and a ref, with nothing else said: the whole repository, 30 seconds.
    pub fn new(url: impl Into<String>, reference: Reference) -> Self {
        Self {
            url: url.into(),
            follow: reference.into(),
            path: ".".to_owned(),
            deadline: Duration::from_secs(30),
            credentials: Vec::new(),
            ca_file: None,
            proxy: Proxy::Environment,
            scratch: None,
            verify: None,
        }
    }
}

/// What stands between the agent and a server that it reaches over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// What `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say.
    #[default]
    Environment,
    /// Nothing, whatever the environment says.
    Nothing,
    /// This one, but for what `no_proxy` names. Its credential is one of the others, by its host.
    At(Url),
}

impl Proxy {
    /// Reads `none` or an address: a scheme that is spoken, a host, a port, and nothing else.
    pub fn new(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self::Nothing);
        }
        let url = Url::parse(text).ok()?;
        let spoken = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
        let bare = url.username().is_empty() && url.password().is_none() && url.path() == "/";
        (spoken && bare && url.query().is_none() && url.fragment().is_none()).then_some(Self::At(url))
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
    /// What stands between the agent and HTTP.
    pub proxy: Proxy,
    /// Where fetched packs are put for a moment.
    pub scratch: Option<PathBuf>,
    /// Whose signatures are asked for in the main repository, and so in each that it imports.
    pub verify: Option<Verification>,
    /// Where something else is said about one address; the first that fits is taken.
    pub verify_at: Vec<ImportVerification>,
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
            follow: import.follow.clone(),
            path: import.path.to_string(),
            deadline: self.deadline,
            credentials: self.credentials.clone(),
            ca_file: self.authorities.as_ref().filter(here).map(|authorities| authorities.file.clone()),
            proxy: self.proxy.clone(),
            scratch: self.scratch.clone(),
            verify: self
                .verify_at
                .iter()
                .find(|one| one.is_of(&import.git))
                .map_or_else(|| self.verify.clone(), |own| own.verify.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Place;
    use crate::model::password::Password;
    use crate::repo::credential::Host;

    #[test]
    fn a_password_is_never_printed() {
        let mut options = GitOptions::new("https://git.example.com/x", Reference::Tag("v1".into()));
        options.credentials.push(Credential {
            password: Some(Password::Text("hunter2".into())),
            ..Credential::at(Host::new("git.example.com").expect("a host"))
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
            proxy: Proxy::Environment,
            scratch: None,
            verify: None,
            verify_at: Vec::new(),
        };
        let trusts = |git: &str| {
            let import = Import {
                name: RepositoryName::import("platform").expect("a name"),
                place: Place::start_of("tagalong.yaml"),
                git: git.into(),
                follow: Reference::Tag("v2".into()).into(),
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
    fn a_proxy_is_an_address_without_a_password() {
        let at = Proxy::new("http://proxy.example.com:3128").expect("a proxy");
        assert_eq!(at, Proxy::At(Url::parse("http://proxy.example.com:3128/").expect("a URL")));
        assert_eq!(Proxy::new("none"), Some(Proxy::Nothing));
        for text in [
            "",
            "proxy.example.com:3128",
            "socks5://proxy.example.com",
            "http://user@proxy.example.com",
            "http://user:hunter2@proxy.example.com",
            "http://proxy.example.com/path",
            "http://proxy.example.com?x",
        ] {
            assert_eq!(Proxy::new(text), None, "{text:?}");
        }
    }
}
