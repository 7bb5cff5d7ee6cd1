//! A commit's definition files, out of git's object database.
//!
//! Takes a worker that has the objects, and the id of one, gives the commit and its files. There is no
//! checkout: no link is followed, no filter runs, no name of the repository's becomes a path of ours.
//! Each object is what its id says, whatever the worker says.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::model::revision::ObjectId;
use crate::model::signature::Evidence;
use crate::model::snapshot::Names;
use crate::repo::cause::Cause;
use crate::repo::collect::{self, Collected, Entry, FILE_BYTES, Kind, Source};
use crate::repo::error::{Error, TAG_OF_TAG};
use crate::repo::object;
use crate::repo::problem::{Doing, Limit};
use crate::repo::worker::errand::Errand;
use crate::repo::worker::words::{Ask, Kind as Type, Tell};

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

/// Reads the commit that an object is, or that a tag object names; on a thread that may block.
pub fn read(
    errand: &mut Errand,
    runtime: &Handle,
    object: &ObjectId,
    reading: Reading<'_>,
) -> Result<Commit, Error> {
    let mut objects = Objects::new(errand, runtime, reading);
    let (id, evidence) = objects.peel(object)?;
    let commit = object::commit(&evidence.commit).ok_or_else(|| objects.malformed(&id))?;
    let collected = match objects.descend(commit.tree)? {
        Ok(root) => collect::collect(&mut objects, &root, reading.names)?,
        Err(near) => Collected::nothing(reading.path, near.as_deref()),
    };
    Ok(Commit { id, committed: commit.committed, evidence, collected })
}

/// Trees as folders, blobs as files.
pub struct Objects<'a> {
    errand: &'a mut Errand,
    runtime: &'a Handle,
    reading: Reading<'a>,
    /// The file whose size was asked for, which is read next.
    file: Option<(ObjectId, Vec<u8>)>,
}

/// An object, as far as it was wanted.
struct Object {
    kind: Type,
    size: u64,
    /// Its bytes; `None` where there are more than were wanted.
    bytes: Option<Vec<u8>>,
}

impl<'a> Objects<'a> {
    /// The objects that a worker has.
    pub fn new(errand: &'a mut Errand, runtime: &'a Handle, reading: Reading<'a>) -> Self {
        errand.doing = Doing::Reading;
        Self { errand, runtime, reading, file: None }
    }

    /// A commit, taken apart; `None` where the worker has no such object.
    pub fn commit(&mut self, id: &ObjectId) -> Result<Option<object::Commit>, Error> {
        match self.small(id)? {
            Some((Type::Commit, bytes)) => object::commit(&bytes).map(Some).ok_or_else(|| self.malformed(id)),
            Some((other, _)) => Err(self.not_a_commit(called(other))),
            None => Ok(None),
        }
    }

    /// Follows a tag to its commit: one step, for a tag of a tag is nothing that a release makes.
    fn peel(&mut self, id: &ObjectId) -> Result<(ObjectId, Evidence), Error> {
        let (kind, bytes) = self.small(id)?.ok_or_else(|| self.no_commit(id))?;
        match kind {
            Type::Commit => Ok((id.clone(), Evidence { commit: bytes, tag: None })),
            Type::Tag => {
                let named = object::tag(&bytes).ok_or_else(|| self.malformed(id))?;
                match self.small(&named.object)?.ok_or_else(|| self.no_commit(&named.object))? {
                    (Type::Commit, commit) => {
                        let object = named.object;
                        Ok((object, Evidence { commit, tag: Some(bytes) }))
                    }
                    (Type::Tag, _) => Err(self.not_a_commit(TAG_OF_TAG)),
                    (other, _) => Err(self.not_a_commit(called(other))),
                }
            }
            other => Err(self.not_a_commit(called(other))),
        }
    }

    /// The folder of the definitions; where it is not there, or is no folder, the one that is nearest to it.
    pub fn descend(&mut self, root: ObjectId) -> Result<Result<ObjectId, Option<String>>, Error> {
        let mut at = root;
        let steps: Vec<_> = self.reading.path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        for (depth, name) in steps.iter().enumerate() {
            let tree = self.tree(&at)?;
            if tree.iter().filter(|named| named.name == name.as_bytes()).count() > 1 {
                return Err(self.unusable(&format!("the name {name:?} is twice in the folder {at}")));
            }
            let found = tree.iter().find(|named| named.name == name.as_bytes() && is_folder(named));
            let Some(found) = found else {
                let folders = tree.iter().filter(|named| is_folder(named));
                let names = folders.filter_map(|named| String::from_utf8(named.name.clone()).ok());
                let near = collect::nearest(name, names);
                return Ok(Err(near.map(|near| [&steps[..depth], &[near.as_str()]].concat().join("/"))));
            };
            at = found.object.clone();
        }
        Ok(Ok(at))
    }

