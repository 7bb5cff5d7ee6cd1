//! OpenPGP certificates and signatures that a test makes, with whatever it likes in them.
//!
//! Takes seeds and parts, gives the bytes that `gpg` would export. Real ones, made by `gpg`, are in the
//! stories.

use std::iter;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pgp::armor::{self, BlockType};
use pgp::crypto::ed25519::{Mode, SecretKey as Secret};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{
    KeyFlags, Packet, PublicKey, PublicSubkey, SecretKey, SecretSubkey, Signature, SignatureConfig,
    SignatureType, Subpacket, SubpacketData, UserId,
};
use pgp::ser::Serialize as _;
use pgp::types::{
    Duration, EddsaLegacyPublicParams, KeyDetails, KeyVersion, PacketHeaderVersion, Password,
    PlainSecretParams, PublicParams, SecretParams, SigningKey, Tag, Timestamp,
};

use crate::model::signature::{Evidence, Verified, What};
use crate::signature::made::{MADE, at, judge_by};
use crate::signature::openpgp::Keyring;
use crate::signature::refusal::Refusal;
use crate::signature::{Times, Trust};

/// When the certificates here were made: a year before what they sign.
pub const BORN: i64 = MADE - 365 * 86400;

/// What a signature says, and over which hash it is made.
#[derive(Clone)]
pub struct Said {
    pub made: i64,
    pub hash: HashAlgorithm,
    pub parts: Vec<Subpacket>,
    /// What is beside it, without being signed.
    pub beside: Vec<Subpacket>,
}

impl Said {
    /// At this time, and no more than that.
    pub fn at(made: i64) -> Self {
        Self { made, hash: HashAlgorithm::Sha256, parts: Vec::new(), beside: Vec::new() }
    }

    /// With one more part.
    pub fn with(mut self, part: SubpacketData) -> Self {
        self.parts.push(Subpacket::regular(part).expect("a part"));
        self
    }

    /// With one more part that must be heeded.
    pub fn critically(mut self, part: SubpacketData) -> Self {
        self.parts.push(Subpacket::critical(part).expect("a part"));
        self
    }

    fn config(&self, typ: SignatureType, key: &impl KeyDetails) -> SignatureConfig {
        let mut config = SignatureConfig::v4(typ, key.algorithm(), self.hash);
        let made = Timestamp::from_secs(u32::try_from(self.made).expect("before 2106"));
        let (made, by) =
            (SubpacketData::SignatureCreationTime(made), SubpacketData::IssuerFingerprint(key.fingerprint()));
        config.hashed_subpackets = [made, by].map(|part| Subpacket::regular(part).expect("a part")).into();
        config.hashed_subpackets.extend(self.parts.iter().cloned());
        let id = SubpacketData::IssuerKeyId(key.legacy_key_id());
        config.unhashed_subpackets = vec![Subpacket::regular(id).expect("a part")];
        config.unhashed_subpackets.extend(self.beside.iter().cloned());
        config
    }
}

/// The flag to sign data, and that to encrypt.
pub fn flags(sign: bool, encrypt: bool) -> SubpacketData {
    let mut flags = KeyFlags::default();
    flags.set_sign(sign);
    flags.set_encrypt_comms(encrypt);
    SubpacketData::KeyFlags(flags)
}

/// How long a key counts, from when it was made.
pub fn lasts(seconds: i64) -> SubpacketData {
    SubpacketData::KeyExpirationTime(Duration::from_secs(u32::try_from(seconds).expect("not so long")))
}

/// A key of one byte, as a primary key and as a subkey.
pub struct Key {
    pub primary: SecretKey,
    pub sub: SecretSubkey,
}

