//! Packs that no honest server sends, and what becomes of them: an error with a name, within the limits
//! of the worker that takes them in, and the next fetch works.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong::model::report::Class;
use tagalong::repo::ended::Ended;
use tagalong::repo::error::Error;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{FILE, following, look, tag};
use crate::repo_http::{A, ADVERTISEMENT, RESULT, advertisement, origin};
use crate::repo_wire::{Play, Scripted, answer, head, packet};
use crate::support::pack::{BLOB, OFFSET_DELTA, Pack, copies, in_packets, stored, swelling};

/// A server whose tag has moved, and which answers every fetch with a pack.
async fn serving(pack: Vec<u8>) -> Result<Scripted> {
    let body = in_packets(&pack);
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
    let pack = swelling(&Origin::new()?)?;
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
        deadline: Duration::from_secs(12),
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
