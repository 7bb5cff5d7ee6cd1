//! What moving from one revision to another would do, in every environment.
//!
//! A comparison knows only the definitions of both: whether the cluster equals the older ones is what
//! a plan says. Making comparisons is left to `pipeline`, showing them to `view`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::desired::{DesiredState, Suspend};
use crate::model::finding::Findings;
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::plan::{Change, Hold, Left};
use crate::model::revision::{At, RepositoryName, Revision};
use crate::model::risk::{self, Harm};
use crate::model::warning::Warning;

/// What moving from one revision to another would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Where it would move from.
    pub old: Revision,
    /// Where it would move to.
    pub new: Revision,
    /// Repositories beside the main one that stand elsewhere afterwards, by name.
    pub imports: Vec<ImportMove>,
    /// Each environment of either revision, by name.
    pub environments: Vec<Compared>,
    /// What is wrong with the newer one, where neither has an environment to say it of.
    pub findings: Findings,
}

/// A repository of templates that stands elsewhere afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportMove {
    /// Which one.
    pub name: RepositoryName,
    /// Where it stood; none where it is new.
    pub before: Option<Standing>,
    /// Where it stands; none where it is gone.
    pub after: Option<Standing>,
}

/// Where a repository of templates stands for one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The repository, as the definitions name it.
    pub git: Arc<str>,
    /// The full ref that they ask for.
    pub reference: Arc<str>,
    /// The folder inside it.
    pub path: Arc<str>,
    /// What was read for it; none where nothing was.
    pub at: Option<At>,
}

/// What it would do in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Which one.
    pub environment: EnvironmentName,
    /// Which revision has it.
    pub presence: Presence,
    /// Whether the older revision could be rendered for it. Where not, no agent ever applied it, and
    /// there is nothing to compare with.
    pub comparable: bool,
    /// Whether an agent would take the newer revision here.
    pub taken: bool,
    /// What becomes of each folder of `extra` that is broken beside one of both.
    pub folders: BTreeMap<RepositoryName, FolderCourse>,
    /// What is wrong with the newer revision here, and with the folders that it breaks.
    pub findings: Findings,
    /// What becomes of the word that stops all writing here.
    pub suspend: Suspending,
    /// What would become of each connector that is not the same in both.
    pub effects: BTreeMap<ConnectorName, Effect>,
    /// What the newer revision says here that does nothing.
    pub warnings: Vec<Warning>,
    /// How many connectors are the same in both.
    pub unchanged: usize,
}

/// What becomes of a folder of `extra` that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FolderCourse {
    /// The newer revision breaks it: what it declared last stays.
    Breaks,
    /// It was broken before, and the newer revision adds no mistake.
    Broken,
    /// It was broken before, and is not any more.
    Mended,
}

impl FolderCourse {
    /// The word for it in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Breaks => "breaks",
            Self::Broken => "broken",
            Self::Mended => "mended",
        }
    }
}

/// Which revision has an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// Both.
    Both,
    /// Only the newer one.
    New,
    /// Only the older one: an agent of it refuses the newer one.
    Gone,
}

impl Presence {
    /// The word for it in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::New => "new",
            Self::Gone => "gone",
        }
    }
}

/// What becomes of a word that stops writing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspending {
    /// It is there in both, or in neither; one whose end is past counts as none.
    Unchanged,
    /// It is new, or says something else.
    Begins(Suspend),
    /// It is taken away or its end is past, and what waits behind it is written as well.
    Ends,
}

/// What would become of one connector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effect {
    /// In one word.
    pub kind: EffectKind,
    /// The state that the older revision declares; none where it does not declare the connector.
    pub before: Option<DesiredState>,
    /// The state that the newer one declares.
    pub after: Option<DesiredState>,
    /// The keys that differ, in order; all keys of a connector that is created.
    pub changes: Vec<Change>,
    /// Whether it must never be deleted, where that is said anew.
    pub keep: Option<bool>,
    /// What becomes of its own word that stops writing.
    pub suspend: Suspending,
    /// The other name, where the whole difference between two connectors is their name.
    pub renamed: Option<Renamed>,
    /// The brake that would stop it.
    pub held: Option<Brake>,
    /// What else it may do to data, which stops nothing, by key.
    pub told: Vec<Told>,
    /// What stays behind of it, where it is deleted or would be.
    pub leaves: Vec<Left>,
}

/// What would become of a connector, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EffectKind {
    /// It is deleted: the newer revision declares it absent, or the agents delete what is gone.
    Delete,
    /// It gets another config or state.
    Change,
    /// It is made.
    Create,
    /// It is not declared any more, goes on running, and is not looked after.
    Unmanage,
}

impl EffectKind {
    /// Every kind, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Delete, Self::Change, Self::Create, Self::Unmanage];

    /// The word for it in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Change => "change",
            Self::Create => "create",
            Self::Unmanage => "unmanage",
        }
    }
}

/// The other name of a connector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Renamed {
    /// It.
    pub other: ConnectorName,
    /// What it does that the new one begins to work.
    pub does: Option<Arc<str>>,
}

/// A brake that would stop a change, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Brake {
    /// Which one.
    pub hold: Hold,
    /// What it means, for people.
    pub detail: String,
    /// The lines to add to the connector's definition to release it, where there are such.
    pub release: Option<String>,
}

/// Something that a change may do to data and that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// The key that changes.
    pub key: Arc<str>,
    /// The row of the table that says so.
    pub row: &'static str,
    /// The worst that it does.
    pub harm: Harm,
    /// Why it stops nothing.
    pub standing: risk::Standing,
    /// What would happen.
    pub consequence: Cow<'static, str>,
}

impl Comparison {
    /// Whether nothing would become of moving, as far as can be told.
    pub fn is_empty(&self) -> bool {
        let same = |one: &Compared| {
            one.presence == Presence::Both
                && one.comparable
                && one.taken
                && !one.folders.values().any(|course| *course == FolderCourse::Breaks)
                && one.effects.is_empty()
                && one.suspend == Suspending::Unchanged
        };
        self.environments.iter().all(same)
    }

    /// Whether the newer revision has an error, so that it or a folder would not be applied somewhere.
    pub fn has_errors(&self) -> bool {
        self.findings.has_errors() || self.environments.iter().any(|one| one.findings.has_errors())
    }

    /// The folders that the newer revision breaks somewhere.
    pub fn broken(&self) -> BTreeSet<&RepositoryName> {
        let all = self.environments.iter().flat_map(|one| &one.folders);
        all.filter(|(_, course)| **course == FolderCourse::Breaks).map(|(name, _)| name).collect()
    }

    /// Whether something would be held.
    pub fn holds(&self) -> bool {
        self.effects().any(|effect| effect.held.is_some())
    }

    /// Every effect in every environment that both revisions have.
    pub fn effects(&self) -> impl Iterator<Item = &Effect> {
        let both = self.environments.iter().filter(|one| one.presence == Presence::Both);
        both.flat_map(|one| one.effects.values())
    }
}
