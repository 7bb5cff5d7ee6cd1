//! Tells how the changes of a template go, where one goes first.
//!
//! Keeps what `pipeline::canary` remembers from turn to turn, writes a line into the log where a rollout stops, waits
//! or goes on, and says when it is worth another look. Nothing is decided here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use crate::model::name::{ConnectorName, some_of};
use crate::model::plan::Action;
use crate::model::rollout::{Brake, Why};
use crate::pipeline::canary::Rollouts;
use crate::pipeline::canary::sight::Sight;

/// How many connectors that wait are named in a line.
const MOST: usize = 10;

/// How soon it is looked again whether a canary is well.
const LOOK: Duration = Duration::from_secs(10);

/// How long a rollout may wait before that is worth a warning.
const LONG: SignedDuration = SignedDuration::from_mins(10);

/// The rollouts of the revision in hand.
#[derive(Debug, Default)]
pub struct Rollout {
    rollouts: Rollouts,
    /// What was told last.
    told: Vec<Brake>,
    /// The templates of which it was told that they have waited for long.
    late: BTreeSet<Arc<str>>,
}

impl Rollout {
    /// Puts steps that are due in the order in which they may go.
    pub fn order(&mut self, due: Vec<Action>, sight: &Sight<'_>) -> Vec<Action> {
        self.rollouts.order(due, sight, Timestamp::now())
    }

    /// Takes note that others may have sent changes.
    pub fn taken_up(&mut self) {
        self.rollouts.taken_up();
    }

    /// What says whose change may go.
    pub fn rollouts(&mut self) -> &mut Rollouts {
        &mut self.rollouts
    }

    /// What holds changes back.
    pub fn brakes(&self) -> Vec<Brake> {
        self.rollouts.brakes()
    }

    /// When to look again, where it is only to be seen whether a canary is well.
    pub fn look_after(&self) -> Option<Duration> {
        self.rollouts.brakes().iter().any(|brake| !brake.why.is_stop()).then_some(LOOK)
    }

    /// Tells what is new: who holds others back, who has done so for long, and that nobody does any more.
    pub fn tell(&mut self) {
        let now = self.rollouts.brakes();
        for brake in &now {
            let is_same = |told: &&Brake| {
                told.template == brake.template && told.by == brake.by && told.why == brake.why
            };
            if !self.told.iter().any(|told| is_same(&told)) {
                tell(brake);
            }
        }
        for Brake { template, .. } in &self.told {
            if !now.iter().any(|brake| brake.template == *template) {
                info!(%template, "the changes of this template go on");
            }
        }
        let late: Vec<_> = now.iter().filter(|brake| is_late(brake, Timestamp::now())).collect();
        for brake in late.iter().filter(|brake| !self.late.contains(&brake.template)) {
            tell_late(brake);
        }
        self.late = late.iter().map(|brake| Arc::clone(&brake.template)).collect();
        self.told = now;
    }
}

/// Whether a rollout has waited for long. One that has stopped was warned of.
fn is_late(brake: &Brake, now: Timestamp) -> bool {
    !brake.why.is_stop() && now.duration_since(brake.since) >= LONG
}

fn tell_late(Brake { template, by, why, since, rest }: &Brake) {
    warn!(
        %template,
        canary = %by,
        why = why.name(),
        waits_for = why.waits_for(),
        %since,
        waiting = rest.len(),
        hint = "mend it, or pause or stop it in the repository, or move the tag back",
        "a rollout has waited for long until a connector of the template is seen to be well with its new config"
    );
}

fn tell(brake: &Brake) {
    let Brake { template, by, why, since: _, rest } = brake;
    let rest: Vec<&ConnectorName> = rest.iter().collect();
    let (why_not, class, waiting) = (why.name(), class(*why), rest.len());
    let names = some_of(&rest, MOST);
    if why.is_stop() {
        warn!(
            %template,
            canary = %by,
            why = why_not,
            class,
            waiting,
            hint = "mend it, or pause, stop or suspend it in the repository, or move the tag back",
            "a rollout has stopped: a connector of the template is not well with its new config, so these are not changed: {names}"
        );
    } else {
        info!(
            %template,
            canary = %by,
            why = why_not,
            waits_for = why.waits_for(),
            waiting,
            "a rollout waits until a connector of the template is seen to be well with its new config; not changed yet: {names}"
        );
    }
}

/// Why Connect refused it, where it did.
fn class(why: Why) -> Option<&'static str> {
    match why {
        Why::Refused(class) => Some(class),
        Why::Failed
        | Why::Stalled
        | Why::Away
        | Why::Unassigned
        | Why::Outdated
        | Why::Awaited
        | Why::Unproven => None,
    }
}
