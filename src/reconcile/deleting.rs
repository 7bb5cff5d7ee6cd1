//! What turns remember of deletions: whom a person named, what the looks before said, how long the list was.
//!
//! Takes what each look would delete for being gone from the repository, says what the looks before it said. Two looks
//! agree where they are [`BETWEEN`] apart and none between them said otherwise: a turn that did not look, or found the list
//! hard to believe, ends it. So does the loss of the lead, and another process knows nothing of it. What is deleted is
//! left to `pipeline`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use crate::model::name::ConnectorName;
use crate::model::plan::{Plan, StepKind};
use crate::model::report::{Outcome, StepResult};
use crate::pipeline::plan::deletion;

/// How far two looks are apart at least that must say the same.
pub const BETWEEN: Duration = Duration::from_secs(10);

/// What is remembered.
#[derive(Debug, Default)]
pub struct Deleting {
    confirmed: BTreeSet<ConnectorName>,
    /// Since when each look in a row has said that a connector goes.
    since: BTreeMap<ConnectorName, Instant>,
    /// The same as this turn found it.
    before: BTreeMap<ConnectorName, Instant>,
    /// The connectors of which an earlier look said so, long enough ago.
    seen: BTreeSet<ConnectorName>,
    /// How many connectors were listed last.
    listed: Option<usize>,
    /// Whether deletions were held in this turn because of the list alone.
    doubted: bool,
}

impl Deleting {
    /// The same for a person who named connectors.
    pub fn confirmed(names: BTreeSet<ConnectorName>) -> Self {
        Self { confirmed: names, ..Self::default() }
    }

    /// Begins a turn, of which nobody knows yet whether it looks.
    pub fn begin(&mut self, now: Instant) {
        self.before = std::mem::take(&mut self.since);
        let agrees = |since: &Instant| now.duration_since(*since) >= BETWEEN;
        self.seen =
            self.before.iter().filter(|(_, since)| agrees(since)).map(|(name, _)| name.clone()).collect();
        self.doubted = false;
    }

    /// Takes note that nobody could ask the repository: what has no file in what was read last may have one by now, so
    /// nothing is deleted for that until it answers and two looks agree anew.
    pub fn distrust(&mut self) {
        self.before.clear();
        self.seen.clear();
    }

    /// The connectors that a person named.
    pub fn by_name(&self) -> &BTreeSet<ConnectorName> {
        &self.confirmed
    }

    /// The connectors that the looks before this turn would have deleted.
    pub fn seen(&self) -> &BTreeSet<ConnectorName> {
        &self.seen
    }

    /// Remembers what the look of this turn would delete, had the one before said the same.
    pub fn look(&mut self, would: BTreeSet<ConnectorName>, now: Instant) {
        let since = |name: &ConnectorName| self.before.get(name).copied().unwrap_or(now);
        self.since = would.into_iter().map(|name| (name.clone(), since(&name))).collect();
    }

    /// Whether a list is hard to believe: less than half of the last one, or empty where there is none to compare with.
    pub fn is_short(&self, count: usize) -> bool {
        self.has_shrunk(count) || (self.listed.is_none() && count == 0)
    }

    /// Whether a list has less than half of what the last one had.
    pub fn has_shrunk(&self, count: usize) -> bool {
        self.listed.is_some_and(|before| count * 2 < before)
    }

    /// Remembers how long the list is.
    pub fn list(&mut self, count: usize) {
        self.listed = Some(count);
    }

    /// What was deleted here is missing from the next list for a good reason.
    pub fn deleted(&mut self, results: &[StepResult]) {
        let deleted =
            |result: &&StepResult| result.step == StepKind::Delete && result.outcome == Outcome::Converged;
        let count = results.iter().filter(deleted).count();
        self.listed = self.listed.map(|listed| listed.saturating_sub(count));
    }

