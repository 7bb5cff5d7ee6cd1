//! TLS to Connect: whom the agent trusts, what it shows, what it says when that does not fit, and what it does when
//! certificates are renewed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong::connect::access::{Access, Identity};
use tagalong::connect::error::Error;
use tagalong::connect::trouble::Trouble;
use tagalong::connect::unusable::{Problem, Unusable};
use tagalong::model::report::Class;
use tagalong_testkit::fake::Fake;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::reach::client;
use crate::support::authority::{Authority, HERE, Issued};

/// TLS in front of a cluster; it ends when this is dropped.
struct Front {
    address: SocketAddr,
    acceptor: Arc<Mutex<TlsAcceptor>>,
    /// What each connection showed.
    shown: Arc<Mutex<Vec<Option<Vec<u8>>>>>,
    /// Ends the connections that there are.
    cut: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Front {
    async fn start(fake: &Fake, acceptor: TlsAcceptor) -> Result<Self> {
        let target = fake.url(0).strip_prefix("http://").context("plain HTTP")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, acceptor) = (listener.local_addr()?, Arc::new(Mutex::new(acceptor)));
        let shown = Arc::<Mutex<Vec<_>>>::default();
        let cut = Arc::<Notify>::default();
        let (current, kept, ended) = (Arc::clone(&acceptor), Arc::clone(&shown), Arc::clone(&cut));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = current.lock().expect("nobody panics while holding it").clone();
                let (kept, target, ended) = (Arc::clone(&kept), target.clone(), Arc::clone(&ended));
                tokio::spawn(async move {
                    // Who is not accepted is told so by the library.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let certificates = stream.get_ref().1.peer_certificates();
                    let first = certificates.and_then(|all| all.first()).map(|first| first.to_vec());
                    kept.lock().expect("nobody panics while holding it").push(first);
                    let mut behind = TcpStream::connect(target).await.expect("the cluster listens");
                    // A client that goes away ends it.
                    tokio::select! {
                        _ = copy_bidirectional(&mut stream, &mut behind) => {}
                        () = ended.notified() => {}
                    }
                });
            }
        });
        Ok(Self { address, acceptor, shown, cut, task })
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    fn renew(&self, acceptor: TlsAcceptor) {
        *self.acceptor.lock().expect("nobody panics while holding it") = acceptor;
    }

    fn shown(&self) -> Vec<Option<Vec<u8>>> {
        self.shown.lock().expect("nobody panics while holding it").clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Files that the settings name, as a mounted secret has them.
struct Mounted(TempDir);

impl Mounted {
    fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.0.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    fn identity(&self, Issued { certificate, key }: &Issued) -> Result<Option<Identity>> {
        let certificate_file = self.write("tls.crt", certificate)?;
        Ok(Some(Identity { certificate_file, key_file: self.write("tls.key", key)? }))
    }
}

fn trusting(authority: &Authority) -> Access {
    Access { ca_file: Some(authority.file()), ..Access::default() }
}

/// Why a look at this address does not come about, with what is advised.
async fn trouble(url: &str, access: Access) -> Result<(Trouble, Class, String)> {
    match client(url, access)?.live().await {
        Err(error @ Error::Trouble { trouble, .. }) => {
            Ok((trouble, error.class(), error.hint().context("a hint")?.to_owned()))
        }
        Err(error) => Err(error).context("another error"),
        Ok(_) => anyhow::bail!("it came about"),
    }
}

#[tokio::test]
async fn each_way_in_which_a_certificate_does_not_fit_has_its_name() -> Result<()> {
    let (fake, authority, other) = (Fake::start(1).await, Authority::new()?, Authority::new()?);
    let front = Front::start(&fake, authority.server()?.acceptor(None)?).await?;
    client(&front.url(), trusting(&authority))?.live().await?;

    let (named, class, hint) = trouble(&front.url(), trusting(&other)).await?;
    assert_eq!((named, class), (Trouble::UnknownAuthority, Class::Denied));
    assert!(hint.contains("connect.ca_file"), "{hint}");
    // The system's authorities do not know it either.
    let (named, ..) = trouble(&front.url(), Access::default()).await?;
    assert_eq!(named, Trouble::UnknownAuthority);

    front.renew(authority.issue("subjectAltName=DNS:elsewhere", 1)?.acceptor(None)?);
    let (named, _, hint) = trouble(&front.url(), trusting(&authority)).await?;
    assert_eq!(named, Trouble::OtherName);
    assert!(hint.contains("connect.url"), "{hint}");

    front.renew(authority.issue(HERE, -1)?.acceptor(None)?);
    let (named, ..) = trouble(&front.url(), trusting(&authority)).await?;
    assert_eq!(named, Trouble::Expired);
    Ok(())
}

#[tokio::test]
async fn a_worker_that_wants_a_certificate_gets_it_in_every_form_of_key() -> Result<()> {
    let (fake, authority, mounted) = (Fake::start(1).await, Authority::new()?, Mounted::new()?);
    let front = Front::start(&fake, authority.server()?.acceptor(Some(&authority))?).await?;
    // Often: the alert that says so can be lost on the way.
    for _ in 0..20 {
        let (named, class, hint) = trouble(&front.url(), trusting(&authority)).await?;
        assert_eq!((named, class), (Trouble::CertificateWanted, Class::Denied));
        assert!(hint.contains("connect.client_certificate_file"), "{hint}");
    }
    let issued = authority.issue("extendedKeyUsage=clientAuth", 1)?;
    let traditional = Issued { key: issued.traditional_key()?, ..issued.clone() };
    ensure!(traditional.key.contains("BEGIN RSA PRIVATE KEY"), "PKCS#1");
    let both = Issued { certificate: issued.certificate.clone() + &issued.key, key: issued.key.clone() };
    for issued in [&issued, &traditional, &both, &Issued { key: both.certificate.clone(), ..both.clone() }] {
        let access = Access { identity: mounted.identity(issued)?, ..trusting(&authority) };
        client(&front.url(), access)?.live().await?;
    }
    let stranger = Authority::new()?.issue("extendedKeyUsage=clientAuth", 1)?;
    let access = Access { identity: mounted.identity(&stranger)?, ..trusting(&authority) };
    // Here nothing else tells, where the alert is lost.
    for _ in 0..20 {
        if let Ok((named, ..)) = trouble(&front.url(), access.clone()).await {
            assert_eq!(named, Trouble::CertificateRefused);
            return Ok(());
        }
    }
    anyhow::bail!("never told")
}

#[tokio::test]
async fn a_chain_is_shown_whole() -> Result<()> {
    let (fake, authority, mounted) = (Fake::start(1).await, Authority::new()?, Mounted::new()?);
    let between = authority.subordinate()?;
    let front = Front::start(&fake, between.server()?.acceptor(Some(&authority))?).await?;
    let issued = between.issue("extendedKeyUsage=clientAuth", 1)?;
    let access = Access { identity: mounted.identity(&issued)?, ..trusting(&authority) };
    client(&front.url(), access)?.live().await?;
    Ok(())
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_by_the_next_request_and_a_half_written_one_is_not() -> Result<()> {
    let (fake, authority, mounted) = (Fake::start(1).await, Authority::new()?, Mounted::new()?);
    let front = Front::start(&fake, authority.server()?.acceptor(Some(&authority))?).await?;
    let der = |issued: &Issued| -> Result<Option<Vec<u8>>> {
        use tokio_rustls::rustls::pki_types::CertificateDer;
        use tokio_rustls::rustls::pki_types::pem::PemObject as _;
        Ok(Some(CertificateDer::from_pem_slice(issued.certificate.as_bytes())?.to_vec()))
    };
    let (first, second) =
        (authority.issue("keyUsage=digitalSignature", 1)?, authority.issue("keyUsage=digitalSignature", 1)?);
    let access = Access { identity: mounted.identity(&first)?, ..trusting(&authority) };
    let client = client(&front.url(), access)?;
    client.live().await?;
    client.live().await?;
    assert_eq!(front.shown(), [der(&first)?], "one connection serves for many requests");

    // The certificate comes before its key, cut in two at that.
    let (half, _) = second.certificate.split_at(second.certificate.len() / 2);
    for text in [half, &second.certificate, ""] {
        mounted.write("tls.crt", text)?;
        client.live().await?;
    }
    std::fs::remove_file(mounted.0.path().join("tls.crt"))?;
    client.live().await?;
    assert_eq!(front.shown(), [der(&first)?], "what was good is kept");

    mounted.identity(&second)?;
    client.live().await?;
    client.live().await?;
    assert_eq!(front.shown(), [der(&first)?, der(&second)?], "a connection of the old one is not used again");
    Ok(())
}

#[tokio::test]
async fn a_renewed_authority_is_trusted_by_the_next_request() -> Result<()> {
    let (fake, old, new, mounted) =
        (Fake::start(1).await, Authority::new()?, Authority::new()?, Mounted::new()?);
    let front = Front::start(&fake, old.server()?.acceptor(None)?).await?;
    let both = |one: &Authority, two: &Authority| -> Result<String> {
        Ok(std::fs::read_to_string(one.file())? + &std::fs::read_to_string(two.file())?)
    };
    let ca_file = Some(mounted.write("ca.crt", &std::fs::read_to_string(old.file())?)?);
    let client = client(&front.url(), Access { ca_file, ..Access::default() })?;
    client.live().await?;
    mounted.write("ca.crt", &both(&old, &new)?)?;
    front.renew(new.server()?.acceptor(None)?);
    client.live().await?;
    mounted.write("ca.crt", &std::fs::read_to_string(old.file())?)?;
    let error = client.live().await.expect_err("the new one is not trusted any more");
    assert!(matches!(error, Error::Trouble { trouble: Trouble::UnknownAuthority, .. }), "{error}");
    Ok(())
}

#[tokio::test]
async fn files_that_are_no_certificates_and_keys_are_named_at_the_start() -> Result<()> {
    let (authority, mounted) = (Authority::new()?, Mounted::new()?);
    let (issued, other) = (authority.server()?, authority.server()?);
    let refused = |access: Access| match client("https://localhost:1", access) {
        Err(Error::File(Unusable { key, problem, .. })) => Ok((key, problem)),
        Err(error) => Err(error).context("another error"),
        Ok(_) => anyhow::bail!("it is taken"),
    };
    let ca = |text: &str| -> Result<Access> {
        Ok(Access { ca_file: Some(mounted.write("ca.crt", text)?), ..Access::default() })
    };
    let own = |certificate: &str, key: &str| -> Result<Access> {
        let issued = Issued { certificate: certificate.to_owned(), key: key.to_owned() };
        Ok(Access { identity: mounted.identity(&issued)?, ..Access::default() })
    };
    let garbage = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    assert!(matches!(refused(ca("no PEM")?)?, ("connect.ca_file", Problem::NoCertificate)));
    assert!(matches!(refused(ca(garbage)?)?, ("connect.ca_file", Problem::BrokenCertificate)));
    assert!(matches!(
        refused(own("no PEM", &issued.key)?)?,
        ("connect.client_certificate_file", Problem::NoCertificate)
    ));
    let key = |certificate: &str, key: &str| match refused(own(certificate, key)?)? {
        ("connect.client_key_file", problem) => Ok(problem),
        other => anyhow::bail!("{other:?}"),
    };
    assert!(matches!(key(&issued.certificate, "no PEM")?, Problem::NoKey));
    assert!(matches!(key(&issued.certificate, &other.key)?, Problem::OtherKey));
    let encrypted = issued.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert!(matches!(key(&issued.certificate, &encrypted)?, Problem::EncryptedKey));
    let cut = &issued.key[..issued.key.len() / 2];
    assert!(matches!(key(&issued.certificate, cut)?, Problem::BrokenKey));
    Ok(())
}

#[tokio::test]
async fn http_and_https_that_are_mistaken_for_each_other_are_told_apart() -> Result<()> {
    let (fake, authority) = (Fake::start(1).await, Authority::new()?);
    let plain = fake.url(0).replace("http://", "https://");
    let (named, class, hint) = trouble(&plain, trusting(&authority)).await?;
    assert_eq!((named, class), (Trouble::NoTls, Class::NotUnderstood));
    assert!(hint.contains("http://"), "{hint}");
    let front = Front::start(&fake, authority.server()?.acceptor(None)?).await?;
    let (named, _, hint) = trouble(&front.url().replace("https://", "http://"), Access::default()).await?;
    assert_eq!(named, Trouble::NoHttp);
    assert!(hint.contains("https://"), "{hint}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_breaks_off_is_not_taken_for_one_that_wants_a_certificate() -> Result<()> {
    let authority = Authority::new()?;
    let (acceptor, listener) = (authority.server()?.acceptor(None)?, TcpListener::bind("127.0.0.1:0").await?);
    let url = format!("https://localhost:{}", listener.local_addr()?.port());
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut stream = acceptor.accept(stream).await.expect("a handshake");
        let _ = stream.read(&mut [0; 1024]).await.expect("a request");
        let _ = stream.shutdown().await;
    });
    let error = client(&url, trusting(&authority))?.live().await.expect_err("no answer");
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    tokio::time::timeout(Duration::from_secs(5), server).await??;
    Ok(())
}

#[tokio::test]
async fn a_worker_that_does_not_insist_on_a_certificate_and_goes_away_is_not_said_to_want_one() -> Result<()>
{
    let authority = Authority::new()?;
    // Two of them, as a worker that was restarted knows no session of before.
    let acceptors = [authority.server()?.asking(&authority)?, authority.server()?.asking(&authority)?];
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://localhost:{}", listener.local_addr()?.port());
    // It answers the first connection; of the second it reads the request, and is gone.
    let server = tokio::spawn(async move {
        for (turn, acceptor) in acceptors.into_iter().enumerate() {
            let (stream, _) = listener.accept().await.expect("a connection");
            let mut stream = acceptor.accept(stream).await.expect("a handshake");
            let _ = stream.read(&mut [0; 4096]).await.expect("a request");
            if turn == 0 {
                let says = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
                stream.write_all(says).await.expect("written");
                stream.shutdown().await.expect("closed");
            }
        }
    });
    let client = client(&url, trusting(&authority))?;
    client.root().await?;
    let error = client.root().await.expect_err("no answer");
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    tokio::time::timeout(Duration::from_secs(5), server).await??;
    Ok(())
}

#[tokio::test]
async fn a_worker_that_insists_on_a_certificate_from_now_on_is_said_to_want_one() -> Result<()> {
    let (fake, authority) = (Fake::start(1).await, Authority::new()?);
    let front = Front::start(&fake, authority.server()?.asking(&authority)?).await?;
    let client = client(&front.url(), trusting(&authority))?;
    client.live().await?;
    front.renew(authority.server()?.acceptor(Some(&authority))?);
    front.cut.notify_waiters();
    // The alert that says so can be lost on the way.
    for _ in 0..20 {
        if let Err(Error::Trouble { trouble, .. }) = client.live().await {
            assert_eq!(trouble, Trouble::CertificateWanted);
            return Ok(());
        }
    }
    anyhow::bail!("never told")
}
