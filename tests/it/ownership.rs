//! Whose a connector is that nobody declares now: what the history of a real repository says, over every way there is to
//! reach it, what an agent remembers, and what neither of them is asked in vain.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::http::StatusCode;
use tagalong::kept::{RecordKeeper, Whose};
use tagalong::model::capability::Capabilities;
use tagalong::model::desired::Desired;
use tagalong::model::known::{Claim, Former};
use tagalong::model::live::{Kind, Live, LiveConnector};
use tagalong::model::name::{ConnectorName, EnvironmentName};
use tagalong::model::policy::{Policy, Prune, Pruned};
use tagalong::model::select::Select;
use tagalong::model::snapshot::Sources;
use tagalong::model::values::Values;
use tagalong::pipeline;
use tagalong::pipeline::supply::Supply;
use tagalong::reconcile::claims::Claims;
use tagalong::repo::Repository;
use tagalong::repo::options::GitOptions;
use tagalong_testkit::git::hostile::{Act, Hostile, Phase};
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{Ways, following, tag};
use crate::support::agent::let_go;
use crate::support::process::{signal, workers};
use crate::support::sshd::Sshd;

pub const ENVIRONMENTS: (&str, &str) = (
    "environments/all.yaml",
    "environment: production\nconfig: {connector.class: FileStreamSource, topic: t, file: /dev/null}\n---\nenvironment: staging\n",
);

/// What becomes of connectors that nobody declares.
fn pruning() -> Policy {
    Policy { prune: Prune { who: Pruned::Owned, ..Prune::default() }, ..Policy::default() }
}

fn live(names: &[&str]) -> Live {
    let one = || LiveConnector { config: None, kind: Kind::Unknown, status: None };
    let connectors = names.iter().map(|name| (ConnectorName::observed(name), one())).collect();
    Live { connectors, capabilities: Capabilities::default() }
}

fn environment(name: &str) -> EnvironmentName {
    EnvironmentName::new(name).expect("a name")
}

/// What an environment should run now.
async fn desired_in(repository: &Repository, name: &str) -> Result<Desired> {
    let revision = repository.resolve().await?.revision;
    let sources = Sources::alone(repository.read(&revision).await?.snapshot);
    let definitions = pipeline::definitions(&sources);
    let supply = Supply { values: &Values::default(), examples: false, secrets: None };
    let (name, select) = (environment(name), Select::default());
    let (desired, findings) = pipeline::desired(&definitions, &sources.revision(), &name, &supply, &select);
    desired.with_context(|| format!("{findings:?}"))
}

pub async fn desired(repository: &Repository) -> Result<Desired> {
    desired_in(repository, "production").await
}

/// What is known of these connectors after a turn: `ours`, `kept`, `stranger`, or nothing.
pub async fn turn(claims: &mut Claims, desired: &Desired, names: &[&str]) -> BTreeMap<String, &'static str> {
    let (live, policy) = (live(names), pruning());
    claims.begin(desired).await;
    claims.judge(desired, &live, &policy).await;
    let known = claims.known(desired, &live, &policy).into_iter();
    let word = |claim| match claim {
        Claim::Stranger => "stranger",
        Claim::Ours(Former { keep: true, .. }) => "kept",
        Claim::Ours(Former { keep: false, .. }) => "ours",
    };
    known.map(|(name, claim)| (name.to_string(), word(claim))).collect()
}

#[track_caller]
pub fn is(known: &BTreeMap<String, &'static str>, wanted: &[(&str, &'static str)]) {
    let wanted: BTreeMap<_, _> = wanted.iter().map(|(name, word)| ((*name).to_owned(), *word)).collect();
    assert_eq!(*known, wanted);
}

