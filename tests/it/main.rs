//! The one integration binary.

mod agent;
mod corpus;
mod docs;
mod real;
mod repo;
mod serve;
mod support;
