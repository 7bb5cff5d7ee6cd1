//! The way to a repository on the network, whatever it speaks.
//!
//! Takes an address with its credentials, gives listings, and conversations in which libgit2 fetches.

use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use crate::repo::address::Address;
use crate::repo::channel::Channel;
use crate::repo::client::Renewed;
use crate::repo::credential::{self, Credential};
use crate::repo::deadline::Deadline;
use crate::repo::download::Download;
use crate::repo::error::Error;
use crate::repo::http::Http;
use crate::repo::listing::{self, Advertisement, Advertising, Seek, Wanted};
use crate::repo::meter::Meter;
use crate::repo::options::GitOptions;
use crate::repo::problem::{Doing, Limit};
use crate::repo::ssh::{Called, Place};

/// The way to one repository.
#[derive(Debug)]
pub struct Link {
    repository: Arc<str>,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Http(Box<Http>),
    Daemon { host: String, port: u16, path: String },
    Ssh(Place),
}

/// What follows an advertisement.
#[derive(Debug)]
pub enum Conversation {
    /// Requests on their own, to a place.
    Stateless(Url),
    /// A connection that is open.
    Channel(Channel),
}

impl Link {
    /// Prepares a way; `None` for a repository on this machine, which needs none.
    pub fn new(repository: &Arc<str>, address: Address, options: &GitOptions) -> Option<Self> {
        let credentials = &options.credentials;
        let way = match address {
            Address::Http { url, user } => {
                let ca_file = options.ca_file.clone().or_else(|| authorities_at(&url, credentials));
                let client = Renewed::new(ca_file, options.proxy.clone(), credentials);
                Way::Http(Box::new(Http::new(repository, url, user, credentials.clone(), client)))
            }
            Address::Git { host, port, path } => Way::Daemon { host, port, path },
            Address::Ssh { user, host, port, path } => {
                let called = Called { user: user.as_deref(), host: &host, port, path: &path };
                Way::Ssh(Place::new(called, credentials, options.scratch.clone()))
            }
            Address::Local(_) => return None,
        };
        Some(Self { repository: Arc::clone(repository), way })
    }

    /// The repository as it may be shown.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Whether each request stands for itself.
    pub fn is_stateless(&self) -> bool {
        match self.way {
            Way::Http(_) => true,
            Way::Daemon { .. } | Way::Ssh(_) => false,
        }
    }

    /// Asks what refs name, and hands those on that are looked for.
    pub async fn list(
        &self,
        seek: &mut (dyn Seek + Send),
        deadline: &Deadline,
        meter: &Meter,
    ) -> Result<(), Error> {
        if let Way::Http(http) = &self.way {
            return http.list(seek, deadline, meter).await;
        }
        let wanted = seek.wanted();
        let (advertisement, conversation) = self.open(&wanted, deadline, meter, Doing::Listing).await?;
        if let Conversation::Channel(channel) = conversation {
            channel.close(deadline).await;
        }
        advertisement.hand_to(seek);
        Ok(())
    }

    /// Connects and reads the advertisement.
    pub async fn open(
        &self,
        wanted: &Wanted,
        deadline: &Deadline,
        meter: &Meter,
        doing: Doing,
    ) -> Result<(Advertisement, Conversation), Error> {
        let mut channel = match &self.way {
            Way::Http(http) => {
                let (advertisement, place) = http.advertised(wanted.clone(), deadline, meter, doing).await?;
                return Ok((advertisement, Conversation::Stateless(place)));
            }
            Way::Daemon { host, port, path } => {
                Channel::to_daemon(&self.repository, (host, *port, path), deadline, doing).await?
            }
            Way::Ssh(place) => {
                Channel::over_ssh(&self.repository, place.start(&self.repository, doing).await?, doing)
            }
        };
        let mut advertising = Advertising::of(wanted.clone(), false);
        let mut buffer = vec![0; 16 * 1024];
        let mut received = 0;
        let unusable = |problem: listing::Problem| problem.into_error(&self.repository, doing);
        loop {
            let length = channel.read(&mut buffer, deadline, meter).await?;
            received += length as u64;
            if received > listing::MOST_BYTES {
                let limit = Limit::ListingBytes(listing::MOST_BYTES);
                return Err(Error::TooLarge { repository: self.repository.to_string(), limit });
            }
            if advertising.feed(&buffer[..length]).map_err(unusable)? || length == 0 {
                break;
            }
        }
        Ok((advertising.end().map_err(unusable)?, Conversation::Channel(channel)))
    }

    /// Sends one request of a stateless fetch.
    pub async fn post(&self, place: &Url, body: Vec<u8>, deadline: &Deadline) -> Result<Download, Error> {
        match &self.way {
            Way::Http(http) => http.post(place, body, deadline).await,
            Way::Daemon { .. } | Way::Ssh(_) => {
                unreachable!("only an HTTP advertisement gives a place to post to")
            }
        }
    }
}

/// The authorities that the settings name for the host of a URL.
fn authorities_at(url: &Url, credentials: &[Credential]) -> Option<PathBuf> {
    let (way, name) = (credential::Way::of(url.scheme())?, url.host_str()?);
    let mut at = credentials.iter().filter(|credential| credential.host.is(way, name, url.port()));
    at.find_map(|credential| credential.ca_file.clone())
}
