//! What to do about YAML that is not well-formed.
//!
//! Takes what the parser stumbled over and the text around it, gives a remedy. It looks at how a line is
//! built and repeats nothing of it: there may be a secret in it.

use granit_parser::ErrorKind;

/// What to do about an error at a byte of a text, inside of a list in brackets or not.
pub fn of(kind: &ErrorKind, text: &str, at: usize, in_brackets: bool) -> &'static str {
    let at = (0..=at.min(text.len())).rfind(|at| text.is_char_boundary(*at)).unwrap_or_default();
    if text.contains('\0') {
        return "remove the NUL byte, which no text holds; a file in UTF-16 is full of them: save it as UTF-8";
    }
    if in_conflict(text) {
        return CONFLICT;
    }
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::InvalidBlockEntryWhitespace
        | ErrorKind::InvalidMappingValueWhitespace => "indent with blanks, never with tabs",
        ErrorKind::UnexpectedCharacter { .. } => {
            "put the whole text in quotes: without them it may not begin with `@`, a backtick or `%`"
        }
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::DocumentIndicatorInQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent => {
            "close the quote; inside single quotes write `''` for one, inside double quotes `\\\"`"
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            "put the whole value in quotes, not a part of it; inside single quotes write `''` for one, inside double quotes `\\\"`"
        }
        ErrorKind::InvalidUnicodeEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate => {
            "write the character itself, or all of its number as in `\\U0001F600`: half of a pair such as `\\ud83d` is none"
        }
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => {
            "write `\\\\` for a backslash in double quotes, or use single quotes, where it stands for itself"
        }
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::MisplacedFlowCollectionEnd
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::BlockEntryInFlowCollection
        | ErrorKind::PlainScalarStartsWithDashFlowIndicator => BRACKETS,
        _ if in_brackets => BRACKETS,
        _ => of_lines(text, at),
    }
}

const BRACKETS: &str = "close each `[` and `{` that is opened, with commas between the items; put a text that holds a bracket in quotes";

/// What to do about a file that a merge left open.
pub const CONFLICT: &str = "a merge left this file open: keep one of the two sides, and remove the lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`";

/// Whether there are the marks in a text that git leaves where a merge did not come to an end.
pub fn in_conflict(text: &str) -> bool {
    let begins = |mark: &str| text.lines().any(|line| line.starts_with(mark));
    begins("<<<<<<< ") || begins(">>>>>>> ")
}

/// Where the parser only knows that something else should stand here, the line says more.
fn of_lines(text: &str, at: usize) -> &'static str {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    // The parser notices a line that went wrong when it has read the next one.
    let earlier = before[..start].lines().rev().find(|line| !is_blank(line)).unwrap_or_default();
    if [line, earlier].iter().any(|line| indented_by_tab(line)) {
        "indent with blanks, never with tabs"
    } else if is_open(before) {
        BRACKETS
    } else if colons(line) > 1 || (colons(line) == 1 && begins_value(line)) {
        "put the value in quotes: a text without them cannot hold a colon and a blank"
    } else if [line, earlier].iter().any(|line| lacks_blank(line)) {
        "write a blank after the colon, as in `key: value`"
    } else if [line, earlier].iter().any(|line| is_bare_word(line)) {
        "write `key: value`, with a colon and a blank, and put a text of several lines in quotes"
    } else {
        "indent the keys of one map alike, and what stands under a key further than the key"
    }
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

fn indented_by_tab(line: &str) -> bool {
    line[..line.len() - line.trim_start().len()].contains('\t')
}

fn is_open(before: &str) -> bool {
    let line = before.lines().next_back().unwrap_or_default();
    line.matches(['[', '{']).count() > line.matches([']', '}']).count()
}

fn colons(line: &str) -> usize {
    line.matches(": ").count() + usize::from(line.trim_end().ends_with(':'))
}

/// Whether a line's colon stands behind several words, as in a text and not as behind a key.
fn begins_value(line: &str) -> bool {
    let key = line.trim_start().split(": ").next().unwrap_or_default();
    key.contains(' ') && !key.starts_with(['"', '\'', '-'])
}

/// `key:value`, which is one text.
fn lacks_blank(line: &str) -> bool {
    let line = line.trim().trim_start_matches("- ");
    let word = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let Some((key, value)) = line.split_once(':') else { return false };
    !key.is_empty() && key.chars().all(word) && !value.is_empty() && !value.starts_with([' ', '/'])
}

/// A text alone on a line that should have a key.
fn is_bare_word(line: &str) -> bool {
    !is_blank(line) && !line.contains(':') && !line.trim_start().starts_with('-')
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_common_slip_has_its_remedy() {
        for (text, hint) in [
            ("a:\n\tb: c\n", "never with tabs"),
            ("a:\n  b: c\n\td: e\n", "never with tabs"),
            ("a:\n  b:c\n  d: e\n", "a blank after the colon"),
            ("a:b\nc: d\n", "a blank after the colon"),
            ("a:\n  b: c\n   d: e\n", "indent the keys"),
            ("a:\n    b: c\n  d: e\n", "indent the keys"),
            ("a: \"b\nc: d\n", "close the quote"),
            ("a: 'it's'\n", "write `''` for one"),
            ("a: \"b\" c\n", "not a part of it"),
            ("a: [\n", "close each `[`"),
            ("a: [b\nc: d\n", "close each `[`"),
            ("a: {b: c\n", "close each `[`"),
            ("a: {b: c}}\n", "close each `[`"),
            ("a: b: c\n", "put the value in quotes"),
            ("a: one text: and more\n", "put the value in quotes"),
            ("a: @b\n", "may not begin with `@`"),
            ("a: `b`\n", "may not begin with `@`"),
            ("a: %b\n", "may not begin with `@`"),
            ("a: \"\\d\"\n", "for a backslash"),
            ("a: \"\\ud83d\"\n", "half of a pair"),
            ("a: b\0\n", "the NUL byte"),
            ("a: b\nconfig\nc: d\n", "with a colon and a blank"),
            ("a:\n<<<<<<< HEAD\n  b: c\n=======\n  b: d\n>>>>>>> topic\n", "a merge left this file open"),
            ("<<<<<<< HEAD\na: b\n=======\na: c\n>>>>>>> topic\n", "a merge left this file open"),
        ] {
            let (_, findings) = crate::yaml::documents("a.yaml", text.as_bytes());
            let [finding] = &findings[..] else { panic!("{text}: {findings:?}") };
            let told = finding.hint.as_deref().unwrap_or_default();
            assert!(told.contains(hint), "{text}: {told}");
        }
    }
}
