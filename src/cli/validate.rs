//! `tagalong validate`: everything that is wrong with a folder of definitions, offline.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::cli::checkout::Checkout;
use crate::cli::definitions::{self, Reach};
use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Common, FindingsOutput, Overlay, Printing};
use crate::cli::{print, wiring};
use crate::model::finding::{Finding, Findings};
use crate::model::name::EnvironmentName;
use crate::model::rule::Severity;
use crate::model::select::Select;
use crate::model::snapshot::Sources;
use crate::model::values::Values;
use crate::pipeline;
use crate::pipeline::supply::Supply;
use crate::repo::Repository;
use crate::repo::options::ImportOptions;
use crate::view;

/// Check a folder of definitions for every environment, offline
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is asked of git (unless --fetch-imports) or of Connect; inputs of an environment take their examples.\n\n\
    Examples:\n  \
    tagalong validate\n  \
    tagalong validate definitions -e production --strict\n  \
    tagalong validate --import platform=../platform\n  \
    tagalong validate --output github\n\n\
    `github` writes annotations, which a workflow shows at their lines in a pull request; `gitlab` a code \
    quality report for a merge request; `markdown` a page for a comment.\n\n\
    Exit codes: 0 no error, 1 an error (or a warning, with --strict)."
)]
pub struct Validate {
    /// Folder of definitions
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,

    /// Only this environment
    #[arg(short, long, value_name = "NAME", value_parser = wiring::environment)]
    environment: Option<EnvironmentName>,

    /// Folder to read an import from; may be given again
    #[arg(long = "import", value_name = "NAME=DIR")]
    imports: Vec<String>,

    /// Ask git for the imports that are in no folder, with credentials of `TAGALONG_GIT_CREDENTIALS`
    #[arg(long)]
    fetch_imports: bool,

    /// Let warnings fail as well
    #[arg(long)]
    strict: bool,

    /// Name the files that are no definitions, too
    #[arg(short, long)]
    verbose: bool,

    #[command(flatten)]
    printing: Printing<FindingsOutput>,
}

impl Validate {
    pub async fn run(self) -> Result<Done, Failure> {
        let repository = Repository::directory(&self.dir).naming(pipeline::named);
        let reach = if self.fetch_imports { Reach::Git } else { Reach::Folders };
        let sources = definitions::sources(&repository, &self.options()?, reach).await?;
        let found = check(&sources, self.environment.as_ref());
        if self.verbose {
            for note in ignored(&sources) {
                print::note(&note);
            }
        }

        match self.printing.output {
            FindingsOutput::Json => print::result(&view::json::validation(&found)),
            FindingsOutput::Human => print::result(&self.human(&found)),
            FindingsOutput::Markdown => {
                print::result(&view::markdown::findings(&merged(&found), &verdict(&found)));
            }
            FindingsOutput::Github => print::result(&self.github(&found)?),
            FindingsOutput::Gitlab => {
                let checkout = Checkout::of(&self.dir)?;
                print::result(&view::gitlab::report(&merged(&found), |place| checkout.path(place)));
            }
        }
        let wrong = |findings: &Findings| {
            findings.has_errors() || (self.strict && findings.count(Severity::Warning) > 0)
        };
        Ok(if found.values().any(wrong) { Done::Said } else { Done::Well })
    }

    /// How imports are reached. Offline nothing but the folders counts, so the settings of this place,
    /// which may be for something else, are not read.
    fn options(&self) -> Result<ImportOptions, Failure> {
        let overlay: Overlay = self.imports.iter().map(|import| ("imports", import.clone())).collect();
        let settings = if self.fetch_imports {
            wiring::settings(&Common::default(), &[overlay], &[], false)?
        } else {
            wiring::typed(overlay)?
        };
        Ok(settings.imports)
    }

    fn human(&self, found: &Found) -> String {
        let findings = view::human::findings(&merged(found), self.printing.colour());
        format!("{findings}{}\n", verdict(found))
    }

    fn github(&self, found: &Found) -> Result<String, Failure> {
        let checkout = Checkout::of(&self.dir)?;
        let annotations = view::github::annotations(&merged(found), |place| checkout.path(place));
        Ok(format!("{annotations}{}\n", verdict(found)))
    }
}

/// What was passed over, and why.
fn ignored(sources: &Sources) -> Vec<String> {
    let note = |path: &str| format!("ignored {path}: not a definition file");
    let mut notes: Vec<_> = sources.main.ignored.iter().map(|path| note(path)).collect();
    for (name, snapshot) in &sources.imports {
        let read = |path: &str| path == "tagalong.yaml" || path.starts_with("templates/");
        let passed_over = snapshot.files.keys().filter(|path| !read(path));
        notes.extend(snapshot.ignored.iter().map(|path| note(&format!("{name}:{path}"))));
        notes.extend(
            passed_over.map(|path| format!("ignored {name}:{path}: only templates of an import are read")),
        );
    }
    notes
}

/// Every finding once, with the environments in which it shows, where it does not show in all.
fn merged(found: &Found) -> Findings {
    let mut shows: BTreeMap<Finding, Vec<&EnvironmentName>> = BTreeMap::new();
    for finding in found.values().flat_map(Findings::iter) {
        let anywhere = Finding { environment: None, ..finding.clone() };
        shows.entry(anywhere).or_default().extend(finding.environment.as_ref());
    }
    let mut all = Findings::default();
    all.extend(shows.into_iter().map(|(mut finding, names)| {
        match names.as_slice() {
            [] => {}
            names if names.len() == found.len() => {}
            [name] => finding.environment = Some((*name).clone()),
            names => {
                let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
                finding.message.push_str(&format!(" (in {})", names.join(", ")));
            }
        }
        finding
    }));
    all.settle();
    all
}

/// Says for which environments the definitions are good, and for which they are not.
fn verdict(found: &Found) -> String {
    let named = |wrong: bool| {
        let names = found.iter().filter(|(_, findings)| findings.has_errors() == wrong);
        names
            .filter_map(|(name, _)| name.as_ref())
            .map(EnvironmentName::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (named(true).as_str(), named(false).as_str()) {
        ("", "") if found.values().any(Findings::has_errors) => {
            "Not valid, and there is no environment to render for.".to_owned()
        }
        ("", "") => "Valid, and there is no environment to render for.".to_owned(),
        ("", good) => format!("Valid for {good}."),
        (bad, "") => format!("Not valid for {bad}."),
        (bad, good) => format!("Not valid for {bad}. Valid for {good}."),
    }
}

/// What is wrong, by environment.
type Found = BTreeMap<Option<EnvironmentName>, Findings>;

/// Renders every environment, or the one asked for, and keeps what is wrong with each. Without an
/// environment there is still what is wrong with the files.
fn check(sources: &Sources, only: Option<&EnvironmentName>) -> Found {
    let revision = sources.revision();
    let definitions = pipeline::definitions(sources);
    let (values, select) = (Values::default(), Select::default());
    let supply = Supply { values: &values, examples: true };
    let environments: Vec<_> = match only {
        Some(environment) => vec![environment.clone()],
        None => pipeline::environments(&definitions).cloned().collect(),
    };
    if environments.is_empty() {
        return BTreeMap::from([(None, definitions.findings)]);
    }
    environments
        .into_iter()
        .map(|environment| {
            let (_, findings) = pipeline::desired(&definitions, &revision, &environment, &supply, &select);
            (Some(environment), findings)
        })
        .collect()
}
