//! One certificate each, and the one reason why what it signed does not count.

use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    Notation, Packet, RevocationCode, Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData,
};
use pgp::types::{Duration, KeyDetails as _};

use crate::model::signature::{Evidence, Object, Verified, What};
use crate::signature::made::{self as ssh, COMMIT, MADE, at, commit, judge_by, tag};
use crate::signature::openpgp::made::{
    ADA, BORN, Key, Said, armored, bytes, certificate, flags, judge, judge_at, lasts, signing, unanswered,
    with_subkey,
};
use crate::signature::openpgp::{Keyring, hexadecimal};
use crate::signature::refusal::Refusal;
use crate::signature::signers::Signers;
use crate::signature::unfit::{Flaw, Unfit};
use crate::signature::{Times, Trust};

const DAY: i64 = 86400;

/// The verdict on a tag that the primary key signed when the tag was made.
fn by_primary(key: &Key, keyring: &[Packet]) -> Result<Verified, Refusal> {
    let payload = tag("v1", MADE);
    judge(&payload, &armored(&[key.sign(payload.as_bytes(), &Said::at(MADE))]), keyring)
}

/// The same for a subkey.
fn by_subkey(sub: &Key, keyring: &[Packet]) -> Result<Verified, Refusal> {
    let payload = tag("v1", MADE);
    judge(&payload, &armored(&[sub.sign_as_sub(payload.as_bytes(), &Said::at(MADE))]), keyring)
}

/// The verdict on a good key's signature that says this.
fn saying(said: &Said) -> Result<Verified, Refusal> {
    let (key, payload) = (Key::new(1), tag("v1", MADE));
    judge(&payload, &armored(&[key.sign(payload.as_bytes(), said)]), &certificate(&key, &signing()))
}

/// Why a key does not count.
fn why(verdict: Result<Verified, Refusal>) -> Unfit {
    match verdict {
        Err(Refusal::Unfit { object: Object::Tag, why, .. }) => why,
        other => panic!("it is not the key: {other:?}"),
    }
}

#[test]
fn who_signed_is_the_certificate_and_the_name_that_it_has() {
    let (key, sub) = (Key::new(1), Key::new(2));
    let fingerprint = hexadecimal(&key.primary.public_key().fingerprint());
    let verified = by_primary(&key, &certificate(&key, &signing())).expect("it is good");
    assert_eq!(verified.to_string(), format!("{fingerprint} {ADA}"));
    assert_eq!(verified.keys(), [fingerprint.as_str()]);
    let keyring = with_subkey(&key, &sub, signing());
    let verified = by_subkey(&sub, &keyring).expect("it is good");
    assert_eq!(verified.to_string(), format!("{fingerprint} {ADA}"));
    assert_eq!(verified.keys(), [hexadecimal(&sub.sub.public_key().fingerprint())]);
}

#[test]
fn a_name_is_made_safe_and_short() {
    let key = Key::new(1);
    let name = format!("A\u{1b}[31m\u{202e}{}", "a".repeat(300));
    let keyring = [vec![key.primary_packet()], key.names(&name, &signing())].concat();
    let told = by_primary(&key, &keyring).expect("it is good").to_string();
    let (_, told) = told.split_once(' ').expect("a fingerprint and a name");
    assert!(told.starts_with("A\u{fffd}[31m\u{fffd}aaa") && told.chars().count() == 120, "{told:?}");
}

#[test]
fn a_key_that_is_in_no_certificate_is_unknown() {
    let keyring = certificate(&Key::new(2), &signing());
    assert_eq!(why(by_primary(&Key::new(1), &keyring)), Unfit::Unknown);
}

#[test]
fn a_signature_counts_for_the_key_that_it_names() {
    let (ada, eve, payload) = (Key::new(1), Key::new(9), tag("v1", MADE));
    let keyring = certificate(&ada, &signing());
    let verdict = |by: &Key, named: &[SubpacketData]| {
        judge(&payload, &armored(&[by.sign_naming(payload.as_bytes(), named)]), &keyring)
    };
    let ([id, fingerprint], [other_id, other_fingerprint]) = (ada.named(), eve.named());
    for named in [vec![id.clone()], vec![fingerprint.clone()], vec![id.clone(), fingerprint.clone()]] {
        assert!(verdict(&ada, &named).is_ok(), "{named:?}");
        let forged = verdict(&eve, &named);
        assert_eq!(forged, Err(Refusal::Forged { object: Object::Tag }), "{named:?}");
    }
    for named in [vec![], vec![other_id.clone()], vec![other_id, fingerprint], vec![id, other_fingerprint]] {
        assert_eq!(why(verdict(&ada, &named)), Unfit::Unknown, "{named:?}");
    }
}

