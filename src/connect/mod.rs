//! The Kafka Connect REST API: look at a cluster, take a step.
//!
//! Takes the address of one worker, gives what the cluster has and carries out single steps, one
//! request each. Deciding what to do, when to ask again and whether a step took is left to
//! `reconcile`. Nothing of Connect's JSON and none of its texts leaves this room.
//!
//! What Connect really does, by version, is in `docs/reference/connect-behaviour.md`.

pub mod access;
pub mod complaint;
pub mod error;
mod http;
mod login;
mod phrases;
pub mod refusal;
mod renewed;
mod transport;
pub mod trouble;
pub mod unusable;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use url::Url;

use crate::connect::access::Access;
use crate::connect::error::{Attempt, Error, Nonsense};
use crate::connect::http::{Answer, Http, Request};
use crate::connect::refusal::Refusal;
use crate::connect::wire::Expanded;
use crate::model::config::Config;
use crate::model::live::{Kind, Live, LiveConnector, Worker};
use crate::model::name::ConnectorName;
use crate::model::plan::Step;
use crate::model::report::Exchange;

/// Makes a worker execute a request only if it leads; any other answers 409 and writes nothing.
///
/// Hidden from Connect's own documentation and unchanged from 2.0 to 4.3.
const FENCE: &str = "forward=false";

/// What names the connector of the leader probe; nothing real is called so.
const PROBE_PREFIX: &str = "tagalong-probe-";

/// How many configs are read at once where the expanded read left connectors out.
const READS_AT_ONCE: usize = 8;

/// Where Connect is, and how to write to it.
#[derive(Clone)]
pub struct Options {
    /// The base address of one worker, or of what stands before several.
    pub url: Url,
    /// How requests that write reach the leader.
    pub writer: Writer,
    /// How the agent names itself.
    pub user_agent: String,
    /// What it shows there, and whom it trusts.
    pub access: Access,
}

/// How requests that write reach the leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writer {
    /// Not at all, unless the worker asked leads: one writer among the agents beside every worker.
    #[default]
    Leader,
    /// The worker passes them on; for exactly one agent.
    Forwarded,
}

/// Whether the worker leads the Connect cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leadership {
    /// It does.
    Leads,
    /// Another one does, or nobody for now.
    Follows,
}

/// One Connect cluster, seen through one address.
#[derive(Debug)]
pub struct Client {
    http: Http,
    writer: Writer,
}

impl Client {
    /// Prepares a client; nothing is sent, but the files that the options name are read.
    pub fn new(options: Options) -> Result<Self, Error> {
        let Options { url, writer, user_agent, access } = options;
        Ok(Self { http: Http::new(&url, &user_agent, &access)?, writer })
    }

    /// Asks whether the worker has read its cluster's state, with GETs only.
    ///
    /// Until then a list of connectors may be empty although there are some.
    pub async fn ready(&self) -> Result<(), Error> {
        let attempt = Attempt::Ready;
        match self.ask(&attempt, Request::get("/health")).await {
            Ok(_) => Ok(()),
            // Connect before 3.9. Its herder answers this one in turn, so not before it has started.
            Err(Error::Refused { refusal: Refusal::NoSuchPath, .. }) => {
                let path = format!("/connectors/{}/config", probe_name());
                match self.ask(&attempt, Request::get(path)).await {
                    Ok(_) | Err(Error::Refused { refusal: Refusal::NotFound, .. }) => Ok(()),
                    Err(error) => Err(error),
                }
            }
            Err(Error::Refused { attempt, status, refusal: Refusal::Fault }) => {
                Err(Error::Refused { attempt, status, refusal: Refusal::Unhealthy })
            }
            Err(error) => Err(error),
        }
    }

    /// Asks whether the worker leads, by a deletion of what does not exist.
    ///
    /// It also proves that the worker is ready: the herder answers it in turn.
    pub async fn probe(&self) -> Result<Leadership, Error> {
        let request = Request::write(Method::DELETE, format!("/connectors/{}", probe_name()))
            .query(Some(FENCE))
            .timeout(http::READ_TIMEOUT);
        let answer = self.http.send(&Attempt::Probe, request).await?;
        match refused(&Attempt::Probe, &answer, true, None) {
            Some(Error::Refused { refusal: Refusal::NotFound, .. }) => Ok(Leadership::Leads),
            Some(Error::Refused {
                refusal: Refusal::NotLeader | Refusal::Rebalancing, status: 409, ..
            }) => Ok(Leadership::Follows),
            Some(error) => Err(error),
            None => {
                let problem = Nonsense::Success;
                Err(Error::NotUnderstood { attempt: Attempt::Probe, problem })
            }
        }
    }

