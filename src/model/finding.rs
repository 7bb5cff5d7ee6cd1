//! Something wrong in the repository: where, which rule, what to do.
//!
//! Takes what the reading and thinking rooms saw, gives one sorted list. A finding is data and no
//! error: the world did not fail, a person made a mistake.

use std::fmt;
use std::sync::Arc;

use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::revision::RepositoryName;
use crate::model::rule::{Rule, Severity};

/// A place in a file: 1-based line and column, the column counted in characters; or the name of
/// something that has no lines, as an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, relative to the repository; that of an import with its name and a colon before it, as in
    /// `platform:templates/files.yaml`.
    pub path: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
}

impl Place {
    /// The beginning of a file, for what is wrong with the whole of it.
    pub fn start_of(path: &str) -> Self {
        Self { path: path.into(), line: 1, column: 1 }
    }

    /// Whether it is in a file of this import.
    pub fn is_of(&self, import: &RepositoryName) -> bool {
        self.path.strip_prefix(import.as_str()).is_some_and(|rest| rest.starts_with(':'))
    }

    /// Something that is no file: a variable of the environment, a flag. Its line is 0.
    pub fn outside(name: &str) -> Self {
        Self { path: name.into(), line: 0, column: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.path),
            line => write!(f, "{}:{line}:{}", self.path, self.column),
        }
    }
}

/// One thing that is wrong. Ordered by place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// How much it weighs; a rule has a usual severity, and some places lower it.
    pub severity: Severity,
    /// Which rule.
    pub rule: Rule,
    /// What is wrong, one sentence without a full stop. Never holds a secret value.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The connector concerned, where one is.
    pub connector: Option<ConnectorName>,
    /// The environment in which it shows, where it does not show in all.
    pub environment: Option<EnvironmentName>,
}

impl Finding {
    /// A finding of the rule's usual severity, with the rule's usual hint.
    pub fn new(rule: Rule, place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            severity: rule.severity(),
            rule,
            message: message.into(),
            hint: rule.hint().map(ToOwned::to_owned),
            connector: None,
            environment: None,
        }
    }

    /// Says what to do about it, in place of the rule's usual hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the connector concerned.
    #[must_use]
    pub fn of(mut self, connector: &ConnectorName) -> Self {
        self.connector = Some(connector.clone());
        self
    }
}

/// All that is wrong, in the order of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds many.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.0.extend(findings);
    }

    /// Sorts by place and leaves each out that was said already.
    pub fn settle(&mut self) {
        self.0.sort();
        self.0.dedup();
    }

    /// Whether one of them is an error, so that the revision must not be applied.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// How many there are of one severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
