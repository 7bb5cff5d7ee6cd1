//! Whose a connector's name is, among the repository and the folders of `extra`.
//!
//! Takes what each of them declares in one environment, gives what a folder may not declare. All of it
//! follows from the files as they are now, so that agents agree on it whatever each of them has seen.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::model::desired::{Desired, DesiredConnector, DesiredState};
use crate::model::finding::{Finding, Place};
use crate::model::folder::Names;
use crate::model::name::ConnectorName;
use crate::model::revision::RepositoryName;
use crate::model::rule::Rule;

/// A folder that declares something.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'c> {
    /// Which one.
    pub repository: &'c RepositoryName,
    /// The names that the settings give it.
    pub names: &'c Names,
    /// What it declares; none where nobody knows.
    pub declares: Option<&'c Desired>,
}

/// Who declares which name first.
#[derive(Debug)]
pub struct Claims<'c> {
    folders: &'c [Claimant<'c>],
    /// The folder's index, none where it is the repository.
    first: BTreeMap<&'c ConnectorName, (Option<usize>, &'c Place)>,
}

impl<'c> Claims<'c> {
    /// Asks the repository, then the folders in their order. A deletion comes last: it takes no name away
    /// from anybody. Neither does a folder that may not declare the name.
    pub fn new(repository: Option<&'c Desired>, folders: &'c [Claimant<'c>]) -> Self {
        let mut first = BTreeMap::new();
        let given = Self { folders, first: BTreeMap::new() };
        let mut claim = |by, name, connector: &'c DesiredConnector| {
            if let Entry::Vacant(vacant) = first.entry(name) {
                vacant.insert((by, &connector.place));
            }
        };
        for (name, connector) in repository.iter().flat_map(|desired| &desired.connectors) {
            claim(None, name, connector);
        }
        for deletions in [false, true] {
            for (index, folder) in folders.iter().enumerate() {
                for (name, connector) in folder.declares.iter().flat_map(|desired| &desired.connectors) {
                    if deletes(connector) == deletions && given.is_given(name, connector, index) {
                        claim(Some(index), name, connector);
                    }
                }
            }
        }
        Self { folders, first }
    }

    /// Where a name is declared that somebody else has before this folder.
    pub fn taken(&self, name: &ConnectorName, by: usize) -> Option<&'c Place> {
        self.first.get(name).filter(|(first, _)| *first != Some(by)).map(|(_, place)| *place)
    }

    /// What is wrong with the names that a folder declares. That another folder has one is not said where
    /// this one may not have it anyway.
    pub fn wrong(&self, by: usize) -> Vec<Finding> {
        let own = self.folders[by].declares.iter().flat_map(|desired| &desired.connectors);
        own.flat_map(|(name, connector)| {
            let not_given = self.not_given(name, connector, by);
            let told = |&(first, _): &(Option<usize>, &Place)| {
                first != Some(by) && (first.is_none() || not_given.is_none())
            };
            let taken = self.first.get(name).copied().filter(told).map(|(_, first)| {
                let message = format!("connector `{name}` exists already in this environment, from {first}");
                Finding::new(Rule::DuplicateName, connector.place.clone(), message).of(name)
            });
            taken.into_iter().chain(not_given)
        })
        .collect()
    }

    /// Whether the settings let a folder declare a name.
    pub fn is_given(&self, name: &ConnectorName, connector: &DesiredConnector, by: usize) -> bool {
        self.not_given(name, connector, by).is_none()
    }

    /// Says that the settings do not give a name to a folder.
    fn not_given(&self, name: &ConnectorName, connector: &DesiredConnector, by: usize) -> Option<Finding> {
        let Claimant { names, .. } = self.folders[by];
        if names.cover(name) {
            return None;
        }
        let owner = self.folders.iter().find(|folder| folder.names.cover(name));
        let message = match (owner, names.is_empty()) {
            (Some(owner), _) => {
                let owner = owner.repository;
                let owner = owner.folder().unwrap_or(owner.as_str());
                format!("the settings give the name `{name}` to the folder {owner}")
            }
            (None, false) => format!("`{name}` is none of the names that the settings give this folder"),
            (None, true) if deletes(connector) => {
                format!("connector `{name}` would be deleted, and the settings give this folder no names")
            }
            (None, true) => return None,
        };
        Some(Finding::new(Rule::NameNotGiven, connector.place.clone(), message).of(name))
    }

    /// The folders other than this one that the settings give a name as well.
    pub fn also_given(&self, name: &ConnectorName, but: usize) -> impl Iterator<Item = usize> {
        let others = self.folders.iter().enumerate().filter(move |(index, _)| *index != but);
        others.filter(|(_, folder)| folder.names.cover(name)).map(|(index, _)| index)
    }
}

/// Whether it is a deletion.
pub fn deletes(connector: &DesiredConnector) -> bool {
    connector.state == DesiredState::Absent
}
