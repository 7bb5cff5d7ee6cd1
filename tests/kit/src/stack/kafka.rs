//! The broker: one process that is KRaft controller and broker at once.

use crate::process::{Launch, Process};
use crate::stack::parts;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// Writes the broker's settings and its formatted, empty log folder.
pub fn prepare(dir: &Path, log4j: &Path, port: u16, controller: u16) -> Result<Process> {
    let data = dir.join("kafka");
    fs::create_dir(&data)?;
    // What `kafka-storage format` would write, without the JVM that it takes.
    fs::write(
        data.join("meta.properties"),
        "version=1\nnode.id=1\ncluster.id=dGFnYWxvbmd0ZXN0c3Rjaw\ndirectory.id=dGFnYWxvbmd0ZXN0bG9nMQ\n",
    )?;
    let settings = dir.join("kafka.properties");
    fs::write(&settings, properties(&data, port, controller)).context("write the broker's settings")?;
    let launch = Launch::jvm(&parts::java(), parts::kafka_classes()?, log4j, "kafka.Kafka", &settings);
    Ok(Process::new("kafka", launch, dir))
}

/// Waits until the broker listens.
pub async fn listening(broker: &mut Process, port: u16, within: Duration) -> Result<()> {
    let deadline = Instant::now() + within;
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        broker.check()?;
        if Instant::now() > deadline {
            bail!("the broker does not listen after {within:?}");
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

fn properties(data: &Path, port: u16, controller: u16) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
log.dirs={}
",
        data.display()
    )
}
