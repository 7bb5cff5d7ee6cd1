//! From settings to rooms: which options each room gets.
//!
//! Takes the flags and the process environment, gives settings, and from settings a repository, a
//! client, a policy. The only place that reads the environment, the clock of signals and the
//! settings file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use tracing::level_filters::LevelFilter;
use tracing::warn;

use crate::cli::definitions::{self, Reach, Told};
use crate::cli::failure::Failure;
use crate::cli::flags::{Common, Overlay};
use crate::cli::past::Past;
use crate::cli::print;
use crate::connect::{self, Client, Writer};
use crate::model::course::LowerVersion;
use crate::model::definition::Definitions;
use crate::model::desired::{Desired, Lapse};
use crate::model::finding::{Finding, Findings};
use crate::model::folder::ExtraFolder;
use crate::model::name::EnvironmentName;
use crate::model::policy::Policy;
use crate::model::rule::Severity;
use crate::pipeline;
use crate::pipeline::stall;
use crate::reconcile::cycle;
use crate::reconcile::extras::Extras;
use crate::reconcile::place::{self, Place};
use crate::repo::keys::Keys;
use crate::repo::options::ImportOptions;
use crate::repo::{self, Repository};
use crate::secrets::Store;
use crate::settings;
use crate::settings::checked::{self, Level, Settings};
use crate::settings::raw::Written;
use crate::telemetry;
use crate::view;

/// Which command asks: they differ in how they write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// One of many agents, each beside its worker.
    Run,
    /// One agent for now.
    Apply,
    /// Nothing is written.
    Plan,
}

/// Reads the settings from the file that was named, the environment and the flags, and starts
/// logging. `daemon` says whether quiet logs are the default, or those of an agent.
pub fn settings(
    common: &Common,
    overlays: &[Overlay],
    values: &[String],
    daemon: bool,
) -> Result<Settings, Failure> {
    let file = match common.settings() {
        None => None,
        Some(path) => {
            let name = path.display().to_string();
            let bytes = std::fs::read(path)
                .with_context(|| format!("failed to read the settings file {name}"))
                .map_err(Failure::new)?;
            Some((name, bytes))
        }
    };
    let written = Written {
        file: file.as_ref().map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
        environment: environment_variables(),
        flags: overlays.iter().flatten().cloned().chain(common.overlay()).collect(),
    };
    let settings = read(&written, values)?;
    start_logging(settings.log, common.verbose, daemon)?;
    Ok(settings)
}

/// Settings of the command line alone.
pub fn typed(overlay: Overlay, values: &[String]) -> Result<Settings, Failure> {
    read(&Written { flags: overlay, ..Written::default() }, values)
}

/// How imports are reached by a command that looks at folders. Offline nothing but the flags counts: the
/// settings of this place, which may be for something else, are read only where git is asked.
pub fn imports(common: &Common, overlay: Overlay, reach: Reach) -> Result<ImportOptions, Failure> {
    Ok(match reach {
        Reach::Git => settings(common, &[overlay], &[], false)?.imports,
        Reach::Folders => typed(overlay, &[])?.imports,
    })
}

fn read(written: &Written<'_>, values: &[String]) -> Result<Settings, Failure> {
    let (settings, findings) = Settings::read(written, values);
    note(&findings);
    settings.ok_or_else(|| unusable(&findings))
}

/// Prints findings beside the result, where there are any.
fn note(findings: &Findings) {
    if !findings.is_empty() {
        print::note(view::human::findings(findings, false).trim_end());
    }
}

/// Whose fault it is: the command line's where nothing else is wrong.
fn unusable(findings: &Findings) -> Failure {
    let typed = |finding: &Finding| finding.place.path.starts_with("--");
    if findings.iter().filter(|finding| finding.severity == Severity::Error).all(typed) {
        return Failure::usage(anyhow::anyhow!("the command line is not usable"));
    }
    let hint = "docs/reference/settings.md has every key, config/settings.example.yaml an example";
    Failure::new(anyhow::anyhow!("the settings are not usable")).hint(Some(hint))
}

fn start_logging(log: checked::Log, verbose: u8, daemon: bool) -> Result<(), Failure> {
    let level = match (daemon, verbose) {
        (_, 2..) => LevelFilter::TRACE,
        (true, 1) => LevelFilter::DEBUG,
        (false, 1) => LevelFilter::INFO,
        // A command prints its result; its log only says what went wrong on the way.
        (false, 0) => LevelFilter::WARN,
        (true, 0) => match log.level {
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
            Level::Trace => LevelFilter::TRACE,
        },
    };
    telemetry::start(log.json, print::wants_colour(), level)
        .context("failed to start logging")
        .map_err(Failure::new)
}

fn environment_variables() -> Vec<(String, String)> {
    all_variables()
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("TAGALONG_"))
        .collect()
}

