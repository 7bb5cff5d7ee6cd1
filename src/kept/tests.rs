//! A file beside others: whose it is, who may have written it, and what is left of it when a writer dies.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tempfile::TempDir;

use crate::kept::error::{Doubt, Error};
use crate::kept::file::LARGEST;
use crate::kept::{Keeper, Whose, form};
use crate::model::finding::{Finding, Place};
use crate::model::kept::{Kept, LastGood, Memory, Of};
use crate::model::name::EnvironmentName;
use crate::model::revision::{At, ObjectId, RepositoryName, RepositoryRevision};
use crate::model::rule::Rule;
use crate::model::signature::{Evidence, Signer, Verified};
use crate::model::snapshot::Snapshot;
use crate::model::version::VersionTag;

pub const MARK: &str = "4f1c";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn id(digit: char) -> ObjectId {
    ObjectId::new(&digit.to_string().repeat(40)).expect("an id")
}

fn kept(repository: RepositoryName, size: usize) -> Kept {
    let signer = Signer { principals: "ada@example.com".into(), key: "SHA256:abc".into() };
    let verified = Verified { tag: Some(signer), commit: None, tagged: Some(at(90)) };
    let revision = RepositoryRevision {
        repository,
        at: At::Git {
            reference: "refs/tags/v1".into(),
            object: id('a'),
            commit: id('b'),
            committed: Some(at(80)),
            verified: Some(Arc::new(verified)),
        },
    };
    let text = format!("connector: orders # {}\n", "x".repeat(size));
    let beside = Finding::new(Rule::BesideFolders, Place::start_of("connector"), "it is not read");
    let snapshot = Snapshot {
        revision,
        files: [("connectors/orders.yaml".into(), text.into_bytes().into())].into(),
        ignored: vec!["connectors/README.md".into()],
        findings: vec![beside],
    };
    Kept {
        source: "https://git.example.com/x . refs/tags/v1".into(),
        snapshot: Arc::new(snapshot),
        evidence: Some(Arc::new(Evidence { tag: Some(vec![0, 255, 10]), commit: b"tree\n".to_vec() })),
        memory: Memory {
            tagged: Some(at(90)),
            version: Some("v1.4.2".into()),
            versions: vec![VersionTag { name: "v1.4.2".into(), commit: id('b') }],
        },
    }
}

pub fn last_good(size: usize) -> LastGood {
    let platform = RepositoryName::import("platform").expect("a name");
    let repositories = vec![kept(RepositoryName::main(), size), kept(platform, size)];
    LastGood { accepted: at(100), repositories }
}

/// A folder with the file of one agent in it.
struct Kit {
    folder: TempDir,
    path: PathBuf,
}

fn keeper(folder: &Path, environment: &str, source: &str, connect: &str) -> Keeper {
    let environment = EnvironmentName::new(environment).expect("a name");
    Keeper::new(folder, Whose { environment: &environment, source, connect })
}

