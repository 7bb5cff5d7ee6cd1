//! What a step has to do with the other connectors of the cluster.
//!
//! Takes every connector as it is and as it is to be, declared or merely live, gives what taking a step of one of them may
//! do: to itself, because of another, or to another. What changing its own config does is left to `risk`, whether anything
//! is held for it to `plan`.

mod cast;
pub mod clash;
mod likeness;
pub mod own;
mod pattern;
pub mod read;
mod rename;
mod route;
mod way;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::Desired;
use crate::model::live::Live;
use crate::model::name::ConnectorName;
use crate::model::plan::StepKind;
use crate::model::select::Select;
use crate::pipeline::risk::Danger;
use crate::pipeline::scene::cast::Cast;
use crate::pipeline::scene::clash::Claims;
use crate::pipeline::scene::rename::Rename;

/// Every connector of a cluster, and what they have to do with each other.
#[derive(Debug)]
pub struct Scene<'s> {
    cast: Cast<'s>,
    claims: Claims<'s>,
    renames: BTreeMap<&'s ConnectorName, Rename<'s>>,
}

/// A danger of a step because of another connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met<'s> {
    /// What it is.
    pub danger: Danger,
    /// The connector whose definition answers for it.
    pub by: &'s ConnectorName,
}

impl<'s> Scene<'s> {
    /// A cluster, and what is desired of it. Of what is declared absent only `going` is surely deleted, of what nobody declares
    /// only what is `pruned`; what is `lost` goes after a second look or a person's word.
    pub fn of_cluster(
        desired: &'s Desired,
        live: &'s Live,
        select: &Select,
        going: &BTreeSet<&ConnectorName>,
        [pruned, lost]: [&BTreeSet<&ConnectorName>; 2],
    ) -> Self {
        Self::of(cast::of_cluster(desired, live, select, going, [pruned, lost]))
    }

    fn of(cast: Cast<'s>) -> Self {
        Self { claims: Claims::of(&cast), renames: rename::all(&cast), cast }
    }

    /// What a step of a connector may do because of the others.
    pub fn dangers(&self, name: &ConnectorName, step: StepKind) -> Vec<Met<'s>> {
        match step {
            StepKind::Create | StepKind::Configure | StepKind::Resume => self.of_work(name),
            StepKind::Delete => self.of_end(name),
            StepKind::Pause | StepKind::Stop | StepKind::Restart => Vec::new(),
        }
    }

    /// The connectors that are a connector under another name, as far as they begin to work or are new.
    pub fn successors(&self, name: &ConnectorName) -> Vec<&'s ConnectorName> {
        let takes = |rename: &Rename<'_>| rename.old == Some(name) || rename.goes.contains_key(name);
        self.renames.iter().filter(|(_, rename)| takes(rename)).map(|(new, _)| *new).collect()
    }

    fn of_work(&self, name: &ConnectorName) -> Vec<Met<'s>> {
        let Some((&by, actor)) = self.cast.get_key_value(name) else { return Vec::new() };
        let rename = self.renames.get(by);
        let mut found: Vec<_> = rename.and_then(|rename| rename.comes.clone()).into_iter().collect();
        found.extend(rename.into_iter().flat_map(|rename| rename.beside.iter().cloned()));
        // What it shares with the one whose place it takes is said by then.
        found.extend(self.claims.dangers(&self.cast, (by, actor), rename.and_then(|rename| rename.old)));
        found.into_iter().map(|danger| Met { danger, by }).collect()
    }

    fn of_end(&self, name: &ConnectorName) -> Vec<Met<'s>> {
        let new = self.renames.iter();
        new.filter_map(|(new, rename)| Some(Met { danger: rename.goes.get(name)?.clone(), by: new }))
            .collect()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_beside;
#[cfg(test)]
mod tests_patterns;
#[cfg(test)]
mod tests_rename;
#[cfg(test)]
mod tests_way;
