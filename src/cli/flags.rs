//! The flags that several commands share, each also a settings key.
//!
//! Takes what was typed, gives pairs of settings keys and texts that lie over the settings file and
//! the environment. What a key means is known to `settings`.

use std::ffi::OsString;
use std::path::Path;

use clap::{Args, ValueEnum};

use crate::cli::print;

/// Which settings, and how much is logged.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Settings and logs")]
pub struct Common {
    /// Settings file; none is read that is not named
    #[arg(long, value_name = "FILE", env = "TAGALONG_SETTINGS", hide_env_values = true)]
    // No `PathBuf`: that refuses the empty text of a variable that a platform sets to nothing.
    settings: Option<OsString>,

    /// How logs are written to standard error
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,

    /// Say more: -v for details, -vv for all
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    /// A line of text for people
    Text,
    /// A JSON object a line
    Json,
}

/// Where the definitions come from, and for which environment they are rendered.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Definitions")]
pub struct Definitions {
    /// Environment to render for, such as production
    #[arg(short, long, value_name = "NAME")]
    environment: Option<String>,

    /// Folder of definitions instead of a git repository
    #[arg(long, value_name = "DIR", conflicts_with_all = ["git", "tag", "branch", "commit", "semver"])]
    dir: Option<String>,

    /// Git repository of definitions: http(s)://, ssh://, git://, file:// or a path
    #[arg(long, value_name = "URL")]
    git: Option<String>,

    /// Tag to follow, such as v1
    #[arg(long, value_name = "TAG", group = "reference")]
    tag: Option<String>,

    /// Branch to follow
    #[arg(long, value_name = "BRANCH", group = "reference")]
    branch: Option<String>,

    /// Range of versions to follow the highest of, such as ^1.4
    #[arg(long, value_name = "RANGE", group = "reference")]
    semver: Option<String>,

    /// Commit to stay at, its full id
    #[arg(long, value_name = "ID", group = "reference")]
    commit: Option<String>,

    /// Folder to read an import from in place of git; may be given again
    #[arg(long = "import", value_name = "NAME=DIR")]
    imports: Vec<String>,
    /// More definitions: a flat folder, as a service brings them, and the names that are its own; may be given again
    #[arg(long, value_name = "DIR[=NAMES]")]
    extra: Vec<String>,

    /// Value for the templates, over the environment's own; may be given again
    #[arg(long = "value", value_name = "A.B=C")]
    values: Vec<String>,
}

/// Which Connect cluster.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Connect")]
pub struct Cluster {
    /// Address of a Connect worker; `http://localhost:8083` where nothing says another
    #[arg(long, value_name = "URL")]
    connect: Option<String>,
}

/// How a result is written; which forms there are depends on the command.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Output")]
pub struct Printing<Form = Output>
where
    Form: ValueEnum + Default + Send + Sync + 'static,
{
    /// Form of the result: for people, or for programs (the JSON forms are promises)
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t)]
    pub output: Form,

    /// Never write in colour; the variable `NO_COLOR` says so too
    #[arg(long)]
    no_color: bool,
}

/// How rendered connectors are written.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Output")]
pub struct Rendering {
    /// Form of the result: for people, for programs, Connect's own JSON, or Strimzi's manifests
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t)]
    pub output: RenderOutput,

    /// Never write in colour; the variable `NO_COLOR` says so too
    #[arg(long)]
    no_color: bool,
}

/// The form of rendered connectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum RenderOutput {
    // Without help of their own, so that `--help` lists them in one line.
    #[default]
    Human,
    Json,
    Connect,
    Strimzi,
}

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum Output {
    // Without help of their own, so that `--help` lists them in one line.
    #[default]
    Human,
    Json,
}

/// The form of what is wrong with definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum FindingsOutput {
    #[default]
    Human,
    Json,
    Markdown,
    Github,
    Gitlab,
}

/// The form of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum PlanOutput {
    #[default]
    Human,
    Json,
    Markdown,
}

/// Pairs of settings keys and texts, in the order in which they lie over each other.
pub type Overlay = Vec<(&'static str, String)>;

impl Common {
    /// The settings file; a variable that is there and empty names none.
    pub fn settings(&self) -> Option<&Path> {
        self.settings.as_deref().filter(|path| !path.is_empty()).map(Path::new)
    }

    /// The settings that these flags set.
    pub fn overlay(&self) -> Overlay {
        let format = self.log_format.map(|format| match format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        });
        pairs([("log.format", format.map(str::to_owned))])
    }
}

impl Definitions {
    /// The settings that these flags set.
    pub fn overlay(&self) -> Overlay {
        let Self { environment, dir, git, tag, branch, semver, commit, imports, extra, values: _ } = self;
        let folders = extra.iter().map(|folder| ("extra", folder.clone()));
        let mut overlay = pairs([
            ("environment", environment.clone()),
            ("repository.dir", dir.clone()),
            ("repository.git.url", git.clone()),
            ("repository.git.ref.tag", tag.clone()),
            ("repository.git.ref.branch", branch.clone()),
            ("repository.git.ref.semver", semver.clone()),
            ("repository.git.ref.commit", commit.clone()),
        ]);
        overlay.extend(imports.iter().map(|import| ("imports", import.clone())));
        overlay.extend(folders);
        overlay
    }

    /// Values given one by one, as they were typed.
    pub fn values(&self) -> &[String] {
        &self.values
    }
}

impl Cluster {
    /// The settings that these flags set.
    pub fn overlay(&self) -> Overlay {
        pairs([("connect.url", self.connect.clone())])
    }
}

impl<Form> Printing<Form>
where
    Form: ValueEnum + Default + Send + Sync + 'static,
{
    /// Whether the result may carry colour.
    pub fn colour(&self) -> bool {
        !self.no_color && print::may_colour()
    }
}

impl Rendering {
    /// Whether the result may carry colour.
    pub fn colour(&self) -> bool {
        !self.no_color && print::may_colour()
    }
}

fn pairs<const N: usize>(pairs: [(&'static str, Option<String>); N]) -> Overlay {
    pairs.into_iter().filter_map(|(key, text)| text.map(|text| (key, text))).collect()
}
