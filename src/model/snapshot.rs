//! The definition files of one revision, in memory.
//!
//! Takes what a looking room read within its limits, gives bytes by path. Nothing here knows what
//! the bytes mean.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::finding::Finding;
use crate::model::import::Unread;
use crate::model::revision::{RepositoryName, RepositoryRevision, Revision};

/// Files by path, `/` between folders, relative to the repository's `path`.
pub type Files = BTreeMap<Arc<str>, Arc<[u8]>>;

/// Says which further files the files that were read name.
pub type Names = fn(&Files) -> BTreeSet<Arc<str>>;

/// Every definition file of one repository at one revision.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Where it was read.
    pub revision: RepositoryRevision,
    /// Each file's bytes.
    ///
    /// Only `.yaml`, `.yml` and `.json` files of `tagalong.yaml`, `templates/`, `connectors/` and
    /// `environments/` are here, and those elsewhere that they name.
    pub files: Files,
    /// Files inside the three folders that were passed over, for a note.
    pub ignored: Vec<Arc<str>>,
    /// What was wrong with the tree itself: links, submodules, files over the limits.
    pub findings: Vec<Finding>,
}

/// All that the definitions of one revision are read from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The repository that the settings name.
    pub main: Arc<Snapshot>,
    /// Repositories of templates, by the name that `tagalong.yaml` gives them.
    pub imports: BTreeMap<RepositoryName, Arc<Snapshot>>,
    /// Why there is nothing of an import. One that is in neither map was not looked for.
    pub unread: BTreeMap<RepositoryName, Unread>,
    /// The tags with a version that name what was read, where somebody has looked them up.
    pub version_tags: BTreeMap<RepositoryName, Arc<str>>,
}

impl Sources {
    /// One repository alone.
    pub fn alone(main: impl Into<Arc<Snapshot>>) -> Self {
        Self {
            main: main.into(),
            imports: BTreeMap::new(),
            unread: BTreeMap::new(),
            version_tags: BTreeMap::new(),
        }
    }

    /// Where each of them stands, the main one first, then the imports by name.
    pub fn revision(&self) -> Revision {
        let imports = self.imports.values().map(|import| import.revision.clone());
        let repositories = std::iter::once(self.main.revision.clone()).chain(imports).collect();
        Revision { repositories, version_tags: self.version_tags.clone() }
    }
}
