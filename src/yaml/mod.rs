//! YAML with the place of every key and value.
//!
//! Takes the bytes of one file, gives its documents as small trees and what is wrong with them, and
//! helps to take the trees apart. What the keys mean is left to the rooms that read their own files.
//!
//! Scalars keep the text that they were written with. What would let one text mean two things, or
//! a small file grow large, is refused: anchors, aliases, tags, directives, merge keys, a key twice.

pub mod decode;
mod read;
pub mod tree;

use crate::model::finding::Finding;
use crate::yaml::tree::Document;

/// Reads every document of a file; what cannot be read is a finding, and the rest is read on.
pub fn documents(path: &str, bytes: &[u8]) -> (Vec<Document>, Vec<Finding>) {
    read::documents(path, bytes)
}
