//! What an OpenPGP key may do, and when: the part that the library leaves to its users.
//!
//! Takes a certificate and moments, gives the one reason why a key of it does not count. The rules are
//! fewer and stricter than those that OpenPGP offers: the newest of what a key says of itself holds for
//! all times, as `gpg` has it, which writes it over the older; any revocation ends a key, at once, for the
//! past too, and whoever made it; and whoever speaks of a key's use or end must agree. Whether the
//! signature over the data fits is left to `openpgp`.

use jiff::Timestamp;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PublicSubkey, Signature, SignatureConfig, SignatureType, SignatureVersion, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{
    Duration, EcdsaPublicParams, EddsaLegacyPublicParams, KeyDetails, KeyVersion, PublicParams, Tag,
    Timestamp as Second,
};

use crate::signature::ahead::latest;
use crate::signature::openpgp::form::Certificate;
use crate::signature::unfit::{Flaw, Unfit};

/// The fewest bits of an RSA key.
const RSA_BITS: u16 = 2048;

/// What a certificate says of its primary key at a moment.
#[derive(Debug)]
pub struct Standing<'a> {
    /// All that speak of it, of which each has a say.
    statements: Vec<&'a Signature>,
    /// Its name, where it has one.
    pub name: Option<&'a [u8]>,
}

/// A moment of the library; its last one is in 2106.
pub fn moment(time: Second) -> Timestamp {
    Timestamp::from_second(time.as_secs().into()).unwrap_or(Timestamp::MAX)
}

/// What is wrong with a signature that fits, whatever it is of.
pub fn flaw(signature: &Signature, now: Timestamp) -> Option<Flaw> {
    let (Some(config), Some(made)) = (signature.config(), signature.created()) else {
        return Some(Flaw::Version);
    };
    if !matches!(signature.version(), SignatureVersion::V4 | SignatureVersion::V6) {
        return Some(Flaw::Version);
    }
    let SignatureConfig { hash_alg, hashed_subpackets, unhashed_subpackets, .. } = config;
    let is_strong = matches!(
        hash_alg,
        HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_512
    );
    if !is_strong {
        return Some(Flaw::Hash(hash_alg.to_string()));
    }
    let mut parts = hashed_subpackets.iter().chain(unhashed_subpackets);
    if parts.any(|part| part.is_critical && !is_known(&part.data)) {
        return Some(Flaw::Critical);
    }
    let made = moment(made);
    if made > latest(now) {
        return Some(Flaw::Ahead(made));
    }
    ends(made, signature.signature_expiration_time()).filter(|end| *end <= now).map(Flaw::Ended)
}

/// Whether a part of a signature is one that is heeded here, or may be passed over although it is critical.
fn is_known(part: &SubpacketData) -> bool {
    matches!(
        part,
        SubpacketData::SignatureCreationTime(_)
            | SubpacketData::SignatureExpirationTime(_)
            | SubpacketData::KeyExpirationTime(_)
            | SubpacketData::KeyFlags(_)
            | SubpacketData::IssuerKeyId(_)
            | SubpacketData::IssuerFingerprint(_)
            | SubpacketData::EmbeddedSignature(_)
            | SubpacketData::IsPrimary(_)
            // They are about mail.
            | SubpacketData::PreferredSymmetricAlgorithms(_)
            | SubpacketData::PreferredHashAlgorithms(_)
            | SubpacketData::PreferredCompressionAlgorithms(_)
            | SubpacketData::PreferredAeadAlgorithms(_)
            | SubpacketData::PreferredEncryptionModes(_)
            | SubpacketData::Features(_)
    )
}

/// When something ends that began then; without a length, or with none, it does not.
fn ends(from: Timestamp, length: Option<Duration>) -> Option<Timestamp> {
    let seconds = length.filter(|length| length.as_secs() != 0)?.as_secs();
    Timestamp::from_second(from.as_second().saturating_add(seconds.into())).ok()
}

/// The newest of these signatures, of those that are not from ahead.
fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>, now: Timestamp) -> Option<&'a Signature> {
    signatures
        .filter(|signature| signature.created().is_some_and(|made| moment(made) <= latest(now)))
        .max_by_key(|signature| signature.created().map(Second::as_secs))
}

/// Whether the primary key counts, and what is said of it.
pub fn standing<'a>(
    certificate: &'a Certificate,
    moments: &[Timestamp],
    now: Timestamp,
) -> Result<Standing<'a>, Unfit> {
    let Certificate { primary, own, users, subkeys } = certificate;
    strong(primary)?;
    let of_users = users.iter().flat_map(|(_, about)| about);
    let mut all = own.iter().chain(of_users).chain(subkeys.iter().flat_map(|(_, about)| about));
    if all.any(|signature| signature.typ() == Some(SignatureType::KeyRevocation)) {
        return Err(Unfit::Revoked);
    }
    let is_direct = |signature: &&Signature| {
        signature.typ() == Some(SignatureType::Key) && signature.verify_key(primary).is_ok()
    };
    let direct = newest(own.iter().filter(is_direct), now);
    let (name, user) = user(certificate, now).unzip();
    if direct.is_none() && (user.is_none() || primary.version() == KeyVersion::V6) {
        return Err(Unfit::Unbound);
    }
    let statements: Vec<_> = direct.into_iter().chain(user).collect();
    bound(&statements, primary, moments, now)?;
    Ok(Standing { statements, name })
}

