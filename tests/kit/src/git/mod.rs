//! Git for tests: [`repository`] makes bare repositories commit by commit, [`http`] and [`daemon`] serve them,
//! [`hostile`] stands before a server and does harm.

pub mod daemon;
pub mod hostile;
pub mod http;
pub mod repository;
