//! Names, checked once: what a connector, an environment and a repository may be called.
//!
//! Takes text, gives a name or says why not. What a *file* may be called is the business of the
//! room that reads it.

use std::fmt;
use std::sync::Arc;

use crate::model::character::Printable;

/// The longest name that a definition may carry, in characters.
pub const LONGEST: usize = 200;

/// A character at the end of a connector's name; with a dot in it, any but a dot.
macro_rules! outer {
    ($dot:literal) => {
        concat!("[^", $dot, r"/%\\{}\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
    };
}

/// What a connector's name looks like, as a regular expression: neither `.` nor `..` is one.
pub const CONNECTOR: &str = concat!(
    concat!("^(", outer!("."), "|", outer!("."), outer!(""), "|", outer!(""), outer!(".")),
    concat!("|", outer!(""), r"[^/%\\{}\x00-\x1f\x7f-\x9f]{1,198}", outer!(""), ")$"),
);

/// What the name of an environment or of a template looks like, as a regular expression: neither `.` nor
/// `..` is one.
pub const PLAIN: &str =
    "^([A-Za-z0-9_-]|[A-Za-z0-9_-][A-Za-z0-9._-]|[A-Za-z0-9._-][A-Za-z0-9_-]|[A-Za-z0-9._-]{3,200})$";

/// What the name of an import looks like, as a regular expression.
pub const IMPORT: &str = "^[A-Za-z0-9][A-Za-z0-9._-]*$";

/// The first of many names, as many as there is room for, and how many more there are.
pub fn some_of(names: &[impl fmt::Display], most: usize) -> String {
    let shown: Vec<_> = names.iter().take(most).map(ToString::to_string).collect();
    let more = names.len().saturating_sub(most);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// A connector's name, as Connect knows it.
///
/// Made by [`ConnectorName::new`] from a definition, where it must be addressable over REST, or by
/// [`ConnectorName::observed`] from what Connect told, where it may be anything.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectorName(Arc<str>);

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing in it.
    #[error("a name must not be empty")]
    Empty,
    /// It is longer than [`LONGEST`] characters.
    #[error("a name has at most {LONGEST} characters, this one has {0}")]
    TooLong(usize),
    /// It begins or ends with a blank, which Connect trims on one path and keeps on another.
    #[error("a name must not begin or end with a blank")]
    OuterBlank,
    /// It is one or two dots, which an address takes for a step between folders, encoded or not.
    #[error("a name must not be `.` or `..`: an address takes it for a step between folders")]
    Step,
    /// It holds a character that cannot be addressed over Connect's REST API.
    #[error("a name must not hold {0:?}: Connect's REST API cannot address it")]
    Unaddressable(char),
}

impl ConnectorName {
    /// Checks a name that a person wrote.
    pub fn new(text: &str) -> Result<Self, NameError> {
        check(text)?;
        Ok(Self(text.into()))
    }

    /// Takes a name that Connect told, whatever it is made of.
    pub fn observed(text: &str) -> Self {
        Self(text.into())
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Connect's REST API can address it safely on every version.
    ///
    /// Connect 4.1 and newer answer 400 to `/`, `%` and `\` in a path, and every version fails a PUT
    /// of a name with braces.
    pub fn is_addressable(&self) -> bool {
        check(&self.0).is_ok()
    }

    /// Whether it stays inside `[A-Za-z0-9._-]`, which consumer groups and `MBeans` also accept.
    pub fn is_plain(&self) -> bool {
        self.0.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    }
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    let length = text.chars().count();
    if length > LONGEST {
        return Err(NameError::TooLong(length));
    }
    if text.trim() != text {
        return Err(NameError::OuterBlank);
    }
    if text == "." || text == ".." {
        return Err(NameError::Step);
    }
    match text.chars().find(|c| c.is_control() || matches!(c, '/' | '%' | '\\' | '{' | '}')) {
        Some(character) => Err(NameError::Unaddressable(character)),
        None => Ok(()),
    }
}

impl fmt::Display for ConnectorName {
    /// Writes the name with what disturbs a reader escaped, so that it cannot forge a line of a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(&self.0).fmt(f)
    }
}

impl fmt::Debug for ConnectorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// An environment's name: `production`, `staging`, `ed8k`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvironmentName(Arc<str>);

impl EnvironmentName {
    /// Checks a name that a person wrote: 1 to 200 of `[A-Za-z0-9._-]`.
    pub fn new(text: &str) -> Result<Self, NameError> {
        check(text)?;
        match text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
            Some(character) => Err(NameError::Unaddressable(character)),
            None => Ok(Self(text.into())),
        }
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_rest_cannot_address_is_refused() {
        for (text, why) in [
            ("", NameError::Empty),
            ("a/b", NameError::Unaddressable('/')),
            ("100%", NameError::Unaddressable('%')),
            ("back\\slash", NameError::Unaddressable('\\')),
            ("{x}", NameError::Unaddressable('{')),
            ("tab\there", NameError::Unaddressable('\t')),
            ("..", NameError::Step),
            (" led", NameError::OuterBlank),
            ("trailed ", NameError::OuterBlank),
        ] {
            assert_eq!(ConnectorName::new(text), Err(why), "{text:?}");
            assert!(!ConnectorName::observed(text).is_addressable(), "{text:?}");
        }
        assert_eq!(ConnectorName::new(&"x".repeat(201)), Err(NameError::TooLong(201)));
        assert!(ConnectorName::new(&"x".repeat(200)).is_ok());
    }

    #[test]
    fn a_name_outside_the_tame_alphabet_is_addressable_but_not_plain() {
        for text in ["zwölf", "a b", "a;b", "a?b", "a#b", "a+b"] {
            let name = ConnectorName::new(text).expect("addressable when percent-encoded");
            assert!(!name.is_plain(), "{text}");
        }
        assert!(ConnectorName::new("orders-v2.public_1").expect("plain").is_plain());
    }

    #[test]
    fn a_name_cannot_forge_a_log_line() {
        assert_eq!(ConnectorName::observed("a\nb").to_string(), "a\\nb");
    }
}
