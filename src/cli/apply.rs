//! `tagalong apply`: look and act until the cluster equals the repository.

use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cli::failure::{self, Done, Failure};
use crate::cli::flags::{Cluster, Common, Definitions, Output, Printing};
use crate::cli::wiring::Secrets;
use crate::cli::{print, wiring};
use crate::connect::Client;
use crate::connect::error::Error;
use crate::model::course::LowerVersion;
use crate::model::desired::Desired;
use crate::model::finding::Findings;
use crate::model::plan::{Mode, Plan};
use crate::model::report::{Class, Outcome, StepResult};
use crate::pipeline;
use crate::reconcile::board::Board;
use crate::reconcile::cycle::Reconciler;
use crate::reconcile::interrupt::Interrupt;
use crate::reconcile::once::{Ended, once};
use crate::settings::checked::Settings;
use crate::view;

/// The rest between two questions whether Connect is up.
const KNOCK: Duration = Duration::from_secs(1);

/// Make the cluster equal to the repository, once
#[derive(Debug, Args)]
#[command(after_help = "Waits for Connect and for databases that are still coming up, until --timeout.\n\
    Asks for `yes` where standard input and standard error are a terminal.\n\n\
    Examples:\n  \
    tagalong apply --dir . -e ed8k --connect http://localhost:8083\n  \
    tagalong apply --settings settings.yaml --yes --timeout 5m -o json\n\n\
    Exit codes: 0 done, 1 failed, a secret is missing or an extra folder was left out, 2 done but for what is \
    held.")]
pub struct Apply {
    /// Do not ask; without a terminal nobody is asked anyway
    #[arg(short, long)]
    yes: bool,

    /// How long to wait and try, such as 90s or 10m
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = wiring::duration)]
    timeout: Duration,

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
    desired: Arc<Desired>,
    findings: Findings,
    left_out: bool,
    ending: watch::Receiver<bool>,
    deadline: Instant,
}

impl Apply {
    pub async fn run(self) -> Result<Done, Failure> {
        let mut work = self.prepare().await?;
        let first = work.first_look().await?;
        match self.printing.output {
            Output::Human => print::result(&view::human::plan(&first, self.printing.colour()))?,
            Output::Json if first.steps.is_empty() => {
                print::result(&view::json::apply(&first, &work.findings, &[]))?;
            }
            Output::Json => {}
        }
        if first.steps.is_empty() {
            return Ok(done(first.held.len(), first.unresolved.len(), work.left_out));
        }
        if !self.agreed(&first, &mut work.ending).await {
            print::note("Nothing was applied.");
            return Ok(Done::Said);
        }
        self.act(work, &first).await
    }

    async fn prepare(&self) -> Result<Work, Failure> {
        let deadline = Instant::now() + self.timeout;
        let overlays = [self.definitions.overlay(), self.cluster.overlay()];
        let settings = wiring::settings(&self.common, &overlays, self.definitions.values(), false)?;
        if wiring::policy(&settings).mode == Mode::Observe {
            let error = anyhow::anyhow!("the settings say `mode: observe`, so nothing may be applied");
            return Err(Failure::new(error).hint(Some("use `tagalong plan`, or set `mode: enforce`")));
        }
        let wiring::Rendered { desired, findings, left_out, definitions: _, lower } =
            wiring::rendered(&settings, self.common.settings(), Secrets::Read).await?;
        if let Some(lower) = lower.first() {
            let error =
                anyhow::anyhow!("{}", lower.detail()).context("nothing was applied: a lower version is held");
            let release = LowerVersion::RELEASE;
            return Err(Failure::new(error).hint(Some(format!("to let it pass, {release}"))));
        }
        let ending = wiring::ending().map_err(Failure::new)?;
        let client = wiring::client(&settings, wiring::Command::Apply)?;
        Ok(Work { settings, client, desired: Arc::new(desired), findings, left_out, ending, deadline })
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
        let Work { settings, client, desired, findings, left_out, ending, deadline } = work;
        let (_newest, newest) = watch::channel(Some(Arc::clone(&desired)));
        let interrupt = Interrupt::new(ending, newest);
        let board = Board::new(desired.environment.clone(), Mode::Enforce, Box::new(|_, _| {}));
        let mut reconciler = Reconciler::new(client, wiring::reconciling(&settings, wiring::Command::Apply));
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

        let (left, held, failure) = board.read(|report| {
            let cluster = &report.cluster;
            let plan = cluster.plan.as_deref();
            let held = plan.map_or(0, |plan| plan.held.len());
            (plan.map(|plan| plan.steps.len()), held, cluster.failure.clone())
        });
        unwritten.map_or(Ok(()), Err)?;
        print::result(&match self.printing.output {
            Output::Json => view::json::apply(first, &findings, &last),
            Output::Human => conclusion(ended, interrupt.is_ending(), left, (held, unresolved)),
        })?;
        match (ended, failure) {
            (Ended::Converged, _) => Ok(done(held, unresolved, left_out)),
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
    async fn first_look(&self) -> Result<Plan, Failure> {
        let (mut ending, mut trouble) = (self.ending.clone(), None);
        tokio::select! {
            looked = self.knock(&mut trouble) => return looked.map_err(|error| self.away(error)),
            _ = ending.wait_for(|ending| *ending) => {
                return Err(Failure::new(anyhow::anyhow!("ended before Connect was ready")));
            }
            () = tokio::time::sleep_until(self.deadline) => {}
        }
        let failure = trouble.map_or_else(|| self.silent(), |error| self.away(error));
        Err(failure.context("time was up before Connect was ready"))
    }

    /// Looks until Connect is ready or it is of no use; takes note of what was wrong last.
    async fn knock(&self, trouble: &mut Option<Error>) -> Result<Plan, Error> {
        loop {
            let error = match self.look().await {
                Ok(plan) => return Ok(plan),
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

    async fn look(&self) -> Result<Plan, Error> {
        self.client.ready().await?;
        let live = self.client.live().await?;
        let policy = wiring::policy(&self.settings);
        Ok(pipeline::plan::plan(&self.desired, &live, &policy, Timestamp::now()))
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

fn conclusion(
    ended: Ended,
    told_to_end: bool,
    left: Option<usize>,
    (held, unresolved): (usize, usize),
) -> String {
    let left = match left {
        None => "an unknown number of steps".to_owned(),
        Some(1) => "1 step".to_owned(),
        Some(left) => format!("{left} steps"),
    };
    match ended {
        Ended::Converged if unresolved > 0 => {
            let held = if held > 0 { format!("{held} held and ") } else { String::new() };
            format!("Applied, but for {held}{unresolved} with a missing secret.\n")
        }
        Ended::Converged if held > 0 => format!("Applied, but for {held} held.\n"),
        Ended::Converged => "Applied. The cluster matches the repository.\n".to_owned(),
        Ended::Failed => format!("Failed, with {left} left.\n"),
        Ended::Unfinished if told_to_end => format!("Ended early, with {left} left.\n"),
        Ended::Unfinished => format!("Time was up, with {left} left.\n"),
    }
}
