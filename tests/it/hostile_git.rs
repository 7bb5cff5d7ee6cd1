//! Git servers that do harm at each phase of a look, seen from the agent: each ends in a state with a name and in
//! time, the last good revision stays in force meanwhile, and what comes after is followed.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tagalong_testkit::fake::Fake;
use tagalong_testkit::git::hostile::{Act, Hostile, Phase};
use tagalong_testkit::git::repository::Repository as Origin;
use tokio::time::{Instant, sleep};

use crate::repo_http::{A, ADVERTISEMENT, RESULT};
use crate::repo_wire::{head, packet};
use crate::support::agent::{Agent, SOON, wait};
use crate::support::definitions::{Definitions, file_of, file_source};

/// Both ways to ask what a ref names.
pub const LISTING: [Phase; 2] = [Phase::Question, Phase::Advertisement];

/// Until the state is told: one rest, a deadline, and what a busy machine may add. What comes by drops and is waited for
/// takes longer by far.
const LATEST: Duration = Duration::from_mins(2);

/// Between two bytes that come by drops: thirteen of them are later than [`LATEST`].
const DROP: Duration = Duration::from_secs(10);

/// An agent that has applied a release, and whose server can turn on it.
pub struct Siege {
    /// What it follows.
    pub definitions: Definitions,
    /// The cluster.
    pub fake: Fake,
    /// The agent.
    pub agent: Agent,
    /// The server between the two.
    pub server: Hostile,
    releases: usize,
}

/// What is done at which phases, and the state and class that are told.
type Case<'a> = (&'a str, &'a [Phase], Vec<Act>, (&'a str, &'a str));

/// What the agent tells of a repository.
pub fn state(name: &str) -> String {
    format!("tagalong_repository_state{{repository=\"main\",state=\"{name}\"}}")
}

impl Siege {
    /// Begins, with an honest server.
    pub async fn begin() -> Result<Self> {
        Self::within("60s").await
    }

    /// The same, where a look may take so long.
    pub async fn within(deadline: &str) -> Result<Self> {
        let definitions = Definitions::one("orders", "  batch.size: 0\n").await?;
        let server = Hostile::http(definitions.http.address()).await?;
        let fake = Fake::start(1).await;
        let url = format!("http://{}/{}", server.address(), Origin::NAME);
        let settings = definitions.settings(&fake.url(0)).replace(&definitions.url(), &url);
        let agent =
            Agent::start(&settings.replace("deadline: 60s", &format!("deadline: {deadline}"))).await?;
        let agent = agent.patient(2 * SOON);
        agent.wait_for_applied(&definitions.released()?).await?;
        Ok(Self { definitions, fake, agent, server, releases: 0 })
    }

    fn batch(&self) -> Result<String> {
        Ok(self.fake.connector("orders").context("it is there")?.config["batch.size"].clone())
    }

    /// Lets the server do harm, releases something, and sees that the agent gets through it.
    pub async fn endure(
        &mut self,
        what: &str,
        phases: &[Phase],
        acts: &[Act],
        told: (&str, &str),
    ) -> Result<()> {
        self.suffer(what, phases, acts, told).await.with_context(|| format!("{what}: {}", self.agent.log()))
    }

    async fn suffer(
        &mut self,
        what: &str,
        phases: &[Phase],
        acts: &[Act],
        (named, class): (&str, &str),
    ) -> Result<()> {
        self.server.turn(phases, acts);
        let (before, began) = (self.releases.to_string(), Instant::now());
        self.releases += 1;
        let text = file_source("orders", &format!("  batch.size: {}\n", self.releases));
        let next = self.definitions.release(&[(&file_of("orders"), &text)])?;
        let comes = self.agent.wait_for_metric(&state(named), 1.0).await;
        if let Err(error) = comes {
            bail!("{error}: {}", self.agent.status().await?["repositories"][0]);
        }
        let took = began.elapsed();
        ensure!(took < LATEST || class == "unusable", "{what} took {took:?}");
        let status = self.agent.status().await?;
        let failure = &status["repositories"][0]["failure"];
        ensure!(failure["class"] == class, "{failure}");
        ensure!(!failure["text"].to_string().contains("\\u00"), "{failure}");
        ensure!(
            self.server.struck().is_some_and(|phase| phases.contains(&phase)),
            "{:?}",
            self.server.struck()
        );
        self.drift_is_put_back().await?;
        ensure!(self.batch()? == before, "what was good stays: {} is not {before}", self.batch()?);
        self.server.heal();
        // A case may have moved it.
        self.definitions.origin.git(&["push", "-q", "-f", "origin", "refs/tags/v1"])?;
        self.agent.wait_for_applied(&next).await?;
        self.agent.wait_for_metric(&state("ok"), 1.0).await
    }

    /// Changes something by hand, and waits until the last good revision is back.
    pub async fn drift_is_put_back(&self) -> Result<()> {
        self.fake.edit("orders", |config| {
            config.insert("topic".into(), "elsewhere".into());
        });
        let back =
            || async { Ok(self.fake.connector("orders").is_some_and(|one| one.config["topic"] == "orders")) };
        wait("drift is put back", back).await
    }
}

