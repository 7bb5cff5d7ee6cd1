//! `tagalong completions`: what a shell needs to complete the command line.

use clap::Args;
use clap_complete::Shell;

use crate::cli::failure::{Done, Failure};
use crate::cli::print;

/// Write the completions of a shell to standard output
#[derive(Debug, Args)]
#[command(after_help = "Example, for bash:\n  tagalong completions bash > /etc/bash_completion.d/tagalong")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run(self, whole: &mut clap::Command) -> Result<Done, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, whole, "tagalong", &mut script);
        print::result(&String::from_utf8_lossy(&script))?;
        Ok(Done::Well)
    }
}
