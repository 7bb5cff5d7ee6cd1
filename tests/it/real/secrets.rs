//! A secret of the agent's on its way into a real Connect: there it is, in plain text, and nowhere else.

use anyhow::{Context as _, Result};
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::Group;

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, PATIENCE};
use crate::secrets::{MARK, Mount, told, with_folder, with_secret};
use crate::support::agent::{Agent, wait_within};
use crate::support::definitions::{Definitions, file_of};

#[tokio::test]
async fn connect_is_sent_the_secret_and_the_agent_tells_nothing_of_it() -> Result<()> {
    let stack = Stack::shared().await?;
    let worker = &stack.add_group(Group::new("secrets").workers(1)).await?[0];
    let cluster = Cluster::of(worker);
    let definitions = Definitions::new(&[(&file_of("orders"), &with_secret("orders"))]).await?;
    let mut mount = Mount::new()?;
    let settings = with_folder(&definitions.settings_within(&worker.url, CHANGE_DEADLINE), mount.path());
    let variables = [("TAGALONG_SECRET_USER", "hunter2-user"), ("TAGALONG_LOG__LEVEL", "trace")];
    let agent = Agent::start_with(&settings, &variables).await?.patient(PATIENCE);
    let unknown = "tagalong_connector_sync_state{connector=\"orders\",state=\"unknown\"}";
    agent.wait_for_metric(unknown, 1.0).await?;
    assert_eq!(cluster.names().await?, [""; 0], "nothing is made without its secret");

    mount.swap("hunter2-one")?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let config = cluster.config("orders").await?;
    assert_eq!(
        (config["greeting"].as_str(), config["both"].as_str()),
        ("hunter2-one", "hunter2-user:hunter2-one@x")
    );

    mount.swap("hunter2-two")?;
    let renewed = || async { Ok(cluster.config("orders").await?["greeting"] == "hunter2-two") };
    wait_within(PATIENCE, "the new password is there", renewed).await.with_context(|| agent.log())?;
    let told = told(&agent).await?;
    assert!(!told.contains(MARK), "{}", told.lines().find(|line| line.contains(MARK)).unwrap_or_default());
    Ok(())
}
