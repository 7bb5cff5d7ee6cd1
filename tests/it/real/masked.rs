//! A real Connect behind a proxy that masks a password in whatever it answers, as some distributions do themselves.

use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::http::Method;
use tagalong_testkit::proxy::Proxy;
use tagalong_testkit::rules::{Effect, Rule};
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::Group;
use tokio::time::sleep;

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, PATIENCE};
use crate::secrets::{Mount, with_folder};
use crate::support::agent::{Agent, wait_within};
use crate::support::definitions::Definitions;

const BEGINS: &str = "\"database.password\":\"";

/// The text with a mask in place of each password.
fn masked(text: &str) -> String {
    let mut parts = text.split(BEGINS);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.split_once('"').map_or("", |(_, rest)| rest);
        text + BEGINS + "********\"" + rest
    })
}

#[tokio::test]
async fn a_secret_that_changed_behind_a_mask_is_written_once_and_nothing_else_is() -> Result<()> {
    let stack = Stack::shared().await?;
    let worker = &stack.add_group(Group::new("masked").workers(1)).await?[0];
    let (cluster, proxy) = (Cluster::of(worker), Proxy::start(&worker.url).await?);
    proxy.rule(Rule::on("/connectors", Effect::Rewrite(masked)));
    let definitions =
        Definitions::one("orders", "  database.password: \"{{ secret('file:password') }}\"\n").await?;
    let mut mount = Mount::new()?;
    mount.swap("hunter2-one")?;
    let settings = with_folder(&definitions.settings_within(&proxy.url(), CHANGE_DEADLINE), mount.path());
    let agent = Agent::start(&settings).await?.patient(PATIENCE);
    let unverifiable = "tagalong_connector_unverifiable_keys{connector=\"orders\"}";
    agent.wait_for_metric(unverifiable, 1.0).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    assert_eq!(cluster.config("orders").await?["database.password"], "hunter2-one");

    mount.swap("hunter2-two")?;
    let renewed = || async { Ok(cluster.config("orders").await?["database.password"] == "hunter2-two") };
    wait_within(PATIENCE, "the new password is there", renewed).await.with_context(|| agent.log())?;
    agent.wait_for_metric("tagalong_connector_drifted_keys{connector=\"orders\"}", 0.0).await?;
    sleep(Duration::from_secs(5)).await;
    let puts: Vec<_> = proxy.recorded().into_iter().filter(|one| one.method == Method::PUT).collect();
    assert_eq!(puts.len(), 1, "{:?}", puts.iter().map(|one| &one.path).collect::<Vec<_>>());
    assert_eq!(puts[0].json()["database.password"], "hunter2-two");
    Ok(())
}
