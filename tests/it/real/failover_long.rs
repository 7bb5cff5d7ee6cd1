//! The slower ways in which a plan is cut in two: a worker that ends in order, one that is frozen and thaws when another
//! one leads, a broker that hangs, a network that is cut. And how long it takes until another agent writes.

use std::time::Duration;

use anyhow::{Result, ensure};
use axum::http::{Method, StatusCode};
use tagalong_testkit::proxy::Recorded;
use tagalong_testkit::rules::{Effect, Rule};
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::Group;
use tokio::time::{Instant, sleep};

use crate::real::cluster::note;
use crate::real::pair::{AFTERWARDS, MANY, MIDDLE, Pair, Told, replay, stack};

/// How often each time is taken.
const RUNS: usize = 4;

/// Creations that an agent has under way at most.
const AT_ONCE: usize = 8;

#[tokio::test]
#[ignore = "long: the gate has the worker that is killed"]
async fn a_leader_that_ends_in_order_in_the_middle_of_a_plan_is_succeeded_and_nothing_is_made_twice_or_lost()
-> Result<()> {
    let stack = stack(Group::new("ended")).await?;
    let mut pair = Pair::start(stack.workers()).await?;
    let commit = pair.release_to_the_middle().await?;
    stack.stop_part(&pair.sides[0].name).await?;
    pair.sides[1].agent().wait_for_applied(&commit).await?;
    pair.all_run(1).await?;
    pair.sides[0].agent().wait_for_metric("tagalong_connect_reachable", 0.0).await?;
    sleep(AFTERWARDS).await;
    let told = replay(&pair.writes()?)?;
    ensure!(told.made_once() && (MIDDLE..MANY).contains(&told.by(0)) && told.by(1) > 0, "{told:?}");
    pair.end().await
}

/// Freezes the worker that leads in the middle of a plan and lets it go on when the other agent has finished the plan;
/// gives what was written, and how much of it the frozen worker had in hand.
async fn frozen_and_thawed(group: Group) -> Result<(Told, usize)> {
    let stack = stack(group).await?;
    let mut pair = Pair::start(stack.workers()).await?;
    let commit = pair.release_to_the_middle().await?;
    stack.freeze_part(&pair.sides[0].name).await?;
    let frozen = Instant::now();
    pair.sides[1].agent().wait_for_applied(&commit).await?;
    let open = |request: &&Recorded| request.method == "POST" && request.status.is_none();
    let in_hand = pair.sides[0].proxy.recorded().iter().filter(open).count();
    stack.thaw_part(&pair.sides[0].name).await?;
    pair.sides[0].agent().wait_for_metric("tagalong_leader", 0.0).await?;
    pair.all_run(1).await?;
    sleep(AFTERWARDS).await;
    let writes = pair.writes()?;
    // What the agent sends after the thaw is refused, one by one or with the rest of the plan.
    let late =
        writes.iter().filter(|write| write.from == 0 && write.at > frozen && write.status == Some(201));
    assert_eq!(late.map(|write| write.name.as_str()).collect::<Vec<_>>(), [""; 0]);
    let told = replay(&writes)?;
    note(&format!(
        "{in_hand} in hand, {} made twice, {} unanswered",
        told.twice().len(),
        told.unanswered.len()
    ));
    pair.end().await?;
    Ok((told, in_hand))
}

#[tokio::test]
#[ignore = "long: a worker is frozen until another one leads"]
async fn a_leader_that_thaws_when_another_one_leads_makes_at_most_again_what_it_had_in_hand() -> Result<()> {
    let (told, in_hand) = frozen_and_thawed(Group::new("thawed")).await?;
    ensure!((1..=AT_ONCE).contains(&in_hand), "{in_hand}");
    ensure!(told.twice().len() <= in_hand && told.by(1) > 0, "{told:?}");
    Ok(())
}

#[tokio::test]
#[ignore = "long: a worker is frozen until another one leads"]
async fn a_leader_that_thaws_makes_nothing_twice_where_its_writes_are_fenced() -> Result<()> {
    let fenced = Group::new("fenced").setting("exactly.once.source.support", "preparing");
    let (told, in_hand) = frozen_and_thawed(fenced).await?;
    ensure!((1..=AT_ONCE).contains(&in_hand), "{in_hand}");
    assert_eq!(told.twice(), [""; 0]);
    Ok(())
}

