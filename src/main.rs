//! The `tagalong` command: read the command line, run it, return its exit code. Where the agent started
//! this program as its worker, it is nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: a worker has no second thread, no logger, and nothing open.
    tagalong::repo::worker::serve().unwrap_or_else(tagalong::cli::main)
}
