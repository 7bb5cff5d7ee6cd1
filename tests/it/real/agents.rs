//! Two agents, each beside its own worker, one definitions repository: however the tag moves, each change is written
//! once, by one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::proxy::{Proxy, Recorded};
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::Group;
use tokio::time::{Instant, sleep};

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, Config, PATIENCE, acts};
use crate::support::agent::{Agent, wait_within};
use crate::support::definitions::{Definitions, file_of, file_source};

const CONNECTORS: [&str; 6] = ["agents-a", "agents-b", "agents-c", "agents-d", "agents-e", "agents-f"];

const MOVES: usize = 25;

/// Another seed is another story; this one is as good as any.
const SEED: u64 = 7;

/// Every revision has another value here.
const KEY: &str = "batch.size";

/// A worker, the proxy in front of it and the agent beside it.
struct Beside {
    cluster: Cluster,
    proxy: Proxy,
    /// When the proxy began to count.
    born: Instant,
    agent: Agent,
}

/// A write that Connect carried out.
#[derive(Debug)]
struct Written {
    at: Instant,
    request: Recorded,
}

impl Beside {
    async fn start(
        worker: &tagalong_testkit::stack::protocol::Worker,
        definitions: &Definitions,
    ) -> Result<Self> {
        let born = Instant::now();
        let proxy = Proxy::start(&worker.url).await?;
        let settings = definitions.settings_within(&proxy.url(), CHANGE_DEADLINE);
        let agent = Agent::start(&settings).await?.patient(PATIENCE);
        Ok(Self { cluster: Cluster::of(worker), proxy, born, agent })
    }

    fn written(&self) -> impl Iterator<Item = Written> {
        let done = |request: &Recorded| {
            request.is_write() && request.status.is_some_and(|status| (200..300).contains(&status))
        };
        let born = self.born;
        self.proxy
            .recorded()
            .into_iter()
            .filter(done)
            .map(move |request| Written { at: born + request.at, request })
    }
}

/// The files of a revision: each connector has its number.
fn files(revision: usize) -> Vec<(String, String)> {
    let text = |name: &str| file_source(name, &format!("  {KEY}: {}\n", 100 + revision));
    CONNECTORS.iter().map(|name| (file_of(name), text(name))).collect()
}

