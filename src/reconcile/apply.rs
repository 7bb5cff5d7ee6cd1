//! Taking steps, in the order of the plan.
//!
//! Takes the steps that are due, sends each one's requests once, waits until it took effect, and
//! says how each ended. Nothing is decided here about what to do: only how many at once, and what
//! an uncertain answer means.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tracing::{Instrument, info, info_span, warn};

use crate::model::config::Config;
use crate::model::ledger::Taken;
use crate::model::live::Live;
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Step, StepKind};
use crate::model::report::{Class, Outcome, StepResult};
use crate::model::revision::Revision;
use crate::pipeline::canary::Rollouts;
use crate::pipeline::converge;
use crate::reconcile::audit::{answered, audit};
use crate::reconcile::hands::{Hands, Missed, ends_it, may_send, still_leads};
use crate::reconcile::settle::{self, Sent, Settled, Wait};
use crate::reconcile::tasks::{self, Tasks};

/// Creates that may be under way at once. On one worker of Connect 4.3, two hundred of them took
/// 11.7 s one by one, 7.4 s eight at once and no less with more.
const CREATES_AT_ONCE: usize = 8;

/// How often an uncertain outcome is looked at before the step is left to the next cycle.
const LOOKS: u32 = 3;

/// The rest before a request is sent again that Connect certainly did not carry out.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// The longest such rest.
const SLOWEST_RETRY: Duration = Duration::from_secs(10);

/// A step that ended.
pub struct Ended {
    /// The step.
    pub action: Action,
    /// How it ended.
    pub result: StepResult,
    /// Whether its request was carried out.
    pub taken: Taken,
    /// The tasks' configs and the connector's config before it, for a configure.
    pub before: Option<(Vec<Config>, Config)>,
    /// What became of the connector's tasks.
    pub tasks: Tasks,
}

/// Takes steps in order, and says how each ended. `live` is what the plan was made from; a step goes only where the
/// rollout of its template lets it.
pub async fn apply(
    hands: &Hands<'_>,
    actions: Vec<Action>,
    live: &Live,
    rollouts: &mut Rollouts,
) -> Vec<Ended> {
    let answered = answered(hands.risks);
    let mut done =
        Done { results: Vec::new(), given_up: BTreeMap::new(), over: None, rollouts, live, answered };
    let mut actions = actions.into_iter().peekable();
    while let Some(first) = actions.next() {
        let kind = first.step.kind();
        let mut group = vec![first];
        if together(kind) {
            while let Some(next) = actions.next_if(|next| next.step.kind() == kind) {
                group.push(next);
            }
        }
        take_group(hands, group, live, &mut done).await;
    }
    done.results
}

/// Steps of this kind are sent one after the other or side by side, and waited for together; a
/// change of a running connector is waited for before the next one.
fn together(kind: StepKind) -> bool {
    match kind {
        StepKind::Create
        | StepKind::Pause
        | StepKind::Stop
        | StepKind::Resume
        | StepKind::Delete
        | StepKind::Restart => true,
        StepKind::Configure => false,
    }
}

/// What has become of the steps so far.
struct Done<'a> {
    results: Vec<Ended>,
    /// Connectors with a step that did not converge, and why: what stands behind it is not taken.
    given_up: BTreeMap<ConnectorName, Class>,
    /// Why nothing more is sent: the lead is lost or in doubt, or the worker is gone.
    over: Option<Class>,
    /// Whose change may go.
    rollouts: &'a mut Rollouts,
    /// What the plan was made from.
    live: &'a Live,
    /// Who answers for which risk of a connector's change, in words.
    answered: BTreeMap<ConnectorName, String>,
}

