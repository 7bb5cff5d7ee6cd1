//! Whether a revision is signed by somebody who is trusted, and for the ref that names it.
//!
//! Takes the raw objects behind a ref, the file of allowed signers and two moments; gives who signed, or
//! the one reason why that does not count. Nothing is read and no clock is asked: same bytes, same
//! answer. When to look again, and what a refusal leads to, is left to others.

pub mod refusal;
pub mod signers;

mod object;
mod sshsig;

use jiff::{SignedDuration, Timestamp};

use crate::model::revision::ObjectId;
use crate::model::signature::{Evidence, Object, Signer, Verified, What};
use crate::signature::object::{Seal, Tag};
use crate::signature::refusal::Refusal;
use crate::signature::signers::Signers;

/// How far a tag's own time may lie ahead: clocks differ. A tag from far ahead would make every later one
/// an old one.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// What is to be verified.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The full name of the ref that was asked for, as in `refs/tags/v1`.
    pub reference: &'a str,
    /// The commit whose files were read.
    pub commit: &'a ObjectId,
    /// The objects themselves.
    pub evidence: &'a Evidence,
}

/// The moments that a signature is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Now.
    pub now: Timestamp,
    /// When the tag was made that was accepted last; `None` where none was, or it is not known.
    pub accepted: Option<Timestamp>,
}

/// Verifies what must be signed.
pub fn verify(claim: &Claim<'_>, what: What, signers: &Signers, times: Times) -> Result<Verified, Refusal> {
    let tag = |claim| tag(claim, signers, times);
    let commit = |claim| commit(claim, signers, times.now);
    match what {
        What::Tag => tag(claim),
        What::Commit => commit(claim),
        What::TagAndCommit => {
            let tag = tag(claim)?;
            Ok(Verified { commit: commit(claim)?.commit, ..tag })
        }
        What::TagOrCommit => match tag(claim) {
            // Nobody vouches by the tag. One that is signed wrongly is another matter.
            Err(
                Refusal::NoTag { .. }
                | Refusal::Lightweight { .. }
                | Refusal::Unsigned { object: Object::Tag },
            ) => commit(claim),
            verified => verified,
        },
    }
}

/// Verifies the tag: a good signature says nothing unless it is on this name, on this commit, and on no
/// older state than one that was accepted already.
fn tag(claim: &Claim<'_>, signers: &Signers, times: Times) -> Result<Verified, Refusal> {
    let Some(name) = claim.reference.strip_prefix("refs/tags/") else {
        return Err(Refusal::NoTag { reference: claim.reference.to_owned() });
    };
    let Some(raw) = &claim.evidence.tag else { return Err(Refusal::Lightweight { name: name.to_owned() }) };
    let Tag { object, kind, name: written, seal } = object::tag(raw)?;
    let made = seal.made;
    let signer = signed(Object::Tag, &seal, signers, times.now)?;
    if written != name.as_bytes() {
        let written = String::from_utf8_lossy(written).into_owned();
        return Err(Refusal::OtherName { written, asked: name.to_owned() });
    }
    if kind != b"commit" || object != claim.commit.as_str().as_bytes() {
        return Err(Refusal::OtherCommit { commit: claim.commit.short().to_owned() });
    }
    if made > times.now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX) {
        return Err(Refusal::Ahead { made });
    }
    if let Some(accepted) = times.accepted.filter(|accepted| made < *accepted) {
        return Err(Refusal::Replayed { made, accepted });
    }
    Ok(Verified { tag: Some(signer), commit: None, tagged: Some(made) })
}

fn commit(claim: &Claim<'_>, signers: &Signers, now: Timestamp) -> Result<Verified, Refusal> {
    let seal = object::commit(&claim.evidence.commit)?;
    let signer = signed(Object::Commit, &seal, signers, now)?;
    Ok(Verified { tag: None, commit: Some(signer), tagged: None })
}

/// Who signed an object, where that counts at its own time and now.
fn signed(object: Object, seal: &Seal<'_>, signers: &Signers, now: Timestamp) -> Result<Signer, Refusal> {
    let signature = sshsig::parse(object, &seal.armor)?;
    let key = signature.public_key();
    if !signers.has(key) {
        let key = signers::fingerprint(key);
        return Err(Refusal::UnknownKey { object, key });
    }
    sshsig::check(object, &signature, &seal.payload)?;
    signers.trust(object, key, [seal.made, now])
}

#[cfg(test)]
mod hardware;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod made;
#[cfg(test)]
mod tests;
