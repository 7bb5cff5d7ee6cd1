//! Looks whether a revision carries the signatures that are asked for.
//!
//! Takes what the settings ask of one repository and the objects that were read, gives who signed. The
//! file of allowed signers is read here, each time; whether a signature counts is judged by
//! `signature`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::model::signature::Verified;
use crate::repo::error::Error;
use crate::repo::options::Verification;
use crate::signature::refusal::Refusal;
use crate::signature::signers::Signers;
use crate::signature::{self, Claim, Times};

/// The longest file of allowed signers.
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
    let text = read(&asked.allowed_signers_file)
        .map_err(|source| Error::AllowedSigners { path: asked.allowed_signers_file.clone(), source })?;
    let signers = Signers::parse(&text).map_err(refused)?;
    signature::verify(claim, asked.what, &signers, times).map_err(refused)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if read as u64 > LONGEST {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(text)
}
