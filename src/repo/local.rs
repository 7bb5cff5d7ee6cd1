//! A repository on this machine, read where it lies.
//!
//! Takes a path, gives what its refs name and a commit's files. Nothing is fetched: the objects are
//! here, and no object of git's ever changes.

use std::path::Path;

use git2::{ErrorCode, Repository, RepositoryOpenFlags};

use crate::model::revision::{ObjectId, Reference};
use crate::repo::cause::Cause;
use crate::repo::error::{Doing, Error};
use crate::repo::listing::{Named, Seek};
use crate::repo::tree::{self, Commit, Reading};

/// What a ref names; `None` where there is no such ref.
pub fn list(path: &Path, reference: &Reference, repository: &str) -> Result<Option<Named>, Error> {
    let git = open(path, repository)?;
    let failed = |error: &git2::Error| Error::Git {
        repository: repository.to_owned(),
        doing: Doing::Listing,
        source: Cause::from(error),
    };
    let found = match git.find_reference(&reference.full_name()) {
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        found => found.and_then(|found| found.resolve()).map_err(|error| failed(&error))?,
    };
    let object = found.target().expect("a resolved ref names an object");
    // Peeled as far as it goes, as a server would; reading looks at each step.
    let commit = git.find_tag(object).and_then(|tag| tag.peel()).map_or(object, |peeled| peeled.id());
    Ok(Some(Named { object: tree::object_id(object), commit: tree::object_id(commit) }))
}

/// Hands on every tag.
pub fn tags(path: &Path, seek: &mut dyn Seek, repository: &str) -> Result<(), Error> {
    let git = open(path, repository)?;
    let failed = |error: git2::Error| Error::Git {
        repository: repository.to_owned(),
        doing: Doing::Listing,
        source: Cause::from(&error),
    };
    for found in git.references_glob("refs/tags/*").map_err(failed)? {
        let found = found.map_err(failed)?;
        // A tag that names another ref, or whose name is no text, is none of a release's.
        let (Some(object), Ok(name)) = (found.target(), found.name()) else { continue };
        let commit = git.find_tag(object).and_then(|tag| tag.peel()).map_or(object, |peeled| peeled.id());
        seek.take(name, Named { object: tree::object_id(object), commit: tree::object_id(commit) });
    }
    Ok(())
}

/// Reads a commit's files.
pub fn read(path: &Path, object: &ObjectId, reading: Reading<'_>) -> Result<Commit, Error> {
    let git = open(path, reading.repository)?;
    let there = git.odb().is_ok_and(|odb| odb.exists(tree::oid(object)));
    if !there {
        let repository = reading.repository.to_string();
        return Err(Error::NoCommit { repository, commit: object.to_string() });
    }
    tree::read(&git, object, reading)
}

/// Opens a bare repository, a work tree, or a linked work tree; a folder above is never searched.
///
/// The first two are opened without looking at who owns them: a mounted volume seldom belongs to the
/// agent's user, and only objects are read, so nothing in the repository can make the agent act.
pub fn open(path: &Path, repository: &str) -> Result<Repository, Error> {
    let opened = Repository::open_bare(path)
        .or_else(|_| Repository::open_bare(path.join(".git")))
        .or_else(|_| Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, [] as [&Path; 0]));
    opened.map_err(|error| {
        let repository = repository.to_owned();
        // libgit2 is built without SHA-256 and says so when it meets such a repository.
        if error.message().contains("objectformat") || error.message().contains("object format") {
            return Error::Sha256 { repository };
        }
        Error::NoRepository { repository, source: Cause::from(&error) }
    })
}
