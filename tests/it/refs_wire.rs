//! What a poll costs on the wire: every byte of every connection, in both directions, headers too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tagalong::model::password::Password;
use tagalong::repo::Repository;
use tagalong::repo::options::GitOptions;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::refs::highest;
use crate::repo::{FILE, PACKED, ids, tag};
use crate::repo_http::address;
use crate::repo_http::password as credential;

/// A server's other address, behind which each byte is counted.
struct Counting {
    address: SocketAddr,
    bytes: Arc<AtomicU64>,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Counting {
    async fn before(to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (bytes, connections) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, number) = (Arc::clone(&bytes), Arc::clone(&connections));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(to).await else { return };
                number.fetch_add(1, Ordering::Relaxed);
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, Arc::clone(&count)));
                tokio::spawn(pass(from_server, to_client, Arc::clone(&count)));
            }
        });
        Ok(Self { address, bytes, connections, accepting })
    }

    fn url(&self) -> String {
        format!("http://{}/{}", self.address, Origin::NAME)
    }

    /// What went over since it was last asked.
    async fn taken(&self) -> (u64, usize) {
        // The last bytes of an answer may still be on their way through the proxy.
        tokio::time::sleep(Duration::from_millis(300)).await;
        (self.bytes.swap(0, Ordering::Relaxed), self.connections.swap(0, Ordering::Relaxed))
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, count: Arc<AtomicU64>) {
    let mut piece = vec![0; 4096];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
        count.fetch_add(length as u64, Ordering::Relaxed);
    }
}

/// A repository whose refs are written at once.
fn packed(refs: impl Iterator<Item = String>) -> Result<(Origin, String)> {
    let mut origin = Origin::new()?;
    let commit = origin.commit("first", &[(FILE, "1")])?;
    let mut refs: Vec<_> = refs.map(|name| format!("{commit} refs/{name}\n")).collect();
    refs.sort_by(|a, b| a[41..].cmp(&b[41..]));
    std::fs::write(origin.path().join("packed-refs"), PACKED.to_owned() + &refs.concat())?;
    Ok((origin, commit))
}

#[tokio::test]
async fn a_poll_among_a_hundred_thousand_refs_is_below_a_kilobyte_headers_and_all() -> Result<()> {
    let names = (0..50_000).flat_map(|n| [format!("tags/r{n}"), format!("heads/b{n}")]);
    let (mut origin, commit) = packed(names)?;
    let object = origin.annotated_tag("v1", "HEAD", "release")?;
    for password in [None, Some("a-token-of-forty-characters-1234567890ab")] {
        let server = match password {
            None => GitHttp::start(origin.parent()).await?,
            Some(password) => GitHttp::with_password(origin.parent(), "reader", password).await?,
        };
        let wire = Counting::before(address(&server)).await?;
        let shown = |text: &str| credential(&wire.url(), Password::Text(text.to_owned()));
        let credentials = password.map(shown);
        let options = GitOptions::new(wire.url(), tag("v1"));
        let repository =
            Repository::git(GitOptions { credentials: credentials.into_iter().collect(), ..options })?;
        for poll in 0..3 {
            server.clear();
            let resolved = repository.resolve().await?;
            assert_eq!(ids(&resolved.revision.at), (object.as_str(), commit.as_str()));
            let (bytes, connections) = wire.taken().await;
            assert!(bytes < 1000, "poll {poll}: {bytes} bytes");
            assert_eq!((server.exchanges().len(), connections), (1, usize::from(poll == 0)));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_tag_among_a_thousand_that_begin_like_it_is_not_read_to_the_end() -> Result<()> {
    let names = (0..10).flat_map(|n| (0..100).map(move |m| format!("tags/v1.{n}.{m}")));
    let (origin, commit) = packed(names.chain(["tags/v1".to_owned()]))?;
    let server = GitHttp::start(origin.parent()).await?;
    let wire = Counting::before(address(&server)).await?;
    let repository = Repository::git(GitOptions::new(wire.url(), tag("v1")))?;
    let resolved = repository.resolve().await?;
    assert_eq!(ids(&resolved.revision.at).1, commit);
    let read = resolved.received_bytes;
    let whole = highest(&wire.url(), "^1", "")?.resolve().await?.received_bytes;
    assert!(read < whole / 2, "{read} of {whole}");
    Ok(())
}
