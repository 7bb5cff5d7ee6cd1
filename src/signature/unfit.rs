//! Why an OpenPGP key, or what was signed with it, does not count.
//!
//! Takes nothing and gives two enums: the variant is the reason, its text ends a sentence that names the
//! key, its hint says what to do. What is judged so is left to `openpgp`.

use jiff::Timestamp;

/// Why a key does not count for a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is in no certificate that is trusted.
    #[error("which is not among those that may sign")]
    Unknown,
    /// It is of a kind that is too weak, or not checked.
    #[error("which is of a kind that is not accepted: {0}")]
    Kind(String),
    /// It, or its certificate, was taken back.
    #[error("which is revoked")]
    Revoked,
    /// Nothing that its certificate says of itself binds it.
    #[error("which its certificate does not bind with a signature of its own")]
    Unbound,
    /// What binds it does not count.
    #[error("and what binds it to its certificate does not count: {0}")]
    Binding(Flaw),
    /// It may be used for something else.
    #[error("which may not sign data: its flags are for something else")]
    NotForData,
    /// It never said that it belongs to the certificate, so that any certificate could name it as its own.
    #[error("which never signed that it belongs to its certificate")]
    Unanswered,
    /// It was made after what it signed.
    #[error("which counts from {0} on")]
    NotYet(Timestamp),
    /// It ended to count.
    #[error("which counted until {0}")]
    Expired(Timestamp),
    /// The key may be good; the signature is not.
    #[error("in a signature that does not count: {0}")]
    Signature(Flaw),
}

/// What is wrong with a signature that fits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is made over a hash that can be forged, or is not known.
    #[error("it is made with {0}")]
    Hash(String),
    /// It must not be used by who does not know a part of it.
    #[error("it has a critical part that is not known here")]
    Critical,
    /// It is of a version that says too little of itself.
    #[error("it is of an old version")]
    Version,
    /// It says that it was made at a time that has not come.
    #[error("it was made at {0}, which has not come yet")]
    Ahead(Timestamp),
    /// It ended to count.
    #[error("it counted until {0}")]
    Ended(Timestamp),
}

impl Unfit {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unknown => {
                "if this key may release, add its certificate to the file of OpenPGP keys; if not, find out who pushed"
            }
            Self::Kind(_) => {
                "use Ed25519, ECDSA with a NIST curve, or RSA of at least 2048 bits, for the certificate and the subkey"
            }
            Self::Revoked => "find out why; then make the release anew with a key that counts",
            Self::Unbound | Self::Unanswered => {
                "export the certificate again; `gpg --edit-key KEY cross-certify` makes what an old subkey lacks"
            }
            Self::Binding(_) => {
                "renew it: `gpg --cert-digest-algo SHA512 --quick-set-expire KEY 1y`, and the same for the subkeys"
            }
            Self::NotForData => "sign with a key that has the use `sign`: `gpg --list-keys` shows it as [S]",
            Self::NotYet(_) | Self::Expired(_) => {
                "make the release anew with a key that counts, or export a certificate that was prolonged; a key counts at \
                 the time of signing and now"
            }
            Self::Signature(Flaw::Hash(_)) => {
                "take `digest-algo` out of gpg.conf, and make the release again"
            }
            Self::Signature(Flaw::Ahead(_)) => {
                "correct the clock where releases are made, and make the release again"
            }
            Self::Signature(Flaw::Critical | Flaw::Version | Flaw::Ended(_)) => {
                "make the release again, with `gpg` as it is without options"
            }
        }
    }
}
