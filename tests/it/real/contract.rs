//! The contract cases on real workers of 4.3, the newest, and what the other versions' need of them.
//!
//! The cases of one version share two workers and run one at a time: what one case writes is a
//! rebalance for another. Each version has a group of its own on the one broker.

use std::time::Duration;

use anyhow::{Result, ensure};
use tagalong_testkit::http;
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::{Group, Worker};
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use tokio::time::{Instant, sleep};

use crate::contract::site::Site;
use crate::contract::{every_client_case, every_plain_case};
use crate::real::cluster::PATIENCE;

/// The two workers of one version that its cases share, which no other test disturbs.
pub struct Release {
    /// The version as the cases know it.
    version: (u8, u8),
    /// The version whose jars are installed.
    connect: &'static str,
    turn: Mutex<()>,
    workers: OnceCell<Vec<Worker>>,
}

impl Release {
    /// A release that no worker runs yet.
    pub const fn new(version: (u8, u8), connect: &'static str) -> Self {
        Self { version, connect, turn: Mutex::const_new(()), workers: OnceCell::const_new() }
    }

    /// A worker learns of a rebalance with its next heartbeat; the usual 3 s would be waited for some
    /// twenty times.
    async fn workers(&self) -> Result<&[Worker]> {
        let start = || async {
            let group = Group::new(&format!("contract-{}", self.connect)).version(self.connect);
            Stack::shared().await?.add_group(group.setting("heartbeat.interval.ms", "200")).await
        };
        Ok(self.workers.get_or_try_init(start).await?)
    }
}

/// The workers of a release, for one case.
pub async fn real(case: &str, release: &'static Release) -> Result<Site> {
    let turn: MutexGuard<'static, ()> = release.turn.lock().await;
    let workers = release.workers().await?;
    let began = Instant::now();
    let (leader, follower) = loop {
        if let Some(both) = roles(workers).await? {
            break both;
        }
        ensure!(began.elapsed() < PATIENCE, "no worker leads");
        sleep(Duration::from_millis(100)).await;
    };
    Ok(Site::new(case, release.version, leader, follower, Box::new(turn)))
}

/// Who leads and who follows. While the group finds itself anew after the case before, the leader refuses as well.
async fn roles(workers: &[Worker]) -> Result<Option<(String, String)>> {
    let (mut leader, mut follower) = (None, None);
    for worker in workers {
        let probe = format!("{}/connectors/contract-probe?forward=false", worker.url);
        match http::client().delete(probe).send().await?.status().as_u16() {
            404 => leader = Some(worker.url.clone()),
            _ => follower = Some(worker.url.clone()),
        }
    }
    Ok(leader.zip(follower))
}

static NEWEST: Release = Release::new((4, 3), "4.3.0");

every_plain_case!(real, &NEWEST, []);
every_client_case!(real, &NEWEST, []);
