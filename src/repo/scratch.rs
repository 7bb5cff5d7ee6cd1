//! A folder for one fetch, gone when it is dropped.
//!
//! Takes the folder that the settings name, gives a fresh one inside it. What a killed agent left
//! behind is swept; what a living one uses is locked. Before a process ends it waits a moment for its own.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::repo::error::Error;

const PREFIX: &str = "tagalong-fetch-";
/// What a folder is called until it is locked: others sweep what is not.
const BEGUN: &str = "tagalong-begun-";
const LOCK: &str = "lock";

/// A folder that is begun is either a moment old or was left by somebody who died in that moment. One that
/// is called by its last name had a lock, and was being removed.
const UNLOCKED_FOR: Duration = Duration::from_mins(10);

/// How long the end of the process waits for those who still use a folder: they kill a worker.
const LEAVING: Duration = Duration::from_secs(3);

/// The folders of this process.
static IN_USE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A folder of our own.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Held as long as the folder is used, so that no other agent sweeps it.
    _lock: File,
}

impl Scratch {
    /// Makes a folder that only this user can enter, and sweeps what others left.
    pub fn new(parent: Option<&Path>) -> Result<Self, Error> {
        let parent = or_the_systems(parent);
        sweep(&parent);
        Self::create(&parent).map_err(|source| Error::Scratch { path: parent, source })
    }

    fn create(parent: &Path) -> io::Result<Self> {
        let id = fastrand::u64(..);
        let begun = parent.join(format!("{BEGUN}{id:016x}"));
        let path = parent.join(format!("{PREFIX}{id:016x}"));
        DirBuilder::new().mode(0o700).create(&begun)?;
        let locked = File::create_new(begun.join(LOCK))
            .and_then(|lock| lock.lock().map(|()| lock))
            .and_then(|lock| fs::rename(&begun, &path).map(|()| lock));
        match locked {
            Ok(lock) => {
                in_use().push(path.clone());
                Ok(Self { path, _lock: lock })
            }
            Err(error) => {
                let _ = fs::remove_dir_all(&begun);
                Err(error)
            }
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.path
    }

    /// Where a single file goes.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
        in_use().retain(|path| *path != self.path);
    }
}

/// Waits until this process uses no folder any more; what is used even then is removed under whoever uses it.
/// To be called when nobody waits for a fetch any more.
pub async fn leave() {
    let until = Instant::now() + LEAVING;
    while !in_use().is_empty() && Instant::now() < until {
        sleep(Duration::from_millis(10)).await;
    }
    for path in in_use().drain(..) {
        let _ = fs::remove_dir_all(path);
    }
}

fn in_use() -> MutexGuard<'static, Vec<PathBuf>> {
    IN_USE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what agents that were killed left behind.
pub fn tidy(parent: Option<&Path>) {
    sweep(&or_the_systems(parent));
}

fn or_the_systems(parent: Option<&Path>) -> PathBuf {
    parent.map_or_else(std::env::temp_dir, Path::to_owned)
}

/// Removes folders that nobody uses. What cannot be removed stays for another time.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let begins = |prefix| name.to_str().is_some_and(|name| name.starts_with(prefix));
        let abandoned = || {
            let path = entry.path();
            (begins(PREFIX) && is_abandoned(&path)) || (begins(BEGUN) && is_old(&path))
        };
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && abandoned() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_abandoned(folder: &Path) -> bool {
    match File::open(folder.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn is_old(folder: &Path) -> bool {
    fs::metadata(folder)
        .and_then(|metadata| metadata.modified())
        .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > UNLOCKED_FOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().expect("a folder");
        let scratch = Scratch::new(Some(parent.path())).expect("a scratch folder");
        let mode = fs::metadata(scratch.folder()).expect("a folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn what_a_dead_agent_left_is_swept_and_what_is_used_stays() {
        let parent = tempfile::tempdir().expect("a folder");
        let abandoned = parent.path().join(format!("{PREFIX}0"));
        fs::create_dir(&abandoned).expect("a folder");
        fs::write(abandoned.join(LOCK), "").expect("a file");
        // Killed while it was being removed: the lock was gone before the folder.
        let halved = parent.path().join(format!("{PREFIX}1"));
        fs::create_dir(&halved).expect("a folder");
        let begun = parent.path().join(format!("{BEGUN}2"));
        fs::create_dir(&begun).expect("a folder");
        let foreign = parent.path().join("other");
        fs::create_dir(&foreign).expect("a folder");

        let one = Scratch::new(Some(parent.path())).expect("a scratch folder");
        let other = Scratch::new(Some(parent.path())).expect("a scratch folder");
        assert!(!abandoned.exists() && !halved.exists());
        assert!(begun.exists() && foreign.exists() && one.path.exists() && other.path.exists());

        let path = one.path.clone();
        drop(one);
        assert!(!path.exists() && other.path.exists());
    }

    #[test]
    fn nobody_sweeps_what_another_has_just_begun() {
        let parent = tempfile::tempdir().expect("a folder");
        let make = || {
            for _ in 0..200 {
                let scratch = Scratch::new(Some(parent.path())).expect("a scratch folder");
                assert!(scratch.folder().join(LOCK).exists());
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(make);
            }
        });
        assert_eq!(fs::read_dir(parent.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn what_was_begun_long_ago_is_swept() {
        let parent = tempfile::tempdir().expect("a folder");
        let [old, new] = ["0", "1"].map(|id| parent.path().join(format!("{BEGUN}{id}")));
        for folder in [&old, &new] {
            fs::create_dir(folder).expect("a folder");
        }
        let now = fs::metadata(&new).and_then(|folder| folder.modified()).expect("a date");
        let long_ago = now - UNLOCKED_FOR * 2;
        File::open(&old).and_then(|folder| folder.set_modified(long_ago)).expect("a date");
        Scratch::new(Some(parent.path())).expect("a scratch folder");
        assert!(!old.exists() && new.exists());
    }
}
