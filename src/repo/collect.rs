//! Which files of a folder are definitions, and what is wrong with the folder itself.
//!
//! Takes a git tree or a plain folder behind [`Source`], gives the files and findings. The rules on
//! names and the limits are here, once, so `--dir` and git judge the same; the content of a file is
//! left to others: they say which further files it names.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::character::is_unprintable;
use crate::model::finding::{Finding, Place};
use crate::model::revision::RepositoryRevision;
use crate::model::rule::Rule;
use crate::model::snapshot::{Files, Names, Snapshot};
use crate::repo::beside::{self, CONNECTORS, ENVIRONMENTS, FOLDERS, SETTINGS, TEMPLATES};
use crate::repo::error::Error;

/// The most bytes of one file.
pub const FILE_BYTES: u64 = 256 * 1024;

/// The most definition files.
const FILES: usize = 10_000;

/// The most bytes of all definition files.
const ALL_BYTES: u64 = 16 * 1024 * 1024;

/// How a pointer of Git LFS begins.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// How deep a folder may lie; `connectors/` itself is 1.
const DEPTH: usize = 8;

/// The most names that are looked at, whatever they are. A git tree can hold itself many times over,
/// so a few bytes may stand for more files than there is time to visit.
const NAMES: usize = 100_000;

/// The most passed-over files that are noted.
const NOTED: usize = 1_000;

/// The most files that are looked into although they are no definitions.
const GLANCES: usize = 100;

/// Something with folders and files.
pub trait Source {
    /// How a folder or file is found again.
    type Handle;

    /// Everything in a folder.
    fn entries(&mut self, folder: &Self::Handle) -> Result<Vec<Entry<Self::Handle>>, Error>;

    /// A file's size in bytes, before it is read.
    fn size(&mut self, file: &Self::Handle) -> Result<u64, Error>;

    /// A file's bytes. A source that can change meanwhile reads at most one byte over the limit.
    fn read(&mut self, file: &Self::Handle) -> Result<Arc<[u8]>, Error>;
}

/// A name in a folder.
pub struct Entry<H> {
    /// The name, as it is.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: Kind<H>,
}

/// What a name stands for.
pub enum Kind<H> {
    /// A plain file.
    File(H),
    /// A folder.
    Folder(H),
    /// A symbolic link.
    Link,
    /// Another repository.
    Submodule,
    /// A socket, a pipe, a device.
    Other,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Collected {
    /// Definition files by path.
    pub files: Files,
    /// Files that were passed over.
    pub ignored: Vec<Arc<str>>,
    /// What is wrong with the folder itself.
    pub findings: Vec<Finding>,
}

impl Collected {
    /// A repository in which even the folder of the definitions is missing.
    pub fn nothing(path: &str, near: Option<&str>) -> Self {
        let message = format!("there is no folder {path:?}");
        let finding = Finding::new(Rule::RepositoryEmpty, Place::start_of("."), message);
        let finding = match near {
            Some(near) => finding.hint(format!("did you mean {near:?}?")),
            None => finding.hint("`path` in the settings names the folder that holds `connectors/`"),
        };
        Self { findings: vec![finding], ..Self::default() }
    }

    fn sorted(mut self) -> Self {
        self.findings.sort();
        self.ignored.sort();
        self
    }

