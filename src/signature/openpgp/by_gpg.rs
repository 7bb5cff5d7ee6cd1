//! What `gpg` 2.2 itself made: certificates as it exports them, and its signatures of one tag.
//!
//! The keys were made a year before the tag, and thrown away.

use crate::model::signature::Object;
use crate::signature::made::{MADE, tag};
use crate::signature::openpgp::made::judge_at;
use crate::signature::refusal::Refusal;
use crate::signature::unfit::{Flaw, Unfit};

/// A name, a file of keys, and a signature.
type Made = (&'static str, &'static str, &'static str);

macro_rules! made {
    ($name:literal) => {
        ($name, include_str!(concat!("gpg/", $name, ".asc")), include_str!(concat!("gpg/", $name, ".sig")))
    };
}

const GOOD: [Made; 6] = [
    made!("ed25519"),
    made!("rsa2048"),
    made!("nistp256"),
    made!("nistp384"),
    made!("nistp521"),
    made!("subkey"),
];

#[test]
fn what_gpg_signs_is_accepted() {
    for (name, keys, signature) in GOOD {
        let verified = judge_at(&tag("v1", MADE), signature.as_bytes(), keys.as_bytes(), MADE + 3600);
        let told = verified.map(|verified| (verified.to_string(), verified.keys().join(",")));
        let (who, key) = told.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let (certificate, ada) = who.split_once(' ').expect("a fingerprint and a name");
        assert_eq!(ada, "Ada <ada@example.com>", "{name}");
        assert_eq!(certificate != key, name == "subkey", "{name}");
    }
}

#[test]
fn what_gpg_signs_is_of_one_name_and_cannot_be_changed() {
    for (name, keys, signature) in GOOD {
        for payload in [tag("v2", MADE), tag("v1", MADE + 1)] {
            let verdict = judge_at(&payload, signature.as_bytes(), keys.as_bytes(), MADE + 3600);
            assert_eq!(verdict, Err(Refusal::Forged { object: Object::Tag }), "{name}");
        }
    }
}

#[test]
fn what_gpg_signs_with_a_key_that_does_not_count_is_refused_for_that() {
    let expected = [
        // They were prolonged a day after they were made; what takes them back is of the day before.
        (made!("revoked"), Unfit::Revoked),
        (made!("revoked-subkey"), Unfit::Revoked),
        (made!("sha1"), Unfit::Signature(Flaw::Hash("SHA1".to_owned()))),
        (made!("sha1-name"), Unfit::Binding(Flaw::Hash("SHA1".to_owned()))),
        (made!("rsa1024"), Unfit::Kind("RSA with 1024 bits".to_owned())),
        (made!("weak-subkey"), Unfit::Kind("RSA with 1024 bits".to_owned())),
        (made!("dsa"), Unfit::Kind("DSA".to_owned())),
        (made!("secp256k1"), Unfit::Kind("ECDSA with secp256k1".to_owned())),
    ];
    for ((name, keys, signature), expected) in expected {
        match judge_at(&tag("v1", MADE), signature.as_bytes(), keys.as_bytes(), MADE + 3600) {
            Err(Refusal::Unfit { object: Object::Tag, why, .. }) => assert_eq!(why, expected, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}
