//! The one integration binary.

mod real;
