//! A signature as `ssh-keygen` writes it: its form, and whether it fits.
//!
//! Takes the armored text and the bytes that were signed. The form is read by a library, the
//! mathematics done by another; what is here says which forms are taken. Whose key it is, is left to
//! `signers`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use ssh_key::public::{EcdsaPublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, PublicKey, SshSig};

use crate::model::signature::Object;
use crate::signature::refusal::Refusal;

const BEGIN: &[u8] = b"-----BEGIN SSH SIGNATURE-----\n";
const END: &[u8] = b"-----END SSH SIGNATURE-----";

/// The use that `git` signs for, so that a signature made for something else cannot serve here.
pub const NAMESPACE: &str = "git";

/// How long a line of its text is.
const LINE: usize = 70;

/// The bit that a security key sets when somebody touched it.
const TOUCHED: u8 = 1;

/// Reads a signature. Everything in it is either covered by it or has the one value that is taken here, so
/// that no byte can be changed without consequence.
pub fn parse(object: Object, armor: &[u8]) -> Result<SshSig, Refusal> {
    let unreadable = |why| Refusal::Unreadable { object, why };
    let lines = armor
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(b"\n").unwrap_or(rest).strip_suffix(END))
        .and_then(|lines| lines.strip_suffix(b"\n"))
        .ok_or(unreadable("something stands around it"))?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\n".contains(byte);
    if !lines.iter().all(plain) {
        return Err(unreadable("it is not in base 64"));
    }
    let signature = SshSig::from_pem(armor).map_err(|_| unreadable("its form is not known"))?;
    // The library takes a wrong length where it needs none, so what it read is written anew and compared.
    if written(&signature).is_none_or(|text| text.trim_end().as_bytes() != armor.trim_ascii_end()) {
        return Err(unreadable("it is not as ssh-keygen writes it"));
    }
    if signature.version() != SshSig::VERSION || !signature.reserved().is_empty() {
        return Err(unreadable("it is of another version"));
    }
    if signature.namespace() != NAMESPACE {
        return Err(Refusal::Namespace { object, found: signature.namespace().to_owned() });
    }
    Ok(signature)
}

/// A signature as `ssh-keygen` writes it. The library can read what one kind of security key makes, and
/// cannot write it.
fn written(signature: &SshSig) -> Option<String> {
    let algorithm = signature.algorithm();
    let made = signature.signature_bytes();
    let (made, behind) = match algorithm {
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => {
            made.split_at_checked(made.len().checked_sub(5)?)?
        }
        _ => (made, &[][..]),
    };
    let key = PublicKey::from(signature.public_key().clone()).to_bytes().ok()?;
    let made = [&text(algorithm.as_str().as_bytes())?[..], &text(made)?, behind].concat();
    let mut blob = b"SSHSIG".to_vec();
    blob.extend_from_slice(&signature.version().to_be_bytes());
    let (namespace, hash) = (signature.namespace().as_bytes(), signature.hash_alg());
    for part in [&key[..], namespace, signature.reserved(), hash.as_str().as_bytes(), &made] {
        blob.extend(text(part)?);
    }
    let coded = STANDARD.encode(blob);
    let lines: Vec<_> = coded.as_bytes().chunks(LINE).map(String::from_utf8_lossy).collect();
    let (begin, end) = (String::from_utf8_lossy(BEGIN), String::from_utf8_lossy(END));
    Some(format!("{begin}{}\n{end}", lines.join("\n")))
}

/// Bytes with their length in front.
fn text(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(bytes.len()).ok()?;
    Some([&length.to_be_bytes(), bytes].concat())
}

