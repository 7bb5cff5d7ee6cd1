//! A page of the documents, taken apart: its fenced blocks and its links.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A fenced block.
#[derive(Debug, Clone)]
pub struct Block {
    /// What stands after the fence, as `sh`.
    pub info: String,
    /// Its lines.
    pub text: String,
    /// The line of the opening fence, from 1.
    pub line: usize,
}

/// The repository's own folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Reads a page, by its path from the repository's folder.
pub fn read(page: &str) -> Result<String> {
    std::fs::read_to_string(root().join(page)).with_context(|| format!("failed to read {page}"))
}

/// Every fenced block of a page.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block { info: info.to_owned(), text: String::new(), line: number + 1 });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// The files of a YAML block: each begins with its path as a comment, and `---` may part them.
pub fn files(block: &Block) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in block.text.lines() {
        let path = line.strip_prefix("# ").map(|rest| rest.split([':', ' ']).next().unwrap_or_default());
        match path.filter(|path| is_file(path)) {
            Some(path) => files.push((path.to_owned(), String::new())),
            None => {
                if let Some((_, text)) = files.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
    }
    for (_, text) in &mut files {
        if let Some(rest) = text.strip_suffix("---\n") {
            *text = rest.to_owned();
        }
    }
    files
}

fn is_file(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}

/// The targets of a page's links.
pub fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("](") {
        let Some((target, after)) = after.split_once(')') else { break };
        links.push(target.to_owned());
        rest = after;
    }
    links
}
