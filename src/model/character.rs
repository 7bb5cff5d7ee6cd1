//! Characters that are not shown to people as they are.
//!
//! Takes a character, says whether it is one. What is written in its place is left to whoever shows a text.

/// Whether a character could disturb a terminal or hide what is really written: control characters, and
/// those that part lines, turn the order of reading round, or are not seen.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}
