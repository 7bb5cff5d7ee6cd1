//! One turn: probe, look, think, act, and say what was seen.
//!
//! Takes the desired connectors, gives the end of the turn and writes the report. It keeps what
//! earlier turns taught: who led, what was put off, since when a connector drifts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::connect::error::Error;
use crate::connect::{Client, Leadership, Writer};
use crate::model::desired::Desired;
use crate::model::live::Live;
use crate::model::plan::{Action, Mode, Plan, Policy, Reason, Step};
use crate::model::report::{Class, Clock, ClusterReport, Cycle, Event, Failure, Outcome, StepResult};
use crate::model::warning::Warning;
use crate::pipeline::pace::{Due, History, RestartLimits};
use crate::pipeline::plan::{plan_owing, suspended_by};
use crate::reconcile::apply::{self, Ended, Hands};
use crate::reconcile::board::Board;
use crate::reconcile::causes::chain;
use crate::reconcile::interrupt::Interrupt;
use crate::reconcile::lasting::Lasting;
use crate::reconcile::owing::Owing;
use crate::reconcile::unmanaged::Unmanaged;
use crate::reconcile::verdict::{drift_since, failed, judge, may_pass};

/// How long to wait before an empty or shrunken list is believed, where a load balancer may have
/// asked a worker that had not read its own list yet.
const SECOND_LOOK: Duration = Duration::from_secs(10);

/// How the reconciler is to work.
#[derive(Debug, Clone)]
pub struct Options {
    /// How it writes.
    pub writer: Writer,
    /// How long a change may take until it is seen to be in effect.
    pub change_deadline: Duration,
    /// What bounds its plans.
    pub policy: Policy,
    /// What bounds its restarts.
    pub restart: RestartLimits,
}

/// Makes a cluster equal to what is desired, turn by turn.
pub struct Reconciler {
    client: Client,
    options: Options,
    history: History,
    owing: Owing,
    /// Since when the worker beside has led without a break.
    leads_since: Option<Instant>,
    /// How many connectors were listed last.
    listed: Option<usize>,
    /// The warnings of the last plan: they are logged where they are news.
    warned: BTreeSet<Warning>,
    /// What has kept it from looking.
    lasting: Lasting,
    unmanaged: Unmanaged,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The worker beside does not lead: nothing was looked at.
    Follows,
    /// The worker beside leads since this turn: the ref must be resolved again before a write.
    Gained,
    /// The cluster was looked at, and what was due was done.
    Looked,
    /// The cluster was looked at, and something that was due did not succeed for a reason that may
    /// be gone in a moment.
    Unsettled,
    /// The cluster could not be asked.
    Away(Class),
}

/// Whether a turn may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// The desired connectors were resolved at this time, as far as is known.
    ResolvedAt(Instant),
    /// Nobody could be asked for long: what was accepted last counts.
    Unasked,
    /// Nothing is written in this turn.
    Bound,
}

impl Reconciler {
    /// A reconciler that has seen nothing yet.
    pub fn new(client: Client, options: Options) -> Self {
        Self {
            client,
            options,
            history: History::default(),
            owing: Owing::new(None),
            leads_since: None,
            listed: None,
            warned: BTreeSet::new(),
            lasting: Lasting::default(),
            unmanaged: Unmanaged::default(),
        }
    }

    /// Takes up what an earlier agent knew of values that nobody can read, and keeps it.
    #[must_use]
    pub fn owing(self, owing: Owing) -> Self {
        Self { owing, ..self }
    }