/// Checks that a signature fits what was signed.
pub fn check(object: Object, signature: &SshSig, payload: &[u8]) -> Result<(), Refusal> {
    let unsupported = || {
        let kind =
            format!("{} with a signature {}", signature.public_key().algorithm(), signature.algorithm());
        Refusal::KeyKind { object, kind }
    };
    let Ok(message) = SshSig::signed_data(NAMESPACE, signature.hash_alg(), payload) else {
        return Err(Refusal::Unreadable { object, why: "its hash is not known" });
    };
    let made = signature.signature_bytes();
    let fits = match (signature.public_key(), signature.algorithm()) {
        (KeyData::Ed25519(key), Algorithm::Ed25519) => holds(&ED25519, &key.0, &message, made),
        (KeyData::Ecdsa(key), Algorithm::Ecdsa { curve }) if key.curve() == curve => match key {
            EcdsaPublicKey::NistP256(_) => {
                ecdsa(&ECDSA_P256_SHA256_FIXED, 32, key.as_sec1_bytes(), &message, made)
            }
            EcdsaPublicKey::NistP384(_) => {
                ecdsa(&ECDSA_P384_SHA384_FIXED, 48, key.as_sec1_bytes(), &message, made)
            }
            EcdsaPublicKey::NistP521(_) => return Err(unsupported()),
        },
        (KeyData::Rsa(key), Algorithm::Rsa { hash: Some(hash) }) => {
            let algorithm = match hash {
                HashAlg::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                HashAlg::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
                _ => return Err(unsupported()),
            };
            let (Some(n), Some(e)) = (key.n.as_positive_bytes(), key.e.as_positive_bytes()) else {
                return Err(unsupported());
            };
            if n.len() < 256 {
                return Err(unsupported());
            }
            RsaPublicKeyComponents { n, e }.verify(algorithm, &message, made).is_ok()
        }
        (KeyData::SkEd25519(key), Algorithm::SkEd25519) => {
            let (touched, made) = hardware(object, key.application(), &message, made)?;
            holds(&ED25519, &key.public_key().0, &touched, made)
        }
        (KeyData::SkEcdsaSha2NistP256(key), Algorithm::SkEcdsaSha2NistP256) => {
            let (touched, made) = hardware(object, key.application(), &message, made)?;
            ecdsa(&ECDSA_P256_SHA256_FIXED, 32, key.ec_point().as_bytes(), &touched, made)
        }
        (_, _) => return Err(unsupported()),
    };
    if fits { Ok(()) } else { Err(Refusal::Forged { object }) }
}

fn holds(algorithm: &'static dyn VerificationAlgorithm, key: &[u8], message: &[u8], made: &[u8]) -> bool {
    UnparsedPublicKey::new(algorithm, key).verify(message, made).is_ok()
}

/// What a security key really signs, and its signature without the flags and the counter at the end.
fn hardware<'s>(
    object: Object,
    application: &str,
    message: &[u8],
    made: &'s [u8],
) -> Result<(Vec<u8>, &'s [u8]), Refusal> {
    let Some((made, [flags, counter @ ..])) = made.split_last_chunk::<5>() else {
        return Err(Refusal::Unreadable { object, why: "it is too short" });
    };
    if flags & TOUCHED == 0 {
        return Err(Refusal::Untouched { object });
    }
    let mut signed = digest(&SHA256, application.as_bytes()).as_ref().to_vec();
    signed.push(*flags);
    signed.extend_from_slice(counter);
    signed.extend_from_slice(digest(&SHA256, message).as_ref());
    Ok((signed, made))
}

/// Checks an ECDSA signature, which SSH writes as two numbers and the mathematics take at their full width.
fn ecdsa(
    algorithm: &'static dyn VerificationAlgorithm,
    width: usize,
    key: &[u8],
    message: &[u8],
    made: &[u8],
) -> bool {
    let Some((r, rest)) = number(made) else { return false };
    let Some((s, [])) = number(rest) else { return false };
    let mut fixed = Vec::with_capacity(2 * width);
    for number in [r, s] {
        let Some(missing) = width.checked_sub(number.len()) else { return false };
        fixed.resize(fixed.len() + missing, 0);
        fixed.extend_from_slice(number);
    }
    holds(algorithm, key, message, &fixed)
}

/// The first number of several, without the zero that keeps it positive.
fn number(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (number, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    Some((number.strip_prefix(&[0]).unwrap_or(number), rest))
}
