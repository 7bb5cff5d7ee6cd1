//! Git's objects, taken apart.
//!
//! Takes the bytes of an object as another process gave them, gives what stands in them. Pure, and
//! trusts nothing: the id is computed, for it says what the bytes must be.

use jiff::Timestamp;
use ring::digest;

use crate::model::revision::ObjectId;

/// How many bytes an id has.
const ID_BYTES: usize = 20;

/// The id of an object: of its kind, as git writes it, its length and its bytes.
///
/// libgit2 looked for collisions when it took the object in. This one is against a worker that lies.
pub fn id(kind: &str, bytes: &[u8]) -> ObjectId {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(format!("{kind} {}\0", bytes.len()).as_bytes());
    context.update(bytes);
    hexadecimal(context.finish().as_ref())
}

/// What a commit says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its folder.
    pub tree: ObjectId,
    /// The commit before it: of a merge, the one that was merged into.
    pub parent: Option<ObjectId>,
    /// The committer's time; `None` where it lies outside of time as it is counted here.
    pub committed: Option<Timestamp>,
}

/// What a tag names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag<'a> {
    /// The object.
    pub object: ObjectId,
    /// What the tag says that it is.
    pub kind: &'a [u8],
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What it is, and who may run it, in Unix' bits.
    pub mode: u32,
    /// The name, as it is.
    pub name: Vec<u8>,
    /// What it stands for.
    pub object: ObjectId,
}

/// Reads a commit; `None` where it is not written as git writes it.
pub fn commit(bytes: &[u8]) -> Option<Commit> {
    let mut lines = bytes.split(|byte| *byte == b'\n').peekable();
    let tree = id_in(lines.next()?.strip_prefix(b"tree ")?)?;
    let parent = match lines.peek().and_then(|line| line.strip_prefix(b"parent ")) {
        Some(parent) => Some(id_in(parent)?),
        None => None,
    };
    let committer =
        lines.take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix(b"committer "));
    // The name may hold anything but these; the time is what follows the address.
    let time = committer?.rsplit(|byte| *byte == b'>').next()?;
    let seconds = std::str::from_utf8(time).ok()?.split_whitespace().next()?.parse::<i64>();
    let time = seconds.ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    Some(Commit { tree, parent, committed: time })
}

/// Reads a tag.
pub fn tag(bytes: &[u8]) -> Option<Tag<'_>> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let object = id_in(lines.next()?.strip_prefix(b"object ")?)?;
    Some(Tag { object, kind: lines.next()?.strip_prefix(b"type ")? })
}

/// Reads a folder.
pub fn tree(mut bytes: &[u8]) -> Option<Vec<Named>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (mode, rest) = before(bytes, b' ')?;
        let (name, rest) = before(rest, 0)?;
        let (object, rest) = rest.split_at_checked(ID_BYTES)?;
        let mode = u32::from_str_radix(std::str::from_utf8(mode).ok()?, 8).ok()?;
        entries.push(Named { mode, name: name.to_vec(), object: hexadecimal(object) });
        bytes = rest;
    }
    Some(entries)
}

fn before(bytes: &[u8], end: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == end)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn id_in(text: &[u8]) -> Option<ObjectId> {
    ObjectId::new(std::str::from_utf8(text).ok()?)
}

fn hexadecimal(bytes: &[u8]) -> ObjectId {
    let text = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    ObjectId::new(&text).expect("twenty bytes are forty hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The id of an empty folder, which every git knows.
    const EMPTY: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    #[test]
    fn an_id_is_git_s() {
        assert_eq!(id("tree", b"").as_str(), EMPTY);
        assert_eq!(id("blob", b"hello\n").as_str(), "ce013625030ba8dba906f756967f9e9ca394464a");
    }

    #[test]
    fn a_commit_says_its_folder_and_its_time() {
        let text =
            |committer: &str| format!("tree {EMPTY}\nauthor a <a> 1 +0000\n{committer}\n\ncommitter x");
        let time = |committer: &str| commit(text(committer).as_bytes()).map(|commit| commit.committed);
        let seven = Some(Some(Timestamp::from_second(7).expect("a time")));
        assert_eq!(time("committer A B <a@b> 7 +0100"), seven);
        assert_eq!(time("committer 9 > <> 7 +0100"), seven);
        assert_eq!(time("committer A <a> 99999999999999999 +0000"), Some(None));
        assert_eq!(time("committer A <a> x"), Some(None));
        assert_eq!(time("nobody"), None);
        assert_eq!(commit(b"author a <a> 1 +0000\n"), None);
    }

    #[test]
    fn a_commit_says_which_was_before_it() {
        let text = |parents: &str| {
            format!("tree {EMPTY}\n{parents}author a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nparent x")
        };
        let parent = |parents: &str| commit(text(parents).as_bytes()).map(|commit| commit.parent);
        let (one, other) = (id("blob", b"1"), id("blob", b"2"));
        assert_eq!(parent(""), Some(None));
        assert_eq!(parent(&format!("parent {one}\nparent {other}\n")), Some(Some(one)), "the first");
        assert_eq!(parent("parent 12\n"), None);
    }

    #[test]
    fn a_tag_says_what_it_names() {
        let text = format!("object {EMPTY}\ntype tree\ntag v1\n\nobject x");
        let read = tag(text.as_bytes()).expect("a tag");
        assert_eq!((read.object.as_str(), read.kind), (EMPTY, &b"tree"[..]));
        assert_eq!(tag(b"object 12\ntype tree\n"), None);
    }

    proptest! {
        #[test]
        fn a_folder_is_read_as_it_was_written(names in proptest::collection::vec("[^/\0]{1,9}", 0..9)) {
            let write = |name: &String| [b"100644 ", name.as_bytes(), &[0], &[7; ID_BYTES]].concat();
            let bytes: Vec<u8> = names.iter().flat_map(write).collect();
            let read = tree(&bytes).expect("a folder");
            let read: Vec<_> = read.iter().map(|named| (named.mode, named.name.clone())).collect();
            let written: Vec<_> = names.iter().map(|name| (0o100_644, name.clone().into_bytes())).collect();
            prop_assert_eq!(read, written);
            if let Some(cut) = bytes.len().checked_sub(1) {
                prop_assert_eq!(tree(&bytes[..cut]), None);
            }
        }

        #[test]
        fn no_bytes_harm_whoever_reads_them(bytes: Vec<u8>) {
            let _ = (commit(&bytes), tag(&bytes), tree(&bytes));
        }
    }
}
