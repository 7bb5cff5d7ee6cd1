//! Keeps what was accepted last across restarts.
//!
//! Takes what is to be kept and has it written, again and again where that fails. What is kept, and when it counts,
//! is left to the follower; how it is written, to `kept`.

use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use crate::kept::Keeper;
use crate::kept::error::Error;
use crate::model::kept::{LastGood, Memories};
use crate::reconcile::patient::Patient;

/// What is lost with it.
const LOST: &str = "after a start while git is away nothing is in force, and an older signed tag or a lower version \
    is not recognised; it is tried again; docs/operations/state.md has more";

/// How long after the first attempt the next one is; each later one waits twice as long.
const REST: Duration = Duration::from_secs(1);

/// The longest rest between two attempts.
const LONGEST_REST: Duration = Duration::from_mins(5);

/// How the file is read.
type Recall = fn(&mut Keeper) -> Result<Option<LastGood>, Error>;

/// Keeps what was accepted last.
pub struct Keeping {
    keeper: Patient<Keeper>,
    /// What was last kept of the past of each.
    memories: Memories,
    /// Whether the file was read. What could not be is not written either: it may say more than is known now.
    is_read: bool,
    /// Whether a file was read that was put aside, where there is one.
    is_aside_read: bool,
    /// What they said of the past where they were read late: it is kept beside what this agent knows.
    before: Memories,
    /// What was accepted last and is not kept yet.
    owed: Option<LastGood>,
    /// When it is tried again after an attempt that failed, and how long the next rest is.
    again: Instant,
    rest: Duration,
}

impl Keeping {
    /// Keeps it with this keeper.
    pub fn new(keeper: Keeper) -> Self {
        Self {
            keeper: Patient::new(keeper, LOST),
            memories: Memories::new(),
            is_read: false,
            is_aside_read: false,
            before: Memories::new(),
            owed: None,
            again: Instant::now(),
            rest: REST,
        }
    }

    /// What was kept, where something was that is believed.
    pub async fn recall(&mut self) -> Option<LastGood> {
        let last = self.read(Keeper::recall).await??;
        self.memories = last.memories();
        Some(last)
    }

    /// Reads the file; nothing where it cannot be read.
    async fn read(&mut self, recall: Recall) -> Option<Option<LastGood>> {
        let attempt = "what was accepted last could not be read, and is not written until it can";
        let read = self.keeper.read(attempt, recall).await;
        self.is_read = read.is_some();
        read
    }

    /// Reads the file where it could not be read before; says whether it was read by now.
    async fn read_late(&mut self, recall: Recall) -> bool {
        if !self.is_read
            && let Some(Some(last)) = self.read(recall).await
        {
            self.learn(&last);
        }
        if self.is_read && !self.is_aside_read {
            let attempt = "what was known of the repositories' past could not be read";
            let before = self.keeper.read(attempt, Keeper::before).await;
            self.is_aside_read = before.is_some();
            if let Some(last) = before.flatten() {
                self.learn(&last);
            }
        }
        self.is_read
    }

    /// Takes note of what a file says of the past that is older than those that were read before.
    fn learn(&mut self, last: &LastGood) {
        for (of, memory) in last.memories() {
            self.before.entry(of).or_default().add(&memory);
        }
    }

    /// What is known of the past, with what the file said of it.
    fn whole(&self, mut memories: Memories) -> Memories {
        for (of, memory) in &mut memories {
            if let Some(before) = self.before.get(of) {
                memory.add(before);
            }
        }
        memories
    }

    /// Whether what was accepted last is kept.
    pub fn is_kept(&self) -> bool {
        self.owed.is_none()
    }

    /// Keeps this from now on.
    pub async fn keep(&mut self, last: LastGood) {
        self.rest = REST;
        self.write(last).await;
    }

    /// Keeps what is known of the past, where that is news, and what could not be kept before.
    pub async fn remember(&mut self, memories: Memories) {
        if Instant::now() < self.again {
            return;
        }
        let recall = if self.is_kept() { Keeper::recall } else { Keeper::recall_before_newer };
        if !self.read_late(recall).await {
            self.rest();
            return;
        }
        let memories = self.whole(memories);
        if let Some(mut last) = self.owed.take() {
            last.remember(&memories);
            self.write(last).await;
            if self.is_kept() {
                info!("what was accepted last is kept now");
            }
        } else if memories != self.memories {
            let kept = memories.clone();
            let attempt = "what is known of the repositories' past could not be kept";
            if self.keeper.work(attempt, move |keeper| keeper.remember(&kept)).await.is_some() {
                self.memories = memories;
                self.rest = REST;
            } else {
                self.rest();
            }
        }
    }

    async fn write(&mut self, mut last: LastGood) {
        if !self.read_late(Keeper::recall_before_newer).await {
            self.owed = Some(last);
            self.rest();
            return;
        }
        let memories = self.whole(last.memories());
        last.remember(&memories);
        let (attempt, kept) = ("what was accepted could not be kept", last.clone());
        if self.keeper.work(attempt, move |keeper| keeper.keep(&kept)).await.is_some() {
            self.memories = memories;
            self.rest = REST;
        } else {
            self.owed = Some(last);
            self.rest();
        }
    }

