//! The contract cases on real workers, one at a time: what one case writes is a rebalance for another.

use anyhow::{Context as _, Result};
use tagalong_testkit::http;
use tagalong_testkit::stack::handle::Stack;
use tokio::sync::{Mutex, MutexGuard};

use crate::contract::every_case;
use crate::contract::site::Site;

static TURN: Mutex<()> = Mutex::const_new(());

async fn real(case: &str) -> Result<Site> {
    let turn: MutexGuard<'static, ()> = TURN.lock().await;
    let stack = Stack::shared().await?;
    let (mut leader, mut follower) = (None, None);
    for worker in stack.workers() {
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
