//! Works on a disk without standing still for it.
//!
//! Takes what is to be done with a keeper and does it on a thread that may block; tells once what goes wrong. What is
//! to be done, and when, is left to `keeping` and `owing`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tracing::{debug, warn};

use crate::kept::error::Error;
use crate::reconcile::causes::chain;

/// How long a disk is waited for. The agent goes on without it, and a release is not held up by it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody who reads and writes a file, and who may take long.
pub struct Patient<K> {
    keeper: Arc<Mutex<K>>,
    /// What is lost without the file.
    lost: &'static str,
    /// What last went wrong, so that it is told once.
    failing: Option<String>,
}

impl<K: Send + 'static> Patient<K> {
    /// Has the work done by this keeper.
    pub fn new(keeper: K, lost: &'static str) -> Self {
        Self { keeper: Arc::new(Mutex::new(keeper)), lost, failing: None }
    }

    /// What the work gave; nothing where it went wrong, which is told as having failed to do this.
    pub async fn work<T: Send + 'static>(
        &mut self,
        attempt: &str,
        work: impl FnOnce(&mut K) -> Result<T, Error> + Send + 'static,
    ) -> Option<T> {
        let result = self.answer(work).await;
        self.told(result, attempt)
    }

    /// Has what was kept read. Nothing where it could not be read, and so is not to be written either; the inner nothing
    /// where there is none that can be used.
    pub async fn read<T: Send + 'static>(
        &mut self,
        attempt: &str,
        read: impl FnOnce(&mut K) -> Result<Option<T>, Error> + Send + 'static,
    ) -> Option<Option<T>> {
        let result = self.answer(read).await;
        // That nothing is there does not say that what went wrong before is over.
        if matches!(result, Some(Ok(None))) {
            return Some(None);
        }
        let is_unusable =
            result.as_ref().is_some_and(|result| result.as_ref().is_err_and(Error::is_unusable));
        let told = self.told(result, attempt);
        if is_unusable { Some(None) } else { told }
    }

    /// Works on a thread that may block; nothing where that takes too long, or still does from the last time.
    async fn answer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut K) -> Result<T, Error> + Send + 'static,
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
        let (why, hint) = match result {
            Some(Ok(done)) => {
                self.failing = None;
                return Some(done);
            }
            Some(Err(error)) => (chain(&error), error.hint().unwrap_or(self.lost)),
            None => ("the disk does not answer".to_owned(), self.lost),
        };
        if self.failing.as_ref() == Some(&why) {
            debug!(error = why, "{attempt}");
        } else {
            warn!(error = why, hint, "{attempt}");
            self.failing = Some(why);
        }
        None
    }
}
