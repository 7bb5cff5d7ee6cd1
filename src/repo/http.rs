//! Git over HTTP: one POST to ask what a ref names, an advertisement and POSTs to fetch.
//!
//! Takes a URL and credentials, gives listings and pack bytes. A credential is shown to the origin of
//! the configured URL and to no other; redirects are followed for the advertisement only, since they
//! would turn a POST into a GET. What the bytes mean is left to others.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION, USER_AGENT};
use reqwest::{RequestBuilder, Response, StatusCode};
use tracing::warn;
use url::Url;

use crate::repo::cause::Cause;
use crate::repo::client::Renewed;
use crate::repo::credential::Credential;
use crate::repo::deadline::Deadline;
use crate::repo::download::Download;
use crate::repo::error::Error;
use crate::repo::home::{Home, follow};
use crate::repo::later::retry_after;
use crate::repo::listing::{self, Advertisement, Advertising, Answer, Problem, Seek, Wanted};
use crate::repo::meter::Meter;
use crate::repo::problem::{Doing, Limit, RedirectProblem};

/// Servers look for `git/` to tell programs from browsers.
pub const AGENT: &str = concat!("git/2.0 (tagalong ", env!("CARGO_PKG_VERSION"), ")");

/// What we call ourselves inside the protocol, where blanks are not allowed.
const PROTOCOL_AGENT: &str = concat!("git/tagalong-", env!("CARGO_PKG_VERSION"));

const REQUEST_TYPE: &str = "application/x-git-upload-pack-request";
const RESULT_TYPE: &str = "application/x-git-upload-pack-result";
const ADVERTISEMENT_TYPE: &str = "application/x-git-upload-pack-advertisement";

/// The most redirects in a row.
const MOST_REDIRECTS: usize = 5;

/// How much of a listing is read on after its answer is known, so that the connection may be used
/// again; more costs more than a new connection.
const READ_ON_BYTES: u64 = 8 * 1024;

/// A repository behind HTTP.
#[derive(Debug)]
pub struct Http {
    client: Renewed,
    repository: Arc<str>,
    home: Home,
    learned: Mutex<Learned>,
}

/// What earlier answers taught, so that a poll stays one request.
#[derive(Debug, Clone, Default)]
struct Learned {
    /// Where a redirect led to.
    place: Option<Url>,
    /// Whether the server does not speak protocol v2.
    old: bool,
}

/// What a v2 listing brought.
enum Asked {
    /// An answer.
    Answered,
    /// The server sends elsewhere.
    Moved,
    /// No answer of protocol v2; `v0` will tell why.
    NotV2,
}

impl Http {
    /// Prepares; nothing is read and nothing is sent yet.
    pub fn new(
        repository: &Arc<str>,
        url: Url,
        user: Option<String>,
        credentials: Vec<Credential>,
        client: Renewed,
    ) -> Self {
        let home = Home { url, user, credentials };
        Self { client, repository: Arc::clone(repository), home, learned: Mutex::default() }
    }

    /// Asks what refs name: one POST, where the server speaks protocol v2.
    pub async fn list(
        &self,
        seek: &mut (dyn Seek + Send),
        deadline: &Deadline,
        meter: &Meter,
    ) -> Result<(), Error> {
        let known = self.learned();
        let place = known.place.unwrap_or_else(|| self.home.url.clone());
        let answer = self.list_at(&place, known.old, seek, deadline, meter).await;
        if answer.is_err() {
            // The next poll begins where the settings say, with nothing taken for granted.
            self.learn(Learned::default());
        }
        answer
    }

    async fn list_at(
        &self,
        asked: &Url,
        old: bool,
        seek: &mut (dyn Seek + Send),
        deadline: &Deadline,
        meter: &Meter,
    ) -> Result<(), Error> {
        let answer = if old { Asked::NotV2 } else { self.ask(asked, seek, deadline, meter).await? };
        let old = match answer {
            Asked::Answered => return Ok(()),
            Asked::Moved => false,
            Asked::NotV2 => true,
        };
        let (advertisement, place) = self.advertised(seek.wanted(), deadline, meter, Doing::Listing).await?;
        // What one place does not understand says nothing of another.
        let old = old && place == *asked;
        self.tell_of_another_origin(&place);
        self.learn(Learned { place: (place != self.home.url).then_some(place), old });
        advertisement.hand_to(seek);
        Ok(())
    }

