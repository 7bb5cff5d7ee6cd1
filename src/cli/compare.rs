//! `tagalong compare`: what moving from one revision to another would do, offline.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::cli::asking::Found;
use crate::cli::definitions::{self, Reach};
use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Common, Overlay};
use crate::cli::past::Past;
use crate::cli::{print, verdict, wiring};
use crate::model::comparison::Comparison;
use crate::model::definition::About;
use crate::model::finding::{Finding, Findings};
use crate::model::folder::ExtraFolder;
use crate::model::name::EnvironmentName;
use crate::model::policy::{Prune, Pruned};
use crate::model::revision::At;
use crate::model::rule::Severity;
use crate::model::select::{Select, matches};
use crate::model::snapshot::Sources;
use crate::pipeline;
use crate::pipeline::compare::Side;
use crate::pipeline::supply::Supply;
use crate::repo::Repository;
use crate::repo::clone::{LocalClone, Meant};
use crate::repo::options::ImportOptions;
use crate::settings::checked::Settings;
use crate::view;

/// Show what moving from one revision to another would do, in every environment, offline
#[derive(Debug, Args)]
#[command(
    after_help = "OLD and NEW are each a tag, a branch, a commit or HEAD~1 of the clone in which the definitions lie, or a \
    folder: `.`, or a path that begins with `./`, `../` or `/`. A name that means two commits is refused; refs/tags/v1 is \
    the tag. Nothing is asked of a server (unless --fetch-imports) or of Connect; inputs of an environment take their examples. What a cluster \
    has, and so what would be held because of it, is what `plan` tells.\n\n\
    Examples:\n  \
    tagalong compare v1 HEAD\n  \
    tagalong compare origin/main . -e production\n  \
    tagalong compare v1 HEAD --extra ../shop/connectors\n  \
    tagalong compare v1 HEAD --prune owned\n  \
    tagalong compare v1 HEAD --output markdown\n\n\
    Exit codes: 0 done, 1 failed, NEW is not valid or breaks a folder of --extra, 2 something would be held."
)]
pub struct Compare {
    /// Where it would move from
    #[arg(value_name = "OLD")]
    old: String,

    /// Where it would move to
    #[arg(value_name = "NEW")]
    new: String,

    /// Folder of the definitions, in its clone; default: the folder that OLD or NEW is, else `.`
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Only this environment; may be given again
    #[arg(short, long = "environment", value_name = "NAME", value_parser = wiring::environment)]
    environments: Vec<EnvironmentName>,

    /// Folder to read an import from, for both revisions; may be given again
    #[arg(long = "import", value_name = "NAME=DIR")]
    imports: Vec<String>,

    /// More definitions: a flat folder, as a service brings them, beside both revisions; may be given again
    #[arg(long, value_name = "DIR[=NAMES]", value_parser = wiring::extra)]
    extra: Vec<ExtraFolder>,

    /// Ask git for the imports that are in no folder, with credentials of `TAGALONG_GIT_CREDENTIALS`
    #[arg(long)]
    fetch_imports: bool,

    /// Value for the templates, over those of every environment; may be given again
    #[arg(long = "value", value_name = "A.B=C")]
    values: Vec<String>,

    /// What the agents do with a connector whose file is gone, as `prune.policy` in their settings says; the limits are the
    /// default ones
    #[arg(long, value_enum, value_name = "POLICY", default_value_t)]
    prune: OnGone,

    /// Only connectors with names of this pattern, as `select.include` in the agents' settings says, `*` and `?` stand for
    /// characters; may be given again
    #[arg(long = "include", value_name = "PATTERN")]
    included: Vec<String>,

    /// None with names of this pattern, as `select.exclude` in the agents' settings says; may be given again
    #[arg(long = "exclude", value_name = "PATTERN")]
    excluded: Vec<String>,

    /// Form of the result: for people, for programs, or for the comment on a pull request
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t)]
    output: Form,

    /// Never write in colour; the variable `NO_COLOR` says so too
    #[arg(long)]
    no_color: bool,
}

/// A revision, and the full name to show for it where it is one of git's.
struct Named {
    repository: Repository,
    name: Option<String>,
}

