//! A file of the settings that cannot be used, and why.
//!
//! Takes which setting names it and what is wrong, gives an error that holds nothing of the content.
//! Finding out is left to the rooms that read.

use std::io;
use std::path::PathBuf;

/// Why a file cannot be used, without anything of what it holds.
#[derive(Debug, thiserror::Error)]
#[error("failed to use `{key}`, {}", .path.display())]
pub struct Unusable {
    /// The setting that names it.
    pub key: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The system does not give it.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// It is longer than anything that is wanted here.
    #[error("it is longer than 1 MiB")]
    TooLong,
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It is no line of text that a header can carry.
    #[error("it is not one line of plain text")]
    NotALine,
    /// There is no certificate in it.
    #[error("it holds no certificate in PEM")]
    NoCertificate,
    /// It does not end where a certificate does, or holds something else under that name.
    #[error("a certificate in it cannot be read")]
    BrokenCertificate,
    /// There is no key in it.
    #[error("it holds no private key in PEM")]
    NoKey,
    /// The key needs a passphrase.
    #[error("its private key is encrypted, which the agent cannot read")]
    EncryptedKey,
    /// The key is none that can be used.
    #[error("the private key in it cannot be read")]
    BrokenKey,
    /// The key is another certificate's.
    #[error("its private key does not belong to the certificate of `connect.client_certificate_file`")]
    OtherKey,
}
