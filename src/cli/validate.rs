//! `tagalong validate`: everything that is wrong with a folder of definitions, offline.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Common, Output};
use crate::cli::{print, wiring};
use crate::model::finding::Findings;
use crate::model::name::EnvironmentName;
use crate::model::revision::Revision;
use crate::model::rule::Severity;
use crate::model::select::Select;
use crate::model::snapshot::Snapshot;
use crate::model::values::Values;
use crate::pipeline;
use crate::pipeline::supply::Supply;
use crate::repo::Repository;
use crate::view;

/// Check a folder of definitions for every environment, offline
#[derive(Debug, Args)]
#[command(
    after_help = "Every finding has a place, a rule and a hint; the rules are in docs/reference/findings.md.\n\
    Exit codes: 0 no error, 1 an error (or a warning, with --strict)."
)]
pub struct Validate {
    /// Folder of definitions
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,

    /// Only this environment
    #[arg(short, long, value_name = "NAME")]
    environment: Option<String>,

    /// Let warnings fail as well
    #[arg(long)]
    strict: bool,

    /// How the result is written
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,

    /// Never write in colour
    #[arg(long, env = "NO_COLOR", hide_env = true)]
    no_color: bool,

    #[command(flatten)]
    common: Common,
}

impl Validate {
    pub async fn run(self) -> Result<Done, Failure> {
        wiring::log(&self.common, false)?;
        let repository = Repository::directory(&self.dir);
        let resolved = repository.resolve().await?;
        let snapshot = repository.read(&resolved.revision).await?.snapshot;
        let only = self.environment.as_deref().map(wiring::environment).transpose()?;
        let found = check(&snapshot, only.as_ref());
        if self.common.verbose > 0 {
            for path in &snapshot.ignored {
                print::note(&format!("ignored {path}: not a definition file"));
            }
        }

        match self.output {
            Output::Json => print::result(&view::json::validation(&found)),
            Output::Human => print::result(&self.human(&found)),
        }
        let wrong = |findings: &Findings| {
            findings.has_errors() || (self.strict && findings.count(Severity::Warning) > 0)
        };
        Ok(if found.values().any(wrong) { Done::Said } else { Done::Well })
    }

    fn human(&self, found: &BTreeMap<EnvironmentName, Findings>) -> String {
        let mut all = Findings::default();
        all.extend(found.values().flat_map(|findings| findings.clone()));
        all.settle();
        let mut text = view::human::findings(&all, print::colour(self.no_color));
        let (errors, warnings) = (all.count(Severity::Error), all.count(Severity::Warning));
        let of = found.keys().map(EnvironmentName::as_str).collect::<Vec<_>>().join(", ");
        let verdict = if errors == 0 { "Valid" } else { "Not valid" };
        text.push_str(&format!("{verdict} for {of}: {errors} errors, {warnings} warnings.\n"));
        text
    }
}

/// Renders every environment, or the one asked for, and keeps what is wrong with each. Without an
/// environment there is still what is wrong with the files.
fn check(snapshot: &Snapshot, only: Option<&EnvironmentName>) -> BTreeMap<EnvironmentName, Findings> {
    let revision = Revision { repositories: vec![snapshot.revision.clone()] };
    let definitions = pipeline::definitions(snapshot);
    let (values, select) = (Values::default(), Select::default());
    let supply = Supply { values: &values, examples: true };
    let environments: Vec<_> = match only {
        Some(environment) => vec![environment.clone()],
        None => pipeline::environments(&definitions).cloned().collect(),
    };
    if environments.is_empty() {
        let none = EnvironmentName::new("none").expect("a plain word");
        return BTreeMap::from([(none, definitions.findings)]);
    }
    environments
        .into_iter()
        .map(|environment| {
            let (_, findings) = pipeline::desired(&definitions, &revision, &environment, &supply, &select);
            (environment, findings)
        })
        .collect()
}
