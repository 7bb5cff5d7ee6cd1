//! What says RUNNING for ever on the real Debezium, and is told as stalled; and its neighbour on an idle database, which is
//! not.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::stack::handle::{Postgres, Stack};
use tagalong_testkit::stack::protocol::{Group, Worker};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::real::cluster::{Cluster, PATIENCE};
use crate::support::agent::wait_within;
use crate::support::definitions::{ENVIRONMENT, file_of};
use crate::support::inside::{Inside, Told};
use crate::support::page::read;

/// How long offsets may stand still here: some heartbeats and some flushes of the worker.
const STILL: Duration = Duration::from_secs(25);

const QUERY: &str = "  heartbeat.action.query: UPDATE hb SET at = now() WHERE id = 1\n";

/// The worker of these stories, alone in its cluster: nobody else's rebalance begins anything anew here.
async fn worker() -> Result<&'static Worker> {
    static WORKER: OnceCell<Result<Worker, String>> = OnceCell::const_new();
    let start = || async {
        let workers = async { Stack::shared().await?.add_group(Group::new("stalled").workers(1)).await };
        workers.await.map(|mut workers| workers.remove(0)).map_err(|error| format!("{error:#}"))
    };
    WORKER.get_or_init(start).await.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
}

/// A database for each of these names, and a folder for their connectors.
struct Site {
    folder: TempDir,
    cluster: Cluster,
    url: &'static str,
    postgres: Postgres<'static>,
}

impl Site {
    async fn new(databases: &[&str]) -> Result<Self> {
        let worker = worker().await?;
        let postgres = Stack::shared().await?.postgres();
        for database in databases {
            postgres.database(database).await?;
            postgres
                .sql(
                    database,
                    "CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE hb (id int PRIMARY KEY, at timestamptz); \
                     INSERT INTO orders VALUES (1); INSERT INTO hb VALUES (1, now())",
                )
                .await?;
        }
        let folder = tempfile::tempdir()?;
        for part in ["connectors", "environments"] {
            fs::create_dir(folder.path().join(part))?;
        }
        fs::write(folder.path().join(ENVIRONMENT.0), ENVIRONMENT.1)?;
        Ok(Self { folder, cluster: Cluster::of(worker), url: &worker.url, postgres })
    }

    /// Declares a connector of a database, with more lines of config; later ones stand in place of earlier ones.
    fn declare(&self, name: &str, database: &str, more: &[(&str, &str)], query: &str) -> Result<()> {
        let at = self.postgres.at;
        let (port, password) =
            (at.port.to_string(), format!("\"${{file:{}:password}}\"", at.password_file.display()));
        let mut config = std::collections::BTreeMap::from([
            ("connector.class", "io.debezium.connector.postgresql.PostgresConnector"),
            ("plugin.name", "pgoutput"),
            ("database.hostname", at.host.as_str()),
            ("database.port", port.as_str()),
            ("database.user", at.user.as_str()),
            ("database.password", password.as_str()),
            ("database.dbname", database),
            ("topic.prefix", name),
            ("slot.name", database),
            ("publication.name", database),
            ("heartbeat.interval.ms", "500"),
        ]);
        config.extend(more.iter().copied());
        let lines: Vec<_> = config.iter().map(|(key, text)| format!("  {key}: {text}\n")).collect();
        let lines = lines.concat();
        Ok(fs::write(
            self.folder.path().join(file_of(name)),
            format!("connector: {name}\nconfig:\n{lines}{query}"),
        )?)
    }

    /// Lets an agent work that waits for seconds.
    async fn run(&self, story: impl AsyncFnOnce(&Told) -> Result<()>) -> Result<()> {
        let mut inside = Inside::new(self.folder.path(), self.url);
        inside.stall.patience = STILL;
        (inside.change_deadline, inside.patience) = (Duration::from_mins(1), PATIENCE);
        inside.run(story).await
    }

    /// Waits until a connector is told as stalled, and says RUNNING all the same.
    async fn until_stalled(&self, told: &Told, name: &str) -> Result<()> {
        told.until(name, "stalled").await?;
        let state = self.cluster.state(name).await?;
        ensure!(state == "RUNNING [RUNNING]", "{name}: {state}");
        let lines =
            told.lines(&["WARN", &format!("connector={name}"), "it says RUNNING and streams nothing"]);
        ensure!(lines.len() == 1, "{lines:?}");
        Ok(())
    }
}