impl Key {
    pub fn new(seed: u8) -> Self {
        let secret = Secret::try_from_bytes([seed; 32], Mode::EdDSALegacy).expect("32 bytes are a seed");
        let params = PublicParams::EdDSALegacy(EddsaLegacyPublicParams::from(&secret));
        let born = Timestamp::from_secs(u32::try_from(BORN).expect("before 2106"));
        let inner = || {
            let algorithm = PublicKeyAlgorithm::EdDSALegacy;
            pgp::packet::PubKeyInner::new(KeyVersion::V4, algorithm, born, None, params.clone())
                .expect("a key")
        };
        let secret = || {
            SecretParams::Plain(PlainSecretParams::EdDSALegacy(
                pgp::crypto::eddsa_legacy::SecretKey::Ed25519(secret.clone()),
            ))
        };
        let primary = PublicKey::from_inner(inner()).expect("a key");
        let sub = PublicSubkey::from_inner(inner()).expect("a key");
        Self {
            primary: SecretKey::new(primary, secret()).expect("a key"),
            sub: SecretSubkey::new(sub, secret()).expect("a key"),
        }
    }

    /// A signed name, as a certificate has it.
    pub fn names(&self, name: &str, said: &Said) -> Vec<Packet> {
        let name = UserId::from_str(PacketHeaderVersion::New, name).expect("a name");
        let config = said.config(SignatureType::CertPositive, self.primary.public_key());
        let public = self.primary.public_key();
        let signed = config.sign_certification(&self.primary, public, &Password::empty(), Tag::UserId, &name);
        vec![name.into(), signed.expect("it signs").into()]
    }

    /// What this key says of itself, or how it takes itself back.
    pub fn says(&self, typ: SignatureType, said: &Said) -> Vec<Packet> {
        let public = self.primary.public_key();
        let signed = said.config(typ, public).sign_key(&self.primary, &Password::empty(), public);
        vec![signed.expect("it signs").into()]
    }

    /// How this key takes a name back.
    pub fn revokes_name(&self, name: &UserId, said: &Said) -> Vec<Packet> {
        let public = self.primary.public_key();
        let config = said.config(SignatureType::CertRevocation, public);
        let signed = config.sign_certification(&self.primary, public, &Password::empty(), Tag::UserId, name);
        vec![signed.expect("it signs").into()]
    }

    /// What this key says of a subkey.
    pub fn says_of(&self, sub: &Self, typ: SignatureType, said: &Said) -> Vec<Packet> {
        let public = self.primary.public_key();
        let signed = said.config(typ, public).sign_subkey_binding(
            &self.primary,
            public,
            &Password::empty(),
            sub.sub.public_key(),
        );
        vec![signed.expect("it signs").into()]
    }

    /// This key's answer, as a subkey, that it belongs to another.
    pub fn answers(&self, primary: &Self, said: &Said) -> SubpacketData {
        let public = self.sub.public_key();
        let signed = said.config(SignatureType::KeyBinding, public).sign_primary_key_binding(
            &self.sub,
            public,
            &Password::empty(),
            primary.primary.public_key(),
        );
        SubpacketData::EmbeddedSignature(Box::new(signed.expect("it signs")))
    }

    pub fn primary_packet(&self) -> Packet {
        self.primary.public_key().clone().into()
    }

    pub fn sub_packet(&self) -> Packet {
        self.sub.public_key().clone().into()
    }

    /// A signature of bytes, by the primary key.
    pub fn sign(&self, payload: &[u8], said: &Said) -> Signature {
        data(&self.primary, self.primary.public_key(), SignatureType::Binary, payload, said)
    }

    /// A signature of bytes that says this of its maker, in what is signed, and no more than that.
    pub fn sign_naming(&self, payload: &[u8], maker: &[SubpacketData]) -> Signature {
        let algorithm = self.primary.public_key().algorithm();
        let mut config = SignatureConfig::v4(SignatureType::Binary, algorithm, HashAlgorithm::Sha256);
        let made = Timestamp::from_secs(u32::try_from(MADE).expect("before 2106"));
        let parts = iter::once(SubpacketData::SignatureCreationTime(made)).chain(maker.iter().cloned());
        config.hashed_subpackets = parts.map(|part| Subpacket::regular(part).expect("a part")).collect();
        config.sign(&self.primary, &Password::empty(), payload).expect("it signs")
    }

