//! The one door to the terminal.
//!
//! Results go to standard output, everything else to standard error. A closed pipe is the reader's
//! choice and no failure.

use std::io::{IsTerminal, Write};

/// Writes a result to standard output.
pub fn result(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody is left to tell that the reader has gone.
    let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line for people to standard error.
pub fn note(text: &str) {
    let mut err = std::io::stderr().lock();
    // Nobody is left to tell that the reader has gone.
    let _gone = writeln!(err, "{text}");
}

/// Whether results may carry colour: a terminal reads them, and the environment does not say that
/// nobody wants it. (<https://no-color.org>: any text but an empty one says so.)
pub fn may_colour() -> bool {
    #[expect(clippy::disallowed_methods, reason = "the variable is the terminal's, and no setting")]
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|text| !text.is_empty());
    !unwanted && std::io::stdout().is_terminal()
}

/// Whether a person can be asked: both ends are a terminal.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}
