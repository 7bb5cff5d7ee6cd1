//! The Kafka Connect REST API: look at a cluster, take a step.
//!
//! Takes the address of one worker, gives what the cluster has and can do, and carries out single steps:
//! one request each, but where an older Connect needs a few. Deciding what to do, when to ask again and
//! whether a step took is left to `reconcile`. Nothing of Connect's JSON and none of its texts leaves this room.
//!
//! What Connect really does, by version, is in `docs/reference/connect-behaviour.md`.

mod abilities;
pub mod access;
mod advice;
mod ask;
pub mod complaint;
pub mod error;
mod hearing;
mod http;
mod login;
mod offsets;
mod parts;
mod phrases;
pub mod refusal;
mod renewed;
mod transport;
pub mod trouble;
pub mod unusable;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use url::Url;

use crate::connect::abilities::Abilities;
use crate::connect::access::Access;
use crate::connect::ask::{addressable, ask, nobody, refused, understood};
use crate::connect::error::{Attempt, Error, Nonsense};
use crate::connect::hearing::Hearing;
use crate::connect::http::{Answer, Http, Request};
use crate::connect::parts::{FENCE, Part};
use crate::connect::refusal::Refusal;
use crate::connect::wire::Expanded;
use crate::model::config::Config;
use crate::model::live::{Kind, Live, LiveConnector, Worker};
use crate::model::name::ConnectorName;
use crate::model::opinion::Opinion;
use crate::model::plan::{Failed, Step, StepKind};
use crate::model::pulse::Stored;
use crate::model::report::Exchange;

/// How often the second request of a creation is sent before it is left to the next look.
const FOLLOW_UPS: u32 = 3;

/// The rest between two of these.
const FOLLOW_UP_REST: Duration = Duration::from_millis(500);

/// A success with nothing to say.
const NO_CONTENT: u16 = 204;

/// How many configs are read at once where the expanded read left connectors out.
const READS_AT_ONCE: usize = 8;

/// The longest list of offsets that is read; Debezium's are of a few hundred bytes.
const OFFSETS_LIMIT: usize = 1024 * 1024;

/// The longest opinion that is read; Debezium's are of 100 kB.
const OPINION_LIMIT: usize = 8 * 1024 * 1024;

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
    abilities: Abilities,
    hearing: Hearing,
}

impl Client {
    /// Prepares a client; nothing is sent, but the files that the options name are read.
    pub fn new(options: Options) -> Result<Self, Error> {
        let Options { url, writer, user_agent, access } = options;
        let http = Http::new(&url, &user_agent, &access)?;
        Ok(Self { http, writer, abilities: Abilities::default(), hearing: Hearing::default() })
    }

