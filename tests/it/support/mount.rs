//! A mounted `ConfigMap`, made and renewed in the order in which the kubelet does it.
//!
//! Each name is a link through `..data`, which is a link to a folder of this state of the files. A renewal
//! makes the new folder, renames `..data`, then sets the names right, then removes the old folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

/// A folder that a `ConfigMap` is mounted at.
pub struct Mount {
    dir: TempDir,
    folder: PathBuf,
    count: usize,
}

impl Mount {
    /// Mounts these files.
    pub fn new(files: &[(&str, &str)]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("tagalong-mount-").tempdir()?;
        let folder = dir.path().join("shop");
        fs::create_dir(&folder)?;
        let mut mount = Self { dir, folder, count: 0 };
        mount.renew(files)?;
        Ok(mount)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// A file as a finding names it.
    pub fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Puts these files in place of all that are there.
    pub fn renew(&mut self, files: &[(&str, &str)]) -> Result<()> {
        let old = self.rename(files)?;
        self.set_right(files, old.as_deref())
    }

    /// The first half of a renewal, up to the renaming; gives the folder of the old state.
    pub fn rename(&mut self, files: &[(&str, &str)]) -> Result<Option<PathBuf>> {
        self.count += 1;
        let state = format!("..2026_01_02_03_04_05.{:09}", self.count);
        fs::create_dir(self.folder.join(&state))?;
        for (name, text) in files {
            fs::write(self.folder.join(&state).join(name), text)?;
        }
        let data = self.folder.join("..data");
        let old = fs::read_link(&data).ok().map(|old| self.folder.join(old));
        symlink(&state, self.folder.join("..data_tmp"))?;
        fs::rename(self.folder.join("..data_tmp"), data)?;
        Ok(old)
    }

    /// The second half: the names, and the end of the old state.
    pub fn set_right(&self, files: &[(&str, &str)], old: Option<&Path>) -> Result<()> {
        for (name, _) in files {
            let link = self.folder.join(name);
            if fs::symlink_metadata(&link).is_err() {
                symlink(Path::new("..data").join(name), link)?;
            }
        }
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let name = name.to_str().context("a name")?;
            if !name.starts_with('.') && !files.iter().any(|(kept, _)| *kept == name) {
                fs::remove_file(self.folder.join(name))?;
            }
        }
        old.map_or(Ok(()), |old| Ok(fs::remove_dir_all(old)?))
    }

    /// Takes the mount away, as where a volume is not there after a restart.
    pub fn unmount(&self) -> Result<()> {
        Ok(fs::rename(&self.folder, self.dir.path().join("away"))?)
    }

    /// Brings it back.
    pub fn mount_again(&self) -> Result<()> {
        Ok(fs::rename(self.dir.path().join("away"), &self.folder)?)
    }
}
