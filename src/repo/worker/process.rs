//! The one room with `unsafe`: libgit2's options for the whole process, the transport, and what the
//! process inherited.
//!
//! Takes nothing, gives a libgit2 that reads no foreign settings, keeps little memory and speaks to
//! the network through [`transport`] alone. Everything else of libgit2 is
//! used through git2's safe face.
#![expect(unsafe_code, reason = "libgit2's options are global, so git2 leaves the order of calls to us")]

use std::io;
use std::os::fd::RawFd;

use git2::{ConfigLevel, opts};

use crate::repo::worker::transport;

/// The most objects that one pack may hold.
const PACK_MAX_OBJECTS: libc_size = 100_000;

/// libgit2 keeps parsed trees and commits; a revision is read once, so a little is enough.
const CACHE_BYTES: libc_ssize = 1024 * 1024;

/// How much of a pack is mapped at a time, and in all.
const WINDOW_BYTES: libc_size = 4 * 1024 * 1024;
const MAPPED_BYTES: libc_size = 32 * 1024 * 1024;

/// Where the system lists what a process has open.
const OPEN: [&str; 2] = ["/proc/self/fd", "/dev/fd"];

#[expect(non_camel_case_types, reason = "C's own name for it")]
type libc_size = usize;
#[expect(non_camel_case_types, reason = "C's own name for it")]
type libc_ssize = isize;

/// Sets libgit2's options and registers the transport; once in the life of a worker.
pub fn initialise() -> Result<(), git2::Error> {
    // SAFETY: a worker has one thread, and this is its first use of libgit2.
    unsafe { set() }
}

unsafe fn set() -> Result<(), git2::Error> {
    // SAFETY: as the caller promises, nobody else is inside libgit2.
    unsafe {
        // The machine's git settings may rewrite addresses (`insteadOf`) and name credential helpers.
        for level in [ConfigLevel::ProgramData, ConfigLevel::System, ConfigLevel::XDG, ConfigLevel::Global] {
            opts::set_search_path(level, "")?;
        }
        opts::set_cache_max_size(CACHE_BYTES)?;
        opts::set_mwindow_size(WINDOW_BYTES)?;
        opts::set_mwindow_mapped_limit(MAPPED_BYTES)?;
        let code = libgit2_sys::git_libgit2_opts(
            libgit2_sys::GIT_OPT_SET_PACK_MAX_OBJECTS.cast_signed(),
            PACK_MAX_OBJECTS,
        );
        if code < 0 {
            return Err(git2::Error::last_error(code));
        }
        git2::transport::register(transport::SCHEME, transport::make)
    }
}

/// Closes whatever the process has open beyond its first three descriptors.
///
/// Ours are closed by the system when the program is started; those that the agent itself was started
/// with may not be.
pub fn close_inherited() -> io::Result<()> {
    let listed = OPEN.into_iter().find_map(|folder| Some((folder, std::fs::read_dir(folder).ok()?)));
    let (folder, entries) = listed.ok_or_else(|| io::Error::other("the system does not say what is open"))?;
    let open: Vec<RawFd> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // The listing itself was open too, and is closed by now.
    let is_open = |descriptor: &RawFd| std::fs::symlink_metadata(format!("{folder}/{descriptor}")).is_ok();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2).filter(is_open) {
        // SAFETY: this process has just begun, has one thread, and owns none of them.
        unsafe { rustix::io::close(descriptor) };
    }
    Ok(())
}