/// An answer of one piece.
pub fn said(status: &str, headers: &str, body: &[u8]) -> Act {
    let head =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    Act::Send([head.as_bytes(), body].concat())
}

/// The begin of an answer that does not end, to the question or to the fetch.
pub fn begun() -> Act {
    Act::Send(head(RESULT))
}

#[tokio::test]
async fn a_server_that_is_slow_at_any_phase_costs_nothing_but_time() -> Result<()> {
    let slow = ("unreachable", "timed-out");
    let line = || packet(format!("{A} refs/tags/v1\n").as_bytes()).repeat(4);
    let drip = |bytes: Vec<u8>| Act::Drip(bytes, DROP);
    let sideband =
        [b"0000".to_vec(), packet(b"NAK\n"), packet(&[&[2][..], b"Counting objects\n"].concat()).repeat(9)]
            .concat();
    let pack =
        [b"0000".to_vec(), packet(b"NAK\n"), packet(&[&[1][..], b"PACK\0\0\0\x02\0\0\0\x03"].concat())]
            .concat();
    let cases: [(&str, &[Phase], Vec<Act>); 8] = [
        ("silence at accept", &[Phase::Accept], vec![Act::Hang]),
        ("silence in place of a head", &LISTING, vec![Act::Hang]),
        ("a head by drops", &LISTING, vec![drip(head(RESULT))]),
        ("a listing by drops", &[Phase::Question], vec![begun(), drip(line())]),
        (
            "an advertisement by drops",
            &[Phase::Advertisement],
            vec![Act::Send(head(ADVERTISEMENT)), drip(line())],
        ),
        ("a sideband by drops", &[Phase::Fetch], vec![begun(), drip(sideband)]),
        (
            "a pack by drops",
            &[Phase::Fetch],
            vec![begun(), Act::Send([&pack[..], b"1000\x01"].concat()), drip(vec![0; 60])],
        ),
        ("a pack without an end", &[Phase::Fetch], vec![begun(), Act::Send(pack), Act::Hang]),
    ];
    // Side by side, so that each can be given a deadline that an honest look keeps on a busy machine.
    let sieges = cases.iter().map(async |(what, phases, acts)| {
        let mut siege = Siege::within("30s").await?;
        siege.endure(what, phases, acts, slow).await
    });
    futures_util::future::try_join_all(sieges).await.map(drop)
}

#[tokio::test]
async fn a_server_that_answers_what_git_never_does_is_told_by_name() -> Result<()> {
    let mut siege = Siege::begin().await?;
    let odd = ("unreachable", "not-understood");
    let here = siege.server.address();
    let to = |place: &str| vec![said("302 Found", &format!("location: {place}\r\n"), b"")];
    // Ten megabytes of zeros, as gzip.
    let bomb = gzip(&vec![0; 10 * 1024 * 1024])?;
    let packed = format!("content-encoding: gzip\r\ncontent-type: {ADVERTISEMENT}\r\n");
    let cases: [Case<'_>; 13] = [
        (
            "a login page",
            &LISTING,
            vec![said("200 OK", "content-type: text/html\r\n", b"<html>Log in</html>")],
            odd,
        ),
        (
            "a login page for the fetch",
            &[Phase::Fetch],
            vec![said("200 OK", "content-type: text/html\r\n", b"<html>")],
            odd,
        ),
        (
            "a redirect in a ring",
            &LISTING,
            to(&format!("http://{here}/{}/info/refs?service=git-upload-pack", Origin::NAME)),
            odd,
        ),
        ("a redirect to a page", &LISTING, to("/login"), odd),
        ("a redirect to another scheme", &LISTING, to("file:///etc/passwd"), odd),
        ("a redirect in the fetch", &[Phase::Fetch], to("http://127.0.0.1:1/x"), odd),
        (
            "a redirect to nobody",
            &LISTING,
            to("http://127.0.0.1:1/x/info/refs?service=git-upload-pack"),
            ("unreachable", "unreachable"),
        ),
        (
            "401 for ever",
            &LISTING,
            vec![said("401 Unauthorized", "www-authenticate: Basic realm=\"x\"\r\n", b"")],
            ("auth_failed", "auth-failed"),
        ),
        ("404", &LISTING, vec![said("404 Not Found", "", b"")], ("ref_missing", "ref-missing")),
        ("gzip that swells", &LISTING, vec![said("200 OK", &packed, &bomb)], odd),
        ("nothing at all", &[Phase::Accept], vec![], ("unreachable", "unreachable")),
        ("noise", &[Phase::Accept], vec![Act::Send(vec![0xff; 100_000])], ("unreachable", "unreachable")),
        (
            "a refusal with escapes",
            &[Phase::Fetch],
            vec![begun(), Act::Send(packet(b"ERR \x1b[2J\x1b]0;x\x07\n"))],
            odd,
        ),
    ];
    for (what, phases, acts, told) in cases {
        siege.endure(what, phases, &acts, told).await?;
    }
    Ok(())
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    use std::io::Write as _;
    let mut child = Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().context("a pipe")?;
    let bytes = bytes.to_vec();
    let writing = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output()?;
    writing.join().expect("it does not panic")?;
    Ok(output.stdout)
}