impl Kit {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut keeper = Self::keeper_in(folder.path());
        keeper.keep(&last_good(7)).expect("it can be written");
        let path = keeper.place.path().to_owned();
        Self { folder, path }
    }

    fn keeper_in(folder: &Path) -> Keeper {
        keeper(folder, "test", "source", "http://localhost:8083/")
    }

    fn keeper(&self) -> Keeper {
        Self::keeper_in(self.folder.path())
    }

    fn recall(&self) -> Result<Option<LastGood>, Error> {
        self.keeper().recall()
    }

    #[track_caller]
    fn doubts(&self, expected: Doubt) {
        match self.recall() {
            Err(Error::Doubtful { path, doubt }) => assert_eq!((path, doubt), (self.path.clone(), expected)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_was_kept_is_there_for_the_next_one_and_only_its_user_may_read_it() {
    let kit = Kit::new();
    let read = kit.recall().expect("it can be read").expect("it is there");
    assert_eq!(format!("{read:?}"), format!("{:?}", last_good(7)));
    assert_eq!(fs::metadata(&kit.path).expect("it is there").permissions().mode() & 0o777, 0o600);
    let left: Vec<_> = fs::read_dir(kit.folder.path()).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 2, "the file and its lock: {left:?}");
}

#[test]
fn agents_that_differ_have_files_of_their_own_in_one_folder() {
    let kit = Kit::new();
    let url = "http://localhost:8083/";
    for (environment, source, connect) in
        [("prod", "source", url), ("test", "other", url), ("test", "source", "http://localhost:8084/")]
    {
        let mut other = keeper(kit.folder.path(), environment, source, connect);
        assert!(other.recall().expect("nobody else uses it").is_none(), "{environment} {source} {connect}");
        // Renamed to look like it, it is still the file of the other one.
        fs::copy(&kit.path, other.place.path()).expect("a copy");
        match other.recall() {
            Err(Error::Doubtful { doubt, .. }) => assert_eq!(doubt, Doubt::Foreign),
            found => panic!("{found:?}"),
        }
    }
}

#[test]
fn one_agent_at_a_time_has_it_and_the_next_one_when_that_one_is_gone() {
    let kit = Kit::new();
    let (mut first, mut second) = (kit.keeper(), kit.keeper());
    first.recall().expect("it is the first");
    assert!(matches!(second.recall(), Err(Error::Used { .. })));
    assert!(matches!(second.keep(&last_good(1)), Err(Error::Used { .. })));
    drop(first);
    assert!(second.keep(&last_good(1)).is_ok());
}

#[test]
fn what_is_no_file_or_may_be_somebody_elses_work_is_not_believed() {
    let kit = Kit::new();
    let written = fs::read(&kit.path).expect("it is there");
    fs::set_permissions(&kit.path, Permissions::from_mode(0o602)).expect("it is ours");
    kit.doubts(Doubt::Open);
    fs::set_permissions(&kit.path, Permissions::from_mode(0o660)).expect("it is ours");
    assert!(kit.recall().is_ok(), "a group may write it");

    let elsewhere = kit.folder.path().join("elsewhere");
    fs::rename(&kit.path, &elsewhere).expect("it can be moved");
    symlink(&elsewhere, &kit.path).expect("a link");
    kit.doubts(Doubt::NoFile);
    kit.keeper().keep(&last_good(1)).expect("the link is replaced");
    assert_eq!(fs::read(&elsewhere).expect("it is there"), written, "nothing was written through the link");
    assert!(kit.recall().is_ok());

    fs::remove_file(&kit.path).expect("it is there");
    fs::create_dir(&kit.path).expect("a folder");
    kit.doubts(Doubt::NoFile);
}

#[test]
fn what_is_too_large_or_of_another_form_is_not_believed() {
    let kit = Kit::new();
    let text = String::from_utf8(fs::read(&kit.path).expect("it is there")).expect("text");
    fs::write(&kit.path, text.replacen("format 1", "format 2", 1)).expect("it is ours");
    kit.doubts(Doubt::Version);
    fs::write(&kit.path, "").expect("it is ours");
    kit.doubts(Doubt::Damaged);
    fs::File::options()
        .write(true)
        .open(&kit.path)
        .expect("it is ours")
        .set_len(LARGEST + 1)
        .expect("sparse");
    kit.doubts(Doubt::TooLarge);
}

#[test]
fn what_is_known_of_the_past_is_kept_beside_what_is_kept() {
    let kit = Kit::new();
    let memory = Memory { tagged: Some(at(95)), ..Memory::default() };
    let of = |source: &str| Of { name: RepositoryName::main(), source: source.into() };
    let other = Memory { tagged: Some(at(96)), ..Memory::default() };
    let memories =
        [(of("https://git.example.com/x . refs/tags/v1"), memory.clone()), (of("elsewhere"), other)].into();
    kit.keeper().remember(&memories).expect("it can be written");
    let read = kit.recall().expect("it can be read").expect("it is there");
    let [main, platform] = &read.repositories[..] else { panic!("{read:?}") };
    assert_eq!((&main.memory, platform.memory.tagged), (&memory, Some(at(90))));
    assert_eq!((main.snapshot.files.len(), read.accepted), (1, at(100)));

    let empty = tempfile::tempdir().expect("a folder");
    Kit::keeper_in(empty.path()).remember(&memories).expect("there is nothing to do");
    assert!(Kit::keeper_in(empty.path()).recall().expect("it can be read").is_none());
}

#[test]
fn what_a_killed_writer_left_half_written_is_not_read_and_not_in_the_way() {
    let kit = Kit::new();
    let half = form::encode(&last_good(9), "x");
    fs::write(kit.path.with_extension("new"), &half[..half.len() / 2]).expect("a file");
    let read = kit.recall().expect("it can be read").expect("it is there");
    assert_eq!(format!("{read:?}"), format!("{:?}", last_good(7)));
    kit.keeper().keep(&last_good(8)).expect("it can be written");
    assert!(!kit.path.with_extension("new").exists());
}

#[test]
fn whoever_reads_while_it_is_written_has_the_old_one_or_the_new_one() {
    let kit = Kit::new();
    let (mut writer, reader) = (kit.keeper(), kit.keeper());
    let sizes = [10_000, 300_000];
    let writing = std::thread::spawn(move || {
        for round in 0..100 {
            writer.keep(&last_good(sizes[round % 2])).expect("it can be written");
        }
    });
    let mut reads = 0;
    while !writing.is_finished() {
        let Ok(found) = reader.place.read() else { continue };
        form::decode(&found.expect("it is always there"), &reader.mark).expect("it is whole");
        reads += 1;
    }
    writing.join().expect("the writer ends well");
    assert!(reads > 0);
}

#[test]
fn what_was_kept_before_is_gone_where_it_cannot_be_replaced_and_there_again_with_the_next() {
    let kit = Kit::new();
    let mut keeper = kit.keeper();
    let way = kit.path.with_extension("new");
    fs::create_dir_all(way.join("in the way")).expect("a folder");
    let memories = [(Of { name: RepositoryName::main(), source: "x".into() }, Memory::default())].into();
    assert!(matches!(keeper.remember(&memories), Err(Error::Write { .. })));
    assert!(
        keeper.look().expect("it can be read").is_some(),
        "of the past alone: nothing newer was accepted"
    );
    assert!(matches!(keeper.keep(&last_good(8)), Err(Error::Write { .. })));
    assert!(keeper.look().expect("it can be read").is_none());
    fs::remove_dir_all(&way).expect("it is ours");
    keeper.keep(&last_good(8)).expect("it can be written");
    assert!(keeper.look().expect("it can be read").is_some());
}

#[test]
fn what_is_too_large_to_be_kept_leaves_nothing_older_behind() {
    let kit = Kit::new();
    let mut keeper = kit.keeper();
    let size = usize::try_from(LARGEST).expect("it is small") / 2;
    let kept = keeper.keep(&last_good(size));
    assert!(matches!(kept, Err(Error::Doubtful { doubt: Doubt::TooLarge, .. })), "{kept:?}");
    assert!(keeper.look().expect("it can be read").is_none());
}

#[test]
fn what_cannot_be_taken_away_is_named_and_what_another_agent_has_stays() {
    let kit = Kit::new();
    let keeper = kit.keeper();
    let denied = || io::Error::from(ErrorKind::ReadOnlyFilesystem);
    let write = || Error::Write { path: kit.path.clone(), source: denied() };
    let stuck = keeper.stuck(write(), denied());
    assert!(stuck.to_string().contains("v1 at bbbbbbb") && stuck.hint().is_some(), "{stuck}");
    let mut other = kit.keeper();
    other.recall().expect("it is the first");
    assert!(matches!(kit.keeper().keep(&last_good(8)), Err(Error::Used { .. })));
    assert!(kit.path.exists());
    fs::write(&kit.path, "cut off").expect("it is ours");
    assert!(matches!(keeper.stuck(write(), denied()), Error::Write { .. }), "nobody believes it");
}

#[test]
fn what_can_be_neither_locked_nor_put_aside_before_something_newer_is_named() {
    let kit = Kit::new();
    let lock = kit.path.with_extension("lock");
    fs::remove_file(&lock).and_then(|()| fs::create_dir(&lock)).expect("it can be replaced");
    let aside = kit.path.with_extension("last-good-before");
    fs::create_dir(&aside).expect("a folder in the way");
    let mut keeper = kit.keeper();
    let stuck = keeper.recall_before_newer().expect_err("it cannot be locked");
    assert!(matches!(stuck, Error::Stuck { .. }) && stuck.to_string().contains("v1 at bbbbbbb"), "{stuck}");
    fs::remove_dir(&aside).expect("it is empty");
    assert!(matches!(keeper.recall_before_newer(), Err(Error::Lock { .. })));
    assert!(keeper.look().expect("it can be read").is_none(), "a start would take back what is newer");

    let kit = Kit::new();
    let mut other = kit.keeper();
    other.recall().expect("it is the first");
    assert!(matches!(kit.keeper().recall_before_newer(), Err(Error::Used { .. })));
    assert!(kit.path.exists(), "it is the other one's");
}

#[test]
fn a_folder_that_is_taken_away_is_made_anew_and_whoever_was_first_there_has_it() {
    let kit = Kit::new();
    let (mut first, mut second) = (kit.keeper(), kit.keeper());
    first.recall().expect("it is the first");
    fs::remove_dir_all(kit.folder.path()).expect("it is ours");
    first.keep(&last_good(8)).expect("it is made anew");
    assert!(matches!(second.recall(), Err(Error::Used { .. })));
    fs::remove_dir_all(kit.folder.path()).expect("it is ours");
    second.keep(&last_good(9)).expect("it is made anew");
    assert!(matches!(first.keep(&last_good(8)), Err(Error::Used { .. })));
    assert!(second.look().expect("it can be read").is_some());
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_and_no_panic() {
    let kit = Kit::new();
    let below = kit.path.join("below");
    assert!(matches!(Kit::keeper_in(&below).recall(), Err(Error::Folder { .. })));
    assert!(matches!(Kit::keeper_in(&below).keep(&last_good(1)), Err(Error::Folder { .. })));
}
