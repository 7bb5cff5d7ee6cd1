//! How a command ends; where it fails: what was attempted, why it failed, what to do about it.
//!
//! Takes errors of the rooms below, prints `Error:`, `Caused by:` and `Hint:` on standard error, and
//! gives the exit code.

use std::error::Error;
use std::process::ExitCode;

use crate::cli::print;

/// How a command ended, where it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// All is as it should be.
    Well,
    /// Something is wrong that was already said in the command's own output.
    Said,
    /// Something is left: differences, or held steps.
    Left,
}

/// The exit code of a command line that is wrong, apart from 2, which means that something is left.
pub const USAGE: u8 = 64;

/// A command that failed.
#[derive(Debug)]
pub struct Failure {
    error: anyhow::Error,
    hints: Vec<String>,
    code: u8,
}

impl Failure {
    /// A failure of the world or of the settings.
    pub fn new(error: anyhow::Error) -> Self {
        Self { error, hints: Vec::new(), code: 1 }
    }

    /// A command line that cannot be meant.
    pub fn usage(error: anyhow::Error) -> Self {
        Self { error, hints: Vec::new(), code: USAGE }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hints.extend(hint.map(Into::into));
        self
    }

    /// Says in other words what was attempted; what was said so far becomes the cause.
    #[must_use]
    pub fn context(mut self, attempt: impl Into<String>) -> Self {
        self.error = self.error.context(attempt.into());
        self
    }

    /// Prints it, and gives the exit code.
    pub fn say(&self) -> ExitCode {
        print::note(&format!("Error: {}", self.error));
        for cause in causes(&self.error) {
            print::note(&format!("Caused by: {cause}"));
        }
        for hint in &self.hints {
            print::note(&format!("Hint: {hint}"));
        }
        ExitCode::from(self.code)
    }
}

/// The causes that tell a person something: of an HTTP client's error only the last one, since those
/// before it name the client's own layers.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut causes = Vec::new();
    for cause in error.chain().skip(1) {
        if cause.is::<reqwest::Error>() {
            causes.push(last(cause).to_string());
            break;
        }
        causes.push(cause.to_string());
    }
    causes
}

/// The cause that an error ends with.
pub fn last<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last
}

impl From<print::Unwritten> for Failure {
    fn from(error: print::Unwritten) -> Self {
        Self::new(error.into()).hint(Some("is there room left where it is to go?"))
    }
}

impl From<crate::repo::error::Error> for Failure {
    fn from(error: crate::repo::error::Error) -> Self {
        let hint = error.hint();
        Self::new(error.into()).hint(hint)
    }
}
