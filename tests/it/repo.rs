//! A git repository as the agent sees it: what its ref names, the files of that revision, and how
//! little a look costs. Against `git http-backend`, `git daemon` and repositories on this machine.

use std::time::Duration;

use anyhow::Result;
use tagalong::model::report::Class;
use tagalong::model::revision::{At, ObjectId, Reference};
use tagalong::repo::Repository;
use tagalong::repo::error::Error;
use tagalong::repo::options::GitOptions;
use tagalong_testkit::git::daemon::GitDaemon;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::{FIRST_MOMENT, Repository as Origin};

/// The name of a file of definitions that most stories use.
pub const FILE: &str = "connectors/orders.yaml";

/// The head of a file that holds many refs.
pub const PACKED: &str = "# pack-refs with: peeled fully-peeled \n";

/// An agent's view of the tag `v1` at a URL. Its deadline is for a machine with much else to do.
pub fn following(url: impl Into<String>, reference: Reference) -> Result<Repository, Error> {
    Repository::git(GitOptions { deadline: Duration::from_mins(2), ..GitOptions::new(url, reference) })
}

/// A tag by its short name.
pub fn tag(name: &str) -> Reference {
    Reference::Tag(name.to_owned())
}

/// The ids that a revision holds: the object that the ref names, and the commit.
pub fn ids(at: &At) -> (&str, &str) {
    match at {
        At::Git { object, commit, .. } => (object.as_str(), commit.as_str()),
        At::Directory { .. } => panic!("a revision of git"),
    }
}

/// A text that nothing shortens much.
pub fn noise(bytes: usize) -> String {
    let mut random = fastrand::Rng::with_seed(11);
    std::iter::repeat_with(|| random.alphanumeric()).take(bytes).collect()
}

/// What a file holds at what the ref names now, and the commit that it is from.
pub async fn look(repository: &Repository) -> Result<(String, String), Error> {
    let resolved = repository.resolve().await?;
    let reading = repository.read(&resolved.revision).await?;
    let text = reading.snapshot.files.get(FILE).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let (_, commit) = ids(&reading.snapshot.revision.at);
    Ok((text.unwrap_or_default(), commit.to_owned()))
}

/// One repository behind every way there is to reach it.
pub struct Ways {
    /// Over HTTP.
    pub http: GitHttp,
    /// Over `git://`.
    pub daemon: GitDaemon,
    /// The address of each way.
    pub urls: Vec<String>,
}

impl Ways {
    /// Opens every way.
    pub async fn to(origin: &Origin) -> Result<Self> {
        let http = GitHttp::start(origin.parent()).await?;
        let daemon = GitDaemon::start(origin.parent()).await?;
        let path = origin.path().display().to_string();
        let urls = vec![
            http.url(Origin::NAME),
            daemon.url(Origin::NAME),
            format!("file://{path}"),
            path,
            origin.work_tree().display().to_string(),
        ];
        Ok(Self { http, daemon, urls })
    }
}

