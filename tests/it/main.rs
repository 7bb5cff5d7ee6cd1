//! The one integration binary.

mod real;
mod repo;
