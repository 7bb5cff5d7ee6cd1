//! The one room with `unsafe`: libgit2's options for the whole process, and the transport.
//!
//! Takes nothing, gives a libgit2 that reads no foreign settings, keeps little memory and speaks to
//! the network through [`transport`] alone. Everything else of libgit2 is
//! used through git2's safe face.
#![expect(unsafe_code, reason = "libgit2's options are global, so git2 leaves the order of calls to us")]

use std::sync::Once;

use git2::{ConfigLevel, opts};

use crate::repo::transport;

/// The most objects that one pack may hold.
const PACK_MAX_OBJECTS: libc_size = 100_000;

/// libgit2 keeps parsed trees and commits; a revision is read once, so a little is enough.
const CACHE_BYTES: libc_ssize = 1024 * 1024;

/// How much of a pack is mapped at a time, and in all.
const WINDOW_BYTES: libc_size = 4 * 1024 * 1024;
const MAPPED_BYTES: libc_size = 32 * 1024 * 1024;

#[expect(non_camel_case_types, reason = "C's own name for it")]
type libc_size = usize;
#[expect(non_camel_case_types, reason = "C's own name for it")]
type libc_ssize = isize;

static INITIALISED: Once = Once::new();

/// Sets libgit2's options and registers the transport; what was done once is not done again.
///
/// Called from `main` before the runtime's threads exist, and again by every repository that is
/// made, so that a test need not think of it.
pub fn initialise() {
    INITIALISED.call_once(|| {
        // SAFETY: libgit2 is used by this room only, and every use lies behind this `Once`, so no
        // other thread is inside libgit2 while its options change.
        unsafe { set() }.expect("libgit2 takes options before its first use");
    });
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
