//! Tells an action of Go's templates, as Helm charts are made of, from other braces.
//!
//! Takes text, says whether and where such an action begins. What to do about it is left to the
//! rooms that read the text: a chart that nobody rendered is never a definition, whatever else its
//! braces could mean.

/// The objects that Helm offers to its templates.
const OBJECTS: [&str; 6] = [".Values", ".Release.", ".Chart.", ".Capabilities.", ".Files.", ".Template."];

/// The words that an action begins with, where something follows them.
const WORDS: [&str; 11] =
    ["if", "range", "with", "define", "block", "include", "template", "tpl", "toYaml", "required", "lookup"];

/// Where the first action begins that also ends, in bytes.
pub fn find(text: &str) -> Option<usize> {
    let last = text.rfind("}}")?;
    text[..last].match_indices("{{").map(|(at, _)| at).find(|&at| is_action(&text[at..]))
}

/// Whether a text that begins with `{{` begins with an action.
pub fn is_action(text: &str) -> bool {
    let inside = inside(text.get(2..).unwrap_or_default());
    let begins = |word: &str| inside.trim().strip_prefix(word).is_some_and(|rest| rest.starts_with(' '));
    inside.starts_with("- ")
        || inside.starts_with("/*")
        || inside
            .trim_start()
            .strip_prefix('$')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_alphabetic()))
        || OBJECTS.iter().any(|object| inside.contains(object))
        || WORDS.iter().any(|word| begins(word))
}

/// What stands between braces: up to their end, that of the line, or the next braces, so that whoever
/// asks for each pair of braces of a text walks it once.
fn inside(text: &str) -> &str {
    let ends = |two: &[u8]| two[0] == b'\n' || two == b"}}" || two == b"{{";
    let end = text.as_bytes().windows(2).position(ends);
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn what_helm_writes_is_an_action_and_other_braces_are_not() {
        for text in [
            "{{ .Values.name }}",
            "{{.Values.name}}",
            "{{- if .Values.enabled }}",
            "{{ if eq 1 2 }}",
            "{{ include \"chart.labels\" . | nindent 4 }}",
            "{{ default \"x\" .Values.y | quote }}",
            "{{- end }}",
            "{{/* a comment */}}",
            "{{ $name }}",
            "a-{{ .Release.Name }}",
        ] {
            assert!(find(text).is_some(), "{text}");
        }
        for text in [
            "{{ values.name }}",
            "{{ connector }}",
            "{{value}}",
            "{{#if x}}",
            "{{ ifs }}",
            "{{ include }}",
            "{{}}",
            "{{",
            "{{$",
            "{{ ${file:/x:y} }}",
            "{{ .Values.name",
            "${file:/x:y}",
            ".Values.name",
            "{{ value }} .Values",
        ] {
            assert!(find(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_text_full_of_braces_is_walked_once() {
        for (piece, ends) in
            [("{{", ""), ("{{ ", ""), ("{{ .Value.", ""), ("{{ ", "}}"), ("{{", "}}"), ("{{ .Values.", "")]
        {
            let text = piece.repeat(1_000_000 / piece.len()) + ends;
            let began = Instant::now();
            assert_eq!(find(&text), None, "{piece}");
            let each = text.match_indices("{{").filter(|(at, _)| is_action(&text[*at..])).count();
            assert_eq!(each > 0, piece.contains(".Values"), "{piece}");
            // A tenth of a second; walked anew from each pair of braces it takes a quarter of an hour.
            assert!(began.elapsed() < Duration::from_mins(1), "{piece}: {:?}", began.elapsed());
        }
    }

    proptest::proptest! {
        /// No action is lost by looking at each pair of braces alone.
        #[test]
        fn what_follows_the_next_braces_says_nothing_about_these(text in "([ax }-]|\\{\\{|if |\\.Values){0,12}", more in "([ }]|\\{\\{|\\.Values){0,6}") {
            let text = format!("{{{{{text}");
            proptest::prop_assert_eq!(is_action(&format!("{text} {{{{")), is_action(&format!("{text} {{{{{more}")));
        }
    }
}