    /// Puts it under its revision.
    pub fn into_snapshot(self, revision: RepositoryRevision) -> Snapshot {
        let Self { files, ignored, findings } = self;
        Snapshot { revision, files, ignored, findings }
    }
}

/// The name that is nearest to one that is not there, where one is near.
pub fn nearest(wanted: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let distance = |name: &str| strsim::damerau_levenshtein(wanted, name);
    let near = names.filter(|name| !name.chars().any(char::is_control));
    let near = near.map(|name| (distance(&name), name)).min()?;
    (near.0 <= wanted.len().div_ceil(3)).then_some(near.1)
}

/// Reads the definition files below a folder, and the files elsewhere that they name, once.
pub fn collect<S: Source>(source: &mut S, root: &S::Handle, names: Names) -> Result<Collected, Error> {
    let mut walk = Walk::new(source);
    walk.root(root)?;
    let mut wanted = names(&walk.collected.files);
    wanted.retain(|path| !FOLDERS.iter().any(|folder| path.split('/').next() == Some(*folder)));
    if !wanted.is_empty() {
        walk.named("", root, 0, &wanted)?;
    }
    let Walk { mut collected, .. } = walk;
    // What a connector names is read, wherever it lies.
    let read: Vec<_> = collected.files.keys().cloned().collect();
    let is_read = |path: &str| read.iter().any(|file| is_in(file, path));
    collected.ignored.retain(|path| !is_read(path));
    collected.findings.retain(|f| f.rule != Rule::BesideFolders || !is_read(&f.place.path));
    Ok(collected.sorted())
}

/// Whether a file is the one at a path, or lies below it.
fn is_in(file: &str, path: &str) -> bool {
    file.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Reads the definition files of one folder, beside each other, and of none below it. Its files are told
/// by `path` and their names. A source gives a link that leads to a file of the folder as that file.
pub fn flat<S: Source>(source: &mut S, folder: &S::Handle, path: &str) -> Result<Collected, Error> {
    let mut walk = Walk::new(source);
    walk.flat(path, folder)?;
    Ok(walk.collected.sorted())
}

struct Walk<'a, S: Source> {
    source: &'a mut S,
    collected: Collected,
    bytes: u64,
    names: usize,
    full: bool,
    /// How many files that are no definitions were looked into.
    glances: usize,
    /// Whether the root has a `tagalong.yaml`.
    has_settings: bool,
}

/// Whether a wanted file is the one at a path, or lies below it.
fn leads_to(wanted: &BTreeSet<Arc<str>>, path: &str) -> bool {
    wanted.contains(path) || leads_below(wanted, &format!("{path}/"))
}

fn leads_below(wanted: &BTreeSet<Arc<str>>, below: &str) -> bool {
    wanted.range(Arc::<str>::from(below)..).next().is_some_and(|path| path.starts_with(below))
}

/// Whether connectors should be here and are not. Templates alone are for those who import them.
fn declares_nothing(found: &[String]) -> bool {
    let has = |folder: &str| found.iter().any(|name| name == folder);
    !has(CONNECTORS) && (has(ENVIRONMENTS) || !has(TEMPLATES))
}

impl<'a, S: Source> Walk<'a, S> {
    fn new(source: &'a mut S) -> Self {
        Self {
            source,
            collected: Collected::default(),
            bytes: 0,
            names: 0,
            full: false,
            glances: 0,
            has_settings: false,
        }
    }

