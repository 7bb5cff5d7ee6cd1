//! The end of an operation: a moment on the wall, or the one who asked going away.
//!
//! Takes futures, gives their result or the reason why they were given up. Nothing that a server
//! does may outlast it, so every wait of this room goes through here.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::repo::error::Error;

use crate::repo::problem::Doing;

/// The end of one operation on one repository.
#[derive(Debug, Clone)]
pub struct Deadline {
    repository: Arc<str>,
    at: Instant,
    whole: Duration,
    waiting: watch::Receiver<()>,
}

/// Kept by the one who asked; when it is dropped, everything under the deadline ends.
///
/// A blocking thread is not stopped by dropping the future that waits for it. Without this it would
/// wait on until the deadline, for nobody, and keep the next operation waiting too.
#[derive(Debug)]
pub struct Asking {
    _held: watch::Sender<()>,
}

impl Deadline {
    /// Begins an operation that may take so long.
    pub fn begin(repository: &Arc<str>, whole: Duration) -> (Self, Asking) {
        let (held, waiting) = watch::channel(());
        let deadline =
            Self { repository: Arc::clone(repository), at: Instant::now() + whole, whole, waiting };
        (deadline, Asking { _held: held })
    }

    /// Waits for a future, and not longer than to the end.
    pub async fn bound<F: Future>(&self, doing: Doing, future: F) -> Result<F::Output, Error> {
        let mut waiting = self.waiting.clone();
        tokio::select! {
            biased;
            output = future => Ok(output),
            () = tokio::time::sleep_until(self.at) => Err(self.timed_out(doing)),
            _ = waiting.changed() => Err(self.given_up()),
        }
    }

    /// Says whether the end has come, for code that computes and does not wait.
    pub fn check(&self, doing: Doing) -> Result<(), Error> {
        if self.waiting.has_changed().is_err() {
            Err(self.given_up())
        } else if Instant::now() >= self.at {
            Err(self.timed_out(doing))
        } else {
            Ok(())
        }
    }

    /// How much time is left.
    pub fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// The error that says that the end came.
    pub fn timed_out(&self, doing: Doing) -> Error {
        Error::TimedOut { repository: self.repository.to_string(), doing, after: self.whole }
    }

    fn given_up(&self) -> Error {
        Error::GivenUp { repository: self.repository.to_string() }
    }
}
