//! Which transforms decide where the records of a sink go.
//!
//! Takes a config that turns into another one, says whether a transform that routes comes or goes, or says something else.
//! It is known by its name, or by the field that it routes by. Whether two connectors send their records the same way is left
//! to `scene::route`, where what is not known decides: here that would hold every transform that somebody wrote.

use crate::pipeline::risk::answer::Answer;
use crate::pipeline::risk::chain::{Chain, Moves, Unknown};
use crate::pipeline::risk::turn::Turn;
use crate::pipeline::transforms::{BY_FIELD, LIST};

/// Parts of the names of classes that route.
const ROUTES: [&str; 2] = ["router", "topic"];

/// Whether records are routed otherwise.
pub fn otherwise(turn: &Turn<'_>, key: &str) -> Answer {
    let (before, after) = (Chain::before(turn), Chain::after(turn));
    let (Ok(had), Ok(has)) = (before.names(), after.names()) else { return Answer::Unknown };
    if key != LIST {
        let says_the_same = |name: &String| {
            let was = way(turn, before, name);
            was.is_some() && was == way(turn, after, name)
        };
        let decides = |name: &String| {
            if says_the_same(name) { Answer::No } else { decides([before, after], key, name) }
        };
        return after.concerned(key, &had, &has).map(decides).max().unwrap_or(Answer::No);
    }
    let routers = |chain: Chain<'_>, names: &[String]| -> Vec<(String, Answer)> {
        let judged =
            names.iter().map(|name| (name.clone(), of_class(chain, name).max(by_field(chain, name))));
        judged.filter(|(_, answer)| *answer != Answer::No).collect()
    };
    let (ones, others) = (routers(before, &had), routers(after, &has));
    let is_renamed = || {
        let pairs = ones.iter().zip(&others);
        let mut ways = pairs.map(|((one, _), (other, _))| (way(turn, before, one), way(turn, after, other)));
        ones.len() == others.len() && ways.all(|(one, other)| one.is_some() && one == other)
    };
    if ones == others || is_renamed() {
        return Answer::No;
    }
    ones.iter().chain(&others).map(|(_, answer)| *answer).min().unwrap_or(Answer::No)
}

/// Whether a key of a transform, or of its predicate, decides where records go.
fn decides([before, after]: [Chain<'_>; 2], key: &str, name: &str) -> Answer {
    let leaf = key.strip_prefix(&format!("{LIST}.{name}."));
    let of_class = of_class(before, name).max(of_class(after, name));
    if leaf.is_some_and(|leaf| !["type", "predicate", "negate", BY_FIELD].contains(&leaf)) {
        return of_class;
    }
    of_class.max(by_field(before, name)).max(by_field(after, name))
}

/// Whether a transform routes by what it is.
fn of_class(chain: Chain<'_>, name: &str) -> Answer {
    match chain.class(name) {
        Ok(class) => {
            let class = class.to_ascii_lowercase();
            ROUTES.iter().any(|part| class.contains(part)).into()
        }
        Err(Unknown) => Answer::Unknown,
    }
}

/// Whether a transform routes by a field that it is told.
fn by_field(chain: Chain<'_>, name: &str) -> Answer {
    match chain.text(name, BY_FIELD) {
        Ok(field) => field.is_some_and(|field| !field.trim().is_empty()).into(),
        Err(Unknown) => Answer::Unknown,
    }
}

/// What a transform and its predicate say, whatever they are called; none where nobody can say.
fn way(turn: &Turn<'_>, chain: Chain<'_>, name: &str) -> Option<Moves> {
    let stem = format!("{LIST}.{name}.");
    let mut way = Moves::new();
    for key in turn.keys().chain(turn.changed().map(|(key, _)| key)) {
        let Some(leaf) = key.strip_prefix(&stem) else { continue };
        if let Some(text) = chain.said(key).ok()? {
            way.insert(leaf.to_owned(), Ok(text));
        }
    }
    let named = way.get("predicate").and_then(|named| named.as_ref().ok());
    let of_it = named.map(|named| chain.predicate(named)).unwrap_or_default();
    if !of_it.is_empty() {
        way.remove("predicate");
    }
    way.extend(of_it);
    Some(way)
}
