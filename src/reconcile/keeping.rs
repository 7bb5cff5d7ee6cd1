//! Keeps what was accepted last across restarts, without standing still for a disk.
//!
//! Takes what is to be kept and hands it to a thread that may block; tells once what goes wrong. What is kept,
//! and when it counts, is left to the follower; how it is written, to `kept`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tracing::{debug, warn};

use crate::kept::Keeper;
use crate::kept::error::Error;
use crate::model::kept::{Kept, LastGood, Memory};
use crate::model::revision::RepositoryName;
use crate::reconcile::cycle::chain;

/// How long a disk is waited for. The agent goes on without it, and a release is not held up by it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is lost with it.
const LOST: &str = "after a start while git is away nothing is in force, and an older signed tag or a lower version \
    is not recognised; docs/operations/state.md has more";

/// What is known of the past of each repository.
pub type Memories = BTreeMap<RepositoryName, Memory>;

/// Keeps what was accepted last.
pub struct Keeping {
    keeper: Arc<Mutex<Keeper>>,
    /// What was last kept of the past of each.
    memories: Memories,
    /// What last went wrong, so that it is told once.
    failing: Option<String>,
}

impl Keeping {
    /// Keeps it with this keeper.
    pub fn new(keeper: Keeper) -> Self {
        Self { keeper: Arc::new(Mutex::new(keeper)), memories: Memories::new(), failing: None }
    }

    /// What was kept, where something was that is believed.
    pub async fn recall(&mut self) -> Option<LastGood> {
        let result = self.work(Keeper::recall).await;
        let last = self.told(result, "what was accepted last could not be read").flatten()?;
        let memory = |kept: &Kept| (kept.snapshot.revision.repository.clone(), kept.memory.clone());
        self.memories = last.repositories.iter().map(memory).collect();
        Some(last)
    }

    /// Keeps this from now on.
    pub async fn keep(&mut self, last: LastGood, memories: Memories) {
        let result = self.work(move |keeper| keeper.keep(&last)).await;
        if self.told(result, "what was accepted could not be kept").is_some() {
            self.memories = memories;
        }
    }

    /// Keeps what is known of the past, where that is news.
    pub async fn remember(&mut self, memories: Memories) {
        if memories == self.memories {
            return;
        }
        let kept = memories.clone();
        let result = self.work(move |keeper| keeper.remember(&kept)).await;
        // One that cannot be kept is not tried at each poll: the next release writes it.
        self.memories = memories;
        self.told(result, "what is known of the repositories' past could not be kept");
    }

    /// Works on a thread that may block; nothing where that takes too long, or still does from the last time.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Keeper) -> Result<T, Error> + Send + 'static,
    ) -> Option<Result<T, Error>> {
        let mut keeper = Arc::clone(&self.keeper).try_lock_owned().ok()?;
        let thread = tokio::task::spawn_blocking(move || work(&mut keeper));
        match tokio::time::timeout(PATIENCE, thread).await {
            Ok(Ok(result)) => Some(result),
            Ok(Err(join)) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
            Ok(Err(_)) | Err(_) => None,
        }
    }

    /// Tells what went wrong, aloud where that is news.
    fn told<T>(&mut self, result: Option<Result<T, Error>>, attempt: &str) -> Option<T> {
        let why = match result {
            Some(Ok(done)) => {
                self.failing = None;
                return Some(done);
            }
            Some(Err(error)) => chain(&error),
            None => "the disk does not answer".to_owned(),
        };
        if self.failing.as_ref() == Some(&why) {
            debug!(error = why, "{attempt}");
        } else {
            warn!(error = why, hint = LOST, "{attempt}");
            self.failing = Some(why);
        }
        None
    }
}