/// Reads the name of an environment that was typed.
pub fn environment(text: &str) -> Result<EnvironmentName, String> {
    // The reasons of a name speak of Connect's addresses; an environment's has a smaller alphabet.
    EnvironmentName::new(text).map_err(|_| "use letters, digits, `.`, `_` and `-`".to_owned())
}

/// Reads a length of time that was typed.
pub fn duration(text: &str) -> Result<Duration, String> {
    settings::duration(text).ok_or_else(|| "write it like 90s, 10m or 1h30m".to_owned())
}

/// The environment that the settings name; without one nothing can be rendered.
pub fn named_environment(settings: &Settings) -> Result<EnvironmentName, Failure> {
    settings.environment.clone().ok_or_else(|| {
        Failure::usage(anyhow::anyhow!("no environment is named"))
            .hint(Some("add -e NAME, or `environment: NAME` to the settings"))
    })
}

/// Reads a folder of `extra`, as it is typed.
pub fn extra(text: &str) -> Result<ExtraFolder, String> {
    settings::extra::folder(text).map_err(|why| format!("it {why}; write FOLDER, or FOLDER=NAME:NAME"))
}

/// The repository that the settings name.
pub fn repository(settings: &Settings) -> Result<Repository, Failure> {
    match &settings.repository {
        None => Err(Failure::usage(anyhow::anyhow!("no definitions are named"))
            .hint(Some("add --dir DIR, or --git URL with --tag TAG, or `repository:` to the settings"))),
        Some(checked::Repository::Directory(path)) => Ok(Repository::directory(path).naming(pipeline::named)),
        Some(checked::Repository::Git(options)) => {
            let repository = Repository::git(options.as_ref().clone());
            let repository = repository.map_err(|error| {
                let keys = keys_of(&error);
                written(settings, keys, error.into())
            })?;
            Ok(repository.naming(pipeline::named))
        }
    }
}

/// The keys that may hold what an error says is unusable.
fn keys_of(error: &repo::error::Error) -> &'static [&'static str] {
    if matches!(error, repo::error::Error::Address { .. }) {
        &["repository.git.url"]
    } else if matches!(error, repo::error::Error::ReferenceName { .. }) {
        &["repository.git.ref.tag", "repository.git.ref.branch"]
    } else if matches!(error, repo::error::Error::PathOutside { .. }) {
        &["repository.git.path"]
    } else {
        &[]
    }
}

/// Says where in the settings file that was written which failed, where it was.
pub fn written(settings: &Settings, keys: &[&'static str], failure: Failure) -> Failure {
    match keys.iter().find_map(|key| Some((key, settings.places.get(key)?))) {
        Some((key, place)) => failure.context(format!("{place}: `{key}` cannot be used")),
        None => failure,
    }
}

/// The folders and files of this place that may change what is in force: definitions, secrets for them, and what
/// is shown to git servers.
pub fn watched(settings: &Settings) -> Vec<PathBuf> {
    let main = settings.repository.iter().filter_map(|repository| match repository {
        checked::Repository::Directory(path) => Some(path),
        checked::Repository::Git(_) => None,
    });
    let imports = settings.imports.folders.values();
    let extra = settings.extra.iter().map(|folder| &folder.path);
    let keys = Keys::of(&settings.imports);
    main.chain(imports).chain(extra).chain(&settings.secrets.folders).chain(keys.files()).cloned().collect()
}

/// Definitions, read and rendered for one environment.
pub struct Rendered {
    /// The connectors.
    pub desired: Desired,
    /// What they were made of, folders of `extra` apart.
    pub definitions: Definitions,
    /// Everything that is worth a look, errors of the repository apart.
    pub findings: Findings,
    /// Whether a folder of `extra` was left out, of which the reason was printed.
    pub left_out: bool,
    /// Versions that an agent with these settings would hold.
    pub lower: Vec<LowerVersion>,
}

/// What the settings make of definitions; the settings file is one of the agent's own, too.
pub fn place(
    settings: &Settings,
    environment: EnvironmentName,
    file: Option<&Path>,
    secrets: Secrets,
) -> Place {
    let mut options = settings.secrets.clone();
    options.own.extend(file.map(Path::to_owned));
    let store = Store::new(options, all_variables());
    for folder in store.absent_folders().filter(|_| secrets == Secrets::Read) {
        warn!(folder = %folder.display(), "a folder of `secrets.folders` is not there");
    }
    Place { environment, values: settings.values.clone(), select: settings.select.clone(), store }
}

#[expect(clippy::disallowed_methods, reason = "the one door through which the environment enters")]
fn all_variables() -> std::env::VarsOs {
    std::env::vars_os()
}

/// Whether the secrets that definitions name are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// They are.
    Read,
    /// They are not needed: nothing is compared or sent.
    Unread,
}

