//! Connectors that say RUNNING and stream nothing: how they are told, what looking at them costs, and what it leaves
//! alone. The agent runs inside the test and waits for seconds where it would wait for minutes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use tagalong::model::plan::Mode;
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::{Fake, Phase, Request};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::support::cluster::writes;
use crate::support::definitions::{ENVIRONMENT, file_of};
use crate::support::inside::{Inside, Told};

const SNAPSHOT: &str =
    r#"[{"partition":{"server":"x"},"offset":{"lsn":1,"snapshot":"INITIAL","snapshot_completed":false}}]"#;
const STILL: &str = r#"[{"partition":{"server":"x"},"offset":{"lsn":26391712,"txId":731}}]"#;
const QUERY: (&str, &str) = ("heartbeat.action.query", "UPDATE hb SET at = now()");

fn pairs(name: &str) -> Vec<(String, String)> {
    let class = "io.debezium.connector.postgresql.PostgresConnector";
    let pairs = [
        ("connector.class", class),
        ("tasks.max", "1"),
        ("topic.prefix", name),
        ("heartbeat.interval.ms", "1000"),
        QUERY,
    ];
    pairs.map(|(key, text)| (key.to_owned(), text.to_owned())).into()
}

fn file(name: &str, pairs: &[(String, String)]) -> String {
    let config: Vec<_> = pairs.iter().map(|(key, text)| format!("  {key}: {text}\n")).collect();
    let config = config.concat();
    format!("connector: {name}\nconfig:\n{config}")
}

fn declare(folder: &Path, name: &str, pairs: &[(String, String)]) -> Result<()> {
    fs::create_dir_all(folder.join("connectors"))?;
    fs::create_dir_all(folder.join("environments"))?;
    fs::write(folder.join(ENVIRONMENT.0), ENVIRONMENT.1)?;
    Ok(fs::write(folder.join(file_of(name)), file(name, pairs))?)
}

/// Connectors that are declared and run for long, with a heartbeat that writes.
fn there(fake: &Fake, names: &[&str]) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for name in names {
        let pairs = pairs(name);
        declare(folder.path(), name, &pairs)?;
        let borrowed: Vec<_> = pairs.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
        fake.preload(name, &borrowed);
        fake.set_offsets(name, STILL);
    }
    Ok(folder)
}

/// The connectors whose offsets were asked for, in order.
fn asked(fake: &Fake) -> Vec<String> {
    let name =
        |one: &Request| Some(one.path.strip_prefix("/connectors/")?.strip_suffix("/offsets")?.to_owned());
    fake.requests().iter().filter_map(name).collect()
}

fn count(fake: &Fake, name: &str) -> usize {
    asked(fake).iter().filter(|one| *one == name).count()
}

/// How often somebody asked who leads.
fn probes(fake: &Fake) -> usize {
    fake.requests().iter().filter(|one| one.method == "DELETE").count()
}

/// How many cycles have looked at the cluster.
fn cycles(fake: &Fake) -> usize {
    fake.requests().iter().filter(|one| one.query == "expand=info&expand=status").count()
}

#[tokio::test]
async fn a_connector_that_stands_still_is_told_once_and_left_alone_and_so_is_its_end() -> Result<()> {
    let fake = Fake::start(1).await;
    let folder = there(&fake, &["moving", "still"])?;
    fake.flow("moving");
    // A heartbeat that does not write moves nothing on an idle database.
    let quiet: Vec<_> = pairs("quiet").into_iter().filter(|(key, _)| key != QUERY.0).collect();
    declare(folder.path(), "quiet", &quiet)?;
    let borrowed: Vec<_> = quiet.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
    fake.preload("quiet", &borrowed);
    let begins = [
        "WARN",
        "connector=still",
        "it says RUNNING and streams nothing",
        "publication",
        "REPLICATION",
        "stalled.md",
    ];
    Inside::new(folder.path(), &fake.url(0))
        .run(async |told: &Told| {
            told.until("moving", "moves").await?;
            told.until("still", "stalled").await?;
            assert_eq!((told.word("moving"), told.word("quiet")), (Some("moves"), None));
            let looks = count(&fake, "still");
            told.wait("it is looked at again", || count(&fake, "still") > looks + 2).await?;
            assert_eq!(told.lines(&begins).len(), 1, "{}", told.log());
            fake.flow("still");
            told.until("still", "moves").await?;
            let looks = count(&fake, "still");
            told.wait("it is looked at again", || count(&fake, "still") > looks + 1).await?;
            assert_eq!(told.lines(&["INFO", "connector=still", "its offsets move again"]).len(), 1);
            assert_eq!(told.lines(&["streams nothing"]).len(), 1, "{}", told.log());
            ensure!(!told.log().contains("26391712"), "what is stored is nobody's to tell");
            Ok(())
        })
        .await?;
    assert_eq!(writes(&fake), [], "a restart would not help it");
    ensure!(
        count(&fake, "quiet") < count(&fake, "still"),
        "one of which nothing is known is not asked more often"
    );
    Ok(())
}

