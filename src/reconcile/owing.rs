//! What is owed behind masks, from turn to turn and across restarts.
//!
//! Takes what a turn desires, sees and does; says which masked keys must be written, and keeps what is known of them
//! before anything is sent. What follows from what is left to `pipeline::owing`, how it is written to `kept`.

use crate::kept::LedgerKeeper;
use crate::kept::key::Key;
use crate::model::desired::Desired;
use crate::model::ledger::{Ledger, Owed, Sure, Taken, Wanted};
use crate::model::live::Live;
use crate::model::plan::Action;
use crate::pipeline::owing;
use crate::reconcile::patient::Patient;

/// What is lost with it.
const LOST: &str = "a secret that changed while the agent was away is not written where Connect masks it; \
    docs/operations/state.md has more";

/// What an agent knows of values that nobody can read.
pub struct Owing {
    key: Key,
    ledger: Ledger,
    /// What is desired in this turn.
    wanted: Wanted,
    file: Option<Patient<LedgerKeeper>>,
    /// What the file holds, once it was read or written.
    written: Option<Ledger>,
    /// Whether the file was read. What could not be is not written either: it may say more than is known now.
    is_read: bool,
}

impl Owing {
    /// Knows it until it ends, and longer where there is a file.
    pub fn new(file: Option<LedgerKeeper>) -> Self {
        Self {
            key: Key::random(),
            ledger: Ledger::new(),
            wanted: Wanted::new(),
            file: file.map(|keeper| Patient::new(keeper, LOST)),
            written: None,
            is_read: false,
        }
    }

    /// Begins a turn that desires this.
    pub async fn begin(&mut self, desired: &Desired) {
        if !self.is_read {
            self.recall(desired).await;
        }
        self.wanted = self.key.digests(desired);
    }

    async fn recall(&mut self, desired: &Desired) {
        let Some(file) = &mut self.file else { return };
        let attempt = "digests of what was desired could not be read, and are not written until they can";
        let Some(read) = file.read(attempt, LedgerKeeper::recall).await else { return };
        self.is_read = true;
        if let Some((key, ledger)) = read {
            self.written = Some(ledger.clone());
            let seen = std::mem::replace(&mut self.ledger, ledger);
            owing::recalled(&mut self.ledger, &seen, &self.key.digests(desired));
            self.key = key;
        }
    }

    /// The masked keys that must be written.
    pub fn owed(&self, live: &Live) -> Owed {
        owing::owed(&self.ledger, &self.wanted, live)
    }

    /// The masked keys that are known to be as they are desired.
    pub fn sure(&self, live: &Live) -> Sure {
        owing::sure(&self.ledger, &self.wanted, live)
    }

    /// Takes note of what the cluster shows.
    pub fn look(&mut self, desired: &Desired, live: &Live) {
        owing::looked(&mut self.ledger, &self.wanted, desired, live);
    }

    /// Takes note that somebody else may write what is desired, or may not.
    pub fn doubt(&mut self) {
        owing::doubted(&mut self.ledger, &self.wanted);
    }

    /// Takes note of what is about to be sent; gives what was known before.
    pub fn sending(&mut self, actions: &[Action]) -> Ledger {
        let before = self.ledger.clone();
        for action in actions {
            owing::sending(&mut self.ledger, &self.wanted, action);
        }
        before
    }

    /// Takes note of what became of it.
    pub fn ended(&mut self, before: &Ledger, action: &Action, taken: Taken) {
        owing::ended(&mut self.ledger, before, &self.wanted, action, taken);
    }

    /// Keeps what is known, where that is news.
    pub async fn keep(&mut self) {
        let Some(file) = self.file.as_mut().filter(|_| self.is_read) else { return };
        if self.written.as_ref() == Some(&self.ledger) {
            return;
        }
        let (key, ledger) = (self.key.clone(), self.ledger.clone());
        let attempt = "digests of what is desired could not be kept";
        if file.work(attempt, move |keeper| keeper.keep(&key, &ledger)).await.is_some() {
            self.written = Some(self.ledger.clone());
        }
    }
}
