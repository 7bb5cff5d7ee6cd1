//! Looks at offsets, beside the cycle and not in it.
//!
//! Takes what each turn of the reconciler saw and did; reads offsets of the same worker when they are due, writes on the
//! board whether they move, and into the log when that is news. Who is watched, when, and what a look says is
//! `pipeline`'s.
//!
//! One request is open at a time, with a rest before the next, whatever is due: a cycle waits for none of them, and they
//! are given up at once where the agent is to end. While the worker does not answer nobody asks. An agent whose worker
//! does not lead does not watch. In observe nobody knows who leads, so each agent watches, as each tells the drift: it
//! costs GETs only.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::connect::Client;
use crate::connect::error::Error;
use crate::model::desired::Desired;
use crate::model::live::Live;
use crate::model::name::ConnectorName;
use crate::model::pulse::{Pulse, Stored};
use crate::model::report::{Class, Event, Outcome, StepResult};
use crate::pipeline::stall::{News, Options, Vigil};
use crate::reconcile::board::Board;
use crate::reconcile::causes::chain;
use crate::reconcile::interrupt::Interrupt;
use crate::reconcile::lasting::Lasting;

/// The rest between two requests, however many are due.
const APART: Duration = Duration::from_millis(250);

/// What a person can do about a connector that stands still.
const ADVICE: &str = "the worker's log says why; usual causes: its publication is missing, its user lacks REPLICATION, \
    another connector reads its slot, `heartbeat.action.query` fails or writes to a table outside the publication, \
    `snapshot.mode: initial_only`. docs/operations/stalled.md has how to find out which";

/// Watches whether connectors that say RUNNING stream.
pub struct Watch {
    client: Arc<Client>,
    vigil: RefCell<Vigil>,
    /// What has kept it from reading.
    lasting: RefCell<Lasting>,
    /// Somebody may be due sooner than before.
    news: Notify,
}

impl Watch {
    /// Watches nobody until a turn has seen the cluster.
    pub fn new(client: Arc<Client>, options: Options) -> Self {
        let vigil = RefCell::new(Vigil::new(options));
        Self { client, vigil, lasting: RefCell::default(), news: Notify::new() }
    }

    /// Takes note of what a turn saw, and writes who is watched.
    pub fn see(&self, desired: &Desired, live: &Live, board: &Board) {
        self.vigil.borrow_mut().see(desired, live, Timestamp::now());
        self.write(board);
        self.news.notify_one();
    }

    /// Takes note of the steps that a turn took: each begins its connector anew, also one that runs the same config
    /// as before. What was seen to move while a step was taken may have been the end of what ran before it.
    pub fn acted(&self, results: &[StepResult], board: &Board) {
        let mut vigil = self.vigil.borrow_mut();
        // What was refused goes on as it was.
        let is_taken = |result: &&StepResult| matches!(result.outcome, Outcome::Converged | Outcome::Pending);
        for result in results.iter().filter(is_taken) {
            vigil.changed(&result.connector, Timestamp::now());
        }
        drop(vigil);
        self.write(board);
        self.news.notify_one();
    }

    /// Takes note that the worker does not answer.
    pub fn interrupt(&self) {
        self.vigil.borrow_mut().interrupt();
        self.news.notify_one();
    }

    /// Takes note that another agent watches.
    pub fn leave(&self) {
        self.vigil.borrow_mut().leave();
        self.news.notify_one();
    }

    /// Looks at who is due, one after the other, until the agent is to end.
    pub async fn run(&self, board: &Board, interrupt: &Interrupt) {
        loop {
            let next = self.vigil.borrow().next().map(|(name, due)| (name.clone(), due));
            let due = tokio::select! {
                () = until(next.as_ref().map(|(_, due)| *due)) => next,
                () = self.news.notified() => continue,
                () = interrupt.ending() => return,
            };
            let Some((name, due)) = due else { continue };
            let Some(looked) = interrupt.unless_ending(self.client.offsets(&name)).await else { return };
            self.heard(&name, due, looked, board);
            if interrupt.unless_ending(tokio::time::sleep(APART)).await.is_none() {
                return;
            }
        }
    }

    /// Takes note of an answer, but where the connector began anew while it was under way.
    fn heard(
        &self,
        name: &ConnectorName,
        due: Timestamp,
        looked: Result<Option<Stored>, Error>,
        board: &Board,
    ) {
        if !self.vigil.borrow().awaits(name, due) {
            return;
        }
        let now = Timestamp::now();
        match looked {
            Ok(stored) => {
                self.lasting.borrow_mut().is_over(Instant::now());
                let before = self.word(name);
                let news = self.vigil.borrow_mut().look(name, stored, now);
                self.write(board);
                if self.word(name) != before {
                    board.tell(&Event::CameRound);
                }
                tell(name, news);
            }
            Err(error) => {
                self.vigil.borrow_mut().missed(name, now);
                self.missed(name, &error);
            }
        }
    }

    fn word(&self, name: &ConnectorName) -> Option<&'static str> {
        self.vigil.borrow().pulse(name).map(Pulse::name)
    }

    fn write(&self, board: &Board) {
        let pulses = self.vigil.borrow().pulses();
        board.write(|report| report.cluster.pulses = pulses);
    }

    /// Tells that offsets could not be read, where that does not pass by itself: a worker that is silent is the
    /// reconciler's to tell.
    fn missed(&self, connector: &ConnectorName, error: &Error) {
        let class = error.class();
        if class.is_silent() || class == Class::Rebalancing {
            debug!(%connector, error = error as &dyn std::error::Error, "could not read offsets");
        } else if self
            .lasting
            .borrow_mut()
            .goes_on(&format!("{class}: {}", chain(error)), Instant::now())
            .is_some()
        {
            let (cause, hint) = (error as &dyn std::error::Error, error.hint());
            warn!(%connector, error = cause, hint, "could not read offsets: whether it streams is not known");
        }
    }
}

fn tell(connector: &ConnectorName, news: Option<News>) {
    match news {
        None => {}
        Some(News::Stalled { since, is_unbegun: false }) => {
            warn!(%connector, %since, hint = ADVICE, "it says RUNNING and streams nothing: its offsets stand still");
        }
        Some(News::Stalled { since, is_unbegun: true }) => {
            warn!(%connector, %since, hint = ADVICE, "it says RUNNING and streams nothing: it has not stored any offset");
        }
        Some(News::Moves { since }) => info!(%connector, stalled_since = %since, "its offsets move again"),
    }
}

/// Waits until a moment; for ever where there is none.
async fn until(moment: Option<Timestamp>) {
    let Some(moment) = moment else { return std::future::pending().await };
    let rest = Duration::try_from(moment.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO);
    tokio::time::sleep(rest).await;
}
