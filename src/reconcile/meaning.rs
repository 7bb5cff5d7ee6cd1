//! What an answer of a repository means: to its pace, to its state, and whether it is news.
//!
//! Takes errors and places where a ref stands, judges them. Acting on it is left to `followed`.

use crate::model::report::{Class, RepositoryState};
use crate::model::revision::At;
use crate::pipeline::polling::Answer;
use crate::repo::error::Error;

/// What an error says of the pace. The class tells most of it; a few need a second look.
pub fn answer(error: &Error) -> Answer {
    match error {
        // Many hosts say so to whom they do not know.
        Error::NoRepository { .. } => Answer::Refused,
        Error::Unreachable { source, .. } if source.is_about_certificates() => Answer::Refused,
        // To find it out again costs as much as is allowed.
        Error::TooLarge { .. } => Answer::Trouble,
        _ => error.class().into(),
    }
}

/// Whether an error in reading is one of the revision, and not of the way to it.
pub fn is_of_revision(error: &Error) -> bool {
    matches!(error.class(), Class::Unverified | Class::Unusable | Class::NotUnderstood)
}

/// Whether both name the same thing; the committer's time and the signer are only known after reading.
pub fn same(read: &At, listed: &At) -> bool {
    match (read, listed) {
        (At::Git { object, .. }, At::Git { object: named, .. }) => {
            object == named && is_same_commit(read, listed)
        }
        (At::Directory { .. } | At::Git { .. }, At::Directory { .. } | At::Git { .. }) => read == listed,
    }
}

/// Whether both name the same commit by the same ref, through whatever tag object.
pub fn is_same_commit(read: &At, listed: &At) -> bool {
    match (read, listed) {
        (
            At::Git { reference, object: _, commit, committed: _, verified: _ },
            At::Git { reference: named, object: _, commit: its_commit, committed: _, verified: _ },
        ) => (reference, commit) == (named, its_commit),
        (At::Directory { .. } | At::Git { .. }, At::Directory { .. } | At::Git { .. }) => read == listed,
    }
}

/// How a repository fares that could not be asked.
pub fn state(class: Class) -> RepositoryState {
    match class {
        Class::AuthFailed | Class::Denied => RepositoryState::AuthFailed,
        Class::RefMissing => RepositoryState::RefMissing,
        Class::Unverified => RepositoryState::VerificationFailed,
        Class::Unusable | Class::Invalid => RepositoryState::Invalid,
        // The server answers, and what it names was another thing a moment later.
        Class::Superseded => RepositoryState::Stale,
        Class::NotLeader
        | Class::LeadInDoubt
        | Class::Rebalancing
        | Class::Starting
        | Class::Unreachable
        | Class::TimedOut
        | Class::Exists
        | Class::NotFound
        | Class::Waiting
        | Class::NotUnderstood
        | Class::Unsupported
        | Class::Failed
        | Class::DataLost
        | Class::NotDue
        | Class::Canary
        | Class::Internal => RepositoryState::Unreachable,
    }
}

#[cfg(test)]
pub mod tests {
    use std::time::Duration;

    use super::*;
    use crate::repo::problem::{Doing, Limit};

    /// A server that is busy, and says for how long where it does.
    pub fn later(seconds: Option<u64>) -> Error {
        let later = seconds.map(Duration::from_secs);
        Error::Status { repository: String::new(), doing: Doing::Listing, status: 503, later }
    }

    #[test]
    fn a_ref_that_does_not_stand_still_is_stale_and_asked_for_soon() {
        let (repository, reference) = (String::new(), "refs/tags/v1".to_owned());
        let moving = Error::Moving { repository, reference };
        assert_eq!((state(moving.class()), answer(&moving)), (RepositoryState::Stale, Answer::Racing));
        assert_eq!(state(later(None).class()), RepositoryState::Unreachable);
    }

    #[test]
    fn a_missing_tag_is_asked_for_at_the_interval_and_what_is_too_large_is_not() {
        let (repository, reference) = (String::new(), "refs/tags/v1".to_owned());
        assert_eq!(answer(&Error::NoReference { repository, reference }), Answer::Told);
        let (repository, limit) = (String::new(), Limit::PackBytes(1));
        assert_eq!(answer(&Error::TooLarge { repository, limit }), Answer::Trouble);
        assert_eq!(answer(&later(None)), Answer::Trouble);
    }
}
