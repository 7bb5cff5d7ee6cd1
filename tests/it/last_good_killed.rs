//! An agent that is killed while its tag moves, at moments that matter and at random ones: it ends where the tag
//! does, nothing is applied twice, nothing that was deleted comes back, and nothing was ever in force that was not kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::DirEntry;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tagalong::kept::{Keeper, Whose};
use tagalong::model::name::EnvironmentName;
use tagalong::model::revision::Reference;
use tagalong::repo::Repository;
use tagalong::repo::options::GitOptions;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::fake::state::WriteKind;
use tokio::time::{Duration, Instant, sleep};

use crate::support::agent::Agent;
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::process::workers;

/// Connectors that change with each release.
const NAMES: [&str; 3] = ["a", "b", "c"];

/// How long a moment is waited for: an agent looks each second.
const LONGEST: Duration = Duration::from_secs(4);

/// Where it is deleted, of so many releases.
const LIVES: usize = 5;

/// The files of a release: each connector as this release has it, and one that lives for some releases.
fn files(release: usize) -> Vec<(String, String)> {
    let size = format!("  batch.size: {release}\n");
    let mut files: Vec<_> = NAMES.iter().map(|name| (file_of(name), file_source(name, &size))).collect();
    let mortal = mortal(release);
    let text = if release % LIVES == LIVES - 1 {
        format!("connector: {mortal}\nstate: absent\n")
    } else {
        file_source(&mortal, "")
    };
    files.push((file_of(&mortal), text));
    files
}

fn mortal(release: usize) -> String {
    format!("mortal-{}", release / LIVES)
}

/// Which release a file of definitions is of, or a connector.
fn release_of(batch_size: &str) -> Option<usize> {
    batch_size.trim().parse().ok()
}

/// Opens the file of a dead agent as the next one will; gives the release that is kept in it.
fn kept(folder: &Path, definitions: &Definitions, connect: &str) -> Result<Option<usize>> {
    let repository = Repository::git(GitOptions::new(definitions.url(), Reference::Tag("v1".into())))?;
    let source = repository.source().context("it is in git")?;
    let environment = EnvironmentName::new("test").ok().context("a name")?;
    let whose = Whose { environment: &environment, source: &source, connect };
    let last = Keeper::new(folder, whose).recall();
    let Some(last) = last.context("the file is whole, the old one or the new one")? else { return Ok(None) };
    let text =
        String::from_utf8_lossy(&last.repositories[0].snapshot.files[&*file_of(NAMES[0])]).into_owned();
    let size = text.rsplit_once("batch.size:").context("it says its release")?.1;
    Ok(Some(release_of(size).context("a number")?))
}

/// The newest release that any connector of the cluster has.
fn in_force(fake: &Fake) -> Option<usize> {
    let sizes = NAMES.iter().filter_map(|name| fake.connector(name)?.config.get("batch.size").cloned());
    sizes.filter_map(|size| release_of(&size)).max()
}

/// When an agent is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    /// A worker is there that fetches.
    Fetching,
    /// Something is put in place of the file that is kept.
    Keeping,
    /// The first connector of a release has changed.
    Writing,
    /// Whenever it comes.
    Any,
}

const MOMENTS: [Moment; 4] = [Moment::Fetching, Moment::Keeping, Moment::Writing, Moment::Any];

/// What the names of a folder lead to.
fn marks(folder: &Path) -> BTreeSet<(String, u64)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mark = |entry: DirEntry| Some((entry.file_name().into_string().ok()?, entry.metadata().ok()?.ino()));
    entries.filter_map(mark).collect()
}

impl Moment {
    /// Waits for it, and not for ever: an agent that has just begun may be done before it is looked at.
    async fn wait(self, agent: &Agent, folder: &Path, fake: &Fake, release: usize) -> bool {
        let (before, began) = (marks(folder), Instant::now());
        let is_come = || match self {
            Self::Fetching => !workers(agent.pid()).is_empty(),
            Self::Keeping => marks(folder) != before,
            Self::Writing => in_force(fake) == Some(release),
            Self::Any => false,
        };
        while !is_come() {
            if began.elapsed() > LONGEST {
                return false;
            }
            sleep(Duration::from_millis(1)).await;
        }
        true
    }
}

async fn killed_over(moves: usize) -> Result<()> {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let first = files(0);
    let first: Vec<_> = first.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut definitions = Definitions::new(&first).await?;
    let fake = Fake::start(1).await;
    let folder = tempfile::tempdir()?;
    let (settings, path) = (definitions.settings(&fake.url(0)), folder.path().to_string_lossy());
    let variables = [("TAGALONG_STATE_DIR", &*path)];
    let mut kills = 0;
    let mut met = BTreeSet::new();
    let mut agent = Agent::start_with(&settings, &variables).await?;
    for release in 1..=moves {
        let files = files(release);
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        definitions.release(&files)?;
        let moment = MOMENTS[release % MOMENTS.len()];
        let is_met = if moment == Moment::Any {
            sleep(Duration::from_millis(random.u64(0..1500))).await;
            random.bool()
        } else {
            moment.wait(&agent, folder.path(), &fake, release).await
        };
        if is_met {
            agent.kill().await?;
            kills += 1;
            met.insert(moment);
            let kept = kept(folder.path(), &definitions, &format!("{}/", fake.url(0)))?;
            let in_force = in_force(&fake);
            ensure!(in_force <= kept, "{moment:?}, seed {seed}: {in_force:?} is in force, kept is {kept:?}");
            agent = Agent::start_with(&settings, &variables).await?;
        }
    }
    for moment in &MOMENTS[..3] {
        ensure!(met.contains(moment), "{moment:?} never came");
    }
    agent.wait_for_applied(&definitions.released()?).await.with_context(|| format!("seed {seed}"))?;
    judge(&fake, moves).with_context(|| format!("seed {seed}, {kills} kills"))
}

fn judge(fake: &Fake, moves: usize) -> Result<()> {
    for name in NAMES {
        let config = fake.connector(name).context("it is there")?.config;
        ensure!(config["batch.size"] == moves.to_string(), "{name} is not as the last release has it");
    }
    let mut seen: BTreeMap<String, Vec<WriteKind>> = BTreeMap::new();
    for write in fake.writes() {
        ensure!(write.changed, "{} was written again as it was: {:?}", write.connector, write.kind);
        seen.entry(write.connector).or_default().push(write.kind);
    }
    for (name, kinds) in &seen {
        let count = |kind| kinds.iter().filter(|one| **one == kind).count();
        ensure!(count(WriteKind::Create) == 1, "{name} was made {kinds:?}");
        ensure!(count(WriteKind::Delete) <= 1, "{name} was deleted {kinds:?}");
        ensure!(count(WriteKind::Configure) <= moves, "{name} was written more often than it changed");
        let deleted = kinds.iter().position(|kind| *kind == WriteKind::Delete);
        ensure!(deleted.is_none_or(|at| at == kinds.len() - 1), "{name} came back: {kinds:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_agent_that_is_killed_at_random_moments_ends_where_its_tag_does_and_does_nothing_twice()
-> Result<()> {
    killed_over(15).await
}

#[tokio::test]
#[ignore = "long: four minutes of two hundred moves"]
async fn an_agent_that_is_killed_over_two_hundred_moves_ends_where_its_tag_does() -> Result<()> {
    killed_over(200).await
}
