//! What of a repository is followed: a range of versions, a tag, a branch, a folder in it; and what is told
//! where it is not there. Against every way to a repository.

use anyhow::Result;
use tagalong::model::report::Class;
use tagalong::model::revision::{At, ObjectId, Reference};
use tagalong::model::version::{Follow, Range};
use tagalong::repo::Repository;
use tagalong::repo::error::Error;
use tagalong::repo::options::GitOptions;
use tagalong::repo::problem::Limit;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{FILE, Ways, following, ids, look, tag};
use crate::repo_http::{A, ADVERTISEMENT, address};
use crate::repo_wire::{Play, Scripted, answer, packet};

/// An agent's view of the highest version of a range at a URL.
pub fn highest(url: &str, range: &str, prefix: &str) -> Result<Repository, Error> {
    let follow = Follow::Highest(Range::new(range, prefix, false).expect("a range"));
    Repository::git(GitOptions { follow, ..GitOptions::new(url, tag("unused")) })
}

/// The ref that was chosen, and what is read under it.
async fn chosen(repository: &Repository) -> Result<(String, String)> {
    let revision = repository.resolve().await?.revision;
    let At::Git { reference, .. } = &revision.at else { panic!("git") };
    let reading = repository.read(&revision).await?;
    assert_eq!(ids(&reading.snapshot.revision.at), ids(&revision.at));
    let text = String::from_utf8_lossy(&reading.snapshot.files[FILE]).into_owned();
    Ok((reference.to_string(), text))
}

#[tokio::test]
async fn the_highest_version_of_a_range_is_read_over_every_way() -> Result<()> {
    let mut origin = Origin::new()?;
    for tag in ["v1.4.2", "app/1.5.0", "v1.10.0", "v1.11.0-rc.1", "v2.0.0"] {
        origin.commit(tag, &[(FILE, tag)])?;
        origin.annotated_tag(tag, "HEAD", "release")?;
    }
    origin.tag("v1", "v1.4.2^{commit}")?;
    origin.tag("v1.9.0", "v1.4.2^{commit}")?;
    let ways = Ways::to(&origin).await?;
    let to = address(&ways.http);
    let old = Scripted::http(move |_| vec![Play::Forward { to, old: true }]).await?;
    let old = old.url(Origin::NAME);
    for url in ways.urls.iter().chain([&old]) {
        for (range, prefix, expected) in [
            ("^1.4", "", "v1.10.0"),
            ("*", "v", "v2.0.0"),
            ("^1", "app/", "app/1.5.0"),
            ("~1.4", "", "v1.4.2"),
        ] {
            let repository = highest(url, range, prefix)?;
            assert_eq!(
                chosen(&repository).await?,
                (format!("refs/tags/{expected}"), expected.to_owned()),
                "{url} {range}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_poll_of_a_range_is_one_post() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "1")])?;
    origin.annotated_tag("v1.0.0", "HEAD", "release")?;
    let ways = Ways::to(&origin).await?;
    let repository = highest(&ways.urls[0], "^1", "")?;
    let resolved = repository.resolve().await?;
    assert_eq!(resolved.revision.at.to_string(), format!("v1.0.0 at {}", &ids(&resolved.revision.at).1[..7]));
    let exchanges = ways.http.exchanges();
    assert_eq!(exchanges.len(), 1, "{exchanges:?}");
    assert_eq!(exchanges[0].method.as_str(), "POST");
    Ok(())
}

#[tokio::test]
async fn a_range_without_a_tag_names_its_neighbours() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "1")])?;
    for tag in ["v1.0.0", "v1.2.0", "v1.3.0", "v2.0.0", "v1.4.0-rc.1", "latest"] {
        origin.tag(tag, "HEAD")?;
    }
    let ways = Ways::to(&origin).await?;
    for url in &ways.urls {
        let error = highest(url, "^1.4", "")?.resolve().await.expect_err("there is none");
        assert_eq!(error.class(), Class::RefMissing, "{url}");
        let text = error.to_string();
        assert!(
            text.ends_with("has no version ^1.4: the nearest are v1.3.0, v1.4.0-rc.1 and v2.0.0"),
            "{text}"
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("pre-release")));
        let error = highest(url, "*", "app/")?.resolve().await.expect_err("there is none");
        let text = error.to_string();
        assert!(text.ends_with("has no version * behind \"app/\": no tag says a version"), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn two_tags_of_one_version_must_name_one_commit() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "1")])?;
    origin.tag("v1.4.2+a", "HEAD")?;
    origin.annotated_tag("v1.4.2+b", "HEAD", "the same")?;
    let ways = Ways::to(&origin).await?;
    for url in &ways.urls {
        assert_eq!(chosen(&highest(url, "^1", "")?).await?.0, "refs/tags/v1.4.2+b", "{url}");
    }
    origin.commit("second", &[(FILE, "2")])?;
    origin.tag("v1.4.2+b", "HEAD")?;
    for url in &ways.urls {
        let error = highest(url, "^1", "")?.resolve().await.expect_err("which one?");
        assert!(matches!(error, Error::SameVersion { .. }), "{url}: {error:?}");
        assert_eq!(error.class(), Class::Unusable);
        assert!(error.to_string().contains("v1.4.2+b and v1.4.2+a"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_tag_that_moves_has_the_version_that_names_its_commit() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "1")])?;
    origin.annotated_tag("v1", "HEAD", "release")?;
    for tag in ["v1.4.1", "v1.4.2", "v10.0.0", "latest"] {
        origin.annotated_tag(tag, "HEAD", "release")?;
    }
    origin.commit("second", &[(FILE, "2")])?;
    origin.tag("v1.5.0", "HEAD")?;
    let ways = Ways::to(&origin).await?;
    for url in &ways.urls {
        for (name, expected) in [("v1", "v1.4.2"), ("latest", "v10.0.0"), ("v1.4.1", "v1.4.1")] {
            let repository = following(url, tag(name))?;
            let revision = repository.resolve().await?.revision;
            let versions = repository.versions(&revision).await?.expect("a tag has versions");
            assert_eq!(versions.own.as_deref(), Some(expected), "{url} {name}");
        }
        let repository = following(url, Reference::Branch("main".into()))?;
        let revision = repository.resolve().await?.revision;
        assert!(repository.versions(&revision).await?.is_none(), "{url}");
    }
    Ok(())
}

