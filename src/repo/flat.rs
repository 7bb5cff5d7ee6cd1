//! A flat folder of definitions, as a service brings it in a mounted `ConfigMap`.
//!
//! Takes a path, gives the files that lie beside each other in it, all of one moment. Links inside the
//! folder are followed, for Kubernetes makes such folders of links: each name leads through `..data`, and
//! one renaming of that link puts new files in the place of all old ones. What was declared before, and
//! what becomes of a folder that is not there, is left to others.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::model::revision::{At, RepositoryName, RepositoryRevision};
use crate::model::snapshot::Snapshot;
use crate::repo::collect::{self, Entry, FILE_BYTES, Kind, Source};
use crate::repo::dir::digest;
use crate::repo::error::Error;

/// How often a folder is read anew that changed meanwhile, and the rest before that.
const TRIES: usize = 5;
const REST: Duration = Duration::from_millis(20);

/// The link that Kubernetes renames when it puts new files in place.
const DATA: &str = "..data";

/// Reads a folder; its files are told by the folder as it is named here, and their names.
pub async fn read(folder: PathBuf) -> Result<Snapshot, Error> {
    let mut last = Error::Unsettled { path: folder.clone() };
    for _ in 0..TRIES {
        let path = folder.clone();
        let read = tokio::task::spawn_blocking(move || read_once(&path)).await;
        match read.unwrap_or_else(|join| std::panic::resume_unwind(join.into_panic())) {
            Ok(snapshot) => return Ok(snapshot),
            Err(Failed::Gone(error)) => return Err(error),
            Err(Failed::Perhaps(error)) => last = error,
        }
        tokio::time::sleep(REST).await;
    }
    Err(last)
}

/// Why a folder was not read.
enum Failed {
    /// There is none.
    Gone(Error),
    /// It may be that it changed meanwhile.
    Perhaps(Error),
}

/// Reads a folder, if it is the same before and after.
fn read_once(folder: &Path) -> Result<Snapshot, Failed> {
    let failed = |source| Error::Extra { path: folder.to_owned(), source };
    let root = fs::canonicalize(folder).map_err(|error| Failed::Gone(failed(error)))?;
    let sight = || Sight::of(&root).map_err(|error| Failed::Perhaps(failed(error)));
    let mut before = sight()?;
    let name = folder.to_string_lossy();
    let read = collect::flat(&mut before, &root, &name);
    if sight()? != before {
        // A file of the old state may be gone by now: what went wrong then is no news.
        return Err(Failed::Perhaps(Error::Unsettled { path: folder.to_owned() }));
    }
    let collected = read.map_err(Failed::Perhaps)?;
    let revision = RepositoryRevision {
        repository: RepositoryName::extra(&name),
        at: At::Directory { path: name.as_ref().into(), digest: digest(&collected) },
    };
    Ok(collected.into_snapshot(revision))
}

/// Every name of a folder, and what it leads to, at one moment.
#[derive(Debug, PartialEq, Eq)]
struct Sight {
    /// The folder itself, without links.
    root: PathBuf,
    /// The folder that `..data` leads to, where there is that link.
    data: Option<PathBuf>,
    names: BTreeMap<OsString, Found>,
}

/// What a name leads to.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// A file inside the folder: where it really is, and what tells one state of it from another.
    File(PathBuf, Mark),
    Folder(PathBuf),
    /// A link that leads out of the folder, or nowhere.
    Astray,
    Other,
}

/// A file's device, number, size and times of change, in seconds and parts of them.
type Mark = (u64, u64, u64, (i64, i64), (i64, i64));

impl Sight {
    fn of(root: &Path) -> io::Result<Self> {
        let link = root.join(DATA);
        let data = if fs::read_link(&link).is_ok() {
            Some(fs::canonicalize(&link)?).filter(|data| data.starts_with(root))
        } else {
            None
        };
        let mut sight = Self { root: root.to_owned(), data: data.clone(), names: BTreeMap::new() };
        sight.look_in(root)?;
        // The names in the folder itself are set right only after the renaming: what `..data` leads to says
        // what there is.
        if let Some(data) = data {
            sight.look_in(&data)?;
        }
        Ok(sight)
    }

    fn look_in(&mut self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().as_bytes().starts_with(b".") {
                continue;
            }
            let through_data = || fs::read_link(entry.path()).is_ok_and(|to| to.starts_with(DATA));
            if self.data.is_none() || !through_data() {
                let found = self.look_at(&entry.path())?;
                self.names.insert(entry.file_name(), found);
            }
        }
        Ok(())
    }

    fn look_at(&self, path: &Path) -> io::Result<Found> {
        let own = fs::symlink_metadata(path)?;
        if !own.is_symlink() {
            return Ok(found(path.to_owned(), &own));
        }
        let Ok(target) = fs::canonicalize(path) else { return Ok(Found::Astray) };
        if !target.starts_with(&self.root) {
            return Ok(Found::Astray);
        }
        let there = fs::symlink_metadata(&target)?;
        Ok(found(target, &there))
    }
}

fn found(path: PathBuf, of: &Metadata) -> Found {
    if of.is_file() {
        let mark =
            (of.dev(), of.ino(), of.len(), (of.mtime(), of.mtime_nsec()), (of.ctime(), of.ctime_nsec()));
        Found::File(path, mark)
    } else if of.is_dir() {
        Found::Folder(path)
    } else {
        Found::Other
    }
}

impl Source for Sight {
    type Handle = PathBuf;

    /// There is only the folder itself to ask for: nothing below it is read.
    fn entries(&mut self, _: &PathBuf) -> Result<Vec<Entry<PathBuf>>, Error> {
        let entries = self.names.iter().map(|(name, found)| Entry {
            name: name.as_bytes().to_vec(),
            kind: match found {
                Found::File(path, _) => Kind::File(path.clone()),
                Found::Folder(path) => Kind::Folder(path.clone()),
                Found::Astray => Kind::Link,
                Found::Other => Kind::Other,
            },
        });
        Ok(entries.collect())
    }

    fn size(&mut self, file: &PathBuf) -> Result<u64, Error> {
        let failed = |source| Error::Extra { path: file.clone(), source };
        Ok(fs::symlink_metadata(file).map_err(failed)?.len())
    }

    fn read(&mut self, file: &PathBuf) -> Result<Arc<[u8]>, Error> {
        let failed = |source| Error::Extra { path: file.clone(), source };
        let mut bytes = Vec::new();
        File::open(file).map_err(failed)?.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes.into())
    }
}
