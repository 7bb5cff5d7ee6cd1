//! A commit's definition files, out of git's object database.
//!
//! Takes a repository on this machine and an object's id, gives the commit and its files. There is no
//! checkout: no link is followed, no filter runs, no name of the repository's becomes a path of ours.

use std::sync::Arc;

use git2::{ObjectType, Oid, Repository};
use jiff::Timestamp;

use crate::model::revision::ObjectId;
use crate::model::signature::Evidence;
use crate::model::snapshot::Names;
use crate::repo::cause::Cause;
use crate::repo::collect::{self, Collected, Entry, Kind, Source};
use crate::repo::deadline::Deadline;
use crate::repo::error::{Doing, Error, Limit};

/// The largest tag, commit or tree that is looked at.
const OBJECT_BYTES: usize = 8 * 1024 * 1024;

/// What is read, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The repository as it may be shown.
    pub repository: &'a Arc<str>,
    /// The full name of the ref.
    pub reference: &'a str,
    /// The folder of the definitions, `.` for the root.
    pub path: &'a str,
    /// Which files elsewhere the definitions name.
    pub names: Names,
    /// When it must be over.
    pub deadline: &'a Deadline,
}

/// A commit that was read.
#[derive(Debug)]
pub struct Commit {
    /// Its id.
    pub id: ObjectId,
    /// The committer's time; `None` where it lies outside of time as it is counted here.
    pub committed: Option<Timestamp>,
    /// Its definition files.
    pub collected: Collected,
    /// The commit and the tag in front of it, byte for byte.
    pub evidence: Evidence,
}

/// Reads the commit that an object is, or that a tag object names.
pub fn read(git: &Repository, object: &ObjectId, reading: Reading<'_>) -> Result<Commit, Error> {
    let failed = |error: &git2::Error| reading.failed(error);
    let (id, tag) = peel(git, oid(object), reading)?;
    reading.check_size(git, id)?;
    let commit = git.find_commit(id).map_err(|error| failed(&error))?;
    let committed = Timestamp::from_second(commit.time().seconds()).ok();
    let mut objects = Objects { git, reading };
    let collected = match objects.descend(commit.tree_id())? {
        Ok(root) => collect::collect(&mut objects, &root, reading.names)?,
        Err(near) => Collected::nothing(reading.path, near.as_deref()),
    };
    let evidence = Evidence { tag, commit: raw(git, id, reading)? };
    Ok(Commit { id: object_id(id), committed, collected, evidence })
}

/// The id as libgit2 has it.
pub fn oid(id: &ObjectId) -> Oid {
    Oid::from_str(id.as_str()).expect("forty hexadecimal digits are an id")
}

/// The id as the model has it.
pub fn object_id(oid: Oid) -> ObjectId {
    ObjectId::new(&oid.to_string()).expect("an id is forty hexadecimal digits")
}

/// An object's bytes, whose size was looked at.
fn raw(git: &Repository, id: Oid, reading: Reading<'_>) -> Result<Vec<u8>, Error> {
    let object = git.odb().map_err(|error| reading.failed(&error))?;
    Ok(object.read(id).map_err(|error| reading.failed(&error))?.data().to_vec())
}

/// Follows a tag to its commit: one step, for a tag of a tag is nothing that a release makes. Gives the
/// tag's own bytes too.
fn peel(git: &Repository, id: Oid, reading: Reading<'_>) -> Result<(Oid, Option<Vec<u8>>), Error> {
    let not_a_commit = |found| Error::NotACommit {
        repository: reading.repository.to_string(),
        reference: reading.reference.to_owned(),
        found,
    };
    let called = |kind| match kind {
        Some(ObjectType::Tree) => "a tree",
        Some(ObjectType::Blob) => "a file",
        Some(ObjectType::Tag) => "a tag of a tag",
        Some(ObjectType::Commit | ObjectType::Any) | None => "something unknown",
    };
    match reading.check_size(git, id)? {
        ObjectType::Commit => Ok((id, None)),
        ObjectType::Tag => {
            let tag = git.find_tag(id).map_err(|error| reading.failed(&error))?;
            match tag.target_type() {
                Some(ObjectType::Commit) => Ok((tag.target_id(), Some(raw(git, id, reading)?))),
                other => Err(not_a_commit(called(other))),
            }
        }
        other => Err(not_a_commit(called(Some(other)))),
    }
}