#[tokio::test]
async fn a_snapshot_that_takes_long_is_not_told() -> Result<()> {
    let fake = Fake::start(1).await;
    let folder = there(&fake, &["reads", "still"])?;
    fake.set_offsets("reads", SNAPSHOT);
    Inside::new(folder.path(), &fake.url(0))
        .run(async |told: &Told| {
            // The neighbour is the clock: it was begun to be watched at the same time, and again each time.
            for round in 0..3 {
                told.until("still", "stalled").await?;
                assert_eq!(told.word("reads"), Some("awaited"), "{round}");
                fake.flow("still");
                told.until("still", "moves").await?;
                fake.freeze("still");
            }
            ensure!(told.lines(&["connector=reads"]).is_empty(), "{}", told.log());
            fake.set_offsets("reads", STILL);
            told.until("reads", "stalled").await
        })
        .await
}

#[tokio::test]
async fn after_a_change_it_is_looked_at_at_once_and_the_rest_is_left_alone() -> Result<()> {
    let fake = Fake::start(1).await;
    let folder = there(&fake, &["changed", "other"])?;
    fake.flow("changed");
    fake.flow("other");
    let url = fake.url(0);
    let mut inside = Inside::new(folder.path(), &url);
    inside.stall.interval = Duration::from_hours(1);
    // Long enough to be seen.
    inside.stall.patience = Duration::from_secs(10);
    inside
        .run(async |told: &Told| {
            told.until("changed", "moves").await?;
            told.until("other", "moves").await?;
            fake.forget();
            fake.freeze("changed");
            let change = [pairs("changed"), vec![("publication.name".to_owned(), "new".to_owned())]].concat();
            declare(folder.path(), "changed", &change)?;
            told.until("changed", "awaited").await?;
            told.until("changed", "stalled").await?;
            assert_eq!((told.word("other"), count(&fake, "other")), (Some("moves"), 0), "{:?}", asked(&fake));
            Ok(())
        })
        .await
}

#[tokio::test]
async fn only_the_agent_beside_the_leader_looks_and_the_next_leader_takes_over() -> Result<()> {
    let fake = Fake::start(2).await;
    let folder = there(&fake, &["still"])?;
    let by = |worker: usize| {
        fake.requests().iter().filter(|one| one.worker == worker && one.path.ends_with("/offsets")).count()
    };
    let (first, second) = (fake.url(0), fake.url(1));
    Inside::new(folder.path(), &first)
        .run(async |leads: &Told| {
            Inside::new(folder.path(), &second)
                .run(async |follows: &Told| {
                    leads.until("still", "stalled").await?;
                    assert_eq!((by(1), follows.word("still")), (0, None));
                    fake.lead(1);
                    follows.until("still", "stalled").await?;
                    leads
                        .wait("the first one tells nothing any more", || leads.word("still").is_none())
                        .await?;
                    let seen = by(0);
                    let more = by(1) + 3;
                    follows.wait("the second one looks on", || by(1) > more).await?;
                    assert_eq!(by(0), seen, "and the first one does not");
                    Ok(())
                })
                .await
        })
        .await
}

