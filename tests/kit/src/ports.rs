//! Ports of 127.0.0.1 that are free now and likely to stay so until a process of ours has taken them.
//!
//! None is given out twice. A process that is being started holds a copy of every open socket until its program is
//! loaded, which takes long on a busy machine: a port that was let go may be taken a moment later.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep};

// Below Linux' range for outgoing connections: a port found here is not given to a client while a JVM, which binds
// it seconds later, is still loading its classes.
const CHOICE: Range<u16> = 15_000..32_000;

/// How long a copy of a socket may be held by a process that is being started.
const PATIENCE: Duration = Duration::from_mins(1);

/// What this process has given out.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// Finds as many different free ports as asked for. Nobody ever listens on them here, so no copy of a socket is in
/// the way of whoever does.
pub fn free(count: usize) -> io::Result<Vec<u16>> {
    let bound = |port: u16| -> io::Result<u16> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
        Ok(port)
    };
    (0..count).map(|_| find(bound)).collect()
}

/// Listens on such a port: one that is let go may be taken [`again`], since nobody else is given it meanwhile.
pub fn listener() -> io::Result<TcpListener> {
    find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)))
}

/// Listens on a port that was let go, as soon as no copy of its socket is left.
pub async fn again(address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    let began = Instant::now();
    loop {
        match tokio::net::TcpListener::bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && began.elapsed() < PATIENCE => {
                sleep(Duration::from_millis(10)).await;
            }
            result => return result,
        }
    }
}

/// Tries ports that nobody was given before.
fn find<T>(take: impl Fn(u16) -> io::Result<T>) -> io::Result<T> {
    (0..1_000)
        .map(|_| fastrand::u16(CHOICE))
        .filter(|port| GIVEN.lock().expect("nobody panics while holding it").insert(*port))
        .find_map(|port| take(port).ok())
        .ok_or_else(|| io::Error::other("no free ports on 127.0.0.1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ_and_can_be_bound() {
        let ports = free(20).expect("ports");
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 20);
        for port in ports {
            TcpListener::bind(("127.0.0.1", port)).expect("free");
        }
    }

    #[test]
    fn no_port_is_given_out_twice() {
        let first = free(1_500).expect("ports");
        let second = free(1_500).expect("ports");
        assert!(second.iter().all(|port| !first.contains(port)));
    }

    #[tokio::test]
    async fn a_port_is_taken_again_when_the_last_copy_of_its_socket_is_gone() -> io::Result<()> {
        let socket = listener()?;
        let (address, copy) = (socket.local_addr()?, socket.try_clone()?);
        drop(socket);
        assert!(TcpListener::bind(address).is_err(), "a copy holds it");
        let taking = tokio::spawn(again(address));
        sleep(Duration::from_millis(100)).await;
        drop(copy);
        assert_eq!(taking.await.expect("it does not panic")?.local_addr()?, address);
        Ok(())
    }
}