#[tokio::test]
async fn every_kind_of_ref_is_read_over_every_way() -> Result<()> {
    let mut origin = Origin::new()?;
    let commit = origin.commit("first", &[(FILE, "connector: orders\n")])?;
    origin.tag("light", "HEAD")?;
    let object = origin.annotated_tag("v1", "HEAD", "release")?;
    let ways = Ways::to(&origin).await?;
    let id = ObjectId::new(&commit).expect("an id");
    for url in &ways.urls {
        for (reference, full, expected) in [
            (tag("v1"), "refs/tags/v1", &object),
            (tag("light"), "refs/tags/light", &commit),
            (Reference::Branch("main".into()), "refs/heads/main", &commit),
            (Reference::Commit(id.clone()), commit.as_str(), &commit),
        ] {
            let repository = following(url, reference)?;
            let resolved = repository.resolve().await?;
            let At::Git { reference, committed: None, .. } = &resolved.revision.at else {
                panic!("{:?}", resolved.revision.at)
            };
            assert_eq!(&**reference, full, "{url}");
            assert_eq!(ids(&resolved.revision.at), (expected.as_str(), commit.as_str()), "{url} {full}");

            let reading = repository.read(&resolved.revision).await?;
            let At::Git { committed, .. } = &reading.snapshot.revision.at else { panic!("git") };
            assert_eq!(committed.map(jiff::Timestamp::as_second), Some(FIRST_MOMENT), "{url} {full}");
            assert_eq!(ids(&reading.snapshot.revision.at), (expected.as_str(), commit.as_str()));
            assert_eq!(&*reading.snapshot.files[FILE], b"connector: orders\n", "{url} {full}");
            assert!(reading.snapshot.findings.is_empty(), "{:?}", reading.snapshot.findings);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_tag_is_followed_forward_and_back() -> Result<()> {
    let mut origin = Origin::new()?;
    let first = origin.commit("first", &[(FILE, "1")])?;
    origin.annotated_tag("v1", "HEAD", "release")?;
    let ways = Ways::to(&origin).await?;
    let repositories: Vec<_> =
        ways.urls.iter().map(|url| following(url, tag("v1"))).collect::<Result<_, _>>()?;
    for repository in &repositories {
        assert_eq!(look(repository).await?, ("1".into(), first.clone()));
    }
    let second = origin.commit("second", &[(FILE, "2")])?;
    origin.annotated_tag("v1", "HEAD", "release")?;
    for repository in &repositories {
        assert_eq!(look(repository).await?, ("2".into(), second.clone()));
    }
    origin.tag("v1", &first)?;
    for repository in &repositories {
        assert_eq!(look(repository).await?, ("1".into(), first.clone()));
    }
    Ok(())
}

#[tokio::test]
async fn a_new_tag_object_for_the_same_commit_is_seen() -> Result<()> {
    let mut origin = Origin::new()?;
    let commit = origin.commit("first", &[(FILE, "1")])?;
    let one = origin.annotated_tag("v1", "HEAD", "release")?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = following(server.url(Origin::NAME), tag("v1"))?;
    assert_eq!(ids(&repository.resolve().await?.revision.at), (one.as_str(), commit.as_str()));
    let other = origin.annotated_tag("v1", "HEAD", "release again")?;
    assert_ne!(one, other);
    assert_eq!(ids(&repository.resolve().await?.revision.at), (other.as_str(), commit.as_str()));
    Ok(())
}

#[tokio::test]
async fn a_poll_is_one_post_below_a_kilobyte_among_three_thousand_refs() -> Result<()> {
    let mut origin = Origin::new()?;
    let commit = origin.commit("first", &[(FILE, "1")])?;
    let object = origin.annotated_tag("v1", "HEAD", "release")?;
    let refs: String =
        (0..3_000).map(|n| format!("{commit} refs/tags/r{n}\n")).fold(PACKED.into(), |all, line| all + &line);
    std::fs::write(origin.path().join("packed-refs"), refs)?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = following(server.url(Origin::NAME), tag("v1"))?;
    for _ in 0..3 {
        server.clear();
        let resolved = repository.resolve().await?;
        assert_eq!(ids(&resolved.revision.at), (object.as_str(), commit.as_str()));
        let exchanges = server.exchanges();
        assert_eq!(exchanges.len(), 1, "{exchanges:?}");
        assert_eq!(exchanges[0].method.as_str(), "POST");
        assert!(exchanges[0].sent + exchanges[0].received < 300, "{exchanges:?}");
        assert_eq!(resolved.received_bytes, exchanges[0].received as u64);
    }
    Ok(())
}

#[tokio::test]
async fn many_releases_that_begin_like_the_tag_are_not_read_to_the_end() -> Result<()> {
    let mut origin = Origin::new()?;
    let commit = origin.commit("first", &[(FILE, "1")])?;
    origin.tag("v1", "HEAD")?;
    let refs: String = (0..20_000)
        .map(|n| format!("{commit} refs/tags/v1.{n}\n"))
        .fold(PACKED.into(), |all, line| all + &line);
    std::fs::write(origin.path().join("packed-refs"), refs)?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = following(server.url(Origin::NAME), tag("v1"))?;
    let resolved = repository.resolve().await?;
    assert_eq!(ids(&resolved.revision.at).1, commit);
    assert!(resolved.received_bytes < 128 * 1024, "{}", resolved.received_bytes);
    Ok(())
}

#[tokio::test]
async fn a_ref_that_is_not_there_is_named() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "1")])?;
    origin.tag("v10", "HEAD")?;
    let ways = Ways::to(&origin).await?;
    for url in &ways.urls {
        let error = following(url, tag("v1"))?.resolve().await.expect_err("v1 is not v10");
        assert_eq!(error.class(), Class::RefMissing, "{url}: {error}");
        assert!(error.to_string().ends_with("has no refs/tags/v1"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_tag_that_is_deleted_and_comes_back_is_missing_and_read() -> Result<()> {
    let mut origin = Origin::new()?;
    let first = origin.commit("first", &[(FILE, "1")])?;
    origin.tag("v1", "HEAD")?;
    let ways = Ways::to(&origin).await?;
    let repository = following(&ways.urls[0], tag("v1"))?;
    let revision = repository.resolve().await?.revision;
    origin.delete_tag("v1")?;
    // Also where it goes between the question and the fetch.
    for error in [
        repository.resolve().await.expect_err("there is none"),
        repository.read(&revision).await.expect_err("there is none"),
        following(ways.daemon.url(Origin::NAME), tag("v1"))?
            .read(&revision)
            .await
            .expect_err("there is none"),
    ] {
        assert!(matches!(error, Error::NoReference { .. }), "{error:?}");
    }
    origin.tag("v1", &first)?;
    assert_eq!(look(&repository).await?.1, first);
    Ok(())
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_told() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "1")])?;
    let ways = Ways::to(&origin).await?;
    let nowhere = origin.parent().join("nowhere").display().to_string();
    for url in
        [ways.http.url("nowhere.git"), ways.daemon.url("nowhere.git"), format!("file://{nowhere}"), nowhere]
    {
        let error = following(&url, tag("v1"))?.resolve().await.expect_err("there is none");
        assert!(matches!(error, Error::NoRepository { .. }), "{url}: {error:?}");
        assert_eq!(error.class(), Class::RefMissing);
    }
    Ok(())
}

