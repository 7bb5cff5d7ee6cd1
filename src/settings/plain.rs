//! Values of one plain kind each: a text, a number, a length of time, a word.
//!
//! Takes a key, gives what was written there or its default, or says in a finding why that cannot be
//! read. What several keys mean together is left to `take` and `connect`.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::settings::keys::{Takes, find};
use crate::settings::raw::RawSettings;
use crate::yaml::decode;

/// Where what is wrong is told.
pub type Found<'f> = &'f mut Vec<Finding>;

fn default(path: &str) -> &'static str {
    find(path).map_or("", |key| key.default)
}

fn place(raw: &RawSettings, path: &str) -> Place {
    raw.get(path).map_or_else(|| Place::outside("the default"), |node| node.place.clone())
}

/// Says that the value of a key is wrong, and why.
pub fn wrong(raw: &RawSettings, path: &str, why: &str) -> Finding {
    Finding::new(Rule::WrongValue, place(raw, path), format!("`{path}` {why}"))
}

/// A text, its default where nobody wrote one, nothing where there is neither.
pub fn text(raw: &RawSettings, path: &str, found: Found<'_>) -> Option<Text> {
    let Some(node) = raw.get(path) else {
        let default = default(path);
        return (!default.is_empty()).then(|| Text::plain(default, Place::outside("the default")));
    };
    decode::text(&format!("`{path}`"), node, found)
}

/// Reads a length of time.
pub fn length(text: &str) -> Option<Duration> {
    let length: jiff::SignedDuration = text.parse().ok()?;
    Duration::try_from(length).ok()
}

/// A length of time that is longer than nothing.
pub fn length_of(raw: &RawSettings, path: &str, found: Found<'_>) -> Option<Duration> {
    length_like(raw, path, |length| !length.is_zero(), found)
}

/// A length of time, which may be nothing.
pub fn any_length_of(raw: &RawSettings, path: &str, found: Found<'_>) -> Option<Duration> {
    length_like(raw, path, |_| true, found)
}

fn length_like(
    raw: &RawSettings,
    path: &str,
    fits: impl Fn(&Duration) -> bool,
    found: Found<'_>,
) -> Option<Duration> {
    let text = text(raw, path, found)?;
    let length = length(text.as_str()).filter(fits);
    if length.is_none() {
        found.push(wrong(raw, path, "is no length of time").hint("write it like `90s`, `10m` or `1h30m`"));
    }
    length
}

/// A whole number.
pub fn number(raw: &RawSettings, path: &str, found: Found<'_>) -> Option<usize> {
    let text = text(raw, path, found)?;
    let number = text.as_str().parse().ok();
    if number.is_none() {
        found.push(wrong(raw, path, "is no whole number"));
    }
    number
}

/// A whole number, or nothing where there is no limit.
pub fn limit(raw: &RawSettings, path: &str, found: Found<'_>) -> Option<u32> {
    let text = text(raw, path, found)?;
    if text.as_str() == "unlimited" {
        return None;
    }
    let number = text.as_str().parse().ok();
    if number.is_none() {
        found.push(wrong(raw, path, "is neither a whole number nor `unlimited`"));
    }
    number
}

/// `true` or `false`.
pub fn flag(raw: &RawSettings, path: &str, found: Found<'_>) -> Option<bool> {
    match text(raw, path, found)?.as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => {
            found.push(wrong(raw, path, "is neither `true` nor `false`"));
            None
        }
    }
}

/// One of the words of a key; its default may be nothing at all.
pub fn word(raw: &RawSettings, path: &str, found: Found<'_>) -> Option<&'static str> {
    let Some(Takes::Word(words)) = find(path).map(|key| key.takes) else { return None };
    let text = text(raw, path, found)?;
    let word = words.iter().copied().find(|word| *word == text.as_str());
    if word.is_none() {
        let near = decode::nearest(text.as_str(), words.iter().copied());
        let hint = near.map_or_else(
            || format!("the words are {}", words.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        found.push(
            wrong(raw, path, &format!("takes one of {} words, and not this one", words.len())).hint(hint),
        );
    }
    word
}

/// A list of texts.
pub fn texts(raw: &RawSettings, path: &str, found: Found<'_>) -> Vec<String> {
    match raw.get(path) {
        None => Some(default(path)).filter(|text| !text.is_empty()).map(str::to_owned).into_iter().collect(),
        Some(node) => decode::texts(&format!("`{path}`"), node, found)
            .unwrap_or_default()
            .into_iter()
            .map(|text| text.as_str().to_owned())
            .collect(),
    }
}

/// The path of a file or a folder.
pub fn path(raw: &RawSettings, key: &str, found: Found<'_>) -> Option<PathBuf> {
    text(raw, key, found).map(|text| PathBuf::from(text.as_str()))
}
