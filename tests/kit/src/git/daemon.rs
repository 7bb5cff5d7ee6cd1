//! The `git://` protocol on a free port: every connection is handed to a `git daemon` of its own, which ends with it,
//! so that no process can be left behind.

use crate::git::repository::pinned;
use anyhow::Result;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinHandle;

/// A running server; it ends when this is dropped.
pub struct GitDaemon {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl GitDaemon {
    /// Serves every repository below `root`.
    pub async fn start(root: &Path) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let connections = Arc::new(AtomicUsize::new(0));
        let accepting = tokio::spawn(accept(listener, root.to_owned(), Arc::clone(&connections)));
        Ok(Self { address, connections, accepting })
    }

    /// The URL of a repository, given its path below the root.
    pub fn url(&self, path: &str) -> String {
        format!("git://{}/{path}", self.address)
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for GitDaemon {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, root: PathBuf, connections: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::Relaxed);
        let root = root.clone();
        tokio::spawn(async move {
            // A client that gives up is none of the server's business.
            let _ = serve(stream, &root).await;
        });
    }
}

async fn serve(stream: TcpStream, root: &Path) -> Result<()> {
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    let input = Stdio::from(OwnedFd::from(stream.try_clone()?));
    let output = Stdio::from(OwnedFd::from(stream));
    let mut daemon = Command::from(pinned(root))
        .args(["daemon", "--inetd", "--export-all"])
        .arg(format!("--base-path={}", root.display()))
        .arg(root)
        .stdin(input)
        .stdout(output)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    daemon.wait().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::repository::Repository;

    #[tokio::test]
    async fn a_client_lists_and_clones() -> Result<()> {
        let mut repository = Repository::new()?;
        let commit = repository.commit("first", &[("a", "1")])?;
        let daemon = GitDaemon::start(repository.parent()).await?;
        let client = tempfile::tempdir()?;
        let output = Command::from(pinned(client.path()))
            .args(["clone", "-q", &daemon.url(Repository::NAME), "copy"])
            .current_dir(client.path())
            .output()
            .await?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let head = std::fs::read_to_string(client.path().join("copy/.git/refs/heads/main"))?;
        assert_eq!(head.trim(), commit);
        assert_eq!(daemon.connections(), 1);
        Ok(())
    }
}
