//! `tagalong plan`: what would change, with nothing but GETs.

use clap::Args;
use jiff::Timestamp;

use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Cluster, Common, Definitions, Output};
use crate::cli::{print, wiring};
use crate::pipeline;
use crate::view;

/// Show what would change in the cluster, and change nothing
#[derive(Debug, Args)]
#[command(after_help = "Only GET requests are sent to Connect.\n\
    Exit codes: 0 done, 1 failed; with --detailed-exitcode 2 where cluster and repository differ.")]
pub struct Plan {
    /// Leave with 2 where cluster and repository differ
    #[arg(long)]
    detailed_exitcode: bool,

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

impl Plan {
    pub async fn run(self) -> Result<Done, Failure> {
        let overlays = [self.definitions.overlay(), self.cluster.overlay()];
        let settings = wiring::settings(&self.common, &overlays, self.definitions.values(), false)?;
        let rendered = wiring::rendered(&settings).await?;
        let Some(desired) = rendered.desired else { return Ok(Done::Said) };
        let client = wiring::client(&settings, wiring::Command::Plan)?;
        client.ready().await?;
        let live = client.live().await?;
        let plan = pipeline::plan::plan(&desired, &live, &wiring::policy(&settings), Timestamp::now());
        print::result(&match self.output {
            Output::Json => view::json::plan(&plan, &rendered.findings, &[]),
            Output::Human => view::human::plan(&plan, print::colour(self.no_color)),
        });
        Ok(if self.detailed_exitcode && !plan.is_empty() { Done::Left } else { Done::Well })
    }
}