#[test]
fn the_name_that_is_told_is_the_primary_one_and_else_the_newest() {
    let key = Key::new(1);
    let (older, newer) = (signing(), Said { made: BORN + DAY, ..signing() });
    let primary = older.clone().with(SubpacketData::IsPrimary(true));
    let first = |said| key.names("first", said);
    for (said, told) in [(&older, "second"), (&primary, "first")] {
        let names = [first(said), key.names("second", &newer)];
        for names in [names.concat(), names.iter().rev().flatten().cloned().collect()] {
            let keyring = [vec![key.primary_packet()], names].concat();
            let verified = by_primary(&key, &keyring).expect("it is good");
            assert!(verified.to_string().ends_with(&format!(" {told}")), "{verified}");
        }
    }
}

#[test]
fn a_signed_commit_counts_as_a_signed_tag_does() {
    let (key, payload) = (Key::new(1), commit(MADE));
    let field = String::from_utf8(armored(&[key.sign(payload.as_bytes(), &Said::at(MADE))])).expect("text");
    let (head, message) = payload.split_once("\n\n").expect("a head and a message");
    let raw = format!("{head}\ngpgsig {}\n\n{message}", field.trim_end().replace('\n', "\n "));
    let keyring = Keyring::parse(&bytes(&certificate(&key, &signing()))).expect("a keyring");
    let trust = Trust { signers: None, keyring: Some(keyring) };
    let times = Times { now: at(MADE + 3600), accepted: None };
    let judge = |raw: String| {
        judge_by(&Evidence { tag: None, commit: raw.into_bytes() }, What::Commit, &trust, times)
    };
    assert_eq!(judge(raw.clone()).map(|verified| verified.what()), Ok(What::Commit));
    let verdict = judge(raw.replace("first", "other"));
    assert_eq!(verdict, Err(Refusal::Forged { object: Object::Commit }));
}

#[test]
fn each_form_needs_somebody_who_may_sign_with_it() {
    let (key, payload) = (Key::new(1), tag("v1", MADE));
    let signature = armored(&[key.sign(payload.as_bytes(), &Said::at(MADE))]);
    let keyring = Keyring::parse(&bytes(&certificate(&key, &signing()))).expect("a keyring");
    let signers = Signers::parse(&ssh::Key::new(3).line("ada", "")).expect("signers");
    let openpgp = [payload.as_bytes(), &signature].concat();
    let by_ssh = ssh::Key::new(3).tag(&payload);
    let verdict = |raw: &[u8], signers: Option<&Signers>, keyring: Option<&Keyring>| {
        let evidence = Evidence { tag: Some(raw.to_vec()), commit: Vec::new() };
        let trust = Trust { signers: signers.cloned(), keyring: keyring.cloned() };
        judge_by(&evidence, What::Tag, &trust, Times { now: at(MADE + 3600), accepted: None }).map(drop)
    };
    let nobody = |format| Err(Refusal::NobodyWith { object: Object::Tag, format });
    assert_eq!(verdict(&openpgp, Some(&signers), None), nobody("OpenPGP"));
    assert_eq!(verdict(&by_ssh, None, Some(&keyring)), nobody("SSH"));
    for raw in [&openpgp, &by_ssh] {
        assert_eq!(verdict(raw, Some(&signers), Some(&keyring)), Ok(()));
    }
}

#[test]
fn what_was_signed_is_bound_to_name_commit_and_time() {
    let key = Key::new(1);
    let keyring = bytes(&certificate(&key, &signing()));
    let judge = |payload: &str, now| {
        let made = Said::at(MADE);
        judge_at(payload, &armored(&[key.sign(payload.as_bytes(), &made)]), &keyring, now).map(drop)
    };
    let now = MADE + 3600;
    assert_eq!(judge(&tag("v1", MADE), now), Ok(()));
    let (written, asked) = ("v0.9".into(), "v1".into());
    assert_eq!(judge(&tag("v0.9", MADE), now), Err(Refusal::OtherName { written, asked }));
    let other = tag("v1", MADE).replace(COMMIT, "0000000000000000000000000000000000000000");
    assert_eq!(judge(&other, now), Err(Refusal::OtherCommit { commit: "4f1c9e2".into() }));
    assert_eq!(judge(&tag("v1", now + 601), now), Err(Refusal::Ahead { made: at(now + 601) }));
    let payload = tag("v1", MADE);
    let signature = armored(&[key.sign(payload.as_bytes(), &Said::at(MADE))]);
    let tampered = judge_at(&payload.replace("release", "another"), &signature, &keyring, now);
    assert_eq!(tampered, Err(Refusal::Forged { object: Object::Tag }));
}

