//! From repositories to accepted desired connectors.
//!
//! Takes the main repository and an environment. The main repository says which others it imports;
//! each is asked at its own interval, and when one of them has moved the whole is rendered again, from
//! the newest that was read of each. It is accepted where nothing is wrong; what was accepted last
//! stays in force otherwise.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::model::desired::Desired;
use crate::model::finding::Findings;
use crate::model::name::EnvironmentName;
use crate::model::report::{Class, Clock, Event, Poll, RepositoryState};
use crate::model::revision::RepositoryName;
use crate::model::rule::Severity;
use crate::model::select::Select;
use crate::model::snapshot::Sources;
use crate::model::values::Values;
use crate::pipeline;
use crate::pipeline::supply::Supply;
use crate::reconcile::board::Board;
use crate::reconcile::followed::Followed;
use crate::reconcile::imports::Imports;
use crate::repo::Repository;
use crate::repo::options::ImportOptions;

/// Follows a repository, and those that it imports, for one environment.
pub struct Follower {
    main: Followed,
    imports: Imports,
    interval: Duration,
    rendering: Rendering,
    accepted: watch::Sender<Option<Arc<Desired>>>,
    /// How the main repository was last asked.
    polled: Polled,
}

/// What is rendered, and with what.
pub struct Rendering {
    /// For which environment.
    pub environment: EnvironmentName,
    /// The place's own values.
    pub values: Values,
    /// The agent's scope.
    pub select: Select,
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
    /// Those whose interval is over.
    Due,
    /// All of them.
    All,
}

impl Follower {
    /// A follower that has read nothing yet.
    pub fn new(
        repository: Repository,
        interval: Duration,
        imports: ImportOptions,
        rendering: Rendering,
    ) -> Self {
        let (accepted, _) = watch::channel(None);
        Self {
            main: Followed::new(RepositoryName::main(), repository),
            imports: Imports::new(imports, interval),
            interval,
            rendering,
            accepted,
            polled: Polled::Badly(Class::NotDue),
        }
    }

    /// What was accepted last, as it changes.
    pub fn accepted(&self) -> watch::Receiver<Option<Arc<Desired>>> {
        self.accepted.subscribe()
    }

    /// When the next repository is to be asked.
    pub fn due(&self) -> Instant {
        self.imports
            .due()
            .into_iter()
            .chain([self.main.due()])
            .min()
            .expect("the main repository is due some time")
    }

    /// Asks repositories once, and tells; says how the main one was last asked.
    ///
    /// They are asked side by side, so that one that hangs does not hold the others up for long.
    pub async fn poll(&mut self, ask: Ask, board: &Board) -> Polled {
        let began = Instant::now();
        let by = if ask == Ask::All { None } else { Some(began) };
        let (main, imports) = tokio::join!(
            async {
                let is_due = by.is_none_or(|by| self.main.due() <= by);
                if is_due { Some(self.main.ask(board).await) } else { None }
            },
            self.imports.ask(by, board)
        );
        let mut polls = imports.polls;
        let mut news = imports.news;
        if let Some(main) = main {
            polls.insert(0, main.poll);
            self.polled = main
                .result
                .as_ref()
                .map_or_else(|error| Polled::Badly(error.class()), |_| Polled::Well(began));
            if main.result.is_ok_and(|new| new) {
                let named = self.name_imports(board).await;
                polls.extend(named);
                news = true;
            }
            self.main.rest(Instant::now(), self.interval);
        }
        self.imports.rest(Instant::now());
        if news {
            self.accept(board);
        }
        judge(board);
        for poll in polls {
            board.tell(&Event::Polled(poll));
        }
        self.polled
    }

    /// Takes note of what a new revision of the main repository imports, and reads what is not read yet.
    async fn name_imports(&mut self, board: &Board) -> Vec<Poll> {
        let Some(main) = self.main.snapshot() else { return Vec::new() };
        self.imports.name(&pipeline::about(main), board);
        self.imports.ask_unasked(board).await
    }

    /// Renders what was read, and puts it in force where nothing is wrong with it.
    fn accept(&mut self, board: &Board) {
        let Some(main) = self.main.snapshot() else { return };
        let mut sources = Sources::alone(Arc::clone(main));
        self.imports.add_to(&mut sources);
        let Rendering { environment, values, select } = &self.rendering;
        let now = Timestamp::now();
        let revision = sources.revision();
        let (desired, findings) = render(&sources, environment, values, select);
        tell(&findings);
        board.write(|report| {
            if report.clocks.points_at.as_ref().is_none_or(|clock| clock.revision != revision) {
                report.clocks.points_at = Some(Clock { revision: revision.clone(), at: now });
            }
            if desired.is_some() {
                report.clocks.validated = Some(Clock { revision: revision.clone(), at: now });
            }
            report.findings = findings;
        });
        if let Some(desired) = desired {
            info!(%revision, connectors = desired.connectors.len(), "accepted a revision");
            self.accepted.send_replace(Some(Arc::new(desired)));
            self.imports.settle();
            if self.imports.is_empty() {
                self.main.forget_files();
            }
        } else {
            let kept = self.accepted.borrow().as_ref().map(|kept| kept.revision.to_string());
            warn!(%revision, kept, "refused a revision: it has findings; the last good one stays in force");
        }
    }
}

fn tell(findings: &Findings) {
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
}

/// Writes how each repository fares that could be asked: a bad revision stays bad while the remote comes
/// and goes, and each answers for its own files.
fn judge(board: &Board) {
    board.write(|report| {
        let invalid: Vec<_> = report
            .repositories
            .iter()
            .map(|one| report.findings_of(&one.repository).any(|finding| finding.severity == Severity::Error))
            .collect();
        let asked = report.repositories.iter_mut().zip(invalid).filter(|(one, _)| one.failure.is_none());
        for (one, invalid) in asked {
            one.state = if invalid { RepositoryState::Invalid } else { RepositoryState::Ok };
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
