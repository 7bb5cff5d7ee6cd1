//! From repositories to accepted desired connectors.
//!
//! Takes the main repository and an environment. The main repository says which others it imports;
//! each is asked at its own pace, and when one of them has moved the whole is rendered again, from
//! the newest that was read of each. It is accepted where nothing is wrong; what was accepted last
//! stays in force otherwise, and is kept for the agent's next start. Each round has what is in force looked over;
//! there is one at every interval, whether a repository is asked in it or not.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::info;

use crate::model::desired::Desired;
use crate::model::kept::LastGood;
use crate::model::report::{Class, Event, RepositoryState};
use crate::model::revision::RepositoryName;
use crate::model::rule::Severity;
use crate::model::snapshot::Sources;
use crate::pipeline;
use crate::pipeline::polling::Pace;
use crate::reconcile::board::Board;
use crate::reconcile::extras::Extras;
use crate::reconcile::followed::Followed;
use crate::reconcile::imports::Imports;
use crate::reconcile::in_force::InForce;
use crate::reconcile::keeping::Keeping;
use crate::reconcile::place::Place;
use crate::repo::Repository;
use crate::repo::keys::Keys;
use crate::repo::options::ImportOptions;

/// The longest round, in intervals: the first rest of a repository that answers may be that long.
pub const LONGEST_ROUND: f64 = 1.5;

/// Follows a repository, and those that it imports, for one environment.
pub struct Follower {
    main: Followed,
    imports: Imports,
    interval: Duration,
    /// When to come round, although no repository is due.
    round: Instant,
    keys: Keys,
    in_force: InForce,
    keeping: Option<Keeping>,
    /// How the main repository was last asked.
    polled: Polled,
}

/// How a poll went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// The ref of the main repository was resolved; the poll that did it began at the given time.
    Well(Instant),
    /// It was not.
    Badly(Class),
}

/// Which repositories to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Those that are due.
    Due,
    /// Those that are folders, and no server.
    Folders,
    /// All of them, but for those whose server said later.
    All,
    /// The same, and what went wrong before does not count: somebody says that there is something new.
    Anew,
}

impl Follower {
    /// A follower that has read nothing yet.
    pub fn new(repository: Repository, interval: Duration, imports: ImportOptions, place: Place) -> Self {
        Self {
            main: Followed::new(RepositoryName::main(), repository, Pace::new(interval, interval)),
            keys: Keys::of(&imports),
            imports: Imports::new(imports, interval),
            interval,
            round: Instant::now(),
            in_force: InForce::new(place),
            keeping: None,
            polled: Polled::Badly(Class::NotDue),
        }
    }

    /// Puts folders of `extra` beside the repositories.
    #[must_use]
    pub fn beside(self, extras: Extras) -> Self {
        Self { in_force: self.in_force.beside(extras), ..self }
    }

    /// Keeps what is accepted, and begins with what was kept.
    #[must_use]
    pub fn keeping(self, keeping: Option<Keeping>) -> Self {
        Self { keeping, ..self }
    }

    /// The time between two rounds.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// What was accepted last, as it changes.
    pub fn accepted(&self) -> watch::Receiver<Option<Arc<Desired>>> {
        self.in_force.accepted()
    }

    /// Rests until the next round, or until an import answers that was not waited for.
    pub async fn rest(&mut self) {
        let due = self.imports.due().into_iter().chain([self.main.due(), self.round]).min();
        tokio::select! {
            () = tokio::time::sleep_until(due.expect("there is always a next round")) => {}
            () = self.imports.answered() => {}
        }
    }

    /// Asks those that are due, and tells; says how the main one was last asked.
    ///
    /// They are asked side by side. What is new in the main one waits a moment for imports that may have
    /// moved with it, and for one that nobody has asked yet; an import that hangs holds up nothing else. While the
    /// main one is waited for, folders beside it are looked at whenever `changed` says so.
    pub async fn poll(&mut self, ask: Ask, board: &Board, mut changed: impl AsyncFnMut()) -> Polled {
        self.hurry(ask);
        let began = Instant::now();
        self.imports.ask(began, board);
        let main = async { if self.main.due() <= began { Some(self.main.ask(board).await) } else { None } };
        let main = {
            let mut main = pin!(self.imports.beside(main));
            loop {
                tokio::select! {
                    biased;
                    main = &mut main => break main,
                    () = changed() => self.in_force.look(board).await,
                }
            }
        };
        self.imports.linger().await;
        let mut polls = Vec::new();
        let mut news = false;
        if let Some(main) = main {
            polls.push(main.poll);
            self.polled = main
                .result
                .as_ref()
                .map_or_else(|error| Polled::Badly(error.class()), |_| Polled::Well(began));
            if main.result.is_ok_and(|new| new) {
                self.name_imports(board).await;
                news = true;
            }
        }
        let imports = self.imports.answers();
        polls.extend(imports.polls);
        news |= imports.news;
        self.imports.rest();
        self.round = self.next_round();
        let accepted = news && self.accept(board);
        // Before it is written anywhere: who starts again with less would take it back while git is away.
        self.keep(accepted).await;
        self.in_force.look(board).await;
        judge(board);
        if polls.is_empty() {
            board.tell(&Event::CameRound);
        }
        for poll in polls {
            board.tell(&Event::Polled(poll));
        }
        self.polled
    }

