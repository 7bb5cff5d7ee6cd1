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
    text.match_indices("{{").map(|(at, _)| at).find(|&at| is_action(&text[at..]) && text[at..].contains("}}"))
}

/// Whether a text that begins with `{{` begins with an action.
pub fn is_action(text: &str) -> bool {
    let inside = text.get(2..).unwrap_or_default();
    let inside = inside.lines().next().unwrap_or_default();
    let inside = inside.find("}}").map_or(inside, |end| &inside[..end]);
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

#[cfg(test)]
mod tests {
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
}