    /// What stands in a folder.
    pub fn tree(&mut self, id: &ObjectId) -> Result<Vec<object::Named>, Error> {
        match self.small(id)? {
            Some((Type::Tree, bytes)) => object::tree(&bytes).ok_or_else(|| self.malformed(id)),
            Some(_) => Err(self.malformed(id)),
            None => Err(self.missing(id)),
        }
    }

    /// A tag, a commit or a tree. A file is named as what it is, and not read.
    fn small(&mut self, id: &ObjectId) -> Result<Option<(Type, Vec<u8>)>, Error> {
        let Some(object) = self.object(id, OBJECT_BYTES as u64)? else { return Ok(None) };
        match object {
            Object { kind, bytes: Some(bytes), .. } => Ok(Some((kind, bytes))),
            Object { kind: kind @ Type::Blob, .. } => Ok(Some((kind, Vec::new()))),
            Object { .. } => Err(Error::TooLarge {
                repository: self.reading.repository.to_string(),
                limit: Limit::ObjectBytes(OBJECT_BYTES),
            }),
        }
    }

    /// Asks for an object, and makes sure that it is the one.
    fn object(&mut self, id: &ObjectId, most: u64) -> Result<Option<Object>, Error> {
        let tell = Tell::Object { id: id.to_string(), most };
        match self.runtime.block_on(self.errand.ask(&tell, &[]))? {
            (Ask::Nothing, _) => Ok(None),
            (Ask::Object { kind, size }, _) if size > most => Ok(Some(Object { kind, size, bytes: None })),
            (Ask::Object { kind, size }, bytes) if is_the_one(id, kind, size, &bytes) => {
                Ok(Some(Object { kind, size, bytes: Some(bytes) }))
            }
            (Ask::Object { .. }, _) => Err(self.errand.lied()),
            _ => Err(self.errand.nonsense()),
        }
    }

    /// The error that says that there is no such commit.
    pub fn no_commit(&self, id: &ObjectId) -> Error {
        Error::NoCommit { repository: self.reading.repository.to_string(), commit: id.to_string() }
    }

    fn not_a_commit(&self, found: &'static str) -> Error {
        let (repository, reference) =
            (self.reading.repository.to_string(), self.reading.reference.to_owned());
        Error::NotACommit { repository, reference, found }
    }

    fn malformed(&self, id: &ObjectId) -> Error {
        self.unusable(&format!("the object {id} is not what it should be"))
    }

    fn missing(&self, id: &ObjectId) -> Error {
        self.unusable(&format!("the object {id} is missing"))
    }

    fn unusable(&self, what: &str) -> Error {
        let (repository, doing) = (self.reading.repository.to_string(), Doing::Reading);
        Error::NotUnderstood { repository, doing, source: Cause::new(what) }
    }
}

/// Whether an object is the one of an id, and no larger than it is said to be.
fn is_the_one(id: &ObjectId, kind: Type, size: u64, bytes: &[u8]) -> bool {
    bytes.len() as u64 == size && object::id(word(kind), bytes) == *id
}

fn is_folder(named: &object::Named) -> bool {
    named.mode & 0o170_000 == 0o040_000
}

/// What stands in a folder, as it is looked at for definitions.
pub fn entries(tree: Vec<object::Named>) -> Vec<Entry<ObjectId>> {
    let kind = |mode: u32, id| match mode & 0o170_000 {
        0o100_000 => Kind::File(id),
        0o040_000 => Kind::Folder(id),
        0o120_000 => Kind::Link,
        0o160_000 => Kind::Submodule,
        _ => Kind::Other,
    };
    let entry = |named: object::Named| Entry { name: named.name, kind: kind(named.mode, named.object) };
    tree.into_iter().map(entry).collect()
}

impl Source for Objects<'_> {
    type Handle = ObjectId;

    fn entries(&mut self, folder: &ObjectId) -> Result<Vec<Entry<ObjectId>>, Error> {
        self.tree(folder).map(entries)
    }

    /// Brings the file along where it is small enough: asking twice would take twice as long.
    fn size(&mut self, file: &ObjectId) -> Result<u64, Error> {
        match self.object(file, FILE_BYTES)?.ok_or_else(|| self.missing(file))? {
            Object { kind: Type::Blob, size, bytes } => {
                self.file = bytes.map(|bytes| (file.clone(), bytes));
                Ok(size)
            }
            Object { .. } => Err(self.malformed(file)),
        }
    }

    fn read(&mut self, file: &ObjectId) -> Result<Arc<[u8]>, Error> {
        match self.file.take() {
            Some((id, bytes)) if id == *file => Ok(bytes.into()),
            Some(_) | None => Err(self.missing(file)),
        }
    }
}

/// What git calls it.
fn word(kind: Type) -> &'static str {
    match kind {
        Type::Commit => "commit",
        Type::Tree => "tree",
        Type::Blob => "blob",
        Type::Tag => "tag",
    }
}

