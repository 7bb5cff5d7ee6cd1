//! `tagalong status`: what a running agent knows.

use anyhow::Context;
use clap::Args;

use crate::cli::agent::Agent;
use crate::cli::failure::{Done, Failure};
use crate::cli::flags::Output;
use crate::cli::print;
use crate::view;

/// Ask a running agent what it sees: revisions, connectors, drift, what is held
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all is well, 1 something is wrong or the agent cannot be asked.")]
pub struct Status {
    #[command(flatten)]
    agent: Agent,

    /// How the result is written
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,

    /// Never write in colour
    #[arg(long, env = "NO_COLOR", hide_env = true)]
    no_color: bool,
}

impl Status {
    pub async fn run(self) -> Result<Done, Failure> {
        let answer = self.agent.get("/status").await?;
        let status = view::status::read(&answer.text)
            .context("failed to understand what the agent answered")
            .map_err(Failure::new)?;
        match self.output {
            Output::Json => print::result(&answer.text),
            Output::Human => {
                print::result(&view::human::status(
                    &status,
                    jiff::Timestamp::now(),
                    print::colour(self.no_color),
                ));
            }
        }
        Ok(if status.is_well() { Done::Well } else { Done::Said })
    }
}
