//! A plain folder of definitions, as `--dir` names it.
//!
//! Takes a path, gives the same snapshot as git would, under the same rules; its state is told by a
//! digest. Watching the folder is left to others.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::revision::{At, RepositoryName, RepositoryRevision};
use crate::model::snapshot::{Names, Snapshot};
use crate::repo::collect::{self, Collected, Entry, FILE_BYTES, Kind, Source};
use crate::repo::error::Error;

/// Reads a folder.
pub fn read(path: &Path, names: Names) -> Result<Snapshot, Error> {
    let collected = collect::collect(&mut Folders, &path.to_owned(), names)?;
    let revision = RepositoryRevision {
        repository: RepositoryName::main(),
        at: At::Directory { path: path.to_string_lossy().into(), digest: digest(&collected) },
    };
    Ok(collected.into_snapshot(revision))
}

/// A number that differs where anything differs that was read. It is compared within one process
/// only, so its making may change between versions.
pub fn digest(collected: &Collected) -> u64 {
    let Collected { files, ignored, findings } = collected;
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    ignored.hash(&mut hasher);
    for finding in findings {
        (&finding.place, finding.rule, &finding.message).hash(&mut hasher);
    }
    hasher.finish()
}

struct Folders;

impl Source for Folders {
    type Handle = PathBuf;

    fn entries(&mut self, folder: &PathBuf) -> Result<Vec<Entry<PathBuf>>, Error> {
        let failed = |source| Error::Folder { file: false, path: folder.clone(), source };
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Of the name itself, not of what a link leads to.
            let kind = entry.file_type().map_err(failed)?;
            let kind = if kind.is_symlink() {
                Kind::Link
            } else if kind.is_dir() {
                Kind::Folder(entry.path())
            } else if kind.is_file() {
                Kind::File(entry.path())
            } else {
                Kind::Other
            };
            entries.push(Entry { name: entry.file_name().as_bytes().to_vec(), kind });
        }
        Ok(entries)
    }

    fn size(&mut self, file: &PathBuf) -> Result<u64, Error> {
        let failed = |source| Error::Folder { file: true, path: file.clone(), source };
        Ok(fs::symlink_metadata(file).map_err(failed)?.len())
    }

    fn read(&mut self, file: &PathBuf) -> Result<Arc<[u8]>, Error> {
        let failed = |source| Error::Folder { file: true, path: file.clone(), source };
        let mut bytes = Vec::new();
        File::open(file).map_err(failed)?.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes.into())
    }
}
