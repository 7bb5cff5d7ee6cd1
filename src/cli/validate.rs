//! `tagalong validate`: everything that is wrong with a folder of definitions, offline; with `--connect` also
//! what the plugins of a worker say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::cli::asking::{self, Asked, Found};
use crate::cli::checkout::Checkout;
use crate::cli::definitions::{self, Reach};
use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Common, FindingsOutput, Overlay, Printing};
use crate::cli::{print, verdict, wiring};
use crate::model::desired::Desired;
use crate::model::finding::Findings;
use crate::model::folder::ExtraFolder;
use crate::model::name::EnvironmentName;
use crate::model::rule::Severity;
use crate::model::select::Select;
use crate::model::snapshot::{Snapshot, Sources};
use crate::model::values::Values;
use crate::pipeline;
use crate::pipeline::extra::{self, Ground, Joined, Target};
use crate::pipeline::supply::Supply;
use crate::repo::Repository;
use crate::settings::checked::Settings;
use crate::view;

/// How long plugins are asked where nothing is said.
const TIMEOUT: Duration = Duration::from_mins(5);

/// Check a folder of definitions for every environment, offline
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is asked of git (unless --fetch-imports), and without --connect nothing of Connect, and no settings \
    are read; inputs of an environment take their examples. With --connect the plugin of every connector is asked what it \
    thinks of its config; nothing is written, but some plugins log in to their database. Settings and --value then lie \
    over the examples.\n\n\
    Examples:\n  \
    tagalong validate\n  \
    tagalong validate definitions -e production --strict\n  \
    tagalong validate --import platform=../platform\n  \
    tagalong validate ../platform --extra connectors\n  \
    tagalong validate --output github\n  \
    tagalong validate -e staging --connect http://localhost:8083\n\n\
    `github` writes annotations, which a workflow shows at their lines in a pull request; `gitlab` a code \
    quality report for a merge request; `markdown` a page for a comment.\n\n\
    Exit codes: 0 no error, 1 an error (or a warning, with --strict)."
)]
pub struct Validate {
    /// Folder of definitions
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,

    /// The same as DIR, as other commands name it
    #[arg(long = "dir", value_name = "DIR", conflicts_with = "dir")]
    flag: Option<PathBuf>,

    /// More definitions: a flat folder, as a service brings them, and the names that are its own; may be given again
    #[arg(long, value_name = "DIR[=NAMES]", value_parser = wiring::extra)]
    extra: Vec<ExtraFolder>,

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

    /// Ask the plugins of the Connect worker at this address, too
    #[arg(long, value_name = "URL")]
    connect: Option<String>,

    /// Value for the templates, over the environment's own; may be given again
    #[arg(long = "value", value_name = "A.B=C")]
    values: Vec<String>,

    /// How long the plugins may be asked at most; 5m where nothing is said
    #[arg(long, value_name = "TIME", value_parser = wiring::duration)]
    timeout: Option<Duration>,

    #[command(flatten)]
    printing: Printing<FindingsOutput>,

    #[command(flatten)]
    common: Common,
}

impl Validate {
    pub async fn run(self) -> Result<Done, Failure> {
        let settings = self.place()?;
        let repository = Repository::directory(self.folder()).naming(pipeline::named);
        let reach = if self.fetch_imports { Reach::Git } else { Reach::Folders };
        let options = match &settings {
            Some(place) => place.imports.clone(),
            None => wiring::imports(&self.common, self.overlay(), reach)?,
        };
        let sources = definitions::sources(&repository, &options, reach).await?;
        let folders = definitions::folders(&self.extra).await?;
        let (mut found, drafts) = self.check(&sources, &folders, settings.as_ref());
        if self.common.verbose > 0 {
            for note in ignored(&sources, &folders) {
                print::note(&note);
            }
        }
        let asked = match &settings {
            Some(settings) => {
                Some(asking::plugins(settings, &drafts, &mut found, self.timeout.unwrap_or(TIMEOUT)).await?)
            }
            None => None,
        };

        print::result(&match self.printing.output {
            FindingsOutput::Json => view::json::validation(&found),
            FindingsOutput::Human => self.human(&found, asked.as_ref()),
            FindingsOutput::Markdown => {
                view::markdown::findings(&verdict::merged(&found), &verdict::verdict(&found, self.strict))
            }
            FindingsOutput::Github => self.github(&found)?,
            FindingsOutput::Gitlab => {
                let checkout = Checkout::of(self.folder())?;
                view::gitlab::report(&verdict::merged(&found), |place| checkout.path(place))
            }
        })?;
        if let Some(failure) = asked.and_then(|asked| asked.failure) {
            return Err(failure);
        }
        let wrong = |findings: &Findings| {
            findings.has_errors() || (self.strict && findings.count(Severity::Warning) > 0)
        };
        Ok(if found.values().any(wrong) { Done::Said } else { Done::Well })
    }

