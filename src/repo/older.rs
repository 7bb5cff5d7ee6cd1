//! Older revisions, out of the objects that a worker has, the newest first.
//!
//! Takes a commit to begin at, gives the definition files of it and of those before it to whoever listens. What did not
//! change between two revisions is read once. Bringing the objects is left to `history`, what the files say to the
//! listener.
//!
//! Of a merge the commit that was merged into counts: what stood on the way is what was released, and what somebody tried
//! on a branch of their own is not.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::known::Look;
use crate::model::revision::ObjectId;
use crate::model::snapshot::Files;
use crate::repo::beside::FOLDERS;
use crate::repo::collect::{self, Entry, Source};
use crate::repo::error::Error;
use crate::repo::object::{self, Named};
use crate::repo::tree::{self, Objects};

/// The most commits that are gone back: ten years of a commit at each working day are half of it.
const COMMITS: usize = 5_000;

/// The most bytes of definition files that are taken out of older revisions, however often they changed.
const BYTES: u64 = 64 * 1024 * 1024;

/// An older revision.
#[derive(Debug)]
pub struct Older<'o> {
    /// Which one.
    pub commit: &'o ObjectId,
    /// The committer's time; `None` where it lies outside of time as it is counted here.
    pub committed: Option<Timestamp>,
    /// Its definition files. What is as it was in the revision that was told before is the same memory.
    pub files: &'o Files,
}

/// Listens to each revision; says whether that is enough.
pub type Listener = dyn FnMut(&Older<'_>) -> ControlFlow<()> + Send;

/// Why a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// There is nothing before.
    Root,
    /// What comes next was read at another time.
    Known,
    /// The listener has heard enough.
    Enough,
    /// The worker does not have the next commit.
    Missing,
    /// As much was read as may be.
    Limit,
}

/// A way back from commit to commit. It goes on where it stopped when more objects are there.
#[derive(Debug)]
pub struct Walk {
    /// What is read next; nothing behind the first commit of all.
    next: Option<ObjectId>,
    known: Option<ObjectId>,
    /// The last that was read.
    pub last: Option<ObjectId>,
    /// Whether anything was there, be it what another look had read.
    pub is_begun: bool,
    /// How many were read, without those of another time.
    pub commits: usize,
    /// How many another look had read, where this one goes on with it.
    pub before: usize,
    /// The folders of definitions of the last one.
    folders: Vec<Named>,
    memory: Memory,
}

impl Walk {
    /// A walk that begins at a commit and ends before one that was read at another time.
    pub fn new(from: &ObjectId, known: Option<&ObjectId>) -> Self {
        Self {
            next: Some(from.clone()),
            known: known.cloned(),
            last: None,
            is_begun: false,
            commits: 0,
            before: 0,
            folders: Vec::new(),
            memory: Memory::default(),
        }
    }

    /// A walk that goes on where another one ended, with the oldest that it read.
    pub fn onward(look: &Look) -> Self {
        Self { last: Some(look.to.clone()), before: look.commits, ..Self::new(&look.to, None) }
    }

    /// How many were read, with those of a look that this one goes on with.
    pub fn all(&self) -> usize {
        self.before + self.commits
    }

    /// What is read next, where another commit stands before it that was read.
    pub fn boundary(&self) -> Option<&ObjectId> {
        self.next.as_ref().filter(|_| self.last.is_some())
    }

    /// Goes back as far as it can with these objects.
    pub fn go(&mut self, objects: &mut Objects<'_>, listener: &mut Listener) -> Result<Stop, Error> {
        loop {
            let Some(id) = self.next.clone() else { return Ok(Stop::Root) };
            if self.known.as_ref() == Some(&id) {
                return Ok(Stop::Known);
            }
            if self.all() >= COMMITS || self.memory.taken > BYTES {
                return Ok(Stop::Limit);
            }
            let Some(commit) = objects.commit(&id)? else { return Ok(Stop::Missing) };
            self.is_begun = true;
            let heard = self.tell(&id, &commit, objects, listener)?;
            // Where another look ended its last commit is read again: what it did not change is known by that.
            self.commits += usize::from(self.last.as_ref() != Some(&id));
            self.next = commit.parent;
            self.last = Some(id);
            if heard.is_break() {
                return Ok(Stop::Enough);
            }
        }
    }

