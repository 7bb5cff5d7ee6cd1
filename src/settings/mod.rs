//! The agent's own settings, complete and checked. (*Config* is always a connector's.)
//!
//! Takes what was written in a file, in the environment and on the command line; gives one checked
//! value, or everything that is wrong with it, each with its place. Making clients and
//! repositories of it is left to the command line's wiring.

pub mod checked;
mod connect;
mod credentials;
pub mod extra;
mod follow;
mod imports;
pub mod keys;
mod plain;
pub mod raw;
mod secrets;
pub mod shape;
mod take;
mod verify;

use std::time::Duration;

use crate::model::finding::Findings;
use crate::settings::checked::Settings;
use crate::settings::raw::{RawSettings, Written};

impl Settings {
    /// Reads and checks every source. The settings are there only where no finding is an error.
    pub fn read(written: &Written<'_>, values: &[String]) -> (Option<Self>, Findings) {
        let mut found = Vec::new();
        let raw = RawSettings::read(written, &mut found);
        let settings = take::settings(&raw, values, &mut found);
        let mut findings = Findings::default();
        findings.extend(found);
        findings.settle();
        let settings = settings.filter(|_| !findings.has_errors());
        (settings, findings)
    }
}

/// Reads a length of time: `90s`, `10m`, `1h30m`.
pub fn duration(text: &str) -> Option<Duration> {
    plain::length(text)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_git;
#[cfg(test)]
mod tests_values;