    /// Reads every connector: the plain list, then one expanded read.
    ///
    /// The names come from the plain list, because the expanded read leaves out what has no status
    /// yet; the config of such a one is read alone.
    pub async fn live(&self) -> Result<Live, Error> {
        let attempt = Attempt::List;
        let answer = self.ask(&attempt, Request::get("/connectors")).await?;
        let names = understood(&attempt, wire::names(&answer.body))?;
        let request = Request::get("/connectors").query(Some("expand=info&expand=status"));
        let answer = self.ask(&attempt, request).await?;
        let mut expanded = understood(&attempt, wire::expanded(&answer.body))?;

        let mut connectors = BTreeMap::new();
        let mut omitted = Vec::new();
        for name in names {
            match expanded.remove(&name) {
                Some(Expanded::There(connector)) => {
                    connectors.insert(name, connector);
                }
                Some(Expanded::Gone) => {}
                Some(Expanded::WithoutInfo(status)) => omitted.push((name, status)),
                None => omitted.push((name, None)),
            }
        }
        // Created between the two reads.
        connectors.extend(expanded.into_iter().filter_map(|(name, entry)| match entry {
            Expanded::There(connector) => Some((name, connector)),
            Expanded::Gone | Expanded::WithoutInfo(_) => None,
        }));
        let alone: Vec<_> = stream::iter(omitted)
            .map(|(name, status)| async move {
                let config = self.config_alone(&name).await?;
                Ok(config.map(|config| (name, LiveConnector { config, kind: Kind::Unknown, status })))
            })
            .buffer_unordered(READS_AT_ONCE)
            .try_collect()
            .await?;
        connectors.extend(alone.into_iter().flatten());
        Ok(Live { connectors })
    }

    /// Reads one connector's config; the outer `None` is that it is gone, the inner that nobody can say.
    async fn config_alone(&self, name: &ConnectorName) -> Result<Option<Option<Config>>, Error> {
        let attempt = Attempt::Read(name.clone());
        let Some(path) = http::connector_path(name, "/config") else {
            return Ok(Some(None));
        };
        match self.ask(&attempt, Request::get(path)).await {
            Ok(answer) => {
                understood(&attempt, wire::config(&answer.body, name)).map(|config| Some(Some(config)))
            }
            Err(Error::Refused { refusal: Refusal::NotFound, .. }) => Ok(None),
            // Neither may keep the other connectors from being seen.
            Err(Error::Refused { refusal: Refusal::Rebalancing | Refusal::Path, .. }) => Ok(Some(None)),
            Err(error) => Err(error),
        }
    }

