//! Debezium on PostgreSQL from end to end: what a person releases is what the connector does, and no row is lost or
//! doubled on the way.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::proxy::Proxy;
use tagalong_testkit::stack::handle::{Postgres, Stack};
use tagalong_testkit::stack::protocol::{Group, Worker};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, PATIENCE, acts, id, line};
use crate::support::agent::{Agent, wait_within};
use crate::support::definitions::Definitions;

const TEMPLATE: (&str, &str) = (
    "templates/debezium-postgres.yaml",
    r#"template: debezium-postgres
parameters:
  database: {required: true, description: the database to capture}
  tables: {type: list, required: true}
  slot: {default: "{{ connector | slug('_') }}"}
config:
  connector.class: io.debezium.connector.postgresql.PostgresConnector
  tasks.max: 1
  plugin.name: pgoutput
  database.hostname: "{{ values.postgres.host }}"
  database.port: "{{ values.postgres.port }}"
  database.user: "{{ values.postgres.user }}"
  database.password: "${file:{{ values.postgres.password_file }}:password}"
  database.dbname: "{{ params.database }}"
  table.include.list: "{{ params.tables }}"
  topic.prefix: "{{ connector }}"
  slot.name: "{{ params.slot }}"
  publication.name: "{{ params.slot }}"
"#,
);

/// A connector from the template, for the table `orders` of a database, with more lines.
fn connector(name: &str, database: &str, more: &str) -> (String, String) {
    let text = format!(
        "connector: {name}\ntemplate: debezium-postgres\nwith: {{database: {database}, tables: [public.orders]}}\n{more}"
    );
    (format!("connectors/{name}.yaml"), text)
}

/// The worker of these stories, alone in its cluster: nobody else's rebalance restarts a task here.
async fn worker() -> Result<&'static Worker> {
    static WORKER: OnceCell<Result<Worker, String>> = OnceCell::const_new();
    let start = || async {
        let workers = async { Stack::shared().await?.add_group(Group::new("story").workers(1)).await };
        workers.await.map(|mut workers| workers.remove(0)).map_err(|error| format!("{error:#}"))
    };
    WORKER.get_or_init(start).await.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
}

/// A story: an agent that follows a repository, before a worker and a database.
struct Story {
    cluster: Cluster,
    proxy: Proxy,
    postgres: Postgres<'static>,
    worker_log: PathBuf,
    definitions: Definitions,
    agent: Agent,
}

impl Story {
    /// Begins with one connector file and the template.
    async fn begin(connector: &(String, String)) -> Result<Self> {
        Self::begin_with(connector, "").await
    }

    /// The same, with more in the settings.
    async fn begin_with((path, text): &(String, String), more: &str) -> Result<Self> {
        let worker = worker().await?;
        let cluster = Cluster::of(worker);
        // Says when a task is made, which is when it is restarted.
        cluster.log("org.apache.kafka.connect.runtime.Worker", "INFO").await?;
        let (postgres, proxy) = (Stack::shared().await?.postgres(), Proxy::start(&worker.url).await?);
        let definitions = Definitions::new(&[TEMPLATE, (path, text)]).await?;
        let settings = format!(
            "{}values: {{postgres: {{host: {}, port: {}, user: {}, password_file: {}}}}}\n{more}",
            definitions.settings_within(&proxy.url(), CHANGE_DEADLINE),
            postgres.at.host,
            postgres.at.port,
            postgres.at.user,
            postgres.at.password_file.display()
        );
        let agent = Agent::start(&settings).await?.patient(PATIENCE);
        Ok(Self { cluster, proxy, postgres, worker_log: worker.log.clone(), definitions, agent })
    }

    /// Releases a connector file and waits until it is applied.
    async fn release(&mut self, (path, text): &(String, String)) -> Result<()> {
        let commit = self.definitions.release(&[(path, text)])?;
        self.agent.wait_for_applied(&commit).await
    }

    /// The requests that changed something, without the probes.
    fn writes(&self) -> Vec<String> {
        let done = acts(&self.proxy).filter(|request| request.status != Some(409));
        done.map(|request| line(&request)).collect()
    }

    /// How often a connector's first task was started.
    fn starts(&self, name: &str) -> Result<usize> {
        let log = std::fs::read_to_string(&self.worker_log)?;
        Ok(log.lines().filter(|line| line.contains(&format!("Creating task {name}-0"))).count())
    }

    /// Fails where the password has come out.
    async fn told_no_secret(&self) -> Result<()> {
        let (status, metrics) = (self.agent.get("/status").await?, self.agent.get("/metrics").await?);
        for told in [&status, &metrics, &self.agent.get("/").await?, &self.agent.log()] {
            ensure!(!told.contains(&self.postgres.at.password), "the password is told:\n{told}");
        }
        ensure!(
            status.contains("\"connectors\"") && metrics.contains("tagalong_leader 1"),
            "{status}{metrics}"
        );
        Ok(())
    }
}

