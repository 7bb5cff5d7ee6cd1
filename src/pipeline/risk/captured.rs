//! What a list of tables captures before a change and after it.
//!
//! Takes two lists, says whether one covers less than the other. Of names and patterns a name that a pattern of the new list
//! matches is still there; of two patterns nobody can say, so another pattern is another list. Where a key holds names alone
//! each stands for itself: `shop.orders` is not `shop_orders`.

use regex_lite::{Regex, RegexBuilder};

use crate::pipeline::risk::answer::Answer;
use crate::pipeline::risk::setting::{self, Kind};
use crate::pipeline::risk::side::Said;
use crate::pipeline::risk::turn::Turn;

/// Whether less is captured.
pub fn less(turn: &Turn<'_>, key: &str) -> Answer {
    compared(turn, key).map_or(Answer::Unknown, |compared| compared.less.into())
}

/// Whether more is captured, and nothing less.
pub fn more(turn: &Turn<'_>, key: &str) -> Answer {
    compared(turn, key).map_or(Answer::Unknown, |compared| (compared.more && !compared.less).into())
}

/// Whether nothing of the list so far is in the new one, which is no list of everything.
pub fn nothing_stays(turn: &Turn<'_>, key: &str) -> Answer {
    match (turn.before(key), turn.after(key)) {
        (Said::Unknown, _) | (_, Said::Unknown) => Answer::Unknown,
        (Said::Text(before), Said::Text(after)) if turn.kind(key) == Kind::Include => {
            let (before, after) = (setting::items(&before), setting::items(&after));
            let has = reading(turn, key);
            let is_gone = |item: &&str| !has(&after, item);
            (!before.is_empty() && !after.is_empty() && before.iter().all(is_gone)).into()
        }
        (Said::Text(_) | Said::Nothing, Said::Text(_) | Said::Nothing) => Answer::No,
    }
}

/// Whether a list has no item any more: one of what is taken then takes everything.
pub fn emptied(turn: &Turn<'_>, key: &str) -> Answer {
    let is_empty = |said| match said {
        Said::Text(text) => setting::items(&text).is_empty().into(),
        Said::Nothing => Answer::Yes,
        Said::Unknown => Answer::Unknown,
    };
    is_empty(turn.before(key)).not().min(is_empty(turn.after(key)))
}

/// Whether patterns take the place of others, and nothing beside says that less is captured.
pub fn by_other_patterns(turn: &Turn<'_>, key: &str) -> Answer {
    let (before, after) = match (turn.before(key), turn.after(key)) {
        (Said::Text(before), Said::Text(after)) => (before, after),
        // Of what is hidden the other rows say the worst.
        (Said::Nothing | Said::Unknown, _) | (_, Said::Nothing | Said::Unknown) => return Answer::No,
    };
    let (before, after) = (setting::items(&before), setting::items(&after));
    let has = reading(turn, key);
    let out = |list: &[&str], of: &[&str]| -> Vec<bool> {
        list.iter().filter(|item| !has(of, item)).map(|item| plain(item).is_some()).collect()
    };
    let (gone, come) = (out(&before, &after), out(&after, &before));
    let fewer = if turn.kind(key) == Kind::Exclude { &come } else { &gone };
    (!gone.is_empty() && !come.is_empty() && fewer.iter().all(|is_plain| !is_plain)).into()
}

struct Compared {
    less: bool,
    more: bool,
}

/// None where nobody can say what is in a list.
fn compared(turn: &Turn<'_>, key: &str) -> Option<Compared> {
    let text = |said| match said {
        Said::Text(text) => Some(text),
        Said::Nothing => Some("".into()),
        Said::Unknown => None,
    };
    let (before, after) = (text(turn.before(key))?, text(turn.after(key))?);
    let (before, after) = (setting::items(&before), setting::items(&after));
    let has = reading(turn, key);
    let is_out = |list: &[&str], of: &[&str]| list.iter().any(|item| !has(of, item));
    Some(match (turn.kind(key), before.is_empty(), after.is_empty()) {
        // A list of what is taken that is empty takes everything.
        (Kind::Include | Kind::Names, true, false) => Compared { less: true, more: false },
        (Kind::Include | Kind::Names, false, true) => Compared { less: false, more: true },
        (Kind::Exclude, _, _) => Compared { less: is_out(&after, &before), more: is_out(&before, &after) },
        (Kind::Include | Kind::Names | Kind::Sequence | Kind::Text | Kind::Word, _, _) => {
            Compared { less: is_out(&before, &after), more: is_out(&after, &before) }
        }
    })
}

/// Whether a list has an item.
type Has = fn(&[&str], &str) -> bool;

/// How the lists of a key are read on both sides.
fn reading(turn: &Turn<'_>, key: &str) -> Has {
    // MongoDB's lists hold names where they are to be matched literally.
    const MODE: &str = "filters.match.mode";
    let is_literal = |said| match said {
        Said::Text(text) => text.trim().eq_ignore_ascii_case("literal"),
        Said::Nothing => false,
        Said::Unknown => true,
    };
    let holds_names =
        turn.kind(key) == Kind::Names || is_literal(turn.before(MODE)) || is_literal(turn.after(MODE));
    if holds_names { |list, item| list.contains(&item) } else { |list, item| is_covered(item, list) }
}

/// Whether a list has an item: the same text, or a pattern that matches it where it is a plain name.
pub fn is_covered(item: &str, list: &[&str]) -> bool {
    let name = plain(item);
    let fits = |other: &str, name: &String| pattern(other).is_some_and(|it| it.is_match(name));
    list.iter().any(|other| item == *other || name.as_ref().is_some_and(|name| fits(other, name)))
}

/// Whether a list surely has nothing of an item: a plain name that none of the list matches.
pub fn is_apart(item: &str, list: &[&str]) -> bool {
    let is_other = |name: &String| list.iter().all(|it| pattern(it).is_some_and(|it| !it.is_match(name)));
    plain(item).is_some_and(|name| is_other(&name))
}

/// The name that an item is; none for a pattern.
fn plain(item: &str) -> Option<String> {
    let name = item.replace("\\.", ".");
    let is_plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
    is_plain.then_some(name)
}

/// None for a pattern in words that are not known here.
fn pattern(text: &str) -> Option<Regex> {
    RegexBuilder::new(&format!("^(?:{text})$")).case_insensitive(true).build().ok()
}
