//! The one door to the terminal.
//!
//! Results go to standard output, everything else to standard error. A closed pipe is the reader's
//! choice and no failure; a result that cannot be written otherwise is one.

use std::io::{self, ErrorKind, IsTerminal, Write};

/// A result that was not written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the result to standard output")]
pub struct Unwritten(#[source] io::Error);

/// Writes a result to standard output.
pub fn result(text: &str) -> Result<(), Unwritten> {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// What became of writing a result.
pub fn written(done: io::Result<()>) -> Result<(), Unwritten> {
    match done {
        // The reader has what it wanted.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(Unwritten),
    }
}

/// Writes a line for people to standard error.
pub fn note(text: &str) {
    let mut err = io::stderr().lock();
    // Nobody is left to tell that the reader has gone.
    let _gone = writeln!(err, "{text}");
}

/// Whether results may carry colour: a terminal reads them, and nobody said that it is unwanted.
pub fn may_colour() -> bool {
    wants_colour() && io::stdout().is_terminal()
}

/// Whether a terminal may be written to in colour: neither the environment says that nobody wants it
/// (<https://no-color.org>: any text but an empty one says so) nor the command line, which is looked at as it was
/// typed, because what is wrong with it is told as well.
pub fn wants_colour() -> bool {
    #[expect(clippy::disallowed_methods, reason = "the variable is the terminal's, and no setting")]
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|text| !text.is_empty());
    !unwanted && !std::env::args_os().any(|argument| argument == "--no-color")
}

/// Whether a person can be asked: both ends are a terminal.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