#[test]
fn a_key_counts_when_it_signs_when_the_tag_says_and_now() {
    let key = Key::new(1);
    let lasting = |seconds| bytes(&certificate(&key, &signing().with(lasts(seconds))));
    let judge = |tagged: i64, signed: i64, now: i64, keyring: &[u8]| {
        let payload = tag("v1", tagged);
        judge_at(&payload, &armored(&[key.sign(payload.as_bytes(), &Said::at(signed))]), keyring, now)
    };
    let end = BORN + 400 * DAY;
    let keyring = lasting(400 * DAY);
    assert!(judge(MADE, MADE, end - 1, &keyring).is_ok());
    // It was good when it signed.
    assert_eq!(why(judge(MADE, MADE, end, &keyring)), Unfit::Expired(at(end)));
    // It signs although it has expired, with a clock that is put back.
    let ended = MADE - DAY;
    let keyring = lasting(ended - BORN);
    assert_eq!(why(judge(ended - DAY, ended + 1, MADE, &keyring)), Unfit::Expired(at(ended)));
    let endless = lasting(0);
    for (tagged, signed) in [(BORN - 1, MADE), (MADE, BORN - 1)] {
        assert_eq!(why(judge(tagged, signed, MADE + 3600, &endless)), Unfit::NotYet(at(BORN)));
    }
    assert!(judge(MADE, MADE, MADE + 3600, &endless).is_ok());
}

#[test]
fn the_newest_of_what_a_key_says_of_itself_holds() {
    let key = Key::new(1);
    let until = |made: i64, end: i64| Said { made, ..signing().with(lasts(end - BORN)) };
    let (short, long) = (MADE - 10 * DAY, MADE + 10 * DAY);
    let keyring = |first: &Said, second: &Said| {
        let (first, mut second) = (key.names(ADA, first), key.names(ADA, second));
        [vec![key.primary_packet()], first, second.split_off(1)].concat()
    };
    let older = |end| until(BORN, end);
    let newer = |end| until(BORN + DAY, end);
    for [first, second] in [[older(short), newer(long)], [newer(long), older(short)]] {
        assert!(by_primary(&key, &keyring(&first, &second)).is_ok(), "it was prolonged");
    }
    for [first, second] in [[older(long), newer(short)], [newer(short), older(long)]] {
        let verdict = by_primary(&key, &keyring(&first, &second));
        assert_eq!(why(verdict), Unfit::Expired(at(short)), "it was shortened");
    }
    // What is from ahead does not hold yet.
    let ahead = until(MADE + DAY, long);
    assert_eq!(why(by_primary(&key, &keyring(&older(short), &ahead))), Unfit::Expired(at(short)));
    // The key itself has a say too, and the shorter one holds.
    let direct = key.says(SignatureType::Key, &newer(short));
    let both = [vec![key.primary_packet()], direct, key.names(ADA, &newer(long))].concat();
    assert_eq!(why(by_primary(&key, &both)), Unfit::Expired(at(short)));
}

#[test]
fn a_key_that_is_revoked_for_whatever_reason_does_not_count() {
    let (key, sub, eve) = (Key::new(1), Key::new(2), Key::new(9));
    let reasons = [
        RevocationCode::NoReason,
        RevocationCode::KeyCompromised,
        RevocationCode::KeySuperseded,
        RevocationCode::KeyRetired,
    ];
    for reason in reasons {
        // As the certificate that `gpg` makes with each key: older than all that came later.
        for made in [BORN, MADE + 60] {
            let said = Said::at(made).with(SubpacketData::RevocationReason(reason, "".into()));
            let revoked = key.says(SignatureType::KeyRevocation, &said);
            let mut keyring = certificate(&key, &Said { made: BORN + DAY, ..signing() });
            keyring.splice(1..1, revoked);
            assert_eq!(why(by_primary(&key, &keyring)), Unfit::Revoked, "{reason:?} {made}");
            let mut keyring = with_subkey(&key, &sub, Said { made: BORN + DAY, ..signing() });
            keyring.extend(key.says_of(&sub, SignatureType::SubkeyRevocation, &said));
            assert_eq!(why(by_subkey(&sub, &keyring)), Unfit::Revoked, "subkey: {reason:?} {made}");
        }
    }
    // A subkey goes with its certificate, wherever that is taken back.
    let good = with_subkey(&key, &sub, signing());
    for place in 1..=good.len() {
        let mut keyring = good.clone();
        keyring.splice(place..place, key.says(SignatureType::KeyRevocation, &Said::at(MADE)));
        assert_eq!(why(by_subkey(&sub, &keyring)), Unfit::Revoked, "{place}");
    }
    // Whoever may be allowed to revoke is not looked up: a file with such a word in it is mended by hand.
    let mut keyring = certificate(&key, &signing());
    keyring.splice(1..1, eve.says(SignatureType::KeyRevocation, &Said::at(MADE)));
    assert_eq!(why(by_primary(&key, &keyring)), Unfit::Revoked);
}