#[tokio::test]
async fn a_tag_and_a_branch_of_one_name_are_never_mixed() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "tag")])?;
    origin.annotated_tag("main", "HEAD", "a tag")?;
    origin.commit("second", &[(FILE, "branch")])?;
    let ways = Ways::to(&origin).await?;
    for url in &ways.urls {
        assert_eq!(look(&following(url, tag("main"))?).await?.0, "tag", "{url}");
        let branch = || Reference::Branch("main".into());
        assert_eq!(look(&following(url, branch())?).await?.0, "branch", "{url}");
    }
    origin.delete_tag("main")?;
    for url in &ways.urls {
        let error = following(url, tag("main"))?.resolve().await.expect_err("the branch is no tag");
        assert!(matches!(error, Error::NoReference { .. }), "{url}: {error:?}");
    }
    Ok(())
}

#[test]
fn a_name_that_is_no_short_one_is_refused_with_what_to_write() {
    let branch = |name: &str| Reference::Branch(name.to_owned());
    for (reference, hint) in [
        (
            branch("HEAD"),
            "it means something else in each clone: name the branch that is meant, such as `branch: main`",
        ),
        (branch("refs/heads/main"), "a branch is named by its short name: `branch: main`"),
        (branch("refs/tags/v1"), "a tag is named by its short name: `tag: v1`"),
        (tag("refs/tags/v1"), "a tag is named by its short name: `tag: v1`"),
        (tag("a b"), "give the short name of a tag or branch, as in `v1`"),
    ] {
        let error = following("https://git.example.com/x", reference.clone()).expect_err("no short name");
        assert_eq!(error.hint(), Some(hint), "{reference:?}");
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told_with_the_nearest_one() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[("platform/connect/connectors/orders.yaml", "1"), ("README.md", "x")])?;
    origin.tag("v1", "HEAD")?;
    let ways = Ways::to(&origin).await?;
    let at = |url: &str, path: &str| {
        Repository::git(GitOptions { path: path.to_owned(), ..GitOptions::new(url, tag("v1")) })
    };
    for url in &ways.urls {
        for (path, hint) in [
            ("platfrom/connect", "did you mean \"platform\"?"),
            ("platform/conect/", "did you mean \"platform/connect\"?"),
            ("elsewhere", "`path` in the settings names the folder that holds `connectors/`"),
            ("README.md", "`path` in the settings names the folder that holds `connectors/`"),
        ] {
            let repository = at(url, path)?;
            let reading = repository.read(&repository.resolve().await?.revision).await?;
            let findings: Vec<_> = reading.snapshot.findings.iter().collect();
            assert_eq!(findings.len(), 1, "{path}: {findings:?}");
            assert_eq!(findings[0].rule.name(), "repository-empty");
            assert_eq!(findings[0].hint.as_deref(), Some(hint), "{url} {path}");
        }
        for path in ["..", "../platform", "platform/../..", "/platform", "platform\nconnect"] {
            let error = at(url, path).expect_err("outside");
            assert!(matches!(error, Error::PathOutside { .. }), "{path:?}: {error:?}");
            assert!(error.hint().is_some());
        }
        for path in ["platform/connect", "./platform/connect/", "platform/./connect"] {
            assert_eq!(look(&at(url, path)?).await?.0, "1", "{url} {path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn more_tags_on_this_machine_than_are_read_are_told_as_too_many() -> Result<()> {
    let mut origin = Origin::new()?;
    let commit = origin.commit("first", &[(FILE, "1")])?;
    origin.tag("v1.0.0", "HEAD")?;
    let local = origin.path().to_str().expect("a path that is text").to_owned();
    let repository = highest(&local, "^1", "")?;
    assert_eq!(chosen(&repository).await?.0, "refs/tags/v1.0.0");
    // A line of each is two ids and its name: these have 9 MiB.
    let name = "x".repeat(200);
    let lines = (0..32_000).map(|number| format!("{commit} refs/tags/{name}{number:05}\n"));
    let packed: String =
        ["# pack-refs with: peeled fully-peeled sorted \n".to_owned()].into_iter().chain(lines).collect();
    std::fs::write(origin.path().join("packed-refs"), packed)?;
    let error = repository.resolve().await.expect_err("too many");
    assert_eq!(error.class(), Class::Unusable, "{error:?}");
    assert!(error.to_string().ends_with("is too large: more than 8 MiB of refs"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("a repository of their own")), "{error:?}");
    std::fs::write(origin.path().join("packed-refs"), "")?;
    origin.tag("v1.0.1", "HEAD")?;
    assert_eq!(chosen(&repository).await?.0, "refs/tags/v1.0.1", "it is read again when they are gone");
    Ok(())
}

/// The most branches and tags that are kept of a server.
const MOST_REFS: usize = 20_000;

/// The listing of protocol v0 with so many branches, of a server that hands out nothing else.
fn branches(count: usize) -> Vec<u8> {
    let line = |number| {
        let capabilities = if number == 0 { "\0side-band-64k shallow" } else { "" };
        packet(format!("{A} refs/heads/b{number}{capabilities}\n").as_bytes())
    };
    let service = [packet(b"# service=git-upload-pack\n"), b"0000".to_vec()].concat();
    [service, (0..count).flat_map(line).collect(), b"0000".to_vec()].concat()
}

// A commit that is not handed out by its id is looked for behind every branch and tag, so all of them are kept.
#[tokio::test]
async fn more_refs_than_are_kept_are_told_as_too_many() -> Result<()> {
    for (count, class) in [(MOST_REFS, Class::Unreachable), (MOST_REFS + 1, Class::Unusable)] {
        let listed = branches(count);
        let server = Scripted::http(move |request| {
            if request.is_advertisement() {
                return vec![answer("200 OK", &[("content-type", ADVERTISEMENT)], &listed)];
            }
            vec![answer("503 Service Unavailable", &[], b"")]
        })
        .await?;
        let commit = ObjectId::new(&"b".repeat(40)).expect("an id");
        let repository = following(server.url("x"), Reference::Commit(commit))?;
        let error = look(&repository).await.expect_err("it gives no pack");
        assert_eq!(error.class(), class, "{count}: {error:?}");
        let is_told = matches!(error, Error::TooLarge { limit: Limit::Refs(MOST_REFS), .. });
        assert_eq!(is_told, count > MOST_REFS, "{count}: {error:?}");
        // With as many as may be it goes on to fetch.
        assert_eq!(server.seen().len(), if count > MOST_REFS { 1 } else { 2 }, "{count}");
    }
    Ok(())
}
