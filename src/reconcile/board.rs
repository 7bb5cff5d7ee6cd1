//! The one report of an agent, and who is told when it changes.
//!
//! Takes changes from the follower and the reconciler, gives the whole report to one listener at
//! each event; findings also go into the log from here. What the listener makes of the report (metrics,
//! status page) is its own business.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;
use tracing::warn;

use crate::model::course::Course;
use crate::model::finding::{Finding, Findings};
use crate::model::name::EnvironmentName;
use crate::model::plan::Mode;
use crate::model::report::{Clocks, ClusterReport, Event, Report, RepositoryReport, RepositoryState};
use crate::model::revision::RepositoryName;
use crate::model::rule::Severity;

/// Who is told of each event, with the report as it stands then.
pub type Listener = Box<dyn Fn(&Event, &Report)>;

type Shared = Rc<dyn Fn(&Event, &Report)>;

/// The report of an agent. Both loops, and every asking of a repository, run in one thread and write here
/// in turn; a clone is the same board.
#[derive(Clone)]
pub struct Board {
    report: Rc<RefCell<Report>>,
    listener: Shared,
}

impl Board {
    /// An agent that has seen nothing yet.
    pub fn new(environment: EnvironmentName, mode: Mode, listener: Listener) -> Self {
        let report = Report {
            environment,
            mode,
            heartbeat: Timestamp::now(),
            repositories: vec![unseen(RepositoryName::main())],
            cluster: ClusterReport::default(),
            clocks: Clocks::default(),
            findings: Findings::default(),
            declared: None,
            answered: 0,
        };
        Self { report: Rc::new(RefCell::new(report)), listener: Rc::from(listener) }
    }

    /// Changes the report without telling.
    pub fn write(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.report.borrow_mut());
    }

    /// Changes the report of one repository without telling. One that is imported no more has none.
    pub fn write_repository(&self, name: &RepositoryName, change: impl FnOnce(&mut RepositoryReport)) {
        let mut report = self.report.borrow_mut();
        if let Some(one) = report.repositories.iter_mut().find(|one| one.repository == *name) {
            change(one);
        }
    }

    /// Has a report for each of these imports, and for no other; the folders of `extra` keep theirs.
    pub fn import(&self, names: Vec<RepositoryName>) {
        let repositories = &mut self.report.borrow_mut().repositories;
        let is_apart = |name: &RepositoryName| name.is_main() || name.folder().is_some();
        repositories.retain(|one| is_apart(&one.repository) || names.contains(&one.repository));
        for name in names {
            if !repositories.iter().any(|one| one.repository == name) {
                repositories.push(unseen(name));
            }
        }
        repositories.sort_by_cached_key(|RepositoryReport { repository: name, .. }| {
            let import = (!is_apart(name)).then(|| name.clone());
            (!name.is_main(), name.folder().is_some(), import)
        });
    }

    /// Changes the report of a folder of `extra` without telling; it is there from then on.
    pub fn write_of(&self, repository: &RepositoryName, change: impl FnOnce(&mut RepositoryReport)) {
        let repositories = &mut self.report.borrow_mut().repositories;
        let known = repositories.iter().position(|report| report.repository == *repository);
        let at = known.unwrap_or_else(|| {
            repositories.push(unseen(repository.clone()));
            repositories.len() - 1
        });
        change(&mut repositories[at]);
    }

    /// Reads from the report.
    pub fn read<T>(&self, read: impl FnOnce(&Report) -> T) -> T {
        read(&self.report.borrow())
    }

    /// Tells an event; the loop is seen to live.
    pub fn tell(&self, event: &Event) {
        self.report.borrow_mut().heartbeat = Timestamp::now();
        (self.listener)(event, &self.report.borrow());
    }
}

fn unseen(repository: RepositoryName) -> RepositoryReport {
    RepositoryReport {
        repository,
        state: RepositoryState::Ok,
        revision: None,
        last_poll: None,
        last_success: None,
        first_seen: None,
        operation_started: None,
        consecutive_failures: 0,
        failure: None,
        last_moves: BTreeMap::new(),
        course: Course::default(),
        findings: Findings::default(),
    }
}

/// Puts findings into the log, at their places; `folder` where they are those of a folder of `extra`.
pub fn log<'f>(folder: Option<&str>, findings: impl Iterator<Item = &'f Finding>) {
    for finding in findings.filter(|finding| finding.severity != Severity::Info) {
        warn!(
            folder,
            place = %finding.place,
            rule = finding.rule.name(),
            severity = finding.severity.name(),
            hint = finding.hint.as_deref(),
            "{}",
            finding.message
        );
    }
}
