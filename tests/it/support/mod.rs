//! What the stories share: a running agent, and a definitions repository to follow.

pub mod agent;
pub mod authority;
pub mod cluster;
pub mod command;
pub mod definitions;
pub mod editor;
pub mod example;
pub mod forge;
#[cfg(feature = "openpgp")]
pub mod gpg;
pub mod inside;
pub mod mount;
pub mod pack;
pub mod page;
pub mod platform;
pub mod process;
pub mod program;
pub mod reader;
pub mod seen;
pub mod signing;
pub mod sshd;
pub mod tree;
pub mod tunnel;
pub mod watched;
mod worker;