    /// A redirect that takes the repository from where its credential may be shown is followed, and works
    /// or not by what the other place wants; somebody should know.
    fn tell_of_another_origin(&self, place: &Url) {
        let known = self.learned().place.as_ref() == Some(place);
        if !known && place.origin() != self.home.url.origin() && self.home.shows_something_at(&self.home.url)
        {
            let to = Cause::new(place.as_str());
            warn!(repository = %self.repository, %to, "a redirect leads to another host, port or scheme, where the credential is not shown; write the address that it leads to");
        }
    }

    /// Asks by protocol v2's `ls-refs`.
    async fn ask(
        &self,
        place: &Url,
        seek: &mut (dyn Seek + Send),
        deadline: &Deadline,
        meter: &Meter,
    ) -> Result<Asked, Error> {
        let body = listing::request(PROTOCOL_AGENT, &seek.wanted().begins());
        let request = self.upload_pack(place, body)?.header("Git-Protocol", "version=2");
        let mut response = self.send(request, Doing::Listing, deadline).await?;
        match response.status() {
            StatusCode::OK if has_type(&response, RESULT_TYPE) => {}
            status if status.is_redirection() => return Ok(Asked::Moved),
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::PROXY_AUTHENTICATION_REQUIRED
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => return Err(self.refused(place, &response, Doing::Listing)),
            _ => return Ok(Asked::NotV2),
        }
        let mut answer = Answer::about(seek);
        let mut received = 0;
        while let Some(chunk) = self.chunk(&mut response, Doing::Listing, deadline).await? {
            meter.count(chunk.len());
            received += chunk.len() as u64;
            match answer.feed(&chunk) {
                Ok(()) => {}
                Err(Problem::Sha256) => return Err(self.unusable(Problem::Sha256, Doing::Listing)),
                Err(Problem::Malformed | Problem::Refused(_) | Problem::TooManyRefs) => {
                    return Ok(Asked::NotV2);
                }
            }
            if answer.is_done() && received > READ_ON_BYTES {
                return Ok(Asked::Answered);
            }
            self.check_listing(received)?;
        }
        Ok(answer.end().map_or(Asked::NotV2, |()| Asked::Answered))
    }

    /// Reads the advertisement of protocol v0, and says where it was found.
    pub async fn advertised(
        &self,
        wanted: Wanted,
        deadline: &Deadline,
        meter: &Meter,
        doing: Doing,
    ) -> Result<(Advertisement, Url), Error> {
        let (mut response, place) = self.get_advertisement(deadline, doing).await?;
        let mut advertising = Advertising::of(wanted, true);
        let mut received = 0;
        while let Some(chunk) = self.chunk(&mut response, doing, deadline).await? {
            meter.count(chunk.len());
            received += chunk.len() as u64;
            self.check_listing(received)?;
            advertising.feed(&chunk).map_err(|problem| self.unusable(problem, doing))?;
        }
        let advertisement = advertising.end().map_err(|problem| self.unusable(problem, doing))?;
        Ok((advertisement, place))
    }

