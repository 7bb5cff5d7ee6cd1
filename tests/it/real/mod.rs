//! On real parts: Kafka, Connect, Debezium, PostgreSQL. `cargo test -- --skip real::` leaves them out.

mod contract;
mod demo;
mod ssh;
mod stack;