/// The config that a connector has at a revision.
fn config(name: &str, revision: usize) -> Config {
    let pairs = [
        ("name", name.to_owned()),
        ("connector.class", "FileStreamSource".to_owned()),
        ("tasks.max", "1".to_owned()),
        ("topic", name.to_owned()),
        ("file", "/dev/null".to_owned()),
        (KEY, (100 + revision).to_string()),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}

#[tokio::test]
async fn however_the_tag_moves_each_change_is_written_once_by_the_agent_beside_the_leader() -> Result<()> {
    let stack = Stack::shared().await?;
    let workers = stack.add_group(Group::new("agents")).await?;
    let mut definitions = Definitions::new(&[]).await?;
    // Every revision is made before the first agent looks; from then on only the tag moves.
    let mut commits = Vec::new();
    for revision in 0..MOVES {
        let files = files(revision);
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        commits.push(definitions.release(&files)?);
    }
    definitions.move_to(&commits[0])?;
    let mut pair = Vec::new();
    for worker in &workers {
        pair.push(Beside::start(worker, &definitions).await?);
    }
    if !pair[0].cluster.leads().await? {
        pair.swap(0, 1);
    }
    let (leader, follower) = (&pair[0], &pair[1]);
    ensure!(leader.cluster.leads().await?, "one of two workers leads");
    leader.agent.wait_for_applied(&commits[0]).await?;
    follower.agent.wait_for_metric("tagalong_leader", 0.0).await?;

    let named = wander(&mut definitions, &commits).await?;
    let last = *named.last().expect("it moved");
    // Not `applied` alone: that may be told of the same revision, from before the tag left it and came back.
    for name in CONNECTORS {
        let is_last = || async { Ok(leader.cluster.config(name).await? == config(name, last)) };
        let what = format!("{name} is as revision {last} has it");
        wait_within(PATIENCE, &what, is_last).await.with_context(|| leader.agent.log())?;
    }
    leader.agent.wait_for_applied(&commits[last]).await?;
    // An agent that has more to write, or writes for ever, shows within some intervals.
    sleep(Duration::from_secs(4)).await;

    for name in CONNECTORS {
        assert_eq!(leader.cluster.config(name).await?, config(name, last), "{name}");
    }
    let refused: Vec<_> = follower.written().collect();
    assert!(refused.is_empty(), "the follower wrote: {refused:?}");
    let mut written: Vec<_> = leader.written().collect();
    written.sort_by_key(|written| written.at);
    replay(&written, &named)?;

    put_back(leader).await?;
    for Beside { agent, .. } in pair {
        agent.end().await?;
    }
    for worker in &workers {
        stack.stop_part(&worker.name).await?;
    }
    Ok(())
}

/// Moves the tag forward and back at random moments; gives every revision that it named, in order.
async fn wander(definitions: &mut Definitions, commits: &[String]) -> Result<Vec<usize>> {
    let mut random = fastrand::Rng::with_seed(SEED);
    let (mut named, mut newest) = (vec![0], 0);
    for _ in 0..MOVES {
        sleep(Duration::from_millis(random.u64(200..3000))).await;
        let now = *named.last().expect("it begins with one");
        let back = newest > 1 && random.u8(..) < 80;
        let next = if back || newest + 1 == commits.len() {
            let other = random.usize(..newest);
            if other >= now { other + 1 } else { other }
        } else {
            newest + 1
        };
        newest = newest.max(next);
        definitions.move_to(&commits[next])?;
        named.push(next);
    }
    Ok(named)
}

/// Goes through what was written, in order: each write changes its connector, and for each connector the revisions
/// come in the order in which the tag named them, none more often than that.
fn replay(written: &[Written], named: &[usize]) -> Result<()> {
    let mut configs: BTreeMap<String, Config> = BTreeMap::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for Written { at: _, request } in written {
        let body = request.json();
        let (name, config) = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/connectors?forward=false") => {
                (body["name"].as_str().context("a name")?.to_owned(), body["config"].clone())
            }
            ("PUT", path) => {
                let name = path
                    .strip_prefix("/connectors/")
                    .and_then(|path| path.strip_suffix("/config?forward=false"));
                (name.with_context(|| path.to_owned())?.to_owned(), body)
            }
            (method, path) => anyhow::bail!("an unexpected write: {method} {path}"),
        };
        let mut config: Config = serde_json::from_value(config)?;
        config.insert("name".to_owned(), name.clone());
        let value: usize = config[KEY].parse()?;
        let from = places.get(&name).map_or(0, |place| place + 1);
        let place = named[from..].iter().position(|revision| revision + 100 == value);
        let place =
            place.with_context(|| format!("{name}: {value} once too often, after {from} of {named:?}"))?;
        places.insert(name.clone(), from + place);
        let before = configs.insert(name.clone(), config);
        ensure!(before.as_ref() != configs.get(&name), "a write left {name} as it was: {value}");
    }
    let all: BTreeSet<_> = CONNECTORS.map(str::to_owned).into();
    ensure!(configs.keys().cloned().collect::<BTreeSet<_>>() == all, "{configs:?}");
    ensure!(written.len() > 2 * CONNECTORS.len(), "hardly anything was written: {written:?}");
    Ok(())
}

/// A connector that is changed by hand is put back with one write.
async fn put_back(Beside { cluster, proxy, agent, .. }: &Beside) -> Result<()> {
    let name = CONNECTORS[0];
    let released = cluster.config(name).await?;
    proxy.clear();
    let mut by_hand = released.clone();
    by_hand.insert("topic".to_owned(), "elsewhere".to_owned());
    cluster.put(name, &by_hand).await?;
    let back = || async { Ok(cluster.config(name).await? == released) };
    wait_within(PATIENCE, "the change is put back", back).await.with_context(|| agent.log())?;
    sleep(Duration::from_secs(4)).await;
    let written: Vec<_> =
        acts(proxy).map(|request| (request.method.to_string(), request.path, request.status)).collect();
    assert_eq!(written, [("PUT".to_owned(), format!("/connectors/{name}/config?forward=false"), Some(200))]);
    Ok(())
}
