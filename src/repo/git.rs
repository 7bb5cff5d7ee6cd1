//! A git repository: what its ref names, and the files of that revision.
//!
//! Takes the settings of one repository, gives revisions and snapshots, within a deadline on the
//! wall whatever the other side does. Judging how a ref moved is left to others.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::model::known::Look;
use crate::model::report::PollStep;
use crate::model::revision::{At, ObjectId, Reference, RepositoryName, RepositoryRevision};
use crate::model::signature::{Evidence, Verified};
use crate::model::snapshot::Names;
use crate::model::version::{Follow, Naming, Range, VersionTag};
use crate::repo::address::Address;
use crate::repo::deadline::{Asking, Deadline};
use crate::repo::error::Error;
use crate::repo::fetch::{self, Fetched, Order};
use crate::repo::history::{self, History, Question};
use crate::repo::link::Link;
use crate::repo::listing::{Named, One, TAGS};
use crate::repo::local::Here;
use crate::repo::meter::Meter;
use crate::repo::name;
use crate::repo::older::Listener;
use crate::repo::options::{GitOptions, Verification};
use crate::repo::problem::Doing;
use crate::repo::reading::{Reading, Resolved, Versions};
use crate::repo::verify;
use crate::repo::versions::{Highest, Sieve};
use crate::signature::{Claim, Times};

/// What a thread that blocks gets beyond the deadline, to end by itself and say what it was doing.
const GRACE: Duration = Duration::from_millis(500);

/// A git repository.
#[derive(Debug)]
pub struct Git {
    repository: Arc<str>,
    follow: Follow,
    path: String,
    names: Names,
    deadline: Duration,
    scratch: Option<PathBuf>,
    place: Place,
    verify: Option<Arc<Verification>>,
    /// There is never a second worker behind a first that hangs.
    one_at_a_time: Arc<Semaphore>,
}

#[derive(Debug)]
enum Place {
    Far(Arc<Link>),
    Here(Here),
}

impl Git {
    /// Checks the options; nothing is asked yet.
    pub fn new(options: GitOptions) -> Result<Self, Error> {
        let address = Address::parse(&options.url)?;
        let repository: Arc<str> = address.shown().into();
        if let Follow::One(reference) = &options.follow {
            check_name(reference)?;
        }
        check_path(&repository, &options.path)?;
        let here = match &address {
            Address::Local(path) => Some(Here { repository: Arc::clone(&repository), path: path.clone() }),
            Address::Http { .. } | Address::Git { .. } | Address::Ssh { .. } => None,
        };
        let link = Link::new(&repository, address, &options);
        let place = match (link, here) {
            (Some(link), _) => Place::Far(Arc::new(link)),
            (None, here) => Place::Here(here.expect("an address without a way is a path")),
        };
        Ok(Self {
            repository,
            follow: options.follow,
            path: options.path,
            names: |_| BTreeSet::new(),
            deadline: options.deadline,
            scratch: options.scratch,
            place,
            verify: options.verify.map(Arc::new),
            one_at_a_time: Arc::new(Semaphore::new(1)),
        })
    }

    /// Says which files elsewhere the definitions name.
    pub fn naming(&mut self, names: Names) {
        self.names = names;
    }

    /// Asks what the ref names now. A commit names itself, so nobody is asked.
    pub async fn resolve(&self) -> Result<Resolved, Error> {
        let begun = Instant::now();
        let meter = Meter::default();
        let (reference, Named { object, commit }, versions) = match &self.follow {
            Follow::One(reference) => {
                let named = self.list(reference, &meter).await?;
                let named = named.ok_or_else(|| self.no_reference(reference.full_name()))?;
                (reference.clone(), named, Vec::new())
            }
            Follow::Highest(range) => {
                let (Highest { tag, named }, versions) = self.highest(range, &meter).await?;
                (Reference::Tag(tag), named, versions)
            }
        };
        let revision = revision(&reference, object, commit, None, None);
        Ok(Resolved { revision, took: begun.elapsed(), received_bytes: meter.received(), versions })
    }

