//! TCP connections that can be cut in mid-request.
//!
//! Takes a listening socket, gives connections each with a switch; once it is thrown, nothing more
//! goes over the wire, so the client sees its connection break. What is said on them is left to
//! axum.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A listening socket whose connections can be cut, one by one or all at once.
pub struct Listener {
    socket: TcpListener,
    all: Switch,
}

/// Cuts what it belongs to.
#[derive(Debug, Clone)]
pub struct Switch(Arc<watch::Sender<bool>>);

/// One connection.
pub struct Line {
    stream: TcpStream,
    own: Switch,
    all: Switch,
    cut: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Switch {
    fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Cuts.
    pub fn throw(&self) {
        self.0.send_replace(true);
    }

    fn is_thrown(&self) -> bool {
        *self.0.borrow()
    }

    async fn thrown(self) {
        let mut receiver = self.0.subscribe();
        let _ = receiver.wait_for(|thrown| *thrown).await;
    }
}

impl Listener {
    /// Takes a socket that is bound.
    pub fn new(socket: TcpListener) -> Self {
        Self { socket, all: Switch::new() }
    }

    /// The switch of all its connections.
    pub fn switch(&self) -> Switch {
        self.all.clone()
    }
}

impl axum::serve::Listener for Listener {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            if let Ok((stream, address)) = self.socket.accept().await {
                let (own, all) = (Switch::new(), self.all.clone());
                let (a, b) = (own.clone().thrown(), all.clone().thrown());
                let cut = Box::pin(async move {
                    tokio::select! { () = a => {}, () = b => {} }
                });
                return (Line { stream, own, all, cut }, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

impl Connected<IncomingStream<'_, Listener>> for Switch {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        stream.io().own.clone()
    }
}

impl Line {
    fn check(&self) -> io::Result<()> {
        if self.own.is_thrown() || self.all.is_thrown() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
