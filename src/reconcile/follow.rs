//! From a repository to accepted desired connectors.
//!
//! Takes a repository and an environment; each poll resolves the ref, reads what is new, renders
//! it, and accepts it where nothing is wrong. What was accepted last stays in force otherwise.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::model::desired::Desired;
use crate::model::finding::Findings;
use crate::model::name::EnvironmentName;
use crate::model::report::{
    Class, Clock, Event, Failure, MoveKind, Poll, PollOutcome, PollStep, RepositoryState,
};
use crate::model::revision::{At, RepositoryName, RepositoryRevision, Revision};
use crate::model::rule::Severity;
use crate::model::select::Select;
use crate::model::snapshot::Sources;
use crate::model::values::Values;
use crate::pipeline;
use crate::pipeline::supply::Supply;
use crate::reconcile::board::Board;
use crate::reconcile::cycle::chain;
use crate::repo::Repository;
use crate::repo::error::Error;

/// Follows one repository for one environment.
pub struct Follower {
    repository: Repository,
    environment: EnvironmentName,
    values: Values,
    select: Select,
    accepted: watch::Sender<Option<Arc<Desired>>>,
    /// What was read last, good or bad, so that nothing is fetched twice.
    read: Option<RepositoryRevision>,
    /// Whether the ref was there when it was last listed.
    listed: bool,
}

/// How a poll went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// The ref was resolved; this poll began at the given time.
    Well(Instant),
    /// It was not.
    Badly(Class),
}

/// What came of reading a revision.
enum Read {
    Accepted,
    Refused,
}

impl Follower {
    /// A follower that has read nothing yet.
    pub fn new(repository: Repository, environment: EnvironmentName, values: Values, select: Select) -> Self {
        let (accepted, _) = watch::channel(None);
        Self { repository, environment, values, select, accepted, read: None, listed: false }
    }

    /// What was accepted last, as it changes.
    pub fn accepted(&self) -> watch::Receiver<Option<Arc<Desired>>> {
        self.accepted.subscribe()
    }

    /// Asks the repository once, and tells.
    pub async fn poll(&mut self, board: &Board) -> Polled {
        let began = Instant::now();
        board.write_repository(|report| report.operation_started = Some(Timestamp::now()));
        let mut poll = Poll {
            repository: RepositoryName::main(),
            outcome: PollOutcome::Error,
            took: Vec::new(),
            received_bytes: 0,
            moved: None,
        };
        let polled = match self.try_poll(&mut poll, board).await {
            Ok(()) => Polled::Well(began),
            Err(error) => {
                self.note_failure(&error, &mut poll, board);
                Polled::Badly(error.class())
            }
        };
        board.write_repository(|report| {
            report.operation_started = None;
            report.last_poll = Some(Timestamp::now());
            if let Some(kind) = poll.moved {
                report.last_moves.insert(kind, Timestamp::now());
            }
        });
        board.tell(&Event::Polled(poll));
        polled
    }

    async fn try_poll(&mut self, poll: &mut Poll, board: &Board) -> Result<(), Error> {
        let began = Instant::now();
        let resolved = self.repository.resolve().await?;
        poll.took.push((PollStep::List, began.elapsed()));
        poll.received_bytes += resolved.received_bytes;
        let known = self.read.as_ref().is_some_and(|read| same(&read.at, &resolved.revision.at));
        point_at(&resolved.revision, board);
        if known {
            poll.outcome = PollOutcome::Noop;
            poll.moved = (!self.listed).then_some(MoveKind::Appeared);
        } else {
            let reading = self.repository.read(&resolved.revision).await?;
            poll.received_bytes += reading.received_bytes;
            poll.took.extend(reading.took);
            poll.outcome = PollOutcome::Success;
            poll.moved = Some(moved(self.read.as_ref(), &reading.snapshot.revision, self.listed));
            self.read = Some(reading.snapshot.revision.clone());
            let read = self.accept(&Sources::alone(reading.snapshot), board);
            board.write_repository(|report| {
                report.state = match read {
                    Read::Accepted => RepositoryState::Ok,
                    Read::Refused => RepositoryState::Invalid,
                };
            });
        }
        self.listed = true;
        note_success(known, board);
        Ok(())
    }

