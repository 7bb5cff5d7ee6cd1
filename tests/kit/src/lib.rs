//! The parts tagalong is tried on: a fake Connect, a real stack, git servers, a recording proxy. Nothing here
//! knows a type of tagalong's.

pub mod environment;
pub mod fake;
pub mod git;
pub mod http;
pub mod ports;
pub mod process;
pub mod program;
pub mod proxy;
pub mod rules;
pub mod server;
pub mod stack;
