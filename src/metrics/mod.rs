//! Tell Prometheus.
//!
//! Takes reports, polls, step results and exchanges, gives the text of `/metrics`. Gauges are a
//! function of the last report, counters are added to as things happen; nothing is decided here.

pub mod families;
mod gauges;
#[cfg(test)]
mod promised;
mod sheet;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_held;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use crate::metrics::families::{ALL, Family, Kind};
use crate::metrics::sheet::Sheet;
use crate::model::course::MoveKind;
use crate::model::plan::StepKind;
use crate::model::report::{
    Exchange, Outcome, Poll, PollOutcome, PollStep, Report, StepResult, WebhookOutcome,
};
use crate::model::revision::RepositoryName;

/// What is told of the agent itself, and how much of the rest.
#[derive(Debug, Clone)]
pub struct Options {
    /// The agent's version.
    pub version: String,
    /// The commit that it was built from; empty where nobody knows.
    pub commit: String,
    /// The version of libgit2 in it.
    pub libgit2: String,
    /// Whether the families with a series for each connector are told.
    pub per_connector: bool,
}

/// Everything that is told to Prometheus.
#[derive(Debug)]
pub struct Metrics {
    options: Options,
    registry: Registry,
    counters: BTreeMap<&'static str, IntCounterVec>,
    histograms: BTreeMap<&'static str, HistogramVec>,
    last: RwLock<Option<Arc<Report>>>,
}

/// The methods that Connect is spoken to with.
const METHODS: [&str; 5] = ["GET", "PUT", "POST", "PATCH", "DELETE"];
/// The classes of answers.
const CODE_CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];
/// Seconds, from an answer of a local worker to the 90 s that Connect gives a request of its own.
const REQUEST_BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 90.0];
/// Seconds, from a quiet cycle to one that waits for a rebalance.
const CYCLE_BUCKETS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 120.0, 300.0, 600.0];

impl Metrics {
    /// Makes every counter and histogram, with every label value that is known, at 0.
    pub fn new(options: Options) -> Self {
        let registry = Registry::new();
        let mut counters = BTreeMap::new();
        let mut histograms = BTreeMap::new();
        for family in ALL {
            match family.kind {
                Kind::Gauge => {}
                Kind::Counter => drop(counters.insert(family.name, counter(&registry, family))),
                Kind::Histogram => drop(histograms.insert(family.name, histogram(&registry, family))),
            }
        }
        let metrics = Self { options, registry, counters, histograms, last: RwLock::new(None) };
        metrics.begin();
        metrics
    }

    /// Makes the series that are known before anything happened.
    fn begin(&self) {
        self.begin_repository(RepositoryName::main().as_str());
        self.series(families::CYCLE_DURATION, &[]);
        for step in StepKind::ALL {
            for outcome in Outcome::ALL.iter().filter(|outcome| outcome.is_taken()) {
                self.count(families::STEPS, &[step.name(), outcome.name()], 0);
            }
        }
        for method in METHODS {
            for class in CODE_CLASSES {
                self.count(families::CONNECT_REQUESTS, &[method, class], 0);
            }
            self.series(families::CONNECT_REQUEST_DURATION, &[method]);
        }
        for outcome in WebhookOutcome::ALL {
            self.count(families::WEBHOOKS, &[outcome.name()], 0);
        }
    }

    /// Makes the series of a repository that are known before it was asked.
    fn begin_repository(&self, name: &str) {
        for outcome in PollOutcome::ALL {
            self.count(families::REPOSITORY_POLLS, &[name, outcome.name()], 0);
        }
        for kind in MoveKind::ALL {
            self.count(families::REPOSITORY_MOVES, &[name, kind.name()], 0);
        }
        self.count(families::REPOSITORY_RECEIVED_BYTES, &[name], 0);
        for step in PollStep::ALL {
            self.series(families::REPOSITORY_POLL_DURATION, &[name, step.name()]);
        }
    }

    /// Takes the series of a repository away that is imported no more. That there were none is as good.
    fn end_repository(&self, name: &str) {
        let counter = |family: &Family, labels: &[&str]| {
            let _absent = self.counters[family.name].remove_label_values(labels);
        };
        for outcome in PollOutcome::ALL {
            counter(families::REPOSITORY_POLLS, &[name, outcome.name()]);
        }
        for kind in MoveKind::ALL {
            counter(families::REPOSITORY_MOVES, &[name, kind.name()]);
        }
        counter(families::REPOSITORY_RECEIVED_BYTES, &[name]);
        for step in PollStep::ALL {
            let duration = &self.histograms[families::REPOSITORY_POLL_DURATION.name];
            let _absent = duration.remove_label_values(&[name, step.name()]);
        }
    }