#[test]
fn a_name_that_is_revoked_binds_nothing() {
    let key = Key::new(1);
    let name = key.names(ADA, &signing());
    let Some(Packet::UserId(ada)) = name.first().cloned() else { unreachable!("it begins with the name") };
    let revoked = key.revokes_name(&ada, &Said::at(BORN));
    let primary = vec![key.primary_packet()];
    assert_eq!(
        why(by_primary(&key, &[primary.clone(), name.clone(), revoked.clone()].concat())),
        Unfit::Unbound
    );
    let other = key.names("Ada at work", &signing());
    let verified = by_primary(&key, &[primary, name, revoked, other].concat()).expect("the other name");
    assert!(verified.to_string().ends_with(" Ada at work"), "{verified}");
}

#[test]
fn a_key_that_nothing_binds_does_not_count() {
    let (key, sub, eve) = (Key::new(1), Key::new(2), Key::new(9));
    assert_eq!(why(by_primary(&key, &[key.primary_packet()])), Unfit::Unbound);
    // Somebody else says who it is.
    let (primary, mut by_eve) = (certificate(&key, &signing()), eve.names(ADA, &signing()));
    let foreign = [primary[..2].to_vec(), by_eve.split_off(1)].concat();
    assert_eq!(why(by_primary(&key, &foreign)), Unfit::Unbound);
    let foreign = [vec![key.primary_packet()], eve.says(SignatureType::Key, &signing())].concat();
    assert_eq!(why(by_primary(&key, &foreign)), Unfit::Unbound);
    // Somebody else says whose it is.
    let said = signing().with(sub.answers(&key, &Said::at(BORN)));
    let primary = certificate(&key, &Said::at(BORN).with(flags(false, false)));
    let bound = eve.says_of(&sub, SignatureType::SubkeyBinding, &said);
    let keyring = [primary, vec![sub.sub_packet()], bound].concat();
    assert_eq!(why(by_subkey(&sub, &keyring)), Unfit::Unbound);
}

#[test]
fn only_a_key_with_the_flag_to_sign_data_does() {
    let (key, sub) = (Key::new(1), Key::new(2));
    for said in [Said::at(BORN).with(flags(false, true)), Said::at(BORN)] {
        assert_eq!(why(by_primary(&key, &certificate(&key, &said))), Unfit::NotForData);
        assert_eq!(why(by_subkey(&sub, &with_subkey(&key, &sub, said))), Unfit::NotForData);
    }
    // Two that disagree.
    let direct = key.says(SignatureType::Key, &Said::at(BORN).with(flags(false, true)));
    let both = [vec![key.primary_packet()], direct, key.names(ADA, &signing())].concat();
    assert_eq!(why(by_primary(&key, &both)), Unfit::NotForData);
}

#[test]
fn a_subkey_that_never_answered_does_not_sign_for_a_certificate() {
    let (key, sub, eve) = (Key::new(1), Key::new(2), Key::new(9));
    assert_eq!(why(by_subkey(&sub, &unanswered(&key, &sub, &signing()))), Unfit::Unanswered);
    // Its answer to somebody else, and somebody else's answer.
    for answer in [sub.answers(&eve, &Said::at(BORN)), eve.answers(&key, &Said::at(BORN))] {
        let keyring = unanswered(&key, &sub, &signing().with(answer));
        assert_eq!(why(by_subkey(&sub, &keyring)), Unfit::Unanswered);
    }
    // The answer need not be signed by the one who asks.
    let mut said = signing();
    let answer = sub.answers(&key, &Said::at(BORN));
    said.beside.push(Subpacket::regular(answer).expect("a part"));
    assert!(by_subkey(&sub, &unanswered(&key, &sub, &said)).is_ok());
}

