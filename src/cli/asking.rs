//! Asking the plugins of a worker about rendered configs: each config once, a few at a time, within a deadline.
//!
//! Takes the settings and the connectors of each environment, adds to the findings of each what the plugins
//! think, and says how far it came. What a plugin's answer means is left to `connect`, where it belongs in the
//! files to `pipeline`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout_at};

use crate::cli::failure::Failure;
use crate::cli::{print, wiring};
use crate::connect::Client;
use crate::connect::error::Error;
use crate::model::config::Config;
use crate::model::desired::{Desired, DesiredConnector};
use crate::model::finding::Findings;
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::opinion::Opinion;
use crate::pipeline::plugins;
use crate::settings::checked::Settings;

/// How many are asked at once: a plugin may log in to a database.
const AT_ONCE: usize = 4;

/// How often a person who waits is told how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// What is wrong, by environment.
pub type Found = BTreeMap<Option<EnvironmentName>, Findings>;

/// How far it came.
pub struct Asked {
    /// About how many connectors a plugin was heard.
    pub connectors: usize,
    /// How many were left out, for errors of their own or for secrets that only the agent has.
    pub left_out: usize,
    /// Why not every plugin was heard, where one was not.
    pub failure: Option<Failure>,
}

/// Asks about every connector without an error of its own, and adds to the findings what is wrong with it.
pub async fn plugins(
    settings: &Settings,
    drafts: &[Desired],
    found: &mut Found,
    timeout: Duration,
) -> Result<Asked, Failure> {
    let client = wiring::client(settings, wiring::Command::Plan)?;
    let ending = wiring::ending().map_err(Failure::new)?;
    let deadline = Instant::now() + timeout;
    let mut asked = Asked { connectors: 0, left_out: 0, failure: None };
    let (mut questions, mut askers, mut left_out) = (Vec::new(), Vec::new(), BTreeSet::new());
    for draft in drafts {
        let environment = Some(draft.environment.clone());
        let askable = plugins::askable(draft, &found[&environment]);
        left_out.extend(plugins::with_config(&draft.connectors).filter(|name| !askable.contains_key(name)));
        for (name, connector) in askable {
            askers.push(Asker { environment: environment.clone(), connector, question: questions.len() });
            match questions
                .iter()
                .position(|question: &Question<'_>| question.is_about(name, &connector.config))
            {
                Some(same) => askers.last_mut().expect("just added").question = same,
                None => questions.push(Question { name, config: &connector.config }),
            }
        }
    }
    asked.left_out = left_out.len();
    let classes = match classes(&client, deadline, ending.clone()).await {
        Ok(Ok(classes)) => classes,
        Ok(Err(error)) => {
            asked.failure = Some(wiring::away(settings, error));
            return Ok(asked);
        }
        Err(ended) => {
            let answers = Answers { ended, ..Answers::none(questions.len()) };
            asked.failure = answers.failure(settings, questions.len(), timeout);
            return Ok(asked);
        }
    };
    let answers = ask(&client, &questions, deadline, ending).await;
    let heard = askers.iter().filter(|asker| answers.opinions[asker.question].is_some());
    asked.connectors = heard.map(|asker| questions[asker.question].name).collect::<BTreeSet<_>>().len();
    judge(&askers, &questions, &answers.opinions, &classes, found);
    asked.failure = answers.failure(settings, questions.len(), timeout);
    Ok(asked)
}

/// Adds what follows from the opinions to the findings of each environment.
fn judge(
    askers: &[Asker<'_>],
    questions: &[Question<'_>],
    opinions: &[Option<Opinion>],
    classes: &[Arc<str>],
    found: &mut Found,
) {
    for (environment, findings) in found {
        let own = askers.iter().filter(|asker| asker.environment == *environment);
        let told: Vec<_> = own
            .filter_map(|asker| {
                let opinion = opinions[asker.question].as_ref()?;
                Some((questions[asker.question].name, asker.connector, opinion))
            })
            .collect();
        findings.extend(plugins::findings(&told, classes).into_iter().map(|mut finding| {
            finding.environment.clone_from(environment);
            finding
        }));
        findings.settle();
    }
}

/// A connector of an environment, and which question it asks.
struct Asker<'a> {
    environment: Option<EnvironmentName>,
    connector: &'a DesiredConnector,
    question: usize,
}

/// One config to ask about.
struct Question<'q> {
    /// The connector's name.
    name: &'q ConnectorName,
    /// Its whole config.
    config: &'q Config,
}

impl Question<'_> {
    fn is_about(&self, name: &ConnectorName, config: &Config) -> bool {
        self.name == name && self.config == config
    }
}

