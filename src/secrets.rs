//! The secrets that the place of the agent holds for connectors: variables and mounted files.
//!
//! Takes names that definitions have, gives values that cannot be printed, or why there is none. Only
//! what the settings opened for it is read: variables behind a prefix, files below some folders, and
//! never what is the agent's own. When to read again, and what becomes of it, is left to `reconcile`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::files;
use crate::model::config::Value;
use crate::model::supplied::{Lack, SecretName, Secrets};

/// The longest file that is read.
const LIMIT: u64 = 64 * 1024;

/// A folder of this name holds the identity of the pod that the agent runs in.
const IDENTITY: &str = "serviceaccount";

/// Folders of the kernel.
const KERNEL: &[&str] = &["/proc", "/sys", "/dev"];

/// What of the place definitions may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What stands before the name of a variable.
    pub env_prefix: String,
    /// Where files are looked for; the first that has one counts.
    pub folders: Vec<PathBuf>,
    /// Files that are never read, wherever they lie: the agent's own.
    pub own: Vec<PathBuf>,
}

/// What of the place definitions may name, ready to be read again and again.
pub struct Store {
    options: Options,
    /// By their name behind the prefix; a process's own variables do not change.
    variables: BTreeMap<String, Result<Value, Lack>>,
}

impl Options {
    /// Whether a folder, without links, is the kernel's, where the agent's own variables stand.
    pub fn is_kernels(folder: &Path) -> bool {
        KERNEL.iter().any(|kernel| folder.starts_with(kernel))
    }
}

/// A file that was looked for in one folder.
enum Sought {
    Found(Vec<u8>),
    Lacking(Lack),
    /// The folder does not have it.
    Nowhere,
}

impl Store {
    /// Takes what the settings say, and the variables of the process.
    pub fn new(options: Options, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let own = |(name, text): (OsString, OsString)| {
            let name = name.to_str()?.strip_prefix(&options.env_prefix)?.to_owned();
            Some((name, text.into_string().map_err(|_| Lack::NotText).and_then(|text| whole(&text))))
        };
        let variables = variables.into_iter().filter_map(own).collect();
        Self { options, variables }
    }

    /// The folders of the settings that are not there, so that nothing can be found in them.
    pub fn absent_folders(&self) -> impl Iterator<Item = &Path> {
        self.options.folders.iter().map(PathBuf::as_path).filter(|folder| !folder.is_dir())
    }

    /// Reads what has these names, as it is now.
    pub fn read(&self, names: &BTreeSet<SecretName>) -> Secrets {
        let one = |name: &SecretName| match name {
            SecretName::Variable(variable) => self.variables.get(variable.as_ref()).map_or_else(
                || Err(Lack::NoVariable(format!("{}{variable}", self.options.env_prefix).into())),
                Clone::clone,
            ),
            SecretName::File(path) => self.file(path),
        };
        names.iter().map(|name| (name.clone(), one(name))).collect()
    }

    fn file(&self, path: &str) -> Result<Value, Lack> {
        let Options { env_prefix: _, folders, own } = &self.options;
        if folders.is_empty() {
            return Err(Lack::NoFolder);
        }
        for folder in folders {
            // A mount that is swapped takes the old files away a moment after it shows the new ones.
            let sought = match in_time(folder, path, own) {
                Sought::Nowhere => in_time(folder, path, own),
                sought => sought,
            };
            match sought {
                Sought::Found(bytes) => return text(&bytes),
                Sought::Lacking(lack) => return Err(lack),
                Sought::Nowhere => {}
            }
        }
        Err(Lack::NoFile)
    }
}

/// Looks for a file in a folder, and gives a mount up that hangs.
fn in_time(folder: &Path, path: &str, own: &[PathBuf]) -> Sought {
    let (root, path, own) = (folder.to_owned(), path.to_owned(), own.to_owned());
    files::within(folder, move || below(&root, &path, &own))
        .unwrap_or_else(|error| Sought::Lacking(Lack::Unreadable(error.kind())))
}

