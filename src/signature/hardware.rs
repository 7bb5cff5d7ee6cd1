//! Signatures as security keys make them, put together by hand from their documented form.
//!
//! Such a key signs a digest of its application, flags and a counter with the message; the flags and the
//! counter stand behind the signature. No test here has such a key, and none needs one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, SHA512, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

use crate::model::signature::{Verified, What};
use crate::signature::made::{MADE, judge, tag};
use crate::signature::refusal::Refusal;

const APPLICATION: &[u8] = b"ssh:";

/// What a key says when it was touched, and that it asked for a PIN besides.
const TOUCHED: u8 = 1;
const PIN: u8 = 4;

/// A security key.
enum Hardware {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
}

fn text(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("short");
    [&length.to_be_bytes(), bytes].concat()
}

/// A number as SSH writes it: without zeros in front, but for the one that keeps it positive.
fn number(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let sign: &[u8] = if bytes.get(first).is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    text(&[sign, &bytes[first..]].concat())
}

impl Hardware {
    fn both() -> [Self; 2] {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let ecdsa = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
        let ed25519 = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).expect("32 bytes are a seed");
        [Self::Ed25519(ed25519), Self::Ecdsa(ecdsa.expect("it was just made"))]
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "sk-ssh-ed25519@openssh.com",
            Self::Ecdsa(_) => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    fn public(&self, application: &[u8]) -> Vec<u8> {
        let key = match self {
            Self::Ed25519(pair) => text(pair.public_key().as_ref()),
            Self::Ecdsa(pair) => [text(b"nistp256"), text(pair.public_key().as_ref())].concat(),
        };
        [text(self.name().as_bytes()), key, text(application)].concat()
    }

    /// A line of the allowed signers.
    fn line(&self, application: &[u8]) -> String {
        format!("ada {} {}\n", self.name(), STANDARD.encode(self.public(application)))
    }

    /// What the key gives for a message: the signature alone.
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Ecdsa(pair) => {
                let made = pair.sign(&SystemRandom::new(), message).expect("it signs");
                let (r, s) = made.as_ref().split_at(32);
                [number(r), number(s)].concat()
            }
        }
    }

    /// The whole of a signature over a payload; `told` are the flags that stand in it, `signed` those that the
    /// key signed.
    fn blob(&self, payload: &[u8], told: u8, signed: u8) -> Vec<u8> {
        let counter = 7_u32.to_be_bytes();
        let head = [text(b"git"), text(b""), text(b"sha512")].concat();
        let message = [&b"SSHSIG"[..], &head, &text(digest(&SHA512, payload).as_ref())].concat();
        let (application, message) = (digest(&SHA256, APPLICATION), digest(&SHA256, &message));
        let touched = [application.as_ref(), &[signed], &counter, message.as_ref()].concat();
        let signature = [text(self.name().as_bytes()), text(&self.sign(&touched)), vec![told]].concat();
        let signature = text(&[signature, counter.to_vec()].concat());
        [&b"SSHSIG\0\0\0\x01"[..], &text(&self.public(APPLICATION)), &head, &signature].concat()
    }

    fn tag(&self, told: u8, signed: u8) -> Vec<u8> {
        let payload = tag("v1", MADE);
        [payload.as_bytes(), armor(&self.blob(payload.as_bytes(), told, signed)).as_bytes()].concat()
    }
}

fn armor(blob: &[u8]) -> String {
    let coded = STANDARD.encode(blob);
    let lines: Vec<_> = coded.as_bytes().chunks(70).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

fn verdict(raw: Vec<u8>, signers: &str) -> Result<Verified, Refusal> {
    judge(Some(raw), Vec::new(), What::Tag, signers)
}

#[test]
fn a_security_key_that_was_touched_signs() {
    for key in Hardware::both() {
        for flags in [TOUCHED, TOUCHED | PIN] {
            let verified = verdict(key.tag(flags, flags), &key.line(APPLICATION));
            let by = verified.map(|verified| verified.to_string());
            assert_eq!(by.ok().as_deref(), Some("ada"), "{} {flags}", key.name());
        }
    }
}

#[test]
fn a_security_key_that_nobody_touched_does_not_sign() {
    for key in Hardware::both() {
        for flags in [0, PIN] {
            let refusal = verdict(key.tag(flags, flags), &key.line(APPLICATION)).expect_err("untouched");
            assert!(matches!(refusal, Refusal::Untouched { .. }), "{} {flags}: {refusal:?}", key.name());
        }
        let refusal = verdict(key.tag(TOUCHED, 0), &key.line(APPLICATION)).expect_err("it is not signed so");
        assert!(matches!(refusal, Refusal::Forged { .. }), "{}: {refusal:?}", key.name());
    }
}

#[test]
fn a_key_of_another_application_is_another_key() {
    for key in Hardware::both() {
        let refusal = verdict(key.tag(TOUCHED, TOUCHED), &key.line(b"ssh:other")).expect_err("another key");
        assert!(matches!(refusal, Refusal::UnknownKey { .. }), "{}: {refusal:?}", key.name());
    }
}

#[test]
fn no_bit_of_a_security_keys_signature_can_be_changed() {
    let payload = tag("v1", MADE);
    for key in Hardware::both() {
        let whole = key.blob(payload.as_bytes(), TOUCHED, TOUCHED);
        for bit in 0..whole.len() * 8 {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let raw = [payload.as_bytes(), armor(&changed).as_bytes()].concat();
            let verdict = verdict(raw, &key.line(APPLICATION));
            assert!(verdict.is_err(), "{}: bit {bit} of {}", key.name(), whole.len() * 8);
        }
    }
}