#[tokio::test]
async fn what_never_ends_is_ended() -> Result<()> {
    let mut siege = Siege::begin().await?;
    let large = ("invalid", "unusable");
    let line = packet(format!("{A} refs/tags/v1.0\n").as_bytes()).repeat(1_000);
    let service = [packet(b"# service=git-upload-pack\n"), b"0000".to_vec()].concat();
    let chunked = format!("HTTP/1.1 200 OK\r\ncontent-type: {RESULT}\r\ntransfer-encoding: chunked\r\n\r\n");
    let huge = [chunked.as_bytes(), b"7fffffffffffffff\r\n", &line[..]].concat();
    let progress = packet(&[&[2][..], &vec![b'x'; 990], b"\n"].concat()).repeat(60);
    let cases: [Case<'_>; 5] = [
        ("a listing", &[Phase::Question], vec![begun(), Act::Endless(line.clone())], large),
        (
            "an advertisement",
            &[Phase::Advertisement],
            vec![Act::Send([head(ADVERTISEMENT), service].concat()), Act::Endless(line.clone())],
            large,
        ),
        ("a chunk", &[Phase::Question], vec![Act::Send(huge), Act::Endless(line)], large),
        (
            "a head",
            &LISTING,
            vec![Act::Send(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), Act::Endless(vec![b'x'; 8192])],
            ("unreachable", "unreachable"),
        ),
        (
            "progress",
            &[Phase::Fetch],
            vec![begun(), Act::Send(b"00000008NAK\n".to_vec()), Act::Endless(progress)],
            large,
        ),
    ];
    for (what, phases, acts, told) in cases {
        siege.endure(what, phases, &acts, told).await?;
    }
    let (_, most) = siege.agent.memory()?;
    assert!(most < 96.0, "{most} MB");
    Ok(())
}

#[tokio::test]
async fn a_server_that_says_in_a_year_is_believed_for_an_hour_and_the_loop_goes_on() -> Result<()> {
    let siege = Siege::begin().await?;
    siege.server.turn(&LISTING, &[said("503 Service Unavailable", "retry-after: 31536000\r\n", b"")]);
    siege.agent.wait_for_metric(&state("unreachable"), 1.0).await?;
    siege.server.heal();
    let before = siege.server.requests();
    siege.drift_is_put_back().await?;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(siege.server.requests(), before, "left alone");
    assert!(
        siege.agent.get("/livez").await?.starts_with("the loop last came round"),
        "{}",
        siege.agent.get("/livez").await?
    );
    Ok(())
}

/// An agent whose repository answers nobody from the start: it waits, and touches nothing.
async fn waits_in_vain(what: &str, url: &str, class: &str) -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    crate::support::cluster::preload(&fake, "theirs");
    let settings = definitions.settings(&fake.url(0)).replace(&definitions.url(), url);
    // Only who says nothing is waited for.
    let deadline = if class == "timed-out" { "deadline: 3s" } else { "deadline: 60s" };
    let began = Instant::now();
    let agent = Agent::start(&settings.replace("deadline: 60s", deadline)).await?;
    agent.wait_for_metric(&state("unreachable"), 1.0).await.context(what.to_owned())?;
    assert!(began.elapsed() < LATEST, "{what}: {:?}", began.elapsed());
    let status = agent.status().await?;
    assert_eq!(status["repositories"][0]["failure"]["class"], class, "{what}: {status}");
    assert_eq!(fake.names(), ["theirs"], "{what}");
    assert!(fake.writes().is_empty(), "{what}: {:?}", fake.writes());
    Ok(())
}

#[tokio::test]
async fn other_protocols_that_stall_or_make_noise_from_the_start_are_given_up_in_time() -> Result<()> {
    let nobody = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    let server = Hostile::tcp(nobody).await?;
    let port = server.address();
    let drip = Act::Drip(b"SSH-2.0-OpenSSH_9.2p1 and so on\r\n".to_vec(), DROP);
    let tls = Act::Drip(vec![0x16, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3, 0, 0, 0, 0, 0], DROP);
    for (scheme, acts, class) in [
        ("https", vec![Act::Hang], "timed-out"),
        ("https", vec![tls], "timed-out"),
        ("https", vec![Act::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec())], "unreachable"),
        ("ssh", vec![Act::Hang], "timed-out"),
        ("ssh", vec![drip], "timed-out"),
        ("git", vec![Act::Hang], "timed-out"),
        ("git", vec![Act::Endless(b"0008NAK\n".to_vec())], "not-understood"),
    ] {
        server.turn(&[Phase::Accept], &acts);
        let url = format!("{scheme}://{port}/x.git");
        waits_in_vain(&format!("{scheme}, {class}"), &url, class).await?;
    }
    Ok(())
}