    async fn list(&self, reference: &Reference, meter: &Meter) -> Result<Option<Named>, Error> {
        if let Reference::Commit(id) = reference {
            return Ok(Some(Named { object: id.clone(), commit: id.clone() }));
        }
        let (deadline, asking) = Deadline::begin(&self.repository, self.deadline);
        match &self.place {
            Place::Far(link) => {
                let mut one = One::named(reference.full_name());
                link.list(&mut one, &deadline, meter).await?;
                Ok(one.named)
            }
            Place::Here(here) => {
                let permit = self.permit(&deadline, Doing::Listing).await?;
                let listed = here.list(reference, &deadline).await;
                // Only now: as long as it is held, the work goes on.
                drop((asking, permit));
                listed
            }
        }
    }

    /// The tag with the highest version of a range, and all that the range takes.
    async fn highest(&self, range: &Range, meter: &Meter) -> Result<(Highest, Vec<VersionTag>), Error> {
        let sieve = self.sift(Sieve::of_range(range), meter).await?;
        match sieve.highest() {
            Ok(Some(highest)) => Ok((highest, sieve.tags())),
            Ok(None) => Err(Error::NoVersion {
                repository: self.repository.to_string(),
                range: range.to_string(),
                near: sieve.near(),
            }),
            Err(same) => Err(Error::SameVersion {
                repository: self.repository.to_string(),
                first: same.first,
                second: same.second,
            }),
        }
    }

    /// Which version a commit has that a tag names which may move.
    pub async fn versions(&self, commit: &ObjectId) -> Result<Option<Versions>, Error> {
        let Follow::One(Reference::Tag(tag)) = &self.follow else { return Ok(None) };
        if Naming::new("").version(tag).is_some() {
            let own = Some(tag.as_str().into());
            return Ok(Some(Versions { own, tags: Vec::new(), received_bytes: 0 }));
        }
        let meter = Meter::default();
        let sieve = self.sift(Sieve::of_commit(Naming::of_floating(tag), commit.clone()), &meter).await?;
        let own = sieve.own().map(Into::into);
        Ok(Some(Versions { own, tags: sieve.tags(), received_bytes: meter.received() }))
    }

    async fn sift(&self, mut sieve: Sieve, meter: &Meter) -> Result<Sieve, Error> {
        let (deadline, asking) = Deadline::begin(&self.repository, self.deadline);
        match &self.place {
            Place::Far(link) => {
                link.list(&mut sieve, &deadline, meter).await?;
                Ok(sieve)
            }
            Place::Here(here) => {
                let permit = self.permit(&deadline, Doing::Listing).await?;
                let listed = here.tags(&mut sieve, &deadline).await;
                drop((asking, permit));
                listed.map(|()| sieve)
            }
        }
    }

    /// Where it is read, in words: the address, the folder in it and what is followed.
    pub fn source(&self) -> String {
        let Self { repository, path, follow, .. } = self;
        format!("{repository} {path:?} {follow}")
    }

    /// Whether signatures are asked for.
    pub fn is_verified(&self) -> bool {
        self.verify.is_some()
    }

    /// The range of versions that is followed, where it is one.
    pub fn range(&self) -> Option<&Range> {
        match &self.follow {
            Follow::One(_) => None,
            Follow::Highest(range) => Some(range),
        }
    }

    /// What is to be fetched for a revision: of a range, the tag that was chosen.
    fn chosen(&self, full_name: &str) -> Reference {
        match &self.follow {
            Follow::One(reference) => reference.clone(),
            Follow::Highest(_) => {
                Reference::Tag(full_name.strip_prefix(TAGS).unwrap_or(full_name).to_owned())
            }
        }
    }