/// A repository with a past: in its last release it declares `stays` alone.
fn origin() -> Result<Origin> {
    let mut origin = Origin::new()?;
    let connectors = "connector: gone\n---\nconnector: elsewhere\nonly: [staging]\n---\n\
        connector: renamed\nenvironments: {production: {name: renamed-prod}}\n---\n\
        connector: kept\n---\nconnector: freed\nkeep: true\n---\nconnector: given\n---\nconnector: absent\nstate: absent\n";
    let without = connectors
        .replace("connector: kept\n", "connector: kept\nkeep: true\n")
        .replace("freed\nkeep: true\n", "freed\n");
    let bomb = format!("a: &a [{}]\nb: [{}]\n", "x".repeat(100), "*a, ".repeat(1000));
    origin.commit("all", &[ENVIRONMENTS, ("connectors/all.yaml", connectors)])?;
    origin.commit("others are kept", &[("connectors/all.yaml", &without)])?;
    origin.commit(
        "broken",
        &[
            ("connectors/broken.yaml", "connector: beside-broken\n---\nconnector: [\n"),
            ("connectors/bomb.yaml", &bomb),
            ("connectors/half.json", "{\"name\": \"half\""),
        ],
    )?;
    origin.commit(
        "left",
        &[("connectors/stays.yaml", "connector: stays\n"), ("connectors/all.yaml", "forget: given\n")],
    )?;
    let broken =
        ["connectors/broken.yaml", "connectors/bomb.yaml", "connectors/half.json", "connectors/all.yaml"];
    origin.remove("tidied up", &broken)?;
    for n in 0..15 {
        origin.commit("nothing of it", &[("README.md", &format!("{n}"))])?;
    }
    origin.annotated_tag("v1", "HEAD", "release")?;
    Ok(origin)
}

const NAMES: [&str; 12] = [
    "gone",
    "elsewhere",
    "renamed",
    "renamed-prod",
    "kept",
    "freed",
    "given",
    "absent",
    "beside-broken",
    "half",
    "never",
    "stays",
];

