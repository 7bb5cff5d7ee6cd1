//! A connection that stays: to a git daemon, or to `git-upload-pack` at the far end of `ssh`.
//!
//! Takes bytes, gives bytes, each wait bounded by the deadline. What they mean is left to others.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::repo::cause::Cause;
use crate::repo::deadline::Deadline;
use crate::repo::error::Error;
use crate::repo::meter::Meter;
use crate::repo::pktline;
use crate::repo::problem::Doing;
use crate::repo::ssh::Ssh;

/// An open connection.
#[derive(Debug)]
pub struct Channel {
    repository: Arc<str>,
    doing: Doing,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Tcp(TcpStream),
    Ssh(Box<Ssh>),
}

impl Channel {
    /// Connects to a git daemon and names the repository.
    pub async fn to_daemon(
        repository: &Arc<str>,
        (host, port, path): (&str, u16, &str),
        deadline: &Deadline,
        doing: Doing,
    ) -> Result<Self, Error> {
        let connecting = TcpStream::connect((host, port));
        let stream = deadline.bound(doing, connecting).await?;
        let stream = stream.map_err(|error| unreachable(repository, doing, &error))?;
        let mut channel = Self { repository: Arc::clone(repository), doing, way: Way::Tcp(stream) };
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let mut request = Vec::new();
        pktline::push(&mut request, format!("git-upload-pack {path}\0host={host}:{port}\0").as_bytes());
        channel.write(&request, deadline).await?;
        Ok(channel)
    }

    /// Takes a running `ssh`.
    pub fn over_ssh(repository: &Arc<str>, ssh: Ssh, doing: Doing) -> Self {
        Self { repository: Arc::clone(repository), doing, way: Way::Ssh(Box::new(ssh)) }
    }

    /// Reads some bytes; none at the end.
    pub async fn read(
        &mut self,
        buffer: &mut [u8],
        deadline: &Deadline,
        meter: &Meter,
    ) -> Result<usize, Error> {
        let read = match &mut self.way {
            Way::Tcp(stream) => deadline.bound(self.doing, stream.read(buffer)).await?,
            Way::Ssh(ssh) => deadline.bound(self.doing, ssh.output.read(buffer)).await?,
        };
        let length = match read {
            Ok(length) => length,
            Err(error) => return Err(self.broken(&error, deadline).await),
        };
        if length == 0
            && let Way::Ssh(ssh) = &mut self.way
            && let Some(error) = ssh.failure(&self.repository, self.doing, deadline).await?
        {
            return Err(error);
        }
        meter.count_pack(length, &self.repository)?;
        Ok(length)
    }

    /// Writes all bytes.
    pub async fn write(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), Error> {
        let written = match &mut self.way {
            Way::Tcp(stream) => deadline.bound(self.doing, stream.write_all(bytes)).await?,
            Way::Ssh(ssh) => deadline.bound(self.doing, ssh.input.write_all(bytes)).await?,
        };
        match written {
            Ok(()) => Ok(()),
            Err(error) => Err(self.broken(&error, deadline).await),
        }
    }

    /// Says goodbye, so that the far side does not complain. Nothing depends on it.
    pub async fn close(mut self, deadline: &Deadline) {
        let _ = self.write(pktline::FLUSH, deadline).await;
        match self.way {
            Way::Tcp(mut stream) => {
                let _ = deadline.bound(self.doing, stream.shutdown()).await;
            }
            Way::Ssh(ssh) => ssh.end(deadline).await,
        }
    }

    /// Why the connection broke; `ssh` knows it better than the pipe.
    async fn broken(&mut self, error: &std::io::Error, deadline: &Deadline) -> Error {
        if let Way::Ssh(ssh) = &mut self.way {
            match ssh.failure(&self.repository, self.doing, deadline).await {
                Ok(Some(better)) | Err(better) => return better,
                Ok(None) => {}
            }
        }
        unreachable(&self.repository, self.doing, error)
    }
}

fn unreachable(repository: &str, doing: Doing, error: &std::io::Error) -> Error {
    Error::Unreachable { repository: repository.to_owned(), doing, source: Cause::of(error) }
}
