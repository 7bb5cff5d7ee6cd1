//! A real connector that was made by plain REST, and an agent that comes later: not one write, and from then on nothing
//! tells it from one that the agent made.

use anyhow::Result;
use tagalong_testkit::proxy::{Proxy, Recorded};
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::Group;

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, Config, PATIENCE, acts};
use crate::support::agent::{Agent, wait_within};
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::seen::seen;

const NAME: &str = "adopted";

/// What was asked of Connect that is no read and no question who leads.
fn asked(proxy: &Proxy) -> Vec<String> {
    let word = |Recorded { method, path, body, .. }: Recorded| {
        format!("{method} {path} {}", String::from_utf8_lossy(&body))
    };
    acts(proxy).map(word).collect()
}

#[tokio::test]
async fn what_was_made_by_plain_rest_is_adopted_without_a_write_and_is_like_what_an_agent_made() -> Result<()>
{
    let stack = Stack::shared().await?;
    let worker = &stack.add_group(Group::new("adopted").workers(1)).await?[0];
    let (cluster, proxy) = (Cluster::of(worker), Proxy::start(&worker.url).await?);
    let by_hand =
        [("connector.class", "FileStreamSource"), ("tasks.max", "1"), ("topic", NAME), ("file", "/dev/null")];
    let by_hand: Config = by_hand.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let made = || async { cluster.put(NAME, &by_hand).await.map(|()| true) };
    wait_within(PATIENCE, "a connector is made by hand", made).await?;
    let runs = || async { Ok(cluster.state(NAME).await? == "RUNNING [RUNNING]") };
    wait_within(PATIENCE, "it runs", runs).await?;

    let mut definitions = Definitions::one(NAME, "").await?;
    let first = definitions.released()?;
    let settings = definitions.settings_within(&proxy.url(), CHANGE_DEADLINE);
    let adopts = Agent::start(&settings).await?.patient(PATIENCE);
    adopts.wait_for_applied(&first).await?;
    let adopted = (seen(&adopts).await?, cluster.config(NAME).await?);
    assert_eq!(asked(&proxy), [""; 0], "not one write");
    let second = definitions.release(&[(&file_of(NAME), &file_source(NAME, "  batch.size: 7\n"))])?;
    adopts.wait_for_applied(&second).await?;
    let adopted_changed = (seen(&adopts).await?, cluster.config(NAME).await?, asked(&proxy));
    adopts.end().await?;

    // The same once more, where the agent itself makes it.
    definitions.release(&[(&file_of(NAME), "connector: adopted\nstate: absent\n")])?;
    let deletes = Agent::start(&settings).await?.patient(PATIENCE);
    deletes.wait_for_applied(&definitions.released()?).await?;
    deletes.end().await?;
    assert_eq!(cluster.names().await?, [""; 0]);
    definitions.move_to(&first)?;
    let makes = Agent::start(&settings).await?.patient(PATIENCE);
    makes.wait_for_applied(&first).await?;
    let made = (seen(&makes).await?, cluster.config(NAME).await?);
    assert_eq!(adopted, made);
    proxy.clear();
    definitions.move_to(&second)?;
    makes.wait_for_applied(&second).await?;
    let made_changed = (seen(&makes).await?, cluster.config(NAME).await?, asked(&proxy));
    assert_eq!(adopted_changed.2.len(), 1, "{:?}", adopted_changed.2);
    assert_eq!(adopted_changed, made_changed);
    makes.end().await?;
    stack.stop_part(&worker.name).await
}