    /// What is in a folder, by name: a plain folder has no order, and where a limit ends the walk the same files
    /// must be read.
    fn entries(&mut self, folder: &S::Handle) -> Result<Vec<Entry<S::Handle>>, Error> {
        let mut entries = self.source.entries(folder)?;
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn root(&mut self, root: &S::Handle) -> Result<(), Error> {
        let mut found = Vec::new();
        let entries = self.entries(root)?;
        self.has_settings = entries.iter().any(|entry| entry.name == SETTINGS.as_bytes());
        self.twice("", &entries, |name| name == SETTINGS || FOLDERS.contains(&name));
        for entry in entries {
            let Ok(name) = std::str::from_utf8(&entry.name) else { continue };
            let ours = name == SETTINGS || FOLDERS.contains(&name);
            match entry.kind {
                Kind::Link if ours => self.wrong(Rule::Link, name),
                Kind::Submodule if ours => self.wrong(Rule::Submodule, name),
                Kind::File(file) if name == SETTINGS => self.file(name, &file)?,
                Kind::Folder(folder) if FOLDERS.contains(&name) => self.folder(name, &folder, 1)?,
                Kind::File(file) => {
                    self.beside(name, has_ending(name));
                    if has_ending(name) && !name.starts_with('.') && self.holds_a_connector(&file) {
                        let message = "this file declares a connector, and it is not read here";
                        let finding = Finding::new(Rule::BesideFolders, Place::start_of(name), message);
                        self.collected.findings.push(finding.hint("move it into `connectors/`"));
                    }
                    continue;
                }
                Kind::Folder(_) => {
                    self.beside(name, true);
                    continue;
                }
                Kind::Link | Kind::Submodule | Kind::Other => continue,
            }
            found.push(name.to_owned());
        }
        if found.is_empty() {
            let message = "none of `tagalong.yaml`, `templates/`, `connectors/` and `environments/` is here";
            let finding = Finding::new(Rule::RepositoryEmpty, Place::start_of("."), message)
                .hint("`path` in the settings names the folder that holds them");
            self.collected.findings.push(finding);
        } else if declares_nothing(&found) {
            let message = "there is no `connectors/` folder, so no connector is declared";
            self.collected.findings.push(Finding::new(
                Rule::ConnectorsMissing,
                Place::start_of(CONNECTORS),
                message,
            ));
        }
        Ok(())
    }

    /// Says of what lies beside the three folders that it is not read, where it looks as if it should be.
    fn beside(&mut self, name: &str, may_be: bool) {
        if name.starts_with('.') || !may_be {
            return;
        }
        if has_ending(name) {
            self.pass_over(name);
        }
        self.collected.findings.extend(beside::finding(name, has_ending(name), self.has_settings));
    }

    fn folder(&mut self, path: &str, folder: &S::Handle, level: usize) -> Result<(), Error> {
        if level > DEPTH {
            self.wrong(Rule::TooDeep, path);
            return Ok(());
        }
        let entries = self.entries(folder)?;
        self.twice(&format!("{path}/"), &entries, |_| true);
        for entry in entries {
            self.names += 1;
            if self.names == NAMES {
                self.fill(Rule::TooManyFiles, path, format!("there are more than {NAMES} names here"));
            }
            if self.full {
                return Ok(());
            }
            let Some(path) = self.path(path, &entry.name) else { continue };
            match entry.kind {
                Kind::File(file) => self.file(&path, &file)?,
                Kind::Folder(folder) => self.folder(&path, &folder, level + 1)?,
                Kind::Link => self.wrong(Rule::Link, &path),
                Kind::Submodule => self.wrong(Rule::Submodule, &path),
                Kind::Other => self.no_file(&path),
            }
        }
        Ok(())
    }

    fn flat(&mut self, path: &str, folder: &S::Handle) -> Result<(), Error> {
        let entries = self.entries(folder)?;
        for entry in entries.into_iter().take(NAMES) {
            if self.full {
                break;
            }
            let Some(path) = self.path(path, &entry.name) else { continue };
            match entry.kind {
                Kind::File(file) => self.file(&path, &file)?,
                Kind::Folder(_) | Kind::Submodule => self.pass_over(&path),
                Kind::Other => self.no_file(&path),
                Kind::Link => {
                    let message = "this link leads to no file of this folder";
                    let finding = Finding::new(Rule::Link, Place::start_of(&path), message);
                    self.collected.findings.push(finding);
                }
            }
        }
        Ok(())
    }

    /// Reads the files of a folder that are named, and those below it. That one of them is not there
    /// is left to whoever named it.
    fn named(
        &mut self,
        above: &str,
        folder: &S::Handle,
        level: usize,
        wanted: &BTreeSet<Arc<str>>,
    ) -> Result<(), Error> {
        let entries = self.entries(folder)?;
        self.twice(above, &entries, |name| leads_to(wanted, &format!("{above}{name}")));
        for entry in entries {
            let Ok(name) = std::str::from_utf8(&entry.name) else { continue };
            let path = format!("{above}{name}");
            let below = format!("{path}/");
            let leads = leads_below(wanted, &below);
            if self.full || !(leads || wanted.contains(path.as_str())) {
                continue;
            }
            match entry.kind {
                Kind::File(file) if !leads => self.file(&path, &file)?,
                Kind::Folder(_) if leads && level == DEPTH => self.wrong(Rule::TooDeep, &path),
                Kind::Folder(folder) if leads => self.named(&below, &folder, level + 1, wanted)?,
                Kind::Link => self.wrong(Rule::Link, &path),
                Kind::Submodule => self.wrong(Rule::Submodule, &path),
                Kind::File(_) | Kind::Folder(_) | Kind::Other => {}
            }
        }
        Ok(())
    }

    /// Says which names of a folder, of those that are read, stand for two things. Git writes no such folder, and
    /// everybody who reads it sees another half.
    fn twice(&mut self, above: &str, entries: &[Entry<S::Handle>], is_read: impl Fn(&str) -> bool) {
        let names = entries.iter().filter_map(|entry| std::str::from_utf8(&entry.name).ok());
        let names: Vec<_> = names.filter(|name| is_usable(name) && is_read(name)).collect();
        let twice: BTreeSet<_> = names.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect();
        for name in twice {
            let place = Place::start_of(&format!("{above}{name}"));
            let finding = Finding::new(Rule::FileName, place, "this name is there twice");
            self.collected
                .findings
                .push(finding.hint("write the commit anew from a checkout: git itself keeps one of the two"));
        }
    }

    /// The path of a name in a folder; `None` where the name is hidden or not usable.
    fn path(&mut self, folder: &str, name: &[u8]) -> Option<String> {
        let usable = std::str::from_utf8(name).ok().filter(|name| is_usable(name));
        match usable {
            Some(name) if name.starts_with('.') => None,
            Some(name) => Some(format!("{folder}/{name}")),
            None => {
                let shown: String =
                    String::from_utf8_lossy(name).chars().flat_map(char::escape_debug).collect();
                let message = "this name is not usable";
                let finding =
                    Finding::new(Rule::FileName, Place::start_of(&format!("{folder}/{shown}")), message)
                        .hint("use UTF-8 without control characters, `/` and `\\`, and not `..` or `.git`");
                self.collected.findings.push(finding);
                None
            }
        }
    }

    fn file(&mut self, path: &str, file: &S::Handle) -> Result<(), Error> {
        if !has_ending(path) {
            if has_ending(&path.to_ascii_lowercase()) {
                let message = "the file is not read, for its ending has capitals";
                self.collected.findings.push(Finding::new(Rule::FileEnding, Place::start_of(path), message));
            } else if !beside::is_put_aside(path) && self.holds_a_connector(file) {
                let message = "the file declares a connector, and is not read for its ending";
                let finding = Finding::new(Rule::FileEnding, Place::start_of(path), message);
                self.collected.findings.push(finding.hint(
                    "let its name end in `.yaml`; one that is put aside on purpose ends in `.disabled`, `.off`, `.bak` or `.example`",
                ));
            }
            self.pass_over(path);
            return Ok(());
        }
        let size = self.source.size(file)?;
        if size > FILE_BYTES {
            self.too_large(path, &format!("it has {size} bytes"));
            return Ok(());
        }
        if self.collected.files.len() == FILES {
            self.fill(Rule::TooManyFiles, path, format!("this is the file after the {FILES}th"));
            return Ok(());
        }
        if self.bytes + size > ALL_BYTES {
            let message = format!("with this file the definitions have more than {} MiB", ALL_BYTES >> 20);
            self.fill(Rule::RepositoryTooLarge, path, message);
            return Ok(());
        }
        let bytes = self.source.read(file)?;
        if bytes.len() as u64 > FILE_BYTES {
            self.too_large(path, "it grew while it was read");
            return Ok(());
        }
        if bytes.starts_with(POINTER) {
            let message = "this is a pointer of Git LFS, not the file itself";
            self.collected.findings.push(Finding::new(Rule::LfsPointer, Place::start_of(path), message));
            return Ok(());
        }
        self.bytes += bytes.len() as u64;
        self.collected.files.insert(path.into(), bytes);
        Ok(())
    }

    /// Whether a file that is not read declares a connector. Nobody asked for it: where it cannot be looked
    /// into, that is no failure.
    fn holds_a_connector(&mut self, file: &S::Handle) -> bool {
        if self.full || self.glances == GLANCES {
            return false;
        }
        self.glances += 1;
        let is_small = self.source.size(file).is_ok_and(|size| size <= FILE_BYTES);
        is_small
            && self
                .source
                .read(file)
                .is_ok_and(|bytes| std::str::from_utf8(&bytes).is_ok_and(beside::declares_a_connector))
    }

    fn too_large(&mut self, path: &str, how: &str) {
        let message = format!("{how}; {FILE_BYTES} are the most");
        self.collected.findings.push(Finding::new(Rule::FileTooLarge, Place::start_of(path), message));
    }

    /// Passes over what is no file, unopened: opening a pipe would wait for somebody to write into it.
    fn no_file(&mut self, path: &str) {
        if has_ending(path) {
            let message = "a pipe, a socket or a device is not read";
            self.collected.findings.push(Finding::new(Rule::NotAFile, Place::start_of(path), message));
        }
        self.pass_over(path);
    }

    fn pass_over(&mut self, path: &str) {
        if self.collected.ignored.len() < NOTED {
            self.collected.ignored.push(path.into());
        }
    }

    fn wrong(&mut self, rule: Rule, path: &str) {
        let (message, hint) = match rule {
            Rule::Link => ("a symbolic link is not followed", "put the file itself here"),
            Rule::Submodule => ("a submodule is not read", "put the files themselves here"),
            _ => ("this folder lies too deep", "8 levels are the most, `connectors/` being the first"),
        };
        let finding = Finding::new(rule, Place::start_of(path), message).hint(hint);
        self.collected.findings.push(finding);
    }

    fn fill(&mut self, rule: Rule, path: &str, message: String) {
        self.full = true;
        self.collected.findings.push(Finding::new(rule, Place::start_of(path), message));
    }
}

fn has_ending(path: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending))
}

fn is_usable(name: &str) -> bool {
    !name.is_empty()
        && !matches!(name, "." | "..")
        && !name.eq_ignore_ascii_case(".git")
        && !name.contains(['/', '\\'])
        && !name.chars().any(is_unprintable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_not_usable() {
        for name in ["..", ".", "", ".git", ".GIT", "a/b", "a\\b", "a\0b", "a\nb", "a\u{202e}b"] {
            assert!(!is_usable(name), "{name:?}");
        }
        for name in ["orders.yaml", ".gitkeep", "a b.json", "ä.yml", "...", "-x.yaml"] {
            assert!(is_usable(name), "{name:?}");
        }
    }
}
