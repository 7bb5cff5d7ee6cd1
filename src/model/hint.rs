//! Words from outside that it is time to look.
//!
//! Counted where they come in, compared where they are followed; what came of them is told by the report.

/// What has come so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// How many words to look now.
    pub count: u64,
    /// Those that came by webhook.
    pub webhooks: u64,
    /// How often something may have changed in a folder beside the agent. Nobody said so, and nobody waits
    /// for an answer.
    pub folders: u64,
}