impl Done<'_> {
    /// Why a step is not to be sent, where that is so before anybody is asked.
    fn stopped(&self, action: &Action, hands: &Hands<'_>) -> Option<Class> {
        let superseded = || hands.interrupt.supersedes(hands.revision).then_some(Class::Superseded);
        let behind = || self.given_up.get(&action.connector).copied();
        let waits = || (!self.rollouts.may(action)).then_some(Class::Canary);
        self.over.or_else(superseded).or_else(behind).or_else(waits)
    }

    fn end(&mut self, end: End, revision: &Revision) {
        let End { action, outcome, class, took, taken, before, tasks } = end;
        if outcome != Outcome::Converged {
            // Of a worker that was silent is said once that it was.
            let why = class.filter(|class| !class.is_silent()).unwrap_or(Class::NotDue);
            self.given_up.insert(action.connector.clone(), why);
        }
        if outcome.is_taken() {
            let answered = self.answered.get(&action.connector).map(String::as_str);
            audit(&action, outcome, class, revision, answered);
        }
        let result = StepResult {
            connector: action.connector.clone(),
            step: action.step.kind(),
            outcome,
            class,
            took,
        };
        let sent = Timestamp::now() - SignedDuration::try_from(took).unwrap_or(SignedDuration::ZERO);
        self.rollouts.note(&action, &result, taken, self.live, sent);
        self.results.push(Ended { action, result, taken, before, tasks });
    }
}

async fn take_group(hands: &Hands<'_>, group: Vec<Action>, live: &Live, done: &mut Done<'_>) {
    let at_once = match group.first().map(|action| action.step.kind()) {
        Some(StepKind::Create) => CREATES_AT_ONCE,
        Some(_) | None => 1,
    };
    let mut open = Vec::new();
    for action in group {
        match done.stopped(&action, hands) {
            Some(class) => done.end(End::not_taken(action, class), hands.revision),
            None => open.push(action),
        }
    }

    let over = Cell::new(done.over);
    let answers: Vec<_> = stream::iter(open)
        .map(|action| {
            let goes_first = done.rollouts.goes_first(&action);
            take_one(hands, (action, goes_first), live, &over)
        })
        .buffered(at_once)
        .collect()
        .await;
    let mut sent = Vec::new();
    for answer in answers {
        match answer {
            Ok(one) => sent.push(one),
            Err(end) => done.end(end, hands.revision),
        }
    }
    done.over = over.get();
    let wait = Wait {
        client: hands.client,
        revision: hands.revision,
        deadline: hands.deadline,
        interrupt: hands.interrupt,
    };
    let settled = match done.over.and_then(unseen_for) {
        Some(class) => {
            let unseen = |sent| Settled { sent, outcome: Outcome::Pending, class: Some(class) };
            sent.into_iter().map(unseen).collect()
        }
        None => settle::settle(&wait, sent).await,
    };
    for settled in settled {
        let (Settled { sent, outcome, class }, tasks) = tasks::renew(hands, &wait, settled, live).await;
        let Sent { action, began, at: _, before, goes_first: _ } = sent;
        let (took, taken) = (began.elapsed(), Taken::Yes);
        done.end(End { action, outcome, class, took, taken, before, tasks }, hands.revision);
    }
}

/// Why what was sent is not waited for, where nothing more is sent for this: nobody is there who could tell, or who leads
/// is asked first.
fn unseen_for(over: Class) -> Option<Class> {
    if over == Class::LeadInDoubt { Some(over) } else { over.is_silent().then_some(Class::Unreachable) }
}

/// How a step ended.
struct End {
    action: Action,
    outcome: Outcome,
    class: Option<Class>,
    took: Duration,
    taken: Taken,
    before: Option<(Vec<Config>, Config)>,
    tasks: Tasks,
}

impl End {
    fn not_taken(action: Action, class: Class) -> Self {
        let (outcome, took) = (Outcome::NotTaken, Duration::ZERO);
        Self { action, outcome, class: Some(class), took, taken: Taken::No, before: None, tasks: Tasks::Left }
    }
}

async fn take_one(
    hands: &Hands<'_>,
    (action, goes_first): (Action, bool),
    live: &Live,
    over: &Cell<Option<Class>>,
) -> Result<Sent, End> {
    let span = info_span!("step", connector = %action.connector, step = action.step.kind().name());
    async {
        let began = Instant::now();
        if let Some(class) = over.get() {
            return Err(End::not_taken(action, class));
        }
        let before = tasks_before(hands, &action, live).await;
        match send(hands, &action, over).await {
            Ok(()) => Ok(Sent { action, began, at: Instant::now(), before, goes_first }),
            Err(Missed { outcome, class, taken }) => {
                let tasks = if tasks::may_pass_by(&action.step, live) { Tasks::Owed } else { Tasks::Left };
                let (class, took) = (Some(class), began.elapsed());
                Err(End { action, outcome, class, took, taken, before, tasks })
            }
        }
    }
    .instrument(span)
    .await
}

