//! Workers and agents die in the middle of a plan, and come back: the plan is finished, nothing is made twice, nothing
//! is lost, and nothing false is told meanwhile.

use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use anyhow::{Result, ensure};
use tagalong_testkit::http;
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::Group;
use tokio::time::{Instant, sleep};

use crate::real::cluster::{PATIENCE, note};
use crate::real::pair::{AFTERWARDS, Beside, MANY, MIDDLE, Pair, Watch, replay, stack};

/// How long each read of a worker that starts slowly takes. It lists nothing for two of them, in which an agent on a busy
/// machine asks too.
const SLOW: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_leader_that_is_killed_in_the_middle_of_a_plan_is_succeeded_and_nothing_is_made_twice_or_lost()
-> Result<()> {
    let stack = stack(Group::new("killed")).await?;
    let mut pair = Pair::start(stack.workers()).await?;
    let watch = Watch::start(&pair);
    let commit = pair.release_to_the_middle().await?;
    stack.kill_part(&pair.sides[0].name).await?;
    let killed = Instant::now();
    pair.sides[1].agent().wait_for_applied(&commit).await?;
    pair.all_run(1).await?;
    sleep(AFTERWARDS).await;

    let first = pair.first_write(1, killed)?;
    note(&format!("the first write of the new leader came {:.1?} after the kill", first - killed));
    let told = replay(&pair.writes()?)?;
    ensure!(told.made_once() && (MIDDLE..MANY).contains(&told.by(0)) && told.by(1) > 0, "{told:?}");
    assert_eq!(
        watch.seen().leaders,
        [1, 0, 1],
        "the one whose worker is gone has told so before the other one leads"
    );
    pair.end().await
}

#[tokio::test]
async fn a_plan_whose_agent_is_killed_rests_until_that_agent_starts_again_and_is_finished_then() -> Result<()>
{
    let stack = stack(Group::new("alone")).await?;
    let mut pair = Pair::start(stack.workers()).await?;
    let commit = pair.release_to_the_middle().await?;
    pair.sides[0].kill_agent();
    // What was under way is carried out, although nobody hears of it any more; then nobody goes on.
    let (mut before, mut half) = (0, pair.sides[1].cluster.names().await?.len());
    while before < half {
        sleep(AFTERWARDS).await;
        (before, half) = (half, pair.sides[1].cluster.names().await?.len());
    }
    ensure!((MIDDLE..MANY).contains(&half), "{half}");
    ensure!(pair.sides[0].cluster.leads().await?, "the worker has no reason to give its lead away");
    // The sum of those that are told, which is what an alert asks for.
    assert_eq!(pair.sides[1].agent().metric("tagalong_leader").await?, Some(0.0));

    pair.sides[0].restart_agent().await?;
    pair.sides[0].agent().wait_for_applied(&commit).await?;
    pair.all_run(0).await?;
    sleep(AFTERWARDS).await;
    let told = replay(&pair.writes()?)?;
    ensure!(told.made_once(), "{told:?}");
    assert_eq!(told.by(1), 0, "the other agent's worker never led");
    pair.end().await
}

#[tokio::test]
async fn while_all_workers_are_killed_and_start_again_nothing_is_written_and_nothing_false_is_told()
-> Result<()> {
    let (stack, pair) = at_rest("restarted").await?;
    let watch = Watch::start(&pair);
    for side in &pair.sides {
        stack.kill_part(&side.name).await?;
    }
    start_slowly(&stack, &pair.sides[0]).await?;
    stack.start_part(&pair.sides[1].name).await?;
    quiet(&pair, &watch).await?;
    pair.end().await
}

#[tokio::test]
#[ignore = "long: the gate has the workers that are killed"]
async fn while_workers_end_in_order_and_start_again_nothing_is_written_and_nothing_false_is_told()
-> Result<()> {
    let (stack, pair) = at_rest("rolled").await?;
    let watch = Watch::start(&pair);
    for side in &pair.sides {
        stack.stop_part(&side.name).await?;
    }
    for side in pair.sides.iter().rev() {
        stack.start_part(&side.name).await?;
    }
    quiet(&pair, &watch).await?;
    for side in &pair.sides {
        stack.stop_part(&side.name).await?;
        stack.start_part(&side.name).await?;
        quiet(&pair, &watch).await?;
    }
    for side in &pair.sides {
        stack.kill_part(&side.name).await?;
        stack.start_part(&side.name).await?;
        quiet(&pair, &watch).await?;
    }
    pair.end().await
}

/// Two agents that have nothing to do any more, beside workers that are missed soon.
async fn at_rest(group: &str) -> Result<(Stack, Pair)> {
    let group =
        Group::new(group).setting("session.timeout.ms", "6000").setting("heartbeat.interval.ms", "2000");
    let stack = stack(group).await?;
    let mut pair = Pair::start(stack.workers()).await?;
    let commit = pair.release()?;
    pair.sides[0].agent().wait_for_applied(&commit).await?;
    pair.all_run(0).await?;
    pair.sides.iter().for_each(|side| side.proxy.clear());
    Ok((stack, pair))
}

/// Waits until all is well again, and fails where it was not left alone.
async fn quiet(pair: &Pair, watch: &Watch) -> Result<()> {
    pair.calm().await?;
    let seen = watch.seen();
    ensure!(seen.alarms.is_empty() && seen.scrapes > 100, "{seen:?}");
    let writes = pair.writes()?;
    ensure!(writes.is_empty(), "{writes:?}");
    Ok(())
}

/// Starts a killed worker so that it takes its time to read its topics: until then it lists no connectors. Makes sure
/// that the agent beside has asked it in that time.
async fn start_slowly(stack: &Stack, side: &Beside) -> Result<()> {
    let settings = stack.running().dir.join(format!("{}.properties", side.name));
    let mut settings = File::options().append(true).open(settings)?;
    // The broker keeps each answer back until there is so much to read, or so long.
    write!(settings, "fetch.min.bytes=1000000\nfetch.max.wait.ms={}\n", SLOW.as_millis())?;
    let (started, asked) = tokio::join!(stack.start_part(&side.name), asked_too_early(side));
    started?;
    ensure!(asked? > 0, "the agent did not ask before the worker had read its list");
    Ok(())
}

/// Waits until a worker that starts lists its connectors; gives how many requests of the agent beside waited for it or
/// came while it listed none.
async fn asked_too_early(side: &Beside) -> Result<usize> {
    let (client, list) = (http::client(), format!("{}/connectors", side.url));
    let lists = async || -> Option<String> { client.get(&list).send().await.ok()?.text().await.ok() };
    let (began, mut before, mut after) = (Instant::now(), None, 0);
    loop {
        // A worker that starts leaves the question who leads without an answer, and until then no other one comes.
        let answered = side.proxy.recorded().iter().filter(|request| request.status.is_some()).count();
        match lists().await.as_deref() {
            Some("[]") => (before, after) = (before.or(Some(answered)), side.proxy.recorded().len()),
            Some(text) if text.starts_with('[') => return Ok(after - before.unwrap_or(after)),
            _ => ensure!(began.elapsed() < PATIENCE, "the worker never lists anything"),
        }
        sleep(Duration::from_millis(10)).await;
    }
}