    /// What a signature says of its maker: the id, and the fingerprint.
    pub fn named(&self) -> [SubpacketData; 2] {
        let key = self.primary.public_key();
        [SubpacketData::IssuerKeyId(key.legacy_key_id()), SubpacketData::IssuerFingerprint(key.fingerprint())]
    }

    /// A signature of bytes, by the subkey.
    pub fn sign_as_sub(&self, payload: &[u8], said: &Said) -> Signature {
        data(&self.sub, self.sub.public_key(), SignatureType::Binary, payload, said)
    }
}

/// The name in certificates here.
pub const ADA: &str = "Ada <ada@example.com>";

/// What a certificate that may sign says of its name.
pub fn signing() -> Said {
    Said::at(BORN).with(flags(true, false))
}

/// A certificate that signs by its primary key, which says this of its name.
pub fn certificate(key: &Key, said: &Said) -> Vec<Packet> {
    [vec![key.primary_packet()], key.names(ADA, said)].concat()
}

/// A certificate that signs by a subkey, of which it says this; the answer is put behind it.
pub fn with_subkey(key: &Key, sub: &Key, said: Said) -> Vec<Packet> {
    let said = said.with(sub.answers(key, &Said::at(BORN)));
    unanswered(key, sub, &said)
}

/// The same without an answer.
pub fn unanswered(key: &Key, sub: &Key, said: &Said) -> Vec<Packet> {
    let primary = certificate(key, &Said::at(BORN).with(flags(false, false)));
    [primary, vec![sub.sub_packet()], key.says_of(sub, SignatureType::SubkeyBinding, said)].concat()
}

/// A signature of bytes.
pub fn data(
    key: &impl SigningKey,
    public: &impl KeyDetails,
    typ: SignatureType,
    payload: &[u8],
    said: &Said,
) -> Signature {
    said.config(typ, public).sign(key, &Password::empty(), payload).expect("it signs")
}

/// The packets in the old framing that `gpg` uses, or in that of the library; one after another.
pub fn bytes(packets: &[Packet]) -> Vec<u8> {
    packets.iter().flat_map(|packet| packet.to_bytes().expect("it has bytes")).collect()
}

/// Signatures in one armor.
pub fn armored(signatures: &[Signature]) -> Vec<u8> {
    let packets: Vec<Packet> = signatures.iter().cloned().map(Packet::from).collect();
    let mut text = Vec::new();
    armor::write(&packets, BlockType::Signature, &mut text, None, true).expect("it has a text");
    text
}

/// Any bytes in the armor of a signature.
pub fn armored_bytes(bytes: &[u8]) -> Vec<u8> {
    let lines: Vec<_> = STANDARD.encode(bytes).into_bytes().chunks(64).map(<[u8]>::to_vec).collect();
    let lines = lines.join(&b'\n');
    [b"-----BEGIN PGP SIGNATURE-----\n\n", &lines[..], b"\n-----END PGP SIGNATURE-----\n"].concat()
}

/// The verdict on a tag with this signature behind it, by a keyring of these packets, an hour after it was made.
pub fn judge(payload: &str, signature: &[u8], keyring: &[Packet]) -> Result<Verified, Refusal> {
    judge_at(payload, signature, &bytes(keyring), MADE + 3600)
}

/// The same at another moment, by the file itself.
pub fn judge_at(payload: &str, signature: &[u8], keyring: &[u8], now: i64) -> Result<Verified, Refusal> {
    let evidence = Evidence { tag: Some([payload.as_bytes(), signature].concat()), commit: Vec::new() };
    let trust = Trust { signers: None, keyring: Some(Keyring::parse(keyring)?) };
    judge_by(&evidence, What::Tag, &trust, Times { now: at(now), accepted: None })
}
