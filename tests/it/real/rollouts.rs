//! A broken change of fifty connectors of one template on a real Connect with two workers, an agent beside each: one
//! connector is touched, also where the leading worker is killed in the middle.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::stack::protocol::Group;
use tokio::time::sleep;

use crate::real::cluster::PATIENCE;
use crate::real::pair::{AFTERWARDS, MANY, Pair, stack};
use crate::support::agent::{Agent, wait_within};
use crate::support::definitions::file_of;

const TEMPLATE: &str = "templates/file.yaml";

/// A file below one that is no folder: the connector starts, and its task fails when it opens it.
const BROKEN: &str = "/dev/null/missing";

fn template(file: &str) -> String {
    format!(
        "template: file\nconfig:\n  connector.class: FileStreamSource\n  tasks.max: 1\n  topic: \"{{{{ connector }}}}\"\n  file: {file}\n"
    )
}

fn name(number: usize) -> String {
    format!("rollout-{number:02}")
}

/// Whose config was asked to be changed, by either agent.
fn configured(pair: &Pair) -> Vec<String> {
    let requests = pair.sides.iter().flat_map(|side| side.proxy.writes());
    let named = |path: &str| {
        path.strip_prefix("/connectors/")?.strip_suffix("/config?forward=false").map(str::to_owned)
    };
    requests.filter(|one| one.method == "PUT").filter_map(|one| named(&one.path)).collect()
}

/// Waits until an agent says that all but one wait for that one.
async fn waits_for_its_canary(agent: &Agent) -> Result<()> {
    let told = || async {
        let status = agent.status().await?;
        let all = status["results"].as_array().context("results")?;
        Ok(all.iter().filter(|one| one["class"] == "canary").count() == MANY - 1)
    };
    wait_within(PATIENCE, "the rest is told not to be changed", told).await.with_context(|| agent.log())
}

#[tokio::test]
async fn of_fifty_connectors_with_a_broken_change_one_is_touched_also_where_the_leader_is_killed()
-> Result<()> {
    let group =
        Group::new("rollout").setting("session.timeout.ms", "6000").setting("heartbeat.interval.ms", "2000");
    let stack = stack(group).await?;
    let mut pair = Pair::start(stack.workers()).await?;
    let mut files: Vec<_> = (0..MANY)
        .map(|number| (file_of(&name(number)), format!("connector: {}\ntemplate: file\n", name(number))))
        .collect();
    files.push((TEMPLATE.to_owned(), template("/dev/null")));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let good = pair.definitions.release(&files)?;
    pair.sides[0].agent().wait_for_applied(&good).await?;
    for number in 0..MANY {
        let runs = || async { Ok(pair.sides[0].cluster.state(&name(number)).await? == "RUNNING [RUNNING]") };
        wait_within(PATIENCE, "all run", runs).await?;
    }
    pair.sides.iter().for_each(|side| side.proxy.clear());

    pair.definitions.release(&[(TEMPLATE, &template(BROKEN))])?;
    let failed = || async { Ok(pair.sides[1].cluster.state(&name(0)).await? == "RUNNING [FAILED]") };
    wait_within(PATIENCE, "the first one has failed", failed)
        .await
        .with_context(|| pair.sides[0].agent().log())?;
    // Its agent still waits whether it stays so.
    stack.kill_part(&pair.sides[0].name).await?;
    waits_for_its_canary(pair.sides[1].agent()).await?;
    sleep(AFTERWARDS).await;
    let touched: BTreeSet<_> = configured(&pair).into_iter().collect();
    assert_eq!(touched, BTreeSet::from([name(0)]), "{}", pair.sides[1].agent().log());
    for number in 1..MANY {
        let config = pair.sides[1].cluster.config(&name(number)).await?;
        ensure!(config["file"] == "/dev/null", "{}: {config:?}", name(number));
    }

    // Moving the tag back changes that one, and no other.
    pair.definitions.move_to(&good)?;
    pair.sides[1].agent().wait_for_applied(&good).await?;
    let runs = || async { Ok(pair.sides[1].cluster.state(&name(0)).await? == "RUNNING [RUNNING]") };
    wait_within(PATIENCE, "the first one runs again", runs).await?;
    let touched: BTreeSet<_> = configured(&pair).into_iter().collect();
    assert_eq!(touched, BTreeSet::from([name(0)]));
    pair.end().await
}