/// The form of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
enum Form {
    // Without help of their own, so that `--help` lists them in one line.
    #[default]
    Human,
    Json,
    Markdown,
}

/// What is done with a connector whose file is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
enum OnGone {
    // Without help of their own, as above.
    #[default]
    Never,
    Owned,
}

impl OnGone {
    fn meant(self) -> Prune {
        let who = match self {
            Self::Never => Pruned::Nobody,
            Self::Owned => Pruned::Owned,
        };
        Prune { who, ..Prune::default() }
    }
}

impl Compare {
    pub async fn run(self) -> Result<Done, Failure> {
        let settings = self.settings()?;
        let supply = Supply { values: &settings.values, examples: true, secrets: None };
        let (old, new) = (self.repository(&self.old).await?, self.repository(&self.new).await?);
        self.known_imports(&[&old, &new], &settings.imports).await?;
        let read = definitions::folders(&self.extra).await?;
        let select = self.scope();
        let folders = definitions::beside(&self.extra, &read);
        let side = async |named: &Named, before: Option<&Side>| -> Result<(Side, Vec<Finding>), Failure> {
            let sources = self.read(named, &settings.imports).await?;
            let side = pipeline::side(&sources, &folders, &supply, (&self.environments, &select), before);
            Ok((side, self.idle_values(&sources)))
        };
        let (old, idle_before) = side(&old, None).await?;
        let (new, mut idle) = side(&new, Some(&old)).await?;
        idle.retain(|value| idle_before.iter().any(|before| before.message == value.message));
        wiring::warn(idle);
        self.known(&old, &new)?;
        self.covered(&old, &new)?;
        let comparison = pipeline::compare::compare(&old, &new, self.prune.meant(), Timestamp::now());
        self.tell(&comparison)?;
        Ok(match (comparison.has_errors(), comparison.holds()) {
            (true, _) => Done::Said,
            (false, true) => Done::Left,
            (false, false) => Done::Well,
        })
    }

    fn tell(&self, comparison: &Comparison) -> Result<(), print::Unwritten> {
        let mut findings = Findings::default();
        let all = verdict::merged(&found(comparison));
        findings.extend(all.into_iter().filter(|finding| finding.severity != Severity::Info));
        let colour = !self.no_color && print::may_colour();
        print::result(&match self.output {
            Form::Human => view::compare::human::comparison(comparison, &findings, colour),
            Form::Json => view::compare::json::comparison(comparison),
            Form::Markdown => view::compare::markdown::comparison(comparison, &findings),
        })
    }

    /// The scope that the flags say. Settings are not asked: whoever compares is no agent.
    fn scope(&self) -> Select {
        let all = Select::default();
        let include = if self.included.is_empty() { all.include } else { self.included.clone() };
        Select { include, exclude: self.excluded.clone() }
    }

    /// Refuses a scope that has nothing of what there is, and a pattern that has nothing: what was meant by it would not be
    /// compared, and pass.
    fn covered(&self, old: &Side, new: &Side) -> Result<(), Failure> {
        if new.environments.values().any(|there| there.desired.is_none()) {
            return Ok(());
        }
        let there = [old, new].into_iter().flat_map(|side| side.environments.values());
        let rendered: Vec<_> = there.filter_map(|there| there.desired.as_ref()).collect();
        let is_of_one = |pattern: &&String| {
            let mut names = rendered.iter().flat_map(|one| one.connectors.keys().chain(&one.left_out));
            names.any(|name| matches(pattern, name.as_str()))
        };
        let why = if let Some(pattern) = self.included.iter().find(|pattern| !is_of_one(pattern)) {
            format!("no connector of either has a name like `{pattern}`, as --include says")
        } else if rendered.iter().any(|one| !one.left_out.is_empty())
            && rendered.iter().all(|one| one.connectors.is_empty())
        {
            "no connector of either has a name that --include and --exclude let in".to_owned()
        } else {
            return Ok(());
        };
        Err(Failure::new(anyhow::anyhow!(why)).hint(Some("without them all of them are compared")))
    }

