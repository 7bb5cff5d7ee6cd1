//! Whether a revision is signed by somebody who is trusted, and for the ref that names it.
//!
//! Takes the raw objects behind a ref, whom to trust and two moments; gives who signed, or the one reason
//! why that does not count. Nothing is read and no clock is asked: same bytes, same
//! answer. When to look again, and what a refusal leads to, is left to others.

#[cfg(feature = "openpgp")]
pub mod openpgp;
pub mod refusal;
pub mod signers;
pub mod unfit;
#[cfg(not(feature = "openpgp"))]
pub mod without_openpgp;

mod ahead;
mod object;
mod sshsig;

use jiff::Timestamp;

use crate::model::revision::ObjectId;
use crate::model::signature::{Evidence, OPENPGP, Object, Signer, Verified, What};
use crate::signature::ahead::latest;
use crate::signature::object::{Form, Seal, Tag};
#[cfg(feature = "openpgp")]
use crate::signature::openpgp::Keyring;
use crate::signature::refusal::Refusal;
use crate::signature::signers::Signers;
#[cfg(not(feature = "openpgp"))]
use crate::signature::without_openpgp::Keyring;

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

/// Whom to trust: one of the two at least, or nobody counts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Those who sign with SSH.
    pub signers: Option<Signers>,
    /// Those who sign with OpenPGP.
    pub keyring: Option<Keyring>,
}

/// Verifies what must be signed.
pub fn verify(claim: &Claim<'_>, what: What, trust: &Trust, times: Times) -> Result<Verified, Refusal> {
    let tag = |claim| tag(claim, trust, times);
    let commit = |claim| commit(claim, trust, times.now);
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
fn tag(claim: &Claim<'_>, trust: &Trust, times: Times) -> Result<Verified, Refusal> {
    let Some(name) = claim.reference.strip_prefix("refs/tags/") else {
        return Err(Refusal::NoTag { reference: claim.reference.to_owned() });
    };
    let Some(raw) = &claim.evidence.tag else { return Err(Refusal::Lightweight { name: name.to_owned() }) };
    let Tag { object, kind, name: written, seal } = object::tag(raw)?;
    let made = seal.made;
    let signer = signed(Object::Tag, &seal, trust, times.now)?;
    if written != name.as_bytes() {
        let written = String::from_utf8_lossy(written).into_owned();
        return Err(Refusal::OtherName { written, asked: name.to_owned() });
    }
    if kind != b"commit" || object != claim.commit.as_str().as_bytes() {
        return Err(Refusal::OtherCommit { commit: claim.commit.short().to_owned() });
    }
    if made > latest(times.now) {
        return Err(Refusal::Ahead { made });
    }
    if let Some(accepted) = times.accepted.filter(|accepted| made < *accepted) {
        return Err(Refusal::Replayed { made, accepted });
    }
    Ok(Verified { tag: Some(signer), commit: None, tagged: Some(made) })
}

fn commit(claim: &Claim<'_>, trust: &Trust, now: Timestamp) -> Result<Verified, Refusal> {
    let seal = object::commit(&claim.evidence.commit)?;
    let signer = signed(Object::Commit, &seal, trust, now)?;
    Ok(Verified { tag: None, commit: Some(signer), tagged: None })
}

/// Who signed an object, where that counts at its own time and now.
fn signed(object: Object, seal: &Seal<'_>, trust: &Trust, now: Timestamp) -> Result<Signer, Refusal> {
    match (seal.form, &trust.signers, &trust.keyring) {
        (Form::Ssh, Some(signers), _) => with_ssh(object, seal, signers, now),
        (Form::OpenPgp, _, Some(keyring)) => keyring.verify(object, seal, now),
        (Form::Ssh, None, _) => Err(Refusal::NobodyWith { object, format: "SSH" }),
        (Form::OpenPgp, _, None) if OPENPGP => Err(Refusal::NobodyWith { object, format: "OpenPGP" }),
        (Form::OpenPgp, _, None) => Err(Refusal::OtherFormat { object, format: "OpenPGP" }),
        (Form::Other(format), _, _) => Err(Refusal::OtherFormat { object, format }),
    }
}

fn with_ssh(object: Object, seal: &Seal<'_>, signers: &Signers, now: Timestamp) -> Result<Signer, Refusal> {
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
