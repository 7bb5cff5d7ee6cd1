//! `tagalong health`: for container health checks, in an image without curl.

use clap::Args;

use crate::cli::agent::Agent;
use crate::cli::failure::{Done, Failure};
use crate::cli::print;

/// Ask a running agent whether its loop lives
#[derive(Debug, Args)]
#[command(after_help = "For a container's health check, in an image without curl.\n\n\
    Exit codes: 0 it lives, 1 it does not or cannot be asked.")]
pub struct Health {
    #[command(flatten)]
    agent: Agent,
}

impl Health {
    pub async fn run(self) -> Result<Done, Failure> {
        let answer = self.agent.get("/livez").await?;
        print::result(&format!("{}\n", answer.text.trim_end()))?;
        Ok(if answer.well { Done::Well } else { Done::Said })
    }
}
