//! A git server that turns on whoever asks it: real git answers until a test says at which phase of a look it
//! is to do something else, and what. It sits before a real server, over TCP alone or over HTTP.

use anyhow::{Result, ensure};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where in a look a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// A connection was made, and nothing was said yet.
    Accept,
    /// Protocol v2's question for refs.
    Question,
    /// The advertisement of all refs.
    Advertisement,
    /// What is agreed on before the pack.
    Agreement,
    /// The request that is answered with the pack.
    Fetch,
}

/// What is done in place of an answer, one after the other.
#[derive(Clone)]
pub enum Act {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends bytes one by one, with a rest after each.
    Drip(Vec<u8>, Duration),
    /// Sends the same bytes until the client goes.
    Endless(Vec<u8>),
    /// Never does anything again, and keeps the connection.
    Hang,
    /// Has the real server answer.
    Pass,
    /// Has the real server answer, and changes the answer's bytes.
    Change(fn(Vec<u8>) -> Vec<u8>),
    /// Does something meanwhile.
    Meanwhile(Arc<dyn Fn() + Send + Sync>),
}

type Script = BTreeMap<Phase, Vec<Act>>;

/// A running server; it ends when this is dropped.
pub struct Hostile {
    address: SocketAddr,
    script: watch::Sender<Script>,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    behind: SocketAddr,
    speaks_http: bool,
    requests: AtomicUsize,
    last: Mutex<Option<Phase>>,
}

impl Hostile {
    /// Sits before a server that speaks HTTP, and knows the phases of a look.
    pub async fn http(behind: SocketAddr) -> Result<Self> {
        Self::start(behind, true).await
    }

    /// Sits before any server, and knows only that a connection was made.
    pub async fn tcp(behind: SocketAddr) -> Result<Self> {
        Self::start(behind, false).await
    }

