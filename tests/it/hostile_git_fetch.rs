//! Git servers that give what nobody asked for: packs with a lie, another commit than the one they list, tags that are swapped
//! or name what is no commit, names that would speak to a terminal. Seen from the agent.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong_testkit::git::hostile::{Act, Phase};
use tokio::time::sleep;

use crate::hostile_git::{LISTING, Siege, begun, said, state};
use crate::repo_http::{A, ADVERTISEMENT};
use crate::repo_wire::packet;

/// What becomes of an answer.
type Change = fn(Vec<u8>) -> Vec<u8>;

/// Where in an answer the bytes of the pack are; nowhere in those without one.
fn pack_in(answer: &[u8]) -> Vec<usize> {
    let mut at = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let mut places = Vec::new();
    while let Some(length) = answer.get(at..at + 4) {
        let length = std::str::from_utf8(length).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let length = length.expect("a packet").max(4);
        if answer.get(at + 4) == Some(&1) && length > 5 {
            places.extend(at + 5..at + length);
        }
        at += length;
    }
    places
}

/// Changes one byte of the pack.
fn flipped(mut answer: Vec<u8>, place: fn(usize) -> usize) -> Vec<u8> {
    let places = pack_in(&answer);
    if !places.is_empty() {
        answer[places[place(places.len())]] ^= 0x55;
    }
    answer
}

/// Ends the answer at a byte of the pack.
fn cut(mut answer: Vec<u8>, place: fn(usize) -> usize) -> Vec<u8> {
    let places = pack_in(&answer);
    if !places.is_empty() {
        answer.truncate(places[place(places.len())]);
    }
    answer
}

#[tokio::test]
async fn a_pack_that_was_meddled_with_is_no_revision() -> Result<()> {
    let mut siege = Siege::begin().await?;
    let odd = ("unreachable", "not-understood");
    let changes: [(&str, Change); 6] = [
        ("another count", |answer| flipped(answer, |_| 11)),
        ("another version", |answer| flipped(answer, |_| 7)),
        ("a corrupt object", |answer| flipped(answer, |_| 20)),
        ("a false digest", |answer| flipped(answer, |end| end - 1)),
        ("cut in the middle", |answer| cut(answer, |end| end / 2)),
        ("cut before its digest", |answer| cut(answer, |end| end - 20)),
    ];
    for (what, change) in changes {
        siege.endure(what, &[Phase::Fetch], &[Act::Change(change)], odd).await?;
    }
    Ok(())
}

/// Points `v1` at one of two commits, and at the other the next time.
fn swap(bare: &Path, commits: [String; 2]) -> Act {
    let (bare, turn) = (bare.to_owned(), std::sync::atomic::AtomicUsize::new(0));
    Act::Meanwhile(Arc::new(move || {
        let turn = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let moved = Command::new("git")
            .arg("-C")
            .arg(&bare)
            .args(["update-ref", "refs/tags/v1", &commits[turn % 2]])
            .status();
        assert!(moved.is_ok_and(|status| status.success()), "the tag moves");
    }))
}

#[tokio::test]
async fn a_tag_that_is_swapped_before_each_fetch_is_never_half_read() -> Result<()> {
    let mut siege = Siege::begin().await?;
    let first = siege.definitions.released()?;
    let second = siege.definitions.origin.commit("another", &[("README.md", "x")])?;
    let acts = [swap(&siege.definitions.origin.path(), [second, first]), Act::Pass];
    siege.endure("a swap", &[Phase::Advertisement], &acts, ("stale", "superseded")).await
}

#[tokio::test]
async fn a_server_that_lists_another_commit_than_it_gives_is_believed_in_what_it_gives() -> Result<()> {
    let siege = Siege::begin().await?;
    let good = siege.definitions.released()?;
    let line = packet(format!("{A} refs/tags/v1\n").as_bytes());
    siege.server.turn(&[Phase::Question], &[begun(), Act::Send([line, b"0000".to_vec()].concat())]);
    let before = siege.server.requests();
    sleep(Duration::from_secs(4)).await;
    let status = siege.agent.status().await?;
    assert!(status["clocks"]["applied"].to_string().contains(&good), "{}", status["clocks"]);
    assert!(!status["clocks"]["validated"].to_string().contains(A), "{}", status["clocks"]);
    siege.drift_is_put_back().await?;
    assert!(siege.server.requests() - before < 40, "{}", siege.server.requests() - before);
    assert_eq!(siege.fake.writes().len(), 2, "made once, put back once");
    Ok(())
}

#[tokio::test]
async fn what_a_tag_may_name_besides_a_commit_is_refused_and_mended_by_moving_it() -> Result<()> {
    let mut siege = Siege::begin().await?;
    let good = siege.definitions.released()?;
    let origin = &mut siege.definitions.origin;
    origin.commit("another", &[("README.md", "x")])?;
    origin.annotated_tag("inner", "HEAD", "inner")?;
    for (target, named) in [
        ("HEAD^{tree}", "invalid"),
        ("HEAD:environments/test.yaml", "invalid"),
        ("refs/tags/inner", "invalid"),
    ] {
        for annotated in [false, true] {
            let origin = &mut siege.definitions.origin;
            if annotated {
                origin.annotated_tag("v1", target, "odd")?;
            } else if target.starts_with("refs/") {
                // A plain tag of a tag is that tag.
                continue;
            } else {
                origin.tag("v1", target)?;
            }
            siege.agent.wait_for_metric(&state(named), 1.0).await?;
            siege.drift_is_put_back().await?;
            siege.definitions.move_to(&good)?;
            siege.agent.wait_for_metric(&state("ok"), 1.0).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_hundred_thousand_refs_of_hostile_names_are_passed_over_and_never_shown() -> Result<()> {
    let siege = Siege::begin().await?;
    let tag = siege.definitions.origin.id("refs/tags/v1")?;
    let commit = siege.definitions.released()?;
    let names =
        ["\x1b[2J", "\x1b]0;owned\x07", "\u{202e}", "\n", "\r", "v1\0", "../..", "v1^{}", "--upload-pack=x"];
    let mut body = [packet(b"# service=git-upload-pack\n"), b"0000".to_vec()].concat();
    body.extend(packet(format!("{A} refs/heads/x\0side-band-64k shallow multi_ack_detailed\n").as_bytes()));
    for n in 0..100_000 {
        body.extend(packet(format!("{A} refs/tags/{}{n}\n", names[n % names.len()]).as_bytes()));
    }
    body.extend(packet(format!("{tag} refs/tags/v1\n").as_bytes()));
    body.extend(packet(format!("{commit} refs/tags/v1^{{}}\n").as_bytes()));
    body.extend_from_slice(b"0000");
    // A server of protocol v0, whose list is read to the end.
    siege.server.turn(&LISTING, &[said("200 OK", &format!("content-type: {ADVERTISEMENT}\r\n"), &body)]);
    let noops = "tagalong_repository_polls_total{outcome=\"noop\",repository=\"main\"}";
    let before = siege.agent.metric(noops).await?.context("polls are counted")?;
    siege.agent.wait_for_metric_from(noops, before + 2.0).await?;
    assert_eq!(siege.agent.metric(&state("ok")).await?, Some(1.0));
    let pages = [
        siege.agent.log(),
        siege.agent.get("/status").await?,
        siege.agent.get("/metrics").await?,
        siege.agent.get("/").await?,
    ];
    for page in pages {
        assert!(!page.contains("owned") && !page.contains(['\x1b', '\u{202e}', '\x07']), "{page}");
    }
    let (_, most) = siege.agent.memory()?;
    assert!(most < 64.0, "{most} MB");
    Ok(())
}
