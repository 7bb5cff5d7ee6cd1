//! In front of a real worker: what an agent sends when nothing is to be done, and what is sent where nothing may be
//! written. A recording proxy stands between the two.

use anyhow::{Context as _, Result};
use std::time::Duration;
use tagalong_testkit::git::http::Exchange;
use tagalong_testkit::proxy::{Proxy, Recorded};
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::Group;
use tokio::time::Instant;

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, Config, PATIENCE, note};
use crate::support::agent::{Agent, tagalong, wait_within};
use crate::support::definitions::{Definitions, file_of, file_source};

/// The requests of one quiet interval: a probe and two reads.
const QUIET: [&str; 3] = ["probe", "GET /connectors", "GET /connectors?expand=info&expand=status"];

/// How many quiet intervals are looked at.
const INTERVALS: usize = 4;

const MANY: usize = 200;

/// How many of them are deleted at the end.
const FEW: usize = 10;

/// A request in one word or two.
fn word(request: &Recorded) -> String {
    let Recorded { method, path, .. } = request;
    if method == "DELETE"
        && path.starts_with("/connectors/tagalong-probe-")
        && path.ends_with("?forward=false")
    {
        "probe".to_owned()
    } else {
        format!("{method} {path}")
    }
}

fn words(proxy: &Proxy) -> Vec<String> {
    proxy.recorded().iter().map(word).collect()
}

fn files(count: usize, text: impl Fn(&str) -> String) -> Vec<(String, String)> {
    (0..count).map(|n| format!("steady-{n:03}")).map(|name| (file_of(&name), text(&name))).collect()
}

fn release(definitions: &mut Definitions, files: &[(String, String)]) -> Result<String> {
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    definitions.release(&files)
}

#[tokio::test]
async fn a_quiet_interval_costs_one_listing_one_probe_and_two_reads() -> Result<()> {
    let stack = Stack::shared().await?;
    let worker = &stack.add_group(Group::new("steady").workers(1)).await?[0];
    let (cluster, proxy) = (Cluster::of(worker), Proxy::start(&worker.url).await?);
    let mut definitions = Definitions::new(&[]).await?;
    let settings = definitions.settings_within(&proxy.url(), CHANGE_DEADLINE);
    let agent = Agent::start(&settings).await?.patient(PATIENCE);

    for count in [1, MANY] {
        let began = Instant::now();
        let commit = release(&mut definitions, &files(count, |name| file_source(name, "")))?;
        agent.wait_for_applied(&commit).await?;
        note(&format!("{count} connectors were applied {:.1?} after the tag was moved", began.elapsed()));
        assert_eq!(cluster.names().await?.len(), count);
        let (requests, listings, took) = quiet(&proxy, &definitions).await?;
        let expected = QUIET.iter().copied().cycle().take(requests.len());
        assert_eq!(requests, expected.collect::<Vec<_>>(), "{count} connectors");
        assert!(requests.len() <= listings.len() * QUIET.len(), "{count}: {requests:?} of {listings:?}");
        // A second each, up to a tenth of it sooner.
        assert!(
            f64::from(u32::try_from(listings.len() - 1)?) * 0.9 <= took.as_secs_f64(),
            "{took:?}: {listings:?}"
        );
        assert!(listings.iter().all(|listing| listing.method == "POST"), "{listings:?}");
    }

    // Only some: Connect takes the better part of a second for each, and the rest ends with its worker.
    proxy.clear();
    let began = Instant::now();
    let absent = |name: &str| format!("connector: {name}\nstate: absent\n");
    let commit = release(&mut definitions, &files(FEW, absent))?;
    agent.wait_for_applied(&commit).await?;
    note(&format!("{FEW} connectors were deleted {:.1?} after the tag was moved", began.elapsed()));
    assert_eq!(cluster.names().await?.len(), MANY - FEW);
    let deletions = words(&proxy).iter().filter(|word| word.starts_with("DELETE")).count();
    assert_eq!(deletions, FEW, "each once");
    agent.end().await?;
    stack.stop_part(&worker.name).await
}

/// What was asked of the worker and of the git server in the next quiet intervals, and how long they were.
async fn quiet(proxy: &Proxy, definitions: &Definitions) -> Result<(Vec<String>, Vec<Exchange>, Duration)> {
    // Begins between two intervals: right after the last read of one was answered.
    let between = || async {
        let last = proxy.recorded().pop().context("a request")?;
        Ok(word(&last) == QUIET[QUIET.len() - 1] && last.status == Some(200))
    };
    wait_within(PATIENCE, "an interval ends", between).await?;
    proxy.clear();
    definitions.http.clear();
    let began = Instant::now();
    let whole = || async { Ok(proxy.recorded().len() >= INTERVALS * QUIET.len()) };
    wait_within(PATIENCE, "some intervals have passed", whole).await?;
    // An interval begins with the listing.
    let requests = words(proxy);
    Ok((requests, definitions.http.exchanges(), began.elapsed()))
}

#[tokio::test]
async fn a_plan_and_an_agent_that_observes_send_gets_only() -> Result<()> {
    let stack = Stack::shared().await?;
    let worker = &stack.workers()[0];
    let (cluster, proxy) = (Cluster::of(worker), Proxy::start(&worker.url).await?);
    let by_hand = [("connector.class", "FileStreamSource"), ("tasks.max", "1"), ("topic", "elsewhere")];
    let by_hand: Config = by_hand.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let made = || async { cluster.put("observed-there", &by_hand).await.map(|()| true) };
    wait_within(PATIENCE, "a connector is made by hand", made).await?;
    let names = ["observed-missing", "observed-there"];
    let files: Vec<_> = names.map(|name| (file_of(name), file_source(name, ""))).into();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let definitions = Definitions::new(&files).await?;
    let settings =
        format!("{}mode: observe\nselect: {{include: ['observed-*']}}\n", definitions.settings(&proxy.url()));

    let agent = Agent::start(&settings).await?.patient(PATIENCE);
    let series = |name: &str, state: &str| {
        format!("tagalong_connector_sync_state{{connector=\"{name}\",state=\"{state}\"}}")
    };
    agent.wait_for_metric(&series(names[0], "missing"), 1.0).await?;
    agent.wait_for_metric(&series(names[1], "config_drift"), 1.0).await?;
    let asked = || async { Ok(proxy.recorded().len() > 10) };
    wait_within(PATIENCE, "it goes on looking", asked).await?;
    let plan = tagalong().args(["plan", "--detailed-exitcode", "--settings"]).arg(agent.settings()).output();
    let plan = plan.await?;
    let told = format!("{}{}", String::from_utf8_lossy(&plan.stdout), String::from_utf8_lossy(&plan.stderr));
    assert_eq!(plan.status.code(), Some(2), "{told}");
    assert!(names.iter().all(|name| told.contains(name)), "{told}");

    agent.end().await?;
    assert_eq!(proxy.writes().iter().map(word).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(cluster.config("observed-there").await?["topic"], "elsewhere");
    Ok(())
}
