//! A change for every row, and changes that look like one and are none. For tests.

mod ahead;
pub mod alike;
mod databases;
pub mod example;
mod others;
mod quiet;
pub mod renames;
mod sinks;

use crate::pipeline::risk::examples::example::Example;

/// A change for every row about a key.
pub fn rows() -> impl Iterator<Item = &'static Example> {
    [ahead::ROWS, databases::ROWS, others::ROWS, quiet::ROWS, sinks::ROWS].into_iter().flatten()
}
