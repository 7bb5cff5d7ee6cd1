//! The process that reads git: libgit2 behind a wall, with limits, killed when its time is over.
//!
//! Takes nothing from the command line but a measure of memory. The agent starts its own program again
//! (`errand`) and tells it what to do in frames (`words`, `frame`); that process sets limits on
//! itself (`limits`) before it reads a byte, and is the only one that runs libgit2 (`shelf`,
//! `transport`, `process`). It knows no address and no credential, and opens no connection: the bytes
//! of a server are handed to it. What it answers is checked where it is used.

pub mod errand;
pub mod program;
pub mod words;

#[cfg(test)]
pub mod acted;

mod frame;
mod limits;
mod process;
mod shelf;
mod transport;

use std::process::ExitCode;

/// Is the worker where this process was started to be one; else gives `None`, and nothing has happened.
///
/// To be called before anything else: there must be no other thread, and nothing open.
pub fn serve() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(command), Some(memory), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return None;
    };
    if command != program::COMMAND {
        return None;
    }
    let memory = memory.to_str().and_then(|mebibytes| mebibytes.parse().ok())?;
    let served = limits::set(memory).and_then(|()| {
        process::initialise().map_err(std::io::Error::other)?;
        shelf::serve()
    });
    // Whoever waits sees the end, and what was written to stderr.
    Some(match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}
