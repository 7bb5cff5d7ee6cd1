//! Listings as servers send them, and bytes that are none.

use proptest::prelude::*;

use crate::model::revision::ObjectId;
use crate::repo::listing::{Advertisement, Advertising, Answer, Named, One, Problem, Wanted};
use crate::repo::pktline;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn id(text: &str) -> ObjectId {
    ObjectId::new(text).expect("an id")
}

fn packets(lines: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        match *line {
            "" => bytes.extend_from_slice(pktline::FLUSH),
            line => pktline::push(&mut bytes, line.as_bytes()),
        }
    }
    bytes
}

fn answer(bytes: &[u8]) -> Result<Option<Named>, Problem> {
    let mut one = One::named("refs/tags/v1");
    let mut answer = Answer::about(&mut one);
    for byte in bytes.chunks(7) {
        answer.feed(byte)?;
    }
    answer.end()?;
    Ok(one.named)
}

fn advertised(wanted: Wanted, stateless: bool, bytes: &[u8]) -> Result<Advertisement, Problem> {
    let mut advertising = Advertising::of(wanted, stateless);
    for chunk in bytes.chunks(5) {
        if advertising.feed(chunk)? {
            break;
        }
    }
    advertising.end()
}

#[test]
fn v1_is_not_v10() {
    let bytes = packets(&[&format!("{A} refs/tags/v10\n"), &format!("{B} refs/tags/v1.2\n"), ""]);
    assert_eq!(answer(&bytes), Ok(None));
    let bytes = packets(&[&format!("{A} refs/tags/v10\n"), &format!("{B} refs/tags/v1\n"), ""]);
    assert_eq!(answer(&bytes), Ok(Some(Named { object: id(B), commit: id(B) })));
}

#[test]
fn an_annotated_tag_has_two_ids() {
    let bytes = packets(&[&format!("{A} refs/tags/v1 peeled:{B}\n"), ""]);
    assert_eq!(answer(&bytes), Ok(Some(Named { object: id(A), commit: id(B) })));
}

#[test]
fn what_is_no_ls_refs_answer_is_told() {
    assert_eq!(answer(b""), Err(Problem::Malformed));
    assert_eq!(answer(b"<html>"), Err(Problem::Malformed));
    assert_eq!(answer(&packets(&["# service=git-upload-pack\n", ""])), Err(Problem::Malformed));
    assert_eq!(answer(&packets(&[&format!("{A} refs/tags/v1\n")])), Err(Problem::Malformed));
    assert_eq!(answer(&packets(&["version 2\n", "ls-refs\n", ""])), Err(Problem::Malformed));
    assert_eq!(answer(&packets(&["ERR no\n", ""])), Err(Problem::Refused("no\n".into())));
    assert_eq!(answer(&packets(&[&format!("{A}{A} refs/tags/v1\n"), ""])), Err(Problem::Malformed));
    let long = "c".repeat(64);
    assert_eq!(answer(&packets(&[&format!("{long} refs/tags/v1\n"), ""])), Err(Problem::Sha256));
}

#[test]
fn an_advertisement_keeps_what_is_wanted() {
    let bytes = packets(&[
        "# service=git-upload-pack\n",
        "",
        &format!("{A} HEAD\0shallow side-band-64k\n"),
        &format!("{A} refs/tags/v1\n"),
        &format!("{B} refs/tags/v1^{{}}\n"),
        &format!("{B} refs/tags/v10\n"),
        &format!("shallow {B}\n"),
        "",
    ]);
    let seen = advertised(Wanted::Name("refs/tags/v1".into()), true, &bytes).expect("a listing");
    assert_eq!(seen.named("refs/tags/v1"), Some(Named { object: id(A), commit: id(B) }));
    assert_eq!(seen.refs.len(), 2);
    assert!(seen.can("shallow") && !seen.gives_commits());

    let again = advertised(Wanted::Name("refs/tags/v1".into()), true, &seen.to_bytes(true));
    assert_eq!(again, Ok(seen));
}

#[test]
fn a_server_that_hands_out_commits_is_asked_for_no_refs() {
    let refs = |capabilities: &str| {
        packets(&[
            &format!("{A} HEAD\0{capabilities}\n"),
            &format!("{A} refs/heads/main\n"),
            &format!("{B} refs/pull/1/head\n"),
            "",
        ])
    };
    let open = advertised(Wanted::WayTo(id(B)), false, &refs("allow-reachable-sha1-in-want"));
    assert_eq!(open.expect("a listing").refs, []);
    let closed = advertised(Wanted::WayTo(id(B)), false, &refs("shallow")).expect("a listing");
    assert_eq!(closed.refs, [("refs/heads/main".to_owned(), id(A))]);
    let none = Advertisement { capabilities: "shallow".into(), refs: vec![] };
    assert!(none.to_bytes(false).ends_with(b"capabilities^{}\0shallow\n0000"));
}

#[test]
fn refs_with_odd_names_are_passed_over() {
    let mut bytes = Vec::new();
    pktline::push(&mut bytes, format!("{A} refs/tags/v1\0x\n").as_bytes());
    pktline::push(&mut bytes, &[A.as_bytes(), b" refs/tags/\xff\xfe\n"].concat());
    bytes.extend_from_slice(pktline::FLUSH);
    let seen = advertised(Wanted::WayTo(id(A)), false, &bytes).expect("a listing");
    assert_eq!(seen.refs.len(), 1);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, stateless: bool) {
        let _ = answer(&bytes);
        let _ = advertised(Wanted::Name("refs/tags/v1".into()), stateless, &bytes);
    }

    #[test]
    fn no_lines_make_it_panic(lines in proptest::collection::vec("[0-9a-f ^{}\0a-z:/]{0,80}", 0..6)) {
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let bytes = packets(&lines);
        let _ = answer(&bytes);
        let _ = advertised(Wanted::WayTo(id(A)), true, &bytes);
    }
}
