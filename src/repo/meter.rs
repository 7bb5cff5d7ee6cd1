//! How much came over the wire in one operation.
//!
//! Takes byte counts from the connections, gives their sum, and an end to a pack that is too large.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::repo::error::Error;

use crate::repo::problem::Limit;

/// The most bytes that one reading may receive.
pub const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Counts the bytes of one operation: bodies and packets, without HTTP's and TLS's own.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    /// Counts bytes that came.
    pub fn count(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts bytes of a pack, and says whether there were too many.
    pub fn count_pack(&self, bytes: usize, repository: &str) -> Result<(), Error> {
        self.count(bytes);
        if self.received() > MOST_BYTES {
            return Err(Error::TooLarge {
                repository: repository.to_owned(),
                limit: Limit::PackBytes(MOST_BYTES),
            });
        }
        Ok(())
    }

    /// All that came so far, in bytes.
    pub fn received(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
