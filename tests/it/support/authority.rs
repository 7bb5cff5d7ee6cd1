//! A certificate authority of a test's own, made with `openssl`, and the certificates that it gives.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientCertVerifierBuilder, WebPkiClientVerifier};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// What every certificate for a server on this machine is for.
pub const HERE: &str = "subjectAltName=DNS:localhost,IP:127.0.0.1";

/// What makes an authority of a certificate.
const SUBORDINATE: &str = "basicConstraints=critical,CA:TRUE";

/// An authority; its folder goes with it.
pub struct Authority {
    folder: TempDir,
    /// The certificates between this one and the one that is trusted.
    chain: String,
}

/// A certificate with those above it, and its key, in PEM.
#[derive(Clone)]
pub struct Issued {
    /// The certificate first.
    pub certificate: String,
    /// As PKCS#8.
    pub key: String,
}

impl Authority {
    /// Makes one that is valid for a day.
    pub fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let request =
            ["req", "-x509", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=a test"];
        openssl(&folder, &[&request[..], &["-newkey", "rsa:2048", "-days", "1"]].concat())?;
        Ok(Self { folder, chain: String::new() })
    }

    /// An authority that this one vouches for.
    pub fn subordinate(&self) -> Result<Self> {
        let Issued { certificate, key } = self.issue(SUBORDINATE, 1)?;
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("ca.pem"), &certificate)?;
        std::fs::write(folder.path().join("ca.key"), key)?;
        Ok(Self { folder, chain: certificate })
    }

    /// The file to trust.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Gives a certificate for a server on this machine.
    pub fn server(&self) -> Result<Issued> {
        self.issue(HERE, 1)
    }

    /// Gives a certificate with this extension, valid for so many days from now.
    pub fn issue(&self, extension: &str, days: i32) -> Result<Issued> {
        let work = tempfile::tempdir()?;
        let at = |name: &str| work.path().join(name).display().to_string();
        std::fs::write(work.path().join("extensions"), format!("{extension}\n"))?;
        let request = ["req", "-new", "-nodes", "-keyout", "key.pem", "-out", "request.pem"];
        openssl(&work, &[&request[..], &["-newkey", "rsa:2048", "-subj", "/CN=tagalong"]].concat())?;
        let (request, out, extensions) = (at("request.pem"), at("certificate.pem"), at("extensions"));
        let sign = ["x509", "-req", "-in", &request, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
        let days = days.to_string();
        let how = ["-days", &days, "-extfile", &extensions, "-out", &out];
        openssl(&self.folder, &[&sign[..], &how].concat())?;
        Ok(Issued {
            certificate: std::fs::read_to_string(out)? + &self.chain,
            key: std::fs::read_to_string(at("key.pem"))?,
        })
    }
}

impl Issued {
    /// The key in another form: `openssl` calls PKCS#1 `traditional`.
    pub fn traditional_key(&self) -> Result<String> {
        let work = tempfile::tempdir()?;
        std::fs::write(work.path().join("key.pem"), &self.key)?;
        openssl(&work, &["pkey", "-in", "key.pem", "-traditional", "-out", "other.pem"])?;
        Ok(std::fs::read_to_string(work.path().join("other.pem"))?)
    }

    /// The server's side of TLS with this certificate; clients must show one of `wanted`, if there is one.
    pub fn acceptor(&self, wanted: Option<&Authority>) -> Result<TlsAcceptor> {
        self.accepting(wanted.map(verifier).transpose()?)
    }

    /// The same where clients are asked for one of `wanted` and may have none (`ssl.client.auth=requested`).
    pub fn asking(&self, wanted: &Authority) -> Result<TlsAcceptor> {
        self.accepting(Some(verifier(wanted)?.allow_unauthenticated()))
    }

    fn accepting(&self, verifier: Option<ClientCertVerifierBuilder>) -> Result<TlsAcceptor> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?;
        let builder = match verifier {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier.build()?),
        };
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes()).collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())?;
        Ok(TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key)?)))
    }
}

fn verifier(authority: &Authority) -> Result<ClientCertVerifierBuilder> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.file())?)?;
    let provider = Arc::new(ring::default_provider());
    Ok(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider))
}

fn openssl(folder: &TempDir, arguments: &[&str]) -> Result<()> {
    let output = Command::new("openssl").args(arguments).current_dir(folder.path()).output();
    let output = output.context("start openssl, which this test needs")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
