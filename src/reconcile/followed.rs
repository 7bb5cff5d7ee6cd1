//! One repository that is followed: what its ref names, and what was read of it.
//!
//! Takes a repository, a pace, and what was kept of it, where something was; each asking resolves
//! the ref, reads what is new, writes how the repository fares and says when it is to be asked again. What
//! was read last, by this agent or by the one before, stays when it cannot be asked, and when the highest version of a range went down. What is
//! made of it is left to the follower.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::course::{LowerVersion, MoveKind};
use crate::model::kept::{Kept, Memory, Of};
use crate::model::report::{Clock, Failure, Poll, PollOutcome, PollStep, RepositoryState};
use crate::model::revision::{At, RepositoryName, RepositoryRevision, Revision};
use crate::model::signature::Evidence;
use crate::model::snapshot::Snapshot;
use crate::pipeline::moves;
use crate::pipeline::polling::{Answer, Pace, Rest};
use crate::reconcile::board::Board;
use crate::reconcile::causes::chain;
use crate::reconcile::course;
use crate::reconcile::meaning::{answer, is_of_revision, is_same_commit, same, state};
use crate::reconcile::past::Past;
use crate::reconcile::recalled::{self, Recalled};
use crate::reconcile::versions::Versions;
use crate::repo::Repository;
use crate::repo::error::Error;

/// A repository that is followed.
pub struct Followed {
    name: RepositoryName,
    repository: Repository,
    /// What was read last, good or bad, so that nothing is fetched twice.
    read: Option<RepositoryRevision>,
    /// Its files, unless nobody needs them any more.
    snapshot: Option<Arc<Snapshot>>,
    /// What its signatures were found good on, where some are asked for.
    evidence: Option<Arc<Evidence>>,
    /// What was found good last, and what that makes of others.
    past: Past,
    /// What the ref names and could not be used, so that it is not fetched at each asking.
    useless: Option<Useless>,
    /// Whether what is in force was kept from before, and nobody has answered since.
    recalled: bool,
    /// A lower version that is not taken.
    held: Option<LowerVersion>,
    /// Whether the ref was there when it was last listed.
    listed: bool,
    versions: Versions,
    /// What went wrong when it was last asked, so that it is told once.
    failing: Option<Failure>,
    pace: Pace,
    /// When it is to be asked again.
    due: Instant,
    /// Before then nobody may ask: the server said so.
    barred: Instant,
}

/// A revision that could be listed and not be used.
struct Useless {
    at: At,
    why: Arc<Error>,
    /// How many times in a row it was fetched.
    tries: u32,
    /// When it is fetched again although it did not move: a moment may make a signature count, and a machine
    /// may get what it lacked.
    again: Instant,
}

/// What an asking gave.
pub struct Asked {
    /// For counters and logs.
    pub poll: Poll,
    /// Whether something new was read, or why it could not be asked.
    pub result: Result<bool, Arc<Error>>,
}

impl Followed {
    /// A repository of which nothing was read yet; it is due at once.
    pub fn new(name: RepositoryName, repository: Repository, pace: Pace) -> Self {
        let now = Instant::now();
        let past = Past::new(repository.range());
        Self {
            name,
            repository,
            read: None,
            snapshot: None,
            evidence: None,
            past,
            useless: None,
            recalled: false,
            held: None,
            listed: false,
            versions: Versions::default(),
            failing: None,
            pace,
            due: now,
            barred: now,
        }
    }

