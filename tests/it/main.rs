//! The one integration binary.

mod corpus;
mod docs;
mod real;
mod repo;
mod serve;
