//! What `ssh` asks of the agent about a host key: whether it is a pinned one.

use clap::Args;

use crate::cli::failure::{Done, Failure};
use crate::cli::print;
use crate::repo::pinned::{Shown, judge};

/// Say whether a host key is pinned; `ssh` asks, on behalf of a running agent
#[derive(Debug, Args)]
pub struct SshHostKey {
    /// The fingerprints of the settings, parted by commas
    pinned: String,
    /// Why `ssh` asks
    asked: String,
    /// The host
    host: String,
    /// The kind of its key
    kind: String,
    /// The key's fingerprint
    fingerprint: String,
    /// The key
    key: String,
}

impl SshHostKey {
    /// Answers.
    pub fn run(self) -> Result<Done, Failure> {
        let Self { pinned, asked, host, kind, fingerprint, key } = self;
        match judge(&pinned, &Shown { asked, host, kind, fingerprint, key }) {
            Ok(line) => {
                if let Some(line) = line {
                    print::result(&format!("{line}\n"))?;
                }
            }
            // For `ssh` a command that fails is another matter than a host that is not known.
            Err(why) => print::note(&why),
        }
        Ok(Done::Well)
    }
}
