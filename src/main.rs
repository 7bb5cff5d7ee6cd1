//! The `tagalong` command: read the command line, run it, return its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    // libgit2's options are process-wide and may be set only before a second thread exists.
    tagalong::repo::initialise();
    tagalong::cli::main()
}