/// The name that a certificate goes by, with what it says there: the one that it calls the primary, else
/// the newest.
fn user(certificate: &Certificate, now: Timestamp) -> Option<(&[u8], &Signature)> {
    let signed = |(name, about): &'_ &(Option<_>, Vec<Signature>)| name.is_some() && !about.is_empty();
    let mut found: Option<(&[u8], &Signature)> = None;
    for (name, about) in certificate.users.iter().filter(signed) {
        let Some(name) = name else { continue };
        let own = || {
            about.iter().filter(|signature| {
                signature.verify_certification(&certificate.primary, Tag::UserId, name).is_ok()
            })
        };
        if own().any(|signature| signature.typ() == Some(SignatureType::CertRevocation)) {
            continue;
        }
        let Some(newest) = newest(own(), now) else { continue };
        let rank = |signature: &Signature| (signature.is_primary(), signature.created().map(Second::as_secs));
        if found.is_none_or(|(_, before)| rank(before) < rank(newest)) {
            found = Some((name.id(), newest));
        }
    }
    found
}

/// Whether the primary key may sign data.
pub fn primary_signs(standing: &Standing<'_>) -> Result<(), Unfit> {
    signs(&standing.statements)
}

/// Whether a subkey may sign data, and counts at these moments.
pub fn subkey_signs(
    certificate: &Certificate,
    (key, about): &(PublicSubkey, Vec<Signature>),
    moments: &[Timestamp],
    now: Timestamp,
) -> Result<(), Unfit> {
    strong(key)?;
    if about.iter().any(|signature| signature.typ() == Some(SignatureType::SubkeyRevocation)) {
        return Err(Unfit::Revoked);
    }
    let binds = |signature: &&Signature| {
        signature.typ() == Some(SignatureType::SubkeyBinding)
            && signature.verify_subkey_binding(&certificate.primary, key).is_ok()
    };
    let binding = newest(about.iter().filter(binds), now).ok_or(Unfit::Unbound)?;
    bound(&[binding], key, moments, now)?;
    signs(&[binding])?;
    let answer = binding.embedded_signature().ok_or(Unfit::Unanswered)?;
    if answer.verify_primary_key_binding(key, &certificate.primary).is_err() {
        return Err(Unfit::Unanswered);
    }
    flaw(answer, now).map_or(Ok(()), |flaw| Err(Unfit::Binding(flaw)))
}

/// Whether all that bind a key are sound, and let it count at each of these moments.
fn bound(
    statements: &[&Signature],
    key: &impl KeyDetails,
    moments: &[Timestamp],
    now: Timestamp,
) -> Result<(), Unfit> {
    let made = moment(key.created_at());
    if moments.iter().any(|moment| *moment < made) {
        return Err(Unfit::NotYet(made));
    }
    for statement in statements {
        if let Some(flaw) = flaw(statement, now) {
            return Err(Unfit::Binding(flaw));
        }
        let end = ends(made, statement.key_expiration_time());
        if let Some(end) = end.filter(|end| moments.iter().any(|moment| moment >= end)) {
            return Err(Unfit::Expired(end));
        }
    }
    Ok(())
}

/// Whether all that speak of a key's use say that it signs data, and one of them does.
fn signs(statements: &[&Signature]) -> Result<(), Unfit> {
    let speaks = |signature: &&&Signature| {
        let mut parts = signature.config().into_iter().flat_map(SignatureConfig::hashed_subpackets);
        parts.any(|part| matches!(part.data, SubpacketData::KeyFlags(_)))
    };
    let mut speak = statements.iter().filter(speaks).peekable();
    let said = speak.peek().is_some();
    if said && speak.all(|signature| signature.key_flags().sign()) { Ok(()) } else { Err(Unfit::NotForData) }
}

/// Whether a key is of a kind that can be trusted with a signature at all.
fn strong(key: &impl KeyDetails) -> Result<(), Unfit> {
    if !matches!(key.version(), KeyVersion::V4 | KeyVersion::V6) {
        return Err(Unfit::Kind("one of an old version".to_owned()));
    }
    match key.public_params() {
        PublicParams::RSA(parts) => {
            // Its form begins with the length in bits.
            let bits = parts.to_bytes().ok().and_then(|bytes| bytes.first_chunk().copied());
            let bits = bits.map_or(0, u16::from_be_bytes);
            if bits < RSA_BITS { Err(Unfit::Kind(format!("RSA with {bits} bits"))) } else { Ok(()) }
        }
        PublicParams::ECDSA(
            EcdsaPublicParams::P256 { .. } | EcdsaPublicParams::P384 { .. } | EcdsaPublicParams::P521 { .. },
        )
        | PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { .. })
        | PublicParams::Ed25519(_)
        | PublicParams::Ed448(_) => Ok(()),
        PublicParams::ECDSA(other) => Err(Unfit::Kind(format!("ECDSA with {}", other.curve().name()))),
        _ => Err(Unfit::Kind(format!("{:?}", key.algorithm()))),
    }
}
