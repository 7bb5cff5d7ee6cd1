//! Looks whether a revision carries the signatures that are asked for.
//!
//! Takes what the settings ask of one repository and the objects that were read, gives who signed. The
//! files that say whom to trust are read here, each time; whether a signature counts is judged by
//! `signature`.

use std::io;
use std::path::Path;

use crate::files;
use crate::model::signature::Verified;
use crate::repo::error::Error;
use crate::repo::options::Verification;
#[cfg(feature = "openpgp")]
use crate::signature::openpgp::Keyring;
use crate::signature::refusal::Refusal;
use crate::signature::signers::Signers;
#[cfg(not(feature = "openpgp"))]
use crate::signature::without_openpgp::Keyring;
use crate::signature::{self, Claim, Times, Trust};

/// The longest file of those who may sign.
const LONGEST: u64 = 1024 * 1024;

/// Verifies what is asked for; blocks for a moment, on the file. Whatever is wrong with it, nobody counts.
pub fn verify(
    asked: &Verification,
    repository: &str,
    claim: &Claim<'_>,
    times: Times,
) -> Result<Verified, Error> {
    let refused = |source: Refusal| Error::Unverified {
        repository: repository.to_owned(),
        reference: claim.reference.to_owned(),
        source,
    };
    let Verification { what, allowed_signers_file, openpgp_keys_file } = asked;
    let unread = |path: &Path, source| Error::AllowedSigners { path: path.to_owned(), source };
    let mut trust = Trust::default();
    if let Some(path) = allowed_signers_file {
        let text = read(path).and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
        let text = text.map_err(|source| unread(path, source))?;
        trust.signers = Some(Signers::parse(&text).map_err(refused)?);
    }
    if let Some(path) = openpgp_keys_file {
        let keys = read(path).map_err(|source| unread(path, source))?;
        trust.keyring = Some(Keyring::parse(&keys).map_err(refused)?);
    }
    signature::verify(claim, *what, &trust, times).map_err(refused)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    files::read(path, LONGEST)
}
