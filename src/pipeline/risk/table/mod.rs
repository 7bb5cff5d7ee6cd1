//! The table: what is known of each change.
//!
//! A file for each family of connectors. Of rows that speak of the same key the narrower one stands first, so the families
//! come in the order from one database to every connector; `quiet`, whose rows speak of few keys each, stands before them.

mod debezium;
mod every;
mod historized;
mod postgres;
mod quiet;
pub mod rename;
pub mod sinks;
mod tables;

use crate::pipeline::risk::row::Row;

/// Every row about a key.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [quiet::ROWS, postgres::ROWS, tables::ROWS, historized::ROWS, debezium::ROWS, sinks::ROWS, every::ROWS]
        .into_iter()
        .flatten()
}
