//! How long a connector rests between its stop and its deletion.
//!
//! Takes plans and what became of steps; says which stops need no further asking and which deletions are
//! due. The memory is lost with the process without harm: the grace then begins anew.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Plan, Step};
use crate::model::report::{Class, Outcome};

/// A connector that was asked to stop so often is deleted without. Once is not enough: somebody may have resumed it while
/// it was waited for.
const ENOUGH: u32 = 2;

/// Connectors on the way from their stop to their deletion.
#[derive(Debug, Clone, Default)]
pub struct Graces {
    length: Duration,
    begun: BTreeMap<ConnectorName, Begun>,
}

/// Since when a connector rests, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    /// It was seen at rest since then.
    Seen(Timestamp),
    /// It was asked to stop so often, last then, and did not show it: it has failed, hangs, or somebody resumed it.
    Asked(u32, Timestamp),
}

impl Graces {
    /// No connector is on its way yet.
    pub fn of(length: Duration) -> Self {
        Self { length, begun: BTreeMap::new() }
    }

    /// Knows of none any more.
    pub fn forget(&mut self) {
        self.begun.clear();
    }

    /// Looks at the connectors that a plan deletes; one that needs no stop is at rest. What the plan does not delete any
    /// more is forgotten, and so is the rest of one that somebody has resumed: it is stopped again, and its grace begins
    /// anew.
    pub fn look(&mut self, plan: &Plan, now: Timestamp) {
        let deleted = |action: &&Action| action.step == Step::Delete;
        let stopped: BTreeSet<_> = plan
            .steps
            .iter()
            .filter(|action| action.is_before_deletion())
            .map(|action| &action.connector)
            .collect();
        let mut begun = BTreeMap::new();
        for name in plan.steps.iter().filter(deleted).map(|action| &action.connector) {
            let then = match (self.begun.get(name).copied(), stopped.contains(name)) {
                (Some(seen @ Begun::Seen(_)), false) => Some(seen),
                (Some(Begun::Asked(..)) | None, false) => Some(Begun::Seen(now)),
                (Some(asked @ Begun::Asked(..)), true) => Some(asked),
                (Some(Begun::Seen(_)) | None, true) => None,
            };
            begun.extend(then.map(|then| (name.clone(), then)));
        }
        self.begun = begun;
    }

    /// Remembers what became of a stop that is a part of a deletion; says whether it is known now how it is asked for
    /// again.
    pub fn note(&mut self, stop: &Action, outcome: Outcome, class: Option<Class>, now: Timestamp) -> bool {
        let begun = match outcome {
            Outcome::Converged => Begun::Seen(now),
            Outcome::Failed | Outcome::Pending if class.is_some_and(is_in_vain) => {
                let before = match self.begun.get(&stop.connector) {
                    Some(Begun::Asked(times, _)) => *times,
                    Some(Begun::Seen(_)) | None => 0,
                };
                Begun::Asked(before + 1, now)
            }
            Outcome::Failed | Outcome::Pending | Outcome::Waiting | Outcome::NotTaken => return false,
        };
        self.begun.insert(stop.connector.clone(), begun);
        true
    }

    /// Whether a stop was asked for in vain, so that the deletion behind it goes on without.
    pub fn passes(&self, stop: &Action) -> bool {
        matches!(self.begun.get(&stop.connector), Some(Begun::Asked(ENOUGH.., _)))
    }

    /// Whether a deletion is still to wait. Without a grace it follows its stop in the same turn.
    pub fn holds(&self, delete: &Action, now: Timestamp) -> bool {
        match self.begun.get(&delete.connector) {
            Some(Begun::Seen(since) | Begun::Asked(ENOUGH.., since)) => now < later(*since, self.length),
            Some(Begun::Asked(..)) | None => !self.length.is_zero(),
        }
    }

    /// When the next grace is over that was not at a moment.
    pub fn next_due(&self, asked: Timestamp) -> Option<Timestamp> {
        let due = self
            .begun
            .values()
            .map(|(Begun::Seen(since) | Begun::Asked(_, since))| later(*since, self.length));
        due.filter(|due| *due > asked).min()
    }
}

/// The moment after a rest.
pub fn later(now: Timestamp, rest: Duration) -> Timestamp {
    let rest = SignedDuration::try_from(rest).unwrap_or(SignedDuration::MAX);
    now.checked_add(rest).unwrap_or(Timestamp::MAX)
}

/// Whether asking for a stop once more would end in the same way, or nobody can tell how it ended.
fn is_in_vain(class: Class) -> bool {
    match class {
        Class::TimedOut
        | Class::Failed
        | Class::DataLost
        | Class::Invalid
        | Class::Internal
        | Class::Denied
        | Class::NotUnderstood => true,
        // It was not carried out, the connector is gone, or the next plan has another way.
        Class::NotLeader
        | Class::LeadInDoubt
        | Class::Rebalancing
        | Class::Starting
        | Class::Unreachable
        | Class::Exists
        | Class::NotFound
        | Class::Unsupported
        | Class::Waiting
        | Class::Canary
        | Class::Superseded
        | Class::NotDue
        | Class::AuthFailed
        | Class::RefMissing
        | Class::Unusable
        | Class::Unverified => false,
    }
}
