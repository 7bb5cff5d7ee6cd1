//! `tagalong apply`: look and act until the cluster equals the repository.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cli::claims;
use crate::cli::failure::{self, Done, Failure};
use crate::cli::flags::{Cluster, Common, Definitions, Output, Printing};
use crate::cli::wiring::Secrets;
use crate::cli::{confirmed, print, wiring};
use crate::connect::Client;
use crate::connect::error::Error;
use crate::model::course::LowerVersion;
use crate::model::desired::Desired;
use crate::model::finding::Findings;
use crate::model::known::Known;
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Mode, Plan};
use crate::model::report::{Class, Outcome, StepResult};
use crate::pipeline::plan::{plan_knowing, seen};
use crate::reconcile::board::Board;
use crate::reconcile::claims::Claims;
use crate::reconcile::cycle::Reconciler;
use crate::reconcile::interrupt::Interrupt;
use crate::reconcile::once::{Ended, once};
use crate::settings::checked::Settings;
use crate::view;

/// The rest between two questions whether Connect is up.
const KNOCK: Duration = Duration::from_secs(1);

/// Make the cluster equal to the repository, once
#[derive(Debug, Args)]
#[command(
    after_help = "Waits for Connect and for databases that are still coming up, until --timeout; for the second look, ten\n\
    seconds after the first, before it deletes what has no file any more; and until a grace is over.\n\
    When time is up nothing more is sent, and a request that is open then is given eight seconds.\n\
    Asks for `yes` where standard input and standard error are a terminal.\n\n\
    Examples:\n  \
    tagalong apply --dir . -e ed8k --connect http://localhost:8083\n  \
    tagalong apply --settings settings.yaml --yes --timeout 5m -o json\n  \
    tagalong apply --settings settings.yaml --confirm-delete orders-old\n\n\
    Exit codes: 0 done and seen to be in effect, 1 failed, not done in time, a secret is missing or an extra folder was \
    left out, 2 done but for what is held."
)]
pub struct Apply {
    /// Do not ask; without a terminal nobody is asked anyway
    #[arg(short, long)]
    yes: bool,

    /// How long to wait and try, such as 90s or 10m
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = wiring::duration)]
    timeout: Duration,

    /// Delete this connector, whose file is gone, whatever the limits are; may be given again
    #[arg(long, value_name = "NAME")]
    confirm_delete: Vec<String>,

    #[command(flatten)]
    definitions: Definitions,

    #[command(flatten)]
    cluster: Cluster,

    #[command(flatten)]
    printing: Printing,

    #[command(flatten)]
    common: Common,
}

/// All that an apply needs.
struct Work {
    settings: Settings,
    client: Client,
    claims: Claims,
    desired: Arc<Desired>,
    findings: Findings,
    left_out: bool,
    confirmed: BTreeSet<ConnectorName>,
    ending: watch::Receiver<bool>,
    deadline: Instant,
}

/// What the first look says.
struct First {
    plan: Plan,
    /// Whether there is nothing to do, and nothing to look at once more.
    is_all: bool,
}

impl Apply {
    pub async fn run(self) -> Result<Done, Failure> {
        let mut work = self.prepare().await?;
        let First { plan: first, is_all } = work.first_look().await?;
        confirmed::tell(&work.confirmed, &first);
        match self.printing.output {
            Output::Human => print::result(&view::human::plan(&first, self.printing.colour()))?,
            Output::Json if is_all => {
                print::result(&view::json::apply(&first, &work.findings, &[]))?;
            }
            Output::Json => {}
        }
        if is_all {
            return Ok(done(first.held.len(), first.unresolved.len(), work.left_out));
        }
        let asked = Instant::now();
        let agreed = self.agreed(&first, &mut work.ending).await;
        // Who thinks before saying yes takes no time from what was agreed to.
        work.deadline += asked.elapsed();
        if !agreed {
            print::note("Nothing was applied.");
            return Ok(Done::Said);
        }
        self.act(work, &first).await
    }