    async fn start(behind: SocketAddr, speaks_http: bool) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared =
            Arc::new(Shared { behind, speaks_http, requests: AtomicUsize::new(0), last: Mutex::default() });
        let (script, told) = watch::channel(Script::new());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), told));
        Ok(Self { address, script, shared, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on does this at these phases, and what it did before at no other. What it was doing ends.
    pub fn turn(&self, phases: &[Phase], acts: &[Act]) {
        let script = phases.iter().map(|phase| (*phase, acts.to_vec())).collect();
        self.script.send_replace(script);
    }

    /// Answers as the real server does. What it was doing ends.
    pub fn heal(&self) {
        self.script.send_replace(Script::new());
    }

    /// How many requests there were; without HTTP, how many connections.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// At which phase it was hostile last.
    pub fn struck(&self) -> Option<Phase> {
        *self.shared.last.lock().expect("nobody panics while holding it")
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, told: watch::Receiver<Script>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, told) = (Arc::clone(&shared), told.clone());
        tokio::spawn(async move {
            // A client that gives up is none of the server's business.
            let _ = serve(stream, &shared, told).await;
        });
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared, mut told: watch::Receiver<Script>) -> Result<()> {
    let script = told.borrow_and_update().clone();
    if let Some(acts) = script.get(&Phase::Accept) {
        return strike(&mut stream, Phase::Accept, acts, shared, &[], told).await;
    }
    if !shared.speaks_http {
        shared.requests.fetch_add(1, Ordering::Relaxed);
        let mut server = TcpStream::connect(shared.behind).await?;
        tokio::select! {
            copied = copy_bidirectional(&mut stream, &mut server) => drop(copied?),
            _ = told.changed() => {}
        }
        return Ok(());
    }
    let (phase, request) = read_request(&mut stream).await?;
    shared.requests.fetch_add(1, Ordering::Relaxed);
    match script.get(&phase) {
        Some(acts) => strike(&mut stream, phase, acts, shared, &request, told).await,
        // What is honest is brought to its end, so that a test knows by what a look failed.
        None => play(&mut stream, &[Act::Pass], shared, &request).await,
    }
}

/// Does harm until the script changes.
async fn strike(
    stream: &mut TcpStream,
    phase: Phase,
    acts: &[Act],
    shared: &Shared,
    request: &[u8],
    mut told: watch::Receiver<Script>,
) -> Result<()> {
    *shared.last.lock().expect("nobody panics while holding it") = Some(phase);
    tokio::select! {
        played = play(stream, acts, shared, request) => played,
        _ = told.changed() => Ok(()),
    }
}

async fn play(stream: &mut TcpStream, acts: &[Act], shared: &Shared, request: &[u8]) -> Result<()> {
    for act in acts {
        match act {
            Act::Send(bytes) => stream.write_all(bytes).await?,
            Act::Drip(bytes, rest) => {
                for byte in bytes {
                    stream.write_all(&[*byte]).await?;
                    tokio::time::sleep(*rest).await;
                }
            }
            Act::Endless(bytes) => loop {
                stream.write_all(bytes).await?;
            },
            Act::Hang => std::future::pending::<()>().await,
            Act::Pass => stream.write_all(&real(shared.behind, request).await?).await?,
            Act::Change(change) => stream.write_all(&change(real(shared.behind, request).await?)).await?,
            // A thread of the runtime that is kept busy may be the one that hears of sockets and clocks.
            Act::Meanwhile(work) => {
                let work = Arc::clone(work);
                tokio::task::spawn_blocking(move || work()).await?;
            }
        }
    }
    stream.shutdown().await?;
    Ok(())
}

/// The whole answer of the real server.
async fn real(behind: SocketAddr, request: &[u8]) -> Result<Vec<u8>> {
    let mut server = TcpStream::connect(behind).await?;
    server.write_all(request).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Reads one request; gives its phase, and the request for the real server: as one of HTTP/1.0, whose answer
/// comes in one piece and ends with its connection.
async fn read_request(stream: &mut TcpStream) -> Result<(Phase, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        ensure!(stream.read_buf(&mut bytes).await? > 0, "the client went away");
    };
    let mut body = bytes.split_off(end + 4);
    let head = String::from_utf8(bytes)?;
    let lower = head.to_ascii_lowercase();
    let length = lower.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(Ok(0), str::parse)?;
    while body.len() < length {
        ensure!(stream.read_buf(&mut body).await? > 0, "the client went away");
    }
    let phase = match () {
        () if lower.contains("/info/refs") => Phase::Advertisement,
        () if lower.contains("\r\ngit-protocol: version=2") => Phase::Question,
        () if body.ends_with(b"0009done\n") => Phase::Fetch,
        () => Phase::Agreement,
    };
    let head = head.replacen(" HTTP/1.1\r\n", " HTTP/1.0\r\n", 1);
    Ok((phase, [head.as_bytes(), &body].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::http::GitHttp;
    use crate::git::repository::{Repository, pinned};
    use tokio::process::Command;

    #[tokio::test]
    async fn it_is_real_git_until_it_turns_and_after_it_is_healed() -> Result<()> {
        let mut repository = Repository::new()?;
        let commit = repository.commit("first", &[("a", "1")])?;
        let git = GitHttp::start(repository.parent()).await?;
        let hostile = Hostile::http(git.address()).await?;
        let url = format!("http://{}/{}", hostile.address(), Repository::NAME);
        let home = tempfile::tempdir()?;
        let listed = || async {
            let mut git = Command::from(pinned(home.path()));
            let output = git.args(["ls-remote", &url, "HEAD"]).current_dir(home.path()).output().await?;
            anyhow::Ok(String::from_utf8_lossy(&output.stdout).starts_with(&commit))
        };
        assert!(listed().await?);
        assert_eq!(hostile.struck(), None);
        hostile.turn(&[Phase::Advertisement], &[Act::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec())]);
        assert!(!listed().await?);
        assert_eq!(hostile.struck(), Some(Phase::Advertisement));
        hostile.heal();
        assert!(listed().await?);
        Ok(())
    }
}
