//! Keeps what must outlive an agent in three files: what was accepted last, digests of what was desired, and which names
//! were declared.
//!
//! Takes a folder and whose files they are; gives what was kept, or why it is not believed, and writes what is
//! to be kept. A file is either whole or not there: it is written beside, brought to the disk and put in
//! place in one move. One agent holds it at a time. When to keep what, and what is done with it after a
//! restart, is left to `reconcile`.

pub mod error;
pub mod key;

mod file;
mod form;
mod ledger;
mod record;
mod seal;

use std::io;
use std::path::PathBuf;

use ring::digest;

use crate::kept::error::Error;
use crate::kept::file::{Endings, Place};
use crate::kept::key::Key;
use crate::model::kept::{LastGood, Memories};
use crate::model::known::Record;
use crate::model::ledger::Ledger;
use crate::model::name::EnvironmentName;

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
        seal::hexadecimal(digest.finish().as_ref())
    }

    /// What his files are called.
    fn name(&self, mark: &str) -> String {
        format!("{}-{}", self.environment, &mark[..16])
    }
}

/// How the files of what was accepted last end.
const LAST_GOOD: Endings = Endings { file: "last-good", new: "new", lock: "lock" };

/// Where a file of what was accepted last stands that something newer came after before it could be read. It is never
/// written, and nobody locks it alone.
const ASIDE: Endings = Endings { file: "last-good-before", ..LAST_GOOD };

/// How the files of digests end.
const DIGESTS: Endings = Endings { file: "digests", new: "digests-new", lock: "digests-lock" };

/// How the files of declared names end.
const NAMES: Endings = Endings { file: "names", new: "names-new", lock: "names-lock" };

/// Reads and writes the file of what was accepted last.
#[derive(Debug)]
pub struct Keeper {
    place: Place,
    /// What was put aside. No start puts it in force; what it knows of the past is taken up.
    aside: Place,
    /// Whether what was put aside is known.
    is_past_known: bool,
    mark: String,
}

impl Keeper {
    /// A keeper of one agent's file in a folder; nothing is looked at yet.
    pub fn new(folder: impl Into<PathBuf>, whose: Whose<'_>) -> Self {
        let (folder, mark) = (folder.into(), whose.mark());
        let name = whose.name(&mark);
        let aside = Place::new(folder.clone(), &name, ASIDE);
        Self { place: Place::new(folder, &name, LAST_GOOD), aside, is_past_known: false, mark }
    }

    /// What was kept, where something was.
    pub fn recall(&mut self) -> Result<Option<LastGood>, Error> {
        self.place.hold()?;
        self.look()
    }

    /// The same, where something newer was accepted. What cannot be read is put aside: a start that can read it would
    /// take back what was accepted since.
    pub fn recall_before_newer(&mut self) -> Result<Option<LastGood>, Error> {
        match self.recall() {
            // It is another agent's, or nobody believes it.
            Err(error) if matches!(error, Error::Used { .. }) || error.is_unusable() => Err(error),
            Err(error) => match self.place.put_aside(&self.aside) {
                Ok(()) => {
                    self.is_past_known = false;
                    self.recall()
                }
                Err(removing) => Err(self.stuck(error, removing)),
            },
            Ok(last) => Ok(last),
        }
    }

    /// What was put aside, where something was. It says what was known of the past; something newer was accepted since.
    pub fn before(&mut self) -> Result<Option<LastGood>, Error> {
        let before = self.read(&self.aside);
        self.is_past_known = before.as_ref().map_or_else(Error::is_unusable, |_| true);
        before
    }

    /// The same as what was kept, for one who only looks, beside the agent that holds the file.
    pub fn look(&self) -> Result<Option<LastGood>, Error> {
        self.read(&self.place)
    }

    fn read(&self, place: &Place) -> Result<Option<LastGood>, Error> {
        let Some(bytes) = place.read()? else { return Ok(None) };
        form::decode(&bytes, &self.mark).map(Some).map_err(|doubt| place.doubtful(doubt))
    }

