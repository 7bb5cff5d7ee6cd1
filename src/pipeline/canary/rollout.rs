//! The changes of one template: who went first, and what holds the others back.
//!
//! Takes what is seen at the begin of a turn and what became of each change, gives leave to the next one or the reason
//! why not. Only connectors that were changed speak for or against a change: one that was ill already says nothing.
//! Which templates have a rollout, and the order of their changes, is said in this folder's `mod.rs`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::config::Config;
use crate::model::desired::DesiredState;
use crate::model::ledger::Taken;
use crate::model::live::RunState;
use crate::model::name::ConnectorName;
use crate::model::pulse::Pulse;
use crate::model::report::{Class, Outcome, StepResult};
use crate::model::rollout::Why;
use crate::pipeline::canary::sight::{Sight, has_failed, is_away, rests, runs_well};
use crate::pipeline::diff::{Difference, difference};

/// How long nothing must speak against a connector that was not well before the others follow it.
const STEADY: SignedDuration = SignedDuration::from_secs(5);

/// Where the changes of one template stand.
#[derive(Debug, Default)]
pub struct Rollout {
    canary: Option<Canary>,
    /// Whether the canary was well: the others go one after the other from then on.
    passed: bool,
    /// What holds the changes back now.
    brake: Option<(ConnectorName, Why)>,
    /// Since when something does.
    since: Option<Timestamp>,
    /// Which connector was not well; one look at it that says otherwise is not enough.
    doubt: Option<ConnectorName>,
    /// Since when nothing speaks against it.
    well_since: Option<Timestamp>,
    /// The connectors whose change was sent, and the config that each had before.
    touched: BTreeMap<ConnectorName, Config>,
    /// Those that another agent may have changed. They count until one was seen to be well with the change.
    suspects: BTreeSet<ConnectorName>,
    /// Those that wait for nobody but a suspect, and have failed: they can prove more than they can lose.
    sick: BTreeSet<ConnectorName>,
}

/// The connector whose change went first.
#[derive(Debug)]
struct Canary {
    connector: ConnectorName,
    /// When its change was sent.
    sent: Timestamp,
    /// Why it was not taken, where it is sure that it was not.
    refused: Option<Class>,
}

/// How a connector was before its change.
#[derive(Debug, Default)]
pub struct Before {
    /// Its config, where it could be read.
    pub config: Option<Config>,
    /// Whether its offsets are watched.
    pub is_watched: bool,
    /// Whether it rests, so that a change of it does not run.
    pub rests: bool,
    /// Whether it is declared running.
    pub is_to_run: bool,
}

impl Rollout {
    /// Takes it up where another agent may have sent changes of it: who has the declared config, and something of what
    /// others wait for, may have got it a moment ago.
    pub fn take_up(&mut self, template: &str, changes: &BTreeSet<&ConnectorName>, sight: &Sight<'_>) {
        self.suspects = sight.perhaps_changed(template, changes).cloned().collect();
        self.doubt = self.suspects.first().cloned().or(self.doubt.take());
        self.passed = false;
    }

    /// What is left of it for the next revision, where it did not reach its end: who was changed.
    #[must_use]
    pub fn handed_on(self) -> Self {
        let doubt = self.brake.map(|(by, _)| by).or(self.doubt);
        Self { doubt, touched: self.touched, suspects: self.suspects, ..Self::default() }
    }

    /// Whether a change only gives a connector back what it had before the rollout touched it.
    pub fn goes_back(&self, connector: &ConnectorName, sight: &Sight<'_>) -> bool {
        let declared = sight.desired.connectors.get(connector).map(|one| &one.config);
        let is_same = |(before, declared)| difference(declared, before) == Difference::default();
        self.touched.get(connector).zip(declared).is_some_and(is_same)
    }

    /// Whether the change of a connector may be sent now.
    pub fn may(&self, connector: &ConnectorName) -> bool {
        match (&self.brake, &self.canary) {
            (None, _) => true,
            // A canary that was refused is tried again when it is due.
            (Some((_, why)), Some(canary)) => {
                let is_tried_again = matches!(why, Why::Refused(_)) || self.sick.contains(connector);
                is_tried_again && canary.connector == *connector
            }
            (Some(_), None) => self.sick.contains(connector),
        }
    }

    /// Whether no change was seen to go well yet.
    pub fn is_unproven(&self) -> bool {
        !self.passed
    }

    /// The connector that went first.
    pub fn canary(&self) -> Option<&ConnectorName> {
        self.canary.as_ref().map(|canary| &canary.connector)
    }

    /// What holds the changes back, why, and since when they are.
    pub fn brake(&self) -> Option<(&ConnectorName, Why, Timestamp)> {
        let (by, why) = self.brake.as_ref()?;
        Some((by, *why, self.since?))
    }

