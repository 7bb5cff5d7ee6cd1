//! The rules that a definitions repository is held to, by name.
//!
//! A rule's name is printed, counted and documented under the same word. What breaks a rule is
//! decided by the room that sees it.

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The revision is not applied.
    Error,
    /// It is applied, and somebody should look.
    Warning,
    /// Good to know.
    Info,
}

impl Severity {
    /// Every severity, the heaviest first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Info];

    /// The word for it in outputs and labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $severity:ident;)+) => {
        /// What a finding is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Rule {
            /// Every rule, in the order of the reference page.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name that is printed and documented.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// How much a breach weighs as a rule.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }

            /// What the rule says, for the reference page.
            pub fn says(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

rules! {
    /// None of `tagalong.yaml`, `templates/`, `connectors/` and `environments/` is here.
    RepositoryEmpty = "repository-empty", Error;
    /// There is no `connectors/` folder, so the set of connectors is empty.
    ConnectorsMissing = "connectors-missing", Warning;
    /// A file is larger than 256 KiB.
    FileTooLarge = "file-too-large", Error;
    /// There are more than 10,000 definition files.
    TooManyFiles = "too-many-files", Error;
    /// The definition files are larger than 16 MiB together.
    RepositoryTooLarge = "repository-too-large", Error;
    /// A folder lies more than 8 levels deep.
    TooDeep = "too-deep", Error;
    /// A definition file or folder is a symbolic link.
    Link = "link", Error;
    /// A folder of definitions is a submodule.
    Submodule = "submodule", Error;
    /// A file's name is not usable: not UTF-8, or with control characters, `\`, `..` or `.git`.
    FileName = "file-name", Error;
}
