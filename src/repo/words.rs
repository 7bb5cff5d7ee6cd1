//! What `ssh` means by its words.
//!
//! Takes its exit code and what it said, gives the reason of a failure. It has no other way to tell a
//! refused key from an unknown host.

use crate::repo::cause::Cause;
use crate::repo::error::Error;
use crate::repo::problem::{Doing, HostKeyProblem, KeyProblem};

/// What `ssh` itself ends with when it could not do its work; other codes are the far side's.
const OWN_FAILURE: i32 = 255;

/// Reads `ssh`'s words.
pub fn reason(repository: &str, doing: Doing, code: Option<i32>, said: &str) -> Error {
    let repository = repository.to_owned();
    let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    let source = match said.trim() {
        "" => Cause::new("`ssh` ended without a word"),
        said => Cause::new(said),
    };
    if code != Some(OWN_FAILURE) && code.is_some() {
        return if has(&["not appear to be a git repository", "not found", "No such file", "does not exist"]) {
            Error::NoRepository { repository, source }
        } else {
            Error::NotUnderstood { repository, doing, source }
        };
    }
    // The far side may say anything before it ends; what `ssh` says of host keys comes before that.
    if has(&["REVOKED HOST KEY DETECTED", "is marked as revoked", "was revoked"]) {
        Error::HostKey { repository, problem: HostKeyProblem::Revoked, source }
    } else if has(&["REMOTE HOST IDENTIFICATION HAS CHANGED"]) {
        Error::HostKey { repository, problem: HostKeyProblem::Changed, source }
    } else if has(&["Host key verification failed"]) {
        Error::HostKey { repository, problem: HostKeyProblem::Unknown, source }
    } else if has(&["Permission denied", "Too many authentication failures"]) {
        // Without such a key there would be no other reason to be refused.
        if has(&["Load key \""]) {
            Error::Key { repository, problem: KeyProblem::Unreadable, source }
        } else {
            Error::Denied { repository, shown: true, source }
        }
    } else {
        Error::Unreachable { repository, doing, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_ssh_have_classes() {
        use crate::model::report::Class;
        for (code, said, class) in [
            (255, "git@host: Permission denied (publickey).", Class::AuthFailed),
            (255, "Host key verification failed.", Class::AuthFailed),
            (
                255,
                "Load key \"/k\": invalid format\ngit@host: Permission denied (publickey).",
                Class::AuthFailed,
            ),
            (255, "ssh: connect to host x port 22: Connection refused", Class::Unreachable),
            (255, "", Class::Unreachable),
            (128, "fatal: '/x' does not appear to be a git repository", Class::RefMissing),
            (1, "ERROR: Repository not found.", Class::RefMissing),
            (127, "sh: git-upload-pack: command unknown", Class::NotUnderstood),
        ] {
            assert_eq!(reason("r", Doing::Listing, Some(code), said).class(), class, "{said}");
        }
    }
}
