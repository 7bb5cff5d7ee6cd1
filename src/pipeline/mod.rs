//! What to think: pure, synchronous functions from model to model.

pub mod diff;
pub mod plan;
