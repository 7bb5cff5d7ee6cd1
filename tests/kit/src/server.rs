//! A small HTTP server on a free port of 127.0.0.1 that ends with the value that holds it.

use axum::Router;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A running server: when dropped it refuses connections, and those that are open end after the answer in hand.
pub struct Server {
    address: SocketAddr,
    // Dropping it is the signal to stop.
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// Serves a router.
    pub async fn start(router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async {
            // The sender never sends: this ends when it is dropped.
            let _ = stopped.await;
        });
        tokio::spawn(async { serving.await });
        Ok(Self { address, _stop: stop })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
