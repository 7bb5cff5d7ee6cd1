//! One turn: probe, look, think, act, and say what was seen.
//!
//! Takes the desired connectors, gives the end of the turn and writes the report. It keeps what
//! earlier turns taught: who led, what was put off, since when a connector drifts.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::connect::error::Error;
use crate::connect::{Client, Writer};
use crate::model::desired::Desired;
use crate::model::known::Known;
use crate::model::live::Live;
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Mode, Plan, Reason, Step};
use crate::model::policy::Policy;
use crate::model::report::{Class, Clock, Cycle, Event, Outcome, Report, StepResult};
use crate::model::revision::Revision;
use crate::pipeline::canary::sight::Sight;
use crate::pipeline::pace::{Due, History, RestartLimits};
use crate::pipeline::plan::{batch, next_lift, plan_knowing, seen, suspended};
use crate::pipeline::stall;
use crate::reconcile::apply::{self, Ended};
use crate::reconcile::board::Board;
use crate::reconcile::causes::chain;
use crate::reconcile::claims::Claims;
use crate::reconcile::deleting::Deleting;
use crate::reconcile::hands::Hands;
use crate::reconcile::interrupt::Interrupt;
use crate::reconcile::lasting::{Lasting, in_words};
use crate::reconcile::lead::{Lead, Leading};
use crate::reconcile::news::News;
use crate::reconcile::overdue::Overdue;
use crate::reconcile::owing::Owing;
use crate::reconcile::renewals::Renewals;
use crate::reconcile::rollout::Rollout;
use crate::reconcile::settle::Wait;
use crate::reconcile::stall::Watch;
use crate::reconcile::turn::{End, Hand, Turn};
use crate::reconcile::unseen::Unseen;
use crate::reconcile::verdict::{failed, judge, may_pass, waiting};
use crate::reconcile::written;

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
    /// How long a connector may wait for its database before that is told as a failure.
    pub ready_deadline: Duration,
    /// What bounds its plans.
    pub policy: Policy,
    /// What bounds its restarts.
    pub restart: RestartLimits,
    /// How often offsets are looked at.
    pub stall: stall::Options,
}

/// Makes a cluster equal to what is desired, turn by turn.
pub struct Reconciler {
    client: Arc<Client>,
    options: Options,
    watch: Rc<Watch>,
    history: History,
    rollout: Rollout,
    unseen: Unseen,
    /// What was taken in this turn, to be counted.
    taken: Vec<StepResult>,
    renewals: Renewals,
    overdue: Overdue,
    owing: Owing,
    claims: Claims,
    leading: Leading,
    deleting: Deleting,
    /// What has kept it from looking.
    lasting: Lasting,
    news: News,
    /// When the next suspension ends by itself.
    lifts: Option<Timestamp>,
}

impl Reconciler {
    /// A reconciler that has seen nothing yet.
    pub fn new(client: Client, options: Options) -> Self {
        let client = Arc::new(client);
        Self {
            watch: Rc::new(Watch::new(Arc::clone(&client), options.stall)),
            client,
            history: History::with_grace(options.policy.prune.grace),
            rollout: Rollout::default(),
            unseen: Unseen::default(),
            taken: Vec::new(),
            renewals: Renewals::default(),
            overdue: Overdue::new(options.ready_deadline),
            options,
            owing: Owing::new(None),
            claims: Claims::default(),
            leading: Leading::default(),
            deleting: Deleting::default(),
            lasting: Lasting::default(),
            news: News::default(),
            lifts: None,
        }
    }

    /// Tells in the log what is held, once.
    #[must_use]
    pub fn telling_holds(self) -> Self {
        Self { news: News::with_holds(), ..self }
    }

    /// Takes up what an earlier agent knew of values that nobody can read, and keeps it.
    #[must_use]
    pub fn owing(self, owing: Owing) -> Self {
        Self { owing, ..self }
    }

    /// Takes up whose the connectors are that nobody declares, and finds it out where it is not known.
    #[must_use]
    pub fn claiming(self, claims: Claims) -> Self {
        Self { claims, ..self }
    }

    /// Takes a person's word for the deletion of these connectors, where they are ours.
    #[must_use]
    pub fn confirming(self, names: BTreeSet<ConnectorName>) -> Self {
        Self { deleting: Deleting::confirmed(names), ..self }
    }

