//! Whether an OpenPGP signature counts: who signed, or the one reason why not.
//!
//! Takes certificates that are trusted, a signature with what was signed, and moments. The forms are read,
//! and the mathematics done, by a library that leaves the rest to its users: `rules` says which keys may sign
//! and when. No network, no keyserver, no web of trust: a certificate counts because it is in the file.

mod form;
mod rules;

use jiff::Timestamp;
use pgp::packet::{Signature, SignatureType};
use pgp::types::{Fingerprint, KeyDetails};

use crate::model::character::is_unprintable;
use crate::model::signature::{Object, Signer};
use crate::signature::object::Seal;
use crate::signature::openpgp::form::Certificate;
use crate::signature::refusal::Refusal;
use crate::signature::unfit::{Flaw, Unfit};

/// How much of a name is told.
const NAME: usize = 120;

/// The certificates that are trusted.
#[derive(Debug, Clone)]
pub struct Keyring {
    certificates: Vec<Certificate>,
}

impl Keyring {
    /// Reads a file of public keys, as `gpg --export` writes it, armored or not. One that cannot be read makes
    /// the whole file unusable; one that has expired or is revoked does not.
    pub fn parse(file: &[u8]) -> Result<Self, Refusal> {
        let certificates = form::certificates(file).map_err(|why| Refusal::Keyring { why })?;
        Ok(Self { certificates })
    }

    /// Who signed, where that counts at the time of the signature, at the object's own time and now.
    pub fn verify(&self, object: Object, seal: &Seal<'_>, now: Timestamp) -> Result<Signer, Refusal> {
        let signature = form::signature(object, &seal.armor)?;
        if signature.typ() != Some(SignatureType::Binary) {
            return Err(Refusal::Unreadable { object, why: "it is not of bytes as they are" });
        }
        let mut refused = None;
        for certificate in &self.certificates {
            match by(certificate, object, &signature, seal, now) {
                Some(Ok(signer)) => return Ok(signer),
                Some(Err(refusal)) => refused = refused.or(Some(refusal)),
                None => {}
            }
        }
        let unknown = || Refusal::Unfit { object, key: issuer(&signature), why: Unfit::Unknown };
        Err(refused.unwrap_or_else(unknown))
    }
}

/// The verdict on a signature that names a key of this certificate as its maker; `None` where it names none.
fn by(
    certificate: &Certificate,
    object: Object,
    signature: &Signature,
    seal: &Seal<'_>,
    now: Timestamp,
) -> Option<Result<Signer, Refusal>> {
    let subkey = certificate.subkeys.iter().find(|(key, _)| names(signature, key));
    let (key, fits) = match subkey {
        Some((key, _)) => (key.fingerprint(), signature.verify(key, &*seal.payload)),
        None if names(signature, &certificate.primary) => {
            (certificate.primary.fingerprint(), signature.verify(&certificate.primary, &*seal.payload))
        }
        None => return None,
    };
    let judge = || {
        let made = signature.created().map(rules::moment).ok_or(Unfit::Signature(Flaw::Version))?;
        let moments = [made, seal.made, now];
        let standing = rules::standing(certificate, &moments, now)?;
        match subkey {
            Some(subkey) => rules::subkey_signs(certificate, subkey, &moments, now)?,
            None => rules::primary_signs(&standing)?,
        }
        Ok(standing.name)
    };
    let told = hexadecimal(&key);
    // First, for the library takes some of these flaws for a signature that does not fit.
    if let Some(flaw) = rules::flaw(signature, now) {
        return Some(Err(Refusal::Unfit { object, key: told, why: Unfit::Signature(flaw) }));
    }
    if fits.is_err() {
        return Some(Err(Refusal::Forged { object }));
    }
    Some(match judge() {
        Ok(name) => {
            let principals = principals(&certificate.primary.fingerprint(), name).into();
            Ok(Signer { principals, key: told.into() })
        }
        Err(why) => Err(Refusal::Unfit { object, key: told, why }),
    })
}

/// Whether all that a signature says of its maker is true of a key, and it says something.
fn names(signature: &Signature, key: &impl KeyDetails) -> bool {
    let (ids, fingerprints) = (signature.issuer_key_id(), signature.issuer_fingerprint());
    !(ids.is_empty() && fingerprints.is_empty())
        && ids.iter().all(|id| **id == key.legacy_key_id())
        && fingerprints.iter().all(|fingerprint| **fingerprint == key.fingerprint())
}

/// What a signature says of its maker.
fn issuer(signature: &Signature) -> String {
    let fingerprint = signature.issuer_fingerprint().first().map(|fingerprint| hexadecimal(fingerprint));
    let id = || signature.issuer_key_id().first().map(|id| id.to_string().to_uppercase());
    fingerprint.or_else(id).unwrap_or_else(|| "that it does not name".to_owned())
}

fn hexadecimal(fingerprint: &Fingerprint) -> String {
    format!("{fingerprint:X}")
}

/// A certificate's fingerprint, and the name that its owner gave it: whoever reads the name alone would take
/// the owner's word for it.
fn principals(fingerprint: &Fingerprint, name: Option<&[u8]>) -> String {
    let mut told = hexadecimal(fingerprint);
    if let Some(name) = name {
        let name = String::from_utf8_lossy(name);
        told.push(' ');
        told.extend(name.chars().map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }).take(NAME));
    }
    told
}

#[cfg(test)]
mod by_gpg;
#[cfg(test)]
mod made;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_form;
