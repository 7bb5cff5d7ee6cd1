//! What a repository's refs name, as servers tell it.
//!
//! Takes the bytes of a protocol v2 `ls-refs` answer or of a v0 advertisement, hands the refs that are
//! wanted to whoever looks for them. Pure, and bounded: refs that nobody wants are dropped as they come,
//! so a repository with millions of them costs no memory.

#[cfg(test)]
mod tests;

use crate::model::revision::ObjectId;
use crate::model::version::Naming;
use crate::repo::cause::Cause;
use crate::repo::error::Error;
use crate::repo::pktline::{self, Packet};
use crate::repo::problem::{Doing, Limit};

/// The most bytes of refs that are read.
pub const MOST_BYTES: u64 = 32 * 1024 * 1024;

/// The most refs that are kept at once; a whole fetch wants all branches and tags.
pub const MOST_REFS: usize = 20_000;

/// What a ref names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The object: the tag object of an annotated tag, else the commit.
    pub object: ObjectId,
    /// The commit, peeled as far as the server peels.
    pub commit: ObjectId,
}

/// Who looks for something among refs, as they come.
pub trait Seek {
    /// Which refs it looks at.
    fn wanted(&self) -> Wanted;

    /// Takes a ref by its full name; one that it does not look for may come too.
    fn take(&mut self, full_name: &str, named: Named);

    /// Whether it has found all that it looks for.
    fn is_done(&self) -> bool;
}

/// Looks for one ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct One {
    full_name: String,
    /// What it names, once it was found.
    pub named: Option<Named>,
}

impl One {
    /// Looks for a ref by its full name.
    pub fn named(full_name: impl Into<String>) -> Self {
        Self { full_name: full_name.into(), named: None }
    }
}

impl Seek for One {
    fn wanted(&self) -> Wanted {
        Wanted::Name(self.full_name.clone())
    }

    /// A prefix asks for `v10` too where `v1` is meant, hence the whole name.
    fn take(&mut self, full_name: &str, named: Named) {
        if full_name == self.full_name {
            self.named = Some(named);
        }
    }

    fn is_done(&self) -> bool {
        self.named.is_some()
    }
}

/// Why bytes are no listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// They are not what a git server sends.
    Malformed,
    /// The server says why it sends none.
    Refused(String),
    /// Ids are SHA-256.
    Sha256,
    /// There are more refs than are kept.
    TooManyRefs,
}

impl Problem {
    /// The error that says so.
    pub fn into_error(self, repository: &str, doing: Doing) -> Error {
        let repository = repository.to_owned();
        match self {
            Self::Malformed => Error::NotUnderstood {
                repository,
                doing,
                source: Cause::new("it is not what a git server sends"),
            },
            Self::Refused(text) if text.contains("not our ref") => {
                Error::NotGiven { repository, source: Cause::new(&text) }
            }
            // The texts of git daemon, of http-backend and of the large hosts.
            Self::Refused(text)
                if ["access denied", "not exported", "not found", "does not exist"]
                    .iter()
                    .any(|known| text.to_ascii_lowercase().contains(known)) =>
            {
                Error::NoRepository { repository, source: Cause::new(&text) }
            }
            Self::Refused(text) => Error::NotUnderstood { repository, doing, source: Cause::new(&text) },
            Self::Sha256 => Error::Sha256 { repository },
            Self::TooManyRefs => Error::TooLarge { repository, limit: Limit::Refs(MOST_REFS) },
        }
    }
}

/// The `ls-refs` request for the refs whose full names begin so.
pub fn request(agent: &str, begins: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(160);
    pktline::push(&mut body, b"command=ls-refs\n");
    pktline::push(&mut body, format!("agent={agent}\n").as_bytes());
    body.extend_from_slice(pktline::DELIMITER);
    pktline::push(&mut body, b"peel\n");
    pktline::push(&mut body, format!("ref-prefix {begins}\n").as_bytes());
    body.extend_from_slice(pktline::FLUSH);
    body
}

/// Reads an `ls-refs` answer as it comes.
pub struct Answer<'a> {
    seek: &'a mut (dyn Seek + Send),
    rest: Vec<u8>,
    ended: bool,
}

impl<'a> Answer<'a> {
    /// Hands each ref on.
    pub fn about(seek: &'a mut (dyn Seek + Send)) -> Self {
        Self { seek, rest: Vec::new(), ended: false }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.rest.extend_from_slice(bytes);
        let mut taken = 0;
        while let Some((packet, length)) = next(&self.rest[taken..])? {
            taken += length;
            match packet {
                Packet::Flush if !self.ended => self.ended = true,
                Packet::Data(line) if !self.ended => {
                    let (id, rest) = id_and_rest(line)?;
                    let mut words = rest.split(|byte| *byte == b' ');
                    let name = words.next().unwrap_or_default();
                    let peeled = words.find_map(|word| word.strip_prefix(b"peeled:"));
                    let commit = peeled.map(parse_id).transpose()?.unwrap_or_else(|| id.clone());
                    if let Some(name) = shown(name) {
                        self.seek.take(name, Named { object: id, commit });
                    }
                }
                Packet::Data(_) | Packet::Flush | Packet::Delimiter | Packet::End => {
                    return Err(Problem::Malformed);
                }
            }
        }
        self.rest.drain(..taken);
        Ok(())
    }

