//! What a change of a connector may do to its data, and who answers for it.
//!
//! Plain values. Which changes are risky, and what was measured of each, is in `pipeline::risk`; that a step is held
//! because of one is decided in `pipeline::plan`.

use std::borrow::Cow;
use std::sync::Arc;

use crate::model::config::Value;
use crate::model::finding::Place;
use crate::model::name::ConnectorName;

/// The worst that a change does, by what it takes to undo it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Harm {
    /// Whoever reads the topics sees something else from then on: keys, schemas, values or topics.
    Contract,
    /// Nothing is delivered until somebody changes it back; nothing is lost either.
    Outage,
    /// Everything is read and delivered once more.
    Resnapshot,
    /// Rows are never delivered.
    DataGap,
    /// Changing it back does not bring back what was.
    Irreversible,
}

impl Harm {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Contract, Self::Outage, Self::Resnapshot, Self::DataGap, Self::Irreversible];

    /// The word for it in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Outage => "outage",
            Self::Resnapshot => "re-snapshot",
            Self::DataGap => "data-gap",
            Self::Irreversible => "irreversible",
        }
    }

    /// Whether a change that does it is held until somebody answers for it.
    pub fn is_held(self) -> bool {
        match self {
            Self::Contract => false,
            Self::Outage | Self::Resnapshot | Self::DataGap | Self::Irreversible => true,
        }
    }
}

/// A change in a plan that may do harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// Which connector.
    pub connector: ConnectorName,
    /// What somebody must answer for: the key that changes; `name` where it is the connector itself that comes under
    /// another name; the row's name where no key of its own changes.
    pub key: Arc<str>,
    /// What an answer says beside it: what the key becomes, or a word; none where the key goes.
    pub to: Option<Value>,
    /// The row of the table that says so.
    pub row: &'static str,
    /// The worst that it does.
    pub harm: Harm,
    /// What would happen, as it was measured.
    pub consequence: Cow<'static, str>,
    /// The safe way to the same end, where one is known.
    pub remedy: Option<Cow<'static, str>>,
    /// Whether it stops the step.
    pub standing: Standing,
}

/// Whether a risk stops a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It does.
    Held,
    /// Somebody answers for it in the repository, for this reason.
    Acknowledged(Arc<str>),
    /// The settings let every risk pass.
    Warned,
    /// It is worth knowing and stops nothing.
    Told,
}

impl Standing {
    /// Why somebody answers for it, where one does.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Acknowledged(reason) => Some(reason),
            Self::Held | Self::Warned | Self::Told => None,
        }
    }

    /// The word for it in outputs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Acknowledged(_) => "acknowledged",
            Self::Warned => "warned",
            Self::Told => "told",
        }
    }
}

/// A risky change that somebody answers for, as it counts in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The key that may change, or the row that may speak.
    pub key: Arc<str>,
    /// The value that it may get, or the word of the row; none where the key may go.
    pub to: Option<Value>,
    /// Why, in a person's words.
    pub reason: Arc<str>,
    /// Where it is written.
    pub place: Place,
}