    async fn get_advertisement(&self, deadline: &Deadline, doing: Doing) -> Result<(Response, Url), Error> {
        let mut place = self.home.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let url = under(&place, "/info/refs?service=git-upload-pack");
            let request = self.client.now()?.get(url.clone()).header(ACCEPT, "*/*");
            let response = self.send(self.home.authorize(request, &place)?, doing, deadline).await?;
            if response.status().is_redirection() {
                let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                place = follow(&url, to.unwrap_or_default())
                    .map_err(|(to, problem)| self.redirect(&to, problem))?;
            } else if response.status() != StatusCode::OK {
                return Err(self.refused(&place, &response, doing));
            } else if has_type(&response, ADVERTISEMENT_TYPE) {
                return Ok((response, place));
            } else {
                return Err(self.not_git(&response, doing));
            }
        }
        Err(self.redirect(place.as_str(), RedirectProblem::TooMany))
    }

    /// Sends one request of a fetch, and gives its answer to be read.
    pub async fn post(&self, place: &Url, body: Vec<u8>, deadline: &Deadline) -> Result<Download, Error> {
        let request = self.upload_pack(place, body)?;
        let response = self.send(request, Doing::Fetching, deadline).await?;
        if response.status().is_redirection() {
            return Err(self.redirect(place.as_str(), RedirectProblem::Late));
        }
        if response.status() != StatusCode::OK {
            return Err(self.refused(place, &response, Doing::Fetching));
        }
        if !has_type(&response, RESULT_TYPE) {
            return Err(self.not_git(&response, Doing::Fetching));
        }
        Ok(Download::new(&self.repository, response))
    }

    fn upload_pack(&self, place: &Url, body: Vec<u8>) -> Result<RequestBuilder, Error> {
        let request = self
            .client
            .now()?
            .post(under(place, "/git-upload-pack"))
            .header(CONTENT_TYPE, REQUEST_TYPE)
            .header(ACCEPT, RESULT_TYPE)
            .body(body);
        self.home.authorize(request, place)
    }

    async fn send(
        &self,
        request: RequestBuilder,
        doing: Doing,
        deadline: &Deadline,
    ) -> Result<Response, Error> {
        let sending = request.header(USER_AGENT, AGENT).send();
        deadline.bound(doing, sending).await?.map_err(|error| self.unreachable(doing, error))
    }

    async fn chunk(
        &self,
        response: &mut Response,
        doing: Doing,
        deadline: &Deadline,
    ) -> Result<Option<impl AsRef<[u8]> + std::ops::Deref<Target = [u8]> + use<>>, Error> {
        deadline.bound(doing, response.chunk()).await?.map_err(|error| self.unreachable(doing, error))
    }

    fn check_listing(&self, received: u64) -> Result<(), Error> {
        if received > listing::MOST_BYTES {
            let limit = Limit::ListingBytes(listing::MOST_BYTES);
            return Err(Error::TooLarge { repository: self.repository.to_string(), limit });
        }
        Ok(())
    }

    fn refused(&self, place: &Url, response: &Response, doing: Doing) -> Error {
        let repository = self.repository.to_string();
        let status = response.status();
        let source = Cause::new(&status.to_string());
        let later = retry_after(response.headers(), Timestamp::now());
        match status {
            // Some hosts say so to whoever asks too often.
            StatusCode::FORBIDDEN if later.is_some() => {
                Error::Status { repository, doing, status: status.as_u16(), later }
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Error::Denied { repository, shown: self.home.shows_something_at(place), source }
            }
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Error::ProxyDenied { repository, source },
            StatusCode::NOT_FOUND | StatusCode::GONE => Error::NoRepository { repository, source },
            _ => Error::Status { repository, doing, status: status.as_u16(), later },
        }
    }

    fn not_git(&self, response: &Response, doing: Doing) -> Error {
        let content = response.headers().get(CONTENT_TYPE).and_then(|text| text.to_str().ok());
        let source = Cause::new(&format!("its content type is {}", content.unwrap_or("missing")));
        Error::NotUnderstood { repository: self.repository.to_string(), doing, source }
    }

    fn unusable(&self, problem: Problem, doing: Doing) -> Error {
        problem.into_error(&self.repository, doing)
    }

    fn redirect(&self, to: &str, problem: RedirectProblem) -> Error {
        let to = Cause::new(to).to_string();
        Error::Redirect { repository: self.repository.to_string(), to, problem }
    }

    fn unreachable(&self, doing: Doing, error: reqwest::Error) -> Error {
        let repository = self.repository.to_string();
        let source = Cause::from(error);
        if source.is_about_a_proxy_s_password() {
            return Error::ProxyDenied { repository, source };
        }
        Error::Unreachable { repository, doing, source }
    }

    fn learned(&self) -> Learned {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn learn(&self, learned: Learned) {
        *self.learned.lock().unwrap_or_else(PoisonError::into_inner) = learned;
    }
}

/// A URL below a repository's own.
fn under(place: &Url, rest: &str) -> Url {
    let text = format!("{}{rest}", place.as_str().trim_end_matches('/'));
    Url::parse(&text).expect("a path below a URL is one")
}

fn has_type(response: &Response, expected: &str) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|found| {
        let essence = found.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(expected.as_bytes())
    })
}
