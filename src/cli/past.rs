//! What an agent of this place accepted last, for a command that looks once.
//!
//! Takes the settings, gives a keeper for an agent that runs; and says of a version that was just read whether
//! such an agent would hold it. It is read without the agent's lock, which is the agent's alone: the file is
//! whole at any moment. Nothing is written here.

use std::cell::OnceCell;

use tracing::warn;

use crate::kept::{Keeper, Whose};
use crate::model::course::LowerVersion;
use crate::model::kept::Kept;
use crate::model::name::EnvironmentName;
use crate::model::revision::RepositoryRevision;
use crate::pipeline::moves;
use crate::repo::Repository;
use crate::settings::checked::{self, Settings};

/// The keeper of what is accepted here; none where that is not wanted, or where a folder is followed.
pub fn keeper(settings: &Settings, environment: &EnvironmentName, main: &Repository) -> Option<Keeper> {
    let (folder, source) = (settings.state_dir.as_ref()?, main.source()?);
    let whose = Whose { environment, source: &source, connect: settings.connect.url.as_str() };
    Some(Keeper::new(folder, whose))
}

/// Where the definitions come from, a folder as well.
pub fn source(settings: &Settings, main: &Repository) -> Option<String> {
    match settings.repository.as_ref()? {
        checked::Repository::Git(_) => main.source(),
        checked::Repository::Directory(path) => {
            Some(format!("folder {}", std::path::absolute(path).ok()?.display()))
        }
    }
}

/// What was accepted last, as far as it is known; read when it is needed.
#[derive(Debug, Default)]
pub struct Past {
    keeper: Option<Keeper>,
    kept: OnceCell<Vec<Kept>>,
}

impl Past {
    /// That of an agent with these settings.
    pub fn of(settings: &Settings, environment: &EnvironmentName, main: &Repository) -> Self {
        Self { keeper: keeper(settings, environment, main), kept: OnceCell::new() }
    }

    /// Says why an agent would not take what was read: it is a lower version than was accepted last.
    pub fn lower(&self, repository: &Repository, read: &RepositoryRevision) -> Option<LowerVersion> {
        let range = repository.range().filter(|range| !range.allow_downgrade)?;
        let source = repository.source()?;
        let is_of =
            |kept: &&Kept| *kept.source == *source && kept.snapshot.revision.repository == read.repository;
        let kept = self.kept().iter().find(is_of)?;
        moves::lower(Some(&kept.snapshot.revision), read, Some(range))
    }

    fn kept(&self) -> &[Kept] {
        self.kept.get_or_init(|| match self.keeper.as_ref().map(Keeper::look) {
            Some(Ok(Some(last))) => last.repositories,
            Some(Ok(None)) | None => Vec::new(),
            Some(Err(error)) => {
                let cause = &error as &dyn std::error::Error;
                warn!(
                    error = cause,
                    "could not look what was accepted last; a lower version is not recognised"
                );
                Vec::new()
            }
        })
    }
}
