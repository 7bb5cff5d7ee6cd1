//! Comparisons of two revisions: for people, for programs, and for the comment on a pull request.
//!
//! Takes a comparison, gives text. What several connectors or environments have in common is told
//! once by the two forms for people; the form for programs has each by itself.

mod groups;
pub mod human;
pub mod json;
pub mod markdown;
mod words;