/// The ids of the first rows that came out of a connector, in the order of the topic.
async fn ids(name: &str, count: usize) -> Result<Vec<u64>> {
    let topic = format!("{name}.public.orders");
    let records = Stack::shared().await?.kafka().consume(&topic, count, PATIENCE).await?;
    records.iter().map(|record| id(record.value.as_deref())).collect()
}

/// Inserts rows one by one, so many a second.
async fn insert(postgres: Postgres<'_>, database: &str, from: usize, to: usize) -> Result<()> {
    let text = format!(
        "DO $$ BEGIN FOR i IN {from}..{to} LOOP INSERT INTO orders VALUES (i); COMMIT; PERFORM pg_sleep(0.05); END LOOP; END $$"
    );
    postgres.sql(database, &text).await.map(drop)
}

#[tokio::test]
async fn what_is_released_is_what_the_connector_does_and_no_row_is_lost_or_doubled() -> Result<()> {
    let (name, database) = ("story-orders", "story_orders");
    let postgres = Stack::shared().await?.postgres();
    postgres.database(database).await?;
    postgres.sql(database, "CREATE TABLE orders (id int PRIMARY KEY)").await?;
    postgres.sql(database, "INSERT INTO orders VALUES (1), (2)").await?;
    let mut story = Story::begin(&connector(name, database, "")).await?;
    let commit = story.definitions.released()?;
    story.agent.wait_for_applied(&commit).await?;
    assert_eq!(ids(name, 2).await?, [1, 2]);
    assert_eq!(story.writes(), ["POST /connectors?forward=false"]);
    story.told_no_secret().await?;

    // A tuning change, while rows come in.
    story.proxy.clear();
    assert_eq!(story.starts(name)?, 1);
    let tuned = "config: {max.batch.size: 1024}\n";
    let (inserted, released) = tokio::join!(insert(postgres, database, 3, 102), async {
        sleep(Duration::from_secs(1)).await;
        story.release(&connector(name, database, tuned)).await
    });
    inserted?;
    released?;
    assert_eq!(story.writes(), [format!("PUT /connectors/{name}/config?forward=false")]);
    assert_eq!(story.starts(name)?, 2, "one restart");
    assert_eq!(story.cluster.config(name).await?["max.batch.size"], "1024");

    // Each state, with a row that has to wait for the next time it runs.
    let mut next = 103;
    for (state, shown, word) in [
        ("paused", "PAUSED [PAUSED]", "pause"),
        ("running", "RUNNING [RUNNING]", "resume"),
        ("stopped", "STOPPED []", "stop"),
    ] {
        story.proxy.clear();
        story.release(&connector(name, database, &format!("{tuned}state: {state}\n"))).await?;
        assert_eq!(story.cluster.state(name).await?, shown);
        let writes = story.writes();
        ensure!(
            writes.len() == 1 && writes[0].starts_with(&format!("PUT /connectors/{name}/{word}")),
            "{state}: {writes:?}"
        );
        insert(postgres, database, next, next).await?;
        next += 1;
    }
    story.release(&connector(name, database, tuned)).await?;
    insert(postgres, database, next, next).await?;
    let expected: Vec<u64> = (1..=u64::try_from(next)?).collect();
    assert_eq!(ids(name, next).await?, expected, "every row once, in order");

    story.proxy.clear();
    let (path, _) = connector(name, database, "");
    story.release(&(path, format!("connector: {name}\nstate: absent\n"))).await?;
    let writes = [("PUT", "/stop"), ("DELETE", "")]
        .map(|(method, rest)| format!("{method} /connectors/{name}{rest}?forward=false"));
    assert_eq!(story.writes(), writes);
    ensure!(!story.cluster.names().await?.contains(&name.to_owned()), "it is gone");
    let slots = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'story_orders'";
    assert_eq!(
        postgres.sql(database, slots).await?,
        "1",
        "what it leaves in the database is for a person to remove"
    );
    story.told_no_secret().await?;
    story.agent.end().await.map(drop)
}

#[tokio::test]
async fn a_deleted_connector_leaves_its_slot_its_publication_and_its_offsets_and_goes_on_from_them()
-> Result<()> {
    let (name, database) = ("story-gone", "story_gone");
    let postgres = Stack::shared().await?.postgres();
    postgres.database(database).await?;
    postgres.sql(database, "CREATE TABLE orders (id int PRIMARY KEY)").await?;
    postgres.sql(database, "INSERT INTO orders VALUES (1), (2)").await?;
    let there = connector(name, database, "");
    let mut story = Story::begin_with(&there, "prune: {grace: 5s}\n").await?;
    story.agent.wait_for_applied(&story.definitions.released()?).await?;
    assert_eq!(ids(name, 2).await?, [1, 2]);

    story.proxy.clear();
    let absent = (there.0.clone(), format!("connector: {name}\nstate: absent\n"));
    story.release(&absent).await?;
    let writes = [("PUT", "/stop"), ("DELETE", "")]
        .map(|(method, rest)| format!("{method} /connectors/{name}{rest}?forward=false"));
    assert_eq!(story.writes(), writes, "{}", story.agent.log());
    let at =
        |method: &str| acts(&story.proxy).find(|request| request.method == method).map(|request| request.at);
    let (stop, delete) = at("PUT").zip(at("DELETE")).context("both were sent")?;
    ensure!(delete >= stop + Duration::from_secs(5), "{stop:?} {delete:?}");
    ensure!(!story.cluster.names().await?.contains(&name.to_owned()), "it is gone");

    let slot = "SELECT plugin, active FROM pg_replication_slots WHERE slot_name = 'story_gone'";
    assert_eq!(postgres.sql(database, slot).await?, "pgoutput|f", "the server keeps its log for it");
    let publication = "SELECT count(*) FROM pg_publication WHERE pubname = 'story_gone'";
    assert_eq!(postgres.sql(database, publication).await?, "1");

    // Made anew with the same name it goes on: what was read is not read again, what came meanwhile is.
    insert(postgres, database, 3, 3).await?;
    story.release(&there).await?;
    insert(postgres, database, 4, 4).await?;
    assert_eq!(ids(name, 4).await?, [1, 2, 3, 4]);
    story.told_no_secret().await?;
    story.agent.end().await.map(drop)
}

