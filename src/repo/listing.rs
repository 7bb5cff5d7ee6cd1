//! What a repository's refs name, as servers tell it.
//!
//! Takes the bytes of a protocol v2 `ls-refs` answer or of a v0 advertisement, gives the ids of the
//! refs that are wanted. Pure, and bounded: refs that nobody wants are dropped as they come, so a
//! repository with millions of them costs no memory.

use crate::model::revision::ObjectId;
use crate::repo::cause::Cause;
use crate::repo::error::{Doing, Error, Limit};
use crate::repo::pktline::{self, Packet};

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

/// The `ls-refs` request for one full name.
pub fn request(agent: &str, full_name: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(160);
    pktline::push(&mut body, b"command=ls-refs\n");
    pktline::push(&mut body, format!("agent={agent}\n").as_bytes());
    body.extend_from_slice(pktline::DELIMITER);
    pktline::push(&mut body, b"peel\n");
    pktline::push(&mut body, format!("ref-prefix {full_name}\n").as_bytes());
    body.extend_from_slice(pktline::FLUSH);
    body
}

/// Reads an `ls-refs` answer as it comes.
#[derive(Debug)]
pub struct Answer<'a> {
    full_name: &'a str,
    rest: Vec<u8>,
    named: Option<Named>,
    ended: bool,
}

impl<'a> Answer<'a> {
    /// Waits for one full name. A prefix asks for `v10` too where `v1` is meant, hence the name.
    pub fn about(full_name: &'a str) -> Self {
        Self { full_name, rest: Vec::new(), named: None, ended: false }
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
                    if words.next() == Some(self.full_name.as_bytes()) {
                        let peeled = words.find_map(|word| word.strip_prefix(b"peeled:"));
                        let commit = peeled.map(parse_id).transpose()?.unwrap_or_else(|| id.clone());
                        self.named = Some(Named { object: id, commit });
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

    /// What the name was seen to name, also before the end.
    pub fn named(&self) -> Option<&Named> {
        self.named.as_ref()
    }

    /// Says that no more bytes come.
    pub fn end(self) -> Result<Option<Named>, Problem> {
        if self.ended && self.rest.is_empty() { Ok(self.named) } else { Err(Problem::Malformed) }
    }
}

/// Which refs of an advertisement are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// One, by its full name.
    Name(String),
    /// Those which lead to a commit: none where the server hands out single commits, else every
    /// branch and tag.
    WayTo(ObjectId),
}

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
        self.can("allow-reachable-sha1-in-want")
            || self.can("allow-any-sha1-in-want")
            || self.can("allow-tip-sha1-in-want")
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

/// Reads a v0 advertisement as it comes.
#[derive(Debug)]
pub struct Advertising {
    wanted: Wanted,
    /// Whether the line of the service and its flush are still to come.
    before_refs: bool,
    rest: Vec<u8>,
    advertisement: Option<Advertisement>,
    ended: bool,
}

impl Advertising {
    /// Waits for some refs; `stateless` where a line with the service comes first (HTTP).
    pub fn of(wanted: Wanted, stateless: bool) -> Self {
        Self { wanted, before_refs: stateless, rest: Vec::new(), advertisement: None, ended: false }
    }

    /// Takes the next bytes; says whether the advertisement has ended with them.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<bool, Problem> {
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend_from_slice(bytes);
        let mut taken = 0;
        while !self.ended {
            let Some((packet, length)) = next(&rest[taken..])? else { break };
            taken += length;
            self.packet(packet)?;
        }
        rest.drain(..taken);
        self.rest = rest;
        Ok(self.ended)
    }

    /// Says that no more bytes come.
    pub fn end(self) -> Result<Advertisement, Problem> {
        if !self.ended {
            return Err(Problem::Malformed);
        }
        // An empty repository may send nothing but the flush.
        let nothing = Advertisement { capabilities: String::new(), refs: Vec::new() };
        Ok(self.advertisement.unwrap_or(nothing))
    }

