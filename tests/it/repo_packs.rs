//! Packs that no honest server sends, and what becomes of them: an error with a name, within the limits
//! of the worker that takes them in, and the next fetch works.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong::model::report::Class;
use tagalong::repo::ended::Ended;
use tagalong::repo::error::Error;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{FILE, following, look, tag};
use crate::repo_http::{A, ADVERTISEMENT, RESULT, advertisement, origin};
use crate::repo_wire::{Play, Scripted, answer, head, packet};

/// What objects are called inside a pack.
const BLOB: u8 = 3;
const OFFSET_DELTA: u8 = 6;

/// A pack, object by object.
struct Pack {
    bytes: Vec<u8>,
    /// Where each object begins.
    begins: Vec<usize>,
}

impl Pack {
    /// Claims to hold so many objects.
    fn of(objects: u32) -> Self {
        let bytes = [&b"PACK\0\0\0\x02"[..], &objects.to_be_bytes()].concat();
        Self { bytes, begins: Vec::new() }
    }

    /// Adds an object of a size, whose bytes are a zlib stream; of a delta, what it is a change of.
    fn with(mut self, kind: u8, size: usize, base: Option<usize>, stream: &[u8]) -> Self {
        let begin = self.bytes.len();
        let mut rest = size >> 4;
        let first = (kind << 4) | u8::try_from(size & 15).expect("four bits");
        self.bytes.push(first | if rest > 0 { 128 } else { 0 });
        while rest > 0 {
            let low = u8::try_from(rest & 127).expect("seven bits");
            rest >>= 7;
            self.bytes.push(low | if rest > 0 { 128 } else { 0 });
        }
        if let Some(base) = base {
            self.bytes.extend(distance(begin - self.begins[base]));
        }
        self.bytes.extend_from_slice(stream);
        self.begins.push(begin);
        self
    }

    /// Ends it with its digest.
    fn end(mut self) -> Vec<u8> {
        let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &self.bytes);
        self.bytes.extend_from_slice(digest.as_ref());
        self.bytes
    }
}

/// How far before itself a delta has its base, as packs write it.
fn distance(mut length: usize) -> Vec<u8> {
    let low = |length: usize| u8::try_from(length & 127).expect("seven bits");
    let mut bytes = vec![low(length)];
    while length > 127 {
        length = (length >> 7) - 1;
        bytes.insert(0, 128 | low(length));
    }
    bytes
}

/// A zlib stream that holds bytes as they are.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("one block");
    let (mut one, mut two) = (1_u32, 0_u32);
    for byte in bytes {
        one = (one + u32::from(*byte)) % 65_521;
        two = (two + one) % 65_521;
    }
    let sum = ((two << 16) | one).to_be_bytes();
    [&[0x78, 0x01, 0x01], &length.to_le_bytes()[..], &(!length).to_le_bytes(), bytes, &sum].concat()
}

/// The zlib stream of many zeros, taken out of a pack of git's own.
fn zeros(origin: &Origin, count: usize) -> Result<Vec<u8>> {
    let git = |arguments: &[&str], input: &[u8]| -> Result<Vec<u8>> {
        let mut child = Command::new("git")
            .arg("-C")
            .arg(origin.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        child.stdin.take().context("a pipe")?.write_all(input)?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "git {arguments:?}");
        Ok(output.stdout)
    };
    let id = git(&["hash-object", "-w", "--stdin"], &vec![0; count])?;
    let pack = git(&["pack-objects", "--stdout"], &id)?;
    let sizes = pack[12..].iter().position(|byte| byte & 128 == 0).context("the size has an end")?;
    Ok(pack[12 + sizes + 1..pack.len() - 20].to_vec())
}

/// A delta that copies the whole of its base many times over.
fn copies(base: usize, times: usize) -> Vec<u8> {
    let size = |mut rest: usize| {
        let mut bytes = Vec::new();
        loop {
            let low = u8::try_from(rest & 127).expect("seven bits");
            rest >>= 7;
            bytes.push(low | if rest > 0 { 128 } else { 0 });
            if rest == 0 {
                return bytes;
            }
        }
    };
    let piece = base.min(0xff_ffff);
    let length = u32::try_from(piece).expect("three bytes").to_le_bytes();
    let copy = [0x80 | 0x10 | 0x20 | 0x40, length[0], length[1], length[2]];
    [size(base), size(piece * times), copy.repeat(times)].concat()
}

/// A server whose tag has moved, and which answers every fetch with a pack.
async fn serving(pack: Vec<u8>) -> Result<Scripted> {
    let pieces: Vec<u8> = pack.chunks(60_000).flat_map(|piece| packet(&[&[1], piece].concat())).collect();
    let body = [packet(b"NAK\n"), pieces, b"0000".to_vec()].concat();
    Scripted::http(move |request| {
        if request.is_question() {
            let line = packet(format!("{A} refs/tags/v1\n").as_bytes());
            vec![answer("200 OK", &[("content-type", RESULT)], &[line, b"0000".to_vec()].concat())]
        } else if request.is_advertisement() {
            vec![answer("200 OK", &[("content-type", ADVERTISEMENT)], &advertisement("side-band-64k"))]
        } else {
            vec![Play::Send([head(RESULT), body.clone()].concat())]
        }
    })
    .await
}

async fn refused(what: &str, pack: Vec<u8>) -> Result<Error> {
    let server = serving(pack).await?;
    Ok(look(&following(server.url("x"), tag("v1"))?).await.expect_err(what))
}

