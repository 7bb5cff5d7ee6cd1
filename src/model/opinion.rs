//! What a worker and its plugin think of one connector's config.
//!
//! Made by the room that asks, judged by the one that knows where each key was written. A text of the
//! plugin's own is here only where nothing secret can be in it.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opinion {
    /// The worker has no connector plugin of this class.
    UnknownClass,
    /// The config was looked at.
    Read(Reading),
}

/// What was found in a config.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Each key that the plugin and Connect know for this config, as far as it may be told.
    pub known: BTreeMap<Arc<str>, Known>,
    /// What is wrong with it.
    pub remarks: Vec<Remark>,
}

/// What a plugin says of a key, whatever it is set to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// What the key is for.
    pub documentation: Option<Arc<str>>,
    /// Values that it takes, where it takes only a few.
    pub values: Vec<Arc<str>>,
}

/// One thing that is wrong with a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The key concerned; `None` where it is the whole config, or a key that must not be told.
    pub key: Option<Arc<str>>,
    /// What kind of mistake it is.
    pub kind: Mistake,
    /// The plugin's own words, where nothing secret can be in them.
    pub text: Option<Arc<str>>,
}

/// The kinds of mistake that plugins tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mistake {
    /// A value is required.
    Missing,
    /// The value is no number, or none of the right kind.
    NoNumber,
    /// The value is neither true nor false.
    NoBoolean,
    /// The number is too small or too large.
    OutOfRange,
    /// The value is none of those that the key takes.
    NotAmong,
    /// The value names a class that the worker does not have.
    NoSuchClass,
    /// The database or the broker of the connector is away, or refuses: the plugin could not look further.
    Away,
    /// A placeholder names a file that the worker cannot read.
    Placeholder,
    /// Anything else.
    Other,
}
