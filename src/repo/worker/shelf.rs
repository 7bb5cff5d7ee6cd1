//! The worker's side: a repository in libgit2, out of which objects are given.
//!
//! Takes one word after the other from its standard input, which is a socket, and answers each. What the
//! objects mean is left to the agent; nothing that is read here becomes a path.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use git2::{
    AutotagOption, ErrorClass, ErrorCode, FetchOptions, ObjectType, Oid, Repository, RepositoryInitOptions,
    RepositoryOpenFlags,
};

use crate::repo::worker::frame;
use crate::repo::worker::transport;
use crate::repo::worker::words::{Ask, Failure, Kind, MOST_BYTES, Tell, VERSION};

/// Where a repository is fetched into, from the folder that the agent made for it.
const FETCHED: &str = "git";

/// Where a short name may stand, in the order in which git looks.
const PLACES: [&str; 3] = ["refs/tags/", "refs/heads/", "refs/remotes/"];

/// The most of libgit2's words that is passed on, in characters.
const TEXT: usize = 1000;

/// What is answered: a word, and the bytes behind it.
type Answer = Result<(Ask, Vec<u8>), Ask>;

/// Serves until the agent closes the wire.
pub fn serve() -> io::Result<()> {
    let wire = Arc::new(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?));
    frame::write(&*wire, &Ask::Ready { version: VERSION.to_owned() }, &[])?;
    let mut shelf = Shelf { wire: Arc::clone(&wire), git: None };
    loop {
        let (told, behind) = match frame::read(&*wire) {
            Ok(told) => told,
            // The second is the end where the agent had not read everything.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) =>
            {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let (ask, bytes) = shelf.answer(told, behind).unwrap_or_else(|failed| (failed, Vec::new()));
        frame::write(&*wire, &ask, &bytes)?;
    }
}

struct Shelf {
    wire: Arc<UnixStream>,
    git: Option<Repository>,
}

impl Shelf {
    fn answer(&mut self, told: Tell, behind: Vec<u8>) -> Answer {
        let word = match told {
            Tell::Fetch { refspecs, depth, stateless } => {
                if !transport::prepare(&self.wire, behind, stateless) {
                    return Err(out_of_turn());
                }
                self.git = Some(fetch(&refspecs, depth).map_err(|error| not_fetched(&error))?);
                Ask::Done
            }
            Tell::Open => {
                self.git = Some(open(Path::new(OsStr::from_bytes(&behind)))?);
                Ask::Done
            }
            Tell::List { reference } => list(self.git()?, &reference)?,
            Tell::Tags => return Ok((Ask::Tags, tags(self.git()?)?)),
            Tell::Mean { name } => mean(self.git()?, &name)?,
            Tell::Origin => match self.git()?.find_remote("origin") {
                Ok(remote) => Ask::Origin { url: String::from_utf8_lossy(remote.url_bytes()).into_owned() },
                Err(_) => Ask::Nothing,
            },
            Tell::Object { id, most } => return object(self.git()?, &id, most),
            Tell::Bytes => return Err(out_of_turn()),
        };
        Ok((word, Vec::new()))
    }

    fn git(&self) -> Result<&Repository, Ask> {
        self.git.as_ref().ok_or_else(out_of_turn)
    }
}

fn fetch(refspecs: &[String], depth: Option<i32>) -> Result<Repository, git2::Error> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).no_reinit(true);
    let git = Repository::init_opts(FETCHED, &options)?;
    let mut options = FetchOptions::new();
    options.update_fetchhead(false).download_tags(AutotagOption::None);
    if let Some(depth) = depth {
        options.depth(depth);
    }
    git.remote_anonymous(transport::ADDRESS)?.fetch(refspecs, Some(&mut options), None)?;
    Ok(git)
}

/// Opens a bare repository, a work tree, or a linked work tree; a folder above is never searched.
///
/// The first two are opened without looking at who owns them: a mounted volume seldom belongs to the
/// agent's user, and only objects are read, so nothing in the repository can make the agent act.
fn open(path: &Path) -> Result<Repository, Ask> {
    let opened = Repository::open_bare(path)
        .or_else(|_| Repository::open_bare(path.join(".git")))
        .or_else(|_| Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, [] as [&Path; 0]));
    opened.map_err(|error| {
        // libgit2 is built without SHA-256 and says so when it meets such a repository.
        let sha256 = ["objectformat", "object format"].iter().any(|words| error.message().contains(words));
        let failure = if sha256 { Failure::Sha256 } else { Failure::NoRepository };
        Ask::Failed { failure, text: text(&error) }
    })
}