impl Reading<'_> {
    fn failed(&self, error: &git2::Error) -> Error {
        Error::Git {
            repository: self.repository.to_string(),
            doing: Doing::Reading,
            source: Cause::from(error),
        }
    }

    /// Looks at an object's head before it is unpacked: a few bytes can stand for gigabytes.
    fn check_size(&self, git: &Repository, id: Oid) -> Result<ObjectType, Error> {
        self.deadline.check(Doing::Reading)?;
        let header = git.odb().and_then(|odb| odb.read_header(id));
        let (size, kind) = header.map_err(|error| self.failed(&error))?;
        let is_file = matches!(kind, ObjectType::Blob);
        if size > OBJECT_BYTES && !is_file {
            let limit = Limit::ObjectBytes(OBJECT_BYTES);
            return Err(Error::TooLarge { repository: self.repository.to_string(), limit });
        }
        Ok(kind)
    }
}

/// Trees as folders, blobs as files.
struct Objects<'a> {
    git: &'a Repository,
    reading: Reading<'a>,
}

impl Objects<'_> {
    /// The folder of the definitions; where it is not there, or is no folder, the one that is nearest to it.
    fn descend(&self, root: Oid) -> Result<Result<Oid, Option<String>>, Error> {
        let mut at = root;
        let steps: Vec<_> = self.reading.path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        for (depth, name) in steps.iter().enumerate() {
            self.reading.check_size(self.git, at)?;
            let tree = self.git.find_tree(at).map_err(|error| self.reading.failed(&error))?;
            match tree.get_name_bytes(name.as_bytes()) {
                Some(entry) if entry.kind() == Some(ObjectType::Tree) => at = entry.id(),
                Some(_) | None => {
                    let near = collect::nearest(name, tree.iter().filter_map(|entry| folder(&entry)));
                    return Ok(Err(near.map(|near| [&steps[..depth], &[near.as_str()]].concat().join("/"))));
                }
            }
        }
        Ok(Ok(at))
    }
}

/// The name of an entry that is a folder.
fn folder(entry: &git2::TreeEntry<'_>) -> Option<String> {
    let is_folder = entry.kind() == Some(ObjectType::Tree);
    is_folder.then(|| String::from_utf8(entry.name_bytes().to_vec()).ok()).flatten()
}

impl Source for Objects<'_> {
    type Handle = Oid;

    fn entries(&mut self, folder: &Oid) -> Result<Vec<Entry<Oid>>, Error> {
        self.reading.check_size(self.git, *folder)?;
        let tree = self.git.find_tree(*folder).map_err(|error| self.reading.failed(&error))?;
        let kind = |mode: i32, id| match mode & 0o170_000 {
            0o100_000 => Kind::File(id),
            0o040_000 => Kind::Folder(id),
            0o120_000 => Kind::Link,
            0o160_000 => Kind::Submodule,
            _ => Kind::Other,
        };
        Ok(tree
            .iter()
            .map(|entry| Entry {
                name: entry.name_bytes().to_vec(),
                kind: kind(entry.filemode_raw(), entry.id()),
            })
            .collect())
    }

    fn size(&mut self, file: &Oid) -> Result<u64, Error> {
        self.reading.deadline.check(Doing::Reading)?;
        let header = self.git.odb().and_then(|odb| odb.read_header(*file));
        header.map(|(size, _)| size as u64).map_err(|error| self.reading.failed(&error))
    }

    fn read(&mut self, file: &Oid) -> Result<Vec<u8>, Error> {
        let odb = self.git.odb().map_err(|error| self.reading.failed(&error))?;
        let object = odb.read(*file).map_err(|error| self.reading.failed(&error))?;
        Ok(object.data().to_vec())
    }
}
