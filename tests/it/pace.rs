//! How many requests the agent has open at once, and when it begins no more.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::WriteKind;
use tagalong_testkit::fake::{Fake, Request};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::support::agent::{Agent, wait};
use crate::support::definitions::{Definitions, file_of, file_source};

/// How long a slow answer takes.
const SLOW: Duration = Duration::from_millis(400);

/// Long enough that a ninth one would be there, if it came.
const FULL: Duration = Duration::from_secs(4);

fn many(count: usize, more: &str) -> Vec<(String, String)> {
    (0..count).map(|n| format!("c{n:02}")).map(|name| (file_of(&name), file_source(&name, more))).collect()
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

fn is_change(request: &Request) -> bool {
    request.method != "GET" && !request.path.contains("tagalong-probe-")
}

/// How many changes are open.
fn open(fake: &Fake) -> usize {
    fake.requests().iter().filter(|one| is_change(one) && one.status.is_none()).count()
}

/// Watches a cluster until something is so, and gives the most changes that were open at one time.
async fn most_open(fake: &Fake, until: impl Fn(&Fake) -> bool) -> Result<usize> {
    let began = Instant::now();
    let mut most = 0;
    while !until(fake) {
        anyhow::ensure!(began.elapsed() < Duration::from_mins(2), "it takes too long: {:?}", fake.names());
        most = most.max(open(fake));
        sleep(Duration::from_millis(20)).await;
    }
    Ok(most)
}

#[tokio::test]
async fn eight_connectors_are_created_at_once_and_running_ones_are_changed_one_by_one() -> Result<()> {
    let mut definitions = Definitions::new(&borrowed(&many(20, ""))).await?;
    let fake = Fake::start(1).await;
    let (answer, told) = watch::channel(false);
    fake.inject(Fault::on("POST", "/connectors").until(told).always());
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    wait("eight are open", || async { Ok(open(&fake) >= 8) }).await?;
    sleep(FULL).await;
    assert_eq!(open(&fake), 8, "no more while none is answered");
    answer.send_replace(true);
    most_open(&fake, |fake| fake.names().len() == 20).await?;
    agent.wait_for_applied(&definitions.released()?).await?;

    fake.clear_faults();
    fake.forget();
    for n in 0..3 {
        fake.inject(Fault::on("PUT", &format!("/connectors/c{n:02}/config")).delay(SLOW).always());
    }
    definitions.release(&borrowed(&many(3, "  batch.size: 7\n")))?;
    let changed =
        |fake: &Fake| fake.writes().iter().filter(|one| one.kind == WriteKind::Configure).count() == 3;
    assert_eq!(most_open(&fake, changed).await?, 1);
    Ok(())
}

#[tokio::test]
async fn an_agent_that_is_to_end_begins_nothing_new() -> Result<()> {
    let definitions = Definitions::new(&borrowed(&many(20, ""))).await?;
    let fake = Fake::start(1).await;
    let (answer, told) = watch::channel(false);
    fake.inject(Fault::on("POST", "/connectors").until(told).always());
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let open = || async { Ok(fake.requests().iter().filter(|one| is_change(one)).count() == 8) };
    wait("eight creations are open", open).await?;
    // It has heard of its end by then; what is open is given eight seconds.
    let answered = async {
        sleep(Duration::from_secs(5)).await;
        answer.send_replace(true);
    };
    let (ended, ()) = tokio::join!(agent.end(), answered);
    assert!(ended?.0.success());
    assert_eq!(fake.names().len(), 8);
    assert_eq!(fake.requests().iter().filter(|one| is_change(one)).count(), 8);
    Ok(())
}

#[tokio::test]
async fn a_leader_that_loses_its_lead_leaves_the_rest_to_the_next_one_and_nothing_is_made_twice() -> Result<()>
{
    let definitions = Definitions::new(&borrowed(&many(24, ""))).await?;
    let fake = Fake::start(2).await;
    fake.inject(Fault::on("POST", "/connectors").delay(SLOW).always());
    let first = Agent::start(&definitions.settings(&fake.url(0))).await?;
    let second = Agent::start(&definitions.settings(&fake.url(1))).await?;
    wait("some are made", || async { Ok(fake.names().len() >= 8) }).await?;
    fake.lead(1);
    second.wait_for_applied(&definitions.released()?).await?;
    first.wait_for_metric("tagalong_leader", 0.0).await?;

    let mut made: Vec<_> = fake.writes().iter().map(|one| (one.kind, one.connector.clone())).collect();
    let count = made.len();
    made.sort_by(|a, b| a.1.cmp(&b.1));
    made.dedup();
    assert_eq!((made.len(), count), (24, 24), "each was made once");
    assert!(fake.writes().iter().any(|one| one.worker == 1), "the second one made some");
    assert!(!first.log().contains("\"level\":\"ERROR\""), "quietly: {}", first.log());
    Ok(())
}

#[tokio::test]
async fn every_mutation_leaves_one_line_in_the_audit() -> Result<()> {
    let mut definitions = Definitions::new(&borrowed(&many(2, ""))).await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let commit = definitions.release(&[(&file_of("c00"), &file_source("c00", "state: absent\n"))])?;
    agent.wait_for_applied(&commit).await?;

    let lines: Vec<serde_json::Value> = agent
        .log()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &serde_json::Value| line["target"] == "tagalong::audit")
        .collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default();
            format!("{} {} {} {}", text("step"), text("connector"), text("reason"), text("outcome"))
        })
        .collect();
    assert_eq!(
        told,
        [
            "create c00 missing converged",
            "create c01 missing converged",
            "stop c00 absent converged",
            "delete c00 absent converged",
        ]
    );
    let last = lines.last().context("a line")?;
    assert_eq!(last["commit"], commit.as_str(), "who: the revision that asked for it");
    Ok(())
}
