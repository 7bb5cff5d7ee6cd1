//! Git for tests: [`repository`] makes bare repositories commit by commit, [`http`] and [`daemon`] serve them.

pub mod daemon;
pub mod http;
pub mod repository;
