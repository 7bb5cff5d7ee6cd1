//! What a row of the table is made of.
//!
//! Plain values. Whether a row speaks of a change is asked of [`When`], the rows themselves stand in `table`.

use std::collections::BTreeSet;

use crate::model::risk::Harm;
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::turn::Turn;
use crate::pipeline::risk::when::When;

/// What is known of one change.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name, which stays.
    pub id: &'static str,
    /// The keys that it speaks of; `*` stands for any text.
    pub keys: &'static [&'static str],
    /// The connectors that it speaks of.
    pub of: Family,
    /// The change that it speaks of.
    pub on: On,
    /// What must hold beside.
    pub when: When,
    /// The worst that the change does; none where it was seen, or is documented, to do nothing.
    pub harm: Option<Harm>,
    /// What happens.
    pub consequence: &'static str,
    /// The fields or columns that one change concerns by name, where that is more than its key says.
    pub names: Option<Names>,
    /// The safe way to the same end, where one is known.
    pub remedy: Option<&'static str>,
    /// How one knows.
    pub seen: Seen,
}

/// What gives names of a change of a key.
pub type Names = fn(&Turn<'_>, &str) -> BTreeSet<String>;

/// A row that says nothing yet: each family of rows is laid over it.
pub const BLANK: Row = Row {
    id: "",
    keys: &[],
    of: Family::All,
    on: On::Change,
    when: When::Always,
    harm: None,
    consequence: "",
    names: None,
    remedy: None,
    seen: Seen::Measured,
};

/// The change that a row speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Its own key's.
    Change,
    /// Any change of the config: each makes the tasks start anew.
    Restart,
}

/// How one knows what a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It was measured, with rows flowing before, during and after the change.
    Measured,
    /// It follows from what was measured.
    Follows,
    /// It was read in the documentation or in the sources.
    Read,
}

impl Seen {
    /// Where that was, in words.
    pub fn says(self) -> &'static str {
        match self {
            Self::Measured => "measured on Connect 4.3.0, Debezium 3.6.3 and PostgreSQL 15",
            Self::Follows => {
                "follows from what was measured on Connect 4.3.0, Debezium 3.6.3 and PostgreSQL 15"
            }
            Self::Read => "read in the documentation or the sources, not measured",
        }
    }
}
