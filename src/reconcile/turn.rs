//! What a turn may do, and how it ends.
//!
//! Plain values between the cycle and the loops around it. What is done about an end is left to these.

use tokio::time::Instant;

use crate::model::report::{Class, StepResult};

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The worker beside does not lead: nothing was looked at.
    Follows,
    /// The worker beside leads since this turn: the ref must be resolved again before a write.
    Gained,
    /// The cluster was looked at, and what was due was done.
    Looked,
    /// The cluster was looked at, and something that was due did not succeed for a reason that may
    /// be gone in a moment.
    Unsettled,
    /// The cluster could not be asked.
    Away(Class),
}

/// What came of a turn.
#[derive(Debug)]
pub struct Turn {
    /// How it ended.
    pub end: End,
    /// What became of each step that was in hand, however the turn ended.
    pub results: Vec<StepResult>,
}

/// Whether a turn may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// The desired connectors were resolved at this time, as far as is known.
    ResolvedAt(Instant),
    /// Nobody could be asked for long: what was accepted last counts.
    Unasked,
    /// Nothing is written in this turn.
    Bound,
}