    /// Tells of a commit, where its definitions are not those of the one after it.
    fn tell(
        &mut self,
        id: &ObjectId,
        commit: &object::Commit,
        objects: &mut Objects<'_>,
        listener: &mut Listener,
    ) -> Result<ControlFlow<()>, Error> {
        let Ok(root) = objects.descend(commit.tree.clone())? else { return Ok(ControlFlow::Continue(())) };
        let mut folders = objects.tree(&root)?;
        folders.retain(|named| FOLDERS.iter().any(|folder| folder.as_bytes() == named.name));
        if folders == self.folders {
            return Ok(ControlFlow::Continue(()));
        }
        let mut old = Old { objects, root: &root, folders: &folders, memory: &mut self.memory };
        let collected = collect::collect(&mut old, &root, |_| BTreeSet::new())?;
        self.memory.turn();
        self.folders = folders;
        Ok(listener(&Older { commit: id, committed: commit.committed, files: &collected.files }))
    }
}

/// The three folders of an older revision. What lies beside them is not looked at.
struct Old<'a, 'o> {
    objects: &'a mut Objects<'o>,
    root: &'a ObjectId,
    folders: &'a [Named],
    memory: &'a mut Memory,
}

impl Source for Old<'_, '_> {
    type Handle = ObjectId;

    fn entries(&mut self, folder: &ObjectId) -> Result<Vec<Entry<ObjectId>>, Error> {
        if folder == self.root {
            return Ok(tree::entries(self.folders.to_vec()));
        }
        let objects = &mut *self.objects;
        let tree = self.memory.trees.get(folder, || objects.tree(folder).map(Into::into))?;
        Ok(tree::entries(tree.to_vec()))
    }

    fn size(&mut self, file: &ObjectId) -> Result<u64, Error> {
        let objects = &mut *self.objects;
        let taken = &mut self.memory.taken;
        let held = self.memory.files.get(file, || {
            let size = objects.size(file)?;
            let bytes = if size > collect::FILE_BYTES { None } else { Some(objects.read(file)?) };
            *taken += bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
            Ok(Held { size, bytes })
        })?;
        Ok(held.size)
    }

    fn read(&mut self, file: &ObjectId) -> Result<Arc<[u8]>, Error> {
        let objects = &mut *self.objects;
        let held = self.memory.files.get(file, || {
            let size = objects.size(file)?;
            Ok(Held { size, bytes: Some(objects.read(file)?) })
        })?;
        // The rules of the walk never read what is too large.
        Ok(held.bytes.unwrap_or_default())
    }
}

/// What two revisions, one after the other, may have in common.
#[derive(Debug, Default)]
struct Memory {
    trees: Lately<Arc<[Named]>>,
    files: Lately<Held>,
    /// How many bytes of files were taken, each file once while it is remembered.
    taken: u64,
}

impl Memory {
    fn turn(&mut self) {
        self.trees.turn();
        self.files.turn();
    }
}

/// A file: its size, and its bytes where they are not too many.
#[derive(Debug, Clone)]
struct Held {
    size: u64,
    bytes: Option<Arc<[u8]>>,
}

/// What was of use in this revision, and in the one before it.
#[derive(Debug)]
struct Lately<T> {
    now: HashMap<ObjectId, T>,
    before: HashMap<ObjectId, T>,
}

impl<T> Default for Lately<T> {
    fn default() -> Self {
        Self { now: HashMap::new(), before: HashMap::new() }
    }
}

impl<T: Clone> Lately<T> {
    fn get(&mut self, id: &ObjectId, ask: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        if let Some(held) = self.now.get(id) {
            return Ok(held.clone());
        }
        let held = match self.before.remove(id) {
            Some(held) => held,
            None => ask()?,
        };
        self.now.insert(id.clone(), held.clone());
        Ok(held)
    }

    fn turn(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }
}