const KNOWN: [(&str, &str); 11] = [
    ("gone", "ours"),
    ("elsewhere", "stranger"),
    ("renamed", "stranger"),
    ("renamed-prod", "ours"),
    ("kept", "kept"),
    ("freed", "ours"),
    ("given", "stranger"),
    ("absent", "ours"),
    ("beside-broken", "ours"),
    ("half", "stranger"),
    ("never", "stranger"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_history_says_whose_a_connector_is_over_every_way_to_reach_it() -> Result<()> {
    let origin = origin()?;
    let ways = Ways::to(&origin).await?;
    let sshd = Sshd::start("").await?;
    let ssh = sshd.options(&origin.path(), tag("v1"))?;
    let all = ways.urls.iter().map(|url| GitOptions::new(url.as_str(), tag("v1"))).chain([ssh]);
    for options in all {
        let options = GitOptions { deadline: Duration::from_mins(2), ..options };
        let repository = Repository::git(options.clone())?;
        let desired = desired(&repository).await.with_context(|| options.url.clone())?;
        let mut claims = Claims::new(Some(repository));
        is(&turn(&mut claims, &desired, &NAMES).await, &KNOWN);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_the_repository_and_one_commit_have_a_history_too() -> Result<()> {
    let mut origin = Origin::new()?;
    let environments = ("apps/connect/environments/all.yaml", ENVIRONMENTS.1);
    let file = "apps/connect/connectors/a.yaml";
    origin.commit(
        "declared",
        &[environments, (file, "connector: a\n"), ("connectors/b.yaml", "connector: b\n")],
    )?;
    let last = origin.commit("gone", &[(file, "connector: c\n"), ("connectors/b.yaml", "")])?;
    origin.tag("v1", "HEAD")?;
    let server = GitHttp::start(origin.parent()).await?;
    let commit = tagalong::model::revision::ObjectId::new(&last).context("an id")?;
    for reference in [tag("v1"), tagalong::model::revision::Reference::Commit(commit)] {
        let options = GitOptions {
            path: "apps/connect".to_owned(),
            deadline: Duration::from_mins(2),
            ..GitOptions::new(server.url(Origin::NAME), reference)
        };
        let repository = Repository::git(options)?;
        let desired = desired(&repository).await?;
        let mut claims = Claims::new(Some(repository));
        is(&turn(&mut claims, &desired, &["a", "b"]).await, &[("a", "ours"), ("b", "stranger")]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_read_once_and_for_a_release_only_what_is_new_of_it() -> Result<()> {
    let mut origin = origin()?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = || following(server.url(Origin::NAME), tag("v1"));
    let mut claims = Claims::new(Some(repository()?));
    let before = desired(&repository()?).await?;
    server.clear();
    is(&turn(&mut claims, &before, &["stays"]).await, &[]);
    assert_eq!(server.exchanges().len(), 0, "nothing is to be judged");
    is(&turn(&mut claims, &before, &["never", "gone"]).await, &[("never", "stranger"), ("gone", "ours")]);
    assert!(!server.exchanges().is_empty());
    server.clear();
    // It was read to its first commit, so nobody has to ask for a name that came later.
    let later = ["never", "gone", "kept", "another"];
    let known = [("never", "stranger"), ("gone", "ours"), ("kept", "kept"), ("another", "stranger")];
    is(&turn(&mut claims, &before, &later).await, &known);
    assert_eq!(server.exchanges().len(), 0);
    origin.commit("came", &[("connectors/came.yaml", "connector: came\nkeep: true\n")])?;
    origin.remove("and went", &["connectors/came.yaml"])?;
    origin.annotated_tag("v1", "HEAD", "release")?;
    let after = desired(&repository()?).await?;
    server.clear();
    is(
        &turn(&mut claims, &after, &["never", "gone", "came"]).await,
        &[("never", "stranger"), ("gone", "ours"), ("came", "kept")],
    );
    let posts = server.exchanges().iter().filter(|exchange| exchange.method == "POST").count();
    assert!((1..=2).contains(&posts), "ten commits lead to what is known: {:?}", server.exchanges());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_merge_counts_what_was_merged_into_and_what_never_stood_there_is_not_ours() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("first", &[ENVIRONMENTS, ("connectors/a.yaml", "connector: stood-there\n")])?;
    origin.branch("try")?;
    origin.commit("tried", &[("connectors/b.yaml", "connector: tried\n")])?;
    origin.remove("not after all", &["connectors/b.yaml"])?;
    origin.git(&["checkout", "-q", "-"])?;
    origin.remove("gone", &["connectors/a.yaml"])?;
    origin.git(&["merge", "-q", "--no-ff", "-m", "merged", "try"])?;
    origin.commit("after", &[("connectors/c.yaml", "connector: c\n")])?;
    origin.tag("v1", "HEAD")?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = following(server.url(Origin::NAME), tag("v1"))?;
    let desired = desired(&repository).await?;
    let mut claims = Claims::new(Some(repository));
    is(
        &turn(&mut claims, &desired, &["stood-there", "tried"]).await,
        &[("stood-there", "ours"), ("tried", "stranger")],
    );
    Ok(())
}

/// Where an agent for an environment and a source keeps what it saw.
pub fn keeper(folder: &Path, name: &str, source: &str) -> RecordKeeper {
    let environment = environment(name);
    RecordKeeper::new(folder, Whose { environment: &environment, source, connect: "http://localhost:8083/" })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agent_saw_counts_where_the_history_does_not_lead_and_for_this_agent_alone() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit(
        "first",
        &[ENVIRONMENTS, ("connectors/a.yaml", "connector: seen\nkeep: true\n---\nconnector: b\n")],
    )?;
    origin.tag("v1", "HEAD")?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = || following(server.url(Origin::NAME), tag("v1"));
    let state = tempfile::tempdir()?;
    let first = desired(&repository()?).await?;
    Claims::new(Some(repository()?))
        .keeping(Some(keeper(state.path(), "production", "s")))
        .begin(&first)
        .await;
    // By force, to a history that has nothing to do with it.
    origin.git(&["checkout", "-q", "--orphan", "other"])?;
    origin.git(&["rm", "-rqf", "."])?;
    origin.commit("another first", &[ENVIRONMENTS, ("connectors/c.yaml", "connector: c\n")])?;
    origin.tag("v1", "HEAD")?;
    let second = desired(&repository()?).await?;
    let names = ["seen", "b"];
    for (name, source, wanted) in [
        ("production", "s", [("seen", "kept"), ("b", "ours")]),
        ("production", "another source", [("seen", "stranger"), ("b", "stranger")]),
        ("staging", "s", [("seen", "stranger"), ("b", "stranger")]),
    ] {
        let claims = Claims::new(Some(repository()?));
        let mut claims = claims.looking(Some(keeper(state.path(), name, source)));
        is(&turn(&mut claims, &second, &names).await, &wanted);
    }
    let mut claims = Claims::new(Some(repository()?)).keeping(Some(keeper(state.path(), "production", "s")));
    is(&turn(&mut claims, &second, &names).await, &[("seen", "kept"), ("b", "ours")]);
    drop(claims);
    let_go(state.path()).await?;
    // What the history said is kept with it: an agent that starts anew does not fetch it.
    server.clear();
    let mut claims = Claims::new(Some(repository()?)).keeping(Some(keeper(state.path(), "production", "s")));
    is(&turn(&mut claims, &second, &names).await, &[("seen", "kept"), ("b", "ours")]);
    assert_eq!(server.exchanges().len(), 0);
    drop(claims);
    let_go(state.path()).await?;
    for file in std::fs::read_dir(state.path())? {
        std::fs::write(file?.path(), "lost")?;
    }
    let mut claims = Claims::new(Some(repository()?)).keeping(Some(keeper(state.path(), "production", "s")));
    is(&turn(&mut claims, &second, &names).await, &[("seen", "stranger"), ("b", "stranger")]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_definitions_has_no_history_and_the_record_is_all_that_counts() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let write = |path: &str, text: &str| -> Result<()> {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        Ok(std::fs::write(path, text)?)
    };
    write(ENVIRONMENTS.0, ENVIRONMENTS.1)?;
    write("connectors/a.yaml", "connector: a\n---\nconnector: b\n")?;
    let repository = Repository::directory(folder.path());
    let mut claims = Claims::new(None);
    claims.begin(&desired(&repository).await?).await;
    write("connectors/a.yaml", "connector: b\n")?;
    let now = desired(&repository).await?;
    is(&turn(&mut claims, &now, &["a", "b", "c"]).await, &[("a", "ours"), ("c", "stranger")]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_known_while_the_history_cannot_be_read_and_it_is_not_asked_for_at_every_turn()
-> Result<()> {
    let origin = origin()?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = following(server.url(Origin::NAME), tag("v1"))?;
    let desired = desired(&repository).await?;
    let mut claims = Claims::new(Some(repository));
    server.fail(StatusCode::INTERNAL_SERVER_ERROR);
    server.clear();
    is(&turn(&mut claims, &desired, &["gone"]).await, &[]);
    let asked = server.exchanges().len();
    assert!(asked > 0);
    for _ in 0..5 {
        is(&turn(&mut claims, &desired, &["gone"]).await, &[]);
    }
    assert_eq!(server.exchanges().len(), asked);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_meanwhile_leaves_nothing_known() -> Result<()> {
    let origin = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let server = Hostile::http(git.address()).await?;
    let scratch = tempfile::tempdir()?;
    let url = git.url(Origin::NAME).replace(&git.address().to_string(), &server.address().to_string());
    let options = GitOptions {
        scratch: Some(scratch.path().to_owned()),
        deadline: Duration::from_mins(2),
        ..GitOptions::new(url, tag("v1"))
    };
    let repository = Repository::git(options)?;
    let desired = desired(&repository).await?;
    let killed = Arc::new(AtomicUsize::new(0));
    let (counted, place) = (Arc::clone(&killed), scratch.path().to_owned());
    let kill = move || {
        // Other stories of this process have workers too.
        let at = |worker: &u32| std::fs::read_link(format!("/proc/{worker}/cwd"));
        for worker in workers(std::process::id())
            .into_iter()
            .filter(|one| at(one).is_ok_and(|at| at.starts_with(&place)))
        {
            signal(worker, "KILL").expect("it is there");
            counted.fetch_add(1, Ordering::SeqCst);
        }
    };
    server.turn(&[Phase::Fetch], &[Act::Meanwhile(Arc::new(kill)), Act::Pass]);
    let mut claims = Claims::new(Some(repository));
    is(&turn(&mut claims, &desired, &["gone"]).await, &[]);
    assert_eq!(killed.load(Ordering::SeqCst), 1, "one look, one worker");
    assert_eq!(std::fs::read_dir(scratch.path())?.count(), 0, "nothing of it is left");
    Ok(())
}

/// Writes so many commits before the tag, the first of which declares `first`; they change one of fifty files each, or
/// nothing at all.
pub fn lengthen(origin: &Origin, commits: usize, changing: bool) -> Result<()> {
    use std::fmt::Write as _;
    use std::io::Write as _;
    let file = |path: &str, text: &str| format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len());
    let mut stream = String::new();
    for n in 0..commits {
        write!(stream, "commit refs/heads/long\ncommitter a <a@b> {} +0000\ndata 1\nx\n", 1_700_000_000 + n)?;
        match n {
            0 => {
                stream +=
                    &[file(ENVIRONMENTS.0, ENVIRONMENTS.1), file("connectors/a.yaml", "connector: first\n")]
                        .concat();
            }
            1 => stream += &file("connectors/a.yaml", "connector: stays\n"),
            n if changing => {
                let name = format!("c{}", n % 50);
                let text = format!("connector: {name}\nconfig: {{topic: t{n}}}\n");
                stream += &file(&format!("connectors/{name}.yaml"), &text);
            }
            _ => {}
        }
    }
    stream += "reset refs/tags/v1\nfrom refs/heads/long\n";
    let mut git = tagalong_testkit::git::repository::pinned(origin.parent())
        .current_dir(origin.path())
        .args(["fast-import", "--quiet", "--force"])
        .stdin(std::process::Stdio::piped())
        .spawn()?;
    git.stdin.take().context("it is piped")?.write_all(stream.as_bytes())?;
    ensure!(git.wait()?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_without_end_is_read_as_far_as_may_be_and_costs_one_look() -> Result<()> {
    let origin = Origin::new()?;
    lengthen(&origin, 100_000, false)?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = following(server.url(Origin::NAME), tag("v1"))?;
    let desired = desired(&repository).await?;
    let mut claims = Claims::new(Some(repository));
    server.clear();
    is(&turn(&mut claims, &desired, &["first"]).await, &[("first", "stranger")]);
    let received: usize = server.exchanges().iter().map(|exchange| exchange.received).sum();
    assert!(received < 8 * 1024 * 1024, "{received}");
    server.clear();
    is(&turn(&mut claims, &desired, &["first"]).await, &[("first", "stranger")]);
    assert_eq!(server.exchanges().len(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_of_a_thousand_commits_is_read_to_its_first() -> Result<()> {
    let origin = Origin::new()?;
    lengthen(&origin, 1_000, true)?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = following(server.url(Origin::NAME), tag("v1"))?;
    let desired = desired(&repository).await?;
    let mut claims = Claims::new(Some(repository));
    let names = ["first", "never"];
    server.clear();
    is(&turn(&mut claims, &desired, &names).await, &[("first", "ours"), ("never", "stranger")]);
    let received: usize = server.exchanges().iter().map(|exchange| exchange.received).sum();
    assert!(received < 2 * 1024 * 1024, "{received}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_to_be_fetched_ends_the_look_where_it_lies() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("old", &[ENVIRONMENTS, ("connectors/a.yaml", "connector: old\n")])?;
    let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(70 * 1024 * 1024).collect();
    std::fs::write(origin.work_tree().join("large"), noise)?;
    origin.commit_work_tree("large")?;
    origin.remove("not large", &["large"])?;
    origin.commit("new", &[("connectors/a.yaml", "connector: new\n")])?;
    origin.commit("newest", &[("connectors/a.yaml", "connector: newest\n")])?;
    for _ in 0..12 {
        origin.commit_work_tree("nothing")?;
    }
    origin.tag("v1", "HEAD")?;
    let server = GitHttp::start(origin.parent()).await?;
    let repository = following(server.url(Origin::NAME), tag("v1"))?;
    let desired = desired(&repository).await?;
    let mut claims = Claims::new(Some(repository));
    // Ten commits can be had, and a hundred cannot.
    is(&turn(&mut claims, &desired, &["old"]).await, &[("old", "stranger")]);
    server.clear();
    is(&turn(&mut claims, &desired, &["old"]).await, &[("old", "stranger")]);
    assert_eq!(server.exchanges().len(), 0, "it is not tried again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_a_part_of_the_history_says_what_is_in_that_part() -> Result<()> {
    let mut origin = Origin::new()?;
    origin.commit("1", &[ENVIRONMENTS, ("connectors/a.yaml", "connector: one\n")])?;
    for (n, name) in ["two", "three", "four"].into_iter().enumerate() {
        origin.commit(&n.to_string(), &[("connectors/a.yaml", &format!("connector: {name}\n"))])?;
    }
    origin.tag("v1", "HEAD")?;
    let folder = tempfile::tempdir()?;
    let from = format!("file://{}", origin.path().display());
    let at = folder.path().join(Origin::NAME).display().to_string();
    origin.git(&["clone", "-q", "--bare", "--depth", "2", "--branch", "v1", &from, &at])?;
    let server = GitHttp::start(folder.path()).await?;
    for url in [server.url(Origin::NAME), at] {
        let repository = following(url, tag("v1"))?;
        let desired = desired(&repository).await?;
        let mut claims = Claims::new(Some(repository));
        is(&turn(&mut claims, &desired, &["one", "three"]).await, &[("one", "stranger"), ("three", "ours")]);
    }
    Ok(())
}
