//! Ports of 127.0.0.1 that are free now and stay so until a process of ours has taken them.
//!
//! None is given out twice: not by this process, and where the system allows it (Linux) not by another one that asks
//! here too, as every stack is a process of its own. A process that is being started holds a copy of every open socket
//! until its program is loaded, which takes long on a busy machine: a port that was let go may be taken a moment later.

use std::collections::BTreeMap;
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

/// What this process has given out, with the socket that holds it as long as this process lives.
static GIVEN: Mutex<BTreeMap<u16, Option<TcpSocket>>> = Mutex::new(BTreeMap::new());

/// Finds as many different free ports as asked for. Nobody ever listens on them here, so no copy of a socket is in
/// the way of whoever does.
pub fn free(count: usize) -> io::Result<Vec<u16>> {
    (0..count).map(|_| find(Ok)).collect()
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
        .find_map(|port| given(port).and_then(|()| take(port)).ok())
        .ok_or_else(|| io::Error::other("no free ports on 127.0.0.1"))
}

fn given(port: u16) -> io::Result<()> {
    let mut given = GIVEN.lock().expect("nobody panics while holding it");
    if given.contains_key(&port) {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    let socket = held(port)?;
    // Elsewhere than on Linux it would be in the way of whoever is to listen there.
    given.insert(port, cfg!(target_os = "linux").then_some(socket));
    Ok(())
}

/// A socket that is bound to the port alone, and that lets others bind it from then on if they ask to share it, as
/// every server does. Whoever binds as this does finds it taken.
fn held(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(false)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    socket.set_reuseaddr(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

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
        let first = free(400).expect("ports");
        let second = free(400).expect("ports");
        assert!(second.iter().all(|port| !first.contains(port)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_port_that_another_process_was_given_is_not_free_although_nobody_listens_yet() {
        let port = free(1).expect("a port")[0];
        assert_eq!(held(port).expect_err("held").kind(), io::ErrorKind::AddrInUse);
        drop(TcpListener::bind(("127.0.0.1", port)).expect("whoever it was found for may listen"));
        assert!(held(port).is_err(), "it is held when that one has ended, too");
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
