//! Secrets that definitions name and the place of the agent supplies.
//!
//! Takes names as they are written in definitions, gives values that cannot be printed, or why there
//! is none. Reading them is left to `secrets`, putting them into configs to `pipeline`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;

use crate::model::config::Value;

/// The name of a secret, which is no secret itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretName {
    /// `env:NAME`: a variable of the agent, behind the prefix of the settings.
    Variable(Arc<str>),
    /// `file:PATH`: a file in one of the folders of the settings.
    File(Arc<str>),
}

impl SecretName {
    /// Reads a name; says what is wrong with it.
    ///
    /// A path is made of plain words, so that no name leads out of a folder, whatever lies in it.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let word = |word: &str| {
            word != "."
                && !word.is_empty()
                && !word.starts_with("..")
                && word.chars().all(|c| plain(c) || matches!(c, '-' | '.'))
        };
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() && name.chars().all(plain) => {
                Ok(Self::Variable(name.into()))
            }
            Some(("env", _)) => Err("a variable's name is made of letters, digits and `_`"),
            Some(("file", path)) if path.starts_with('/') => {
                Err("a path is relative to the folders of `secrets.folders`")
            }
            Some(("file", path)) if path.split('/').all(word) => Ok(Self::File(path.into())),
            Some(("file", _)) => {
                Err("a path is made of names with `/` between them, and no name begins with `..`")
            }
            Some(_) | None => Err("a secret's name begins with `env:` or `file:`"),
        }
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

/// Why a secret is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// The agent has no variable of this name.
    NoVariable(Arc<str>),
    /// The settings name no folder of secrets.
    NoFolder,
    /// None of the folders has such a file.
    NoFile,
    /// The file cannot be read.
    Unreadable(ErrorKind),
    /// It is a folder, a pipe or a device.
    NotAFile,
    /// A link leads out of the folder.
    Outside,
    /// It is one of the agent's own, or its pod's.
    Own,
    /// It is larger than a secret is.
    TooLarge,
    /// It is no UTF-8 text, or there is a NUL in it.
    NotText,
    /// There is nothing in it.
    Empty,
    /// It is what a cluster shows in place of a secret.
    Mask,
}

impl Lack {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoVariable(name) => format!("set `{name}` for the agent, and start it anew"),
            Self::NoFolder => "name the folder that it is mounted at in `secrets.folders`".to_owned(),
            Self::NoFile => "put it there, or mount it; it is looked for again at every poll".to_owned(),
            Self::Unreadable(_) => "let the agent's user read it".to_owned(),
            Self::NotAFile => "put a file there".to_owned(),
            Self::Outside => {
                "put the file itself into the folder, or name the folder that it lies in".to_owned()
            }
            Self::Own => "keep what connectors need in a folder of its own".to_owned(),
            Self::TooLarge => "a secret has at most 64 KiB".to_owned(),
            Self::NotText => {
                "encode it as text, for example as base64, where the connector takes that".to_owned()
            }
            Self::Empty => "write the secret into it; an empty one is taken for a mistake".to_owned(),
            Self::Mask => "write the secret itself into it".to_owned(),
        }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVariable(name) => write!(f, "the agent has no variable `{name}`"),
            Self::NoFolder => f.write_str("the agent's settings name no folder of secrets"),
            Self::NoFile => f.write_str("no folder of `secrets.folders` has such a file"),
            Self::Unreadable(kind) => write!(f, "the file cannot be read: {kind}"),
            Self::NotAFile => f.write_str("it is no file"),
            Self::Outside => f.write_str("a link leads out of the folder"),
            Self::Own => f.write_str("it is the agent's own, and no connector gets it"),
            Self::TooLarge => f.write_str("it is too large"),
            Self::NotText => f.write_str("it is no UTF-8 text without NUL"),
            Self::Empty => f.write_str("it is empty"),
            Self::Mask => f.write_str("it is a mask, which a cluster shows in place of a secret"),
        }
    }
}

/// Secrets by name, as they were read at one moment; cheap to clone, and never printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets(Arc<BTreeMap<SecretName, Result<Value, Lack>>>);

impl Secrets {
    /// Which secrets these are.
    pub fn names(&self) -> BTreeSet<SecretName> {
        self.0.keys().cloned().collect()
    }

    /// The value of a secret. One that nobody read is not there.
    pub fn get(&self, name: &SecretName) -> Result<&Value, Lack> {
        match (self.0.get(name), name) {
            (Some(found), _) => found.as_ref().map_err(Clone::clone),
            (None, SecretName::Variable(name)) => Err(Lack::NoVariable(Arc::clone(name))),
            (None, SecretName::File(_)) => Err(Lack::NoFile),
        }
    }
}

impl FromIterator<(SecretName, Result<Value, Lack>)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (SecretName, Result<Value, Lack>)>>(pairs: I) -> Self {
        Self(Arc::new(pairs.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_but_to_a_plain_variable_or_below_a_folder() {
        for good in
            ["env:ORDERS_PASSWORD", "env:1", "file:password", "file:orders/db.password", "file:.pgpass"]
        {
            assert_eq!(SecretName::new(good).map(|name| name.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "ORDERS",
            "env:",
            "env:A-B",
            "env:A=B",
            "env:A B",
            "env:ä",
            "vault:x",
            "ENV:A",
            "file:",
            "file:/etc/passwd",
            "file:../token",
            "file:a/../b",
            "file:a/..",
            "file:..data/x",
            "file:a//b",
            "file:./a",
            "file:a/",
            "file:a\0b",
            "file:a\nb",
            "file:a b",
            "file:C:\\x",
            "file:a\\..\\b",
            "file:${env:X}",
        ] {
            assert!(SecretName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_was_read_is_never_printed() {
        let name = SecretName::Variable("A".into());
        let secrets = Secrets::from_iter([(name, Ok(Value::secret("hunter2")))]);
        assert_eq!(format!("{secrets:?}"), "Secrets({Variable(\"A\"): Ok((hidden))})");
    }
}
