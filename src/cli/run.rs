//! `tagalong run`: the agent.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

use crate::cli::claims;
use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Cluster, Common, Definitions};
use crate::cli::past;
use crate::cli::wiring::{self, Command, Secrets};
use crate::kept::{LedgerKeeper, Whose};
use crate::lookout::Lookout;
use crate::metrics::{self, Metrics};
use crate::model::hint::Hints;
use crate::model::name::EnvironmentName;
use crate::model::report::{Event, Report};
use crate::model::revision::RepositoryName;
use crate::reconcile::board::Board;
use crate::reconcile::cycle::Reconciler;
use crate::reconcile::daemon;
use crate::reconcile::extras::Extras;
use crate::reconcile::follow::Follower;
use crate::reconcile::keeping::Keeping;
use crate::reconcile::owing::Owing;
use crate::repo::{self, Repository};
use crate::serve;
use crate::serve::secret::Secret;
use crate::settings::checked::Settings;

/// How many intervals the loop may be silent before it is no longer held to live.
const SILENT_INTERVALS: u32 = 3;

/// How long the loop may be silent on top of that: the longest that one request may take.
const SLACK: Duration = Duration::from_mins(2);

/// Follow a repository and keep the cluster equal to it, until told to end
#[derive(Debug, Args)]
#[command(after_help = "Run one beside each Connect worker; only the one beside the leader writes.\n\
    Ends within ten seconds of SIGTERM or Ctrl-C.\n\n\
    Examples:\n  \
    tagalong run --settings settings.yaml\n  \
    tagalong run --dir . -e ed8k --connect http://localhost:8083\n\n\
    Exit codes: 0 ended when it was told to, 1 could not start.")]
pub struct Run {
    /// Where metrics, status and health are served, such as 0.0.0.0:9808
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    #[command(flatten)]
    definitions: Definitions,

    #[command(flatten)]
    cluster: Cluster,

    #[command(flatten)]
    common: Common,
}

impl Run {
    pub async fn run(self) -> Result<Done, Failure> {
        let listen = self.listen.iter().map(|text| ("http.listen", text.clone())).collect();
        let overlays = [self.definitions.overlay(), self.cluster.overlay(), listen];
        let settings = wiring::settings(&self.common, &overlays, self.definitions.values(), true)?;
        let environment = wiring::named_environment(&settings)?;
        let repository = wiring::repository(&settings)?;
        let client = wiring::client(&settings, Command::Run)?;
        let ending = wiring::ending().map_err(Failure::new)?;
        let listener = TcpListener::bind(settings.listen)
            .await
            .with_context(|| format!("failed to listen on {}", settings.listen))
            .map_err(|error| {
                let failure = Failure::new(error)
                    .hint(Some("choose another address with --listen, or `http.listen` in the settings"));
                wiring::written(&settings, &["http.listen"], failure)
            })?;
        info!(version = env!("CARGO_PKG_VERSION"), %environment, connect = %settings.connect.url, listen = %settings.listen, "started");

        repo::tidy(settings.imports.scratch.as_deref());
        let place = wiring::place(&settings, environment.clone(), self.common.settings(), Secrets::Read);
        let keeping = past::keeper(&settings, &environment, &repository).map(Keeping::new);
        let digests = digests(&settings, &environment, &repository);
        let follower = Follower::new(repository, settings.interval, settings.imports.clone(), place)
            .beside(Extras::new(&settings.extra))
            .keeping(keeping);
        let reconciler = Reconciler::new(client, wiring::reconciling(&settings, Command::Run))
            .owing(Owing::new(digests))
            .claiming(claims::claims(&settings, &environment, Command::Run)?)
            .telling_holds();
        let metrics = Arc::new(metrics(&settings));
        let (board, reports) = board(&settings, environment, Arc::clone(&metrics));
        let (hints, heard) = watch::channel(Hints::default());
        let lookout = Lookout::open(wiring::watched(&settings)).await;
        let watching = lookout.run(settings.interval, hints.clone(), ending.clone());
        let ears = ears(&settings, hints)?;
        let options = serve::Options {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            alive_within: silence(&settings),
        };
        let mut until = ending.clone();
        let served = serve::serve(listener, reports, metrics, options, ears, async move {
            // The channel outlives every listener.
            let _ended = until.wait_for(|ending| *ending).await;
        });
        tokio::join!(served, watching, daemon::run(follower, reconciler, board, heard, ending));
        Ok(Done::Well)
    }
}

