//! What is made of files that may be renewed while the agent runs: tokens, passwords, certificates.
//!
//! Takes the files and a way to make something of what they hold, gives the newest good one. Files are
//! read whenever it is asked for: they are small, and only their content tells that a mounted secret
//! was swapped. What cannot be used (half written, gone, a key without its certificate) is told once
//! and changes nothing.

use std::error::Error as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::{info, warn};

use crate::connect::error::Error;
use crate::connect::unusable::{Problem, Unusable};
use crate::files;

/// The longest file that is read; the authorities of a whole system take a quarter.
const LIMIT: u64 = 1024 * 1024;

/// A file, by the setting that names it.
#[derive(Debug, Clone)]
pub struct Named {
    /// The setting.
    pub key: &'static str,
    /// Where it is.
    pub path: PathBuf,
}

/// What some files hold.
pub struct Contents {
    files: Vec<(Named, Vec<u8>)>,
}

/// How it is made.
type Make<T> = dyn Fn(&Contents) -> Result<T, Error> + Send + Sync;

/// The newest good thing that was made of some files.
pub struct Renewed<T> {
    files: Vec<Named>,
    make: Box<Make<T>>,
    state: Mutex<State<T>>,
}

struct State<T> {
    good: T,
    /// What was read last, whether it was good or not; none where it could not be read.
    seen: Option<Vec<Vec<u8>>>,
}

impl Contents {
    /// What the file of a setting holds, where the setting names one.
    pub fn of(&self, key: &str) -> Option<&[u8]> {
        self.files.iter().find(|(file, _)| file.key == key).map(|(_, bytes)| bytes.as_slice())
    }

    /// Says what is wrong with one of the files.
    pub fn unusable(&self, key: &str, problem: Problem) -> Error {
        let (file, _) = self.files.iter().find(|(file, _)| file.key == key).expect("one of these files");
        Error::File(unusable(file, problem))
    }
}

impl<T: Clone> Renewed<T> {
    /// Makes it for the first time: here a file that cannot be used is an error.
    pub fn new(
        files: Vec<Named>,
        make: impl Fn(&Contents) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let contents = read_all(&files)?;
        let good = make(&contents)?;
        let state = State { good, seen: Some(contents.into_bytes()) };
        Ok(Self { files, make: Box::new(make), state: Mutex::new(state) })
    }

    /// The newest good one.
    pub fn now(&self) -> T {
        if self.files.is_empty() {
            return self.state().good.clone();
        }
        let read = read_all(&self.files);
        let mut state = self.state();
        match read {
            Ok(contents) if state.seen.as_deref().is_some_and(|seen| contents.is(seen)) => {}
            Ok(contents) => {
                match (self.make)(&contents) {
                    Ok(good) => {
                        state.good = good;
                        info!(settings = ?self.keys(), "took what was renewed into use");
                    }
                    Err(error) => kept(&error),
                }
                state.seen = Some(contents.into_bytes());
            }
            Err(error) => {
                if state.seen.take().is_some() {
                    kept(&error);
                }
            }
        }
        state.good.clone()
    }

    fn keys(&self) -> Vec<&'static str> {
        self.files.iter().map(|file| file.key).collect()
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn is(&self, seen: &[Vec<u8>]) -> bool {
        self.files.iter().map(|(_, bytes)| bytes).eq(seen)
    }

    fn into_bytes(self) -> Vec<Vec<u8>> {
        self.files.into_iter().map(|(_, bytes)| bytes).collect()
    }
}

fn kept(error: &Error) {
    let mut because = error.source();
    while let Some(deeper) = because.and_then(std::error::Error::source) {
        because = Some(deeper);
    }
    warn!(
        error = error as &dyn std::error::Error,
        because = because.map(ToString::to_string),
        "could not take what was renewed into use; what was read before is kept"
    );
}

fn read_all(files: &[Named]) -> Result<Contents, Error> {
    let read = |file: &Named| {
        let bytes = read(&file.path).map_err(|problem| Error::File(unusable(file, problem)))?;
        Ok((file.clone(), bytes))
    };
    Ok(Contents { files: files.iter().map(read).collect::<Result<_, Error>>()? })
}

fn unusable(file: &Named, problem: Problem) -> Unusable {
    Unusable { key: file.key, path: file.path.clone(), problem }
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    match files::read(path, LIMIT) {
        Ok(bytes) if bytes.is_empty() => Err(Problem::Empty),
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::FileTooLarge => Err(Problem::TooLong),
        Err(error) => Err(Problem::Unreadable(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "connect.bearer_token_file";

    /// The content of a file as text, where it is longer than three letters.
    fn renewed(path: &Path) -> Result<Renewed<String>, Error> {
        let file = Named { key: KEY, path: path.to_owned() };
        Renewed::new(vec![file], |contents| {
            let text = String::from_utf8_lossy(contents.of(KEY).unwrap_or_default()).into_owned();
            if text.len() > 3 { Ok(text) } else { Err(contents.unusable(KEY, Problem::NotALine)) }
        })
    }

    #[test]
    fn what_is_renewed_is_used_and_what_cannot_be_used_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        let write = |text: &str| std::fs::write(&path, text).expect("written");
        write("first");
        let renewed = renewed(&path).expect("a token");
        assert_eq!(renewed.now(), "first");
        write("second");
        assert_eq!(renewed.now(), "second");
        write("x");
        assert_eq!(renewed.now(), "second", "half written");
        write("");
        assert_eq!(renewed.now(), "second", "empty");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(renewed.now(), "second", "gone");
        write("third");
        assert_eq!(renewed.now(), "third");
    }

    #[test]
    fn a_mounted_secret_is_swapped_by_a_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for (name, text) in [("one", "first"), ("two", "second")] {
            std::fs::create_dir(at(name)).expect("made");
            std::fs::write(at(name).join("token"), text).expect("written");
        }
        let link = |to: &str| {
            std::os::unix::fs::symlink(to, at("next")).expect("linked");
            std::fs::rename(at("next"), at("data")).expect("swapped");
        };
        link("one");
        let renewed = renewed(&at("data").join("token")).expect("a token");
        link("two");
        assert_eq!(renewed.now(), "second");
    }

    #[test]
    fn a_file_that_cannot_be_used_at_the_start_is_an_error_that_names_its_setting() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        let said = |expected: &str| {
            let error = renewed(&path).err().expect("no token");
            let source = std::error::Error::source(&error).expect("a cause").to_string();
            assert!(error.to_string().starts_with("failed to use `connect.bearer_token_file`, "), "{error}");
            assert_eq!(source, expected);
        };
        said("it cannot be read");
        std::fs::write(&path, "").expect("written");
        said("it is empty");
        std::fs::write(&path, "x".repeat(1024 * 1024 + 1)).expect("written");
        said("it is longer than 1 MiB");
    }
}
