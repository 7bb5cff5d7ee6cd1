//! The reference page of the definitions is the tables that the reader and the schemas take their keys from.

use std::fmt::Write as _;

use anyhow::Result;
use tagalong::model::name;
use tagalong::model::shape::{Field, Free, JSON_KEY, NAME_KEY, Shape, TEXT_KEY, Takes};
use tagalong::pipeline;

use crate::docs::assert_page;

const INTRO: &str = "# Every key of a definition

<!-- Made from the tables of src/pipeline/parse; a test compares the two. -->

What a document may say, key by key; a key that is not here is an error with its place. The [guide](../guide/definitions.md) shows the same with examples,
`tagalong schema` gives the same tables to [editors](../guide/editors.md). The first key of a document says what it is: `connector`, `template`, `environment` or
`forget`. A number, `true` and `false` are texts too, and keep the form in which they were written. Where it says \"with expressions\", a text may hold
`{{ }}`; nothing else is filled in.

Files of Connect's JSON and Strimzi's manifests are no documents of these kinds; the keys of the first are at the [end](#connects-json), those of the
second are Strimzi's own.
";

/// What no key of a config has.
const UNSEEN: &str = "invisible characters or a space at an end";

/// The name of a template or an environment.
const PLAIN: &str = "at most 200 letters, digits, `.`, `_` and `-`";

#[test]
fn the_page_of_the_definitions_is_the_tables() -> Result<()> {
    let (kinds, repository, connector) = pipeline::shapes();
    let mut text = INTRO.to_owned();
    for (kind, shape) in kinds {
        of_shape(&mut text, 2, kind, shape)?;
    }
    of_shape(&mut text, 2, "tagalong.yaml", repository)?;
    of_shape(&mut text, 2, "Connect's JSON", connector)?;
    assert_page("definitions.md", &text)
}

/// A table of the keys, and below it the tables of the maps that stand in them.
fn of_shape(text: &mut String, depth: usize, title: &str, shape: &Shape) -> Result<()> {
    let Shape { says, fields, apart } = shape;
    write!(
        text,
        "\n{} {title}\n\n{says}\n\n| key | takes | default | needed | what it is for |\n|---|---|---|---|---|\n",
        "#".repeat(depth)
    )?;
    for Field { key, takes, says, needed, default } in *fields {
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let needed = if *needed { "yes" } else { "" };
        let takes = in_words(takes, &below(title, key));
        writeln!(text, "| `{key}` | {takes} | {default} | {needed} | {says} |")?;
    }
    if !apart.is_empty() {
        let pairs: Vec<_> = apart.iter().map(|[one, other]| format!("`{one}` and `{other}`")).collect();
        write!(text, "\nNever both: {}.\n", pairs.join("; "))?;
    }
    for field in *fields {
        if let Some(shape) = map_in(&field.takes) {
            of_shape(text, 3, &below(title, field.key), shape)?;
        }
    }
    Ok(())
}

/// The title of a map that stands under a key.
fn below(title: &str, key: &str) -> String {
    format!("{title}: {key}")
}

/// The map with known keys that a key takes, alone or several of them.
fn map_in(takes: &Takes) -> Option<&'static Shape> {
    match takes {
        Takes::Fields(shape) | Takes::TextOr(shape) => Some(shape),
        Takes::List(takes) | Takes::Entries(_, takes) | Takes::OrNull(takes) => map_in(takes),
        Takes::Text
        | Takes::Literal
        | Takes::Like(_)
        | Takes::Flag
        | Takes::Number
        | Takes::Limit
        | Takes::Word(_)
        | Takes::WordOf(_)
        | Takes::Time
        | Takes::Length
        | Takes::Free(_)
        | Takes::Tree
        | Takes::Refused
        | Takes::Anything => None,
    }
}

/// What a key takes; `title` is that of the table of a map in it.
fn in_words(takes: &Takes, title: &str) -> String {
    match takes {
        Takes::Text => "a text".to_owned(),
        Takes::Literal => "a text without an expression".to_owned(),
        Takes::Like(name::CONNECTOR) => format!(
            "a text of at most {} characters, without `/`, `%`, `\\`, braces and control characters, and \
             without a space at its ends",
            name::LONGEST
        ),
        Takes::Like(name::PLAIN) => PLAIN.to_owned(),
        Takes::Like(pattern) => format!("a text like {}", code(pattern)),
        Takes::Flag => "`true` or `false`".to_owned(),
        Takes::Number => "a whole number".to_owned(),
        Takes::Limit => "a whole number or `unlimited`".to_owned(),
        Takes::Word(words) => one_of(words),
        Takes::WordOf(words) => one_of(&words()),
        Takes::Time => "a point in time".to_owned(),
        Takes::Length => "a length of time: `90s`, `10m`, `1h30m`".to_owned(),
        Takes::List(item) => format!("a list, each item {}", in_words(item, title)),
        Takes::Fields(_) => format!("[these keys](#{})", anchor(title)),
        Takes::Entries(keys, value) => format!("a map{}, each {}", free_keys(keys), in_words(value, title)),
        Takes::Free(free) => free_value(*free),
        Takes::Tree => "a tree of texts".to_owned(),
        Takes::TextOr(_) => format!("a text, or [these keys](#{})", anchor(title)),
        Takes::OrNull(takes) => format!("{}, or `null`", in_words(takes, title)),
        Takes::Refused => "nothing: it is refused, with the reason".to_owned(),
        Takes::Anything => "anything".to_owned(),
    }
}

fn one_of(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
}

fn free_keys(pattern: &str) -> String {
    match pattern {
        "" => String::new(),
        TEXT_KEY => format!(" with keys without an expression, {UNSEEN}"),
        NAME_KEY => format!(" with keys without a dot, an expression, {UNSEEN}"),
        JSON_KEY => format!(" with keys without {UNSEEN}"),
        name::PLAIN => format!(" with keys that are {PLAIN}"),
        pattern => format!(" with keys like {}", code(pattern)),
    }
}

fn free_value(Free { name: _, maps, nulls, expressions, keys: _ }: Free) -> String {
    let kinds = ["a text", "a list"].into_iter().chain(maps.then_some("a map"));
    let kinds: Vec<_> = kinds.chain(nulls.then_some("`null`")).collect();
    let expressions = if expressions { ", with expressions" } else { ", without expressions" };
    format!("{}{expressions}", kinds.join(" or "))
}

/// A pattern, where a bar would end the cell of a table.
fn code(pattern: &str) -> String {
    format!("`{}`", pattern.replace('|', "\\|"))
}

/// What a heading is called in a link.
fn anchor(title: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    title.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}