#[tokio::test]
async fn a_publication_that_is_not_there_is_told_and_the_idle_neighbour_is_not() -> Result<()> {
    let (name, idle, quiet) = ("stalled-publication", "stalled-idle", "stalled-quiet");
    let site = Site::new(&["stalled_publication", "stalled_idle", "stalled_quiet"]).await?;
    site.declare(name, "stalled_publication", &[], QUERY)?;
    site.declare(idle, "stalled_idle", &[], QUERY)?;
    // Its heartbeat does not write: on an idle database nothing moves its offsets, and nothing follows from that.
    site.declare(quiet, "stalled_quiet", &[], "")?;
    site.run(async |told: &Told| {
        told.until(name, "moves").await?;
        told.until(idle, "moves").await?;
        site.declare(name, "stalled_publication", &[("publication.name", "another")], QUERY)?;
        site.until_stalled(told, name).await?;
        assert_eq!((told.word(idle), told.word(quiet)), (Some("moves"), None));
        site.declare(name, "stalled_publication", &[], QUERY)?;
        told.until(name, "moves").await?;
        assert_eq!(told.lines(&["INFO", &format!("connector={name}"), "its offsets move again"]).len(), 1);
        ensure!(told.lines(&["streams nothing"]).len() == 1, "{}", told.log());
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "long: a database that is idle for longer than the worker flushes; one that writes a row is in the gate"]
async fn a_message_of_a_transaction_moves_the_offsets_of_an_idle_database() -> Result<()> {
    let (name, database) = ("stalled-message", "stalled_message");
    let site = Site::new(&[database]).await?;
    let page = read("docs/operations/stalled.md")?;
    let (_, statement) = page.split_once("`SELECT pg_logical_emit_message").context("the page has it")?;
    let (statement, _) = statement.split_once('`').context("it has an end")?;
    let query = format!("  heartbeat.action.query: \"SELECT pg_logical_emit_message{statement}\"\n");
    site.declare(name, database, &[], "")?;
    site.run(async |told: &Told| {
        // What is stored last is a COMMIT, and nothing follows it.
        let runs =
            || async { Ok(site.cluster.state(name).await.is_ok_and(|state| state == "RUNNING [RUNNING]")) };
        wait_within(PATIENCE, "it runs", runs).await?;
        site.postgres.sql(database, "INSERT INTO orders VALUES (2)").await?;
        let committed = || async {
            let offsets = site.cluster.offsets(name).await?;
            Ok(offsets["offsets"][0]["offset"]["messageType"] == "COMMIT")
        };
        wait_within(PATIENCE, "the end of its transaction is stored", committed).await?;
        site.declare(name, database, &[], &query)?;
        told.until(name, "moves").await
    })
    .await
}

#[tokio::test]
#[ignore = "long: it waits for offsets that stand still; the publication does so in the gate"]
async fn a_user_without_replication_is_told() -> Result<()> {
    let (name, database) = ("stalled-user", "stalled_user");
    let site = Site::new(&[database]).await?;
    let rights = "DROP ROLE IF EXISTS stalled_plain; CREATE ROLE stalled_plain LOGIN PASSWORD 'plain'";
    site.postgres.sql("postgres", rights).await?;
    site.postgres.sql(database, "GRANT ALL ON ALL TABLES IN SCHEMA public TO stalled_plain").await?;
    site.declare(name, database, &[], QUERY)?;
    site.run(async |told: &Told| {
        told.until(name, "moves").await?;
        let plain = [("database.user", "stalled_plain"), ("database.password", "plain")];
        site.declare(name, database, &plain, QUERY)?;
        site.until_stalled(told, name).await
    })
    .await
}

#[tokio::test]
#[ignore = "long: it waits for offsets that stand still; the publication does so in the gate"]
async fn the_second_connector_on_one_slot_is_told_and_the_first_is_not() -> Result<()> {
    let (first, second, database) = ("stalled-slot-a", "stalled-slot-b", "stalled_slot");
    let site = Site::new(&[database]).await?;
    site.declare(first, database, &[], QUERY)?;
    site.run(async |told: &Told| {
        told.until(first, "moves").await?;
        site.declare(second, database, &[], QUERY)?;
        site.until_stalled(told, second).await?;
        assert_eq!(told.word(first), Some("moves"));
        Ok(())
    })
    .await
}