    /// What was read last.
    pub fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.snapshot.as_ref()
    }

    /// Takes note that what was read last was found good.
    pub fn accept(&mut self) {
        if let Some(read) = &self.read {
            self.past.accept(read);
        }
    }

    /// Takes note that an earlier revision was found good, while a newer one was being read.
    pub fn accept_earlier(&mut self, revision: &RepositoryRevision) {
        self.past.accept(revision);
    }

    /// Whether this was kept of what is followed here, and of nothing else.
    pub fn owns(&self, kept: &Kept) -> bool {
        let name = &kept.snapshot.revision.repository;
        *name == self.name && self.repository.source().is_some_and(|source| source == *kept.source)
    }

    /// Takes up what is known of its past.
    pub fn remember(&mut self, kept: &Kept) {
        let Memory { tagged: _, version, versions } = kept.memory.clone();
        self.past.recall(kept);
        self.versions = Versions::recalled(versions, version);
    }

    /// Takes up what was accepted of it last, as if it had just been read; says whether it may be put in force.
    pub async fn recall(&mut self, kept: Kept, accepted: Timestamp, board: &Board) -> bool {
        self.remember(&kept);
        let Some(Recalled { snapshot, evidence }) = recalled::judge(&self.repository, kept).await else {
            return false;
        };
        self.evidence = evidence;
        self.read = Some(snapshot.revision.clone());
        self.recalled = true;
        let version = self.versions.own().cloned();
        board.write_repository(&self.name, |report| {
            report.state = RepositoryState::Stale;
            report.revision = Some(Revision::of(vec![snapshot.revision.clone()]));
            report.first_seen = Some(accepted);
            report.course.version_tag = version;
        });
        self.snapshot = Some(Arc::new(snapshot));
        true
    }

    /// What is to be kept of what was read last, when it is found good; nothing of a folder, and nothing once its files
    /// are gone.
    pub fn kept(&self) -> Option<Kept> {
        let read = self.read.as_ref()?;
        let mut past = self.past.clone();
        past.accept(read);
        Some(Kept {
            source: self.repository.source()?.into(),
            snapshot: Arc::clone(self.snapshot.as_ref()?),
            evidence: self.evidence.clone(),
            memory: past.memory(Some(read), &self.versions),
        })
    }

    /// What is known of its past, and whose that is; nothing of a folder.
    pub fn past(&self) -> Option<(Of, Memory)> {
        let of = Of { name: self.name.clone(), source: self.repository.source()?.into() };
        Some((of, self.past.memory(self.read.as_ref(), &self.versions)))
    }

    /// Lets go of the files, where they will be needed no more; which revision they were of is kept.
    pub fn forget_files(&mut self) {
        self.snapshot = None;
    }

    /// When it is to be asked again.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Takes another interval, from now on.
    pub fn change_pace(&mut self, interval: Duration, retry: Duration) {
        if self.pace.change(interval, retry) {
            self.due = self.barred.max(Instant::now() + interval);
        }
    }

    /// Has it asked again as soon as its server may be asked.
    pub fn hurry(&mut self) {
        self.due = self.due.min(self.barred.max(Instant::now()));
    }

    /// The same, and what went wrong so far does not count any more: something may be other than it was.
    pub fn forgive(&mut self) {
        self.useless = None;
        self.pace.forgive();
        self.hurry();
    }

    /// Has it asked again now where it is a folder, which is no server that could be asked too often.
    pub fn hurry_folder(&mut self) {
        if self.repository.is_folder() {
            self.hurry();
        }
    }

    fn rest(&mut self, answer: Answer, error: Option<&Error>) {
        let now = Instant::now();
        let later = error.and_then(Error::later);
        let Rest { usual, least } = self.pace.rest(answer, later, fastrand::f64());
        self.due = now + usual;
        self.barred = now + least;
    }

    /// Asks once, reads what is new, and writes how it fares.
    pub async fn ask(&mut self, board: &Board) -> Asked {
        board.write_repository(&self.name, |report| report.operation_started = Some(Timestamp::now()));
        let mut poll = Poll {
            repository: self.name.clone(),
            outcome: PollOutcome::Error,
            took: Vec::new(),
            received_bytes: 0,
            moves: Vec::new(),
        };
        let result = self.try_ask(&mut poll, board).await;
        match &result {
            Ok(_) => self.note_success(board),
            Err(error) => self.note_failure(error, &mut poll, board),
        }
        let error = result.as_ref().err();
        // It was listed, and listing is cheap: the next move mends it.
        let is_useless =
            |why: &Arc<Error>| self.useless.as_ref().is_some_and(|one| Arc::ptr_eq(&one.why, why));
        let answered = error.filter(|why| !is_useless(why)).map_or(Answer::Told, |why| answer(why));
        self.rest(answered, error.map(AsRef::as_ref));
        board.write_repository(&self.name, |report| {
            report.operation_started = None;
            report.last_poll = Some(Timestamp::now());
            for kind in &poll.moves {
                report.last_moves.insert(*kind, Timestamp::now());
            }
        });
        Asked { poll, result }
    }

    async fn try_ask(&mut self, poll: &mut Poll, board: &Board) -> Result<bool, Arc<Error>> {
        let began = Instant::now();
        let resolved = self.repository.resolve().await?;
        poll.took.push((PollStep::List, began.elapsed()));
        poll.received_bytes += resolved.received_bytes;
        point_at(&resolved.revision, board);
        if self.repository.range().is_some() {
            self.versions.see(&self.name, resolved.versions, Some(&resolved.revision), poll, board);
        }
        let now = resolved.revision;
        let lower = moves::lower(self.past.accepted(), &now, self.repository.range());
        let news = match lower {
            Some(lower) => self.hold(lower, poll, board),
            None if self.is_known(&now) => {
                self.verify_again(poll, board).await?;
                self.stay(&now, poll, board);
                false
            }
            None => {
                self.try_read(&now, poll, board).await?;
                true
            }
        };
        self.listed = true;
        self.versions.look(&self.name, &self.repository, self.read.as_ref(), poll, board).await;
        Ok(news)
    }

    /// Whether it was read already. Where signatures are asked for, another tag on the same commit is not.
    fn is_known(&self, now: &RepositoryRevision) -> bool {
        let same = if self.evidence.is_some() { same } else { is_same_commit };
        self.read.as_ref().is_some_and(|read| same(&read.at, &now.at))
    }

    /// Keeps what is in force, though the range has a lower version now.
    fn hold(&mut self, lower: LowerVersion, poll: &mut Poll, board: &Board) -> bool {
        poll.outcome = PollOutcome::Noop;
        if self.held.as_ref() != Some(&lower) {
            poll.moves.extend(self.judge(&lower.offered));
            course::tell_held(&self.name, &lower, board);
            self.held = Some(lower);
        }
        false
    }

    /// Takes note that the ref names what was read last.
    fn stay(&mut self, now: &RepositoryRevision, poll: &mut Poll, board: &Board) {
        poll.outcome = PollOutcome::Noop;
        let kind = self.judge(now);
        let kind = if self.listed { kind } else { Some(MoveKind::Appeared) };
        self.release(board);
        let (Some(kind), Some(read)) = (kind, &mut self.read) else { return };
        let before = read.clone();
        // What is in it was read: only the tag is another one.
        if let (At::Git { object, .. }, At::Git { object: named, .. }) = (&mut read.at, &now.at) {
            object.clone_from(named);
        }
        let read = read.clone();
        poll.moves.push(kind);
        board.write_repository(&self.name, |report| {
            report.revision = Some(Revision::of(vec![read.clone()]));
        });
        course::tell(&self.name, kind, Some(before), &read, board);
    }

    /// Reads what the ref names now, unless it is known to be of no use.
    async fn try_read(
        &mut self,
        now: &RepositoryRevision,
        poll: &mut Poll,
        board: &Board,
    ) -> Result<(), Arc<Error>> {
        let known = self.useless.take().filter(|one| same(&one.at, &now.at));
        if let Some(one) = known.as_ref().filter(|one| Instant::now() < one.again) {
            let why = Arc::clone(&one.why);
            self.useless = known;
            return Err(why);
        }
        let Err(error) = self.read(now, poll, board).await else { return Ok(()) };
        let why = Arc::new(error);
        if is_of_revision(&why) {
            let tries = known.map_or(0, |one| one.tries).saturating_add(1);
            let again = Instant::now() + self.pace.leave(tries);
            self.useless = Some(Useless { at: now.at.clone(), why: Arc::clone(&why), tries, again });
        }
        Err(why)
    }

    /// Reads what the ref names now.
    async fn read(&mut self, now: &RepositoryRevision, poll: &mut Poll, board: &Board) -> Result<(), Error> {
        let reading = self.repository.read_since(now, self.past.tagged_before(&now.at)).await?;
        poll.received_bytes += reading.received_bytes;
        poll.took.extend(reading.took);
        poll.outcome = PollOutcome::Success;
        let revision = reading.snapshot.revision.clone();
        let before = self.before().cloned();
        let kind = self.judge(&revision).unwrap_or(MoveKind::Appeared);
        poll.moves.push(kind);
        self.release(board);
        self.past.leave(self.read.as_ref(), &self.versions);
        self.evidence = reading.evidence;
        self.read = Some(revision.clone());
        self.snapshot = Some(Arc::new(reading.snapshot));
        self.versions.look_again();
        board.write_repository(&self.name, |report| {
            report.revision = Some(Revision::of(vec![revision.clone()]));
            report.first_seen = Some(Timestamp::now());
        });
        course::tell(&self.name, kind, before, &revision, board);
        Ok(())
    }

    /// Lets go of what was held.
    fn release(&mut self, board: &Board) {
        if self.held.take().is_some() {
            course::tell_released(&self.name, board);
        }
    }

    /// Where it was before: what was held or read last; after it had been away, what was accepted last.
    fn before(&self) -> Option<&RepositoryRevision> {
        if self.listed {
            self.held.as_ref().map(|held| &held.offered).or(self.read.as_ref())
        } else {
            self.past.accepted().or(self.read.as_ref())
        }
    }

    /// How it moved; it appeared where nobody knows where it was.
    fn judge(&self, now: &RepositoryRevision) -> Option<MoveKind> {
        let Some(before) = self.before() else { return Some(MoveKind::Appeared) };
        moves::judge(&before.at, &now.at, self.repository.range())
    }

    fn note_success(&mut self, board: &Board) {
        self.recalled = false;
        if self.failing.take().is_some() {
            course::tell_recovered(&self.name);
        }
        board.write_repository(&self.name, |report| {
            report.last_success = Some(Timestamp::now());
            report.consecutive_failures = 0;
            report.failure = None;
        });
    }

    /// Judges anew the signatures of what was read last: a key may have been taken out, or have ended to
    /// count, while nothing moved. What is in force stays, and the repository says that it is not signed.
    async fn verify_again(&mut self, poll: &mut Poll, board: &Board) -> Result<(), Error> {
        let Some((revision, evidence)) = self.read.as_mut().zip(self.evidence.as_ref()) else {
            return Ok(());
        };
        let began = Instant::now();
        let before = self.past.tagged_before(&revision.at);
        let found = self.repository.verify_again(revision, evidence, before).await?;
        poll.took.push((PollStep::Verify, began.elapsed()));
        if let At::Git { verified, .. } = &mut revision.at
            && *verified != found
        {
            *verified = found;
            let revision = revision.clone();
            board.write_repository(&self.name, |report| {
                report.revision = Some(Revision::of(vec![revision]));
            });
        }
        Ok(())
    }

    fn note_failure(&mut self, error: &Error, poll: &mut Poll, board: &Board) {
        let failure = Failure { class: error.class(), text: chain(error).into(), hint: error.hint() };
        let state = state(failure.class);
        if state == RepositoryState::RefMissing && self.listed {
            self.listed = false;
            poll.moves.push(MoveKind::Deleted);
        }
        let is_unheard = self.recalled && state == RepositoryState::Unreachable;
        let state = if is_unheard { RepositoryState::Stale } else { state };
        let is_news = self.failing.as_ref() != Some(&failure);
        course::tell_failure(&self.name, error, is_news, board);
        self.failing = Some(failure.clone());
        board.write_repository(&self.name, |report| {
            report.state = state;
            report.consecutive_failures = report.consecutive_failures.saturating_add(1);
            report.failure = Some(failure);
        });
    }
}

