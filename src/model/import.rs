//! A repository of templates that another one names in its `tagalong.yaml`.
//!
//! Takes what a person wrote there, checked, gives it to those who look and follow. Credentials are
//! no part of it: the settings have them, by host.

use std::sync::Arc;
use std::time::Duration;

use crate::model::finding::Place;
use crate::model::revision::RepositoryName;
use crate::model::version::Follow;

/// One entry of `imports`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// What its templates are called by: `platform` in `platform/debezium-postgres`.
    pub name: RepositoryName,
    /// Where its name stands.
    pub place: Place,
    /// Where it is; never on this machine, and with no password in it.
    pub git: Arc<str>,
    /// What of it to follow.
    pub follow: Follow,
    /// The folder inside it that holds `templates/`.
    pub path: Arc<str>,
    /// The time between two polls; that of the main repository where nobody says.
    pub interval: Option<Duration>,
}

impl Import {
    /// Whether both are read from the same place, so that what was read for one counts for the other.
    pub fn is_same_source(&self, other: &Self) -> bool {
        (&self.git, &self.follow, &self.path) == (&other.git, &other.follow, &other.path)
    }
}

/// Why there is nothing of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What went wrong, in words without anything secret.
    pub why: Arc<str>,
    /// What to do about it, where that is known.
    pub hint: Option<Arc<str>>,
}