/// What a person calls it.
fn called(kind: Type) -> &'static str {
    match kind {
        Type::Commit => "a commit",
        Type::Tree => "a tree",
        Type::Blob => "a file",
        Type::Tag => TAG_OF_TAG,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::repo::ended::Ended;
    use crate::repo::worker::acted::{Acted, printed, ready, repository};

    const FILE: &[u8] = b"connector: a\n";

    /// What a worker says for an object.
    fn given(kind: Type, bytes: &[u8]) -> String {
        printed(&Ask::Object { kind, size: bytes.len() as u64 }, bytes)
    }

    /// The bytes of an id in a folder.
    fn raw(id: &ObjectId) -> Vec<u8> {
        let text = id.to_string();
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
    }

    fn folder(mode: &str, name: &str, of: &ObjectId) -> Vec<u8> {
        [format!("{mode} {name}\0").as_bytes(), &raw(of)].concat()
    }

    /// A commit of one file: commit, root, folder, file.
    fn honest() -> Vec<(Type, Vec<u8>)> {
        let connectors = folder("100644", "a.yaml", &object::id("blob", FILE));
        let root = folder("40000", "connectors", &object::id("tree", &connectors));
        let who = "a <a@example.com> 1767225600 +0000";
        let tree = object::id("tree", &root);
        let commit = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n").into_bytes();
        vec![
            (Type::Commit, commit),
            (Type::Tree, root),
            (Type::Tree, connectors),
            (Type::Blob, FILE.to_vec()),
        ]
    }

    /// Reads the commit from a worker that says these, one after the other, whatever it is asked.
    async fn read_from(said: &[String]) -> Result<Commit, Error> {
        commit_of(Acted::new(&script(said))).await
    }

    fn script(said: &[String]) -> String {
        format!("{}; {}; sleep 60", ready(), said.join("; "))
    }

    async fn commit_of(acted: Acted) -> Result<Commit, Error> {
        let mut errand = acted.start().await?;
        let id = object::id("commit", &honest()[0].1);
        let runtime = Handle::current();
        let (read, errand) = tokio::task::spawn_blocking(move || {
            let repository = repository();
            let names: Names = |_| BTreeSet::new();
            let reading = Reading { repository: &repository, reference: "refs/tags/v1", path: ".", names };
            (read(&mut errand, &runtime, &id, reading), errand)
        })
        .await
        .expect("it ends");
        errand.end().await;
        read
    }

    fn saying(objects: &[(Type, Vec<u8>)]) -> Vec<String> {
        objects.iter().map(|(kind, bytes)| given(*kind, bytes)).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_acted_worker_that_tells_the_truth_is_believed() {
        let commit = read_from(&saying(&honest())).await.expect("it is true");
        assert_eq!(&*commit.collected.files["connectors/a.yaml"], FILE);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_object_that_is_not_the_one_of_its_id_is_refused_wherever_it_stands() {
        for at in 0..honest().len() {
            let mut bytes = honest();
            let last = bytes[at].1.len() - 2;
            bytes[at].1[last] ^= 1;
            let mut kinds = honest();
            kinds[at].0 = if kinds[at].0 == Type::Tag { Type::Blob } else { Type::Tag };
            let mut sizes = saying(&honest());
            let (kind, whole) = &honest()[at];
            sizes[at] = printed(&Ask::Object { kind: *kind, size: 1 }, whole);
            for (what, said) in [("bytes", saying(&bytes)), ("kind", saying(&kinds)), ("size", sizes)] {
                let error = read_from(&said).await.expect_err(what);
                assert!(
                    matches!(&error, Error::Worker { ended: Ended::Lied, .. }),
                    "{what} of object {at}: {error:?}"
                );
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_word_out_of_turn_is_no_object() {
        for word in [Ask::Done, Ask::Request, Ask::Read { most: 9 }, Ask::Tags] {
            let error = read_from(&[printed(&word, FILE)]).await.expect_err("no object");
            assert!(matches!(&error, Error::Worker { ended: Ended::Nonsense, .. }), "{word:?}: {error:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_worker_that_falls_while_it_is_read_from_is_told_by_how_it_fell() {
        let mut said = saying(&honest()[..2]);
        said.push("kill -KILL $$".to_owned());
        let error = read_from(&said).await.expect_err("it is gone");
        let fell = |error: &Error| match error {
            Error::Worker { ended, doing, .. } => Some((ended.clone(), *doing)),
            _ => None,
        };
        assert_eq!(fell(&error), Some((Ended::Signal(9), Doing::Reading)), "{error:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_worker_that_says_less_than_it_is_asked_is_given_up_at_the_deadline() {
        let begun = Instant::now();
        let acted = Acted::within(&script(&saying(&honest()[..2])), Duration::from_secs(2));
        let error = commit_of(acted).await.expect_err("the rest never comes");
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }
}