    /// Holds what a plan would delete: a list of so many, which it was made from, or one just before it, is hard to
    /// believe.
    pub fn doubt(&mut self, plan: &mut Plan, count: usize) {
        let before =
            self.listed.map(|before| format!(", after {before} at the last look")).unwrap_or_default();
        let detail = format!(
            "the list of connectors is hard to believe: it had {count}{before}.\nNothing is deleted in this cycle; the \
             next look decides anew"
        );
        self.doubted = deletion::doubt(plan, &detail);
        if self.doubted {
            warn!(
                before = self.listed,
                now = count,
                "the list of connectors is empty or shrank by more than half; nothing is deleted in this cycle"
            );
        }
    }

    /// How long until a look that may delete what this turn did not; `None` where it waits for none.
    pub fn until_next_look(&self, now: Instant) -> Option<Duration> {
        let open = self
            .since
            .iter()
            .filter(|(name, _)| !self.seen.contains(*name) && !self.confirmed.contains(*name));
        let due = open.map(|(_, since)| (*since + BETWEEN).saturating_duration_since(now));
        due.chain(self.doubted.then_some(BETWEEN)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<ConnectorName> {
        names.iter().map(|name| ConnectorName::observed(name)).collect()
    }

    /// What a turn at this second takes for seen, where its look would delete these; none where it did not look.
    fn turn(deleting: &mut Deleting, at: Instant, would: Option<&[&str]>) -> BTreeSet<ConnectorName> {
        deleting.begin(at);
        if let Some(would) = would {
            deleting.look(names(would), at);
        }
        deleting.seen().clone()
    }

    #[test]
    fn a_look_counts_as_the_second_where_the_first_was_ten_seconds_ago_and_all_between_agree() {
        let (mut deleting, zero) = (Deleting::default(), Instant::now());
        let at = |seconds| zero + Duration::from_secs(seconds);
        assert_eq!(turn(&mut deleting, at(0), Some(&["a", "b"])), names(&[]));
        assert_eq!(deleting.until_next_look(at(0)), Some(BETWEEN));
        assert_eq!(turn(&mut deleting, at(9), Some(&["a"])), names(&[]), "too soon, and b was not to go");
        assert_eq!(deleting.until_next_look(at(9)), Some(Duration::from_secs(1)));
        assert_eq!(turn(&mut deleting, at(10), Some(&["a", "b"])), names(&["a"]));
        assert_eq!(turn(&mut deleting, at(19), Some(&["b"])), names(&["a"]));
        assert_eq!(turn(&mut deleting, at(20), Some(&["b"])), names(&["b"]));
        assert_eq!(deleting.until_next_look(at(20)), None);
    }

    #[test]
    fn a_turn_that_could_not_look_begins_anew() {
        let (mut deleting, zero) = (Deleting::default(), Instant::now());
        let at = |seconds| zero + Duration::from_secs(seconds);
        turn(&mut deleting, at(0), Some(&["a"]));
        turn(&mut deleting, at(60), None);
        assert_eq!(turn(&mut deleting, at(120), Some(&["a"])), names(&[]));
        assert_eq!(turn(&mut deleting, at(180), Some(&["a"])), names(&["a"]));
    }

    #[test]
    fn a_list_has_shrunk_where_less_than_half_is_left_and_nobody_here_deleted_it() {
        let mut deleting = Deleting::default();
        assert!(!deleting.has_shrunk(0) && deleting.is_short(0), "nothing is known of before");
        deleting.list(10);
        assert_eq!((deleting.has_shrunk(5), deleting.has_shrunk(4)), (false, true));
        let result = |name, outcome| StepResult {
            connector: ConnectorName::observed(name),
            step: StepKind::Delete,
            outcome,
            class: None,
            took: Duration::ZERO,
        };
        let results = [
            result("a", Outcome::Converged),
            result("b", Outcome::Converged),
            result("c", Outcome::Converged),
            result("d", Outcome::Pending),
        ];
        deleting.deleted(&results);
        assert_eq!((deleting.has_shrunk(4), deleting.has_shrunk(3)), (false, true));
    }
}
