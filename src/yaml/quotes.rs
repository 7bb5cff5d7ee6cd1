//! Tells braces in quotes from bare ones, where YAML could not be read.
//!
//! Takes the text between what was read last and where reading stopped. The parser says nothing of
//! it, so quotes are paired here by the rule of where they can begin: before anything else of a value.

/// Where the first braces at `since` or after it stand outside of quotes and comments.
pub fn bare_braces(text: &str, since: usize) -> Option<usize> {
    let (mut quote, mut escaped, mut fresh, mut before) = (None, false, true, ' ');
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            // One that follows at once stands for itself, and is as good as opened again.
            (Some(open), _) if character == open => (quote, fresh) = (None, true),
            (None, '"' | '\'') if fresh => quote = Some(character),
            // A comment is closed by the end of its line.
            (None, '#') if before.is_whitespace() => quote = Some('\n'),
            (None, '{') if at >= since && text[at..].starts_with("{{") => return Some(at),
            (None, ':' | ',' | '[' | '{' | '\n') => fresh = true,
            (Some(_), _) | (None, ' ' | '\t' | '\r' | '-') => {}
            (None, _) => fresh = false,
        }
        before = character;
    }
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn braces_in_quotes_are_not_what_broke_their_line() {
        let said = |text: &str| {
            let (_, findings) = crate::yaml::documents("a.yaml", text.as_bytes());
            let [finding] = &findings[..] else { return format!("{findings:?}") };
            format!("{}:{} {}", finding.place.line, finding.place.column, finding.rule.name())
        };
        for (text, place) in [
            ("x: 1\na: \"it's {{ y }}\" junk\n", "2:19 yaml-syntax"),
            ("a: 'say \" {{ y }}' junk\n", "1:20 yaml-syntax"),
            ("a: 'it''s {{ y }}' junk\n", "1:20 yaml-syntax"),
            ("a: \"say \\\" {{ y }}\" junk\n", "1:21 yaml-syntax"),
            ("a: [\"it's\", \"{{ y }}\" junk]\n", "1:23 yaml-syntax"),
            ("a: \"one\n  {{ y }}\" junk\n", "2:12 yaml-syntax"),
            ("# it's\na: [it's, x-{{ y }}]\n", "2:13 template-not-quoted"),
            ("a: [\"it's\", x-{{ y }}]\n", "1:15 template-not-quoted"),
            ("a: [\"it's {{ y }}\", x-{{ .Values.y }}]\n", "1:23 helm-template"),
        ] {
            assert_eq!(said(text), place, "{text}");
        }
    }
}
