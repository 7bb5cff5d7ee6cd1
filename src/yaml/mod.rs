//! YAML, and JSON as its strict part, with the place of every key and value.
//!
//! Takes the bytes of one file, gives its documents as small trees and what is wrong with them, and
//! helps to take the trees apart. What the keys mean is left to the rooms that read their own files.
//!
//! Scalars keep the text that they were written with. What would let one text mean two things, or
//! a small file grow large, is refused: anchors, aliases, tags, directives, merge keys, a key twice.

mod advice;
pub mod decode;
pub mod forms;
pub mod helm;
mod json;
mod quotes;
mod read;
pub mod tree;

use crate::model::finding::Finding;
use crate::yaml::tree::Document;

/// Reads the one document of a JSON file; where it cannot be read, a finding says why.
pub fn json(path: &str, bytes: &[u8]) -> (Option<Document>, Vec<Finding>) {
    match read::utf8(path, bytes) {
        Ok(text) => json::document(path, text),
        Err(finding) => (None, vec![finding]),
    }
}

/// Reads every document of a YAML file; what cannot be read is a finding, and the rest is read on.
pub fn documents(path: &str, bytes: &[u8]) -> (Vec<Document>, Vec<Finding>) {
    match read::utf8(path, bytes) {
        Ok(text) => read::documents(path, text),
        Err(finding) => (Vec::new(), vec![finding]),
    }
}
