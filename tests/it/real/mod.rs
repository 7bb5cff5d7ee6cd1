//! On real parts: Kafka, Connect, Debezium, PostgreSQL. `cargo test -- --skip real::` leaves them out.

mod agents;
mod cluster;
mod contract;
mod demo;
mod ssh;
mod stack;
mod steady;
mod story;