    /// Asks whether the worker has read its cluster's state, with GETs only.
    ///
    /// Until then a list of connectors may be empty although there are some.
    pub async fn ready(&self) -> Result<(), Error> {
        let attempt = Attempt::Ready;
        match self.ask(&attempt, Request::get("/health")).await {
            Ok(answer) if wire::is_health(&answer.body) => Ok(()),
            // Connect before 3.9. Its herder answers this one in turn, so not before it has started.
            Ok(_) | Err(Error::Refused { refusal: Refusal::NoSuchPath, .. }) => {
                let path = format!("/connectors/{}", nobody());
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
        let request = Request::write(Method::DELETE, format!("/connectors/{}", nobody()))
            .query(Some(FENCE))
            .timeout(http::READ_TIMEOUT);
        let answer = self.hear(self.http.send(&Attempt::Probe, request).await)?;
        match refused(&Attempt::Probe, &answer, true, None) {
            Some(Error::Refused { refusal: Refusal::NotFound, .. }) => Ok(Leadership::Leads),
            Some(Error::Refused {
                refusal: Refusal::NotLeader | Refusal::Rebalancing, status: 409, ..
            }) => Ok(Leadership::Follows),
            Some(error) => self.hear(Err(error)),
            None => {
                let problem = Nonsense::Success;
                Err(Error::NotUnderstood { attempt: Attempt::Probe, problem })
            }
        }
    }

    /// Reads every connector: the plain list, then one expanded read. What the worker can do is asked
    /// where that is not known.
    ///
    /// The names come from the plain list, because the expanded read leaves out what has no status
    /// yet; the config of such a one is read alone.
    pub async fn live(&self) -> Result<Live, Error> {
        let attempt = Attempt::List;
        let answer = self.ask(&attempt, Request::get("/connectors")).await?;
        let names = understood(&attempt, wire::names(&answer.body))?;
        let request = Request::get("/connectors").query(Some("expand=info&expand=status"));
        let answer = self.ask(&attempt, request).await?;
        if wire::names(&answer.body).is_ok() {
            let version = self.root().await.ok().and_then(|worker| worker.version);
            return Err(Error::TooOld { attempt, version });
        }
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
        let capabilities = self.abilities.get(&self.http).await?;
        Ok(Live { connectors, capabilities })
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

    /// Reads what a connector has stored of its offsets; `None` where there is no such connector. Connect tells it
    /// since 3.5, and as it was when the worker flushed last.
    pub async fn offsets(&self, name: &ConnectorName) -> Result<Option<Stored>, Error> {
        let attempt = Attempt::Offsets(name.clone());
        let path = addressable(&attempt, name, "/offsets")?;
        let answer = ask(&self.http, &attempt, Request::get(path).limit(OFFSETS_LIMIT)).await;
        self.hearing.note_beside(&answer);
        match self.abilities.hear(answer) {
            Ok(answer) => understood(&attempt, offsets::stored(&answer.body)).map(Some),
            Err(Error::Refused { refusal: Refusal::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for the worker's version and its Kafka cluster; proves nothing about being ready.
    pub async fn root(&self) -> Result<Worker, Error> {
        let answer = self.ask(&Attempt::Root, Request::get("/")).await?;
        understood(&Attempt::Root, wire::root(&answer.body))
    }

    /// Asks which classes of connectors the worker has.
    pub async fn classes(&self) -> Result<Vec<Arc<str>>, Error> {
        let answer = self.ask(&Attempt::Plugins, Request::get("/connector-plugins")).await?;
        understood(&Attempt::Plugins, wire::classes(&answer.body))
    }

    /// Asks the plugin of a config what it thinks of it. Nothing is written, but some plugins log in to a database.
    pub async fn opinion(&self, name: &ConnectorName, config: &Config) -> Result<Opinion, Error> {
        let attempt = Attempt::Validate(name.clone());
        // Newer versions answer a class that is none with nothing at all.
        let class = config.class().filter(|class| is_class(class));
        let Some(class) = class else { return Ok(Opinion::UnknownClass) };
        let request = Request::write(Method::PUT, http::validation_path(class))
            .body(wire::question(name, config))
            .limit(OPINION_LIMIT);
        let answer = self.hear(self.http.send(&attempt, request).await)?;
        let Some(error) = refused(&attempt, &answer, false, Some(config)) else {
            return understood(&attempt, advice::opinion(&answer.body, config));
        };
        let message = wire::error_message(answer.status, &answer.body);
        match message.and_then(|message| advice::refused_whole(&message, config)) {
            Some(opinion) => Ok(opinion),
            None => self.hear(Err(error)),
        }
    }

    /// Takes a step: its requests in order, the first of which decides whether it is taken at all. A
    /// deletion of what is gone already is a success, and so is a restart of what runs again.
    pub async fn take(&self, connector: &ConnectorName, step: &Step) -> Result<(), Error> {
        let attempt = Attempt::Step(step.kind(), connector.clone());
        // A worker that passes a request on writes an encoded `;` plainly, and the leader takes what
        // follows for a parameter of the path: it would delete another connector.
        if self.writer == Writer::Forwarded && connector.as_str().contains(';') {
            return Err(Error::Unaddressable { attempt });
        }
        let still = self.still_failed(connector, step).await?;
        let step = still.as_ref().unwrap_or(step);
        let parts = parts::parts(&attempt, connector, step, self.writer == Writer::Leader)?;
        if let Some(first) = parts.into_iter().next() {
            self.send(&attempt, first, step).await?;
        }
        self.finish(connector, step).await
    }

    /// Restarts a connector with all its tasks, which run: in one call, or before 3.0 task by task.
    pub async fn restart_tasks(
        &self,
        connector: &ConnectorName,
        tasks: usize,
        in_one_call: bool,
    ) -> Result<(), Error> {
        let attempt = Attempt::Step(StepKind::Restart, connector.clone());
        let fenced = self.writer == Writer::Leader;
        for part in parts::all_tasks(&attempt, connector, tasks, in_one_call, fenced)? {
            let fenced = part.request.is_asked(FENCE);
            let answer = self.hear(self.http.send(&attempt, part.request).await)?;
            if let Some(error) = refused(&attempt, &answer, fenced, None) {
                return self.hear(Err(error));
            }
        }
        Ok(())
    }

    /// Sends what follows a step's first request, where that one was carried out.
    pub async fn finish(&self, connector: &ConnectorName, step: &Step) -> Result<(), Error> {
        let attempt = Attempt::Step(step.kind(), connector.clone());
        let parts = parts::parts(&attempt, connector, step, self.writer == Writer::Leader)?;
        for part in parts.into_iter().skip(1) {
            self.follow_up(&attempt, part, step).await?;
        }
        Ok(())
    }

    /// Leaves out of a restart one by one what runs again: the look that it was planned from may be minutes
    /// old, and Connect restarts so whatever it is told to. `None` where the step is to be taken as it is.
    async fn still_failed(&self, name: &ConnectorName, step: &Step) -> Result<Option<Step>, Error> {
        let Step::Restart { failed: Failed::OneByOne { itself, tasks } } = step else {
            return Ok(None);
        };
        let attempt = Attempt::Read(name.clone());
        let request = Request::get(addressable(&attempt, name, "/status")?);
        match self.ask(&attempt, request).await {
            Ok(answer) => {
                let now = understood(&attempt, wire::status(&answer.body))?;
                Ok(Some(parts::still_failed(*itself, tasks, &now)))
            }
            // The restart says whether it is gone.
            Err(Error::Refused { refusal: Refusal::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends what belongs to a request that was carried out. What brings a new connector into its state
    /// may be asked again, and is: until it is, the connector runs.
    async fn follow_up(&self, attempt: &Attempt, part: Part<'_>, step: &Step) -> Result<(), Error> {
        let mut tries = if step.kind() == StepKind::Create { FOLLOW_UPS } else { 1 };
        loop {
            tries -= 1;
            match self.send(attempt, part.clone(), step).await {
                Ok(()) => return Ok(()),
                Err(error) if tries == 0 => {
                    return Err(Error::Partly { attempt: attempt.clone(), source: Box::new(error) });
                }
                Err(_) => tokio::time::sleep(FOLLOW_UP_REST).await,
            }
        }
    }

    async fn send(&self, attempt: &Attempt, part: Part<'_>, step: &Step) -> Result<(), Error> {
        let Part { request, sent } = part;
        let fenced = request.is_asked(FENCE);
        let answer = self.hear(self.http.send(attempt, request).await)?;
        let one_call = matches!(step, Step::Restart { failed: Failed::InOneCall });
        let refused = refused(attempt, &answer, fenced, sent);
        let result = match (refused, step) {
            // Connect before 3.0 overlooks what is said of tasks: it has restarted the connector alone.
            (None, _) if one_call && answer.status == NO_CONTENT => {
                let (attempt, status) = (attempt.clone(), answer.status);
                Err(Error::Refused { attempt, status, refusal: Refusal::Unsupported })
            }
            (None, _) | (Some(Error::Refused { refusal: Refusal::NotFound, .. }), Step::Delete) => Ok(()),
            (Some(error), _) => Err(error),
        };
        self.hear(result)
    }

    /// Has the worker asked anew what it can do, with the next look.
    pub fn doubt(&self) {
        self.abilities.forget();
    }

    /// Whether the worker may have lost its lead and got it back since that was asked last: it was silent for long, or
    /// started anew.
    pub fn is_in_doubt(&self) -> bool {
        self.hearing.is_in_doubt()
    }

    /// The same, for one who has just asked whether it leads.
    pub fn take_doubt(&self) -> bool {
        self.hearing.take_doubt()
    }

    /// Hands out what was exchanged since it was last asked, for counters.
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        self.http.take_exchanges()
    }

    async fn ask(&self, attempt: &Attempt, request: Request) -> Result<Answer, Error> {
        self.hear(ask(&self.http, attempt, request).await)
    }

    fn hear<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        self.hearing.note(&result);
        self.abilities.hear(result)
    }
}

/// Whether a text can be the name of a Java class.
fn is_class(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '$'))
        && !text.starts_with('.')
        && !text.is_empty()
}
