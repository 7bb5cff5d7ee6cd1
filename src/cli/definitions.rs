//! Reads definitions once: the main repository, then those that it imports, one after another.
//!
//! Takes repositories and how imports are reached, gives everything that is to be rendered. One that
//! cannot be read ends the command; following them is left to `reconcile`.

use tracing::info;

use crate::cli::failure::Failure;
use crate::cli::past::Past;
use crate::cli::print;
use crate::model::course::LowerVersion;
use crate::model::folder::ExtraFolder;
use crate::model::revision::{RepositoryName, RepositoryRevision};
use crate::model::snapshot::{Snapshot, Sources};
use crate::pipeline;
use crate::pipeline::extra::Folder;
use crate::repo::error::Error;
use crate::repo::options::ImportOptions;
use crate::repo::{Repository, flat};
use crate::yaml::decode::nearest;

/// Whether imports are asked for that are in no folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Only what lies in a folder is read.
    Folders,
    /// What lies in no folder is fetched.
    Git,
}

/// Reads the main repository and its imports.
pub async fn sources(main: &Repository, options: &ImportOptions, reach: Reach) -> Result<Sources, Failure> {
    Ok(all(main, options, reach, None).await?.sources)
}

/// Definitions, and what is known of the tags that they were read from.
pub struct Told {
    /// The definitions, with the version that each tag stands for.
    pub sources: Sources,
    /// Versions that an agent here would not take.
    pub lower: Vec<LowerVersion>,
}

/// The same, and looks up which version each tag stands for: one more listing of each.
pub async fn told(
    main: &Repository,
    options: &ImportOptions,
    reach: Reach,
    past: &Past,
) -> Result<Told, Failure> {
    all(main, options, reach, Some(past)).await
}

async fn all(
    main: &Repository,
    options: &ImportOptions,
    reach: Reach,
    past: Option<&Past>,
) -> Result<Told, Failure> {
    let mut told = Told { sources: Sources::alone(read(main).await?), lower: Vec::new() };
    told.tell(main, &told.sources.main.revision.clone(), past).await;
    let about = pipeline::about(&told.sources.main);
    if !about.imports_lost {
        let known = || about.imports.keys().map(RepositoryName::as_str);
        if let Some(name) = options.folders.keys().find(|name| !about.imports.contains_key(name)) {
            let error = anyhow::anyhow!(
                "the definitions import no repository `{name}`, and a folder is named for it"
            );
            let hint = nearest(name.as_str(), known()).map_or_else(
                || "correct the name, or add it to `imports` in tagalong.yaml".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(Failure::usage(error).hint(Some(hint)));
        }
    }
    for import in about.imports.into_values().flatten() {
        if reach == Reach::Folders && !options.folders.contains_key(&import.name) {
            continue;
        }
        let unread = |error| {
            Failure::from(error)
                .context(format!("failed to read the import `{}`, which {} names", import.name, import.place))
        };
        let repository = Repository::import(&import, options).map_err(unread)?;
        let snapshot = read(&repository).await.map_err(unread)?;
        told.tell(&repository, &snapshot.revision, past).await;
        told.sources.imports.insert(import.name, snapshot.into());
    }
    Ok(told)
}

impl Told {
    /// Takes note of what the tag stands for that was read, for somebody who wants to know.
    async fn tell(&mut self, repository: &Repository, read: &RepositoryRevision, past: Option<&Past>) {
        let Some(past) = past else { return };
        self.lower.extend(past.lower(repository, read));
        match repository.version(read).await {
            Ok(None) => {}
            Ok(Some(version)) => {
                self.sources.version_tags.insert(read.repository.clone(), version);
            }
            // What was read is what is wanted: that nobody knows its version ends nothing.
            Err(error) => {
                let (repository, cause) = (&read.repository, &error as &dyn std::error::Error);
                info!(%repository, error = cause, "could not look which version the tag stands for");
            }
        }
    }
}

/// Reads folders of `extra` that are typed; says of each that holds nothing.
pub async fn folders(extra: &[ExtraFolder]) -> Result<Vec<Snapshot>, Failure> {
    let mut folders = Vec::new();
    for ExtraFolder { path, names: _ } in extra {
        let snapshot = flat::read(path.clone()).await?;
        if snapshot.files.is_empty() {
            print::note(&format!("{} holds no definition file", path.display()));
        }
        folders.push(snapshot);
    }
    Ok(folders)
}

/// Puts what was read of folders with the names that they are given.
pub fn beside<'f>(extra: &'f [ExtraFolder], read: &'f [Snapshot]) -> Vec<Folder<'f>> {
    let one = |(snapshot, ExtraFolder { path: _, names }): (&'f Snapshot, &'f ExtraFolder)| Folder {
        repository: &snapshot.revision.repository,
        names,
        look: Ok(snapshot),
        last: None,
    };
    read.iter().zip(extra).map(one).collect()
}

async fn read(repository: &Repository) -> Result<Snapshot, Error> {
    let resolved = repository.resolve().await?;
    Ok(repository.read(&resolved.revision).await?.snapshot)
}
