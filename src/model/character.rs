//! Characters that are not shown to people as they are.
//!
//! Takes a character, says whether it is one; takes a text, or a text in JSON, gives the same with none of them.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// Whether a character could disturb a terminal or hide what is really written: control characters, and
/// those that part lines, turn the order of reading round, or are not seen.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

/// A text on one line: what disturbs a reader is escaped, so that it can neither forge a line nor speak to the
/// terminal.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'t>(pub &'t str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| {
            if is_unprintable(character) {
                write!(f, "{}", character.escape_default())
            } else {
                f.write_char(character)
            }
        })
    }
}

/// A text in JSON that says the same and has none of them but line feeds. What is here replaced can only stand in a
/// string, where it may as well be written by its number: whoever reads it loses nothing.
pub fn shown_in_json(json: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| c != '\n' && is_unprintable(c);
    if !json.contains(is_hidden) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").expect("a String takes every write");
            }
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}
