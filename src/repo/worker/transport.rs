//! libgit2's way to the network: a smart subtransport over the wire to the agent.
//!
//! Takes libgit2's requests, asks the agent for the bytes of a server. What the server advertises was
//! given before, without the refs that nobody wants; libgit2 sees neither an address nor a credential.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, OnceLock};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use git2::{ErrorClass, ErrorCode, Remote};

use crate::repo::worker::frame;
use crate::repo::worker::words::{Ask, Tell};

/// The scheme under which libgit2 knows this transport; no address of a person's is ever in it.
pub const SCHEME: &str = "tagalong";

/// What libgit2 is told as the address.
pub const ADDRESS: &str = "tagalong://repository";

/// The fetch of this process. A transport's factory is global and learns nothing but the address.
static FETCH: OnceLock<Arc<Fetch>> = OnceLock::new();

/// What libgit2's callbacks need.
#[derive(Debug)]
struct Fetch {
    wire: Arc<UnixStream>,
    advertisement: Vec<u8>,
    stateless: bool,
}

/// Prepares the one fetch of this process; says whether there was none before.
pub fn prepare(wire: &Arc<UnixStream>, advertisement: Vec<u8>, stateless: bool) -> bool {
    FETCH.set(Arc::new(Fetch { wire: Arc::clone(wire), advertisement, stateless })).is_ok()
}

/// Makes the transport: what libgit2 calls for [`ADDRESS`].
pub fn make(remote: &Remote<'_>) -> Result<Transport, git2::Error> {
    let fetch = FETCH.get().map(Arc::clone).ok_or_else(failed)?;
    Transport::smart(remote, fetch.stateless, Subtransport(fetch))
}

/// The error that libgit2 passes around; what it stands for is known to the agent.
fn failed() -> git2::Error {
    git2::Error::new(ErrorCode::GenericError, ErrorClass::Net, "the connection failed")
}

struct Subtransport(Arc<Fetch>);

impl SmartSubtransport for Subtransport {
    fn action(&self, _: &str, service: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let stream = |ahead| Stream { wire: Arc::clone(&self.0.wire), ahead: io::Cursor::new(ahead) };
        match service {
            Service::UploadPackLs => Ok(Box::new(stream(self.0.advertisement.clone()))),
            // Only a stateless transport is asked again; each request is a new stream.
            Service::UploadPack => {
                frame::write(&*self.0.wire, &Ask::Request, &[]).map_err(|_| failed())?;
                Ok(Box::new(stream(Vec::new())))
            }
            Service::ReceivePackLs | Service::ReceivePack => Err(failed()),
        }
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// What libgit2 reads and writes.
struct Stream {
    wire: Arc<UnixStream>,
    /// The advertisement, which is here before libgit2 asks for it.
    ahead: io::Cursor<Vec<u8>>,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = self.ahead.read(buffer)?;
        if ahead > 0 {
            return Ok(ahead);
        }
        frame::write(&*self.wire, &Ask::Read { most: buffer.len() }, &[])?;
        match frame::read(&*self.wire)? {
            (Tell::Bytes, bytes) if bytes.len() <= buffer.len() => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            _ => Err(io::Error::other("bytes were asked for")),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        frame::write(&*self.wire, &Ask::Write, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