/// The tasks' configs before a change, to know afterwards whether they show which config they run.
async fn tasks_before(hands: &Hands<'_>, action: &Action, live: &Live) -> Option<(Vec<Config>, Config)> {
    let Step::Configure { .. } = &action.step else { return None };
    let config = live.connectors.get(&action.connector)?.config.clone()?;
    match hands.interrupt.unless_ending(hands.client.task_configs(&action.connector)).await {
        Some(Ok(tasks)) => Some((tasks, config)),
        // Not knowing only means that two looks are needed afterwards.
        Some(Err(_)) | None => None,
    }
}

/// Sends a step's request until Connect has certainly carried it out or certainly not.
async fn send(hands: &Hands<'_>, action: &Action, over: &Cell<Option<Class>>) -> Result<(), Missed> {
    let began = Instant::now();
    let mut rest = FIRST_RETRY;
    loop {
        if let Err(end) = may_send(hands, &action.step, over.get()).await {
            if ends_it(end.class) {
                over.set(over.get().or(Some(end.class)));
            }
            return Err(end);
        }
        let error = tokio::select! {
            answer = hands.client.take(&action.connector, &action.step) => match answer {
                Ok(()) => return Ok(()),
                Err(error) => error,
            },
            () = hands.interrupt.out_of_patience() => {
                warn!("gave up a request that was still open when the agent had to end; it may have been carried out");
                return Err(Missed::perhaps(Outcome::Pending, Class::TimedOut));
            }
        };
        let class = error.class();
        if !error.is_certain() || class == Class::Unreachable {
            warn!(error = &error as &dyn std::error::Error, "a request got no certain answer; looking");
            return looked_for(hands, action, class, over).await;
        }
        match class {
            Class::NotLeader if still_leads(hands).await => {
                // Connect before 3.0 says so of a restart wherever another worker runs the connector.
                if action.step.kind() == StepKind::Restart {
                    hands.client.doubt();
                    return Err(Missed::certainly(Outcome::Failed, Class::Unsupported));
                }
            }
            Class::NotLeader => {
                over.set(Some(Class::NotLeader));
                return Err(Missed::certainly(Outcome::NotTaken, Class::NotLeader));
            }
            Class::Rebalancing => {}
            Class::Waiting => {
                info!(error = &error as &dyn std::error::Error, "the connector's database is not there yet");
                return Err(Missed::certainly(Outcome::Waiting, class));
            }
            class => {
                warn!(error = &error as &dyn std::error::Error, "Connect refused a step");
                return Err(Missed::certainly(Outcome::Failed, class));
            }
        }
        if began.elapsed() + rest > hands.deadline {
            return Err(Missed::certainly(Outcome::Failed, class));
        }
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = hands.interrupt.ending() => {}
        }
        rest = (rest * 2).min(SLOWEST_RETRY);
        // Somebody may have led in between.
        if shows_now(hands, action).await == Shows::Yes {
            return Ok(());
        }
    }
}

/// What looking for a step's effect says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// It is there.
    Yes,
    /// The connector is made, and not in the state that the step would have it in: it runs.
    Partly,
    /// It is not, as far as can be seen.
    No,
    /// The worker does not answer at all: what else is asked of it would come to the same.
    Gone(Class),
}

/// How a step ended whose answer was of this class and not certain.
async fn looked_for(
    hands: &Hands<'_>,
    action: &Action,
    class: Class,
    over: &Cell<Option<Class>>,
) -> Result<(), Missed> {
    match shows(hands, action).await {
        Shows::Yes => return Ok(()),
        Shows::Partly if still_leads(hands).await => {
            match hands.client.finish(&action.connector, &action.step).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "a new connector is not in its state yet, and runs"
                    );
                }
            }
        }
        Shows::Partly | Shows::No => {}
        Shows::Gone(why) => over.set(over.get().or(Some(why))),
    }
    Err(Missed::perhaps(Outcome::Failed, class))
}