    /// Keeps this from now on. It is on the disk when this returns. Where it could not be written, what was kept
    /// before is gone: it was accepted before this, and whoever believed it would take this back.
    pub fn keep(&mut self, last: &LastGood) -> Result<(), Error> {
        let bytes = form::encode(last, &self.mark);
        let Err(error) = self.write(&bytes) else { return Ok(()) };
        // It is another agent's.
        if matches!(error, Error::Used { .. }) {
            return Err(error);
        }
        if let Err(removing) = self.place.forget() {
            return Err(self.stuck(error, removing));
        }
        // Without the old one there may be room.
        if matches!(error, Error::Write { .. }) { self.write(&bytes) } else { Err(error) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.place.hold()?;
        self.place.write(bytes)?;
        if self.is_past_known {
            // It is in what was written now. Where it stays, the next start takes it up once more.
            let _is_harmless = self.aside.forget();
        }
        Ok(())
    }

    /// Says what a start would believe, where it would believe anything.
    fn stuck(&self, error: Error, removing: io::Error) -> Error {
        let held = match self.look() {
            Ok(Some(last)) => last.repositories.first().map(|main| main.snapshot.revision.at.to_string()),
            Ok(None) => return error,
            Err(unread) if unread.is_unusable() => return error,
            Err(_) => Some("which cannot be read now".to_owned()),
        };
        let (path, held) = (self.place.path().to_owned(), held.unwrap_or_default());
        Error::Stuck { path, held, removing, source: Box::new(error) }
    }

    /// Keeps what is known of the past beside what is kept already; does nothing where nothing is. Where it could not
    /// be written, what was kept before is still what was accepted last.
    pub fn remember(&mut self, memories: &Memories) -> Result<(), Error> {
        let Some(mut last) = self.recall()? else { return Ok(()) };
        last.remember(memories);
        self.place.write(&form::encode(&last, &self.mark))
    }
}

/// Reads and writes the file of digests. The key that they are made with is kept with them: each is worth
/// nothing without the other.
#[derive(Debug)]
pub struct LedgerKeeper {
    place: Place,
    mark: String,
}

impl LedgerKeeper {
    /// A keeper of one agent's file in a folder; nothing is looked at yet.
    pub fn new(folder: impl Into<PathBuf>, whose: Whose<'_>) -> Self {
        let mark = whose.mark();
        Self { place: Place::new(folder.into(), &whose.name(&mark), DIGESTS), mark }
    }

    /// What was kept, where something was.
    pub fn recall(&mut self) -> Result<Option<(Key, Ledger)>, Error> {
        self.place.hold()?;
        let Some(bytes) = self.place.read()? else { return Ok(None) };
        let doubtful = |doubt| self.place.doubtful(doubt);
        ledger::decode(&bytes, &self.mark).map(Some).map_err(doubtful)
    }

    /// Keeps this from now on. It is on the disk when this returns.
    pub fn keep(&mut self, key: &Key, ledger: &Ledger) -> Result<(), Error> {
        self.place.hold()?;
        self.place.write(&ledger::encode(key, ledger, &self.mark))
    }
}

/// Reads and writes the file of names that were declared.
#[derive(Debug)]
pub struct RecordKeeper {
    place: Place,
    mark: String,
}

impl RecordKeeper {
    /// A keeper of one agent's file in a folder; nothing is looked at yet.
    pub fn new(folder: impl Into<PathBuf>, whose: Whose<'_>) -> Self {
        let mark = whose.mark();
        Self { place: Place::new(folder.into(), &whose.name(&mark), NAMES), mark }
    }

    /// What was kept, where something was.
    pub fn recall(&mut self) -> Result<Option<Record>, Error> {
        self.place.hold()?;
        self.look()
    }

    /// The same, for one who only looks, beside the agent that holds the file.
    pub fn look(&self) -> Result<Option<Record>, Error> {
        let Some(bytes) = self.place.read()? else { return Ok(None) };
        let doubtful = |doubt| self.place.doubtful(doubt);
        record::decode(&bytes, &self.mark).map(Some).map_err(doubtful)
    }

    /// Keeps this from now on. It is on the disk when this returns.
    pub fn keep(&mut self, record: &Record) -> Result<(), Error> {
        self.place.hold()?;
        self.place.write(&record::encode(record, &self.mark))
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod ledgers;
#[cfg(test)]
mod records;
#[cfg(test)]
mod tests;