/// Who keeps digests of what is desired; nobody where that is not wanted. A folder of definitions keeps itself, and
/// not what its secrets were.
fn digests(
    settings: &Settings,
    environment: &EnvironmentName,
    repository: &Repository,
) -> Option<LedgerKeeper> {
    let (folder, source) = (settings.state_dir.as_ref()?, past::source(settings, repository)?);
    let whose = Whose { environment, source: &source, connect: settings.connect.url.as_str() };
    Some(LedgerKeeper::new(folder, whose))
}

/// Who may say that it is time to look.
fn ears(settings: &Settings, hints: watch::Sender<Hints>) -> Result<serve::Ears, Failure> {
    let open = |key, path: &Option<PathBuf>| {
        path.as_deref().map(|path| Secret::open(key, path)).transpose().map_err(|error| {
            let failure = Failure::new(error.into())
                .hint(Some("the file holds the secret and nothing else; is it mounted?"));
            wiring::written(settings, &[key], failure)
        })
    };
    let webhook_secret = open("http.webhook_secret_file", &settings.webhook_secret_file)?;
    let token = open("http.token_file", &settings.token_file)?;
    if webhook_secret.is_none() {
        info!("webhooks are off: without `http.webhook_secret_file` POST /hooks/git answers 404");
    }
    Ok(serve::Ears { webhook_secret, token, hints })
}

fn metrics(settings: &Settings) -> Metrics {
    Metrics::new(metrics::Options {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("TAGALONG_COMMIT").unwrap_or_default().to_owned(),
        libgit2: repo::libgit2_version(),
        per_connector: settings.per_connector,
    })
}

/// The board, with a listener that feeds metrics and the status page.
fn board(
    settings: &Settings,
    environment: EnvironmentName,
    metrics: Arc<Metrics>,
) -> (Board, watch::Receiver<Arc<Report>>) {
    // The first report is replaced before anybody can ask: the board tells nothing of its own.
    let extra = |board: &Board| {
        for folder in &settings.extra {
            board.write_of(&RepositoryName::extra(&folder.path.to_string_lossy()), |_| {});
        }
    };
    let quiet = Board::new(environment.clone(), settings.mode, Box::new(|_, _| {}));
    extra(&quiet);
    let first = Arc::new(quiet.read(Clone::clone));
    metrics.observe(&first);
    let (say, reports) = watch::channel(first);
    let listener = move |event: &Event, report: &Report| {
        let report = Arc::new(report.clone());
        metrics.observe(&report);
        match event {
            Event::Polled(poll) => metrics.observe_poll(poll),
            Event::Looked | Event::CameRound => {}
            Event::Cycled(cycle) => {
                metrics.observe_cycle(cycle.took);
                metrics.observe_steps(&cycle.taken);
                metrics.observe_exchanges(&cycle.exchanges);
            }
        }
        say.send_replace(report);
    };
    let board = Board::new(environment, settings.mode, Box::new(listener));
    extra(&board);
    (board, reports)
}

/// How long the loop may be silent before it is no longer held to live.
fn silence(settings: &Settings) -> Duration {
    // However long a repository is left alone, the loop comes round; asking one takes its deadlines.
    let round = settings.interval * SILENT_INTERVALS + settings.imports.deadline * 2;
    round + settings.connect.change_deadline + SLACK
}