    /// Takes one turn and tells it.
    pub async fn turn(&mut self, desired: &Desired, hand: Hand, board: &Board, interrupt: &Interrupt) -> End {
        let began = Instant::now();
        self.owing.begin(desired).await;
        let (end, results) = match self.try_turn(desired, hand, board, interrupt).await {
            Ok(turn) => turn,
            Err(error) => {
                self.leads_since = None;
                (self.away(&error, board), Vec::new())
            }
        };
        let is_there = !matches!(end, End::Away(_)) && !interrupt.is_ending();
        if let Some(lasted) = is_there.then(|| self.lasting.is_over(Instant::now())).flatten() {
            info!("Connect can be asked again, after {}", in_words(lasted));
        }
        if end != End::Gained {
            let may_others_write = matches!(end, End::Follows | End::Away(_));
            if may_others_write || self.options.policy.mode == Mode::Observe {
                self.owing.doubt();
            }
            self.owing.keep().await;
            let exchanges = self.client.take_exchanges();
            board.tell(&Event::Cycled(Cycle { took: began.elapsed(), results, exchanges }));
        }
        end
    }

    /// How long until the next step that was put off comes due.
    pub fn until_due(&self) -> Option<Duration> {
        let now = Timestamp::now();
        let due = self.history.next_due(now)?;
        Some(Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO))
    }

    async fn try_turn(
        &mut self,
        desired: &Desired,
        hand: Hand,
        board: &Board,
        interrupt: &Interrupt,
    ) -> Result<(End, Vec<StepResult>), Error> {
        let ended = || Ok((End::Looked, Vec::new()));
        let Some(lead) = interrupt.unless_ending(self.lead(hand)).await else { return ended() };
        match lead? {
            Lead::Follows => {
                board.write(|report| follow(&mut report.cluster));
                return Ok((End::Follows, Vec::new()));
            }
            Lead::Gained => return Ok((End::Gained, Vec::new())),
            Lead::Leads => board.write(|report| report.cluster.leader = Some(true)),
            Lead::Unasked => board.write(|report| report.cluster.leader = None),
        }
        let Some(looked) = interrupt.unless_ending(self.look(desired)).await else { return ended() };
        let (mut live, mut thought) = looked?;
        self.listed = Some(live.connectors.len());
        self.history.observe(&live, Timestamp::now());
        self.owing.look(desired, &live);
        self.warn(&thought);
        self.unmanaged.look(&thought);
        self.see(desired, &thought, &live, board);
        board.tell(&Event::Looked);
        if thought.mode == Mode::Observe || hand == Hand::Bound {
            self.rest(&thought, &live, None, board);
            return Ok((End::Looked, Vec::new()));
        }
        let results = self.act(&thought, &live, interrupt).await;
        if results.iter().any(|result| result.class == Some(Class::NotLeader)) {
            self.leads_since = None;
            info!("the worker beside leads no longer; the rest is left to the agent beside the next leader");
            board.write(|report| follow(&mut report.cluster));
            return Ok((End::Follows, results));
        }
        if results.iter().any(|result| result.outcome != Outcome::NotTaken) {
            live = match interrupt.unless_ending(self.look_again(hand)).await {
                Some(Ok(Some(live))) => live,
                Some(Ok(None)) => {
                    board.write(|report| follow(&mut report.cluster));
                    return Ok((End::Follows, results));
                }
                // What was done is told all the same.
                Some(Err(error)) => {
                    self.leads_since = None;
                    board.write(|report| report.cluster.results.clone_from(&results));
                    return Ok((self.away(&error, board), results));
                }
                None => return Ok((End::Looked, results)),
            };
            thought = self.plan(desired, &live);
            if self.is_doubtful(&live, &thought) {
                // Neither told nor remembered: the next turn doubts it too, and looks twice.
                board.write(|report| report.cluster.results.clone_from(&results));
                return Ok((End::Unsettled, results));
            }
            self.listed = Some(live.connectors.len());
            self.see(desired, &thought, &live, board);
        }
        self.rest(&thought, &live, Some(results.clone()), board);
        let end = if results.iter().any(may_pass) { End::Unsettled } else { End::Looked };
        Ok((end, results))
    }

    /// Looks at the cluster and plans; a list that is hard to believe is looked at twice.
    async fn look(&self, desired: &Desired) -> Result<(Live, Plan), Error> {
        let live = self.client.live().await?;
        let thought = self.plan(desired, &live);
        if !self.is_doubtful(&live, &thought) {
            return Ok((live, thought));
        }
        warn!(
            listed = live.connectors.len(),
            "the list of connectors is empty or shrank by more than half; looking again before anything is created"
        );
        tokio::time::sleep(SECOND_LOOK).await;
        let live = self.client.live().await?;
        let mut thought = self.plan(desired, &live);
        thought.steps.retain(|action| action.step != Step::Delete);
        Ok((live, thought))
    }

    /// Plans with what is known of values that nobody can read.
    fn plan(&self, desired: &Desired, live: &Live) -> Plan {
        plan_owing(desired, live, &self.owing.owed(live), &self.options.policy, Timestamp::now())
    }

    /// Reads the cluster after acting; `None` where another worker leads now. Acting takes long: the worker
    /// may have restarted meanwhile, and lists nothing until it has read its topics.
    async fn look_again(&mut self, hand: Hand) -> Result<Option<Live>, Error> {
        match self.lead(hand).await? {
            Lead::Follows => Ok(None),
            Lead::Leads | Lead::Gained | Lead::Unasked => self.client.live().await.map(Some),
        }
    }

    /// Asks who leads, in the way that this agent writes. Nothing but GETs where it must not write.
    async fn lead(&mut self, hand: Hand) -> Result<Lead, Error> {
        let asks = self.options.policy.mode == Mode::Enforce && self.options.writer == Writer::Leader;
        if !asks {
            self.client.ready().await?;
            return Ok(Lead::Unasked);
        }
        match self.client.probe().await? {
            Leadership::Follows => {
                if self.leads_since.take().is_some() {
                    info!("the worker beside leads no longer");
                }
                Ok(Lead::Follows)
            }
            Leadership::Leads => {
                let since = *self.leads_since.get_or_insert_with(|| {
                    info!("the worker beside leads");
                    Instant::now()
                });
                Ok(match hand {
                    Hand::ResolvedAt(resolved) if resolved < since => Lead::Gained,
                    Hand::ResolvedAt(_) | Hand::Unasked | Hand::Bound => Lead::Leads,
                })
            }
        }
    }

    /// Whether a list should not be believed at first sight.
    fn is_doubtful(&self, live: &Live, plan: &Plan) -> bool {
        let shrank = match self.listed {
            None => live.connectors.is_empty(),
            Some(before) => live.connectors.len() * 2 < before,
        };
        self.options.writer == Writer::Forwarded
            && self.options.policy.mode == Mode::Enforce
            && shrank
            && plan.steps.iter().any(|action| action.reason == Reason::Missing)
    }

    /// Takes the steps that are due.
    async fn act(&mut self, plan: &Plan, live: &Live, interrupt: &Interrupt) -> Vec<StepResult> {
        let Due { now, later } = self.history.due(plan, self.options.restart, Timestamp::now());
        let hands = Hands {
            client: &self.client,
            writer: self.options.writer,
            revision: &plan.revision,
            deadline: self.options.change_deadline,
            interrupt,
        };
        let before = self.owing.sending(&now);
        // Who is killed before the answer must know at its next start that it sent something.
        interrupt.unless_ending(self.owing.keep()).await;
        let done = apply::apply(&hands, now, live).await;
        let mut results = Vec::new();
        for Ended { action, result, taken } in done {
            self.owing.ended(&before, &action, taken);
            self.history.note(&action, result.outcome, result.class, &plan.revision, Timestamp::now());
            results.push(result);
        }
        results.extend(later.into_iter().map(|(Action { connector, step, reason: _ }, class)| StepResult {
            connector,
            step: step.kind(),
            outcome: if class == Class::Waiting { Outcome::Waiting } else { Outcome::NotTaken },
            class: Some(class),
            took: Duration::ZERO,
        }));
        results
    }

    /// Logs what this Connect cannot do as it is declared, where that is news.
    fn warn(&mut self, plan: &Plan) {
        let now: BTreeSet<_> = plan.warnings.iter().cloned().collect();
        for warning in now.difference(&self.warned) {
            let connector = warning.connector.as_ref().map(ToString::to_string);
            warn!(connector, "{warning}");
        }
        self.warned = now;
    }

    /// Writes what was looked at.
    fn see(&self, desired: &Desired, plan: &Plan, live: &Live, board: &Board) {
        let now = Timestamp::now();
        board.write(|report| {
            let cluster = &mut report.cluster;
            cluster.reachable = Some(true);
            cluster.failure = None;
            cluster.drift_since = drift_since(&cluster.drift_since, plan, now);
            cluster.suspended = suspended_by(desired, &self.options.policy, now);
            cluster.plan = Some(Arc::new(plan.clone()));
            cluster.live = Some(Arc::new(live.clone()));
        });
    }

    /// Writes what was done; `None` where nothing was to be done in this turn.
    fn rest(&self, plan: &Plan, live: &Live, results: Option<Vec<StepResult>>, board: &Board) {
        let now = Timestamp::now();
        let equal = plan.is_empty() && plan.is_sure();
        debug!(equal, steps = plan.steps.len(), held = plan.held.len(), "looked at the cluster");
        board.write(|report| {
            let cluster = &mut report.cluster;
            cluster.last_success = Some(now);
            cluster.waiting = self
                .history
                .put_off(plan)
                .filter(|(_, class)| *class == Class::Waiting)
                .map(|(name, class)| (name.clone(), class))
                .collect();
            cluster.failed = failed(&cluster.failed, results.as_deref().unwrap_or_default(), plan, live);
            if let Some(results) = results {
                if plan.steps.is_empty() && plan.is_sure() {
                    cluster.last_apply_success = Some(now);
                }
                cluster.last_apply = Some(judge(&results, plan));
                if !results.is_empty() || plan.steps.is_empty() {
                    cluster.results = results;
                }
            }
            let known = report.clocks.applied.as_ref().is_some_and(|clock| clock.revision == plan.revision);
            if equal && !known {
                report.clocks.applied = Some(Clock { revision: plan.revision.clone(), at: now });
            }
        });
    }

    /// Tells that the cluster could not be asked, where that is worth a line, and writes it.
    fn away(&mut self, error: &Error, board: &Board) -> End {
        let text = format!("{}: {}", error.class(), chain(error));
        if let Some(lasted) = self.lasting.goes_on(&text, Instant::now()) {
            let (cause, hint) = (error as &dyn std::error::Error, error.hint());
            let since = if lasted.is_zero() { String::new() } else { format!(", for {}", in_words(lasted)) };
            if error.class() == Class::Starting {
                info!("the worker is still starting{since}");
            } else {
                warn!(error = cause, hint, "could not look at the cluster{since}");
            }
        }
        away(error, board)
    }
}

