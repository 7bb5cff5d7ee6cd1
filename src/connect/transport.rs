//! Connections to Connect: whom they trust, what they show, how long they are kept.
//!
//! Takes the address and the files of the settings, gives an HTTP client that is made anew when a file
//! was renewed: connections that were made with the old ones are not used again. What is sent over
//! them is left to `http`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Client;
use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;
use url::Url;

use crate::connect::access::{Access, is_loopback};
use crate::connect::error::Error;
use crate::connect::renewed::{Contents, Named, Renewed};
use crate::connect::unusable::Problem;
use crate::tls;

/// For reaching the worker, which is beside the agent or in the same network.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Jetty closes a connection that is idle for 30 s; a request sent into that moment is lost with an
/// unknown outcome. So the agent's side closes first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// As many as are created at once.
const IDLE_CONNECTIONS: usize = 8;

const CA_FILE: &str = "connect.ca_file";
const CERTIFICATE_FILE: &str = "connect.client_certificate_file";
const KEY_FILE: &str = "connect.client_key_file";

/// Makes connections, keeps some, and remembers what the other side wanted of them.
#[derive(Debug, Clone)]
pub struct Transport {
    /// Sends requests over them.
    pub client: Client,
    /// Whether a certificate was asked for.
    pub asked: Asked,
}

/// Whether the other side asked for a certificate, where there is none to show.
///
/// A worker that insists says so after the handshake, in an alert that is often lost with the connection.
#[derive(Debug, Clone, Default)]
pub struct Asked(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    asked: AtomicBool,
    answered: AtomicBool,
}

impl Asked {
    /// Whether it did, and has answered nothing since.
    pub fn in_vain(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// Whether it has ever answered all the same: then it did not insist.
    pub fn has_answered(&self) -> bool {
        self.0.answered.load(Ordering::Relaxed)
    }

    /// It answered all the same.
    pub fn answered(&self) {
        self.0.asked.store(false, Ordering::Relaxed);
        self.0.answered.store(true, Ordering::Relaxed);
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Prepares the transport to a worker at `base`.
pub fn transport(base: &Url, user_agent: &str, access: &Access) -> Result<Renewed<Transport>, Error> {
    tls::prepare();
    let (is_tls, is_near) = (base.scheme() == "https", is_loopback(base));
    let user_agent =
        HeaderValue::from_str(user_agent).unwrap_or(HeaderValue::from_static(env!("CARGO_PKG_NAME")));
    Renewed::new(files(access), move |contents| {
        let asked = Asked::default();
        let mut builder = Client::builder()
            .user_agent(user_agent.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .redirect(Policy::none());
        builder = if is_tls {
            builder.tls_backend_preconfigured(configured(contents, &asked)?)
        } else {
            // Reading the system's certificates costs memory, and fails in an image without any.
            builder.tls_certs_only([])
        };
        if is_near {
            // A proxy of the surroundings cannot reach the worker in this pod.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|source| Error::Prepare { source: source.without_url() })?;
        Ok(Transport { client, asked })
    })
}

fn files(access: &Access) -> Vec<Named> {
    let Access { credential: _, headers: _, ca_file, identity } = access;
    let ca = ca_file.iter().map(|path| Named { key: CA_FILE, path: path.clone() });
    let own = identity.iter().flat_map(|identity| {
        [(CERTIFICATE_FILE, &identity.certificate_file), (KEY_FILE, &identity.key_file)]
            .map(|(key, path)| Named { key, path: path.clone() })
    });
    ca.chain(own).collect()
}

fn configured(contents: &Contents, asked: &Asked) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder();
    let builder = match authorities(contents)? {
        Some(authorities) => builder.with_root_certificates(authorities),
        None => builder.with_platform_verifier().map_err(|source| Error::Authorities { source })?,
    };
    Ok(match identity(contents)? {
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(identity)))
        }
        None => builder.with_client_cert_resolver(Arc::new(asked.clone())),
    })
}

fn authorities(contents: &Contents) -> Result<Option<RootCertStore>, Error> {
    if contents.of(CA_FILE).is_none() {
        return Ok(None);
    }
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(contents, CA_FILE)? {
        let added = authorities.add(certificate);
        added.map_err(|_| contents.unusable(CA_FILE, Problem::BrokenCertificate))?;
    }
    Ok(Some(authorities))
}

fn identity(contents: &Contents) -> Result<Option<CertifiedKey>, Error> {
    let Some(key) = contents.of(KEY_FILE) else { return Ok(None) };
    let chain = certificates(contents, CERTIFICATE_FILE)?;
    let private = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
        pem::Error::NoItemsFound if is_encrypted(key) => contents.unusable(KEY_FILE, Problem::EncryptedKey),
        pem::Error::NoItemsFound => contents.unusable(KEY_FILE, Problem::NoKey),
        _ => contents.unusable(KEY_FILE, Problem::BrokenKey),
    })?;
    let both = CertifiedKey::from_der(chain, private, &ring::default_provider());
    both.map(Some).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => contents.unusable(KEY_FILE, Problem::OtherKey),
        rustls::Error::InvalidCertificate(_) => {
            contents.unusable(CERTIFICATE_FILE, Problem::BrokenCertificate)
        }
        _ => contents.unusable(KEY_FILE, Problem::BrokenKey),
    })
}

fn certificates(contents: &Contents, key: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(contents.of(key).unwrap_or_default()).collect();
    match read {
        Ok(found) if found.is_empty() => Err(contents.unusable(key, Problem::NoCertificate)),
        Ok(found) => Ok(found),
        Err(_) => Err(contents.unusable(key, Problem::BrokenCertificate)),
    }
}

fn is_encrypted(key: &[u8]) -> bool {
    String::from_utf8_lossy(key).contains("ENCRYPTED PRIVATE KEY")
}
