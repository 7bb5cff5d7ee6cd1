//! The folders of `extra`: what each holds, and what it declared when it last was good.
//!
//! Takes the folders, looks at them at every interval, and tells how each fares. What they give to the
//! environment beside the repository is thought in `pipeline`; it stays in force where a folder is gone,
//! empty or wrong.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::model::course::MoveKind;
use crate::model::desired::Lapse;
use crate::model::finding::Findings;
use crate::model::folder::{ExtraFolder, Names};
use crate::model::report::{
    Class, Event, Failure, Poll, PollOutcome, PollStep, RepositoryReport, RepositoryState,
};
use crate::model::revision::{RepositoryName, Revision};
use crate::model::snapshot::Snapshot;
use crate::pipeline::extra::{self, Folder, Ground, Joined, Outcome, Part, Target};
use crate::reconcile::board::{self, Board};
use crate::reconcile::causes::chain;
use crate::repo::flat;

/// Every folder of `extra`, in the order of the settings.
#[derive(Debug, Default)]
pub struct Extras(Vec<Extra>);

#[derive(Debug)]
struct Extra {
    repository: RepositoryName,
    path: PathBuf,
    names: Names,
    /// What it held when it was last looked at; before that it is as if it were not there.
    look: Look,
    /// What it declared when it last was good.
    last: Option<Part>,
    /// What was last told of it.
    told: Option<(Option<Lapse>, Findings)>,
}

/// What a folder holds, or why nobody knows.
#[derive(Debug)]
enum Look {
    Holds(Snapshot),
    Empty(Snapshot),
    Not(Lapse, Failure),
    Unseen,
}

impl Look {
    /// Whether the same was seen.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Holds(one), Self::Holds(other)) | (Self::Empty(one), Self::Empty(other)) => {
                one.revision == other.revision
            }
            (Self::Not(one, because), Self::Not(other, of)) => (one, because) == (other, of),
            (Self::Unseen, Self::Unseen) => true,
            (Self::Holds(_) | Self::Empty(_) | Self::Not(..) | Self::Unseen, _) => false,
        }
    }

    fn holds(&self) -> Result<&Snapshot, Lapse> {
        match self {
            Self::Holds(snapshot) => Ok(snapshot),
            Self::Empty(_) => Err(Lapse::Empty),
            Self::Not(lapse, _) => Err(*lapse),
            Self::Unseen => Err(Lapse::Missing),
        }
    }
}

impl Extras {
    /// Folders that were not looked at yet.
    pub fn new(folders: &[ExtraFolder]) -> Self {
        let extra = |ExtraFolder { path, names }: &ExtraFolder| Extra {
            repository: RepositoryName::extra(&path.to_string_lossy()),
            path: path.clone(),
            names: names.clone(),
            look: Look::Unseen,
            last: None,
            told: None,
        };
        Self(folders.iter().map(extra).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks at each of them; says whether one is not as it was.
    pub async fn look(&mut self) -> bool {
        let mut changed = false;
        for extra in &mut self.0 {
            changed |= extra.look().await.1.is_some();
        }
        changed
    }

    /// Looks at each of them and tells; says whether one is not as it was.
    pub async fn poll(&mut self, board: &Board) -> bool {
        let mut changed = false;
        for extra in &mut self.0 {
            let (took, moved) = extra.look().await;
            changed |= moved.is_some();
            extra.tell(took, moved, board);
        }
        changed
    }

    /// Puts them beside the repository.
    pub fn join(&self, ground: &Ground, target: &Target<'_>) -> Joined {
        let folders: Vec<_> = self
            .0
            .iter()
            .map(|extra| Folder {
                repository: &extra.repository,
                names: &extra.names,
                look: extra.look.holds(),
                last: extra.last.as_ref(),
            })
            .collect();
        extra::join(ground, &folders, target)
    }

    /// Keeps what came of them: what is good now is what they declared last from here on. Writes and logs it,
    /// where that is news.
    pub fn keep(&mut self, outcomes: Vec<Outcome>, board: &Board) {
        for (extra, outcome) in self.0.iter_mut().zip(outcomes) {
            if let Some(part) = &outcome.part {
                extra.last = Some(part.clone());
            }
            extra.report(outcome, board);
        }
    }

    /// Each failure to read one of them.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.0.iter().filter_map(|extra| match &extra.look {
            Look::Not(_, failure) => Some(failure),
            Look::Holds(_) | Look::Empty(_) | Look::Unseen => None,
        })
    }
}

