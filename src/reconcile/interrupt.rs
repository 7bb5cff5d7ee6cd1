//! When to leave off.
//!
//! Takes the word that the agent is to end and the newest accepted revision, answers whether the
//! work in hand is still wanted. An ending agent begins nothing new; a newer revision ends a cycle
//! after the request in hand.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::model::desired::Desired;
use crate::model::revision::Revision;

/// How long a request that is still open may go on after the agent was told to end. Together with
/// what follows it stays inside the ten seconds that container platforms give.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// What ends a cycle early.
#[derive(Debug, Clone)]
pub struct Interrupt {
    ending: watch::Receiver<bool>,
    newest: watch::Receiver<Option<Arc<Desired>>>,
}

impl Interrupt {
    /// Listens to the word to end, and to what the follower accepts.
    pub fn new(ending: watch::Receiver<bool>, newest: watch::Receiver<Option<Arc<Desired>>>) -> Self {
        Self { ending, newest }
    }

    /// The same work, where somebody else says when to end.
    #[must_use]
    pub fn ended_by(&self, ending: watch::Receiver<bool>) -> Self {
        Self { ending, newest: self.newest.clone() }
    }

    /// What was accepted last.
    pub fn newest(&self) -> Option<Arc<Desired>> {
        self.newest.borrow().clone()
    }

    /// Whether the agent is to end.
    pub fn is_ending(&self) -> bool {
        *self.ending.borrow()
    }

    /// Whether work for a revision is no longer wanted.
    pub fn supersedes(&self, revision: &Revision) -> bool {
        self.is_ending() || self.newest.borrow().as_ref().is_some_and(|newest| newest.revision != *revision)
    }

    /// Waits until work for a revision is no longer wanted.
    pub async fn superseded(&self, revision: &Revision) {
        let (mut ending, mut newest) = (self.ending.clone(), self.newest.clone());
        let ended = ended(&mut ending);
        let newer = async {
            let newer =
                |newest: &Option<Arc<Desired>>| newest.as_ref().is_some_and(|one| one.revision != *revision);
            if newest.wait_for(newer).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = ended => {}
            () = newer => {}
        }
    }

    /// Waits until the agent has been ending for as long as an open request may go on.
    pub async fn out_of_patience(&self) {
        ended(&mut self.ending.clone()).await;
        tokio::time::sleep(PATIENCE).await;
    }

    /// Waits until the agent is to end.
    pub async fn ending(&self) {
        ended(&mut self.ending.clone()).await;
    }

    /// Lets something run that changes nothing; `None` where the agent is to end before it is done.
    pub async fn unless_ending<T>(&self, reading: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            read = reading => Some(read),
            () = self.ending() => None,
        }
    }
}

async fn ended(ending: &mut watch::Receiver<bool>) {
    // A dropped sender means that nobody can ask for the end any more.
    if ending.wait_for(|ending| *ending).await.is_err() {
        std::future::pending::<()>().await;
    }
}
