//! A worker that a test acts: a script in its place.
//!
//! Takes what it is to do, gives it as it was started. What a real one does is in the stories.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::repo::deadline::{Asking, Deadline};
use crate::repo::error::Error;
use crate::repo::problem::Doing;
use crate::repo::worker::errand::{Errand, Start};
use crate::repo::worker::frame;
use crate::repo::worker::words::{Ask, VERSION};

/// How long an acted worker may take that comes to its end, on a machine that has others to serve too.
const LONGEST: Duration = Duration::from_secs(30);

/// A worker that does as a script says, whose standard input is the wire.
pub struct Acted {
    folder: TempDir,
    /// When it is given up.
    pub deadline: Deadline,
    _asking: Asking,
}

impl Acted {
    /// Writes the script.
    pub fn new(script: &str) -> Self {
        Self::within(script, LONGEST)
    }

    /// The same for one that may take so long.
    pub fn within(script: &str, limit: Duration) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("worker");
        // By another process: a file that this one has open for writing, and any test may start a process
        // that inherits it, cannot be run.
        let written = Command::new("sh")
            .args(["-c", "printf '%s' \"$1\" >\"$0\" && chmod 700 \"$0\""])
            .arg(&program)
            .arg(format!("#!/bin/sh\n{script}\n"))
            .status();
        assert!(written.is_ok_and(|status| status.success()), "a program");
        let (deadline, asking) = Deadline::begin(&repository(), limit);
        Self { folder, deadline, _asking: asking }
    }

    /// The script.
    pub fn program(&self) -> PathBuf {
        self.folder.path().join("worker")
    }

    /// Starts it.
    pub async fn start(&self) -> Result<Errand, Error> {
        let start = Start { memory: 256, folder: self.folder.path() };
        let program = self.program();
        Errand::start_program(Ok(&program), start, &repository(), Doing::Fetching, &self.deadline).await
    }
}

/// What the repository is called.
pub fn repository() -> Arc<str> {
    Arc::from("r")
}

/// What a shell is to print for a frame.
pub fn printed<W: serde::Serialize>(word: &W, behind: &[u8]) -> String {
    let frame = frame::of(word, behind).expect("a frame");
    let octal: String = frame.iter().fold(String::new(), |text, byte| text + &format!("\\{byte:03o}"));
    format!("printf '{octal}' >&0")
}

/// The first word of a worker, printed.
pub fn ready() -> String {
    printed(&Ask::Ready { version: VERSION.to_owned() }, &[])
}