/// What came of asking.
struct Answers {
    /// What was answered, in the order of the questions; `None` where nothing was.
    opinions: Vec<Option<Opinion>>,
    /// Why something was not answered, with the connector.
    errors: Vec<(ConnectorName, Error)>,
    /// How it ended.
    ended: Ended,
}

/// How the asking ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Every question was put.
    Through,
    /// Time was up.
    Late,
    /// A person, or the system, wanted an end.
    Interrupted,
    /// The worker does not answer any more.
    Silent,
}

/// Asks which plugins there are, until the deadline or the word to end.
async fn classes(
    client: &Client,
    deadline: Instant,
    mut ending: watch::Receiver<bool>,
) -> Result<Result<Vec<Arc<str>>, Error>, Ended> {
    tokio::select! {
        classes = timeout_at(deadline, client.classes()) => classes.map_err(|_| Ended::Late),
        // A sender that is gone can no longer ask for an end.
        Ok(_) = ending.wait_for(|end| *end) => Err(Ended::Interrupted),
    }
}

/// Puts every question, until the deadline or the word to end.
async fn ask(
    client: &Client,
    questions: &[Question<'_>],
    deadline: Instant,
    mut ending: watch::Receiver<bool>,
) -> Answers {
    let mut answers = Answers::none(questions.len());
    let mut open = stream::iter(questions.iter().enumerate())
        .map(async |(at, question)| (at, client.opinion(question.name, question.config).await))
        .buffer_unordered(AT_ONCE);
    let mut ticks = interval_at(Instant::now() + PROGRESS, PROGRESS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut done = 0;
    loop {
        tokio::select! {
            next = timeout_at(deadline, open.next()) => match next {
                Err(_) => answers.ended = Ended::Late,
                Ok(None) => return answers,
                Ok(Some((at, result))) => {
                    done += 1;
                    if answers.take(at, questions[at].name, result) {
                        continue;
                    }
                }
            },
            _ = ticks.tick() => {
                print::note(&format!("asked about {done} of {} configs", questions.len()));
                continue;
            }
            // A sender that is gone can no longer ask for an end.
            Ok(_) = ending.wait_for(|end| *end) => answers.ended = Ended::Interrupted,
        }
        return answers;
    }
}

impl Answers {
    /// Nobody was heard yet.
    fn none(questions: usize) -> Self {
        Self { opinions: vec![None; questions], errors: Vec::new(), ended: Ended::Through }
    }

    /// Notes one answer; says whether it is of use to ask on.
    fn take(&mut self, at: usize, name: &ConnectorName, result: Result<Opinion, Error>) -> bool {
        match result {
            Ok(opinion) => self.opinions[at] = Some(opinion),
            Err(error) => {
                // A plugin that takes long says nothing of the others; a worker that is away does.
                if error.class().is_silent() && !matches!(error, Error::TimedOut { .. }) {
                    self.ended = Ended::Silent;
                }
                self.errors.push((name.clone(), error));
            }
        }
        self.ended == Ended::Through
    }

    /// Why not every plugin was heard, where one was not.
    fn failure(self, settings: &Settings, wanted: usize, timeout: Duration) -> Option<Failure> {
        let heard = self.opinions.iter().flatten().count();
        let so_far = format!("{heard} of {wanted} configs were looked at");
        for (_, error) in self.errors.iter().skip(1) {
            print::note(&format!("Error: {error}"));
        }
        let first = self.errors.into_iter().next().map(|(_, error)| wiring::away(settings, error));
        match (self.ended, first) {
            (Ended::Through, None) => None,
            (Ended::Through | Ended::Silent, Some(failure)) => Some(failure.context(so_far)),
            (Ended::Late, _) => {
                let error = anyhow::anyhow!("time was up after {} s: {so_far}", timeout.as_secs());
                Some(
                    Failure::new(error)
                        .hint(Some("give more with --timeout, or ask for one environment with -e")),
                )
            }
            (Ended::Interrupted | Ended::Silent, _) => {
                Some(Failure::new(anyhow::anyhow!("interrupted: {so_far}")))
            }
        }
    }
}
