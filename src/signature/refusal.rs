//! Why a revision does not count as signed.
//!
//! Takes nothing and gives one enum: the variant is the reason, its text says it, its hint says what to
//! do. What a repository wrote is quoted, so that it cannot disturb a terminal.

use jiff::Timestamp;

use crate::model::signature::{OPENPGP, Object};
use crate::signature::unfit::Unfit;

/// What can be checked, in the words of a refusal.
const KNOWN: &str = if OPENPGP {
    "SSH and OpenPGP signatures"
} else {
    "SSH signatures (it was built without the feature `openpgp`)"
};

/// Why a revision does not count as signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A tag must be signed, and what is followed is none.
    #[error("{reference} is no tag, and a signed tag is asked for")]
    NoTag {
        /// The ref.
        reference: String,
    },
    /// The tag is no object that could be signed.
    #[error(
        "the tag {name:?} is lightweight: it names the commit, and there is nothing that could be signed"
    )]
    Lightweight {
        /// The tag.
        name: String,
    },
    /// There is no signature.
    #[error("the {object} is not signed")]
    Unsigned {
        /// Which object.
        object: Object,
    },
    /// It is signed in a way that is not known here.
    #[error("the {object} is signed with {format}, and this build knows only {KNOWN}")]
    OtherFormat {
        /// Which object.
        object: Object,
        /// In which way.
        format: &'static str,
    },
    /// It is signed in a way that the settings trust nobody with.
    #[error("the {object} is signed with {format}, and the settings name nobody who may sign with that")]
    NobodyWith {
        /// Which object.
        object: Object,
        /// In which way.
        format: &'static str,
    },
    /// It is signed with an OpenPGP key, and that does not count.
    #[error("the {object} is signed with the OpenPGP key {key}, {why}")]
    Unfit {
        /// Which object.
        object: Object,
        /// The key's fingerprint, or what the signature says of it.
        key: String,
        /// Why not.
        why: Unfit,
    },
    /// The object is not as git writes it.
    #[error("the {object} is not as git writes it: {why}")]
    Malformed {
        /// Which object.
        object: Object,
        /// What is wrong.
        why: &'static str,
    },
    /// The signature cannot be read.
    #[error("the signature of the {object} cannot be read: {why}")]
    Unreadable {
        /// Which object.
        object: Object,
        /// What is wrong.
        why: &'static str,
    },
    /// The signature was made for something else.
    #[error("the signature of the {object} was made for {found:?}, not for git")]
    Namespace {
        /// Which object.
        object: Object,
        /// Its namespace.
        found: String,
    },
    /// The key is of a kind that is not checked here.
    #[error("the {object} is signed with a key of a kind that is not supported: {kind}")]
    KeyKind {
        /// Which object.
        object: Object,
        /// The kind.
        kind: String,
    },
    /// The key is not in the file of allowed signers.
    #[error("the {object} is signed with the key {key}, which is not among the allowed signers")]
    UnknownKey {
        /// Which object.
        object: Object,
        /// Its fingerprint.
        key: String,
    },
    /// What was signed is something else.
    #[error("the signature of the {object} does not fit it: one of them was changed")]
    Forged {
        /// Which object.
        object: Object,
    },
    /// A security key signed, and nobody had touched it.
    #[error("the {object} was signed by a security key that nobody touched")]
    Untouched {
        /// Which object.
        object: Object,
    },
    /// The key may sign, but not in git.
    #[error(
        "the {object} is signed with a key that may not sign for git (line {line} of the allowed signers)"
    )]
    NotForGit {
        /// Which object.
        object: Object,
        /// The line of the key.
        line: usize,
    },
    /// The key does not count yet.
    #[error(
        "the {object} is signed with a key that counts from {after} on (line {line} of the allowed signers)"
    )]
    NotYetValid {
        /// Which object.
        object: Object,
        /// The line of the key.
        line: usize,
        /// From when on it counts.
        after: Timestamp,
    },
    /// The key counts no more.
    #[error(
        "the {object} is signed with a key that counted until {before} (line {line} of the allowed signers)"
    )]
    Expired {
        /// Which object.
        object: Object,
        /// The line of the key.
        line: usize,
        /// Until when it counted.
        before: Timestamp,
    },
    /// The signed tag is another one.
    #[error("the signed tag is {written:?}, and {asked:?} points at it")]
    OtherName {
        /// The name inside.
        written: String,
        /// The name that is followed.
        asked: String,
    },
    /// The signed tag is of another object.
    #[error("the signed tag does not name the commit {commit} that was read")]
    OtherCommit {
        /// The commit, shortened.
        commit: String,
    },
    /// The tag says that it was made at a time that has not come.
    #[error("the tag says that it was made at {made}, which has not come yet")]
    Ahead {
        /// When.
        made: Timestamp,
    },
    /// The tag is older than one that was accepted.
    #[error(
        "the signed tag is of {made}, and one of {accepted} was accepted before: an old one was put back"
    )]
    Replayed {
        /// When it was made.
        made: Timestamp,
        /// When the newer one was.
        accepted: Timestamp,
    },
    /// OpenPGP keys are named, and this build has no use for them.
    #[error("OpenPGP keys are named, and this build knows only {KNOWN}")]
    NotBuilt,
    /// The file of OpenPGP keys cannot be used.
    #[error("the file of OpenPGP keys cannot be used: {why}")]
    Keyring {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file of allowed signers names nobody.
    #[error("the file of allowed signers names nobody")]
    Nobody,
    /// The file of allowed signers cannot be used.
    #[error("line {line} of the allowed signers cannot be used: {why}")]
    Line {
        /// The line.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Refusal {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoTag { .. } => "follow a tag, or set `verify.what` to `commit`",
            Self::Lightweight { .. } | Self::Unsigned { object: Object::Tag } => {
                "make the release with `git tag -s`, with `gpg.format` set to `ssh`"
            }
            Self::Unsigned { object: Object::Commit } => {
                "sign commits with `git commit -S`, with `gpg.format` set to `ssh`; a merge made by a forge is signed by \
                 the forge, or not at all"
            }
            Self::OtherFormat { .. } => "sign with an SSH key: `git config gpg.format ssh`",
            Self::NobodyWith { .. } => {
                "sign with a key that counts, or name more who may sign: `allowed_signers_file` is for SSH, \
                 `openpgp_keys_file` for OpenPGP"
            }
            Self::Unfit { why, .. } => why.hint(),
            Self::NotBuilt => "build with `--features openpgp`, or leave `openpgp_keys_file` out",
            Self::Keyring { .. } => {
                "write it with `gpg --export-options export-minimal --armor --export KEY…`, with public keys alone"
            }
            Self::Malformed { .. } | Self::Unreadable { .. } => "make the release again, with `git` itself",
            Self::Namespace { .. } => {
                "sign with `git tag -s` or `git commit -S`, not with `ssh-keygen` by hand"
            }
            Self::KeyKind { .. } => {
                "use an Ed25519 key, an ECDSA key of 256 or 384 bits, or an RSA key of at least 2048 bits"
            }
            Self::UnknownKey { .. } => {
                "if this key may release, add it to the file of allowed signers; if not, find out who pushed"
            }
            Self::Forged { .. } => "find out who pushed; then make the release again",
            Self::Untouched { .. } => "make the key without `no-touch-required`, and the release again",
            Self::NotForGit { .. } => "add `git` to `namespaces` in that line, or leave the option out",
            Self::NotYetValid { .. } => "wait, or correct `valid-after` in that line",
            Self::Expired { .. } => {
                "make the release anew with a key that counts; a key counts at the time of signing and now"
            }
            Self::OtherName { .. } => "sign a tag of the followed name: `git tag -s -f NAME COMMIT`",
            Self::OtherCommit { .. } => "make the tag again, on a commit",
            Self::Ahead { .. } => "correct the clock where releases are made, and make the tag again",
            Self::Replayed { .. } => {
                "to go back to an older commit, sign the tag anew: `git tag -s -f NAME COMMIT`"
            }
            Self::Nobody => "write a line for each signer: `NAME namespaces=\"git\" ssh-ed25519 AAAA…`",
            Self::Line { .. } => "`man ssh-keygen` has the form, under ALLOWED SIGNERS",
        }
    }
}
