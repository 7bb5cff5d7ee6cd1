//! The contract cases on real workers, one at a time: what one case writes is a rebalance for another.

use anyhow::{Context as _, Result};
use tagalong_testkit::http;
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::{Group, Worker};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::contract::every_case;
use crate::contract::site::Site;

static TURN: Mutex<()> = Mutex::const_new(());
static WORKERS: OnceCell<Vec<Worker>> = OnceCell::const_new();

/// Two workers of their own, which no other test disturbs.
///
/// A worker learns of a rebalance with its next heartbeat; the usual 3 s would be waited for some
/// twenty times.
async fn workers() -> Result<&'static [Worker]> {
    let start = || async {
        let group = Group::new("contract").setting("heartbeat.interval.ms", "200");
        Stack::shared().await?.add_group(group).await
    };
    Ok(WORKERS.get_or_try_init(start).await?)
}

async fn real(case: &str) -> Result<Site> {
    let turn: MutexGuard<'static, ()> = TURN.lock().await;
    let (mut leader, mut follower) = (None, None);
    for worker in workers().await? {
        let probe = format!("{}/connectors/contract-probe?forward=false", worker.url);
        match http::client().delete(probe).send().await?.status().as_u16() {
            404 => leader = Some(worker.url.clone()),
            _ => follower = Some(worker.url.clone()),
        }
    }
    let (leader, follower) = (leader.context("a leader")?, follower.context("a follower")?);
    Ok(Site::new(case, leader, follower, Box::new(turn)))
}

every_case!(real);