    async fn prepare(&self) -> Result<Work, Failure> {
        let deadline = Instant::now() + self.timeout;
        let overlays = [self.definitions.overlay(), self.cluster.overlay()];
        let settings = wiring::settings(&self.common, &overlays, self.definitions.values(), false)?;
        if wiring::policy(&settings, wiring::Command::Apply).mode == Mode::Observe {
            let error = anyhow::anyhow!("the settings say `mode: observe`, so nothing may be applied");
            return Err(Failure::new(error).hint(Some("use `tagalong plan`, or set `mode: enforce`")));
        }
        let wiring::Rendered { desired, findings, left_out, definitions: _, lower } =
            wiring::rendered(&settings, self.common.settings(), self.definitions.values(), Secrets::Read)
                .await?;
        if let Some(lower) = lower.first() {
            let error =
                anyhow::anyhow!("{}", lower.detail()).context("nothing was applied: a lower version is held");
            let release = LowerVersion::RELEASE;
            return Err(Failure::new(error).hint(Some(format!("to let it pass, {release}"))));
        }
        let confirmed = confirmed::names(&self.confirm_delete, &settings)?;
        let ending = wiring::ending().map_err(Failure::new)?;
        let client = wiring::client(&settings, wiring::Command::Apply)?;
        let claims = claims::claims(&settings, &desired.environment, wiring::Command::Apply)?;
        let desired = Arc::new(desired);
        Ok(Work { settings, client, claims, desired, findings, left_out, confirmed, ending, deadline })
    }

    /// Asks for `yes`, where there is somebody to ask. Whoever reads JSON sees the plan first.
    async fn agreed(&self, plan: &Plan, ending: &mut watch::Receiver<bool>) -> bool {
        if self.yes || !print::can_ask() {
            return true;
        }
        if self.printing.output == Output::Json {
            print::note(view::human::plan(plan, false).trim_end());
        }
        print::note("Take these steps? Only `yes` is taken for it:");
        // On a thread of its own: Ctrl-C must end the question.
        let answer = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "yes"
        });
        tokio::select! {
            answer = answer => answer.unwrap_or_default(),
            _ = ending.wait_for(|ending| *ending) => false,
        }
    }

    async fn act(&self, work: Work, first: &Plan) -> Result<Done, Failure> {
        let Work { settings, client, desired, findings, left_out, confirmed, claims, ending, deadline } =
            work;
        let (_newest, newest) = watch::channel(Some(Arc::clone(&desired)));
        let interrupt = Interrupt::new(ending, newest);
        let board = Board::new(desired.environment.clone(), Mode::Enforce, Box::new(|_, _| {}));
        let options = wiring::reconciling(&settings, wiring::Command::Apply);
        let mut reconciler = Reconciler::new(client, options).claiming(claims).confirming(confirmed);
        let mut last: Vec<StepResult> = Vec::new();
        let mut unwritten = None;
        let unresolved = first.unresolved.len();
        let timeout = deadline.saturating_duration_since(Instant::now());
        let ended = once(&mut reconciler, &desired, &board, &interrupt, timeout, |results| {
            // What was begun is done all the same.
            unwritten = unwritten.take().or(self.show(results, &last).err());
            for result in results {
                last.retain(|old| (&old.connector, old.step) != (&result.connector, result.step));
                last.push(result.clone());
            }
        })
        .await;

        let (plan, failure) =
            board.read(|report| (report.cluster.plan.clone(), report.cluster.failure.clone()));
        unwritten.map_or(Ok(()), Err)?;
        print::result(&match self.printing.output {
            Output::Json => view::json::apply(first, &findings, &last),
            Output::Human => {
                let left = plan.as_deref().map(|plan| left(plan, &last));
                let ended = (ended, interrupt.is_ending());
                conclusion(ended, plan.as_deref(), left, unresolved)
            }
        })?;
        match (ended, failure) {
            (Ended::Converged, _) => Ok(done(plan.map_or(0, |plan| plan.held.len()), unresolved, left_out)),
            (Ended::Unfinished, Some(failure)) if !interrupt.is_ending() => {
                let error = anyhow::anyhow!("{}", failure.text);
                Err(Failure::new(error).context("time was up before Connect could be asked"))
            }
            (Ended::Unfinished | Ended::Failed, _) => Ok(Done::Said),
        }
    }

    /// Shows what became of the steps of one turn, where that is news.
    fn show(&self, results: &[StepResult], last: &[StepResult]) -> Result<(), print::Unwritten> {
        let told = |new: &StepResult, old: &StepResult| {
            (&old.connector, old.step, old.outcome, old.class)
                == (&new.connector, new.step, new.outcome, new.class)
        };
        let is_news = |new: &StepResult| {
            let waits = matches!(new.outcome, Outcome::Waiting | Outcome::Pending);
            new.outcome != Outcome::NotTaken && !(waits && last.iter().any(|old| told(new, old)))
        };
        let new: Vec<_> = results.iter().filter(|result| is_news(result)).cloned().collect();
        if self.printing.output == Output::Human && !new.is_empty() {
            print::result(&view::human::results(&new, self.printing.colour()))?;
        }
        Ok(())
    }
}

