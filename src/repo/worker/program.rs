//! Which program is started as the worker.
//!
//! Takes a path once, when the process begins, and gives it to whoever starts one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What the program is called with to be a worker; no command of a person's.
pub const COMMAND: &str = "git-worker";

/// This process's own program. It leads to the same file also when another was put in its place.
const OWN: &str = "/proc/self/exe";

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says which program it is; what was said first stays.
pub fn tell(program: &Path) {
    PROGRAM.get_or_init(|| program.to_owned());
}

/// Says that it is this one.
pub fn tell_own() {
    let own = Path::new(OWN);
    if own.exists() {
        tell(own);
    } else if let Ok(path) = std::env::current_exe() {
        tell(&path);
    }
}

/// The program.
pub fn told() -> io::Result<&'static Path> {
    PROGRAM.get().map(PathBuf::as_path).ok_or_else(|| io::Error::other("nobody said which program it is"))
}
