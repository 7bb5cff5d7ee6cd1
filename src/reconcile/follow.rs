//! From repositories to accepted desired connectors.
//!
//! Takes the main repository and an environment. The main repository says which others it imports;
//! each is asked at its own interval, and when one of them has moved the whole is rendered again, from
//! the newest that was read of each. It is accepted where nothing is wrong; what was accepted last
//! stays in force otherwise. Each poll looks whether a secret in it has changed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::model::definition::Definitions;
use crate::model::desired::Desired;
use crate::model::finding::Findings;
use crate::model::name::EnvironmentName;
use crate::model::report::{Class, Clock, Event, Poll, RepositoryState};
use crate::model::revision::RepositoryName;
use crate::model::rule::Severity;
use crate::model::select::Select;
use crate::model::snapshot::Sources;
use crate::model::supplied::Secrets;
use crate::model::values::Values;
use crate::pipeline;
use crate::pipeline::supply::Supply;
use crate::reconcile::board::Board;
use crate::reconcile::followed::Followed;
use crate::reconcile::imports::Imports;
use crate::repo::Repository;
use crate::repo::options::ImportOptions;
use crate::secrets::Store;

/// What a place makes of definitions: which environment it is, and what it adds.
pub struct Place {
    /// The environment to render for.
    pub environment: EnvironmentName,
    /// The place's own values.
    pub values: Values,
    /// The agent's scope.
    pub select: Select,
    /// The secrets that definitions may name.
    pub store: Store,
}

/// What was accepted last, where a secret is in it: to be rendered anew when one changes.
struct Held {
    sources: Sources,
    secrets: Secrets,
}

/// Follows a repository, and those that it imports, for one environment.
pub struct Follower {
    main: Followed,
    imports: Imports,
    interval: Duration,
    place: Place,
    /// Only where a secret is in what was accepted.
    held: Option<Held>,
    /// Whether what was read last was refused.
    refused: bool,
    accepted: watch::Sender<Option<Arc<Desired>>>,
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
    /// Those whose interval is over.
    Due,
    /// All of them.
    All,
}

impl Follower {
    /// A follower that has read nothing yet.
    pub fn new(repository: Repository, interval: Duration, imports: ImportOptions, place: Place) -> Self {
        let (accepted, _) = watch::channel(None);
        Self {
            main: Followed::new(RepositoryName::main(), repository),
            imports: Imports::new(imports, interval),
            interval,
            place,
            held: None,
            refused: false,
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
        self.renew(board);
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
        let now = Timestamp::now();
        let revision = sources.revision();
        let Rendered { desired, findings, secrets } = self.place.render(&sources);
        tell(&findings);
        self.refused = desired.is_none();
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
            self.held = secrets.map(|secrets| Held { sources, secrets });
            self.imports.settle();
            if self.imports.is_empty() {
                self.main.forget_files();
            }
        } else {
            let kept = self.accepted.borrow().as_ref().map(|kept| kept.revision.to_string());
            warn!(%revision, kept, "refused a revision: it has findings; the last good one stays in force");
        }
    }

    /// Reads the secrets again, and renders what is in force anew where one has changed: a file was
    /// mounted, or a password renewed. No new revision is needed for it.
    fn renew(&mut self, board: &Board) {
        let Some(held) = &mut self.held else { return };
        if self.place.store.read(&held.secrets.names()) == held.secrets {
            return;
        }
        let Rendered { desired, findings, secrets } = self.place.render(&held.sources);
        let Some(desired) = desired else {
            // What is in the files was good, and no secret can make it bad.
            warn!("what was accepted cannot be rendered with its new secrets; it stays in force as it was");
            return;
        };
        info!(
            revision = %desired.revision,
            unresolved = desired.unresolved.len(),
            "a secret has changed; rendered the definitions with it"
        );
        tell(&findings);
        held.secrets = secrets.unwrap_or_default();
        // What the findings of a newer revision that was refused say is still so.
        if !self.refused {
            board.write(|report| report.findings = findings);
        }
        self.accepted.send_replace(Some(Arc::new(desired)));
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

/// What definitions became at a place.
pub struct Rendered {
    /// The connectors, where no finding is an error.
    pub desired: Option<Desired>,
    /// Everything that is wrong.
    pub findings: Findings,
    /// The secrets that they need, as they were read; none where they need none.
    pub secrets: Option<Secrets>,
}

impl Place {
    /// Renders definitions without a look at secrets: what needs one is unresolved, and no finding says
    /// so.
    pub fn render_offline(&self, sources: &Sources) -> Rendered {
        let definitions = pipeline::definitions(sources);
        let (desired, findings) = self.desired(&definitions, sources, None);
        Rendered { desired, findings, secrets: None }
    }

    /// Renders definitions with the secrets that they name. Only those are read that this environment
    /// needs.
    pub fn render(&self, sources: &Sources) -> Rendered {
        let definitions = pipeline::definitions(sources);
        let (desired, findings) = self.desired(&definitions, sources, None);
        let needed = desired.iter().flat_map(|desired| desired.unresolved.values().flatten());
        let needed: BTreeSet<_> = needed.cloned().collect();
        if needed.is_empty() {
            return Rendered { desired, findings, secrets: None };
        }
        let secrets = self.store.read(&needed);
        let (desired, findings) = self.desired(&definitions, sources, Some(&secrets));
        Rendered { desired, findings, secrets: Some(secrets) }
    }

    fn desired(
        &self,
        definitions: &Definitions,
        sources: &Sources,
        secrets: Option<&Secrets>,
    ) -> (Option<Desired>, Findings) {
        let Self { environment, values, select, store: _ } = self;
        let supply = Supply { values, examples: false, secrets };
        pipeline::desired(definitions, &sources.revision(), environment, &supply, select)
    }
}
