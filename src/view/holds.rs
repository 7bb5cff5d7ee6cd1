//! What is held, as a status tells it.
//!
//! Takes held steps, gives the form of each, and those together that are held for the same reason: an environment
//! that is suspended holds everything, and says why once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::name::some_of;
use crate::model::plan::Held;
use crate::view::form::HeldForm;
use crate::view::text::line;

/// How many connectors are named to people in one line; JSON has all of them.
pub(in crate::view) const MOST_NAMED: usize = 20;

/// A step of a connector that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct HoldForm {
    pub(in crate::view) hold: String,
    pub(in crate::view) step: String,
    pub(in crate::view) detail: String,
    #[serde(default)]
    pub(in crate::view) release: Option<String>,
}

impl HoldForm {
    /// Mirrors what is held.
    pub(in crate::view) fn new(held: &Held) -> Self {
        let Held { action, hold, detail, release } = held;
        Self {
            hold: hold.name().to_owned(),
            step: action.step.kind().name().to_owned(),
            detail: detail.clone(),
            release: release.clone(),
        }
    }
}

/// Steps that are held for the same reason.
pub(in crate::view) struct HeldTogether<'s> {
    pub(in crate::view) hold: &'s str,
    who: Vec<String>,
    pub(in crate::view) detail: &'s str,
    pub(in crate::view) release: Option<&'s str>,
}

impl HeldTogether<'_> {
    /// The first of them, and how many more there are.
    pub(in crate::view) fn who(&self) -> String {
        some_of(&self.who, MOST_NAMED)
    }
}

/// What is held for the same reason once, with whom it holds; the same lines that release it once, too.
pub(in crate::view) fn together(held: &[HeldForm]) -> Vec<HeldTogether<'_>> {
    let mut all: Vec<HeldTogether<'_>> = Vec::new();
    for HeldForm { step, hold, detail, release } in held {
        let who = format!("{} ({})", line(&step.connector), line(&step.step));
        let release = release.as_deref();
        let same = |one: &&mut HeldTogether<'_>| {
            (one.hold, one.detail, one.release) == (hold.as_str(), detail.as_str(), release)
        };
        match all.iter_mut().find(same) {
            Some(one) => one.who.push(who),
            None => all.push(HeldTogether { hold, who: vec![who], detail, release }),
        }
    }
    let mut told = BTreeSet::new();
    for one in &mut all {
        one.release = one.release.filter(|release| told.insert(*release));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::example;

    #[test]
    fn what_is_held_for_the_same_reason_is_told_once() {
        let told = |held: &[Held]| -> Vec<_> {
            let forms: Vec<_> = held.iter().map(HeldForm::new).collect();
            together(&forms).iter().map(|one| (one.who(), one.release.is_some())).collect()
        };
        let mut held = example::plan().held;
        let one = |who: &str, releases| (who.to_owned(), releases);
        let wanted = [
            one("scratch (delete)", false),
            one("vault (delete)", false),
            one("orders (configure)", true),
            one("orders (resume)", false),
        ];
        assert_eq!(told(&held), wanted);
        let Held { action: _, hold, detail, release } = held[0].clone();
        for held in &mut held {
            (held.hold, held.detail, held.release) = (hold, detail.clone(), release.clone());
        }
        let who = "scratch (delete), vault (delete), orders (configure), orders (resume)";
        assert_eq!(told(&held), [one(who, false)]);
    }
}
