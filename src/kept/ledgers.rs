//! The file of digests: whose it is, what it tells, and that nothing is taken of one that is not as it was written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;

use crate::kept::error::{Doubt, Error};
use crate::kept::key::Key;
use crate::kept::ledger::{decode, encode};
use crate::kept::tests::MARK;
use crate::kept::{LedgerKeeper, Whose};
use crate::model::config::{Config, Value};
use crate::model::desired::{Desired, DesiredConnector, DesiredState, Form};
use crate::model::finding::Place;
use crate::model::ledger::{Digest, Entry, Ledger};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::revision::Revision;

/// Two connectors with the same password under two keys each, and one that lacks a secret.
fn desired() -> Desired {
    let config: Config =
        ["a.password", "b.password"].iter().map(|key| (key, Value::new(key, "hunter2"))).collect();
    let one = |name: &str| {
        let one = DesiredConnector {
            config: config.clone(),
            state: DesiredState::Running,
            keep: false,
            acknowledged: Vec::new(),
            template: None,
            form: Form::Own,
            place: Place::start_of("connectors/orders.yaml"),
            origins: BTreeMap::new(),
            suspend: None,
            lost: BTreeSet::new(),
        };
        (ConnectorName::observed(name), one)
    };
    Desired {
        revision: Revision::of(Vec::new()),
        environment: EnvironmentName::new("test").expect("a name"),
        connectors: ["orders", "audit", "lacking"].map(one).into(),
        suspend: None,
        unresolved: [(ConnectorName::observed("lacking"), BTreeSet::new())].into(),
        forgotten: BTreeSet::new(),
        left_out: BTreeSet::new(),
        incomplete: Vec::new(),
    }
}

fn ledger(key: &Key) -> Ledger {
    let mut ledger: Ledger = key
        .digests(&desired())
        .into_iter()
        .map(|(name, digests)| {
            (name, digests.into_iter().map(|(key, digest)| (key, Entry::Settled(digest))).collect())
        })
        .collect();
    let odd = ledger.entry(ConnectorName::observed("a\nb")).or_default();
    odd.insert("x".into(), Entry::Owed);
    odd.insert("y".into(), Entry::Assumed(Digest::new([7; 32])));
    ledger
}

fn keeper(folder: &Path, source: &str) -> LedgerKeeper {
    let environment = EnvironmentName::new("test").expect("a name");
    LedgerKeeper::new(folder, Whose { environment: &environment, source, connect: "http://localhost:8083/" })
}

fn file(folder: &Path) -> PathBuf {
    let paths = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    paths.into_iter().find(|path| path.extension().is_some_and(|one| one == "digests")).expect("it is kept")
}

#[test]
fn a_digest_is_the_same_for_the_same_value_in_the_same_place_with_the_same_key_and_else_not() {
    let key = Key::random();
    let wanted = key.digests(&desired());
    assert_eq!(wanted, key.digests(&desired()));
    assert_eq!(wanted.len(), 2, "what lacks a secret holds a stand-in");
    let all: BTreeSet<_> = wanted
        .values()
        .chain(Key::random().digests(&desired()).values())
        .flat_map(|digests| digests.values().map(|digest| digest.bytes().to_vec()))
        .collect();
    assert_eq!(all.len(), 8, "one password, and nobody can see that it is one");
}

#[test]
fn what_was_kept_is_there_for_the_next_one_and_only_its_user_may_read_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = Key::random();
    keeper(folder.path(), "source").keep(&key, &ledger(&key)).expect("it can be written");
    let path = file(folder.path());
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).expect("text");
    assert!(!text.contains("hunter2"), "{text}");
    let (read, known) = keeper(folder.path(), "source").recall().expect("believed").expect("it is there");
    assert_eq!(known, ledger(&key));
    assert_eq!(read.digests(&desired()), key.digests(&desired()));
    assert_eq!(format!("{read:?} {:?}", known.values().next_back()).matches(char::is_numeric).count(), 0);
}

#[test]
fn it_is_not_believed_of_another_agent_and_one_agent_has_it_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = Key::random();
    let mut first = keeper(folder.path(), "source");
    first.keep(&key, &ledger(&key)).expect("it can be written");
    assert!(matches!(keeper(folder.path(), "source").recall(), Err(Error::Used { .. })));
    assert!(keeper(folder.path(), "other").recall().expect("a file of its own").is_none());
    let text = fs::read(file(folder.path())).expect("it is there");
    let is_foreign = matches!(decode(&text, MARK), Err(Doubt::Foreign));
    assert!(is_foreign, "renamed, it is still of the other one");
}

proptest! {
    #[test]
    fn a_file_with_one_byte_changed_or_cut_off_is_not_believed(at in any::<Index>(), by in 1_u8..) {
        let key = Key::random();
        let whole = encode(&key, &ledger(&key), MARK);
        prop_assert_eq!(decode(&whole, MARK).map(|(_, ledger)| ledger).ok(), Some(ledger(&key)));
        let at = at.index(whole.len());
        prop_assert!(decode(&whole[..at], MARK).is_err(), "{at} bytes");
        let mut changed = whole;
        changed[at] ^= by;
        prop_assert!(decode(&changed, MARK).is_err(), "byte {at} changed by {by}");
    }
}
