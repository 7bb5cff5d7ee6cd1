//! A tag that is moved again and again while it is fetched: what is told of it, and when it is asked again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::git::repository::Repository;
use tagalong_testkit::http;
use tokio::time::Instant;

use crate::repo_http::address;
use crate::repo_wire::{Play, Scripted};
use crate::support::agent::Agent;
use crate::support::cluster::writes;
use crate::support::definitions::{Definitions, file_of, file_source};

const SECRET: &str = "a word that nobody guesses";

fn state(state: &str) -> String {
    format!("tagalong_repository_state{{repository=\"main\",state=\"{state}\"}}")
}

#[tokio::test]
async fn a_tag_that_does_not_stand_still_is_stale_for_a_named_reason_and_asked_again_soon() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let (to, own) = (address(&definitions.http), definitions.url());
    let settings = definitions.settings(&fake.url(0)).replace("interval: 1s", "interval: 60s");
    let first = definitions.released()?;
    let races = Arc::new(AtomicBool::new(false));
    let definitions = Arc::new(Mutex::new(definitions));
    let (moving, mover) = (Arc::clone(&races), Arc::clone(&definitions));
    let server = Scripted::http(move |request| {
        if request.is_advertisement() && moving.load(Ordering::SeqCst) {
            let mut definitions = mover.lock().expect("nobody panics while holding it");
            let change = file_source("orders", "  batch.size: 7\n");
            definitions.release(&[(&file_of("orders"), &change)]).expect("git moves a tag");
        }
        vec![Play::Forward { to, old: false }]
    })
    .await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("secret");
    std::fs::write(&file, SECRET)?;
    let variables = [("TAGALONG_HTTP__WEBHOOK_SECRET_FILE", &*file.to_string_lossy())];
    let agent = Agent::start_with(&settings.replace(&own, &server.url(Repository::NAME)), &variables).await?;
    agent.wait_for_applied(&first).await?;
    fake.forget();

    races.store(true, Ordering::SeqCst);
    definitions
        .lock()
        .expect("nobody panics while holding it")
        .release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 6\n"))])?;
    let hook = http::client().post(format!("{}/hooks/git", agent.url())).header("x-gitlab-token", SECRET);
    let hook = hook.header("content-type", "application/json").body("{}").send().await?;
    assert_eq!(hook.status().as_u16(), 202);
    agent.wait_for_metric(&state("stale"), 1.0).await?;
    assert_eq!(agent.metric(&state("unreachable")).await?, Some(0.0), "the server answers");
    let status = agent.status().await?;
    let told = &status["repositories"][0];
    assert_eq!((&told["state"], &told["failure"]["class"]), (&"stale".into(), &"superseded".into()));
    let why = "refs/tags/v1 of ";
    let text = told["failure"]["text"].as_str().unwrap_or_default();
    assert!(text.starts_with(why) && text.ends_with("moved while it was being fetched, twice"), "{text}");
    assert!(status["clocks"]["validated"].to_string().contains(&first), "what was good stays in force");
    assert_eq!(writes(&fake), []);
    let line = |line: &&str| line.contains("could not follow the repository");
    let logged = agent.log().lines().find(line).map(serde_json::from_str::<Value>).expect("it is logged")?;
    assert!(logged["error"].to_string().contains("moved while it was being fetched, twice"), "{logged}");
    assert!(logged["hint"].to_string().contains("it is asked for again soon"), "{logged}");

    races.store(false, Ordering::SeqCst);
    let began = Instant::now();
    agent.wait_for_metric(&state("ok"), 1.0).await?;
    assert!(began.elapsed() < Duration::from_secs(40), "the interval is a minute: {:?}", began.elapsed());
    let last = definitions.lock().expect("nobody panics while holding it").released()?;
    agent.wait_for_applied(&last).await
}
