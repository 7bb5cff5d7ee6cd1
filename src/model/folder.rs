//! A folder of `extra`, as the settings name it, with the names of connectors that they give it.

use std::path::PathBuf;

use crate::model::name::ConnectorName;
use crate::model::select;

/// A folder of `extra`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraFolder {
    /// Where it is.
    pub path: PathBuf,
    /// The names that are its own.
    pub names: Names,
}

/// The names that a folder is given: patterns with `*` (any characters) and `?` (one character).
///
/// A folder that has none may declare what nobody else has, and delete nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

impl Names {
    /// Whether a name is among them.
    pub fn cover(&self, name: &ConnectorName) -> bool {
        self.0.iter().any(|pattern| select::matches(pattern, name.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