/// Looks for a file in a folder. Links may lead anywhere inside of it, as in a mounted Kubernetes secret.
fn below(folder: &Path, path: &str, own: &[PathBuf]) -> Sought {
    let sought = (|| {
        let root = folder.canonicalize()?;
        // The settings name the folder; where a link leads is known only now.
        if Options::is_kernels(&root) || root.parent().is_none() {
            return Ok(Sought::Lacking(Lack::Own));
        }
        let file = root.join(path).canonicalize()?;
        if !file.starts_with(&root) {
            return Ok(Sought::Lacking(Lack::Outside));
        }
        if file.components().any(|part| part.as_os_str() == IDENTITY) {
            return Ok(Sought::Lacking(Lack::Own));
        }
        let seen = file.metadata()?;
        if !seen.is_file() {
            return Ok(Sought::Lacking(Lack::NotAFile));
        }
        if own.iter().any(|own| own.metadata().is_ok_and(|own| is_same(&own, &seen))) {
            return Ok(Sought::Lacking(Lack::Own));
        }
        Ok(Sought::Found(files::read(&file, LIMIT)?))
    })();
    sought.unwrap_or_else(|error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Sought::Nowhere,
        ErrorKind::FileTooLarge => Sought::Lacking(Lack::TooLarge),
        kind => Sought::Lacking(Lack::Unreadable(kind)),
    })
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// The text of a file, without the line feed that an editor puts at its end.
fn text(bytes: &[u8]) -> Result<Value, Lack> {
    let text = std::str::from_utf8(bytes).map_err(|_| Lack::NotText)?;
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    whole(text)
}

