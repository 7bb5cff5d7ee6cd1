//! `tagalong reconcile`: tell a running agent to look now.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use tokio::time::{Instant, sleep};

use crate::cli::agent::Agent;
use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Output, Printing};
use crate::cli::{print, wiring};
use crate::view;
use crate::view::asked::AskedForm;

/// How often the agent is asked whether it is done.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Tell a running agent to look now: at its repositories and at the cluster
#[derive(Debug, Args)]
#[command(after_help = "The agent must know the token: `http.token_file` in its settings names the file.\n\
    It looks within five seconds, and forgets how long it wanted to wait for a git server that failed.\n\
    A server that said how long to stay away is not asked before.\n\n\
    Examples:\n  \
    tagalong reconcile --token-file /run/secrets/tagalong-token\n  \
    tagalong reconcile --agent http://connect-0:9808 --wait\n\n\
    Exit codes: 0 it was told (with --wait: it has looked, and all is well),\n\
    1 it was not (with --wait: or something is not well).")]
pub struct Reconcile {
    #[command(flatten)]
    agent: Agent,

    /// The file that holds the agent's token
    #[arg(long, value_name = "FILE", env = "TAGALONG_HTTP__TOKEN_FILE", hide_env_values = true)]
    token_file: Option<PathBuf>,

    /// Wait until it has looked and done what was due, and print how things stand then
    #[arg(long)]
    wait: bool,

    /// How long to wait at most
    #[arg(long, value_name = "LENGTH", default_value = "5m", value_parser = wiring::duration, requires = "wait")]
    timeout: Duration,

    #[command(flatten)]
    printing: Printing,
}

impl Reconcile {
    pub async fn run(self) -> Result<Done, Failure> {
        let answer = self.agent.post("/reconcile", &self.token()?).await?;
        if !answer.well {
            let hint = answer.refused.then_some(
                "the agent's setting `http.token_file` and --token-file must name files with the same token",
            );
            let error = anyhow!("the agent does not take it: {}", answer.text.trim_end());
            return Err(Failure::new(error).hint(hint));
        }
        if !self.wait {
            print::note("The agent was told; `tagalong status` says what it sees.");
            return Ok(Done::Well);
        }
        let asked = AskedForm::read(&answer.text).map_err(not_understood)?;
        self.wait_for(asked.number()).await
    }

    fn token(&self) -> Result<String, Failure> {
        let Some(path) = &self.token_file else {
            return Err(Failure::usage(anyhow!("no token is named")).hint(Some(
                "add --token-file FILE, with the file that the agent's `http.token_file` names",
            )));
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("failed to read the token in {}", path.display()))
            .map_err(Failure::new)?;
        Ok(text.trim().to_owned())
    }

    async fn wait_for(&self, asked: u64) -> Result<Done, Failure> {
        let deadline = Instant::now() + self.timeout;
        loop {
            let answer = self.agent.get("/status").await?;
            let status = view::status::read(&answer.text).map_err(not_understood)?;
            if status.answered() >= asked {
                let now = jiff::Timestamp::now();
                print::result(&match self.printing.output {
                    Output::Json => format!("{}\n", answer.text.trim_end()),
                    Output::Human => view::human::status(&status, now, self.printing.colour()),
                })?;
                return Ok(if status.is_well() { Done::Well } else { Done::Said });
            }
            if Instant::now() >= deadline {
                let error = anyhow!("the agent was told, and is not done after {} s", self.timeout.as_secs());
                return Err(Failure::new(error)
                    .hint(Some("`tagalong status` says what it waits for; give more with --timeout")));
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

fn not_understood(error: serde_json::Error) -> Failure {
    Failure::new(anyhow::Error::new(error).context("failed to understand what the agent answered"))
        .hint(Some("is --agent the address of a tagalong?"))
}