    /// Judges at the begin of a turn whether the changes may go on.
    pub fn look(
        &mut self,
        template: &str,
        changes: &BTreeSet<&ConnectorName>,
        sight: &Sight<'_>,
        now: Timestamp,
    ) {
        let has_its_change = |by: &ConnectorName| !changes.contains(by);
        let held = self.brake.take().map(|(by, _)| by);
        self.doubt = held.into_iter().chain(self.doubt.take()).find(has_its_change);
        // What was given back is no change any more.
        let given_back: Vec<_> = self
            .touched
            .keys()
            .filter(|name| has_its_change(name) && self.goes_back(name, sight))
            .cloned()
            .collect();
        self.touched.retain(|name, _| !given_back.contains(name));
        self.canary = self.canary.take().filter(|canary| canary.says_something(changes, sight));
        let ill = self.ill(template, sight);
        let is_suspect = |(by, _): &(ConnectorName, Why)| !self.touched.contains_key(by);
        let is_sick = |name: &&&ConnectorName| has_failed(name, sight.live) && is_to_run(name, sight);
        self.sick = match ill.as_ref().filter(|ill| is_suspect(ill)) {
            Some(_) => changes.iter().filter(is_sick).map(|name| (*name).clone()).collect(),
            None => BTreeSet::new(),
        };
        let found = ill.or_else(|| self.unproven(changes, sight));
        if found.is_some() {
            self.well_since = None;
        }
        self.brake = found.or_else(|| self.doubtful(now));
        self.passed |= self.canary.is_some() && self.brake.is_none();
        self.clock(now);
    }

    /// Keeps since when it does not go on.
    fn clock(&mut self, now: Timestamp) {
        self.since = self.brake.as_ref().map(|_| self.since.unwrap_or(now));
    }

    /// The one that was not well, until nothing has spoken against it for a while: what is about to fail runs for a
    /// moment.
    fn doubtful(&mut self, now: Timestamp) -> Option<(ConnectorName, Why)> {
        let by = self.doubt.clone()?;
        let since = *self.well_since.get_or_insert(now);
        if now.duration_since(since) < STEADY {
            return Some((by, Why::Unproven));
        }
        (self.doubt, self.well_since) = (None, None);
        None
    }

    /// A connector that was changed and is not well, the worst first.
    fn ill(&self, template: &str, sight: &Sight<'_>) -> Option<(ConnectorName, Why)> {
        let is_touched = |name: &&ConnectorName| {
            self.touched.contains_key(*name) || (!self.passed && self.suspects.contains(*name))
        };
        // Once one was seen to be well with it, the others need not be waited for.
        let counts = |why: &Why| why.is_stop() || !self.passed;
        let found = sight
            .changed(template)
            .filter(is_touched)
            .filter_map(|name| Some((name.clone(), trouble(name, sight).filter(counts)?)));
        found.min_by_key(|(_, why)| !why.is_stop())
    }

    /// The canary, where it was not seen to be well since its change.
    fn unproven(
        &self,
        changes: &BTreeSet<&ConnectorName>,
        sight: &Sight<'_>,
    ) -> Option<(ConnectorName, Why)> {
        let Canary { connector, sent, refused } = self.canary.as_ref()?;
        let brake = |why| Some((connector.clone(), why));
        if let Some(class) = refused {
            return brake(Why::Refused(class.name()));
        }
        if self.passed || changes.contains(connector) {
            return None;
        }
        match sight.pulses.get(connector) {
            Some(Pulse::Moves(at)) if at > sent => {}
            None => {}
            Some(Pulse::Moves(_) | Pulse::Awaited(_) | Pulse::Stalled(_)) => return brake(Why::Awaited),
        }
        if runs_well(connector, sight.live) { None } else { brake(Why::Unproven) }
    }

    /// Takes note of what became of a change that was sent at a moment.
    pub fn note(&mut self, result: &StepResult, taken: Taken, before: &Before, sent: Timestamp) {
        if taken != Taken::No {
            let config = || before.config.clone().unwrap_or_default();
            self.touched.entry(result.connector.clone()).or_insert_with(config);
            if self.sick.contains(&result.connector) {
                // What it proves counts more than what is only suspected.
                self.suspects.clear();
            }
        }
        self.judge(result, taken, before, sent);
        self.clock(sent);
    }

    /// Takes note that a connector proves nothing, so that the next one may go; what another one speaks against still
    /// waits for that.
    fn cede(&mut self, connector: &ConnectorName) {
        self.canary = self.canary.take().filter(|canary| canary.connector != *connector);
        self.brake = self.brake.take().filter(|(by, _)| by != connector);
    }

