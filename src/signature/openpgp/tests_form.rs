//! The forms: what is read, what is not, and that no byte of it goes unlooked at.

use std::slice::from_ref;

use pgp::armor::BlockType;
use pgp::packet::{Packet, SignatureType, Subpacket, SubpacketData};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, proptest};

use crate::model::signature::{Evidence, Object, What};
use crate::signature::made::{MADE, at, commit, judge_by, tag};
use crate::signature::openpgp::Keyring;
use crate::signature::openpgp::made::{
    ADA, Key, Said, armored, armored_bytes, bytes, certificate, data, judge, judge_at, signing, with_subkey,
};
use crate::signature::refusal::Refusal;
use crate::signature::{Times, Trust};

#[test]
fn one_signature_of_bytes_with_nothing_unsigned_about_it() {
    let (key, payload) = (Key::new(1), tag("v1", MADE));
    let keyring = certificate(&key, &signing());
    let good = key.sign(payload.as_bytes(), &Said::at(MADE));
    let verdict = |text: &[u8]| judge(&payload, text, &keyring).map(drop);
    assert_eq!(verdict(&armored(from_ref(&good))), Ok(()));
    let unreadable = |why| Err(Refusal::Unreadable { object: Object::Tag, why });
    assert_eq!(verdict(&armored(&[good.clone(), good.clone()])), unreadable("there is more than one"));
    let text = data(
        &key.primary,
        key.primary.public_key(),
        SignatureType::Text,
        payload.as_bytes(),
        &Said::at(MADE),
    );
    assert_eq!(verdict(&armored(&[text])), unreadable("it is not of bytes as they are"));
    let [id, _] = key.named();
    let parts = [Subpacket::regular(SubpacketData::SignersUserID("eve".into())), Subpacket::critical(id)];
    for part in parts {
        let mut beside = Said::at(MADE);
        beside.beside.push(part.expect("a part"));
        let beside = key.sign(payload.as_bytes(), &beside);
        assert_eq!(verdict(&armored(&[beside])), unreadable("it has parts that are not signed"));
    }
    let text = String::from_utf8(armored(&[good])).expect("text");
    for header in ["Comment: x", "Version: GnuPG v1", "Comment:"] {
        let verdict = verdict(text.replacen("\n\n", &format!("\n{header}\n\n"), 1).as_bytes());
        let Err(Refusal::Unreadable { why, .. }) = verdict else { panic!("{header}: {verdict:?}") };
        assert!(why.contains("take `comment` and `emit-version` out of gpg.conf"), "{why}");
    }
    let options = unreadable("it is not as gpg writes it without options, with nothing around it");
    for around in ["more\n", "\n", " "] {
        assert_eq!(verdict(format!("{text}{around}").as_bytes()), options, "{around:?}");
    }
    let long = text.clone() + &"\n".repeat(16 * 1024);
    assert_eq!(verdict(long.as_bytes()), unreadable("it is too long"));
}

#[test]
fn a_keyring_is_read_whole_or_not_at_all() {
    let keys = [Key::new(1), Key::new(2)];
    let blocks = keys.each_ref().map(|key| {
        let packets = certificate(key, &signing());
        let mut text = Vec::new();
        pgp::armor::write(&packets, BlockType::PublicKey, &mut text, None, true).expect("it has a text");
        String::from_utf8(text).expect("text")
    });
    let signed_by = |key: &Key, keyring: &[u8]| {
        let payload = tag("v1", MADE);
        let signature = armored(&[key.sign(payload.as_bytes(), &Said::at(MADE))]);
        judge_at(&payload, &signature, keyring, MADE + 3600).map(drop)
    };
    let both = blocks.concat();
    let plain = [certificate(&keys[0], &signing()), certificate(&keys[1], &signing())].concat();
    for keyring in [both.clone().into_bytes(), bytes(&plain)] {
        for key in &keys {
            assert_eq!(signed_by(key, &keyring), Ok(()));
        }
    }
    let secret: Packet = Packet::from(Key::new(3).primary);
    let early = certificate(&keys[0], &signing()).split_off(1);
    let truncated = bytes(&plain);
    // A signature of a version to come, text, a packet for experiments, one that must be known, a name too late.
    let with = |more: &[u8]| [&truncated[..], more].concat();
    let late = with_subkey(&Key::new(3), &Key::new(4), signing());
    let late = [late, Key::new(3).names("Eve", &signing()).into_iter().take(1).collect()].concat();
    let wrong: [(Vec<u8>, &str); 12] = [
        (with(&[0xc2, 3, 9, 0, 0]), "a signature in it is of a version that is not known"),
        (with(&[0xcb, 6, b'b', 0, 0, 0, 0, 0]), "something else than certificates is in it"),
        (with(&[0xfc, 1, 0]), "a packet in it cannot be read"),
        (with(&[0xd9, 1, 0]), "a packet in it cannot be read"),
        (bytes(&late), "a name stands behind a subkey"),
        (Vec::new(), "no certificate is in it"),
        (format!("{both}more\n").into_bytes(), "something else than blocks of public keys is in it"),
        (both[..both.len() - 10].into(), "a block has no end"),
        (both.replace('\n', "\n!").into_bytes(), "a block cannot be read"),
        (truncated[..truncated.len() - 1].into(), "a packet in it cannot be read"),
        (bytes(&[secret]), "a secret key is in it"),
        (bytes(&early), "it does not begin with a certificate"),
    ];
    for (keyring, why) in wrong {
        let verdict = Keyring::parse(&keyring).map(drop);
        assert_eq!(verdict, Err(Refusal::Keyring { why }));
    }
}