#[tokio::test]
async fn a_connector_whose_database_comes_later_waits_and_converges() -> Result<()> {
    let (name, database) = ("story-late", "story_late");
    let story = Story::begin(&connector(name, database, "")).await?;
    story.agent.wait_for_metric(&series("connector_waiting", name), 1.0).await?;
    assert_eq!(story.agent.metric(&series("connector_last_apply_failed", name)).await?, Some(0.0));
    assert_eq!(story.agent.status().await?["connectors"][0]["waiting"], "waiting");
    story.told_no_secret().await?;

    story.postgres.database(database).await?;
    story.postgres.sql(database, "CREATE TABLE orders (id int PRIMARY KEY)").await?;
    story.postgres.sql(database, "INSERT INTO orders VALUES (1)").await?;
    story.agent.wait_for_applied(&story.definitions.released()?).await?;
    assert_eq!(ids(name, 1).await?, [1]);
    story.agent.wait_for_metric(&series("connector_waiting", name), 0.0).await?;
    story.told_no_secret().await?;
    story.agent.end().await.map(drop)
}

/// A connector whose task fails at each start, until this folder is there.
fn failing(name: &str, folder: &Path) -> (String, String) {
    let text = format!(
        "connector: {name}\nconfig:\n  connector.class: FileStreamSink\n  tasks.max: 1\n  topics: {name}\n  file: {}/out\n",
        folder.display()
    );
    (format!("connectors/{name}.yaml"), text)
}

fn series(family: &str, name: &str) -> String {
    format!("tagalong_{family}{{connector=\"{name}\"}}")
}

/// Waits for a number of restarts, and gives when the last was sent.
async fn restarts(story: &Story, name: &str, count: usize) -> Result<Instant> {
    let call = format!("POST /connectors/{name}/restart?includeTasks=true&onlyFailed=true&forward=false");
    let sent = || async { Ok(story.writes().iter().filter(|write| **write == call).count() >= count) };
    wait_within(PATIENCE, &format!("restart {count} is sent"), sent)
        .await
        .with_context(|| story.agent.log())?;
    Ok(Instant::now())
}

#[tokio::test]
async fn a_task_that_fails_is_restarted_at_once_and_the_next_time_later() -> Result<()> {
    let (name, place) = ("story-failing", tempfile::tempdir()?);
    let story = Story::begin(&failing(name, &place.path().join("not-there"))).await?;
    restarts(&story, name, 1).await?;
    story.agent.wait_for_metric(&series("connector_last_apply_failed", name), 1.0).await?;
    let failed = format!("tagalong_connector_tasks{{connector=\"{name}\",state=\"failed\"}}");
    assert_eq!(story.agent.metric(&failed).await?, Some(1.0));
    assert_eq!(story.agent.status().await?["connectors"][0]["tasks"][0]["state"], "failed");
    sleep(Duration::from_secs(10)).await;
    assert_eq!(story.writes().len(), 2, "the creation and one restart: {:?}", story.writes());
    story.agent.end().await.map(drop)
}

#[tokio::test]
#[ignore = "long: the second restart comes after two minutes, the third after six more"]
async fn the_rest_between_two_restarts_grows_until_the_task_runs() -> Result<()> {
    let (name, place) = ("story-growing", tempfile::tempdir()?);
    let folder = place.path().join("not-there");
    let story = Story::begin(&failing(name, &folder)).await?;
    let first = restarts(&story, name, 1).await?;
    let second = restarts(&story, name, 2).await?;
    assert!(second - first > Duration::from_secs(115), "{:?}", second - first);
    sleep(Duration::from_mins(5)).await;
    std::fs::create_dir(&folder)?;
    let third = restarts(&story, name, 3).await?;
    assert!(third - second > Duration::from_secs(350), "{:?}", third - second);
    let runs = || async { Ok(story.cluster.state(name).await? == "RUNNING [RUNNING]") };
    wait_within(PATIENCE, "the restart helps", runs).await?;
    story.agent.wait_for_metric(&series("connector_last_apply_failed", name), 0.0).await?;
    story.agent.end().await.map(drop)
}