fn whole(text: &str) -> Result<Value, Lack> {
    let value = Value::secret(text);
    if text.is_empty() {
        Err(Lack::Empty)
    } else if text.contains('\0') {
        Err(Lack::NotText)
    } else if value.is_masked() {
        Err(Lack::Mask)
    } else {
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStringExt as _;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    struct Place {
        dir: TempDir,
        own: Vec<PathBuf>,
    }

    impl Place {
        fn new(files: &[(&str, &[u8])]) -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            for (path, bytes) in files {
                let path = dir.path().join(path);
                fs::create_dir_all(path.parent().expect("below")).expect("a folder");
                fs::write(path, bytes).expect("a file");
            }
            Self { dir, own: Vec::new() }
        }

        fn path(&self, path: &str) -> PathBuf {
            self.dir.path().join(path)
        }

        fn link(&self, to: &str, at: &str) {
            symlink(to, self.path(at)).expect("a link");
        }

        /// What comes of a file that is looked for in these folders.
        fn file(&self, folders: &[&str], path: &str) -> Result<String, Lack> {
            let folders = folders.iter().map(|folder| self.path(folder)).collect();
            let options = Options { env_prefix: "P_".to_owned(), folders, own: self.own.clone() };
            found(&Store::new(options, []), &format!("file:{path}"))
        }
    }

    fn found(store: &Store, name: &str) -> Result<String, Lack> {
        let name = SecretName::new(name).expect("a name");
        let secrets = store.read(&BTreeSet::from([name.clone()]));
        secrets.get(&name).map(|value| value.expose().to_owned())
    }

    #[test]
    fn a_file_is_read_without_its_last_line_feed() {
        let place = Place::new(&[
            ("s/a", b"x"),
            ("s/b", b"x\n"),
            ("s/c", b"x\r\n"),
            ("s/d", b"x\n\n"),
            ("s/e", b" x "),
            ("s/f", b"x\ny\n"),
        ]);
        for (path, text) in [("a", "x"), ("b", "x"), ("c", "x"), ("d", "x\n"), ("e", " x "), ("f", "x\ny")] {
            assert_eq!(place.file(&["s"], path), Ok(text.to_owned()), "{path}");
        }
    }

    #[test]
    fn what_is_no_secret_is_told_by_name() {
        let large = vec![b'x'; 64 * 1024 + 1];
        let place = Place::new(&[
            ("s/empty", b""),
            ("s/line", b"\n"),
            ("s/binary", b"\xff\xfe"),
            ("s/nul", b"a\0b"),
            ("s/large", &large),
            ("s/limit", &large[1..]),
            ("s/mask", b"********\n"),
            ("s/folder/x", b"x"),
        ]);
        let made = std::process::Command::new("mkfifo").arg(place.path("s/pipe")).status();
        assert!(made.expect("mkfifo runs").success());
        for (path, lack) in [
            ("empty", Lack::Empty),
            ("line", Lack::Empty),
            ("binary", Lack::NotText),
            ("nul", Lack::NotText),
            ("large", Lack::TooLarge),
            ("mask", Lack::Mask),
            ("folder", Lack::NotAFile),
            ("pipe", Lack::NotAFile),
            ("none", Lack::NoFile),
            ("empty/x", Lack::Unreadable(ErrorKind::NotADirectory)),
        ] {
            assert_eq!(place.file(&["s"], path), Err(lack), "{path}");
        }
        assert!(place.file(&["s"], "limit").is_ok());
        assert_eq!(place.file(&[], "limit"), Err(Lack::NoFolder));
        assert_eq!(place.file(&["gone"], "limit"), Err(Lack::NoFile));
    }

    #[test]
    fn a_link_may_lead_about_inside_the_folder_and_not_out_of_it() {
        let place = Place::new(&[
            ("s/..1/password", b"one"),
            ("s/..2/password", b"two"),
            ("token", b"own"),
            ("s2/x", b"other"),
        ]);
        place.link("..1", "s/..data");
        place.link("..data/password", "s/password");
        assert_eq!(place.file(&["s"], "password"), Ok("one".to_owned()));
        fs::remove_file(place.path("s/..data")).expect("removed");
        place.link("..2", "s/..data");
        assert_eq!(place.file(&["s"], "password"), Ok("two".to_owned()), "a mounted secret was swapped");

        place.link("../token", "s/out");
        place.link("/proc/self/environ", "s/environ");
        place.link("..", "s/up");
        // The name of one folder begins with that of the other.
        place.link("../s2/x", "s/beside");
        for path in ["out", "environ", "up/token", "beside"] {
            assert_eq!(place.file(&["s"], path), Err(Lack::Outside), "{path}");
        }
        place.link("round", "s/round");
        assert!(matches!(place.file(&["s"], "round"), Err(Lack::Unreadable(_))));
        place.link("s", "mount");
        assert_eq!(
            place.file(&["mount"], "password"),
            Ok("two".to_owned()),
            "the folder itself may be a link"
        );
    }

    #[test]
    fn the_agents_own_files_are_not_read_wherever_they_lie() {
        let mut place = Place::new(&[
            ("s/git-token", b"own"),
            ("s/x", b"x"),
            ("s/kubernetes.io/serviceaccount/token", b"own"),
            ("key", b"own"),
        ]);
        place.link("git-token", "s/alias");
        fs::hard_link(place.path("key"), place.path("s/key")).expect("a link");
        place.own = vec![place.path("s/git-token"), place.path("key"), place.path("gone")];
        for path in ["git-token", "alias", "key", "kubernetes.io/serviceaccount/token"] {
            assert_eq!(place.file(&["s"], path), Err(Lack::Own), "{path}");
        }
        assert_eq!(place.file(&["s"], "x"), Ok("x".to_owned()));
    }

    #[test]
    fn a_folder_that_is_a_link_to_the_kernels_or_to_the_root_holds_no_secret() {
        let place = Place::new(&[("s/x", b"x")]);
        place.link("/proc/self", "self");
        place.link("/", "root");
        for (folder, path) in [("self", "environ"), ("self", "cmdline"), ("root", "etc/hostname")] {
            assert!(place.path(folder).join(path).exists(), "{path}");
            assert_eq!(place.file(&[folder], path), Err(Lack::Own), "{path}");
        }
        place.link("s", "plain");
        assert_eq!(place.file(&["plain"], "x"), Ok("x".to_owned()));
    }

    #[test]
    fn the_first_folder_that_has_a_file_counts_whatever_is_wrong_with_it() {
        let place = Place::new(&[
            ("a/x", b"first"),
            ("b/x", b"second"),
            ("b/y", b"second"),
            ("a/z", b""),
            ("b/z", b"z"),
            ("a/folder/x", b""),
            ("b/folder", b"w"),
        ]);
        assert_eq!(place.file(&["a", "b"], "x"), Ok("first".to_owned()));
        assert_eq!(place.file(&["b", "a"], "x"), Ok("second".to_owned()));
        assert_eq!(place.file(&["a", "b"], "y"), Ok("second".to_owned()));
        assert_eq!(place.file(&["a", "b"], "z"), Err(Lack::Empty));
        assert_eq!(place.file(&["a", "b"], "folder"), Err(Lack::NotAFile));
    }

    #[test]
    fn only_variables_behind_the_prefix_are_there() {
        let options = Options { env_prefix: "P_".to_owned(), folders: Vec::new(), own: Vec::new() };
        let variables = [("P_A", "a"), ("A", "not opened"), ("XP_B", "not opened"), ("P_EMPTY", "")]
            .map(|(name, text)| (OsString::from(name), OsString::from(text)));
        let broken = (OsString::from("P_BROKEN"), OsString::from_vec(vec![0xff]));
        let store = Store::new(options, variables.into_iter().chain([broken]));
        assert_eq!(found(&store, "env:A"), Ok("a".to_owned()));
        assert_eq!(found(&store, "env:EMPTY"), Err(Lack::Empty));
        assert_eq!(found(&store, "env:BROKEN"), Err(Lack::NotText));
        for absent in ["B", "P_A", "PATH"] {
            assert_eq!(
                found(&store, &format!("env:{absent}")),
                Err(Lack::NoVariable(format!("P_{absent}").into()))
            );
        }
    }
}
