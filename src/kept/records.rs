//! The file of declared names: whose it is, what it tells, and that nothing is taken of one that is not as it was written.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;

use crate::kept::error::{Doubt, Error};
use crate::kept::record::{decode, encode};
use crate::kept::tests::MARK;
use crate::kept::{RecordKeeper, Whose};
use crate::model::known::{Batch, Look, LookEnd, Mention, Record, Said};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::revision::{ObjectId, RepositoryName};

/// Each word on a name, by a commit and by a folder, and a look with this end.
fn record(end: LookEnd) -> Record {
    let id = |digit: &str| ObjectId::new(&digit.repeat(40)).expect("forty digits");
    let said = [Said::Declared { keep: false }, Said::Declared { keep: true }, Said::Forgotten];
    let mention = |(number, said): (usize, Said)| {
        let by = if number == 1 { RepositoryName::extra("/a/b") } else { RepositoryName::main() };
        let commit = (number != 1).then(|| id("a"));
        let committed = commit.as_ref().and_then(|_| Timestamp::from_second(1_700_000_000).ok());
        (ConnectorName::observed(&format!("a\n{number}")), Mention { said, by, commit, committed })
    };
    let look = Look { from: id("b"), to: id("c"), commits: 7, end };
    let batch = Batch { names: ["a\n0", "b"].map(ConnectorName::observed).into(), every: true };
    Record { names: said.into_iter().enumerate().map(mention).collect(), look: Some(look), batch }
}

fn keeper(folder: &Path, source: &str) -> RecordKeeper {
    let environment = EnvironmentName::new("test").expect("a name");
    RecordKeeper::new(folder, Whose { environment: &environment, source, connect: "http://localhost:8083/" })
}

fn file(folder: &Path) -> PathBuf {
    let paths = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    paths.into_iter().find(|path| path.extension().is_some_and(|one| one == "names")).expect("it is kept")
}

#[test]
fn what_was_kept_is_there_for_the_next_one() {
    let folder = tempfile::tempdir().expect("a folder");
    for end in [LookEnd::Root, LookEnd::Enough, LookEnd::Limit] {
        keeper(folder.path(), "source").keep(&record(end)).expect("it can be written");
        let read = keeper(folder.path(), "source").recall().expect("believed").expect("it is there");
        assert_eq!(read, record(end));
    }
    let nothing = Record::default();
    keeper(folder.path(), "source").keep(&nothing).expect("it can be written");
    assert_eq!(keeper(folder.path(), "source").recall().expect("believed"), Some(nothing));
}

#[test]
fn a_file_from_before_it_said_what_went_together_is_read() {
    let mut of_old = record(LookEnd::Root);
    of_old.batch = Batch::default();
    let text = String::from_utf8(encode(&of_old, MARK)).expect("text");
    assert!(!text.contains("batch"), "an older one reads it, too: {text}");
    assert_eq!(decode(text.as_bytes(), MARK).ok(), Some(of_old));
}

#[test]
fn one_agent_has_it_at_a_time_and_whoever_looks_may_look() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = keeper(folder.path(), "source");
    first.keep(&record(LookEnd::Root)).expect("it can be written");
    assert!(matches!(keeper(folder.path(), "source").recall(), Err(Error::Used { .. })));
    assert_eq!(keeper(folder.path(), "source").look().expect("believed"), Some(record(LookEnd::Root)));
    assert!(keeper(folder.path(), "other").recall().expect("a file of its own").is_none());
    let text = fs::read(file(folder.path())).expect("it is there");
    assert!(matches!(decode(&text, MARK), Err(Doubt::Foreign)), "renamed, it is still of the other one");
}

proptest! {
    #[test]
    fn a_file_with_one_byte_changed_or_cut_off_is_not_believed(at in any::<Index>(), by in 1_u8..) {
        let whole = encode(&record(LookEnd::Limit), MARK);
        prop_assert_eq!(decode(&whole, MARK).ok(), Some(record(LookEnd::Limit)));
        let at = at.index(whole.len());
        prop_assert!(decode(&whole[..at], MARK).is_err(), "{at} bytes");
        let mut changed = whole;
        changed[at] ^= by;
        prop_assert!(decode(&changed, MARK).is_err(), "byte {at} changed by {by}");
    }
}
