//! What holds of all bytes: none makes a reader panic, and none of a signed object can be changed.

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, proptest};

use crate::model::signature::{Evidence, Object, What};
use crate::signature::made::{self, Key, MADE, at, judge, judge_at};
use crate::signature::signers::Signers;
use crate::signature::{Times, object, sshsig};

/// Every object that differs from this one in one bit.
fn flipped(raw: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..raw.len() * 8).map(|bit| {
        let mut changed = raw.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        (bit, changed)
    })
}

#[test]
fn no_bit_of_a_signed_tag_can_be_changed() {
    let key = Key::new(1);
    let (raw, signers) = (key.tag(&made::tag("v1", MADE)), key.line("ada", ""));
    judge(Some(raw.clone()), Vec::new(), What::Tag, &signers).expect("it is good as it is");
    for (bit, changed) in flipped(&raw) {
        let text = String::from_utf8_lossy(&changed).into_owned();
        judge(Some(changed), Vec::new(), What::Tag, &signers).expect_err(&format!("bit {bit}: {text}"));
    }
}

#[test]
fn no_bit_of_a_signed_commit_can_be_changed() {
    let key = Key::new(1);
    let (raw, signers) = (key.commit(&made::commit(MADE)), key.line("ada", ""));
    judge(None, raw.clone(), What::Commit, &signers).expect("it is good as it is");
    for (bit, changed) in flipped(&raw) {
        let text = String::from_utf8_lossy(&changed).into_owned();
        judge(None, changed, What::Commit, &signers).expect_err(&format!("bit {bit}: {text}"));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(raw in vec(any::<u8>(), 0..400), text in ".{0,200}", cut in 0_usize..600) {
        let key = Key::new(1);
        let _ = object::tag(&raw).is_ok();
        let _ = object::commit(&raw).is_ok();
        let _ = sshsig::parse(Object::Tag, &raw).is_ok();
        let _ = Signers::parse(&text).is_ok();
        // Near what is right, where the readers go deeper.
        let tag = key.tag(&made::tag("v1", MADE));
        let signers = key.line("ada", "namespaces=\"git\",valid-after=\"20200101\"");
        let spliced = [&tag[..cut.min(tag.len())], &raw, &tag[cut.min(tag.len())..]].concat();
        let head = signers.char_indices().map(|(at, _)| at).nth(cut % signers.len()).unwrap_or(0);
        let _ = Signers::parse(&format!("{}{text}{}", &signers[..head], &signers[head..])).is_ok();
        let verdict = judge(Some(spliced), raw.clone(), What::TagAndCommit, &signers);
        prop_assert!(verdict.is_err());
    }

    #[test]
    fn nothing_that_is_put_into_a_signed_object_goes_unseen(
        more in vec(any::<u8>(), 1..40),
        cut in 0_usize..2000,
    ) {
        let key = Key::new(1);
        let signers = key.line("ada", "");
        let spliced = |raw: &[u8]| {
            let cut = cut % (raw.len() + 1);
            [&raw[..cut], &more, &raw[cut..]].concat()
        };
        let tag = spliced(&key.tag(&made::tag("v1", MADE)));
        prop_assert!(judge(Some(tag), Vec::new(), What::Tag, &signers).is_err());
        let commit = spliced(&key.commit(&made::commit(MADE)));
        prop_assert!(judge(None, commit, What::Commit, &signers).is_err());
    }

    #[test]
    fn a_tag_is_accepted_after_an_older_one_and_never_after_a_newer_one(before in -1000_i64..1000) {
        let key = Key::new(1);
        let evidence = Evidence { tag: Some(key.tag(&made::tag("v1", MADE))), commit: Vec::new() };
        let times = Times { now: at(MADE + 3600), accepted: Some(at(MADE + before)) };
        let verdict = judge_at(&evidence, What::Tag, &key.line("ada", ""), times);
        prop_assert!(verdict.is_ok() == (before <= 0));
    }
}
