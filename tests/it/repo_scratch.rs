//! The folder of a fetch: gone with an agent that is told to end, and swept where one was killed.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::git::hostile::{Act, Hostile, Phase};
use tagalong_testkit::git::repository::Repository as Origin;

use crate::hostile_git::{begun, said};
use crate::support::agent::{Agent, wait};
use crate::support::definitions::Definitions;

/// The folders for fetches that lie in another.
fn left(scratch: &Path) -> Result<Vec<String>> {
    let names =
        std::fs::read_dir(scratch)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect()
}

#[tokio::test]
async fn an_agent_that_is_told_to_end_in_a_fetch_takes_its_folder_along() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let server = Hostile::http(definitions.http.address()).await?;
    let url = format!("http://{}/{}", server.address(), Origin::NAME);
    let scratch = tempfile::tempdir()?;
    // What another agent left that was killed, and one that was killed while it tidied up.
    for name in ["tagalong-fetch-0", "tagalong-fetch-1"] {
        std::fs::create_dir(scratch.path().join(name))?;
    }
    std::fs::write(scratch.path().join("tagalong-fetch-0/lock"), "")?;
    let settings = definitions.settings(&fake.url(0)).replace(&definitions.url(), &url);
    let settings = format!("{settings}scratch_dir: '{}'\n", scratch.path().display());
    server.turn(&[Phase::Question], &[said("503 Service Unavailable", "", b"")]);
    let agent = Agent::start(&settings.replace("deadline: 10s", "deadline: 60s")).await?;
    let is_tidy = || async { Ok(left(scratch.path())?.is_empty()) };
    wait("what was left is gone before anything is fetched", is_tidy).await?;
    server.turn(&[Phase::Fetch], &[begun(), Act::Hang]);
    let is_there =
        || async { Ok(left(scratch.path())?.iter().any(|name| name.starts_with("tagalong-fetch-"))) };
    wait("a fetch has its folder", is_there).await?;
    wait("it waits for the server", || async { Ok(server.struck() == Some(Phase::Fetch)) }).await?;
    let (status, took) = agent.end().await?;
    assert!(status.success() && took < Duration::from_secs(7), "{status} {took:?}");
    assert_eq!(left(scratch.path())?, Vec::<String>::new());
    Ok(())
}