    /// Reads the files of a revision that [`resolve`](Self::resolve) gave. Where the ref has moved
    /// since, the files and the revision are the newer ones. A signed tag that is older than the one that was
    /// accepted last is refused, as is what does not carry the signatures that are asked for.
    pub async fn read(
        &self,
        full_name: &str,
        object: &ObjectId,
        accepted: Option<Timestamp>,
    ) -> Result<Reading, Error> {
        let reference = self.chosen(full_name);
        let (deadline, asking) = Deadline::begin(&self.repository, self.deadline);
        let meter = Meter::default();
        let order = self.order(reference.clone(), object, &deadline);
        let runtime = Handle::current();
        let Fetched { object, commit, fetching, reading } = match &self.place {
            Place::Far(link) => {
                let (link, count) = (Arc::clone(link), meter.clone());
                let fetch = move || fetch::fetch(&order, &link, &runtime, &count);
                self.blocking(&deadline, asking, Doing::Fetching, fetch).await?
            }
            Place::Here(here) => {
                let here = here.clone();
                let read = move || here.read(&order, &runtime);
                self.blocking(&deadline, asking, Doing::Reading, read).await?
            }
        };
        let mut took = vec![(PollStep::Fetch, fetching), (PollStep::Read, reading)];
        let begun = Instant::now();
        let evidence = Arc::new(commit.evidence);
        let named = reference.full_name().into();
        let verified = self.verify(named, commit.id.clone(), Arc::clone(&evidence), accepted).await?;
        let evidence = verified.is_some().then_some(evidence);
        if evidence.is_some() {
            took.push((PollStep::Verify, begun.elapsed()));
        }
        let revision = revision(&reference, object, commit.id, commit.committed, verified);
        let snapshot = commit.collected.into_snapshot(revision);
        Ok(Reading { snapshot, took, received_bytes: meter.received(), evidence })
    }

    /// Tells of a commit and of those before it, the newest first, until that is enough or there are no more. What
    /// was read of it at another time is not read again.
    pub async fn history(
        &self,
        full_name: &str,
        commit: &ObjectId,
        known: Option<Look>,
        mut listener: Box<Listener>,
    ) -> Result<History, Error> {
        let (deadline, asking) = Deadline::begin(&self.repository, self.deadline);
        let order = self.order(self.chosen(full_name), commit, &deadline);
        let runtime = Handle::current();
        let question = move || (order, known);
        match &self.place {
            Place::Far(link) => {
                let link = Arc::clone(link);
                let look = move || {
                    let (order, known) = question();
                    let question =
                        Question { order: &order, known: known.as_ref(), listener: &mut *listener };
                    history::fetched(question, &link, &runtime)
                };
                self.blocking(&deadline, asking, Doing::Fetching, look).await
            }
            Place::Here(here) => {
                let here = here.clone();
                let look = move || {
                    let (order, known) = question();
                    let question =
                        Question { order: &order, known: known.as_ref(), listener: &mut *listener };
                    history::here(question, &here, &runtime)
                };
                self.blocking(&deadline, asking, Doing::Reading, look).await
            }
        }
    }

    fn order(&self, reference: Reference, object: &ObjectId, deadline: &Deadline) -> Order {
        Order {
            repository: Arc::clone(&self.repository),
            reference,
            path: self.path.clone(),
            names: self.names,
            object: object.clone(),
            scratch: self.scratch.clone(),
            deadline: deadline.clone(),
        }
    }

    /// Verifies the signatures that are asked for; gives nothing where none are.
    pub async fn verify(
        &self,
        reference: Arc<str>,
        commit: ObjectId,
        evidence: Arc<Evidence>,
        accepted: Option<Timestamp>,
    ) -> Result<Option<Arc<Verified>>, Error> {
        let Some(asked) = self.verify.clone() else { return Ok(None) };
        let repository = Arc::clone(&self.repository);
        let times = Times { now: Timestamp::now(), accepted };
        let judge = move || {
            let claim = Claim { reference: &reference, commit: &commit, evidence: &evidence };
            verify::verify(&asked, &repository, &claim, times)
        };
        let verified = tokio::task::spawn_blocking(judge).await;
        let verified = verified.unwrap_or_else(|join| std::panic::resume_unwind(join.into_panic()))?;
        Ok(Some(Arc::new(verified)))
    }

