//! What is in force: what the repositories gave when they last were good, the folders beside it, and the secrets
//! as they are now.
//!
//! Takes what was read of repositories, and accepts it where nothing is wrong with it. Each look puts it in force
//! anew where it was just accepted, where a folder beside it has changed, or a secret in it. Which repositories
//! are asked, and when it is looked, is left to the follower.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::model::desired::Desired;
use crate::model::report::Clock;
use crate::model::snapshot::Sources;
use crate::model::supplied::Secrets;
use crate::pipeline::extra::{self, Ground};
use crate::reconcile::board::{self, Board};
use crate::reconcile::extras::Extras;
use crate::reconcile::place::{Place, Rendered};

/// What is in force at a place.
pub struct InForce {
    place: Place,
    extras: Extras,
    good: Option<Good>,
    /// Whether it was accepted and is not in force yet.
    fresh: bool,
    /// Whether what was read last was refused.
    refused: bool,
    accepted: watch::Sender<Option<Arc<Desired>>>,
}

/// What was accepted last, kept where it is to be put in force anew by itself: when a secret changes, or a
/// folder beside it.
struct Good {
    ground: Ground,
    /// The secrets that are in force with it.
    secrets: Secrets,
}

impl InForce {
    /// Nothing yet.
    pub fn new(place: Place) -> Self {
        let (accepted, _) = watch::channel(None);
        Self { place, extras: Extras::default(), good: None, fresh: false, refused: false, accepted }
    }

    /// Puts folders of `extra` beside the repositories.
    #[must_use]
    pub fn beside(self, extras: Extras) -> Self {
        Self { extras, ..self }
    }

    /// What is in force, as it changes.
    pub fn accepted(&self) -> watch::Receiver<Option<Arc<Desired>>> {
        self.accepted.subscribe()
    }

    /// Looks at the folders beside it and at its secrets, and puts it in force anew where that is due. A repository
    /// that cannot be reached, or that hangs, does not keep a service from changing its connectors.
    pub async fn look(&mut self, board: &Board) {
        let looked = self.extras.poll(board).await;
        if self.fresh || looked || self.has_new_secrets() {
            self.put_in_force(board);
        }
    }

    /// Renders what was read, and keeps it to be put in force at the next look where nothing is wrong with it;
    /// says whether that is so.
    pub fn accept(&mut self, sources: &Sources, board: &Board) -> bool {
        let now = Timestamp::now();
        let revision = sources.revision();
        let ground = self.place.ground(sources);
        // What folders use of it is known where they are put beside it.
        let findings =
            if self.extras.is_empty() { ground.findings.clone() } else { extra::alone(&ground.findings) };
        board::log(None, findings.iter());
        self.refused = ground.desired.is_none();
        board.write(|report| {
            if report.clocks.points_at.as_ref().is_none_or(|clock| clock.revision != revision) {
                report.clocks.points_at = Some(Clock { revision: revision.clone(), at: now });
            }
            if !self.refused {
                report.clocks.validated = Some(Clock { revision: revision.clone(), at: now });
            }
            report.findings = findings;
        });
        let Some(desired) = &ground.desired else {
            let kept = self.accepted.borrow().as_ref().map(|kept| kept.revision.to_string());
            let rest = if kept.is_some() { "the last good one stays in force" } else { "none is in force" };
            warn!(%revision, kept, "refused a revision: it has findings; {rest}");
            return false;
        };
        info!(%revision, connectors = desired.connectors.len(), "accepted a revision");
        self.take(ground);
        true
    }

    /// Renders what was kept, to be put in force at the next look; says whether nothing is wrong with it today.
    pub fn accept_again(&mut self, sources: &Sources, accepted: Timestamp, board: &Board) -> bool {
        let revision = sources.revision();
        let ground = self.place.ground(sources);
        board::log(None, ground.findings.iter());
        board.write(|report| report.findings = ground.findings.clone());
        self.refused = ground.desired.is_none();
        if self.refused {
            warn!(%revision, %accepted, "what was accepted last is not in force: it has findings today");
            return false;
        }
        let age = SignedDuration::from_secs(Timestamp::now().duration_since(accepted).as_secs());
        info!(%revision, %accepted, "what was accepted last, {age:#} ago, is in force until its repository answers");
        board.write(|report| report.clocks.validated = Some(Clock { revision, at: accepted }));
        self.take(ground);
        true
    }

    fn take(&mut self, ground: Ground) {
        self.good = Some(Good { ground, secrets: Secrets::default() });
        self.fresh = true;
    }

    /// Reads the secrets again that are in force: a file was mounted, or a password renewed. No new revision
    /// is needed for it.
    fn has_new_secrets(&self) -> bool {
        let changed = |good: &Good| self.place.store.read(&good.secrets.names()) != good.secrets;
        let is_new = self.good.as_ref().is_some_and(changed);
        if is_new {
            info!("a secret has changed; what is in force is rendered with it");
        }
        is_new
    }

    /// Puts in force what the repositories gave when they last were good, the folders beside it, and the
    /// secrets as they are now.
    fn put_in_force(&mut self, board: &Board) {
        let Some(Good { ground, secrets: _ }) = self.good.take() else { return };
        self.fresh = false;
        let Rendered { desired, findings, outcomes, secrets } = self.place.complete(&ground, &self.extras);
        self.extras.keep(outcomes, board);
        // What the findings of a newer revision that was refused say is still so.
        if !self.refused {
            let known = board.read(|report| report.findings.clone());
            board::log(None, findings.iter().filter(|finding| !known.iter().any(|known| known == *finding)));
            board.write(|report| report.findings = findings);
        }
        self.accepted.send_if_modified(|accepted| {
            let desired = desired.map(Arc::new);
            let is_news = *accepted != desired;
            *accepted = desired;
            is_news
        });
        let declared = self.accepted.borrow().as_ref().map(|desired| desired.declared());
        board.write(|report| report.declared = declared);
        let is_kept = !self.extras.is_empty() || !secrets.names().is_empty();
        self.good = is_kept.then_some(Good { ground, secrets });
    }
}
