//! Keeps what was accepted last in a file, across restarts.
//!
//! Takes a folder and whose file it is; gives what was kept, or why it is not believed, and writes what is
//! to be kept. A file is either whole or not there: it is written beside, brought to the disk and put in
//! place in one move. One agent holds it at a time. When to keep what, and what is done with it after a
//! restart, is left to `reconcile`.

pub mod error;

mod file;
mod form;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use ring::digest;

use crate::kept::error::{Doubt, Error};
use crate::kept::file::Place;
use crate::model::kept::{LastGood, Memory};
use crate::model::name::EnvironmentName;
use crate::model::revision::RepositoryName;

/// Whose file it is. Agents that differ in any of it have files of their own in one folder.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'w> {
    /// What is rendered for.
    pub environment: &'w EnvironmentName,
    /// Where the main repository is read, as it says itself.
    pub source: &'w str,
    /// The address of Connect.
    pub connect: &'w str,
}

impl Whose<'_> {
    fn mark(&self) -> String {
        let mut digest = digest::Context::new(&digest::SHA256);
        for part in [self.environment.as_str(), self.source, self.connect] {
            digest.update(part.as_bytes());
            digest.update(&[0]);
        }
        form::hexadecimal(digest.finish().as_ref())
    }
}

/// Reads and writes one file.
#[derive(Debug)]
pub struct Keeper {
    place: Place,
    mark: String,
    /// Held while the agent lives.
    lock: Option<File>,
}

impl Keeper {
    /// A keeper of one agent's file in a folder; nothing is looked at yet.
    pub fn new(folder: impl Into<PathBuf>, whose: Whose<'_>) -> Self {
        let mark = whose.mark();
        let name = format!("{}-{}", whose.environment, &mark[..16]);
        Self { place: Place::new(folder.into(), &name), mark, lock: None }
    }

    /// What was kept, where something was.
    pub fn recall(&mut self) -> Result<Option<LastGood>, Error> {
        self.lock()?;
        self.look()
    }

    /// The same, for one who only looks, beside the agent that holds the file.
    pub fn look(&self) -> Result<Option<LastGood>, Error> {
        let Some(bytes) = self.place.read()? else { return Ok(None) };
        let doubtful = |doubt| self.place.doubtful(doubt);
        form::decode(&bytes, &self.mark).map(Some).map_err(doubtful)
    }

    /// Keeps this from now on. It is on the disk when this returns.
    pub fn keep(&mut self, last: &LastGood) -> Result<(), Error> {
        self.lock()?;
        let bytes = form::encode(last, &self.mark);
        if bytes.len() as u64 > file::LARGEST {
            return Err(self.place.doubtful(Doubt::TooLarge));
        }
        self.place.write(&bytes)
    }

    /// Keeps what is known of the past beside what is kept already; does nothing where nothing is.
    pub fn remember(&mut self, memories: &BTreeMap<RepositoryName, Memory>) -> Result<(), Error> {
        let Some(mut last) = self.recall()? else { return Ok(()) };
        for kept in &mut last.repositories {
            if let Some(memory) = memories.get(&kept.snapshot.revision.repository) {
                kept.memory.clone_from(memory);
            }
        }
        self.keep(&last)
    }

    fn lock(&mut self) -> Result<(), Error> {
        if self.lock.is_none() {
            self.lock = Some(self.place.lock()?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