#[tokio::test]
#[ignore = "long: the broker is frozen for 20 seconds"]
async fn a_plan_goes_on_when_a_frozen_broker_thaws_and_nothing_is_made_twice_or_lost() -> Result<()> {
    let stack = stack(Group::new("broker")).await?;
    let mut pair = Pair::start(stack.workers()).await?;
    pair.release_to_the_middle().await?;
    stack.freeze_part("kafka").await?;
    sleep(Duration::from_secs(20)).await;
    stack.thaw_part("kafka").await?;
    let thawed = Instant::now();
    pair.all_run(0).await?;
    note(&format!("all run {:.1?} after the broker thawed", thawed.elapsed()));
    pair.calm().await?;
    sleep(AFTERWARDS).await;
    let told = replay(&pair.writes()?)?;
    note(&format!("{} and {} made, {:?} unanswered", told.by(0), told.by(1), told.unanswered));
    assert_eq!(told.twice(), [""; 0]);
    pair.end().await
}

#[tokio::test]
#[ignore = "long: a request that nobody answers is waited for for 100 seconds"]
async fn a_plan_that_is_cut_off_from_its_worker_goes_on_when_the_network_is_back() -> Result<()> {
    let stack = stack(Group::new("cut")).await?;
    let mut pair = Pair::start(stack.workers()).await?;
    let commit = pair.release_to_the_middle().await?;
    // Some requests come through and their answers do not; then nothing does.
    let lost = Effect::Swallow(StatusCode::GATEWAY_TIMEOUT, String::new());
    let proxy = &pair.sides[0].proxy;
    proxy.rule(Rule::on("/connectors?forward=false", lost).method(Method::POST).times(3));
    proxy.rule(Rule::on("", Effect::Hang));
    let cut = Instant::now();
    pair.sides[0].agent().wait_for_metric("tagalong_connect_reachable", 0.0).await?;
    note(&format!("it tells that its worker does not answer {:.0?} after the cut", cut.elapsed()));
    assert_eq!(pair.sides[0].agent().metric("tagalong_leader").await?, None);
    let missing = "tagalong_connectors{sync=\"missing\"}";
    assert_eq!(pair.sides[0].agent().metric(missing).await?, Some(0.0), "nothing old is told");
    assert_eq!(pair.sides[1].agent().metric("tagalong_leader").await?, Some(0.0));
    ensure!(pair.sides[0].cluster.leads().await?, "the worker leads on");
    ensure!((MIDDLE..MANY).contains(&pair.sides[1].cluster.names().await?.len()), "nobody goes on");
    pair.sides[0].proxy.heal();
    pair.sides[0].agent().wait_for_applied(&commit).await?;
    pair.all_run(0).await?;
    sleep(AFTERWARDS).await;
    let told = replay(&pair.writes()?)?;
    ensure!(told.made_once() && !told.unanswered.is_empty(), "{told:?}");
    assert_eq!(told.by(1), 0, "the other agent's worker never led");
    pair.end().await
}

/// How a leading worker goes.
#[derive(Clone, Copy, Debug)]
enum End {
    Killed,
    Told,
}

#[tokio::test]
#[ignore = "long: sixteen leads move, each in a cluster of its own"]
async fn how_long_it_takes_until_the_agent_beside_the_next_leader_writes() -> Result<()> {
    let stack = stack(Group::new("measured").workers(1)).await?;
    for (nth, (end, delay, interval)) in [
        (End::Killed, "0", "1s"),
        (End::Killed, "300000", "1s"),
        (End::Told, "0", "1s"),
        (End::Killed, "0", "20s"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut took = Vec::new();
        for run in 0..RUNS {
            let group = Group::new(&format!("measured-{nth}-{run}"));
            let group = group.setting("scheduled.rebalance.max.delay.ms", delay);
            took.push(until_the_next_writes(&stack, group, end, interval).await?.as_secs_f64());
        }
        took.sort_by(f64::total_cmp);
        note(&format!(
            "{end:?}, scheduled.rebalance.max.delay.ms={delay}, interval: {interval}: {took:.1?} s"
        ));
    }
    Ok(())
}

async fn until_the_next_writes(stack: &Stack, group: Group, end: End, interval: &str) -> Result<Duration> {
    let mut pair = Pair::at_intervals(&stack.add_group(group).await?, interval).await?;
    let commit = pair.release_to_the_middle().await?;
    let began = Instant::now();
    match end {
        End::Killed => stack.kill_part(&pair.sides[0].name).await?,
        End::Told => stack.stop_part(&pair.sides[0].name).await?,
    }
    pair.sides[1].agent().wait_for_applied(&commit).await?;
    let told = replay(&pair.writes()?)?;
    ensure!(told.made_once(), "{told:?}");
    let took = pair.first_write(1, began)? - began;
    stack.kill_part(&pair.sides[1].name).await?;
    Ok(took)
}
