//! A document as a tree: scalars, lists and maps with their places.
//!
//! Made by the reader, taken apart by [`decode`](crate::yaml::decode).

use crate::model::finding::Place;
use crate::model::text::Text;

/// One document of a file.
#[derive(Debug, Clone)]
pub struct Document {
    /// What is in it; empty for `---` with nothing after it.
    pub root: Node,
    /// Whether all of it was read. Else a finding says where it broke, and what stands before that
    /// place is here.
    pub whole: bool,
}

/// A value and where it begins.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its first character; that of its first item for a list or map in block style.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Nothing was written: `key:`.
    Empty,
    /// `~` or `null`, without quotes.
    Null,
    /// A text; quotes and blocks make no difference.
    Scalar(Text),
    /// Values in order.
    Sequence(Vec<Node>),
    /// Values by key, in order, no key twice.
    Mapping(Vec<Entry>),
    /// Something that a finding refuses already, so that nothing more is said about it.
    Refused,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: Text,
    /// The value.
    pub value: Node,
}

impl Kind {
    /// The word for it in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Empty => "nothing",
            Self::Null => "null",
            Self::Scalar(_) => "a text",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a map",
            Self::Refused => "something that cannot be read",
        }
    }
}
