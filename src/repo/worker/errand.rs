//! The agent's side: one worker, from its start to its end.
//!
//! Takes words for it and gives its answers, each wait within the deadline. A worker may fall, hang or lie:
//! how it fell is told as an error, it is killed when nobody needs it, and what it says is bounded here
//! and judged by whoever asked. Which bytes a server has for it is left to others.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Socket;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use crate::repo::cause::Cause;
use crate::repo::deadline::Deadline;
use crate::repo::ended::Ended;
use crate::repo::error::Error;
use crate::repo::problem::{Doing, Limit};
use crate::repo::said::Said;
use crate::repo::worker::frame::{self, LENGTHS};
use crate::repo::worker::program::{self, COMMAND};
use crate::repo::worker::words::{Ask, Failure, MOST_BYTES, Tell, VERSION};

/// How long a worker that was killed is waited for. The system has never needed it yet.
const REAPING: Duration = Duration::from_secs(2);

/// How a worker is started.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// How much memory it may have, in MiB.
    pub memory: u64,
    /// The folder in which it is.
    pub folder: &'a Path,
}

/// A running worker. Dropping it kills the process; the runtime reaps it.
#[derive(Debug)]
pub struct Errand {
    /// What is attempted with it, for errors.
    pub doing: Doing,
    repository: Arc<str>,
    deadline: Deadline,
    memory: u64,
    child: Child,
    wire: UnixStream,
    said: Said,
}

impl Errand {
    /// Starts a worker and waits until it has set its limits; to be called on the runtime.
    pub async fn start(
        start: Start<'_>,
        repository: &Arc<str>,
        doing: Doing,
        deadline: &Deadline,
    ) -> Result<Self, Error> {
        Self::start_program(program::told(), start, repository, doing, deadline).await
    }

    /// Starts another program in its place.
    pub async fn start_program(
        program: io::Result<&Path>,
        start: Start<'_>,
        repository: &Arc<str>,
        doing: Doing,
        deadline: &Deadline,
    ) -> Result<Self, Error> {
        let spawned = program.and_then(|program| spawn(program, start));
        let (mut child, wire) = spawned.map_err(|error| Error::Worker {
            repository: repository.to_string(),
            doing,
            ended: Ended::NotStarted,
            source: Some(Cause::of(&error)),
        })?;
        let (repository, deadline, memory) = (Arc::clone(repository), deadline.clone(), start.memory);
        let said = Said::on(child.stderr.take().expect("stderr is piped"));
        let mut errand = Self { doing, repository, deadline, memory, child, wire, said };
        let error = match errand.hear().await {
            Ok((Ask::Ready { version }, _)) if version == VERSION => return Ok(errand),
            Ok((Ask::Ready { .. }, _)) => errand.error(Ended::Version, None),
            Ok(_) => errand.nonsense(),
            Err(error) => error,
        };
        Err(errand.end_as(Some(error)).await)
    }

    /// Tells it a word, and waits for the answer.
    pub async fn ask(&mut self, tell: &Tell, behind: &[u8]) -> Result<(Ask, Vec<u8>), Error> {
        self.tell(tell, behind).await?;
        self.hear().await
    }

    /// Tells it a word, with bytes behind it.
    pub async fn tell(&mut self, tell: &Tell, behind: &[u8]) -> Result<(), Error> {
        // An answer that is always there already must not outrun the deadline.
        self.deadline.check(self.doing)?;
        let frame = frame::of(tell, behind).map_err(|error| self.broken(&error))?;
        let written = self.deadline.bound(self.doing, self.wire.write_all(&frame)).await?;
        match written {
            Ok(()) => Ok(()),
            Err(_) => Err(self.fallen().await),
        }
    }

    /// Waits for what it asks or answers.
    pub async fn hear(&mut self) -> Result<(Ask, Vec<u8>), Error> {
        let mut head = [0; LENGTHS];
        self.receive(&mut head).await?;
        let (word, behind) = frame::lengths(head).map_err(|error| self.broken(&error))?;
        let mut bytes = vec![0; word + behind];
        self.receive(&mut bytes).await?;
        match frame::word(bytes, word).map_err(|error| self.broken(&error))? {
            (Ask::Failed { failure, text }, _) => Err(self.failed(failure, &text)),
            answer => Ok(answer),
        }
    }

    /// The error that says that an answer makes no sense.
    pub fn nonsense(&self) -> Error {
        Error::nonsense(&self.repository, self.doing)
    }

    /// The error that says that an object is not the one of its id.
    pub fn lied(&self) -> Error {
        self.error(Ended::Lied, None)
    }

    /// Kills it, and waits until it is gone. What it holds is worth nothing by now.
    pub async fn end(mut self) {
        // An error says that it is gone already, and the time is for a system that does not answer: then
        // dropping it leaves it to the runtime.
        let _ = tokio::time::timeout(REAPING, self.child.kill()).await;
    }

    /// Ends it for an error; where there is none, for an answer that makes no sense.
    pub async fn end_as(self, error: Option<Error>) -> Error {
        let error = error.unwrap_or_else(|| self.nonsense());
        self.end().await;
        error
    }

