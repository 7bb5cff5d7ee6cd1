//! Tags and commits that a test signs, with a key of its own and for whatever it likes.
//!
//! Takes what is to stand in an object, gives the bytes that git would have. Real ones, made by `git`
//! and `ssh-keygen`, are in the stories.

use jiff::Timestamp;
use ring::signature::{Ed25519KeyPair, KeyPair};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, LineEnding, PublicKey, Signature, SshSig};

use crate::model::revision::ObjectId;
use crate::model::signature::{Evidence, Verified, What};
use crate::signature::refusal::Refusal;
use crate::signature::signers::Signers;
use crate::signature::{Claim, Times, Trust, verify};

/// When the tags and commits here say that they were made.
pub const MADE: i64 = 1_767_225_600;

/// The commit that tags are of.
pub const COMMIT: &str = "4f1c9e2000112233445566778899aabbccddeeff";

/// One who signs.
pub struct Key(Ed25519KeyPair);

impl Key {
    /// The key of one byte, so that each has its own.
    pub fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes are a seed"))
    }

    fn data(&self) -> KeyData {
        let bytes = self.0.public_key().as_ref().try_into().expect("32 bytes");
        KeyData::Ed25519(Ed25519PublicKey(bytes))
    }

    /// A line of the allowed signers.
    pub fn line(&self, principals: &str, options: &str) -> String {
        let key = PublicKey::from(self.data()).to_openssh().expect("a key has a text");
        format!("{principals} {options} {key}\n")
    }

    /// A signature of these bytes.
    pub fn sign(&self, payload: &[u8], namespace: &str, hash: HashAlg) -> String {
        let message = SshSig::signed_data(namespace, hash, payload).expect("a namespace");
        let made = self.0.sign(&message);
        let signature = Signature::new(Algorithm::Ed25519, made.as_ref()).expect("64 bytes");
        let whole = SshSig::new(self.data(), namespace, hash, signature).expect("a namespace");
        whole.to_pem(LineEnding::LF).expect("it has a text").trim_end().to_owned() + "\n"
    }

    /// A signed tag.
    pub fn tag(&self, payload: &str) -> Vec<u8> {
        [payload.as_bytes(), self.sign(payload.as_bytes(), "git", HashAlg::Sha512).as_bytes()].concat()
    }

    /// A signed commit.
    pub fn commit(&self, payload: &str) -> Vec<u8> {
        let signature = self.sign(payload.as_bytes(), "git", HashAlg::Sha256);
        let (head, message) = payload.split_once("\n\n").expect("a head and a message");
        let field = signature.trim_end().replace('\n', "\n ");
        format!("{head}\ngpgsig {field}\n\n{message}").into_bytes()
    }
}

/// What a tag says before its signature.
pub fn tag(name: &str, made: i64) -> String {
    format!(
        "object {COMMIT}\ntype commit\ntag {name}\ntagger Ada <ada@example.com> {made} +0100\n\nrelease\n"
    )
}

/// What a commit says.
pub fn commit(made: i64) -> String {
    let tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    let by = format!("Ada <ada@example.com> {made} +0100");
    format!("tree {tree}\nauthor {by}\ncommitter {by}\n\nfirst\n")
}

/// A moment.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

/// Judges objects behind `refs/tags/v1` an hour after they were made.
pub fn judge(tag: Option<Vec<u8>>, commit: Vec<u8>, what: What, signers: &str) -> Result<Verified, Refusal> {
    let evidence = Evidence { tag, commit };
    judge_at(&evidence, what, signers, Times { now: at(MADE + 3600), accepted: None })
}

/// Judges objects behind `refs/tags/v1` by these moments.
pub fn judge_at(evidence: &Evidence, what: What, signers: &str, times: Times) -> Result<Verified, Refusal> {
    let trust = Trust { signers: Some(Signers::parse(signers)?), ..Trust::default() };
    judge_by(evidence, what, &trust, times)
}

/// Judges objects behind `refs/tags/v1` by what is trusted, and these moments.
pub fn judge_by(evidence: &Evidence, what: What, trust: &Trust, times: Times) -> Result<Verified, Refusal> {
    let commit = ObjectId::new(COMMIT).expect("an id");
    verify(&Claim { reference: "refs/tags/v1", commit: &commit, evidence }, what, trust, times)
}