    /// Makes those due that are to be asked before their time.
    fn hurry(&mut self, ask: Ask) {
        let is_renewed = self.keys.are_renewed();
        if is_renewed {
            info!(
                "a credential for git or the list of signers was renewed; what was refused is asked for again"
            );
        }
        match ask {
            Ask::Due if !is_renewed => {}
            Ask::Folders if !is_renewed => {
                self.main.hurry_folder();
                self.imports.hurry_folders();
            }
            Ask::All if !is_renewed => {
                self.main.hurry();
                self.imports.hurry();
            }
            Ask::Anew | Ask::Due | Ask::Folders | Ask::All => {
                self.main.forgive();
                self.imports.forgive();
            }
        }
    }

    /// The rest of a repository that answers is a round; one that fails is waited for without standing still.
    fn next_round(&self) -> Instant {
        let now = Instant::now();
        let due = self.main.due();
        if due <= now + self.interval.mul_f64(LONGEST_ROUND) { due } else { now + self.interval }
    }

    /// Takes note of what a new revision of the main repository imports, and reads what is not read yet.
    async fn name_imports(&mut self, board: &Board) {
        let Some(main) = self.main.snapshot() else { return };
        self.imports.name(&pipeline::about(main), board);
        self.imports.ask_unasked(board).await;
    }

    /// Has what was read judged; says whether nothing is wrong with it.
    fn accept(&mut self, board: &Board) -> bool {
        let is_good = self.sources().is_some_and(|sources| self.in_force.accept(&sources, board));
        if is_good {
            self.main.accept();
            self.imports.settle();
        }
        is_good
    }

    /// What was last read of each.
    fn sources(&self) -> Option<Sources> {
        let mut sources = Sources::alone(Arc::clone(self.main.snapshot()?));
        self.imports.add_to(&mut sources);
        Some(sources)
    }

    /// Keeps what was accepted, or what has come to be known since; lets go of files that nobody needs.
    async fn keep(&mut self, accepted: bool) {
        if let Some(keeping) = &mut self.keeping {
            if let Some(main) = self.main.kept().filter(|_| accepted) {
                let repositories = std::iter::once(main).chain(self.imports.kept()).collect();
                keeping.keep(LastGood { accepted: Timestamp::now(), repositories }).await;
            } else {
                let mut memories = self.imports.memories();
                memories.extend(self.main.past());
                keeping.remember(memories).await;
            }
        }
        if accepted && self.imports.is_empty() {
            self.main.forget_files();
        }
    }

    /// Puts in force what was kept from before; says whether something is. It is rendered anew, with the
    /// settings, the values and the secrets of today, and no repository is asked.
    pub async fn recall(&mut self, board: &Board) -> bool {
        let Some(keeping) = &mut self.keeping else { return false };
        let Some(LastGood { accepted, repositories }) = keeping.recall().await else { return false };
        let (main, imports): (Vec<_>, Vec<_>) =
            repositories.into_iter().partition(|kept| self.main.owns(kept));
        self.imports.remember(imports);
        let Some(main) = main.into_iter().next() else { return false };
        if !self.main.recall(main, accepted, board).await {
            return false;
        }
        let about = self.main.snapshot().map(|main| pipeline::about(main));
        if let Some(about) = about {
            self.imports.name(&about, board);
        }
        let is_whole = self.imports.recall(accepted, board).await;
        let sources = self.sources().filter(|_| is_whole);
        let is_good = sources.is_some_and(|sources| self.in_force.accept_again(&sources, accepted, board));
        if is_good {
            self.in_force.look(board).await;
            if self.imports.is_empty() {
                self.main.forget_files();
            }
        }
        board.tell(&Event::CameRound);
        is_good
    }
}

/// Writes how each repository fares that could be asked: a bad revision stays bad while the remote comes
/// and goes, and each answers for its own files. Folders of `extra` have been judged already.
fn judge(board: &Board) {
    board.write(|report| {
        let invalid: Vec<_> = report
            .repositories
            .iter()
            .map(|one| report.findings_of(&one.repository).any(|finding| finding.severity == Severity::Error))
            .collect();
        let asked = report
            .repositories
            .iter_mut()
            .zip(invalid)
            .filter(|(one, _)| one.failure.is_none() && one.repository.folder().is_none());
        for (one, invalid) in asked {
            one.state = match (&one.course.held, invalid) {
                (Some(_), _) => RepositoryState::Held,
                (None, true) => RepositoryState::Invalid,
                (None, false) => RepositoryState::Ok,
            };
        }
    });
}
