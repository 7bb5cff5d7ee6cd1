//! One signature each, and the one reason why it does not count.

use ssh_key::HashAlg;

use crate::model::signature::{Evidence, OPENPGP, Object, Verified, What};
use crate::signature::made::{COMMIT, Key, MADE, at, commit, judge, judge_at, judge_by, tag};
use crate::signature::refusal::Refusal;
use crate::signature::signers::Signers;
#[cfg(not(feature = "openpgp"))]
use crate::signature::without_openpgp::Keyring;
use crate::signature::{Times, Trust};

/// The verdict on a tag alone.
fn judge_tag(raw: Vec<u8>, signers: &str) -> Result<Verified, Refusal> {
    judge(Some(raw), Vec::new(), What::Tag, signers)
}

/// The verdict on one that Ada signed, with these options in her line.
fn bounded(options: &str) -> Result<Verified, Refusal> {
    let key = Key::new(1);
    judge_tag(key.tag(&tag("v1", MADE)), &key.line("ada@example.com", options))
}

#[test]
fn who_signed_is_named_with_the_key() {
    let verified = bounded("").expect("it is good");
    assert_eq!(verified.to_string(), "ada@example.com");
    assert!(verified.keys()[0].starts_with("SHA256:"), "{verified:?}");
    assert_eq!((verified.what(), verified.tagged), (What::Tag, Some(at(MADE))));
}

#[test]
fn each_word_asks_for_its_objects() {
    let (ada, bob) = (Key::new(1), Key::new(2));
    let signers = ada.line("ada", "") + &bob.line("bob", "");
    let (tagged, plain) = (ada.tag(&tag("v1", MADE)), tag("v1", MADE).into_bytes());
    let (signed, unsigned) = (bob.commit(&commit(MADE)), commit(MADE).into_bytes());
    let by = |tag: &Vec<u8>, commit: &Vec<u8>, what| {
        judge(Some(tag.clone()), commit.clone(), what, &signers).map(|verified| verified.to_string()).ok()
    };
    let expected = [
        (What::Tag, [Some("ada"), Some("ada"), None, None]),
        (What::Commit, [Some("bob"), None, Some("bob"), None]),
        (What::TagAndCommit, [Some("ada and bob"), None, None, None]),
        (What::TagOrCommit, [Some("ada"), Some("ada"), Some("bob"), None]),
    ];
    for (what, names) in expected {
        let seen = [(&tagged, &signed), (&tagged, &unsigned), (&plain, &signed), (&plain, &unsigned)]
            .map(|(tag, commit)| by(tag, commit, what));
        assert_eq!(seen.each_ref().map(Option::as_deref), names, "{}", what.name());
    }
}

#[test]
fn a_tag_that_is_signed_wrongly_is_not_made_good_by_its_commit() {
    let (ada, eve) = (Key::new(1), Key::new(9));
    let verdict = judge(
        Some(eve.tag(&tag("v1", MADE))),
        ada.commit(&commit(MADE)),
        What::TagOrCommit,
        &ada.line("ada", ""),
    );
    assert!(matches!(verdict, Err(Refusal::UnknownKey { object: Object::Tag, .. })), "{verdict:?}");
}

#[test]
fn a_lightweight_tag_is_refused_as_one_where_a_tag_must_be_signed() {
    let key = Key::new(1);
    for what in [What::Tag, What::TagAndCommit] {
        let verdict = judge(None, key.commit(&commit(MADE)), what, &key.line("ada", ""));
        assert_eq!(verdict, Err(Refusal::Lightweight { name: "v1".into() }));
    }
}

#[test]
fn a_good_signature_for_another_name_or_commit_is_refused() {
    let key = Key::new(1);
    let signers = key.line("ada", "");
    let verdict = judge_tag(key.tag(&tag("v0.9", MADE)), &signers);
    assert_eq!(verdict, Err(Refusal::OtherName { written: "v0.9".into(), asked: "v1".into() }));
    for (from, to) in [(COMMIT, "0000000000000000000000000000000000000000"), ("type commit", "type tag")] {
        let verdict = judge_tag(key.tag(&tag("v1", MADE).replace(from, to)), &signers);
        assert_eq!(verdict, Err(Refusal::OtherCommit { commit: "4f1c9e2".into() }), "{to}");
    }
}

