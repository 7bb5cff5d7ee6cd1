//! On real parts: Kafka, Connect, Debezium, PostgreSQL. `cargo test -- --skip real::` leaves them out.

mod agents;
mod cluster;
mod contract;
mod contract_2_2;
mod contract_2_8;
mod contract_3_7;
mod contract_3_9;
mod demo;
mod failover;
mod failover_long;
mod masked;
mod pair;
mod plugins;
mod reach;
mod reach_balance;
mod reach_tls;
mod secrets;
mod ssh;
mod ssh_keys;
mod stack;
mod steady;
mod story;
mod versions;
