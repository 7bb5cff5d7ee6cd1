//! A text as it stands in a file: what it says, and where each of its characters is.
//!
//! Takes what a reader of files saw, gives places for findings. What the text means is left to
//! others.

use std::sync::Arc;

use crate::model::finding::Place;

/// A text with its place.
///
/// Two are equal where they say the same and stand in the same place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "what a text says is its text")]
pub struct Text {
    /// What it says, after quotes, escapes and folded lines.
    pub text: Arc<str>,
    /// Where it begins.
    pub place: Place,
    /// The characters of the file it was made from, where they differ from what it says.
    source: Option<Arc<str>>,
}

impl Text {
    /// Takes a text that stands in the file as it is.
    pub fn plain(text: &str, place: Place) -> Self {
        Self { text: text.into(), place, source: None }
    }

    /// Takes a text and the characters of the file it was made from, quotes and all.
    pub fn written(text: &str, place: Place, source: &str) -> Self {
        Self { text: text.into(), place, source: (source != text).then(|| source.into()) }
    }

    /// What it says.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is empty, or what is printed in a reason's place for a person to fill in.
    pub fn says_nothing(&self) -> bool {
        matches!(self.text.trim(), "" | "…" | "...")
    }

    /// Whether it stands in the file just as it is, without quotes.
    pub fn is_bare(&self) -> bool {
        self.source.is_none()
    }

    /// Where the character at a byte offset of the text stands in the file.
    ///
    /// Quotes, indentation and most escapes are skipped over by looking for the text's own visible
    /// characters in order; where that fails the place is the beginning of the text.
    pub fn place_of(&self, offset: usize) -> Place {
        let upto = self.text.get(..offset).unwrap_or_default();
        let Some(source) = &self.source else {
            return self.shifted(upto.chars());
        };
        let target = self.text.get(offset..).and_then(|rest| rest.chars().next());
        let mut walked = 0;
        for character in upto.chars().chain(target).filter(|c| !c.is_whitespace()) {
            match source[walked..].find(character) {
                Some(found) => walked += found + character.len_utf8(),
                None => return self.place.clone(),
            }
        }
        let last = source[..walked].chars().next_back().map_or(0, char::len_utf8);
        self.shifted(source[..walked - last].chars())
    }

    fn shifted(&self, over: impl Iterator<Item = char>) -> Place {
        let mut place = self.place.clone();
        for character in over {
            if character == '\n' {
                place.line += 1;
                place.column = 1;
            } else {
                place.column += 1;
            }
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, source: &str, needle: &str) -> (u32, u32) {
        let place = Place { path: "a.yaml".into(), line: 3, column: 5 };
        let text = Text::written(text, place, source);
        let offset = text.text.find(needle).expect("the needle is in the text");
        let place = text.place_of(offset);
        (place.line, place.column)
    }

    #[test]
    fn every_character_has_its_place_in_the_file() {
        assert_eq!(at("a-{{ b }}", "a-{{ b }}", "{{"), (3, 7));
        assert_eq!(at("ä-{{ b }}", "\"ä-{{ b }}\"", "{{"), (3, 8));
        assert_eq!(at("say \"x\" {{ b }}", r#""say \"x\" {{ b }}""#, "{{"), (3, 16));
        assert_eq!(at("one\ntwo {{ b }}\n", "|\n      one\n      two {{ b }}\n", "{{"), (5, 11));
        assert_eq!(at("one two {{ b }}", "one\n  two {{ b }}", "b }}"), (4, 10));
    }
}
