//! An agent that is killed at random moments while its tag moves: it ends where the tag does, nothing is
//! applied twice, and nothing that was deleted comes back.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tagalong::kept::{Keeper, Whose};
use tagalong::model::name::EnvironmentName;
use tagalong::model::revision::Reference;
use tagalong::repo::Repository;
use tagalong::repo::options::GitOptions;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::fake::state::WriteKind;
use tokio::time::{Duration, sleep};

use crate::support::agent::Agent;
use crate::support::definitions::{Definitions, file_of, file_source};

/// Connectors that change with each release.
const NAMES: [&str; 3] = ["a", "b", "c"];

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

/// Opens the file of a dead agent as the next one will.
fn is_whole(folder: &Path, definitions: &Definitions, connect: &str) -> Result<()> {
    let repository = Repository::git(GitOptions::new(definitions.url(), Reference::Tag("v1".into())))?;
    let source = repository.source().context("it is in git")?;
    let environment = EnvironmentName::new("test").ok().context("a name")?;
    let whose = Whose { environment: &environment, source: &source, connect };
    Keeper::new(folder, whose).recall().map(drop).context("the file is whole, the old one or the new one")
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
    let mut agent = Agent::start_with(&settings, &variables).await?;
    for release in 1..=moves {
        let files = files(release);
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        definitions.release(&files)?;
        sleep(Duration::from_millis(random.u64(0..1500))).await;
        if random.bool() {
            agent.kill().await?;
            kills += 1;
            is_whole(folder.path(), &definitions, &format!("{}/", fake.url(0)))?;
            agent = Agent::start_with(&settings, &variables).await?;
        }
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
