//! `tagalong apply`: look and act until the cluster equals the repository.

use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Cluster, Common, Definitions, Output};
use crate::cli::{print, wiring};
use crate::connect::Client;
use crate::connect::error::Error;
use crate::model::desired::Desired;
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
    Exit codes: 0 done, 1 failed, 2 done but for what is held.")]
pub struct Apply {
    /// Do not ask; without a terminal nobody is asked anyway
    #[arg(short, long)]
    yes: bool,

    /// How long to wait and try, such as 90s or 10m
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = wiring::duration)]
    timeout: Duration,

    /// How the result is written
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,

    /// Never write in colour
    #[arg(long, env = "NO_COLOR", hide_env = true)]
    no_color: bool,

    #[command(flatten)]
    definitions: Definitions,

    #[command(flatten)]
    cluster: Cluster,

    #[command(flatten)]
    common: Common,
}

impl Apply {
    pub async fn run(self) -> Result<Done, Failure> {
        let began = tokio::time::Instant::now();
        let overlays = [self.definitions.overlay(), self.cluster.overlay()];
        let settings = wiring::settings(&self.common, &overlays, self.definitions.values(), false)?;
        if wiring::policy(&settings).mode == Mode::Observe {
            let error = anyhow::anyhow!("the settings say `mode: observe`, so nothing may be applied");
            return Err(Failure::new(error).hint(Some("use `tagalong plan`, or set `mode: enforce`")));
        }
        let rendered = wiring::rendered(&settings).await?;
        let Some(desired) = rendered.desired else { return Ok(Done::Said) };
        let ending = wiring::ending().map_err(Failure::new)?;
        let client = wiring::client(&settings, wiring::Command::Apply)?;

        let first = self.first_look(&client, &desired, &settings, ending.clone(), began).await?;
        if first.is_empty() && self.output == Output::Human {
            print::result(&view::human::plan(&first, print::colour(self.no_color)));
            return Ok(Done::Well);
        }
        if !first.steps.is_empty() && !self.agreed(&first) {
            print::note("Nothing was applied.");
            return Ok(Done::Said);
        }
        let timeout = self.timeout.saturating_sub(began.elapsed());
        self.act(&settings, client, Arc::new(desired), &first, rendered.findings, ending, timeout).await
    }

    /// Waits until Connect is ready, and plans.
    async fn first_look(
        &self,
        client: &Client,
        desired: &Desired,
        settings: &Settings,
        mut ending: watch::Receiver<bool>,
        began: tokio::time::Instant,
    ) -> Result<Plan, Failure> {
        let mut said = false;
        loop {
            let error = match client.ready().await {
                Ok(()) => break,
                Err(error) => error,
            };
            if !may_come(&error) || began.elapsed() >= self.timeout {
                return Err(error.into());
            }
            if !said {
                print::note("Waiting for Connect …");
                said = true;
            }
            tokio::select! {
                () = tokio::time::sleep(KNOCK) => {}
                _ = ending.wait_for(|ending| *ending) => return Err(error.into()),
            }
        }
        let live = client.live().await?;
        Ok(pipeline::plan::plan(desired, &live, &wiring::policy(settings), Timestamp::now()))
    }

    /// Shows the plan and asks for `yes`, where there is somebody to ask.
    fn agreed(&self, plan: &Plan) -> bool {
        if self.output == Output::Human {
            print::result(&view::human::plan(plan, print::colour(self.no_color)));
        }
        if self.yes || !print::can_ask() {
            return true;
        }
        print::note("Take these steps? Only `yes` is taken for it:");
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "yes"
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the one place where all that an apply needs comes together"
    )]
    async fn act(
        &self,
        settings: &Settings,
        client: Client,
        desired: Arc<Desired>,
        first: &Plan,
        findings: crate::model::finding::Findings,
        ending: watch::Receiver<bool>,
        timeout: Duration,
    ) -> Result<Done, Failure> {
        let (_newest, newest) = watch::channel(Some(Arc::clone(&desired)));
        let interrupt = Interrupt::new(ending, newest);
        let board = Board::new(desired.environment.clone(), Mode::Enforce, Box::new(|_, _| {}));
        let mut reconciler = Reconciler::new(client, wiring::reconciling(settings, wiring::Command::Apply));
        let mut last: Vec<StepResult> = Vec::new();
        let colour = print::colour(self.no_color);
        let ended = once(&mut reconciler, &desired, &board, &interrupt, timeout, |results| {
            let new: Vec<_> =
                results.iter().filter(|result| result.outcome != Outcome::NotTaken).cloned().collect();
            if self.output == Output::Human && !new.is_empty() {
                print::result(&view::human::results(&new, colour));
            }
            for result in results {
                last.retain(|old| (&old.connector, old.step) != (&result.connector, result.step));
                last.push(result.clone());
            }
        })
        .await;

        let (left, held, failure) = board.read(|report| {
            let plan = report.cluster.plan.as_deref();
            (
                plan.map(|plan| plan.steps.len()),
                plan.map_or(0, |plan| plan.held.len()),
                report.cluster.failure.clone(),
            )
        });
        match self.output {
            Output::Json => print::result(&view::json::apply(first, &findings, &[], &last)),
            Output::Human => print::result(&conclusion(ended, left, held)),
        }
        match (ended, failure) {
            (Ended::Converged, _) if held > 0 => Ok(Done::Left),
            (Ended::Converged, _) => Ok(Done::Well),
            (Ended::Unfinished, Some(failure)) => Err(Failure::new(
                anyhow::anyhow!("{}", failure.text).context("time was up before Connect could be asked"),
            )),
            (Ended::Unfinished | Ended::Failed, _) => Ok(Done::Said),
        }
    }
}

/// Whether waiting may help before anything was done.
fn may_come(error: &Error) -> bool {
    matches!(error.class(), Class::Unreachable | Class::TimedOut | Class::Starting | Class::Rebalancing)
}

fn conclusion(ended: Ended, left: Option<usize>, held: usize) -> String {
    let left = left.map_or_else(|| "an unknown number of steps".to_owned(), |left| format!("{left} steps"));
    match ended {
        Ended::Converged if held > 0 => format!("Applied, but for {held} held.\n"),
        Ended::Converged => "Applied. The cluster matches the repository.\n".to_owned(),
        Ended::Failed => format!("Failed, with {left} left.\n"),
        Ended::Unfinished => format!("Time was up with {left} left.\n"),
    }
}
