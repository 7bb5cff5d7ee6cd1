//! What every text for people is made of: colour where it was asked for, lines that nothing breaks
//! out of, counts and ages in words.

use std::fmt::{Arguments, Write as _};

use jiff::Timestamp;

use crate::model::character::Printable;
use crate::model::config::Shown;

/// A colour of the sixteen that every terminal has.
#[derive(Debug, Clone, Copy)]
pub(in crate::view) enum Colour {
    Red,
    Green,
    Yellow,
    Blue,
}

/// Whether there is colour.
#[derive(Debug, Clone, Copy)]
pub(in crate::view) struct Paint {
    colour: bool,
}

impl Paint {
    pub(in crate::view) fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// A text in a colour.
    pub(in crate::view) fn mark(self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Red => 31,
            Colour::Green => 32,
            Colour::Yellow => 33,
            Colour::Blue => 34,
        };
        self.wrap(code, text)
    }

    /// A text in bold.
    pub(in crate::view) fn strong(self, text: &str) -> String {
        self.wrap(1, text)
    }

    fn wrap(self, code: u8, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A text on one line: control characters are escaped, so that a value from a repository or from a
/// cluster can neither forge a line nor speak to the terminal.
pub(in crate::view) fn line(text: &str) -> String {
    Printable(text).to_string()
}

/// Adds a line.
pub(in crate::view) fn put(out: &mut String, text: Arguments<'_>) {
    writeln!(out, "{text}").expect("a String takes every write");
}

/// A value as a person may see it, on one line; an empty one is made visible.
pub(in crate::view) fn shown(value: &Shown) -> String {
    match value {
        Shown::Text(text) if text.is_empty() => "\"\"".to_owned(),
        Shown::Text(text) => line(text),
        Shown::Hidden => "***".to_owned(),
    }
}

/// A number of things in words.
pub(in crate::view) fn count(found: usize, one: &str, many: &str) -> String {
    if found == 1 { format!("1 {one}") } else { format!("{found} {many}") }
}

/// How long ago a moment was, in its largest unit.
pub(in crate::view) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(at.as_second());
    match seconds {
        i64::MIN..=0 => "now".to_owned(),
        1..=119 => format!("{seconds} s ago"),
        120..=7199 => format!("{} min ago", seconds / 60),
        7200..=172_799 => format!("{} h ago", seconds / 3600),
        172_800.. => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_can_neither_forge_a_line_nor_speak_to_the_terminal() {
        assert_eq!(line("a\nb\x1b[31m\u{202e}c"), "a\\nb\\u{1b}[31m\\u{202e}c");
        assert_eq!(line("zwölf → 12"), "zwölf → 12");
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let at = Timestamp::UNIX_EPOCH;
        for (seconds, words) in [
            (-5, "now"),
            (0, "now"),
            (119, "119 s ago"),
            (120, "2 min ago"),
            (7200, "2 h ago"),
            (172_800, "2 d ago"),
        ] {
            assert_eq!(ago(at, Timestamp::from_second(seconds).expect("in range")), words);
        }
    }
}
