//! Finds the expressions in a text.

use std::ops::Range;

/// A part of a text, by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Plain(Range<usize>),
    /// What stands between `{{` and `}}`.
    Expression(Range<usize>),
}

/// Splits a text; the error is the byte at which an expression begins that does not end.
pub fn split(text: &str) -> Result<Vec<Piece>, usize> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("{{") {
        let open = at + found;
        let length = end(&text[open + 2..]).ok_or(open)?;
        let close = open + 2 + length;
        if at < open {
            pieces.push(Piece::Plain(at..open));
        }
        pieces.push(Piece::Expression(open + 2..close));
        at = close + 2;
    }
    if at < text.len() {
        pieces.push(Piece::Plain(at..text.len()));
    }
    Ok(pieces)
}

/// How many bytes there are before the `}}` that is neither in quotes nor inside braces.
fn end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, quote) {
            (b'\\', Some(_)) => at += 1,
            (byte, Some(open)) => quote = (byte != open).then_some(open),
            (b'"' | b'\'', None) => quote = Some(byte),
            (b'{', None) => depth += 1,
            (b'}', None) if depth > 0 => depth -= 1,
            (b'}', None) if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (_, None) => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Put together again, the pieces are the text.
        #[test]
        fn nothing_is_lost(text in "[a{}'\"\\\\ äö|]{0,40}") {
            if let Ok(pieces) = split(&text) {
                let joined: String = pieces
                    .into_iter()
                    .map(|piece| match piece {
                        Piece::Plain(range) => text[range].to_owned(),
                        Piece::Expression(range) => format!("{{{{{}}}}}", &text[range]),
                    })
                    .collect();
                prop_assert_eq!(joined, text);
            }
        }
    }
}
