//! `tagalong status`: what a running agent knows.

use anyhow::Context;
use clap::Args;

use crate::cli::agent::Agent;
use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Output, Printing};
use crate::cli::print;
use crate::view;

/// Ask a running agent what it sees: revisions, connectors, drift, what is held
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all is well, 1 something is not, or the agent cannot be asked.")]
pub struct Status {
    #[command(flatten)]
    agent: Agent,

    #[command(flatten)]
    printing: Printing,
}

impl Status {
    pub async fn run(self) -> Result<Done, Failure> {
        let answer = self.agent.get("/status").await?;
        let status = view::status::read(&answer.text)
            .context("failed to understand what the agent answered")
            .map_err(|error| Failure::new(error).hint(Some("is --agent the address of a tagalong?")))?;
        let now = jiff::Timestamp::now();
        print::result(&match self.printing.output {
            Output::Json => format!("{}\n", answer.text.trim_end()),
            Output::Human => view::human::status(&status, now, self.printing.colour()),
        })?;
        Ok(if status.is_well() { Done::Well } else { Done::Said })
    }
}
