//! What looks like a template and is plain text: statements and comments, one brace, Terraform's variables.
//!
//! Takes a text, gives each place in it that somebody may have meant to be computed, with what to write. What
//! stands inside of an expression is looked at by the engine, and so `{{ '{% … %}' }}` says it on purpose.

use crate::pipeline::expression::split::{self, Piece};

/// Something that nobody computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Where it begins, in bytes.
    pub at: usize,
    /// What it is, in words.
    pub what: String,
    /// What to write.
    pub hint: String,
}

/// The roots that Terraform's own references begin with; Connect's placeholders have a colon, and those of
/// plugins, such as `${topic}`, have no dot behind these words.
const TERRAFORM: [&str; 3] = ["var", "local", "module"];

/// Everything of the kind in a text, in its order.
pub fn unread(text: &str) -> Vec<Unread> {
    if !text.contains('{') {
        return Vec::new();
    }
    let mut found = Vec::new();
    for piece in split::split(text).unwrap_or_default() {
        if let Piece::Plain(range) = piece {
            let plain = &text[range.clone()];
            let here = statement(plain).into_iter().chain(comment(plain)).chain(braces(plain));
            found.extend(here.map(|one| Unread { at: one.at + range.start, ..one }));
        }
    }
    found.sort_by_key(|one| one.at);
    found
}

/// The first statement: where one is, more follow, and they are one mistake.
fn statement(text: &str) -> Option<Unread> {
    let begins = |at: &usize| {
        let inside = text[at + 2..].trim_start_matches(['-', '+']).trim_start();
        // A single letter is a format of `printf`.
        inside.chars().take_while(char::is_ascii_alphabetic).take(2).count() == 2
    };
    let last = text.rfind("%}")?;
    let at = text[..last].match_indices("{%").map(|(at, _)| at).find(begins)?;
    Some(Unread {
        at,
        what: "a statement `{% … %}` is not read, and goes to Connect as text".to_owned(),
        hint: "say under `environments` what differs, or write an expression, as in `{{ 'a' if environment == 'staging' else 'b' }}`".to_owned(),
    })
}

fn comment(text: &str) -> Option<Unread> {
    let at = text.find("{#").filter(|at| text[at + 2..].contains("#}"))?;
    Some(Unread {
        at,
        what: "a comment `{# … #}` is not read as one, and goes to Connect as text".to_owned(),
        hint: "write it as a comment of YAML, behind a `#` outside of the text".to_owned(),
    })
}

/// Names of ours in one brace, and Terraform's in `${…}`.
fn braces(text: &str) -> Vec<Unread> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('{') {
        let Some(end) =
            text[at + 1..].find(['{', '}', '\n']).filter(|end| text[at + 1 + end..].starts_with('}'))
        else {
            continue;
        };
        let written = &text[at + 1..at + 1 + end];
        let inside = written.trim();
        let before = text[..at].chars().next_back();
        let is_variable = before == Some('$');
        if is_variable && is_terraform(inside) {
            let name = inside.rsplit('.').next().unwrap_or_default();
            found.push(Unread {
                at: at - 1,
                what: format!("`${{{inside}}}` is Terraform's, and goes to Connect as text"),
                hint: format!(
                    "name it in the environment's `values`, and write it as in `{{{{ values.{name} }}}}`"
                ),
            });
        } else if (is_variable && is_member(inside))
            || (!matches!(before, Some('$' | '\\' | '{' | '%' | '#'))
                && (is_ours(inside) || is_alone(written)))
        {
            // What is written behind the name may be a default, and that a secret.
            let name = path(inside).split('(').next().unwrap_or_default();
            let name = if name == "secret" { "secret(…)" } else { name };
            let (start, dollar) = if is_variable { (at - 1, "$") } else { (at, "") };
            found.push(Unread {
                at: start,
                what: format!("`{dollar}{{{name}}}` is not read, and goes to Connect as text"),
                hint: format!("write it with two braces, as in `{{{{ {name} }}}}`"),
            });
        }
    }
    found
}

fn is_terraform(inside: &str) -> bool {
    let mut words = inside.split('.');
    words.next().is_some_and(|root| TERRAFORM.contains(&root)) && inside.contains('.') && words.all(is_word)
}

/// A member of what an environment or a connector gives, as in `values.a.b`.
fn is_member(inside: &str) -> bool {
    let mut words = path(inside).split('.');
    let is_root = matches!(words.next(), Some("values" | "params"));
    is_root && path(inside).contains('.') && words.all(is_word)
}

fn is_ours(inside: &str) -> bool {
    let is_secret = inside.strip_prefix("secret(").is_some_and(|rest| rest.ends_with(')'));
    is_member(inside) || is_secret
}

/// One of the short names in blanks, as nobody but us writes them: `{connector}` may be some plugin's own.
fn is_alone(written: &str) -> bool {
    written.starts_with(' ') && written.ends_with(' ') && matches!(path(written), "connector" | "environment")
}

/// What stands before the filters.
fn path(inside: &str) -> &str {
    inside.split('|').next().unwrap_or_default().trim()
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '[' | ']'))
}

#[cfg(test)]
mod tests {
    use super::unread;

    #[test]
    fn what_is_meant_as_a_template_is_found_where_it_begins() {
        for (text, places) in [
            ("{% if environment == 'x' %}a{% endif %}", vec![0]),
            ("a-{%- set x = 1 -%}", vec![2]),
            ("a {# why #}", vec![2]),
            ("{ values.a }-{values.b.c}", vec![0, 13]),
            ("é{ params.tables | upper }", vec![2]),
            ("{ connector }", vec![0]),
            ("{ secret('env:X') }", vec![0]),
            ("${var.host}:${local.port}", vec![0, 12]),
            ("${values.host}", vec![0]),
            ("{{ values.a }}-{ values.b }", vec![15]),
        ] {
            assert_eq!(unread(text).iter().map(|one| one.at).collect::<Vec<_>>(), places, "{text}");
        }
    }

    #[test]
    fn other_braces_are_not() {
        for text in [
            "${file:/run/secrets/db.properties:password}",
            "${env:VAR}",
            "${var:x}",
            "${topic}",
            "${record.value}",
            "${data.id}",
            "${connector}",
            "{connector}-{environment}",
            "[a-z]{2,3}",
            "\\{connector\\}",
            "{\"values\": {\"a\": 1}}",
            "{values}",
            "{50%}",
            "{%}",
            "{%d of %}",
            "{#}",
            "%{values.a}",
            "{{ '{% if x %}' }}",
            "{{ values.a }}",
            "{{ values.a",
            "#{values.a}",
        ] {
            assert_eq!(unread(text), [], "{text}");
        }
    }
}
