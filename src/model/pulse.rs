//! Whether a connector that runs also streams: whether its offsets move.
//!
//! Plain values. Half of what goes wrong with Debezium says RUNNING for ever, and where a heartbeat writes to the
//! database, offsets that stand still are the only sign that Connect's REST API gives. When that is so is said in
//! `pipeline`, when to look in `reconcile`.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::name::ConnectorName;

/// Whether the offsets of a connector move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// They were not seen to move since this moment: it was changed then, or looked at for the first time.
    Awaited(Timestamp),
    /// They moved, last at this moment.
    Moves(Timestamp),
    /// They have stood still since this moment, for longer than a heartbeat allows.
    Stalled(Timestamp),
}

impl Pulse {
    /// The word for it in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Awaited(_) => "awaited",
            Self::Moves(_) => "moves",
            Self::Stalled(_) => "stalled",
        }
    }

    /// Since when they stand still, where that is longer than a heartbeat allows.
    pub fn stalled_since(self) -> Option<Timestamp> {
        match self {
            Self::Stalled(since) => Some(since),
            Self::Awaited(_) | Self::Moves(_) => None,
        }
    }
}

/// The pulse of each connector that is watched. One whose heartbeat does not write to its database, that does not
/// run, or whose Connect cannot tell offsets is not.
pub type Pulses = BTreeMap<ConnectorName, Pulse>;

/// What a connector has stored of its offsets, as far as it matters whether they move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Nothing yet.
    Nothing,
    /// They say that a snapshot is being read: they are the same from its begin to its end.
    Snapshot,
    /// Offsets of which nothing is kept but a mark.
    At(Mark),
}

/// What offsets are known by: those with equal marks are equal. Nothing of them can be read out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub u64);
