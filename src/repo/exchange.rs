//! One fetch, between the server and the worker that asks for it.
//!
//! Takes what the worker writes and wants to read, gives the bytes of the server, counted and within the
//! deadline. A worker reaches this one repository, by the conversation that was begun for it, and
//! nothing else.

use std::sync::Arc;

use url::Url;

use crate::repo::deadline::Deadline;
use crate::repo::download::Download;
use crate::repo::error::Error;
use crate::repo::link::{Conversation, Link};
use crate::repo::listing::Problem;
use crate::repo::meter::Meter;
use crate::repo::pktline::{self, Packet};
use crate::repo::problem::{Doing, Limit};
use crate::repo::sideband::Sideband;

/// The most bytes of one request, and of all that is sent over a channel: each ref that may be wanted has a
/// line.
const REQUEST_BYTES: usize = 2 * 1024 * 1024;

/// The most bytes that are read at once.
const READ_BYTES: usize = 64 * 1024;

/// What is said in one fetch.
#[derive(Debug)]
pub struct Exchange {
    link: Arc<Link>,
    deadline: Deadline,
    meter: Meter,
    conversation: Conversation,
    /// A stateless request that grows until its answer is read.
    request: Vec<u8>,
    /// How many bytes there were for it: for one that stands for itself, or for all of a channel.
    sent: usize,
    download: Option<Download>,
    /// Whether something of the answer has been read.
    answered: bool,
    sideband: Sideband,
}

impl Exchange {
    /// Takes the conversation that follows an advertisement.
    pub fn new(link: &Arc<Link>, conversation: Conversation, deadline: &Deadline, meter: &Meter) -> Self {
        Self {
            link: Arc::clone(link),
            deadline: deadline.clone(),
            meter: meter.clone(),
            conversation,
            request: Vec::new(),
            sent: 0,
            download: None,
            answered: false,
            sideband: Sideband::default(),
        }
    }

    /// Whether each request stands for itself.
    pub fn is_stateless(&self) -> bool {
        self.link.is_stateless()
    }

    /// Begins the next request, where each stands for itself.
    pub fn begin(&mut self) {
        (self.request, self.sent, self.download, self.answered) = (Vec::new(), 0, None, false);
        self.sideband = Sideband::default();
    }

    /// Takes bytes for the server.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.sent += bytes.len();
        if self.sent > REQUEST_BYTES {
            let (repository, limit) = (self.link.repository().to_owned(), Limit::Request(REQUEST_BYTES));
            return Err(Error::TooLarge { repository, limit });
        }
        match &mut self.conversation {
            Conversation::Channel(channel) => match channel.write(bytes, &self.deadline).await {
                // libgit2 says goodbye with a flush; a server that has sent everything may be gone by then.
                // One that has not is missed when its answer is read.
                Err(_) if self.answered && bytes == pktline::FLUSH => Ok(()),
                written => written,
            },
            Conversation::Stateless(_) => {
                self.request.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Reads of the answer, which may begin with the reason why there is none, or end with why there is no more:
    /// libgit2 would lose either.
    pub async fn receive(&mut self, most: usize) -> Result<Vec<u8>, Error> {
        let mut buffer = vec![0; most.min(READ_BYTES)];
        let Self { link, deadline, meter, conversation, request, download, .. } = self;
        let length = match conversation {
            Conversation::Stateless(place) => {
                let download = asked(download, link, place, request, deadline).await?;
                download.read(&mut buffer, deadline, meter).await?
            }
            Conversation::Channel(channel) => channel.read(&mut buffer, deadline, meter).await?,
        };
        buffer.truncate(length);
        if !self.answered
            && let Ok(Some((Packet::Data(line), _))) = pktline::first(&buffer)
            && let Some(text) = line.strip_prefix(b"ERR ")
        {
            let problem = Problem::Refused(String::from_utf8_lossy(text).into_owned());
            return Err(problem.into_error(self.link.repository(), Doing::Fetching));
        }
        self.answered = true;
        let reason = self.sideband.hear(&buffer);
        match reason.or_else(|| buffer.is_empty().then(|| self.sideband.reason()).flatten()) {
            Some(text) => Err(Problem::Refused(text).into_error(self.link.repository(), Doing::Fetching)),
            None => Ok(buffer),
        }
    }
}

/// The answer to the request, which is sent when it is first wanted.
async fn asked<'a>(
    download: &'a mut Option<Download>,
    link: &Link,
    place: &Url,
    request: &mut Vec<u8>,
    deadline: &Deadline,
) -> Result<&'a mut Download, Error> {
    match download {
        Some(download) => Ok(download),
        None => Ok(download.insert(link.post(place, std::mem::take(request), deadline).await?)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::model::revision::Reference;
    use crate::repo::address::Address;
    use crate::repo::channel::Channel;
    use crate::repo::options::GitOptions;

    /// What becomes of words for a server that says something, has it read, and is gone.
    async fn after(answer: &'static [u8], last: &[u8]) -> Result<(), Error> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("it listens").port();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            stream.write_all(answer).await?;
            // What it was sent and has not read makes its end known at once, as that of a pipe is.
            stream.readable().await?;
            std::io::Result::Ok(stream)
        });
        let repository: Arc<str> = Arc::from("r");
        let (deadline, _asking) = Deadline::begin(&repository, Duration::from_secs(10));
        let channel = Channel::to_daemon(&repository, ("127.0.0.1", port, "/x"), &deadline, Doing::Fetching);
        let url = format!("git://127.0.0.1:{port}/x");
        let options = GitOptions::new(&*url, Reference::Tag("v1".into()));
        let link = Link::new(&repository, Address::parse(&url)?, &options).expect("it is far away");
        let conversation = Conversation::Channel(channel.await?);
        let mut exchange = Exchange::new(&Arc::new(link), conversation, &deadline, &Meter::default());
        let stream = serving.await.expect("it does not panic").expect("it serves");
        if !answer.is_empty() {
            assert_eq!(exchange.receive(READ_BYTES).await?, answer);
        }
        drop(stream);
        // A busy machine tells it late, and until then every write goes well.
        exchange.receive(READ_BYTES).await.expect_err("nobody is there any more");
        exchange.send(last).await
    }

    #[tokio::test]
    async fn a_server_that_has_said_everything_may_be_gone_at_the_goodbye() {
        after(b"0008NAK\n", pktline::FLUSH).await.expect("nothing depends on it");
    }

    #[tokio::test]
    async fn a_server_that_is_gone_before_it_said_anything_or_is_to_be_told_more_is_missed() {
        for (answer, last) in [(&b""[..], pktline::FLUSH), (b"0008NAK\n", b"0009done\n")] {
            let error = after(answer, last).await.expect_err("nobody is there");
            assert!(matches!(error, Error::Unreachable { doing: Doing::Fetching, .. }), "{error:?}");
        }
    }
}