#[test]
fn a_tag_from_ahead_is_refused_and_a_clock_that_is_a_little_off_is_not() {
    let key = Key::new(1);
    let signers = key.line("ada", "");
    let now = MADE + 3600;
    assert!(judge_tag(key.tag(&tag("v1", now + 599)), &signers).is_ok());
    let verdict = judge_tag(key.tag(&tag("v1", now + 601)), &signers);
    assert_eq!(verdict, Err(Refusal::Ahead { made: at(now + 601) }));
}

#[test]
fn a_key_counts_at_the_time_of_signing_and_now() {
    // The tags are of 2026-01-01T00:00:00Z, and it is one o'clock.
    for good in [
        "valid-after=\"20260101\"",
        "valid-after=\"20251231235959Z\",valid-before=\"202601010100\"",
        "valid-before=\"20270101Z\"",
        "namespaces=\"git\"",
        "namespaces=\"file,gi?\"",
        "NAMESPACES=\"*\"",
    ] {
        assert!(bounded(good).is_ok(), "{good}: {:?}", bounded(good));
    }
    let (object, line) = (Object::Tag, 1);
    let expected = [
        // When it was signed, the key was good.
        ("valid-before=\"20260101003000Z\"", Refusal::Expired { object, line, before: at(MADE + 1800) }),
        ("valid-before=\"20251231\"", Refusal::Expired { object, line, before: at(MADE - 86400) }),
        // It is good now.
        ("valid-after=\"202601010030Z\"", Refusal::NotYetValid { object, line, after: at(MADE + 1800) }),
        ("namespaces=\"file\"", Refusal::NotForGit { object, line }),
        ("namespaces=\"*,!git\"", Refusal::NotForGit { object, line }),
    ];
    for (options, refusal) in expected {
        assert_eq!(bounded(options), Err(refusal), "{options}");
    }
}

#[test]
fn a_key_with_two_lines_counts_where_one_lets_it() {
    let key = Key::new(1);
    let signers = key.line("old", "valid-before=\"20200101\"") + &key.line("new", "");
    let verified = judge_tag(key.tag(&tag("v1", MADE)), &signers).expect("the second line");
    assert_eq!(verified.to_string(), "new");
}

#[test]
fn a_signature_for_another_use_is_refused_whatever_the_line_says() {
    let key = Key::new(1);
    let payload = tag("v1", MADE);
    let raw = payload.clone() + &key.sign(payload.as_bytes(), "file", HashAlg::Sha512);
    let verdict = judge_tag(raw.into_bytes(), &key.line("ada", ""));
    assert_eq!(verdict, Err(Refusal::Namespace { object: Object::Tag, found: "file".into() }));
}

#[test]
fn the_last_signature_counts_and_what_stands_before_it_is_signed() {
    let key = Key::new(1);
    let inner = String::from_utf8(key.tag(&tag("v1", MADE))).expect("text");
    assert!(judge_tag(key.tag(&inner), &key.line("ada", "")).is_ok());
    let pgp = inner + "-----BEGIN PGP SIGNATURE-----\n\nxx\n-----END PGP SIGNATURE-----\n";
    let refusal = judge_tag(pgp.into_bytes(), &key.line("ada", "")).expect_err("the last one counts");
    let said = if OPENPGP {
        "the tag is signed with OpenPGP, and the settings name nobody who may sign with that"
    } else {
        "the tag is signed with OpenPGP, and this build knows only SSH signatures (it was built without the \
         feature `openpgp`)"
    };
    assert_eq!(refusal.to_string(), said);
}

#[test]
fn a_signature_in_a_form_that_is_never_checked_is_named() {
    let signed = |begin: &str| {
        let raw = tag("v1", MADE) + begin + "\n\nxx\n";
        judge_tag(raw.into_bytes(), &Key::new(1).line("ada", ""))
    };
    for (begin, format) in
        [("-----BEGIN SIGNED MESSAGE-----", "X.509"), ("-----BEGIN PGP MESSAGE-----", "an OpenPGP message")]
    {
        assert_eq!(signed(begin), Err(Refusal::OtherFormat { object: Object::Tag, format }));
    }
}

