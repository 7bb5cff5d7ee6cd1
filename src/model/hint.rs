//! Words from outside that it is time to look.
//!
//! Counted where they come in, compared where they are followed; what came of them is told by the report.

/// How many words to look now have come so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// All of them.
    pub count: u64,
    /// Those that came by webhook.
    pub webhooks: u64,
}