#[tokio::test]
async fn a_pack_that_is_none_is_told_as_the_servers_mistake() -> Result<()> {
    let whole = || Pack::of(1).with(BLOB, 5, None, &stored(b"hello"));
    let mut sum = whole().end();
    *sum.last_mut().context("a digest")? ^= 1;
    let mut corrupt = stored(b"hello");
    corrupt[2] = 7;
    let cut = whole().end();
    let cases = [
        ("cut", cut[..cut.len() - 25].to_vec()),
        ("only a head", Pack::of(3).bytes),
        ("a false digest", sum),
        ("a corrupt stream", Pack::of(1).with(BLOB, 5, None, &corrupt).end()),
        ("longer than it says", Pack::of(1).with(BLOB, 2, None, &stored(b"hello")).end()),
        ("shorter than it says", Pack::of(1).with(BLOB, 500, None, &stored(b"hello")).end()),
        ("fewer than it says", Pack::of(2).with(BLOB, 5, None, &stored(b"hello")).end()),
        ("without what was asked for", whole().end()),
        ("a kind that there is not", Pack::of(1).with(5, 5, None, &stored(b"hello")).end()),
        (
            "a change of nothing",
            Pack::of(1).with(7, 5, None, &[&[9; 20], &stored(b"hello")[..]].concat()).end(),
        ),
        ("a change that is none", {
            let pack = Pack::of(2).with(BLOB, 5, None, &stored(b"hello"));
            pack.with(OFFSET_DELTA, 4, Some(0), &stored(&[5, 9, 0xff, 0xff])).end()
        }),
    ];
    for (what, pack) in cases {
        let error = refused(what, pack).await?;
        assert_eq!(error.class(), Class::NotUnderstood, "{what}: {error:?}");
    }
    Ok(())
}

// That it claims more than it holds would end it too, after a place for each was made: the words tell which it was.
#[tokio::test]
async fn a_pack_that_claims_more_objects_than_may_be_is_refused_by_its_head() -> Result<()> {
    for (count, is_too_many) in [(100_000, false), (100_001, true)] {
        let error = refused("too many objects", Pack::of(count).with(BLOB, 5, None, &stored(b"hello")).end());
        let error = error.await?;
        assert_eq!(error.class(), Class::NotUnderstood, "{count}: {error:?}");
        let told = format!("{:#}", anyhow::Error::new(error));
        assert_eq!(told.contains("too many objects"), is_too_many, "{count}: {told}");
    }
    Ok(())
}

#[tokio::test]
async fn a_pack_that_swells_is_ended_by_the_limit_of_memory() -> Result<()> {
    let origin = Origin::new()?;
    let size = 15 * 1024 * 1024;
    let base = zeros(&origin, size)?;
    let delta = copies(size, 40);
    // A few kilobytes that stand for 600 MB.
    let pack =
        Pack::of(2).with(BLOB, size, None, &base).with(OFFSET_DELTA, delta.len(), Some(0), &stored(&delta));
    let pack = pack.end();
    assert!(pack.len() < 32 * 1024, "{}", pack.len());
    let error = refused("it swells", pack).await?;
    assert!(matches!(error, Error::Worker { ended: Ended::Memory(256), .. }), "{error:?}");
    assert_eq!(error.class(), Class::Unusable);
    let (origin, _) = self::origin()?;
    let server = GitHttp::start(origin.parent()).await?;
    assert_eq!(look(&following(server.url(Origin::NAME), tag("v1"))?).await?.0, "1");
    Ok(())
}

#[tokio::test]
async fn a_long_chain_of_changes_is_taken_in_within_the_limits() -> Result<()> {
    let size = 60_000;
    let first = Pack::of(2_001).with(BLOB, size, None, &stored(&vec![0; size]));
    let same = copies(size, 1);
    let pack = (0..2_000).fold(first, |pack, n| pack.with(OFFSET_DELTA, same.len(), Some(n), &stored(&same)));
    let error = refused("it lacks the tag", pack.end()).await?;
    assert!(!matches!(error, Error::Worker { ended: Ended::Signal(_), .. }), "{error:?}");
    assert_eq!(error.class(), Class::NotUnderstood, "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_large_file_beside_the_definitions_arrives_within_the_limits() -> Result<()> {
    let mut origin = Origin::new()?;
    std::fs::write(origin.work_tree().join("large.bin"), vec![0; 100 * 1024 * 1024])?;
    origin.commit("first", &[(FILE, "1")])?;
    origin.commit_work_tree("large")?;
    origin.tag("v1", "HEAD")?;
    let server = GitHttp::start(origin.parent()).await?;
    assert_eq!(look(&following(server.url(Origin::NAME), tag("v1"))?).await?.0, "1");
    Ok(())
}

// libgit2 turns for ever on a stream that ends too early.
#[tokio::test]
async fn a_worker_that_turns_for_ever_is_ended_and_the_next_look_works() -> Result<()> {
    let (origin, commit) = origin()?;
    let (folder, file) = commit.split_at(2);
    let path = origin.path().join("objects").join(folder).join(file);
    let whole = std::fs::read(&path)?;
    let write = |bytes: &[u8]| -> Result<()> {
        std::fs::remove_file(&path)?;
        Ok(std::fs::write(&path, bytes)?)
    };
    let options = tagalong::repo::options::GitOptions {
        deadline: Duration::from_secs(2),
        ..tagalong::repo::options::GitOptions::new(origin.path().display().to_string(), tag("v1"))
    };
    let repository = tagalong::repo::Repository::git(options)?;
    let revision = repository.resolve().await?.revision;
    write(&whole[..whole.len() / 2])?;
    let error = repository.read(&revision).await.expect_err("it is cut");
    assert_eq!(error.class(), Class::TimedOut, "{error:?}");
    write(&whole)?;
    assert_eq!(look(&repository).await?.0, "1");
    Ok(())
}