    fn judge(&mut self, result: &StepResult, taken: Taken, before: &Before, sent: Timestamp) {
        let StepResult { connector, step: _, outcome, class, took: _ } = result;
        let (outcome, class) = (*outcome, *class);
        let brake = |why| Some((connector.clone(), why));
        let is_canary = !self.passed;
        let canary = |refused| Some(Canary { connector: connector.clone(), sent, refused });
        match (outcome, taken) {
            // It is not to run, so it proves nothing, and nobody waits for it, whether it takes its change or not.
            (Outcome::Converged, _) | (Outcome::Failed, Taken::No)
                if is_canary && !before.is_to_run && class.is_none_or(is_refusal) =>
            {
                self.cede(connector);
            }
            (Outcome::Converged, _) if is_canary => {
                self.canary = canary(None);
                self.passed = !before.is_watched && !before.rests;
                let why = if before.rests { Why::Unproven } else { Why::Awaited };
                self.brake = if self.passed { None } else { brake(why) };
            }
            // Its database is away and nothing has changed: the next one may go.
            (Outcome::Waiting, Taken::No) => self.cede(connector),
            (Outcome::Failed, Taken::No) if is_canary && class.is_some_and(is_refusal) => {
                self.canary = canary(class);
                self.brake = class.and_then(|class| brake(Why::Refused(class.name())));
            }
            // The world failed, and perhaps for a moment: the same one goes first again.
            (Outcome::Failed | Outcome::Pending, Taken::No) if is_canary => self.brake = brake(Why::Unproven),
            // Its tasks have failed with the new config, or go on with the old one as they could not be restarted.
            (Outcome::Failed, Taken::Yes) => {
                self.canary = if is_canary { canary(None) } else { self.canary.take() };
                let has_failed = matches!(class, Some(Class::Failed | Class::DataLost));
                self.brake = brake(if has_failed { Why::Failed } else { Why::Outdated });
            }
            (Outcome::Failed, Taken::Unknown)
            | (Outcome::Waiting | Outcome::Pending, Taken::Yes | Taken::Unknown)
                if is_canary =>
            {
                self.canary = canary(None);
                let is_away = outcome == Outcome::Waiting;
                self.brake = brake(if is_away { Why::Away } else { Why::Unproven });
            }
            (
                Outcome::Converged
                | Outcome::Failed
                | Outcome::Waiting
                | Outcome::Pending
                | Outcome::NotTaken,
                Taken::Yes | Taken::No | Taken::Unknown,
            ) => {}
        }
    }
}

impl Canary {
    /// Whether it still says something of its change: one that was put right by hand or is held back says nothing any
    /// more, nor does one that rests and is not about to run.
    fn says_something(&self, changes: &BTreeSet<&ConnectorName>, sight: &Sight<'_>) -> bool {
        let Self { connector, sent: _, refused } = self;
        if refused.is_some() || changes.contains(connector) {
            return changes.contains(connector);
        }
        let is_resumed = || sight.plan.steps.iter().any(|action| action.connector == *connector);
        is_to_run(connector, sight) && (!rests(connector, sight.live) || is_resumed())
    }
}

fn is_to_run(connector: &ConnectorName, sight: &Sight<'_>) -> bool {
    sight.desired.connectors.get(connector).map(|one| one.state) == Some(DesiredState::Running)
}

/// What speaks against a connector that was changed.
fn trouble(name: &ConnectorName, sight: &Sight<'_>) -> Option<Why> {
    let outdated = sight.owed.contains(name).then_some(Why::Outdated);
    let Some(status) = sight.live.connectors.get(name).and_then(|one| one.status.as_ref()) else {
        return outdated;
    };
    let is_on_its_way = is_on_its_way(status.worst());
    match sight.pulses.get(name) {
        _ if status.has_failed() && is_away(status) => Some(Why::Away),
        _ if status.has_failed() => Some(Why::Failed),
        Some(Pulse::Stalled(_)) => Some(Why::Stalled),
        _ if outdated.is_some() && !is_on_its_way => outdated,
        Some(Pulse::Awaited(_)) => Some(Why::Awaited),
        _ if is_on_its_way => Some(Why::Unassigned),
        Some(Pulse::Moves(_)) | None => None,
    }
}

/// Whether no worker runs it, for now.
fn is_on_its_way(state: RunState) -> bool {
    match state {
        RunState::Unassigned | RunState::Restarting => true,
        RunState::Running | RunState::Paused | RunState::Stopped | RunState::Failed | RunState::Unknown => {
            false
        }
    }
}

/// Whether Connect said no to the change itself, rather than that it cannot take one now.
fn is_refusal(class: Class) -> bool {
    match class {
        Class::Invalid | Class::Denied | Class::Internal | Class::NotUnderstood | Class::Unsupported => true,
        Class::NotLeader
        | Class::LeadInDoubt
        | Class::Rebalancing
        | Class::Starting
        | Class::Unreachable
        | Class::TimedOut
        | Class::Exists
        | Class::NotFound
        | Class::Waiting
        | Class::Failed
        | Class::DataLost
        | Class::Superseded
        | Class::NotDue
        | Class::Canary
        | Class::AuthFailed
        | Class::RefMissing
        | Class::Unusable
        | Class::Unverified => false,
    }
}