/// What a ref names, peeled as far as it goes, as a server would.
fn list(git: &Repository, reference: &str) -> Result<Ask, Ask> {
    let found = match git.find_reference(reference) {
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(Ask::Nothing),
        found => found.and_then(|found| found.resolve()).map_err(|error| failed(&error))?,
    };
    let object = found.target().ok_or_else(out_of_turn)?;
    let commit = git.find_tag(object).and_then(|tag| tag.peel()).map_or(object, |peeled| peeled.id());
    Ok(Ask::Named { object: object.to_string(), commit: commit.to_string() })
}

/// A line of each tag, as many as go behind one word.
fn tags(git: &Repository) -> Result<Vec<u8>, Ask> {
    let mut lines = Vec::new();
    for found in git.references_glob("refs/tags/*").map_err(|error| failed(&error))? {
        let found = found.map_err(|error| failed(&error))?;
        // A tag that names another ref, or whose name is no text, is none of a release's.
        let (Some(object), Ok(name)) = (found.target(), found.name()) else { continue };
        let commit = git.find_tag(object).and_then(|tag| tag.peel()).map_or(object, |peeled| peeled.id());
        lines.extend_from_slice(format!("{object} {commit} {name}\n").as_bytes());
        if lines.len() > MOST_BYTES {
            let text = "it has more tags than are read".to_owned();
            return Err(Ask::Failed { failure: Failure::Tags, text });
        }
    }
    Ok(lines)
}

/// What a name means, as git looks it up; a short name of two different commits is not decided.
fn mean(git: &Repository, name: &str) -> Result<Ask, Ask> {
    let commit = |name: &str| git.find_reference(name)?.peel_to_commit().map(|commit| commit.id());
    let full = |place: &&str| {
        let full = format!("{place}{name}");
        commit(&full).ok().map(|id| (full, id))
    };
    let found: Vec<_> = PLACES.iter().filter_map(full).collect();
    if let Some((first, id)) = found.first() {
        return Ok(match found.iter().find(|(_, other)| other != id) {
            Some((second, _)) => Ask::Ambiguous { first: first.clone(), second: second.clone() },
            None => Ask::Meant { name: first.clone(), commit: id.to_string() },
        });
    }
    let Ok(object) = git.revparse_single(name) else {
        return Ok(Ask::Unknown { shallow: git.is_shallow() });
    };
    let commit = object.peel_to_commit().map_err(|error| failed(&error))?;
    Ok(Ask::Meant { name: name.to_owned(), commit: commit.id().to_string() })
}

/// Looks at an object's head before it is unpacked: a few bytes can stand for gigabytes.
fn object(git: &Repository, id: &str, most: u64) -> Answer {
    let id = Oid::from_str(id).map_err(|error| failed(&error))?;
    let odb = git.odb().map_err(|error| failed(&error))?;
    let (size, kind) = match odb.read_header(id) {
        Err(error) if error.code() == ErrorCode::NotFound => return Ok((Ask::Nothing, Vec::new())),
        header => header.map_err(|error| failed(&error))?,
    };
    let kind = match kind {
        ObjectType::Commit => Kind::Commit,
        ObjectType::Tree => Kind::Tree,
        ObjectType::Blob => Kind::Blob,
        ObjectType::Tag => Kind::Tag,
        ObjectType::Any => return Err(out_of_turn()),
    };
    let size = size as u64;
    if size > most {
        return Ok((Ask::Object { kind, size }, Vec::new()));
    }
    let object = odb.read(id).map_err(|error| failed(&error))?;
    Ok((Ask::Object { kind, size }, object.data().to_vec()))
}

/// The agent and this worker are one program, so only a mistake of ours leads here.
fn out_of_turn() -> Ask {
    Ask::Failed { failure: Failure::Git, text: "this was not to be asked here".to_owned() }
}

/// In a fetch everything comes from the server, so what fails is its mistake: all but what the machine lacks.
fn not_fetched(error: &git2::Error) -> Ask {
    match (failed(error), error.class()) {
        (Ask::Failed { failure: Failure::Git, text }, class)
            if !matches!(class, ErrorClass::Os | ErrorClass::Filesystem) =>
        {
            Ask::Failed { failure: Failure::Answer, text }
        }
        (failed, _) => failed,
    }
}

fn failed(error: &git2::Error) -> Ask {
    let text = text(error);
    let is_about_memory =
        ["out of memory", "Cannot allocate memory"].iter().any(|words| text.contains(words));
    let failure = match error.class() {
        ErrorClass::NoMemory => Failure::Memory,
        _ if is_about_memory => Failure::Memory,
        ErrorClass::Net | ErrorClass::Indexer | ErrorClass::Zlib => Failure::Answer,
        _ => Failure::Git,
    };
    Ask::Failed { failure, text }
}

fn text(error: &git2::Error) -> String {
    let message = error.message();
    // It has a text for where it knows none, alone or behind its own words.
    let said = message.strip_suffix("no error").unwrap_or(message).trim_end_matches([':', ' ']);
    if said.is_empty() {
        return "libgit2 does not say why".to_owned();
    }
    said.chars().take(TEXT).collect()
}