    /// Reads one connector with its status; `None` where there is no such connector.
    pub async fn look(&self, name: &ConnectorName) -> Result<Option<LiveConnector>, Error> {
        let attempt = Attempt::Read(name.clone());
        let request = Request::get(addressable(&attempt, name, "")?);
        let answer = match self.ask(&attempt, request).await {
            Ok(answer) => answer,
            Err(Error::Refused { refusal: Refusal::NotFound, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        if answer.body.is_empty() {
            // Connect answers 204 for a moment where its herder and its store disagree.
            let (status, refusal) = (answer.status, Refusal::Rebalancing);
            return Err(Error::Refused { attempt, status, refusal });
        }
        let connector = understood(&attempt, wire::info(&answer.body, name))?;
        let request = Request::get(addressable(&attempt, name, "/status")?);
        let status = match self.ask(&attempt, request).await {
            Ok(answer) => Some(understood(&attempt, wire::status(&answer.body))?),
            Err(Error::Refused { refusal: Refusal::NotFound, .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Some(LiveConnector { status, ..connector }))
    }

    /// Reads the config that each task of a connector got.
    pub async fn task_configs(&self, name: &ConnectorName) -> Result<Vec<Config>, Error> {
        let attempt = Attempt::Tasks(name.clone());
        let request = Request::get(addressable(&attempt, name, "/tasks")?);
        let answer = self.ask(&attempt, request).await?;
        understood(&attempt, wire::tasks(&answer.body, name))
    }

    /// Asks for the worker's version and its Kafka cluster; proves nothing about being ready.
    pub async fn root(&self) -> Result<Worker, Error> {
        let answer = self.ask(&Attempt::Root, Request::get("/")).await?;
        understood(&Attempt::Root, wire::root(&answer.body))
    }

    /// Takes a step: exactly one request. A deletion of what is gone already is a success.
    pub async fn take(&self, connector: &ConnectorName, step: &Step) -> Result<(), Error> {
        let attempt = Attempt::Step(step.kind(), connector.clone());
        let (request, sent) = self.request(&attempt, connector, step)?;
        let fenced = request.is_asked(FENCE);
        let answer = self.http.send(&attempt, request).await?;
        match (refused(&attempt, &answer, fenced, sent), step) {
            (None, _) | (Some(Error::Refused { refusal: Refusal::NotFound, .. }), Step::Delete) => Ok(()),
            (Some(error), _) => Err(error),
        }
    }

    fn request<'a>(
        &self,
        attempt: &Attempt,
        connector: &ConnectorName,
        step: &'a Step,
    ) -> Result<(Request, Option<&'a Config>), Error> {
        let fence = match self.writer {
            Writer::Leader => Some(FENCE),
            Writer::Forwarded => None,
        };
        // A worker that passes a request on writes an encoded `;` plainly, and the leader takes what
        // follows for a parameter of the path: it would delete another connector.
        if self.writer == Writer::Forwarded && connector.as_str().contains(';') {
            return Err(Error::Unaddressable { attempt: attempt.clone() });
        }
        let path = |rest| addressable(attempt, connector, rest);
        Ok(match step {
            Step::Create { config, initial } => {
                path("")?;
                let body = wire::creation(connector, config, *initial);
                (Request::write(Method::POST, "/connectors").query(fence).body(body), Some(config))
            }
            Step::Configure { config, changes: _ } => {
                let request = Request::write(Method::PUT, path("/config")?);
                (request.query(fence).body(wire::configuration(config)), Some(config))
            }
            // These two run on any worker and know no `forward`.
            Step::Pause { from: _ } => (Request::write(Method::PUT, path("/pause")?), None),
            Step::Resume { from: _ } => (Request::write(Method::PUT, path("/resume")?), None),
            Step::Stop { from: _ } => (Request::write(Method::PUT, path("/stop")?).query(fence), None),
            Step::Restart => {
                let query = match self.writer {
                    Writer::Leader => "includeTasks=true&onlyFailed=true&forward=false",
                    Writer::Forwarded => "includeTasks=true&onlyFailed=true",
                };
                (Request::write(Method::POST, path("/restart")?).query(Some(query)), None)
            }
            Step::Delete => (Request::write(Method::DELETE, path("")?).query(fence), None),
        })
    }

    /// Hands out what was exchanged since it was last asked, for counters.
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        self.http.take_exchanges()
    }

    /// Sends a request and takes every status but a success for an error.
    async fn ask(&self, attempt: &Attempt, request: Request) -> Result<Answer, Error> {
        let answer = self.http.send(attempt, request).await?;
        match refused(attempt, &answer, false, None) {
            Some(error) => Err(error),
            None => Ok(answer),
        }
    }
}

fn refused(attempt: &Attempt, answer: &Answer, fenced: bool, sent: Option<&Config>) -> Option<Error> {
    let status = answer.status;
    if (200..300).contains(&status) {
        return None;
    }
    let message = wire::error_message(status, &answer.body);
    let keys: BTreeSet<&str> = sent.into_iter().flat_map(Config::keys).collect();
    let answer = refusal::Answer { status, message: message.as_deref(), fenced };
    Some(Error::Refused { attempt: attempt.clone(), status, refusal: Refusal::read(answer, &keys) })
}

fn understood<T>(attempt: &Attempt, read: Result<T, Nonsense>) -> Result<T, Error> {
    read.map_err(|problem| Error::NotUnderstood { attempt: attempt.clone(), problem })
}

fn addressable(attempt: &Attempt, name: &ConnectorName, rest: &str) -> Result<String, Error> {
    http::connector_path(name, rest).ok_or_else(|| Error::Unaddressable { attempt: attempt.clone() })
}

/// A name that no connector has, another one each time.
fn probe_name() -> String {
    format!("{PROBE_PREFIX}{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}