/// Reads the definitions and renders them; findings are printed, and where one is an error it ends
/// here. `file` is the settings file, `typed` the values of the command line.
pub async fn rendered(
    settings: &Settings,
    file: Option<&Path>,
    typed: &[String],
    secrets: Secrets,
) -> Result<Rendered, Failure> {
    let environment = named_environment(settings)?;
    let repository = repository(settings)?;
    let past = Past::of(settings, &environment, &repository);
    let told = definitions::told(&repository, &settings.imports, Reach::Git, &past).await?;
    let Told { sources, lower } = told;
    let place = place(settings, environment.clone(), file, secrets);
    let mut extras = Extras::new(&settings.extra);
    extras.look().await;
    for failure in extras.failures() {
        print::note(&format!("Left out: {}", failure.text));
    }
    let ground = place.ground(&sources);
    let place::Rendered { desired, mut findings, outcomes, secrets: _ } = match secrets {
        Secrets::Read => place.complete(&ground, &extras),
        Secrets::Unread => place.complete_offline(&ground, &extras),
    };
    findings.extend(outcomes.into_iter().flat_map(|outcome| outcome.findings));
    let mut told = Findings::default();
    told.extend(findings.iter().filter(|finding| finding.severity != Severity::Info).cloned());
    told.extend(idle_values(&ground.definitions, typed, &settings.extra));
    note(&told);
    let Some(desired) = desired else {
        let error = anyhow::anyhow!("the definitions cannot be used for {environment}");
        return Err(
            Failure::new(error).hint(Some("`tagalong validate DIR` checks a folder before it is released"))
        );
    };
    let left_out = desired.incomplete.iter().any(|one| match one.lapse {
        Lapse::Missing | Lapse::Unreadable | Lapse::Invalid => true,
        Lapse::Empty => false,
    });
    Ok(Rendered { desired, definitions: ground.definitions, findings, left_out, lower })
}

/// What is wrong with values of the command line that nothing uses. Where folders stand beside the definitions, they may be
/// for one of those.
pub fn idle_values(definitions: &Definitions, typed: &[String], extra: &[ExtraFolder]) -> Vec<Finding> {
    if !extra.is_empty() {
        return Vec::new();
    }
    let paths: Vec<_> = typed.iter().filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
    pipeline::idle_values(definitions, &paths)
}

/// Warns of values of the command line that nothing uses.
pub fn warn(idle: Vec<Finding>) {
    let mut findings = Findings::default();
    findings.extend(idle);
    note(&findings);
}

/// A client of the Connect worker that the settings name.
pub fn client(settings: &Settings, command: Command) -> Result<Client, Failure> {
    let options = connect::Options {
        url: settings.connect.url.clone(),
        writer: writer(settings, command),
        user_agent: concat!("tagalong/", env!("CARGO_PKG_VERSION")).to_owned(),
        access: settings.connect.access.clone(),
    };
    Client::new(options).map_err(|error| away(settings, error))
}

/// Says of which Connect an error speaks.
pub fn away(settings: &Settings, error: connect::error::Error) -> Failure {
    let hint = error.hint();
    let attempt = format!("failed to look at Connect at {}", settings.connect.url);
    Failure::new(anyhow::Error::new(error).context(attempt)).hint(hint)
}

fn writer(settings: &Settings, command: Command) -> Writer {
    settings.connect.writer.unwrap_or(match command {
        Command::Run => Writer::Leader,
        Command::Apply | Command::Plan => Writer::Forwarded,
    })
}

/// What bounds plans.
pub fn policy(settings: &Settings, command: Command) -> Policy {
    Policy {
        mode: settings.mode,
        restart: settings.restart,
        suspend: settings.suspend.clone(),
        select: settings.select.clone(),
        risk: settings.risk,
        prune: settings.prune,
        forwarded: writer(settings, command) == Writer::Forwarded,
    }
}

/// How the reconciler is to work.
pub fn reconciling(settings: &Settings, command: Command) -> cycle::Options {
    cycle::Options {
        writer: writer(settings, command),
        change_deadline: settings.connect.change_deadline,
        ready_deadline: settings.connect.ready_deadline,
        policy: policy(settings, command),
        restart: settings.restart_limits,
        stall: stall::Options { interval: settings.stall_interval, ..stall::Options::default() },
    }
}

/// The word to end: true once SIGTERM or SIGINT came.
pub fn ending() -> anyhow::Result<watch::Receiver<bool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (say, ending) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen to SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen to SIGINT")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        say.send_replace(true);
        // The channel must stay open: a dropped sender would mean that nobody can ask for the end.
        std::future::pending::<()>().await;
    });
    Ok(ending)
}
