//! libgit2's way to the network: a smart subtransport over our own connections.
//!
//! Takes libgit2's requests on its own thread, gives it the bytes of a [`Link`]; each wait ends with
//! the deadline. libgit2 sees neither the address nor a credential, and of the refs only those which
//! are wanted. What went wrong is kept as it is, because libgit2 would pass on a text only.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use git2::{ErrorClass, ErrorCode, Remote};
use tokio::runtime::Handle;
use url::Url;

use crate::repo::deadline::Deadline;
use crate::repo::download::Download;
use crate::repo::error::{Doing, Error};
use crate::repo::link::{Conversation, Link};
use crate::repo::listing::{Advertisement, Problem, Wanted};
use crate::repo::meter::Meter;
use crate::repo::pktline::{self, Packet};

/// The scheme under which libgit2 knows this transport; no address of a person's is ever in it.
pub const SCHEME: &str = "tagalong";

/// What libgit2 is told as the address.
pub const ADDRESS: &str = "tagalong://repository";

/// One fetch: what libgit2's callbacks need, and what they leave behind.
#[derive(Debug)]
pub struct Session {
    /// The way to the server.
    pub link: Arc<Link>,
    /// Which refs libgit2 is to see.
    pub wanted: Wanted,
    /// When it must be over.
    pub deadline: Deadline,
    /// Counts and limits what comes in.
    pub meter: Meter,
    /// The runtime on which the connections live.
    pub runtime: Handle,
    advertisement: Mutex<Option<Advertisement>>,
    failure: Mutex<Option<Error>>,
}

thread_local! {
    /// The session of the libgit2 call that runs on this thread. A transport's factory is global and
    /// learns nothing but the address, and libgit2 calls back on the thread that called it.
    static CURRENT: RefCell<Option<Arc<Session>>> = const { RefCell::new(None) };
}

impl Session {
    /// Prepares a fetch; to be called on the runtime.
    pub fn new(link: Arc<Link>, wanted: Wanted, deadline: Deadline, meter: Meter) -> Arc<Self> {
        Arc::new(Self {
            link,
            wanted,
            deadline,
            meter,
            runtime: Handle::current(),
            advertisement: Mutex::new(None),
            failure: Mutex::new(None),
        })
    }

    /// Runs libgit2 with this session behind its transport.
    pub fn run<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        /// Takes the session off the thread, also when the work panics: threads are used again.
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                CURRENT.with_borrow_mut(Option::take);
            }
        }
        CURRENT.set(Some(Arc::clone(self)));
        let _leave = Leave;
        work()
    }

    /// What the server advertised, once libgit2 has connected.
    pub fn advertisement(&self) -> Option<Advertisement> {
        self.advertisement.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What really went wrong in a libgit2 call that failed.
    pub fn failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps an error for [`failure`](Self::failure). The first one is the cause of the rest.
    pub fn keep(&self, error: Error) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn advertise(&self) -> Result<(Vec<u8>, Conversation), Error> {
        let opening = self.link.open(&self.wanted, &self.deadline, &self.meter, Doing::Fetching);
        let (advertisement, conversation) = self.runtime.block_on(opening)?;
        let bytes = advertisement.to_bytes(self.link.is_stateless());
        *self.advertisement.lock().unwrap_or_else(PoisonError::into_inner) = Some(advertisement);
        Ok((bytes, conversation))
    }
}

/// Makes the transport for the session of this thread: what libgit2 calls for [`ADDRESS`].
pub fn make(remote: &Remote<'_>) -> Result<Transport, git2::Error> {
    let session = CURRENT.with_borrow(Clone::clone).ok_or_else(failed)?;
    let stateless = session.link.is_stateless();
    Transport::smart(remote, stateless, Subtransport { session, place: Mutex::new(None) })
}

/// The error that libgit2 passes around; what it stands for is in the session.
fn failed() -> git2::Error {
    git2::Error::new(ErrorCode::GenericError, ErrorClass::Net, "the connection failed")
}

struct Subtransport {
    session: Arc<Session>,
    /// Where a stateless fetch goes; known from the advertisement, which may have been elsewhere than
    /// the address says.
    place: Mutex<Option<Url>>,
}

impl SmartSubtransport for Subtransport {
    fn action(&self, _: &str, service: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        match service {
            Service::UploadPackLs => {
                let (ahead, conversation) = self.session.advertise().map_err(|error| {
                    self.session.keep(error);
                    failed()
                })?;
                let channel = match conversation {
                    Conversation::Stateless(place) => {
                        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
                        None
                    }
                    channel @ Conversation::Channel(_) => Some(channel),
                };
                Ok(self.stream(ahead, channel))
            }
            // Only a stateless transport is asked again; each request is a new stream.
            Service::UploadPack => {
                let place = self.place.lock().unwrap_or_else(PoisonError::into_inner).clone();
                Ok(self.stream(Vec::new(), place.map(Conversation::Stateless)))
            }
            Service::ReceivePackLs | Service::ReceivePack => Err(failed()),
        }
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

impl Subtransport {
    fn stream(&self, ahead: Vec<u8>, conversation: Option<Conversation>) -> Box<dyn SmartSubtransportStream> {
        Box::new(Stream {
            session: Arc::clone(&self.session),
            ahead: io::Cursor::new(ahead),
            conversation,
            request: Vec::new(),
            download: None,
            answered: false,
        })
    }
}

/// What libgit2 reads and writes.
struct Stream {
    session: Arc<Session>,
    /// The advertisement, which was read before libgit2 asked for it.
    ahead: io::Cursor<Vec<u8>>,
    conversation: Option<Conversation>,
    /// A stateless request that grows until its answer is read.
    request: Vec<u8>,
    download: Option<Download>,
    /// Whether something of the answer has been read.
    answered: bool,
}

impl Stream {
    /// Reads of the answer, which may begin with the reason why there is none: libgit2 would lose it.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let length = self.receive_any(buffer)?;
        if !self.answered
            && let Ok(Some((Packet::Data(line), _))) = pktline::first(&buffer[..length])
            && let Some(text) = line.strip_prefix(b"ERR ")
        {
            let problem = Problem::Refused(String::from_utf8_lossy(text).into_owned());
            return Err(problem.into_error(self.session.link.repository(), Doing::Fetching));
        }
        self.answered = true;
        Ok(length)
    }

    fn receive_any(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let Session { link, deadline, meter, runtime, .. } = &*self.session;
        let Some(conversation) = &mut self.conversation else { return Ok(0) };
        match conversation {
            Conversation::Stateless(place) => {
                if self.download.is_none() {
                    let request = std::mem::take(&mut self.request);
                    self.download = Some(runtime.block_on(link.post(place, request, deadline))?);
                }
                let download = self.download.as_mut().expect("it was just begun");
                runtime.block_on(download.read(buffer, deadline, meter))
            }
            Conversation::Channel(channel) => runtime.block_on(channel.read(buffer, deadline, meter)),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Session { deadline, runtime, .. } = &*self.session;
        match &mut self.conversation {
            Some(Conversation::Channel(channel)) => runtime.block_on(channel.write(bytes, deadline)),
            Some(Conversation::Stateless(_)) | None => {
                self.request.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Keeps the error where it stays whole. libgit2 gets a fixed text: git2 cannot pass on a NUL.
    fn fail(&self, error: Error) -> io::Error {
        self.session.keep(error);
        io::Error::other("the connection failed")
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = self.ahead.read(buffer)?;
        if ahead > 0 {
            return Ok(ahead);
        }
        self.receive(buffer).map_err(|error| self.fail(error))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes).map(|()| bytes.len()).map_err(|error| self.fail(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
