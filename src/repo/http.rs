//! Git over HTTP: one POST to ask what a ref names, an advertisement and POSTs to fetch.
//!
//! Takes a URL and credentials, gives listings and pack bytes. A credential is shown to the origin of
//! the configured URL and to no other. Each poll begins there; a redirect counts for that poll alone, its
//! listing and its fetch, and is not followed in the middle of a fetch. What the bytes mean is left to others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION, USER_AGENT};
use reqwest::{RequestBuilder, Response, StatusCode};
use url::Url;

use crate::repo::cause::Cause;
use crate::repo::client::Renewed;
use crate::repo::credential::Credential;
use crate::repo::deadline::Deadline;
use crate::repo::download::Download;
use crate::repo::error::Error;
use crate::repo::home::{Home, follow};
use crate::repo::later::retry_after;
use crate::repo::learned::{Begin, Learned};
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

const PROTOCOL: &str = "Git-Protocol";

/// What is posted to stands there below a repository.
const QUESTION: &str = "/git-upload-pack";

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

/// What a listing by protocol v2 brought.
enum Asked {
    /// An answer.
    Answered,
    /// The server sends elsewhere.
    Moved(Url),
    /// Nothing of protocol v2, which need not be all that the server can say.
    Odd(Error),
}

/// What came of the question, wherever redirects led.
enum Listed {
    /// An answer, from there.
    At(Url),
    /// Nothing of protocol v2, from there.
    Odd(Url, Error),
}

/// What a server says first.
enum Greeting {
    /// That it speaks protocol v2.
    Speaks,
    /// The listing of protocol v0.
    Refs(Advertisement),
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
    ///
    /// Whether it does is never concluded from an error. A server that answered something else is asked next
    /// as git asks, where the same request brings the listing or the word that v2 is spoken.
    pub async fn list(
        &self,
        seek: &mut (dyn Seek + Send),
        deadline: &Deadline,
        meter: &Meter,
    ) -> Result<(), Error> {
        let home = &self.home.url;
        let begin = self.learned().begin();
        let odd = match begin {
            Begin::Question => match self.question(home, seek, deadline, meter).await? {
                Listed::At(place) => {
                    self.answered_at(&place);
                    return Ok(());
                }
                Listed::Odd(place, error) => Some((place, error)),
            },
            Begin::Greeting => None,
        };
        self.learned().begin_with(Begin::Greeting);
        let wanted = seek.wanted();
        let asked = Call { from: home.clone(), version: Some("version=2"), doing: Doing::Listing };
        match self.greeting(asked, wanted, deadline, meter).await? {
            (Greeting::Refs(advertisement), place) => {
                self.learned().tell_of_old(&self.repository);
                self.answered_at(&place);
                advertisement.hand_to(seek);
                Ok(())
            }
            (Greeting::Speaks, place) => {
                if place == *home {
                    self.learned().begin_with(Begin::Question);
                }
                match odd {
                    Some((asked, error)) if asked == place => return Err(error),
                    Some(_) | None => {}
                }
                match self.question(&place, seek, deadline, meter).await? {
                    Listed::At(place) => self.answered_at(&place),
                    Listed::Odd(_, error) => return Err(error),
                }
                Ok(())
            }
        }
    }

    /// What was listed at a place is fetched from there; the next poll begins at home again.
    fn answered_at(&self, place: &Url) {
        let shows = self.home.shows_something_at(&self.home.url);
        self.learned().answered_at(place, &self.home.url, &self.repository, shows);
    }

