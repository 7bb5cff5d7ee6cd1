//! How far a time that others wrote may lie ahead.
//!
//! Takes the moment now, gives the latest one that is believed. What is refused for it is left to others.

use jiff::{SignedDuration, Timestamp};

/// Clocks differ. A tag from far ahead would make every later one an old one.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// The latest time that is not ahead.
pub fn latest(now: Timestamp) -> Timestamp {
    now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX)
}
