//! Whether what was kept of a repository may be put in force today.
//!
//! Takes what was kept, gives it with whoever signs for it now, or nothing, and says in the log why. What must be
//! signed is judged by those who may sign today. What is made of it is left to `followed`.

use std::sync::Arc;

use tracing::warn;

use crate::model::kept::Kept;
use crate::model::revision::At;
use crate::model::signature::Evidence;
use crate::model::snapshot::Snapshot;
use crate::repo::Repository;

/// What counts again.
pub struct Recalled {
    /// The files, with the revision and whoever signs for it now.
    pub snapshot: Snapshot,
    /// What the signatures are found good on, where some are asked for.
    pub evidence: Option<Arc<Evidence>>,
}

/// Judges what was kept of this repository.
pub async fn judge(repository: &Repository, kept: Kept) -> Option<Recalled> {
    let Kept { source: _, snapshot, evidence, memory } = kept;
    let mut snapshot = Arc::unwrap_or_clone(snapshot);
    let name = snapshot.revision.repository.clone();
    let evidence = evidence.filter(|_| repository.is_verified());
    let found = match &evidence {
        Some(evidence) => repository.verify_again(&snapshot.revision, evidence, memory.tagged).await,
        None if repository.is_verified() => {
            warn!(repository = %name, "what was accepted last is not in force: signatures were not asked for then");
            return None;
        }
        None => Ok(None),
    };
    match found {
        Ok(found) => {
            if let At::Git { verified, .. } = &mut snapshot.revision.at {
                *verified = found;
            }
            Some(Recalled { snapshot, evidence })
        }
        Err(error) => {
            let cause = &error as &dyn std::error::Error;
            warn!(repository = %name, error = cause, "what was accepted last is not in force: its signature does not count today");
            None
        }
    }
}