#[tokio::test]
async fn an_empty_repository_has_no_ref() -> Result<()> {
    let origin = Origin::new()?;
    let ways = Ways::to(&origin).await?;
    for url in &ways.urls {
        let error = following(url, tag("v1"))?.resolve().await.expect_err("there is none");
        assert!(matches!(error, Error::NoReference { .. }), "{url}: {error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_commit_is_refused() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "1")])?;
    origin.annotated_tag("inner", "HEAD", "inner")?;
    origin.annotated_tag("nested", "refs/tags/inner", "a tag of a tag")?;
    origin.annotated_tag("of-tree", "HEAD^{tree}", "a tag of a tree")?;
    origin.tag("tree", "HEAD^{tree}")?;
    origin.tag("blob", &format!("HEAD:{FILE}"))?;
    let ways = Ways::to(&origin).await?;
    for url in &ways.urls {
        for (name, what) in
            [("nested", "a tag of a tag"), ("of-tree", "a tree"), ("tree", "a tree"), ("blob", "a file")]
        {
            let error = look(&following(url, tag(name))?).await.expect_err("no commit");
            assert!(
                matches!(&error, Error::NotACommit { found, .. } if *found == what),
                "{url} {name}: {error:?}"
            );
            assert_eq!(error.class(), Class::Unusable);
            let hint = error.hint().expect("it can be mended");
            assert_eq!(hint.contains("OTHER^{commit}"), name == "nested", "{name}: {hint}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_ref_that_moves_between_question_and_fetch_is_read_as_it_is_then() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "1")])?;
    origin.tag("v1", "HEAD")?;
    let ways = Ways::to(&origin).await?;
    for url in &ways.urls[..2] {
        let repository = following(url, tag("v1"))?;
        let asked = repository.resolve().await?.revision;
        let second = origin.commit("second", &[(FILE, "2")])?;
        origin.tag("v1", "HEAD")?;
        let reading = repository.read(&asked).await?;
        assert_eq!(&*reading.snapshot.files[FILE], b"2");
        assert_eq!(ids(&reading.snapshot.revision.at).1, second);
    }
    Ok(())
}

#[tokio::test]
async fn a_commit_that_no_ref_names_is_fetched_where_the_server_gives_it() -> Result<()> {
    let mut origin = Origin::new()?;
    let old = origin.commit("first", &[(FILE, "1")])?;
    origin.commit("second", &[(FILE, "2")])?;
    let ways = Ways::to(&origin).await?;
    let id = || Reference::Commit(ObjectId::new(&old).expect("an id"));
    for url in &ways.urls {
        assert_eq!(look(&following(url, id())?).await?, ("1".into(), old.clone()), "{url}");
    }
    // Nor does any ref lead to it: a whole fetch would not bring it.
    let gone = origin.commit("third", &[(FILE, "3")])?;
    origin.git(&["reset", "-q", "--hard", "HEAD~1"])?;
    origin.git(&["push", "-q", "-f", "origin", "HEAD"])?;
    let lost = || Reference::Commit(ObjectId::new(&gone).expect("an id"));
    for url in &ways.urls {
        assert_eq!(look(&following(url, lost())?).await?, ("3".into(), gone.clone()), "{url}");
    }
    // A server that does not give single commits: everything is fetched.
    let bare = origin.path().display().to_string();
    origin.git(&["-C", &bare, "config", "uploadpack.allowAnySHA1InWant", "false"])?;
    for url in &ways.urls {
        assert_eq!(look(&following(url, id())?).await?, ("1".into(), old.clone()), "{url}");
    }
    for url in &ways.urls[..2] {
        let error = look(&following(url, lost())?).await.expect_err("nothing leads to it");
        assert!(matches!(error, Error::NoCommit { .. }), "{url}: {error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_commit_that_is_not_there_is_named() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "1")])?;
    let ways = Ways::to(&origin).await?;
    let nowhere = "1234567890123456789012345678901234567890";
    let bare = origin.path().display().to_string();
    for allowed in ["true", "false"] {
        origin.git(&["-C", &bare, "config", "uploadpack.allowAnySHA1InWant", allowed])?;
        for url in &ways.urls {
            let id = Reference::Commit(ObjectId::new(nowhere).expect("an id"));
            let error = look(&following(url, id)?).await.expect_err("there is none");
            assert!(matches!(error, Error::NoCommit { .. }), "{allowed} {url}: {error:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_repository_of_sha_256_is_refused_with_the_reason() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("new.git");
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]);
        let done = command.args(arguments).current_dir(folder.path()).status();
        assert!(done.is_ok_and(|status| status.success()), "{arguments:?}");
    };
    git(&["init", "-q", "--object-format=sha256", "new"]);
    git(&["-C", "new", "commit", "-q", "--allow-empty", "-m", "first"]);
    git(&["-C", "new", "tag", "v1"]);
    git(&["clone", "-q", "--bare", "new", "new.git"]);
    let server = GitHttp::start(folder.path()).await?;
    let daemon = GitDaemon::start(folder.path()).await?;
    for url in [server.url("new.git"), daemon.url("new.git"), path.display().to_string()] {
        let error = following(&url, tag("v1"))?.resolve().await.expect_err("not supported");
        assert!(matches!(error, Error::Sha256 { .. }), "{url}: {error:?}");
        assert_eq!(error.class(), Class::Unusable);
    }
    Ok(())
}

#[tokio::test]
async fn definitions_in_a_folder_of_the_repository_are_read() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[("platform/connect/connectors/orders.yaml", "1"), ("README.md", "x")])?;
    origin.tag("v1", "HEAD")?;
    let path = origin.path().display().to_string();
    let at = |folder: &str| {
        Repository::git(GitOptions { path: folder.into(), ..GitOptions::new(&path, tag("v1")) })
    };
    for folder in ["platform/connect", "./platform/connect/"] {
        assert_eq!(look(&at(folder)?).await?.0, "1");
    }
    for folder in ["platform", "elsewhere", "README.md"] {
        let repository = at(folder)?;
        let reading = repository.read(&repository.resolve().await?.revision).await?;
        let rules: Vec<_> = reading.snapshot.findings.iter().map(|finding| finding.rule.name()).collect();
        assert_eq!(rules, ["repository-empty"], "{folder}");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_of_a_fetch_stays_on_disk() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[(FILE, "1")])?;
    origin.tag("v1", "HEAD")?;
    let server = GitHttp::start(origin.parent()).await?;
    let scratch = tempfile::tempdir()?;
    let repository = Repository::git(GitOptions {
        scratch: Some(scratch.path().to_owned()),
        ..GitOptions::new(server.url(Origin::NAME), tag("v1"))
    })?;
    let revision = repository.resolve().await?.revision;
    repository.read(&revision).await?;
    origin.delete_tag("v1")?;
    assert!(repository.read(&revision).await.is_err());
    assert_eq!(std::fs::read_dir(scratch.path())?.count(), 0);
    Ok(())
}

#[test]
fn a_name_that_no_ref_can_have_is_refused_before_anything_is_asked() {
    for name in ["", "a b", "a..b", "-x\n", "refs/tags/v1", "a~1", "x.lock"] {
        let error = following("https://git.example.com/x", tag(name)).expect_err("no name");
        assert!(matches!(error, Error::ReferenceName { .. }), "{name:?}: {error:?}");
        assert!(error.hint().is_some());
    }
}