    fn packet(&mut self, packet: Packet<'_>) -> Result<(), Problem> {
        match packet {
            Packet::Flush if self.before_refs => self.before_refs = false,
            Packet::Flush => self.ended = true,
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
        let Ok(name) = std::str::from_utf8(name) else { return Ok(()) };
        if name.chars().any(char::is_control) || !wants(&self.wanted, advertisement, name) {
            return Ok(());
        }
        if advertisement.refs.len() == MOST_REFS {
            return Err(Problem::TooManyRefs);
        }
        advertisement.refs.push((name.to_owned(), id));
        Ok(())
    }
}

fn wants(wanted: &Wanted, advertisement: &Advertisement, name: &str) -> bool {
    match wanted {
        Wanted::Name(full) => name.strip_suffix("^{}").unwrap_or(name) == full,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn id(text: &str) -> ObjectId {
        ObjectId::new(text).expect("an id")
    }

    fn packets(lines: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in lines {
            match *line {
                "" => bytes.extend_from_slice(pktline::FLUSH),
                line => pktline::push(&mut bytes, line.as_bytes()),
            }
        }
        bytes
    }

    fn answer(bytes: &[u8]) -> Result<Option<Named>, Problem> {
        let mut answer = Answer::about("refs/tags/v1");
        for byte in bytes.chunks(7) {
            answer.feed(byte)?;
        }
        answer.end()
    }

    fn advertised(wanted: Wanted, stateless: bool, bytes: &[u8]) -> Result<Advertisement, Problem> {
        let mut advertising = Advertising::of(wanted, stateless);
        for chunk in bytes.chunks(5) {
            if advertising.feed(chunk)? {
                break;
            }
        }
        advertising.end()
    }

    #[test]
    fn v1_is_not_v10() {
        let bytes = packets(&[&format!("{A} refs/tags/v10\n"), &format!("{B} refs/tags/v1.2\n"), ""]);
        assert_eq!(answer(&bytes), Ok(None));
        let bytes = packets(&[&format!("{A} refs/tags/v10\n"), &format!("{B} refs/tags/v1\n"), ""]);
        assert_eq!(answer(&bytes), Ok(Some(Named { object: id(B), commit: id(B) })));
    }

    #[test]
    fn an_annotated_tag_has_two_ids() {
        let bytes = packets(&[&format!("{A} refs/tags/v1 peeled:{B}\n"), ""]);
        assert_eq!(answer(&bytes), Ok(Some(Named { object: id(A), commit: id(B) })));
    }

    #[test]
    fn what_is_no_ls_refs_answer_is_told() {
        assert_eq!(answer(b""), Err(Problem::Malformed));
        assert_eq!(answer(b"<html>"), Err(Problem::Malformed));
        assert_eq!(answer(&packets(&["# service=git-upload-pack\n", ""])), Err(Problem::Malformed));
        assert_eq!(answer(&packets(&[&format!("{A} refs/tags/v1\n")])), Err(Problem::Malformed));
        assert_eq!(answer(&packets(&["version 2\n", "ls-refs\n", ""])), Err(Problem::Malformed));
        assert_eq!(answer(&packets(&["ERR no\n", ""])), Err(Problem::Refused("no\n".into())));
        assert_eq!(answer(&packets(&[&format!("{A}{A} refs/tags/v1\n"), ""])), Err(Problem::Malformed));
        let long = "c".repeat(64);
        assert_eq!(answer(&packets(&[&format!("{long} refs/tags/v1\n"), ""])), Err(Problem::Sha256));
    }

    #[test]
    fn an_advertisement_keeps_what_is_wanted() {
        let bytes = packets(&[
            "# service=git-upload-pack\n",
            "",
            &format!("{A} HEAD\0shallow side-band-64k\n"),
            &format!("{A} refs/tags/v1\n"),
            &format!("{B} refs/tags/v1^{{}}\n"),
            &format!("{B} refs/tags/v10\n"),
            &format!("shallow {B}\n"),
            "",
        ]);
        let seen = advertised(Wanted::Name("refs/tags/v1".into()), true, &bytes).expect("a listing");
        assert_eq!(seen.named("refs/tags/v1"), Some(Named { object: id(A), commit: id(B) }));
        assert_eq!(seen.refs.len(), 2);
        assert!(seen.can("shallow") && !seen.gives_commits());

        let again = advertised(Wanted::Name("refs/tags/v1".into()), true, &seen.to_bytes(true));
        assert_eq!(again, Ok(seen));
    }

    #[test]
    fn a_server_that_hands_out_commits_is_asked_for_no_refs() {
        let refs = |capabilities: &str| {
            packets(&[
                &format!("{A} HEAD\0{capabilities}\n"),
                &format!("{A} refs/heads/main\n"),
                &format!("{B} refs/pull/1/head\n"),
                "",
            ])
        };
        let open = advertised(Wanted::WayTo(id(B)), false, &refs("allow-reachable-sha1-in-want"));
        assert_eq!(open.expect("a listing").refs, []);
        let closed = advertised(Wanted::WayTo(id(B)), false, &refs("shallow")).expect("a listing");
        assert_eq!(closed.refs, [("refs/heads/main".to_owned(), id(A))]);
        let none = Advertisement { capabilities: "shallow".into(), refs: vec![] };
        assert!(none.to_bytes(false).ends_with(b"capabilities^{}\0shallow\n0000"));
    }

    #[test]
    fn refs_with_odd_names_are_passed_over() {
        let mut bytes = Vec::new();
        pktline::push(&mut bytes, format!("{A} refs/tags/v1\0x\n").as_bytes());
        pktline::push(&mut bytes, &[A.as_bytes(), b" refs/tags/\xff\xfe\n"].concat());
        bytes.extend_from_slice(pktline::FLUSH);
        let seen = advertised(Wanted::WayTo(id(A)), false, &bytes).expect("a listing");
        assert_eq!(seen.refs.len(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, stateless: bool) {
            let _ = answer(&bytes);
            let _ = advertised(Wanted::Name("refs/tags/v1".into()), stateless, &bytes);
        }

        #[test]
        fn no_lines_make_it_panic(lines in proptest::collection::vec("[0-9a-f ^{}\0a-z:/]{0,80}", 0..6)) {
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            let bytes = packets(&lines);
            let _ = answer(&bytes);
            let _ = advertised(Wanted::WayTo(id(A)), true, &bytes);
        }
    }
}
