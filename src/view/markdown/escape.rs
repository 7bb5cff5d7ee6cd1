//! Texts of a repository or of a cluster inside of Markdown, which they cannot break out of.
//!
//! Takes any text, gives Markdown of one line that shows it as it is: no HTML, no link, no mention, no
//! end of a table's cell.

use std::fmt::Write as _;

use crate::view::text::line;

/// After these a name would be a mention or an issue; a character of no width keeps them apart.
const WORD_JOINER: char = '\u{2060}';

/// A sentence of ours, with names in backticks that may hold anything.
pub(in crate::view) fn sentence(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let mut out = String::new();
    for (at, part) in parts.iter().enumerate() {
        if at % 2 == 0 {
            out.push_str(&plain(part));
        } else if at + 1 == parts.len() {
            out.push_str(&plain(&format!("`{part}")));
        } else {
            out.push_str(&code(part));
        }
    }
    out
}

/// A name, a path or a value, as code.
pub(in crate::view) fn code(text: &str) -> String {
    let text = line(text);
    // A cell ends at a bar, also inside of backticks, and so does code at a backtick.
    if text.is_empty() || text.contains(['`', '|', '\\']) {
        format!("<code>{}</code>", plain(&text))
    } else {
        format!("`{text}`")
    }
}

/// A text of several lines, as it is: somebody may take it from here. Inside of it nobody is called, so nothing
/// has to be kept apart.
pub(in crate::view) fn block(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|text| entities(&line(text)).replace(WORD_JOINER, "")).collect();
    format!("<pre>{}</pre>", lines.join("\n"))
}

/// A text inside of an HTML element.
pub(in crate::view) fn html(text: &str) -> String {
    plain(text)
}

/// A text whose every sign is one of its letters.
fn plain(text: &str) -> String {
    entities(&line(text))
}

fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        // `www.` and `x://` would be links, and `:x:` a picture.
        let ends_word = characters.peek().is_none_or(|next| *next == ' ');
        let harmless = !character.is_ascii_punctuation()
            || matches!(
                character,
                ',' | '-' | '/' | '(' | ')' | '=' | '+' | '\'' | '?' | ';' | '"' | '%' | '{' | '}'
            )
            || (character == ':' && ends_word)
            || (character == '.' && !out.ends_with("www"));
        if harmless {
            out.push(character);
            continue;
        }
        write!(out, "&#{};", u32::from(character)).expect("a text can be written to");
        if matches!(character, '@' | '#') {
            out.push(WORD_JOINER);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader of the page sees of it. Inside of backticks every sign stands for itself.
    fn seen(markdown: &str) -> String {
        let parts = markdown.split('`').enumerate();
        parts.map(|(at, part)| if at % 2 == 0 { decoded(part) } else { part.to_owned() }).collect()
    }

    fn decoded(markdown: &str) -> String {
        let mut out = String::new();
        let mut rest = markdown.replace("<code>", "").replace("</code>", "").replace(WORD_JOINER, "");
        while let Some((before, after)) = rest.split_once("&#") {
            let (number, after) = after.split_once(';').expect("an entity ends");
            out.push_str(before);
            out.push(number.parse().ok().and_then(char::from_u32).expect("a character"));
            rest = after.to_owned();
        }
        out + &rest
    }

    /// The parts that are no code in backticks, where every sign has its meaning.
    fn bare(markdown: &str) -> String {
        let parts = markdown.split('`').step_by(2);
        parts.collect::<Vec<_>>().join(" ").replace("<code>", " ").replace("</code>", " ")
    }

    #[test]
    fn a_sentence_keeps_its_names() {
        assert_eq!(sentence("a map has no key `a.b`"), "a map has no key `a.b`");
        assert_eq!(sentence("`a|b` is no name"), "<code>a&#124;b</code> is no name");
        assert_eq!(sentence("one ` alone"), "one &#96; alone");
        assert_eq!(code(""), "<code></code>");
    }

    #[test]
    fn nobody_is_called_and_nothing_is_shown_that_was_not_meant() {
        for (text, markdown) in [
            ("@team", "&#64;\u{2060}team"),
            ("see #12", "see &#35;\u{2060}12"),
            ("<img src=x>", "&#60;img src=x&#62;"),
            ("[x](y)", "&#91;x&#93;(y)"),
            ("https://x.example", "https&#58;//x.example"),
            ("www.x.example", "www&#46;x.example"),
            ("a\nb", "a&#92;nb"),
        ] {
            assert_eq!(sentence(text), markdown);
        }
        assert_eq!(block("a</pre>\n<img>"), "<pre>a&#60;/pre&#62;\n&#60;img&#62;</pre>");
        assert_eq!(
            block("# @a: x"),
            "<pre>&#35; &#64;a: x</pre>",
            "nothing unseen comes with what is copied"
        );
    }

    proptest! {
        /// A text stays in its cell, says nothing in Markdown or HTML, and is read as it was written.
        #[test]
        fn a_text_stays_in_its_cell(text in r"([a-z @#|`<>&\\*_\[\]:.]|www|\PC|\n|\r){0,40}") {
            // The character that keeps apart is invisible, so it cannot be told from one of the text's own.
            let text = text.replace(WORD_JOINER, "");
            for markdown in [sentence(&text), code(&text)] {
                prop_assert!(!markdown.contains(['|', '\n', '\r']), "{markdown}");
                prop_assert_eq!(markdown.matches('`').count() % 2, 0, "{}", markdown);
                prop_assert!(!bare(&markdown).contains(['<', '>', '*', '_', '[', ']', '@', '\\']), "{markdown}");
                prop_assert!(!bare(&markdown).contains("www."), "{markdown}");
                let begins_link = |pair: &[char]| pair[0] == ':' && (pair[1] == '/' || pair[1].is_alphanumeric());
                let bare: Vec<char> = bare(&markdown).chars().collect();
                prop_assert!(!bare.windows(2).any(begins_link), "{}", markdown);
            }
            prop_assert_eq!(seen(&code(&text)).replace('`', ""), line(&text).replace('`', ""));
            prop_assert_eq!(seen(&sentence(&text)).replace('`', ""), line(&text).replace('`', ""));
        }
    }
}