#[test]
fn a_subkey_expires_by_itself_and_with_its_certificate() {
    let (key, sub) = (Key::new(1), Key::new(2));
    let end = MADE - DAY;
    let short = lasts(end - BORN);
    assert_eq!(
        why(by_subkey(&sub, &with_subkey(&key, &sub, signing().with(short.clone())))),
        Unfit::Expired(at(end))
    );
    let mut keyring = with_subkey(&key, &sub, signing());
    keyring.splice(..3, certificate(&key, &signing().with(short)));
    assert_eq!(why(by_subkey(&sub, &keyring)), Unfit::Expired(at(end)));
}

#[test]
fn a_hash_that_can_be_forged_and_an_old_version_are_refused() {
    let (key, payload) = (Key::new(1), tag("v1", MADE));
    let good = key.sign(payload.as_bytes(), &Said::at(MADE));
    for hash in [HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Ripemd160, HashAlgorithm::Sha224] {
        // The library does not make these.
        let config = SignatureConfig { hash_alg: hash, ..good.config().expect("it has one").clone() };
        let made = good.signature().expect("it has one").clone();
        let weak = Signature::from_config(config, [0, 0], made).expect("a signature");
        let verdict = judge(&payload, &armored(&[weak]), &certificate(&key, &signing()));
        assert_eq!(why(verdict), Unfit::Signature(Flaw::Hash(hash.to_string())));
    }
    let made = good.signature().expect("it has one").clone();
    let (created, id) = (good.created().expect("it says so"), key.primary.public_key().legacy_key_id());
    let algorithm = key.primary.public_key().algorithm();
    let config = SignatureConfig::v3(SignatureType::Binary, algorithm, HashAlgorithm::Sha256, created, id);
    let old = Signature::from_config(config, [0, 0], made).expect("a signature");
    let verdict = judge(&payload, &armored(&[old]), &certificate(&key, &signing()));
    assert_eq!(why(verdict), Unfit::Signature(Flaw::Version));
    for hash in [HashAlgorithm::Sha384, HashAlgorithm::Sha512, HashAlgorithm::Sha3_256] {
        assert!(saying(&Said { hash, ..Said::at(MADE) }).is_ok(), "{hash}");
    }
}

#[test]
fn a_subkeys_answer_that_has_ended_is_none() {
    let (key, sub) = (Key::new(1), Key::new(2));
    let ended = SubpacketData::SignatureExpirationTime(Duration::from_secs(1));
    let answer = sub.answers(&key, &Said::at(BORN).with(ended));
    let keyring = unanswered(&key, &sub, &signing().with(answer));
    assert_eq!(why(by_subkey(&sub, &keyring)), Unfit::Binding(Flaw::Ended(at(BORN + 1))));
}

#[test]
fn a_critical_part_that_is_not_known_is_not_passed_over() {
    let notation = || {
        let (name, value) = ("release@example.com".into(), "no".into());
        SubpacketData::Notation(Notation { readable: true, name, value })
    };
    let policy = SubpacketData::PolicyURI("https://example.com/policy".to_owned());
    for part in [notation(), policy] {
        assert!(saying(&Said::at(MADE).with(part.clone())).is_ok(), "{part:?}");
        let verdict = saying(&Said::at(MADE).critically(part.clone()));
        assert_eq!(why(verdict), Unfit::Signature(Flaw::Critical), "{part:?}");
        let keyring = certificate(&Key::new(1), &signing().critically(part));
        assert_eq!(why(by_primary(&Key::new(1), &keyring)), Unfit::Binding(Flaw::Critical));
    }
}

#[test]
fn a_signature_from_ahead_or_that_has_ended_is_refused() {
    let now = MADE + 3600;
    assert!(saying(&Said::at(now + 600)).is_ok());
    assert_eq!(why(saying(&Said::at(now + 601))), Unfit::Signature(Flaw::Ahead(at(now + 601))));
    let lasting =
        |seconds| Said::at(MADE).with(SubpacketData::SignatureExpirationTime(Duration::from_secs(seconds)));
    assert!(saying(&lasting(3601)).is_ok());
    assert_eq!(why(saying(&lasting(3600))), Unfit::Signature(Flaw::Ended(at(now))));
}
