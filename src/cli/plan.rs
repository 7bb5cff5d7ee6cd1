//! `tagalong plan`: what would change, with nothing but GETs.

use clap::Args;
use jiff::Timestamp;

use crate::cli::claims;
use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Cluster, Common, Definitions, PlanOutput, Printing};
use crate::cli::wiring::Secrets;
use crate::cli::{print, wiring};
use crate::model::course::LowerVersion;
use crate::model::known::Known;
use crate::pipeline::plan::plan_knowing;
use crate::view;

/// Show what would change in the cluster, and change nothing
#[derive(Debug, Args)]
#[command(after_help = "Only GET requests are sent to Connect.\n\n\
    Examples:\n  \
    tagalong plan --dir . -e staging --connect http://localhost:8083\n  \
    tagalong plan --git https://git.example.com/connectors.git --tag v1 -e staging --detailed-exitcode\n  \
    tagalong plan --dir . -e staging --output markdown > comment.md\n\n\
    Exit codes: 0 done, 1 failed or an extra folder was left out; with --detailed-exitcode 2 where cluster and \
    repository differ, or a secret is missing.")]
pub struct Plan {
    /// Leave with 2 where cluster and repository differ
    #[arg(long)]
    detailed_exitcode: bool,

    #[command(flatten)]
    definitions: Definitions,

    #[command(flatten)]
    cluster: Cluster,

    #[command(flatten)]
    printing: Printing<PlanOutput>,

    #[command(flatten)]
    common: Common,
}

impl Plan {
    pub async fn run(self) -> Result<Done, Failure> {
        let overlays = [self.definitions.overlay(), self.cluster.overlay()];
        let settings = wiring::settings(&self.common, &overlays, self.definitions.values(), false)?;
        let rendered =
            wiring::rendered(&settings, self.common.settings(), self.definitions.values(), Secrets::Read)
                .await?;
        for lower in &rendered.lower {
            let release = LowerVersion::RELEASE;
            print::note(&format!("Held: {}. To let it pass, {release}.", lower.detail()));
        }
        let client = wiring::client(&settings, wiring::Command::Plan)?;
        let away = |error| wiring::away(&settings, error);
        client.ready().await.map_err(away)?;
        let live = client.live().await.map_err(away)?;
        let policy = wiring::policy(&settings, wiring::Command::Plan);
        let desired = &rendered.desired;
        let mut claims = claims::claims(&settings, &desired.environment, wiring::Command::Plan)?;
        claims.begin(desired).await;
        claims.judge(desired, &live, &policy).await;
        let batch = claims.batch().clone();
        let known = Known { claims: claims.known(desired, &live, &policy), batch, ..Known::default() };
        let plan = plan_knowing(desired, &live, &known, &policy, Timestamp::now());
        print::result(&match self.printing.output {
            PlanOutput::Json => view::json::plan(&plan, &rendered.findings),
            PlanOutput::Markdown => view::markdown::plan(&plan, &rendered.findings),
            PlanOutput::Human => view::human::plan(&plan, self.printing.colour()),
        })?;
        if rendered.left_out {
            return Ok(Done::Said);
        }
        let differs = !plan.is_empty() || !plan.unresolved.is_empty();
        Ok(if self.detailed_exitcode && differs { Done::Left } else { Done::Well })
    }
}