/// Writes what the ref names, whatever will come of reading it.
fn point_at(resolved: &RepositoryRevision, board: &Board) {
    board.write(|report| {
        let points_at = &mut report.clocks.points_at;
        let mut repositories: Vec<_> =
            points_at.iter().flat_map(|clock| clock.revision.repositories.iter().cloned()).collect();
        match repositories.iter_mut().find(|one| one.repository == resolved.repository) {
            Some(one) if same(&one.at, &resolved.at) => return,
            Some(one) => *one = resolved.clone(),
            // Which others belong to it is known when all of them were read.
            None if resolved.repository.is_main() => repositories = vec![resolved.clone()],
            None => return,
        }
        *points_at = Some(Clock { revision: Revision::of(repositories), at: Timestamp::now() });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::revision::Reference;
    use crate::reconcile::meaning::tests::later;
    use crate::repo::options::GitOptions;

    #[test]
    fn nobody_hurries_a_repository_whose_server_said_later() {
        let options = GitOptions::new("https://git.example.com/x", Reference::Tag("v1".into()));
        let repository = Repository::git(options).expect("a repository");
        let pace = Pace::new(Duration::from_mins(1), Duration::from_mins(1));
        let mut followed = Followed::new(RepositoryName::main(), repository, pace);
        let began = Instant::now();
        followed.rest(Answer::Trouble, Some(&later(Some(300))));
        followed.forgive();
        assert!(followed.due() >= began + Duration::from_mins(5));
        followed.change_pace(Duration::from_secs(10), Duration::from_secs(10));
        assert!(followed.due() >= began + Duration::from_mins(5), "with another interval neither");
        followed.rest(Answer::Trouble, Some(&later(None)));
        assert!(followed.due() >= began + Duration::from_secs(1));
        followed.hurry();
        assert!(followed.due() <= Instant::now());
    }
}
