//! The clone in which a folder lies, and what names mean in it.
//!
//! Takes a folder and what a person calls a commit (`v1`, `origin/main`, `HEAD~1`, an id), gives options
//! to read it with and the full name to show. Reading is left to the rooms that read any repository.

use std::fs;
use std::path::{Component, Path, PathBuf};

use git2::Oid;

use crate::model::revision::Reference;
use crate::repo::address::Address;
use crate::repo::cause::Cause;
use crate::repo::error::{Doing, Error};
use crate::repo::local;
use crate::repo::options::GitOptions;
use crate::repo::tree;

/// Where a short name may stand, in the order in which git looks.
const PLACES: [&str; 3] = ["refs/tags/", "refs/heads/", "refs/remotes/"];

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
        let failed = |source| Error::Folder { path: folder.to_owned(), source };
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
    pub fn origin(&self) -> Option<String> {
        let git = local::open(&self.root, "").ok()?;
        let origin = git.find_remote("origin").ok()?;
        match Address::parse(origin.url().ok()?).ok()? {
            Address::Http { url, .. } => url.host_str().map(ToOwned::to_owned),
            Address::Git { host, .. } | Address::Ssh { host, .. } => Some(host),
            Address::Local(_) => None,
        }
    }

    /// Says what a name means here, as git does; a short name of two different commits is refused.
    pub fn meaning(&self, name: &str) -> Result<Meant, Error> {
        let repository = self.root.display().to_string();
        let git = local::open(&self.root, &repository)?;
        let commit = |name: &str| -> Option<Oid> {
            git.find_reference(name).and_then(|found| found.peel_to_commit()).ok().map(|commit| commit.id())
        };
        let full = |place: &&str| {
            let full = format!("{place}{name}");
            commit(&full).map(|id| (full, id))
        };
        let found: Vec<_> = PLACES.iter().filter_map(full).collect();
        if let Some((first, id)) = found.first() {
            if let Some((second, _)) = found.iter().find(|(_, other)| other != id) {
                let (name, first, second) = (name.to_owned(), first.clone(), second.clone());
                return Err(Error::Ambiguous { name, first, second });
            }
            return Ok(self.meant(first.clone(), *id));
        }
        let unknown = || Error::NoName {
            repository: repository.clone(),
            name: name.to_owned(),
            shallow: git.is_shallow(),
        };
        let object = git.revparse_single(name).map_err(|_| unknown())?;
        match object.peel_to_commit() {
            Ok(commit) => Ok(self.meant(name.to_owned(), commit.id())),
            Err(source) => {
                Err(Error::Git { repository, doing: Doing::Listing, source: Cause::from(&source) })
            }
        }
    }

    fn meant(&self, name: String, commit: Oid) -> Meant {
        let short = |place: &str| name.strip_prefix(place).map(ToOwned::to_owned);
        let reference = match (short("refs/tags/"), short("refs/heads/")) {
            (Some(tag), _) => Reference::Tag(tag),
            (None, Some(branch)) => Reference::Branch(branch),
            (None, None) => Reference::Commit(tree::object_id(commit)),
        };
        // A path that begins with `/` is never taken for another kind of address.
        let mut options = GitOptions::new(self.root.display().to_string(), reference);
        if !self.path.is_empty() {
            options.path.clone_from(&self.path);
        }
        Meant { options, name }
    }
}