#[test]
fn what_is_told_twice_is_refused_whichever_came_first() {
    let (key, sub) = (Key::new(1), Key::new(2));
    let good = with_subkey(&key, &sub, signing());
    let mut revoked = good.clone();
    revoked.splice(1..1, key.says(SignatureType::KeyRevocation, &Said::at(MADE)));
    let alone = certificate(&sub, &signing());
    let twice = "a key is in it twice; leave the older export out";
    for [first, second] in [[&good, &revoked], [&revoked, &good], [&good, &alone], [&alone, &good]] {
        let verdict = Keyring::parse(&bytes(&[&first[..], second].concat())).map(drop);
        assert_eq!(verdict, Err(Refusal::Keyring { why: twice }));
    }
    let again = [&certificate(&key, &signing()), &key.names(ADA, &signing())[..]].concat();
    let verdict = Keyring::parse(&bytes(&again)).map(drop);
    assert_eq!(verdict, Err(Refusal::Keyring { why: "a name is in one certificate twice" }));
}

#[test]
fn a_commit_as_a_forge_signs_it_is_read_and_no_bit_of_it_can_be_changed() {
    let (key, payload) = (Key::new(1), commit(MADE));
    let [id, _] = key.named();
    let signature = key.sign_naming(payload.as_bytes(), &[id]);
    let field = String::from_utf8(armored(&[signature])).expect("text");
    let (head, message) = payload.split_once("\n\n").expect("a head and a message");
    let keyring = Keyring::parse(&bytes(&certificate(&key, &signing()))).expect("a keyring");
    let trust = Trust { signers: None, keyring: Some(keyring) };
    let judge = |raw: Vec<u8>| {
        let times = Times { now: at(MADE + 3600), accepted: None };
        judge_by(&Evidence { tag: None, commit: raw }, What::Commit, &trust, times).map(drop)
    };
    let written = |more: &str| {
        let field = format!("{}{more}", field.trim_end()).replace('\n', "\n ");
        format!("{head}\ngpgsig {field}\n\n{message}").into_bytes()
    };
    assert_eq!(judge(written("")), Ok(()));
    let why = "it is not as gpg writes it without options, with nothing around it";
    for more in ["\n\n", "\n ", " ", "\nmore"] {
        assert_eq!(
            judge(written(more)),
            Err(Refusal::Unreadable { object: Object::Commit, why }),
            "{more:?}"
        );
    }
    let raw = written("\n");
    assert_eq!(judge(raw.clone()), Ok(()));
    for bit in 0..raw.len() * 8 {
        let mut changed = raw.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let text = String::from_utf8_lossy(&changed).into_owned();
        assert!(judge(changed).is_err(), "bit {bit}: {text}");
    }
}

#[test]
fn no_bit_of_a_signature_can_be_changed() {
    let (key, sub, payload) = (Key::new(1), Key::new(2), tag("v1", MADE));
    let keyring = Keyring::parse(&bytes(&with_subkey(&key, &sub, signing()))).expect("a keyring");
    let trust = Trust { signers: None, keyring: Some(keyring) };
    let times = Times { now: at(MADE + 3600), accepted: None };
    let signature = armored(&[sub.sign_as_sub(payload.as_bytes(), &Said::at(MADE))]);
    let raw = [payload.as_bytes(), &signature].concat();
    let judge =
        |raw: Vec<u8>| judge_by(&Evidence { tag: Some(raw), commit: Vec::new() }, What::Tag, &trust, times);
    assert!(judge(raw.clone()).is_ok());
    for bit in 0..raw.len() * 8 {
        let mut changed = raw.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let text = String::from_utf8_lossy(&changed).into_owned();
        assert!(judge(changed).is_err(), "bit {bit}: {text}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(raw in vec(any::<u8>(), 0..300), cut in 0_usize..2000) {
        let (key, sub, payload) = (Key::new(1), Key::new(2), tag("v1", MADE));
        let _ = Keyring::parse(&raw).is_ok();
        let keyring = bytes(&with_subkey(&key, &sub, signing()));
        let cut = cut % keyring.len();
        let _ = Keyring::parse(&[&keyring[..cut], &raw, &keyring[cut..]].concat()).is_ok();
        let _ = Keyring::parse(&[&keyring[..cut], &raw].concat()).is_ok();
        // Any packet in a good armor, and a good one with something in it.
        let good = sub.sign_as_sub(payload.as_bytes(), &Said::at(MADE));
        let good = bytes(&[good.into()]);
        let cut = cut % good.len();
        for packet in [raw.clone(), [&good[..cut], &raw, &good[cut..]].concat(), [&good[..cut], &raw].concat()] {
            let text = armored_bytes(&packet);
            let verdict = judge_at(&payload, &text, &keyring, MADE + 3600);
            prop_assert!(verdict.is_err() || raw.is_empty());
        }
    }
}