    /// Renders what was read, and puts it in force where nothing is wrong with it.
    fn accept(&mut self, sources: &Sources, board: &Board) -> Read {
        let now = Timestamp::now();
        let revision = sources.revision();
        let (desired, findings) = render(sources, &self.environment, &self.values, &self.select);
        for finding in findings.iter().filter(|finding| finding.severity != Severity::Info) {
            warn!(
                place = %finding.place,
                rule = finding.rule.name(),
                severity = finding.severity.name(),
                hint = finding.hint.as_deref(),
                "{}",
                finding.message
            );
        }
        board.write(|report| {
            report.clocks.points_at = Some(Clock { revision: revision.clone(), at: now });
            if desired.is_some() {
                report.clocks.validated = Some(Clock { revision: revision.clone(), at: now });
            }
            report.findings = findings;
        });
        board.write_repository(|report| {
            report.revision = Some(revision.clone());
            report.first_seen = Some(now);
        });
        if let Some(desired) = desired {
            info!(%revision, connectors = desired.connectors.len(), "accepted a revision");
            self.accepted.send_replace(Some(Arc::new(desired)));
            Read::Accepted
        } else {
            let kept = self.accepted.borrow().as_ref().map(|kept| kept.revision.to_string());
            warn!(%revision, kept, "refused a revision: it has findings; the last good one stays in force");
            Read::Refused
        }
    }

    fn note_failure(&mut self, error: &Error, poll: &mut Poll, board: &Board) {
        let class = error.class();
        let state = state(class);
        if state == RepositoryState::RefMissing && self.listed {
            self.listed = false;
            poll.moved = Some(MoveKind::Deleted);
        }
        warn!(
            error = error as &dyn std::error::Error,
            "could not follow the repository; the last good revision stays in force"
        );
        board.write_repository(|report| {
            report.state = state;
            report.consecutive_failures = report.consecutive_failures.saturating_add(1);
            report.failure = Some(Failure { class, text: chain(error).into() });
        });
    }
}

/// Writes that the ref was resolved; `known` says that it still names what was read last.
fn note_success(known: bool, board: &Board) {
    board.write_repository(|report| {
        report.last_success = Some(Timestamp::now());
        report.consecutive_failures = 0;
        report.failure = None;
    });
    // A bad revision stays bad while the remote comes and goes; what could not be used is left behind.
    let invalid = board.read(|report| report.findings.has_errors());
    if known {
        let state = if invalid { RepositoryState::Invalid } else { RepositoryState::Ok };
        board.write_repository(|report| report.state = state);
    }
}

/// Writes what the ref names, whatever will come of reading it.
fn point_at(resolved: &RepositoryRevision, board: &Board) {
    board.write(|report| {
        let points_at = &mut report.clocks.points_at;
        if points_at.as_ref().is_none_or(|clock| !same(&clock.revision.main().at, &resolved.at)) {
            let revision = Revision { repositories: vec![resolved.clone()] };
            *points_at = Some(Clock { revision, at: Timestamp::now() });
        }
    });
}

/// Renders for one environment: every finding, and the connectors where none is an error.
pub fn render(
    sources: &Sources,
    environment: &EnvironmentName,
    values: &Values,
    select: &Select,
) -> (Option<Desired>, Findings) {
    let definitions = pipeline::definitions(sources);
    let supply = Supply { values, examples: false };
    pipeline::desired(&definitions, &sources.revision(), environment, &supply, select)
}

/// Whether both name the same thing; the committer's time is only known after reading.
fn same(read: &At, listed: &At) -> bool {
    match (read, listed) {
        (
            At::Git { reference, object, commit, committed: _ },
            At::Git { reference: named, object: its_object, commit: its_commit, committed: _ },
        ) => (reference, object, commit) == (named, its_object, its_commit),
        (At::Directory { .. }, At::Directory { .. }) => read == listed,
        (At::Git { .. }, At::Directory { .. }) | (At::Directory { .. }, At::Git { .. }) => false,
    }
}

fn moved(before: Option<&RepositoryRevision>, now: &RepositoryRevision, listed: bool) -> MoveKind {
    let Some(before) = before.filter(|_| listed) else { return MoveKind::Appeared };
    match (&before.at, &now.at) {
        (At::Git { commit: a, committed: then, .. }, At::Git { commit: b, committed: now, .. }) => {
            if a == b {
                return MoveKind::Retag;
            }
            match then.cmp(now) {
                std::cmp::Ordering::Less => MoveKind::Forward,
                std::cmp::Ordering::Equal => MoveKind::Sideways,
                std::cmp::Ordering::Greater => MoveKind::Backward,
            }
        }
        (At::Directory { .. } | At::Git { .. }, At::Directory { .. } | At::Git { .. }) => MoveKind::Forward,
    }
}

fn state(class: Class) -> RepositoryState {
    match class {
        Class::AuthFailed | Class::Denied => RepositoryState::AuthFailed,
        Class::RefMissing => RepositoryState::RefMissing,
        Class::Unusable | Class::Invalid => RepositoryState::Invalid,
        Class::NotLeader
        | Class::Rebalancing
        | Class::Starting
        | Class::Unreachable
        | Class::TimedOut
        | Class::Exists
        | Class::NotFound
        | Class::Waiting
        | Class::NotUnderstood
        | Class::Unsupported
        | Class::Failed
        | Class::DataLost
        | Class::Superseded
        | Class::NotDue
        | Class::Internal => RepositoryState::Unreachable,
    }
}