    /// Takes the last report, from which every gauge is told.
    pub fn observe(&self, report: &Arc<Report>) {
        let mut last = self.last.write().unwrap_or_else(PoisonError::into_inner);
        let names = |report: &Report| -> BTreeSet<RepositoryName> {
            report.repositories.iter().map(|one| one.repository.clone()).collect()
        };
        let (before, now) = (last.as_deref().map(names).unwrap_or_default(), names(report));
        now.difference(&before).for_each(|name| self.begin_repository(name.as_str()));
        before.difference(&now).for_each(|name| self.end_repository(name.as_str()));
        *last = Some(Arc::clone(report));
    }

    /// Counts a poll.
    pub fn observe_poll(&self, poll: &Poll) {
        let Poll { repository, outcome, took, received_bytes, moves } = poll;
        let name = repository.as_str();
        self.count(families::REPOSITORY_POLLS, &[name, outcome.name()], 1);
        self.count(families::REPOSITORY_RECEIVED_BYTES, &[name], *received_bytes);
        for (step, took) in took {
            self.time(families::REPOSITORY_POLL_DURATION, &[name, step.name()], *took);
        }
        for kind in moves {
            self.count(families::REPOSITORY_MOVES, &[name, kind.name()], 1);
        }
    }

    /// Counts steps that were taken, by how they ended.
    pub fn observe_steps(&self, results: &[StepResult]) {
        for StepResult { connector: _, step, outcome, class: _, took: _ } in results {
            self.count(families::STEPS, &[step.name(), outcome.name()], 1);
        }
    }

    /// Counts requests to Connect.
    pub fn observe_exchanges(&self, exchanges: &[Exchange]) {
        for Exchange { method, code_class, took } in exchanges {
            self.count(families::CONNECT_REQUESTS, &[method, code_class], 1);
            self.time(families::CONNECT_REQUEST_DURATION, &[method], *took);
        }
    }

    /// Counts a webhook.
    pub fn observe_webhook(&self, outcome: WebhookOutcome) {
        self.count(families::WEBHOOKS, &[outcome.name()], 1);
    }

    /// Counts a cycle.
    pub fn observe_cycle(&self, took: Duration) {
        self.time(families::CYCLE_DURATION, &[], took);
    }

    /// Writes everything in Prometheus' text format, version 0.0.4.
    pub fn encode(&self) -> String {
        let Options { version, commit, libgit2, per_connector } = &self.options;
        let mut sheet = Sheet::default();
        sheet.set(families::BUILD_INFO, [([version.as_str(), commit.as_str(), libgit2.as_str()], 1.0)]);
        let last = self.last.read().unwrap_or_else(PoisonError::into_inner).clone();
        match last {
            Some(report) => gauges::write(&mut sheet, &report, *per_connector),
            None => gauges::write_unknown(&mut sheet),
        }
        sheet.add(&self.registry.gather());
        sheet.into_text()
    }

    fn count(&self, family: &Family, labels: &[&str], more: u64) {
        self.counters[family.name].with_label_values(labels).inc_by(more);
    }

    fn time(&self, family: &Family, labels: &[&str], took: Duration) {
        self.histograms[family.name].with_label_values(labels).observe(took.as_secs_f64());
    }

    /// Makes a histogram's series without a sample.
    fn series(&self, family: &Family, labels: &[&str]) {
        drop(self.histograms[family.name].with_label_values(labels));
    }
}

fn counter(registry: &Registry, family: &Family) -> IntCounterVec {
    let counter = IntCounterVec::new(Opts::new(family.name, family.help), family.labels)
        .expect("the table's names are valid");
    registry.register(Box::new(counter.clone())).expect("the table names each family once");
    counter
}

fn histogram(registry: &Registry, family: &Family) -> HistogramVec {
    let buckets =
        if family == families::CYCLE_DURATION { CYCLE_BUCKETS.to_vec() } else { REQUEST_BUCKETS.to_vec() };
    let options = HistogramOpts::new(family.name, family.help).buckets(buckets);
    let histogram = HistogramVec::new(options, family.labels).expect("the table's names are valid");
    registry.register(Box::new(histogram.clone())).expect("the table names each family once");
    histogram
}
