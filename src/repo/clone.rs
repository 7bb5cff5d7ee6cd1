//! The clone in which a folder lies, and what names mean in it.
//!
//! Takes a folder and what a person calls a commit (`v1`, `origin/main`, `HEAD~1`, an id), gives options
//! to read it with and the full name to show. Reading is left to the rooms that read any repository.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::model::revision::{ObjectId, Reference};
use crate::repo::address::Address;
use crate::repo::deadline::Deadline;
use crate::repo::error::Error;
use crate::repo::local::Here;
use crate::repo::options::GitOptions;
use crate::repo::problem::Doing;
use crate::repo::worker::words::{Ask, Tell};

/// How long a question to a clone may take.
const LONGEST: Duration = Duration::from_secs(30);

/// A clone, and the folder of the definitions in it.
#[derive(Debug, Clone)]
pub struct LocalClone {
    /// Its own folder.
    root: PathBuf,
    /// The folder of the definitions, from there.
    path: String,
}

/// What a name means.
#[derive(Debug, Clone)]
pub struct Meant {
    /// How to read it.
    pub options: GitOptions,
    /// The full name of the ref, or what was typed where it is none.
    pub name: String,
}

impl LocalClone {
    /// Finds the clone in which a folder lies; a bare repository is one too.
    pub fn around(folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Folder { file: false, path: folder.to_owned(), source };
        let whole = fs::canonicalize(folder).map_err(failed)?;
        let root = whole.ancestors().find(|above| above.join(".git").exists());
        if let Some(root) = root {
            let inside = whole.strip_prefix(root).expect("an ancestor is a prefix");
            let names = inside.components().filter_map(|part| match part {
                Component::Normal(name) => Some(name.to_string_lossy()),
                Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
            });
            let path = names.collect::<Vec<_>>().join("/");
            return Ok(Self { root: root.to_owned(), path });
        }
        if whole.join("objects").is_dir() && whole.join("HEAD").is_file() {
            return Ok(Self { root: whole, path: String::new() });
        }
        Err(Error::NoClone { path: folder.to_owned() })
    }

    /// Whether the folder of the definitions is the clone's own.
    pub fn is_root(&self) -> bool {
        self.path.is_empty()
    }

    /// The host of the remote `origin`, where there is one.
    pub async fn origin(&self) -> Option<String> {
        let Ok(Ask::Origin { url }) = self.ask(&Tell::Origin).await else { return None };
        match Address::parse(&url).ok()? {
            Address::Http { url, .. } => url.host_str().map(ToOwned::to_owned),
            Address::Git { host, .. } | Address::Ssh { host, .. } => Some(host),
            Address::Local(_) => None,
        }
    }

    /// Says what a name means here, as git does; a short name of two different commits is refused.
    pub async fn meaning(&self, name: &str) -> Result<Meant, Error> {
        let repository = self.shown();
        let name = name.to_owned();
        match self.ask(&Tell::Mean { name: name.clone() }).await? {
            Ask::Meant { name, commit } => match ObjectId::new(&commit) {
                Some(commit) => Ok(self.meant(name, commit)),
                None => Err(Error::Sha256 { repository }),
            },
            Ask::Ambiguous { first, second } => Err(Error::Ambiguous { name, first, second }),
            Ask::Unknown { shallow } => Err(Error::NoName { repository, name, shallow }),
            _ => Err(Error::nonsense(&repository, Doing::Listing)),
        }
    }

    /// Asks a worker of its own.
    async fn ask(&self, tell: &Tell) -> Result<Ask, Error> {
        let here = Here { repository: self.shown().into(), path: self.root.clone() };
        let (deadline, _asking) = Deadline::begin(&here.repository, LONGEST);
        let mut errand = here.open(Doing::Listing, &deadline).await?;
        let answer = errand.ask(tell, &[]).await;
        errand.end().await;
        answer.map(|(ask, _)| ask)
    }

    fn shown(&self) -> String {
        self.root.display().to_string()
    }

    fn meant(&self, name: String, commit: ObjectId) -> Meant {
        let short = |place: &str| name.strip_prefix(place).map(ToOwned::to_owned);
        let reference = match (short("refs/tags/"), short("refs/heads/")) {
            (Some(tag), _) => Reference::Tag(tag),
            (None, Some(branch)) => Reference::Branch(branch),
            (None, None) => Reference::Commit(commit),
        };
        // A path that begins with `/` is never taken for another kind of address.
        let mut options = GitOptions::new(self.shown(), reference);
        if !self.path.is_empty() {
            options.path.clone_from(&self.path);
        }
        Meant { options, name }
    }
}
