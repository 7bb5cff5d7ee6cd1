//! Step (g): the worker that leads is killed, and the agent beside the other one goes on.

use crate::Sabotage;
use crate::expect::{same, until};
use crate::look::{
    CONNECTOR, KEY, SOON, has, ids, observed, one_leads, one_put, requests, row, running, says, synced,
};
use crate::say;
use crate::world::{DATABASE, INTERVAL, World};
use anyhow::Result;
use std::time::{Duration, Instant};

// A lost worker is missed after its session's timeout, which Connect sets to 10 s; then the group finds itself anew.
const TAKEOVER: Duration = Duration::from_mins(1);
const SIZE: &str = "1024";

/// Tells the step, and gives what was observed.
pub async fn g(world: &mut World) -> Result<String> {
    say(
        "\n(g) The worker that leads and runs the task is killed, and a change released: the other agent takes over.",
    );
    running(world).await?;
    let killed = world.leader().await?;
    let other = 1 - killed;
    let worker = world.stack.workers()[killed].clone();
    gather(world, killed).await?;
    say(&format!(
        "    {} is killed; session.timeout.ms is Connect's own, scheduled.rebalance.max.delay.ms is 0, not 5 min",
        worker.name
    ));
    world.clear_requests();
    let began = Instant::now();
    if world.sabotage != Some(Sabotage::Kill) {
        world.stack.kill_part(&worker.name).await?;
    }
    world.stack.postgres().sql(DATABASE, "INSERT INTO orders VALUES (3, 'plums')").await?;
    release(world)?;
    say(&format!("    v1 was moved {:.1} s later", began.elapsed().as_secs_f32()));
    let world = &*world;
    let (led, applied, (flowed, first)) = tokio::try_join!(
        async {
            says(world, other, "tagalong_leader", 1, TAKEOVER).await?;
            anyhow::Ok(began.elapsed())
        },
        async {
            until("the other worker to have max.batch.size 1024", TAKEOVER, async || has(world, SIZE).await)
                .await?;
            anyhow::Ok(began.elapsed())
        },
        async {
            let row = row(world.stack.kafka(), 3, TAKEOVER).await?;
            anyhow::Ok((began.elapsed(), row))
        },
    )?;
    says(world, killed, "tagalong_connect_reachable", 0, SOON).await?;
    running(world).await?;
    synced(world).await?;
    world.stack.postgres().sql(DATABASE, "INSERT INTO orders VALUES (4, 'figs')").await?;
    let last = row(world.stack.kafka(), 4, SOON).await?;
    let back = comes_back(world, killed, &worker.name).await?;
    let again = twice(world).await?;
    Ok(observed(
        "g",
        &format!(
            "agent {} leads {:.1} s after the kill; {KEY} {SIZE} after {:.1} s, one PUT; first row {first} after {:.1} s, then {last}; \
             {again} rows twice; {} is back after {:.1} s and follows",
            other + 1,
            led.as_secs_f32(),
            applied.as_secs_f32(),
            flowed.as_secs_f32(),
            worker.name,
            back.as_secs_f32(),
        ),
    ))
}

fn release(world: &mut World) -> Result<()> {
    world.take_typo_back()?;
    world.release_batch_size("orders: smaller batches; payments: not yet", SIZE).map(drop)
}

// The worst case shall be told. Where the task runs on the worker that follows, that one's restart moves it.
async fn gather(world: &World, leader: usize) -> Result<()> {
    let workers = world.stack.workers();
    if runs_on(world, &workers[leader].url).await.is_ok() {
        return Ok(());
    }
    let follower = &workers[1 - leader].name;
    say(&format!("    the task runs on {follower}, which is restarted first, so that it moves"));
    world.stack.stop_part(follower).await?;
    until("the task to run on the worker that leads", SOON, async || {
        runs_on(world, &workers[leader].url).await
    })
    .await?;
    world.stack.start_part(follower).await?;
    let (leaders, _) = one_leads(world).await?;
    same("tagalong_leader beside the worker that led", &1, &leaders[leader])
}

async fn runs_on(world: &World, url: &str) -> Result<(), String> {
    let told = world.connect(&format!("/connectors/{CONNECTOR}/status")).await?;
    let task = &told["tasks"][0];
    let here = task["worker_id"].as_str().is_some_and(|at| url.ends_with(at));
    if here && task["state"] == "RUNNING" { Ok(()) } else { Err(told.to_string()) }
}

// The killed worker starts anew and follows; whoever leads has nothing left to write.
async fn comes_back(world: &World, killed: usize, worker: &str) -> Result<Duration> {
    let began = Instant::now();
    world.stack.start_part(worker).await?;
    says(world, killed, "tagalong_connect_reachable", 1, SOON).await?;
    let (leaders, _) = one_leads(world).await?;
    let back = began.elapsed();
    same("tagalong_leader of the agent beside the killed worker", &0, &leaders[killed])?;
    // A turn more, in which something could be written once more.
    tokio::time::sleep(INTERVAL).await;
    same("the writes of both agents", &one_put(), &requests(world))?;
    Ok(back)
}

// Nothing is lost; what was not yet noted as sent when the worker was killed, Connect sends again.
async fn twice(world: &World) -> Result<usize> {
    let ids = ids(world.stack.kafka()).await?;
    let mut rows = ids.clone();
    rows.sort_unstable();
    rows.dedup();
    let told: Vec<String> = rows.iter().map(ToString::to_string).collect();
    let stored = world.stack.postgres().sql(DATABASE, "SELECT id FROM orders ORDER BY id").await?;
    same("the rows in Kafka", &stored.lines().map(str::to_owned).collect(), &told)?;
    Ok(ids.len() - rows.len())
}