    fn folder(&self) -> &Path {
        self.flag.as_ref().unwrap_or(&self.dir)
    }

    fn overlay(&self) -> Overlay {
        self.imports.iter().map(|import| ("imports", import.clone())).collect()
    }

    /// The settings of the place, where there is one.
    fn place(&self) -> Result<Option<Settings>, Failure> {
        let Some(url) = &self.connect else { return self.offline().map(|()| None) };
        let connect = vec![("connect.url", url.clone())];
        wiring::settings(&self.common, &[connect, self.overlay()], &self.values, false).map(Some)
    }

    /// Refuses what is of no use while nobody is asked.
    fn offline(&self) -> Result<(), Failure> {
        let (flag, hint) = if !self.values.is_empty() {
            let why = "without it nothing of this place counts, and inputs take their examples; `render` takes values";
            ("--value", why)
        } else if self.timeout.is_some() {
            ("--timeout", "it bounds how long the plugins of a Connect are asked, and without it none is")
        } else {
            return Ok(());
        };
        Err(Failure::usage(anyhow::anyhow!("{flag} is of use only with --connect")).hint(Some(hint)))
    }

    /// Renders every environment, or the one asked for, and keeps what is wrong with each. Without an
    /// environment there is still what is wrong with the files.
    fn check(
        &self,
        sources: &Sources,
        folders: &[Snapshot],
        place: Option<&Settings>,
    ) -> (Found, Vec<Desired>) {
        let revision = sources.revision();
        let definitions = pipeline::definitions(sources);
        let (values, select) = match place {
            Some(place) => (place.values.clone(), place.select.clone()),
            None => (Values::default(), Select::default()),
        };
        wiring::warn(wiring::idle_values(&definitions, &self.values, &self.extra));
        let supply = Supply { values: &values, examples: true, secrets: None };
        let only = self.environment.as_ref().or(place.and_then(|place| place.environment.as_ref()));
        let all = match only {
            Some(one) => BTreeMap::from([(
                one.clone(),
                pipeline::draft(&definitions, &revision, one, &supply, &select),
            )]),
            None => pipeline::everywhere(&definitions, &revision, &supply, &select),
        };
        if all.is_empty() {
            return (BTreeMap::from([(None, definitions.findings)]), Vec::new());
        }
        let folders = definitions::beside(&self.extra, folders);
        let (mut found, mut drafts, mut came) = (Found::new(), Vec::new(), Vec::new());
        let mut ground = Ground { definitions, desired: None, findings: Findings::default() };
        for (environment, (draft, findings)) in all {
            (ground.desired, ground.findings) = (draft, findings);
            let target = Target { environment: &environment, supply, select: &select };
            let Joined { desired, mut findings, outcomes } = extra::join(&ground, &folders, &target);
            findings.extend(outcomes.iter().flat_map(|outcome| outcome.findings.iter().cloned()));
            findings.settle();
            drafts.extend(desired);
            found.insert(Some(environment), findings);
            came.push(outcomes);
        }
        // As with the repository, that something is silenced for nothing is only said of all environments.
        let idle = if only.is_none() { extra::idle(&came) } else { Vec::new() };
        for findings in found.values_mut().filter(|_| !idle.is_empty()) {
            findings.extend(idle.iter().cloned());
            findings.settle();
        }
        (found, drafts)
    }

    fn human(&self, found: &Found, asked: Option<&Asked>) -> String {
        let findings = view::human::findings(&verdict::merged(found), self.printing.colour());
        let verdict = verdict::verdict(found, self.strict);
        match asked {
            None => format!("{findings}{verdict}\n"),
            Some(Asked { failure: Some(_), .. }) => findings,
            Some(asked) => format!("{findings}{verdict} {}\n", verdict::hearing(asked)),
        }
    }

    fn github(&self, found: &Found) -> Result<String, Failure> {
        let checkout = Checkout::of(self.folder())?;
        let annotations = view::github::annotations(&verdict::merged(found), |place| checkout.path(place));
        Ok(format!("{annotations}{}\n", verdict::verdict(found, self.strict)))
    }
}

/// What was passed over, and why.
fn ignored(sources: &Sources, folders: &[Snapshot]) -> Vec<String> {
    let note = |path: &str| format!("ignored {path}: not a definition file");
    let read = folders.iter().chain([sources.main.as_ref()]);
    let mut notes: Vec<_> = read.flat_map(|read| &read.ignored).map(|path| note(path)).collect();
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
