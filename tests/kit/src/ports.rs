//! Ports of 127.0.0.1 that are free now and likely to stay so until a process of ours has taken them.

use std::io;
use std::net::TcpListener;
use std::ops::Range;

// Below Linux' range for outgoing connections: a port found here is not given to a client while a JVM, which binds
// it seconds later, is still loading its classes.
const CHOICE: Range<u16> = 15_000..32_000;

/// Finds as many different free ports as asked for.
pub fn free(count: usize) -> io::Result<Vec<u16>> {
    let held: io::Result<Vec<_>> = (0..count).map(|_| listener()).collect();
    held?.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

/// Listens on such a port: one that is let go may be taken again, since nobody else is given it meanwhile.
pub fn listener() -> io::Result<TcpListener> {
    (0..1_000)
        .find_map(|_| TcpListener::bind(("127.0.0.1", fastrand::u16(CHOICE))).ok())
        .ok_or_else(|| io::Error::other("no free ports on 127.0.0.1"))
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
}
