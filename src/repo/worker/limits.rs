//! What a worker may take of the machine, set by itself before it reads anything.
//!
//! Takes how much memory it may have. The limits hold for everything that libgit2 does later, whatever a
//! repository makes of it; passing one ends the process, and the agent tells which.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::repo::ended::{CPU_SECONDS, FILE_MEBIBYTES};
use crate::repo::worker::process;

/// Enough for the packs of a repository on this machine, which stay open.
const FILES: u64 = 256;

/// Sets every limit.
pub fn set(memory_mebibytes: u64) -> io::Result<()> {
    alone()?;
    process::close_inherited()?;
    let mebibytes = |count: u64| count * 1024 * 1024;
    for (resource, most, last) in [
        (Resource::Core, 0, 0),
        (Resource::As, mebibytes(memory_mebibytes), mebibytes(memory_mebibytes)),
        (Resource::Fsize, mebibytes(FILE_MEBIBYTES), mebibytes(FILE_MEBIBYTES)),
        // The first is a signal that has a name, the second kills.
        (Resource::Cpu, CPU_SECONDS, CPU_SECONDS + 2),
        (Resource::Nofile, FILES, FILES),
    ] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(last) })?;
    }
    Ok(())
}

/// Ends with the agent, gains no privilege, and shows nobody its memory.
///
/// An agent that died before this is noticed too: its end of the wire is closed, so the first read finds
/// the end.
#[cfg(target_os = "linux")]
fn alone() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, Signal};

    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Elsewhere the end of the wire has to do.
#[cfg(not(target_os = "linux"))]
fn alone() -> io::Result<()> {
    Ok(())
}
