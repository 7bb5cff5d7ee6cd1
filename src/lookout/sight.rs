//! Which folders to watch, so that nothing changes unseen that some paths lead to.
//!
//! Takes paths, gives folders without links, each with the names in it that count. On the way to where a path
//! leads only its next name counts; there, every name of the folder and of those below it. Watching them is
//! left to `eyes`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

/// The most folders below the paths that are watched.
pub const MOST_FOLDERS: usize = 4096;

/// The most links on one way; the kernel goes no further either.
const MOST_LINKS: usize = 40;

/// What tells a folder from another that has its name later: its device and its number.
pub type Identity = (u64, u64);

/// Which of its names count.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Counts {
    All,
    These(BTreeSet<OsString>),
}

/// What is to be watched.
#[derive(Debug, Default)]
pub struct Sight {
    folders: BTreeMap<PathBuf, (Identity, Counts)>,
    /// Whether there are more below the paths than are watched.
    is_short: bool,
}

impl Sight {
    /// What is to be watched of these paths now.
    pub fn of(paths: &[PathBuf]) -> Self {
        let mut sight = Self::default();
        for path in paths {
            if let Some(end) = sight.go(path) {
                sight.spread(end);
            }
        }
        sight
    }

    /// The folders.
    pub fn folders(&self) -> impl Iterator<Item = (&Path, Identity)> {
        self.folders.iter().map(|(path, (identity, _))| (path.as_path(), *identity))
    }

    /// Whether there are more than are watched.
    pub fn is_short(&self) -> bool {
        self.is_short
    }

    /// Whether what happened at a place counts.
    pub fn concerns(&self, place: &Path) -> bool {
        let of_parent = || {
            let (_, counts) = self.folders.get(place.parent()?)?;
            Some(match (counts, place.file_name()) {
                (Counts::All, _) => true,
                (Counts::These(names), Some(name)) => names.contains(name),
                (Counts::These(_), None) => false,
            })
        };
        self.folders.contains_key(place) || of_parent().unwrap_or(false)
    }

    /// Goes a path to its end, name by name and link by link; `None` where it leads nowhere.
    fn go(&mut self, path: &Path) -> Option<PathBuf> {
        let mut at = PathBuf::from("/");
        let path = std::path::absolute(path).ok()?;
        let mut rest = names(&path);
        let mut links = 0;
        while let Some(name) = rest.pop() {
            if name == ".." {
                at.pop();
                continue;
            }
            self.note(&at, &name);
            let next = at.join(&name);
            if !fs::symlink_metadata(&next).ok()?.is_symlink() {
                at = next;
                continue;
            }
            links += 1;
            let target = fs::read_link(&next).ok().filter(|_| links <= MOST_LINKS)?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            rest.extend(names(&target));
        }
        Some(at)
    }

    /// Takes note that a name counts in a folder.
    fn note(&mut self, folder: &Path, name: &OsStr) {
        let Some(identity) = identity(folder) else { return };
        let fresh = || (identity, Counts::These(BTreeSet::new()));
        let (_, counts) = self.folders.entry(folder.to_owned()).or_insert_with(fresh);
        if let Counts::These(names) = counts {
            names.insert(name.to_owned());
        }
    }

    /// Takes note that all counts in a folder, and in those below it. What is hidden is not read, but for the
    /// folders that Kubernetes mounts.
    fn spread(&mut self, folder: PathBuf) {
        let mut open = vec![folder];
        while let Some(folder) = open.pop() {
            let Some(identity) = identity(&folder) else { continue };
            if self.folders.len() >= MOST_FOLDERS {
                self.is_short = true;
                return;
            }
            self.folders.insert(folder.clone(), (identity, Counts::All));
            // One that cannot be read is told by whoever wants to read it.
            let below = fs::read_dir(&folder).into_iter().flatten().flatten();
            let below = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            open.extend(below.filter(|entry| !is_hidden(&entry.file_name())).map(|entry| entry.path()));
        }
    }
}

