//! Rows that flow through Debezium on PostgreSQL while somebody changes its connector, and what can be seen of it.
//!
//! Takes a database of its own with two tables; gives what came out of it, and what stands in the database and in Connect
//! at a moment, so that before and after can be compared. How a connector is changed is left to the stories.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::stack::handle::{Postgres, Stack};
use tokio::task::JoinHandle;

use crate::real::cluster::{Cluster, Config, PATIENCE, id};
use crate::support::agent::wait_within;

/// A database with the tables `a` and `b`, into each of which some ten rows a second come.
pub struct Flow {
    postgres: Postgres<'static>,
    database: String,
    inserting: Option<JoinHandle<Result<()>>>,
}

/// What stands in the database and in Connect.
#[derive(Debug, PartialEq, Eq)]
pub struct Standing {
    /// The connector's config.
    pub config: Config,
    /// Its slots: name, plugin, and whether somebody reads it.
    pub slots: String,
    /// The publications with their tables.
    pub publications: String,
    /// What its offsets are kept under.
    pub partitions: BTreeSet<String>,
}

impl Flow {
    /// Makes the database; nothing flows yet.
    pub async fn new(database: &str) -> Result<Self> {
        let postgres = Stack::shared().await?.postgres();
        postgres.database(database).await?;
        for table in ["a", "b", "halt"] {
            postgres.sql(database, &format!("CREATE TABLE {table} (id int PRIMARY KEY)")).await?;
        }
        Ok(Self { postgres, database: database.to_owned(), inserting: None })
    }

    /// The keys that every connector of it has, with these over them; a key without a value is taken away.
    pub fn config(&self, name: &str, more: &[(&str, Option<&str>)]) -> BTreeMap<String, String> {
        let at = self.postgres.at;
        let password = format!("${{file:{}:password}}", at.password_file.display());
        let mut config: BTreeMap<String, String> = [
            ("connector.class", "io.debezium.connector.postgresql.PostgresConnector"),
            ("tasks.max", "1"),
            ("plugin.name", "pgoutput"),
            ("database.hostname", &at.host),
            ("database.port", &at.port.to_string()),
            ("database.user", &at.user),
            ("database.password", &password),
            ("database.dbname", &self.database),
            ("table.include.list", "public.a,public.b"),
            ("topic.prefix", name),
            ("slot.name", &self.database),
            ("publication.name", &self.database),
            ("publication.autocreate.mode", "filtered"),
            ("heartbeat.interval.ms", "1000"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        for (key, value) in more {
            match value {
                Some(value) => drop(config.insert((*key).to_owned(), (*value).to_owned())),
                None => drop(config.remove(*key)),
            }
        }
        config
    }

    /// Makes its publication, of the two tables, for a connector that makes none.
    pub async fn publish(&self) -> Result<()> {
        self.sql(&format!("CREATE PUBLICATION {} FOR TABLE a, b", self.database)).await.map(drop)
    }

    /// Runs SQL in its database.
    pub async fn sql(&self, text: &str) -> Result<String> {
        self.postgres.sql(&self.database, text).await
    }

    /// Lets the rows come.
    pub fn begin(&mut self) {
        let text = "DO $$ DECLARE i int := 0; BEGIN LOOP i := i + 1; INSERT INTO a VALUES (i); INSERT INTO b VALUES (i); COMMIT; \
            EXIT WHEN EXISTS (SELECT 1 FROM halt); PERFORM pg_sleep(0.1); END LOOP; END $$";
        let (postgres, database) = (self.postgres, self.database.clone());
        self.inserting = Some(tokio::spawn(async move { postgres.sql(&database, text).await.map(drop) }));
    }

    /// Ends the rows, and gives how many came into each table.
    pub async fn end(&mut self) -> Result<usize> {
        self.sql("INSERT INTO halt VALUES (1)").await?;
        self.inserting.take().context("it began")?.await??;
        Ok(self.sql("SELECT count(*) FROM a").await?.parse()?)
    }

    /// What stands now.
    pub async fn standing(&self, cluster: &Cluster, connector: &str) -> Result<Standing> {
        let slots = "SELECT slot_name, plugin, active FROM pg_replication_slots WHERE database = current_database() ORDER BY 1";
        let publications = "SELECT p.pubname, p.puballtables, t.tablename FROM pg_publication p \
            LEFT JOIN pg_publication_tables t ON t.pubname = p.pubname ORDER BY 1, 3";
        let offsets = cluster.offsets(connector).await?;
        let offsets = offsets["offsets"].as_array().context("a list of offsets")?;
        Ok(Standing {
            config: cluster.config(connector).await?,
            slots: self.sql(slots).await?,
            publications: self.sql(publications).await?,
            partitions: offsets.iter().map(|one| one["partition"].to_string()).collect(),
        })
    }

    /// Waits until the slot is read and offsets are kept, so that what stands does not change by itself any more.
    pub async fn settled(&self, cluster: &Cluster, connector: &str) -> Result<Standing> {
        let settled = || async {
            let now = self.standing(cluster, connector).await?;
            Ok(!now.partitions.is_empty() && now.slots.contains("|t"))
        };
        wait_within(PATIENCE, &format!("{connector} streams"), settled).await?;
        self.standing(cluster, connector).await
    }

    /// Waits until so many rows of a table have come out under a prefix; fails where one of them is missing or came twice.
    pub async fn each_once(&self, prefix: &str, table: &str, count: usize) -> Result<()> {
        let came = self.came(prefix, table, count).await?;
        let wanted: Vec<_> = (1..=u64::try_from(count)?).collect();
        let missing: Vec<_> = wanted.iter().filter(|id| !came.contains(id)).collect();
        ensure!(
            missing.is_empty() && came.len() == count,
            "{prefix}.{table}: {missing:?} of {count} missing, {} came",
            came.len()
        );
        Ok(())
    }

    /// The rows of a table that came out under a prefix, in order, once there are so many.
    pub async fn came(&self, prefix: &str, table: &str, count: usize) -> Result<Vec<u64>> {
        let kafka = Stack::shared().await?.kafka();
        let topic = format!("{prefix}.public.{table}");
        kafka.consume(&topic, count, PATIENCE).await?;
        kafka.all(&topic).await?.iter().map(|record| id(record.value.as_deref())).collect()
    }
}
