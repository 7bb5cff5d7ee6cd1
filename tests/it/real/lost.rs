//! Two repositories on one real cluster, each followed by an agent beside each of its two workers: a release that lost
//! every definition deletes nothing, and a connector that moves from one to the other is deleted by neither.

use anyhow::Result;
use tagalong_testkit::proxy::Proxy;
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::{Group, Worker};

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, PATIENCE, lines};
use crate::support::agent::Agent;
use crate::support::definitions::{Definitions, file_of, file_source};

const DECLARED: [&str; 4] = ["lost-a", "lost-b", "lost-c", "lost-moves"];

const HELD: &str = "tagalong_held{hold=\"too-many-deletes\"}";

/// A repository, and the agents that follow it, the leader's first.
struct Team {
    definitions: Definitions,
    proxies: Vec<Proxy>,
    agents: Vec<Agent>,
}

impl Team {
    async fn start(workers: &[&Worker], names: &[&str], scope: &str) -> Result<Self> {
        let files: Vec<_> = names.iter().map(|name| (file_of(name), file_source(name, ""))).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let definitions = Definitions::new(&files).await?;
        let (mut proxies, mut agents) = (Vec::new(), Vec::new());
        for worker in workers {
            let proxy = Proxy::start(&worker.url).await?;
            let settings = definitions.settings_within(&proxy.url(), CHANGE_DEADLINE);
            let more = format!("prune: {{policy: owned}}\nselect: {{include: ['{scope}*', lost-moves]}}\n");
            agents.push(Agent::start(&format!("{settings}{more}")).await?.patient(PATIENCE));
            proxies.push(proxy);
        }
        let team = Self { definitions, proxies, agents };
        team.leader().wait_for_applied(&team.definitions.released()?).await?;
        Ok(team)
    }

    fn leader(&self) -> &Agent {
        &self.agents[0]
    }

    /// What its agents have written, without probes.
    fn writes(&self) -> Vec<String> {
        self.proxies.iter().flat_map(lines).collect()
    }

    /// Lets its agents look some times more.
    async fn some_cycles(&self) -> Result<()> {
        let looks = "tagalong_cycle_duration_seconds_count";
        let mut due = Vec::new();
        for agent in &self.agents {
            // Long enough for the second look that a deletion waits for.
            due.push((agent, agent.metric(looks).await?.unwrap_or_default() + 15.0));
        }
        for (agent, due) in due {
            agent.wait_for_metric_from(looks, due).await?;
        }
        Ok(())
    }
}

#[tokio::test]
#[ignore = "long: many looks of four agents, after each of four releases"]
async fn a_release_that_lost_all_deletes_nothing_and_a_connector_that_moves_is_deleted_by_neither()
-> Result<()> {
    let stack = Stack::shared().await?;
    let workers = stack.add_group(Group::new("lost")).await?;
    let mut beside: Vec<_> = workers.iter().collect();
    if !Cluster::of(beside[0]).leads().await? {
        beside.swap(0, 1);
    }
    let cluster = Cluster::of(beside[0]);
    let mut old = Team::start(&beside, &DECLARED, "lost-").await?;
    let complete = old.definitions.released()?;
    old.proxies.iter().for_each(Proxy::clear);

    let paths = DECLARED.map(file_of);
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    old.definitions.origin.remove("everything is lost", &paths)?;
    old.definitions.origin.annotated_tag("v1", "HEAD", "release")?;
    old.leader().wait_for_metric(HELD, 4.0).await?;
    old.some_cycles().await?;
    assert_eq!(old.writes(), [""; 0], "nothing is deleted");
    assert_eq!(old.leader().metric(HELD).await?, Some(4.0), "and that is told");
    old.definitions.move_to(&complete)?;
    old.leader().wait_for_metric(HELD, 0.0).await?;
    old.some_cycles().await?;
    assert_eq!(old.writes(), [""; 0], "all of it is as it was");

    let mut new = Team::start(&beside, &["found-a"], "found-").await?;
    new.proxies.iter().for_each(Proxy::clear);
    let moved = new
        .definitions
        .release(&[(&file_of("lost-moves"), &file_source("lost-moves", "  batch.size: 7\n"))])?;
    let mut files: Vec<_> = DECLARED[..3].iter().map(|name| (file_of(name), file_source(name, ""))).collect();
    let forget = "forget: lost-moves\nreason: the other team has it\n";
    files.push(("connectors/moved.yaml".to_owned(), forget.to_owned()));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let forgotten = old.definitions.release(&files)?;
    new.leader().wait_for_applied(&moved).await?;
    old.leader().wait_for_applied(&forgotten).await?;
    new.some_cycles().await?;
    old.some_cycles().await?;
    assert_eq!(cluster.config("lost-moves").await?["batch.size"], "7");
    for write in old.writes().into_iter().chain(new.writes()) {
        assert!(!write.starts_with("DELETE") && !write.contains("/stop"), "{write}");
    }
    for agent in old.agents.into_iter().chain(new.agents) {
        agent.end().await?;
    }
    for worker in &workers {
        stack.stop_part(&worker.name).await?;
    }
    Ok(())
}
