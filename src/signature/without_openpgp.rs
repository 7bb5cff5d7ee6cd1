//! OpenPGP, in a build without the feature `openpgp`.
//!
//! Takes what the room with the library takes, and gives the one answer that is left: nobody is trusted.
//! That a signature is an OpenPGP one, is known without the library.

use jiff::Timestamp;

use crate::model::signature::{Object, Signer};
use crate::signature::object::Seal;
use crate::signature::refusal::Refusal;

/// The OpenPGP keys that are trusted; there are none.
#[derive(Debug, Clone)]
pub enum Keyring {}

impl Keyring {
    /// Refuses the file.
    pub fn parse(_file: &[u8]) -> Result<Self, Refusal> {
        Err(Refusal::NotBuilt)
    }

    /// There is none to verify with.
    pub fn verify(&self, _: Object, _: &Seal<'_>, _: Timestamp) -> Result<Signer, Refusal> {
        match *self {}
    }
}
