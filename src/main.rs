//! The `tagalong` command: read the command line, run it, return its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    tagalong::cli::main()
}