#[tokio::test]
async fn an_agent_that_observes_watches_with_gets_only() -> Result<()> {
    let fake = Fake::start(1).await;
    let folder = there(&fake, &["still"])?;
    let url = fake.url(0);
    let inside = Inside { mode: Mode::Observe, ..Inside::new(folder.path(), &url) };
    inside.run(async |told: &Told| told.until("still", "stalled").await).await?;
    assert!(fake.requests().iter().all(|one| one.method == "GET"));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_hangs_delays_no_cycle_and_not_the_end() -> Result<()> {
    let fake = Fake::start(1).await;
    let folder = there(&fake, &["a", "b", "c"])?;
    for name in ["a", "b", "c"] {
        fake.inject(Fault::on("GET", &format!("/connectors/{name}/offsets")).hang().always());
    }
    let began = std::cell::Cell::new(None);
    Inside::new(folder.path(), &fake.url(0))
        .run(async |told: &Told| {
            told.wait("one is asked for", || !asked(&fake).is_empty()).await?;
            let seen = cycles(&fake);
            told.wait("cycles go on", || cycles(&fake) >= seen + 3).await?;
            assert_eq!(asked(&fake).len(), 1, "one at a time");
            began.set(Some(Instant::now()));
            told.end();
            told.wait("it has ended", || told.lines(&["INFO", "daemon: ended"]).len() == 1).await
        })
        .await?;
    let took = began.get().map(|began| began.elapsed());
    assert!(took < Some(Duration::from_secs(7)), "{took:?}");
    Ok(())
}

#[tokio::test]
async fn a_worker_that_is_away_is_not_asked_and_what_was_told_stays_told() -> Result<()> {
    let fake = Fake::start(1).await;
    let folder = there(&fake, &["still"])?;
    Inside::new(folder.path(), &fake.url(0))
        .run(async |told: &Told| {
            told.until("still", "stalled").await?;
            fake.phase(0, Phase::Booting).await;
            told.wait("it is away", || told.read(|report| report.cluster.plan.is_none())).await?;
            let (looks, asked_for) = (count(&fake, "still"), probes(&fake));
            told.wait("the cycle asks on", || probes(&fake) > asked_for + 8).await?;
            assert_eq!(count(&fake, "still"), looks, "nobody asks a worker that is away");
            let lines = told.lines(&["offsets"]);
            ensure!(lines.len() == 1, "that it is away is told once, by others: {lines:?}");
            fake.phase(0, Phase::Ready).await;
            told.wait("it is looked at again", || count(&fake, "still") > looks + 3).await?;
            assert_eq!(told.word("still"), Some("stalled"));
            assert_eq!(told.lines(&["streams nothing"]).len(), 1, "{}", told.log());
            Ok(())
        })
        .await
}

#[tokio::test]
async fn offsets_that_cannot_be_read_are_told_once_where_that_does_not_pass_and_mean_nothing() -> Result<()> {
    for (status, body, times) in [(403, "no", 1), (200, r#"{"offsets":"hunter2"}"#, 1), (503, "", 0)] {
        let fake = Fake::start(1).await;
        let folder = there(&fake, &["still"])?;
        fake.inject(
            Fault::on("GET", "/connectors/still/offsets").raw(status, "application/json", body).always(),
        );
        Inside::new(folder.path(), &fake.url(0))
            .run(async |told: &Told| {
                told.wait("it is asked for again", || asked(&fake).len() > 3).await?;
                assert_eq!(told.word("still"), Some("awaited"));
                let lines = told.lines(&["WARN", "whether it streams is not known"]);
                ensure!(lines.len() == times && !told.log().contains("hunter2"), "{status}: {}", told.log());
                Ok(())
            })
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn connectors_at_rest_are_each_looked_at_once_in_an_interval_beside_the_cycles() -> Result<()> {
    const INTERVAL: Duration = Duration::from_secs(6);
    let fake = Fake::start(1).await;
    let names: Vec<_> = (0..10).map(|n| format!("c{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let folder = there(&fake, &names)?;
    for name in &names {
        fake.flow(name);
    }
    let url = fake.url(0);
    let mut inside = Inside::new(folder.path(), &url);
    inside.stall.interval = INTERVAL;
    inside
        .run(async |told: &Told| {
            told.wait("all of them move", || names.iter().all(|name| told.word(name) == Some("moves")))
                .await?;
            fake.forget();
            let began = Instant::now();
            let is_over =
                || began.elapsed() > 2 * INTERVAL && names.iter().all(|name| count(&fake, name) > 0);
            told.wait("some intervals are over, and each was looked at", is_over).await?;
            let (looks, share) = (asked(&fake).len(), began.elapsed().as_secs_f64() / INTERVAL.as_secs_f64());
            // The moments of some may come twice while others wait for their first.
            ensure!(f64::from(u32::try_from(looks)?) <= 10.0 * (share + 0.5), "{looks} in {share} intervals");
            let requests = fake.requests();
            let others = requests.iter().filter(|one| !one.path.ends_with("/offsets")).count();
            let turns = cycles(&fake);
            ensure!(turns > 3 && others.abs_diff(3 * turns) <= 3, "{turns} turns, {others} requests");
            Ok(())
        })
        .await
}

/// What was read before a change says nothing of what came with it.
#[tokio::test]
async fn an_answer_that_was_under_way_during_a_change_does_not_count() -> Result<()> {
    let fake = Fake::start(1).await;
    let folder = there(&fake, &["changed"])?;
    let (answer, is_told) = watch::channel(false);
    let before = r#"{"offsets":[{"partition":{"server":"x"},"offset":{"lsn":1}}]}"#;
    let late = Fault::on("GET", "/connectors/changed/offsets").until(is_told);
    fake.inject(late.raw(200, "application/json", before).times(1));
    Inside::new(folder.path(), &fake.url(0))
        .run(async |told: &Told| {
            told.wait("it is asked for", || count(&fake, "changed") == 1).await?;
            let change = [pairs("changed"), vec![("publication.name".to_owned(), "new".to_owned())]].concat();
            declare(folder.path(), "changed", &change)?;
            let is_sent = || writes(&fake).len() == 1;
            told.wait("the change is sent", is_sent).await?;
            let turns = cycles(&fake);
            told.wait("its cycle has ended", || cycles(&fake) > turns + 2).await?;
            answer.send_replace(true);
            told.wait("it is judged", || told.word("changed") != Some("awaited")).await?;
            assert_eq!(told.word("changed"), Some("stalled"), "it never moved");
            Ok(())
        })
        .await
}
