//! What may stand in a file that people write: which keys, what each takes, what it is for.
//!
//! Tables made of these stand beside the readers, who know no key that is not in them; JSON Schemas are
//! made of the same tables. Which names exist, and what goes with what, is left to the readers.

/// A map whose keys are known.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// What it is, in one or two sentences.
    pub says: &'static str,
    /// Its keys.
    pub fields: &'static [Field],
    /// Keys that exclude each other.
    pub apart: &'static [[&'static str; 2]],
}

/// One known key.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The key; with dots between the levels where a table is written by paths.
    pub key: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What it is for.
    pub says: &'static str,
    /// Whether it must be there.
    pub needed: bool,
    /// What it is where nobody says; empty for nothing.
    pub default: &'static str,
}

/// What a key takes. A number, `true` and `false` are texts too: they are kept as they were written.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// A text.
    Text,
    /// A text without an expression in it.
    Literal,
    /// A text that a regular expression matches.
    Like(&'static str),
    /// `true` or `false`.
    Flag,
    /// A whole number that is not negative.
    Number,
    /// A whole number that is not negative, or `unlimited`.
    Limit,
    /// One of some words.
    Word(&'static [&'static str]),
    /// One of the words of a type.
    WordOf(fn() -> Vec<&'static str>),
    /// A point in time.
    Time,
    /// A length of time.
    Length,
    /// A list.
    List(&'static Takes),
    /// A map with known keys.
    Fields(&'static Shape),
    /// A map with free keys that a regular expression matches.
    Entries(&'static str, &'static Takes),
    /// A value of no fixed shape.
    Free(Free),
    /// Texts, lists and maps of them, in any order; no key has a dot.
    Tree,
    /// A text, or a map with known keys for which it is short.
    TextOr(&'static Shape),
    /// The one or `null`.
    OrNull(&'static Takes),
    /// Nothing at all: who writes the key is told why not.
    Refused,
    /// Whatever it is, it is passed over.
    Anything,
}

/// A value of no fixed shape: a text, a list, a map.
#[derive(Debug, Clone, Copy)]
pub struct Free {
    /// The word for it in a schema.
    pub name: &'static str,
    /// Whether it may be a map.
    pub maps: bool,
    /// What the keys of its maps are.
    pub keys: Keys,
    /// Whether it may be `null`.
    pub nulls: bool,
    /// Whether a text may hold expressions.
    pub expressions: bool,
}

/// What the keys of a map are that an expression may look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Any text that can be seen, without an expression.
    Texts,
    /// Names, none with a dot: a dot in an expression leads from one map into the next.
    Names,
}

impl Keys {
    /// What they look like, as a regular expression.
    pub const fn pattern(self) -> &'static str {
        match self {
            Self::Texts => TEXT_KEY,
            Self::Names => NAME_KEY,
        }
    }
}

/// What a text without an expression looks like, as a regular expression.
pub const NO_EXPRESSION: &str = r"^([^{]|\{[^{])*\{?$";

/// Blanks but the space, control characters and what has no width, for a class of a regular expression.
macro_rules! unseen {
    () => {
        r"\x00-\x1f\x7f-\xa0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
    };
}

/// Something without two braces in a row, and with no space at its ends; no character of the class is in it.
macro_rules! key {
    ($without:literal) => {
        concat!(
            // The first character, with what must follow it; then any number of them; then the last one.
            concat!(r"^(([^ {", $without, unseen!(), r"]|\{[^{", $without, unseen!(), r"])"),
            concat!(r"(\{?[^{", $without, unseen!(), r"])*)?"),
            concat!(r"(\{?[^ {", $without, unseen!(), r"]|\{)$"),
        )
    };
}

/// What a key of a config looks like, as a regular expression: a text that can be seen, without an expression.
pub const TEXT_KEY: &str = key!("");

/// What a key looks like that is a name in expressions, as a regular expression: it has no dot either.
pub const NAME_KEY: &str = key!(".");

/// What a key of Connect's JSON looks like, as a regular expression: braces are plain text there.
pub const JSON_KEY: &str = concat!(r"^[^ ", unseen!(), r"]([^", unseen!(), r"]*[^ ", unseen!(), r"])?$");

/// What a name without a dot looks like, as a regular expression.
pub const NO_DOT: &str = r"^[^.]*$";

impl Shape {
    /// A map with these keys.
    pub const fn new(says: &'static str, fields: &'static [Field]) -> Self {
        Self { says, fields, apart: &[] }
    }

    /// Adds pairs of keys that exclude each other.
    #[must_use]
    pub const fn apart(self, apart: &'static [[&'static str; 2]]) -> Self {
        Self { apart, ..self }
    }
}

impl Field {
    /// A key that may be there.
    pub const fn new(key: &'static str, takes: Takes, says: &'static str) -> Self {
        Self { key, takes, says, needed: false, default: "" }
    }

    /// Says that it must be there.
    #[must_use]
    pub const fn needed(self) -> Self {
        Self { needed: true, ..self }
    }

    /// Says what it is where nobody says.
    #[must_use]
    pub const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }
}
