//! Keeps what was accepted last across restarts.
//!
//! Takes what is to be kept and has it written. What is kept, and when it counts, is left to the follower; how it
//! is written, to `kept`.

use std::collections::BTreeMap;

use crate::kept::Keeper;
use crate::model::kept::{Kept, LastGood, Memory};
use crate::model::revision::RepositoryName;
use crate::reconcile::patient::Patient;

/// What is lost with it.
const LOST: &str = "after a start while git is away nothing is in force, and an older signed tag or a lower version \
    is not recognised; docs/operations/state.md has more";

/// What is known of the past of each repository.
pub type Memories = BTreeMap<RepositoryName, Memory>;

/// Keeps what was accepted last.
pub struct Keeping {
    keeper: Patient<Keeper>,
    /// What was last kept of the past of each.
    memories: Memories,
}

impl Keeping {
    /// Keeps it with this keeper.
    pub fn new(keeper: Keeper) -> Self {
        Self { keeper: Patient::new(keeper, LOST), memories: Memories::new() }
    }

    /// What was kept, where something was that is believed.
    pub async fn recall(&mut self) -> Option<LastGood> {
        let last = self.keeper.work("what was accepted last could not be read", Keeper::recall).await??;
        let memory = |kept: &Kept| (kept.snapshot.revision.repository.clone(), kept.memory.clone());
        self.memories = last.repositories.iter().map(memory).collect();
        Some(last)
    }

    /// Keeps this from now on.
    pub async fn keep(&mut self, last: LastGood, memories: Memories) {
        let attempt = "what was accepted could not be kept";
        if self.keeper.work(attempt, move |keeper| keeper.keep(&last)).await.is_some() {
            self.memories = memories;
        }
    }

    /// Keeps what is known of the past, where that is news.
    pub async fn remember(&mut self, memories: Memories) {
        if memories == self.memories {
            return;
        }
        let kept = memories.clone();
        let attempt = "what is known of the repositories' past could not be kept";
        // One that cannot be kept is not tried at each poll: the next release writes it.
        self.memories = memories;
        let _told = self.keeper.work(attempt, move |keeper| keeper.remember(&kept)).await;
    }
}
