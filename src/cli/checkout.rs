//! Where a folder of definitions lies in the checkout that somebody looks at in a pull request.
//!
//! Takes the folder as it was typed, gives the paths of findings from the checkout's root. A finding of
//! a file that is not there, as one of an import, has none.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cli::failure::Failure;
use crate::model::finding::Place;

/// A folder in a checkout.
pub struct Checkout {
    folder: PathBuf,
    /// From the checkout's root to the folder; none where it lies elsewhere.
    below: Option<PathBuf>,
}

impl Checkout {
    /// Looks for the root: the nearest folder around this one that git keeps, else the working directory.
    pub fn of(folder: &Path) -> Result<Self, Failure> {
        let real = |path: &Path| {
            path.canonicalize()
                .with_context(|| format!("failed to find the folder {}", path.display()))
                .map_err(Failure::new)
        };
        let folder = real(folder)?;
        let kept = folder.ancestors().find(|around| around.join(".git").exists());
        let root = kept.map_or_else(|| real(Path::new(".")), |kept| Ok(kept.to_owned()))?;
        let below = folder.strip_prefix(&root).ok().map(Path::to_owned);
        Ok(Self { folder, below })
    }

    /// The path of a finding's file from the root; none where it has none there.
    pub fn path(&self, place: &Place) -> Option<String> {
        let is_there = place.line > 0 && self.folder.join(&*place.path).symlink_metadata().is_ok();
        let below = self.below.as_ref().filter(|_| is_there)?;
        Some(below.join(&*place.path).display().to_string())
    }
}