impl Extra {
    /// Looks at it; says how long that took, and how it moved if it is not as it was.
    async fn look(&mut self) -> (Duration, Option<MoveKind>) {
        let began = Instant::now();
        let look = match flat::read(self.path.clone()).await {
            Ok(snapshot) if snapshot.files.is_empty() && snapshot.findings.is_empty() => {
                Look::Empty(snapshot)
            }
            Ok(snapshot) => Look::Holds(snapshot),
            Err(error) => {
                let class = error.class();
                let lapse = if class == Class::RefMissing { Lapse::Missing } else { Lapse::Unreadable };
                // A folder has no ref: the word is the one of its state.
                let class = if lapse == Lapse::Missing { Class::Unreachable } else { class };
                Look::Not(lapse, Failure { class, text: chain(&error).into(), hint: error.hint() })
            }
        };
        let moved = (!look.is(&self.look)).then_some(match (&self.look, &look) {
            (Look::Holds(_) | Look::Empty(_), Look::Holds(_) | Look::Empty(_)) => MoveKind::Forward,
            (Look::Not(..) | Look::Unseen, Look::Holds(_) | Look::Empty(_)) => MoveKind::Appeared,
            (_, Look::Not(..) | Look::Unseen) => MoveKind::Deleted,
        });
        self.look = look;
        (began.elapsed(), moved)
    }

    fn tell(&self, took: Duration, moved: Option<MoveKind>, board: &Board) {
        let now = Timestamp::now();
        board.write_of(&self.repository, |report| {
            report.last_poll = Some(now);
            if let Some(kind) = moved {
                report.last_moves.insert(kind, now);
            }
            match &self.look {
                Look::Holds(snapshot) | Look::Empty(snapshot) => {
                    if moved.is_some() {
                        report.first_seen = Some(now);
                    }
                    report.revision = Some(Revision::of(vec![snapshot.revision.clone()]));
                    report.last_success = Some(now);
                    report.consecutive_failures = 0;
                    report.failure = None;
                }
                Look::Not(_, failure) => {
                    report.consecutive_failures = report.consecutive_failures.saturating_add(1);
                    report.failure = Some(failure.clone());
                    // Also where there is no repository yet to put it beside.
                    report.state = RepositoryState::Unreachable;
                }
                Look::Unseen => {}
            }
        });
        let outcome = match (&self.look, moved) {
            (Look::Not(..) | Look::Unseen, _) => PollOutcome::Error,
            (Look::Holds(_) | Look::Empty(_), Some(_)) => PollOutcome::Success,
            (Look::Holds(_) | Look::Empty(_), None) => PollOutcome::Noop,
        };
        board.tell(&Event::Polled(Poll {
            repository: self.repository.clone(),
            outcome,
            took: vec![(PollStep::Read, took)],
            received_bytes: 0,
            moves: moved.into_iter().collect(),
        }));
    }

    fn report(&mut self, outcome: Outcome, board: &Board) {
        let Outcome { part, findings, idle: _, lacks: _ } = outcome;
        let lapse = match self.look.holds() {
            Ok(_) => part.is_none().then_some(Lapse::Invalid),
            Err(lapse) => Some(lapse),
        };
        board.write_of(&self.repository, |report| self.write(report, lapse, findings.clone()));
        let told = (lapse, findings);
        if self.told.as_ref() != Some(&told) {
            self.log(lapse, &told.1);
            self.told = Some(told);
        }
    }

    fn write(&self, report: &mut RepositoryReport, lapse: Option<Lapse>, findings: Findings) {
        report.findings = findings;
        report.state = match lapse {
            None => RepositoryState::Ok,
            Some(Lapse::Invalid) => RepositoryState::Invalid,
            Some(Lapse::Missing | Lapse::Unreadable) => RepositoryState::Unreachable,
            // A folder that never held anything lacks nothing.
            Some(Lapse::Empty) if self.last.is_none() => RepositoryState::Ok,
            Some(Lapse::Empty) => RepositoryState::Stale,
        };
    }

    fn log(&self, lapse: Option<Lapse>, findings: &Findings) {
        let folder = self.path.display().to_string();
        let folder = folder.as_str();
        let in_force = self.last.as_ref().map_or(0, |part| part.definitions.connectors.len());
        // What never was good has nothing that could stay.
        let rest = match in_force {
            0 => "nothing of it is in force",
            _ => "what it declared last stays in force",
        };
        board::log(Some(folder), findings.iter());
        let failure = match &self.look {
            Look::Not(_, failure) => Some(failure.text.as_ref()),
            Look::Holds(_) | Look::Empty(_) | Look::Unseen => None,
        };
        match lapse {
            None => info!(folder, declares = in_force, "accepted an extra folder"),
            Some(Lapse::Empty) => info!(folder, in_force, "an extra folder is empty; {rest}"),
            Some(Lapse::Invalid) => {
                warn!(folder, in_force, "refused an extra folder: it has findings; {rest}");
            }
            Some(Lapse::Missing | Lapse::Unreadable) => {
                warn!(folder, in_force, failure, "could not read an extra folder; {rest}");
            }
        }
    }
}
