//! What must hold beside a change for a row to speak of it.
//!
//! Conditions are data, so that the page can say them. The answer may be that nobody can tell: then the row may speak, and
//! the worst of those that may is taken.

use std::fmt;

use crate::pipeline::risk::answer::Answer;
use crate::pipeline::risk::captured;
use crate::pipeline::risk::side::Said;
use crate::pipeline::risk::turn::Turn;

/// What must hold.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// Nothing more.
    Always,
    /// The key goes.
    Removed,
    /// A list goes, or has no item any more.
    Emptied,
    /// It becomes one of these words, by itself or by default.
    To(&'static [&'static str]),
    /// It was one of these words, by itself or by default.
    From(&'static [&'static str]),
    /// It becomes a number above this one.
    Above(i64),
    /// A list of what is captured covers less: something goes from it, or is left out.
    Less,
    /// It covers more, and nothing less.
    More,
    /// Nothing of the list so far is in the new one.
    Nothing,
    /// Another key says one of these words afterwards, by itself or by default.
    Says(&'static str, &'static [&'static str]),
    /// Another key said one of these words before.
    Said(&'static str, &'static [&'static str]),
    /// Another key is set afterwards, to more than nothing.
    Has(&'static str),
    /// A heartbeat is configured afterwards.
    Beats,
    /// Another key changes too.
    Also(&'static str),
    /// Something of its own, in words behind "when".
    Own(&'static str, fn(&Turn<'_>, &str) -> Answer),
    /// The contrary.
    Not(&'static When),
    /// All of them.
    All(&'static [When]),
    /// At least one of them.
    Any(&'static [When]),
}

impl When {
    /// Whether it holds where a key of a config changes.
    pub fn holds(&self, turn: &Turn<'_>, key: &str) -> Answer {
        match self {
            Self::Always => Answer::Yes,
            Self::Removed => (!turn.is_set(key).1).into(),
            Self::Emptied => captured::emptied(turn, key),
            Self::To(words) => among(&turn.after(key), words),
            Self::From(words) => among(&turn.before(key), words),
            Self::Above(limit) => above(&turn.after(key), *limit),
            Self::Less => captured::less(turn, key),
            Self::More => captured::more(turn, key),
            Self::Nothing => captured::nothing_stays(turn, key),
            Self::Says(other, words) => among(&turn.after(other), words),
            Self::Said(other, words) => among(&turn.before(other), words),
            Self::Has(other) => has(&turn.after(other)),
            Self::Beats => above(&turn.after("heartbeat.interval.ms"), 0),
            Self::Also(other) => turn.changes(other).into(),
            Self::Own(_, holds) => holds(turn, key),
            Self::Not(when) => when.holds(turn, key).not(),
            Self::All(all) => all.iter().map(|when| when.holds(turn, key)).min().unwrap_or(Answer::Yes),
            Self::Any(any) => any.iter().map(|when| when.holds(turn, key)).max().unwrap_or(Answer::No),
        }
    }
}

fn among(said: &Said, words: &[&str]) -> Answer {
    match said {
        Said::Text(text) => words.iter().any(|word| text.trim().eq_ignore_ascii_case(word)).into(),
        Said::Nothing => Answer::No,
        Said::Unknown => Answer::Unknown,
    }
}

/// An empty text is what Connect takes for none.
fn has(said: &Said) -> Answer {
    match said {
        Said::Text(text) => (!text.trim().is_empty()).into(),
        Said::Nothing => Answer::No,
        Said::Unknown => Answer::Unknown,
    }
}

/// What is no number is none that Connect takes.
fn above(said: &Said, limit: i64) -> Answer {
    match said {
        Said::Text(text) => text.trim().parse::<i64>().is_ok_and(|number| number > limit).into(),
        Said::Nothing => Answer::No,
        Said::Unknown => Answer::Unknown,
    }
}

impl fmt::Display for When {
    /// Writes what stands behind "when"; nothing where nothing more must hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => Ok(()),
            Self::Removed => f.write_str("it is removed"),
            Self::Emptied => f.write_str("it is removed or emptied"),
            Self::To(words) => write!(f, "it becomes {}", Words(words)),
            Self::From(words) => write!(f, "it was {}", Words(words)),
            Self::Above(limit) => write!(f, "it becomes more than {limit}"),
            Self::Less => f.write_str("less is captured"),
            Self::More => f.write_str("more is captured"),
            Self::Nothing => f.write_str("nothing of the list so far is in the new one"),
            Self::Says(key, words) => write!(f, "`{key}` is then {}", Words(words)),
            Self::Said(key, words) => write!(f, "`{key}` was {}", Words(words)),
            Self::Has(key) => write!(f, "`{key}` is then set"),
            Self::Beats => f.write_str("a heartbeat is configured"),
            Self::Also(key) => write!(f, "`{key}` changes too"),
            Self::Own(words, _) => f.write_str(words),
            Self::Not(when) => write!(f, "not: {when}"),
            Self::All(all) => joined(f, all, " and "),
            Self::Any(any) => joined(f, any, " or "),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[When], word: &str) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        write!(f, "{}{part}", if at == 0 { "" } else { word })?;
    }
    Ok(())
}

struct Words(&'static [&'static str]);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.0.iter().enumerate() {
            write!(f, "{}`{word}`", if at == 0 { "" } else { " or " })?;
        }
        Ok(())
    }
}