    /// Reads on a thread that may block, and waits for it until the deadline.
    async fn blocking<T: Send + 'static>(
        &self,
        deadline: &Deadline,
        asking: Asking,
        doing: Doing,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.permit(deadline, doing).await?;
        let thread = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        let result = tokio::time::timeout(deadline.left() + GRACE, thread).await;
        // Only now: as long as it is held, the work goes on.
        drop(asking);
        match result {
            Ok(Ok(result)) => result,
            Ok(Err(join)) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
            Ok(Err(_)) | Err(_) => Err(deadline.timed_out(doing)),
        }
    }

    async fn permit(&self, deadline: &Deadline, doing: Doing) -> Result<OwnedSemaphorePermit, Error> {
        let waiting = Arc::clone(&self.one_at_a_time).acquire_owned();
        match deadline.bound(doing, waiting).await {
            Ok(permit) => Ok(permit.expect("the semaphore is never closed")),
            Err(_) => Err(Error::Hanging { repository: self.repository.to_string() }),
        }
    }

    fn no_reference(&self, reference: String) -> Error {
        Error::NoReference { repository: self.repository.to_string(), reference }
    }
}

fn revision(
    reference: &Reference,
    object: ObjectId,
    commit: ObjectId,
    committed: Option<Timestamp>,
    verified: Option<Arc<Verified>>,
) -> RepositoryRevision {
    let reference = reference.full_name().into();
    RepositoryRevision {
        repository: RepositoryName::main(),
        at: At::Git { reference, object, commit, committed, verified },
    }
}

/// Refuses a name that no tag or branch can have, and names that mean something else in each clone.
fn check_name(reference: &Reference) -> Result<(), Error> {
    match reference {
        Reference::Tag(short) | Reference::Branch(short) => {
            let is_short = !short.starts_with("refs/") && !matches!(short.as_str(), "HEAD" | "FETCH_HEAD");
            if is_short && name::is_of_a_ref(&reference.full_name()) {
                return Ok(());
            }
            Err(Error::ReferenceName { name: short.clone() })
        }
        Reference::Commit(_) => Ok(()),
    }
}

/// Refuses a folder that does not lie inside the repository.
fn check_path(repository: &str, path: &str) -> Result<(), Error> {
    if path.starts_with('/') || path.split('/').any(|step| step == "..") || path.contains(char::is_control) {
        return Err(Error::PathOutside { repository: repository.to_owned(), path: path.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SHORT: Duration = Duration::from_millis(100);

    fn git() -> Git {
        Git::new(GitOptions::new("http://127.0.0.1:9/x", Reference::Tag("v1".into()))).expect("options")
    }

    // For work that comes to its end, on a machine that has others to serve too.
    const LONG: Duration = Duration::from_mins(1);

    /// What becomes of work on a thread that may take so long.
    async fn working<T: Send + 'static>(
        git: &Git,
        limit: Duration,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (deadline, asking) = Deadline::begin(&git.repository, limit);
        git.blocking(&deadline, asking, Doing::Reading, work).await
    }

    #[tokio::test]
    async fn nothing_begins_behind_work_that_hangs_and_all_goes_on_when_it_has_ended() {
        let git = git();
        let (end, hangs) = mpsc::channel::<()>();
        let begun = Instant::now();
        let error = working(&git, SHORT, move || Ok(hangs.recv().is_ok())).await.expect_err("it hangs");
        assert!(matches!(error, Error::TimedOut { doing: Doing::Reading, .. }), "{error:?}");
        assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
        let (tell, told) = mpsc::channel();
        let second = working(&git, SHORT, move || Ok(tell.send(()).is_ok()));
        let error = second.await.expect_err("the first one hangs");
        assert!(matches!(error, Error::Hanging { .. }), "{error:?}");
        assert!(told.recv().is_err(), "it never began");
        end.send(()).expect("it waits for this");
        assert_eq!(working(&git, LONG, || Ok(1)).await.expect("nothing hangs"), 1);
    }

    #[tokio::test]
    async fn work_that_ends_soon_after_the_deadline_says_itself_what_it_was_doing() {
        let git = git();
        // The grace is counted from the deadline, whenever the thread came to begin.
        let limit = Duration::from_secs(2);
        let end = Instant::now() + limit + GRACE / 50;
        let error = working(&git, limit, move || {
            let (_end, ends) = mpsc::channel::<()>();
            let rest = end.saturating_duration_since(Instant::now());
            assert!(ends.recv_timeout(rest).is_err(), "it takes longer than it may");
            Err::<(), _>(Error::GivenUp { repository: "r".into() })
        });
        let error = error.await.expect_err("it says so");
        assert!(matches!(error, Error::GivenUp { .. }), "{error:?}");
    }
}
