//! The one integration binary.

mod agent;
mod cli;
mod cli_cluster;
mod cli_wrong;
mod connect;
mod connect_secrets;
mod contract;
mod corpus;
mod docs;
mod docs_cli;
mod guide;
mod hostile;
mod hostile_lead;
mod memory;
mod others;
mod pace;
mod real;
mod repo;
mod repo_fetch;
mod repo_http;
mod repo_slow;
mod repo_tree;
mod repo_wire;
mod serve;
mod support;
