//! Where a folder of `extra` is told what lints say of it.
//!
//! Takes the place where a breach would be told in the repository, gives a place of the folder's own. What
//! the repository has said at a place of its own is not said again; what a folder meets there first is
//! said at the folder's connector, since whoever brings the folder cannot change the repository.

use crate::model::definition::Definitions;
use crate::model::finding::{Findings, Place};
use crate::model::rule::Rule;
use crate::model::snapshot::Files;
use crate::pipeline::lints::seen::{Breach, Seen};

/// A folder, and the repository that it stands beside.
#[derive(Debug, Clone, Copy)]
pub struct Guest<'g> {
    /// What it defines, with what it may use of the repository.
    pub definitions: &'g Definitions,
    /// Its files.
    pub files: &'g Files,
    /// What the repository defines.
    pub host: &'g Definitions,
    /// What the repository has said of itself in the environment.
    pub told: &'g Findings,
}

impl Guest<'_> {
    /// Where the folder is told what a lint says of a place; none where it is not its own to hear.
    pub fn place<'s>(&self, place: &'s Place, seen: &Seen<'s>, breach: &Breach) -> Option<&'s Place> {
        let own = &seen.connector.place;
        // What a template lacks was said where it sets the class, whatever else is made from it here.
        let class = if breach.key.is_none() { seen.place("connector.class") } else { None };
        let is_told = breach.partner.is_none() && self.has_been_told(class.unwrap_or(place), breach.rule);
        if is_told {
            return None;
        }
        Some(if self.owns(place) { place } else { own })
    }

    fn has_been_told(&self, place: &Place, rule: Rule) -> bool {
        self.told.iter().any(|finding| finding.rule == rule && finding.place == *place)
    }

    /// Whether it is a place of the folder.
    pub fn owns(&self, place: &Place) -> bool {
        self.files.contains_key(&place.path)
    }
}
