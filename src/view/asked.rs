//! The promised JSON of an answer to `POST /reconcile`.
//!
//! Takes the number of a word to look now, gives a form, and the form again from a text.

use serde::{Deserialize, Serialize};

use crate::view::form::FORMAT;

/// What an agent answers that was told to look now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedForm {
    format: u32,
    asked: u64,
}

impl AskedForm {
    /// Mirrors a number.
    pub fn new(asked: u64) -> Self {
        Self { format: FORMAT, asked }
    }

    /// Reads what an agent answered.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The number: it is done where `answered` of the status has reached it.
    pub fn number(&self) -> u64 {
        self.asked
    }
}
