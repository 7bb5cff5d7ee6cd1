//! The one integration binary.

mod docs;
mod real;
mod repo;
mod serve;