/// The names of a path, the last one first.
fn names(path: &Path) -> Vec<OsString> {
    let name = |part: Component<'_>| match part {
        Component::Normal(_) | Component::ParentDir => Some(part.as_os_str().to_owned()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(name).rev().collect()
}

fn is_hidden(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b".") && !name.starts_with(b"..")
}

fn identity(folder: &Path) -> Option<Identity> {
    let seen = fs::symlink_metadata(folder).ok().filter(fs::Metadata::is_dir)?;
    Some((seen.dev(), seen.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    /// A folder without links in its own path.
    fn place() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().canonicalize().expect("it is there");
        (dir, path)
    }

    fn make(folder: &Path) {
        fs::create_dir_all(folder).expect("a folder");
    }

    /// Which of these places count for a path.
    fn counting(path: &Path, places: &[&Path]) -> Vec<bool> {
        let sight = Sight::of(&[path.to_owned()]);
        places.iter().map(|place| sight.concerns(place)).collect()
    }

    #[test]
    fn below_a_folder_all_counts_and_beside_it_nothing() {
        let (_dir, at) = place();
        make(&at.join("a/b/c/d"));
        let places = [at.join("a/b/x"), at.join("a/b/c/d/x"), at.join("a/b"), at.join("a/x"), at.join("x")];
        let places = places.each_ref().map(PathBuf::as_path);
        assert_eq!(counting(&at.join("a/b"), &places), [true, true, true, false, false]);
    }

    #[test]
    fn what_is_missing_is_waited_for_name_by_name() {
        let (_dir, at) = place();
        let (a, b) = (at.join("a"), at.join("a/b"));
        assert_eq!(counting(&b, &[&a, &b, &at.join("b")]), [true, false, false]);
        make(&a);
        assert_eq!(counting(&b, &[&a, &b, &at.join("b")]), [true, true, false]);
    }

    #[test]
    fn each_link_on_the_way_counts() {
        let (_dir, at) = place();
        make(&at.join("releases/1/shop"));
        symlink("releases/1", at.join("current")).expect("a link");
        symlink(at.join("current/../1/shop"), at.join("shop")).expect("a link");
        let places =
            [at.join("shop"), at.join("current"), at.join("releases/1"), at.join("releases/1/shop/x")];
        let others = [at.join("releases/2"), at.join("releases/1/x")];
        let places: Vec<_> = places.iter().chain(&others).map(PathBuf::as_path).collect();
        assert_eq!(counting(&at.join("shop"), &places), [true, true, true, true, false, false]);
    }

    #[test]
    fn links_in_a_ring_lead_nowhere() {
        let (_dir, at) = place();
        symlink("b", at.join("a")).expect("a link");
        symlink("a", at.join("b")).expect("a link");
        assert_eq!(
            counting(&at.join("a"), &[&at.join("a"), &at.join("b"), &at.join("c")]),
            [true, true, false]
        );
    }

    #[test]
    fn hidden_folders_do_not_count_but_for_those_of_a_mount() {
        let (_dir, at) = place();
        make(&at.join(".git/objects"));
        make(&at.join("..2026_01_02"));
        let places = [at.join(".git/index"), at.join(".git/objects/x"), at.join("..2026_01_02/x")];
        assert_eq!(counting(&at, &places.each_ref().map(PathBuf::as_path)), [false, false, true]);
    }

    #[test]
    fn more_folders_than_are_watched_are_said() {
        let (_dir, at) = place();
        assert!(!Sight::of(std::slice::from_ref(&at)).is_short());
        (0..=MOST_FOLDERS).for_each(|number| make(&at.join(number.to_string())));
        let sight = Sight::of(&[at]);
        assert!(sight.is_short());
        assert_eq!(sight.folders().count(), MOST_FOLDERS);
    }
}
