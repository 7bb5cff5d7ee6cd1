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
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $severity:ident $(, $hint:literal $(, $why:literal)?)?;)+) => {
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

            /// Why a breach is worth a word, and where that was seen; only a lint has it.
            pub fn why(self) -> Option<&'static str> {
                match self { $(Self::$variant => None$($(.or(Some($why)))?)?,)+ }
            }

            /// What the rule says, for the reference page.
            pub fn says(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

impl Rule {
    /// Whether it is a lint: a config that can be rendered, and that experience speaks against. A
    /// lint can be silenced with a reason, and raised or lowered in `tagalong.yaml`; no other rule can.
    pub fn is_lint(self) -> bool {
        self.why().is_some()
    }
}

rules! {
    /// None of `tagalong.yaml`, `templates/`, `connectors/` and `environments/` is here; or an import has no `templates/`.
    RepositoryEmpty = "repository-empty", Error, "point the repository's `path` at the folder that holds them";
    /// There is no `connectors/` folder, so the set of connectors is empty. Templates alone, without
    /// `environments/`, are for those who import them, and have none.
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
    /// A definition file is a pointer of Git LFS: what it stands for lies on another server, which is not asked.
    LfsPointer = "lfs-pointer", Error, "commit the file itself: leave its path out of `.gitattributes`, then `git lfs untrack` it and add it again";
    /// A folder of `extra` holds an environment, a `forget` or a `tagalong.yaml`: what concerns the connectors of others, too. Connectors and templates are all that it may bring.
    NotInExtra = "not-in-extra", Error, "move it to the repository; what differs for one connector stands under that connector's own `environments`";
    /// A folder of `extra` declares a connector whose name the settings do not give it, or give to another folder; or it would delete one, and the settings give it no names.
    NameNotGiven = "name-not-given", Error, "let the settings give it the name, beside the folder, as in `extra: [{folder: /etc/tagalong/extra/shop, names: [shop-*]}]`, or declare it in the repository";
    /// A pipe, a socket or a device has the name of a definition file. It is not opened.
    NotAFile = "not-a-file", Warning, "put a file in its place, or remove it";
    /// A file's name is not usable: not UTF-8, with control characters, `\`, `..` or `.git`, or there twice in one folder.
    FileName = "file-name", Error, "rename the file";
    /// A file would be a definition file, were its ending (`.yaml`, `.yml`, `.json`) not written with capitals; or it declares a connector and has another ending, such as `.yaml.txt`. It is not read.
    FileEnding = "file-ending", Warning, "rename it, so that its ending is in small letters";
    /// A folder or file beside the three folders has nearly one of their names, or a file there declares a connector. It is not read. A `tagalong.yml` in place of `tagalong.yaml` is an error.
    BesideFolders = "beside-folders", Warning, "move it into the folder that it belongs to";

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
    /// An action of a Helm chart (`{{ .Values.x }}`, `{{- if … }}`) stands in a file: the chart was not rendered.
    HelmTemplate = "helm-template", Error, "put what `helm template` makes of the chart here, or say what differs under `environments`";
    /// A file is not well-formed JSON, as Connect reads it: without comments, in double quotes, at most 64 levels deep. Nothing of it is read.
    JsonSyntax = "json-syntax", Error;
    /// A key is not known here.
    UnknownKey = "unknown-key", Error;
    /// A key has no value.
    EmptyValue = "empty-value", Error, "write a value, `\"\"` for an empty text, or `null` to remove an inherited key";
    /// A value is of another type than its key takes.
    WrongType = "wrong-type", Error;
    /// A value is none of those that its key takes.
    WrongValue = "wrong-value", Error;
    /// A key that must be there is missing.
    MissingKey = "missing-key", Error;

    /// The repository, or one that it imports, asks in `requires` for another version of the agent. What else this version would find is not told: it may not know the words.
    AgentVersion = "agent-version", Error, "run a version inside the range, or widen the range: `>=0.3` means 0.3 and all that are newer";
    /// An import could not be read, or was not looked for, so connectors of its templates cannot be judged.
    ImportUnread = "import-unread", Error;
    /// Something of an import is not read: only its templates are.
    ImportIgnored = "import-ignored", Warning;
    /// A template is named of a repository that `tagalong.yaml` does not import.
    UnknownImport = "unknown-import", Error;
    /// A JSON file in `connectors/` is none of the forms in which Connect takes or answers a connector.
    JsonForm = "json-form", Error, "write `{\"name\": …, \"config\": {…}}`, a list of those, or the config alone with its `connector.class`; what is something else belongs outside of `connectors/`";
    /// A list in `connectors/` is empty, as after an export that failed; or a YAML file there holds nothing but comments, which is a warning.
    NothingDeclared = "nothing-declared", Error, "remove the file if its connectors are to go, else bring them back";
    /// A Strimzi manifest sets a key under `spec.config` that Strimzi takes from elsewhere and passes over there, and so does the agent.
    StrimziPassedOver = "strimzi-passed-over", Warning, "remove it, or say it in `metadata.name`, `spec.class`, `spec.tasksMax`, `spec.version` or `spec.state`";
    /// A Strimzi manifest asks for something that the agent does in another way, or not at all.
    StrimziNoEffect = "strimzi-no-effect", Warning;
    /// An expression stands in Connect's JSON or in a Strimzi manifest. Both are read as they are, so it goes to Connect as text.
    ExpressionUnread = "expression-unread", Warning, "write the connector as YAML with `connector: NAME`, or lay one over this file with `from` and set the key there";
    /// A value without quotes in a Strimzi manifest that Kubernetes reads as a number or as true or false, and hands on in another form.
    StrimziScalar = "strimzi-scalar", Warning, "write it in quotes, as Connect is to get it";
    /// The file that a connector names with `from` cannot be its first layer.
    FromFile = "from-file", Error;
    /// A JSON file lies in `templates/` or `environments/`.
    JsonMisplaced = "json-misplaced", Error, "write it as YAML, or move a connector's JSON to `connectors/`";
    /// A document does not say what it is.
    DocumentUnknown = "document-unknown", Error, "begin it with `connector: NAME`, `template: NAME` or `environment: NAME`, or move it out of the three folders";
    /// A name is not usable.
    NameInvalid = "name-invalid", Error;
    /// A connector's name has characters outside `[A-Za-z0-9._-]`, which consumer groups, metrics and scripts trip over.
    NameAlphabet = "name-alphabet", Warning, "use letters, digits, `.`, `_` and `-`; keep the name where the connector has it already";
    /// Two of a kind have the same name.
    DuplicateName = "duplicate-name", Error, "rename one of them, or remove it";
    /// A template is named that nobody defines.
    UnknownTemplate = "unknown-template", Error;
    /// An environment is named that nobody defines.
    UnknownEnvironment = "unknown-environment", Error;
    /// A template is given something that it does not ask for.
    UnknownParameter = "unknown-parameter", Error;
    /// A template or an environment is, by way of its `base`, based on itself.
    BaseCycle = "base-cycle", Error, "take one `base` of the circle away";
    /// Two keys stand together that exclude each other.
    Conflict = "conflict", Error;
    /// A reason is asked for, and the one that stands there says nothing: it is empty, or still the `…` of printed lines.
    ReasonEmpty = "reason-empty", Error, "say why, in a few words or with the number of an issue";
    /// A connector exists in no environment: `only` lists none, or `except` lists all.
    ConnectorNowhere = "connector-nowhere", Warning, "name an environment in which it exists, or remove the connector; `state: absent` deletes it";
    /// A list of names has one of them twice.
    RepeatedItem = "repeated-item", Warning, "remove it";
    /// A connector says what differs in an environment in which it does not exist.
    EnvironmentOutside = "environment-outside", Warning, "remove the block, or add the environment to `only`";
    /// A `null` removes a key that no layer under it sets.
    NullRemovesNothing = "null-removes-nothing", Error, "remove the line, or correct the key";
    /// An item of a list is a list or null.
    ListItem = "list-item", Error, "write a text";
    /// A config value is a map.
    MapValue = "map-value", Error, "write the keys out, with dots between them";

    /// An expression stands where none may: in a key, a name, a state or an environment's values.
    ExpressionMisplaced = "expression-misplaced", Error, "write the text itself; expressions may stand in config values, `with` and parameter defaults";
    /// A value holds something that other tools compute and this agent does not: `{% … %}`, `{# … #}`, one of our names in one brace, or Terraform's `${var.x}`. It goes to Connect as text. Where that is meant, `{{ '{% … %}' }}` says so.
    StatementNotRead = "statement-not-read", Warning;
    /// An expression is not well-formed.
    ExpressionSyntax = "expression-syntax", Error;
    /// An expression uses a name that is not set.
    UndefinedName = "undefined-name", Error;
    /// An expression is well-formed and cannot be computed, or gives nothing that can be a config value.
    ExpressionFailed = "expression-failed", Error;
    /// A secret is named or used in a way in which it cannot be kept: in another form than `{{ secret('env:NAME') }}` or `{{ secret('file:PATH') }}`, computed with, or under a key that is shown.
    SecretUse = "secret-use", Error;
    /// A secret that a connector needs is not there. No step is taken on that connector, the others go on.
    SecretMissing = "secret-missing", Warning;
    /// A required parameter is not given.
    ParameterMissing = "parameter-missing", Error;
    /// A parameter is given a value of another type than it has.
    ParameterType = "parameter-type", Error;
    /// A parameter is given a value that its `enum` does not list, or that does not match its `pattern`.
    ParameterValue = "parameter-value", Error;
    /// A parameter's `pattern` is no regular expression, or one that looks around or back, which this agent does not read.
    PatternInvalid = "pattern-invalid", Error, "correct it; it is read as by the Rust crate regex-lite, without look-around and back-references";
    /// A value that the place itself must supply is not there; what the environment's own file or one under it says is no supply.
    InputMissing = "input-missing", Error, "supply it in the settings under `values`, in `TAGALONG_VALUES` or with `--value`";
    /// An input is supplied with a map where its example is none, or the other way round; or the place supplies something else in place of a whole map of the environment's values.
    InputKind = "input-kind", Error, "supply it in the form of its example";

    /// Nothing uses a value or an input of an environment, or a value of `--value`: no template, no connector, in whatever environment. What only the settings supply is not looked at.
    ValueUnused = "value-unused", Warning, "remove it, or correct its name; an expression uses it as `{{ values.… }}`";
    /// A template never uses one of its parameters, nor does a connector that is made from it.
    ParameterUnused = "parameter-unused", Warning, "remove it, or use it as `{{ params.… }}`";

    /// Nothing uses a template of an import.
    ImportUnused = "import-unused", Warning, "remove the import, or use one of its templates as `template: NAME/TEMPLATE`";

    /// A connector has no `connector.class`.
    ClassMissing = "class-missing", Error, "set `connector.class` in the template or in the connector";
    /// The config has a `name` that is not the connector's.
    ConfigName = "config-name", Error, "remove `name` from the config; `connector` says it";
    /// A placeholder uses a config provider that `tagalong.yaml` does not list.
    ConfigProviderUnknown = "config-provider-unknown", Error;
    /// A value is what a cluster shows in place of a secret, as when a config was copied from what it answered.
    MaskedValue = "masked-value", Error, "write the secret's placeholder, such as `${file:/run/secrets/db.properties:password}`";

    /// The worker has no connector plugin of this class. Told by `validate --connect`.
    PluginUnknown = "plugin-unknown", Error;
    /// The connector's plugin, or Connect itself, does not take the config. Told by `validate --connect`.
    PluginRefused = "plugin-refused", Error, "the worker's log may say more; the plugin's own words are not repeated here where a placeholder or a secret could be in them";
    /// The plugin could not reach the connector's database, or was refused there, and has not checked the rest. Told by `validate --connect`.
    PluginAway = "plugin-away", Warning, "see that the worker can reach it and that the login is right; until then the connector waits";
    /// A key that the plugin does not know, and that is written almost like one that it knows. Told by `validate --connect`.
    PluginKey = "plugin-key", Warning;

    /// A setting is read and has no effect beside another one.
    NoEffect = "no-effect", Warning, "take the key away";
    /// A credential is sent over the network where others can read it.
    Unencrypted = "unencrypted", Warning, "give Connect a certificate and write https://, or talk to the worker on this machine";
    /// An environment variable begins like a setting and is none.
    UnknownVariable = "unknown-variable", Warning;

    /// `lints` or `allow` names something that is no lint.
    UnknownLint = "unknown-lint", Warning;
    /// An `allow` silences nothing: in no environment is there anything to tell.
    AllowUnused = "allow-unused", Warning, "remove it";
    /// An acknowledgement names a key that the table of risks does not have: nothing is held for it.
    AcknowledgementUnknown = "acknowledgement-unknown", Warning, "remove it; `docs/reference/risks.md` has the keys";
    /// An acknowledgement says what another one of the connector says.
    AcknowledgementRepeated = "acknowledgement-repeated", Warning, "remove it";
    /// An acknowledgement names a value that its key has in no environment: it no longer matters, or not yet. It lets nothing through.
    AcknowledgementIdle = "acknowledgement-idle", Info, "remove it once the change it was for is released everywhere; correct it if that is to come";

    /// A Debezium connector sets a key that Debezium 2 or 3 removed.
    RemovedKey = "removed-key", Warning, "remove it",
        "Debezium passes over a key that it does not know, without an error. With 3.6.3 a connector that says `table.whitelist` runs and captures every \
         table; one that says `database.server.name` alone is refused, since `topic.prefix` is missing.";
    /// A Debezium connector sets a value that Debezium 2 or 3 removed.
    RemovedValue = "removed-value", Warning, "write the value that took its place",
        "Connect refuses the connector. Debezium 3.6.3 does so for `snapshot.mode: schema_only` and for `plugin.name: wal2json`.";
    /// A connector that has one task is given more.
    SingleTask = "single-task", Warning, "set `tasks.max` to 1",
        "More tasks make nothing faster here. Debezium's connectors for MySQL, MariaDB, Oracle, Informix, and for SQL Server without `database.names`, fail with \
         \"Only a single connector task may be started\"; the ones for PostgreSQL (3.6.3) and Db2 run one task and say nothing.";
    /// Debezium drops its replication slot whenever it stops.
    SlotDropOnStop = "slot-drop-on-stop", Warning, "remove it; drop the slot by hand when the connector is gone for good",
        "Every change of the config, every restart and every rebalance stops the task. With 3.6.3 the slot is gone then and none is made again: the task \
         fails, and what was written from there on is lost to it.";
    /// Debezium reads all tables again whenever it starts.
    SnapshotAlways = "snapshot-always", Warning, "use `initial`, or `when_needed`",
        "A change of any key starts the task anew, and so does a rebalance. With 3.6.3 each of them read all rows again.";
    /// A PostgreSQL connector lets the slot decide from where it goes on.
    OffsetSkipped = "offset-skipped", Warning, "remove it; set it for the one start that needs it",
        "What lies between the stored offset and the slot's position is skipped. With 3.6.3 rows were lost in silence after a slot was made anew.";
    /// A Debezium connector skips statements that it cannot read.
    DdlSkipped = "ddl-skipped", Warning, "remove it; set it for the one start that needs it",
        "The schema that Debezium remembers is wrong from the skipped statement on, and rows of that table can be read wrongly or lost.";
    /// A PostgreSQL connector has no heartbeat.
    HeartbeatMissing = "heartbeat-missing", Warning, "set `heartbeat.interval.ms: 10000`, and `heartbeat.action.query` beside it: without both nobody sees whether it streams",
        "While the captured tables are quiet the slot does not move, and PostgreSQL keeps all WAL that other tables and databases of the server write, until the \
         disk is full. With 3.6.3 a heartbeat moved the offsets as soon as any table of the same database was written to; on an idle database only one that writes itself did, with \
         `heartbeat.action.query`. Such a connector is watched by the agent: where its offsets stand still although it says RUNNING, it is told as stalled (docs/operations/stalled.md). Others are not watched.";
    /// A source drops the records that its transforms and converters cannot take, and logs nothing.
    RecordsDropped = "records-dropped", Warning, "remove `errors.tolerance`, or set `errors.log.enable: true` beside it",
        "A source has no dead letter queue. With Debezium 3.6.3 and a transform that failed, everything was dropped while the connector said RUNNING, and the log had no line of it.";
    /// A sink goes on after records that it cannot take, and keeps them nowhere.
    DeadLettersMissing = "dead-letters-missing", Warning, "set `errors.deadletterqueue.topic.name`, or remove `errors.tolerance`",
        "Connect drops such records, and only counts them. A dead letter queue keeps them, with the error in their headers where `errors.deadletterqueue.context.headers.enable` is true.";

    /// A secret is written out in the repository.
    PlainSecret = "plain-secret", Warning, "use a placeholder of Connect's own, as in `${file:/run/secrets/db.properties:password}`, and change the secret",
        "Whoever may read the repository has it, and so has its history for ever. It is told where it is written, under a key that is a password's, a token's or the like, or inside a URL.";

    /// Two connectors read from one replication slot.
    SharedSlot = "shared-slot", Warning, "give each its own `slot.name`",
        "A slot serves one reader, and is unique in the whole PostgreSQL server, not in one database; without `slot.name` it is `debezium`. With 3.6.3 both connectors said RUNNING, and the second delivered nothing for ever after its snapshot.";
    /// Two connectors, one of them with `filtered`, share a publication and capture different tables.
    SharedPublication = "shared-publication", Warning, "give each its own `publication.name`",
        "With `publication.autocreate.mode: filtered` a start sets the publication's tables to its own. With 3.6.3 the other connector went on saying RUNNING, and its rows were lost; without `publication.name` it is `dbz_publication`.";
    /// Two connectors have the same `topic.prefix`.
    SharedTopicPrefix = "shared-topic-prefix", Warning, "give each its own `topic.prefix`",
        "The prefix names topics, schemas and offsets, so Debezium asks for one that no other connector has. With 3.6.3 the second one delivered nothing while both ran in one worker, and most rows came twice while they ran in two.";
    /// Two connectors say the same `database.server.id` to one server.
    SharedServerId = "shared-server-id", Warning, "give each its own `database.server.id`",
        "The id must be unique among all replicas and connectors of a MySQL or MariaDB server: it ends the connection of the one that was there first.";
    /// Two connectors keep their schema history in one topic.
    SharedHistoryTopic = "shared-history-topic", Warning, "give each its own `schema.history.internal.kafka.topic`",
        "The history is read from its beginning at each start, and is for one connector's use only; with two in it, each reads the other's schemas.";
    /// Two sinks with different work read a topic in one consumer group.
    SharedGroup = "shared-group", Warning, "give each its own `consumer.override.group.id`",
        "Kafka gives each member of a group a part of the partitions: both say RUNNING, and each lacks what the other one takes (read in the documentation, not measured). \
         Without `consumer.override.group.id` the group is `connect-` and the sink's name. A pattern in `topics.regex` may fit every topic.";
    /// Connectors of two environments read from one slot of one server, or say one server id to it.
    SharedAcrossEnvironments = "shared-across-environments", Warning, "correct the host of one environment, or give each its own slot and server id",
        "Mostly the host of one environment was copied to the other, so that staging reads production's database. Only hosts that are written in the repository are compared: no examples and no placeholders.";

    /// A transform or a predicate is listed and has no `type`.
    TransformType = "transform-type", Error, "add its `type`, or take it out of the list",
        "Connect refuses the connector: the `type` is a required key (seen with 4.3.0).";
    /// A transform or a predicate is described and not listed, so it is never used.
    TransformUnlisted = "transform-unlisted", Warning, "add it to the list, or remove its keys",
        "Connect reads only what `transforms` and `predicates` list, and passes over the rest without a word (seen with 4.3.0). A list that an upper layer shortens is meant, and not told.";
    /// A transform names a predicate that is not listed.
    PredicateUnknown = "predicate-unknown", Error, "add it to `predicates`, or correct the name",
        "Connect takes the connector, and each of its tasks fails at once (seen with 4.3.0).";
    /// A sink has neither `topics` nor `topics.regex`, or both.
    SinkTopics = "sink-topics", Warning, "keep one of `topics` and `topics.regex`",
        "Connect refuses the connector (seen with 4.3.0).";
    /// `tasks.max` is no whole number from 1.
    TasksMax = "tasks-max", Error, "write a whole number from 1",
        "Connect refuses the connector (seen with 4.3.0).";
    /// A Debezium connector has both a list of what to include and one of what to exclude.
    IncludeAndExclude = "include-and-exclude", Error, "keep one of the two",
        "Connect refuses the connector (seen with Debezium 3.6.3).";
}