impl Work {
    /// Waits until Connect is ready, and plans. Nothing was begun yet: time and a word to end count also while
    /// an answer is waited for.
    async fn first_look(&mut self) -> Result<First, Failure> {
        let (mut ending, mut trouble, deadline) = (self.ending.clone(), None, self.deadline);
        let looked = tokio::select! {
            looked = self.knock(&mut trouble) => Some(looked),
            _ = ending.wait_for(|ending| *ending) => {
                return Err(Failure::new(anyhow::anyhow!("ended before Connect was ready")));
            }
            () = tokio::time::sleep_until(deadline) => None,
        };
        if let Some(looked) = looked {
            return looked.map_err(|error| self.away(error));
        }
        let failure = trouble.map_or_else(|| self.silent(), |error| self.away(error));
        Err(failure.context("time was up before Connect was ready"))
    }

    /// Looks until Connect is ready or it is of no use; takes note of what was wrong last.
    async fn knock(&mut self, trouble: &mut Option<Error>) -> Result<First, Error> {
        loop {
            let error = match self.look().await {
                Ok(first) => return Ok(first),
                Err(error) if may_come(&error) => error,
                Err(error) => return Err(error),
            };
            if trouble.is_none() {
                let url = &self.settings.connect.url;
                print::note(&format!("Waiting for Connect at {url} ({})", failure::last(&error)));
            }
            *trouble = Some(error);
            tokio::time::sleep(KNOCK).await;
        }
    }

    fn away(&self, error: Error) -> Failure {
        wiring::away(&self.settings, error)
    }

    fn silent(&self) -> Failure {
        let error = anyhow::anyhow!("Connect at {} has not answered", self.settings.connect.url);
        Failure::new(error).hint(Some("is it Connect that listens there? Give more time with --timeout"))
    }

    async fn look(&mut self) -> Result<First, Error> {
        self.client.ready().await?;
        let live = self.client.live().await?;
        let policy = wiring::policy(&self.settings, wiring::Command::Apply);
        self.claims.begin(&self.desired).await;
        self.claims.judge(&self.desired, &live, &policy).await;
        let claims = self.claims.known(&self.desired, &live, &policy);
        let (confirmed, batch) = (self.confirmed.clone(), self.claims.batch().clone());
        let known = Known { claims, confirmed, batch, ..Known::default() };
        let now = Timestamp::now();
        let plan = plan_knowing(&self.desired, &live, &known, &policy, now);
        let would = seen(&self.desired, &live, &known, &policy, now);
        Ok(First { is_all: plan.steps.is_empty() && would.is_empty() && !plan.is_in_doubt(), plan })
    }
}

/// Whether waiting may help before anything was done.
fn may_come(error: &Error) -> bool {
    matches!(error.class(), Class::Unreachable | Class::TimedOut | Class::Starting | Class::Rebalancing)
}

/// What is left where every step that could be taken was: a missing secret and a folder that was left out are
/// failures, somebody has to see to them.
fn done(held: usize, unresolved: usize, left_out: bool) -> Done {
    match (held, unresolved, left_out) {
        (0, 0, false) => Done::Well,
        (_, 0, false) => Done::Left,
        (_, _, _) => Done::Said,
    }
}

/// How many steps are left: those of the last plan, which may have been made before they were taken, and those that were
/// taken and not seen to be done.
fn left(plan: &Plan, last: &[StepResult]) -> usize {
    let is_done = |left: &&Action| {
        last.iter().any(|one| {
            (&one.connector, one.step, one.outcome) == (&left.connector, left.step.kind(), Outcome::Converged)
        })
    };
    let is_planned = |one: &&StepResult| plan.steps.iter().any(|left| left.connector == one.connector);
    let unseen = last.iter().filter(|one| one.outcome == Outcome::Pending && !is_planned(one));
    plan.steps.iter().filter(|left| !is_done(left)).count() + unseen.count()
}

fn conclusion(
    (ended, told_to_end): (Ended, bool),
    last: Option<&Plan>,
    left: Option<usize>,
    unresolved: usize,
) -> String {
    let left = match left {
        None => "an unknown number of steps".to_owned(),
        Some(1) => "1 step".to_owned(),
        Some(left) => format!("{left} steps"),
    };
    let held = last.and_then(view::human::held_in_words);
    match (ended, held) {
        (Ended::Converged, held) if unresolved > 0 => {
            let held = held.map(|held| format!("; {held}")).unwrap_or_default();
            format!("Applied, but for {unresolved} with a missing secret{held}.\n")
        }
        (Ended::Converged, Some(held)) => format!("Applied, but for {held}.\n"),
        (Ended::Converged, None) => "Applied. The cluster matches the repository.\n".to_owned(),
        (Ended::Failed, _) => format!("Failed, with {left} left.\n"),
        (Ended::Unfinished, _) if told_to_end => format!("Ended early, with {left} left.\n"),
        (Ended::Unfinished, _) => format!("Time was up, with {left} left.\n"),
    }
}