    /// Whether everything was found, also before the end.
    pub fn is_done(&self) -> bool {
        self.seek.is_done()
    }

    /// Says that no more bytes come.
    pub fn end(self) -> Result<(), Problem> {
        if self.ended && self.rest.is_empty() { Ok(()) } else { Err(Problem::Malformed) }
    }
}

/// Which refs of an advertisement are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// One, by its full name.
    Name(String),
    /// The tags that say a version.
    Versions(Naming),
    /// Those which lead to a commit: none where the server hands out single commits, else every
    /// branch and tag.
    WayTo(ObjectId),
}

impl Wanted {
    /// What the full names of these refs begin with.
    pub fn begins(&self) -> String {
        match self {
            Self::Name(full_name) => full_name.clone(),
            Self::Versions(naming) => format!("{TAGS}{}", naming.begins()),
            Self::WayTo(_) => "refs/".to_owned(),
        }
    }
}

/// Where tags stand.
pub const TAGS: &str = "refs/tags/";

/// A v0 advertisement, without the refs that are not wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertisement {
    /// What the server can do, as it said it.
    pub capabilities: String,
    /// The wanted refs, each with its id; a tag's peeled id is under its name with `^{}`.
    pub refs: Vec<(String, ObjectId)>,
}

impl Advertisement {
    fn with(capabilities: &[u8]) -> Result<Self, Problem> {
        let capabilities = std::str::from_utf8(capabilities).map_err(|_| Problem::Malformed)?.to_owned();
        if capabilities.split(' ').any(|word| word == "object-format=sha256") {
            return Err(Problem::Sha256);
        }
        Ok(Self { capabilities, refs: Vec::new() })
    }

    /// Whether the server says that it can do something.
    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.split(' ').any(|word| word == capability)
    }

    /// Whether the server hands out single commits that no ref names.
    pub fn gives_commits(&self) -> bool {
        self.gives_older() || self.can("allow-tip-sha1-in-want")
    }

    /// Whether the server hands out each commit that a ref leads to.
    pub fn gives_older(&self) -> bool {
        self.can("allow-reachable-sha1-in-want") || self.can("allow-any-sha1-in-want")
    }

    /// Hands each of its refs on.
    pub fn hand_to(&self, seek: &mut dyn Seek) {
        let mut refs = self.refs.iter().peekable();
        while let Some((name, object)) = refs.next() {
            // The peeled id stands right behind the tag's own.
            let peeled = refs.next_if(|(next, _)| next.strip_suffix("^{}") == Some(name));
            let commit = peeled.map_or(object, |(_, commit)| commit);
            seek.take(name, Named { object: object.clone(), commit: commit.clone() });
        }
    }

    /// What a full name names.
    pub fn named(&self, full_name: &str) -> Option<Named> {
        let id = |name: &str| self.refs.iter().find(|(known, _)| known == name).map(|(_, id)| id.clone());
        let object = id(full_name)?;
        let commit = id(&format!("{full_name}^{{}}")).unwrap_or_else(|| object.clone());
        Some(Named { object, commit })
    }

    /// The advertisement as a server would send it, had it only these refs.
    pub fn to_bytes(&self, stateless: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        if stateless {
            pktline::push(&mut bytes, SERVICE);
            bytes.extend_from_slice(pktline::FLUSH);
        }
        let mut capabilities = Some(&self.capabilities);
        let mut line = |id: &str, name: &str| {
            let mut line = format!("{id} {name}").into_bytes();
            if let Some(capabilities) = capabilities.take() {
                line.push(0);
                line.extend_from_slice(capabilities.as_bytes());
            }
            line.push(b'\n');
            pktline::push(&mut bytes, &line);
        };
        if self.refs.is_empty() {
            line(&"0".repeat(40), "capabilities^{}");
        }
        for (name, id) in &self.refs {
            line(id.as_str(), name);
        }
        bytes.extend_from_slice(pktline::FLUSH);
        bytes
    }
}

/// The line in front of a stateless advertisement.
const SERVICE: &[u8] = b"# service=git-upload-pack\n";

/// With what an advertisement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// With its last ref.
    Refs,
    /// Before any: the server says that it speaks protocol v2 instead.
    V2,
}

/// Reads a v0 advertisement as it comes.
#[derive(Debug)]
pub struct Advertising {
    wanted: Wanted,
    /// Whether the line of the service and its flush are still to come.
    before_refs: bool,
    rest: Vec<u8>,
    advertisement: Option<Advertisement>,
    ended: Option<Ended>,
    stateless: bool,
}