/// Looks whether a request took effect although its answer was not certain.
async fn shows(hands: &Hands<'_>, action: &Action) -> Shows {
    let mut last = Shows::No;
    for look in 0..LOOKS {
        if hands.interrupt.is_ending() {
            return Shows::No;
        }
        if look > 0 {
            tokio::time::sleep(FIRST_RETRY).await;
        }
        last = shows_now(hands, action).await;
        // Who hangs is not asked again: each time would take as long.
        if matches!(last, Shows::Yes | Shows::Partly | Shows::Gone(Class::TimedOut)) {
            break;
        }
    }
    last
}

/// Looks once whether a step's effect is there.
async fn shows_now(hands: &Hands<'_>, action: &Action) -> Shows {
    match hands.interrupt.unless_ending(hands.client.look(&action.connector)).await {
        Some(Ok(live)) if converge::was_taken(&action.step, live.as_ref()) => Shows::Yes,
        Some(Ok(live)) if converge::was_begun(&action.step, live.as_ref()) => Shows::Partly,
        Some(Err(error)) if error.class().is_silent() => Shows::Gone(error.class()),
        // Not knowing is no sign of it.
        Some(Ok(_) | Err(_)) | None => Shows::No,
    }
}

#[cfg(test)]
mod tests {
    use tagalong_testkit::fake::Fake;
    use tagalong_testkit::fake::fault::Fault;
    use tokio::sync::watch;
    use url::Url;

    use super::*;
    use crate::connect::access::Access;
    use crate::connect::{Client, Options, Writer};
    use crate::model::plan::{Reason, Target};
    use crate::model::revision::{At, RepositoryName, RepositoryRevision};
    use crate::reconcile::interrupt::Interrupt;

    #[tokio::test]
    async fn steps_that_a_doubt_about_the_lead_leaves_say_so_and_not_that_the_worker_is_away() {
        let fake = Fake::start(1).await;
        for name in ["a", "b", "c"] {
            fake.preload(name, &[("connector.class", "FileStreamSource"), ("topic", "x"), ("file", "/x")]);
        }
        let url = Url::parse(&fake.url(0)).expect("an url");
        let (writer, user_agent) = (Writer::Leader, "x".to_owned());
        let client = Client::new(Options { url, writer, user_agent, access: Access::default() });
        let client = client.expect("a client");
        let live = client.live().await.expect("it answers");
        let (_end, ending) = watch::channel(false);
        let (_accept, newest) = watch::channel(None);
        let at = At::Directory { path: "definitions".into(), digest: 1 };
        let revision = Revision::of(vec![RepositoryRevision { repository: RepositoryName::main(), at }]);
        let interrupt = Interrupt::new(ending, newest);
        let deadline = Duration::from_mins(1);
        let hands = Hands {
            client: &client,
            writer,
            revision: &revision,
            risks: &[],
            deadline,
            interrupt: &interrupt,
        };
        // It says once that it is starting, and answers again.
        fake.inject(Fault::on("PUT", "/connectors/b/pause").raw(404, "text/html", "<html>Not Found</html>"));
        let pause = |name| Action {
            connector: ConnectorName::observed(name),
            step: Step::Pause { from: Target::Running },
            reason: Reason::WrongState,
        };
        let ended = apply(&hands, ["a", "b", "c"].map(pause).into(), &live, &mut Rollouts::default()).await;
        let ended = ended.into_iter().map(|Ended { action, result, .. }| (action.connector, result));
        let ended: BTreeMap<_, _> = ended.collect();
        let ended: Vec<_> = ended.values().map(|result| (result.outcome, result.class)).collect();
        let doubt = Some(Class::LeadInDoubt);
        let wanted =
            [(Outcome::Pending, doubt), (Outcome::Failed, Some(Class::Starting)), (Outcome::NotTaken, doubt)];
        assert_eq!(ended, wanted);
    }
}
