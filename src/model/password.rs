//! A password or a token of the agent's own.
//!
//! Takes a text or the path of a file, and cannot be printed. Reading the file is left to the rooms
//! that show it to somebody.

use std::fmt;
use std::path::PathBuf;

/// A password or a token. It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// The text itself.
    Text(String),
    /// A file that holds it; read anew whenever it is needed, so that it may be renewed.
    File(PathBuf),
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("(hidden)"),
            Self::File(path) => write!(f, "the content of {}", path.display()),
        }
    }
}
