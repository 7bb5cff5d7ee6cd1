//! One revision, fetched into a repository of its own that is gone afterwards.
//!
//! Takes a way to the server and the ids that a ref is known to name, gives the commit's files. What
//! was fetched is compared with what was advertised: libgit2 calls it success when a ref is missing
//! or was not updated.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use git2::{
    AutotagOption, Direction, ErrorClass, FetchOptions, Oid, RemoteCallbacks, Repository,
    RepositoryInitOptions,
};
use tokio::time::Instant;

use crate::model::revision::{ObjectId, Reference};
use crate::model::snapshot::Names;
use crate::repo::cause::Cause;
use crate::repo::deadline::Deadline;
use crate::repo::error::{Doing, Error};
use crate::repo::link::Link;
use crate::repo::listing::{Advertisement, Wanted};
use crate::repo::meter::Meter;
use crate::repo::scratch::Scratch;
use crate::repo::transport::{self, Session};
use crate::repo::tree::{self, Commit};

/// Our own namespace: a server's ref never gets a name that it chose.
const CANDIDATE: &str = "refs/tagalong/candidate";

/// What to fetch.
#[derive(Debug, Clone)]
pub struct Order {
    /// The repository as it may be shown.
    pub repository: Arc<str>,
    /// What is followed.
    pub reference: Reference,
    /// The folder of the definitions.
    pub path: String,
    /// Which files elsewhere the definitions name.
    pub names: Names,
    /// What the ref named when it was asked.
    pub object: ObjectId,
}

/// What was fetched.
#[derive(Debug)]
pub struct Fetched {
    /// What the ref names; newer than what was ordered where it moved in between.
    pub object: ObjectId,
    /// The commit with its files.
    pub commit: Commit,
    /// How long fetching took.
    pub fetching: Duration,
    /// How long reading took.
    pub reading: Duration,
}

/// What one attempt brought.
enum Attempt {
    Fetched(Box<Fetched>),
    /// The ref names something else by now.
    Moved(ObjectId),
}

/// Fetches and reads; blocks, and is to be called on a thread that may.
pub fn fetch(
    order: &Order,
    scratch: Option<&Path>,
    link: &Arc<Link>,
    deadline: &Deadline,
    meter: &Meter,
) -> Result<Fetched, Error> {
    let mut expected = order.object.clone();
    let mut moved = false;
    // The ref may move between the question and the fetch; whoever moves it twice is asked later.
    for _ in 0..3 {
        match attempt(order, &expected, scratch, link, deadline, meter) {
            Ok(Attempt::Fetched(fetched)) => return Ok(*fetched),
            Ok(Attempt::Moved(_)) if moved => break,
            Ok(Attempt::Moved(object)) => (expected, moved) = (object, true),
            Err(Error::NotGiven { repository, .. }) => match &order.reference {
                Reference::Commit(id) => {
                    return Err(Error::NoCommit { repository, commit: id.to_string() });
                }
                // It moved after it was advertised, and what it named before is gone already.
                Reference::Tag(_) | Reference::Branch(_) => {}
            },
            Err(error) => return Err(error),
        }
    }
    let reference = order.reference.full_name();
    Err(Error::Moving { repository: order.repository.to_string(), reference })
}

fn attempt(
    order: &Order,
    expected: &ObjectId,
    scratch: Option<&Path>,
    link: &Arc<Link>,
    deadline: &Deadline,
    meter: &Meter,
) -> Result<Attempt, Error> {
    let begun = Instant::now();
    let wanted = match &order.reference {
        Reference::Commit(id) => Wanted::WayTo(id.clone()),
        Reference::Tag(_) | Reference::Branch(_) => Wanted::Name(order.reference.full_name()),
    };
    let scratch = Scratch::new(scratch)?;
    let session = Session::new(Arc::clone(link), wanted, deadline.clone(), meter.clone());
    let git = session.run(|| {
        let git = RepositoryInitOptions::new();
        let git = init(git, &scratch).map_err(|error| order.failed(&session, &error))?;
        download(order, expected, &session, &git).map(|moved| (git, moved))
    });
    let (git, moved) = git?;
    if let Some(object) = moved {
        return Ok(Attempt::Moved(object));
    }
    let fetching = begun.elapsed();
    let begun = Instant::now();
    let reading = tree::Reading {
        repository: &order.repository,
        reference: &order.reference.full_name(),
        path: &order.path,
        names: order.names,
        deadline,
    };
    let commit = tree::read(&git, expected, reading)?;
    let reading = begun.elapsed();
    Ok(Attempt::Fetched(Box::new(Fetched { object: expected.clone(), commit, fetching, reading })))
}