impl Advertising {
    /// Waits for some refs; `stateless` where a line with the service comes first (HTTP).
    pub fn of(wanted: Wanted, stateless: bool) -> Self {
        let (rest, advertisement) = (Vec::new(), None);
        Self { wanted, before_refs: stateless, rest, advertisement, ended: None, stateless }
    }

    /// Whether the server says that it speaks protocol v2, in place of any refs.
    pub fn speaks_v2(&self) -> bool {
        self.ended == Some(Ended::V2)
    }

    /// Takes the next bytes; says whether the advertisement has ended with them.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<bool, Problem> {
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend_from_slice(bytes);
        let mut taken = 0;
        while self.ended != Some(Ended::Refs) {
            let Some((packet, length)) = next(&rest[taken..])? else { break };
            taken += length;
            self.packet(packet)?;
        }
        rest.drain(..taken);
        self.rest = rest;
        Ok(self.ended.is_some())
    }

    /// Says that no more bytes come.
    pub fn end(self) -> Result<Advertisement, Problem> {
        if self.ended != Some(Ended::Refs) {
            return Err(Problem::Malformed);
        }
        // An empty repository may send nothing but the flush.
        let nothing = Advertisement { capabilities: String::new(), refs: Vec::new() };
        Ok(self.advertisement.unwrap_or(nothing))
    }

    fn packet(&mut self, packet: Packet<'_>) -> Result<(), Problem> {
        match packet {
            // What it can do besides, of which one thing matters.
            Packet::Data(line) if self.speaks_v2() => {
                if line.trim_ascii_end() == b"object-format=sha256" {
                    return Err(Problem::Sha256);
                }
            }
            Packet::Flush if self.speaks_v2() => {}
            Packet::Flush if self.before_refs => self.before_refs = false,
            Packet::Flush => self.ended = Some(Ended::Refs),
            // Some say before it which service it is, as they do before refs.
            Packet::Data(line)
                if self.stateless
                    && self.advertisement.is_none()
                    && line.trim_ascii_end() == b"version 2" =>
            {
                self.ended = Some(Ended::V2);
            }
            Packet::Data(line) if self.before_refs => {
                if line.strip_suffix(b"\n").unwrap_or(line) != SERVICE.trim_ascii_end() {
                    return Err(Problem::Malformed);
                }
            }
            Packet::Data(line) => self.line(line)?,
            Packet::Delimiter | Packet::End => return Err(Problem::Malformed),
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Problem> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let (line, capabilities) = match line.iter().position(|byte| *byte == 0) {
            Some(at) => (&line[..at], Some(&line[at + 1..])),
            None => (line, None),
        };
        // A shallow repository says where it ends; that does not matter to one who takes one commit.
        if line.starts_with(b"shallow ") {
            return Ok(());
        }
        let (id, name) = id_and_rest(line)?;
        if self.advertisement.is_none() {
            self.advertisement = Some(Advertisement::with(capabilities.unwrap_or_default())?);
        }
        let advertisement = self.advertisement.as_mut().expect("it was just made");
        let Some(name) = shown(name).filter(|name| wants(&self.wanted, advertisement, name)) else {
            return Ok(());
        };
        if advertisement.refs.len() == MOST_REFS {
            return Err(Problem::TooManyRefs);
        }
        advertisement.refs.push((name.to_owned(), id));
        Ok(())
    }
}

/// A name that may be shown; refs with others are passed over.
fn shown(name: &[u8]) -> Option<&str> {
    std::str::from_utf8(name).ok().filter(|name| !name.chars().any(char::is_control))
}

fn wants(wanted: &Wanted, advertisement: &Advertisement, name: &str) -> bool {
    match wanted {
        Wanted::Name(full) => name.strip_suffix("^{}").unwrap_or(name) == full,
        Wanted::Versions(naming) => {
            let tag = name.strip_suffix("^{}").unwrap_or(name).strip_prefix(TAGS);
            tag.is_some_and(|tag| naming.version(tag).is_some())
        }
        Wanted::WayTo(_) => {
            !advertisement.gives_commits()
                && (name.starts_with("refs/heads/") || name.starts_with("refs/tags/"))
        }
    }
}

fn next(bytes: &[u8]) -> Result<Option<(Packet<'_>, usize)>, Problem> {
    let found = pktline::first(bytes).map_err(|_| Problem::Malformed)?;
    if let Some((Packet::Data(line), _)) = found
        && let Some(text) = line.strip_prefix(b"ERR ")
    {
        return Err(Problem::Refused(String::from_utf8_lossy(text).into_owned()));
    }
    Ok(found)
}

fn id_and_rest(line: &[u8]) -> Result<(ObjectId, &[u8]), Problem> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let blank = line.iter().position(|byte| *byte == b' ').ok_or(Problem::Malformed)?;
    Ok((parse_id(&line[..blank])?, &line[blank + 1..]))
}

fn parse_id(digits: &[u8]) -> Result<ObjectId, Problem> {
    if digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(Problem::Sha256);
    }
    std::str::from_utf8(digits).ok().and_then(ObjectId::new).ok_or(Problem::Malformed)
}