#[test]
fn an_ssh_signature_counts_for_nothing_where_no_signers_are_named() {
    let evidence = Evidence { tag: Some(Key::new(1).tag(&tag("v1", MADE))), commit: Vec::new() };
    let times = Times { now: at(MADE + 3600), accepted: None };
    let verdict = judge_by(&evidence, What::Tag, &Trust::default(), times);
    assert_eq!(verdict, Err(Refusal::NobodyWith { object: Object::Tag, format: "SSH" }));
}

#[cfg(not(feature = "openpgp"))]
#[test]
fn openpgp_keys_are_refused_in_a_build_that_cannot_use_them() {
    let refusal = Keyring::parse(b"whatever").expect_err("nobody counts");
    assert_eq!(refusal, Refusal::NotBuilt);
    assert!(refusal.to_string().contains("without the feature `openpgp`"), "{refusal}");
}

#[test]
fn a_commit_with_two_signatures_or_one_for_sha256_is_refused() {
    let key = Key::new(1);
    let good = String::from_utf8(key.commit(&commit(MADE))).expect("text");
    let (_, field) = good.split_once("\ngpgsig ").expect("it is signed");
    let (field, _) = field.split_once("\n\n").expect("a message");
    for head in ["gpgsig", "gpgsig-sha256"] {
        let two = good.replacen("\n\n", &format!("\n{head} {field}\n\n"), 1);
        let verdict = judge(None, two.into_bytes(), What::Commit, &key.line("ada", ""));
        assert!(matches!(verdict, Err(Refusal::Malformed { object: Object::Commit, .. })), "{verdict:?}");
    }
}

#[test]
fn the_allowed_signers_are_read_as_ssh_keygen_reads_them() {
    let key = Key::new(1);
    let line = key.line("ada", "");
    for good in [
        format!("# people\n\n  {line}"),
        key.line("\"ada,ada@example.com\"", "namespaces=\"git\""),
        key.line("*@example.com,!eve@example.com", "valid-after=\"20200101\",namespaces=\"git,file\""),
        line.trim_end().to_owned() + " ada's laptop\r\n",
    ] {
        assert!(Signers::parse(&good).is_ok(), "{good}: {:?}", Signers::parse(&good));
    }
    let why = "certificates are not supported; name each signer's own key";
    assert_eq!(
        Signers::parse(&(line.clone() + &key.line("ca", "cert-authority"))),
        Err(Refusal::Line { line: 2, why })
    );
    let bare = line.replacen("ada ", "", 1);
    let told = Signers::parse(&bare).expect_err("it says nobody's name").to_string();
    assert!(told.contains("before it stands whose it is"), "{told}");
    for empty in ["", "\n", "# nobody\n"] {
        assert_eq!(Signers::parse(empty), Err(Refusal::Nobody));
    }
    for wrong in [
        "ada\n".to_owned(),
        "ada ssh-ed25519 AAAA\n".to_owned(),
        line.replacen("ada ", "", 1),
        key.line("ada", "valid-after=\"20261301\""),
        key.line("ada", "valid-after=\"2026\""),
        key.line("ada", "valid-after=20260101"),
        key.line("ada", "valid-after=\"20260101\",valid-after=\"20260101\""),
        key.line("ada", "valid-after=\"20260102\",valid-before=\"20260101\""),
        key.line("ada", "no-such-option"),
    ] {
        // One good line does not make up for a bad one.
        let verdict = Signers::parse(&(line.clone() + &wrong));
        assert!(matches!(verdict, Err(Refusal::Line { line: 2, .. })), "{wrong}: {verdict:?}");
    }
}

#[test]
fn the_same_tag_stays_good_after_it_was_accepted() {
    let key = Key::new(1);
    let evidence = Evidence { tag: Some(key.tag(&tag("v1", MADE))), commit: Vec::new() };
    let times = Times { now: at(MADE + 3600), accepted: Some(at(MADE)) };
    assert!(judge_at(&evidence, What::Tag, &key.line("ada", ""), times).is_ok());
}
