//! Servers that answer as a test says, byte by byte and second by second, and the requests that they
//! saw. Real git answers where a test only looks or meddles.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::support::authority::Authority;

/// One request over HTTP.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `GET /x HTTP/1.1`.
    pub line: String,
    /// The headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Seen {
    /// Whether it is the question of protocol v2.
    pub fn is_question(&self) -> bool {
        let version = self.headers.get("git-protocol").map(String::as_str);
        version == Some("version=2") && self.line.starts_with("POST")
    }

    /// Whether it asks for the advertisement.
    pub fn is_advertisement(&self) -> bool {
        self.line.contains("/info/refs")
    }
}

/// What a server does with a request, one after the other.
#[derive(Debug, Clone)]
pub enum Play {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends bytes one by one, with a rest after each.
    Drip(Vec<u8>, Duration),
    /// Never does anything again, and keeps the connection.
    Hang,
    /// Has another server answer; of `Git-Protocol` it learns nothing where `old` is set.
    Forward { to: SocketAddr, old: bool },
    /// Has another server answer, and sends the first half.
    Half { to: SocketAddr },
}

/// A whole answer with a content type.
pub fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Play {
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        bytes = bytes + name + ": " + value + "\r\n";
    }
    bytes.push_str("\r\n");
    Play::Send([bytes.as_bytes(), body].concat())
}

/// The head of an answer whose body comes as it comes, until the connection is closed.
pub fn head(content_type: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {content_type}\r\n\r\n").into_bytes()
}

/// A packet of git's.
pub fn packet(data: &[u8]) -> Vec<u8> {
    [format!("{:04x}", data.len() + 4).as_bytes(), data].concat()
}

/// A server with a script.
pub struct Scripted {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    tls: bool,
    accepting: JoinHandle<()>,
}

type Script = Arc<dyn Fn(&Seen) -> Vec<Play> + Send + Sync>;

impl Scripted {
    /// Speaks HTTP.
    pub async fn http(script: impl Fn(&Seen) -> Vec<Play> + Send + Sync + 'static) -> Result<Self> {
        Self::start(None, Arc::new(script)).await
    }

    /// Speaks HTTP over TLS.
    pub async fn https(
        authority: &Authority,
        script: impl Fn(&Seen) -> Vec<Play> + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::start(
            Some(authority.issue("subjectAltName=DNS:localhost", 1)?.acceptor(None)?),
            Arc::new(script),
        )
        .await
    }

    async fn start(tls: Option<TlsAcceptor>, script: Script) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (noting, is_tls) = (Arc::clone(&seen), tls.is_some());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, script, seen) = (tls.clone(), Arc::clone(&script), Arc::clone(&noting));
                // A client that gives up is none of the server's business.
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                let _ = serve(stream, &script, &seen).await;
                            }
                        }
                        None => {
                            let _ = serve(stream, &script, &seen).await;
                        }
                    }
                });
            }
        });
        Ok(Self { address, seen, tls: is_tls, accepting })
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        let (scheme, host) = if self.tls { ("https", "localhost") } else { ("http", "127.0.0.1") };
        format!("{scheme}://{host}:{}/{path}", self.address.port())
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("nobody panics while holding it").clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    script: &Script,
    seen: &Mutex<Vec<Seen>>,
) -> Result<()> {
    let (request, raw) = read_request(&mut stream).await?;
    seen.lock().expect("nobody panics while holding it").push(request.clone());
    for play in script(&request) {
        match play {
            Play::Send(bytes) => stream.write_all(&bytes).await?,
            Play::Drip(bytes, rest) => {
                for byte in bytes {
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                    tokio::time::sleep(rest).await;
                }
            }
            Play::Hang => {
                stream.flush().await?;
                std::future::pending::<()>().await;
            }
            Play::Forward { to, old } => {
                let mut server = TcpStream::connect(to).await?;
                server.write_all(&forwarded(&raw, &request, old)).await?;
                tokio::io::copy(&mut server, &mut stream).await?;
            }
            Play::Half { to } => {
                let mut server = TcpStream::connect(to).await?;
                server.write_all(&forwarded(&raw, &request, false)).await?;
                let mut answer = Vec::new();
                server.read_to_end(&mut answer).await?;
                stream.write_all(&answer[..answer.len() / 2]).await?;
            }
        }
    }
    stream.shutdown().await?;
    Ok(())
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Result<(Seen, String)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        ensure!(stream.read_buf(&mut bytes).await? > 0, "the client went away");
    };
    let raw = String::from_utf8(bytes[..end].to_vec())?;
    let mut lines = raw.split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(Ok(0), |text| text.parse())?;
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        ensure!(stream.read_buf(&mut body).await? > 0, "the client went away");
    }
    Ok((Seen { line, headers, body }, raw))
}

fn forwarded(raw: &str, request: &Seen, old: bool) -> Vec<u8> {
    let mut text: String = raw
        .split("\r\n")
        .filter(|line| !(old && line.to_ascii_lowercase().starts_with("git-protocol")))
        .fold(String::new(), |text, line| text + line + "\r\n");
    text.push_str("connection: close\r\n\r\n");
    [text.as_bytes(), &request.body].concat()
}
