//! What is signed, whose signature is asked for, and what was found.
//!
//! Takes nothing and gives only shapes. Whether a signature holds is judged by `signature`; reading the
//! objects, and the file that says whom to trust, is left to `repo`.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Whether this build checks OpenPGP signatures, which is a feature of it.
pub const OPENPGP: bool = cfg!(feature = "openpgp");

/// What of a revision must be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The tag itself: who moves it without a key is refused, back to an old signed one included.
    Tag,
    /// The commit, whatever names it.
    Commit,
    /// Both.
    TagAndCommit,
    /// The tag where it is signed, else the commit.
    TagOrCommit,
}

impl What {
    /// Every one of them.
    pub const ALL: [Self; 4] = [Self::Tag, Self::Commit, Self::TagAndCommit, Self::TagOrCommit];

    /// The word for it in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Commit => "commit",
            Self::TagAndCommit => "tag-and-commit",
            Self::TagOrCommit => "tag-or-commit",
        }
    }

    /// Whether only a tag can satisfy it.
    pub fn needs_tag(self) -> bool {
        match self {
            Self::Tag | Self::TagAndCommit => true,
            Self::Commit | Self::TagOrCommit => false,
        }
    }
}

/// A kind of object that is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// An annotated tag.
    Tag,
    /// A commit.
    Commit,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tag => "tag",
            Self::Commit => "commit",
        })
    }
}

/// The objects behind a ref, byte for byte as git has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The tag object; `None` where the ref names the commit itself.
    pub tag: Option<Vec<u8>>,
    /// The commit.
    pub commit: Vec<u8>,
}

/// Whose signature was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Who it is: the principals of its line in the file of allowed signers, or the fingerprint and the user
    /// id of an OpenPGP certificate.
    pub principals: Arc<str>,
    /// The fingerprint of the key that signed: `SHA256:…`, or that of an OpenPGP key.
    pub key: Arc<str>,
}

/// A revision whose signatures are good: at least one of the two is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Who signed the tag, where that was asked for.
    pub tag: Option<Signer>,
    /// Who signed the commit, where that was asked for.
    pub commit: Option<Signer>,
    /// When the tag says that it was made; an older one is refused from now on.
    pub tagged: Option<Timestamp>,
}

impl Verified {
    /// What the signatures are on.
    pub fn what(&self) -> What {
        match (&self.tag, &self.commit) {
            (Some(_), Some(_)) => What::TagAndCommit,
            (Some(_), None) => What::Tag,
            (None, _) => What::Commit,
        }
    }

    /// The fingerprints of the keys, the tag's first, each once.
    pub fn keys(&self) -> Vec<&str> {
        self.each(|signer| &signer.key)
    }

    fn each<'s>(&'s self, part: impl Fn(&'s Signer) -> &'s str) -> Vec<&'s str> {
        let mut seen = BTreeSet::new();
        let parts = self.tag.iter().chain(&self.commit).map(part);
        parts.filter(|part| seen.insert(*part)).collect()
    }
}

impl fmt::Display for Verified {
    /// Writes the principals, the tag's signer first, each once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.each(|signer| &signer.principals).join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_signers_are_both_named_and_one_is_named_once() {
        let signer = |name: &str| Signer { principals: name.into(), key: format!("SHA256:{name}").into() };
        let both = |tag: &str, commit: &str| Verified {
            tag: Some(signer(tag)),
            commit: Some(signer(commit)),
            tagged: None,
        };
        assert_eq!(both("ada", "bob").to_string(), "ada and bob");
        assert_eq!(both("ada", "bob").keys(), ["SHA256:ada", "SHA256:bob"]);
        assert_eq!(both("ada", "ada").to_string(), "ada");
    }
}