fn init(mut options: RepositoryInitOptions, scratch: &Scratch) -> Result<Repository, git2::Error> {
    options.bare(true).external_template(false).no_reinit(true);
    Repository::init_opts(scratch.repository(), &options)
}

/// Downloads what was ordered; gives another id where the ref names that by now.
fn download(
    order: &Order,
    expected: &ObjectId,
    session: &Arc<Session>,
    git: &Repository,
) -> Result<Option<ObjectId>, Error> {
    let failed = |error: git2::Error| order.failed(session, &error);
    let mut remote = git.remote_anonymous(transport::ADDRESS).map_err(failed)?;
    let mut connection = remote.connect_auth(Direction::Fetch, None, None).map_err(failed)?;
    let advertisement = session.advertisement().expect("a connection begins with an advertisement");
    let (refspecs, depth) = match &order.reference {
        Reference::Commit(id) => way_to(id, &advertisement),
        Reference::Tag(_) | Reference::Branch(_) => {
            let name = order.reference.full_name();
            match advertisement.named(&name) {
                None => return Err(order.no_reference()),
                Some(named) if named.object != *expected => return Ok(Some(named.object)),
                Some(_) => (vec![format!("+{name}:{CANDIDATE}")], Some(1)),
            }
        }
    };
    let mut options = FetchOptions::new();
    options.update_fetchhead(false).download_tags(AutotagOption::None);
    if let Some(depth) = depth.filter(|_| advertisement.can("shallow")) {
        options.depth(depth);
    }
    let mut callbacks = RemoteCallbacks::new();
    callbacks.transfer_progress(|_| match session.deadline.check(Doing::Fetching) {
        Ok(()) => true,
        Err(error) => {
            session.keep(error);
            false
        }
    });
    options.remote_callbacks(callbacks);
    connection.remote().fetch(&refspecs, Some(&mut options), None).map_err(failed)?;
    drop(connection);
    order.arrived(expected, git)
}

/// The refspecs that bring a commit, and the depth that is enough.
fn way_to(commit: &ObjectId, advertisement: &Advertisement) -> (Vec<String>, Option<i32>) {
    if advertisement.gives_commits() {
        return (vec![format!("+{commit}:{CANDIDATE}")], Some(1));
    }
    let tip = advertisement.refs.iter().find(|(name, id)| id == commit && !name.ends_with("^{}"));
    if let Some((name, _)) = tip {
        return (vec![format!("+{name}:{CANDIDATE}")], Some(1));
    }
    let all = ["heads", "tags"].map(|kind| format!("+refs/{kind}/*:refs/tagalong/{kind}/*"));
    (all.to_vec(), None)
}

impl Order {
    /// Makes sure that what was expected is what came.
    fn arrived(&self, expected: &ObjectId, git: &Repository) -> Result<Option<ObjectId>, Error> {
        if let Reference::Commit(_) = &self.reference {
            let there = git.odb().is_ok_and(|odb| odb.exists(tree::oid(expected)));
            return if there { Ok(None) } else { Err(self.no_commit()) };
        }
        match git.refname_to_id(CANDIDATE).map(|id: Oid| tree::object_id(id)) {
            Ok(id) if id == *expected => Ok(None),
            Ok(id) => Ok(Some(id)),
            Err(_) => Err(self.no_reference()),
        }
    }

    fn no_reference(&self) -> Error {
        Error::NoReference { repository: self.repository.to_string(), reference: self.reference.full_name() }
    }

    fn no_commit(&self) -> Error {
        Error::NoCommit { repository: self.repository.to_string(), commit: self.reference.full_name() }
    }

    /// What really went wrong: the session knows it where the connection failed.
    fn failed(&self, session: &Session, error: &git2::Error) -> Error {
        if let Some(known) = session.failure() {
            return known;
        }
        let source = Cause::from(error);
        let (repository, doing) = (self.repository.to_string(), Doing::Fetching);
        match error.class() {
            ErrorClass::Net | ErrorClass::Indexer | ErrorClass::Zlib => {
                Error::NotUnderstood { repository, doing, source }
            }
            _ => Error::Git { repository, doing, source },
        }
    }
}