    fn rest(&mut self) {
        self.again = Instant::now() + self.rest;
        self.rest = (self.rest * 2).min(LONGEST_REST);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::kept::Whose;
    use crate::model::kept::{Kept, Memory, Of};
    use crate::model::name::EnvironmentName;
    use crate::model::revision::{At, ObjectId, RepositoryName, RepositoryRevision};
    use crate::model::snapshot::Snapshot;
    use crate::model::version::VersionTag;

    fn keeper(folder: &Path) -> Keeper {
        let environment = EnvironmentName::new("test").expect("a name");
        let connect = "http://localhost:8083/";
        Keeper::new(folder, Whose { environment: &environment, source: "s", connect })
    }

    fn memory(second: i64, versions: &[&str]) -> Memory {
        let commit = ObjectId::new(&"a".repeat(40)).expect("an id");
        let tag = |name: &&str| VersionTag { name: (*name).into(), commit: commit.clone() };
        let tagged = Timestamp::from_second(second).ok();
        Memory { tagged, version: None, versions: versions.iter().map(tag).collect() }
    }

    fn last(digit: &str, memory: Memory) -> LastGood {
        let commit = ObjectId::new(&digit.repeat(40)).expect("an id");
        let reference = "refs/tags/v1".into();
        let at = At::Git { reference, object: commit.clone(), commit, committed: None, verified: None };
        let revision = RepositoryRevision { repository: RepositoryName::main(), at };
        let files = BTreeMap::new();
        let snapshot = Arc::new(Snapshot { revision, files, ignored: Vec::new(), findings: Vec::new() });
        let kept = Kept { source: "s".into(), snapshot, evidence: None, memory };
        LastGood { accepted: Timestamp::UNIX_EPOCH, repositories: vec![kept] }
    }

    fn file(folder: &Path, ending: &str) -> PathBuf {
        let files = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
        files.into_iter().find(|path| path.to_string_lossy().ends_with(ending)).expect("a file")
    }

    fn kept(folder: &Path) -> (String, Memory) {
        let last = keeper(folder).look().expect("it can be read").expect("it is there");
        let one = &last.repositories[0];
        (one.snapshot.revision.at.to_string(), one.memory.clone())
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_counts_for_no_start_once_more_is_accepted_and_what_it_knew_stays_known()
     {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        Keeping::new(keeper(folder)).keep(last("b", memory(90, &["v1.0.0"]))).await;
        let before = kept(folder);
        // What is locked is no file: nobody can say whether another agent has it.
        let lock = file(folder, "lock");
        fs::remove_file(&lock).and_then(|()| fs::create_dir(&lock)).expect("it can be replaced");
        let mut keeping = Keeping::new(keeper(folder));
        assert!(keeping.recall().await.is_none());
        keeping.remember(Memories::new()).await;
        assert_eq!(kept(folder), before, "nothing newer was accepted: it stays as it is");
        keeping.again = Instant::now();
        keeping.keep(last("c", memory(50, &["v1.1.0"]))).await;
        assert!(!keeping.is_kept());
        assert!(keeper(folder).look().expect("it can be read").is_none(), "a start would take this back");

        fs::remove_dir(&lock).expect("it is empty");
        let of = Of { name: RepositoryName::main(), source: "s".into() };
        let now = Memories::from([(of, memory(60, &["v1.1.0"]))]);
        let deadline = Instant::now() + Duration::from_mins(2);
        while !keeping.is_kept() {
            assert!(Instant::now() < deadline, "it is read by then");
            tokio::time::sleep(Duration::from_millis(50)).await;
            keeping.remember(now.clone()).await;
        }
        let (revision, known) = kept(folder);
        assert_ne!(revision, before.0, "what was accepted meanwhile is kept");
        assert_eq!(known, memory(90, &["v1.1.0", "v1.0.0"]), "with what is known of the past");
        keeping.remember(now).await;
        assert_eq!(kept(folder).1, known, "nothing less is ever written over it");
        let left: Vec<_> = fs::read_dir(folder).expect("a folder").flatten().collect();
        assert_eq!(left.len(), 2, "the file and its lock: {left:?}");
    }

    #[tokio::test]
    async fn what_was_put_aside_is_taken_up_by_the_next_agent_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        Keeping::new(keeper(folder)).keep(last("b", memory(90, &["v1.0.0"]))).await;
        let lock = file(folder, "lock");
        fs::remove_file(&lock).and_then(|()| fs::create_dir(&lock)).expect("it can be replaced");
        Keeping::new(keeper(folder)).keep(last("c", memory(50, &["v1.1.0"]))).await;
        fs::remove_dir(&lock).expect("it is empty");

        let mut keeping = Keeping::new(keeper(folder));
        assert!(keeping.recall().await.is_none(), "something newer was accepted");
        keeping.keep(last("c", memory(50, &["v1.1.0"]))).await;
        assert_eq!(kept(folder).1, memory(90, &["v1.1.0", "v1.0.0"]));
    }
}