    /// Refuses an environment that neither has: it would be compared with nothing, and pass.
    fn known(&self, old: &Side, new: &Side) -> Result<(), Failure> {
        let known: BTreeSet<_> = old.environments.keys().chain(new.environments.keys()).collect();
        match self.environments.iter().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => {
                let error = anyhow::anyhow!("there is no environment {name} in {} or {}", self.old, self.new);
                Err(Failure::new(error).hint(Some("without -e all of them are compared")))
            }
        }
    }

    /// Values and how imports are reached. Offline nothing but the flags counts, so the settings of this
    /// place, which may be for something else, are not read.
    fn settings(&self) -> Result<Settings, Failure> {
        let overlay: Overlay = self.imports.iter().map(|import| ("imports", import.clone())).collect();
        if self.fetch_imports {
            return wiring::settings(&Common::default(), &[overlay], &self.values, false);
        }
        wiring::typed(overlay, &self.values)
    }

    /// The values of the command line that a revision does not use.
    fn idle_values(&self, sources: &Sources) -> Vec<Finding> {
        if self.values.is_empty() {
            return Vec::new();
        }
        wiring::idle_values(&pipeline::definitions(sources), &self.values, &self.extra)
    }

    async fn repository(&self, text: &str) -> Result<Named, Failure> {
        let (repository, name) = if is_folder(text) {
            (Repository::directory(text), None)
        } else {
            let Meant { options, name } = LocalClone::around(&self.folder())?.meaning(text).await?;
            (Repository::git(options)?, Some(name))
        };
        Ok(Named { repository: repository.naming(pipeline::named), name })
    }

    /// Refuses a folder for an import that neither revision has: a slip, and not a change of one of them.
    async fn known_imports(&self, both: &[&Named], options: &ImportOptions) -> Result<(), Failure> {
        let mut unknown: BTreeSet<_> = options.folders.keys().collect();
        for Named { repository, name: _ } in both {
            let about = about(repository).await?;
            unknown.retain(|name| !about.imports_lost && !about.imports.contains_key(*name));
        }
        match unknown.first() {
            None => Ok(()),
            Some(name) => {
                let error = anyhow::anyhow!("neither {} nor {} imports {name}", self.old, self.new);
                Err(Failure::usage(error).hint(Some("`imports` in tagalong.yaml has the names")))
            }
        }
    }

    async fn read(&self, named: &Named, options: &ImportOptions) -> Result<Sources, Failure> {
        let Named { repository, name } = named;
        let about = about(repository).await?;
        let mut options = options.clone();
        options.folders.retain(|name, _| about.imports.contains_key(name));
        let reach = if self.fetch_imports { Reach::Git } else { Reach::Folders };
        let told = definitions::told(repository, &options, reach, &Past::default()).await?;
        let mut sources = told.sources;
        let main = Arc::make_mut(&mut sources.main);
        if let (At::Git { reference, .. }, Some(name)) = (&mut main.revision.at, name) {
            *reference = name.as_str().into();
        }
        Ok(sources)
    }

    /// The folder in whose clone names are looked up.
    fn folder(&self) -> PathBuf {
        let named = || [&self.old, &self.new].into_iter().find(|text| is_folder(text)).map(PathBuf::from);
        self.dir.clone().or_else(named).unwrap_or_else(|| Path::new(".").to_owned())
    }
}

/// A name of git's begins with none of these.
fn is_folder(text: &str) -> bool {
    matches!(text, "." | "..") || ["./", "../", "/"].iter().any(|start| text.starts_with(start))
}

/// What a revision says of itself.
async fn about(repository: &Repository) -> Result<About, Failure> {
    let resolved = repository.resolve().await?;
    Ok(pipeline::about(&repository.read(&resolved.revision).await?.snapshot))
}

/// What is wrong with the newer revision, by environment; one that is gone there has nothing of its own.
fn found(comparison: &Comparison) -> Found {
    let alone = (comparison.environments.is_empty()).then(|| (None, comparison.findings.clone()));
    let of = comparison.environments.iter().map(|one| (Some(one.environment.clone()), one.findings.clone()));
    of.chain(alone).collect()
}
