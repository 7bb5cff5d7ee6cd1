//! A real stack on this machine: one Kafka broker (KRaft), Connect workers with Debezium, PostgreSQL. A *supervisor*
//! (the binary `stack`) starts them, answers to commands on its standard input and stops them all when that closes,
//! so that a test which dies leaves nothing running. [`handle::Stack`] is the side of the tests.
//!
//! ```text
//!   test, demo ── stdin: one command a line ──▶ supervisor ──▶ broker, PostgreSQL, workers
//!              ◀── stdout: one answer a line ──
//! ```

pub mod consume;
pub mod handle;
pub mod protocol;
pub mod supervisor;

mod connect;
mod kafka;
mod parts;
mod postgres;
