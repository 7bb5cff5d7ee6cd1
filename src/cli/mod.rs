//! The command line: one file a subcommand, each a few lines of the rooms below.
//!
//! Takes what was typed and the process environment, gives an exit code. It wires settings into
//! rooms, is the only one to print, and knows every exit code: 0 done, 1 failed, 2 something is
//! left as the command's help says, 64 the command line itself was wrong.

mod agent;
mod apply;
mod asking;
mod checkout;
mod claims;
mod compare;
mod completions;
mod confirmed;
mod definitions;
mod docs;
mod failure;
mod flags;
mod health;
mod init;
mod past;
mod plan;
mod print;
mod reconcile;
mod render;
mod run;
pub mod schema;
mod ssh_host_key;
mod status;
mod validate;
mod verdict;
mod wiring;

use std::process::ExitCode;

use clap::{ColorChoice, FromArgMatches, Parser, Subcommand};

use crate::cli::failure::{Done, Failure, USAGE};
use crate::repo;

/// Follow a floating git tag of Kafka Connect connector definitions, and make the cluster equal to them
#[derive(Debug, Parser)]
#[command(name = "tagalong", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Start with:\n  \
    tagalong validate DIR\n  \
    tagalong plan --dir DIR -e ENVIRONMENT --connect http://localhost:8083\n\n\
    Results go to standard output, everything else to standard error. \
    Exit codes: 0 done, 1 failed, 2 something is left (as the command says), 64 wrong command line.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Apply(apply::Apply),
    Plan(plan::Plan),
    Validate(validate::Validate),
    Render(render::Render),
    Compare(compare::Compare),
    Init(init::Init),
    Status(status::Status),
    Reconcile(reconcile::Reconcile),
    Health(health::Health),
    Schema(schema::Schema),
    Docs(docs::Docs),
    Completions(completions::Completions),
    #[command(hide = true)]
    SshHostKey(ssh_host_key::SshHostKey),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    repo::initialise();
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => {
            return refuse(&error);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return Failure::new(anyhow::Error::new(error).context("failed to start the runtime")).say();
        }
    };
    let ended = runtime.block_on(async {
        let ended = Box::pin(dispatch(cli.command)).await;
        repo::leave().await;
        ended
    });
    // A git operation that is still under way on its own thread must not hold the process back.
    runtime.shutdown_background();
    match ended {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::Said) => ExitCode::from(1),
        Ok(Done::Left) => ExitCode::from(2),
        Err(failure) => failure.say(),
    }
}

/// Reads the command line; what is wrong with it is told without colour where none is wanted.
fn parse() -> Result<Cli, clap::Error> {
    let colour = if print::wants_colour() { ColorChoice::Auto } else { ColorChoice::Never };
    let mut matches = command().color(colour).try_get_matches()?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command().color(colour)))
}

/// Prints the help that was asked for, or what is wrong with the command line.
fn refuse(error: &clap::Error) -> ExitCode {
    match (error.use_stderr(), print::written(error.print())) {
        // Where it could not be said there is nowhere to say that.
        (true, _) => ExitCode::from(USAGE),
        (false, Ok(())) => ExitCode::SUCCESS,
        (false, Err(unwritten)) => Failure::from(unwritten).say(),
    }
}

async fn dispatch(command: Command) -> Result<Done, Failure> {
    match command {
        // These are by far the largest.
        Command::Run(command) => Box::pin(command.run()).await,
        Command::Apply(command) => Box::pin(command.run()).await,
        Command::Plan(command) => command.run().await,
        Command::Validate(command) => command.run().await,
        Command::Render(command) => command.run().await,
        Command::Compare(command) => command.run().await,
        Command::Init(command) => command.run().await,
        Command::Status(command) => command.run().await,
        Command::Reconcile(command) => command.run().await,
        Command::Health(command) => command.run().await,
        Command::Schema(command) => command.run(),
        Command::Docs(command) => command.run().await,
        Command::SshHostKey(command) => command.run(),
        Command::Completions(completions) => completions.run(&mut self::command()),
    }
}

/// The whole command line, for completions and for the reference page.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