    /// Asks by protocol v2, and again where the server sends it.
    async fn question(
        &self,
        from: &Url,
        seek: &mut (dyn Seek + Send),
        deadline: &Deadline,
        meter: &Meter,
    ) -> Result<Listed, Error> {
        let mut place = from.clone();
        for _ in 0..=MOST_REDIRECTS {
            match self.ask(&place, seek, deadline, meter).await? {
                Asked::Answered => return Ok(Listed::At(place)),
                Asked::Moved(to) => place = to,
                Asked::Odd(error) => return Ok(Listed::Odd(place, error)),
            }
        }
        Err(self.redirect(place.as_str(), RedirectProblem::TooMany))
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
        let request = self.upload_pack(place, body).await?.header(PROTOCOL, "version=2");
        let mut response = self.send(request, Doing::Listing, deadline).await?;
        match response.status() {
            StatusCode::OK if has_type(&response, RESULT_TYPE) => {}
            StatusCode::OK => {
                self.learned().begin_with(Begin::Greeting);
                return Err(self.not_git(&response, Doing::Listing));
            }
            status if status.is_redirection() => {
                return Ok(match self.moved(&under(place, QUESTION), &response) {
                    Ok(to) => Asked::Moved(to),
                    Err(error) => Asked::Odd(error),
                });
            }
            // What a server says that knows no such request, or not under this name: many have a repository
            // under a second one to which only a browser's request is sent on.
            StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::GONE
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_ACCEPTABLE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::NOT_IMPLEMENTED => {
                return Ok(Asked::Odd(self.refused(place, &response, Doing::Listing)));
            }
            StatusCode::INTERNAL_SERVER_ERROR => {
                self.learned().begin_with(Begin::Greeting);
                return Err(self.refused(place, &response, Doing::Listing));
            }
            _ => return Err(self.refused(place, &response, Doing::Listing)),
        }
        let mut answer = Answer::about(seek);
        let mut received = 0;
        while let Some(chunk) = self.chunk(&mut response, Doing::Listing, deadline).await? {
            meter.count(chunk.len());
            received += chunk.len() as u64;
            match answer.feed(&chunk) {
                Ok(()) => {}
                Err(Problem::Sha256) => return Err(self.unusable(Problem::Sha256, Doing::Listing)),
                Err(problem @ (Problem::Malformed | Problem::Refused(_) | Problem::TooManyRefs)) => {
                    return Ok(Asked::Odd(self.unusable(problem, Doing::Listing)));
                }
            }
            if answer.is_done() && received > READ_ON_BYTES {
                return Ok(Asked::Answered);
            }
            self.check_listing(received)?;
        }
        Ok(match answer.end() {
            Ok(()) => Asked::Answered,
            Err(problem) => Asked::Odd(self.unusable(problem, Doing::Listing)),
        })
    }

    /// Reads the advertisement of protocol v0 from where the last listing was answered, and says where it was
    /// found.
    pub async fn advertised(
        &self,
        wanted: Wanted,
        deadline: &Deadline,
        meter: &Meter,
        doing: Doing,
    ) -> Result<(Advertisement, Url), Error> {
        let from = self.learned().place().unwrap_or_else(|| self.home.url.clone());
        let asked = Call { from, version: None, doing };
        match self.greeting(asked, wanted, deadline, meter).await? {
            (Greeting::Refs(advertisement), place) => Ok((advertisement, place)),
            (Greeting::Speaks, _) => Err(self.unusable(Problem::Malformed, doing)),
        }
    }

    /// Reads what a server says first, and says where it was found.
    async fn greeting(
        &self,
        asked: Call,
        wanted: Wanted,
        deadline: &Deadline,
        meter: &Meter,
    ) -> Result<(Greeting, Url), Error> {
        let doing = asked.doing;
        let (mut response, place) = self.get_greeting(asked, deadline).await?;
        let mut advertising = Advertising::of(wanted, true);
        let mut received = 0;
        while let Some(chunk) = self.chunk(&mut response, doing, deadline).await? {
            meter.count(chunk.len());
            received += chunk.len() as u64;
            self.check_listing(received)?;
            advertising.feed(&chunk).map_err(|problem| self.unusable(problem, doing))?;
            if advertising.speaks_v2() && received > READ_ON_BYTES {
                break;
            }
        }
        if advertising.speaks_v2() {
            return Ok((Greeting::Speaks, place));
        }
        let advertisement = advertising.end().map_err(|problem| self.unusable(problem, doing))?;
        Ok((Greeting::Refs(advertisement), place))
    }

    async fn get_greeting(&self, asked: Call, deadline: &Deadline) -> Result<(Response, Url), Error> {
        let Call { from: mut place, version, doing } = asked;
        for _ in 0..=MOST_REDIRECTS {
            let url = under(&place, "/info/refs?service=git-upload-pack");
            let mut request = self.client.now().await?.get(url.clone()).header(ACCEPT, "*/*");
            if let Some(version) = version {
                request = request.header(PROTOCOL, version);
            }
            let response = self.send(self.home.authorize(request, &place).await?, doing, deadline).await?;
            if response.status().is_redirection() {
                place = self.moved(&url, &response)?;
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

    /// Where a redirect puts the repository.
    fn moved(&self, from: &Url, response: &Response) -> Result<Url, Error> {
        let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        follow(from, to.unwrap_or_default()).map_err(|(to, problem)| self.redirect(&to, problem))
    }

    /// Sends one request of a fetch, and gives its answer to be read.
    pub async fn post(&self, place: &Url, body: Vec<u8>, deadline: &Deadline) -> Result<Download, Error> {
        let request = self.upload_pack(place, body).await?;
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

    async fn upload_pack(&self, place: &Url, body: Vec<u8>) -> Result<RequestBuilder, Error> {
        let request = self
            .client
            .now()
            .await?
            .post(under(place, QUESTION))
            .header(CONTENT_TYPE, REQUEST_TYPE)
            .header(ACCEPT, RESULT_TYPE)
            .body(body);
        self.home.authorize(request, place).await
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

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request for what a server says first.
struct Call {
    from: Url,
    /// Which protocol it may answer with; v0 where nothing is said.
    version: Option<&'static str>,
    doing: Doing,
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
