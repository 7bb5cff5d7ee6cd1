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
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $severity:ident $(, $hint:literal)?;)+) => {
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

            /// What to do about a breach, where that is the same for every one.
            pub fn hint(self) -> Option<&'static str> {
                match self { $(Self::$variant => None$(.or(Some($hint)))?,)+ }
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
    RepositoryEmpty = "repository-empty", Error, "point the repository's `path` at the folder that holds them";
    /// There is no `connectors/` folder, so the set of connectors is empty.
    ConnectorsMissing = "connectors-missing", Warning, "add a `connectors/` folder, or correct the repository's `path`";
    /// A file is larger than 256 KiB.
    FileTooLarge = "file-too-large", Error, "split it into several files";
    /// There are more than 10,000 definition files.
    TooManyFiles = "too-many-files", Error, "put several documents into one file";
    /// The definition files are larger than 16 MiB together.
    RepositoryTooLarge = "repository-too-large", Error, "split the repository";
    /// A folder lies more than 8 levels deep.
    TooDeep = "too-deep", Error, "move the folder up";
    /// A definition file or folder is a symbolic link.
    Link = "link", Error, "put the file itself in its place";
    /// A folder of definitions is a submodule.
    Submodule = "submodule", Error, "put the files themselves in its place";
    /// A file's name is not usable: not UTF-8, or with control characters, `\`, `..` or `.git`.
    FileName = "file-name", Error, "rename the file";

    /// A file is not UTF-8 text.
    NotUtf8 = "not-utf8", Error, "save the file as UTF-8";
    /// A file is not well-formed YAML. The rest of that document is not read; the file's other documents are.
    YamlSyntax = "yaml-syntax", Error;
    /// A value is nested more than 64 levels deep.
    YamlTooDeep = "yaml-too-deep", Error, "flatten it";
    /// A `%` directive stands before a document.
    YamlDirective = "yaml-directive", Error, "remove the line; every file is read as YAML 1.2";
    /// An anchor (`&name`) or an alias (`*name`) is used.
    YamlAlias = "yaml-alias", Error, "write the value out, share it through a template or an environment, or quote a text that begins with `&` or `*`";
    /// A tag (`!name`) is used.
    YamlTag = "yaml-tag", Error, "remove the tag, or quote a text that begins with `!`";
    /// A merge key (`<<`) is used.
    YamlMergeKey = "yaml-merge-key", Error, "share keys through a template or an environment's config";
    /// A key is no plain text: empty, null, a list or a map.
    YamlKey = "yaml-key", Error, "write a text before the colon";
    /// A key stands twice in one map.
    DuplicateKey = "duplicate-key", Error, "keep one of them";
    /// An expression is not in quotes, so YAML reads its braces as a map.
    TemplateNotQuoted = "template-not-quoted", Error, "write the whole value in double quotes: \"{{ … }}\"";
    /// A key is not known here.
    UnknownKey = "unknown-key", Error;
    /// A key has no value.
    EmptyValue = "empty-value", Error, "write a value, `\"\"` for an empty text, or `null` to remove an inherited key";
    /// A value is of another type than its key takes.
    WrongType = "wrong-type", Error;
    /// A value is none of those that its key takes.
    WrongValue = "wrong-value", Error;
    /// A key that is needed is not there.
    MissingKey = "missing-key", Error;
    /// A key that this version of tagalong does not have yet.
    NotInThisVersion = "not-in-this-version", Error, "take the key away";
    /// A key that is read and has no effect in this version of tagalong.
    NoEffect = "no-effect", Warning, "take the key away";
    /// An environment variable begins like a setting and is none.
    UnknownVariable = "unknown-variable", Warning;
}
