//! Keeps what was accepted last across restarts.
//!
//! Takes what is to be kept and has it written, again and again where that fails. What is kept, and when it counts,
//! is left to the follower; how it is written, to `kept`.

use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use crate::kept::Keeper;
use crate::model::kept::{Kept, LastGood, Memories, Memory, Of};
use crate::reconcile::patient::Patient;

/// What is lost with it.
const LOST: &str = "after a start while git is away nothing is in force, and an older signed tag or a lower version \
    is not recognised; it is tried again; docs/operations/state.md has more";

/// How long after the first attempt the next one is; each later one waits twice as long.
const REST: Duration = Duration::from_secs(1);

/// The longest rest between two attempts.
const LONGEST_REST: Duration = Duration::from_mins(5);

/// Keeps what was accepted last.
pub struct Keeping {
    keeper: Patient<Keeper>,
    /// What was last kept of the past of each.
    memories: Memories,
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
            owed: None,
            again: Instant::now(),
            rest: REST,
        }
    }

    /// What was kept, where something was that is believed.
    pub async fn recall(&mut self) -> Option<LastGood> {
        let last = self.keeper.work("what was accepted last could not be read", Keeper::recall).await??;
        self.memories = last.repositories.iter().map(past).collect();
        Some(last)
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

    async fn write(&mut self, last: LastGood) {
        let (attempt, kept) = ("what was accepted could not be kept", last.clone());
        if self.keeper.work(attempt, move |keeper| keeper.keep(&kept)).await.is_some() {
            self.memories = last.repositories.iter().map(past).collect();
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

/// What is known of the past of one repository.
fn past(kept: &Kept) -> (Of, Memory) {
    let name = kept.snapshot.revision.repository.clone();
    (Of { name, source: kept.source.clone() }, kept.memory.clone())
}
