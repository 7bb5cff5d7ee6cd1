//! What to think: pure, synchronous functions from model to model.

pub mod converge;
pub mod diff;
pub mod pace;
pub mod plan;