    /// Who looks whether connectors stream, beside the turns.
    pub fn watch(&self) -> Rc<Watch> {
        Rc::clone(&self.watch)
    }

    /// Takes one turn and tells it.
    pub async fn turn(
        &mut self,
        desired: &Desired,
        hand: Hand,
        board: &Board,
        interrupt: &Interrupt,
    ) -> Turn {
        let began = Instant::now();
        self.deleting.begin(began);
        self.owing.begin(desired).await;
        self.claims.begin(desired).await;
        let (end, results) = match self.try_turn(desired, hand, board, interrupt).await {
            Ok(turn) => turn,
            Err(error) => (self.away(&error, board), Vec::new()),
        };
        match end {
            End::Follows => {
                self.watch.leave();
                self.news.leave();
                self.history.leave();
            }
            End::Away(class) if class != Class::Rebalancing => self.watch.interrupt(),
            End::Away(_) | End::Gained | End::Looked | End::Unsettled => {}
        }
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
            let (took, taken) = (began.elapsed(), std::mem::take(&mut self.taken));
            board.tell(&Event::Cycled(Cycle { took, taken, exchanges }));
        }
        Turn { end, results }
    }

    /// Whether all that was sent was seen to be in effect, and no tasks are owed a restart for it.
    pub fn has_seen_all(&self) -> bool {
        self.unseen.is_empty() && self.renewals.is_done()
    }

    /// Waits once more for what was sent for a revision and was not seen to be in effect; says how those steps ended
    /// that did.
    pub async fn wait_for_unseen(&mut self, revision: &Revision, interrupt: &Interrupt) -> Vec<StepResult> {
        let deadline = self.options.change_deadline;
        self.unseen.wait(&Wait { client: &self.client, revision, deadline, interrupt }).await
    }

    /// How long until the next step that was put off comes due.
    pub fn until_due(&self) -> Option<Duration> {
        let now = Timestamp::now();
        let due = self.history.next_due(now);
        let due = due.map(|due| Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO));
        due.into_iter().chain(self.rollout.look_after()).chain(self.renewals.look_after()).min()
    }

    /// Remembers what was looked at, and logs what is news.
    fn remember(&mut self, desired: &Desired, plan: &Plan, live: &Live) {
        let now = Timestamp::now();
        self.deleting.list(live.connectors.len());
        self.history.observe(live, now);
        self.history.consider(plan, now);
        self.owing.look(desired, live);
        self.lifts = next_lift(desired, &self.options.policy, now);
        self.news.look(plan);
    }

    /// How long until a look that may delete what this one did not; `None` where nothing waits for one.
    pub fn until_next_look(&self) -> Option<Duration> {
        self.deleting.until_next_look(Instant::now())
    }

    /// How long until a suspension ends by itself, and what waited for that is to be done.
    pub fn until_lifted(&self) -> Option<Duration> {
        let lifts = self.lifts?.duration_since(Timestamp::now());
        Some(Duration::try_from(lifts).unwrap_or(Duration::ZERO))
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
                board.write(|report| written::follow(&mut report.cluster));
                return Ok((End::Follows, Vec::new()));
            }
            Lead::Gained => return Ok((End::Gained, Vec::new())),
            Lead::Leads => board.write(|report| report.cluster.leader = Some(true)),
            Lead::Unasked => board.write(|report| report.cluster.leader = None),
        }
        let looked = interrupt.unless_ending(self.look(desired, hand, board)).await;
        let Some((mut live, mut thought)) = looked.transpose()? else { return ended() };
        self.remember(desired, &thought, &live);
        self.see(desired, &thought, &live, board);
        board.tell(&Event::Looked);
        if thought.mode == Mode::Observe || hand == Hand::Bound {
            self.rest(&thought, &live, None, board);
            return Ok((End::Looked, Vec::new()));
        }
        let pulses = board.read(|report| report.cluster.pulses.clone());
        let owed = self.renewals.owed(desired, &live);
        let sight = Sight { plan: &thought, desired, live: &live, pulses: &pulses, owed: &owed };
        let results = self.act(&sight, interrupt).await;
        self.watch.acted(&results, board);
        if results.iter().any(|result| result.class == Some(Class::NotLeader)) {
            self.leading.lost();
            info!("the worker beside leads no longer; the rest is left to the agent beside the next leader");
            board.write(|report| written::follow(&mut report.cluster));
            return Ok((End::Follows, results));
        }
        if results.iter().any(|result| result.outcome != Outcome::NotTaken) {
            self.deleting.deleted(&results);
            live = match interrupt.unless_ending(self.look_again(hand)).await {
                Some(Ok(Some(live))) => live,
                Some(Ok(None)) => {
                    board.write(|report| written::follow(&mut report.cluster));
                    return Ok((End::Follows, results));
                }
                // What was done is told all the same.
                Some(Err(error)) => {
                    written::done(&results, &thought, &live, board);
                    return Ok((self.away(&error, board), results));
                }
                None => return Ok((End::Looked, results)),
            };
            thought = self.plan(desired, &live, &self.known(desired, &live));
            let deletes = thought.steps.iter().any(|action| action.step == Step::Delete);
            let has_shrunk = self.deleting.has_shrunk(live.connectors.len());
            if self.is_doubtful(&live, &thought) || (deletes && has_shrunk) {
                // Neither told nor remembered: the next turn doubts it too, and looks twice.
                written::done(&results, &thought, &live, board);
                return Ok((End::Unsettled, results));
            }
            self.deleting.list(live.connectors.len());
            self.see(desired, &thought, &live, board);
        }
        self.rest(&thought, &live, Some(results.clone()), board);
        let end = if results.iter().any(may_pass) { End::Unsettled } else { End::Looked };
        Ok((end, results))
    }

    /// Looks at the cluster and plans; a list that is hard to believe is looked at twice, and nothing is deleted for it.
    async fn look(&mut self, desired: &Desired, hand: Hand, board: &Board) -> Result<(Live, Plan), Error> {
        let is_asked = matches!(hand, Hand::ResolvedAt(_)) && board.read(Report::is_main_answering);
        if !is_asked {
            self.deleting.distrust();
        }
        let (mut live, mut known, mut thought) = self.look_once(desired).await?;
        let is_doubtful = self.is_doubtful(&live, &thought);
        let listed = live.connectors.len();
        if is_doubtful {
            warn!(
                listed,
                "the list of connectors is empty or shrank by more than half; looking again before anything is created"
            );
            tokio::time::sleep(SECOND_LOOK).await;
            (live, known, thought) = self.look_once(desired).await?;
        }
        let listed = listed.min(live.connectors.len());
        if is_doubtful || self.deleting.has_shrunk(listed) {
            self.deleting.doubt(&mut thought, listed);
        } else if is_asked {
            let (policy, now) = (&self.options.policy, Timestamp::now());
            self.deleting.look(seen(desired, &live, &known, policy, now), Instant::now());
            self.claims.went_together(batch(desired, &live, &known, policy, now)).await;
        }
        Ok((live, thought))
    }

    async fn look_once(&mut self, desired: &Desired) -> Result<(Live, Known, Plan), Error> {
        let live = self.client.live().await?;
        self.claims.judge(desired, &live, &self.options.policy).await;
        let known = self.known(desired, &live);
        let thought = self.plan(desired, &live, &known);
        Ok((live, known, thought))
    }

    fn plan(&self, desired: &Desired, live: &Live, known: &Known) -> Plan {
        plan_knowing(desired, live, known, &self.options.policy, Timestamp::now())
    }

    fn known(&self, desired: &Desired, live: &Live) -> Known {
        Known {
            owed: self.owing.owed(live),
            sure: self.owing.sure(live),
            claims: self.claims.known(desired, live, &self.options.policy),
            seen: self.deleting.seen().clone(),
            confirmed: self.deleting.by_name().clone(),
            batch: self.claims.batch().clone(),
        }
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
        let resolved = match hand {
            Hand::ResolvedAt(resolved) => Some(resolved),
            Hand::Unasked | Hand::Bound => None,
        };
        let before = self.leading.since();
        let lead = self.leading.ask(&self.client, resolved).await?;
        if self.leading.since().is_some_and(|since| before != Some(since)) {
            self.rollout.taken_up();
        }
        Ok(lead)
    }

    /// Whether a list should not be believed at first sight.
    fn is_doubtful(&self, live: &Live, plan: &Plan) -> bool {
        self.options.writer == Writer::Forwarded
            && self.options.policy.mode == Mode::Enforce
            && self.deleting.is_short(live.connectors.len())
            && plan.steps.iter().any(|action| action.reason == Reason::Missing)
    }

    /// Takes the steps that are due.
    async fn act(&mut self, sight: &Sight<'_>, interrupt: &Interrupt) -> Vec<StepResult> {
        let plan = sight.plan;
        let Due { now, later } = self.history.due(plan, self.options.restart, Timestamp::now());
        let now = self.rollout.order(now, sight);
        let hands = Hands {
            client: &self.client,
            writer: self.options.writer,
            revision: &plan.revision,
            risks: &plan.risks,
            deadline: self.options.change_deadline,
            interrupt,
        };
        let before = self.owing.sending(&now);
        // Who is killed before the answer must know at its next start that it sent something.
        interrupt.unless_ending(self.owing.keep()).await;
        let done = apply::apply(&hands, now, sight.live, self.rollout.rollouts()).await;
        self.rollout.tell();
        let mut results = Vec::new();
        for ended in done {
            self.unseen.note(&ended);
            self.renewals.note(&ended, &plan.revision);
            let Ended { action, result, taken, before: _, tasks: _ } = ended;
            self.owing.ended(&before, &action, taken);
            self.history.note(&action, result.outcome, result.class, &plan.revision, Timestamp::now());
            self.taken.extend(Some(&result).filter(|result| result.outcome.is_taken()).cloned());
            results.push(result);
        }
        let (suspend, now) = (self.options.policy.suspend.as_ref(), Timestamp::now());
        let may = |name: &ConnectorName| {
            suspended(sight.desired, sight.desired.connectors.get(name), suspend, now).is_none()
        };
        let renewed = self.renewals.pay(&hands, sight, &results, may).await;
        self.taken.extend(renewed.iter().filter(|result| result.outcome.is_taken()).cloned());
        results.extend(renewed);
        results.extend(later.into_iter().map(|(Action { connector, step, reason: _ }, class)| StepResult {
            connector,
            step: step.kind(),
            outcome: if class == Class::Waiting { Outcome::Waiting } else { Outcome::NotTaken },
            class: Some(class),
            took: Duration::ZERO,
        }));
        results
    }

    /// Writes what was looked at, and who is watched from now on.
    fn see(&self, desired: &Desired, plan: &Plan, live: &Live, board: &Board) {
        written::looked(desired, plan, live, &self.options.policy, board);
        self.watch.see(desired, live, board);
    }

    /// Writes what was done; `None` where nothing was to be done in this turn.
    fn rest(&mut self, plan: &Plan, live: &Live, results: Option<Vec<StepResult>>, board: &Board) {
        let now = Timestamp::now();
        let equal = plan.is_empty() && plan.is_sure();
        debug!(equal, steps = plan.steps.len(), held = plan.held.len(), "looked at the cluster");
        let rollouts = self.rollout.brakes();
        let away = self.history.put_off(plan).filter(|(_, class)| *class == Class::Waiting);
        let rest = rollouts.iter().flat_map(|brake| &brake.rest).map(|name| (name, Class::Canary));
        let waits = rest.chain(away).map(|(name, class)| (name.clone(), class));
        let waits = board.read(|report| waiting(&report.cluster.waiting, waits, now));
        let overdue = self.overdue.tell(&waits, now);
        board.write(|report| {
            let cluster = &mut report.cluster;
            cluster.last_success = Some(now);
            (cluster.waiting, cluster.rollouts) = (waits, rollouts);
            cluster.failed = failed(&cluster.failed, results.as_deref().unwrap_or_default(), plan, live);
            cluster.failed.retain(|_, class| *class != Class::Waiting);
            cluster.failed.extend(self.renewals.refused());
            cluster.failed.extend(overdue.into_iter().map(|name| (name, Class::Waiting)));
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
        if error.class() == Class::NotLeader {
            self.leading.lost();
        }
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
        written::away(error, board);
        End::Away(error.class())
    }
}
