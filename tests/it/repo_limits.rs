//! The limits of a worker, each passed by a pack that a server really sends: it is told by its name, what was good
//! stays in force, and the next look works.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tagalong::repo::ended::{CPU_SECONDS, Ended, FILE_MEBIBYTES};
use tagalong::repo::worker::words::{Ask, Tell};
use tagalong_testkit::git::hostile::{Act, Phase};
use tagalong_testkit::git::repository::Repository as Origin;

use crate::hostile_git::{Siege, begun};
use crate::repo_http::advertisement;
use crate::support::agent::tagalong;
use crate::support::pack::{busying, in_packets, lengthy, swelling};
use crate::support::process::workers;

const MEBIBYTE: u64 = 1024 * 1024;

/// The most memory that a worker may have which fetches, in MiB.
const MEMORY: u64 = 256;

const LARGE: (&str, &str) = ("invalid", "unusable");

/// Sends a pack in place of the one that was asked for.
fn sent(pack: &[u8]) -> Vec<Act> {
    // Nothing is shallow.
    vec![begun(), Act::Send([b"0000", &in_packets(pack)[..]].concat())]
}

/// Makes a limit of every worker smaller that the agent has by now. Its own is passed by nothing that is quick.
fn tightened(agent: u32, resource: Resource, most: u64) -> Act {
    Act::Meanwhile(Arc::new(move || {
        for worker in workers(agent) {
            let worker = i32::try_from(worker).ok().and_then(Pid::from_raw).expect("the id of a process");
            let before =
                prlimit(Some(worker), resource, Rlimit { current: Some(most), maximum: Some(most + 2) });
            let before = before.expect("it is a child of a child").current;
            assert!(before.is_some_and(|before| before > most), "it had {before:?}");
        }
    }))
}

#[tokio::test]
async fn a_pack_that_passes_a_limit_is_told_by_the_limit_and_what_was_good_stays() -> Result<()> {
    let mut siege = Siege::within("60s").await?;
    let (origin, agent) = (Origin::new()?, siege.agent.pid());
    let fetch = [Phase::Fetch];
    for (what, tightened, pack, told) in [
        ("memory", None, swelling(&origin)?, format!("it wanted more than {MEMORY} MiB of memory")),
        (
            "a file",
            Some(tightened(agent, Resource::Fsize, MEBIBYTE)),
            lengthy(&[3]),
            format!("it wrote a file of more than {FILE_MEBIBYTES} MiB"),
        ),
        (
            "the processor",
            Some(tightened(agent, Resource::Cpu, 1)),
            busying(&origin)?,
            format!("it computed for more than {CPU_SECONDS} s"),
        ),
    ] {
        let acts: Vec<_> = tightened.into_iter().chain(sent(&pack)).collect();
        assert!(!siege.agent.log().contains(&told), "{what}: not before");
        siege.endure(what, &fetch, &acts, LARGE).await?;
        assert!(siege.agent.log().contains(&told), "{what}: {}", siege.agent.log());
    }
    Ok(())
}

/// A worker that is told by a test what to do, in the place of the agent.
struct Told(UnixStream);

impl Told {
    fn tell(&mut self, word: &Tell, behind: &[u8]) -> Result<()> {
        let word = serde_json::to_vec(word)?;
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map(u32::to_be_bytes);
        Ok(self.0.write_all(&[&length(&word)?, &length(behind)?, &word[..], behind].concat())?)
    }

    fn hear(&mut self) -> Result<Ask> {
        let mut lengths = [[0; 4]; 2];
        for length in &mut lengths {
            self.0.read_exact(length)?;
        }
        let [word, behind] = lengths.map(|length| u32::from_be_bytes(length) as usize);
        let mut bytes = vec![0; word + behind];
        self.0.read_exact(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes[..word])?)
    }

    /// Hands it what a server sends, until the wire breaks.
    fn feed(&mut self, mut answer: &[u8]) -> Result<()> {
        let fetch = Tell::Fetch {
            refspecs: vec!["+refs/tags/v1:refs/tagalong/x".into()],
            depth: None,
            stateless: true,
        };
        self.tell(&fetch, &advertisement("side-band-64k"))?;
        loop {
            match self.hear()? {
                Ask::Read { most } => {
                    let (now, later) = answer.split_at(most.min(answer.len()).min(60_000));
                    self.tell(&Tell::Bytes, now)?;
                    answer = later;
                }
                Ask::Request | Ask::Write => {}
                other => bail!("it is not ended: {other:?}"),
            }
        }
    }
}

/// How a worker ends that is fed a pack, whatever an agent would have kept from it, and how long it took.
fn fed(pack: &[u8]) -> Result<(ExitStatus, Duration)> {
    let folder = tempfile::tempdir()?;
    let (ours, theirs) = UnixStream::pair()?;
    let mut worker = Command::new(tagalong().as_std().get_program())
        .args(["git-worker", &MEMORY.to_string()])
        .current_dir(folder.path())
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()?;
    let (mut told, begun) = (Told(ours), Instant::now());
    ensure!(matches!(told.hear()?, Ask::Ready { .. }), "it is there");
    let error = told.feed(&in_packets(pack)).expect_err("the wire breaks");
    error.downcast::<std::io::Error>().context("it breaks by the worker's end")?;
    Ok((worker.wait()?, begun.elapsed()))
}

// The agent hands on no more than 64 MiB of a pack, so over it nothing comes that is so large.
#[test]
#[ignore = "long: a pack of 144 MiB"]
fn a_worker_writes_no_file_that_is_larger_than_it_may_be() -> Result<()> {
    let (status, _) = fed(&lengthy(&[16; 9]))?;
    assert_eq!(Ended::of(status, "", MEMORY), Ended::File(FILE_MEBIBYTES), "{status}");
    Ok(())
}

#[test]
#[ignore = "long: it computes for twenty seconds"]
fn a_worker_computes_for_no_longer_than_it_may() -> Result<()> {
    let (status, took) = fed(&busying(&Origin::new()?)?)?;
    assert_eq!(Ended::of(status, "", MEMORY), Ended::Cpu(CPU_SECONDS), "{status}");
    assert!(took >= Duration::from_secs(CPU_SECONDS), "{took:?}");
    Ok(())
}