    async fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        let read = self.deadline.bound(self.doing, self.wire.read_exact(buffer)).await?;
        match read {
            Ok(_) => Ok(()),
            Err(_) => Err(self.fallen().await),
        }
    }

    /// Why the wire broke: how the process ended.
    async fn fallen(&mut self) -> Error {
        let status = match self.deadline.bound(self.doing, self.child.wait()).await {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => return self.broken(&error),
            Err(error) => return error,
        };
        // What it said last may still be in the pipe.
        let said = match self.deadline.bound(self.doing, self.said.all()).await {
            Ok(said) => said,
            Err(error) => return error,
        };
        let source = (!said.trim().is_empty()).then(|| Cause::new(&said));
        self.error(Ended::of(status, &said, self.memory), source)
    }

    fn failed(&self, failure: Failure, text: &str) -> Error {
        let (repository, doing, source) = (self.repository.to_string(), self.doing, Cause::new(text));
        match failure {
            Failure::NoRepository => Error::NoRepository { repository, source },
            Failure::Sha256 => Error::Sha256 { repository },
            Failure::Answer => Error::NotUnderstood { repository, doing, source },
            Failure::Memory => self.error(Ended::Memory(self.memory), Some(source)),
            Failure::Tags => Error::TooLarge { repository, limit: Limit::ListingBytes(MOST_BYTES as u64) },
            Failure::Git => Error::Git { repository, doing, source },
        }
    }

    fn broken(&self, error: &io::Error) -> Error {
        self.error(Ended::Nonsense, Some(Cause::of(error)))
    }

    fn error(&self, ended: Ended, source: Option<Cause>) -> Error {
        Error::Worker { repository: self.repository.to_string(), doing: self.doing, ended, source }
    }
}

fn spawn(program: &Path, start: Start<'_>) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = Socket::pair()?;
    ours.set_nonblocking(true)?;
    let child = Command::new(program)
        // What a list of processes shows.
        .arg0("tagalong")
        .args([COMMAND, &start.memory.to_string()])
        .env_clear()
        .current_dir(start.folder)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    Ok((child, UnixStream::from_std(ours)?))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::model::report::Class;
    use crate::repo::worker::acted::{Acted, printed, ready};

    /// What comes of a worker that is told a word.
    async fn acting(script: &str) -> Result<Errand, Error> {
        asked(Acted::new(script)).await
    }

    async fn asked(acted: Acted) -> Result<Errand, Error> {
        let mut errand = acted.start().await?;
        match errand.ask(&Tell::Open, b".").await {
            Ok(_) => Ok(errand),
            Err(error) => Err(errand.end_as(Some(error)).await),
        }
    }

    #[tokio::test]
    async fn a_worker_that_falls_is_told_by_how_it_fell() {
        for (end, ended, class) in [
            ("exit 3", Ended::Early, Class::Internal),
            ("kill -SEGV $$", Ended::Signal(11), Class::Internal),
            ("kill -KILL $$", Ended::Signal(9), Class::Internal),
            ("kill -XCPU $$", Ended::Cpu(crate::repo::ended::CPU_SECONDS), Class::Unusable),
            ("kill -XFSZ $$", Ended::File(crate::repo::ended::FILE_MEBIBYTES), Class::Unusable),
            (
                "echo memory allocation of 9 bytes failed >&2; kill -ABRT $$",
                Ended::Memory(256),
                Class::Unusable,
            ),
        ] {
            for script in [end.to_owned(), format!("{}; {end}", ready())] {
                let error = acting(&script).await.expect_err(&script);
                assert_eq!(error.class(), class, "{error:?}");
                assert!(matches!(&error, Error::Worker { ended: told, .. } if *told == ended), "{error:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_worker_that_says_what_makes_no_sense_is_ended() {
        let odd = "printf '\\377\\377\\377\\377\\377\\377\\377\\377' >&0";
        let version = printed(&Ask::Ready { version: "0/0".to_owned() }, &[]);
        for (said, ended) in [
            (odd.to_owned(), Ended::Nonsense),
            ("printf 'running 0 tests' >&0".to_owned(), Ended::Nonsense),
            (printed(&Ask::Done, &[]), Ended::Nonsense),
            (version, Ended::Version),
            (format!("{}; {odd}", ready()), Ended::Nonsense),
        ] {
            let begun = Instant::now();
            let error = acting(&format!("{said}; sleep 60")).await.expect_err(&said);
            assert!(
                matches!(&error, Error::Worker { ended: told, .. } if *told == ended),
                "{said}: {error:?}"
            );
            assert!(begun.elapsed() < Duration::from_secs(30), "it is not waited for");
        }
    }

    #[tokio::test]
    async fn a_worker_that_hangs_or_hangs_up_is_given_up_at_the_deadline() {
        let half = "printf '\\000\\000' >&0";
        for script in ["sleep 60", half, &format!("{}; sleep 60", ready()), "exec 0<&-; sleep 60"] {
            let acted = Acted::within(&format!("{script}; sleep 60"), Duration::from_secs(2));
            let error = asked(acted).await.expect_err(script);
            assert_eq!(error.class(), Class::TimedOut, "{script}: {error:?}");
        }
    }

    #[tokio::test]
    async fn what_a_worker_writes_to_stderr_is_kept_in_part_and_never_blocks_it() {
        let script = "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789 >&2; i=$((i+1)); done";
        let error = acting(&format!("{script}; exit 1")).await.expect_err("it ends");
        let Error::Worker { ended: Ended::Early, source: Some(said), .. } = &error else {
            panic!("{error:?}")
        };
        assert!(said.to_string().starts_with("0123456789") && said.to_string().len() < 500, "{said}");
    }

    #[tokio::test]
    async fn what_a_program_that_is_not_there_cannot_be_is_told() {
        let repository = Arc::from("r");
        let (deadline, _asking) = Deadline::begin(&repository, Duration::from_secs(30));
        let start = Start { memory: 256, folder: Path::new("/") };
        let program = Ok(Path::new("/nonexistent/tagalong"));
        let started = Errand::start_program(program, start, &repository, Doing::Fetching, &deadline).await;
        let error = started.expect_err("there is none");
        assert!(matches!(error, Error::Worker { ended: Ended::NotStarted, .. }), "{error:?}");
    }
}