/// A length of time for people, to the second.
fn in_words(length: Duration) -> String {
    let seconds = i64::try_from(length.as_secs()).unwrap_or(i64::MAX);
    format!("{:#}", SignedDuration::from_secs(seconds))
}

/// Writes that the cluster could not be asked.
fn away(error: &Error, board: &Board) -> End {
    let class = error.class();
    board.write(|report| {
        let cluster = &mut report.cluster;
        cluster.reachable = Some(class != Class::Unreachable && class != Class::TimedOut);
        // An agent that followed goes on telling nothing of the connectors: another one tells them.
        cluster.leader = cluster.leader.filter(|leads| !leads);
        cluster.failure = Some(Failure { class, text: chain(error).into(), hint: error.hint() });
        if class != Class::Rebalancing {
            // A worker that does not answer, or not this agent, leads nobody as far as is known: what was
            // seen through it is old, and the agent beside the next leader tells how it is. Since when
            // something drifts is kept.
            cluster.plan = None;
            cluster.live = None;
        }
    });
    End::Away(class)
}

/// Who leads, as far as this agent asks.
enum Lead {
    Leads,
    Gained,
    Follows,
    Unasked,
}

/// An agent that does not lead tells nothing of the connectors, so that nothing is told twice.
fn follow(cluster: &mut ClusterReport) {
    *cluster = ClusterReport {
        reachable: Some(true),
        leader: Some(false),
        last_success: Some(Timestamp::now()),
        ..ClusterReport::default()
    };
}
