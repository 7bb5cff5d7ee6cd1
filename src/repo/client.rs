//! The HTTP client of one repository: whom it trusts, and what it goes through.
//!
//! Takes the certificate authorities, a proxy and its password, gives a client that is made anew when
//! a file of them was renewed. What is sent with it is left to `http`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, Client, NoProxy, redirect};
use url::Url;

use crate::files;
use crate::repo::cause::Cause;
use crate::repo::credential::{Credential, Way};
use crate::repo::error::Error;
use crate::repo::home;
use crate::repo::options::Proxy;
use crate::tls;

/// The longest file of authorities; a system's own is a quarter of it.
const LONGEST: u64 = 1024 * 1024;

/// A connection is kept a little longer than the usual interval between two polls.
const KEEP_ALIVE: Duration = Duration::from_secs(90);

/// A client, and what it was made of.
#[derive(Debug)]
pub struct Renewed {
    ca_file: Option<PathBuf>,
    proxy: Proxy,
    /// What the proxy is shown.
    credential: Option<Credential>,
    made: Mutex<Option<(Contents, Client)>>,
}

/// What the files hold.
#[derive(PartialEq, Eq, Clone)]
struct Contents {
    authorities: Option<Vec<u8>>,
    password: Option<String>,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Renewed {
    /// Takes the authorities instead of the system's, a proxy, and the credentials of all hosts.
    pub fn new(ca_file: Option<PathBuf>, proxy: Proxy, credentials: &[Credential]) -> Self {
        let meant = |url: &Url, credential: &&Credential| {
            Way::of(url.scheme()).zip(url.host_str()).is_some_and(|(way, name)| {
                credential.password.is_some() && credential.fits(way, name, url.port(), None)
            })
        };
        let credential = match &proxy {
            Proxy::At(url) => credentials.iter().find(|credential| meant(url, credential)).cloned(),
            Proxy::Environment | Proxy::Nothing => None,
        };
        Self { ca_file, proxy, credential, made: Mutex::default() }
    }

    /// The client as the files say now; connections of one that they do not say any more are not used.
    pub async fn now(&self) -> Result<Client, Error> {
        let authorities = match &self.ca_file {
            Some(path) => Some(read(path).await?),
            None => None,
        };
        let password = self.credential.as_ref().and_then(|credential| credential.password.as_ref());
        let password = match password {
            Some(password) => Some(home::text_of(password).await?),
            None => None,
        };
        let contents = Contents { authorities, password };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match made.as_ref() {
            Some((of, client)) if *of == contents => Ok(client.clone()),
            Some(_) | None => {
                let client = self.make(&contents)?;
                *made = Some((contents, client.clone()));
                Ok(client)
            }
        }
    }

    fn make(&self, contents: &Contents) -> Result<Client, Error> {
        tls::prepare();
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(KEEP_ALIVE)
            .referer(false);
        // What is no certificate shows only where the client is made.
        let failed = |error| match &self.ca_file {
            Some(path) => unreadable(path, io::Error::other(Cause::from(error))),
            None => Error::Client { source: Cause::from(error) },
        };
        if let (Some(path), Some(pem)) = (&self.ca_file, &contents.authorities) {
            let certificates = Certificate::from_pem_bundle(pem).map_err(failed)?;
            if certificates.is_empty() {
                return Err(unreadable(path, io::Error::other("there is no certificate in it")));
            }
            builder = builder.tls_certs_only(certificates);
        }
        builder = match &self.proxy {
            Proxy::Environment => builder,
            Proxy::Nothing => builder.no_proxy(),
            Proxy::At(url) => {
                let mut proxy = reqwest::Proxy::all(url.clone()).map_err(failed)?;
                if let Some(password) = &contents.password {
                    let user = self.credential.as_ref().and_then(|credential| credential.username.as_deref());
                    proxy = proxy.basic_auth(user.unwrap_or_default(), password);
                }
                builder.proxy(proxy.no_proxy(NoProxy::from_env()))
            }
        };
        builder.build().map_err(failed)
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, Error> {
    files::read_aside(path, LONGEST).await.map_err(|source| unreadable(path, source))
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::SettingsFile { what: "certificates", path: path.to_owned(), source }
}
