//! One file that is whole or not there.
//!
//! Takes bytes, gives them back, or says why they are not believed. What they mean is left to `form`.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::kept::error::{Doubt, Error};

/// The most that is kept and read: repositories at all their limits are a third of it.
pub const LARGEST: u64 = 64 * 1024 * 1024;

/// Where the file is, and what stands beside it.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
    path: PathBuf,
    new: PathBuf,
    lock: PathBuf,
    /// Held while the agent lives.
    held: Option<File>,
}

/// The endings of a file, of the one that is written beside it, and of the one that is locked.
#[derive(Debug, Clone, Copy)]
pub struct Endings {
    /// The file itself.
    pub file: &'static str,
    /// What is to be put in its place.
    pub new: &'static str,
    /// Locked by whoever uses the file.
    pub lock: &'static str,
}

impl Place {
    /// A file of this name in a folder.
    pub fn new(folder: PathBuf, name: &str, Endings { file, new, lock }: Endings) -> Self {
        let path = |ending| folder.join(format!("{name}.{ending}"));
        Self { path: path(file), new: path(new), lock: path(lock), folder, held: None }
    }

    /// The file itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says that what is there is not believed.
    pub fn doubtful(&self, doubt: Doubt) -> Error {
        Error::Doubtful { path: self.path.clone(), doubt }
    }

    /// Makes the folder where it is not there, and takes the file for this process alone, while it lives.
    pub fn hold(&mut self) -> Result<(), Error> {
        if !self.held.as_ref().is_some_and(|held| self.is_lock(held)) {
            // Somebody took the folder away, or the file in it: whoever holds the new one would not know of this one.
            self.held = None;
            self.held = Some(self.lock()?);
        }
        Ok(())
    }

    /// Whether this is the file that others would lock.
    fn is_lock(&self, held: &File) -> bool {
        let named = fs::symlink_metadata(&self.lock);
        held.metadata()
            .is_ok_and(|held| named.is_ok_and(|named| (named.dev(), named.ino()) == (held.dev(), held.ino())))
    }

    fn lock(&self) -> Result<File, Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|source| Error::Folder { folder: self.folder.clone(), source })?;
        let failed = |source| Error::Lock { path: self.lock.clone(), source };
        if fs::symlink_metadata(&self.lock).is_ok_and(|found| !found.is_file()) {
            return Err(failed(io::Error::other("it is no file")));
        }
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.lock)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(Error::Used { path: self.lock.clone() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// What is there; nothing where nothing is.
    pub fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        let failed = |source| Error::Read { path: self.path.clone(), source };
        let named = match fs::symlink_metadata(&self.path) {
            Ok(named) => named,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // Before it is opened: a pipe would have to be waited for.
        if !named.is_file() {
            return Err(self.doubtful(Doubt::NoFile));
        }
        let file = File::open(&self.path).map_err(failed)?;
        let opened = file.metadata().map_err(failed)?;
        if (named.dev(), named.ino()) != (opened.dev(), opened.ino()) {
            return Err(self.doubtful(Doubt::NoFile));
        }
        let folder = fs::metadata(&self.folder).map_err(failed)?;
        judge(&opened, &folder).map_err(|doubt| self.doubtful(doubt))?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LARGEST {
            return Err(self.doubtful(Doubt::TooLarge));
        }
        Ok(Some(bytes))
    }

    /// Puts these bytes in place of what is there. Whoever dies on the way leaves the one or the other.
    pub fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() as u64 > LARGEST {
            return Err(self.doubtful(Doubt::TooLarge));
        }
        self.try_write(bytes).map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<()> {
        // Left by one that was killed, or put there by somebody: it is never written through.
        match fs::remove_file(&self.new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.new)?;
        let whole = file.write_all(bytes).and_then(|()| file.sync_all());
        if let Err(error) = whole.and_then(|()| fs::rename(&self.new, &self.path)) {
            // Half of a file takes room that others need. Where it cannot be taken away, the next write tries that first,
            // and says so.
            let _first_error_counts = fs::remove_file(&self.new);
            return Err(error);
        }
        sync(&self.folder)
    }

    /// Has what is there stand elsewhere, in place of what stood there; it need not be readable for that.
    pub fn put_aside(&self, aside: &Self) -> io::Result<()> {
        match fs::rename(&self.path, &aside.path) {
            Ok(()) => sync(&self.folder),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// Takes away what is there, for it is not to be believed any more. What is no file never is.
    pub fn forget(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Ok(()) => sync(&self.folder),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory => Ok(()),
                _ => Err(error),
            },
        }
    }
}

/// Brings to the disk which names a folder has.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Says why a file may be somebody else's work. A group may write it: Kubernetes gives volumes to one.
fn judge(file: &Metadata, folder: &Metadata) -> Result<(), Doubt> {
    let is_open = |metadata: &Metadata| metadata.mode() & 0o002 != 0;
    if is_open(file) {
        return Err(Doubt::Open);
    }
    if is_open(folder) && file.uid() != geteuid().as_raw() {
        return Err(Doubt::Owner);
    }
    if file.len() > LARGEST { Err(Doubt::TooLarge) } else { Ok(()) }
}
